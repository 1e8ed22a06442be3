"""The table of qualifications: what is asked of whom, as versioned data.

A table is a JSON document (``assent/data/qualifications-<version>.json``, explained in
docs/qualifications.md). Its digest is SHA-256 over the canonical form (sorted keys, no spaces,
UTF-8). Every demand and every industry carries the rules it follows and how well those are
attested, so that a doubtful fact is visible and is changed in data, not in code.

What a table may not do: let fewer than two persons decide on finance, open finance or marketing
on a scan, take a scan for a paper that was seen, or let codes be written as free text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, Final

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.registry.papers import Seen

DEFAULT_VERSION: Final = "2026.1"

PURPOSES: Final = (
    Purpose.VERIFICATION,
    Purpose.NOTIFICATION,
    Purpose.MARKETING,
    Purpose.INTERNAL,
)
"""The purposes that customers qualify for. `system` is the operator's own."""

FINANCE: Final = "finance"
"""The category (:data:`assent.policy.filing.FINANCE`) of every financial industry."""

EVIDENCE: Final = ("P", "2", "1", "M", "own")


class Class(StrEnum):
    """How an industry is dealt with. LICENSED_FINANCE: only with a licence of a regulator."""

    FINANCE = "finance"
    LICENSED_FINANCE = "licensed_finance"
    OTHER = "other"


class FreeText(StrEnum):
    """Whether texts may be sent that were filed as no template. LETTER: with a letter on it."""

    NEVER = "never"
    LETTER = "letter"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Words:
    """Words for people, in both languages."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Source:
    """Why something is asked: ids of rules, and how well they are attested
    (P official wording, 2 several sources, 1 one, M general knowledge, own: our choice)."""

    rules: tuple[str, ...]
    evidence: str

    @property
    def doubtful(self) -> bool:
        """Whether a carrier or counsel should be asked before one relies on it."""
        return self.evidence in ("1", "M")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of paper. `must_end`: one that names no end counts as none. `validity_days`: how
    long one holds that names no end, counted from its first day; None: until further notice.
    `most_years`: nobody issues one for longer, None: any term."""

    name: str
    words: Words
    must_end: bool
    validity_days: int | None
    most_years: int | None


@dataclass(frozen=True, slots=True)
class Demand:
    """One of `kinds`, with all of `scope`, seen at least as well as `seen`."""

    name: str
    kinds: tuple[str, ...]
    scope: frozenset[str]
    seen: Seen
    source: Source


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for one purpose. `reviewers`: persons who must agree. `provisional`: whether
    papers that were only seen as scans open for some days. `closed`: why nobody of the industry
    may send this at all, None where one may."""

    demands: tuple[Demand, ...]
    free_text: FreeText
    reviewers: int
    provisional: bool
    closed: Words | None = None


@dataclass(frozen=True, slots=True)
class Industry:
    """A trade. `licence`: the demand that makes it a licensed one, None where there is none."""

    name: str
    words: Words
    kind: Class
    licence: Demand | None
    terms: Mapping[Purpose, Terms]
    source: Source

    @property
    def finance(self) -> bool:
        """Whether rules for finance bind it, licensed or not."""
        return self.kind is not Class.OTHER


@dataclass(frozen=True, slots=True)
class LetterTerms:
    """What carriers and clouds want of an authorisation letter (CN-72)."""

    least_days: int
    most_days: int
    most_signatures: int


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready for use. Immutable; share one between all callers.

    `free_text_letter`: what gives the right to write freely where FreeText is LETTER.
    `provisional_days`, `provisional_messages`: how long a scan holds, and messages a day until
    then. `warn_days`: how many days before an end people are warned, the most first.
    """

    version: str
    digest: bytes
    canonical: bytes
    kinds: Mapping[str, Kind]
    demands: Mapping[str, Demand]
    free_text_letter: Demand
    industries: Mapping[str, Industry]
    aliases: Mapping[str, str]
    base: Terms
    operator: Terms
    agent: Terms
    agent_finance: Terms
    provisional_days: int
    provisional_messages: int
    letters: LetterTerms
    warn_days: tuple[int, ...]

    @classmethod
    def load(cls, path: Path | None = None) -> Table:
        """Read a document from `path`, or the packaged one.

        Raises InvalidInput naming the field that is wrong.
        """
        if path is not None:
            return cls.from_document(json.loads(path.read_bytes()))
        name = f"data/qualifications-{DEFAULT_VERSION}.json"
        return cls.from_document(json.loads(resources.files("assent").joinpath(name).read_bytes()))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Table:
        """Build from a parsed document. Raises InvalidInput naming the field that is wrong."""
        try:
            return _build(document)
        except InvalidInput:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _wrong("document", f"{type(error).__name__}: {error}") from error

    def industry(self, name: str) -> Industry | None:
        """Return an industry by its word or another name of it, None for a strange one."""
        return self.industries.get(self.aliases.get(name, name))

    def category(self, name: str) -> str:
        """Return what the rules of :mod:`assent.policy` file a sender of this industry under:
        FINANCE or ''. A word that the table does not know is taken for finance, the strictest;
        no word at all for none."""
        industry = self.industry(name)
        if industry is None:
            return FINANCE if name else ""
        return FINANCE if industry.finance else ""

    def terms(self, industry: str, purpose: Purpose) -> Terms | None:
        """Return what is asked of an industry for a purpose, None where the table has nothing."""
        found = self.industry(industry)
        return None if found is None else found.terms.get(purpose)


