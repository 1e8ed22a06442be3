"""The ladder of measures against a sender as versioned data: what comes before what, who agrees,
until when, and what is done by rule at once. Pure.

The packaged one is `data/ladder-2026.1.json` (docs/cases.md tells what its fields mean). It follows
CN-16: order to correct, warning, a fine in addition, public announcement.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from importlib import resources
from typing import Any, Final

import msgspec

from assent.errors import InvalidInput
from assent.message import Purpose

_NAME: Final = "data/ladder-2026.1.json"
FIRST: Final = frozenset({"notice", "correct", "warning", "restrict"})
"""Steps that may be taken by rule, without anybody: what can be undone at once."""
STEPS: Final = ("notice", "correct", "warning", "restrict", "suspend", "fine", "revoke")
"""What there is to do. A ladder may leave some out and order them otherwise."""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A measure. `needs`: the step that was done before; none is needed where a case is at least as
    grave as `at_once` (1 to 3; 4: it always is). `persons`: how many people agree. `days`: working
    days that it gives, 0 none; once they are over `then` is proposed or, with `by_itself`, done.
    `effect`, `purposes`, `of`: what a restriction does, to what, and of whom (sender or group)."""

    name: str
    en: str
    zh: str
    needs: str
    at_once: int
    persons: int
    days: int
    then: str
    by_itself: bool
    appealable: bool
    public: bool
    rules: tuple[str, ...]
    effect: str = ""
    purposes: tuple[str, ...] = ()
    of: str = "sender"


class Fine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a country's rule allows, in whole units of its currency."""

    currency: str
    least: int
    most: int
    rule: str


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Working days to appeal in, and to decide about it in."""

    days: int
    decide_days: int


class AlarmRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Alarms of a detector ('': any) that are at least so grave open a case and `first` is done;
    with `open` false they open none. `purposes`: what a restriction stops instead of the step's; of
    a case about a port it stops that port."""

    detector: str
    severity: int
    first: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    open: bool = True


class ComplaintRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many people who complain of a sender in `days` days, and at least `per_million` of a
    million messages, open a case of `severity` and `first` is done."""

    count: int
    days: int
    per_million: float
    severity: int
    first: tuple[str, ...]


class Opening(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What opens cases by rule; of each list the first that fits counts."""

    alarms: tuple[AlarmRule, ...]
    complaints: tuple[ComplaintRule, ...]


class Repeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"start": "from"}):
    """Who was dealt with before. A case of the last `days` days with a step from `start` on lets a
    new one of the `same` sender, or of one `related` to it, begin at the step that is named.
    `over`: what relates so much: kinds of nodes of the graph, `group` (of orders, not called
    lawful), `text` and `refused_text` (near-duplicates). What more than `shared_by` share (a
    business park, a filing agent) does not."""

    days: int
    start: str
    same: str
    related: str
    over: tuple[str, ...]
    shared_by: int


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: str
    steps: tuple[Step, ...]
    country: str
    fines: dict[str, Fine]
    appeal: Terms
    agree_days: int
    opening: Opening
    repeat: Repeat


def mask(purposes: Iterable[str]) -> int:
    """Return purposes as a mask of 1 << purpose."""
    return sum(1 << Purpose[word.upper()] for word in purposes)


