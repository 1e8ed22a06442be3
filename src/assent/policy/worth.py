"""What the rulebook says of consents that others than the receiver assert: how many open, how many
are asked first, and from where on an import looks made up (docs/consent-checks.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeVar

_SECTIONS: Final = ("assertion", "imports", "audits")
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Assertion:
    """Consents that only the customer asserts: `most` people of a sender open in `days`, and of
    each portion the share `asked_first` is asked before."""

    most: int
    days: int
    asked_first: float


@dataclass(frozen=True, slots=True)
class Audits:
    """Questions to receivers. `document_rate`: share of the people of an import of grade document
    who are asked, at a time within `within_days` that nobody can foresee. `answer_hours`: how long
    an answer is waited for. `person_days`: nobody is asked twice within so many days."""

    document_rate: float
    within_days: int
    answer_hours: int
    person_days: int


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on an import looks made up. Shares are looked at from `from_rows` rows on, over
    at most `look_rows` rows of one delivery. `effect`: "hold" puts an import with findings on the
    review desk, "note" only writes them down."""

    effect: Literal["hold", "note"]
    from_rows: int
    look_rows: int
    early_share: float  # dated before something was there: more than typing mistakes
    stock_days: int  # so long after a programme began older consents may still be brought
    one_second_share: float
    night_hours: tuple[int, int]
    night_share: float
    even_step_share: float
    order_correlation: float  # between times and numbers
    run_reach: int  # neighbours: numbers that differ by so much or less
    run_excess: float  # share with a neighbour, beyond what chance gives
    full_block: float  # part of a block of ten thousand numbers
    full_share: float  # of an import in blocks that are fuller than that
    one_address_share: float
    overlap_share: float  # of what two lists hold together, in both
    contained_share: float  # of an import in one other list
    overlap_days: int


@dataclass(frozen=True, slots=True)
class Worth:
    """The three together."""

    assertion: Assertion
    audits: Audits
    imports: Limits

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Worth:
        """Return the section `consent` of a rulebook. Raises ValueError for what is missing,
        unknown or out of range: nothing is off because somebody forgot it."""
        if set(_SECTIONS) - set(document):
            raise ValueError(f"consent: {', '.join(_SECTIONS)} are needed")
        values = {name: document[name]["value"] for name in _SECTIONS}
        hours = values["imports"].get("night_hours", [])
        made = cls(
            _made(Assertion, values["assertion"]),
            _made(Audits, values["audits"]),
            _made(Limits, {**values["imports"], "night_hours": tuple(hours)}),
        )
        made.check()
        return made

    def check(self) -> None:
        """Raise ValueError for what is out of range."""
        shares = {
            "assertion.asked_first": self.assertion.asked_first,
            "audits.document_rate": self.audits.document_rate,
        } | {
            f"imports.{one.name}": getattr(self.imports, one.name)
            for one in fields(Limits)
            if one.type == "float"
        }
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"consent.{name}: a share lies between 0 and 1")
        if not self.assertion.asked_first > 0:
            raise ValueError("consent.assertion.asked_first: somebody is asked first, always")
        counts = (self.assertion.most, self.assertion.days, self.audits.answer_hours)
        begin, end = self.imports.night_hours
        if min(counts) < 0 or not 0 <= begin < end <= 24 or self.imports.from_rows < 2:
            raise ValueError("consent: a count or an hour is out of range")
        if self.imports.effect not in ("hold", "note"):
            raise ValueError("consent.imports.effect: hold or note")


def _made(kind: type[Kind], values: Mapping[str, Any]) -> Kind:
    names = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    if set(values) != names:
        raise ValueError(f"consent: {sorted(names ^ set(values))} missing or unknown")
    return kind(**values)
