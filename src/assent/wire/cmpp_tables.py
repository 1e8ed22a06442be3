"""CMPP 2.0 and 3.0 as tables: commands, fields, codes.

Source: QB-GF-028-2003 (CMPP 3.0.0) and its change history for 2.0, as read in facts/protocols.md;
the numbers beside the tables are sections of that sheet.
"""

from __future__ import annotations

from typing import NamedTuple

from assent.wire.frame import Layout

HEADER = 12
ANSWER = 0x80000000

# Command ids (1.3). FWD and the routing commands belong to gateways; they are known by name
# only, so that a log can say what arrived.
CONNECT, TERMINATE, SUBMIT, DELIVER = 1, 2, 4, 5
QUERY, CANCEL, ACTIVE_TEST = 6, 7, 8
COMMAND_NAMES = {
    CONNECT: "CONNECT",
    TERMINATE: "TERMINATE",
    SUBMIT: "SUBMIT",
    DELIVER: "DELIVER",
    QUERY: "QUERY",
    CANCEL: "CANCEL",
    ACTIVE_TEST: "ACTIVE_TEST",
    0x09: "FWD",
    0x10: "MT_ROUTE",
    0x11: "MO_ROUTE",
    0x12: "GET_MT_ROUTE",
    0x13: "MT_ROUTE_UPDATE",
    0x14: "MO_ROUTE_UPDATE",
    0x15: "PUSH_MT_ROUTE_UPDATE",
    0x16: "PUSH_MO_ROUTE_UPDATE",
    0x17: "GET_MO_ROUTE",
}

COUNTERS = (
    "mt_messages",  # MT_TLMsg: messages received from the SP
    "mt_users",  # MT_Tlusr: receivers of them
    "mt_succeeded",  # MT_Scs
    "mt_waiting",  # MT_WT
    "mt_failed",  # MT_FL
    "mo_succeeded",  # MO_Scs: messages delivered to the SP
    "mo_waiting",  # MO_WT
    "mo_failed",  # MO_FL
)

# Rows are (field, in 2.0, in 3.0); "-" means the version does not have it.
Row = tuple[str, str, str]

CONNECT_ROWS: tuple[Row, ...] = (  # 1.4
    ("user", "OS6", "OS6"),
    ("authenticator", "RAW16", "RAW16"),
    ("version", "U1", "U1"),
    ("timestamp", "U4", "U4"),
)
CONNECT_RESP_ROWS: tuple[Row, ...] = (  # 1.5
    ("status", "U1", "U4"),
    ("authenticator", "RAW16", "RAW16"),
    ("version", "U1", "U1"),
)
SUBMIT_ROWS: tuple[Row, ...] = (  # 1.7
    ("message_id", "U8", "U8"),
    ("pk_total", "U1", "U1"),
    ("pk_number", "U1", "U1"),
    ("registered", "U1", "U1"),
    ("level", "U1", "U1"),
    ("service_id", "OS10", "OS10"),
    ("fee_user_type", "U1", "U1"),
    ("fee_terminal", "OS21", "OS32"),
    ("fee_terminal_type", "-", "U1"),
    ("tp_pid", "U1", "U1"),
    ("udhi", "U1", "U1"),
    ("fmt", "U1", "U1"),
    ("msg_src", "OS6", "OS6"),
    ("fee_type", "OS2", "OS2"),
    ("fee_code", "OS6", "OS6"),
    ("valid_time", "OS17", "OS17"),
    ("at_time", "OS17", "OS17"),
    ("src_id", "OS21", "OS21"),
    ("destination_count", "U1", "U1"),
    ("destinations", "OS21*destination_count", "OS32*destination_count"),
    ("destination_type", "-", "U1"),
    ("length", "U1", "U1"),
    ("content", "BYTES:length", "BYTES:length"),
    ("reserve", "RAW8", "RAW20"),  # 3.0 calls it LinkID
)
DELIVER_ROWS: tuple[Row, ...] = (  # 1.9
    ("message_id", "U8", "U8"),
    ("destination", "OS21", "OS21"),
    ("service_id", "OS10", "OS10"),
    ("tp_pid", "U1", "U1"),
    ("udhi", "U1", "U1"),
    ("fmt", "U1", "U1"),
    ("source", "OS21", "OS32"),
    ("source_type", "-", "U1"),
    ("is_report", "U1", "U1"),
    ("length", "U1", "U1"),
    ("content", "BYTES:length", "BYTES:length"),
    ("reserve", "RAW8", "RAW20"),
)
REPORT_ROWS: tuple[Row, ...] = (  # 1.9, Msg_Content of a report
    ("message_id", "U8", "U8"),
    ("stat", "OS7", "OS7"),
    ("submit_time", "OS10", "OS10"),
    ("done_time", "OS10", "OS10"),
    ("destination", "OS21", "OS32"),
    ("smsc_sequence", "U4", "U4"),
)
ANSWER_ROWS: tuple[Row, ...] = (  # 1.8, 1.9
    ("message_id", "U8", "U8"),
    ("result", "U1", "U4"),
)
QUERY_ROWS: tuple[Row, ...] = (  # 1.11
    ("day", "OS8", "OS8"),
    ("query_type", "U1", "U1"),
    ("query_code", "OS10", "OS10"),
    ("reserve", "RAW8", "RAW8"),
)
QUERY_RESP_ROWS: tuple[Row, ...] = (  # 1.11
    ("day", "OS8", "OS8"),
    ("query_type", "U1", "U1"),
    ("query_code", "OS10", "OS10"),
    *((name, "U4", "U4") for name in COUNTERS),
)
CANCEL_ROWS: tuple[Row, ...] = (("message_id", "U8", "U8"),)  # 1.12
CANCEL_RESP_ROWS: tuple[Row, ...] = (("success_id", "U1", "U4"),)  # 1.12
ACTIVE_TEST_RESP_ROWS: tuple[Row, ...] = (("reserved", "U1", "U1"),)  # 1.13

