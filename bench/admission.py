"""How soon a revoked port is silent under full load, and how long proving all the money takes.

While the road's orders come in, the marketing ports of senders are revoked, one sender after
another. The lag of each is from the moment when its revocation was committed to the last window of
attempts that was committed for it. When all receipts are in, `money verify` goes through every
message.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from assent.flow.verify import verify
from assent.message import Purpose
from assent.store import Store
from bench.installation import Installation, running
from bench.road import Plan, offer, receipts_stored

CUTS: Final = 20
_BEFORE: Final = 0.3
_QUIET_S: Final = 60.0
_REVOKE: Final = (
    "WITH gone AS (UPDATE port SET status = 'revoked' WHERE id = ANY($1) RETURNING id)"
    " SELECT pg_notify('catalogue', count(*)::text) FROM gone"
)
_LAST: Final = (
    "SELECT extract(epoch FROM max(w.at))::float8 AS last, count(*) AS windows,"
    " count(*) FILTER (WHERE w.at > to_timestamp($2)) AS late"
    " FROM attempt_window w JOIN batch b ON b.id = w.batch_id WHERE b.port_id = ANY($1)"
)


async def run(
    plan: Plan, cuts: int = CUTS, place: Path | None = None, tell: Any = print
) -> dict[str, Any]:
    """Measure once: `cuts` revocations during the plan's seconds."""
    plan = replace(plan, world=replace(plan.world, senders=max(plan.world.senders, 2 * cuts)))
    async with running(plan.world, plan.links, plan.seed, plan.delay, place, tell) as one:
        tell(f"offering orders for {plan.seconds:g} s, revoking ports meanwhile")
        offered = asyncio.create_task(offer(one, plan))
        cut = await _cut(one, cuts, plan.seconds)
        told = await offered
        load = one.children.pop("load")
        await load.process.wait()
        await _quiet(one)
        lags = await _lags(one, cut)
        tell("proving the money")
        return lags | await _proof(one) | {"messages": told["accepted"], "cuts": cuts}


async def _cut(one: Installation, cuts: int, seconds: float) -> list[tuple[list[int], float]]:
    """Revoke ports at even intervals; return them with the moment of each commit."""
    connection = await one.connect()
    try:
        rows = await connection.fetch(
            "SELECT sender_id, array_agg(id) AS ports FROM port"
            " WHERE purpose = $1 AND sender_id IS NOT NULL GROUP BY 1 ORDER BY 1",
            int(Purpose.MARKETING),
        )
        await asyncio.sleep(seconds * _BEFORE)
        pause = seconds * (1 - 2 * _BEFORE) / cuts
        cut = []
        for row in rows[:cuts]:
            await connection.execute(_REVOKE, row["ports"])
            cut.append((row["ports"], time.time() + one.offset))
            await asyncio.sleep(pause)
        return cut
    finally:
        await connection.close()


async def _quiet(one: Installation) -> None:
    """Wait until no more receipts come."""
    connection = await one.connect()
    try:
        before, end = -1, time.monotonic() + _QUIET_S
        while time.monotonic() < end:
            stored, _ = await receipts_stored(connection)
            open_windows = await connection.fetchval("SELECT count(*) FROM open_window")
            if stored == before and not open_windows:
                return
            before = stored
            await asyncio.sleep(2.0)
        raise RuntimeError("receipts still come")
    finally:
        await connection.close()


async def _lags(one: Installation, cut: list[tuple[list[int], float]]) -> dict[str, Any]:
    connection = await one.connect()
    try:
        lags, late = [], 0
        for ports, at in cut:
            row = await connection.fetchrow(_LAST, ports, at)
            lags.append(1e3 * max(0.0, (row["last"] or 0.0) - at))
            late += row["late"]
        lags.sort()
        return {
            "lag_ms_p50": round(lags[len(lags) // 2], 1),
            "lag_ms_max": round(lags[-1], 1),
            "windows_after": late,
        }
    finally:
        await connection.close()


async def _proof(one: Installation) -> dict[str, Any]:
    store = await Store.open(one.url)
    try:
        begin = time.perf_counter()
        answer = await verify(store)
        seconds = time.perf_counter() - begin
    finally:
        await store.close()
    counted = {check["check"]: check["counted"] for check in answer["checks"]}
    return {"verified": answer["ok"], "verify_s": round(seconds, 2), "counted": counted}
