"""Rule sets: words that a person who reads such texts all day stops at, as versioned data.

A rule names who answers for it, why it is there, for whom and until when it holds, what lets a text
pass, and what it was measured at. A rule set is packaged with the platform; an operator's are files
of the same form (docs/screening-words.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final, Literal

import msgspec

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.screen.categories import BY_CODE
from assent.screen.finding import UNLICENSED, Finding, Sender, Severity, Span
from assent.screen.normal import Normal
from assent.screen.patterns import (
    Engine,
    Pattern,
    compile_pattern,
    engine_of,
    need_of_any,
)

__all__ = ["PACKAGED", "Measured", "Rule", "RuleSet", "Scope", "Unless"]

PACKAGED: Final = "data/screen/words-2026.1.json"
_SPANS: Final = 5  # places of one rule in one text that are told
_LARGEST: Final = 4 << 20


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule did to texts that people had judged: `hits` of `spam` texts, `false_hits` of
    `ham` texts, on which texts and on which day."""

    hits: int
    false_hits: int
    spam: int
    ham: int
    on: str
    when: str

    @property
    def false_rate(self) -> float:
        """Return the share of honest texts that the rule stops."""
        return self.false_hits / self.ham if self.ham else 1.0


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom a rule holds; nothing named means for everybody. `licences` name industries."""

    purposes: tuple[str, ...] = ()
    licences: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()


class Unless(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What lets a text pass: a licence of its sender, or a pattern beside the match (`within` so
    many characters of it; 0: anywhere)."""

    licences: tuple[str, ...] = ()
    nearby: tuple[str, ...] = ()
    within: int = 0


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. `category`: a code of :mod:`assent.screen.categories`, or empty; `code`: of its
    findings, `word_` and the category unless given. `needs`: patterns one of which must stand in
    the text, too."""

    id: str
    owner: str
    en: str
    zh: str
    severity: Literal["note", "hold", "reject"]
    patterns: tuple[str, ...]
    category: str = ""
    code: str = ""
    needs: tuple[str, ...] = ()
    scope: Scope = Scope()
    unless: Unless = Unless()
    expires: date | None = None
    measured: Measured | None = None

    @property
    def finding_code(self) -> str:
        """Return the code of the rule's findings."""
        return self.code or f"word_{self.category}"

    @property
    def licences(self) -> frozenset[str]:
        """Return the licences that let a sender write such texts."""
        category = BY_CODE.get(self.category)
        return frozenset(self.unless.licences) | (category.licences if category else frozenset())


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    version: str
    about: str
    lists: dict[str, tuple[str, ...]]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    owner: str
    severity: Severity
    needs: tuple[Pattern, ...]
    nearby: tuple[Pattern, ...]


