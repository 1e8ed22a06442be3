"""One visit behind a link, as the fetcher tells it: the chain, and what stood at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from assent.screen.page import Page

__all__ = ["PROFILES", "Hop", "Look", "Outcome", "unknown"]

Outcome = Literal["seen", "gone", "refused", "failed", "own", "unknown"]
"""`seen`: a page was read. `gone`: the server says it is not there. `refused`: the chain leads
where nobody may be led (an inside address, an odd port, too many hops, an end that is no page).
`failed`: the server did not answer as it should, now. `own`: our own refusal link, never fetched.
`unknown`: the fetcher could not look."""

PROFILES: Final = ("phone", "desktop", "plain")
"""Kinds of visitors: a phone in China, a desktop browser in English, a program that says so."""


@dataclass(frozen=True, slots=True)
class Hop:
    """A step of a chain. `how` it was led on: `start`, `redirect`, `refresh`. `status`: 0 where
    there was no answer. The address of a link is told without its query."""

    url: str
    how: str
    status: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a visitor met. `why`: a stable word where it is not `seen` (docs/screening-pages.md).
    `octets`: of the last answer's body as it was read."""

    url: str
    profile: str
    outcome: Outcome
    why: str = ""
    hops: tuple[Hop, ...] = ()
    page: Page | None = None
    octets: int = 0
    took_s: float = 0.0

    @property
    def answered(self) -> bool:
        """Whether something can be said of the page: it was read, or its server says it is gone,
        or it leads where nobody may be led."""
        return self.outcome in ("seen", "gone", "refused")


def unknown(url: str, profile: str, why: str) -> Look:
    """Return what is told of a link at which nobody looked."""
    return Look(url, profile, "unknown", why)
