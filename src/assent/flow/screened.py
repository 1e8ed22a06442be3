"""What screening is asked and what it says, as orders need it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from assent.message import Purpose
from assent.screen.finding import Finding, Sender


@dataclass(frozen=True, slots=True)
class Form:
    """What is known of the port that a finished text leaves from."""

    signature: str = ""
    contacts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A text to screen."""

    text: str
    sender: Sender
    purpose: Purpose | None = None
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Screened:
    """What was found."""

    purpose: Purpose
    category: str
    probability: float
    spam_probability: float
    verdict: Literal["allow", "hold", "reject"]
    findings: tuple[Finding, ...]
    links: tuple[object, ...]
    contacts: tuple[object, ...]
    segments: int
    digest: str


class Screens(Protocol):
    """Judges texts. Pure: the same texts come to the same result."""

    @property
    def digest(self) -> str:
        """Of models, word sets and lists: what results depend on."""

    def screen(self, texts: Sequence[Text]) -> Sequence[Screened]:
        """Return what was found in each text, in order."""

    def rendered(
        self, template: Text, values: Sequence[str], texts: Sequence[str]
    ) -> Sequence[Screened]:
        """Return what was found in each finished text of a template. `values[i]`: what was put in
        to make `texts[i]`, several joined by U+001F."""
