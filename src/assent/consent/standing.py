"""What the entries add up to: who may be written to, and who refused.

The fold (:func:`fold`) reads entries in the order of their positions:

* No entry means no. A grant gives standing of its grade in one programme; a weaker grant
  never replaces a stronger one that still runs.
* A refusal ends standing and stays. It covers a programme, or purposes in a whole group, or
  on the platform. While it stands, the only grant that counts is a fresh act of the person:
  grade RECEIVER, recorded later *and* dated later than the refusal, and it counts for its own
  programme only. No import of a customer ever brings a refused person back.
* The refusal itself goes only when the person takes it back (a grant of grade RECEIVER to no
  programme), or when it is corrected on reviewed evidence (grade DOCUMENT or better).
* A pause rests what it covers until the reader's `resumed` refers to it.
* A number with a new holder ends everything of the old person, for good; so does erasure, which
  no correction undoes.
* Once a person's number is known to have been erased or given away before, only grants of grade
  RECEIVER count for this person, from there on and for good: erasing is no way around a refusal.
* Evidence lifts the grade of the grant it refers to, at most to DOCUMENT: a proof given by
  the person is an act of its own.

The sums of many people, for whole campaigns, are held by :mod:`assent.consent.sets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.consent.sets import PLATFORM, RefusalSet, StandingSet, refused_for
from assent.message import Grade, Purpose

__all__ = [
    "NO_STANDING",
    "OVER",
    "PLATFORM",
    "Ledger",
    "RefusalSet",
    "Standing",
    "StandingSet",
    "correction",
    "fold",
    "refused_for",
]

OVER: Final = frozenset({Kind.REASSIGNED, Kind.ERASED})
"""Kinds after which a person is over."""

_FOR_GOOD: Final = frozenset({Kind.CORRECTED, Kind.ERASED, Kind.RECEIVER_ONLY})
"""Kinds that no correction reaches. Of the last two: number and secret are gone; and what would
let a customer's word count again is not for a customer's evidence to say."""

_RESTORING: Final = frozenset({Kind.WITHDRAWN, Kind.PAUSED, Kind.REASSIGNED})
"""Kinds whose correction lets messages flow again."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Standing of a person in a programme. `since`: position of the grant. `fresh`: the
    person gave it after a refusal, so that the refusal does not cover this programme."""

    grade: Grade
    since: int = 0
    at_ms: int = 0
    expires_ms: int = 0
    fresh: bool = False
    group: int = 0
    purposes: int = 0

    def grade_at(self, at_ms: int) -> Grade:
        """Return the grade at a moment: NONE once the agreed period is over."""
        over = self.expires_ms != 0 and self.expires_ms <= at_ms
        return Grade.NONE if over else self.grade


NO_STANDING: Final = Standing(Grade.NONE)


@dataclass(slots=True)
class Ledger:
    """The sum of some entries; those of one person do not depend on another's."""

    position: int = 0
    standings: dict[tuple[int, int], Standing] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)
    receiver_only: set[int] = field(default_factory=set)
    _programme_refusals: dict[tuple[int, int], int] = field(default_factory=dict)
    _refusals: dict[tuple[int, int, Purpose], int] = field(default_factory=dict)
    _pauses: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    _of_person: dict[int, set[int]] = field(default_factory=dict)

    def standing(self, programme: int, person: int) -> Standing:
        """Return the standing, :data:`NO_STANDING` when there is none."""
        return self.standings.get((programme, person), NO_STANDING)

    def refusals(self, group: int, person: int) -> int:
        """Return the mask of purposes refused to the group (the platform's included)."""
        mask = 0
        for purpose in Purpose:
            for reach in (group, PLATFORM):
                if (reach, person, purpose) in self._refusals:
                    mask |= 1 << purpose
        return mask

    def refused_since(self) -> dict[tuple[int, int, Purpose], int]:
        """Return (group or PLATFORM, person, purpose) → date of every refusal in force."""
        return dict(self._refusals)

    def programmes_refused_since(self) -> dict[tuple[int, int], int]:
        """Return (programme, person) → date of every refusal of one programme by itself."""
        return dict(self._programme_refusals)

    def pauses_by_position(self) -> dict[int, tuple[int, int, int]]:
        """Return position → (group or PLATFORM, person, purposes) of every pause in force."""
        return dict(self._pauses)

    def programme_refused(self, programme: int, person: int) -> bool:
        """Tell whether the person refused this programme by itself."""
        return (programme, person) in self._programme_refusals

    def pauses(self, group: int, person: int) -> int:
        """Return the mask of purposes that rest for the group (the platform's included)."""
        mask = 0
        for reach, who, purposes in self._pauses.values():
            if who == person and reach in (group, PLATFORM):
                mask |= purposes
        return mask

    def masks(self, what: str, person: int) -> dict[int, int]:
        """Return what a person refused, or what rests for her (`what`: "refusal" or "pause"), as
        group → mask of purposes; group 0 is everybody; for "programme", which programmes by
        themselves → 1. An auditor compares it with the tables."""
        found: dict[int, int] = {}
        if what == "programme":
            return {one: 1 for one, who in self._programme_refusals if who == person}
        if what == "refusal":
            for reach, who, purpose in self._refusals:
                if who == person:
                    found[reach] = found.get(reach, 0) | 1 << purpose
        else:
            for reach, who, purposes in self._pauses.values():
                if who == person:
                    found[reach] = found.get(reach, 0) | purposes
        return found

    def apply(self, position: int, entry: Entry) -> None:
        """Add the next entry. Raises ValueError when positions do not ascend, and for a
        correction, which changes the past: fold the person's entries again."""
        if position <= self.position:
            raise ValueError("positions must ascend")
        if entry.kind is Kind.CORRECTED:
            raise ValueError("a correction needs the person's entries folded again")
        self.position = position
        if entry.kind is Kind.GRANTED:
            self._grant(position, entry)
        elif entry.kind is Kind.WITHDRAWN:
            self._withdraw(entry)
        elif entry.kind is Kind.PAUSED:
            self._pauses[position] = (_reach(entry), entry.person, entry.purposes)
        elif entry.kind is Kind.RESUMED:
            self._resume(entry)
        elif entry.kind in OVER:
            self.closed.add(entry.person)
            self._end(list(self._held(entry.person)))
        elif entry.kind is Kind.RECEIVER_ONLY:
            self.receiver_only.add(entry.person)
        elif entry.kind is Kind.EXPIRED:
            self._expire(entry)
        elif entry.kind is Kind.EVIDENCE:
            self._attach(entry)

    def _grant(self, position: int, entry: Entry) -> None:
        if entry.person in self.closed:
            return
        if not entry.programme:
            for purpose in _purposes(entry.purposes):
                key = (_reach(entry), entry.person, purpose)
                if self._refusals.get(key, entry.at_ms) < entry.at_ms:
                    del self._refusals[key]
            return
        if entry.person in self.receiver_only and entry.grade is not Grade.RECEIVER:
            return
        refused_at = self._refused_at(entry)
        if refused_at is not None and (
            entry.grade is not Grade.RECEIVER or entry.at_ms <= refused_at
        ):
            return
        key_of = (entry.programme, entry.person)
        if self.standing(*key_of).grade_at(entry.at_ms) > entry.grade:
            return
        self._of_person.setdefault(entry.person, set()).add(entry.programme)
        self.standings[key_of] = Standing(
            entry.grade,
            position,
            entry.at_ms,
            entry.expires_ms,
            refused_at is not None,
            entry.group,
            entry.purposes,
        )

    def _refused_at(self, entry: Entry) -> int | None:
        """Return the date of the last refusal that covers a grant, None when none does."""
        dates = [
            self._refusals.get((reach, entry.person, purpose))
            for purpose in _purposes(entry.purposes)
            for reach in (entry.group, PLATFORM)
        ]
        dates.append(self._programme_refusals.get((entry.programme, entry.person)))
        return max((date for date in dates if date is not None), default=None)

    def _withdraw(self, entry: Entry) -> None:
        if entry.scope is Scope.PROGRAMME:
            key = (entry.programme, entry.person)
            latest = max(entry.at_ms, self._programme_refusals.get(key, 0))
            self._programme_refusals[key] = latest
            self._end([key])
            return
        reach = _reach(entry)
        for purpose in _purposes(entry.purposes):
            place = (reach, entry.person, purpose)
            self._refusals[place] = max(entry.at_ms, self._refusals.get(place, 0))
        self._end(
            [
                key
                for key in self._held(entry.person)
                if self.standings[key].purposes & entry.purposes
                and reach in (PLATFORM, self.standings[key].group)
            ]
        )

    def _resume(self, entry: Entry) -> None:
        pause = self._pauses.get(entry.refers_to)
        if pause is not None and pause[1] == entry.person:
            del self._pauses[entry.refers_to]

    def _expire(self, entry: Entry) -> None:
        """End standing by date; one that refers to a grant ends that grant only."""
        ended = []
        for key in self._held(entry.person):
            standing = self.standings[key]
            covered = {
                Scope.PROGRAMME: key[0] == entry.programme,
                Scope.GROUP: standing.group == entry.group,
                Scope.PLATFORM: True,
            }[entry.scope]
            if covered and entry.refers_to in (0, standing.since):
                ended.append(key)
        self._end(ended)

    def _attach(self, entry: Entry) -> None:
        for key in self._held(entry.person):
            standing = self.standings[key]
            if standing.since == entry.refers_to:
                lifted = max(standing.grade, min(entry.grade, Grade.DOCUMENT))
                self.standings[key] = replace(standing, grade=lifted)

    def _held(self, person: int) -> Iterator[tuple[int, int]]:
        return ((programme, person) for programme in tuple(self._of_person.get(person, ())))

    def _end(self, keys: list[tuple[int, int]]) -> None:
        for key in keys:
            if self.standings.pop(key, None) is not None:
                self._of_person[key[1]].discard(key[0])


