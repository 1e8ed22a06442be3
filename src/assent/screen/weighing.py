"""What the model's probabilities mean for a sender and a purpose, by thresholds that are data.

A category that is nobody's to send, or that needs a licence which the sender has not, is *barred*
for the sender. A text is held when its barred categories together are likely enough, and rejected
only when harmful ones are nearly certain and a second sign agrees. A whole list is weighed at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.message import Purpose
from assent.screen.categories import BY_CODE, CATEGORIES
from assent.screen.finding import Finding, Licence, Sender, Severity

__all__ = ["KIND_CODES", "PURPOSES", "Weighed", "Weighing"]

F32 = NDArray[np.float32]
Bools = NDArray[np.bool_]

PURPOSES: Final = (
    Purpose.VERIFICATION,
    Purpose.NOTIFICATION,
    Purpose.MARKETING,
    Purpose.INTERNAL,
)
"""Columns of a model's purposes."""
_MARKETING: Final = PURPOSES.index(Purpose.MARKETING)
_NONE: Final = "none"


def _words(code: str) -> tuple[str, str]:
    """Return what is said of a text of a barred category."""
    category = BY_CODE[code]
    if category.nature == "harmful":
        return (
            f"reads like {category.en}, which nobody may send (CN-06, CN-94)",
            f"内容疑似{category.zh}，任何人不得发送",
        )
    needed = ", ".join(sorted(category.licences))
    return (
        f"reads like {category.en}, for which the sender has no licence ({needed})",
        f"内容疑似{category.zh}，发送方无相应资质",
    )


KIND_CODES: Final[Mapping[str, tuple[str, str]]] = {
    **{
        f"kind_{category.code}": _words(category.code)
        for category in CATEGORIES
        if category.nature in ("restricted", "harmful")
    },
    "purpose_differs": (
        "serves marketing, though it was ordered for something else (CN-12, CN-24)",
        "内容属营销，与所申报用途不符",
    ),
}
"""Each code of weighing: words in English and Chinese."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A list as weighed. `barred`: the likeliest barred category of each text (its column).
    `hold`, `reject`: by kind; `sure`: it is rejected if a second sign agrees. `differs`: serves
    marketing though ordered for something else; `may_differ`: if a sign of an offer agrees."""

    barred: NDArray[np.intp]
    hold: Bools
    sure: Bools
    differs: Bools
    may_differ: Bools


@dataclass(frozen=True, slots=True)
class Weighing:
    """The thresholds. Immutable but for what it remembers of licences."""

    hold: Mapping[str, float]
    spam: Mapping[str, float]
    sure: float
    sure_spam: float
    differs: Mapping[str, float]
    differs_signed: Mapping[str, float]
    proper: Mapping[str, frozenset[Licence]]
    needs: Mapping[int, re.Pattern[str]]
    owner: str
    _masks: dict[frozenset[Licence], F32] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_document(cls, rules: Mapping[str, Any], owner: str) -> Weighing:
        """Build from the part `kinds` of the rules. Raises KeyError, ValueError."""
        proper = {code: frozenset(licences) for code, licences in rules["proper"].items()}
        unknown = set(proper) - set(BY_CODE)
        if unknown:
            raise ValueError(f"no category is called {min(unknown)}")
        return cls(
            rules["hold"], rules["spam"], rules["sure"], rules["sure_spam"], rules["differs"],
            rules["differs_signed"],
            proper, {_COLUMN[code]: re.compile(words) for code, words in rules["needs"].items()},
            owner,
        )  # fmt: skip

    def barred(self, licences: frozenset[Licence]) -> F32:
        """Return 1 for each category that a sender with these licences may not send."""
        mask = self._masks.get(licences)
        if mask is None:
            mask = np.zeros(len(CATEGORIES), np.float32)
            for place, category in enumerate(CATEGORIES):
                allowed = category.licences | self.proper.get(category.code, frozenset())
                if category.nature in ("restricted", "harmful") and not licences & allowed:
                    mask[place] = 1
            if len(self._masks) < 1_000:
                self._masks[licences] = mask
        return mask

    def weigh(
        self,
        category: F32,
        purpose: F32,
        spam: F32,
        senders: Sequence[Sender],
        ordered: Sequence[Purpose | None],
    ) -> Weighed:
        """Weigh a list: probabilities [n, categories], [n, purposes], [n]."""
        barred = category * np.stack([self.barred(sender.licences) for sender in senders])
        names = [_NONE if one is None else one.name.lower() for one in ordered]
        least = _column(self.hold, names)
        likely = barred.sum(axis=1)
        harmful = (barred * _HARMFUL).max(axis=1)  # one kind, not a suspicion of many
        return Weighed(
            barred=barred.argmax(axis=1),
            hold=(likely >= least) & (spam >= _column(self.spam, names)),
            sure=(harmful >= self.sure) & (spam >= self.sure_spam),
            differs=purpose[:, _MARKETING] >= _column(self.differs, names),
            may_differ=purpose[:, _MARKETING] >= _column(self.differs_signed, names),
        )

    def speaks_of(self, column: int, text: str) -> bool:
        """Tell whether a text (as it reads) has a word that its category cannot do without: a false
        bank speaks of a bank."""
        needed = self.needs.get(column)
        return needed is None or needed.search(text) is not None

    def kind(self, column: int, severity: Severity, spans: Sequence[tuple[int, int]]) -> Finding:
        """Return the finding of a barred category."""
        code = f"kind_{CATEGORIES[column].code}"
        return Finding(code, severity, *KIND_CODES[code], tuple(spans), self.owner)

    def drift(self) -> Finding:
        """Return the finding of a text that serves marketing, ordered for something else."""
        code = "purpose_differs"
        return Finding(code, Severity.HOLD, *KIND_CODES[code], (), self.owner)


_COLUMN: Final = {category.code: place for place, category in enumerate(CATEGORIES)}
_HARMFUL: Final = np.array([c.nature == "harmful" for c in CATEGORIES], np.float32)


def _column(by_name: Mapping[str, float], names: Sequence[str]) -> F32:
    return np.fromiter((by_name[name] for name in names), np.float32, len(names))
