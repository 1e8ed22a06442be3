"""Phone numbers ↔ person ids, kept in memory as far as they were needed.

The table `person` is the truth. A person once read is remembered: as sorted arrays, so that
ten million take about 240 MB, and a batch of a thousand is looked up in a fraction of a
millisecond. Erasure and reassignment are announced and drop the number here; until that
arrives nothing can leak, because both also end standing, which dispatch checks in SQL.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.flow.needs import Queries

Ids = npt.NDArray[np.uint32]
Msisdns = npt.NDArray[np.uint64]

_MERGE_AT: Final = 1 << 14
_ASK_AT_ONCE: Final = 20_000
_PAGE: Final = 100_000
_PACKED: Final = np.dtype([("person", ">u4"), ("msisdn", ">u8")])
KNOWN_AT_START: Final = 5_000_000
"""People read at start; those beyond are read when they are met."""


class _SortedMap:
    """uint64 keys → uint64 values; additions collect in a dict and are merged in bulk."""

    def __init__(self) -> None:
        self._keys = np.empty(0, np.uint64)
        self._values = np.empty(0, np.uint64)
        self._recent: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._keys) + len(self._recent)

    def put(self, keys: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]) -> None:
        self._recent.update(zip(keys.tolist(), values.tolist(), strict=True))
        if len(self._recent) >= max(_MERGE_AT, len(self._keys) >> 4):
            self._merge()

    def _merge(self) -> None:
        keys = np.fromiter(self._recent.keys(), np.uint64, len(self._recent))
        values = np.fromiter(self._recent.values(), np.uint64, len(self._recent))
        self._recent.clear()
        self.merge(keys, values)

    def merge(self, keys: npt.NDArray[np.uint64], values: npt.NDArray[np.uint64]) -> None:
        """Add many at once."""
        keys = np.concatenate((keys, self._keys))
        values = np.concatenate((values, self._values))
        # unique() keeps the first of equal keys: the recent one.
        self._keys, first = np.unique(keys, return_index=True)
        self._values = values[first]

    def get(self, keys: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Return the value of each key, 0 where there is none."""
        found = np.zeros(len(keys), np.uint64)
        if len(self._keys):
            at = np.searchsorted(self._keys, keys)
            at[at == len(self._keys)] = 0
            hit = self._keys[at] == keys
            found[hit] = self._values[at[hit]]
        if self._recent:
            recent = self._recent
            if len(keys) == 1:
                value = recent.get(int(keys[0]))
                if value is not None:
                    found[0] = value
            else:
                missing = (
                    np.flatnonzero(found == 0) if len(recent) < _MERGE_AT else range(len(keys))
                )
                listed = keys.tolist()
                for i in missing:
                    value = recent.get(listed[i])
                    if value is not None:
                        found[i] = value
        return found

    def drop(self, key: int) -> None:
        self._recent.pop(key, None)
        at = int(np.searchsorted(self._keys, np.uint64(key)))
        if at < len(self._keys) and int(self._keys[at]) == key:
            self._values[at] = 0


class Directory:
    """The people this process has met. Ids are dense and positive; 0 means none."""

    def __init__(self, *, new_secret: Callable[[], bytes] | None = None) -> None:
        self._id_of = _SortedMap()
        self._number_of = _SortedMap()
        self._new_secret = new_secret or (lambda: secrets.token_bytes(16))

    def __len__(self) -> int:
        return len(self._id_of)

    async def load(self, queries: Queries, most: int = KNOWN_AT_START) -> None:
        """Read the people there are. Looking up a thousand strangers costs the database a
        millisecond, reading a million in a row less than a second."""
        last = 0
        while len(self) < most:
            row = await queries.fetchrow("people_page", last, _PAGE)
            if row is None or row["last"] is None:
                return
            page = np.frombuffer(row["packed"], _PACKED)
            people, numbers = page["person"].astype(np.uint64), page["msisdn"].astype(np.uint64)
            self._number_of.merge(people, numbers)
            self._id_of.merge(numbers, people)
            last = row["last"]

    async def ids(self, queries: Queries, msisdns: Msisdns, at: datetime) -> Ids:
        """Return the person of each number (0 for a 0), making people that are new.

        New people exist from their first mention, whatever becomes of the request: an id
        says nothing about standing.
        """
        found = self._id_of.get(msisdns)
        missing = np.unique(msisdns[(found == 0) & (msisdns != 0)])
        for start in range(0, len(missing), _ASK_AT_ONCE):
            asked = missing[start : start + _ASK_AT_ONCE]
            rows = await queries.fetch("people_by_msisdn", asked.astype(np.int64).tolist())
            self._remember(rows)
            if len(rows) < len(asked):
                known = {row["msisdn"] for row in rows}
                new = [number for number in asked.tolist() if number not in known]
                made = [self._new_secret() for _ in new]
                await queries.execute("people_insert", new, made, at)
                self._remember(await queries.fetch("people_by_msisdn", new))
        if len(missing):
            found = self._id_of.get(msisdns)
        return found.astype(np.uint32)

    async def msisdns(self, queries: Queries, people: Ids) -> Msisdns:
        """Return the number of each person, 0 for one who is erased or has no number now."""
        keys = people.astype(np.uint64)
        found = self._number_of.get(keys)
        missing = np.unique(people[found == 0])
        for start in range(0, len(missing), _ASK_AT_ONCE):
            asked = missing[start : start + _ASK_AT_ONCE].astype(np.int64).tolist()
            self._remember(await queries.fetch("people_by_id", asked))
        if len(missing):
            found = self._number_of.get(keys)
        return found

    def forget(self, person: int, msisdn: int) -> None:
        """Drop a number that no longer belongs to a person."""
        self._id_of.drop(msisdn)
        self._number_of.drop(person)

    def _remember(self, rows: list[object]) -> None:
        if not rows:
            return
        pairs = np.array([(r["id"], r["msisdn"]) for r in rows], np.uint64)  # type: ignore[index]
        self._id_of.put(pairs[:, 1], pairs[:, 0])
        self._number_of.put(pairs[:, 0], pairs[:, 1])
