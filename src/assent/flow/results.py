"""Carriers' answers made durable: results, their money, what is to be tried again.

One task a process. Answers collect in the windows; every few milliseconds all of them are
written in one transaction. A crash in between loses only knowledge: the attempts become
`unsure` (recover.py), which is true.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.columns import U8, U16, U32, U64, pack, pack_object, to_signed
from assent.flow.fence import FENCE_CLASS, Mark, epoch_ended, stored_after_all
from assent.flow.ids import Numbers
from assent.flow.money import Postings
from assent.flow.needs import Store, utc
from assent.flow.recover import is_retried
from assent.flow.traffic import Traffic
from assent.flow.work import Window, Work
from assent.message import WITHHELD_REFUSED, AttemptStatus

_PAUSE_S: Final = 0.008
_AT_ONCE: Final = 2000
_COLUMNS: Final = 12  # of results_store that hold one value a window
_ACCEPTED: Final = int(AttemptStatus.ACCEPTED)
_AGAIN: Final = frozenset({AttemptStatus.THROTTLED, AttemptStatus.RETURNED})

Ended = tuple[int, int, int, int]
"""(flat item, AttemptStatus, carrier's code, carrier's id), as windows collect them."""


@dataclass(slots=True)
class _Group:
    """The new results of one window."""

    source: int
    window: Window
    results: list[Ended]
    closed: bool


@dataclass(slots=True)
class _Flush:
    groups: list[_Group] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    unsure: list[tuple[int, int, int, int, str, int, str | None]] = field(default_factory=list)
    postings: Postings = field(default_factory=Postings)
    retry: list[tuple[Work, int]] = field(default_factory=list)
    ended: dict[Work, int] = field(default_factory=dict)
    held: set[int] = field(default_factory=set)

    def note_unsure(self, window: Window, item: int, again: bool) -> None:
        """Keep a segment that may or may not have left."""
        batch = window.work.batch
        slot = window.slots[window.positions[item]]
        self.unsure.append(
            (
                batch.id,
                slot,
                window.segments[item],
                window.id,
                batch.carrier,
                int(batch.people[slot]),
                "retried" if again else None,
            )
        )

    def mark(self) -> Mark | None:
        """Return what to look for when the COMMIT is not answered; None where storing it all
        again changes nothing."""
        found = ((g.window.work.batch.id, g.source) for g in self.groups if g.results)
        return next(found, None)


class Results:
    """Stores what the links report. Run :meth:`run` as a task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        traffic: Traffic,
        give: Callable[[Work], None],
    ) -> None:
        self._store = store
        self._epoch = epoch
        self._clock = clock
        self._traffic = traffic
        self._give = give
        self._numbers = Numbers()
        self._wake = asyncio.Event()
        self._stopping = False
        self.flushes = 0
        self.stored = 0
        self.last_error = ""
        traffic.have_results = self._wake.set

    async def run(self) -> None:
        """Store results until :meth:`stop`; while the store fails they are kept and retried."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._stopping and len(self._traffic.touched) * 16 < _AT_ONCE:
                await asyncio.sleep(_PAUSE_S)
            try:
                await self.flush()
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(0.2)
                self._wake.set()
            if self._stopping and not self._traffic.touched and not self._traffic.finished:
                return

    def stop(self) -> None:
        """Store what there is and end."""
        self._stopping = True
        self._wake.set()

    async def flush(self) -> None:
        """Store every result collected so far. Raises AssentError if the store fails; the
        results are kept then. A COMMIT without an answer is looked into first: the same results
        stored twice would be charged twice."""
        traffic = self._traffic
        count = -1
        while count < len(traffic.touched):  # more may be touched while we wait for numbers
            count = len(traffic.touched)
            await self._numbers.reserve(self._store, count)
        touched, traffic.touched = traffic.touched, set()
        finished, traffic.finished = traffic.finished, []
        if not touched and not finished:
            return
        flush = _Flush(finished=finished)
        taken: list[tuple[Window, list[Ended]]] = []
        try:
            for window in touched:
                results, window.results = window.results, []
                taken.append((window, results))
                flush.groups.append(_Group(self._numbers.next(), window, results, window.open == 0))
            now = self._clock.now()
            effects = [self._effects(group, flush, now) for group in flush.groups]
            await self._write(flush, now)
        except BaseException as error:
            if not await stored_after_all(self._store, self._epoch, error, flush.mark()):
                for window, results in taken:
                    window.results[:0] = results
                traffic.touched |= touched
                traffic.finished[:0] = finished
                raise
        for effect in effects:
            effect()
        for group in flush.groups:
            if group.closed:
                del traffic.windows[group.window.id]
        self._again(flush)
        self.flushes += 1
        self.stored += sum(len(group.results) for group in flush.groups)

    def _again(self, flush: _Flush) -> None:
        for work, slot in flush.retry:
            work.tries[slot] = work.tries.get(slot, 0) + 1
            work.todo.appendleft(slot)
            self._give(work)

    def _effects(self, group: _Group, flush: _Flush, now: float) -> Callable[[], None]:
        """Work out money and retries of a window's results; return what to do once stored.

        It is long because each result is looked at once and decides four things together.
        """
        window = group.window
        work = window.work
        batch = work.batch
        revenue = release = daily = 0
        ended = 0
        accepted: list[tuple[int, int]] = []
        whole = bool((batch.segments == 1).all())
        retry_unsure = is_retried(batch.purpose) and now < work.expires
        if whole and all(result[1] == _ACCEPTED for result in group.results):
            revenue = ended = len(group.results)  # the usual end, once for thousands
        for item, status, code, _ in () if ended else group.results:
            slot = window.slots[window.positions[item]]
            again = retry_unsure and status == AttemptStatus.UNSURE
            if not whole and status not in _AGAIN and not again:
                accepted.append((slot, window.segments[item]))
            if status == AttemptStatus.ACCEPTED:
                revenue += 1
            elif status == AttemptStatus.UNSURE:
                flush.note_unsure(window, item, again)
            elif status == AttemptStatus.REFUSED or (
                status == AttemptStatus.WITHHELD and code != WITHHELD_REFUSED
            ):
                release += 1
            elif status == AttemptStatus.WITHHELD:
                daily += 1
        flush.postings.revenue(batch, group.source, revenue)
        flush.postings.release(batch, group.source, release)
        flush.postings.release_daily(batch, group.source, daily)
        if whole:
            ended = ended or self._ended_whole(group, flush, now)
            total = flush.ended[work] = flush.ended.get(work, 0) + ended
            if ended and total == work.left:
                flush.finished.append(batch.id)

        again_long = [] if whole or not group.closed else self._to_retry(window, now)
        if again_long:
            flush.held.add(window.id)

        def apply() -> None:
            work.left -= ended
            for slot, segment in accepted:
                work.accepted.setdefault(slot, set()).add(segment)
            if not whole and group.closed:
                self._end_long(window, again_long)

        return apply

    @staticmethod
    def _ended_whole(group: _Group, flush: _Flush, now: float) -> int:
        """Count messages of one segment each that need nothing more; note those to retry."""
        work = group.window.work
        retry_unsure = is_retried(work.batch.purpose) and now < work.expires
        ended = 0
        for item, status, _, _ in group.results:
            if status in _AGAIN or (status == AttemptStatus.UNSURE and retry_unsure):
                flush.retry.append((work, group.window.slots[group.window.positions[item]]))
            else:
                ended += 1
        return ended

    @staticmethod
    def _to_retry(window: Window, now: float) -> list[int]:
        """Return the long messages of an answered window of which a segment must be tried
        again. Only once the window is answered, so that no segment is on its way twice."""
        retry_unsure = is_retried(window.work.batch.purpose) and now < window.work.expires
        return [
            slot
            for slot in window.slots
            if any(
                status in _AGAIN or (status == AttemptStatus.UNSURE and retry_unsure)
                for status in window.ends_of(slot)
            )
        ]

    def _end_long(self, window: Window, again: list[int]) -> None:
        """Close a window of long messages, or hold it open until what is missing was tried
        again: a confirmation waits for the whole of a message that was begun."""
        work = window.work
        work.left -= len(window.slots) - len(again)
        for slot in again:
            work.tries[slot] = work.tries.get(slot, 0) + 1
            work.todo.appendleft(slot)
        if again:
            work.held[window.id] = set(again)
            self._give(work)
        elif work.left == 0:
            self._traffic.finished.append(work.batch.id)
            self._wake.set()

    async def _write(self, flush: _Flush, now: float) -> None:
        """Store it all as one transaction, in one call where nothing is unsure."""
        arguments = FENCE_CLASS, self._epoch, utc(now), *self._arguments(flush)
        if not flush.unsure:
            (stored,) = await self._store.once("results_store", *arguments)
        else:
            async with self._store.transaction() as tx:
                stored = await tx.fetchval("results_store", *arguments)
                columns = [list(column) for column in zip(*flush.unsure, strict=True)]
                if stored:
                    await tx.execute("unsure_insert", utc(now), *columns)
        if not stored:
            raise epoch_ended()

    def _arguments(self, flush: _Flush) -> list[object]:
        groups = [group for group in flush.groups if group.results]
        rows = [self._columns(group) for group in groups]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * _COLUMNS
        payload = [[group.window.work.batch.id, group.source] for group in groups]
        closed = [g.window.id for g in flush.groups if g.closed and g.window.id not in flush.held]
        event = pack_object(payload)
        return [*columns, event, *flush.postings.columns(), closed, flush.finished]

    @staticmethod
    def _columns(group: _Group) -> tuple[object, ...]:
        window = group.window
        items, statuses, codes, carrier_ids = zip(*group.results, strict=True)
        ids = np.array(carrier_ids, np.uint64)
        real = ids[ids != 0]
        lo, hi = (int(real.min()), int(real.max())) if len(real) else (0, 0)
        return (
            group.source,
            window.id,
            window.work.batch.id,
            window.work.batch.carrier,
            window.link,
            pack([window.positions[item] for item in items], U16),
            pack([window.segments[item] for item in items], U8),
            pack(statuses, U8),
            pack(codes, U32),
            pack(ids, U64),
            to_signed(lo),
            to_signed(hi),
        )
