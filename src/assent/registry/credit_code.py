"""Unified social credit codes (GB 32100-2015) and the organisation code in them (GB 11714).

A fitting check character proves only that nobody mistyped. One that does not fit is no refusal:
early trial regions issued real codes that fail it, so a person looks at the register's extract.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

from assent.registry.divisions import NATIONAL, PROVINCES
from assent.registry.findings import Finding, found

ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_VALUE: Final = {character: value for value, character in enumerate(ALPHABET)}
_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))
_SUBJECT_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)

AUTHORITIES: Final = {
    "1": ("机构编制", "1239"), "2": ("外交", "19"), "3": ("司法行政", "123459"),
    "4": ("文化", "19"), "5": ("民政", "1239"), "6": ("旅游", "19"), "7": ("宗教", "129"),
    "8": ("工会", "19"), "9": ("市场监管", "123"), "A": ("军委编办", "19"),
    "N": ("农业", "1239"), "Y": ("其他", "1"),
}  # fmt: skip
"""Registering authority → its name, and the classes that it registers."""

_TRIAL_PREFIX: Final = "9135"
_TRIAL_SUBJECT: Final = "M"


@dataclass(frozen=True, slots=True)
class CreditCode:
    """A code as it was read. `value`: upper case, half width, no blanks. `authority`: who
    registered it, '' if unknown. `division`: where. `findings`: what is odd about it."""

    value: str
    authority: str
    division: str
    findings: tuple[Finding, ...]


def check_character(head: str) -> str:
    """Return the check character of the first 17 characters. Raises KeyError on strange ones."""
    total = sum(_VALUE[c] * weight for c, weight in zip(head, _WEIGHTS, strict=True))
    return ALPHABET[-total % 31]


def subject_check_character(head: str) -> str:
    """Return the check character of the first 8 characters of an organisation code."""
    total = sum(int(c, 36) * weight for c, weight in zip(head, _SUBJECT_WEIGHTS, strict=True))
    rest = -total % 11
    return "X" if rest == 10 else str(rest)


def plain_code(text: str) -> str:
    """Return a code as it is compared: upper case, half width, no blanks."""
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def read_credit_code(text: str) -> CreditCode:
    """Return what a code says and what is odd about it. Never raises."""
    value = plain_code(text)
    fault = _form(value)
    if fault:
        return CreditCode(value, "", "", (found(fault),))
    authority, classes = AUTHORITIES.get(value[0], ("", ""))
    division = value[2:8]
    findings = []
    if value[1] not in classes:
        findings.append(found("credit_code_authority", value[:2]))
    if division != NATIONAL and division[:2] not in PROVINCES:
        findings.append(found("credit_code_province", division))
    if check_character(value[:17]) != value[17]:
        trial = value.startswith(_TRIAL_PREFIX) and value[8] == _TRIAL_SUBJECT
        findings.append(found("credit_code_trial_region" if trial else "credit_code_check"))
    if subject_check_character(value[8:16]) != value[16]:
        findings.append(found("credit_code_subject_check"))
    return CreditCode(value, authority, division, tuple(findings))


def _form(value: str) -> str:
    """Return the code of what makes it no credit code at all, '' for nothing."""
    plain = value.replace("-", "")
    if (len(value) == 15 and value.isdecimal()) or (len(plain) == 9 and plain.isalnum()):
        return "credit_code_old_number"
    if len(value) != 18:
        return "credit_code_length"
    if any(character not in _VALUE for character in value):
        return "credit_code_letter"
    return "" if value[2:8].isdecimal() else "credit_code_division"
