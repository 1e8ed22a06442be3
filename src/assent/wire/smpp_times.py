"""SMPP's times (7.1.1; facts: SMPP 4.8): "YYMMDDhhmmsstnnp", absolute or relative."""

from __future__ import annotations

import time
from calendar import timegm
from typing import Final

from assent.errors import LocalProtocolError
from assent.wire.frame import MalformedPdu

_DAY_S: Final = 86_400
LONGEST_RELATIVE_S: Final = 31 * _DAY_S


def absolute_time(unix_s: float, zone_minutes: int = 0) -> str:
    """A moment, written in a zone (minutes east of UTC, a multiple of 15; Beijing is 480) to the
    tenth of a second below. Raises LocalProtocolError for a zone that cannot be written."""
    quarters, odd = divmod(abs(zone_minutes), 15)
    if odd or quarters > 48:
        raise LocalProtocolError("field_time", f"zone {zone_minutes} is no quarter hour up to 12 h")
    tenths = int(unix_s * 10)
    t = time.gmtime(tenths // 10 + zone_minutes * 60)
    date = f"{t.tm_year % 100:02}{t.tm_mon:02}{t.tm_mday:02}"
    clock = f"{t.tm_hour:02}{t.tm_min:02}{t.tm_sec:02}"
    return f"{date}{clock}{tenths % 10}{quarters:02}{'-' if zone_minutes < 0 else '+'}"


def relative_time(seconds: int) -> str:
    """A while from now, to be counted by the SMSC's clock; at most 31 days, since months differ.

    Raises LocalProtocolError beyond that or below zero."""
    if not 0 <= seconds <= LONGEST_RELATIVE_S:
        raise LocalProtocolError("field_time", f"{seconds} s is not within 0..{LONGEST_RELATIVE_S}")
    days, rest = divmod(int(seconds), _DAY_S)
    return f"0000{days:02}{rest // 3600:02}{rest // 60 % 60:02}{rest % 60:02}000R"


def read_time(text: str, now: float) -> float | None:
    """The moment (seconds since 1970) that a time names; None for an empty one. A relative month
    counts 30 days, a year 365. Years are 2000 to 2099.

    Raises MalformedPdu for what is no time."""
    if not text:
        return None
    digits, sign = text[:-1], text[-1]
    if len(text) != 16 or not (digits.isascii() and digits.isdigit()) or sign not in "+-R":
        raise MalformedPdu(f"{text!r} is no time")
    year, month, day, hour, minute, second = (int(digits[i : i + 2]) for i in range(0, 12, 2))
    if sign == "R":
        days = 365 * year + 30 * month + day
        return now + days * _DAY_S + hour * 3600 + minute * 60 + second
    zone = int(digits[13:]) * 900 * (-1 if sign == "-" else 1)
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60):
        raise MalformedPdu(f"{text!r} is no time")
    local = timegm((2000 + year, month, day, hour, minute, second))
    return local + int(digits[12]) / 10 - zone
