"""The rulebook: every number, window, list and pattern that the rules obey, as versioned data.

A rulebook is a JSON document (``assent/data/rulebook-<version>.json``, explained in
docs/rulebook.md). Its digest is SHA-256 over the canonical form (sorted keys, no spaces,
UTF-8), stored with every decision so that it replays. Each parameter carries the rule ids it
follows and how well those are attested, so that a doubtful fact is visible and is changed in
data, not in code. Profiles hold what differs between countries; a person's profile is chosen
by calling code, then network, then the default.

What a rulebook may not do: free marketing or internal messages from standing, take less than
the receiver's own proof for finance and cold lists, or soften a reason marked firm in
:mod:`assent.policy.reasons`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.message import NEEDS_STANDING, Grade, Network, Purpose
from assent.policy.asking import AskingRules, declared
from assent.policy.ceilings import Ceiling, ceilings_of
from assent.policy.facts import Effect, People
from assent.policy.filing import KNOWN, PROVED_BY_RECEIVER
from assent.policy.keeping import Keeping, keeping_of
from assent.policy.probing import Probing, all_rules, rules_of
from assent.policy.reasons import BY_CODE, Reason
from assent.policy.rules import LINKS, RULES, Rule
from assent.policy.worth import Worth
from assent.text.wording import beside_words

DEFAULT_VERSION: Final = "2026.1"
DAY_MINUTES: Final = 24 * 60
_SCOPES: Final = ("sender", "group", "platform")
_NO_PROFILE: Final = 255
_MOST_PROFILES: Final = 250


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` messages a person within a window.

    `scope`: whose messages are counted together: "sender", "group" or "platform".
    `window_s`: seconds of a rolling window, None = the receiver's calendar day.
    """

    id: str
    purpose: Purpose
    scope: str
    limit: int
    window_s: int | None

    @property
    def ledger(self) -> str:
        """Name of the list of claims it counts.

        Caps with the same ledger share one claim a message. The key of a
        :class:`assent.policy.caps.ClaimSet` is (ledger, id of the sender or group; 0 for the
        platform).
        """
        return f"{self.purpose.name.lower()}/{self.scope}"


@dataclass(frozen=True, slots=True)
class Check:
    """A rule as one profile runs it."""

    rule: Rule
    reason: Reason
    effect: Effect


