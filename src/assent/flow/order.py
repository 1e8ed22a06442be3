"""An order as handed in, and what judging it made of it, before and after it is stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.needs import Transaction
from assent.flow.work import Batch
from assent.message import NO_WORDS, Purpose
from assent.policy.filing import Relation
from assent.registry.templates import Variable

if TYPE_CHECKING:
    from assent.flow.text_cases import Case

SMS: Final = "sms"
VIDEO: Final = "video"
"""Channels of a programme: what people agreed to get. One does not stand for the other."""


@dataclass(frozen=True, slots=True)
class Video:
    """A video content as an order sees it: whose and for what it was reviewed, and with what
    result; the text of its text frames is judged like any message's."""

    id: int
    sender_id: int
    purpose: Purpose
    state: str
    text: str
    basis: str


@dataclass(frozen=True, slots=True)
class Port:
    """A port row: a code number on one carrier, for one sender and one purpose."""

    id: int
    number: str
    carrier: str
    sender_id: int | None
    purpose: Purpose
    signature: str
    programme_id: int | None
    free_to_reply: bool
    service_code: str
    active: bool
    status: str = "active"
    signature_lapsed: bool = False
    provinces: frozenset[str] | None = None  # where its number may be used; None: everywhere


@dataclass(frozen=True, slots=True)
class Sender:
    """A sender row."""

    id: int
    group_id: int
    credit_code: str
    legal_name: str
    contact: str
    active: bool
    industry: str = ""  # what rules ask more of, such as finance
    status: str = "active"
    entity_id: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account row."""

    id: int
    name: str
    kind: str
    active: bool
    price: int
    video_price: int | None = None  # of a video message; None: may send none
    status: str = "active"
    entity_id: int | None = None
    currency: str = "CNY"
    parent_id: int | None = None  # whose sub-account it is
    organisation: bool = False  # writes to its own members, and to nobody else


@dataclass(frozen=True, slots=True)
class Programme:
    """A programme row. `purposes` is a mask of 1 << purpose."""

    id: int
    sender_id: int
    name: str
    purposes: int
    wording_version: str
    channel: str = SMS


@dataclass(frozen=True, slots=True)
class Template:
    """A version of a template. `body`: with {name} where a variable goes, without its type.
    `basis`: why receivers get it without standing, '' where they do not. `active`: was approved and
    not taken back; new orders get the version whose `status` is active, those that began with one
    that was replaced since go on."""

    id: int
    sender_id: int
    name: str
    purpose: Purpose
    body: str
    basis: str
    active: bool
    status: str = "active"
    version: int = 1
    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer asks for, understood and resolved, not judged yet.

    `numbers` uint64[n] (0 where faulty), `faults` uint8[n], `rows` uint32[n] (the caller's
    own row numbers). `people` uint32[n] where they are known already (a campaign), else None.
    `content` is the whole text, or has {name} where a variable goes; `variables` one list of
    n strings a name. `ports`: the sender's port on each carrier. `relation`: how the people
    stand to the sender, as the customer states it. Times in unix seconds.
    """

    account: Account
    sender: Sender
    purpose: Purpose
    ports: Mapping[str, Port]
    content: str
    numbers: npt.NDArray[np.uint64]
    faults: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.uint32]
    programme_id: int = 0
    template_id: int = 0
    basis: str = ""
    relation: Relation = Relation.UNSTATED
    variables: Mapping[str, list[str]] | None = None
    people: npt.NDArray[np.uint32] | None = None
    duplicates: npt.NDArray[np.bool_] | None = None
    not_before: float | None = None
    expires_at: float | None = None
    campaign_id: int | None = None
    idempotency_key: str | None = None
    body_sha256: bytes = b""
    urgent: bool = False  # commit the attempt with the message, as codes do
    video: Video | None = None  # in place of a text
    via: str = ""  # the carrier to use whatever the network, "" for the usual one
    uncapped: bool = False  # counts under no cap: the first confirmation of a refusal

    @property
    def words(self) -> int:
        """What the chain asks about: a template, 0 for none, NO_WORDS for a video."""
        return self.template_id if self.video is None else NO_WORDS

    @property
    def video_id(self) -> int | None:
        """The content that goes out, None for a text."""
        return None if self.video is None else self.video.id

    @property
    def channel(self) -> str:
        """The channel it goes out on."""
        return SMS if self.video is None else VIDEO


@dataclass(slots=True)
class Judged:
    """An order after judgement: what will be stored, and what the caller is told.

    `reasons`: inner reason code → people. `customer_reasons`: the same as customers see it.
    `message_ids` int64[n]: 0 for whoever is rejected. `verdict`, `reason` per person.
    """

    submission_id: int
    order: Order
    allowed: int
    cost: int
    reasons: dict[str, int]
    customer_reasons: dict[str, int]
    position: int
    rulebook: str
    numbers_digest: str
    at: float
    batches: list[Batch]
    message_ids: npt.NDArray[np.int64]
    verdict: npt.NDArray[np.uint8]
    reason: npt.NDArray[np.uint16]
    findings: npt.NDArray[np.uint64]
    people: npt.NDArray[np.uint32]
    defer_until: npt.NDArray[np.int64]
    segments: npt.NDArray[np.uint8]
    prices: npt.NDArray[np.int64]  # of a segment, for each person
    day: date = date.min  # of the country's calendar: what limits of a day are counted by
    messages_a_day: int | None = None  # of a provisional account
    answer: bytes = b""  # what the caller is told, kept for its idempotency key
    screening: str | None = None  # JSON: where the text stood, kept with the decision
    category: str = ""  # what screening says that the text is
    cases: tuple[Case, ...] = ()  # what of the text is in the way
    restrictions: Sequence[Mapping[str, Any]] = ()  # what binds some of its people
    # Key, body's digest and answer of each request with a key, where several were judged together.
    keys: Sequence[tuple[str, bytes, bytes]] = ()
    # Also done in the transaction that stores it; False withdraws the whole order.
    also: Callable[[Transaction], Awaitable[bool]] | None = None

    @property
    def n(self) -> int:
        """Number of people asked for."""
        return len(self.people)


def repeated(people: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Return which people stood earlier in the same array (0, nobody, never counts)."""
    if len(people) == 1:
        return np.zeros(1, np.bool_)
    again = np.ones(len(people), np.bool_)
    _, first = np.unique(people, return_index=True)
    again[first] = False
    again[people == 0] = False
    return again
