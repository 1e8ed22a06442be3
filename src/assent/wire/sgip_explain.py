"""SGIP's PDUs explained for people: what the values of its fields mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from assent.text import alphabet_of_format
from assent.wire import explain_notes as words
from assent.wire import sgip_tables as tables
from assent.wire.explain_notes import HEADER, Content, Note, Words, meaning, walk
from assent.wire.frame import Field

_NODES: Final = [Field.parse(name, spec) for name, spec, _ in tables.TRACE_NODE_ROWS]


def _money(value: str) -> str:
    return "the SP pays" if value and not value.strip("0") else ""


def _error(value: int) -> str:
    return tables.REPORT_ERRORS.get(value, ("not in the table",))[0] if value else ""


_BIND_RESULT: Final = tables.BIND | tables.ANSWER
_WORDS: Final[dict[str, Words]] = {
    "login_type": tables.LOGIN_TYPES,
    "result": lambda value: "; ".join(tables.result_meaning(value)),
    "fee_terminal": _money,
    "fee_type": {
        0: "record only",
        1: "free",
        2: "per message",
        3: "monthly",
        4: "collected by the SP",
    },
    "fee_code": words.fen,
    "given_value": words.fen,
    "agent_flag": {0: "receivable", 1: "received"},
    "mt_reason": {
        0: "first answer to a message of a person",
        1: "later answer to a message of a person",
        2: "not caused by a message",
        3: "feedback of the system",
    },
    "valid_time": words.moment,
    "at_time": words.moment,
    "report_flag": {
        0: "report if it fails in the end",
        1: "report",
        2: "no report",
        3: "billing record only, with report",
    },
    "udhi": words.UDHI,
    "fmt": words.FORMATS,
    "message_type": {0: "short message"},
    "submit_time": words.stamp,
    "report_type": {0: "on a SUBMIT", 1: "on a DELIVER passed on"},
    "state": lambda value: words.both(tables.STATES.get(value, ("not in the table",))),
    "error_code": _error,
    "condition": tables.CONDITIONS,
    "received_at": words.date_time,
    "sent_at": words.date_time,
}
_TRACE_RESULT: Final[Words] = {0: "received", 1: "waiting"}


def command_name(command: int) -> str:
    """The specification's name of a command (2.3), or its number."""
    name = tables.COMMAND_NAMES.get(command & ~tables.ANSWER, f"{command:#010x}")
    return f"{name}_RESP" if command & tables.ANSWER else name


def sequence_of(data: bytes) -> list[int]:
    """The three parts of a sequence number: node, time, counter."""
    return [int.from_bytes(data[i : i + 4], "big") for i in (8, 12, 16)]


def notes_of(data: bytes) -> Iterator[Note]:
    """Every field of one PDU, of at least a header, in its order. Raises MalformedPdu only after
    all that could be read. What the length says is not looked at."""
    length, command = (int.from_bytes(data[i : i + 4], "big") for i in (0, 4))
    node, time, counter = sequence = sequence_of(data)
    for at, size, name, value, said in (
        (0, 4, "length", length, ""),
        (4, 4, "command", command, command_name(command)),
        (8, 12, "sequence", sequence, f"node {node}, {words.stamp(time)}, counter {counter}"),
    ):
        title, clause = tables.HEADER_NOTES[name]
        yield Note(at, size, name, value, said, clause, title, HEADER)
    layout = tables.LAYOUTS.get(command)
    if layout is None:
        return
    for piece in walk(layout.fields, data, tables.HEADER, groups={"NODE": _NODES}):
        name = piece.field.name
        title, clause = tables.NOTES[command][name]
        said = meaning(_words(command, name), piece.value)
        yield Note(piece.at, piece.size, name, piece.value, said, clause, title, piece.group)


def _words(command: int, name: str) -> Words | None:
    if name == "result" and command == _BIND_RESULT:
        return lambda value: "; ".join(tables.BIND_STATUS.get(value, ("not in the table",)))
    if name == "result" and command == tables.TRACE | tables.ANSWER:
        return _TRACE_RESULT
    return _WORDS.get(name)


def content_of(command: int, values: Mapping[str, Any]) -> Content | None:
    """The text of a SUBMIT or DELIVER, from its fields by name."""
    if command not in (tables.SUBMIT, tables.DELIVER) or "content" not in values:
        return None
    return Content(values["content"], alphabet_of_format(values["fmt"]), bool(values["udhi"]))
