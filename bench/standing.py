"""Who stands where, at a hundred million consents: memory, rebuilding, look-ups, following.

Programmes' sizes fall as a power law. Two in five programmes run without end, two in five to a few
dates, and in one of five everybody's standing ends at a second of its own. Rows come in no order.
Timed in memory: filling the sets from portions of a million rows (making the rows is not). Timed
from PostgreSQL: `Live.load`, which is what a process does at its start, of the table `standing`;
and, of a part, the plain way of a row at a time.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np
import numpy.typing as npt

from assent.consent.filling import Filling
from assent.consent.packing import pack
from assent.consent.sets import StandingSet
from assent.flow.catalogue import Catalogue
from assent.flow.live import Live
from assent.store import Store, embedded
from assent.store.migrate import migrate
from bench.rows import copy, micros

WHOLE: Final = 100_000_000
NOW: Final = 1_800_000_000
_PORTION: Final = 1_000_000
_POPULATION: Final = 67_108_859
"""A prime: who stands in a programme is an arithmetic progression modulo it."""
_PLAIN_ROWS: Final = 300_000
_PLAINLY: Final = (
    "SELECT person_id, grade, coalesce(floor(extract(epoch FROM until))::bigint, 0), fresh"
    " FROM standing WHERE programme_id = 1 LIMIT $1"
)


@dataclass(frozen=True)
class Plan:
    """`consents` in memory, `stored` in PostgreSQL."""

    consents: int = WHOLE
    programmes: int = 10_000
    stored: int = 10_000_000


class World:
    """Rows of `total` consents in `programmes` programmes."""

    def __init__(self, total: int, programmes: int, seed: int = 1) -> None:
        weights = 1 / np.arange(1, programmes + 1)
        sizes = np.maximum(np.floor(total * weights / weights.sum()), 1).astype(np.int64)
        sizes[0] += total - int(sizes.sum())
        self.sizes = sizes
        self._ends = np.cumsum(sizes)
        self.total = int(self._ends[-1])
        rng = np.random.default_rng(seed)
        self._step = rng.integers(1, _POPULATION, programmes)
        self._begin = rng.integers(0, _POPULATION, programmes)

    def portions(self) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Yield programmes, people, grades and ends, a million at a time, in no order."""
        stride = 61_803_399
        while self.total % stride == 0 or np.gcd(stride, self.total) != 1:
            stride += 2
        for start in range(0, self.total, _PORTION):
            count = min(_PORTION, self.total - start)
            yield self._rows((np.arange(start, start + count) * stride) % self.total)

    def _rows(self, places: npt.NDArray[np.int64]) -> tuple[npt.NDArray[Any], ...]:
        which = np.searchsorted(self._ends, places, side="right")
        rank = places - (self._ends - self.sizes)[which]
        people = (self._begin[which] + rank * self._step[which]) % _POPULATION + 1
        kind = which % 5
        dates = NOW + 86_400 * (30 + rank % 7 * 30)
        own = NOW + (rank * 7_919) % (2 * 31_536_000)
        ends = np.where(kind < 2, 0, np.where(kind < 4, dates, own))
        return which + 1, people, 1 + people % 3, ends

    def people(self, programme: int, count: int) -> npt.NDArray[np.uint32]:
        """Return people of the population, some of whom stand in a programme."""
        rng = np.random.default_rng(programme)
        return rng.integers(1, _POPULATION, count).astype(np.uint32)


async def run(plan: Plan | None = None, place: Path | None = None) -> dict[str, Any]:
    """Measure; PostgreSQL's data lies below `place` (default: the temporary directory)."""
    plan = plan or Plan()
    found: dict[str, Any] = {"in memory": _in_memory(plan)}
    gc.collect()
    found["from PostgreSQL"] = await _from_postgresql(plan, place)
    return found


def _in_memory(plan: Plan) -> dict[str, Any]:
    world = World(plan.consents, plan.programmes)
    counts = dict(enumerate(world.sizes.tolist(), start=1))
    before, took, cpu = _resident(), 0.0, 0.0
    _forget_peak()
    begin = time.perf_counter()
    filling, standings = Filling(counts), StandingSet()
    took += time.perf_counter() - begin
    for programmes, people, grades, ends in world.portions():
        begin, used = time.perf_counter(), time.process_time()
        packed = pack(len(people), grades, ends, False)
        filling.add(programmes, people.astype(np.uint32), packed)
        took, cpu = took + time.perf_counter() - begin, cpu + time.process_time() - used
    begin, used = time.perf_counter(), time.process_time()
    filling.finish(standings)
    took, cpu = took + time.perf_counter() - begin, cpu + time.process_time() - used
    gc.collect()
    after, peak = _resident(), _resident("VmHWM")
    return {
        "consents": world.total,
        "programmes": plan.programmes,
        "largest": int(world.sizes[0]),
        "mb": round((after - before) / 1e6, 1),
        "mb_at_peak": round((peak - before) / 1e6, 1),
        "mb_of_arrays": round(standings.nbytes / 1e6, 1),
        "bytes_a_consent": round((after - before) / world.total, 2),
        "fill_s": round(took, 2),
        "fill_cpu_s": round(cpu, 2),
        **_look_ups(standings, world),
        **_following(standings, world),
    }


