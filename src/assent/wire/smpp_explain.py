"""An SMPP PDU explained for people: every field with its place, value, meaning and clause."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.frame import Field
from assent.wire.smpp_codec import HEADER, Pdu, decode
from assent.wire.smpp_fields import SME_ADDRESS, Tlv


class Note(NamedTuple):
    """One field: `at` and `size` in octets from the PDU's first; `value` as in `Pdu.fields` (of an
    optional parameter as `smpp_tlvs.value_of`); `meaning` in words, "" where the value says it;
    `clause` of SMPP 3.4."""

    at: int
    size: int
    name: str
    value: Any
    meaning: str
    clause: str


def explain(data: bytes) -> list[Note]:
    """Every field of one PDU in its order. Raises MalformedPdu as `smpp.decode` does: with the
    octet where it goes wrong."""
    pdu = decode(data)
    return [*_header(data, pdu), *_body(data, pdu)]


def _header(data: bytes, pdu: Pdu) -> Iterator[Note]:
    name, clause, _ = tables.COMMANDS[pdu.command]
    status_name, meaning, action = codes.status_meaning(pdu.status)
    said = f"{status_name}: {meaning}; {action}" if pdu.command & tables.ANSWER else ""
    yield Note(0, 4, "command_length", len(data), "", "5.1.1")
    yield Note(4, 4, "command_id", pdu.command, name, clause)
    yield Note(8, 4, "command_status", pdu.status, said, "5.1.3")
    yield Note(12, 4, "sequence_number", pdu.sequence, "", "5.1.4")


def _body(data: bytes, pdu: Pdu) -> Iterator[Note]:
    if not pdu.fields:
        if len(data) > tables.HEADER:
            yield Note(tables.HEADER, 1, "message_id", "", "does not belong here", "3.2")
        return
    at = HEADER.size
    clauses = {row[0]: row[2] for row in tables.COMMANDS[pdu.command][2]}
    for field in tables.LAYOUTS[pdu.command].fields:
        value = pdu.fields[field.name]
        if field.kind == "TLV":
            yield from _parameters(value, at)
            return
        size = min(_size(field, value), len(data) - at)
        yield Note(at, size, field.name, value, _meaning(field.name, value), clauses[field.name])
        at += size


def _size(field: Field, value: Any) -> int:
    if field.kind == "U":
        return field.width
    if field.kind == "BYTES":
        return len(value)
    if field.kind == "DEST":
        return sum(len(d.address) + (4 if d.flag == SME_ADDRESS else 2) for d in value)
    if field.kind == "FAIL":
        return sum(len(failure.address) + 7 for failure in value)
    return len(value) + 1  # a string's NUL, unless the body ended without it


def _parameters(tlvs: list[Tlv], at: int) -> Iterator[Note]:
    for tag, octets in tlvs:
        kind = tlv.BY_TAG.get(tag)
        value = tlv.value_of(tag, octets)
        said = _meaning(tlv.name_of(tag), value) or ("" if kind else "unknown or a vendor's")
        said = tlv.complaint(tag, octets) or said
        clause = kind.clause if kind else "5.3.2"
        yield Note(at, 4 + len(octets), tlv.name_of(tag), value, said, clause)
        at += 4 + len(octets)


def _meaning(name: str, value: Any) -> str:
    words = _WORDS.get(name)
    if words is None:
        words = _BY_ENDING.get(name[-4:])
    fits = isinstance(value, int) or name == "network_error_code"
    return words(value) if words is not None and fits else ""


def _esm_class(value: int) -> str:
    said = ["default mode", "datagram", "forward", "store and forward"][value & 3 :][:1]
    kind = value & codes.MESSAGE_TYPE
    kinds = {
        codes.RECEIPT: "delivery receipt",
        codes.SME_ACK: "delivery acknowledgement",
        codes.USER_ACK: "manual acknowledgement",
        0x18: "conversation abort",
        codes.INTERMEDIATE: "intermediate notification",
    }
    if kind:
        said.append(kinds.get(kind, "reserved type"))
    if value & codes.UDHI:
        said.append("user data header")
    if value & codes.REPLY_PATH:
        said.append("reply path")
    return ", ".join(said)


def _registered(value: int) -> str:
    said = ["no receipt", "receipt", "receipt on failure", "reserved"][value & 3 :][:1]
    if value & 0x0C:
        said.append("acknowledgement by the receiver")
    if value & 0x10:
        said.append("intermediate notification")
    return ", ".join(said)


def _network_error(value: Any) -> str:
    if not isinstance(value, bytes) or len(value) != 3:
        return ""
    network = tlv.NETWORKS.get(value[0], f"network {value[0]}")
    return f"{network}, code {int.from_bytes(value[1:], 'big')}"


def _state(value: Any) -> str:
    return codes.MESSAGE_STATES.get(value, ("reserved", ""))[0]


_WORDS: Final[dict[str, Callable[[Any], str]]] = {
    "esm_class": _esm_class,
    "registered_delivery": _registered,
    "data_coding": codes.data_coding_meaning,
    "message_state": _state,
    "network_error_code": _network_error,
    "interface_version": lambda value: f"{value >> 4}.{value & 15}",
    "sc_interface_version": lambda value: f"{value >> 4}.{value & 15}",
}
_BY_ENDING: Final[dict[str, Callable[[Any], str]]] = {
    "_ton": lambda value: codes.TYPES_OF_NUMBER.get(value, "reserved"),
    "_npi": lambda value: codes.NUMBERING_PLANS.get(value, "reserved"),
}
