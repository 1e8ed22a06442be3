"""The programme of an organisation's internal messages: what its members agree to."""

from __future__ import annotations

from typing import Final

from assent.consent.entry import purpose_mask
from assent.errors import Conflict
from assent.flow.needs import Transaction, utc
from assent.message import Purpose

NAME: Final = "internal"
KINDS: Final = "本组织内部通知"
FREQUENCY: Final = "每天至多五条"
PERIOD: Final = "直至退出"
WORDING: Final = "invitation-1"
"""Version of the words by which people are asked (flow/invitations.py)."""

INTERNAL: Final = purpose_mask(Purpose.INTERNAL)


async def internal_programme(tx: Transaction, sender: int, at: float) -> int:
    """Return the id of a sender's programme for internal messages, made when there is none."""
    words = (KINDS, FREQUENCY, PERIOD, WORDING)
    row = await tx.fetchrow("programme_internal", sender, NAME, INTERNAL, *words, utc(at))
    assert row is not None, "an upsert returns its row"
    if row["purposes"] != INTERNAL:
        raise Conflict(
            "programme_purpose", f"the sender has a programme {NAME} for something else",
            field="programme", rule="CN-08", mend="rename it, or name another in the application",
        )  # fmt: skip
    number: int = row["id"]
    return number
