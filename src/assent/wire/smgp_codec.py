"""SMGP's bodies and whole PDUs (facts: SMGP 3.4-3.11)."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from assent.errors import LocalProtocolError
from assent.wire import smgp_tables as tables
from assent.wire.cmpp import Pdu
from assent.wire.cmpp_ids import same
from assent.wire.dialect import BindAnswer, BindRequest, NoQuestions
from assent.wire.frame import Layout, MalformedPdu, text_of
from assent.wire.pdus import DeliverPdu, DeliverShape, Report, SubmitPdu, SubmitShape
from assent.wire.smgp_ids import (
    OCTETS,
    authenticator_client,
    authenticator_server,
    id_of,
    octets_of_id,
)
from assent.wire.smgp_reports import read_report
from assent.wire.smgp_tlvs import MSG_SRC, PK_NUMBER, PK_TOTAL, UDHI, split

V13, V30 = 0x13, 0x30

HEADER_STRUCT = struct.Struct(">III")
_WRONG_LENGTH = 36


def layouts(version: int) -> dict[int, Layout]:
    """Tables of a version; raises LocalProtocolError for one that is not spoken."""
    if version != V13 and version >> 4 != V30 >> 4:
        raise LocalProtocolError("version_unknown", f"SMGP {version:#04x} is not spoken")
    return tables.LAYOUTS[version >> 4]


def encode(pdu: Pdu, version: int = V30) -> bytes:
    """Return the octets of a PDU. Raises LocalProtocolError for a version that is not spoken, a
    command without a table, an unknown field, or a value that does not fit."""
    layout = layouts(version).get(pdu.command)
    if layout is None:
        raise LocalProtocolError("command_unknown", f"no table for command {pdu.command:#010x}")
    body = layout.encode(pdu.fields)
    return HEADER_STRUCT.pack(tables.HEADER + len(body), pdu.command, pdu.sequence) + body


def decode(data: bytes, version: int = V30) -> Pdu:
    """Read exactly one PDU. Raises MalformedPdu when `data` is not one of this version."""
    if len(data) < tables.HEADER:
        raise MalformedPdu("shorter than a header", "length", at=len(data))
    length, command, sequence = HEADER_STRUCT.unpack_from(data)
    if length != len(data):
        raise MalformedPdu(f"length field says {length}, there are {len(data)}", "length", at=0)
    layout = layouts(version).get(command)
    if layout is None:
        raise MalformedPdu(f"unknown command {command:#010x}", at=4)
    return Pdu(command, sequence, layout.decode(data, tables.HEADER))


_ANSWER = struct.Struct(">III10sI")
_ANSWER_BODY = struct.Struct(">12x10sI")
_DELIVER_TABLE = tables.LAYOUTS[3][tables.DELIVER]  # the same in both versions
_DELIVER_PICK = ("message_id", "is_report", "fmt", "source", "destination", "length")
_DELIVER = _DELIVER_TABLE.reader(_DELIVER_PICK, skip=tables.HEADER)
_DELIVER_FIXED = tables.HEADER + _DELIVER_TABLE.fixed_size
_DELIVER_SOURCE = tables.HEADER + _DELIVER_TABLE.offset("source")
_SUBMIT_PICK = (
    "registered",
    "level",
    "service_id",
    "fmt",
    "valid_time",
    "at_time",
    "src_id",
    "destination_count",
)


def _fields(raw: bytes) -> dict[str, Any]:
    return dict(decode(raw).fields)


def _report_of(raw: bytes, at: int, length: int) -> Report:
    """The report in a Deliver, with the number that the Deliver gives."""
    receiver = text_of(raw[_DELIVER_SOURCE : _DELIVER_SOURCE + 21])
    return read_report(raw, at, length)._replace(destination=receiver)


_DELIVER_SHAPE = DeliverShape(tables.HEADER + _DELIVER_TABLE.offset("content"), _report_of, _fields)


class SmgpDeliver(DeliverPdu):
    """A Deliver; `message_id` may be an `OddId`, so that the answer can repeat its octets."""

    __slots__ = ()

    @property
    def message_id(self) -> int:
        given: int = self._head[0]
        return given


class SmgpCodec(NoQuestions):
    """Bodies, see dialect.Codec. Options as in `SmgpDialect`. Of the questions SMGP has QUERY; it
    cannot recall a message."""

    def __init__(self, version: int, login_mode: int, padded: bool) -> None:
        self.version = version
        self._login_mode = login_mode
        self._padded = padded
        self._layouts = layouts(version)
        submit = self._layouts[tables.SUBMIT]
        self._submit = submit.reader(_SUBMIT_PICK, skip=tables.HEADER)
        self._submit_fixed = tables.HEADER + submit.fixed_size
        first = tables.HEADER + submit.offset("destinations")
        self._submit_shape = SubmitShape(first, 21, 1, self._submit_fields)

    def _submit_fields(self, raw: bytes) -> dict[str, Any]:
        return dict(decode(raw, self.version).fields)

    def _read(self, command: int, buffer: bytes, start: int, end: int) -> dict[str, Any]:
        return self._layouts[command].decode(buffer, start + tables.HEADER, end)

    def _body(self, command: int, **fields: Any) -> bytes:
        return self._layouts[command].encode(fields)

    # --- bind

    def bind(self, user: str, secret: str, timestamp: int) -> tuple[bytes, bytes]:
        proof = authenticator_client(user, secret, timestamp, padded=self._padded)
        body = self._body(
            tables.LOGIN,
            user=user,
            authenticator=proof,
            login_mode=self._login_mode,
            timestamp=timestamp,
            version=self.version,
        )
        return body, proof

    def read_bind(self, buffer: bytes, start: int, end: int) -> BindRequest:
        got = self._read(tables.LOGIN, buffer, start, end)
        mode = {"login_mode": got["login_mode"]}
        return BindRequest(
            got["user"], got["authenticator"], got["version"], got["timestamp"], mode
        )

    def proves(self, asked: BindRequest, secret: str) -> bool:
        """Either reading of the proof is taken: both show that the client knows the secret."""
        user, timestamp = asked.user, asked.timestamp
        return any(
            same(asked.proof, authenticator_client(user, secret, timestamp, padded=padded))
            for padded in (False, True)
        )

    def bind_answer(self, status: int, proof: bytes, secret: str, version: int) -> bytes:
        ours = authenticator_server(status, proof, secret) if status == 0 else bytes(16)
        return self._body(
            tables.LOGIN | tables.ANSWER, status=status, authenticator=ours, version=version
        )

    def read_bind_answer(self, buffer: bytes, start: int, end: int) -> BindAnswer:
        got = self._read(tables.LOGIN | tables.ANSWER, buffer, start, end)
        return BindAnswer(got["status"], got["authenticator"], got["version"])

    def proves_back(self, answer: BindAnswer, proof: bytes, secret: str) -> bool:
        return same(answer.proof, authenticator_server(answer.status, proof, secret))

    # --- traffic

    def read_answer(
        self, buffer: bytes, start: int, end: int, sequence: int
    ) -> tuple[int, int, int]:
        if end - start != _ANSWER.size:
            raise MalformedPdu(f"an answer of {end - start} octets", "length", at=start)
        message_id, result = _ANSWER_BODY.unpack_from(buffer, start)
        return sequence, result, id_of(message_id)

    def answers(
        self, command: int, sequences: Sequence[int], ids: Sequence[int], results: Sequence[int]
    ) -> bytes:
        pack, size = _ANSWER.pack, _ANSWER.size
        return b"".join(
            [
                pack(size, command, sequence, octets_of_id(message_id), result)
                for sequence, message_id, result in zip(sequences, ids, results, strict=True)
            ]
        )

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> DeliverPdu:
        """A report's destination is the number that the Deliver comes from."""
        length = end - start
        if length < _DELIVER_FIXED:
            raise MalformedPdu("Deliver ends inside its fixed fields", "length", at=end)
        message_id, is_report, fmt, source, destination, size = _DELIVER.unpack_from(buffer, start)
        tail = start + _DELIVER_FIXED + size
        if tail > end:
            raise MalformedPdu(
                "MsgLength of a Deliver does not fit",
                "length",
                at=start + _DELIVER_SHAPE.content_at - 1,
                answer=_WRONG_LENGTH,
            )
        udhi = 0
        if tail != end:
            udhi = _octet(_first(split(buffer, tail, end)), UDHI, 0)
        head = (id_of(message_id), destination, udhi, fmt, source, is_report, size)
        return SmgpDeliver(sequence, buffer[start:end], head, _DELIVER_SHAPE)

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SubmitPdu:
        """`pk_total`, `pk_number`, `udhi` and `msg_src` are read from the optional parameters;
        without those a Submit is a message of its own."""
        if end - start < self._submit_fixed:
            raise MalformedPdu("Submit ends inside its fixed fields", "length", at=end)
        registered, level, service, fmt, valid, at, src_id, count = self._submit.unpack_from(
            buffer, start
        )
        length_at = start + self._submit_shape.receivers_at + 21 * count
        tail = (
            start + self._submit_fixed + 21 * count + (buffer[length_at] if length_at < end else 0)
        )
        if tail > end:
            raise MalformedPdu(
                "DestTermIDCount or MsgLength of a Submit does not fit",
                "length",
                at=min(length_at, end),
                answer=_WRONG_LENGTH,
            )
        udhi, total, number, source = 0, 1, 1, b""
        if tail != end:
            got = _first(split(buffer, tail, end))
            udhi, total, number = (
                _octet(got, tag, usual) for tag, usual in ((UDHI, 0), (PK_TOTAL, 1), (PK_NUMBER, 1))
            )
            source = got.get(MSG_SRC, b"")
        front = (total, number, registered, level, service, udhi, fmt)
        head = (*front, source, valid, at, src_id, count)
        return SubmitPdu(sequence, buffer[start:end], head, self._submit_shape)

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

    def probe_answer(self) -> bytes:
        return b""

    def refusal(self, command: int, buffer: bytes, start: int, end: int, code: int) -> bytes | None:
        if command not in (tables.SUBMIT, tables.DELIVER):
            return None  # neither Query_Resp nor an unknown command can say no
        id_at = start + tables.HEADER
        # A Submit has no id yet; a Deliver's answer repeats the one it came with.
        given = buffer[id_at : min(end, id_at + OCTETS)] if command == tables.DELIVER else b""
        return self._body(command | tables.ANSWER, message_id=given, result=code)


_OCTETS = frozenset({UDHI, PK_TOTAL, PK_NUMBER})


def _first(found: list[tuple[int, bytes]]) -> dict[int, bytes]:
    """Parameters by tag: of a repeated one the first counts that is as wide as it must be."""
    fits = [one for one in found if one[0] not in _OCTETS or len(one[1]) == 1]
    return dict(reversed(fits))


def _octet(parameters: Mapping[int, bytes], tag: int, usual: int) -> int:
    """A parameter of one octet; `usual` when it is absent or has another width."""
    octets = parameters.get(tag, b"")
    return octets[0] if len(octets) == 1 else usual
