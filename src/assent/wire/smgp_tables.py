"""SMGP 3.0 and 1.3 as tables: commands, fields, codes.

Source: China Telecom's CT/T SN RC1, SMGP 3.0.3 (August 2008), as read in facts/protocols.md; the
numbers beside the tables are sections of that sheet. Of 1.3 there is no text at hand: what is known
is that its Submit lacks FixedFee, which the specification marks as new in 3.0 and the public sample
(7.5) does not have.
"""

from __future__ import annotations

from typing import NamedTuple

from assent.wire.cmpp_tables import COUNTERS
from assent.wire.frame import Layout
from assent.wire.smgp_tlvs import KINDS, Tlvs

__all__ = ["COUNTERS"]

HEADER = 12
ANSWER = 0x80000000

# Command ids (3.3). Those of the routes and of prepaid accounts run between gateways; they are
# known by name only, so that a log can say what arrived.
LOGIN, SUBMIT, DELIVER, ACTIVE_TEST, EXIT, QUERY = 1, 2, 3, 4, 6, 7
COMMAND_NAMES = {
    LOGIN: "Login",
    SUBMIT: "Submit",
    DELIVER: "Deliver",
    ACTIVE_TEST: "Active_Test",
    0x05: "Forward",
    EXIT: "Exit",
    QUERY: "Query",
    0x08: "Query_TE_Route",
    0x09: "Query_SP_Route",
    0x0A: "Payment_Request",
    0x0B: "Payment_Affirm",
    0x0C: "Query_UserState",
    0x0D: "Get_All_TE_Route",
    0x0E: "Get_All_SP_Route",
    0x0F: "Update_TE_Route",
    0x10: "Update_SP_Route",
    0x11: "Push_Update_TE_Route",
    0x12: "Push_Update_SP_Route",
}

# LoginMode (3.4): what a connection is for.
SEND, RECEIVE, BOTH = 0, 1, 2
LOGIN_MODES: dict[int, str] = {SEND: "send only", RECEIVE: "receive only", BOTH: "both"}

# MsgType (3.5).
MT, POINT_TO_POINT = 6, 7
MSG_TYPES: dict[int, str] = {0: "MO", MT: "MT", POINT_TO_POINT: "point to point"}

# Rows are (field, notation, the specification's word for it).
Row = tuple[str, str, str]

LOGIN_ROWS: tuple[Row, ...] = (  # 3.4
    ("user", "OS8", "ClientID"),
    ("authenticator", "RAW16", "AuthenticatorClient"),
    ("login_mode", "U1", "LoginMode"),
    ("timestamp", "U4", "TimeStamp"),
    ("version", "U1", "ClientVersion"),
)
LOGIN_RESP_ROWS: tuple[Row, ...] = (  # 3.4
    ("status", "U4", "Status"),
    ("authenticator", "RAW16", "AuthenticatorServer"),
    ("version", "U1", "ServerVersion"),
)
SUBMIT_ROWS: tuple[Row, ...] = (  # 3.5
    ("msg_type", "U1", "MsgType"),
    ("registered", "U1", "NeedReport"),
    ("level", "U1", "Priority"),
    ("service_id", "OS10", "ServiceID"),
    ("fee_type", "OS2", "FeeType"),
    ("fee_code", "OS6", "FeeCode"),
    ("fixed_fee", "OS6", "FixedFee"),
    ("fmt", "U1", "MsgFormat"),
    ("valid_time", "OS17", "ValidTime"),
    ("at_time", "OS17", "AtTime"),
    ("src_id", "OS21", "SrcTermID"),
    ("fee_terminal", "OS21", "ChargeTermID"),
    ("destination_count", "U1", "DestTermIDCount"),
    ("destinations", "OS21*destination_count", "DestTermID"),
    ("length", "U1", "MsgLength"),
    ("content", "BYTES:length", "MsgContent"),
    ("reserve", "RAW8", "Reserve"),
    ("tlvs", "TLV0", "TLV"),
)
DELIVER_ROWS: tuple[Row, ...] = (  # 3.6
    ("message_id", "RAW10", "MsgID"),
    ("is_report", "U1", "IsReport"),
    ("fmt", "U1", "MsgFormat"),
    ("received_at", "OS14", "RecvTime"),
    ("source", "OS21", "SrcTermID"),
    ("destination", "OS21", "DestTermID"),
    ("length", "U1", "MsgLength"),
    ("content", "BYTES:length", "MsgContent"),
    ("reserve", "RAW8", "Reserve"),
    ("tlvs", "TLV0", "TLV"),
)
ANSWER_ROWS: tuple[Row, ...] = (  # 3.5, 3.6
    ("message_id", "RAW10", "MsgID"),
    ("result", "U4", "Status"),
)
QUERY_ROWS: tuple[Row, ...] = (  # 3.10
    ("day", "OS8", "QueryTime"),
    ("query_type", "U1", "QueryType"),
    ("query_code", "OS10", "QueryCode"),
)
_COUNTER_NAMES = (
    *("MT_TLMsg", "MT_Tlusr", "MT_Scs", "MT_WT", "MT_FL"),
    *("MO_Scs", "MO_WT", "MO_FL"),
)
QUERY_RESP_ROWS: tuple[Row, ...] = (  # 3.10
    *QUERY_ROWS,
    *((name, "U4", theirs) for name, theirs in zip(COUNTERS, _COUNTER_NAMES, strict=True)),
    ("reserve", "RAW8", "Reserve"),
)

