"""CMPP's proofs of identity, timestamps and message ids (facts 1.4, 1.5, 1.15)."""

from __future__ import annotations

import hashlib
import hmac
import struct
import time
from typing import NamedTuple

from assent.errors import LocalProtocolError

BEIJING_MINUTES = 480
_DAY_S = 86_400


def bind_timestamp(unix_s: float, zone_minutes: int = BEIJING_MINUTES) -> int:
    """MMDDHHMMSS as an integer, in the zone of the carrier (minutes east of UTC)."""
    t = time.gmtime(unix_s + zone_minutes * 60)
    return int(f"{t.tm_mon:02}{t.tm_mday:02}{t.tm_hour:02}{t.tm_min:02}{t.tm_sec:02}")


def timestamp_skew(timestamp: int, unix_s: float, zone_minutes: int = BEIJING_MINUTES) -> float:
    """Seconds between a CONNECT's timestamp and our clock, in the year that brings them closest
    (it has none). Infinite when it is no time at all. How much is too much is local policy."""
    month, day, hour, minute, second = (timestamp // 100**i % 100 for i in (4, 3, 2, 1, 0))
    local = unix_s + zone_minutes * 60
    year = time.gmtime(local).tm_year
    valid = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61
    if not valid or timestamp >= 10**10:
        return float("inf")
    return min(
        abs(_seconds_of(y, month, day, hour, minute, second) - local)
        for y in (year - 1, year, year + 1)
    )


def _seconds_of(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    """Seconds since 1970 of a civil time (days by the usual era arithmetic; 31 Feb rolls over)."""
    y, m = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * m + 2) // 5 + day - 1 - 719_468
    return days * _DAY_S + hour * 3600 + minute * 60 + second


def authenticator_source(user: str, secret: str, timestamp: int) -> bytes:
    """AuthenticatorSource: MD5(user, nine zeros, secret, timestamp as ten digits), 16 octets."""
    text = user.encode("latin-1") + bytes(9) + secret.encode() + b"%010d" % timestamp
    return hashlib.md5(text, usedforsecurity=False).digest()


def authenticator_ismg(status: int, source: bytes, secret: str, version: int) -> bytes:
    """AuthenticatorISMG: MD5(status, AuthenticatorSource, secret). The status enters with the
    width it has on the wire: one octet in 2.x, four in 3.0."""
    prefix = struct.pack(">I" if version >> 4 >= 3 else ">B", status)
    return hashlib.md5(prefix + source + secret.encode(), usedforsecurity=False).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare proofs in constant time."""
    return hmac.compare_digest(left, right)


class MessageIdParts(NamedTuple):
    month: int
    day: int
    hour: int
    minute: int
    second: int
    gateway: int
    sequence: int


_WIDTHS = MessageIdParts(month=4, day=5, hour=5, minute=6, second=6, gateway=22, sequence=16)


def pack_message_id(parts: MessageIdParts) -> int:
    """64-bit unsigned id. Raises LocalProtocolError naming a part that does not fit its bits."""
    value = 0
    for name, part, width in zip(parts._fields, parts, _WIDTHS, strict=True):
        if not 0 <= part < 1 << width:
            raise LocalProtocolError("message_id_part", f"{name} needs {width} bits", field=name)
        value = value << width | part
    return value


def unpack_message_id(value: int) -> MessageIdParts:
    """The parts of an id. It has no year: ids repeat after one, so keep them with a date."""
    parts = []
    for width in reversed(_WIDTHS):
        parts.append(value & (1 << width) - 1)
        value >>= width
    return MessageIdParts(*reversed(parts))


class MessageIds:
    """Ids that a gateway gives out: unique for a year per gateway code while at most 65,536 are
    taken a second on average (a burst borrows from the seconds that follow)."""

    def __init__(self, gateway: int, zone_minutes: int = BEIJING_MINUTES) -> None:
        self._gateway = gateway
        self._zone = zone_minutes
        self._second = -1
        self._next = 0
        self._base = 0

    def begin(self, unix_s: float) -> None:
        """Begin where an earlier process with this gateway code cannot have come, if it ran until
        now and took fewer than 65,536 ids in every second."""
        self._advance(int(unix_s))
        self._next = int((unix_s - int(unix_s)) * 0x10000) + 1

    def take(self, count: int, unix_s: float) -> list[int]:
        """Return `count` new ids. Time going backwards repeats nothing: the last second used is
        kept until the clock has passed it."""
        ids: list[int] = []
        self._advance(int(unix_s))
        while len(ids) < count:
            if self._next > 0xFFFF:
                self._advance(self._second + 1)
            some = min(count - len(ids), 0x10000 - self._next)
            first = self._base + self._next
            ids.extend(range(first, first + some))
            self._next += some
        return ids

    def run(self, count: int, unix_s: float) -> list[int]:
        """Return `count` new ids that follow each other, for a message to several receivers whose
        answer names the first (facts 1.7)."""
        while True:
            ids = self.take(count, unix_s)
            if ids[-1] - ids[0] == count - 1:
                return ids

    def _advance(self, second: int) -> None:
        if second <= self._second:
            return
        self._second = second
        self._next = 0
        t = time.gmtime(second + self._zone * 60)
        # A leap second would need 6 bits too: tm_sec 60 and 61 fit.
        self._base = pack_message_id(
            MessageIdParts(t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, self._gateway, 0)
        )
