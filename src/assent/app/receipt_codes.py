"""Short codes by which receivers look something up."""

from __future__ import annotations

import secrets
from typing import Final

_CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def receipt_code() -> str:
    """Return a short code by which a person can look a refusal up."""
    return "".join(secrets.choice(_CODE_ALPHABET) for _ in range(8))
