"""Status codes and delivery states of MM7 (3GPP TS 23.140, 8.7), and what they mean for a message
of ours.

`throttled`, `elsewhere`, `refused` and `unsure` are as in `kit.Verdicts`. What a code leaves open
is `unsure`: a message that the centre may have taken is never posted again where that would bother
its receiver twice.
"""

from __future__ import annotations

from typing import Final

SUCCESS: Final = 1000
PARTIAL: Final = 1100
CLIENT_ERROR: Final = 2000
FORMAT_CORRUPT: Final = 2007
IMPROPER_IDENTIFICATION: Final = 4001
UNSUPPORTED_OPERATION: Final = 4003
VALIDATION_ERROR: Final = 4004
UNAVAILABLE: Final = 4006

RESULTS: Final[dict[int, tuple[str, str]]] = {
    1000: ("Success", "accepted"),
    1100: ("Partial success", "accepted"),  # of one receiver: the centre has it
    2000: ("Client error", "refused"),
    2001: ("Operation restricted", "refused"),
    2002: ("Address Error", "refused"),
    2003: ("Address Not Found", "refused"),
    2004: ("Multimedia content refused", "refused"),
    2005: ("Message ID Not found", "refused"),
    2006: ("LinkedID not found", "refused"),
    2007: ("Message format corrupt", "refused"),
    2008: ("Application ID not found", "refused"),
    2009: ("Reply Application ID not found", "refused"),
    3000: ("Server Error", "unsure"),
    3001: ("Not Possible", "refused"),
    3002: ("Message rejected", "refused"),
    3003: ("Multiple addresses not supported", "refused"),
    3004: ("Application Addressing not supported", "refused"),
    4000: ("General service error", "unsure"),
    4001: ("Improper identification", "elsewhere"),
    4002: ("Unsupported version", "elsewhere"),
    4003: ("Unsupported operation", "elsewhere"),
    4004: ("Validation error", "refused"),
    4005: ("Service error", "unsure"),
    4006: ("Service unavailable", "throttled"),
    4007: ("Service denied", "elsewhere"),
    4008: ("Application denied", "refused"),
}
"""Code → (its words, what it means). A code that is not here refuses."""

HTTP: Final = 100_000
"""Added to the status of an HTTP answer that holds no MM7 answer; alone: no connection was made."""

NOT_CONNECTED: Final = HTTP

HTTP_RESULTS: Final[dict[int, str]] = {
    NOT_CONNECTED: "elsewhere",  # not an octet has left
    **dict.fromkeys((HTTP + 401, HTTP + 403, HTTP + 404, HTTP + 405, HTTP + 407), "elsewhere"),
    **dict.fromkeys((HTTP + 429, HTTP + 503), "throttled"),
    # Somebody between us and the centre may say so of a post that the centre has taken.
    **dict.fromkeys((HTTP + 408, HTTP + 500, HTTP + 502, HTTP + 504), "unsure"),
    **dict.fromkeys(range(HTTP + 200, HTTP + 300), "unsure"),
}
"""The same for HTTP's own answers (RFC 9110, 15). Any other one refuses."""

MEANINGS: Final[dict[int, str]] = {
    **{code: meaning for code, (_, meaning) in RESULTS.items() if meaning != "accepted"},
    **HTTP_RESULTS,
}

STATS: Final[dict[str, str]] = {
    "retrieved": "DELIVRD",
    "forwarded": "ACCEPTD",  # handed on: another report follows, or none
    "deferred": "ENROUTE",  # the receiver put it off, and may fetch it yet
    "expired": "EXPIRED",
    "rejected": "REJECTD",
    "indeterminate": "UNKNOWN",
    "unreachable": "UNDELIV",
    "unrecognised": "UNDELIV",
    "unrecognized": "UNDELIV",
}
"""MMStatus in small letters → the word of the other dialects' reports (flow reads those). Any
other one is UNDELIV."""

STATUS_OF: Final[dict[str, str]] = {
    "DELIVRD": "Retrieved",
    "ACCEPTD": "Forwarded",
    "ENROUTE": "Deferred",
    "EXPIRED": "Expired",
    "REJECTD": "Rejected",
}
"""The way back, for a simulated centre; any other word is Indeterminate."""


def words(code: int) -> str:
    """Return a code's words as the specification has them."""
    return RESULTS[code][0] if code in RESULTS else "Error"
