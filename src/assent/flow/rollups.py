"""Counts an hour, kept from the outbox and the ledger.

What is counted of a batch, a complaint and a refusal is kept beside the counts, and changes in the
same transaction as they and the place up to which was read. So a crash loses and doubles nothing,
an event may be read again, and a recount from the rows (rollup_recount.py) comes to the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.columns import U8, U64, unpack, unpack_object
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.rollup_board import (
    END_OF_STATE,
    Board,
    Ints,
    failed_by_receipts,
    refused_by_answers,
)
from assent.flow.rollup_counts import COMPLAINED, REFUSED, Counts, columns, place_of
from assent.flow.rollup_refusals import refused, rows_of
from assent.message import batch_id

CURSOR: Final = "rollups"
LEDGER_CURSOR: Final = "rollups_ledger"
KINDS: Final = ["submission", "result", "receipt", "message", "complaint"]
_AT_ONCE: Final = 1_000
_ENTRIES: Final = 20_000
_PAUSE_S: Final = 0.25
MONTHS: Final = 25
"""How long hours are kept: two years and the month in which they are compared."""
_MONTH_S: Final = 30 * 86_400.0
_DAY_S: Final = 86_400.0


@dataclass(slots=True)
class _Told:
    """What some events tell of."""

    batches: list[int] = field(default_factory=list)
    results: list[list[int]] = field(default_factory=list)
    receipts: list[int] = field(default_factory=list)
    messages: list[Ints] = field(default_factory=list)
    ends: list[Any] = field(default_factory=list)
    complaints: list[int] = field(default_factory=list)

    def take(self, event: Any) -> None:
        """Read one."""
        kind = event["kind"]
        if kind == "complaint":
            self.complaints.append(event["subject"])
            return
        payload = unpack_object(event["payload"])
        if kind == "submission":
            self.batches += payload["batches"]
        elif kind == "result":
            self.results += payload
        elif kind == "receipt":
            self.receipts += payload
        else:
            ends = END_OF_STATE[unpack(payload["states"], U8)]
            over = ends > 0
            if over.any():
                self.messages.append(unpack(payload["ids"], U64)[over].astype(np.int64))
                self.ends.append(ends[over])


class Rollups:
    """Counts. One process runs it; a second one would only wait. `steps`: how often anything was
    counted; `looked_at`: when all was counted that there was, last."""

    def __init__(self, store: Store, clock: Clock, months: int = MONTHS) -> None:
        self._store = store
        self._clock = clock
        self._months = months
        self._forget_at = 0.0
        self._seen: tuple[int, int] | None = None
        self.steps = 0
        self.looked_at = 0.0
        self.last_error = ""

    async def run(self) -> None:
        """Count for ever, at most a moment behind."""
        while True:
            more, begun = False, self._clock.now()
            try:
                more = await self.step()
                if self._clock.now() >= self._forget_at:
                    await self.forget()
                    self._forget_at = self._clock.now() + _DAY_S
                if not more:
                    self.looked_at = begun
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            if not more:
                await asyncio.sleep(_PAUSE_S)

    async def step(self) -> bool:
        """Count what is new; return whether there may be more at once."""
        events = await self._events()
        return await self._ledger() or events

    async def finish(self) -> None:
        """Count whatever was committed before the call."""
        while await self.step():
            pass
        await self._ledger()  # the first look only notes how far the ledger was
        while await self._ledger():
            pass

    async def forget(self) -> None:
        """Forget hours of longer ago than they are kept, and what was counted in them."""
        before = kept_since(self._clock.now(), self._months)
        async with self._store.transaction() as tx:
            await tx.execute("rollup_lock")
            hours = utc(0.0), utc(before)
            await tx.execute("rollup_forget_hours", *hours)
            await tx.execute("rollup_forget_failures", *hours)
            await tx.execute("rollup_forget_complaints", *hours)
            await tx.execute("rollup_forget_refusals", *hours, [])
            await tx.execute("rollup_forget_batches", batch_id(int(before * 1000), 0))

    # Events ---------------------------------------------------------------------------------

    async def _events(self) -> bool:
        cursor = await self._store.fetchval("cursor_get", CURSOR) or 0
        if not await self._store.fetch("events_after", cursor, KINDS, 1):
            return False  # and nothing is written while nothing happens
        async with self._store.transaction() as tx:
            await tx.execute("rollup_lock")
            cursor = await tx.fetchval("cursor_hold", CURSOR)
            events = await tx.fetch("events_after", cursor, KINDS, _AT_ONCE)
            if not events:
                return False
            told = _Told()
            for event in events:
                told.take(event)
            counts = Counts()
            await self._messages(tx, told, counts)
            await complaints(tx, sorted(set(told.complaints)), counts)
            await counts.store(tx)
            await tx.execute("cursor_set", CURSOR, events[-1]["seq"])
        self.steps += 1
        return len(events) == _AT_ONCE

    @staticmethod
    async def _messages(tx: Transaction, told: _Told, counts: Counts) -> None:
        pairs = [p[0] for p in told.results], [p[1] for p in told.results]
        results = await tx.fetch("rollup_results", *pairs) if told.results else []
        receipts = await tx.fetch("rollup_receipts", told.receipts) if told.receipts else []
        failures = refused_by_answers(results), failed_by_receipts(receipts)
        touched = np.unique(
            np.concatenate(
                [
                    np.array(told.batches, np.int64),
                    *(messages >> 10 for messages, _ in failures),
                    *(messages >> 10 for messages in told.messages),
                ]
            )
        )
        if not len(touched):
            return
        board = Board(await tx.fetch("rollup_batches", touched.tolist()))
        for messages, codes in failures:
            board.fail(messages, codes)
        if told.messages:
            board.end(np.concatenate(told.messages), np.concatenate(told.ends))
        rows = board.settle(counts)
        if rows:
            await tx.execute("rollup_batches_put", *columns(rows))

    # The ledger -----------------------------------------------------------------------------

    async def _ledger(self) -> bool:
        """Count refusals. The messages before one are known for certain once every transaction has
        ended that ran when the refusal was seen first, so it is counted at the next look."""
        moment = await self._store.fetchrow("rollup_moment")
        assert moment is not None, "it is one row"
        cursor = await self._store.fetchval("cursor_get", LEDGER_CURSOR) or 0
        seen = self._seen
        if seen is None or moment["running"] >= seen[1]:
            self._seen = (moment["head"], moment["upto"])
        if seen is None or moment["running"] < seen[1] or seen[0] <= cursor:
            return False
        async with self._store.transaction() as tx:
            await tx.execute("rollup_lock")
            cursor = await tx.fetchval("cursor_hold", LEDGER_CURSOR)
            upto = min(seen[0], cursor + _ENTRIES)
            if upto <= cursor:
                return False
            found = await refused(tx, cursor, upto)
            if found:
                rows = await tx.fetch("rollup_refusals_put", *columns(rows_of(found)))
                counts, new = Counts(), {row["position"] for row in rows}
                for one in found:
                    if one.position in new:
                        counts.add(one.place, REFUSED)
                await counts.store(tx)
            await tx.execute("cursor_set", LEDGER_CURSOR, upto)
        return bool(upto < seen[0])


def kept_since(now: float, months: int) -> float:
    """Return from when on hours are kept: the beginning of a day, UTC."""
    return float((now - months * _MONTH_S) // _DAY_S * _DAY_S)


async def complaints(tx: Queries, ids: Sequence[int], counts: Counts) -> None:
    """Count complaints where they belong by now, and no longer where they were counted before."""
    if not ids:
        return
    now = {row["id"]: place_of(row) for row in await tx.fetch("rollup_complaints", ids)}
    rows = await tx.fetch("rollup_complaints_counted", ids)
    before = {row["id"]: place_of(row) for row in rows}
    moved = {one for one in {*now, *before} if now.get(one) != before.get(one)}
    if not moved:
        return
    for places, sign in ((before, -1), (now, 1)):
        for one in moved & places.keys():
            counts.add(places[one], COMPLAINED, sign)
    await tx.execute("rollup_complaints_forget", sorted(moved & before.keys()))
    put = [(one, utc(now[one].hour), *now[one][1:]) for one in sorted(moved & now.keys())]
    if put:
        await tx.execute("rollup_complaints_put", *columns(put))
