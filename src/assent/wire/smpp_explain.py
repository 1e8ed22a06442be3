"""An SMPP PDU explained for people: every field with its place, value, meaning and clause."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from assent.text import SevenBit
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.explain_notes import (
    HEADER,
    REPORT,
    TLVS,
    Content,
    Note,
    Segment,
    both,
    moment,
    parameters,
    walk,
)
from assent.wire.smpp_codec import HEADER as HEADER_STRUCT
from assent.wire.smpp_codec import decode
from assent.wire.smpp_fields import STEPS
from assent.wire.smpp_forms import alphabet_of_coding
from assent.wire.smpp_receipts import read_receipt

__all__ = ["Note", "content_of", "explain", "notes_of", "told"]

_BODYLESS: Final = frozenset(
    command
    for command, (_, _, rows) in tables.COMMANDS.items()
    if command & tables.ANSWER and not any(row[0] != "tlvs" for row in rows)
)
_SAID: Final = (
    *("message_id", "submitted", "delivered", "submit_date", "done_date", "stat"),
    *("error", "text"),
)
_OWN_WORD: Final = ("a word of the peer", "failed")
_MESSAGES: Final = (tables.SUBMIT_SM, tables.DELIVER_SM, tables.DATA_SM, tables.SUBMIT_MULTI)


def explain(data: bytes) -> list[Note]:
    """Every field of one PDU in its order. Raises MalformedPdu as `smpp.decode` does: with the
    octet where it goes wrong."""
    decode(data)
    return [note._replace(group="") for note in notes_of(data)]


def notes_of(data: bytes) -> Iterator[Note]:
    """The same one by one, of at least a header: raises MalformedPdu only after all that could be
    read. What command_length says is not looked at."""
    length, command, status, sequence = HEADER_STRUCT.unpack_from(data)
    name, clause, rows = tables.COMMANDS.get(command, (f"{command:#010x}", "5.1.2", ()))
    status_name, meaning, action = codes.status_meaning(status)
    said = f"{status_name}: {meaning}; {action}" if command & tables.ANSWER else ""
    yield Note(0, 4, "command_length", length, "", "5.1.1", group=HEADER)
    yield Note(4, 4, "command_id", command, name, clause, group=HEADER)
    yield Note(8, 4, "command_status", status, said, "5.1.3")
    yield Note(12, 4, "sequence_number", sequence, "", "5.1.4", group=HEADER)
    body = data[tables.HEADER :]
    if command in _BODYLESS and body == b"\0":
        yield Note(tables.HEADER, 1, "message_id", "", "does not belong here", "3.2")
    elif command in tables.LAYOUTS and (body or not command & tables.ANSWER):
        yield from _body(command, data, {row[0]: row[2] for row in rows})


def told(data: bytes) -> Iterator[Note]:
    """`notes_of`, and what the text of a delivery receipt says."""
    seen: dict[str, Note] = {}
    for note in notes_of(data):
        seen.setdefault(note.name, note)
        yield note
    yield from _receipt(seen["command_id"].value, seen)


def _body(command: int, data: bytes, clauses: Mapping[str, str]) -> Iterator[Note]:
    fields = tables.LAYOUTS[command].fields
    at = tables.HEADER
    for piece in walk(fields, data, at, steps=STEPS):
        name = piece.field.name
        yield Note(
            piece.at, piece.size, name, piece.value, _meaning(name, piece.value), clauses[name]
        )
        at = piece.at + piece.size
    if fields and fields[-1].kind == "TLV":
        yield from _parameters(data, at)


def _parameters(data: bytes, at: int) -> Iterator[Note]:
    for place, tag, octets in parameters(data, at):
        kind = tlv.BY_TAG.get(tag)
        value = tlv.value_of(tag, octets)
        said = _meaning(tlv.name_of(tag), value) or ("" if kind else "unknown or a vendor's")
        said = tlv.complaint(tag, octets) or said
        clause = kind.clause if kind else "5.3.2"
        yield Note(place, 4 + len(octets), tlv.name_of(tag), value, said, clause, group=TLVS)


def content_of(command: int, values: Mapping[str, Any]) -> Content | None:
    """The text of a message, `values` being its fields and its optional parameters by name; the
    default alphabet is read as GSM 03.38."""
    if command not in (*_MESSAGES, tables.REPLACE_SM):
        return None
    octets = values.get("short_message") or values.get("message_payload", b"")
    if not {"short_message", "message_payload"} & values.keys():
        return None
    return Content(
        octets,
        alphabet_of_coding(values.get("data_coding", 0)),
        bool(values.get("esm_class", 0) & codes.UDHI),
        _sar(values),
        SevenBit.GSM,
    )


def _sar(values: Mapping[str, Any]) -> Segment | None:
    """The segment by the sar_ parameters; None unless all three are there and make sense."""
    names = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")
    reference, total, number = (values.get(name) for name in names)
    if not isinstance(reference, int) or not isinstance(total, int) or not isinstance(number, int):
        return None
    return (reference, total, number) if 1 <= number <= total else None


def _receipt(command: int, notes: Mapping[str, Note]) -> Iterator[Note]:
    """What the text of a delivery receipt says (Appendix B), of a message whose esm_class says that
    it is one. `notes`: its fields and optional parameters by name."""
    kind = notes["esm_class"].value & codes.MESSAGE_TYPE if "esm_class" in notes else 0
    source = notes.get("message_payload") or notes.get("short_message")
    if command not in _MESSAGES or kind not in (codes.RECEIPT, codes.INTERMEDIATE) or not source:
        return
    receipt = read_receipt(source.value, notes["data_coding"].value)
    for name in _SAID:
        value = getattr(receipt, name)
        if value not in ("", None):
            said = both(codes.STATS.get(value, _OWN_WORD)) if name == "stat" else ""
            yield Note(source.at, source.size, name, value, said, "Appendix B", group=REPORT)


def _meaning(name: str, value: Any) -> str:
    words = _WORDS.get(name)
    if words is None:
        words = _BY_ENDING.get(name[-4:])
    fits = isinstance(value, int) or name == "network_error_code" or words is moment
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
    "schedule_delivery_time": moment,
    "validity_period": moment,
    "final_date": moment,
    "interface_version": lambda value: f"{value >> 4}.{value & 15}",
    "sc_interface_version": lambda value: f"{value >> 4}.{value & 15}",
}
_BY_ENDING: Final[dict[str, Callable[[Any], str]]] = {
    "_ton": lambda value: codes.TYPES_OF_NUMBER.get(value, "reserved"),
    "_npi": lambda value: codes.NUMBERING_PLANS.get(value, "reserved"),
}
