"""Builds the segments by which a person's messages are found (written.py): later, beside traffic.

A segment is a range of batch ids: pairs (person, batch) in the order of people, some hundred a row.
The next one begins where the last ended, and ends some minutes ago, when every batch with an id of
then has committed. Small ones are merged, so that a look-up reads a row or two of each day or so.
It holds person ids and batch ids only. A crash leaves whole segments: range and progress are
written in one transaction, under a lock.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.columns import U32, U64, pack, unpack
from assent.flow.needs import Store, Transaction, utc
from assent.message import batch_id

MONTHS: Final = 7
"""How far back there are segments; what is shown goes back six."""
BEHIND_S: Final = 900.0
"""An order is stored long before this, or not at all."""
EVERY_S: Final = 3_600.0
BATCHES: Final = 500
MERGED: Final = 24
PAIRS: Final = 512
_BETWEEN_S: Final = 0.5
_LOOK_S: Final = 60.0
_MONTH_S: Final = 30 * 86_400.0

Pairs = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64]]


class Indexing:
    """Run :meth:`step` now and then."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.pairs = 0
        self.last_error = ""

    async def run(self) -> None:
        """Build for ever; what fails is done the next time."""
        while True:
            more = False
            try:
                more = await self.step()
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            await asyncio.sleep(_BETWEEN_S if more else _LOOK_S)

    async def step(self) -> bool:
        """Build the next segment or merge some; return whether there may be more to do."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if not await tx.fetchval("written_lock"):
                return False
            built = await self._build(tx, now)
            merged = await self._merge(tx)
            await tx.execute("written_forget", batch_id(int((now - MONTHS * _MONTH_S) * 1000), 0))
        return built or merged

    async def _build(self, tx: Transaction, now: float) -> bool:
        row = await tx.fetchrow("written_to")
        if row is None:
            begin = batch_id(int((now - MONTHS * _MONTH_S) * 1000), 0)
            await tx.execute("written_begin", begin, utc(now - EVERY_S))
            row = await tx.fetchrow("written_to")
            assert row is not None, "it was just made"
        end = batch_id(int((now - BEHIND_S) * 1000), 0)
        rows = await tx.fetch("written_batches", row["upto"], end, BATCHES)
        full = len(rows) == BATCHES
        if not full and now - row["at"].timestamp() < EVERY_S:
            return False
        if full:
            end = rows[-1]["id"] + 1
        pairs = _pairs(rows)
        await self._put(tx, row["upto"], end, 0, pairs)
        await tx.execute("written_up_to", end, utc(now))
        self.pairs += len(pairs[0])
        return full

    async def _merge(self, tx: Transaction) -> bool:
        ranges = await tx.fetch("written_small", MERGED)
        if len(ranges) < MERGED:
            return False
        low, high = ranges[0]["low"], ranges[-1]["high"]
        rows = await tx.fetch("written_take", low, high)
        people = np.concatenate([unpack(row["people"], U32) for row in rows])
        batches = np.concatenate([unpack(row["batches"], U64) for row in rows])
        await self._put(tx, low, high, 1, _sorted(people, batches))
        return True

    async def _put(self, tx: Transaction, low: int, high: int, level: int, pairs: Pairs) -> None:
        people, batches = pairs
        if not len(people):
            return
        parts = range(0, len(people), PAIRS)
        await tx.execute(
            "written_put", low, high, level,
            [int(people[start]) for start in parts],
            [int(people[min(start + PAIRS, len(people)) - 1]) for start in parts],
            [pack(people[start : start + PAIRS], U32) for start in parts],
            [pack(batches[start : start + PAIRS], U64) for start in parts],
        )  # fmt: skip


def _pairs(rows: list[Any]) -> Pairs:
    people = [unpack(row["people"], U32) for row in rows]
    if not people:
        return np.zeros(0, np.uint32), np.zeros(0, np.uint64)
    counts = [len(one) for one in people]
    ids = np.array([row["id"] for row in rows], np.uint64)
    return _sorted(np.concatenate(people), np.repeat(ids, counts))


def _sorted(people: npt.NDArray[np.uint32], batches: npt.NDArray[np.uint64]) -> Pairs:
    order = np.lexsort((batches, people))
    return people[order], batches[order]
