"""CMPP's PDUs explained for people: what the values of its fields mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from assent.text import alphabet_of_format
from assent.wire import cmpp_tables as tables
from assent.wire import explain_notes as words
from assent.wire.cmpp_ids import unpack_message_id
from assent.wire.explain_notes import HEADER, REPORT, Content, Note, Words, meaning, walk

_FIRST = tables.HEADER


def _command(value: int) -> str:
    name = tables.COMMAND_NAMES.get(value & ~tables.ANSWER, f"{value:#010x}")
    return f"{name}_RESP" if value & tables.ANSWER else name


def message_id(value: int) -> str:
    """The parts of a Msg_Id (1.15)."""
    if not value:
        return "none"
    p = unpack_message_id(value)
    time = f"{p.month:02}-{p.day:02} {p.hour:02}:{p.minute:02}:{p.second:02}"
    return f"{time}, gateway {p.gateway}, sequence {p.sequence}"


def stat(value: str) -> str:
    """The state of a report (1.10): what it means and how it counts."""
    known = tables.STATS.get(value)
    if known:
        return words.both(known)
    said = tables.STAT_PREFIXES.get(value[:2]) if value[2:3] == ":" else None
    return f"{said or 'a code of the carrier'}, {tables.stat_outcome(value)}"


_WORDS: Final[dict[str, Words]] = {
    "message_id": message_id,
    "version": words.version,
    "timestamp": words.stamp,
    "status": lambda value: "; ".join(tables.CONNECT_STATUS.get(value, ("other error",))),
    "result": lambda value: "; ".join(tables.result_meaning(value)),
    "registered": {0: "no report", 1: "report", 2: "billing record only (2.0)"},
    "is_report": {0: "message of a person", 1: "report"},
    "fee_user_type": {
        0: "the receiver pays",
        1: "the sender pays",
        2: "the SP pays",
        3: "the number in Fee_terminal_Id pays",
    },
    "fee_terminal_type": words.KINDS_OF_NUMBER,
    "destination_type": words.KINDS_OF_NUMBER,
    "source_type": words.KINDS_OF_NUMBER,
    "udhi": words.UDHI,
    "fmt": words.FORMATS,
    "fee_type": {
        "": "not set",
        "01": "free",
        "02": "per message",
        "03": "monthly",
        "04": "capped (2.0)",
        "05": "paid by the SP (2.0)",
    },
    "fee_code": words.fen,
    "valid_time": words.moment,
    "at_time": words.moment,
    "query_type": {0: "totals", 1: "one service"},
    "success_id": {0: "cancelled", 1: "not cancelled"},
    "stat": stat,
    "submit_time": words.date_time,
    "done_time": words.date_time,
}


def command_name(command: int) -> str:
    """The specification's name of a command (1.3), or its number."""
    return _command(command)


def notes_2(data: bytes) -> Iterator[Note]:
    """Notes of a PDU of CMPP 2.0 or 2.1; as `notes_of`."""
    return notes_of(data, 2)


def notes_3(data: bytes) -> Iterator[Note]:
    """Notes of a PDU of CMPP 3.0; as `notes_of`."""
    return notes_of(data, 3)


def notes_of(data: bytes, major: int) -> Iterator[Note]:
    """Every field of one PDU, of at least a header, in its order. Raises MalformedPdu only after
    all that could be read. What the length says is not looked at."""
    length, command, sequence = (int.from_bytes(data[i : i + 4], "big") for i in (0, 4, 8))
    for at, name, value, said in (
        (0, "length", length, ""),
        (4, "command", command, _command(command)),
        (8, "sequence", sequence, ""),
    ):
        title, clause = tables.HEADER_NOTES[name]
        yield Note(at, 4, name, value, said, clause, title, HEADER)
    layout = tables.LAYOUTS[major].get(command)
    bare = command == tables.ACTIVE_TEST | tables.ANSWER and len(data) == _FIRST
    if layout is None or bare:
        return
    report = False
    for piece in walk(layout.fields, data, _FIRST):
        name, value = piece.field.name, piece.value
        title, clause = tables.NOTES[command][name]
        said = meaning(_WORDS.get(name), value)
        report = report or (name == "is_report" and value == 1)
        if name == "content" and report:
            inner = tables.REPORTS.get({60: 2, 71: 3}.get(len(value), 0))
            said = "report" if inner else f"a report of {len(value)} octets has no known form"
            yield Note(piece.at, piece.size, name, value, said, clause, title)
            yield from _report(data, piece.at, len(value))
        else:
            yield Note(piece.at, piece.size, name, value, said, clause, title)


def _report(data: bytes, at: int, size: int) -> Iterator[Note]:
    layout = tables.REPORTS.get({60: 2, 71: 3}.get(size, 0))
    if layout is None:
        return
    for piece in walk(layout.fields, data[: at + size], at):
        name = piece.field.name
        title, clause = tables.REPORT_NOTES[name]
        said = meaning(_WORDS.get(name), piece.value)
        yield Note(piece.at, piece.size, name, piece.value, said, clause, title, REPORT)


def content_of(command: int, values: Mapping[str, Any]) -> Content | None:
    """The text of a SUBMIT or of a person's DELIVER, from its fields by name."""
    if command not in (tables.SUBMIT, tables.DELIVER) or values.get("is_report") == 1:
        return None
    if "content" not in values:
        return None
    return Content(values["content"], alphabet_of_format(values["fmt"]), bool(values["udhi"]))
