"""SMPP as a dialect: which command means what, its codes, and the codec of each version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

from assent.errors import LocalProtocolError
from assent.wire import smpp_codes as statuses
from assent.wire import smpp_tables as tables
from assent.wire.dialect import Codes, Meaning
from assent.wire.frame import Framing
from assent.wire.smpp_codec import HEADER, Identity, SmppCodec
from assent.wire.smpp_ids import IdForm
from assent.wire.smpp_tables import V33, V34

LAST_SEQUENCE: Final = 0x7FFFFFFF  # 5.1.4

_ANSWER = tables.ANSWER
_COMMANDS: Mapping[Meaning, int] = {
    Meaning.BIND: tables.BIND_TRANSCEIVER,
    Meaning.BIND_TRANSMITTER: tables.BIND_TRANSMITTER,
    Meaning.BIND_RECEIVER: tables.BIND_RECEIVER,
    Meaning.BIND_ANSWER: tables.BIND_TRANSCEIVER | _ANSWER,
    Meaning.END: tables.UNBIND,
    Meaning.END_ANSWER: tables.UNBIND | _ANSWER,
    Meaning.SUBMIT: tables.SUBMIT_SM,
    Meaning.SUBMIT_ANSWER: tables.SUBMIT_SM | _ANSWER,
    Meaning.DELIVER: tables.DELIVER_SM,
    Meaning.DELIVER_ANSWER: tables.DELIVER_SM | _ANSWER,
    Meaning.PROBE: tables.ENQUIRE_LINK,
    Meaning.PROBE_ANSWER: tables.ENQUIRE_LINK | _ANSWER,
    Meaning.NACK: tables.GENERIC_NACK,
    Meaning.DATA: tables.DATA_SM,
    Meaning.DATA_ANSWER: tables.DATA_SM | _ANSWER,
    Meaning.MULTI: tables.SUBMIT_MULTI,
    Meaning.MULTI_ANSWER: tables.SUBMIT_MULTI | _ANSWER,
    Meaning.TELL: tables.ALERT_NOTIFICATION,
    Meaning.INVITE: tables.OUTBIND,
}
_QUESTIONS: Final = (tables.QUERY_SM, tables.CANCEL_SM, tables.REPLACE_SM)
_MEANINGS: Mapping[int, Meaning] = {
    **{command: meaning for meaning, command in _COMMANDS.items()},
    tables.BIND_TRANSMITTER | _ANSWER: Meaning.BIND_ANSWER,
    tables.BIND_RECEIVER | _ANSWER: Meaning.BIND_ANSWER,
    **dict.fromkeys(_QUESTIONS, Meaning.ASK),
    **{command | _ANSWER: Meaning.ASK_ANSWER for command in _QUESTIONS},
}
_CODES = Codes(
    structure=statuses.RINVCMDLEN,
    command=statuses.RINVCMDID,
    repeated=statuses.RSYSERR,
    length=statuses.RINVCMDLEN,
    flow_control=statuses.RTHROTTLED,
    bad_source=statuses.RINVSYSID,
    bad_proof=statuses.RINVPASWD,
    version_too_high=statuses.RBINDFAIL,
    wrong_state=statuses.RINVBNDSTS,
    already_bound=statuses.RALYBND,
)
_FRAMING = Framing(
    HEADER,
    Struct(">II4xI").pack,  # four octets of status 0
    tables.MAXIMUM,
    pack_status=HEADER.pack,
)


@dataclass(frozen=True, slots=True)
class SmppDialect:
    """Short Message Peer to Peer as one peer speaks it; see dialect.Dialect. Sessions are
    `SmppSession`s: a plain Session has neither data_sm and submit_multi nor the questions.

    ids: how the peer writes message ids, or how we do as its SMSC (then not OPAQUE).
    keep_text: ids in Answers are `TextId`s, for those who will query, cancel or replace.
    identity: what we say of ourselves in a bind or its answer."""

    ids: IdForm = IdForm.DECIMAL
    keep_text: bool = False
    identity: Identity = field(default_factory=Identity)

    @property
    def name(self) -> str:
        return "smpp"

    @property
    def framing(self) -> Framing:
        return _FRAMING

    @property
    def meanings(self) -> Mapping[int, Meaning]:
        return _MEANINGS

    @property
    def commands(self) -> Mapping[Meaning, int]:
        return _COMMANDS

    @property
    def answer_bit(self) -> int:
        return _ANSWER

    @property
    def codes(self) -> Codes:
        return _CODES

    def speaks(self, version: int, highest: int) -> bool:
        """Always: a bind names 3.4 or is spoken to as one before it (5.2.4)."""
        return version in (V33, V34)

    def codec(self, version: int) -> SmppCodec:
        if version not in (V33, V34):
            raise LocalProtocolError("version_unknown", f"SMPP {version:#04x} is not spoken")
        return SmppCodec(version, self.ids, self.keep_text, self.identity)

    def sequences(self, first: int, count: int) -> Sequence[int]:
        """From 1 to 0x7FFFFFFF (5.1.4)."""
        if first >= 1 and first + count <= LAST_SEQUENCE + 1:
            return range(first, first + count)
        return [(first - 1 + i) % LAST_SEQUENCE + 1 for i in range(count)]

    def key(self, message_id: int) -> int:
        """The id in 64 bits, which it has already (smpp_ids)."""
        return int(message_id)


SMPP = SmppDialect()
