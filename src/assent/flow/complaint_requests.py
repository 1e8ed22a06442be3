"""What callers hand in about complaints, as typed structures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class ReceiverComplaint(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/complaints: what a receiver complained of to a sender, or to the operator.

    `to`: her number. `sender`: credit code; staff may name the `port` instead. `at`: when she
    complained, with a zone; now if not given. `text`: what she was sent, as she says. `words`: what
    she says about it. `reference`: the caller's own number of it, by which the same is known again.
    """

    to: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    sender: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    port: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{3,25}$")] | None = None
    at: datetime | None = None
    text: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    words: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    reference: Annotated[str, msgspec.Meta(pattern=r"^[\w.:/-]{1,80}$")] | None = None


class ComplaintWords(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/complaints/{id}/answer, /forward, /note: what is said. An answer is what who
    complained reads; what is forwarded is what the customer reads."""

    words: Words


class ComplaintEnd(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/complaints/{id}/not-ours: why nobody of this platform's sent it."""

    words: Words


REQUESTS = (ReceiverComplaint, ComplaintWords, ComplaintEnd)

StateWord = Literal["open", "forwarded", "answered", "not_ours"]
SourceWord = Literal["receiver", "telephone", "reply", "carrier", "12321", "api"]
