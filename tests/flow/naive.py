"""What the design says of standing, told as plainly as it can be: a list of facts, read through
from its beginning for every question. It shares no code with the platform; `test_model.py` holds
the platform against it.

Consent is to a programme. A refusal is of purposes, towards a group of senders or (None) everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

ASSERTION, DOCUMENT, RECEIVER = 1, 2, 3
ONCE = 30 * 86_400.0
"""How long back somebody who wrote from a shared number is meant by an answer to it."""


@dataclass(frozen=True)
class Programme:
    """A programme: its sender's group, and the purposes that it serves."""

    name: str
    sender: str
    group: str
    purposes: frozenset[str]


@dataclass(frozen=True)
class Fact:
    """Something that happened to a person. `what`: consent, refusal (of one `programme`, where
    that is named), taken_back, pause, read (what the pause `about` was for), lapse, proof (of the
    consent `about`), herself (from here on nobody else's word counts), or gone (forgotten, or the
    number has another holder). `id`: its own, where others may be about it. Times in seconds."""

    what: str
    person: str
    at: float
    id: int = 0
    programme: str | None = None
    group: str | None = None
    everywhere: bool = False
    purposes: frozenset[str] = frozenset()
    grade: int = 0
    until: float | None = None
    about: int = 0


@dataclass(frozen=True)
class Held:
    """A consent that holds. `fresh`: she gave it after she had refused."""

    consent: Fact
    grade: int
    fresh: bool


