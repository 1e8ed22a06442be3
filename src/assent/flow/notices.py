"""Notices of payment ports: signed, of now, taken once.

What is signed is `timestamp.nonce.body` with HMAC-SHA256 and the port's secret. A notice whose
timestamp is further than five minutes from our clock is refused; within them its nonce is kept, so
that the same notice is not taken twice.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from assent.errors import NotAllowed
from assent.flow.bank_lines import BankFile, BankLine, micro
from assent.flow.money_requests import NoticeRequest

TOLERANCE_S: Final = 300
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_TIME: Final = re.compile(r"[0-9]{9,11}")


def signature(secret: bytes, timestamp: str, nonce: str, body: bytes) -> str:
    """Return the header value that signs a notice."""
    signed = f"{timestamp}.{nonce}.".encode() + body
    return "v1=" + hmac.digest(secret, signed, hashlib.sha256).hex()


def check(secret: bytes, timestamp: str, nonce: str, given: str, body: bytes, now: float) -> None:
    """Raise NotAllowed (401) unless a notice is signed with the secret, and of now."""
    right = signature(secret, timestamp, nonce, body)
    good = hmac.compare_digest(right.encode(), given.encode("utf-8", "replace"))
    timely = _TIME.fullmatch(timestamp) is not None and abs(int(timestamp) - now) <= TOLERANCE_S
    if not (good and timely and _NONCE.fullmatch(nonce)):
        raise NotAllowed(
            "bad_signature", "the notice is not signed rightly, or not of now",
            field="Assent-Signature", rule="money: notices", status=401,
            mend="sign timestamp.nonce.body with the port's secret, and set the clock",
        )  # fmt: skip


def lines_of(request: NoticeRequest) -> BankFile:
    """Return what a notice tells of, as lines of a bank. Raises InvalidInput."""
    return BankFile(
        [
            BankLine(
                one.kind, one.id, one.booked_on, micro(one.amount, f"lines[{place}].amount"),
                one.currency, one.payer, one.payer_account, one.text,
                (one.original,) if one.original else (),
            )
            for place, one in enumerate(request.lines)
        ]
    )  # fmt: skip
