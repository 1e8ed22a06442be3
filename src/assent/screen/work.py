"""A text on its way from how it was written to how it reads, character by character first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from assent.screen.finding import Span
from assent.screen.fold import COPY, DIGIT, FANCY, HAN, HIDDEN, LETTER, MARK, tables

__all__ = ["CODES", "Evasion", "Work", "characters"]

CODES: Final = (
    "hidden_characters", "piled_marks", "lookalike_letters", "odd_letters", "odd_digits",
    "split_characters", "broken_words", "spelled_words", "leet", "spaced_link",
)  # fmt: skip


class Evasion(NamedTuple):
    """Something undone: which kind (one of `CODES`), and where in the original."""

    code: str
    span: Span


class Work:
    """A text on its way, with the place of each character in the original."""

    def __init__(self, text: str, at: list[int], ends: list[int]) -> None:
        self.text, self.at, self.ends = text, at, ends
        self.found: list[Evasion] = []

    def sub(
        self, pattern: re.Pattern[str], put: Callable[[re.Match[str]], str | None], code: str = ""
    ) -> None:
        """Replace matches by what `put` returns (None keeps them); tell of it under `code`."""
        swaps = []
        for match in pattern.finditer(self.text):
            new = put(match)
            if new is not None and new != match.group() and match.end() > match.start():
                swaps.append((*match.span(), new))
        if swaps:
            self.swap(swaps, code)

    def swap(self, swaps: list[tuple[int, int, str]], code: str) -> None:
        """Put words in the place of stretches, in order; tell of them."""
        text: list[str] = []
        at: list[int] = []
        ends: list[int] = []
        last = 0
        for start, end, new in swaps:
            text += [self.text[last:start], new]
            at += self.at[last:start]
            ends += self.ends[last:start]
            places = [start + min(k, end - start - 1) for k in range(len(new))]
            at += [self.at[place] for place in places]
            ends += [self.ends[place] for place in places]
            if new:
                ends[-1] = self.ends[end - 1]
            if code:
                self.found.append(Evasion(code, (self.at[start], self.ends[end - 1])))
            last = end
        if last:
            self.text = "".join([*text, self.text[last:]])
            self.at = at + self.at[last:]
            self.ends = ends + self.ends[last:]

    def cut(self, holes: list[tuple[int, int]], code: str) -> None:
        """Take out stretches, in order, that stand between two characters; tell of them."""
        if holes:
            told = [(start - 1, end + 1) for start, end in holes]
            self.found += [Evasion(code, (self.at[a], self.ends[b - 1])) for a, b in told]
            self.swap([(start, end, "") for start, end in holes], "")


def characters(original: str) -> Work:
    """Fold each character; drop what is not seen; tell of what was hidden or drawn."""
    table = tables()
    text: list[str] = []
    at: list[int] = []
    ends: list[int] = []
    found: list[Evasion] = []
    kinds = [int(table.kind[ord(char)]) for char in original]
    word = HAN | LETTER | DIGIT | COPY | FANCY
    marks = 0
    for place, (char, kind) in enumerate(zip(original, kinds, strict=True)):
        marks = marks + 1 if kind & MARK else 0
        if kind & (HIDDEN | MARK):
            inside = at and kinds[at[-1]] & word and ends[-1] + marks >= place
            if kind & HIDDEN and inside and _seen_next(kinds, place) & word:
                found.append(Evasion("hidden_characters", (place, place + 1)))
            if marks == 2:
                found.append(Evasion("piled_marks", (place - 1, place + 1)))
            continue
        new = table.wide.get(char) or chr(table.fold[ord(char)])
        text.append(new)
        at += [place] * len(new)
        ends += [place + 1] * len(new)
    work = Work("".join(text), at, ends)
    work.found = found + _drawn(original, kinds)
    return work


def _seen_next(kinds: list[int], place: int) -> int:
    """Return what the next character is that may be seen, looking a little ahead."""
    for kind in kinds[place + 1 : place + 9]:
        if not kind & (HIDDEN | MARK):
            return kind
    return 0


def _drawn(original: str, kinds: list[int]) -> list[Evasion]:
    """Tell of letters and digits drawn as signs: two letters together, or three digits in a run
    that is as long as a contact. Bullets like ① are nobody's disguise."""
    found: list[Evasion] = []
    table = tables()
    start = fancy = 0
    for place in range(len(kinds) + 1):
        kind = kinds[place] if place < len(kinds) else 0
        if kind & FANCY or (kind & (DIGIT | LETTER) and place < len(kinds)):
            fancy += bool(kind & FANCY)
            continue
        if kind & (HIDDEN | MARK):
            continue
        run = [chr(table.fold[ord(char)]) for char in original[start:place]]
        if fancy >= 3 and sum(c.isdigit() for c in run) >= 5:
            found.append(Evasion("odd_digits", (start, place)))
        elif fancy >= 2 and sum(c.isalpha() for c in run) >= 2:
            found.append(Evasion("odd_letters", (start, place)))
        start, fancy = place + 1, 0
    return found