def correction(position: int, wrong: Entry, at_ms: int, grade: Grade = Grade.NONE) -> Entry:
    """Return the entry that says that the one at `position` was wrong. It is about the same people,
    programme and purposes, so that whoever follows the ledger looks where the wrong one counted.
    `grade`: of the evidence, where messages are to flow again."""
    return Entry(
        at_ms=at_ms,
        kind=Kind.CORRECTED,
        person=wrong.person,
        group=wrong.group,
        sender=wrong.sender,
        programme=wrong.programme,
        purposes=wrong.purposes,
        scope=wrong.scope,
        channel=Channel.PLATFORM,
        origin=Origin.PLATFORM,
        grade=grade,
        refers_to=position,
    )


def fold(rows: Iterable[tuple[int, Entry]]) -> Ledger:
    """Add up (position, entry) rows in ascending order of position.

    Corrections are laid out first: the entry one refers to is left out as though it had
    never been. One that would let messages flow again counts only with grade DOCUMENT or
    better, and none reaches another person's entry, a later one or another correction.
    Raises ValueError when positions do not ascend.
    """
    rows = list(rows)
    by_position = dict(rows)
    void = set()
    for position, entry in rows:
        if entry.kind is Kind.CORRECTED and entry.refers_to < position:
            target = by_position.get(entry.refers_to)
            if target is not None and _may_correct(entry, target):
                void.add(entry.refers_to)
    ledger = Ledger()
    for position, entry in rows:
        if entry.kind is Kind.CORRECTED or position in void:
            if position <= ledger.position:
                raise ValueError("positions must ascend")
            ledger.position = position
        else:
            ledger.apply(position, entry)
    return ledger


def _may_correct(entry: Entry, target: Entry) -> bool:
    if target.kind in _FOR_GOOD or target.person != entry.person:
        return False
    return target.kind not in _RESTORING or entry.grade >= Grade.DOCUMENT


def _reach(entry: Entry) -> int:
    return PLATFORM if entry.scope is Scope.PLATFORM else entry.group


def _purposes(mask: int) -> list[Purpose]:
    return [purpose for purpose in Purpose if mask >> purpose & 1]
