"""Numbers → person ids and back, for millions of people, without a long pause.

Both grow while an event loop waits, so no single call may touch all that is known: numbers are
spread over parts that are merged one at a time, and ids, which are dense, index pages.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.uint64]

_PARTS_BITS: Final = 4
_PARTS: Final = 1 << _PARTS_BITS
_SPREAD: Final = np.uint64(0x9E37_79B9_7F4A_7C15)  # odd: neighbours end up far apart
_SHIFT: Final = np.uint64(64 - _PARTS_BITS)
_LEAST_RECENT: Final = 4_096
_PAGE_BITS: Final = 20
_PAGE: Final = 1 << _PAGE_BITS


class _Part:
    """Some of the numbers: a large sorted base, and what was added since, sorted too."""

    def __init__(self) -> None:
        self.base = _empty()
        self.recent = _empty()

    def find(self, numbers: Column, out: Column) -> None:
        """Write the ids of sorted numbers, leaving `out` alone where there is none."""
        for keys, values in (self.base, self.recent):
            if len(keys):
                at = keys.searchsorted(numbers)
                np.minimum(at, len(keys) - 1, out=at)
                np.copyto(out, values[at], where=keys[at] == numbers)

    def put(self, numbers: Column, people: Column) -> None:
        """Add sorted numbers without repeats."""
        self.recent = _merged(self.recent, numbers, people)

    @property
    def due(self) -> bool:
        """Whether what was added since should join the base."""
        return len(self.recent[0]) > max(_LEAST_RECENT, len(self.base[0]) >> 4)

    def settle(self) -> None:
        self.base = _merged(self.base, *self.recent)
        self.recent = _empty()


class NumberMap:
    """Phone number → person id; 0 means none. 16 octets a number.

    Adding ten thousand to ten million takes some milliseconds, never more: at most one of the
    parts is merged in a call.
    """

    def __init__(self) -> None:
        self._parts = [_Part() for _ in range(_PARTS)]
        self._turn = 0

    def __len__(self) -> int:
        """Numbers that are kept; one put again may count twice for a while."""
        return sum(len(part.base[0]) + len(part.recent[0]) for part in self._parts)

    def get(self, numbers: Column) -> Column:
        """Return the id of each number, 0 where there is none."""
        found = np.zeros(len(numbers), np.uint64)
        if len(numbers) == 1:
            self._parts[int(_part_of(numbers)[0])].find(numbers, found)
            return found
        for place, where in _spread(numbers):
            ids = np.zeros(len(where), np.uint64)
            self._parts[place].find(numbers[where], ids)
            found[where] = ids
        return found

    def put(self, numbers: Column, people: Column) -> None:
        """Set the ids of numbers, each given once; the last put holds."""
        for place, where in _spread(numbers):
            self._parts[place].put(numbers[where], people[where])
        # One a call, in turn: all parts fill alike, and would all be due at once.
        for _ in range(_PARTS):
            self._turn = (self._turn + 1) % _PARTS
            if self._parts[self._turn].due:
                self._parts[self._turn].settle()
                return

    def drop(self, numbers: Column) -> None:
        """Forget numbers, each given once: nothing of them stays."""
        for place, where in _spread(numbers):
            part = self._parts[place]
            part.base, part.recent = (
                _without(column, numbers[where]) for column in (part.base, part.recent)
            )

    def load(self, numbers: Column, people: Column) -> None:
        """Replace everything; numbers stand once. Takes seconds for millions: at start only."""
        self._parts = [_Part() for _ in range(_PARTS)]
        for place, where in _spread(numbers):
            self._parts[place].base = (numbers[where], people[where])


class PersonNumbers:
    """Person id → phone number; 0 means none. 8 octets an id, in pages: ids are dense."""

    def __init__(self) -> None:
        self._pages: dict[int, Column] = {}

    def get(self, people: Column) -> Column:
        """Return the number of each person, 0 where it is not known."""
        found = np.zeros(len(people), np.uint64)
        for page, where, at in _paged(people):
            numbers = self._pages.get(page)
            if numbers is not None:
                found[where] = numbers[at]
        return found

    def put(self, people: Column, numbers: Column) -> None:
        """Set people's numbers."""
        for page, where, at in _paged(people):
            if page not in self._pages:
                self._pages[page] = np.zeros(_PAGE, np.uint64)
            self._pages[page][at] = numbers[where]

    def drop(self, people: Column) -> None:
        """Forget people's numbers."""
        for page, _, at in _paged(people):
            if page in self._pages:
                self._pages[page][at] = 0


class Seen:
    """Which people were met; an octet for each id that there is, in pages."""

    def __init__(self) -> None:
        self._pages: dict[int, npt.NDArray[np.bool_]] = {}

    def add(self, people: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        """Add people; return which of them were there before this call."""
        before = np.zeros(len(people), np.bool_)
        for page, where, at in _paged(people):
            if page not in self._pages:
                self._pages[page] = np.zeros(_PAGE, np.bool_)
            met = self._pages[page]
            before[where] = met[at]
            met[at] = True
        return before


def _empty() -> tuple[Column, Column]:
    return np.empty(0, np.uint64), np.empty(0, np.uint64)


def _part_of(numbers: Column) -> Column:
    return (numbers * _SPREAD) >> _SHIFT


def _spread(numbers: Column) -> list[tuple[int, npt.NDArray[np.intp]]]:
    """Return each part that numbers belong to, with their places in ascending order."""
    parts = _part_of(numbers)
    order = np.lexsort((numbers, parts))
    bounds = np.searchsorted(parts[order], np.arange(_PARTS + 1, dtype=np.uint64)).tolist()
    return [
        (place, order[bounds[place] : bounds[place + 1]])
        for place in range(_PARTS)
        if bounds[place] < bounds[place + 1]
    ]


def _merged(into: tuple[Column, Column], keys: Column, values: Column) -> tuple[Column, Column]:
    """Return sorted columns with these laid over them."""
    old_keys, old_values = into
    if not len(old_keys):
        return keys, values
    at = old_keys.searchsorted(keys)
    known = old_keys[np.minimum(at, len(old_keys) - 1)] == keys
    old_values[at[known]] = values[known]
    new = ~known
    return np.insert(old_keys, at[new], keys[new]), np.insert(old_values, at[new], values[new])


def _without(column: tuple[Column, Column], numbers: Column) -> tuple[Column, Column]:
    """Return sorted columns without some sorted numbers."""
    keys, values = column
    if not len(keys):
        return column
    at = np.minimum(keys.searchsorted(numbers), len(keys) - 1)
    hit = at[keys[at] == numbers]
    return (np.delete(keys, hit), np.delete(values, hit)) if len(hit) else column


_Page = tuple[int, npt.NDArray[np.intp] | slice, npt.NDArray[np.intp]]


def _paged(people: npt.NDArray[np.uint32] | Column) -> list[_Page]:
    """Return each page that ids are on, their places, and where on the page they stand."""
    if not len(people):
        return []
    ids = people.astype(np.intp)
    pages, at = ids >> _PAGE_BITS, ids & (_PAGE - 1)
    first = int(pages[0])
    if (pages == first).all():
        return [(first, slice(None), at)]
    found: list[_Page] = []
    for page in np.unique(pages).tolist():
        where = np.flatnonzero(pages == page)
        found.append((page, where, at[where]))
    return found
