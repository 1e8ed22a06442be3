"""SGIP's header, bodies and whole PDUs (facts: SGIP 2.2, 2.4)."""

from __future__ import annotations

import hashlib
import secrets
import struct
from collections.abc import Sequence
from typing import Any

from assent.errors import InvalidInput, LocalProtocolError
from assent.text import concat_of, parse_udh
from assent.wire import sgip_tables as tables
from assent.wire.cmpp import Pdu
from assent.wire.cmpp_ids import same
from assent.wire.dialect import BindAnswer, BindRequest, NoQuestions
from assent.wire.frame import MalformedPdu, text_of
from assent.wire.pdus import DeliverPdu, DeliverShape, Report, SubmitPdu, SubmitShape
from assent.wire.sgip_ids import id_of, pack_sequence, unpack_sequence

HEADER_STRUCT = struct.Struct(">IIIII")
_LAST = 0xFFFFFFFF


def unpack_header(buffer: bytes, at: int) -> tuple[int, int, int]:
    """(length, command, sequence), the three parts of the sequence being one integer (2.2)."""
    length, command, node, stamp, counter = HEADER_STRUCT.unpack_from(buffer, at)
    return length, command, node << 64 | stamp << 32 | counter


_BY_LENGTH = {
    tables.HEADER + tables.LAYOUTS[command].fixed_size: command
    for command in (tables.REPORT, tables.USERRPT)
}


def pack_header(length: int, command: int, sequence: int) -> bytes:
    """A header. DELIVER stands for whichever of DELIVER, REPORT and USERRPT has this length: to a
    session all that a gateway sends is one kind of command, and a DELIVER, even without content,
    is longer than the other two, which have one length each."""
    if command == tables.DELIVER:
        command = _BY_LENGTH.get(length, command)
    return HEADER_STRUCT.pack(
        length, command, sequence >> 64, sequence >> 32 & _LAST, sequence & _LAST
    )


def encode(pdu: Pdu) -> bytes:
    """Return the octets of a PDU. Raises LocalProtocolError for a command without a table, an
    unknown field, or a value that does not fit."""
    layout = tables.LAYOUTS.get(pdu.command)
    if layout is None:
        raise LocalProtocolError("command_unknown", f"no table for command {pdu.command:#010x}")
    body = layout.encode(pdu.fields)
    parts = unpack_sequence(pdu.sequence)
    pack_sequence(parts)  # refuses one that is wider
    return HEADER_STRUCT.pack(tables.HEADER + len(body), pdu.command, *parts) + body


def decode(data: bytes) -> Pdu:
    """Read exactly one PDU. Raises MalformedPdu when `data` is not one."""
    if len(data) < tables.HEADER:
        raise MalformedPdu("shorter than a header", "length", at=len(data))
    length, command, sequence = unpack_header(data, 0)
    if length != len(data):
        raise MalformedPdu(f"length field says {length}, there are {len(data)}", "length", at=0)
    layout = tables.LAYOUTS.get(command)
    if layout is None:
        raise MalformedPdu(f"unknown command {command:#010x}", at=4)
    return Pdu(command, sequence, layout.decode(data, tables.HEADER))


def _fields(raw: bytes) -> dict[str, Any]:
    return dict(decode(raw).fields)


_REPORT = struct.Struct(">III x 21s BB 8x")


def read_report(buffer: bytes, start: int, length: int) -> Report:
    """Read the body of a REPORT (44 octets at `start`): `message_id` is `id_of` the SUBMIT's
    sequence number, `stat` a word of `sgip_tables.stat_of`; the times are empty because SGIP
    gives none. Raises MalformedPdu for any other length."""
    if length != _REPORT.size:
        raise MalformedPdu(f"a report of {length} octets", "length")
    node, stamp, counter, user, state, error = _REPORT.unpack_from(buffer, start)
    return Report(
        id_of(node << 64 | stamp << 32 | counter),
        tables.stat_of(state, error),
        "",
        "",
        text_of(user),
        0,
    )


