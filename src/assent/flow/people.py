"""Phone numbers ↔ person ids, kept in memory as far as they were needed.

The table `person` is the truth. A person once read is remembered (number_map.py): ten million
take about 240 MB, and a batch of a thousand is looked up in a fraction of a millisecond. People
of an upload are not remembered: that memory would grow with what a customer hands in. Erasure
and reassignment are entries of the ledger: whoever follows it (live.py) has the number dropped here
before it knows of the entry. Until then nothing can leak, because both also end standing, which
dispatch checks in SQL; and what is read while somebody is dropped is not remembered.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.flow.ledger import AT_ONCE
from assent.flow.marks import Marks, TooManyMet
from assent.flow.needs import Queries, Store
from assent.flow.number_map import Column, NumberMap, PersonNumbers

Ids = npt.NDArray[np.uint32]
Msisdns = npt.NDArray[np.uint64]

_ASK_AT_ONCE: Final = 20_000
_PAGE: Final = 100_000
_PACKED: Final = np.dtype([("person", ">u4"), ("msisdn", ">u8")])
_SECRET: Final = 16
KNOWN_AT_START: Final = 5_000_000
"""People read at start; those beyond are read when they are met."""


class Directory:
    """The people this process has met. Ids are dense and positive; 0 means none. `marks`: how to
    tell whether a new person's number was erased or given away before."""

    def __init__(self, marks: Marks | None = None) -> None:
        self._marks = marks or Marks()
        self._dropped = 0  # how often somebody was: what was read before that may be over
        self._id_of = NumberMap()
        self._number_of = PersonNumbers()

    def __len__(self) -> int:
        return len(self._id_of)

    async def load(self, queries: Queries, most: int = KNOWN_AT_START) -> None:
        """Read the people there are, in place of those met so far. Looking up a thousand
        strangers costs the database a millisecond, reading a million in a row less than a
        second."""
        last, count = 0, 0
        pages: list[tuple[Column, Column]] = []
        while count < most:
            row = await queries.fetchrow("people_page", last, _PAGE)
            if row is None or row["last"] is None:
                break
            page = np.frombuffer(row["packed"], _PACKED)
            people, numbers = page["person"].astype(np.uint64), page["msisdn"].astype(np.uint64)
            self._number_of.put(people, numbers)
            pages.append((numbers, people))
            count += len(page)
            last = row["last"]
        if pages:
            self._id_of.load(*(np.concatenate(column) for column in zip(*pages, strict=True)))

    async def ids(
        self, store: Store, msisdns: Msisdns, at: datetime, *, remember: bool = True
    ) -> Ids:
        """Return the person of each number (0 for a 0), making people that are new.

        New people exist from their first mention, whatever becomes of the request: an id
        says nothing about standing. `remember`: keep those that had to be asked for.
        """
        before = self._dropped
        found = self._id_of.get(msisdns)
        strange = np.flatnonzero((found == 0) & (msisdns != 0))
        missing = np.unique(msisdns[strange])
        people = np.zeros(len(missing), np.uint64)
        for start in range(0, len(missing), _ASK_AT_ONCE):
            part = slice(start, start + _ASK_AT_ONCE)
            people[part] = await self._ask(store, missing[part], at)
            if remember and before == self._dropped:
                self._id_of.put(missing[part], people[part])
                self._number_of.put(people[part], missing[part])
        if len(missing):
            found[strange] = people[missing.searchsorted(msisdns[strange])]
        return found.astype(np.uint32)

    async def known(self, queries: Queries, msisdns: Msisdns) -> Ids:
        """Return the person of each number, 0 where there is none: nobody is made."""
        found = self._id_of.get(msisdns)
        missing = np.unique(msisdns[(found == 0) & (msisdns != 0)])
        if len(missing):
            rows = await queries.fetch("people_by_msisdn", missing.astype(np.int64).tolist())
            known, ids = _columns(rows)
            people = np.zeros(len(missing), np.uint64)
            people[missing.searchsorted(known)] = ids
            strange = np.isin(msisdns, missing)
            found[strange] = people[missing.searchsorted(msisdns[strange])]
        return found.astype(np.uint32)

    async def _ask(self, store: Store, numbers: Msisdns, at: datetime) -> Column:
        """Return the ids of strangers, sorted numbers, from the database."""
        people = np.zeros(len(numbers), np.uint64)
        for attempt in range(2):
            new = numbers[people == 0].astype(np.int64).tolist()
            if not new:
                break
            if attempt:
                await self._make(store, new, at)
            known, ids = _columns(await store.fetch("people_by_msisdn", new))
            people[numbers.searchsorted(known)] = ids
        return people

    async def _make(self, store: Store, numbers: list[int], at: datetime) -> None:
        """Make people for numbers, and with them what the marks of their numbers mean."""
        drawn = secrets.token_bytes(_SECRET * len(numbers))
        made = [drawn[i : i + _SECRET] for i in range(0, len(drawn), _SECRET)]
        if await self._marks.make(store, numbers, made, at):
            return
        try:
            async with store.transaction() as tx:
                rows = await tx.fetch("people_insert", numbers, made, at)
                await self._marks.meet(tx, rows, at)
        except TooManyMet:  # after a large file of a carrier; rare, so it may cost something
            for start in range(0, len(numbers), AT_ONCE):
                await self._make(store, numbers[start : start + AT_ONCE], at)

    async def msisdns(self, queries: Queries, people: Ids, *, remember: bool = True) -> Msisdns:
        """Return the number of each person, 0 for one who is erased or has no number now.
        `remember`: keep those that had to be asked for."""
        found = self._number_of.get(people.astype(np.uint64))
        strange = np.flatnonzero(found == 0)
        missing = np.unique(people[strange])
        asked_for = np.zeros(len(missing), np.uint64)
        before = self._dropped
        for start in range(0, len(missing), _ASK_AT_ONCE):
            asked = missing[start : start + _ASK_AT_ONCE].astype(np.int64).tolist()
            numbers, ids = _columns(await queries.fetch("people_by_id", asked))
            if before != self._dropped:  # one of them may be over by now: ask again
                return await self.msisdns(queries, people, remember=remember)
            asked_for[missing.searchsorted(ids.astype(np.uint32))] = numbers
            if remember:
                self._id_of.put(numbers, ids)
                self._number_of.put(ids, numbers)
        if len(missing):
            found[strange] = asked_for[missing.searchsorted(people[strange])]
        return found

    def forget(self, people: Ids) -> None:
        """Drop the numbers of people who are over: erased, or their number has a new holder."""
        self._dropped += 1
        keys = people.astype(np.uint64)
        numbers = self._number_of.get(keys)
        self._number_of.drop(keys)
        self._id_of.drop(np.unique(numbers[numbers != 0]))


def _columns(rows: list[object]) -> tuple[Column, Column]:
    """Return the numbers and the ids of rows."""
    n = len(rows)
    numbers = np.fromiter((row["msisdn"] for row in rows), np.uint64, n)  # type: ignore[index]
    ids = np.fromiter((row["id"] for row in rows), np.uint64, n)  # type: ignore[index]
    return numbers, ids
