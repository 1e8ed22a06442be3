"""What callers hand in about cases, as typed structures."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Ref = Annotated[str, msgspec.Meta(pattern=r"^(0|[1-9][0-9]{0,18})$")]
Word = Annotated[str, msgspec.Meta(max_length=40)]
Kind = Literal[
    "alarm", "complaint", "message", "campaign", "submission", "consent_case", "text_review",
    "page", "order_group", "document", "entity", "account",
]  # fmt: skip


class CaseEvidence(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A thing that a case rests on, by its kind and id."""

    kind: Kind
    id: Word


Rests = Annotated[list[CaseEvidence], msgspec.Meta(max_length=100)]


class CaseOpen(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases: about a sender (its credit code), or an account (its name), or one port of a
    sender (its number). `title`: what it is, in words that name no person. `severity`: 1 to 3."""

    title: Title
    sender: str | None = None
    account: str | None = None
    port: str | None = None
    severity: Annotated[int, msgspec.Meta(ge=1, le=3)] = 1
    evidence: Rests = msgspec.field(default_factory=list)


class CaseRests(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/{id}/evidence: what else a case rests on."""

    evidence: Annotated[list[CaseEvidence], msgspec.Meta(min_length=1, max_length=100)]


class CaseAssign(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/{id}/assign: whose it is, by the id of a person of the staff; none: nobody's.
    `severity`: how grave it is held to be, if that changes."""

    owner: Ref | None = None
    severity: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None


class CaseWords(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Words about a case: POST /v1/cases/{id}/note (staff only see it), /message (to the customer),
    /answer (from it), /close, and /steps/{id}/decline, /lift."""

    words: Words


class CaseAct(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/{id}/act: a step of the ladder. `words`: said to the customer. `days`: working
    days that it gives, instead of the ladder's. `amount`: of a fine, in whole units of the
    currency. `ports`: numbers that are taken back, where the case is not about one port."""

    step: Literal["notice", "correct", "warning", "restrict", "suspend", "fine", "revoke"]
    words: Words
    days: Annotated[int, msgspec.Meta(ge=1, le=250)] | None = None
    amount: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)] | None = None
    ports: Annotated[list[str], msgspec.Meta(max_length=50)] = msgspec.field(default_factory=list)


class CaseAppeal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/{id}/appeal: why a step is wrong, by the step's id."""

    step: Word
    words: Words


class CaseDecision(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/{id}/decide: about a step that was appealed; also one that was not may be
    reversed."""

    step: Word
    verdict: Literal["uphold", "reverse"]
    words: Words


class RecordsScope(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What an authority may see: people by their numbers, senders by credit code, from a moment to
    another."""

    people: Annotated[list[str], msgspec.Meta(min_length=1, max_length=100)]
    senders: Annotated[list[str], msgspec.Meta(min_length=1, max_length=20)]
    since: datetime
    to: datetime


class RecordsRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/cases/records: an authority asks for records. `authority`: police, regulator or
    court; `name` and `reference` of the paper that it handed in, `basis`: the law that it names.
    `paper`: that paper, base64; a PDF, PNG or JPEG."""

    authority: Literal["police", "regulator", "court"]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    basis: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    scope: RecordsScope
    paper: Annotated[str, msgspec.Meta(min_length=1, max_length=14_000_000)]


REQUESTS = (
    CaseOpen, CaseRests, CaseAssign, CaseWords, CaseAct, CaseAppeal, CaseDecision, RecordsRequest,
)  # fmt: skip
