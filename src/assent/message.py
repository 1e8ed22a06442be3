"""The nouns of the platform and the life of a message.

This module imports nothing of ours. Numbers given here are stored in the database inside
columns (one byte a message), so they never change their meaning; new ones are only added.

The life of a message is the table :data:`TRANSITIONS`; whoever folds attempts and receipts
into states goes through :func:`advance`, so that a final state never moves (DESIGN.md,
"receipt").
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Purpose(IntEnum):
    """What a message is for; it decides which rules bind (DESIGN.md, "purpose")."""

    VERIFICATION = 1
    NOTIFICATION = 2
    MARKETING = 3
    INTERNAL = 4
    SYSTEM = 5


NEEDS_STANDING: Final = frozenset({Purpose.MARKETING, Purpose.INTERNAL})
"""Purposes that need the receiver's consent; the others need a basis filed with a template."""


class Lane(IntEnum):
    """Queues in their order of service: a code never waits behind a campaign."""

    SYSTEM = 0
    VERIFICATION = 1
    NOTIFICATION = 2
    MARKETING = 3


LANE_OF: Final[dict[Purpose, Lane]] = {
    Purpose.SYSTEM: Lane.SYSTEM,
    Purpose.VERIFICATION: Lane.VERIFICATION,
    Purpose.NOTIFICATION: Lane.NOTIFICATION,
    Purpose.MARKETING: Lane.MARKETING,
    Purpose.INTERNAL: Lane.MARKETING,
}


class Network(IntEnum):
    """Whose subscriber a number is."""

    UNKNOWN = 0
    MOBILE = 1
    UNICOM = 2
    TELECOM = 3
    BROADNET = 4
    FOREIGN = 5


class Grade(IntEnum):
    """How well a consent is proved (DESIGN.md, "entry"); higher is better."""

    NONE = 0
    ASSERTION = 1
    DOCUMENT = 2
    RECEIVER = 3


class AttemptStatus(IntEnum):
    """How one try to hand one segment to a carrier ended."""

    ACCEPTED = 1
    REFUSED = 2
    THROTTLED = 3
    WITHHELD = 4
    UNSURE = 5
    RETURNED = 6  # committed, certainly never written (a clean stop); may be attempted again


class State(IntEnum):
    """Where a message stands, as people see it."""

    QUEUED = 0
    ATTEMPTED = 1
    ACCEPTED = 2
    DELIVERED = 3
    FAILED = 4
    REFUSED = 5
    WITHHELD = 6
    CANCELLED = 7
    EXPIRED = 8
    OVER_CAP = 9
    UNSURE = 10
    STOPPED = 11  # the customer stopped its campaign, or its port, sender or letter is gone
    RESTRICTED = 12  # a restriction was imposed while it waited


FINAL: Final = frozenset(
    {
        State.DELIVERED,
        State.FAILED,
        State.REFUSED,
        State.WITHHELD,
        State.CANCELLED,
        State.EXPIRED,
        State.OVER_CAP,
        State.STOPPED,
        State.RESTRICTED,
    }
)
"""States that never move again. UNSURE is not among them: a late receipt may settle it."""

UNSENT: Final = frozenset(
    {
        State.REFUSED,
        State.WITHHELD,
        State.CANCELLED,
        State.EXPIRED,
        State.OVER_CAP,
        State.STOPPED,
        State.RESTRICTED,
    }
)
"""Final states in which nothing reached the carrier's subscribers: their money is released."""

TRANSITIONS: Final[dict[State, frozenset[State]]] = {
    State.QUEUED: frozenset(
        {
            State.ATTEMPTED,
            State.CANCELLED,
            State.EXPIRED,
            State.OVER_CAP,
            State.WITHHELD,
            State.STOPPED,
            State.RESTRICTED,
        }
    ),
    # Back to QUEUED: throttled by the carrier, or a code tried again within its validity.
    State.ATTEMPTED: frozenset(
        {
            State.QUEUED,
            State.ACCEPTED,
            State.REFUSED,
            State.WITHHELD,
            State.UNSURE,
            State.DELIVERED,
            State.FAILED,
        }
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.FAILED}),
    State.UNSURE: frozenset({State.QUEUED, State.DELIVERED, State.FAILED}),
    **{state: frozenset() for state in FINAL},
}


def advance(state: State, to: State) -> State:
    """Return the state after a move, which is `state` itself where the table forbids it.

    A receipt that repeats, arrives late or contradicts a final one is not an error of ours:
    it changes nothing.
    """
    return to if to in TRANSITIONS[state] else state


WITHHELD_REFUSED: Final = 0
"""Code of a WITHHELD attempt: its receiver refused after the attempt was committed."""

WITHHELD_EXPIRED: Final = 1
"""Code of a WITHHELD attempt: its validity ended before a link could take it."""

WITHHELD_STOPPED: Final = 2
"""Code of a WITHHELD attempt: what it stood on was taken back for good, such as its port."""

WITHHELD_RESTRICTED: Final = 3
"""Code of a WITHHELD attempt: a restriction was imposed after the attempt was committed."""

HELD_BACK: Final = -1
"""In place of such a code: a link of its chain is broken for now, or a restriction puts it off, so
it is returned instead."""

WHOLE: Final = 255
"""Of a receipt, in place of the number of a segment (0 to 254): of all segments of a message."""

REFUSED_UNWRITABLE: Final = 0
"""Code of a REFUSED attempt that no carrier gave: its link's dialect cannot write it."""

NO_WORDS: Final = -1
"""In place of a template, where the chain is asked: what goes out is reviewed by itself."""

BATCH_LIMIT: Final = 1024
"""Messages in a batch at most; the low ten bits of a message id are the place in its batch."""

_COUNTER_BITS: Final = 11
_INDEX_BITS: Final = 10


def batch_id(ms: int, counter: int) -> int:
    """Make a batch id from milliseconds since 1970 (42 bits) and a counter (11 bits, wraps)."""
    return (ms << _COUNTER_BITS) | (counter & ((1 << _COUNTER_BITS) - 1))


def batch_ms(batch: int) -> int:
    """Return the milliseconds since 1970 at which a batch id was made."""
    return batch >> _COUNTER_BITS


def message_id(batch: int, index: int) -> int:
    """Make a message id from its batch and its place in it (0 to 1023)."""
    return (batch << _INDEX_BITS) | index


def split_message_id(message: int) -> tuple[int, int]:
    """Return (batch id, index) of a message id."""
    return message >> _INDEX_BITS, message & (BATCH_LIMIT - 1)
