"""Counting again from the rows: batches and their folded states, answers, receipts, the ledger and
complaints. What comes of it is what is counted all along, or something is wrong.

A day at a time. Nobody else counts meanwhile, but everything else goes on: only what is written
of one day shares a transaction.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import U8, unpack
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.rollup_board import (
    GOT,
    NOT_GOT,
    Board,
    Ints,
    failed_by_receipts,
    refused_by_answers,
)
from assent.flow.rollup_counts import (
    COMPLAINED,
    HOUR_S,
    MEASURES,
    REFUSED,
    Counts,
    Failure,
    Place,
    columns,
    place_of,
)
from assent.flow.rollup_refusals import Refused, refused, rows_of
from assent.flow.rollups import LEDGER_CURSOR
from assent.message import State, batch_id

_DAY_S: Final = 86_400
_SLACK_S: Final = 7_200.0
"""An order's batches get their ids within this of the moment that they are accepted at."""
_BATCHES: Final = 500
_RECEIPTS: Final = 2_000
_ENTRIES: Final = 20_000
_TOLD: Final = 100


@dataclass(slots=True)
class Day:
    """What a recount of some hours comes to. `batches`: rows of `rollup_batch`."""

    since: int
    until: int
    counts: Counts = field(default_factory=Counts)
    batches: list[tuple[int, bytes | None, bytes | None]] = field(default_factory=list)
    complaints: dict[int, Place] = field(default_factory=dict)
    refusals: list[Refused] = field(default_factory=list)
    messages: int = 0


@dataclass(slots=True)
class Recounted:
    """What a rebuilding or a check came to. `differences`: the first that were found, each with
    where it is, what is counted and what the rows come to."""

    hours: int = 0
    messages: int = 0
    wrong: int = 0
    differences: list[dict[str, Any]] = field(default_factory=list)


class Recount:
    """Counts again, nothing of before `least` (seconds since 1970), which is not kept. Raises
    AssentError where the store fails; what was finished stays."""

    def __init__(self, store: Store, least: float = 0.0) -> None:
        self._store = store
        self._least = int(least)

    async def rebuild(self, since: float | None = None, until: float | None = None) -> Recounted:
        """Replace what is counted of the hours from `since` up to `until` (None: all that there
        are rows of) by what the rows come to."""
        report = Recounted()
        async with self._alone() as look:
            async for day in self._days(look, since, until):
                async with self._store.transaction() as tx:
                    await _replace(tx, day)
                report.hours += (day.until - day.since) // HOUR_S
                report.messages += day.messages
        return report

    async def check(self, since: float | None = None, until: float | None = None) -> Recounted:
        """Compare what is counted with what the rows come to; change nothing. Messages whose end
        was stored and not counted yet are told as differences, so nothing should be under way."""
        report = Recounted()
        async with self._alone() as look:
            async for day in self._days(look, since, until):
                hours, codes = await _counted(look, day)
                wanted_hours, wanted_codes = day.counts.plain()
                _compare(report, hours, wanted_hours)
                _compare(report, codes, wanted_codes)
                report.hours += (day.until - day.since) // HOUR_S
                report.messages += day.messages
        return report

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[Queries]:
        """Keep everybody else from counting. This transaction writes nothing, so it gets no number
        and no reader of events waits for it."""
        async with self._store.transaction() as look:
            await look.execute("rollup_lock")
            yield look

    async def _days(
        self, look: Queries, since: float | None, until: float | None
    ) -> AsyncIterator[Day]:
        span = await look.fetchrow("rollup_span")
        if span is None or span["first"] is None:
            return
        # A message belongs to the day of its hour, and a refusal or a complaint to its message's.
        first = int(span["first"].timestamp() if since is None else since)
        last = int(span["last"].timestamp() if until is None else until - 1)
        first = max(first, self._least)
        first, end = first - first % HOUR_S, last - last % HOUR_S + HOUR_S
        every = _Others(first)
        await every.read(look)
        if until is None:
            end = max(end, every.last + HOUR_S)
        while first < end:
            day = Day(first, min(first - first % _DAY_S + _DAY_S, end))
            await self._batches(look, day, every)
            every.into(day)
            yield day
            first = day.until

    @staticmethod
    async def _batches(look: Queries, day: Day, every: _Others) -> None:
        low = batch_id(int((day.since - _SLACK_S) * 1000), 0)
        high = batch_id(int((day.until + _SLACK_S) * 1000), 0)
        while True:
            rows = await look.fetch(
                "rollup_raw", low, high, utc(day.since), utc(day.until), _BATCHES
            )
            if not rows:
                return
            board = Board(rows)
            results = await look.fetch("rollup_raw_results", [row["id"] for row in rows])
            board.fail(*refused_by_answers(results))
            board.fail(*every.failed_of(board))
            board.ends[:] = ends_of(rows)
            day.batches += board.settle(day.counts)
            day.messages += len(board.ends)
            low = rows[-1]["id"]


