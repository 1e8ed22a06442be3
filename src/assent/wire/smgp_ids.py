"""SMGP's proofs of identity and message ids (facts: SMGP 3.4, 3.8).

A MsgID is ten octets on the wire and an integer of 63 bits everywhere else (`id_of`), since who
keeps millions of them wants one small integer each.
"""

from __future__ import annotations

import hashlib
import struct
import time
from functools import lru_cache
from typing import NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.cmpp_ids import BEIJING_MINUTES

CLIENT_ID_OCTETS = 8

# --- proofs


def authenticator_client(user: str, secret: str, timestamp: int, *, padded: bool = False) -> bytes:
    """AuthenticatorClient: MD5(ClientID, seven zeros, secret, timestamp as ten digits), 16 octets.

    The book can be read in two ways where a ClientID is shorter than its field of eight octets:
    as it is (what public clients do) or `padded` with zeros."""
    name = user.encode("latin-1")
    if padded:
        name = name.ljust(CLIENT_ID_OCTETS, b"\0")
    text = name + bytes(7) + secret.encode() + b"%010d" % timestamp
    return hashlib.md5(text, usedforsecurity=False).digest()


def authenticator_server(status: int, client: bytes, secret: str) -> bytes:
    """AuthenticatorServer: MD5(status in four octets, AuthenticatorClient, secret)."""
    text = struct.pack(">I", status) + client + secret.encode()
    return hashlib.md5(text, usedforsecurity=False).digest()


# --- message ids

OCTETS = 10
_SEQUENCES = 1_000_000
_MINUTES = 12 * 31 * 24 * 60
_HASHED = 1 << 62
_NONE = bytes(OCTETS)


class OddId(int):
    """An id that is a hash and still knows its octets. Equal to the plain integer in every other
    way."""

    octets: bytes

    @classmethod
    def of(cls, octets: bytes) -> OddId:
        """Hash ten octets."""
        digest = hashlib.blake2b(octets, digest_size=8).digest()
        made = cls(_HASHED | int.from_bytes(digest, "big") >> 2)
        made.octets = octets
        return made


def id_of(octets: bytes) -> int:
    """The MsgID as an integer below 2^63, as `Answers`, reports and delivers give it and messages
    are kept under.

    Digits with a real time become (gateway, minute of the year, sequence) in mixed radix, from 1
    to 10^6 * 535,680 * 10^6 < 2^59: no two of them share an integer. Ten zeros (an answer that
    refuses) are 0. All others stand from 2^62 on, by 62 bits of BLAKE2b: among n of these two
    share one with probability n^2 / 2^63; they are `OddId`s. `octets_of_id` goes back."""
    base = _base_of(octets[:7])
    sequence = octets[7:].hex()
    if base is None or not sequence.isdigit():
        return OddId.of(octets) if octets != _NONE else 0
    return base + int(sequence)


def octets_of_id(message_id: int) -> bytes:
    """The MsgID on the wire. Raises LocalProtocolError for a hash that is not an `OddId` and for
    integers that no MsgID has."""
    if isinstance(message_id, OddId):
        return message_id.octets
    if message_id == 0:
        return _NONE
    front, sequence = divmod(message_id - 1, _SEQUENCES)
    return _front_of(front) + bytes.fromhex(f"{sequence:06}")


@lru_cache(maxsize=4096)
def _base_of(front: bytes) -> int | None:
    """Id of (gateway, minute) with sequence 0: few of these serve many messages."""
    digits = front.hex()
    if not digits.isdigit():
        return None
    month, day, hour, minute = (int(digits[at : at + 2]) for at in (6, 8, 10, 12))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60):
        return None
    minutes = (((month - 1) * 31 + day - 1) * 24 + hour) * 60 + minute
    return (int(digits[:6]) * _MINUTES + minutes) * _SEQUENCES + 1


@lru_cache(maxsize=4096)
def _front_of(front: int) -> bytes:
    """Gateway and time of an id without its sequence, seven octets."""
    gateway, minutes = divmod(front, _MINUTES)
    if not 0 <= gateway < 1_000_000:
        raise LocalProtocolError("message_id_unknown", "this is no MsgID", field="message_id")
    days, minute = divmod(minutes, 24 * 60)
    month, day = divmod(days, 31)
    hour, minute = divmod(minute, 60)
    return bytes.fromhex(f"{gateway:06}{month + 1:02}{day + 1:02}{hour:02}{minute:02}")


