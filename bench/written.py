"""Finding one person's messages among a million: by segments, and batch by batch as before them.

Batches of 250 people each lie over 30 days. Timed: building all segments, then look-ups of people
drawn at random, with everything in segments and with nothing.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np

from assent.clock import ManualClock
from assent.flow.columns import U32, pack
from assent.flow.indexing import EVERY_S, Indexing
from assent.flow.needs import utc
from assent.flow.written import batches_of
from assent.message import batch_id
from assent.store import Store, embedded
from assent.store.migrate import migrate

NOW: Final = 1_795_320_000.0
_DAYS: Final = 30
_EACH: Final = 250


@dataclass(frozen=True)
class Plan:
    """`messages` to `people`, and how many look-ups are timed."""

    messages: int = 1_000_000
    people: int = 200_000
    looks: int = 200
    plain_looks: int = 20


async def run(plan: Plan | None = None, place: Path | None = None) -> dict[str, Any]:
    """Return the figures."""
    plan = plan or Plan()
    directory = _directory(place)
    engine = await embedded.start(directory / "postgresql")
    try:
        await migrate(engine.dsn, at=utc(NOW - 40 * 86_400))
        store = await Store.open(engine.dsn)
        try:
            await _fill(engine.dsn, store, plan)
            return await _measure(engine.dsn, store, plan)
        finally:
            await store.close()
    finally:
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


def _directory(place: Path | None) -> Path:
    """Make a directory that PostgreSQL's user may pass through."""
    made = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    made.chmod(0o711)
    return made


async def _fill(dsn: str, store: Store, plan: Plan) -> None:
    await store.fetchval("ensure_partitions", utc(NOW - 40 * 86_400), 4)
    random = np.random.default_rng(1)
    count = plan.messages // _EACH
    begin, step = NOW - _DAYS * 86_400, _DAYS * 86_400 / count
    octets = b"\1" * _EACH
    rows = []
    for place in range(count):
        at = begin + place * step
        people = random.integers(1, plan.people, _EACH).astype(np.uint32)
        rows.append(
            (batch_id(int(at * 1000), place % 2_048), 1, 1, 1, 1, 1, 1, 0, 3, "mobile", _EACH, 0, 0,
             utc(at), utc(at), "text", pack(people, U32), octets * 4, octets * 2, octets, utc(at))
        )  # fmt: skip
    connection = await asyncpg.connect(dsn)
    await connection.copy_records_to_table(
        "batch", records=rows,
        columns=["id", "submission_id", "account_id", "sender_id", "group_id", "programme_id",
                 "port_id", "template_id", "purpose", "carrier", "n", "position", "price",
                 "not_before", "expires_at", "content", "people", "rows", "zones", "segments",
                 "accepted_at"],
    )  # fmt: skip
    await connection.execute("VACUUM ANALYZE batch")
    await connection.close()


async def _measure(dsn: str, store: Store, plan: Plan) -> dict[str, Any]:
    plain = await _looks(store, plan, plan.plain_looks)
    clock = ManualClock(NOW)
    indexing = Indexing(store, clock)
    began = time.perf_counter()
    while await indexing.step():
        pass
    clock.advance(EVERY_S)
    while await indexing.step():
        pass
    built = time.perf_counter() - began
    sorted_ = await _looks(store, plan, plan.looks)
    connection = await asyncpg.connect(dsn)
    size = await connection.fetchval("SELECT pg_total_relation_size('written_segment')")
    await connection.close()
    return {
        "messages": indexing.pairs,
        "build_s": built,
        "bytes_a_message": size / indexing.pairs,
        "batch_by_batch": plain,
        "by_segments": sorted_,
        "times_faster": plain["median_ms"] / sorted_["median_ms"],
    }


async def _looks(store: Store, plan: Plan, count: int) -> dict[str, float]:
    low, high = batch_id(int((NOW - 180 * 86_400) * 1000), 0), batch_id(int(NOW * 1000), 0)
    random = np.random.default_rng(2)
    times = []
    for person in random.integers(1, plan.people, count).tolist():
        began = time.perf_counter()
        await batches_of(store, person, low, high)
        times.append((time.perf_counter() - began) * 1000)
    return {"median_ms": float(np.median(times)), "most_ms": max(times)}