class Naive:
    """The facts, and what follows from them."""

    def __init__(self, programmes: Sequence[Programme]) -> None:
        self.programmes = {programme.name: programme for programme in programmes}
        self.facts: list[Fact] = []
        self.wrote: list[tuple[str, str, float]] = []  # number, group and person; when
        self.made_up: set[int] = set()  # consents that nobody gave, by id

    def of(self, person: str) -> list[Fact]:
        """The facts about somebody, oldest first. What was made up never happened."""
        return [
            fact
            for fact in self.facts
            if fact.person == person and not (fact.what == "consent" and fact.id in self.made_up)
        ]

    def forget(self, person: str, old: str) -> None:
        """Somebody is forgotten: what is told of her is of nobody any more, and whoever has her
        number speaks for herself only."""
        self.facts = [replace(f, person=old) if f.person == person else f for f in self.facts]
        self.wrote = [(key, old if who == person else who, at) for key, who, at in self.wrote]

    # Rules -----------------------------------------------------------------------------------

    def refusals(self, facts: Sequence[Fact], group: str) -> Iterator[tuple[Fact, str]]:
        """Refusals that stand, purpose by purpose: only she takes one back, by a later act."""
        for place, fact in enumerate(facts):
            if fact.what != "refusal" or fact.programme is not None:
                continue
            if not (fact.everywhere or fact.group == group):
                continue
            for purpose in fact.purposes:
                back = any(
                    later.what == "taken_back"
                    and (later.everywhere, later.group) == (fact.everywhere, fact.group)
                    and purpose in later.purposes
                    and later.at > fact.at
                    for later in facts[place + 1 :]
                )
                if not back:
                    yield fact, purpose

    def alone(self, facts: Sequence[Fact], name: str) -> list[float]:
        """When she refused this one programme: nothing takes that back but a yes to it."""
        return [fact.at for fact in facts if fact.what == "refusal" and fact.programme == name]

    def held(self, person: str, name: str) -> Held | None:
        """The consent that a programme stands on, lapsed by date or not."""
        programme = self.programmes[name]
        facts = self.of(person)
        held: Held | None = None
        for place, fact in enumerate(facts):
            if fact.what == "gone":
                return None
            if fact.what == "consent" and fact.programme == name:
                held = self._consent(programme, facts[:place], fact, held)
            elif held is not None and self._ends(programme, fact, held):
                held = None
            elif fact.what == "proof" and held is not None and held.consent.id == fact.about:
                held = Held(held.consent, max(held.grade, min(fact.grade, DOCUMENT)), held.fresh)
        return held

    def _consent(
        self, programme: Programme, before: Sequence[Fact], fact: Fact, held: Held | None
    ) -> Held | None:
        said_no = [
            refusal.at
            for refusal, purpose in self.refusals(before, programme.group)
            if purpose in programme.purposes
        ]
        said_no += self.alone(before, programme.name)
        if fact.grade < RECEIVER and any(other.what == "herself" for other in before):
            return held
        if said_no and (fact.grade < RECEIVER or fact.at <= max(said_no)):
            return held  # nobody else can say yes for her, nor can she have said it before
        if held is not None:
            end = held.consent.until
            runs = end is None or end > fact.at
            if runs and held.grade > fact.grade:
                return held
        return Held(fact, fact.grade, bool(said_no))

    @staticmethod
    def _ends(programme: Programme, fact: Fact, held: Held) -> bool:
        if fact.what == "refusal" and fact.programme is not None:
            return fact.programme == programme.name
        if fact.what == "refusal":
            here = fact.everywhere or fact.group == programme.group
            return here and bool(fact.purposes & programme.purposes)
        if fact.what == "lapse":
            here = fact.everywhere or fact.group == programme.group
            if fact.programme is not None:
                here = fact.programme == programme.name
            return here and fact.about in (0, held.consent.id)
        return False

    # Questions -------------------------------------------------------------------------------

    def grade(self, person: str, name: str, now: float) -> int:
        """How well consent to a programme is proved now; 0 where there is none."""
        held = self.held(person, name)
        if held is None or (held.consent.until is not None and held.consent.until <= now):
            return 0
        return held.grade

    def refused(self, person: str, name: str, purpose: str, now: float) -> bool:
        """Whether she has refused such messages of this programme's senders."""
        group = self.programmes[name].group
        if self.grade(person, name, now) and self._fresh(person, name):
            return False
        facts = self.of(person)
        whole = any(one == purpose for _, one in self.refusals(facts, group))
        return whole or bool(self.alone(facts, name))

    def _fresh(self, person: str, name: str) -> bool:
        held = self.held(person, name)
        return held is not None and held.fresh

    def paused(self, person: str, name: str, purpose: str) -> bool:
        """Whether an unclear answer of hers still waits for a reader."""
        group = self.programmes[name].group
        facts = self.of(person)
        return any(
            fact.what == "pause"
            and (fact.everywhere or fact.group == group)
            and purpose in fact.purposes
            and not any(other.what == "read" and other.about == fact.id for other in facts)
            for fact in facts
        )

    def may(self, person: str, name: str, purpose: str, now: float, least: int) -> bool:
        """Whether she may be written to, where such a proof is asked for."""
        return (
            self.grade(person, name, now) >= max(least, ASSERTION)
            and not self.refused(person, name, purpose, now)
            and not self.paused(person, name, purpose)
        )

    def already(self, person: str, group: str | None, purposes: frozenset[str]) -> bool:
        """Whether a refusal would change nothing: all of it is refused (to this group, or to
        everybody), and she agreed to nothing anew since."""
        facts = self.of(person)
        if group is None:
            said = {purpose for fact, purpose in self.refusals(facts, "") if fact.everywhere}
        else:
            said = {purpose for _, purpose in self.refusals(facts, group)}
        anew = any(
            self._fresh(person, name)
            for name, programme in self.programmes.items()
            if group in (None, programme.group)
        )
        return purposes <= said and not anew

    def already_alone(self, person: str, name: str, purposes: frozenset[str]) -> bool:
        """The same for a refusal of one programme."""
        facts = self.of(person)
        said = {one for _, one in self.refusals(facts, self.programmes[name].group)}
        refused = bool(self.alone(facts, name)) or purposes <= said
        return refused and not self._fresh(person, name)

    def meant(self, person: str, number: str, holders: Sequence[str], now: float) -> list[str]:
        """Whom an answer to a number concerns: its holder; of several those who wrote to her from
        it lately, or all of them; on a number of nobody's all in whose programmes she is."""
        if len(holders) == 1:
            return list(holders)
        if holders:
            wrote = {
                group
                for group in holders
                for key, who, at in self.wrote
                if (key, who) == (f"{number}/{group}", person) and at >= now - ONCE
            }
            return sorted(wrote or set(holders))
        return sorted(
            {
                programme.group
                for name, programme in self.programmes.items()
                if self.held(person, name) is not None
            }
        )
