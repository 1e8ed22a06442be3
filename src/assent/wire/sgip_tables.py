"""SGIP 1.2 as tables: commands, fields, codes.

Source: China Unicom's SGIP 1.2 (October 2001), as read in facts/protocols.md; the numbers beside
the tables are sections of that sheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from assent.wire.frame import Field, Layout, MalformedPdu

HEADER = 20
ANSWER = 0x80000000

# Command ids (2.3). The administrative ones run between gateways; they are known by name only, so
# that a log can say what arrived.
BIND, UNBIND, SUBMIT, DELIVER, REPORT = 1, 2, 3, 4, 5
USERRPT, TRACE = 0x11, 0x1000
COMMAND_NAMES = {
    BIND: "BIND",
    UNBIND: "UNBIND",
    SUBMIT: "SUBMIT",
    DELIVER: "DELIVER",
    REPORT: "REPORT",
    0x06: "ADDSP",
    0x07: "MODIFYSP",
    0x08: "DELETESP",
    0x09: "QUERYROUTE",
    0x0A: "ADDTELESEG",
    0x0B: "MODIFYTELESEG",
    0x0C: "DELETETELESEG",
    0x0D: "ADDSMG",
    0x0E: "MODIFYSMG",
    0x0F: "DELETESMG",
    0x10: "CHECKUSER",
    USERRPT: "USERRPT",
    TRACE: "TRACE",
}

# Login types (2.4, BIND): who connects to whom, and so which commands the connection carries.
EITHER = 0  # not on the wire: a server that takes logins of both directions
SP_TO_SMG, SMG_TO_SP, SMG_TO_SMG, TEST = 1, 2, 3, 11
LOGIN_TYPES: dict[int, str] = {
    SP_TO_SMG: "SP to SMG",
    SMG_TO_SP: "SMG to SP",
    SMG_TO_SMG: "SMG to SMG",
    4: "SMG to GNS",
    5: "GNS to SMG",
    6: "GNS to GNS",
    TEST: "test and trace",
}

# Rows are (field, notation, the specification's word for it).
Row = tuple[str, str, str]

_RESERVE: Row = ("reserve", "RAW8", "Reserve")
_SUBMIT_SEQUENCE: tuple[Row, ...] = (  # 2.2: the three parts of the SUBMIT's own sequence number
    ("submit_node", "U4", "SubmitSequenceNumber, node"),
    ("submit_time", "U4", "SubmitSequenceNumber, time"),
    ("submit_counter", "U4", "SubmitSequenceNumber, counter"),
)

BIND_ROWS: tuple[Row, ...] = (
    ("login_type", "U1", "Login Type"),
    ("user", "OS16", "Login Name"),
    ("password", "OS16", "Login Password"),
    _RESERVE,
)
ANSWER_ROWS: tuple[Row, ...] = (("result", "U1", "Result"), _RESERVE)
SUBMIT_ROWS: tuple[Row, ...] = (
    ("src_id", "OS21", "SPNumber"),
    ("fee_terminal", "OS21", "ChargeNumber"),
    ("destination_count", "U1", "UserCount"),
    ("destinations", "OS21*destination_count", "UserNumber"),
    ("corp_id", "OS5", "CorpId"),
    ("service_id", "OS10", "ServiceType"),
    ("fee_type", "U1", "FeeType"),
    ("fee_code", "OS6", "FeeValue"),
    ("given_value", "OS6", "GivenValue"),
    ("agent_flag", "U1", "AgentFlag"),
    ("mt_reason", "U1", "MorelatetoMTFlag"),
    ("level", "U1", "Priority"),
    ("valid_time", "OS16", "ExpireTime"),
    ("at_time", "OS16", "ScheduleTime"),
    ("report_flag", "U1", "ReportFlag"),
    ("tp_pid", "U1", "TP_pid"),
    ("udhi", "U1", "TP_udhi"),
    ("fmt", "U1", "MessageCoding"),
    ("message_type", "U1", "MessageType"),
    ("length", "U4", "MessageLength"),
    ("content", "BYTES:length", "MessageContent"),
    _RESERVE,
)
DELIVER_ROWS: tuple[Row, ...] = (
    ("source", "OS21", "UserNumber"),
    ("destination", "OS21", "SPNumber"),
    ("tp_pid", "U1", "TP_pid"),
    ("udhi", "U1", "TP_udhi"),
    ("fmt", "U1", "MessageCoding"),
    ("length", "U4", "MessageLength"),
    ("content", "BYTES:length", "MessageContent"),
    _RESERVE,
)
REPORT_ROWS: tuple[Row, ...] = (
    *_SUBMIT_SEQUENCE,
    ("report_type", "U1", "ReportType"),
    ("user_number", "OS21", "UserNumber"),
    ("state", "U1", "State"),
    ("error_code", "U1", "ErrorCode"),
    _RESERVE,
)
USERRPT_ROWS: tuple[Row, ...] = (
    ("sp_number", "OS21", "SPNumber"),
    ("user_number", "OS21", "UserNumber"),
    ("condition", "U1", "UserCondition"),
    _RESERVE,
)
TRACE_ROWS: tuple[Row, ...] = (
    *_SUBMIT_SEQUENCE,
    ("user_number", "OS21", "UserNumber"),
    _RESERVE,
)
TRACE_NODE_ROWS: tuple[Row, ...] = (  # repeated Count times in a TRACE_RESP
    ("result", "U1", "Result"),
    ("node", "OS6", "NodeId"),
    ("received_at", "OS16", "ReceiveTime"),
    ("sent_at", "OS16", "SendTime"),
    _RESERVE,
)
TRACE_RESP_ROWS: tuple[Row, ...] = (
    ("count", "U1", "Count"),
    ("nodes", "NODE47*count", "for each node"),
)


class _Nodes:
    """A repeated group, counted by an integer before it; a value is a list of rows by
    TRACE_NODE_ROWS. See frame.Step."""

    def __init__(self, field: Field) -> None:
        self.field = field
        self.node = Layout((name, notation) for name, notation, _ in TRACE_NODE_ROWS)

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        out.extend(self.node.encode(node) for node in values.get(self.field.name, ()))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        size = self.node.fixed_size
        after: int = at + size * values[self.field.by]
        if after > end:
            raise MalformedPdu(f"{self.field.by} does not fit the body", "length", at=at)
        values[self.field.name] = [
            self.node.decode(data, i, i + size) for i in range(at, after, size)
        ]
        return after


def _layout(rows: tuple[Row, ...]) -> Layout:
    return Layout(((name, notation) for name, notation, _ in rows), {"NODE": _Nodes})


_TABLES: dict[int, tuple[Row, ...]] = {
    BIND: BIND_ROWS,
    BIND | ANSWER: ANSWER_ROWS,
    UNBIND: (),
    UNBIND | ANSWER: (),
    SUBMIT: SUBMIT_ROWS,
    SUBMIT | ANSWER: ANSWER_ROWS,
    DELIVER: DELIVER_ROWS,
    DELIVER | ANSWER: ANSWER_ROWS,
    REPORT: REPORT_ROWS,
    REPORT | ANSWER: ANSWER_ROWS,
    USERRPT: USERRPT_ROWS,
    USERRPT | ANSWER: ANSWER_ROWS,
    TRACE: TRACE_ROWS,
    TRACE | ANSWER: TRACE_RESP_ROWS,
}
LAYOUTS: dict[int, Layout] = {command: _layout(rows) for command, rows in _TABLES.items()}


class Note(NamedTuple):
    """What the specification calls a field, and where facts/protocols.md has it."""

    name: str
    clause: str


HEADER_NOTES: dict[str, Note] = {
    "length": Note("Message Length", "2.2"),
    "command": Note("Command ID", "2.2, 2.3"),
    "sequence": Note("Sequence Number", "2.2"),
}
NOTES: dict[int, dict[str, Note]] = {
    command: {
        row[0]: Note(row[2], f"2.4 {COMMAND_NAMES[command & ~ANSWER]}, field {place}")
        for place, row in enumerate(rows, 1)
    }
    for command, rows in _TABLES.items()
}
NOTES[TRACE | ANSWER] |= {
    row[0]: Note(row[2], f"2.4 TRACE, node field {place}")
    for place, row in enumerate(TRACE_NODE_ROWS, 1)
}
"""command -> field -> its name in the specification and its clause."""

RECEIVERS = 100
"""Most receivers of one SUBMIT (2.4, UserCount)."""

# The largest PDU of a session: a SUBMIT to 100 receivers with 255 octets of content. The clause on
# message size (2.1) says 2 KB, which 100 receivers alone exceed.
MAXIMUM = HEADER + LAYOUTS[SUBMIT].fixed_size + RECEIVERS * 21 + 255

# Result of a BIND_RESP (2.5): code -> (meaning, what we do).
BIND_STATUS: dict[int, tuple[str, str]] = {
    0: ("accepted", "carry traffic"),
    1: ("illegal login", "stop and tell the operator"),
    2: ("repeated login on the same connection", "stop and tell the operator"),
    3: ("too many connections", "connect again later"),
    4: ("wrong login type", "stop and tell the operator"),
    5: ("wrong parameter format", "stop and tell the operator"),
    11: ("node busy", "connect again later"),
}

# Result of a SUBMIT_RESP, DELIVER_RESP or REPORT_RESP (2.5): code -> (meaning, what we do). 21 and
# above belong into reports, but a gateway that answers with one says the same.
RESULTS: dict[int, tuple[str, str]] = {
    0: ("accepted", "accepted"),
    1: ("illegal login", "refused"),
    2: ("repeated login on the same connection", "refused"),
    3: ("too many connections", "throttled"),
    4: ("wrong login type", "refused"),
    5: ("wrong parameter format", "refused"),
    6: ("illegal phone number", "refused"),
    7: ("wrong message id", "refused"),
    8: ("wrong message length", "refused"),
    9: ("illegal sequence, or one used for another message", "unsure"),
    10: ("illegal GNS operation", "refused"),
    11: ("node busy", "throttled"),
    21: ("destination unreachable", "refused"),
    22: ("route error", "refused"),
    23: ("no route", "refused"),
    24: ("charge number invalid", "refused"),
    25: ("user cannot be reached", "refused"),
    26: ("handset memory full", "refused"),
    27: ("handset cannot receive messages", "refused"),
    28: ("handset failed to receive", "refused"),
    29: ("unknown user", "refused"),
    30: ("function not provided", "refused"),
    31: ("illegal device", "refused"),
    32: ("system failure", "refused"),
    33: ("queue of the SMSC full", "throttled"),
}

# ErrorCode of a report whose State is 2 (2.5): code -> (meaning, what it says of the number). The
# message has failed in every case.
REPORT_ERRORS: dict[int, tuple[str, str]] = {
    0: ("no reason given", "nothing"),
    21: ("destination unreachable", "nothing"),
    22: ("route error", "nothing"),
    23: ("no route", "nothing"),
    24: ("charge number invalid", "nothing"),
    25: ("user cannot be reached", "passing"),
    26: ("handset memory full", "passing"),
    27: ("handset cannot receive messages", "lasting"),
    28: ("handset failed to receive", "passing"),
    29: ("unknown user", "lasting"),
    30: ("function not provided", "lasting"),
    31: ("illegal device", "lasting"),
    32: ("system failure", "nothing"),
    33: ("queue of the SMSC full", "nothing"),
}

# State of a report (2.4): code -> (meaning, outcome).
STATES: dict[int, tuple[str, str]] = {
    0: ("delivered", "delivered"),
    1: ("waiting", "intermediate"),
    2: ("failed", "failed"),
}

# A report as one word (`stat_of`), in the vocabulary of the other protocols (5).
STATS: dict[str, tuple[str, str]] = {
    "DELIVRD": ("delivered", "delivered"),
    "ENROUTE": ("waiting", "intermediate"),
}
STAT_PREFIXES: dict[str, str] = {
    "EC": "failed, with this ErrorCode",
    "ST": "a State that SGIP 1.2 does not have",
}

# UserCondition of a USERRPT (2.4).
CONDITIONS: dict[int, str] = {
    0: "account closed",
    1: "suspended for debt",
    2: "restored",
}

# What a SUBMIT's ReportFlag (2.4, field 15) asks for, in the values that the other protocols use
# for it: 0 no report, 1 a report, 2 a report if it fails in the end.
REGISTERED: dict[int, int] = {0: 2, 1: 1, 2: 0, 3: 1}
REPORT_FLAGS: dict[int, int] = {0: 2, 1: 1, 2: 0}


def result_meaning(code: int) -> tuple[str, str]:
    """(meaning, what we do) of any result. Codes the table lacks refuse."""
    return RESULTS.get(code, (f"vendor or unknown code {code}", "refused"))


def stat_of(state: int, error_code: int) -> str:
    """State and ErrorCode as one word of seven characters: DELIVRD, ENROUTE, "EC:0025" for a
    failure with its code, "ST:0007" for a state that the protocol does not have."""
    if state == 0:
        return "DELIVRD"
    if state == 1:
        return "ENROUTE"
    return f"EC:{error_code:04}" if state == 2 else f"ST:{state:04}"


def stat_outcome(stat: str) -> str:
    """ "delivered", "failed" or "intermediate", of a word that `stat_of` made."""
    known = STATS.get(stat)
    return known[1] if known else "failed"
