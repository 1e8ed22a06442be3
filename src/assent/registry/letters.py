"""Authorisation letters: what must agree between a letter and who hands it in (CN-72)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from assent.registry.dates import check_dates
from assent.registry.findings import Finding, found
from assent.registry.table import Table


@dataclass(frozen=True, slots=True)
class Letter:
    """What stands in a letter: credit codes of who authorises and who is authorised."""

    principal: str
    agent: str
    signatures: Collection[str]
    valid_from: date
    valid_to: date


def check_letter(
    table: Table, letter: Letter, owner: str, applicant: str, today: date
) -> tuple[Finding, ...]:
    """Return what is odd about a letter. `owner`: credit code in the papers of the signatures'
    owner. `applicant`: of who hands the letter in."""
    findings = list(
        check_dates(table, "authorisation_letter", letter.valid_from, letter.valid_to, today)
    )
    days = (letter.valid_to - letter.valid_from).days + 1
    if 0 < days < table.letters.least_days:
        findings.append(found("letter_short", str(table.letters.least_days)))
    if days > table.letters.most_days:
        findings.append(found("letter_long", str(table.letters.most_days)))
    if not 0 < len(set(letter.signatures)) <= table.letters.most_signatures:
        findings.append(found("letter_signatures", str(table.letters.most_signatures)))
    if letter.principal == letter.agent:
        findings.append(found("letter_own"))
    if letter.principal != owner:
        findings.append(found("letter_principal"))
    if letter.agent != applicant:
        findings.append(found("letter_agent"))
    return tuple(findings)
