"""What applicants and reviewers hand in about admission, as typed structures."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

EntityKind = Literal["company", "sole_trader", "public_body", "organisation", "foreign"]
PersonRole = Literal["legal", "responsible", "operator"]
PurposeName = Literal["verification", "notification", "marketing", "internal"]
RegisterKind = Literal["business", "telecom", "icp", "finance", "trademark"]
Text = Annotated[str, msgspec.Meta(max_length=200)]
Longer = Annotated[str, msgspec.Meta(max_length=2_000)]
Number = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]


class PersonFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A natural person behind an entity. `id_number`: a resident's identity number, or of another
    paper where `id_kind` says so."""

    role: PersonRole
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    id_number: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    phone: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    id_kind: Literal["resident", "other"] = "resident"


class EntityFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What an applicant says of an entity. `industry`: a word of the table of qualifications."""

    credit_code: Annotated[str, msgspec.Meta(min_length=2, max_length=40)]
    legal_name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    kind: EntityKind = "company"
    industry: Annotated[str, msgspec.Meta(max_length=60)]
    founded_on: date | None = None
    website: Text = ""
    mail_domain: Text = ""
    address: Text = ""
    contact: Annotated[str, msgspec.Meta(max_length=40)] = ""
    people: Annotated[list[PersonFile], msgspec.Meta(max_length=20)] = msgspec.field(
        default_factory=list
    )


class ApplicationRequest(EntityFile, kw_only=True):
    """POST /v1/admission: an account applies for the entity it belongs to. `class`: `organisation`
    for an account that writes to its own members only."""

    account_class: Literal["ordinary", "organisation"] = msgspec.field(
        default="ordinary", name="class"
    )


class SenderRequest(EntityFile, kw_only=True):
    """POST /v1/senders: an account wants to send in the name of an entity, its own or another's.
    `contact`: the telephone that commercial texts show."""


class DocumentRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/documents: what comes with a paper. `entity`: whose it is, the account's own if not
    said. `in_process`: it is only applied for, which counts as none."""

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    entity: Annotated[str, msgspec.Meta(max_length=40)] = ""
    number: Text = ""
    holder: Text = ""
    scope: Annotated[
        list[Annotated[str, msgspec.Meta(max_length=40)]], msgspec.Meta(max_length=50)
    ] = msgspec.field(default_factory=list)
    valid_from: date | None = None
    valid_to: date | None = None
    in_process: bool = False


class LetterRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/letters: an authorisation. `principal`: credit code of who lets the account's entity
    send in its name. `via`: the letter that the principal's own agent holds, where that agent
    passes it on; there are two links at most. `document`: the letter itself, handed in before."""

    principal: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    purposes: Annotated[list[PurposeName], msgspec.Meta(min_length=1, max_length=4)]
    document: Number
    valid_from: date
    valid_to: date
    signatures: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1, max_length=32)]],
        msgspec.Meta(max_length=100),
    ] = msgspec.field(default_factory=list)
    via: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,9}$")] | None = None


class SightRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/documents/{id}/sights: how a reviewer saw a paper.

    `paper`: the original lay there (`by`: who looked, `where`). `call_back`: `by` dialled `number`,
    which a register lists, and `confirmed` tells what was answered. `look_up`: the register's own
    page at `url`, looked at `at`, `showed` what it showed, `result` whether it agrees, with
    `screenshot` (base64) of it. `register`: compare with imported registers. `signature`: check the
    document's own electronic signature.
    """

    way: Literal["paper", "call_back", "look_up", "register", "signature"]
    by: Annotated[str, msgspec.Meta(max_length=100)] = ""
    where: Text = ""
    number: Annotated[str, msgspec.Meta(max_length=40)] = ""
    confirmed: bool | None = None
    url: Annotated[str, msgspec.Meta(max_length=500)] = ""
    at: datetime | None = None
    showed: Longer = ""
    result: Literal["yes", "no", "unknown"] | None = None
    screenshot: bytes = b""


class PersonMatch(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/people/{id}/match: what a real-name check said of name, number and phone.
    `source`: who was asked. No data is `unknown`, never `yes`."""

    result: Literal["yes", "no", "unknown"]
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    at: datetime


class EntityOrder(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/entities/{code}/{action}: why an entity is suspended, revoked or restored."""

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
