"""SMGP's optional parameters: tag and length of two octets each (facts: SMGP 3.11).

In PDUs as values they are a list of (tag, octets), so that order, repetition and tags that nobody
knows survive; `named` reads the known ones and `pair` makes one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.frame import Field, MalformedPdu, octets_of, text_of

Tlv = tuple[int, bytes]
Value = int | str | bytes

CLAUSE = "3.11"

_HEAD = struct.Struct(">HH")


class TlvKind(NamedTuple):
    """A known parameter. width: octets, 0 for any number; kind as in frame.Field."""

    name: str
    kind: str
    width: int
    spec_name: str


KINDS: dict[int, TlvKind] = {
    0x0001: TlvKind("tp_pid", "U", 1, "TP_pid"),
    0x0002: TlvKind("udhi", "U", 1, "TP_udhi"),
    0x0003: TlvKind("link_id", "OS", 20, "LinkID"),
    0x0004: TlvKind("charge_user_type", "U", 1, "ChargeUserType"),
    0x0005: TlvKind("charge_term_type", "U", 1, "ChargeTermType"),
    0x0006: TlvKind("charge_term_pseudo", "OS", 0, "ChargeTermPseudo"),
    0x0007: TlvKind("destination_type", "U", 1, "DestTermType"),
    0x0008: TlvKind("destination_pseudo", "OS", 0, "DestTermPseudo"),
    0x0009: TlvKind("pk_total", "U", 1, "PkTotal"),
    0x000A: TlvKind("pk_number", "U", 1, "PkNumber"),
    0x000B: TlvKind("submit_msg_type", "U", 1, "SubmitMsgType"),
    0x000C: TlvKind("sp_deal_result", "U", 1, "SPDealResult"),
    0x000D: TlvKind("source_type", "U", 1, "SrcTermType"),
    0x000E: TlvKind("source_pseudo", "OS", 0, "SrcTermPseudo"),
    0x000F: TlvKind("nodes_count", "U", 1, "NodesCount"),
    0x0010: TlvKind("msg_src", "OS", 8, "MsgSrc"),
    0x0011: TlvKind("src_type", "U", 1, "SrcType"),
    0x0012: TlvKind("mservice_id", "OS", 21, "MServiceID"),
}
TAGS: dict[str, int] = {kind.name: tag for tag, kind in KINDS.items()}
UDHI, PK_TOTAL, PK_NUMBER, MSG_SRC = 0x0002, 0x0009, 0x000A, 0x0010

SUBMIT_MSG_TYPES: dict[int, str] = {
    0: "normal",
    1: "subscription on the web",
    2: "end of subscription on the web",
    3: "subscription by the terminal",
    4: "end of subscription by the terminal",
    5: "notice of a monthly charge",
}
CHARGE_USER_TYPES: dict[int, str] = {0: "receiver", 1: "sender", 2: "SP", 3: "another number"}


class Tlvs:
    """What stands behind the table: parameters up to the end of the body. See frame.Step."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        out.append(tlv_octets(values.get(self.field.name, ())))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        values[self.field.name] = split(data, at, end)
        return end


def tlv_octets(tlvs: Iterable[Tlv]) -> bytes:
    """Parameters as they stand on the wire. Raises LocalProtocolError when a tag or a length needs
    more than 16 bits."""
    out = []
    for tag, octets in tlvs:
        if not 0 <= tag <= 0xFFFF or len(octets) > 0xFFFF:
            raise LocalProtocolError("field_range", f"parameter {tag:#06x}", field="tlvs")
        out.append(_HEAD.pack(tag, len(octets)) + octets)
    return b"".join(out)


def split(data: bytes, at: int, end: int) -> list[Tlv]:
    """Read parameters up to `end`. Raises MalformedPdu when the last one does not end there."""
    found: list[Tlv] = []
    while at < end:
        after = at + _HEAD.size
        if after > end:
            raise MalformedPdu(f"{end - at} octets are no parameter", "length", at=at)
        tag, size = _HEAD.unpack_from(data, at)
        if after + size > end:
            raise MalformedPdu(f"parameter {tag:#06x} does not fit the PDU", "length", at=at + 2)
        at = after + size
        found.append((tag, data[after:at]))
    return found


def pair(name: str, value: Value) -> Tlv:
    """(tag, octets) of a known parameter. Raises LocalProtocolError naming one that does not exist
    or does not fit."""
    tag = TAGS.get(name)
    if tag is None:
        raise LocalProtocolError("field_unknown", f"no parameter {name}", field=name)
    kind = KINDS[tag]
    if kind.kind == "U":
        if not isinstance(value, int) or not 0 <= value < 1 << 8 * kind.width:
            raise LocalProtocolError("field_range", f"{name} does not fit", field=name)
        return tag, value.to_bytes(kind.width, "big")
    if isinstance(value, int):
        raise LocalProtocolError("field_range", f"{name} is text", field=name)
    octets = octets_of(name, value, kind.width or 0xFFFF)
    return tag, octets if kind.width else octets[: len(value)]


def pairs(**values: Value) -> list[Tlv]:
    """`pair` for several, in their order."""
    return [pair(name, value) for name, value in values.items()]


def named(tlvs: Iterable[Tlv]) -> dict[str, Value]:
    """Parameters by name, of repeated ones the first; a tag that is not in the table, or whose
    integer has another width, as octets under its tag in hex ("0x0200")."""
    found: dict[str, Value] = {}
    for tag, octets in tlvs:
        kind = KINDS.get(tag)
        if kind is None or (kind.kind == "U" and len(octets) != kind.width):
            found.setdefault(f"{tag:#06x}", octets)
        else:
            value = int.from_bytes(octets, "big") if kind.kind == "U" else text_of(octets)
            found.setdefault(kind.name, value)
    return found