_ANSWER = struct.Struct(">IIIIIB8x")
_DELIVER_PICK = ("source", "destination", "udhi", "fmt", "length")
_DELIVER = tables.LAYOUTS[tables.DELIVER].reader(_DELIVER_PICK, skip=tables.HEADER)
_DELIVER_FIXED = tables.HEADER + tables.LAYOUTS[tables.DELIVER].fixed_size
_DELIVER_SHAPE = DeliverShape(
    tables.HEADER + tables.LAYOUTS[tables.DELIVER].offset("content"), read_report, _fields
)
_REPORT_SIZE = tables.HEADER + _REPORT.size
_REPORT_SHAPE = DeliverShape(tables.HEADER, read_report, _fields)
_REPORT_USER = slice(tables.HEADER + 13, tables.HEADER + 34)

_SUBMIT_TABLE = tables.LAYOUTS[tables.SUBMIT]
_SUBMIT_FRONT = _SUBMIT_TABLE.reader(("src_id", "destination_count"), skip=tables.HEADER)
_SUBMIT_FIXED = tables.HEADER + _SUBMIT_TABLE.fixed_size
_SUBMIT_BACK_PICK = (
    "corp_id",
    "service_id",
    "level",
    "valid_time",
    "at_time",
    "report_flag",
    "udhi",
    "fmt",
    "length",
)
_SUBMIT_BACK = _SUBMIT_TABLE.reader(_SUBMIT_BACK_PICK, lists=0)
_SUBMIT_SHAPE = SubmitShape(
    tables.HEADER + _SUBMIT_TABLE.offset("destinations"),
    21,
    _SUBMIT_TABLE.offset("content", lists=0) - _SUBMIT_TABLE.offset("destinations"),
    _fields,
)


