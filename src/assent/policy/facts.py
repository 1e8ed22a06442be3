"""What a decision is taken on: the people, the text, and the facts gathered about both.

These are plain columns: entry ``i`` of every array is about person ``i``. Whoever calls
:func:`assent.policy.decide.decide` gathers them; the rules only read them. An array that a
rule needs and that is None makes that rule fail, and a failing rule holds everybody: a fact
that was not looked up is never taken for a harmless one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.message import Purpose

if TYPE_CHECKING:
    from assent.policy.rulebook import Profile

Bools = NDArray[np.bool_]
Mask = Bools | bool
"""Which people a finding concerns: one bool each, or one bool for all of them."""
Places = NDArray[np.intp]
"""Places of people in their order."""


class Effect(IntEnum):
    """What a finding does to a message; the larger beats the smaller."""

    NOTE = 0
    DEFER = 1
    HOLD = 2
    REJECT = 3


@dataclass(frozen=True, slots=True)
class People:
    """The receivers asked for, in the caller's order. All arrays have the same length n.

    `person` uint32[n] person ids (0 where the number has a fault). `network` uint8[n]
    (:class:`assent.message.Network`). `zone` int16[n] minutes east of UTC. `fault` uint8[n]
    (:class:`assent.numbers.Fault`, 0 = none). `duplicate` bool[n]: the number stood earlier
    in the same order. `country` uint16[n] E.164 calling codes, where the caller knows them;
    None lets the network alone choose the profile.
    """

    person: NDArray[np.uint32]
    network: NDArray[np.uint8]
    zone: NDArray[np.int16]
    fault: NDArray[np.uint8]
    duplicate: Bools
    country: NDArray[np.uint16] | None = None

    def __len__(self) -> int:
        return len(self.person)

    def take(self, where: Places) -> People:
        """Return the columns of some people."""
        return People(
            self.person[where],
            self.network[where],
            self.zone[where],
            self.fault[where],
            self.duplicate[where],
            None if self.country is None else self.country[where],
        )

    @classmethod
    def one(cls, person: int, network: int, zone: int = 480, fault: int = 0) -> People:
        """Return the columns for a single receiver (a code, a confirmation)."""
        return cls(
            np.array([person], np.uint32),
            np.array([network], np.uint8),
            np.array([zone], np.int16),
            np.array([fault], np.uint8),
            np.zeros(1, np.bool_),
        )


@dataclass(frozen=True, slots=True)
class Content:
    """The text, as its receiver sees it, with the 【signature】 and the way to refuse.

    `text` may be the rendered text or a template with placeholders ({code}, ${code}, {1}).
    `segments` uint8[n]: SMS segments of each person's message. `values`: what the caller put
    into the placeholders, one string a person (several values joined by any separator), or
    None for a fixed text; they are checked for a second signature only. `categories`: what
    the sender and the list of receivers are filed under (:mod:`assent.policy.filing`), which may
    ask for a better grade of proof.
    """

    purpose: Purpose
    text: str
    segments: NDArray[np.uint8]
    values: Sequence[str] | None = None
    categories: frozenset[str] = frozenset()

    def take(self, where: Places) -> Content:
        """Return the columns of some people."""
        values = self.values
        return replace(
            self,
            segments=self.segments[where],
            values=None if values is None else [values[place] for place in where.tolist()],
        )


@dataclass(frozen=True, slots=True)
class Restriction:
    """Something imposed on a sender, port, category or place, as a fact (cases, ceilings).

    `id` names it in :attr:`Decisions.restrictions` (stable, no personal data). `effect`:
    DEFER, HOLD or REJECT. `until`: unix seconds at which it ends, None = open; DEFER needs
    one. `mask`: whom it concerns, None = everybody. One that has ended is ignored.
    """

    id: str
    effect: Effect
    until: float | None = None
    mask: Bools | None = None


@dataclass(frozen=True, slots=True)
class Screening:
    """Where the order's text stands with the screening of texts: whom it is held for until a person
    has looked at it, and whom it is rejected for. What a template's variables put in may differ
    from person to person."""

    held: Mask = False
    rejected: Mask = False

    def take(self, where: Places) -> Screening:
        """Return the columns of some people."""
        held, rejected = self.held, self.rejected
        return Screening(
            held if isinstance(held, bool) else held[where],
            rejected if isinstance(rejected, bool) else rejected[where],
        )


PASSED: Final = Screening()
"""A text that nothing speaks against, or that a person approved."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was looked up about the sender, the port, the moment and each person.

    Times are unix seconds. Per person (length n, None where the purpose does not need it):

    * `grade` uint8[n]: grade of standing in the programme *valid now* (0 = none); needed for
      purposes with a `min_grade` in the rulebook.
    * `refused` bool[n]: a refusal stands that covers this purpose (see
      :func:`assent.consent.standing.refused_for`).
    * `paused` bool[n]: an unclear reply is under review.
    * `reachable` bool[n]: there is a route for the person's network.
    * `price` int64[n]: price of the whole message (all segments), micro-yuan.
    * `claims`: cap id → int[n], messages already claimed within that cap's window as of the
      moment the message would leave (:meth:`assent.policy.caps.ClaimSet.counts`); one array
      for every cap of ``rulebook.caps_for(purpose)``.

    For all: `balance` micro-yuan the account may spend (None: prepaid by nobody, for the
    platform's own texts only); `balance_all_or_nothing` overrides the rulebook when not None;
    `port_purpose`, `port_active`, `port_free_to_reply`, `port_signature` (approved, without
    brackets); `contacts`: contact numbers filed for the sender, as printed; `basis_filed`: the
    template's basis is on file; `content_state`: where the review of pictures and videos stands
    (`submitted`, `approved`, `rejected`, `withdrawn`), approved where there are none;
    `broken`: code of a broken link of the chain → whom it concerns (a port belongs to one carrier);
    `messages_left`, `spending_left`: messages and micro-yuan that the account's limits still allow
    today, None where it has no such limit; `not_before`, `expires_at`: the message's own time
    window; `restrictions`; `screening`: where the text stands, needed for every purpose but
    `system`; `blocked`: whom their carrier wants nothing commercial sent to.
    """

    now: float
    port_purpose: Purpose
    port_active: bool
    port_free_to_reply: bool
    port_signature: str
    basis_filed: bool = False
    contacts: tuple[str, ...] = ()
    grade: NDArray[np.uint8] | None = None
    refused: Bools | None = None
    paused: Bools | None = None
    reachable: Bools | None = None
    price: NDArray[np.int64] | None = None
    balance: int | None = None
    balance_all_or_nothing: bool | None = None
    claims: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    not_before: float | None = None
    expires_at: float | None = None
    restrictions: tuple[Restriction, ...] = ()
    content_state: str = "approved"
    broken: Mapping[str, Mask] = field(default_factory=dict)
    messages_left: int | None = None
    spending_left: int | None = None
    screening: Screening | None = None
    blocked: Mask = False

    def take(self, where: Places) -> Facts:
        """Return the columns of some people."""
        return replace(
            self,
            grade=_taken(self.grade, where),
            refused=_taken(self.refused, where),
            paused=_taken(self.paused, where),
            reachable=_taken(self.reachable, where),
            price=_taken(self.price, where),
            claims={cap: counts[where] for cap, counts in self.claims.items()},
            broken={
                code: mask if isinstance(mask, bool) else mask[where]
                for code, mask in self.broken.items()
            },
            restrictions=tuple(
                replace(item, mask=_taken(item.mask, where)) for item in self.restrictions
            ),
            screening=None if self.screening is None else self.screening.take(where),
            blocked=self.blocked if isinstance(self.blocked, bool) else self.blocked[where],
        )


def _taken(column: NDArray[Any] | None, where: Places) -> NDArray[Any] | None:
    return None if column is None else column[where]


def check_lengths(people: People, content: Content, facts: Facts) -> None:
    """Raise ValueError unless every column is as long as the people."""
    n = len(people.person)
    columns: tuple[Any, ...] = (
        people.network,
        people.zone,
        people.fault,
        people.duplicate,
        people.country,
        content.segments,
        content.values,
        facts.grade,
        facts.refused,
        facts.paused,
        facts.reachable,
        facts.price,
        *facts.claims.values(),
        *(mask for mask in facts.broken.values() if not isinstance(mask, bool)),
        *(restriction.mask for restriction in facts.restrictions),
        *_masks(facts.screening),
        None if isinstance(facts.blocked, bool) else facts.blocked,
    )
    for column in columns:
        if column is not None and len(column) != n:
            raise ValueError(f"a column has length {len(column)} instead of {n}")


def _masks(screening: Screening | None) -> list[Bools]:
    masks = () if screening is None else (screening.held, screening.rejected)
    return [mask for mask in masks if not isinstance(mask, bool)]


@dataclass(slots=True)
class Case:
    """What a rule sees: people of one profile, and the moments worked out for them.

    `earliest`: seconds at which they may leave before quiet hours are looked at, one for
    all or one each. `leave`: the same after quiet hours; set before the rules run.
    """

    people: People
    content: Content
    facts: Facts
    profile: Profile
    earliest: int | NDArray[np.int64]
    leave: int | NDArray[np.int64]
