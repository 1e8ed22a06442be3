"""Standing and refusals of many people at once, in memory.

Sorted arrays per programme and per group, for whole campaigns: a look-up of a million people
takes some hundredths of a second. They are caches of what the ledger adds up to
(:mod:`assent.consent.standing`): whatever commits an attempt checks in the store again, so a
set that lags can delay a message and never leak one.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.consent.people import PersonMap
from assent.message import Grade, Purpose

PLATFORM: Final = 0
"""The group id under which refusals and pauses of the whole platform are kept."""

_GRADE: Final = np.uint64(3)
_FRESH: Final = np.uint64(4)
_EXPIRY_SHIFT: Final = np.uint64(8)


class StandingSet:
    """Standing by programme, for whole campaigns: 12 bytes a person and programme."""

    def __init__(self) -> None:
        self._maps: dict[int, PersonMap] = {}

    def load(
        self,
        programme: int,
        people: NDArray[np.uint32],
        grade: NDArray[np.uint8],
        expires: NDArray[Any] | int = 0,
        fresh: NDArray[np.bool_] | bool = False,
    ) -> None:
        """Replace a programme. Arguments as :meth:`add`."""
        self._maps[programme] = PersonMap(np.uint64)
        self._maps[programme].load(people, _packed(len(people), grade, expires, fresh))

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
        self._maps.setdefault(programme, PersonMap(np.uint64)).put(people, packed)

    def remove(self, programme: int, people: NDArray[np.uint32]) -> None:
        """End people's standing in a programme."""
        if programme in self._maps:
            self._maps[programme].put(people, np.zeros(len(people), np.uint64))

    def lookup(self, programme: int, people: NDArray[np.uint32], now: float) -> NDArray[np.uint8]:
        """Return each person's grade at `now` (unix seconds), 0 where there is none."""
        return (self._valid(programme, people, now) & _GRADE).astype(np.uint8)

    def lookup_fresh(
        self, programme: int, people: NDArray[np.uint32], now: float
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return grades as :meth:`lookup`, and whose standing is fresh."""
        values = self._valid(programme, people, now)
        return (values & _GRADE).astype(np.uint8), (values & _FRESH) != 0

    def endless(self, programme: int, people: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Return whose standing has no end by date; False where there is none."""
        if programme not in self._maps:
            return np.zeros(len(people), np.bool_)
        values: NDArray[np.uint64] = self._maps[programme].get(people)
        found: NDArray[np.bool_] = (values != 0) & (values >> _EXPIRY_SHIFT == 0)
        return found

    def programmes(self) -> list[int]:
        """Return the programmes that were ever loaded or added to."""
        return list(self._maps)

    def count(self, programme: int) -> int:
        """Return how many people have standing in a programme, expired ones included."""
        return len(self._maps[programme]) if programme in self._maps else 0

    def people(self, programme: int) -> NDArray[np.uint32]:
        """Return the people with standing in a programme, ascending, expired ones included."""
        if programme not in self._maps:
            return np.empty(0, np.uint32)
        return self._maps[programme].items()[0].copy()

    @property
    def nbytes(self) -> int:
        """Memory of the arrays, bytes."""
        return sum(each.nbytes for each in self._maps.values())

    def _valid(self, programme: int, people: NDArray[np.uint32], now: float) -> NDArray[np.uint64]:
        if programme not in self._maps:
            return np.zeros(len(people), np.uint64)
        values: NDArray[np.uint64] = self._maps[programme].get(people)
        expires = values >> _EXPIRY_SHIFT
        # 0 - 1 wraps to the largest number: "no end" is later than any moment.
        over = expires - np.uint64(1) < np.uint64(max(int(now), 0))
        values[over] = 0
        return values


def _packed(
    n: int,
    grade: NDArray[np.uint8] | int,
    expires: NDArray[Any] | int,
    fresh: NDArray[np.bool_] | bool,
) -> NDArray[np.uint64]:
    """Pack expiry << 8 | fresh << 2 | grade; 0 for grade 0, whatever the rest."""
    grades = np.broadcast_to(np.asarray(grade, np.uint64), (n,))
    if n and int(grades.max()) > Grade.RECEIVER:
        raise ValueError("there is no such grade")
    ends = np.broadcast_to(np.asarray(expires), (n,)).astype(np.uint64)
    anew = np.broadcast_to(np.asarray(fresh, np.bool_), (n,))
    packed = (ends << _EXPIRY_SHIFT) | np.where(anew, _FRESH, np.uint64(0)) | grades
    return np.where(grades == 0, np.uint64(0), packed)


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
        if group not in self._maps:
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
