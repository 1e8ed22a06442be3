"""What is asked about the ledger and of carriers' bills: the bodies of requests."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final

import msgspec

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]{3,24}$")]
Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 50)]


class ResumeRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Staff say that what a restored backup lacked is back, and why they think so."""

    reason: Words


class BillLine(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a carrier carried for a port: segments."""

    port: Digits
    segments: Count


class BillRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A carrier's bill of a day of the country's calendar, by port."""

    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    day: date
    lines: Annotated[list[BillLine], msgspec.Meta(min_length=1, max_length=20_000)]


REQUESTS: Final = (ResumeRequest, BillRequest)
