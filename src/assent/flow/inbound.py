"""What carriers deliver: stored first, acknowledged then, acted upon last.

Reports are matched in memory to the segment that the carrier numbered; one that is unknown here
(it outran its answer, or belongs to another process) is parked durably and matched later
(settle.py). Mobile-originated messages go to replies.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.abreast import abreast
from assent.flow.columns import U64, pack, pack_object, to_signed
from assent.flow.ids import BatchIds
from assent.flow.links import Deliver, LinkHandle
from assent.flow.needs import Store, utc
from assent.flow.outstanding import Outstanding
from assent.message import State

_PAUSE_S: Final = 0.01

STATE_OF_STAT: Final[dict[str, State | None]] = {
    "DELIVRD": State.DELIVERED,
    "ACCEPTD": None,  # on its way: not final (facts: CMPP 1.10)
    "ENROUTE": None,
}
"""Of every dialect, whose reports are read into these words. Any other word is a failure; the raw
report is kept."""

_RAW_OCTETS: Final = 1024  # kept of a report; the longest that any table has is a fraction of it

_FAILED: Final = State.FAILED
_LOGGED, _PARKED = 10, 6  # columns of a row of each kind

_Report = tuple[int, int, int, bytes, int]
"""(message id · 256 + segment, 0 if unknown here; State, carrier's id, body as received, why it
failed: see :func:`word_code`)."""

_Stranger = tuple[_Report, str]
"""A report that is unknown here, and the number that it is about."""


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
        self._waiting: list[tuple[LinkHandle, Deliver]] = []  # reports
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
        """Take delivers from a link. They are acknowledged once stored; reports wait a moment for
        others, what a person wrote does not."""
        for deliver in delivers:
            if deliver.is_report:
                self._waiting.append((link, deliver))
            else:
                self._replies_waiting.append((link, deliver))
                self._reply_wake.set()
        self._wake.set()

    async def run(self) -> None:
        """Store what arrives until :meth:`stop`. While the store fails nothing is acknowledged,
        so the links stop reading and the carrier keeps the rest."""
        await abreast(self._run_reports(), self._run_replies())

    async def _run_reports(self) -> None:
        while not (self._stopping and not self._waiting):
            await self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                await asyncio.sleep(_PAUSE_S)
            reports, self._waiting = self._waiting, []
            while reports:
                try:
                    await self._store_reports(reports)
                    break
                except AssentError as error:
                    self.last_error = error.code
                    await asyncio.sleep(0.2)

    async def _run_replies(self) -> None:
        while not (self._stopping and not self._replies_waiting):
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
        known: dict[str, list[_Report]] = {}
        strangers: dict[str, list[_Stranger]] = {}
        try:
            self._match(delivers, known, strangers)
            parked = await self._store_matched(known, strangers)
        except BaseException:
            for carrier, reports in known.items():  # the next try must find them again
                for reference, _, carrier_id, _, _ in reports:
                    self._outstanding[carrier].put(carrier_id, reference)
            raise
        self.receipts += sum(map(len, known.values()))
        self.parked += parked
        acknowledge(delivers)

    def _match(
        self,
        delivers: list[tuple[LinkHandle, Deliver]],
        known: dict[str, list[_Report]],
        strangers: dict[str, list[_Stranger]],
    ) -> None:
        """Find, and forget, the segment that each report is about; by carrier."""
        for link, deliver in delivers:
            try:
                report = deliver.report()
            except AssentError:
                self.malformed += 1  # acknowledged all the same: it would come again for ever
                continue
            state = STATE_OF_STAT.get(report.stat, _FAILED)
            if state is None:
                continue
            carrier, carrier_id = link.carrier, report.message_id
            reference = self._outstanding[carrier].pop(carrier_id) or 0
            # SMPP's may have optional parameters only, and no content.
            body = (deliver.content or deliver.raw)[:_RAW_OCTETS]
            code = word_code(report.stat) if state is _FAILED else 0
            one = (reference, state, carrier_id, body, code)
            if reference:
                known.setdefault(carrier, []).append(one)
            else:
                # SMPP's and SMGP's reports name their receiver outside of their content.
                number = link.kit.receiver(deliver, report)
                strangers.setdefault(carrier, []).append((one, number))

    async def _store_matched(
        self, known: dict[str, list[_Report]], strangers: dict[str, list[_Stranger]]
    ) -> int:
        """Store reports; return how many are parked."""
        now = self._clock.now()
        rows: list[tuple[Any, ...]] = []
        parked: list[tuple[Any, ...]] = []
        for carrier, reports in known.items():
            rows += await self._rows(carrier, reports, now)
        for carrier, missing in strangers.items():
            parked += await self._parked(carrier, missing)
        if rows or parked:
            # Without `at`, which is the same for all.
            columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * _LOGGED
            event = pack_object(columns[0])
            later = [list(column) for column in zip(*parked, strict=True)] or [[]] * _PARKED
            await self._store.execute(
                "receipts_store", utc(now), columns[0], *columns[2:], event, *later
            )
        return len(parked)

    async def _rows(
        self, carrier: str, reports: list[_Report], now: float
    ) -> list[tuple[Any, ...]]:
        """Return receipt rows: one a size of report body, so that raw bodies can be split."""
        by_size: dict[int, list[_Report]] = {}
        for report in reports:
            by_size.setdefault(len(report[3]), []).append(report)
        await self._ids.reserve(self._store, len(by_size))
        return [receipt_row(self._ids.next(), now, carrier, some) for some in by_size.values()]

    async def _parked(self, carrier: str, reports: list[_Stranger]) -> list[tuple[Any, ...]]:
        people = await self._person_of([number for _, number in reports])
        return [
            (code, carrier, to_signed(carrier_id), person, int(state), body)
            for ((_, state, carrier_id, body, code), _), person in zip(reports, people, strict=True)
        ]


def receipt_row(id_: int, now: float, carrier: str, receipts: Sequence[_Report]) -> tuple[Any, ...]:
    """Return the arguments of `receipt_insert` for (reference, state, carrier id, raw body, code)s.

    A reference is message id · 256 + segment; bodies are of one size.
    """
    references, states, carrier_ids, bodies, codes = zip(*receipts, strict=True)
    return (
        id_,
        utc(now),
        carrier,
        pack([reference >> 8 for reference in references], U64),
        bytes([reference & 0xFF for reference in references]),
        bytes(states),
        pack(carrier_ids, U64),
        b"".join(bodies),
        len(bodies[0]),
        pack(codes, U64) if any(codes) else None,
    )


def word_code(word: str) -> int:
    """Return a report's word for a failure, such as UNDELIV or MK:0015, as a number: its first
    seven letters, an octet each. Above every code that an answer can have."""
    return int.from_bytes(word.encode("ascii", "replace")[:7].ljust(7, b" "), "big")


def code_word(code: int) -> str:
    """Return a failure's code as people read it: a report's word, or the number of an answer."""
    if code < 1 << 48:
        return str(code)
    return code.to_bytes(7, "big").decode("ascii", "replace").rstrip()


def acknowledge(delivers: Sequence[tuple[LinkHandle, Deliver]]) -> None:
    """Answer delivers that are durable, those of one link together."""
    by_link: dict[LinkHandle, list[Deliver]] = {}
    for link, deliver in delivers:
        by_link.setdefault(link, []).append(deliver)
    for link, some in by_link.items():
        link.acknowledge(some)
