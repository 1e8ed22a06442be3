"""Phone numbers ↔ person ids, kept in memory as far as they were needed.

The table `person` is the truth. A person once read is remembered (number_map.py): ten million
take about 240 MB, and a batch of a thousand is looked up in a fraction of a millisecond. People
of an upload are not remembered: that memory would grow with what a customer hands in. Erasure
and reassignment are announced and drop the number here; until that arrives nothing can leak,
because both also end standing, which dispatch checks in SQL.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.flow.needs import Queries
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
    """The people this process has met. Ids are dense and positive; 0 means none."""

    def __init__(self) -> None:
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
        self, queries: Queries, msisdns: Msisdns, at: datetime, *, remember: bool = True
    ) -> Ids:
        """Return the person of each number (0 for a 0), making people that are new.

        New people exist from their first mention, whatever becomes of the request: an id
        says nothing about standing. `remember`: keep those that had to be asked for.
        """
        found = self._id_of.get(msisdns)
        strange = np.flatnonzero((found == 0) & (msisdns != 0))
        missing = np.unique(msisdns[strange])
        people = np.zeros(len(missing), np.uint64)
        for start in range(0, len(missing), _ASK_AT_ONCE):
            part = slice(start, start + _ASK_AT_ONCE)
            people[part] = await self._ask(queries, missing[part], at)
            if remember:
                self._id_of.put(missing[part], people[part])
                self._number_of.put(people[part], missing[part])
        if len(missing):
            found[strange] = people[missing.searchsorted(msisdns[strange])]
        return found.astype(np.uint32)

    @staticmethod
    async def _ask(queries: Queries, numbers: Msisdns, at: datetime) -> Column:
        """Return the ids of strangers, sorted numbers, from the database."""
        people = np.zeros(len(numbers), np.uint64)
        for attempt in range(2):
            new = numbers[people == 0].astype(np.int64).tolist()
            if not new:
                break
            if attempt:
                drawn = secrets.token_bytes(_SECRET * len(new))
                made = [drawn[i : i + _SECRET] for i in range(0, len(drawn), _SECRET)]
                await queries.execute("people_insert", new, made, at)
            known, ids = _columns(await queries.fetch("people_by_msisdn", new))
            people[numbers.searchsorted(known)] = ids
        return people

    async def msisdns(self, queries: Queries, people: Ids) -> Msisdns:
        """Return the number of each person, 0 for one who is erased or has no number now."""
        keys = people.astype(np.uint64)
        found = self._number_of.get(keys)
        missing = np.unique(people[found == 0])
        for start in range(0, len(missing), _ASK_AT_ONCE):
            asked = missing[start : start + _ASK_AT_ONCE].astype(np.int64).tolist()
            numbers, ids = _columns(await queries.fetch("people_by_id", asked))
            self._id_of.put(numbers, ids)
            self._number_of.put(ids, numbers)
        if len(missing):
            found = self._number_of.get(keys)
        return found

    def forget(self, person: int, msisdn: int) -> None:
        """Drop a number that no longer belongs to a person."""
        self._id_of.drop(msisdn)
        self._number_of.drop(person)


def _columns(rows: list[object]) -> tuple[Column, Column]:
    """Return the numbers and the ids of rows."""
    n = len(rows)
    numbers = np.fromiter((row["msisdn"] for row in rows), np.uint64, n)  # type: ignore[index]
    ids = np.fromiter((row["id"] for row in rows), np.uint64, n)  # type: ignore[index]
    return numbers, ids
