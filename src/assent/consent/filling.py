"""Filling a set with a hundred million standings as they come from a disk: in any order.

How many each programme has is known before, so every array is made once and at its size; rows
come by the million, are parted by programme and coded where they will stay. What is held beside
the set itself is one portion of rows and, while a programme is sorted, that programme once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.consent.packing import Codes, Form, Packed, first_form, wider
from assent.consent.sets import StandingSet

_SMALL: Final = 1 << 16
_HIGH: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)


class Filling:
    """Fills a StandingSet. `counts`: programme → how many people stand in it."""

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._programmes = np.array(sorted(counts), np.int64)
        self._room = [_Room(counts[number]) for number in self._programmes.tolist()]

    def add(self, programmes: NDArray[Any], people: NDArray[np.uint32], packed: Packed) -> None:
        """Add rows; `packed` as :func:`assent.consent.packing.pack` makes them, none of them 0.

        Raises ValueError for a programme that was not counted, or has more people than counted.
        """
        if not len(people):
            return
        places = self._programmes.searchsorted(programmes)
        np.minimum(places, len(self._programmes) - 1, out=places)
        if not (self._programmes[places] == programmes).all():
            raise ValueError("a programme that was not counted")
        if len(self._programmes) < _SMALL:
            places = places.astype(np.uint16)  # numpy sorts these by radix
        order = np.argsort(places, kind="stable")
        places, people, packed = places[order], people[order], packed[order]
        ends = np.append(np.flatnonzero(places[1:] != places[:-1]) + 1, len(places))
        start = 0
        for end, place in zip(ends.tolist(), places[ends - 1].tolist(), strict=True):
            self._room[place].add(people[start:end], packed[start:end])
            start = end

    def finish(self, into: StandingSet) -> None:
        """Put every programme into a set in place of what it has of it. Raises ValueError where a
        person came twice. Nothing can be added any more."""
        while self._room:
            room = self._room.pop()
            into.take(int(self._programmes[len(self._room)]), *room.sorted())


class _Room:
    """The arrays of one programme, filled from the front."""

    __slots__ = ("codes", "form", "keys", "n")

    def __init__(self, count: int) -> None:
        self.form: Form = first_form()
        self.keys = np.empty(count, np.uint32)
        self.codes: Codes = np.empty(count, self.form.dtype)
        self.n = 0

    def add(self, people: NDArray[np.uint32], packed: Packed) -> None:
        part = slice(self.n, self.n + len(people))
        if part.stop > len(self.keys):
            raise ValueError("more people than were counted")
        codes = self.form.encode(packed)
        if codes is None:
            held = self.form.decode(self.codes[: self.n])
            self.form, old, codes = wider(self.form, held, packed)
            self.codes = np.empty(len(self.keys), self.form.dtype)
            self.codes[: self.n] = old
        self.keys[part] = people
        self.codes[part] = codes
        self.n = part.stop

    def sorted(self) -> tuple[NDArray[np.uint32], Form, Codes]:
        """Return people ascending, the form, and their codes."""
        keys, codes = self.keys[: self.n], self.codes[: self.n]
        if self.n < len(self.keys):
            keys, codes = keys.copy(), codes.copy()  # the empty rest is not kept with them
        if (keys[1:] > keys[:-1]).all():
            return keys, self.form, codes
        if codes.dtype.itemsize > 4:
            order = np.argsort(keys)
            return keys[order], self.form, codes[order]
        rows = keys.astype(np.uint64) << _HIGH
        rows |= codes
        rows.sort()
        np.copyto(codes, rows & _LOW, casting="unsafe")
        rows >>= _HIGH
        np.copyto(keys, rows, casting="unsafe")
        return keys, self.form, codes
