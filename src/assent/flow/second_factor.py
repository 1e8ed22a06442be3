"""The second factor: codes by time (RFC 6238) from an application, and codes for who lost it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S: Final = 30
DIGITS: Final = 6
RECOVERY_CODES: Final = 10
_SECRET_OCTETS: Final = 20
_LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32, none like another
_GROUP: Final = 5


def new_secret(random: Callable[[int], bytes]) -> bytes:
    """Return a secret for an authenticator application."""
    return random(_SECRET_OCTETS)


def shown(secret: bytes) -> str:
    """Return a secret as applications take it."""
    return base64.b32encode(secret).decode()


def address(secret: bytes, email: str, issuer: str = "assent") -> str:
    """Return the address that applications read from a square code."""
    label = quote(f"{issuer}:{email}", safe="")
    return (
        f"otpauth://totp/{label}?secret={shown(secret)}&issuer={quote(issuer)}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_S}"
    )


def code_at(secret: bytes, step: int) -> str:
    """Return the code of a step of time."""
    hashing = SHA1()  # noqa: S303  what applications compute; HMAC stands without what is weak in it
    generator = TOTP(secret, DIGITS, hashing, STEP_S, enforce_key_length=False)
    return generator.generate(step * STEP_S).decode()


def step_of(secret: bytes, code: str, now: float, after: int) -> int | None:
    """Return the step of time that a code is of: this one, the one before or the next, but later
    than `after`, for no code works twice. None for a wrong code."""
    given = code.strip().replace(" ", "")
    if not given.isascii():
        return None
    current = int(now // STEP_S)
    found = None
    for step in (current - 1, current, current + 1):
        if hmac.compare_digest(code_at(secret, step), given) and step > after:
            found = step
    return found


def new_recovery_codes(random: Callable[[int], bytes]) -> list[str]:
    """Return codes of 50 random bits each, to be shown once."""
    codes = []
    for _ in range(RECOVERY_CODES):
        letters = [_LETTERS[octet % 32] for octet in random(2 * _GROUP)]
        codes.append("".join(letters[:_GROUP]) + "-" + "".join(letters[_GROUP:]))
    return codes


def plain(code: str) -> str:
    """Return a recovery code without what people add or change."""
    return code.strip().upper().replace("-", "").replace(" ", "")
