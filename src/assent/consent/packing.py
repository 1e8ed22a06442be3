"""Standing of one programme in few octets a person: 1 beside the id where few are told apart.

Packed, a standing is `end << 8 | fresh << 2 | grade`, 0 for none. Most people of a programme share
a handful of these: they agreed for as long as it runs, or to the date of an import. So what is kept
of each is a *code*, and a programme takes the first of these forms that holds what it has:

* a table of at most 255 kinds of standing, 1 octet a person;
* seconds from a base, where people's periods began when each of them agreed, 4 octets;
* the packed value itself, 8 octets, where ends lie more than thirteen years apart.

Code 0 means none in every form.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.uint64]
Codes = NDArray[Any]
Flags = NDArray[np.uint8]

GRADE: Final = np.uint8(3)
FRESH: Final = np.uint8(4)
_FLAGS: Final = np.uint64(7)
_END: Final = np.uint64(8)
_ONE: Final = np.uint64(1)
_FLAG_BITS: Final = np.uint64(3)
_MOST_KINDS: Final = 256  # with none
_SPAN: Final = np.uint64((1 << 29) - 1)
_LOW: Final = np.uint32(7)
_EIGHT: Final = np.uint32(8)
_BEFORE: Final = 1 << 27
"""Seconds that a base lies before the first end that was seen: later ones may come earlier."""


class Form(Protocol):
    """A way to keep packed values."""

    dtype: type[np.unsignedinteger[Any]]

    def encode(self, packed: Packed) -> Codes | None:
        """Return codes, None when the form cannot hold these values."""

    def decode(self, codes: Codes) -> Packed:
        """Undo :meth:`encode`."""

    def valid(self, codes: Codes, now: float) -> Flags:
        """Return grade, and whether fresh, of what has not ended at `now`; else 0."""

    @property
    def nbytes(self) -> int:
        """Memory beside the codes, bytes."""


def pack(
    n: int,
    grade: NDArray[Any] | int,
    expires: NDArray[Any] | int,
    fresh: NDArray[np.bool_] | bool,
) -> Packed:
    """Return packed values; 0 for grade 0, whatever the rest. Grades are not checked."""
    grades = np.broadcast_to(np.asarray(grade, np.uint64), (n,))
    ends = np.broadcast_to(np.asarray(expires), (n,)).astype(np.uint64)
    anew = np.broadcast_to(np.asarray(fresh, np.bool_), (n,))
    packed = (ends << _END) | np.where(anew, np.uint64(FRESH), np.uint64(0)) | grades
    return np.where(grades == 0, np.uint64(0), packed)


def endless(packed: Packed) -> NDArray[np.bool_]:
    """Return which values are standing that has no end."""
    found: NDArray[np.bool_] = (packed != 0) & (packed >> _END == 0)
    return found


def _valid(packed: Packed, now: float) -> Flags:
    flags = (packed & _FLAGS).astype(np.uint8)
    # 0 - 1 wraps to the largest number: "no end" is later than any moment.
    flags[(packed >> _END) - _ONE < np.uint64(max(int(now), 0))] = 0
    return flags


class Table:
    """Codes are places in a table of the kinds of standing that were met."""

    dtype = np.uint8

    def __init__(self) -> None:
        self._values = np.zeros(1, np.uint64)
        self._sorted, self._places = self._values, np.zeros(1, np.uint8)
        # What is valid from one second to another, since look-ups come by the thousand a second.
        self._flags, self._from, self._to = np.zeros(1, np.uint8), 0, 0

    def encode(self, packed: Packed) -> Codes | None:
        at = self._find(packed)
        strange = self._sorted[at] != packed
        if strange.any():
            if not self._learn(np.unique(packed[strange])):
                return None
            at = self._find(packed)
        return self._places[at]

    def decode(self, codes: Codes) -> Packed:
        return self._values[codes]

    def valid(self, codes: Codes, now: float) -> Flags:
        second = max(int(now), 0)
        if not self._from <= second < self._to:
            self._see(second)
        flags: Flags = self._flags.take(codes)
        return flags

    @property
    def nbytes(self) -> int:
        return self._values.nbytes + self._sorted.nbytes + self._places.nbytes

    def _see(self, second: int) -> None:
        """Work out what is valid at a second, and between which ends that stays so."""
        ends = self._sorted >> _END
        place = int(ends.searchsorted(np.uint64(second), side="right"))
        self._flags = _valid(self._values, second)
        self._from = int(ends[place - 1]) if place else 0
        self._to = int(ends[place]) if place < len(ends) else 1 << 62

    def _find(self, packed: Packed) -> NDArray[np.intp]:
        at = self._sorted.searchsorted(packed)
        np.minimum(at, len(self._sorted) - 1, out=at)
        return at

    def _learn(self, more: Packed) -> bool:
        if len(self._values) + len(more) > _MOST_KINDS:
            return False
        self._values = np.concatenate([self._values, more])
        order = np.argsort(self._values)
        self._sorted, self._places = self._values[order], order.astype(np.uint8)
        self._to = 0
        return True


class Seconds:
    """Codes are `(end - base + 1) << 3 | flags`, or the flags alone for no end: 17 years."""

    dtype = np.uint32

    def __init__(self, packed: Packed) -> None:
        """`packed`: some of what will be kept; it sets the base."""
        ends = packed[packed >> _END != 0] >> _END
        first = int(ends.min()) if len(ends) else 0
        self._base = np.uint64(max(first - _BEFORE, 1))

    def encode(self, packed: Packed) -> Codes | None:
        ends = packed >> _END
        since = np.where(ends == 0, np.uint64(0), ends - self._base + _ONE)
        # What lies before the base wraps to something very large, or meets 0 and its like.
        if (since > _SPAN).any() or ((ends != 0) & (ends < self._base)).any():
            return None
        return ((since << _FLAG_BITS) | (packed & _FLAGS)).astype(np.uint32)

    def decode(self, codes: Codes) -> Packed:
        wide = codes.astype(np.uint64)
        since = wide >> _FLAG_BITS
        ends = np.where(since == 0, np.uint64(0), since + self._base - _ONE)
        return (ends << _END) | (wide & _FLAGS)

    def valid(self, codes: Codes, now: float) -> Flags:
        flags = (codes & _LOW).astype(np.uint8)
        past = min(max(int(now), 0) - int(self._base) + 1, int(_SPAN))
        if past > 0:  # codes 8 to `past << 3 | 7` are over; those below 8, without end, wrap
            flags[codes - _EIGHT < np.uint32(past << 3)] = 0
        return flags

    @property
    def nbytes(self) -> int:
        return 8


class Plain:
    """Codes are the packed values."""

    dtype = np.uint64

    def encode(self, packed: Packed) -> Codes | None:
        return packed

    def decode(self, codes: Codes) -> Packed:
        return codes

    def valid(self, codes: Codes, now: float) -> Flags:
        return _valid(codes, now)

    @property
    def nbytes(self) -> int:
        return 0


def first_form() -> Form:
    """Return the form of a programme of which nothing is known."""
    return Table()


def wider(form: Form, held: Packed, more: Packed) -> tuple[Form, Codes, Codes]:
    """Return the next form that holds both what is held and what comes, and their codes."""
    if isinstance(form, Table):
        seconds = Seconds(np.concatenate([held, more]))
        old, new = seconds.encode(held), seconds.encode(more)
        if old is not None and new is not None:
            return seconds, old, new
    return Plain(), held, more