@dataclass(frozen=True, slots=True)
class Profile:
    """The parameters of one country, read and compiled. Field names are the document's."""

    name: str
    min_grade: Mapping[Purpose, Grade]
    min_grade_by_category: Mapping[str, Grade]
    port_purposes: Mapping[Purpose, frozenset[Purpose]]
    free_reply_for: frozenset[Purpose]
    signature_for: frozenset[Purpose]
    contact_for: frozenset[Purpose]
    contact_patterns: tuple[re.Pattern[str], ...]
    refusal_way_for: frozenset[Purpose]
    refusal_ways: tuple[re.Pattern[str], ...]
    basis_for: frozenset[Purpose]
    code_for: frozenset[Purpose]
    code_words: tuple[str, ...]
    code_pattern: re.Pattern[str] | None
    code_beside_word: tuple[re.Pattern[str], ...]
    most_segments: int
    windows: Mapping[Purpose, tuple[int, int]]
    caps: Mapping[Purpose, tuple[Cap, ...]]
    probing: Mapping[Purpose, tuple[Probing, ...]]
    balance_all_or_nothing: bool
    keeping: Keeping
    effects: Mapping[str, Effect]
    plans: Mapping[Purpose, tuple[Check, ...]]
    asking: AskingRules
    refused_consents: frozenset[str]
    # The same without the rules of links: what is run where no link is broken.
    lean: Mapping[Purpose, tuple[Check, ...]] = field(init=False)

    def __post_init__(self) -> None:
        """Make the lean plans."""
        lean = {
            purpose: tuple(check for check in plan if check.rule.check not in LINKS)
            for purpose, plan in self.plans.items()
        }
        object.__setattr__(self, "lean", lean)

    def grade_for(self, purpose: Purpose, categories: Iterable[str]) -> int:
        """Return the least grade that a purpose which needs standing asks for."""
        by_category = (self.min_grade_by_category.get(name, 0) for name in categories)
        return max([self.min_grade[purpose], *by_category])


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A rulebook ready for use. Immutable; share one between all callers."""

    version: str
    digest: bytes
    canonical: bytes
    profiles: tuple[Profile, ...]
    default: Profile
    by_network: NDArray[np.uint8]
    by_country: NDArray[np.uint8]
    caps: Mapping[Purpose, tuple[Cap, ...]]
    worth: Worth
    probing: Mapping[Purpose, tuple[Probing, ...]]  # of whichever profile, as numbers are
    ceilings: tuple[Ceiling, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Rulebook:
        """Read a document from `path`, or the packaged one.

        Raises InvalidInput naming the field that is wrong.
        """
        if path is not None:
            return cls.from_document(json.loads(path.read_bytes()))
        name = f"data/rulebook-{DEFAULT_VERSION}.json"
        return cls.from_document(json.loads(resources.files("assent").joinpath(name).read_bytes()))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Rulebook:
        """Build from a parsed document. Raises InvalidInput naming the field that is wrong."""
        try:
            return _build(document)
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
            raise _wrong("document", f"{type(error).__name__}: {error}") from error

    def caps_for(self, purpose: Purpose) -> tuple[Cap, ...]:
        """Return the caps of every profile that bind this purpose, each id once."""
        return self.caps.get(purpose, ())

    @property
    def keeping(self) -> Keeping:
        """How long things are kept where it is not known whom they concern: the longest."""
        every = [profile.keeping for profile in self.profiles]
        return Keeping(
            max(one.evidence_months for one in every),
            max(one.content_months for one in every),
            0,
        )

    def ledgers_for(self, purpose: Purpose) -> dict[str, tuple[Cap, ...]]:
        """Return the same caps by ledger: one claim a message and ledger is due."""
        ledgers: dict[str, tuple[Cap, ...]] = {}
        for cap in self.caps_for(purpose):
            ledgers[cap.ledger] = (*ledgers.get(cap.ledger, ()), cap)
        return ledgers

    def profile(self, name: str) -> Profile:
        """Return a profile by name. Raises KeyError."""
        for profile in self.profiles:
            if profile.name == name:
                return profile
        raise KeyError(name)

    def profile_of(self, people: People) -> NDArray[np.uint8] | int:
        """Return each person's place in `profiles`, or one number when all have the same."""
        if people.country is None and len(people) == 1:
            return int(self.by_network[people.network[0]])
        places = self.by_network[people.network]
        if people.country is not None:
            chosen = self.by_country[np.minimum(people.country, 999)]
            places = np.where(chosen == _NO_PROFILE, places, chosen)
        if not len(places):
            return 0
        first = places[0]
        return int(first) if (places == first).all() else places


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput("rulebook_invalid", message, field=field, mend="correct the rulebook")


def _build(document: dict[str, Any]) -> Rulebook:
    canonical = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    names = sorted(document["profiles"])
    if not 0 < len(names) <= _MOST_PROFILES:
        raise _wrong("profiles", "one profile at least, and not hundreds")
    place = {name: index for index, name in enumerate(names)}
    profiles = tuple(_profile(name, document["profiles"][name]) for name in names)
    by_network = np.full(256, place[document["default_profile"]], np.uint8)
    for network, name in document["profiles_by_network"].items():
        by_network[Network[network]] = place[name]
    by_country = np.full(1000, _NO_PROFILE, np.uint8)
    for code, name in document["profiles_by_country"].items():
        by_country[int(code)] = place[name]
    return Rulebook(
        version=str(document["version"]),
        digest=hashlib.sha256(canonical).digest(),
        canonical=canonical,
        profiles=profiles,
        default=profiles[place[document["default_profile"]]],
        by_network=by_network,
        by_country=by_country,
        caps=_all_caps(profiles),
        worth=Worth.read(document["consent"]),
        probing=all_rules(profile.probing for profile in profiles),
        ceilings=ceilings_of(document["ceilings"]["value"]),
    )


def _all_caps(profiles: tuple[Profile, ...]) -> dict[Purpose, tuple[Cap, ...]]:
    by_id: dict[str, Cap] = {}
    for profile in profiles:
        for cap in (cap for caps in profile.caps.values() for cap in caps):
            if by_id.setdefault(cap.id, cap) != cap:
                raise _wrong("caps", f"cap {cap.id} differs between profiles; rename one")
    every = by_id.values()
    return {purpose: tuple(c for c in every if c.purpose == purpose) for purpose in Purpose}


def _purposes(names: list[str]) -> frozenset[Purpose]:
    return frozenset(Purpose[name.upper()] for name in names)


def _patterns(sources: list[str]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(source) for source in sources)


