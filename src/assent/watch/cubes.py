"""What detectors are shown of records: a window of the last 24 hours beside 56 whole days before.

A window ends at any hour, so a day begins and ends where it is looked from and an attack is seen
while it lasts. What it is compared with are days of the calendar that ended before it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from assent.watch.records import NO_CATEGORY, Floats, Ints, Records, day_of, weekday_of

DAYS: Final = 56
"""Days that are compared with: eight of each weekday."""
WINDOW: Final = 24
_WEEK: Final = 7
_SHIFT: Final = 32
KIND_BITS: Final = 8

Subject = Literal["pair", "port", "kind"]
"""Whom a row is about: a sender through an account, a port, or a sender through an account with one
category (the place of the pair in :attr:`_Whole.pairs`, and the category)."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of some purposes (all if none is named), by subject."""

    subject: Subject
    purposes: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Parties:
    """What is known of senders and ports beside their counts. `industries`: of senders. `owners`:
    senders of ports. `born`: the hour since which a port exists. `grave`: categories that need a
    licence, or that nobody may send. `categories`: their codes, by place. `since`: the hour from
    which on anything was counted at all."""

    industries: Mapping[int, str] = field(default_factory=dict)
    owners: Mapping[int, int] = field(default_factory=dict)
    born: Mapping[int, int] = field(default_factory=dict)
    grave: frozenset[int] = frozenset()
    categories: tuple[str, ...] = ()
    since: int = 0

    def category(self, place: int) -> str:
        """Return the code of a category."""
        return self.categories[place] if place < len(self.categories) else str(place)


@dataclass(frozen=True)
class Cube:
    """One cut at one hour. `keys`: subjects in ascending order; see :func:`sender_of`. `group`: a
    number for each key's industry. Counts by metric: `now` [keys], `week` [keys]: the window and
    the six days before it; `past` [keys, DAYS], the last day last."""

    cut: Cut
    keys: Ints
    group: Ints
    weekdays: Ints
    alike: NDArray[np.bool_]
    window: _Window
    whole: _Whole

    def now(self, metric: str) -> Floats:
        """Return counts of the window."""
        return self.window.sums(metric)

    def past(self, metric: str) -> Floats:
        """Return counts of the days before it."""
        days: Floats = self.whole.days(metric)[:, self.window.slice]
        return days

    def week(self, metric: str) -> Floats:
        """Return counts of the window and the six days before it."""
        before: Floats = self.past(metric)[:, -(_WEEK - 1) :].sum(axis=1)
        return self.now(metric) + before


class _Whole:
    """A cut over all days of some records; a metric is added up when it is first asked for."""

    def __init__(self, records: Records, cut: Cut, parties: Parties, first: int, days: int) -> None:
        self.records, self.cut = records, cut
        subject = records.port
        if cut.subject != "port":
            subject = records.sender << _SHIFT | records.account
        mask = subject > 0
        if cut.purposes:
            mask &= np.isin(records.purpose, sorted(cut.purposes))
        self.pairs = np.zeros(0, np.int64)
        if cut.subject == "kind":
            mask &= records.category != NO_CATEGORY
            self.pairs, place = np.unique(subject, return_inverse=True)
            subject = place << KIND_BITS | records.category
        self.rows = np.flatnonzero(mask)
        self.keys, self.place = np.unique(subject[self.rows], return_inverse=True)
        names = [
            parties.industries.get(sender_of(cut, int(key), parties), "")
            for key in (self.keys if cut.subject != "kind" else ())
        ]
        self.group = np.unique(names, return_inverse=True)[1] if names else np.zeros(0, np.int64)
        self.hours = records.hour[self.rows]
        self.first, self.width = first, days
        self._days: dict[str, Floats] = {}

    def days(self, metric: str) -> Floats:
        """Return counts of all days, [keys, days]."""
        if metric not in self._days:
            day = (self.hours + 8) // 24 - self.first
            values = self._values(metric)
            size = len(self.keys) * self.width
            inside = (day >= 0) & (day < self.width)
            flat = np.bincount(
                self.place[inside] * self.width + day[inside], values[inside], minlength=size
            )
            self._days[metric] = flat.astype(np.float64).reshape(len(self.keys), self.width)
        return self._days[metric]

    def _values(self, metric: str) -> Ints:
        column = self.records.counts.get(metric)
        return np.zeros(len(self.rows), np.int64) if column is None else column[self.rows]

    def between(self, metric: str, low: int, high: int) -> Floats:
        column = self.records.counts.get(metric)
        if column is None:
            return np.zeros(len(self.keys))
        picked = slice(*np.searchsorted(self.hours, [low, high]).tolist())
        return np.bincount(
            self.place[picked], column[self.rows[picked]], minlength=len(self.keys)
        ).astype(np.float64)


