"""What callers hand in about asking people, as typed structures."""

from __future__ import annotations

from typing import Annotated

import msgspec

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Token = Annotated[str, msgspec.Meta(pattern=r"^cs_[A-Za-z0-9_-]{32}$")]


class ConsentSession(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/consents/sessions: one number is about to be entered in a sender's software."""

    sender: Code
    programme: Name


class ConsentQuestion(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/consents/requests: ask a person whether she agrees to a programme. Either `session`,
    the token of the session in which she entered her number, or `document`, the id of an accepted
    paper of kind consent_evidence. `place`: the network address or place where it was entered."""

    number: Number
    sender: Code
    programme: Name
    session: Token | None = None
    document: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")] | None = None
    place: Annotated[str, msgspec.Meta(max_length=200)] = ""


class ConsentLook(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/consents/look: how a number stands in the programmes of a sender."""

    number: Number
    sender: Code


class AskingRelease(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/consents/stops/{code}/release: let a sender ask again. `reason`: why, in words."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


STRUCTS = (ConsentSession, ConsentQuestion, ConsentLook, AskingRelease)