class _Others:
    """What does not stand with the batches: reports of failures, refusals, complaints."""

    def __init__(self, since: int) -> None:
        self._since = since
        self._failed: tuple[Ints, npt.NDArray[np.uint64]]
        self._refusals: dict[int, list[Refused]] = defaultdict(list)  # by hour
        self._complaints: dict[int, dict[int, Place]] = defaultdict(dict)
        self.last = 0

    async def read(self, look: Queries) -> None:
        """Read all of them from a moment on."""
        messages, codes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
        low = batch_id(int((self._since - _SLACK_S) * 1000), 0)
        while rows := await look.fetch("rollup_raw_receipts", low, _RECEIPTS):
            some, why = failed_by_receipts(rows)
            messages.append(some)
            codes.append(why)
            low = rows[-1]["id"]
        told, reasons = np.concatenate(messages), np.concatenate(codes)
        order = np.argsort(told, kind="stable")
        self._failed = told[order], reasons[order]
        for row in await look.fetch("rollup_complaints", None):
            place = place_of(row)
            self._complaints[place.hour][row["id"]] = place
        await self._read_refusals(look)
        self.last = max((0, *self._complaints, *self._refusals))

    async def _read_refusals(self, look: Queries) -> None:
        upto = await look.fetchval("cursor_get", LEDGER_CURSOR) or 0
        first = await look.fetchval("rollup_entries_from", utc(self._since))
        after = upto if first == 0 else first - 1
        while after < upto:
            to = min(after + _ENTRIES, upto)
            for one in await refused(look, after, to):
                self._refusals[one.place.hour].append(one)
            after = to

    def failed_of(self, board: Board) -> tuple[Ints, npt.NDArray[np.uint64]]:
        """Return the failures that are told of some batches, which follow each other."""
        messages, codes = self._failed
        low, high = int(board.ids[0]) << 10, (int(board.ids[-1]) + 1) << 10
        part = slice(*np.searchsorted(messages, [low, high]).tolist())
        return messages[part], codes[part]

    def into(self, day: Day) -> None:
        """Add what belongs to the hours of a day."""
        for hour in range(day.since, day.until, HOUR_S):
            for one in self._refusals.get(hour, ()):
                day.refusals.append(one)
                day.counts.add(one.place, REFUSED)
            for complaint, place in self._complaints.get(hour, {}).items():
                day.complaints[complaint] = place
                day.counts.add(place, COMPLAINED)


def ends_of(rows: Sequence[Any]) -> npt.NDArray[np.uint8]:
    """Return how each message of batches ended, from its segments' states: delivered are those of
    which every segment is, failed those of which any one failed or was refused."""
    found = [np.empty(0, np.uint8)]
    for row in rows:
        ends = np.zeros(row["n"], np.uint8)
        if row["states"] is not None:
            counts = unpack(row["segments"], U8).astype(np.int64)
            states = unpack(row["states"], U8)
            firsts = np.cumsum(counts) - counts
            failed = np.isin(states, (State.FAILED, State.REFUSED))
            ends[np.logical_and.reduceat(states == State.DELIVERED, firsts)] = GOT
            ends[np.logical_or.reduceat(failed, firsts)] = NOT_GOT
        found.append(ends)
    return np.concatenate(found)


async def _replace(tx: Transaction, day: Day) -> None:
    hours = utc(day.since), utc(day.until)
    await tx.execute("rollup_forget_hours", *hours)
    await tx.execute("rollup_forget_failures", *hours)
    await tx.execute("rollup_forget_complaints", *hours)
    await tx.execute("rollup_forget_refusals", *hours, [one.position for one in day.refusals])
    if day.batches:
        await tx.execute("rollup_batches_put", *columns(day.batches))
    if day.complaints:
        await tx.execute("rollup_complaints_forget", sorted(day.complaints))
        rows = [(id_, utc(one.hour), *one[1:]) for id_, one in sorted(day.complaints.items())]
        await tx.execute("rollup_complaints_put", *columns(rows))
    if day.refusals:
        await tx.execute("rollup_refusals_put", *columns(rows_of(day.refusals)))
    await day.counts.store(tx)


async def _counted(
    look: Queries, day: Day
) -> tuple[dict[Place, tuple[int, ...]], dict[Failure, int]]:
    hours = utc(day.since), utc(day.until)
    counted = {
        place_of(row): tuple(row[name] for name in MEASURES)
        for row in await look.fetch("rollup_counted_hours", *hours)
        if any(row[name] for name in MEASURES)
    }
    codes = {
        Failure(int(row["hour"].timestamp()), row["port_id"], row["carrier"], row["code"]): row["n"]
        for row in await look.fetch("rollup_counted_failures", *hours)
        if row["n"]
    }
    return counted, codes


def _compare(report: Recounted, counted: Mapping[Any, Any], wanted: Mapping[Any, Any]) -> None:
    for place in sorted({*counted, *wanted}):
        if counted.get(place) != wanted.get(place):
            report.wrong += 1
            if len(report.differences) < _TOLD:
                told = {"counted": counted.get(place, 0), "rows": wanted.get(place, 0)}
                report.differences.append({**place._asdict(), **told})
