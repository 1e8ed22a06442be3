"""The simulator's own record of every PDU: what a carrier could show in a dispute.

It reads the bytes on the socket, not what the session made of them, so that it stands as a
witness of its own. One JSON object a line:

`t` (ns since 1970 of the clock given; when read or written), `carrier`, `direction` ("in" from the
platform, "out" to it), `connection` (counted from 1), `command`, `sequence`, `source`,
`destination` (the first one when there are several, then also `destinations`), `text`, `segment`
([reference, number, total] or null), `message_id` (of a report: the id reported on; a string),
`status` (result of a response; stat of a report), `raw` (hex of the whole PDU).
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from assent.clock import Clock
from assent.errors import InvalidInput, LocalProtocolError
from assent.text import Alphabet, alphabet_of_format, concat_of, decode, parse_udh
from assent.wire import cmpp_tables as tables
from assent.wire.cmpp import decode as decode_pdu
from assent.wire.cmpp import read_report
from assent.wire.frame import MalformedPdu

FLUSH_S: Final = 0.2
FLUSH_LINES: Final = 2000

_HEADER: Final = struct.Struct(">III")
_NAMES: Final = {
    command | bit: name + "_RESP" * bool(bit)
    for command, name in tables.COMMAND_NAMES.items()
    for bit in (0, tables.ANSWER)
}
_ANSWERING: Final = (tables.SUBMIT | tables.ANSWER, tables.DELIVER | tables.ANSWER)
_ANSWERS: Final = {21: struct.Struct(">QB"), 24: struct.Struct(">QI")}
"""The two answers that make up half of all traffic, by length (protocols.md 1.8)."""

Segment = tuple[int, int, int]
"""(reference, number, total) of one part of a long message."""

_encode = msgspec.json.Encoder().encode


class Recorder:
    """Appends lines to a file in batches: every 200 ms, every 2,000 lines, and when closed.

    Make it inside a running loop; `close` it in the end. Several carriers may share one.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Open `path` for appending; it holds personal data, so it is made private to its user."""
        path.touch(mode=0o600)
        self.clock = clock
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._lines: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, record: dict[str, Any]) -> None:
        """Take one record; it is on its way to the file within 200 ms."""
        self._lines.append(_encode(record))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(FLUSH_S, self.flush)

    def flush(self) -> None:
        """Write what is gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            lines, self._lines = self._lines, []
            rest = memoryview(b"\n".join(lines) + b"\n")
            while rest:
                rest = rest[self._file.write(rest) :]

    def close(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._file.close()


class Tap:
    """Cuts the two byte streams of one connection into PDUs and records each."""

    def __init__(self, recorder: Recorder, carrier: str, connection: int) -> None:
        self._recorder = recorder
        self._common = {"carrier": carrier, "connection": connection}
        self._rest = {"in": b"", "out": b""}
        self.version = 0x30

    def see(self, direction: str, data: bytes) -> None:
        """Record the PDUs that `data` completes, all with the time of now."""
        now = self._recorder.clock.now_ns()
        buffer = self._rest[direction] + data
        start = 0
        while len(buffer) - start >= tables.HEADER:
            length, command, sequence = _HEADER.unpack_from(buffer, start)
            if length < tables.HEADER or length > tables.MAXIMUM:
                # The framing is lost: keep the bytes as evidence and stop looking.
                self._record(now, direction, command, sequence, buffer[start:])
                start = len(buffer)
            elif len(buffer) - start < length:
                break
            else:
                self._record(now, direction, command, sequence, buffer[start : start + length])
                start += length
        self._rest[direction] = buffer[start:]

    def _record(self, now: int, direction: str, command: int, sequence: int, raw: bytes) -> None:
        record: dict[str, Any] = {
            "t": now,
            **self._common,
            "direction": direction,
            "command": _NAMES.get(command) or f"{command:#010x}",
            "sequence": sequence,
            "source": None,
            "destination": None,
            "text": None,
            "segment": None,
            "message_id": None,
            "status": None,
            "raw": raw.hex(),
        }
        answer = _ANSWERS.get(len(raw)) if command in _ANSWERING else None
        if answer is not None:
            message_id, record["status"] = answer.unpack_from(raw, tables.HEADER)
            record["message_id"] = str(message_id)
        else:
            self._read(command, raw, record)
        self._recorder.add(record)

    def _read(self, command: int, raw: bytes, record: dict[str, Any]) -> None:
        """Fill in what the fields say. What cannot be read stands by its raw bytes alone."""
        try:
            fields = decode_pdu(raw, self.version).fields
            if command == tables.CONNECT:
                self.version = fields["version"]
                record["source"] = fields["user"]
            else:
                record.update(_told(command, fields))
        except (MalformedPdu, LocalProtocolError):
            return


def _told(command: int, fields: Any) -> dict[str, Any]:
    """Return what the fields of one PDU say, by the names of the record."""
    if command == tables.SUBMIT:
        destinations = fields["destinations"]
        told = _content(fields)
        told |= {"source": fields["src_id"], "destination": destinations[0]}
        if len(destinations) > 1:
            told["destinations"] = list(destinations)
        if told["segment"] is None and fields["pk_total"] > 1:
            told["segment"] = [0, fields["pk_number"], fields["pk_total"]]
        return told
    if command == tables.DELIVER:
        told = {"source": fields["source"], "destination": fields["destination"]}
        content = fields["content"]
        if fields["is_report"]:
            report = read_report(content, 0, len(content))
            return told | {"message_id": str(report.message_id), "status": report.stat}
        return told | _content(fields) | {"message_id": str(fields["message_id"])}
    told = {}
    if "message_id" in fields:
        told["message_id"] = str(fields["message_id"])
    for name in ("result", "status", "success_id"):
        if name in fields:
            told["status"] = fields[name]
    return told


def _content(fields: Any) -> dict[str, Any]:
    """Return text and segment of a SUBMIT or DELIVER."""
    text, segment = read_text(fields["content"], fields["fmt"], fields["udhi"])
    return {"text": text, "segment": None if segment is None else list(segment)}


def read_text(content: bytes, fmt: int, udhi: int) -> tuple[str | None, Segment | None]:
    """Return (text, (reference, number, total) or None). Binary and unknown formats have no text;
    what is not valid in its alphabet is read with replacement characters."""
    segment: Segment | None = None
    if udhi:
        try:
            elements, content = parse_udh(content)
        except InvalidInput:
            return None, None
        concat = concat_of(elements)
        if concat is not None:
            reference, total, number = concat
            segment = (reference, number, total)
    alphabet = alphabet_of_format(fmt)
    if alphabet is None or alphabet is Alphabet.BINARY:
        return None, segment
    return decode(content, alphabet, "replace"), segment
