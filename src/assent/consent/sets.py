"""Standing and refusals of many people at once, in memory.

Sorted arrays per programme and per group, for whole campaigns: a look-up of a million people
takes some hundredths of a second. They are caches of what the ledger adds up to
(:mod:`assent.consent.standing`): whatever commits an attempt checks in the store again, so a
set that lags can delay a message and never leak one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.consent.packing import (
    FRESH,
    GRADE,
    Codes,
    Form,
    Packed,
    endless,
    first_form,
    pack,
    wider,
)
from assent.consent.people import PersonMap
from assent.message import Grade, Purpose

PLATFORM: Final = 0
"""The group id under which refusals and pauses of the whole platform are kept."""


class _Programme:
    """Who stands in one programme: codes of a form (consent/packing.py) by person."""

    __slots__ = ("form", "map")

    def __init__(self, form: Form | None = None) -> None:
        self.form = form or first_form()
        self.map = PersonMap(self.form.dtype)

    def put(self, people: NDArray[np.uint32], packed: Packed) -> None:
        """Set people's standing; 0 removes."""
        codes = self.form.encode(packed)
        if codes is None:
            keys, held = self.map.items()
            self.form, old, codes = wider(self.form, self.form.decode(held), packed)
            self.map = PersonMap(self.form.dtype)
            self.map.take(keys, old)
        self.map.put(people, codes)

    @property
    def nbytes(self) -> int:
        return self.map.nbytes + self.form.nbytes


