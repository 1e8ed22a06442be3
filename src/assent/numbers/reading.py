"""Rows as people write them → numbers, each with its own fault."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.message import Network
from assent.numbers.segments import SEGMENT_NETWORK, Name, Numbers

_ROWS: Final = 1 << 15
"""Rows worked on at once, so that the arrays in between stay in the processor's cache."""


class Fault(IntEnum):
    """Why a row is no number that a message can go to. Stored; values never change meaning."""

    NONE = 0
    EMPTY = 1
    NOT_DIGITS = 2
    WRONG_LENGTH = 3
    UNKNOWN_PREFIX = 4
    FIXED_LINE = 5
    SERVICE_NUMBER = 6
    FOREIGN_INVALID = 7
    ROUNDED = 8


FAULT_WORDS: Final[dict[Fault, Name]] = {
    Fault.NONE: Name("没有问题", "no fault"),
    Fault.EMPTY: Name("号码为空", "the row is empty"),
    Fault.NOT_DIGITS: Name("含有数字以外的字符", "it has characters that no phone number has"),
    Fault.WRONG_LENGTH: Name("位数不对", "it has too many or too few digits"),
    Fault.UNKNOWN_PREFIX: Name("号段未分配", "no network was given numbers that begin like this"),
    Fault.FIXED_LINE: Name("是固定电话号码", "it is a fixed line"),
    Fault.SERVICE_NUMBER: Name(
        "是服务号码，不是个人号码", "it is a service number, not a person's"
    ),
    Fault.FOREIGN_INVALID: Name(
        "不是有效的境外号码", "it is not a valid number of the country it names"
    ),
    Fault.ROUNDED: Name(
        "被电子表格改成了科学计数法，末位数字已丢失；请将该列设为文本后重新导出",
        "a spreadsheet wrote it in scientific notation and lost its last digits; "
        "make the column text and export it again",
    ),
}


class Parsed(NamedTuple):
    """One row for each value given: `msisdn` is 0 exactly where `fault` is not NONE."""

    msisdn: Numbers
    fault: NDArray[np.uint8]


_DIGIT, _SEPARATOR, _PLUS, _ODD = 0, 1, 2, 3
_SEPARATORS: Final = " \t\r\n-()"
_KIND: Final = np.full(256, _ODD, np.uint8)
_KIND[ord("0") : ord("9") + 1] = _DIGIT
_KIND[ord("+")] = _PLUS
_KIND[[ord(mark) for mark in _SEPARATORS]] = _SEPARATOR
_DROP_SEPARATORS: Final = str.maketrans("", "", _SEPARATORS)
_HEADS: Final = (b"", b"86", b"+86", b"0086")
_SCIENTIFIC: Final = re.compile(r"[0-9]+(\.[0-9]+)?[eE]\+?[0-9]+")
_MOBILE: Final = re.compile(r"(?:\+?86|0086)?(1[0-9]{10})")
_ALLOCATED: Final = frozenset(  # beginnings
    (1000 + np.flatnonzero(SEGMENT_NETWORK != Network.UNKNOWN)).tolist()
)
_FEW: Final = 64
_SERVICE: Final = re.compile(r"1[012][0-9]{1,18}|9[56][0-9]{3,7}|[48]00[0-9]{7}")


def parse(values: Sequence[str], region: str = "CN") -> Parsed:
    """Read phone numbers as people write them; every row gets a number or its own fault.

    Takes plain digits, separators, full-width digits, `+86`, `0086` and `86` in front, foreign
    numbers with `+` or `00`. `region` (ISO 3166) is the country of numbers that name none.
    Rows keep their order; duplicates are not looked for. Mainland numbers, plain or full-width,
    are read as arrays where they are many, all others one by one.
    """
    msisdn = np.zeros(len(values), np.uint64)
    fault = np.zeros(len(values), np.uint8)
    for start in range(0, len(values), _ROWS):
        rows = values[start : start + _ROWS]
        part = slice(start, start + len(rows))
        if region == "CN":
            msisdn[part] = _parse_plain(rows) if len(rows) > _FEW else _parse_few(rows)
        for row in np.flatnonzero(msisdn[part] == 0).tolist():
            number, why = _parse_one(rows[row], region)
            msisdn[start + row] = number
            fault[start + row] = why
    return Parsed(msisdn, fault)


