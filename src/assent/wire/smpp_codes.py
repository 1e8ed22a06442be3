"""SMPP's codes as tables: command_status, message states, kinds of address, esm_class.

Source: SMPP 3.4 issue 1.2 (clause numbers beside the tables), as read in facts/protocols.md
(SMPP 4.4-4.12). What 5.0 added is marked; it is tolerated, not spoken.
"""

from __future__ import annotations

from typing import Final

RINVMSGLEN, RINVCMDLEN, RINVCMDID, RINVBNDSTS, RALYBND = 0x01, 0x02, 0x03, 0x04, 0x05
RSYSERR, RINVSRCADR, RINVDSTADR, RINVMSGID = 0x08, 0x0A, 0x0B, 0x0C
RBINDFAIL, RINVPASWD, RINVSYSID, RMSGQFUL = 0x0D, 0x0E, 0x0F, 0x14
RINVSERTYP, RINVNUMDESTS, RINVDLNAME, RINVDESTFLAG = 0x15, 0x33, 0x34, 0x40
RSUBMITFAIL, RINVSYSTYP, RTHROTTLED, RINVSCHED, RINVEXPIRY = 0x45, 0x53, 0x58, 0x61, 0x62
RCANCELFAIL, RREPLACEFAIL, RQUERYFAIL, RINVDCS = 0x11, 0x13, 0x67, 0x104
RX_T_APPN, RINVOPTPARSTREAM, RUNKNOWNERR = 0x64, 0xC0, 0xFF

# command_status (5.1.3): code -> (name without "ESME_", meaning, what we do). "throttled": the
# same link later; "elsewhere": not our message's fault, another link may take it; "refused": the
# message will not be taken like this.
STATUS: Final[dict[int, tuple[str, str, str]]] = {
    0x00: ("ROK", "no error", "accepted"),
    0x01: ("RINVMSGLEN", "message length is wrong", "refused"),
    0x02: ("RINVCMDLEN", "command length is wrong", "refused"),
    0x03: ("RINVCMDID", "unknown command", "refused"),
    0x04: ("RINVBNDSTS", "not allowed in this bind state", "elsewhere"),
    0x05: ("RALYBND", "already bound", "elsewhere"),
    0x06: ("RINVPRTFLG", "wrong priority flag", "refused"),
    0x07: ("RINVREGDLVFLG", "wrong registered_delivery", "refused"),
    0x08: ("RSYSERR", "system error of the peer", "elsewhere"),
    0x0A: ("RINVSRCADR", "wrong source address", "refused"),
    0x0B: ("RINVDSTADR", "wrong destination address", "refused"),
    0x0C: ("RINVMSGID", "wrong message id", "refused"),
    0x0D: ("RBINDFAIL", "bind failed", "elsewhere"),
    0x0E: ("RINVPASWD", "wrong password", "elsewhere"),
    0x0F: ("RINVSYSID", "unknown system id", "elsewhere"),
    0x11: ("RCANCELFAIL", "cancel failed", "refused"),
    0x13: ("RREPLACEFAIL", "replace failed", "refused"),
    0x14: ("RMSGQFUL", "message queue is full", "throttled"),
    0x15: ("RINVSERTYP", "wrong service type", "refused"),
    0x33: ("RINVNUMDESTS", "wrong number of destinations", "refused"),
    0x34: ("RINVDLNAME", "wrong distribution list name", "refused"),
    0x40: ("RINVDESTFLAG", "wrong destination flag", "refused"),
    0x42: ("RINVSUBREP", "submit with replace is not supported", "refused"),
    0x43: ("RINVESMCLASS", "wrong esm_class", "refused"),
    0x44: ("RCNTSUBDL", "cannot submit to a distribution list", "refused"),
    0x45: ("RSUBMITFAIL", "submit failed", "refused"),
    0x48: ("RINVSRCTON", "wrong type of the source number", "refused"),
    0x49: ("RINVSRCNPI", "wrong plan of the source number", "refused"),
    0x50: ("RINVDSTTON", "wrong type of the destination number", "refused"),
    0x51: ("RINVDSTNPI", "wrong plan of the destination number", "refused"),
    0x53: ("RINVSYSTYP", "wrong system type", "elsewhere"),
    0x54: ("RINVREPFLAG", "wrong replace_if_present flag", "refused"),
    0x55: ("RINVNUMMSGS", "wrong number of messages", "refused"),
    0x58: ("RTHROTTLED", "over the allowed rate", "throttled"),
    0x61: ("RINVSCHED", "wrong scheduled delivery time", "refused"),
    0x62: ("RINVEXPIRY", "wrong validity period", "refused"),
    0x63: ("RINVDFTMSGID", "wrong predefined message", "refused"),
    0x64: ("RX_T_APPN", "receiver's temporary error", "elsewhere"),
    0x65: ("RX_P_APPN", "receiver's permanent error", "refused"),
    0x66: ("RX_R_APPN", "receiver rejects the message", "refused"),
    0x67: ("RQUERYFAIL", "query failed", "refused"),
    0xC0: ("RINVOPTPARSTREAM", "broken optional parameters", "refused"),
    0xC1: ("ROPTPARNOTALLWD", "optional parameter is not allowed", "refused"),
    0xC2: ("RINVPARLEN", "wrong parameter length", "refused"),
    0xC3: ("RMISSINGOPTPARAM", "expected optional parameter is missing", "refused"),
    0xC4: ("RINVOPTPARAMVAL", "wrong value of an optional parameter", "refused"),
    0xFE: ("RDELIVERYFAILURE", "delivery failed (data_sm_resp)", "refused"),
    0xFF: ("RUNKNOWNERR", "unknown error", "refused"),
    0x100: ("RSERTYPUNAUTH", "service type is not authorised (5.0)", "refused"),
    0x101: ("RPROHIBITED", "operation is prohibited (5.0)", "refused"),
    0x102: ("RSERTYPUNAVAIL", "service type is unavailable (5.0)", "elsewhere"),
    0x103: ("RSERTYPDENIED", "service type is denied (5.0)", "refused"),
    0x104: ("RINVDCS", "wrong data coding (5.0)", "refused"),
    0x105: ("RINVSRCADDRSUBUNIT", "wrong source subunit (5.0)", "refused"),
    0x106: ("RINVDSTADDRSUBUNIT", "wrong destination subunit (5.0)", "refused"),
}