class _Window:
    def __init__(self, whole: _Whole, now: int, piece: slice) -> None:
        self._whole, self._now, self.slice = whole, now, piece
        self._sums: dict[str, Floats] = {}

    def sums(self, metric: str) -> Floats:
        if metric not in self._sums:
            low = self._now - WINDOW + 1
            self._sums[metric] = self._whole.between(metric, low, self._now + 1)
        return self._sums[metric]


class Cubes:
    """Cuts through some records, at whatever hour. Days before the first record count as empty, so
    hand in :data:`DAYS` and two more."""

    def __init__(self, records: Records, parties: Parties) -> None:
        self.records, self.parties = records, parties
        last = day_of(int(records.hour[-1])) if len(records) else 0
        self._first = (day_of(int(records.hour[0])) if len(records) else 0) - DAYS - 2
        self._days = last - self._first + 1
        self._wholes: dict[Cut, _Whole] = {}

    def view(self, now: int) -> View:
        """Return what there is to see at the end of an hour."""
        return View(self, now)

    def whole(self, cut: Cut) -> _Whole:
        """Return a cut over all days."""
        if cut not in self._wholes:
            self._wholes[cut] = _Whole(self.records, cut, self.parties, self._first, self._days)
        return self._wholes[cut]

    def piece(self, now: int) -> tuple[slice, Ints]:
        """Return which days are compared with at an hour, and their weekdays."""
        end = min(max(day_of(now - WINDOW + 1) - self._first, DAYS), self._days)
        weekdays = [weekday_of(self._first + place) for place in range(end - DAYS, end)]
        return slice(end - DAYS, end), np.asarray(weekdays, np.int64)


class View:
    """One hour, through any cut."""

    def __init__(self, cubes: Cubes, now: int) -> None:
        self._cubes, self.hour = cubes, now
        self._cache: dict[Cut, Cube] = {}
        self.parties = cubes.parties

    @cached_property
    def _piece(self) -> tuple[slice, Ints]:
        return self._cubes.piece(self.hour)

    def cube(self, cut: Cut) -> Cube:
        """Return a cut at this hour."""
        if cut not in self._cache:
            whole = self._cubes.whole(cut)
            piece, weekdays = self._piece
            touched = {weekday_of(day_of(at)) for at in (self.hour - WINDOW + 1, self.hour)}
            alike = np.isin(weekdays, sorted(touched))
            window = _Window(whole, self.hour, piece)
            self._cache[cut] = Cube(cut, whole.keys, whole.group, weekdays, alike, window, whole)
        return self._cache[cut]

    def window(self) -> Records:
        """Return the rows of the window."""
        rows = self._cubes.records
        low, high = np.searchsorted(rows.hour, [self.hour - WINDOW + 1, self.hour + 1]).tolist()
        return _part(rows, slice(low, high))


def _part(rows: Records, piece: slice) -> Records:
    counts = {name: values[piece] for name, values in rows.counts.items()}
    return Records(
        rows.hour[piece], rows.sender[piece], rows.account[piece], rows.port[piece],
        rows.purpose[piece], rows.category[piece], counts,
    )  # fmt: skip


def pair(sender: int, account: int) -> int:
    """Return the key of a sender through an account."""
    return sender << _SHIFT | account


def sender_of(cut: Cut, key: int, parties: Parties) -> int:
    """Return the sender that a key of a cut is of; 0 where it is not known."""
    return key >> _SHIFT if cut.subject == "pair" else parties.owners.get(key, 0)


def account_of(cut: Cut, key: int) -> int:
    """Return the account that a key is of; 0 of a port."""
    return key & (1 << _SHIFT) - 1 if cut.subject == "pair" else 0
