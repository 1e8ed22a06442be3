"""SGIP 1.2 (China Unicom): the dialect a session speaks, and whole PDUs as values.

Both ends of both directions. A connection carries commands one way only (facts: SGIP 2.1): who
connects binds with a login type that says which, and we connect to the gateway to submit while
the gateway connects to us with messages and reports. `SgipSession` knows that; a plain `Session`
does not. In place of a version stands the login type, since it decides what a connection carries
as a version does elsewhere: SGIP itself has one version.

Sequence numbers are 96-bit integers. They are the message ids, too: an answer has no other. Where
others have an id, `sgip_ids.id_of` gives the sequence number of the SUBMIT in 63 bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from assent.errors import LocalProtocolError
from assent.wire import sgip_tables as tables
from assent.wire.cmpp import Pdu
from assent.wire.dialect import Codec, Codes, Meaning
from assent.wire.frame import Framing
from assent.wire.sgip_codec import (
    HEADER_STRUCT,
    SgipCodec,
    decode,
    encode,
    pack_header,
    read_report,
    unpack_header,
)
from assent.wire.sgip_forms import (
    SgipForm,
    deliver_body,
    report_body,
    userrpt_body,
)
from assent.wire.sgip_ids import (
    SequenceParts,
    first_sequence,
    id_of,
    pack_sequence,
    sequence_time,
    smg_node,
    sp_node,
    unpack_sequence,
)
from assent.wire.sgip_session import SgipSession
from assent.wire.sgip_tables import EITHER, SMG_TO_SP, SP_TO_SMG

__all__ = [
    "EITHER",
    "SGIP",
    "SMG_TO_SP",
    "SP_TO_SMG",
    "Pdu",
    "SequenceParts",
    "SgipForm",
    "SgipSession",
    "decode",
    "deliver_body",
    "encode",
    "first_sequence",
    "id_of",
    "pack_sequence",
    "read_report",
    "report_body",
    "sequence_time",
    "smg_node",
    "sp_node",
    "unpack_sequence",
    "userrpt_body",
]

_LAST = 0xFFFFFFFF


class SgipDialect:
    """Short Message Gateway Interface Protocol; see dialect.Dialect. Sessions are `SgipSession`s;
    the version of their settings is `SP_TO_SMG` or `SMG_TO_SP`, or for a server `EITHER`."""

    name = "sgip"
    framing = Framing(HEADER_STRUCT, pack_header, tables.MAXIMUM, unpack_header)
    answer_bit = tables.ANSWER
    codes = Codes(
        structure=5,
        command=5,  # no code below 21 says "not supported"
        repeated=9,
        length=8,
        flow_control=11,
        bad_source=1,
        bad_proof=1,
        version_too_high=4,
    )
    commands: Mapping[Meaning, int] = {
        Meaning.BIND: tables.BIND,
        Meaning.BIND_ANSWER: tables.BIND | tables.ANSWER,
        Meaning.END: tables.UNBIND,
        Meaning.END_ANSWER: tables.UNBIND | tables.ANSWER,
        Meaning.SUBMIT: tables.SUBMIT,
        Meaning.SUBMIT_ANSWER: tables.SUBMIT | tables.ANSWER,
        Meaning.DELIVER: tables.DELIVER,
        Meaning.DELIVER_ANSWER: tables.DELIVER | tables.ANSWER,
    }
    # A USERRPT is sent like a REPORT; one that comes is none of the session's business (Unknown).
    meanings: Mapping[int, Meaning] = {
        **{command: meaning for meaning, command in commands.items()},
        tables.REPORT: Meaning.DELIVER,
        tables.REPORT | tables.ANSWER: Meaning.DELIVER_ANSWER,
        tables.USERRPT | tables.ANSWER: Meaning.DELIVER_ANSWER,
    }

    def speaks(self, version: int, highest: int) -> bool:
        """Whether a server that takes logins of type `highest` takes one of type `version`."""
        return version in (SP_TO_SMG, SMG_TO_SP) and highest in (EITHER, version)

    def codec(self, version: int) -> Codec:
        if version not in (EITHER, SP_TO_SMG, SMG_TO_SP):
            raise LocalProtocolError("version_unknown", f"no session has login type {version}")
        return _codec(version)

    def sequences(self, first: int, count: int) -> Sequence[int]:
        """Node and time stay, the counter goes on and wraps."""
        counter = first & _LAST
        if counter + count <= _LAST + 1:
            return range(first, first + count)
        base = first - counter
        return [base | (counter + i & _LAST) for i in range(count)]


@cache
def _codec(login_type: int) -> SgipCodec:
    return SgipCodec(login_type)


SGIP = SgipDialect()