class Ladder:
    """A ladder that was read and checked. `digest`: of what it was read from."""

    def __init__(self, file: _File, digest: bytes) -> None:
        self.version = file.version
        self.digest = digest
        self.steps: Mapping[str, Step] = {step.name: step for step in file.steps}
        self.order = tuple(self.steps)
        self.country = file.country
        self.fine = file.fines.get(file.country)
        self.appeal = file.appeal
        self.agree_days = file.agree_days
        self.opening = file.opening
        self.repeat = file.repeat

    @classmethod
    def packaged(cls) -> Ladder:
        """Return the one that comes with the platform."""
        return cls.read(resources.files("assent").joinpath(_NAME).read_bytes())

    @classmethod
    def read(cls, octets: bytes) -> Ladder:
        """Read one. Raises InvalidInput `ladder` saying what is wrong."""
        try:
            file = msgspec.json.decode(octets, type=_File)
        except msgspec.MsgspecError as error:
            raise _wrong(str(error)) from None
        _check(file)
        plain = json.dumps(json.loads(octets), sort_keys=True, ensure_ascii=False)
        return cls(file, hashlib.sha256(plain.encode()).digest())

    def step(self, name: str) -> Step:
        """Return a step. Raises InvalidInput `no_step`."""
        found = self.steps.get(name)
        if found is None:
            raise InvalidInput(
                "no_step", "there is no such step on the ladder", field="step", rule="cases: steps",
                mend=f"use one of {', '.join(self.order)}",
            )  # fmt: skip
        return found

    def place(self, name: str) -> int:
        """Return how far up a step stands, -1 for none."""
        return self.order.index(name) if name in self.steps else -1

    def allowed(self, step: Step, done: Collection[str], severity: int, start: str) -> bool:
        """Tell whether a step may be taken: what it needs was done, or the case is grave enough, or
        the one that it is about was dealt with before."""
        return (
            not step.needs
            or step.needs in done
            or severity >= step.at_once
            or (start != "" and self.place(step.name) <= self.place(start))
        )

    def check_fine(self, amount: int) -> Fine:
        """Return the rule that an amount is within. Raises InvalidInput `fine_bounds`."""
        fine = self.fine
        if fine is None or not fine.least <= amount <= fine.most:
            bounds = "none" if fine is None else f"{fine.currency} {fine.least} to {fine.most}"
            raise InvalidInput(
                "fine_bounds", f"the rule of {self.country} allows a fine of {bounds}",
                field="amount", rule="CN-16" if fine is None else fine.rule,
                mend="give an amount within the rule, or take another step",
            )  # fmt: skip
        return fine

    def on_alarm(self, detector: str, severity: int) -> AlarmRule | None:
        """Return the rule by which an alarm opens a case, if it does."""
        for rule in self.opening.alarms:
            if rule.detector in ("", detector) and severity >= rule.severity:
                return rule if rule.open else None
        return None

    def on_complaints(self, days: int, count: int, submitted: int) -> ComplaintRule | None:
        """Return the rule by which complaints of a sender in so many days open a case."""
        for rule in self.opening.complaints:
            enough = rule.days == days and count >= rule.count
            if enough and count * 1e6 >= rule.per_million * submitted:
                return rule
        return None


def _check(file: _File) -> None:
    names = [step.name for step in file.steps]
    if len(set(names)) != len(names) or not set(names) <= set(STEPS):
        raise _wrong(f"steps: each of {', '.join(STEPS)} at most once")
    for place, step in enumerate(file.steps):
        if step.needs and step.needs not in names[:place]:
            raise _wrong(f"steps.{step.name}.needs: a step before it")
        if step.then and (step.then not in names or not step.days):
            raise _wrong(f"steps.{step.name}.then: a step of the ladder, after some days")
        if step.by_itself and step.then not in FIRST:
            raise _wrong(f"steps.{step.name}.by_itself: {step.then} is taken by people only")
        if not (1 <= step.at_once <= 4 and 1 <= step.persons <= 2 and 0 <= step.days <= 250):
            raise _wrong(f"steps.{step.name}: at_once 1 to 4, persons 1 or 2, days 0 to 250")
        if step.name == "restrict":
            _check_restriction(step)
    known = {file.repeat.same, file.repeat.related, file.repeat.start}
    if not known <= {"", *names}:
        raise _wrong("repeat: steps of the ladder")
    rules: list[AlarmRule | ComplaintRule] = [*file.opening.alarms, *file.opening.complaints]
    for rule in rules:
        if not set(rule.first) <= FIRST & set(names) or rule.severity not in (1, 2, 3):
            raise _wrong(f"opening: severity 1 to 3, first some of {', '.join(sorted(FIRST))}")
    if not all(set(rule.purposes) <= _PURPOSES for rule in file.opening.alarms):
        raise _wrong(f"opening.alarms.purposes: some of {', '.join(sorted(_PURPOSES))}")
    for country, fine in file.fines.items():
        if not 0 < fine.least <= fine.most:
            raise _wrong(f"fines.{country}: least is above 0 and not above most")


_PURPOSES: Final = frozenset(p.name.lower() for p in Purpose if p is not Purpose.SYSTEM)


def _check_restriction(step: Step) -> None:
    words = _PURPOSES
    if step.effect not in ("hold", "reject") or step.of not in ("sender", "group"):
        raise _wrong("steps.restrict: effect hold or reject, of sender or group")
    if not step.purposes or not set(step.purposes) <= words:
        raise _wrong(f"steps.restrict.purposes: some of {', '.join(sorted(words))}")


def _wrong(why: str) -> InvalidInput:
    return InvalidInput(
        "ladder", f"the ladder cannot be used: {why}", field="cases.ladder", rule="cases: ladder",
        mend="correct the file; docs/cases.md tells its fields",
    )  # fmt: skip


def told(ladder: Ladder) -> dict[str, Any]:
    """Return a ladder for people and programs."""
    fine = ladder.fine
    return {
        "version": ladder.version,
        "digest": ladder.digest.hex(),
        "country": ladder.country,
        "fine": None if fine is None else msgspec.to_builtins(fine),
        "steps": [msgspec.to_builtins(step) for step in ladder.steps.values()],
        "opening": msgspec.to_builtins(ladder.opening),
        "repeat": msgspec.to_builtins(ladder.repeat),
        "appeal": msgspec.to_builtins(ladder.appeal),
    }
