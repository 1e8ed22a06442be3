"""What screening is asked, as orders need it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from assent.screen.form import Form
from assent.screen.verdict import Screened, Text

__all__ = ["Form", "Screened", "Screens", "Text"]


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
