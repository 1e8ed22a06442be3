"""Papers for tests: sets that answer demands, built from the demands themselves."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from assent.message import Purpose
from assent.registry.papers import Paper, Seen
from assent.registry.table import Demand, Table

TABLE = Table.load()
TODAY = date(2026, 11, 22)
YEAR = timedelta(days=365)


def paper(
    kind: str,
    seen: Seen = Seen.REGISTER,
    *,
    id: int = 1,
    accepted: bool = True,
    valid_from: date | None = TODAY - timedelta(days=100),
    valid_to: date | None = TODAY + YEAR,
    provisional_until: date | None = None,
    scope: Iterable[str] = ("B25",),
) -> Paper:
    """Return one paper; everything about it is in order unless said otherwise."""
    return Paper(
        id, kind, seen, accepted, valid_from, valid_to, provisional_until, frozenset(scope)
    )


def answering(demands: Iterable[Demand], seen: Seen | None = None) -> list[Paper]:
    """Return one paper for each demand, seen as it wants, or all as `seen`."""
    return [
        paper(demand.kinds[0], demand.seen if seen is None else seen, id=number)
        for number, demand in enumerate(demands, 1)
    ]


def full(industry: str, purpose: Purpose) -> list[Paper]:
    """Return papers that open an industry's purpose."""
    terms = TABLE.terms(industry, purpose)
    assert terms is not None
    return answering(terms.demands)
