"""SMGP's status codes and the words of its reports, as tables (facts: SMGP 3.7, 3.12)."""

from __future__ import annotations

# Status of a Submit_Resp or Deliver_Resp (3.12): code -> (meaning, what we do). Those that only
# routes and prepaid accounts know stand here too, since a gateway may answer with any.
RESULTS: dict[int, tuple[str, str]] = {
    0: ("accepted", "accepted"),
    1: ("system busy", "throttled"),
    2: ("too many connections", "throttled"),
    10: ("wrong structure", "refused"),
    11: ("wrong command", "refused"),
    12: ("sequence repeated", "unsure"),
    20: ("wrong IP address", "refused"),
    21: ("authentication failed", "refused"),
    22: ("version too high", "refused"),
    30: ("wrong MsgType", "refused"),
    31: ("wrong Priority", "refused"),
    32: ("wrong FeeType", "refused"),
    33: ("wrong FeeCode", "refused"),
    34: ("wrong MsgFormat", "refused"),
    35: ("wrong time format", "refused"),
    36: ("wrong MsgLength", "refused"),
    37: ("expired", "refused"),
    38: ("wrong QueryType", "refused"),
    39: ("route error", "refused"),
    40: ("wrong FixedFee", "refused"),
    41: ("wrong UpdateType", "refused"),
    42: ("wrong RouteId", "refused"),
    43: ("wrong ServiceId", "refused"),
    44: ("wrong ValidTime", "refused"),
    45: ("wrong AtTime", "refused"),
    46: ("wrong SrcTermId", "refused"),
    47: ("wrong DestTermId", "refused"),
    48: ("wrong ChargeTermId", "refused"),
    49: ("wrong SPCode", "refused"),
    56: ("wrong source gateway", "refused"),
    57: ("wrong query number", "refused"),
    58: ("no route", "refused"),
    59: ("wrong SPType", "refused"),
    60: ("wrong LastRouteID", "refused"),
    61: ("wrong RouteType", "refused"),
    62: ("wrong destination gateway id", "refused"),
    63: ("wrong destination gateway address", "refused"),
    64: ("wrong destination gateway port", "refused"),
    65: ("wrong number range", "refused"),
    66: ("wrong province", "refused"),
    67: ("wrong user type", "refused"),
    68: ("this node does not update routes", "refused"),
    69: ("wrong SPID", "refused"),
    70: ("wrong SPAccessType", "refused"),
    71: ("route update failed", "refused"),
    72: ("wrong Time", "refused"),
    73: ("wrong MServiceID", "refused"),
    74: ("the SP may not send at this time of day", "refused"),
    75: ("the SP is over its daily volume", "refused"),
    76: ("the SP's account has expired", "refused"),
}

# Stat of a report (3.7): string -> (meaning, outcome).
STATS: dict[str, tuple[str, str]] = {
    "DELIVRD": ("delivered", "delivered"),
    "EXPIRED": ("validity over", "failed"),
    "DELETED": ("deleted", "failed"),
    "UNDELIV": ("undeliverable", "failed"),
    "ACCEPTD": ("accepted, on its way", "intermediate"),
    "UNKNOWN": ("invalid", "failed"),
    "REJECTD": ("rejected", "failed"),
}

# Err of a report (3.7): code -> (meaning, the Stat it comes with, what it says of the number).
REPORT_ERRORS: dict[str, tuple[str, str, str]] = {
    "000": ("no error", "DELIVRD", "nothing"),
    "001": ("unreachable", "EXPIRED", "passing"),
    "002": ("busy", "EXPIRED", "passing"),
    "003": ("no such terminal part", "UNDELIV", "lasting"),
    "004": ("illegal user", "UNDELIV", "lasting"),
    "005": ("user in the carrier's blacklist", "UNDELIV", "lasting"),
    "006": ("system error", "UNDELIV", "nothing"),
    "007": ("memory full", "EXPIRED", "passing"),
    "008": ("not a message terminal", "UNDELIV", "lasting"),
    "009": ("data error", "UNDELIV", "nothing"),
    "010": ("data lost", "UNDELIV", "nothing"),
    "999": ("unknown", "UNKNOWN", "nothing"),
}


def result_meaning(code: int) -> tuple[str, str]:
    """(meaning, what we do) of any status. Codes the table lacks refuse: 128-255 are a vendor's
    own."""
    return RESULTS.get(code, (f"vendor or unknown code {code}", "refused"))


def stat_outcome(stat: str) -> str:
    """ "delivered", "failed" or "intermediate". Whatever is not DELIVRD or ACCEPTD counts as
    failed; the raw text is kept by the caller."""
    known = STATS.get(stat)
    return known[1] if known else "failed"
