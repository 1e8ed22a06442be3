"""CMPP 2.0 and 3.0 (China Mobile): the dialect a Session speaks, and whole PDUs as values.

Both roles, all commands between an SP and its gateway. Known deviations of peers that are read
here: answers in the other version's width, ACTIVE_TEST_RESP without its octet, a gateway proof
over the wrong status width, 60-octet reports on a 3.0 link (facts 1.5, 1.9, 1.13).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from assent.errors import LocalProtocolError
from assent.wire import cmpp_tables as tables
from assent.wire.cmpp_forms import SubmitForm, deliver_body, report_body, report_content
from assent.wire.cmpp_ids import (
    BEIJING_MINUTES,
    MessageIdParts,
    MessageIds,
    authenticator_ismg,
    authenticator_source,
    bind_timestamp,
    pack_message_id,
    same,
    timestamp_skew,
    unpack_message_id,
)
from assent.wire.dialect import BindAnswer, BindRequest, Codec, Codes, Dialect, Meaning
from assent.wire.frame import Framing, Layout, MalformedPdu
from assent.wire.pdus import DeliverPdu, DeliverShape, Report, SubmitPdu, SubmitShape

__all__ = [
    "BEIJING_MINUTES",
    "CMPP",
    "V20",
    "V21",
    "V30",
    "MessageIdParts",
    "MessageIds",
    "Pdu",
    "SubmitForm",
    "authenticator_ismg",
    "authenticator_source",
    "bind_timestamp",
    "decode",
    "deliver_body",
    "encode",
    "pack_message_id",
    "read_report",
    "report_body",
    "report_content",
    "timestamp_skew",
    "unpack_message_id",
]

V20, V21, V30 = 0x20, 0x21, 0x30

_HEADER = struct.Struct(">III")


@dataclass(frozen=True, slots=True)
class Pdu:
    """A whole PDU as a value; `fields` by the names in cmpp_tables."""

    command: int
    sequence: int
    fields: Mapping[str, Any] = field(default_factory=dict)


def encode(pdu: Pdu, version: int) -> bytes:
    """Return the octets of a PDU. Raises LocalProtocolError for a command or field that the
    version does not have, or a value that does not fit."""
    layout = _layouts(version).get(pdu.command)
    if layout is None:
        raise LocalProtocolError("command_unknown", f"no table for command {pdu.command:#010x}")
    body = layout.encode(pdu.fields)
    return _HEADER.pack(tables.HEADER + len(body), pdu.command, pdu.sequence) + body


def decode(data: bytes, version: int) -> Pdu:
    """Read exactly one PDU. Raises MalformedPdu when `data` is not one of this version.

    An ACTIVE_TEST_RESP without its reserved octet is read as if it had it."""
    if len(data) < tables.HEADER:
        raise MalformedPdu("shorter than a header", "length")
    length, command, sequence = _HEADER.unpack_from(data)
    if length != len(data):
        raise MalformedPdu(f"length field says {length}, there are {len(data)}", "length")
    layout = _layouts(version).get(command)
    if layout is None:
        raise MalformedPdu(f"unknown command {command:#010x}")
    if command == tables.ACTIVE_TEST | tables.ANSWER and length == tables.HEADER:
        return Pdu(command, sequence, {"reserved": 0})
    return Pdu(command, sequence, layout.decode(data, tables.HEADER))


def _layouts(version: int) -> dict[int, Layout]:
    try:
        return tables.LAYOUTS[version >> 4]
    except KeyError:
        raise LocalProtocolError("version_unknown", f"CMPP {version:#04x} is not spoken") from None


_REPORT_READERS = {  # by length; the texts between the two integers are decoded in one go
    layout.fixed_size: struct.Struct(f">Q{layout.fixed_size - 12}sI").unpack_from
    for layout in tables.REPORTS.values()
}
_SUBMITTED, _DONE, _RECEIVER = (
    tables.REPORTS[3].offset(name) - 8 for name in ("submit_time", "done_time", "destination")
)


def read_report(buffer: bytes, start: int, length: int) -> Report:
    """Read a report of `length` octets at `start`; its length (60 or 71) tells the form, whatever
    the link's version. Raises MalformedPdu for any other length."""
    unpack = _REPORT_READERS.get(length)
    if unpack is None:
        raise MalformedPdu(f"a report of {length} octets", "length")
    message_id, octets, smsc_sequence = unpack(buffer, start)
    text = octets.decode("latin-1")
    return Report(
        message_id,
        text[:_SUBMITTED].rstrip("\0 "),
        text[_SUBMITTED:_DONE].rstrip("\0"),
        text[_DONE:_RECEIVER].rstrip("\0"),
        text[_RECEIVER:].partition("\0")[0],
        smsc_sequence,
    )


