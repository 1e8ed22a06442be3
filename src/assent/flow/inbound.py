"""What carriers deliver: stored first, acknowledged then, acted upon last.

Reports are matched in memory to the segment that the carrier numbered; one that is unknown here
(it outran its answer, or belongs to another process) is parked durably and matched later
(settle.py). Mobile-originated messages go to replies.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.columns import U8, U64, pack, pack_object, to_signed
from assent.flow.ids import BatchIds
from assent.flow.links import Deliver, LinkHandle
from assent.flow.needs import Store, utc
from assent.flow.traffic import Outstanding
from assent.message import State

_PAUSE_S: Final = 0.01

STATE_OF_STAT: Final[dict[str, State | None]] = {
    "DELIVRD": State.DELIVERED,
    "ACCEPTD": None,  # on its way: not final (facts: CMPP 1.10)
    "ENROUTE": None,
}
"""Any other word is a failure; the raw report is kept."""


@dataclass(slots=True)
class _Report:
    link: LinkHandle
    deliver: Deliver
    carrier_id: int
    state: State
    reference: int | None


class Inbound:
    """Stores reports and replies. Run :meth:`run` as a task; links call :meth:`arrived`."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        person_of: Callable[[Sequence[str]], Awaitable[list[int]]],
        replies: Callable[[list[tuple[LinkHandle, Deliver]]], Awaitable[None]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._person_of = person_of
        self._replies = replies
        self._outstanding: dict[str, Outstanding] = {}
        self._waiting: list[tuple[LinkHandle, Sequence[Deliver]]] = []
        self._replies_waiting: list[tuple[LinkHandle, Deliver]] = []
        self._wake = asyncio.Event()
        self._reply_wake = asyncio.Event()
        self._stopping = False
        self.receipts = 0
        self.parked = 0
        self.malformed = 0
        self.last_error = ""

    def attach(self, outstanding: dict[str, Outstanding]) -> None:
        """Tell where answered segments are remembered; before any link starts."""
        self._outstanding = outstanding

    def arrived(self, link: LinkHandle, delivers: Sequence[Deliver]) -> None:
        """Take delivers from a link. They are acknowledged once stored."""
        self._waiting.append((link, delivers))
        self._wake.set()

    async def run(self) -> None:
        """Store what arrives until :meth:`stop`. While the store fails nothing is acknowledged,
        so the links stop reading and the carrier keeps the rest."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._run_reports())
            group.create_task(self._run_replies())

    async def _run_reports(self) -> None:
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                await asyncio.sleep(_PAUSE_S)
            taken, self._waiting = self._waiting, []
            reports: list[tuple[LinkHandle, Deliver]] = []
            for link, delivers in taken:
                for deliver in delivers:
                    if deliver.is_report:
                        reports.append((link, deliver))
                    else:
                        self._replies_waiting.append((link, deliver))
            if self._replies_waiting:
                self._reply_wake.set()
            while reports:
                try:
                    await self._store_reports(reports)
                    break
                except AssentError as error:
                    self.last_error = error.code
                    await asyncio.sleep(0.2)

    async def _run_replies(self) -> None:
        while not (self._stopping and not self._replies_waiting and not self._waiting):
            await self._reply_wake.wait()
            self._reply_wake.clear()
            taken, self._replies_waiting = self._replies_waiting, []
            while taken:
                try:
                    await self._replies(taken)
                    break
                except AssentError as error:
                    self.last_error = error.code
                    await asyncio.sleep(0.2)

    def stop(self) -> None:
        """Store what there is and end; the links are closed already."""
        self._stopping = True
        self._wake.set()
        self._reply_wake.set()

    async def _store_reports(self, delivers: list[tuple[LinkHandle, Deliver]]) -> None:
        by_carrier: dict[str, list[_Report]] = {}
        for link, deliver in delivers:
            try:
                report = deliver.report()
            except AssentError:
                self.malformed += 1  # acknowledged below: it would come again for ever
                continue
            state = STATE_OF_STAT.get(report.stat, State.FAILED)
            if state is None:
                continue
            by_carrier.setdefault(link.carrier, []).append(
                _Report(link, deliver, report.message_id, state, None)
            )
        now = self._clock.now()
        rows = []
        parked = []
        # Looked up, not popped: a failing store must find them again on the next try.
        for carrier, reports in by_carrier.items():
            known = self._outstanding[carrier]
            for one in reports:
                one.reference = known.get(one.carrier_id)
            rows += await self._rows(carrier, [r for r in reports if r.reference is not None], now)
            missing = [r for r in reports if r.reference is None]
            if missing:
                parked.append(await self._parked(carrier, missing))
        async with self._store.transaction() as tx:
            for row in rows:
                await tx.execute("receipt_insert", *row)
            for columns in parked:
                await tx.execute("parked_insert", utc(now), *columns)
            if rows:
                await tx.execute(
                    "event_insert",
                    utc(now),
                    "receipt",
                    None,
                    rows[0][0],
                    pack_object([row[0] for row in rows]),
                )
        self._done(by_carrier, delivers)

    def _done(
        self, by_carrier: dict[str, list[_Report]], delivers: list[tuple[LinkHandle, Deliver]]
    ) -> None:
        for carrier, reports in by_carrier.items():
            known = self._outstanding[carrier]
            for report in reports:
                if report.reference is not None:
                    known.pop(report.carrier_id)
                    self.receipts += 1
                else:
                    self.parked += 1
        acknowledge(delivers)

    async def _rows(
        self, carrier: str, reports: list[_Report], now: float
    ) -> list[tuple[Any, ...]]:
        """Return receipt rows: one a size of report body, so that raw bodies can be split."""
        by_size: dict[int, list[_Report]] = {}
        for report in reports:
            by_size.setdefault(len(report.deliver.content), []).append(report)
        await self._ids.reserve(self._store, len(by_size))
        return [
            receipt_row(
                self._ids.next(),
                now,
                carrier,
                [(r.reference or 0, r.state, r.carrier_id, r.deliver.content) for r in some],
            )
            for some in by_size.values()
        ]

    async def _parked(self, carrier: str, reports: list[_Report]) -> tuple[Any, ...]:
        people = await self._person_of([r.deliver.report().destination for r in reports])
        return (
            carrier,
            [to_signed(r.carrier_id) for r in reports],
            people,
            [int(r.state) for r in reports],
            [r.deliver.content for r in reports],
        )


def receipt_row(
    id_: int, now: float, carrier: str, receipts: Sequence[tuple[int, int, int, bytes]]
) -> tuple[Any, ...]:
    """Return the arguments of `receipt_insert` for (reference, state, carrier id, raw body)s.

    A reference is message id · 256 + segment; bodies are of one size.
    """
    return (
        id_,
        utc(now),
        carrier,
        pack([r[0] >> 8 for r in receipts], U64),
        pack([r[0] & 0xFF for r in receipts], U8),
        pack([int(r[1]) for r in receipts], U8),
        pack([r[2] for r in receipts], U64),
        b"".join(r[3] for r in receipts),
        len(receipts[0][3]),
    )


def acknowledge(delivers: Sequence[tuple[LinkHandle, Deliver]]) -> None:
    """Answer delivers that are durable, those of one link together."""
    by_link: dict[LinkHandle, list[Deliver]] = {}
    for link, deliver in delivers:
        by_link.setdefault(link, []).append(deliver)
    for link, some in by_link.items():
        link.acknowledge(some)
