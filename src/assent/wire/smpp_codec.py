"""SMPP's PDUs as values, and the codec that a session reads and writes with."""

from __future__ import annotations

import hmac
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from assent.errors import LocalProtocolError
from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.dialect import BindAnswer, BindRequest, NoQuestions
from assent.wire.frame import MalformedPdu
from assent.wire.smpp_fields import split_tlvs, string_octets, tlv_octets
from assent.wire.smpp_ids import PLAIN_NUMBER, IdForm, MessageId, TextId, id_of, text_of_id
from assent.wire.smpp_pdus import READERS, SmppDeliver, SmppSubmit, command_of

HEADER: Final = struct.Struct(">IIII")
_DELIVER_ANSWER: Final = struct.Struct(">IIIIx")  # its message_id is empty (4.6.2)
_DELIVER_RESP: Final = tables.DELIVER_SM | tables.ANSWER
MESSAGE_ID_WIDTH: Final = 65
_CONGESTED: Final = 100
_ROK: Final = bytes(4)

# Answers without a body of their own. Some peers send the message_id's NUL all the same.
_BODYLESS: Final = frozenset(
    {
        tables.UNBIND | tables.ANSWER,
        tables.ENQUIRE_LINK | tables.ANSWER,
        tables.CANCEL_SM | tables.ANSWER,
        tables.REPLACE_SM | tables.ANSWER,
        tables.GENERIC_NACK,
    }
)
ANSWERED: Final = frozenset(
    command & ~tables.ANSWER for command in tables.COMMANDS if command & tables.ANSWER
) - {0}
"""Requests that have an answer of their own; outbind and alert_notification have none."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """A whole PDU as a value; `fields` by the names in smpp_tables. Optional parameters are the
    field "tlvs": (tag, octets) pairs, see smpp_tlvs."""

    command: int
    sequence: int
    fields: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0


def body_of(command: int, fields: Mapping[str, Any]) -> bytes:
    """The body of any command. Fields that are not named are zero or empty; lengths and counts are
    computed. Raises LocalProtocolError naming what does not fit or does not exist."""
    layout = tables.LAYOUTS.get(command)
    if layout is None:
        raise LocalProtocolError("command_unknown", f"no table for command {command:#010x}")
    size = len(fields.get("short_message", b""))
    if size > tables.LONGEST_SHORT_MESSAGE:
        message = f"short_message has {size} octets, {tables.LONGEST_SHORT_MESSAGE} fit"
        raise LocalProtocolError("field_too_long", message, field="short_message")
    return layout.encode(fields)


def encode(pdu: Pdu) -> bytes:
    """Return the octets of a PDU. An answer with a status and no fields has no body (facts: SMPP
    4.4). Raises LocalProtocolError for an unknown command or field, or a value that does not
    fit."""
    refusing = pdu.status and not pdu.fields and pdu.command & tables.ANSWER
    body = b"" if refusing and pdu.command in tables.LAYOUTS else body_of(pdu.command, pdu.fields)
    try:
        return HEADER.pack(tables.HEADER + len(body), pdu.command, pdu.status, pdu.sequence) + body
    except struct.error:
        message = "command_status or sequence_number does not fit U4"
        raise LocalProtocolError("field_range", message, field="sequence_number") from None


def decode(data: bytes) -> Pdu:
    """Read exactly one PDU. Raises MalformedPdu when `data` is not one; its `at` is the octet where
    it goes wrong.

    Read although it is not in the book: an answer without its body, or with an empty message_id
    where none belongs (both have no fields then); a message_id without NUL at the end."""
    size = len(data)
    if size < tables.HEADER:
        raise MalformedPdu(f"{size} octets are no header", "length", at=size)
    length, command, status, sequence = HEADER.unpack_from(data)
    if length != size:
        raise MalformedPdu(f"command_length says {length}, there are {size}", "length", at=0)
    layout = tables.LAYOUTS.get(command)
    if layout is None:
        raise MalformedPdu(f"unknown command {command:#010x}", at=4)
    bare = command & tables.ANSWER and size == tables.HEADER
    if bare or (command in _BODYLESS and data[tables.HEADER :] == b"\0"):
        return Pdu(command, sequence, {}, status)
    return Pdu(command, sequence, layout.decode(data, tables.HEADER), status)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a codec says of its own side. As an ESME: system_type and the addresses it is for
    (5.2.3, 5.2.7). As an SMSC: its system_id in the bind's answer."""

    system_id: str = "assent"
    system_type: str = ""
    addr_ton: int = 0
    addr_npi: int = 0
    address_range: str = ""