class MessageIdParts(NamedTuple):
    """gateway: six digits, area code, 06 and a serial; sequence: 0 to 999,999."""

    gateway: str
    month: int
    day: int
    hour: int
    minute: int
    sequence: int


def gateway_code(area: str, serial: int = 1) -> str:
    """Code of a gateway: three digits of area code, 06, one digit of serial."""
    if not (len(area) == 3 and area.isascii() and area.isdigit() and 0 <= serial <= 9):
        raise LocalProtocolError("message_id_part", "three digits and one", field="gateway")
    return f"{area}06{serial}"


def pack_message_id(parts: MessageIdParts) -> int:
    """The id with these parts. Raises LocalProtocolError naming one that does not fit its
    digits."""
    code = parts.gateway
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise LocalProtocolError("message_id_part", "gateway is six digits", field="gateway")
    for name, value in zip(parts._fields[1:], parts[1:], strict=True):
        most = _SEQUENCES if name == "sequence" else 100
        if not 0 <= int(value) < most:
            raise LocalProtocolError("message_id_part", f"{name} does not fit", field=name)
    _, month, day, hour, minute, sequence = parts
    return id_of(bytes.fromhex(f"{code}{month:02}{day:02}{hour:02}{minute:02}{sequence:06}"))


def unpack_message_id(message_id: int) -> MessageIdParts | None:
    """The parts of an id; None for one whose octets are not all digits (real gateways make such).
    It has no year: keep it with a date."""
    digits = shown(message_id)
    if not digits.isdigit():
        return None
    month, day, hour, minute = (int(digits[at : at + 2]) for at in (6, 8, 10, 12))
    return MessageIdParts(digits[:6], month, day, hour, minute, int(digits[14:]))


def shown(message_id: int) -> str:
    """The id as people see it: twenty hexadecimal digits."""
    return octets_of_id(message_id).hex()


def run_of(first: int, count: int) -> list[int]:
    """Ids of a SUBMIT to `count` receivers whose answer names the first (facts: SMGP 3.5): the
    sequence goes on and wraps within its own digits. Of an id that is not digits, the last three
    octets go on as an integer."""
    octets = octets_of_id(first)
    front, digits = octets[:7], octets[7:].hex()
    if not digits.isdigit():
        start = int(digits, 16)
        return [id_of(front + ((start + i) & 0xFFFFFF).to_bytes(3, "big")) for i in range(count)]
    start = int(digits)
    return [id_of(front + bytes.fromhex(f"{(start + i) % _SEQUENCES:06}")) for i in range(count)]


class MessageIds:
    """Ids that a gateway gives out: unique for a year per gateway code while at most a million are
    taken a minute on average (a burst borrows from the minutes that follow)."""

    def __init__(self, gateway: str, zone_minutes: int = BEIJING_MINUTES) -> None:
        pack_message_id(MessageIdParts(gateway, 1, 1, 0, 0, 0))  # says what is wrong with it
        self._gateway = gateway
        self._zone = zone_minutes
        self._minute = -1
        self._next = 0
        self._base = 0

    def begin(self, unix_s: float) -> None:
        """Begin where an earlier process with this gateway code cannot have come, if it ran until
        now and took fewer than 16,666 ids a second."""
        self._advance(int(unix_s) // 60)
        self._next = int(unix_s % 60 / 60 * _SEQUENCES) + 1

    def take(self, count: int, unix_s: float) -> list[int]:
        """Return `count` new ids. Time going backwards repeats nothing: the last minute used is
        kept until the clock has passed it."""
        ids: list[int] = []
        self._advance(int(unix_s) // 60)
        while len(ids) < count:
            if self._next >= _SEQUENCES:
                self._advance(self._minute + 1)
            some = min(count - len(ids), _SEQUENCES - self._next)
            first = self._base + self._next
            ids.extend(range(first, first + some))
            self._next += some
        return ids

    def run(self, count: int, unix_s: float) -> list[int]:
        """Return `count` new ids that `run_of` tells from the first."""
        while True:
            ids = self.take(count, unix_s)
            if count == 1 or ids == run_of(ids[0], count):
                return ids

    def _advance(self, minute: int) -> None:
        if minute <= self._minute:
            return
        self._minute = minute
        self._next = 0
        t = time.gmtime(minute * 60 + self._zone * 60)
        self._base = pack_message_id(
            MessageIdParts(self._gateway, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, 0)
        )