def _look_ups(standings: StandingSet, world: World) -> dict[str, Any]:
    """Return microseconds a look-up in the largest programme, and in a small one."""
    found: dict[str, Any] = {}
    for name, programme in (("largest", 1), ("median", len(world.sizes) // 2)):
        for count, times in ((1, 5_000), (1_000, 300), (1_000_000, 3)):
            who = world.people(programme, count)
            begin = time.perf_counter()
            for _ in range(times):
                standings.lookup_fresh(programme, who, NOW)
            spent = (time.perf_counter() - begin) / times
            found[f"look-up of {count:,} in the {name}, us"] = round(spent * 1e6, 1)
    return found


def _following(standings: StandingSet, world: World) -> dict[str, Any]:
    """Return what single changes cost: joining the largest programme, leaving all of them."""
    joining = world.people(3, 2_000)
    begin = time.perf_counter()
    for place in range(len(joining)):
        standings.add(1, joining[place : place + 1], 3)
    middle = time.perf_counter()
    for place in range(20):
        for programme in standings.programmes():
            standings.remove(programme, joining[place : place + 1])
    end = time.perf_counter()
    return {
        "one joins the largest, us": round((middle - begin) / len(joining) * 1e6, 1),
        "one leaves every programme, ms": round((end - middle) / 20 * 1e3, 1),
    }


async def _from_postgresql(plan: Plan, place: Path | None) -> dict[str, Any]:
    directory = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    directory.chmod(0o711)  # noqa: ASYNC240  nothing else runs yet
    engine = await embedded.start(directory / "postgresql")
    try:
        await migrate(engine.dsn, at=datetime.fromtimestamp(NOW, UTC))
        world = World(plan.stored, plan.programmes)
        await _store(engine.dsn, world)
        store = await Store.open(engine.dsn)
        try:
            return await _load(engine.dsn, store, world)
        finally:
            await store.close()
    finally:
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


async def _store(dsn: str, world: World) -> None:
    """Fill the table `standing`; its keys are made afterwards, which is quicker."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(
            "ALTER TABLE standing DROP CONSTRAINT standing_pkey; DROP INDEX standing_person"
        )
        for programmes, people, grades, ends in world.portions():
            columns: dict[str, npt.NDArray[Any]] = {
                "programme_id": programmes.astype(np.int32),
                "person_id": people.astype(np.int32),
                "grade": grades.astype(np.int16),
                "position": np.ones(len(people), np.int64),
                "fresh": np.zeros(len(people), np.bool_),
            }
            for some, until in ((ends == 0, False), (ends != 0, True)):
                rows = {name: column[some] for name, column in columns.items()}
                if until:
                    rows["until"] = (ends[some] - NOW) * 1_000_000 + micros(NOW)
                await copy(connection, "standing", rows)
        await connection.execute("ALTER TABLE standing ADD PRIMARY KEY (programme_id, person_id)")
        await connection.execute("CREATE INDEX standing_person ON standing (person_id)")
        await connection.execute("VACUUM ANALYZE standing")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def _load(dsn: str, store: Store, world: World) -> dict[str, Any]:
    live = Live(Catalogue())
    gc.collect()
    before = _resident()
    _forget_peak()
    begin, used = time.perf_counter(), time.process_time()
    await live.load(store)
    took, cpu = time.perf_counter() - begin, time.process_time() - used
    after, peak = _resident(), _resident("VmHWM")
    counted = sum(live.standings.count(number) for number in live.standings.programmes())
    assert counted == world.total, "everybody that is stored stands"
    plain = await _plainly(dsn)
    return {
        "consents": world.total,
        "load_s": round(took, 2),
        "load_own_cpu_s": round(cpu, 2),
        "mb": round((after - before) / 1e6, 1),
        "mb_at_peak": round((peak - before) / 1e6, 1),
        "a row at a time, us a consent": round(plain * 1e6, 2),
        "so, us a consent": round(took / world.total * 1e6, 2),
        "ratio": round(plain / (took / world.total), 1),
        f"for {WHOLE:,} at this rate, s": round(took / world.total * WHOLE, 1),
    }


async def _plainly(dsn: str) -> float:
    """Return seconds a consent where each is a row of the driver's."""
    connection = await asyncpg.connect(dsn)
    try:
        begin = time.perf_counter()
        rows: list[Any] = await connection.fetch(_PLAINLY, _PLAIN_ROWS)
        columns = [np.array([row[place] for row in rows]) for place in range(4)]
        return (time.perf_counter() - begin) / len(columns[0])
    finally:
        await connection.close()


def _resident(which: str = "VmRSS") -> int:
    """Return bytes of memory that this process has, or had at most."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{which}:"):
            return int(line.split()[1]) * 1024
    return 0


def _forget_peak() -> None:
    """Let the kernel count the peak from now on."""
    Path("/proc/self/clear_refs").write_text("5")