# command -> (clause, rows).
_TABLES: dict[int, tuple[str, tuple[Row, ...]]] = {
    LOGIN: ("3.4", LOGIN_ROWS),
    LOGIN | ANSWER: ("3.4", LOGIN_RESP_ROWS),
    SUBMIT: ("3.5", SUBMIT_ROWS),
    SUBMIT | ANSWER: ("3.5", ANSWER_ROWS),
    DELIVER: ("3.6", DELIVER_ROWS),
    DELIVER | ANSWER: ("3.6", ANSWER_ROWS),
    ACTIVE_TEST: ("3.9", ()),
    ACTIVE_TEST | ANSWER: ("3.9", ()),
    EXIT: ("3.9", ()),
    EXIT | ANSWER: ("3.9", ()),
    QUERY: ("3.10", QUERY_ROWS),
    QUERY | ANSWER: ("3.10", QUERY_RESP_ROWS),
}


_NEW_IN_3 = "fixed_fee"


def _layouts(without: str) -> dict[int, Layout]:
    return {
        command: Layout((row[:2] for row in rows if row[0] != without), {"TLV": Tlvs})
        for command, (_, rows) in _TABLES.items()
    }


LAYOUTS: dict[int, dict[int, Layout]] = {3: _layouts(""), 1: _layouts(_NEW_IN_3)}
"""Major version -> command -> body."""


class Note(NamedTuple):
    """What the specification calls a field, and where facts/protocols.md has it."""

    name: str
    clause: str


HEADER_NOTES: dict[str, Note] = {
    "length": Note("PacketLength", "3.2"),
    "command": Note("RequestID", "3.2, 3.3"),
    "sequence": Note("SequenceID", "3.2"),
}
NOTES: dict[int, dict[str, Note]] = {
    command: {row[0]: Note(row[2], f"{clause}, field {place}") for place, row in enumerate(rows, 1)}
    for command, (clause, rows) in _TABLES.items()
}
"""command -> field -> its name in the specification and its clause."""
TLV_NOTES: dict[str, Note] = {
    kind.name: Note(kind.spec_name, f"3.11, tag {tag:#06x}") for tag, kind in KINDS.items()
}
"""The same for the optional parameters, by `smgp_tlvs.named`."""

RECEIVERS = 100
"""Most receivers of one Submit (3.5, field 13)."""
_TLV_ROOM = 1024  # all known parameters need 140 octets beside the pseudo codes

# The largest PDU of a session: a Submit to 100 receivers with 255 octets of content.
MAXIMUM = HEADER + LAYOUTS[3][SUBMIT].fixed_size + RECEIVERS * 21 + 255 + _TLV_ROOM

# Status of a Login_Resp (3.12): code -> (meaning, what we do).
LOGIN_STATUS: dict[int, tuple[str, str]] = {
    0: ("accepted", "carry traffic"),
    1: ("system busy", "connect again later"),
    2: ("too many connections", "connect again later"),
    10: ("wrong structure", "stop and tell the operator"),
    11: ("wrong command", "stop and tell the operator"),
    20: ("wrong IP address", "stop and tell the operator"),
    21: ("authentication failed", "stop and tell the operator"),
    22: ("version too high", "try the version the peer names"),
}
