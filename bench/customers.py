"""One customer's own software, bound over SMPP with one window: submits answered a second.

A submit is answered when it is on disk. The customer is the bare sender of smpp_bare.py: one
connection, its window always full, receipts asked for, each acknowledged. Behind the platform's
server stands a whole installation: front and bulk processes, PostgreSQL with fsync, simulated
carriers that report every message. The baseline is the same sender against the bare sink, just
before. Everybody is written to once, as the cap on marketing wants it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.installation import Child, Installation, Links, running
from bench.processes import Cost, spent
from bench.smpp_bare import TEXT
from bench.world import LOGIN, Size

WORKS: Final = (("one text", False, 200), ("own texts", True, 200), ("own texts", True, 50))
_MOST_A_SECOND: Final = 20_000
_PATIENCE_S: Final = 120.0
_DELIVERED: Final = "2"


@dataclass(frozen=True)
class Plan:
    """What to run: `seconds` of submits, `pairs` times each work; `delay` of receipts."""

    seconds: float = 5.0
    pairs: int = 3
    delay: tuple[float, float] = (0.2, 1.0)
    world: Size = field(default_factory=Size)
    seed: int = 1

    @classmethod
    def of(cls, seconds: float, quick: bool) -> Plan:
        """Return a plan with people enough for that many seconds; `quick` is a tiny one."""
        pairs = 1 if quick else cls.pairs
        each = 2_000 if quick else int(seconds * _MOST_A_SECOND)
        agreed = each * pairs * len(WORKS)
        world = Size(1, agreed + 10_000, agreed, 1_000, 100 if quick else 4_000)
        return cls(seconds, pairs, (0.1, 0.5) if quick else cls.delay, world)

    @property
    def each(self) -> int:
        """How many people a run may write to."""
        return self.world.agreed // (self.pairs * len(WORKS))


async def run(plan: Plan, place: Path | None = None, tell: Any = print) -> dict[str, Any]:
    """Measure bare sink and platform in turns, for each work."""
    sink = await Child.start("bench.smpp_bare", "sink", given={}, environment={})
    try:
        links = Links(customers=True, metered=False)
        async with running(plan.world, links, plan.seed, plan.delay, place, tell) as one:
            bare, ours = (await sink.line(20.0))["port"], await _port(one)
            result, first = {}, 0
            for name, own, window in WORKS:
                tell(f"{name}, window {window}")
                pairs = []
                for _ in range(plan.pairs):
                    given = _given(own, window, plan.seconds)
                    base = await _send(given | {"port": bare}, plan.seconds)
                    some = {"people": str(one.people), "first": first, "last": first + plan.each}
                    pairs.append((base, await _measured(one, given | some | {"port": ours})))
                    first += plan.each
                result[f"{name}, window {window}"] = _compare(pairs)
            return result
    finally:
        await sink.stop()


def _given(own: bool, window: int, seconds: float) -> dict[str, Any]:
    return {
        "window": window,
        "seconds": seconds,
        "own": own,
        "reports": 1,
        "connections": 1,
        "user": "login0",
        "secret": LOGIN["secret"],
        "source": "106900001",
        "text": TEXT,
        "patience": _PATIENCE_S,
    }


async def _port(one: Installation) -> int:
    """Return where the platform serves SMPP customers."""
    connection = await one.connect()
    try:
        body = await connection.fetchval("SELECT body FROM process_health WHERE role = 'front'")
        return int(json.loads(body)["customers"]["server"]["ports"]["smpp"])
    finally:
        await connection.close()


async def _send(given: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Let a sender do its work; return what it said, and under `end` what it said last."""
    child = await Child.start("bench.smpp_bare", "sender", given=given, environment={})
    try:
        told = await child.line(seconds + 60)
        end = await child.line(_PATIENCE_S + 10)
    finally:
        await child.stop()
    return told | {"end": end}


async def _measured(one: Installation, given: dict[str, Any]) -> dict[str, Any]:
    """The same, with what it cost."""
    before = one.cost()
    told = await _send(given, given["seconds"])
    after = one.cost()
    used = spent(before, Cost({k: after.by_name[k] for k in before.by_name}, after.machine))
    used["customer"] = told["end"]["cpu_s"]
    used["others"] = max(0.0, used["others"] - used["customer"])
    delivered = told["end"]["states"].get(_DELIVERED, 0)
    if told["refused"] or delivered != told["messages"] or told["end"]["receipts"] != delivered:
        raise RuntimeError(f"not everything was delivered once: {told}")
    return told | {"used": used}


def _compare(pairs: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Work out the figures of one work."""

    def middle(name: str, some: list[dict[str, Any]]) -> float:
        return float(median(one[name] for one in some))

    for told in (one for pair in pairs for one in pair):
        told["per_s"] = told["messages"] / told["seconds"]
        told["told_per_s"] = told["messages"] / told["end"]["seconds"]
        told["receipts_s"] = told["end"]["seconds"] - told["seconds"]
    bare, ours = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    last = sorted(ours, key=lambda one: float(one["per_s"]))[len(ours) // 2]
    return {
        "submits_per_s": round(middle("per_s", ours)),
        "submits_per_s_all": [round(one["per_s"]) for one in ours],
        "bare_per_s": round(middle("per_s", bare)),
        "ratio": round(median(b["per_s"] / a["per_s"] for a, b in pairs), 3),
        "answer_ms_p50": round(middle("ms_p50", ours), 2),
        "answer_ms_p99": round(middle("ms_p99", ours), 2),
        "last_receipt_after_s": round(middle("receipts_s", ours), 2),
        "told_of_per_s": round(middle("told_per_s", ours)),
        "cpu_us_per_message": {
            name: round(1e6 * value / last["messages"], 2) for name, value in last["used"].items()
        },
    }
