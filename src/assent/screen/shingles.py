"""What near-duplicates are compared by: the character 3-grams of a text read as letters only.

Digits become one `0`, links one mark, punctuation and blanks go, letters are small: what differs
from receiver to receiver, and what is put in so that two texts look different, does not count.
Texts are taken as lists and worked upon as one array: a text costs microseconds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["SIZE", "Shingles", "jaccard", "shingles"]

SIZE: Final = 3
"""Characters in a shingle."""

_END: Final = "\0"
_LINK: Final = "\ue000"  # no script has it: links are one letter of their own
_URL: Final = re.compile(
    r"(?:https?://|www\.)[^\s\0\u3000-\uffef]+"
    r"|(?<![a-z0-9@.-])(?:[a-z0-9-]{1,63}\.)+[a-z]{2,12}(?:/[!-~]*)?(?![a-z0-9.-])",
    re.IGNORECASE,
)
_DIGIT: Final = ord("0")
_MIX: Final = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
)
_FINAL: Final = np.uint64(0xD6E8FEB86659FD93)
_HALF: Final = np.uint64(32)


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of some texts as 32-bit hashes, one after the other. `starts`: where each text's
    begin, and after the last their number; a text without letters has none."""

    hashes: npt.NDArray[np.uint32]
    starts: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """How many each text has, repeated ones counted."""
        return np.diff(self.starts)

    def of(self, place: int) -> npt.NDArray[np.uint32]:
        """Return one text's, each once, in order."""
        return np.unique(self.hashes[self.starts[place] : self.starts[place + 1]])


def shingles(texts: Sequence[str]) -> Shingles:
    """Return the shingles of texts. A text of one or two letters has one."""
    letters, lengths = _letters(texts)
    starts = np.zeros(len(texts) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    if not len(letters):
        return Shingles(np.empty(0, np.uint32), starts)
    # Two letters more at the end so that each place begins a gram; those across two texts are left
    # out below.
    padded = np.concatenate((letters, np.zeros(SIZE - 1, np.uint64)))
    size = len(letters)
    owner_end = np.repeat(starts[1:], lengths)
    left = owner_end - np.arange(size)
    mixed = padded[:size] * _MIX[0]
    for step in range(1, SIZE):
        following = np.where(left > step, padded[step : step + size], np.uint64(0))
        mixed ^= following * _MIX[step]
        mixed ^= mixed >> np.uint64(29)
        mixed *= _MIX[0]
    mixed ^= mixed >> _HALF
    mixed *= _FINAL
    length = np.repeat(lengths, lengths)
    kept = (left >= SIZE) | ((length < SIZE) & (left == length))
    counts = np.where(lengths >= SIZE, lengths - SIZE + 1, np.minimum(lengths, 1))
    np.cumsum(counts, out=starts[1:])
    return Shingles((mixed[kept] >> _HALF).astype(np.uint32), starts)


def jaccard(one: npt.NDArray[np.uint32], other: npt.NDArray[np.uint32]) -> float:
    """Return how much of two sets of shingles (:meth:`Shingles.of`) is in both, of what is in
    either; 0 for two without any."""
    both = len(np.intersect1d(one, other, assume_unique=True))
    either = len(one) + len(other) - both
    return both / either if either else 0.0


def _letters(texts: Sequence[str]) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """Return what counts of the texts, one after the other, and how much of it each has."""
    joined = _END.join(text.replace(_END, " ") for text in texts) + _END
    if "." in joined:
        joined = _URL.sub(_LINK, joined)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    ends = points == 0
    letters = _fold()[np.minimum(points, 0x10000)]
    far = points >= 0x20000  # rare ideographs; other far planes are signs
    letters[far] = points[far]
    kept = letters != 0
    text = np.cumsum(ends)[kept]
    letters = letters[kept]
    again = np.zeros(len(letters), bool)
    again[1:] = (letters[1:] == _DIGIT) & (letters[:-1] == _DIGIT) & (text[1:] == text[:-1])
    letters, text = letters[~again], text[~again]
    return letters.astype(np.uint64), np.bincount(text, minlength=len(texts))[: len(texts)]


@cache
def _fold() -> npt.NDArray[np.uint32]:
    """What each character of the first plane counts as; 0: not at all."""
    table = np.zeros(0x10001, np.uint32)
    for point in range(1, 0x10000):
        letter = chr(point)
        kind = unicodedata.category(letter)
        if kind[0] == "N":
            table[point] = _DIGIT
        elif kind[0] in "LM":
            small = letter.lower()
            table[point] = ord(small) if len(small) == 1 else point
    table[ord(_LINK)] = ord(_LINK)
    return table
