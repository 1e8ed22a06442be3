"""What may be asked about money, as it is decoded from JSON. Amounts are whole micro-units."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec

_SHOWN = r"^[^\x00-\x1f\x7f]*$"
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_SHOWN)]
Maybe = Annotated[str, msgspec.Meta(max_length=64, pattern=_SHOWN)]
Amount = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")]
Month = Annotated[str, msgspec.Meta(pattern="^20[0-9]{2}-(0[1-9]|1[0-2])$")]
PurposeWord = Literal["verification", "notification", "marketing", "internal", "system"]
Channel = Literal["sms", "video"]


class LimitsRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Limits that an account sets for itself, or for a sub-account of its own. A limit that is
    left out stays; null takes it away."""

    account: Word | None = None
    daily_limit_micro: Amount | msgspec.UnsetType | None = msgspec.UNSET
    alert_below_micro: Amount | msgspec.UnsetType | None = msgspec.UNSET


class AllotRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Give a sub-account part of one's own balance, or (negative) take it back. `reference`: once
    for each; the same again does nothing more."""

    account: Word
    amount_micro: Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
    reference: Word


class IntentRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Say that one will pay."""

    amount_micro: Annotated[int, msgspec.Meta(ge=1, le=10**15)]


class TermsRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Terms of an account; what is left out stays. `charge_on` holds from `from_day`, `plan` from
    `from_month`."""

    account: Word
    credit_limit_micro: Amount | None = None
    currency: Currency | None = None
    parent: Word | None = None
    charge_on: Literal["accepted", "delivered"] | None = None
    from_day: date | None = None
    plan: Word | None = None
    from_month: Month | None = None


class TierFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A tier: from so many segments a month on, this price each."""

    from_segments: Annotated[int, msgspec.Meta(ge=0, le=10**15)]
    micro: Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class LineFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A line of a plan. Without purpose or carrier: any."""

    tiers: Annotated[list[TierFile], msgspec.Meta(min_length=1, max_length=50)]
    purpose: PurposeWord | None = None
    carrier: Maybe = ""
    channel: Channel = "sms"


class PlanRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A price plan. It never changes; another one is another name."""

    name: Word
    lines: Annotated[list[LineFile], msgspec.Meta(min_length=1, max_length=200)]
    currency: Currency = "CNY"


class RateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What a carrier asks for a segment from a day on. Without port or purpose: any."""

    carrier: Word
    from_day: date
    micro: Amount
    port: Maybe = ""
    purpose: PurposeWord | None = None
    channel: Channel = "sms"
    currency: Currency = "CNY"


class PackageRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Segments bought from a carrier for a time. `rebate_bp`: hundredths of a percent of their
    price that come back."""

    carrier: Word
    from_day: date
    to_day: date
    segments: Annotated[int, msgspec.Meta(ge=1, le=10**13)]
    micro: Amount
    rebate_bp: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 0
    port: Maybe = ""
    purpose: PurposeWord | None = None
    channel: Channel = "sms"
    currency: Currency = "CNY"


class RebateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an agent is to get for each segment of an account, at most so much a month. `end_micro`:
    what the end customer pays for it, as the agent declares."""

    agent: Word
    account: Word
    micro: Annotated[int, msgspec.Meta(ge=1, le=10**12)]
    cap_micro: Annotated[int, msgspec.Meta(ge=1, le=10**15)]
    end_micro: Amount
    from_month: Month
    to_month: Month


class ComplaintRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Messages that people complained of, or refused after: no agent is paid for them."""

    messages: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10_000)]
    reason: Literal["refused", "complained"] = "complained"


class ThroughRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Pay agents what they are owed for every month until this one."""

    through: Month


class HeldRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be done with a held line; `account` where it goes, if that is not its intent's."""

    account: Word | None = None


class NoticeLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A payment that a payment port tells of. `amount`: written like 1234.56."""

    id: Word
    booked_on: date
    amount: Word
    currency: Currency
    payer: Annotated[str, msgspec.Meta(max_length=200)]
    kind: Literal["credit", "return"] = "credit"
    payer_account: Annotated[str, msgspec.Meta(max_length=100)] = ""
    text: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    original: Annotated[str, msgspec.Meta(max_length=200)] = ""


class NoticeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A notice of a payment port."""

    lines: Annotated[list[NoticeLine], msgspec.Meta(min_length=1, max_length=1_000)]


STRUCTS = (
    LimitsRequest,
    AllotRequest,
    IntentRequest,
    TermsRequest,
    PlanRequest,
    RateRequest,
    PackageRequest,
    RebateRequest,
    ComplaintRequest,
    ThroughRequest,
    HeldRequest,
    NoticeRequest,
)