class SmppCodec(NoQuestions):
    """Bodies of one version (smpp_tables.V33 has no optional parameters); see dialect.Codec.

    congestion: the last congestion_state that an answer told; None once its reader took it."""

    def __init__(self, version: int, ids: IdForm, keep_text: bool, identity: Identity) -> None:
        self.version = version
        self.ids = ids
        self._keep_text = keep_text
        self._plain = ids.answer_base == 10 and not keep_text
        self._identity = identity
        self.congestion: int | None = None

    # --- bind

    def bind(self, user: str, secret: str, timestamp: int) -> tuple[bytes, bytes]:
        """The three binds have one body. There is no proof: the password goes in the clear."""
        identity = self._identity
        fields = {
            "system_id": user,
            "password": _octets(secret),
            "system_type": identity.system_type,
            "interface_version": self.version,
            "addr_ton": identity.addr_ton,
            "addr_npi": identity.addr_npi,
            "address_range": identity.address_range,
        }
        return body_of(tables.BIND_TRANSCEIVER, fields), b""

    def read_bind(self, buffer: bytes, start: int, end: int) -> BindRequest:
        layout = tables.LAYOUTS[tables.BIND_TRANSCEIVER]
        got = layout.decode(buffer, start + tables.HEADER, end)
        # Below 3.4 no optional parameters may be sent (5.2.4); above, 3.4 is what we speak.
        version = tables.V34 if got["interface_version"] >= tables.V34 else tables.V33
        user, proof = got.pop("system_id"), got.pop("password").encode("latin-1")
        return BindRequest(user, proof, version, 0, got)

    def proves(self, asked: BindRequest, secret: str) -> bool:
        return hmac.compare_digest(asked.proof, _octets(secret))

    def bind_answer(self, status: int, proof: bytes, secret: str, version: int) -> bytes:
        if status:
            return b""
        body = string_octets("system_id", self._identity.system_id, 16)
        if self.version < tables.V34:
            return body
        return body + tlv_octets([tlv.pair("sc_interface_version", version)])

    def read_bind_answer(self, buffer: bytes, start: int, end: int) -> BindAnswer:
        """Version 0 where the SMSC does not tell its own."""
        status = int.from_bytes(buffer[start + 8 : start + 12], "big")
        version = None
        at = buffer.find(0, start + tables.HEADER, end)
        if at >= 0:
            with suppress(MalformedPdu):  # an accepted bind with a broken tail is accepted
                version = tlv.integer(split_tlvs(buffer, at + 1, end)[0], tlv.SC_INTERFACE_VERSION)
        return BindAnswer(status, b"", version or 0)

    def proves_back(self, answer: BindAnswer, proof: bytes, secret: str) -> bool:
        """An SMSC proves nothing, so there is nothing to doubt."""
        return True

    # --- traffic

    def read_answer(
        self, buffer: bytes, start: int, end: int, sequence: int
    ) -> tuple[int, int, int]:
        """Any answer, with or without a body: (sequence, command_status, message id)."""
        octets = buffer[start + 8 : start + 12]
        status = 0 if octets == _ROK else int.from_bytes(octets, "big")
        at = start + tables.HEADER
        octets = buffer[at : end - 1]
        # What most answers are: decimal digits and their NUL.
        if self._plain and octets.isdigit() and end - at <= PLAIN_NUMBER and not buffer[end - 1]:
            return sequence, status, int(octets)
        stop = buffer.find(0, at, end)
        octets = buffer[at : end if stop < 0 else stop]
        if 0 <= stop < end - 1:
            self._read_tail(buffer, stop + 1, end)
        if not octets:
            return sequence, status, 0
        if self._keep_text:
            key = id_of(octets, self.ids.answer_base)
            return sequence, status, TextId.of(key, octets.decode("latin-1"))
        return sequence, status, id_of(octets, self.ids.answer_base)

    def _read_tail(self, buffer: bytes, start: int, end: int) -> None:
        """What stands behind the message_id: optional parameters, or a submit_multi_resp's list of
        failures, which is none. An answer with a broken tail is an answer."""
        with suppress(MalformedPdu):
            state = tlv.integer(split_tlvs(buffer, start, end)[0], tlv.CONGESTION_STATE)
            if state is not None and state <= _CONGESTED:
                self.congestion = state

    def answers(
        self,
        command: int,
        sequences: Sequence[int],
        ids: Sequence[MessageId],
        results: Sequence[int],
    ) -> bytes:
        """A deliver_sm_resp has an empty message_id; others have none when they refuse (4.4.2)."""
        if command == _DELIVER_RESP:
            pack, size = _DELIVER_ANSWER.pack, _DELIVER_ANSWER.size
            rows = zip(sequences, results, strict=True)
            return b"".join([pack(size, command, result, seq) for seq, result in rows])
        base = self.ids.answer_base or 10
        parts = []
        for sequence, message_id, result in zip(sequences, ids, results, strict=True):
            body = b""
            if not result:
                text = text_of_id(message_id, base)
                body = string_octets("message_id", text, MESSAGE_ID_WIDTH)
                if command == tables.SUBMIT_MULTI | tables.ANSWER:
                    body += b"\0"  # no_unsuccess; see SmppSession.respond_multi
            parts.append(HEADER.pack(tables.HEADER + len(body), command, result, sequence))
            parts.append(body)
        return b"".join(parts)

    def read_deliver(self, buffer: bytes, start: int, end: int, sequence: int) -> SmppDeliver:
        try:
            return SmppDeliver(sequence, buffer[start:end], self.ids)
        except MalformedPdu as error:
            if error.at is not None:
                error.at += start
            raise

    def read_submit(self, buffer: bytes, start: int, end: int, sequence: int) -> SmppSubmit:
        message = READERS[command_of(buffer, start)](buffer, start, end)
        return SmppSubmit(sequence, buffer[start:end], message)

    def probe_answer(self) -> bytes:
        return b""

    def refusal(self, command: int, buffer: bytes, start: int, end: int, code: int) -> bytes | None:
        """The status is in the header; what has no answer of its own gets a generic_nack."""
        if command == tables.DELIVER_SM:
            return b"\0"
        return b"" if command in ANSWERED else None


def _octets(secret: str) -> bytes:
    """A password as it goes out: the specification knows ASCII only, the field more."""
    try:
        return secret.encode("latin-1")
    except UnicodeEncodeError:
        return secret.encode()
