"""Numbers of licences: telecom, ICP, police filing of websites, finance.

Forms of telecom and ICP numbers are known well enough to call a number wrong. Those of financial
licences are hints: whatever their number looks like, a person asks the regulator's register.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from assent.registry.divisions import LICENSING, PROVINCES
from assent.registry.findings import Finding, found

_FIRST_YEAR: Final = 2000
_CLASSES: Final = r"[AB][12](?:\.[AB][12])*"
_TELECOM: Final = re.compile(
    rf"(?P<province>[{LICENSING}])?(?P<classes>{_CLASSES})-(?P<year>\d{{4}})\d{{4}}"
)
_ICP_LICENCE: Final = re.compile(
    rf"(?P<province>[{LICENSING}])ICP证(?:\d{{6}}|(?P<classes>B2)-(?P<year>\d{{4}})\d{{4}})号?(?:-\d+)?"
)
_ICP_FILING: Final = re.compile(rf"(?P<province>[{LICENSING}])ICP备\d{{8}}号(?:-\d+[A-Z]?)?")
_POLICE: Final = re.compile(rf"[{LICENSING}]公网安备(?P<division>\d{{2}})\d{{12}}号")
_NUMBER: Final = re.compile(r"(?:电信)?号\[(?P<year>\d{4})\]\d{5}-[A-Z]\d{2}")
_FINANCIAL: Final = re.compile(r"[A-Z]\d{4}[A-Z]\d{9}")
_PAYMENT: Final = re.compile(r"Z\d{13}")
_FUND: Final = re.compile(r"P\d{7}")
_HYPHENS: Final = re.compile(r"[‐-―−﹣－ー]")


@dataclass(frozen=True, slots=True)
class Licence:
    """A number as it was read. `kind`: the paper (of the table of qualifications) whose form it
    has, `police_filing`, or '' if none. `facts`: what the number itself says."""

    value: str
    kind: str
    facts: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def read_licence(text: str, today: date, kind: str = "") -> Licence:
    """Return what a number says and what is odd about it. Never raises.

    `kind`: the paper that it is said to be of; without one the form tells.
    """
    value = _folded(text)
    for name, pattern, check in _FORMS:
        if kind and name != kind:
            continue
        match = pattern.fullmatch(value)
        if match:
            facts = {key: got for key, got in match.groupdict().items() if got}
            findings = check(facts, today)
            if kind:  # who asks for a filing knows that it is one
                findings = [one for one in findings if one.code != "licence_is_filing"]
            return Licence(value, name, facts, tuple(findings))
    known = kind in {name for name, _, _ in _FORMS}
    strict = known and kind not in _HINTS
    code = "licence_form_wrong" if strict else "licence_form_unknown"
    return Licence(value, kind if known else "", {}, (found(code),))


def _folded(text: str) -> str:
    folded = "".join(unicodedata.normalize("NFKC", _HYPHENS.sub("-", text)).split()).upper()
    return folded.translate(str.maketrans("〔〕【】", "[][]")).replace("粵", "粤")


def _telecom(facts: dict[str, str], today: date) -> list[Finding]:
    findings = _year(facts, today)
    if "B2" not in facts["classes"].split("."):
        findings.append(found("licence_class", facts["classes"]))
    return [*findings, found("licence_scope_unseen")]


def _year(facts: dict[str, str], today: date) -> list[Finding]:
    year = facts.get("year")
    odd = year is not None and not _FIRST_YEAR <= int(year) <= today.year
    return [found("licence_year", str(year))] if odd else []


def _filing(facts: dict[str, str], today: date) -> list[Finding]:
    return [found("licence_is_filing")]


def _police(facts: dict[str, str], today: date) -> list[Finding]:
    odd = facts["division"] not in PROVINCES
    return (
        [found("licence_form_wrong", "division"), *_filing(facts, today)]
        if odd
        else _filing(facts, today)
    )


def _no_proof(facts: dict[str, str], today: date) -> list[Finding]:
    return [found("licence_no_proof")]


_Check = Callable[[dict[str, str], date], list[Finding]]

_FORMS: Final[tuple[tuple[str, re.Pattern[str], _Check], ...]] = (
    ("telecom_licence", _TELECOM, _telecom),
    ("icp_licence", _ICP_LICENCE, _year),
    ("icp_record", _ICP_FILING, _filing),
    ("police_filing", _POLICE, _police),
    ("number_certificate", _NUMBER, _year),
    ("payment_licence", _PAYMENT, _no_proof),
    ("financial_licence", _FINANCIAL, _no_proof),
    ("fund_management_licence", _FUND, _no_proof),
)

_HINTS: Final = frozenset(
    {"number_certificate", "payment_licence", "financial_licence", "fund_management_licence"}
)
"""Kinds whose forms no source confirms: a number of another form may be real."""

KINDS: Final = tuple(name for name, _, _ in _FORMS)
"""Kinds of licence whose numbers have a form that we know."""