class SgipCodec(NoQuestions):
    """Bodies, see dialect.Codec. `version` is the login type of the connection."""

    def __init__(self, login_type: int) -> None:
        self.version = login_type

    # --- bind

    def bind(self, user: str, secret: str, timestamp: int) -> tuple[bytes, bytes]:
        """The timestamp and the proof are not used: SGIP sends the password as it is."""
        if self.version == tables.EITHER:
            raise LocalProtocolError("version_unknown", "a client binds with one login type")
        body = tables.LAYOUTS[tables.BIND].encode(
            {"login_type": self.version, "user": user, "password": secret.encode()}
        )
        return body, b""

    def read_bind(self, buffer: bytes, start: int, end: int) -> BindRequest:
        got = tables.LAYOUTS[tables.BIND].decode(buffer, start + tables.HEADER, end)
        return BindRequest(
            got["user"], _digest(got["password"].encode("latin-1")), got["login_type"], 0
        )

    def proves(self, asked: BindRequest, secret: str) -> bool:
        return same(asked.proof, _digest(secret.encode()))

    def bind_answer(self, status: int, proof: bytes, secret: str, version: int) -> bytes:
        return _answer_body(status)

    def read_bind_answer(self, buffer: bytes, start: int, end: int) -> BindAnswer:
        _check_answer(start, end)
        return BindAnswer(buffer[start + tables.HEADER], b"", self.version)

    def proves_back(self, answer: BindAnswer, proof: bytes, secret: str) -> bool:
        """True: a server proves nothing in SGIP."""
        return True

    # --- traffic

    def read_answer(
        self, buffer: bytes, start: int, end: int, sequence: int
    ) -> tuple[int, int, int]:
        _check_answer(start, end)
        return sequence, buffer[start + tables.HEADER], id_of(sequence)

    def answers(
        self, command: int, sequences: Sequence[int], ids: Sequence[int], results: Sequence[int]
    ) -> bytes:
        """`ids` are not written: the sequence number is the id."""
        pack, size = _ANSWER.pack, _ANSWER.size
        return b"".join(
            [
                pack(size, command, s >> 64, s >> 32 & _LAST, s & _LAST, result)
                for s, result in zip(sequences, results, strict=True)
            ]
        )

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> DeliverPdu:
        """A DELIVER or a REPORT; `content` of the latter is its whole body."""
        length = end - start
        if buffer[start + 4 : start + 8] == b"\0\0\0\5":
            if length != _REPORT_SIZE:
                raise MalformedPdu(f"a REPORT of {length} octets", "length", at=start)
            raw = buffer[start:end]
            head = (id_of(sequence), b"", 0, 0, raw[_REPORT_USER], 1, _REPORT.size)
            return DeliverPdu(sequence, raw, head, _REPORT_SHAPE)
        if length < _DELIVER_FIXED:
            raise MalformedPdu("DELIVER ends inside its fixed fields", "length", at=end)
        source, destination, udhi, fmt, size = _DELIVER.unpack_from(buffer, start)
        if length != _DELIVER_FIXED + size:
            at = start + _DELIVER_SHAPE.content_at - 4
            raise MalformedPdu("MessageLength of a DELIVER does not fit", "length", at=at)
        head = (id_of(sequence), destination, udhi, fmt, source, 0, size)
        return DeliverPdu(sequence, buffer[start:end], head, _DELIVER_SHAPE)

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SubmitPdu:
        """`registered` is by `sgip_tables.REGISTERED`; `pk_total` and `pk_number` are those of
        the content's header; content is at most 255 octets, more is malformed."""
        length = end - start
        if length < _SUBMIT_FIXED:
            raise MalformedPdu("SUBMIT ends inside its fixed fields", "length", at=end)
        src_id, count = _SUBMIT_FRONT.unpack_from(buffer, start)
        content = length - _SUBMIT_FIXED - 21 * count
        if content < 0:
            at = start + _SUBMIT_SHAPE.receivers_at - 1
            raise MalformedPdu("UserCount of a SUBMIT does not fit", "length", at=at)
        after = start + tables.HEADER + 21 * count  # where the body would start without receivers
        corp_id, service, level, valid, at_time, flag, udhi, fmt, size = _SUBMIT_BACK.unpack_from(
            buffer, after
        )
        if size != content or size > 255:
            at = after + _SUBMIT_BACK.size - 4
            raise MalformedPdu("MessageLength of a SUBMIT does not fit", "length", at=at)
        total, number = 1, 1
        if udhi:
            at = after + _SUBMIT_BACK.size
            total, number = _part_of(buffer[at : at + size])
        registered = tables.REGISTERED.get(flag, 1)
        front = (total, number, registered, level, service, udhi, fmt)
        head = (*front, corp_id, valid, at_time, src_id, count)
        return SubmitPdu(sequence, buffer[start:end], head, _SUBMIT_SHAPE)

    def probe_answer(self) -> bytes:
        raise LocalProtocolError("not_in_dialect", "SGIP has no heartbeat")

    def refusal(self, command: int, buffer: bytes, start: int, end: int, code: int) -> bytes | None:
        answered = (tables.SUBMIT, tables.DELIVER, tables.REPORT, tables.USERRPT)
        return _answer_body(code) if command in answered else None


def _answer_body(code: int) -> bytes:
    return tables.LAYOUTS[tables.SUBMIT | tables.ANSWER].encode({"result": code})


def _check_answer(start: int, end: int) -> None:
    if end - start != _ANSWER.size:
        raise MalformedPdu(f"an answer of {end - start} octets", "length", at=start)


_KEY = secrets.token_bytes(32)


def _digest(password: bytes) -> bytes:
    """A proof that may stand in an event: of this process only, and nothing to guess from."""
    return hashlib.blake2b(password, key=_KEY, digest_size=32).digest()


def _part_of(content: bytes) -> tuple[int, int]:
    """(total, number) of a part of a long message, (1, 1) of anything else."""
    try:
        concat = concat_of(parse_udh(content)[0])
    except InvalidInput:
        return 1, 1
    return concat[1:] if concat else (1, 1)
