"""SMPP 3.4 as tables: commands and the fields of their bodies, each with its clause.

Source: SMPP 3.4 issue 1.2, as read in facts/protocols.md (SMPP 4.2-4.4); the clauses are the
specification's. Its maxima are widened where the field is full of longer ones: passwords, system
ids, service types (the specification's own stand beside). Optional parameters are read after every
body, since 5.0 peers put them there.
"""

from __future__ import annotations

from typing import Final

from assent.wire import smpp_codes as codes
from assent.wire.frame import Layout
from assent.wire.smpp_fields import STEPS

HEADER = 16
ANSWER = 0x80000000
V33, V34 = 0x33, 0x34

# Command ids (5.1.2; facts: SMPP 4.3).
BIND_RECEIVER, BIND_TRANSMITTER, BIND_TRANSCEIVER, OUTBIND = 0x01, 0x02, 0x09, 0x0B
QUERY_SM, SUBMIT_SM, DELIVER_SM, UNBIND, REPLACE_SM, CANCEL_SM = 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
ENQUIRE_LINK, SUBMIT_MULTI, ALERT_NOTIFICATION, DATA_SM = 0x15, 0x21, 0x102, 0x103
GENERIC_NACK = ANSWER

# Rows are (field, notation, clause); notation as in frame.py and smpp_fields.py.
Row = tuple[str, str, str]

_TLVS: Row = ("tlvs", "TLV4", "3.2.4")
_MESSAGE_ID: Row = ("message_id", "C65", "5.2.23")


def _address(prefix: str, width: int, name: str, clause: str) -> tuple[Row, ...]:
    return (
        (f"{prefix}_ton", "U1", "5.2.5"),
        (f"{prefix}_npi", "U1", "5.2.6"),
        (name, f"C{width}", clause),
    )


_SOURCE = _address("source_addr", 21, "source_addr", "5.2.8")
_DESTINATION = _address("dest_addr", 21, "destination_addr", "5.2.9")

BIND_ROWS: tuple[Row, ...] = (  # 4.1.1, 4.1.3, 4.1.5
    ("system_id", "C64", "5.2.1"),  # the specification: 16
    ("password", "C64", "5.2.2"),  # the specification: 9
    ("system_type", "C13", "5.2.3"),
    ("interface_version", "U1", "5.2.4"),
    *_address("addr", 41, "address_range", "5.2.7"),
    _TLVS,
)
BIND_RESP_ROWS: tuple[Row, ...] = (("system_id", "CE64", "5.2.1"), _TLVS)  # 4.1.2, 4.1.4, 4.1.6
OUTBIND_ROWS: tuple[Row, ...] = (BIND_ROWS[0], BIND_ROWS[1])  # 4.1.7
_CONTENT: tuple[Row, ...] = (
    ("sm_length", "U1", "5.2.21"),
    ("short_message", "BYTES:sm_length", "5.2.22"),
)
_DELIVERY: tuple[Row, ...] = (
    ("esm_class", "U1", "5.2.12"),
    ("protocol_id", "U1", "5.2.13"),
    ("priority_flag", "U1", "5.2.14"),
    ("schedule_delivery_time", "T17", "5.2.15"),
    ("validity_period", "T17", "5.2.16"),
    ("registered_delivery", "U1", "5.2.17"),
    ("replace_if_present_flag", "U1", "5.2.18"),
    ("data_coding", "U1", "5.2.19"),
    ("sm_default_msg_id", "U1", "5.2.20"),
    *_CONTENT,
    _TLVS,
)
_SERVICE: Row = ("service_type", "C21", "5.2.11")  # the specification: 6
MESSAGE_ROWS: tuple[Row, ...] = (_SERVICE, *_SOURCE, *_DESTINATION, *_DELIVERY)  # 4.4.1, 4.6.1
SUBMIT_RESP_ROWS: tuple[Row, ...] = (("message_id", "CE65", "5.2.23"), _TLVS)  # 4.4.2, 4.6.2, 4.7.2
MULTI_ROWS: tuple[Row, ...] = (  # 4.5.1
    _SERVICE,
    *_SOURCE,
    ("number_of_dests", "U1", "5.2.24"),
    ("destinations", "DEST0*number_of_dests", "4.5.1.1"),
    *_DELIVERY,
)
MULTI_RESP_ROWS: tuple[Row, ...] = (  # 4.5.2
    _MESSAGE_ID,
    ("no_unsuccess", "U1", "5.2.26"),
    ("unsuccess_sme", "FAIL0*no_unsuccess", "4.5.2.1"),
    _TLVS,
)
DATA_ROWS: tuple[Row, ...] = (  # 4.7.1
    _SERVICE,
    *_address("source_addr", 65, "source_addr", "5.2.8"),
    *_address("dest_addr", 65, "destination_addr", "5.2.9"),
    ("esm_class", "U1", "5.2.12"),
    ("registered_delivery", "U1", "5.2.17"),
    ("data_coding", "U1", "5.2.19"),
    _TLVS,
)
QUERY_ROWS: tuple[Row, ...] = (_MESSAGE_ID, *_SOURCE, _TLVS)  # 4.8.1
QUERY_RESP_ROWS: tuple[Row, ...] = (  # 4.8.2
    _MESSAGE_ID,
    ("final_date", "T17", "7.1.1"),
    ("message_state", "U1", "5.2.28"),
    ("error_code", "U1", "4.8.2"),
    _TLVS,
)
CANCEL_ROWS: tuple[Row, ...] = (_SERVICE, _MESSAGE_ID, *_SOURCE, *_DESTINATION, _TLVS)  # 4.9.1
REPLACE_ROWS: tuple[Row, ...] = (  # 4.10.1
    _MESSAGE_ID,
    *_SOURCE,
    ("schedule_delivery_time", "T17", "5.2.15"),
    ("validity_period", "T17", "5.2.16"),
    ("registered_delivery", "U1", "5.2.17"),
    ("sm_default_msg_id", "U1", "5.2.20"),
    *_CONTENT,
    _TLVS,
)
ALERT_ROWS: tuple[Row, ...] = (  # 4.12.1
    *_address("source_addr", 65, "source_addr", "5.2.8"),
    *_address("esme_addr", 65, "esme_addr", "5.2.10"),
    _TLVS,
)
_TAIL: tuple[Row, ...] = (_TLVS,)

