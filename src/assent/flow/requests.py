"""What callers hand in, as typed structures; the HTTP API and the CLI decode into these.

Unknown fields are refused, so that a misspelt one is never silently ignored.
"""

from __future__ import annotations

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Literal

import msgspec

PurposeWord = Literal["verification", "notification", "marketing", "internal"]
RelationWord = Literal["customers", "members", "cold"]
"""How the people of a list stand to the sender (:class:`assent.policy.filing.Relation`)."""


class Receiver(msgspec.Struct, forbid_unknown_fields=True):
    """One receiver of an order. `row` is the caller's own number for it."""

    to: str
    variables: dict[str, str] = msgspec.field(default_factory=dict)


class SendRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/messages: one text, one template or one video, to one or many receivers.

    `text` may hold {name} where a variable goes. `video`: id of a content that was handed in.
    `not_before` and `expires_at` carry a zone.
    `relation`: how the receivers stand to the sender; of an audience its upload says so.
    `all_or_nothing`: reject the whole order when the balance does not cover it.
    """

    sender: str
    purpose: PurposeWord
    messages: list[Receiver]
    text: str | None = None
    template: str | None = None
    video: str | None = None
    port: str | None = None
    programme: str | None = None
    relation: RelationWord | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None


class CampaignRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/campaigns: an order over an audience that was uploaded or built before.

    `on_behalf_of`: of staff, the account of the customer that it is ordered for; `instruction`:
    what that customer signed.
    """

    name: str
    audience: str
    sender: str
    purpose: Literal["marketing", "internal", "notification"]
    text: str | None = None
    template: str | None = None
    video: str | None = None
    port: str | None = None
    programme: str | None = None
    not_before: datetime | None = None
    expires_at: datetime | None = None
    on_behalf_of: str | None = None
    instruction: str | None = None


class VideoRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/videos: what comes with the frames of a video message. `basis`: why receivers of a
    notification get it."""

    sender: str
    purpose: Literal["marketing", "internal", "notification"]
    subject: str
    basis: str = ""


class FrameReview(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/videos/{id}/frames/{place}/review: what a person says of a frame. `by`: who."""

    verdict: Literal["approve", "reject"]
    by: str
    reason: str = ""


HowWord = Literal["form", "app", "reply", "counter", "call", "paper", "order", "event", "other"]
"""How a consent was obtained (:data:`assent.policy.asking.HOWS`)."""
DeclaredWord = Literal["pre_ticked", "forced", "bundled", "incentive"]
"""What makes one worth less (:data:`assent.policy.asking.DECLARED`)."""
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class ConsentRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One consent of an import. `at`: when it was given. `address`: the network address that she
    gave it from, where it was given by web; `place`: another place, in words. `evidence`: SHA-256
    of the file that shows this one."""

    to: str
    at: datetime
    address: str = ""
    place: Annotated[str, msgspec.Meta(max_length=200)] = ""
    evidence: Sha256 | None = None


class ConsentImport(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/consents: consents that a sender holds, for one programme.

    `grade` is how well they are proved; `receiver` grade cannot be imported, only given by
    the receiver. `wording`: version of the wording that people agreed to. `source`: where and
    how they were obtained, in words. `until`: when they lapse. `evidence`: SHA-256, as 64
    hexadecimal digits, of a file that backs them (POST /v1/consents/evidence). `how`: the source
    as one word. `wording_text`: the words themselves, the same whenever the version is named.
    `kinds`, `frequency`, `period`, `purposes`: what people agreed to, where that is not the
    programme's. `declared`: what makes such consents worth less.
    """

    sender: str
    programme: str
    grade: Literal["assertion", "document"]
    wording: str
    source: str
    consents: list[ConsentRow]
    until: datetime | None = None
    evidence: str | None = None
    how: HowWord | None = None
    wording_text: Annotated[str, msgspec.Meta(max_length=5_000)] | None = None
    kinds: Annotated[str, msgspec.Meta(max_length=200)] = ""
    frequency: Annotated[str, msgspec.Meta(max_length=200)] = ""
    period: Annotated[str, msgspec.Meta(max_length=200)] = ""
    purposes: list[PurposeWord] = msgspec.field(default_factory=list)
    declared: list[DeclaredWord] = msgspec.field(default_factory=list)


class RefusalRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/refusals: people who refused through another door (counter, call, CRM).

    `channel`: which door. `purposes`: what they refuse; marketing and internal when not said.
    """

    sender: str
    to: list[str]
    source: str
    channel: Literal["api", "counter", "voice", "web", "mail", "paper"] = "api"
    purposes: list[PurposeWord] = msgspec.field(default_factory=lambda: ["marketing", "internal"])


class TelephoneRefusal(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/refusals/telephone: what one person told the operator's staff.

    `sender`: whom she refuses, or `everybody`; `programme`: the only one of the sender's.
    """

    to: str
    sender: str | None = None
    everybody: bool = False
    programme: str | None = None
    purposes: list[PurposeWord] = msgspec.field(default_factory=lambda: ["marketing", "internal"])


class PduLogRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/pdulog: show the PDUs of a link, or of all links of a carrier, for a while.

    `number`: only those about one phone number. `most`: PDUs after which it ends.
    """

    link: str
    number: str | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 600.0
    most: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10_000


class ReviewWords(msgspec.Struct, forbid_unknown_fields=True):
    """POST /v1/desk/items/{id}/ask and /v1/admission/items/{id}/answer: words about an item."""

    words: str


class ReviewDecision(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/desk/items/{id}/decide. `code`: the ground, a stable word (docs/front-door.md).
    `words`: what is said to the customer beside it. `category`: of a text, what the reviewer calls
    it (docs/screening-review.md)."""

    verdict: Literal["approve", "refuse"]
    code: str
    words: str = ""
    category: str | None = None


class Caller(msgspec.Struct, frozen=True):
    """Who calls: the account behind an API key or a session, and what it may do. `actor_id`: the
    natural person who acts, None for software. `key_id`: 0 for a session. `networks`: those that it
    may call from; none: any."""

    account_id: int
    scopes: frozenset[str]
    sandbox: bool
    key_id: int
    actor_id: int | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


class EvidenceRequest(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Evidence about one person and the group of one sender, from a moment to another."""

    recipient: str
    sender: str
    since: datetime
    to: datetime


class VoidRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/consent-voids: an import whose people never agreed, or (`recipient`, `sender`) the
    imports by which one of them came to stand. `by`: who says so. `reason`: in words, without
    naming a person."""

    reason: str
    by: Literal["complaint", "staff"] = "complaint"
    import_id: str | None = msgspec.field(default=None, name="import")
    recipient: str | None = None
    sender: str = ""
