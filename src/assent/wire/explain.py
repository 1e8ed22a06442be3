"""Any dialect's PDUs explained for people: every field with its octet, value, meaning and clause.

Explanations hold whatever the PDU does: numbers, texts, passwords. Keep them out of logs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from assent.errors import LocalProtocolError
from assent.wire import (
    cmpp_explain,
    cmpp_tables,
    sgip_explain,
    sgip_tables,
    smgp_explain,
    smgp_tables,
    smpp_explain,
    smpp_tables,
)
from assent.wire.explain_notes import HEADER, TLVS, Content, Note, Segment, read_text
from assent.wire.frame import MalformedPdu

__all__ = ["DIALECTS", "Explained", "Fault", "Note", "explain", "explain_all"]


class Fault(NamedTuple):
    """Why octets are no PDU, and at which of them, from 0."""

    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Explained:
    """One PDU. `command`: its name in the specification. `sequence`: an integer, in SGIP the list
    of its three parts. `text` and `segment` as in `explain_notes.read_text`. `fault`: None, or what
    is wrong; then `notes` hold what could be read before it. `octets`: how many were read."""

    command: str
    sequence: int | list[int]
    notes: tuple[Note, ...]
    text: str | None
    segment: Segment | None
    fault: Fault | None
    octets: int

    def fields(self) -> dict[str, Any]:
        """The fields of the body by the names of the dialect's table, as JSON has values: octets
        in hex, optional parameters under "tlvs" (a list where one is repeated), a report's fields
        under "report", repeated groups as lists."""
        fields: dict[str, Any] = {}
        for note in self.notes:
            group, _, place = note.group.partition(".")
            if group == HEADER:
                continue
            if place:
                rows = fields.setdefault(group, [])
                if len(rows) <= int(place):
                    rows.append({})
                rows[-1][note.name] = _plain(note.value)
            elif group == TLVS:
                _add(fields.setdefault(group, {}), note.name, _plain(note.value))
            else:
                inside = fields.setdefault(group, {}) if group else fields
                inside[note.name] = _plain(note.value)
        return fields


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return value._asdict()
    return [_plain(one) for one in value] if isinstance(value, list) else value


def _add(values: dict[str, Any], name: str, value: Any) -> None:
    if name not in values:
        values[name] = value
    elif isinstance(values[name], list):
        values[name].append(value)
    else:
        values[name] = [values[name], value]


class _Tongue(NamedTuple):
    """How one dialect explains itself."""

    header: int
    commands: Mapping[int, Any]
    name: Callable[[int], str]
    notes: Callable[[bytes], Iterator[Note]]
    content: Callable[[int, Mapping[str, Any]], Content | None]


def _cmpp(major: int, notes: Callable[[bytes], Iterator[Note]]) -> _Tongue:
    return _Tongue(
        cmpp_tables.HEADER,
        cmpp_tables.LAYOUTS[major],
        cmpp_explain.command_name,
        notes,
        cmpp_explain.content_of,
    )


_TONGUES: Final[dict[str, _Tongue]] = {
    "cmpp2": _cmpp(2, cmpp_explain.notes_2),
    "cmpp3": _cmpp(3, cmpp_explain.notes_3),
    "sgip": _Tongue(
        sgip_tables.HEADER,
        sgip_tables.LAYOUTS,
        sgip_explain.command_name,
        sgip_explain.notes_of,
        sgip_explain.content_of,
    ),
    "smgp": _Tongue(
        smgp_tables.HEADER,
        smgp_tables.LAYOUTS[3],
        smgp_explain.command_name,
        smgp_explain.notes_of,
        smgp_explain.content_of,
    ),
    "smpp": _Tongue(
        smpp_tables.HEADER,
        smpp_tables.LAYOUTS,
        smpp_tables.command_name,
        smpp_explain.told,
        smpp_explain.content_of,
    ),
}
DIALECTS: Final = tuple(_TONGUES)
"""What can be explained: "cmpp2" stands for 2.0 and 2.1, "smgp" for 3.0 and, where a Submit is
none of 3.0 but one of 1.3, for that."""


def explain(dialect: str, data: bytes) -> Explained:
    """Explain the octets of one PDU; what is wrong with them is the result's `fault`.

    Raises LocalProtocolError for a dialect that is not in DIALECTS."""
    tongue = _tongue(dialect)
    if len(data) < tongue.header:
        why = f"a header has {tongue.header} octets, there are {len(data)}"
        return Explained("", 0, (), None, None, Fault(len(data), why), len(data))
    length, command = (int.from_bytes(data[i : i + 4], "big") for i in (0, 4))
    notes: list[Note] = []
    values: dict[str, Any] = {}
    fault = None
    try:
        for note in tongue.notes(data):
            notes.append(note)
            # Of a repeated parameter the first counts, and a field before a parameter.
            if note.group in ("", TLVS):
                values.setdefault(note.name, note.value)
    except MalformedPdu as error:
        fault = Fault(len(data) if error.at is None else error.at, error.message)
    if command not in tongue.commands:
        fault = Fault(4, f"no table for command {tongue.name(command)}")
    if length != len(data):
        fault = Fault(0, f"the length field says {length} octets, there are {len(data)}")
    sequence = next(note.value for note in notes if note.name.startswith("sequence"))
    text, segment = read_text(tongue.content(command, values))
    named = tongue.name(command)
    return Explained(named, sequence, tuple(notes), text, segment, fault, len(data))


def explain_all(dialect: str, data: bytes) -> Iterator[Explained]:
    """Explain PDUs that follow each other, each by its length field, up to the first that has a
    fault. Raises LocalProtocolError for a dialect that is not in DIALECTS."""
    header = _tongue(dialect).header
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        whole = header <= length <= len(data) - at
        explained = explain(dialect, data[at : at + length] if whole else data[at:])
        yield explained
        if explained.fault:
            return
        at += length


def _tongue(dialect: str) -> _Tongue:
    try:
        return _TONGUES[dialect]
    except KeyError:
        message = f"no dialect {dialect}"
        raise LocalProtocolError("dialect_unknown", message, field="dialect") from None