THROTTLED: Final = frozenset(code for code, row in STATUS.items() if row[2] == "throttled")
"""Statuses that ask for a pause: the message may be offered again on the same link (facts: SMPP
4.1)."""

# The status that tells best which field is wrong, where one does.
FIELD_ANSWERS: Final[dict[str, int]] = {
    "system_id": RINVSYSID,
    "password": RINVPASWD,
    "system_type": RINVSYSTYP,
    "service_type": RINVSERTYP,
    "source_addr": RINVSRCADR,
    "destination_addr": RINVDSTADR,
    "schedule_delivery_time": RINVSCHED,
    "validity_period": RINVEXPIRY,
    "message_id": RINVMSGID,
    "short_message": RINVMSGLEN,
    "destinations": RINVNUMDESTS,
    "tlvs": RINVOPTPARSTREAM,
}

# message_state (5.2.28; facts: SMPP 4.10): value -> (name, the word of a receipt's text). 0 and 9
# are 5.0's. SCHEDULED has no word in a receipt; nothing happened yet, which ENROUTE says too.
MESSAGE_STATES: Final[dict[int, tuple[str, str]]] = {
    0: ("SCHEDULED", "ENROUTE"),
    1: ("ENROUTE", "ENROUTE"),
    2: ("DELIVERED", "DELIVRD"),
    3: ("EXPIRED", "EXPIRED"),
    4: ("DELETED", "DELETED"),
    5: ("UNDELIVERABLE", "UNDELIV"),
    6: ("ACCEPTED", "ACCEPTD"),
    7: ("UNKNOWN", "UNKNOWN"),
    8: ("REJECTED", "REJECTD"),
    9: ("SKIPPED", "SKIPPED"),
}

# Stat of a receipt's text (Appendix B; facts: SMPP 4.11): word -> (meaning, outcome).
STATS: Final[dict[str, tuple[str, str]]] = {
    "DELIVRD": ("delivered", "delivered"),
    "EXPIRED": ("validity over", "failed"),
    "DELETED": ("deleted", "failed"),
    "UNDELIV": ("undeliverable", "failed"),
    "ACCEPTD": ("accepted, on its way", "intermediate"),
    "ENROUTE": ("on its way", "intermediate"),
    "UNKNOWN": ("invalid", "failed"),
    "REJECTD": ("rejected", "failed"),
    "SKIPPED": ("skipped (5.0)", "failed"),
}

# esm_class (5.2.12; facts: SMPP 4.5).
UDHI, REPLY_PATH = 0x40, 0x80
MESSAGE_TYPE = 0x3C  # the bits that say what kind of message this is
RECEIPT, SME_ACK, USER_ACK, INTERMEDIATE = 0x04, 0x08, 0x10, 0x20

TYPES_OF_NUMBER: Final[dict[int, str]] = {  # 5.2.5
    0: "unknown",
    1: "international",
    2: "national",
    3: "network specific",
    4: "subscriber number",
    5: "alphanumeric",
    6: "abbreviated",
}
NUMBERING_PLANS: Final[dict[int, str]] = {  # 5.2.6
    0: "unknown",
    1: "E.164",
    3: "X.121",
    4: "telex",
    6: "E.212",
    8: "national",
    9: "private",
    10: "ERMES",
    14: "IP",
    18: "WAP",
}
DATA_CODINGS: Final[dict[int, str]] = {  # 5.2.19
    0: "SMSC default alphabet",
    1: "ASCII",
    2: "binary",
    3: "Latin-1",
    4: "binary",
    5: "JIS",
    6: "Cyrillic",
    7: "Latin/Hebrew",
    8: "UCS-2",
    9: "pictogram",
    10: "ISO-2022-JP",
    13: "extended kanji JIS",
    14: "KS C 5601",
}


def status_meaning(code: int) -> tuple[str, str, str]:
    """(name, meaning, what we do) of any command_status. What the table lacks refuses: 0x400 to
    0x4FF are a vendor's own (5.1.3)."""
    known = STATUS.get(code)
    if known is not None:
        return known
    kind = "vendor" if 0x400 <= code <= 0x4FF else "unknown"
    return f"{code:#010x}", f"{kind} status {code:#x}", "refused"


def stat_outcome(stat: str) -> str:
    """ "delivered", "failed" or "intermediate". A word that the table lacks counts as failed; the
    raw text is kept by the caller."""
    known = STATS.get(stat)
    return known[1] if known else "failed"


def data_coding_meaning(code: int) -> str:
    """Words for a data_coding, with the GSM groups of 0x10 to 0x1F and 0xC0 to 0xFF (facts: SMPP
    4.7)."""
    if code in DATA_CODINGS:
        return DATA_CODINGS[code]
    if code & 0xF0 == 0x10:
        alphabet = ("7-bit", "8-bit", "UCS-2", "reserved")[code >> 2 & 3]
        return f"{alphabet}, class {code & 3}"
    if code & 0xF0 == 0xF0:
        return f"{'8-bit' if code & 4 else '7-bit'}, class {code & 3}"
    return "message waiting" if 0xC0 <= code <= 0xDF else "reserved"
