"""Signs that say little each and much together: a kind of text told by what stands beside what.

For kinds that change their wording faster than a model is learned again. A combination holds a text
unless the sender has a licence for its category; it never rejects. Patterns read the text as it
reads to a person (small letters, simplified, undisguised).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assent.screen.categories import BY_CODE
from assent.screen.finding import Finding, Licence, Severity
from assent.screen.normal import Normal
from assent.screen.weighing import KIND_CODES

__all__ = ["Combination", "combinations"]


@dataclass(frozen=True, slots=True)
class Combination:
    """`first`, and each of `also`, stand in the text, and `never` does not."""

    code: str
    first: re.Pattern[str]
    also: tuple[re.Pattern[str], ...]
    never: re.Pattern[str]
    licences: frozenset[Licence]
    owner: str

    def begins(self, text: str, licences: Collection[Licence]) -> bool:
        """Tell whether the first sign stands in a text (as it reads) of such a sender."""
        return self.licences.isdisjoint(licences) and self.first.search(text) is not None

    def find(self, normal: Normal, licences: Collection[Licence]) -> Finding | None:
        """Return the finding of a text from a sender with these licences, or None."""
        first = self.first.search(normal.text)
        if first is None or not self.licences.isdisjoint(licences):
            return None
        hits = [pattern.search(normal.text) for pattern in self.also]
        if not all(hits) or self.never.search(normal.text):
            return None
        spans = sorted({normal.span(*hit.span()) for hit in (first, *hits) if hit})
        return Finding(
            self.code, Severity.HOLD, *KIND_CODES[self.code], tuple(spans), self.owner
        )  # fmt: skip


def combinations(
    rows: Sequence[Mapping[str, Any]], owner: str, proper: Mapping[str, frozenset[Licence]]
) -> tuple[Combination, ...]:
    """Return combinations from their rows in the rules. `proper`: licences that waive a category
    beside its own. Raises KeyError, re.error for rows that are none."""
    return tuple(
        Combination(
            f"kind_{row['category']}",
            re.compile(row["first"]),
            tuple(map(re.compile, row["also"])),
            re.compile(row["never"]),
            BY_CODE[row["category"]].licences | proper.get(row["category"], frozenset()),
            f"{owner}/{row['id']}",
        )
        for row in rows
    )