def _parse_few(rows: Sequence[str]) -> list[int]:
    """Return the mainland mobile numbers among plain rows, 0 for all others."""
    numbers = []
    for row in rows:
        plain = _MOBILE.fullmatch(row)
        number = int(plain[1]) if plain else 0
        numbers.append(86 * 10**11 + number if number // 10**7 in _ALLOCATED else 0)
    return numbers


def _parse_plain(rows: Sequence[str]) -> Numbers:
    """Return the mainland mobile numbers among plain or full-width rows, 0 for all others."""
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    octets = _octets("".join(rows))
    if (lengths == 11).all():
        return _mobile(octets.reshape(-1, 11))
    separator = _KIND[octets] == _SEPARATOR
    if separator.any():
        owner = np.repeat(np.arange(len(rows)), lengths)
        lengths -= np.bincount(owner[separator], minlength=len(rows))
        octets = octets[~separator]
    ends = np.cumsum(lengths)
    msisdn = np.zeros(len(rows), np.uint64)
    for head in _HEADS:
        chosen = np.flatnonzero(lengths == len(head) + 11)
        if chosen.size:
            places = np.arange(-len(head) - 11, 0)
            text = octets[ends[chosen, None] + places]
            starts_right = (text[:, : len(head)] == np.frombuffer(head, np.uint8)).all(axis=1)
            msisdn[chosen] = np.where(starts_right, _mobile(text[:, len(head) :]), 0)
    return msisdn


def _octets(text: str) -> NDArray[np.uint8]:
    """Return one octet for each character, so that lengths stay true; odd ones become `?`.

    Full-width forms and spaces that are not ASCII become what NFKC makes of them.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")
    octets = np.where(points < 0x80, points, ord("?")).astype(np.uint8)
    # U+FF01 to U+FF5E stand in the order of ASCII's 0x21 to 0x7E.
    wide = points - np.uint32(0xFF01)  # what comes before wraps round to very large values
    np.copyto(octets, (wide + 0x21).astype(np.uint8), where=wide <= 0x5D)
    octets[(points == 0x3000) | (points == 0xA0)] = ord(" ")
    return octets


def _mobile(text: NDArray[np.uint8]) -> Numbers:
    """Read rows of eleven octets; 0 where one is no digit or the beginning is not allocated."""
    columns = np.ascontiguousarray(text.T) - np.uint8(ord("0"))
    digits = (columns < 10).all(axis=0)
    # Four digits and then seven, as narrow as they fit: half the memory to move.
    segment = np.zeros(len(text), np.int32)
    for column in columns[:4]:
        segment = segment * 10 + column
    rest = np.zeros(len(text), np.uint32)
    for column in columns[4:]:
        rest = rest * np.uint32(10) + column
    known = digits & (segment >= 1000) & (segment < 2000)
    known &= SEGMENT_NETWORK.take(segment - 1000, mode="clip") != Network.UNKNOWN
    number = (segment.astype(np.uint64) + np.uint64(860_000)) * np.uint64(10**7) + rest
    return np.where(known, number, np.uint64(0))


def _parse_one(value: str, region: str) -> tuple[int, Fault]:
    """Read one row of any shape."""
    # NFKC makes full-width digits and signs plain. Format characters (category Cf) are the
    # invisible marks that come along when a number is copied from a web page or a contact.
    text = unicodedata.normalize("NFKC", value)
    text = "".join(mark for mark in text if unicodedata.category(mark) != "Cf")
    text = text.translate(_DROP_SEPARATORS).strip().removeprefix("'")
    if not text:
        return 0, Fault.EMPTY
    if _SCIENTIFIC.fullmatch(text):
        return 0, Fault.ROUNDED
    text = text.removesuffix(".0")  # a whole number that went through a spreadsheet's float
    if not (text.isascii() and text.removeprefix("+").isdigit()):
        return 0, Fault.NOT_DIGITS
    if region != "CN":
        return _parse_foreign(text, region)
    if text.startswith("+"):
        return _parse_international(text[1:])
    if text.startswith("00"):
        return _parse_international(text[2:])
    if text.startswith("86") and len(text) == 13:
        return _parse_national(text[2:], dialled=False)
    return _parse_national(text, dialled=True)


def _parse_international(digits: str) -> tuple[int, Fault]:
    if digits.startswith("86"):
        return _parse_national(digits[2:], dialled=False)
    return _parse_foreign("+" + digits, None)


def _parse_national(digits: str, *, dialled: bool) -> tuple[int, Fault]:
    """Judge a mainland number without country code.

    `dialled`: written as dialled at home, so that area codes begin with 0.
    """
    size = len(digits)
    if size == 11 and digits[0] == "1" and SEGMENT_NETWORK[int(digits[:4]) - 1000]:
        return 86 * 10**11 + int(digits), Fault.NONE
    if not dialled and ((size == 10 and digits[:2] == "10") or _has_area_code(digits)):
        return 0, Fault.FIXED_LINE
    if _SERVICE.fullmatch(digits):
        return 0, Fault.SERVICE_NUMBER
    if dialled and ((digits[:1] == "0" and 10 <= size <= 12) or _is_local(digits)):
        return 0, Fault.FIXED_LINE
    return 0, Fault.UNKNOWN_PREFIX if size == 11 else Fault.WRONG_LENGTH


def _has_area_code(digits: str) -> bool:
    return 9 <= len(digits) <= 11 and digits[0] in "23456789" and digits[1:3] != "00"


def _is_local(digits: str) -> bool:
    return len(digits) in (7, 8) and digits[0] in "2345678"


def _parse_foreign(text: str, region: str | None) -> tuple[int, Fault]:
    """Read a number with libphonenumber; `region` is the country of one without `+`."""
    import phonenumbers  # its tables take a tenth of a second, and most lists need none

    kinds = phonenumbers.PhoneNumberType
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return 0, Fault.FOREIGN_INVALID
    if number.country_code == 86:
        return _parse_national(phonenumbers.national_significant_number(number), dialled=False)
    kind = phonenumbers.number_type(number)
    if kind == kinds.UNKNOWN:
        return 0, Fault.FOREIGN_INVALID
    if kind == kinds.FIXED_LINE:
        return 0, Fault.FIXED_LINE
    if kind not in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE, kinds.PERSONAL_NUMBER):
        return 0, Fault.SERVICE_NUMBER
    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return int(form[1:]), Fault.NONE


def mask(msisdn: int) -> str:
    """Return a number in a form that may be shown or logged: `138****8000`, `+852****5678`."""
    digits = str(msisdn)
    if is_mainland(msisdn):
        digits = digits[2:]
        return f"{digits[:3]}****{digits[-4:]}" if len(digits) == 11 else "****"
    return f"+{digits[:3]}****{digits[-4:]}" if len(digits) >= 10 else "****"


def is_mainland(msisdn: int) -> bool:
    """Tell whether an E.164 number has the country code 86."""
    return str(msisdn).startswith("86")
