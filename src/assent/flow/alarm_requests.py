"""What staff say of alarms, as typed structures."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Why = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class AlarmDismissal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/alarms/{id}/dismiss: why nothing is to be done. `was`: wrong (nothing lay behind
    it), or right (it is settled otherwise)."""

    reason: Why
    was: Literal["wrong", "right"] = "wrong"


class AlarmConfirmation(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/alarms/{id}/confirm: that something lies behind it. It stays open."""

    reason: Why


class CompletedCodes(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/codes/completed: messages whose codes were used, by their ids."""

    messages: Annotated[list[str], msgspec.Meta(min_length=1, max_length=1_000)]


REQUESTS = (AlarmDismissal, AlarmConfirmation, CompletedCodes)
