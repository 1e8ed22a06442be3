"""SMGP 3.0 and 1.3 (China Telecom): the dialect a Session speaks, and whole PDUs as values.

Both roles, all commands between an SP and its gateway. What the field has beside the book and is
read here: a ClientID hashed with or without its padding, ids that are not digits, every variant of
the report's text (facts: SMGP 3.4, 3.7, 3.8).

Message ids are integers of 63 bits (`smgp_ids.id_of`); only in whole PDUs as values they are
octets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from assent.wire import smgp_tables as tables
from assent.wire.cmpp import Pdu
from assent.wire.dialect import Codec, Codes, Meaning
from assent.wire.frame import Framing
from assent.wire.smgp_codec import HEADER_STRUCT, V13, V30, SmgpCodec, decode, encode
from assent.wire.smgp_forms import SmgpForm, deliver_body, report_body
from assent.wire.smgp_ids import (
    MessageIdParts,
    MessageIds,
    authenticator_client,
    authenticator_server,
    gateway_code,
    id_of,
    octets_of_id,
    pack_message_id,
    run_of,
    shown,
    unpack_message_id,
)
from assent.wire.smgp_reports import SmgpReport, parse_report, read_report, report_content
from assent.wire.smgp_tables import BOTH
from assent.wire.smgp_tlvs import named, pair, pairs

__all__ = [
    "SMGP",
    "V13",
    "V30",
    "MessageIdParts",
    "MessageIds",
    "Pdu",
    "SmgpDialect",
    "SmgpForm",
    "SmgpReport",
    "authenticator_client",
    "authenticator_server",
    "decode",
    "deliver_body",
    "encode",
    "gateway_code",
    "id_of",
    "named",
    "octets_of_id",
    "pack_message_id",
    "pair",
    "pairs",
    "parse_report",
    "read_report",
    "report_body",
    "report_content",
    "run_of",
    "shown",
    "unpack_message_id",
]

_COMMANDS: Mapping[Meaning, int] = {
    Meaning.BIND: tables.LOGIN,
    Meaning.BIND_ANSWER: tables.LOGIN | tables.ANSWER,
    Meaning.END: tables.EXIT,
    Meaning.END_ANSWER: tables.EXIT | tables.ANSWER,
    Meaning.SUBMIT: tables.SUBMIT,
    Meaning.SUBMIT_ANSWER: tables.SUBMIT | tables.ANSWER,
    Meaning.DELIVER: tables.DELIVER,
    Meaning.DELIVER_ANSWER: tables.DELIVER | tables.ANSWER,
    Meaning.QUERY: tables.QUERY,
    Meaning.QUERY_ANSWER: tables.QUERY | tables.ANSWER,
    Meaning.PROBE: tables.ACTIVE_TEST,
    Meaning.PROBE_ANSWER: tables.ACTIVE_TEST | tables.ANSWER,
}
_MEANINGS: Mapping[int, Meaning] = {command: meaning for meaning, command in _COMMANDS.items()}
_CODES = Codes(
    structure=10,
    command=11,
    repeated=12,
    length=10,  # 36 where it is MsgLength that is wrong
    flow_control=1,
    bad_source=20,
    bad_proof=21,
    version_too_high=22,
)


@dataclass(frozen=True, slots=True)
class SmgpDialect:
    """Short Message Gateway Protocol; see dialect.Dialect.

    login_mode: what a client binds for, `smgp_tables.SEND`, `RECEIVE` or `BOTH`.
    padded: a client hashes its ClientID with its padding (`authenticator_client`); a server takes
    either."""

    login_mode: int = BOTH
    padded: bool = False

    @property
    def name(self) -> str:
        return "smgp"

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
        return tables.ANSWER

    @property
    def codes(self) -> Codes:
        return _CODES

    def speaks(self, version: int, highest: int) -> bool:
        return _known(version) and version >> 4 <= highest >> 4

    def codec(self, version: int) -> Codec:
        return _codec(version, self.login_mode, self.padded)

    def sequences(self, first: int, count: int) -> Sequence[int]:
        if first + count <= 1 << 32:
            return range(first, first + count)
        return [(first + i) & 0xFFFFFFFF for i in range(count)]


_FRAMING = Framing(HEADER_STRUCT, HEADER_STRUCT.pack, tables.MAXIMUM)


def _known(version: int) -> bool:
    return version >> 4 == 3 or version == V13


@cache
def _codec(version: int, login_mode: int, padded: bool) -> SmgpCodec:
    return SmgpCodec(version, login_mode, padded)


SMGP = SmgpDialect()
