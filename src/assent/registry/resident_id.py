"""Resident identity numbers (GB 11643-1999). Personal data: show :attr:`ResidentId.masked` only."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Final

from assent.registry.divisions import PROVINCES
from assent.registry.findings import Finding, found

_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_CHECKS: Final = "10X98765432"
_FORM: Final = re.compile(r"[1-9]\d{16}[\dX]", re.ASCII)
_PERMITS: Final = ("81", "82", "83")
_FOREIGNERS: Final = "9"
_ADULT: Final = 18
_OLDEST: Final = 100


@dataclass(frozen=True, slots=True)
class ResidentId:
    """A number as it was read. `value`: half width, upper case: seal it, never log it.
    `masked`: the first three and the last four characters. `findings`: what is odd about it."""

    value: str
    masked: str
    findings: tuple[Finding, ...]

    def __repr__(self) -> str:
        """Show no more than may be shown: a repr ends up in logs."""
        return f"ResidentId({self.masked})"


def check_character(head: str) -> str:
    """Return the check character of the first 17 digits (ISO 7064, MOD 11-2)."""
    total = sum(int(digit) * weight for digit, weight in zip(head, _WEIGHTS, strict=True))
    return _CHECKS[total % 11]


def read_resident_id(text: str, today: date) -> ResidentId:
    """Return what is odd about a number, the person's age on `today` included. Never raises."""
    value = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    return ResidentId(value, mask(value), tuple(found(code) for code in _faults(value, today)))


def mask(value: str) -> str:
    """Return a number as it may be shown: nothing of one that is too short to hide in."""
    if len(value) < 15:
        return "*" * len(value)
    return value[:3] + "*" * (len(value) - 7) + value[-4:]


def _faults(value: str, today: date) -> list[str]:
    if len(value) == 15 and value.isdecimal():
        return ["resident_id_old"]
    if len(value) != 18:
        return ["resident_id_length"]
    if not _FORM.fullmatch(value):
        return ["resident_id_form"]
    faults = []
    if value.startswith(_FOREIGNERS):
        faults.append("resident_id_foreigner")
    elif value.startswith(_PERMITS):
        faults.append("resident_id_permit")
    elif value[:2] not in PROVINCES:
        faults.append("resident_id_division")
    faults += _of_birth(value[6:14], today)
    if check_character(value[:17]) != value[17]:
        faults.append("resident_id_check")
    return faults


def _of_birth(digits: str, today: date) -> list[str]:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return ["resident_id_date"]
    if born > today:
        return ["resident_id_future"]
    # Who was born on 29 February comes of age on 1 March in other years.
    age = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if age < _ADULT:
        return ["resident_id_minor"]
    return ["resident_id_age"] if age > _OLDEST else []
