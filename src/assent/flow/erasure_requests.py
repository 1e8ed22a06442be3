"""What is asked about people who are to be forgotten, and about consents that end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, Literal

import msgspec


class ErasureRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Staff erase a person who asked for it elsewhere than on the receivers' page.

    `ground`: how she asked, and how it was seen that the number is hers. `keep_mark`: False only
    where she was told that without the mark customers' lists can bring her back, and declined it.
    """

    recipient: str
    ground: str
    channel: Literal["voice", "paper", "counter", "mail"]
    keep_mark: bool = True


class HoldRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Keep what is known of a person. `why`: the court's or authority's reference. Without `until`
    it is kept until the hold is lifted."""

    recipient: str
    why: str
    until: datetime | None = None


class ReassignmentRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Numbers that have a new holder, as a carrier's file of a day says. `sure`: close also people
    who did something themselves after that day."""

    source: str
    dated: date
    numbers: list[str]
    sure: bool = False


class RelationEnd(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A relation is over: consents of some people (`to`), or of everybody, in a programme of a
    sender, or in all of its programmes, expire."""

    sender: str
    programme: str | None = None
    to: list[str] | None = None


REQUESTS: Final = (ErasureRequest, HoldRequest, ReassignmentRequest, RelationEnd)
"""All of them, for the description of the API."""