class StandingSet:
    """Standing by programme, for whole campaigns: 5 bytes a person and programme where few ends
    are told apart, 8 where everybody has an end of her own."""

    def __init__(self) -> None:
        self._programmes: dict[int, _Programme] = {}

    def load(
        self,
        programme: int,
        people: NDArray[np.uint32],
        grade: NDArray[np.uint8],
        expires: NDArray[Any] | int = 0,
        fresh: NDArray[np.bool_] | bool = False,
    ) -> None:
        """Replace a programme. Arguments as :meth:`add`."""
        self._programmes[programme] = _Programme()
        self.add(programme, people, grade, expires, fresh)

    def add(
        self,
        programme: int,
        people: NDArray[np.uint32],
        grade: NDArray[np.uint8] | int,
        expires: NDArray[Any] | int = 0,
        fresh: NDArray[np.bool_] | bool = False,
    ) -> None:
        """Set people's standing. `expires`: unix seconds at which the agreed period ends,
        0 = open. `fresh` as in :class:`assent.consent.standing.Standing`. Grade 0 removes."""
        packed = _packed(len(people), grade, expires, fresh)
        self._programmes.setdefault(programme, _Programme()).put(people, packed)

    def take(self, programme: int, people: NDArray[np.uint32], form: Form, codes: Codes) -> None:
        """Replace a programme by people in ascending order, each once, with codes of a form. The
        arrays are kept, so nobody else may write to them. Raises ValueError for another order."""
        made = _Programme(form)
        made.map.take(people, codes)
        self._programmes[programme] = made

    def remove(self, programme: int, people: NDArray[np.uint32]) -> None:
        """End people's standing in a programme."""
        held = self._programmes.get(programme)
        if held is not None and held.map.get(people).any():
            held.map.put(people, np.zeros(len(people), held.form.dtype))

    def lookup(self, programme: int, people: NDArray[np.uint32], now: float) -> NDArray[np.uint8]:
        """Return each person's grade at `now` (unix seconds), 0 where there is none."""
        return self._valid(programme, people, now) & GRADE

    def lookup_fresh(
        self, programme: int, people: NDArray[np.uint32], now: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return grades as :meth:`lookup`, and whose standing is fresh."""
        flags = self._valid(programme, people, now)
        return flags & GRADE, (flags & FRESH) != 0

    def endless(self, programme: int, people: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return whose standing has no end by date; False where there is none."""
        held = self._programmes.get(programme)
        if held is None:
            return np.zeros(len(people), np.bool_)
        return endless(held.form.decode(held.map.get(people)))

    def programmes(self) -> list[int]:
        """Return the programmes that were ever loaded or added to."""
        return list(self._programmes)

    def count(self, programme: int) -> int:
        """Return how many people have standing in a programme, expired ones included."""
        held = self._programmes.get(programme)
        return 0 if held is None else len(held.map)

    def people(self, programme: int) -> NDArray[np.uint32]:
        """Return the people with standing in a programme, ascending, expired ones included."""
        held = self._programmes.get(programme)
        return np.empty(0, np.uint32) if held is None else held.map.items()[0].copy()

    def standing_at(
        self, programme: int, now: float, least: int = 1, at_once: int = 1 << 16
    ) -> Iterator[NDArray[np.uint32]]:
        """Yield the people whose grade at `now` is at least `least`, ascending, in portions: what
        was there at the first one, whatever changes in between."""
        held = self._programmes.get(programme)
        if held is None:
            return
        (people, codes), form = held.map.items(), held.form
        for start in range(0, len(people), at_once):
            part = slice(start, start + at_once)
            yield people[part][(form.valid(codes[part], now) & GRADE) >= max(least, 1)]

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, bytes."""
        return sum(each.nbytes for each in self._programmes.values())

    def _valid(self, programme: int, people: NDArray[np.uint32], now: float) -> NDArray[np.uint8]:
        held = self._programmes.get(programme)
        if held is None:
            return np.zeros(len(people), np.uint8)
        return held.form.valid(held.map.get(people), now)


def _packed(
    n: int,
    grade: NDArray[np.uint8] | int,
    expires: NDArray[Any] | int,
    fresh: NDArray[np.bool_] | bool,
) -> Packed:
    if n and int(np.max(grade)) > Grade.RECEIVER:
        raise ValueError("there is no such grade")
    return pack(n, grade, expires, fresh)


class RefusalSet:
    """Purposes refused, or paused, by (group, person): one byte of mask each.

    Group :data:`PLATFORM` holds what covers every group and is part of every look-up.
    """

    def __init__(self) -> None:
        self._maps: dict[int, PersonMap] = {}

    def load(self, group: int, people: NDArray[np.uint32], masks: NDArray[np.uint8] | int) -> None:
        """Replace a group. `masks`: bit 1 << purpose."""
        self._maps[group] = PersonMap(np.uint8)
        self._maps[group].load(people, _bytes(masks, len(people)))

    def add(self, group: int, people: NDArray[np.uint32], masks: NDArray[np.uint8] | int) -> None:
        """Add purposes to what each person refused. A person may stand several times."""
        map_ = self._maps.setdefault(group, PersonMap(np.uint8))
        unique, place = np.unique(people, return_inverse=True)
        joined = map_.get(unique)
        np.bitwise_or.at(joined, place, _bytes(masks, len(people)))
        map_.put(unique, joined)

    def clear(
        self, group: int, people: NDArray[np.uint32], masks: NDArray[np.uint8] | int = 0xFF
    ) -> None:
        """Take purposes away from what each person refused (all by default)."""
        if group not in self._maps or not self._maps[group].get(people).any():
            return
        unique, place = np.unique(people, return_inverse=True)
        left = self._maps[group].get(unique)
        np.bitwise_and.at(left, place, ~_bytes(masks, len(people)))
        self._maps[group].put(unique, left)

    def lookup(self, group: int, people: NDArray[np.uint32]) -> NDArray[np.uint8]:
        """Return each person's mask of purposes: the group's and the platform's together."""
        masks = np.zeros(len(people), np.uint8)
        for reach in dict.fromkeys((group, PLATFORM)):
            if reach in self._maps:
                masks |= self._maps[reach].get(people)
        return masks

    def groups(self) -> list[int]:
        """Return the groups that were ever loaded or added to."""
        return list(self._maps)

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, bytes."""
        return sum(each.nbytes for each in self._maps.values())


def _bytes(masks: NDArray[np.uint8] | int, n: int) -> NDArray[np.uint8]:
    return np.broadcast_to(np.asarray(masks, np.uint8), (n,))


def refused_for(
    refusals: RefusalSet,
    group: int,
    purpose: Purpose,
    people: NDArray[np.uint32],
    fresh: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return who refused this purpose to the group: the `refused` of the facts.

    `fresh`: from :meth:`StandingSet.lookup_fresh` for the message's programme; a refusal does
    not cover a programme that the person joined afresh after it. None where there is no
    programme (a code, a notice), and for pauses, which nothing overrides.
    """
    refused: NDArray[np.bool_] = (refusals.lookup(group, people) & np.uint8(1 << purpose)) != 0
    return refused if fresh is None else refused & ~fresh
