"""SMGP's PDUs explained for people: what the values of its fields mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from assent.text import alphabet_of_format
from assent.wire import explain_notes as words
from assent.wire import smgp_codes as codes
from assent.wire import smgp_tables as tables
from assent.wire import smgp_tlvs as tlv
from assent.wire.explain_notes import (
    HEADER,
    REPORT,
    TLVS,
    Content,
    Note,
    Piece,
    Words,
    meaning,
    parameters,
    walk,
)
from assent.wire.frame import Layout, MalformedPdu
from assent.wire.smgp_ids import OCTETS, id_of, unpack_message_id
from assent.wire.smgp_reports import parse_report

_ID_AT: Final = 3


def message_id(octets: bytes) -> str:
    """The parts of a MsgID (3.8)."""
    if not any(octets):
        return "none"
    p = unpack_message_id(id_of(octets))
    if p is None:
        return "not of the form of the specification"
    time = f"{p.month:02}-{p.day:02} {p.hour:02}:{p.minute:02}"
    return f"gateway {p.gateway}, {time}, sequence {p.sequence}"


_WORDS: Final[dict[str, Words]] = {
    "login_mode": tables.LOGIN_MODES,
    "timestamp": words.stamp,
    "version": words.version,
    "status": lambda value: "; ".join(tables.LOGIN_STATUS.get(value, ("not in the table",))),
    "result": lambda value: "; ".join(codes.result_meaning(value)),
    "message_id": message_id,
    "msg_type": tables.MSG_TYPES,
    "registered": {0: "no report", 1: "report"},
    "level": {0: "low", 1: "normal", 2: "higher", 3: "high"},
    "fee_type": {
        "": "not set",
        "00": "free",
        "01": "per message",
        "02": "monthly",
        "03": "capped",
    },
    "fee_code": words.fen,
    "fixed_fee": words.fen,
    "fmt": words.FORMATS,
    "valid_time": words.moment,
    "at_time": words.moment,
    "is_report": {0: "message of a person", 1: "report"},
    "received_at": words.date_time,
    "query_type": {0: "totals", 1: "one service"},
    "udhi": words.UDHI,
    "charge_user_type": tlv.CHARGE_USER_TYPES,
    "charge_term_type": words.KINDS_OF_NUMBER,
    "destination_type": words.KINDS_OF_NUMBER,
    "source_type": words.KINDS_OF_NUMBER,
    "submit_msg_type": tlv.SUBMIT_MSG_TYPES,
    "stat": lambda value: words.both(codes.STATS.get(value, ("a code of the carrier", "failed"))),
    "submit_time": words.date_time,
    "done_time": words.date_time,
    "err": lambda value: codes.REPORT_ERRORS.get(value, ("not in the table",))[0],
}


def command_name(command: int) -> str:
    """The specification's name of a command (3.3), or its number."""
    name = tables.COMMAND_NAMES.get(command & ~tables.ANSWER, f"{command:#010x}")
    return f"{name}_Resp" if command & tables.ANSWER else name


def notes_of(data: bytes) -> Iterator[Note]:
    """Every field of one PDU, of at least a header, in its order. Raises MalformedPdu only
    after all that could be read. What the length says is not looked at."""
    length, command, sequence = (int.from_bytes(data[i : i + 4], "big") for i in (0, 4, 8))
    for at, name, value, said in (
        (0, "length", length, ""),
        (4, "command", command, command_name(command)),
        (8, "sequence", sequence, ""),
    ):
        title, clause = tables.HEADER_NOTES[name]
        yield Note(at, 4, name, value, said, clause, title, HEADER)
    layout = _layout(command, data)
    if layout is None:
        return
    at, report = tables.HEADER, False
    for piece in walk(layout.fields, data, at):
        name, value = piece.field.name, piece.value
        at = piece.at + piece.size
        title, clause = tables.NOTES[command][name]
        yield Note(
            piece.at, piece.size, name, value, meaning(_WORDS.get(name), value), clause, title
        )
        report = report or (name == "is_report" and value == 1)
        if name == "content" and report:
            yield from _report(piece)
    if layout.fields and layout.fields[-1].kind == "TLV":
        yield from _parameters(data, at)


def _layout(command: int, data: bytes) -> Layout | None:
    """The table of 3.0, unless only that of 1.3 fits."""
    for major in (3, 1):
        layout = tables.LAYOUTS[major].get(command)
        try:
            if layout is not None:
                layout.decode(data, tables.HEADER)
        except MalformedPdu:
            continue
        return layout
    return tables.LAYOUTS[3].get(command)


def _parameters(data: bytes, at: int) -> Iterator[Note]:
    for place, tag, octets in parameters(data, at):
        [(name, value)] = tlv.named([(tag, octets)]).items()
        note = tables.TLV_NOTES.get(name)
        said = meaning(_WORDS.get(name), value) if note else "unknown, or of another length"
        title, clause = note or ("", f"{tlv.CLAUSE}, tag {tag:#06x}")
        yield Note(place, 4 + len(octets), name, value, said, clause, title, TLVS)


_KEYS: Final = {
    "sub": rb"sub:\s*",
    "dlvrd": rb"dlvrd:\s*",
    "submit_time": rb"submit[ _]?date:\s*",
    "done_time": rb"done[ _]?date:\s*",
    "stat": rb"stat:",
    "err": rb"err:",
    "text": rb"te?xt:",
}


def _report(piece: Piece) -> Iterator[Note]:
    """What the content of a Deliver says as a report (3.7)."""
    try:
        report = parse_report(piece.value)
    except MalformedPdu:
        return
    ten = piece.value[_ID_AT : _ID_AT + OCTETS]
    yield Note(piece.at + _ID_AT, OCTETS, "message_id", ten, message_id(ten), "3.7, 3.8", "id",
               REPORT)  # fmt: skip
    for name, key in _KEYS.items():
        value = getattr(report, name)
        found = re.compile(key, re.IGNORECASE).search(piece.value, _ID_AT + OCTETS)
        if found and value:
            at = piece.at + found.end()
            said = meaning(_WORDS.get(name), value)
            yield Note(at, len(value), name, value, said, "3.7", "", REPORT)


def content_of(command: int, values: Mapping[str, Any]) -> Content | None:
    """The text of a Submit or of a person's Deliver, from its fields and parameters by name."""
    if command not in (tables.SUBMIT, tables.DELIVER) or values.get("is_report") == 1:
        return None
    if "content" not in values:
        return None
    has_header = bool(values.get("udhi"))
    return Content(values["content"], alphabet_of_format(values["fmt"]), has_header)