class RuleSet:
    """A rule set, compiled. Make one with `packaged`, `load` or `parse`."""

    def __init__(self, content: _File, engine: str = "") -> None:
        """Compile. Raises InvalidInput for the first rule that is wrong, naming its field."""
        self._content, self._engine_name = content, engine
        self.rules = content.rules
        self._compiled: list[_Compiled] = []
        self._patterns: list[Pattern] = []
        self._rule_of: list[int] = []
        seen: set[str] = set()
        for number, rule in enumerate(content.rules):
            field = f"rules[{number}]"
            _check(rule, field, seen)
            compiled = self._compile(rule, field)
            self._compiled.append(compiled)
            also = need_of_any(compiled.needs)
            for place, source in enumerate(rule.patterns):
                pattern = compile_pattern(source, content.lists, f"{field}.patterns[{place}]")
                if also is not None:
                    pattern.needs = (*pattern.needs, also)
                self._patterns.append(pattern)
                self._rule_of.append(number)
        self._engine: Engine = engine_of(self._patterns, engine)
        plain = msgspec.json.encode(content, order="sorted")
        self.digest = hashlib.sha256(plain).hexdigest()

    def _compile(self, rule: Rule, field: str) -> _Compiled:
        lists = self._content.lists
        return _Compiled(
            rule, f"{self.name}-{self.version}/{rule.id}", Severity[rule.severity.upper()],
            tuple(compile_pattern(one, lists, f"{field}.needs", beside=True) for one in rule.needs),
            tuple(compile_pattern(one, lists, f"{field}.unless.nearby", beside=True)
                  for one in rule.unless.nearby),
        )  # fmt: skip

    @classmethod
    def packaged(cls) -> RuleSet:
        """Return the rule set of the package, compiled once a process."""
        return _packaged()

    @classmethod
    def load(cls, path: Path, engine: str = "") -> RuleSet:
        """Return the rule set of a file. Raises InvalidInput."""
        if path.stat().st_size > _LARGEST:
            raise _bad(f"is larger than {_LARGEST >> 20} MiB", "file")
        return cls.parse(path.read_bytes(), engine)

    @classmethod
    def parse(cls, content: bytes, engine: str = "") -> RuleSet:
        """Return the rule set that is written there in JSON. Raises InvalidInput."""
        try:
            file = msgspec.json.decode(content, type=_File)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            raise _bad(f"is no rule set: {error}", "file") from None
        return cls(file, engine)

    @property
    def name(self) -> str:
        """Return the set's name."""
        return self._content.name

    @property
    def version(self) -> str:
        """Return its version."""
        return self._content.version

    @property
    def wordings(self) -> int:
        """Return how many plain wordings its patterns stand for, gaps not counted."""
        return sum(pattern.wordings for pattern in self._patterns)

    def with_rules(self, rules: Iterable[Rule], engine: str = "") -> RuleSet:
        """Return the set with other rules, its lists the same."""
        content = msgspec.structs.replace(self._content, rules=tuple(rules))
        return RuleSet(content, engine or self._engine_name)

    def in_force(self, day: date) -> RuleSet:
        """Return the set without the rules that have expired by that day."""
        kept = [rule for rule in self.rules if rule.expires is None or rule.expires >= day]
        return self if len(kept) == len(self.rules) else self.with_rules(kept)

    def prepare(self) -> RuleSet:
        """Compile all expressions now (some seconds) and return the set: a server does so when it
        starts; otherwise each is compiled when a text first asks for it."""
        beside = [one for each in self._compiled for one in (*each.needs, *each.nearby)]
        for pattern in (*self._patterns, *beside):
            pattern.regex.search("")
        return self

    def encode(self) -> bytes:
        """Return the set as JSON for a file."""
        return msgspec.json.format(msgspec.json.encode(self._content), indent=1) + b"\n"

    def match(
        self,
        normals: Sequence[Normal],
        purposes: Sequence[Purpose | None] | None = None,
        senders: Sequence[Sender] | None = None,
        carriers: Sequence[str] | None = None,
    ) -> list[tuple[Finding, ...]]:
        """Return what the rules find in each text: one finding a rule, spans in the original.

        Without senders, everybody is unlicensed; without a purpose or carrier, rules of any apply.
        """
        done: list[tuple[Finding, ...]] = []
        texts = [normal.text for normal in normals]
        for place, numbers in enumerate(self._engine.search(texts)):
            if not numbers:
                done.append(())
                continue
            sender = senders[place] if senders is not None else UNLICENSED
            purpose = purposes[place] if purposes is not None else None
            carrier = carriers[place] if carriers is not None else ""
            found = [
                self._finding(rule, [n for n in numbers if self._rule_of[n] == rule], normal)
                for normal in normals[place : place + 1]
                for rule in dict.fromkeys(self._rule_of[n] for n in numbers)
                if _holds_for(self.rules[rule], purpose, sender, carrier)
            ]
            done.append(tuple(one for one in found if one is not None))
        return done

    def _finding(self, number: int, patterns: list[int], normal: Normal) -> Finding | None:
        """Return what a rule whose patterns match finds, if nothing lets the text pass."""
        compiled, text = self._compiled[number], normal.text
        if compiled.needs and not any(one.regex.search(text) for one in compiled.needs):
            return None
        within = compiled.rule.unless.within
        if not within and any(one.regex.search(text) for one in compiled.nearby):
            return None
        spans: list[Span] = []
        for n in patterns:
            told = len(spans) + _SPANS
            for match in self._patterns[n].regex.finditer(text):
                start, end = match.span()
                beside = text[max(0, start - within) : end + within] if within else ""
                if not any(one.regex.search(beside) for one in compiled.nearby):
                    spans.append(normal.span(start, end))
                    if len(spans) == told:
                        break
        if not spans:
            return None
        rule = compiled.rule
        return Finding(
            rule.finding_code, compiled.severity, rule.en, rule.zh,
            tuple(sorted(set(spans)))[:_SPANS], compiled.owner,
        )  # fmt: skip


@cache
def _packaged() -> RuleSet:
    return RuleSet.parse(resources.files("assent").joinpath(PACKAGED).read_bytes())


def _holds_for(rule: Rule, purpose: Purpose | None, sender: Sender, carrier: str) -> bool:
    scope = rule.scope
    return (
        not (scope.purposes and purpose is not None and purpose.name.lower() not in scope.purposes)
        and not (scope.carriers and carrier and carrier not in scope.carriers)
        and not (scope.licences and sender.licences.isdisjoint(scope.licences))
        and sender.licences.isdisjoint(rule.licences)
    )


def _check(rule: Rule, field: str, seen: set[str]) -> None:
    """Raise InvalidInput for a rule that does not say what it has to."""
    if rule.id in seen:
        raise _bad(f"has two rules {rule.id!r}", f"{field}.id")
    seen.add(rule.id)
    for name in ("id", "owner", "en", "zh", "patterns"):
        if not getattr(rule, name):
            raise _bad("has a rule that does not say it", f"{field}.{name}")
    if rule.category and rule.category not in BY_CODE:
        raise _bad(f"names the category {rule.category!r}, which is none", f"{field}.category")
    if not rule.category and not rule.code:
        raise _bad("has a rule without category and code", f"{field}.category")
    for purpose in rule.scope.purposes:
        if purpose not in {one.name.lower() for one in Purpose}:
            raise _bad(f"names the purpose {purpose!r}, which is none", f"{field}.scope.purposes")
    if rule.severity == "reject" and not (rule.unless.nearby or rule.unless.licences):
        raise _bad("rejects without any exception by context", f"{field}.unless")


def _bad(words: str, field: str) -> InvalidInput:
    return InvalidInput(
        "bad_rule_set", f"the rule set {words}", field=field, rule="screening: words",
        mend="assent words check names the first fault; docs/screening-words.md has the form",
    )  # fmt: skip