_TABLES: dict[int, tuple[Row, ...]] = {
    CONNECT: CONNECT_ROWS,
    CONNECT | ANSWER: CONNECT_RESP_ROWS,
    TERMINATE: (),
    TERMINATE | ANSWER: (),
    SUBMIT: SUBMIT_ROWS,
    SUBMIT | ANSWER: ANSWER_ROWS,
    DELIVER: DELIVER_ROWS,
    DELIVER | ANSWER: ANSWER_ROWS,
    QUERY: QUERY_ROWS,
    QUERY | ANSWER: QUERY_RESP_ROWS,
    CANCEL: CANCEL_ROWS,
    CANCEL | ANSWER: CANCEL_RESP_ROWS,
    ACTIVE_TEST: (),
    ACTIVE_TEST | ANSWER: ACTIVE_TEST_RESP_ROWS,
}


def _column(rows: tuple[Row, ...], column: int) -> Layout:
    return Layout((row[0], row[column]) for row in rows if row[column] != "-")


LAYOUTS: dict[int, dict[int, Layout]] = {
    major: {command: _column(rows, column) for command, rows in _TABLES.items()}
    for major, column in ((2, 1), (3, 2))
}
REPORTS: dict[int, Layout] = {2: _column(REPORT_ROWS, 1), 3: _column(REPORT_ROWS, 2)}


class Note(NamedTuple):
    """What the specification calls a field, and where facts/protocols.md has it."""

    name: str
    clause: str


HEADER_NOTES: dict[str, Note] = {
    "length": Note("Total_Length", "1.2"),
    "command": Note("Command_Id", "1.2, 1.3"),
    "sequence": Note("Sequence_Id", "1.2"),
}
CLAUSES: dict[int, str] = {
    CONNECT: "1.4",
    CONNECT | ANSWER: "1.5",
    TERMINATE: "1.6",
    TERMINATE | ANSWER: "1.6",
    SUBMIT: "1.7",
    SUBMIT | ANSWER: "1.8",
    DELIVER: "1.9",
    DELIVER | ANSWER: "1.9",
    QUERY: "1.11",
    QUERY | ANSWER: "1.11",
    CANCEL: "1.12",
    CANCEL | ANSWER: "1.12",
    ACTIVE_TEST: "1.13",
    ACTIVE_TEST | ANSWER: "1.13",
}
"""command -> where facts/protocols.md has it."""
# The specification's words for the fields, in the order of the rows.
_WORDS: dict[int, str] = {
    CONNECT: "Source_Addr AuthenticatorSource Version Timestamp",
    CONNECT | ANSWER: "Status AuthenticatorISMG Version",
    SUBMIT: "Msg_Id Pk_total Pk_number Registered_Delivery Msg_level Service_Id Fee_UserType"
    " Fee_terminal_Id Fee_terminal_type TP_pId TP_udhi Msg_Fmt Msg_src FeeType FeeCode ValId_Time"
    " At_Time Src_Id DestUsr_tl Dest_terminal_Id Dest_terminal_type Msg_Length Msg_Content"
    " Reserve/LinkID",
    SUBMIT | ANSWER: "Msg_Id Result",
    DELIVER: "Msg_Id Dest_Id Service_Id TP_pid TP_udhi Msg_Fmt Src_terminal_Id Src_terminal_type"
    " Registered_Delivery Msg_Length Msg_Content Reserve/LinkID",
    DELIVER | ANSWER: "Msg_Id Result",
    QUERY: "Time Query_Type Query_Code Reserve",
    QUERY | ANSWER: "Time Query_Type Query_Code MT_TLMsg MT_Tlusr MT_Scs MT_WT MT_FL"
    " MO_Scs MO_WT MO_FL",
    CANCEL: "Msg_Id",
    CANCEL | ANSWER: "Success_Id",
    ACTIVE_TEST | ANSWER: "Reserved",
}


