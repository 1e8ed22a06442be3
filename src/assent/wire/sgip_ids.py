"""SGIP's sequence numbers, which are its message ids too (facts: SGIP 2.2).

Twelve octets, one 96-bit integer here: node, time MMDDHHMMSS, counter. A SUBMIT is known by its
own sequence number for ever after: its answer repeats it in the header, its report names it. Who
keeps millions of ids wants one small integer each: `id_of` makes it.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.cmpp_ids import BEIJING_MINUTES, bind_timestamp

OCTETS = 12
_WORD = 0xFFFFFFFF


class SequenceParts(NamedTuple):
    """node: who made the command; stamp: MMDDHHMMSS as a decimal number; counter: from 0."""

    node: int
    stamp: int
    counter: int


def pack_sequence(parts: SequenceParts) -> int:
    """96-bit unsigned integer. Raises LocalProtocolError naming a part over 32 bits."""
    for name, part in zip(parts._fields, parts, strict=True):
        if not 0 <= part <= _WORD:
            raise LocalProtocolError("sequence_part", f"{name} needs 32 bits", field=name)
    return parts.node << 64 | parts.stamp << 32 | parts.counter


def unpack_sequence(sequence: int) -> SequenceParts:
    """The parts of a sequence number. It has no year: keep it with a date."""
    return SequenceParts(sequence >> 64, sequence >> 32 & _WORD, sequence & _WORD)


def sp_node(area: str, corp_id: str) -> int:
    """Node number of an SP: 3, area code in four digits, enterprise code in five (2.2).

    `area` is the telephone area code with its leading zero ("010", "0755"). Raises
    LocalProtocolError for what is not 2 to 4 and 1 to 5 digits."""
    return int(f"3{_area(area)}{_digits('corp_id', corp_id, 1, 5):0>5}")


def smg_node(area: str, serial: int = 1) -> int:
    """Node number of a gateway: 1, area code in four digits, a serial digit (2.2)."""
    return int(f"1{_area(area)}{_digits('serial', str(serial), 1, 1)}")


def _area(area: str) -> str:
    return _digits("area", area, 2, 4).ljust(4, "0")


def _digits(name: str, text: str, least: int, most: int) -> str:
    if not (least <= len(text) <= most and text.isascii() and text.isdigit()):
        raise LocalProtocolError("node_part", f"{name} is {least} to {most} digits", field=name)
    return text


def first_sequence(
    node: int, unix_s: float, start: int = 0, zone_minutes: int = BEIJING_MINUTES
) -> int:
    """Sequence number to begin a connection with (`SessionSettings.first_sequence`): the time is
    that of the connection, the counter goes up from `start`.

    Duty: connections of a carrier that begin in the same second need starts so far apart that
    their counters never meet, whatever their nodes; the index of the connection times 2^24 gives
    each of them 16 million commands. Then every sequence number of a carrier is unique for a
    year, and so is its `id_of`."""
    return pack_sequence(SequenceParts(node, bind_timestamp(unix_s, zone_minutes), start))


def sequence_time(sequence: int) -> str:
    """When the command was made, MMDDHHMMSS; "" when it says no time."""
    stamp = sequence >> 32 & _WORD
    return f"{stamp:010}" if _second_of_year(stamp) is not None else ""


# --- message ids

_SECONDS = 12 * 31 * 86_400
_NODES = 31
_HASHED = 1 << 62


def id_of(sequence: int) -> int:
    """The sequence number as a message id below 2^63, as `Answers`, reports and delivers give it
    and messages are kept under.

    Below 2^62 stand those whose second part is a time: (node modulo 31, second of the year,
    counter), in mixed radix. Two numbers of one node never share an id, nor do any two that
    differ in time or counter; numbers of different nodes that agree in both share one with
    probability 1/31, which the starts of `first_sequence` rule out for those that we make.
    From 2^62 on stand all others, by 62 bits of BLAKE2b: among n of these two share an id with
    probability n^2 / 2^63. There is no way back: who must name a SUBMIT to its maker (a gateway's
    report) keeps the sequence number."""
    base = _base_of(sequence >> 32)
    if base is None:
        digest = hashlib.blake2b(sequence.to_bytes(OCTETS, "big"), digest_size=8).digest()
        return _HASHED | int.from_bytes(digest, "big") >> 2
    return base | sequence & _WORD


@lru_cache(maxsize=4096)
def _base_of(front: int) -> int | None:
    """Id of (node, time) with counter 0: few of these serve many messages."""
    second = _second_of_year(front & _WORD)
    if second is None:
        return None
    return (front >> 32) % _NODES * (_SECONDS << 32) + (second << 32)


def _second_of_year(stamp: int) -> int | None:
    """Of a year with twelve months of 31 days; None when it is no time."""
    month, day, hour, minute, second = (stamp // 100**i % 100 for i in (4, 3, 2, 1, 0))
    valid = 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 60
    if not valid:
        return None
    return ((month - 1) * 31 + day - 1) * 86_400 + hour * 3600 + minute * 60 + second
