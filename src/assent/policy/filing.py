"""What a sender and a list of receivers are filed under, for rules that ask more of some.

The words are keys of the rulebook's `min_grade_by_category`. How the people of a list stand to
the sender is the customer's word and part of its statement where the numbers come from: it can be
held to it, and saying nothing is not taken for the harmless answer.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

FINANCE: Final = "finance"
"""Senders of the financial industry (an industry of the register)."""


class Relation(StrEnum):
    """How the people of a list stand to the sender. Stored; values never change meaning.

    CUSTOMERS: they bought or ordered from the sender. MEMBERS: they joined something of the
    sender's, or work for it. COLD: the sender did not collect these numbers from these people
    itself (bought, rented, handed on, public), or has no relation to them any more. UNSTATED:
    the customer did not say.
    """

    CUSTOMERS = "customers"
    MEMBERS = "members"
    COLD = "cold"
    UNSTATED = "unstated"


PROVED_BY_RECEIVER: Final = (FINANCE, Relation.COLD.value)
"""Categories for which no rulebook may take less than the receiver's own proof."""

KNOWN: Final = (*PROVED_BY_RECEIVER, Relation.UNSTATED.value)
"""Categories that every rulebook has an answer for."""


def filed_under(industry: str, relation: Relation) -> frozenset[str]:
    """Return the categories of an order. `industry`: the sender's, '' for none."""
    return frozenset(filter(None, (industry, relation.value)))