def _wrong(field: str, message: str) -> InvalidInput:
    return InvalidInput(
        "qualifications_invalid", message, field=field, mend="correct the table of qualifications"
    )


def _build(document: dict[str, Any]) -> Table:
    canonical = json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    kinds = {name: _kind(name, row) for name, row in document["papers"].items()}
    demands = {name: _demand(name, row, kinds) for name, row in document["demands"].items()}
    reader = _Reader(demands)
    industries = {name: reader.industry(name, row) for name, row in document["industries"].items()}
    aliases = dict(document["aliases"])
    for alias, name in aliases.items():
        if alias in industries or name not in industries:
            raise _wrong("aliases", f"{alias} must lead to an industry and be none itself")
    provisional = _parameter(document, "provisional")
    return Table(
        version=str(document["version"]),
        digest=hashlib.sha256(canonical).digest(),
        canonical=canonical,
        kinds=kinds,
        demands=demands,
        free_text_letter=demands[str(_parameter(document, "free_text_letter"))],
        industries=industries,
        aliases=aliases,
        base=reader.own("base", document["base"]),
        operator=reader.own("operator", document["operator"]),
        agent=reader.own("agent", document["agent"]),
        agent_finance=reader.own("agent_finance_marketing", document["agent_finance_marketing"]),
        provisional_days=_positive("provisional", provisional["days"]),
        provisional_messages=_positive("provisional", provisional["messages_a_day"]),
        letters=_letters(_parameter(document, "letters")),
        warn_days=_falling("warn_days", _parameter(document, "warn_days")),
    )


class _Reader:
    """Reads terms against the demands of one document."""

    def __init__(self, demands: Mapping[str, Demand]) -> None:
        self._demands = demands

    def industry(self, name: str, row: dict[str, Any]) -> Industry:
        """Read an industry; every purpose must be there, so that nothing is open by accident."""
        kind = Class(row["class"])
        licence = row["licence"]
        if set(row["purposes"]) != {purpose.name.lower() for purpose in PURPOSES}:
            raise _wrong(f"industries.{name}", "each purpose once, and no other")
        terms = {
            Purpose[word.upper()]: self.terms(f"industries.{name}.{word}", one)
            for word, one in row["purposes"].items()
        }
        industry = Industry(
            name=name,
            words=_words(row),
            kind=kind,
            licence=None if licence is None else self._demands[licence],
            terms=terms,
            source=_source(f"industries.{name}", row),
        )
        for fault in _faults(industry):
            raise _wrong(f"industries.{name}", fault)
        return industry

    def own(self, name: str, row: dict[str, Any]) -> Terms:
        """Read terms that stand beside the industries, with their own source."""
        _source(name, row)
        return self.terms(name, row)

    def terms(self, field: str, row: dict[str, Any]) -> Terms:
        """Read what is asked."""
        if "closed" in row:
            return Terms((), FreeText.NEVER, 0, False, _words(row["closed"]))
        demands = tuple(self._demands[name] for name in row["demands"])
        if not demands or len(set(demands)) != len(demands):
            raise _wrong(field, "one demand at least, each once")
        return Terms(
            demands=demands,
            free_text=FreeText(row["free_text"]),
            reviewers=_positive(field, row["reviewers"]),
            provisional=_truth(field, row["provisional"]),
        )


