"""A map from person ids to small integers, as sorted arrays: the ground of the sets.

A large sorted base and a small sorted delta that overrides it; the delta is folded into the
base when it has grown to some multiple of the base's square root, so that single changes
stay cheap beside ten million people. Looking up sorted people walks memory forwards.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SMALL: Final = 64
_LEAST_DELTA: Final = 1024
_SHIFT: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)

Keys = NDArray[np.uint32]
Values = NDArray[Any]


class PersonMap:
    """Person id → unsigned integer of `dtype`; 0 means absent and is not kept."""

    def __init__(self, dtype: type[np.unsignedinteger[Any]]) -> None:
        self._dtype = dtype
        self._base: tuple[Keys, Values] = (np.empty(0, np.uint32), np.empty(0, dtype))
        self._delta: tuple[Keys, Values] = self._base

    def __len__(self) -> int:
        """Number of people with a value other than 0."""
        self._fold_in()
        return len(self._base[0])

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, bytes."""
        return sum(column.nbytes for pair in (self._base, self._delta) for column in pair)

    def load(self, people: Keys, values: Values) -> None:
        """Replace everything. Where a person stands twice, the last value holds."""
        keys, kept = _last_of_each(people, values.astype(self._dtype, copy=False))
        present = kept != 0
        if not present.all():
            keys, kept = keys[present], kept[present]
        self._base = (keys, kept)
        self._delta = (np.empty(0, np.uint32), np.empty(0, self._dtype))

    def take(self, people: Keys, values: Values) -> None:
        """Replace everything by ascending people, each once, none with value 0. The arrays are
        kept as they are. Raises ValueError for another order."""
        if not bool((people[1:] > people[:-1]).all()) or not bool((values != 0).all()):
            raise ValueError("people must ascend and have values")
        self._base = (people, values.astype(self._dtype, copy=False))
        self._delta = (np.empty(0, np.uint32), np.empty(0, self._dtype))

    def put(self, people: Keys, values: Values) -> None:
        """Set values; 0 removes. Where a person stands twice, the last value holds."""
        if not len(people):
            return
        keys, kept = _last_of_each(people, values.astype(self._dtype, copy=False))
        self._delta = _merged(self._delta, keys, kept)
        if len(self._delta[0]) > _LEAST_DELTA + 4 * math.isqrt(len(self._base[0])):
            self._fold_in()

    def get(self, people: Keys) -> Values:
        """Return each person's value, 0 where there is none, in the people's order."""
        order = _sorting(people)
        wanted = people if order is None else people[order]
        keys, values = self._base
        if len(keys):
            at = keys.searchsorted(wanted)
            out = values.take(at, mode="clip")
            out *= keys.take(at, mode="clip") == wanted
        else:
            out = np.zeros(len(people), self._dtype)
        keys, values = self._delta
        if len(keys):
            at = keys.searchsorted(wanted)
            hit = keys.take(at, mode="clip") == wanted
            np.copyto(out, values.take(at, mode="clip"), where=hit)
        if order is None:
            return out
        back = np.empty_like(out)
        back[order] = out
        return back

    def items(self) -> tuple[Keys, Values]:
        """Return all people, ascending, and their values. Not to be written to."""
        self._fold_in()
        return self._base

    def _fold_in(self) -> None:
        if len(self._delta[0]):
            keys, values = _merged(self._base, *self._delta)
            present = values != 0
            self._base = (keys, values) if present.all() else (keys[present], values[present])
            self._delta = (np.empty(0, np.uint32), np.empty(0, self._dtype))


def _last_of_each(people: Keys, values: Values) -> tuple[Keys, Values]:
    """Return the people sorted, each once, with the last value given."""
    people = people.astype(np.uint32, copy=True)
    if len(people) < 2 or bool((people[1:] > people[:-1]).all()):
        return people, values.copy()
    order = np.argsort(people, kind="stable")
    people, values = people[order], values[order]
    last = np.append(people[1:] != people[:-1], True)
    return people[last], values[last]


def _merged(into: tuple[Keys, Values], keys: Keys, values: Values) -> tuple[Keys, Values]:
    """Return `into` with these laid over it; both are sorted without repeats."""
    old_keys, old_values = into
    if not len(old_keys):
        return keys, values
    at = old_keys.searchsorted(keys)
    known = old_keys[np.minimum(at, len(old_keys) - 1)] == keys
    merged = old_values.copy()
    merged[at[known]] = values[known]
    new = ~known
    if not new.any():
        return old_keys, merged
    return np.insert(old_keys, at[new], keys[new]), np.insert(merged, at[new], values[new])


def _sorting(people: Keys) -> NDArray[np.int64] | None:
    """Return an order that sorts the people, None when they are few or sorted already."""
    n = len(people)
    if n < _SMALL or bool((people[1:] >= people[:-1]).all()):
        return None
    keyed = (people.astype(np.uint64) << _SHIFT) | np.arange(n, dtype=np.uint64)
    keyed.sort()
    return (keyed & _LOW).astype(np.int64)
