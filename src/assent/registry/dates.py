"""Dates that stand on papers: what a reviewer would notice of them."""

from __future__ import annotations

from datetime import date

from assent.registry.findings import Finding, found
from assent.registry.table import Table


def check_dates(
    table: Table, kind: str, valid_from: date | None, valid_to: date | None, today: date
) -> tuple[Finding, ...]:
    """Return what is odd about the first and last day of a paper, both included, None where it
    names none. Days of a kind that the table does not have are compared with each other only."""
    if valid_from is not None and valid_to is not None and valid_to < valid_from:
        return (found("dates_reversed"),)
    known = table.kinds.get(kind)
    findings = []
    if known is not None and valid_to is None:
        counted = known.validity_days is not None and valid_from is None
        if known.must_end or counted:
            findings.append(found("dates_missing"))
    if valid_to is not None and valid_to < today:
        findings.append(found("dates_expired"))
    elif valid_to is not None and (valid_to - today).days <= min(table.warn_days):
        findings.append(found("dates_end_soon", valid_to.isoformat()))
    if valid_from is not None and valid_from > today:
        findings.append(found("dates_to_come", valid_from.isoformat()))
    most = known.most_years if known is not None else None
    # Some name the anniversary as the last day, some the day before it: both are taken.
    if most and valid_from and valid_to and valid_to > years_later(valid_from, most):
        findings.append(found("dates_too_long", str(most)))
    return tuple(findings)


def years_later(day: date, years: int) -> date:
    """Return the same day of a later year, 1 March where that year has no 29 February, and the
    calendar's last day beyond its end."""
    if day.year + years > date.max.year:
        return date.max
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