def _notes(rows: tuple[Row, ...], words: str, clause: str) -> dict[str, Note]:
    named = zip(rows, words.split(), strict=True)
    return {
        row[0]: Note(word, f"{clause}, field {place}") for place, (row, word) in enumerate(named, 1)
    }


NOTES: dict[int, dict[str, Note]] = {
    command: _notes(rows, _WORDS.get(command, ""), CLAUSES[command])
    for command, rows in _TABLES.items()
}
"""command -> field -> its name in the specification and its clause."""
REPORT_NOTES: dict[str, Note] = _notes(
    REPORT_ROWS, "Msg_Id Stat Submit_time Done_time Dest_terminal_Id SMSC_sequence", "1.9, report"
)
"""The same for a report, which is the content of a DELIVER."""

# The largest PDU the tables allow: a 3.0 SUBMIT to 99 receivers with 255 octets of content.
MAXIMUM = HEADER + LAYOUTS[3][SUBMIT].fixed_size + 99 * 32 + 255

# Status of CONNECT_RESP (1.5): code -> (meaning, what we do).
CONNECT_STATUS: dict[int, tuple[str, str]] = {
    0: ("accepted", "carry traffic"),
    1: ("wrong structure", "stop and tell the operator"),
    2: ("illegal source address", "stop and tell the operator"),
    3: ("authentication failed", "stop and tell the operator"),
    4: ("version too high", "try the version the peer names"),
    5: ("other error", "connect again later"),
}

# Result of SUBMIT_RESP and DELIVER_RESP (1.8): code -> (meaning, what we do).
RESULTS: dict[int, tuple[str, str]] = {
    0: ("accepted", "accepted"),
    1: ("wrong structure", "refused"),
    2: ("wrong command", "refused"),
    3: ("sequence repeated", "unsure"),
    4: ("wrong length", "refused"),
    5: ("wrong fee code", "refused"),
    6: ("over the maximum length", "refused"),
    7: ("wrong service code", "refused"),
    8: ("flow control", "throttled"),
    9: ("this gateway does not serve the paying number", "refused"),
    10: ("wrong Src_Id", "refused"),
    11: ("wrong Msg_src", "refused"),
    12: ("wrong Fee_terminal_Id", "refused"),
    13: ("wrong Dest_terminal_Id", "refused"),
}

# Stat of a report (1.10): string -> (meaning, outcome).
STATS: dict[str, tuple[str, str]] = {
    "DELIVRD": ("delivered", "delivered"),
    "EXPIRED": ("validity over", "failed"),
    "DELETED": ("deleted", "failed"),
    "UNDELIV": ("undeliverable", "failed"),
    "ACCEPTD": ("accepted, on its way", "intermediate"),
    "UNKNOWN": ("invalid", "failed"),
    "REJECTD": ("rejected", "failed"),
}

# Element to element errors "XX:nnnn" (1.10): prefix -> who says it.
STAT_PREFIXES: dict[str, str] = {
    "MA": "SMSC gave no response",
    "MB": "SMSC answered with an error",
    "MC": "no report from the SMSC",
    "CA": "SCP gave no response",
    "CB": "SCP answered with an error",
    "DA": "DSMP gave no response",
    "DB": "DSMP answered with an error",
    "SA": "SP gave no response",
    "SB": "SP answered with an error",
    "IA": "next gateway gave no response",
    "IB": "next gateway answered with an error",
    "IC": "no report from the next gateway",
}


def result_meaning(code: int) -> tuple[str, str]:
    """(meaning, what we do) of any result. Codes the table lacks refuse: 0-99 are the protocol's,
    100-199 a vendor's own."""
    return RESULTS.get(code, (f"vendor or unknown code {code}", "refused"))


def stat_outcome(stat: str) -> str:
    """ "delivered", "failed" or "intermediate". Carriers invent further codes; whatever is not
    DELIVRD or ACCEPTD counts as failed, and the raw text is kept by the caller."""
    known = STATS.get(stat)
    return known[1] if known else "failed"
