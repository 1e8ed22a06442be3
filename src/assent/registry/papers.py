"""Papers as the checks see them: what kind, how seen, valid from when until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum


class Seen(IntEnum):
    """How a paper was seen, the better the larger (docs/design/2026-11-22-admission.md).

    NONE: nobody looked, or it is still "in process". SCAN: an electronic copy and nothing else.
    PAPER: the original lay before a reviewer. CALL_BACK: its holder confirmed it, called at a
    number of a public register. SIGNATURE: an electronic licence whose signature leads to a
    configured root. REGISTER: the public register that issued it says the same.
    """

    NONE = 0
    SCAN = 1
    PAPER = 2
    CALL_BACK = 3
    SIGNATURE = 4
    REGISTER = 5


class Opening(IntEnum):
    """What papers open for a purpose. PROVISIONAL: a small volume, for some days."""

    NO = 0
    PROVISIONAL = 1
    FULL = 2


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper that was accepted, or handed in and not yet refused.

    `accepted`: a reviewer took it; one that is not counts as missing. `valid_from` and `valid_to`
    are whole days, both included, in the country's calendar; None where the paper names none.
    `provisional_until`: the last day on which a scan opens anything. `scope`: what it allows.
    """

    id: int
    kind: str
    seen: Seen
    accepted: bool
    valid_from: date | None = None
    valid_to: date | None = None
    provisional_until: date | None = None
    scope: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Lack:
    """A demand that no paper answers. `kinds`: any of these would do. `why`: a stable word:
    `missing`, `not_accepted`, `undated` (its kind must name an end, and it names none),
    `expired`, `not_yet_valid`, `scope`, `provisional_over`, `not_seen`; without kinds
    `unknown_industry` or `closed` (nobody of this industry may send this). `document`: the paper
    that comes nearest, 0 for none."""

    kinds: tuple[str, ...]
    why: str
    document: int = 0


@dataclass(frozen=True, slots=True)
class Qualified:
    """What an entity's papers open for a purpose on a day.

    `until`: the last day on which that holds without a new paper, None: no end in sight.
    `lacks`: what is missing for FULL. `documents`: the papers that it stands on. `licensed`: it
    holds the licence that its industry asks for. `free_text`: it may write texts that were filed as
    no template. `reviewers`: how many persons must agree (the two-person rule).
    """

    opening: Opening
    until: date | None
    lacks: tuple[Lack, ...]
    documents: tuple[int, ...]
    licensed: bool
    free_text: bool
    reviewers: int
