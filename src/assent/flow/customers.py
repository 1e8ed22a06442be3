"""What flow and customers' links promise each other; the only thing they share.

A customer's software binds to us in a carriers' dialect and hands in submits. Flow says at once
what it objects to, and says "stored" when a submit is durable; only then is it answered. What
became of each message, and what people wrote back, comes the other way: kept until the customer's
software has acknowledged it, in order (DESIGN.md, "Customers' links").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Protocol

from assent.text import Alphabet, SevenBit

Part = tuple[int, int, int]
"""(reference, total, number from 1) of a segment."""


@dataclass(frozen=True, slots=True)
class CustomerLink:
    """A login of an account. `dialects`: which it may speak. `allowed`: networks it may come from.
    `binds`: how many connections at once. `window`: how many of its submits may be unanswered on
    each. `rate`: submits a second over all of them, None for no limit. `replies`: whether people's
    replies are wanted. `reports_to`: SGIP only, HOST:PORT at which the customer's own server takes
    reports and replies; it is logged in to with `login` and `secret`, too."""

    id: int
    account_id: int
    login: str
    secret: str = field(repr=False)
    dialects: frozenset[str]
    allowed: tuple[IPv4Network | IPv6Network, ...]
    binds: int
    window: int
    rate: int | None
    replies: bool
    active: bool
    reports_to: str = ""

    def admits(self, address: str) -> bool:
        """Whether it may connect from an address."""
        given = ip_address(address)
        plain = getattr(given, "ipv4_mapped", None) or given
        return any(plain in network for network in self.allowed)


class Objection(Enum):
    """Why a submit is not even taken in. Each dialect has its codes for these."""

    SOURCE = "source"  # the access number is not one of the account's
    DESTINATION = "destination"  # no receiver, or none that is a number
    CODING = "coding"  # a coding that holds no text, or that we do not read
    LENGTH = "length"
    TIME = "time"  # a time that cannot be read, or a validity that is over
    BUSY = "busy"  # the platform cannot store it now: try again


class Wanted(Enum):
    """Which reports the customer asks for."""

    NONE = 0
    ALWAYS = 1
    FAILURES = 2


@dataclass(slots=True)
class Handed:
    """One submit as its dialect's reader understood it.

    `ids`: what the customer is told this message is called, one a receiver, unsigned. `numbers`:
    receivers as they were written. `content`: octets without user data header. Times in unix
    seconds. Numbers and content are personal data. `node`: SGIP's, 32 bits; there `ids` are the
    other 64 bits of the submit's own number, and both together name it.
    """

    link: CustomerLink
    dialect: str
    source: str
    numbers: list[str]
    ids: list[int]
    alphabet: Alphabet
    seven_bit: SevenBit
    content: bytes
    part: Part | None
    wanted: Wanted
    not_before: float | None = None
    expires_at: float | None = None
    node: int = 0


@dataclass(frozen=True, slots=True)
class CustomerReceipt:
    """What became of a message that a customer handed in, for one part of it.

    `id`: as the submit's answer told it. `number`: the receiver as the customer wrote it. `source`:
    the access number. `stat`: DELIVRD, EXPIRED, UNDELIV, REJECTD, UNKNOWN. `error`: 0 to 999, of
    docs/customer-links.md. Times in unix seconds. `node`: as the submit had it.
    """

    id: int
    number: str
    source: str
    stat: str
    error: int
    submitted: float
    done: float
    node: int = 0


@dataclass(frozen=True, slots=True)
class CustomerReply:
    """What a person wrote back. `id` is unsigned, `number` has digits only with country code."""

    id: int
    number: str
    destination: str
    text: str
    at: float


@dataclass(frozen=True, slots=True)
class Inquired:
    """Where a message stands: `stat` as receipts say it, ENROUTE while it has not ended; `error` as
    in receipts."""

    stat: str
    error: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """Items for one link that were stored together; it is `done` when all are acknowledged."""

    id: int
    items: Sequence[CustomerReceipt | CustomerReply]


class Reception(Protocol):
    """Flow, as customers' links see it."""

    def link(self, login: str) -> CustomerLink | None:
        """Return a login that exists, active or not."""

    def link_of(self, link_id: int) -> CustomerLink | None:
        """Return the link with this id: SGIP customers are called although nobody has bound."""

    def objection(self, handed: Handed) -> Objection | None:
        """Return what can be said against a submit at once, from memory; never blocks."""

    def hand_in(self, handed: Sequence[Handed], stored: Callable[[bool], None]) -> None:
        """Store submits. `stored` is called on the loop: True when they are durable (answer 0),
        False when they are not (answer busy, once; nothing of them is kept)."""

    @property
    def waiting(self) -> int:
        """How many submits wait to be stored: above a bound, links stop reading."""

    async def load(self, link_id: int, after: int, most: int) -> list[Parcel]:
        """Return the next parcels of a link with an id above `after`, oldest first. Raises
        AssentError."""

    async def inquire(self, link: CustomerLink, id_: int, at: float) -> Inquired | None:
        """Return where a message stands, by what the customer calls it and when that id was made;
        None for one that is not found. Raises AssentError."""

    async def give_back(self, link_id: int) -> None:
        """Leave what was loaded of a link, and is not done, to other processes. Raises
        AssentError."""

    async def done(self, parcels: Sequence[int]) -> None:
        """Forget parcels: every item of theirs is acknowledged. Raises AssentError."""