_ANSWER_READERS = {  # by the length of the PDU: 2.0, 3.0
    21: struct.Struct(">12xQB").unpack_from,
    24: struct.Struct(">12xQI").unpack_from,
}
_DELIVER_PICK = ("message_id", "destination", "udhi", "fmt", "source", "is_report", "length")
_SUBMIT_PICK = (
    "pk_total",
    "pk_number",
    "registered",
    "level",
    "service_id",
    "udhi",
    "fmt",
    "msg_src",
    "valid_time",
    "at_time",
    "src_id",
    "destination_count",
)


class CmppCodec:
    """Bodies of one version; see dialect.Codec."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._layouts = _layouts(version)
        deliver, submit = self._layouts[tables.DELIVER], self._layouts[tables.SUBMIT]
        self._answer = struct.Struct(">IIIQI" if version >> 4 == 3 else ">IIIQB")
        self._deliver = deliver.reader(_DELIVER_PICK, skip=tables.HEADER)
        self._deliver_fixed = tables.HEADER + deliver.fixed_size
        self._deliver_shape = DeliverShape(
            tables.HEADER + deliver.offset("content"), read_report, self._fields
        )
        self._submit = submit.reader(_SUBMIT_PICK, skip=tables.HEADER)
        self._submit_fixed = tables.HEADER + submit.fixed_size
        self._submit_shape = SubmitShape(
            tables.HEADER + submit.offset("destinations"),
            next(f.width for f in submit.fields if f.name == "destinations"),
            submit.offset("content", lists=0) - submit.offset("destinations"),
            self._fields,
        )

    def _fields(self, raw: bytes) -> dict[str, Any]:
        return dict(decode(raw, self.version).fields)

    def _read(self, command: int, buffer: bytes, start: int, end: int) -> dict[str, Any]:
        return self._layouts[command].decode(buffer, start + tables.HEADER, end)

    def _body(self, command: int, **fields: Any) -> bytes:
        return self._layouts[command].encode(fields)

    # --- bind

    def bind(self, user: str, secret: str, timestamp: int) -> tuple[bytes, bytes]:
        proof = authenticator_source(user, secret, timestamp)
        body = self._body(
            tables.CONNECT,
            user=user,
            authenticator=proof,
            version=self.version,
            timestamp=timestamp,
        )
        return body, proof

    def read_bind(self, buffer: bytes, start: int, end: int) -> BindRequest:
        got = self._read(tables.CONNECT, buffer, start, end)
        return BindRequest(got["user"], got["authenticator"], got["version"], got["timestamp"])

    def proves(self, asked: BindRequest, secret: str) -> bool:
        return same(asked.proof, authenticator_source(asked.user, secret, asked.timestamp))

    def bind_answer(self, status: int, proof: bytes, secret: str, version: int) -> bytes:
        ours = authenticator_ismg(status, proof, secret, self.version) if status == 0 else bytes(16)
        return self._body(
            tables.CONNECT | tables.ANSWER, status=status, authenticator=ours, version=version
        )

    def read_bind_answer(self, buffer: bytes, start: int, end: int) -> BindAnswer:
        # Its own length tells the width of the status: a 2.0 gateway answers a 3.0 client in 2.0.
        major = 2 if end - start == 30 else 3
        got = tables.LAYOUTS[major][tables.CONNECT | tables.ANSWER].decode(
            buffer, start + tables.HEADER, end
        )
        return BindAnswer(got["status"], got["authenticator"], got["version"])

    def proves_back(self, answer: BindAnswer, proof: bytes, secret: str) -> bool:
        return any(
            same(answer.proof, authenticator_ismg(answer.status, proof, secret, version))
            for version in (V20, V30)
        )

    # --- traffic

    def read_answer(
        self, buffer: bytes, start: int, end: int, sequence: int
    ) -> tuple[int, int, int]:
        reader = _ANSWER_READERS.get(end - start)
        if reader is None:
            raise MalformedPdu(f"an answer of {end - start} octets", "length")
        message_id, result = reader(buffer, start)
        return sequence, result, message_id

    def answers(
        self, command: int, sequences: Sequence[int], ids: Sequence[int], results: Sequence[int]
    ) -> bytes:
        pack, size = self._answer.pack, self._answer.size
        return b"".join(
            [
                pack(size, command, sequence, message_id, result)
                for sequence, message_id, result in zip(sequences, ids, results, strict=True)
            ]
        )

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> DeliverPdu:
        length = end - start
        if length < self._deliver_fixed:
            raise MalformedPdu("DELIVER ends inside its fixed fields", "length")
        head = self._deliver.unpack_from(buffer, start)
        if length != self._deliver_fixed + head[6]:
            raise MalformedPdu("Msg_Length of a DELIVER does not fit", "length")
        return DeliverPdu(sequence, buffer[start:end], head, self._deliver_shape)

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SubmitPdu:
        length, fixed, shape = end - start, self._submit_fixed, self._submit_shape
        if length < fixed:
            raise MalformedPdu("SUBMIT ends inside its fixed fields", "length")
        head = self._submit.unpack_from(buffer, start)
        receivers = shape.receiver_width * head[11]
        content = length - fixed - receivers
        if content < 0 or buffer[start + shape.receivers_at + receivers + shape.gap - 1] != content:
            raise MalformedPdu("DestUsr_tl or Msg_Length of a SUBMIT does not fit", "length")
        return SubmitPdu(sequence, buffer[start:end], head, shape)

    # --- questions

    def query(self, day: str, service: str) -> bytes:
        return self._body(tables.QUERY, day=day, query_type=int(bool(service)), query_code=service)

    def read_query(self, buffer: bytes, start: int, end: int) -> tuple[str, str]:
        got = self._read(tables.QUERY, buffer, start, end)
        return got["day"], got["query_code"] if got["query_type"] else ""

    def query_answer(self, day: str, service: str, counters: Mapping[str, int]) -> bytes:
        return self._body(
            tables.QUERY | tables.ANSWER,
            day=day,
            query_type=int(bool(service)),
            query_code=service,
            **counters,
        )

    def read_query_answer(self, buffer: bytes, start: int, end: int) -> dict[str, int]:
        got = self._read(tables.QUERY | tables.ANSWER, buffer, start, end)
        return {name: got[name] for name in tables.COUNTERS}

    def cancel(self, message_id: int) -> bytes:
        return self._body(tables.CANCEL, message_id=message_id)

    def read_cancel(self, buffer: bytes, start: int, end: int) -> int:
        return int(self._read(tables.CANCEL, buffer, start, end)["message_id"])

    def cancel_answer(self, cancelled: bool) -> bytes:
        return self._body(tables.CANCEL | tables.ANSWER, success_id=int(not cancelled))

    def read_cancel_answer(self, buffer: bytes, start: int, end: int) -> bool:
        if end - start not in (13, 16):  # 2.0, 3.0
            raise MalformedPdu(f"a CANCEL_RESP of {end - start} octets", "length")
        return not any(buffer[start + tables.HEADER : end])

    def probe_answer(self) -> bytes:
        return b"\0"

    def refusal(self, command: int, buffer: bytes, start: int, end: int, code: int) -> bytes | None:
        if command in (tables.SUBMIT, tables.DELIVER):
            id_octets = buffer[start + tables.HEADER : min(end, start + tables.HEADER + 8)]
            message_id = int.from_bytes(id_octets.ljust(8, b"\0"), "big")
            # A SUBMIT has no id yet; a DELIVER's answer repeats the one it came with.
            given = message_id if command == tables.DELIVER else 0
            return self._body(command | tables.ANSWER, message_id=given, result=code)
        if command == tables.CANCEL:
            return self.cancel_answer(False)
        return None  # neither QUERY_RESP nor an unknown command can say no


class CmppDialect:
    """China Mobile Peer to Peer; see dialect.Dialect."""

    name = "cmpp"
    framing = Framing(_HEADER, _HEADER.pack, tables.MAXIMUM)
    answer_bit = tables.ANSWER
    codes = Codes(
        structure=1,
        command=2,
        repeated=3,
        length=4,
        flow_control=8,
        bad_source=2,
        bad_proof=3,
        version_too_high=4,
    )
    commands: Mapping[Meaning, int] = {
        Meaning.BIND: tables.CONNECT,
        Meaning.BIND_ANSWER: tables.CONNECT | tables.ANSWER,
        Meaning.END: tables.TERMINATE,
        Meaning.END_ANSWER: tables.TERMINATE | tables.ANSWER,
        Meaning.SUBMIT: tables.SUBMIT,
        Meaning.SUBMIT_ANSWER: tables.SUBMIT | tables.ANSWER,
        Meaning.DELIVER: tables.DELIVER,
        Meaning.DELIVER_ANSWER: tables.DELIVER | tables.ANSWER,
        Meaning.QUERY: tables.QUERY,
        Meaning.QUERY_ANSWER: tables.QUERY | tables.ANSWER,
        Meaning.CANCEL: tables.CANCEL,
        Meaning.CANCEL_ANSWER: tables.CANCEL | tables.ANSWER,
        Meaning.PROBE: tables.ACTIVE_TEST,
        Meaning.PROBE_ANSWER: tables.ACTIVE_TEST | tables.ANSWER,
    }
    meanings: Mapping[int, Meaning] = {command: meaning for meaning, command in commands.items()}

    def speaks(self, version: int, highest: int) -> bool:
        # 2.1 has the layouts of 2.0: the major number decides.
        return version >> 4 in tables.LAYOUTS and version >> 4 <= highest >> 4

    def codec(self, version: int) -> Codec:
        return _codec(version)

    def sequences(self, first: int, count: int) -> Sequence[int]:
        if first + count <= 1 << 32:
            return range(first, first + count)
        return [(first + i) & 0xFFFFFFFF for i in range(count)]


@cache
def _codec(version: int) -> CmppCodec:
    return CmppCodec(version)


CMPP: Dialect = CmppDialect()