def _faults(industry: Industry) -> Iterator[str]:
    """Yield what no table may say."""
    for purpose, terms in industry.terms.items():
        if terms.closed is not None:
            continue
        if industry.finance and terms.reviewers < 2:
            yield "two persons at least decide on finance"
        if terms.provisional and (industry.finance or purpose is Purpose.MARKETING):
            yield "a scan opens neither finance nor marketing"
        if purpose is Purpose.VERIFICATION and terms.free_text is not FreeText.NEVER:
            yield "codes are never written freely (CN-95)"
        licensed = industry.kind is Class.LICENSED_FINANCE
        if licensed and (industry.licence is None or industry.licence not in terms.demands):
            yield "licensed finance demands its licence for every purpose"


def _kind(name: str, row: dict[str, Any]) -> Kind:
    field, days, years = f"papers.{name}", row.get("validity_days"), row.get("most_years")
    return Kind(
        name=name,
        words=_words(row),
        must_end=_truth(field, row.get("must_end", False)),
        validity_days=None if days is None else _positive(field, days),
        most_years=None if years is None else _positive(field, years),
    )


def _letters(row: dict[str, Any]) -> LetterTerms:
    terms = LetterTerms(
        least_days=_positive("letters", row["least_days"]),
        most_days=_positive("letters", row["most_days"]),
        most_signatures=_positive("letters", row["most_signatures"]),
    )
    if terms.least_days > terms.most_days:
        raise _wrong("letters", "the least term is longer than the most")
    return terms


def _demand(name: str, row: dict[str, Any], kinds: Mapping[str, Kind]) -> Demand:
    field = f"demands.{name}"
    names = tuple(row["any"])
    if not names or any(kind not in kinds for kind in names):
        raise _wrong(field, "names a paper that the table does not have")
    seen = Seen[row["seen"].upper()]
    if seen < Seen.PAPER:
        raise _wrong(field, "nothing counts as seen that is not seen better than as a scan")
    if not isinstance(row["scope"], list):
        raise _wrong(field, "the scope is a list of words")
    return Demand(name, names, frozenset(row["scope"]), seen, _source(field, row))


def _words(row: dict[str, Any]) -> Words:
    if not (row["en"] and row["zh"]):
        raise ValueError("words are needed in both languages")
    return Words(row["en"], row["zh"])


def _source(field: str, row: dict[str, Any]) -> Source:
    if row["evidence"] not in EVIDENCE or not isinstance(row["rules"], list):
        raise _wrong(field, "says its rules, and how well they are attested")
    return Source(tuple(row["rules"]), row["evidence"])


def _parameter(document: dict[str, Any], name: str) -> Any:
    _source(name, document[name])
    return document[name]["value"]


def _truth(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(field, f"{value!r} is neither true nor false")
    return value


def _positive(field: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(field, f"{value!r} is no whole number above zero")
    return value


def _falling(field: str, values: list[Any]) -> tuple[int, ...]:
    days = tuple(_positive(field, value) for value in values)
    if not days or list(days) != sorted(set(days), reverse=True):
        raise _wrong(field, "days before the end, the most first, each once")
    return days
