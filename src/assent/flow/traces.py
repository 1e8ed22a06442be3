"""The walk that cleans what erased people left: numbers in raw reports and in texts, their words.

It goes over the tables in bounded portions, each a transaction, and begins anew after a crash: to
clean twice does no harm. It is done at once, and again after some days, when no report about a
message of before can come any more; a number that is looked for lies sealed in `erasure` until
then. Texts of messages to her must be kept for some months (CN-05);
in them her number is masked at once, and the texts go when they are due. docs/erasure.md lists
table by table what is done.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.flow.columns import U32, pack_object, unpack, unpack_object
from assent.flow.erasure import belongs
from assent.flow.needs import Store, Transaction, utc
from assent.flow.vault import Vault
from assent.numbers import is_mainland

AT_ONCE: Final = 20
"""Erased people of one walk."""
SETTLED_S: Final = 4 * 86_400.0
"""After this long nothing comes in any more about messages that left before (settle.py: 72 h)."""
_ROWS: Final = 500
_REPORTS: Final = 50  # rows of up to some hundred raw reports each
_APART: Final = r"[ \-.\u00a0\u3000\u2010-\u2015]?"
_REPLY: Final = 1  # kind of a parcel's item (parcels.py)
_MASK: Final = "*"


@dataclass(frozen=True, slots=True)
class _Job:
    """An erased person. `number`: as digits; '' where only her texts are due. `late`: nothing comes
    in any more, so this walk is the last one."""

    id: int
    person: int
    number: str = ""
    late: bool = False

    @property
    def national(self) -> str:
        """The digits that every form of the number has."""
        return self.number[2:] if is_mainland(int(self.number)) else self.number


def forms_of(digits: str) -> re.Pattern[str]:
    """Return a pattern of a number as people write it: with blanks or hyphens, or full-width."""
    each = (f"[{digit}{chr(0xFF10 + int(digit))}]" for digit in digits)
    return re.compile(_APART.join(each))


def masked(text: str, forms: re.Pattern[str]) -> str:
    """Return a text of the same length without the number."""
    return forms.sub(lambda hit: _MASK * len(hit[0]), text)


class Traces:
    """One walk at a time; call :meth:`step` again and again from one process."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._jobs: list[_Job] = []
        self._texts: list[_Job] = []
        self._turn = asyncio.Lock()  # two at once would step over a stage
        self._stage = 0
        self._cursor: Any = 0
        self._stages: list[tuple[Callable[[Transaction], Awaitable[Any]], Any]] = [
            (self._batches, 0),
            (self._receipts, 0),
            (self._parked, 0),
            (self._inbound, 0),
            (self._events, 0),
            (self._parcels, 0),
            (self._audiences, (0, 0)),
        ]

    async def step(self) -> bool:
        """Clean the next rows; return whether there is more to do. Raises AssentError."""
        async with self._turn:
            return await self._step()

    async def _step(self) -> bool:
        if not self._jobs and not self._texts:
            return await self._begin()
        async with self._store.transaction() as tx:
            cursor = await self._stages[self._stage][0](tx)
        if cursor is not None:
            self._cursor = cursor
            return True
        self._stage += 1
        if self._stage == len(self._stages):
            await self._end()
        else:
            self._cursor = self._stages[self._stage][1]
        return True

    async def _begin(self) -> bool:
        now = self._clock.now()
        rows = await self._store.fetch("traces_jobs", utc(now - SETTLED_S), AT_ONCE)
        opened = (self._vault.open(row["sealed"], belongs(row["person_id"])) for row in rows)
        self._jobs = [
            _Job(row["id"], row["person_id"], number.decode(), row["late"])
            for row, number in zip(rows, opened, strict=True)
        ]
        due = await self._store.fetch("traces_texts_due", utc(now), AT_ONCE)
        self._texts = [_Job(row["id"], row["person_id"]) for row in due]
        self._stage, self._cursor = 0, self._stages[0][1]
        return bool(self._jobs or self._texts)

    async def _end(self) -> None:
        at = utc(self._clock.now())
        async with self._store.transaction() as tx:
            await tx.execute("traces_walked", [job.id for job in self._jobs], at)
            await tx.execute("traces_done", [job.id for job in self._jobs if job.late], at)
            await tx.execute("traces_texts_done", [job.id for job in self._texts])
        self._jobs, self._texts = [], []

    @property
    def _people(self) -> list[int]:
        return [job.person for job in self._jobs]

    @property
    def _digits(self) -> list[bytes]:
        return [job.national.encode() for job in self._jobs]

    # Texts of messages -------------------------------------------------------------------------

    async def _batches(self, tx: Transaction) -> int | None:
        rows = await tx.fetch("traces_batches", self._cursor, _ROWS, self._digits)
        wanted = [*self._people, *(job.person for job in self._texts)]
        hit = [
            row["id"]
            for row in rows
            if row["named"] or np.isin(unpack(row["people"], U32), wanted).any()
        ]
        for row in await tx.fetch("traces_batches_hold", hit) if hit else ():
            people = unpack(row["people"], U32)
            columns = unpack_object(row["variables"]) if row["variables"] is not None else None
            content = row["content"]
            for job in (*self._jobs, *self._texts):
                mine = np.flatnonzero(people == job.person).tolist()
                clean = _cleaner(job)
                if columns is not None:  # a number may also stand in what others were told
                    places = range(len(people)) if job.number else mine
                    columns = _cleaned(columns, places, clean)
                if len(mine) == len(people):  # nobody else got this text
                    content = clean(content)
            packed = None if columns is None else pack_object(columns)
            if (content, packed) != (row["content"], row["variables"]):
                await tx.execute("traces_batch_put", row["id"], content, packed)
        return int(rows[-1]["id"]) if rows else None

    async def _audiences(self, tx: Transaction) -> tuple[int, int] | None:
        if not self._jobs:
            return None
        rows = await tx.fetch("traces_audiences", *self._cursor, _REPORTS, self._digits)
        for row in rows:
            if not row["named"] and not np.isin(unpack(row["people"], U32), self._people).any():
                continue
            key = (row["audience_id"], row["number"])
            for held in await tx.fetch("traces_audience_hold", *key):
                columns, people = unpack_object(held["variables"]), unpack(held["people"], U32)
                mine = np.flatnonzero(np.isin(people, self._people)).tolist()
                columns = _cleaned(columns, mine, lambda text: "")
                for job in self._jobs:
                    columns = _cleaned(columns, range(len(people)), _cleaner(job))
                await tx.execute("traces_audience_put", *key, pack_object(columns))
        return (rows[-1]["audience_id"], rows[-1]["number"]) if rows else None

    # Raw reports -------------------------------------------------------------------------------

    async def _receipts(self, tx: Transaction) -> int | None:
        return await self._raw(tx, "traces_receipts", "traces_receipt_put")

    async def _parked(self, tx: Transaction) -> int | None:
        return await self._raw(tx, "traces_parked", "traces_parked_put")

    async def _raw(self, tx: Transaction, page: str, put: str) -> int | None:
        if not self._jobs:
            return None
        rows = await tx.fetch(page, self._cursor, _REPORTS, self._digits)
        for row in rows:
            if row["id"] is not None:
                raw = bytes(row["raw"])
                for digits in self._digits:
                    raw = raw.replace(digits, _MASK.encode() * len(digits))
                await tx.execute(put, row["id"], raw)
        return rows[0]["last"]  # type: ignore[no-any-return]  # a bigint, or None at the end

    # What she wrote ----------------------------------------------------------------------------

    async def _inbound(self, tx: Transaction) -> int | None:
        if not self._jobs:
            return None
        last = await tx.fetchval("traces_inbound", self._cursor, _ROWS, self._people)
        return None if last is None else int(last)

    async def _events(self, tx: Transaction) -> int | None:
        if not self._jobs:
            return None
        rows = await tx.fetch("traces_events", self._cursor, _ROWS)
        for row in rows:
            payload = unpack_object(row["body"]) if row["id"] is not None else {}
            if payload.get("person") in self._people and payload["text"]:
                body = pack_object(payload | {"text": ""})
                await tx.execute("traces_event_put", row["id"], body)
        return rows[0]["last"]  # type: ignore[no-any-return]  # as above

    async def _parcels(self, tx: Transaction) -> int | None:
        if not self._jobs:
            return None
        rows = await tx.fetch("traces_parcels", self._cursor, _REPORTS)
        for row in rows:
            items = unpack_object(row["body"])
            said = [one for one in items if one[0] == _REPLY and one[2] in self._people and one[4]]
            for one in said:
                one[4] = ""
            if said:
                await tx.execute("traces_parcel_put", row["id"], pack_object(items))
        return int(rows[-1]["id"]) if rows else None


def _cleaner(job: _Job) -> Callable[[str], str]:
    """Return what becomes of a text to an erased person: the number masked, or all of it gone."""
    if not job.number:
        return lambda text: ""
    forms = forms_of(job.national)
    return lambda text: masked(text, forms)


def _cleaned(
    columns: Mapping[str, list[str]], places: Iterable[int], clean: Callable[[str], str]
) -> dict[str, list[str]]:
    """Return text columns with some rows cleaned."""
    found = {name: list(values) for name, values in columns.items()}
    for values in found.values():
        for place in list(places):
            values[place] = clean(values[place])
    return found