def _profile(name: str, document: dict[str, dict[str, Any]]) -> Profile:
    """Read one profile; every parameter must be there, so that nothing is silently off."""
    values = {key: parameter["value"] for key, parameter in document.items()}
    effects = {code: _effect(code, word) for code, word in values["effects"].items()}
    return Profile(
        name=name,
        min_grade=_min_grades(values["min_grade"]),
        min_grade_by_category=_grades_by_category(values["min_grade_by_category"]),
        port_purposes={
            Purpose[port.upper()]: _purposes(texts)
            for port, texts in values["port_purposes"].items()
        },
        free_reply_for=_purposes(values["free_reply_for"]),
        signature_for=_purposes(values["signature_for"]),
        contact_for=_purposes(values["contact_for"]),
        contact_patterns=_patterns(values["contact_patterns"]),
        refusal_way_for=_purposes(values["refusal_way_for"]),
        refusal_ways=_patterns(values["refusal_ways"]),
        basis_for=_purposes(values["basis_for"]),
        code_for=_purposes(values["code_for"]),
        code_words=tuple(word.casefold() for word in values["code_words"]),
        code_pattern=re.compile(values["code_pattern"]) if values["code_pattern"] else None,
        code_beside_word=beside_words(values["code_words"], values["code_pattern"]),
        most_segments=int(values["most_segments"]),
        windows={
            Purpose[purpose.upper()]: _window(start, end)
            for purpose, (start, end) in values["windows"].items()
        },
        caps=_caps(values["caps"]),
        probing=rules_of(values["probing"]),
        balance_all_or_nothing=bool(values["balance_all_or_nothing"]),
        keeping=keeping_of(values),
        effects=effects,
        plans={purpose: _plan(purpose, effects) for purpose in Purpose},
        asking=AskingRules.read(values["asking"]),
        refused_consents=declared(values["refused_consents"]),
    )


def _plan(purpose: Purpose, effects: Mapping[str, Effect]) -> tuple[Check, ...]:
    """Return the rules that bind a purpose, without those switched off (effect NOTE)."""
    checks = []
    for rule in RULES:
        reason = BY_CODE[rule.code]
        effect = effects.get(rule.code, reason.effect)
        if purpose in rule.purposes and effect is not Effect.NOTE:
            checks.append(Check(rule, reason, effect))
    return tuple(checks)


def _min_grades(values: dict[str, str]) -> dict[Purpose, Grade]:
    grades = {Purpose[purpose.upper()]: Grade[grade] for purpose, grade in values.items()}
    for purpose in NEEDS_STANDING:
        if grades.get(purpose, Grade.NONE) < Grade.ASSERTION:
            raise _wrong("min_grade", f"{purpose.name.lower()} always needs standing (CN-08)")
    return grades


def _grades_by_category(values: dict[str, str]) -> dict[str, Grade]:
    grades = {category: Grade[grade] for category, grade in values.items()}
    for category in KNOWN:
        if category not in grades:
            raise _wrong("min_grade_by_category", f"{category} is missing")
    for category in PROVED_BY_RECEIVER:
        if grades[category] < Grade.RECEIVER:
            raise _wrong("min_grade_by_category", f"{category} always needs the receiver's proof")
    return grades


def _effect(code: str, word: str) -> Effect:
    """Read an override: "reject", "hold" or "off". Deferrals are times, not opinions."""
    reason = BY_CODE[code]
    effect = {"reject": Effect.REJECT, "hold": Effect.HOLD, "off": Effect.NOTE}[word]
    if reason.effect is Effect.DEFER:
        raise _wrong("effects", f"{code} is a deferral; change its window instead")
    if reason.firm and effect < reason.effect:
        raise _wrong("effects", f"{code} is firm and cannot be softened")
    return effect


def _window(start: str, end: str) -> tuple[int, int]:
    minutes = _minute(start), _minute(end)
    if minutes[0] == DAY_MINUTES:
        raise _wrong("windows", f"{start} ends a day and begins none")  # would never open
    return minutes


def _minute(clock: str) -> int:
    """Return the minute of the day of "HH:MM"; "24:00" is the end of the day."""
    hour, minute = clock.split(":")
    value = int(hour) * 60 + int(minute)
    if not (0 <= int(minute) < 60 and 0 <= value <= DAY_MINUTES):
        raise _wrong("windows", f"{clock} is no time of day")
    return value


def _caps(rows: list[dict[str, Any]]) -> dict[Purpose, tuple[Cap, ...]]:
    caps: dict[Purpose, tuple[Cap, ...]] = {}
    for row in rows:
        window = None if row["window"] == "day" else int(row["window"])
        cap = Cap(row["id"], Purpose[row["purpose"].upper()], row["scope"], row["limit"], window)
        if cap.scope not in _SCOPES or cap.limit < 0 or (window is not None and window <= 0):
            raise _wrong("caps", f"cap {cap.id}: scope, limit or window is wrong")
        caps[cap.purpose] = (*caps.get(cap.purpose, ()), cap)
    return caps