# command -> (name, clause, rows).
COMMANDS: Final[dict[int, tuple[str, str, tuple[Row, ...]]]] = {
    BIND_TRANSMITTER: ("bind_transmitter", "4.1.1", BIND_ROWS),
    BIND_TRANSMITTER | ANSWER: ("bind_transmitter_resp", "4.1.2", BIND_RESP_ROWS),
    BIND_RECEIVER: ("bind_receiver", "4.1.3", BIND_ROWS),
    BIND_RECEIVER | ANSWER: ("bind_receiver_resp", "4.1.4", BIND_RESP_ROWS),
    BIND_TRANSCEIVER: ("bind_transceiver", "4.1.5", BIND_ROWS),
    BIND_TRANSCEIVER | ANSWER: ("bind_transceiver_resp", "4.1.6", BIND_RESP_ROWS),
    OUTBIND: ("outbind", "4.1.7", OUTBIND_ROWS),
    UNBIND: ("unbind", "4.2.1", ()),
    UNBIND | ANSWER: ("unbind_resp", "4.2.2", ()),
    GENERIC_NACK: ("generic_nack", "4.3.1", ()),
    SUBMIT_SM: ("submit_sm", "4.4.1", MESSAGE_ROWS),
    SUBMIT_SM | ANSWER: ("submit_sm_resp", "4.4.2", SUBMIT_RESP_ROWS),
    SUBMIT_MULTI: ("submit_multi", "4.5.1", MULTI_ROWS),
    SUBMIT_MULTI | ANSWER: ("submit_multi_resp", "4.5.2", MULTI_RESP_ROWS),
    DELIVER_SM: ("deliver_sm", "4.6.1", MESSAGE_ROWS),
    DELIVER_SM | ANSWER: ("deliver_sm_resp", "4.6.2", SUBMIT_RESP_ROWS),
    DATA_SM: ("data_sm", "4.7.1", DATA_ROWS),
    DATA_SM | ANSWER: ("data_sm_resp", "4.7.2", SUBMIT_RESP_ROWS),
    QUERY_SM: ("query_sm", "4.8.1", QUERY_ROWS),
    QUERY_SM | ANSWER: ("query_sm_resp", "4.8.2", QUERY_RESP_ROWS),
    CANCEL_SM: ("cancel_sm", "4.9.1", CANCEL_ROWS),
    CANCEL_SM | ANSWER: ("cancel_sm_resp", "4.9.2", _TAIL),
    REPLACE_SM: ("replace_sm", "4.10.1", REPLACE_ROWS),
    REPLACE_SM | ANSWER: ("replace_sm_resp", "4.10.2", _TAIL),
    ENQUIRE_LINK: ("enquire_link", "4.11.1", ()),
    ENQUIRE_LINK | ANSWER: ("enquire_link_resp", "4.11.2", ()),
    ALERT_NOTIFICATION: ("alert_notification", "4.12.1", ALERT_ROWS),
}

LAYOUTS: Final[dict[int, Layout]] = {
    command: Layout((row[:2] for row in rows), STEPS) for command, (_, _, rows) in COMMANDS.items()
}

# A submit_multi to 254 receivers with a message_payload of 65,535 octets, and 4 KiB of other
# optional parameters: whoever announces more is cut off before any of it is kept.
MAXIMUM = HEADER + 254 * 24 + 4 + 0xFFFF + 4096
LONGEST_SHORT_MESSAGE = 254  # 5.2.22

DECLINED: Final = {
    QUERY_SM: codes.RQUERYFAIL,
    CANCEL_SM: codes.RCANCELFAIL,
    REPLACE_SM: codes.RREPLACEFAIL,
}
"""The status with which each question is declined (5.1.3)."""


def command_name(command: int) -> str:
    """The specification's name of a command, or its number."""
    known = COMMANDS.get(command)
    return known[0] if known else f"{command:#010x}"
