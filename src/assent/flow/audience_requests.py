"""What is asked of audiences from consent, of labels and of instructions, as typed structures."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from assent.flow.requests import RelationWord

CarrierWord = Literal["mobile", "unicom", "telecom", "broadnet"]
Word = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Words = Annotated[list[Word], msgspec.Meta(max_length=50)]
Prefix = Annotated[str, msgspec.Meta(pattern=r"^1[0-9]{2,6}$")]


class AudienceBuild(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/audiences/build: choose people who agreed to a programme.

    Words of one field are alternatives; every field that is given must hold. `segment`: how
    numbers begin. `label`: people with any of these labels; `without_label`: with none of these.
    `relation`: how these people stand to the sender, as for an upload. `count`: only tell how many.
    """

    sender: str
    programme: str
    name: Annotated[str, msgspec.Meta(max_length=200)] = "audience"
    relation: RelationWord | None = None
    carrier: Annotated[list[CarrierWord], msgspec.Meta(max_length=4)] = msgspec.field(
        default_factory=list
    )
    province: Words = msgspec.field(default_factory=list)
    city: Words = msgspec.field(default_factory=list)
    segment: Annotated[list[Prefix], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    label: Words = msgspec.field(default_factory=list)
    without_label: Words = msgspec.field(default_factory=list)
    count: bool = False


class LabelRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/labels: put people under a label, which is made by that if it is not there.

    `kind`: the one of the programme's declared kinds that covers its use. `origin`: how these facts
    were obtained, in words.
    """

    name: Word
    sender: str
    programme: str
    kind: str
    origin: Annotated[str, msgspec.Meta(max_length=2_000)]
    to: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10_000)]


class InstructionRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/instructions: what a customer signed so that staff order for it; the file comes
    beside it. `account`: the customer's, by id. `words`: what it orders."""

    account: str
    signed_on: date
    words: Annotated[str, msgspec.Meta(max_length=2_000)]


REQUESTS: Final = (AudienceBuild, LabelRequest)
