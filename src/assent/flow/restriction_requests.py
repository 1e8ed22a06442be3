"""What staff hand in about restrictions, as typed structures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from assent.flow.port_requests import Digits, Short
from assent.flow.requests import PurposeWord

_WRITTEN = r"^[^\x00]*$"
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=_WRITTEN)]
EffectWord = Literal["defer", "hold", "reject"]


class RestrictionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/restrictions: whom it concerns (what is left out matches everything), what happens,
    why in both languages, and until when; without an end until it is lifted.

    `sender`: a credit code; with `whole_group` every sender of its group. `account`: a name.
    `port`: a number, on `carrier` or on all. `province`: a name of the number table. `category`: a
    code of docs/screening.md. `purposes`: none stands for all.
    """

    effect: EffectWord
    en: Reason
    zh: Reason
    reason: Reason
    sender: Short | None = None
    whole_group: bool = False
    account: Short | None = None
    port: Digits | None = None
    carrier: Short | None = None
    province: Short | None = None
    category: Short | None = None
    purposes: list[PurposeWord] = msgspec.field(default_factory=list)
    until: datetime | None = None


class RestrictionLift(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/restrictions/{id}/lift: why it is lifted."""

    reason: Reason


STRUCTS = (RestrictionRequest, RestrictionLift)
