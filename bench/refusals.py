"""How soon a refusal counts, under full load: committed, and nothing more on any link.

While the road's orders come in over HTTP, people refuse who are in the queue, in a window or on a
link at that moment. Each is timed from the moment when the carrier has written the bytes of TD (a
little before they are read) to the moment when a session that listens hears of its commit (a little
after it), and to the last message of that sender to that person that arrives at any carrier.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.carriers import CODES_USER
from bench.installation import running
from bench.road import Plan, offer

RATE: Final = 40.0
AHEAD: Final = (0, 4000)
_AFTER: Final = 0.2
_ENTRIES: Final = (
    "SELECT e.position, right(p.msisdn::text, 11) AS person, s.number FROM entry e"
    " JOIN person p ON p.id = e.person_id"
    " JOIN LATERAL (SELECT o.number FROM port o JOIN sender s ON s.id = o.sender_id"
    " WHERE s.group_id = e.group_id AND o.number LIKE '10690___1' LIMIT 1) s ON true"
    " WHERE e.position > $1 AND e.kind = 3"
)


async def run(
    plan: Plan, rate: float = RATE, place: Path | None = None, tell: Any = print
) -> dict[str, Any]:
    """Measure once: `rate` refusals a second during the plan's seconds."""
    ahead = [AHEAD[0], min(AHEAD[1], plan.world.agreed // 4)]
    wanted = {
        "senders": min(5, plan.world.senders), "rate": rate, "ahead": ahead,
        "after": plan.seconds * _AFTER,
    }  # fmt: skip
    async with running(
        plan.world, plan.links, plan.seed, plan.delay, place, tell, refusals=wanted
    ) as one:
        tell(f"offering orders for {plan.seconds:g} s, {rate:g} people refuse each second")
        connection = await one.connect()
        heard: list[tuple[int, int]] = []
        try:
            first = await connection.fetchval("SELECT next - 1 FROM entry_position")
            await connection.add_listener(
                "ledger",
                lambda *said: (
                    heard.append((int(said[3]), time.monotonic_ns())) if said[3].isdigit() else None
                ),
            )
            told = await offer(one, plan)
            await asyncio.sleep(1.0)
            refusals = (await one.carriers_end())["refusals"]
            rows = await connection.fetch(_ENTRIES, first)
        finally:
            await connection.close()
        committed = _committed(rows, sorted(heard))
        return figures(refusals, committed) | {"messages": told["accepted"]}


def _committed(rows: Sequence[Any], heard: list[tuple[int, int]]) -> dict[str, int]:
    """Return when the refusal of each pair was heard to be committed."""
    positions = [position for position, _ in heard]
    found = {}
    for row in rows:
        place = bisect_left(positions, row["position"])
        if place < len(heard):
            found[f"{row['number']} {row['person']}"] = heard[place][1]
    return found


def figures(refusals: dict[str, list[Any]], committed: dict[str, int]) -> dict[str, Any]:
    """Return the percentiles, and what went missing: every refusal has to be committed."""
    took: dict[str, list[float]] = {
        "all": [],
        "by the codes' process": [],
        "by the bulk process": [],
    }
    late, after_commit = [], 0
    missing = 0
    for pair, (written, last, account) in refusals.items():
        if pair not in committed:
            missing += 1
            continue
        ms = (committed[pair] - written) / 1e6
        took["all"].append(ms)
        which = "by the codes' process" if account == CODES_USER else "by the bulk process"
        took[which].append(ms)
        if last > written:
            late.append((last - written) / 1e6)
            after_commit += last > committed[pair]
    silent = [0.0] * (len(took["all"]) - len(late)) + late
    return {
        "refusals": len(refusals),
        "not_committed": missing,
        "to_commit_ms": {name: _percentiles(some) for name, some in took.items()},
        "to_silence_ms": _percentiles(silent),
        "messages_after_the_word": len(late),
        "of_them_ms": _percentiles(late),
        "messages_after_the_commit": after_commit,
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    if not ordered:
        return {}
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p99": round(ordered[int(len(ordered) * 0.99)], 1),
        "max": round(ordered[-1], 1),
    }
