"""End to end: an HTTP order accepted durably, judged, charged, sent, answered, its receipt stored.

Everything is on: policy, money, an own text for each message, 50 senders, 3 carriers, a million
stored refusals, seven days of cap claims, receipts spread over seconds, fsync. The load
generator, the carriers, the two workers and PostgreSQL are processes of their own, all on this
machine. The clock runs from before the first request to the last receipt stored.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.installation import Installation, Links, running
from bench.processes import Cost, spent
from bench.world import Size

_SETTLE_S: Final = 120.0
_MOST_A_SECOND: Final = 35_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. `seconds`: how long orders are offered. `size` receivers an order, of whom
    `wrong` have refused; `flights` orders at once; `backlog` accepted and not yet attempted;
    `delay` of receipts (least, most); `look_s`: how often the end is looked for."""

    seconds: float = 60.0
    world: Size = field(default_factory=Size)
    links: Links = field(default_factory=Links)
    size: int = 1000
    wrong: int = 20
    flights: int = 4
    backlog: int = 40_000
    delay: tuple[float, float] = (1.0, 5.0)
    look_s: float = 1.0
    seed: int = 1

    @classmethod
    def of(cls, seconds: float, quick: bool, seed: int = 1) -> Plan:
        """Return a plan with people enough for that many seconds; `quick` is a tiny one."""
        if quick:
            world = Size(senders=3, people=4_000, agreed=900, refused=300, claims=100)
            return cls(seconds, world, Links(2, 16), 100, 5, 4, 5_000, (0.1, 0.5), 0.2, seed)
        each = max(5_000, int(seconds * _MOST_A_SECOND) // Size().senders)
        people = max(600_000, 3 * each)
        return cls(seconds, Size(people=people, agreed=each, claims=min(4_000, each // 8)))


async def receipts_stored(connection: Any) -> tuple[int, float]:
    """Count the receipts that are durable and matched; return when the last was stored, too."""
    row = await connection.fetchrow(
        "SELECT coalesce(sum(length(states)), 0), extract(epoch FROM max(at)) FROM receipt_log"
    )
    return int(row[0]), float(row[1] or 0.0)


async def offer(one: Installation, plan: Plan) -> dict[str, Any]:
    """Offer orders as long as the plan says; return the load generator's account."""
    given = {
        "seconds": plan.seconds,
        "size": plan.size,
        "wrong": plan.wrong,
        "flights": plan.flights,
        "backlog": plan.backlog,
        "seed": plan.seed,
    }
    load = await one.load("orders", given)
    return await load.line(plan.seconds + _SETTLE_S)


async def _last_receipt(one: Installation, plan: Plan, told: dict[str, Any]) -> float:
    """Wait until every accepted message has its receipt stored; return seconds since the start."""
    connection = await one.connect()
    try:
        end = time.monotonic() + _SETTLE_S
        stored, at = await receipts_stored(connection)
        while stored < told["accepted"]:
            if time.monotonic() > end:
                raise RuntimeError(f"{told['accepted']} accepted, {stored} receipts stored")
            await asyncio.sleep(plan.look_s)
            stored, at = await receipts_stored(connection)
        # Rows bear the time of the installation's shifted clock; ours began on the monotonic one.
        began = time.time() - (time.monotonic_ns() - int(told["first_ns"])) / 1e9
        return at - one.offset - began
    finally:
        await connection.close()


async def run(plan: Plan, place: Path | None = None, tell: Any = print) -> dict[str, Any]:
    """Measure the road once."""
    async with running(plan.world, plan.links, plan.seed, plan.delay, place, tell) as one:
        tell(f"offering orders for {plan.seconds:g} s")
        before, stages_before = one.cost(), await one.stages()
        told = await offer(one, plan)
        seconds = await _last_receipt(one, plan, told)
        stages, after = await one.stages(), one.cost()
        memory = one.memory_mb()
        load = one.children.pop("load")
        await load.process.wait()
        used = spent(before, Cost({k: after.by_name[k] for k in before.by_name}, after.machine))
        used["load generator"] = told["cpu_s"]
        used["others"] -= told["cpu_s"]
        sizes = await _database(one)
        result = account(told, seconds, used, stages_before, stages)
        result["memory_mb"] = memory
        result["database"] = sizes
        result["carriers"] = {
            name: {key: counts[key] for key in ("submits", "receipts_acknowledged", "redelivered")}
            for name, counts in (await one.carriers_end())["carriers"].items()
        }
        return result


async def _database(one: Installation) -> dict[str, Any]:
    connection = await one.connect()
    try:
        counts = dict(
            await connection.fetchrow(
                "SELECT (SELECT count(*) FROM refusal) AS refusals,"
                " (SELECT count(*) FROM standing) AS standings,"
                " (SELECT sum(length(people)) / 4 FROM cap_claim) AS claims,"
                " (SELECT count(*) FROM batch) AS batches,"
                " (SELECT count(*) FROM attempt_window) AS windows,"
                " (SELECT count(*) FROM window_result) AS results,"
                " (SELECT count(*) FROM receipt_log) AS receipt_rows,"
                " (SELECT count(*) FROM receipt_parked) AS parked,"
                " (SELECT count(*) FROM queue) AS queued,"
                " current_setting('fsync') AS fsync"
            )
        )
        body = await connection.fetchval("SELECT body FROM process_health WHERE role = 'bulk'")
        links = json.loads(body)["links"]
        for name in ("submitted", "writes"):
            counts[name] = sum(link[name] for link in links)
        return counts
    finally:
        await connection.close()


def account(
    told: dict[str, Any],
    seconds: float,
    used: dict[str, float],
    before: dict[str, Any],
    after: dict[str, Any],
) -> dict[str, Any]:
    """Work out the figures of a run."""
    messages = told["accepted"]
    by_stage: dict[str, dict[str, float]] = {}
    for role, now in after.items():
        tasks = {
            name: value - before[role]["tasks"].get(name, 0.0)
            for name, value in now["tasks"].items()
        }
        total = now["cpu"] - before[role]["cpu"]
        big = {name: value for name, value in tasks.items() if value > 0.01 * total}
        big["links, sockets and the rest"] = total - sum(big.values())
        by_stage[role] = {
            name: round(1e6 * value / messages, 2)
            for name, value in sorted(big.items(), key=lambda pair: -pair[1])
        }
    return {
        "messages": messages,
        "rejected": sum(told["reasons"].values()),
        "orders": told["orders"],
        "seconds": round(seconds, 2),
        "messages_per_second": round(messages / seconds),
        "offered_s": round(told["offered_s"], 2),
        "exhausted": told["exhausted"],
        "order_ms_p50": round(told["order_ms_p50"], 1),
        "order_ms_p99": round(told["order_ms_p99"], 1),
        "cpu_us_per_message": {
            name: round(1e6 * value / messages, 2) for name, value in used.items()
        },
        "cpu_us_by_stage": by_stage,
    }
