"""What screening finds in a text: a stable code, how grave it is, where, and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

__all__ = ["UNLICENSED", "Finding", "Licence", "Sender", "Severity", "Span"]

Span = tuple[int, int]
"""[start, end) in characters of the text as it was handed in, evasions and all."""


class Severity(IntEnum):
    """What a finding asks for; the larger beats the smaller."""

    NOTE = 0
    HOLD = 1
    REJECT = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found.

    `code`: stable, listed in docs/screening.md. `spans`: where, in order; empty for what concerns
    the whole text. `en`, `zh`: words for the customer and the reviewer, without personal data.
    `owner`: the rule set, model or list that found it, with its version.
    """

    code: str
    severity: Severity
    en: str
    zh: str
    spans: tuple[Span, ...] = ()
    owner: str = ""


Licence = str
"""What a sender is licensed for, as texts are judged by it: `finance`, `lending`, `securities`,
`insurance`, `lottery`, `medical`, `recruitment`, `education`, `real_estate`, `collection`,
`carrier`, `parcel`, `government`."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the text is from, as far as it was proved: the registered name, its licences that are in
    force, and the hosts filed for it (small letters, ASCII form)."""

    name: str = ""
    licences: frozenset[Licence] = frozenset()
    hosts: frozenset[str] = frozenset()


UNLICENSED = Sender()
"""Nobody in particular: no name, no licence, no host."""
