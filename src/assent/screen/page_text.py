"""A page's text for comparing: without what changes by itself, as shingles and as a sketch."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import numpy as np
import numpy.typing as npt

SIZE: Final = 3
"""Characters of a shingle."""
MINIMA: Final = 64
_FIGURES: Final = re.compile(r"[0-9][0-9.,:/%-]*")
_DAYS: Final = re.compile(
    r"(?:星期|周|礼拜)[一二三四五六日天]|\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b"
    r"|\b(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
    r"|刚刚|昨天|今天|前天|上午|下午|\b(?:am|pm|today|yesterday|just now)\b"
)
_SPACE: Final = re.compile(r"\s+")
_NOISE: Final = re.compile(r"[^\w\s]")
_HAN: Final = re.compile("[\u3400-\u9fff]")
_MANY: Final = np.random.default_rng(20_261_122).integers(
    1, 1 << 63, size=(2, MINIMA), dtype=np.uint64
) | np.uint64(1)


def words_of(text: str) -> str:
    """Return a text without figures, days, punctuation and case; lines stay apart by a blank."""
    plain = unicodedata.normalize("NFKC", text).lower()
    plain = _DAYS.sub(" ", _FIGURES.sub("0", plain))
    return _SPACE.sub(" ", _NOISE.sub(" ", plain)).strip()


def lines_of(text: str) -> list[str]:
    """Return the lines of a text as :func:`words_of` has them, without those that are empty."""
    return [plain for line in text.split("\n") if (plain := words_of(line)).strip("0 ")]


def shingles(text: str) -> frozenset[str]:
    """Return all runs of :data:`SIZE` characters of each line's words."""
    found: set[str] = set()
    for line in lines_of(text):
        padded = f" {line} "
        found.update(padded[at : at + SIZE] for at in range(len(padded) - SIZE + 1))
    return frozenset(found)


def sketch(text: str) -> tuple[int, ...]:
    """Return the minima of 64 hashes over the shingles of a text: the share of equal places of two
    sketches is about the share of shingles that their texts have in common. () for no text."""
    hashes = _hashes(text)
    if not len(hashes):
        return ()
    mixed = hashes[:, None] * _MANY[0] + _MANY[1]
    return tuple((mixed.min(axis=0) >> np.uint64(32)).tolist())


def _hashes(text: str) -> npt.NDArray[np.uint64]:
    joined = "\n".join(f" {line} " for line in lines_of(text))
    points = np.frombuffer(joined.encode("utf-32-le"), np.uint32).astype(np.uint64)
    if len(points) < SIZE:
        return np.zeros(0, np.uint64)
    mixed = np.zeros(len(points) - SIZE + 1, np.uint64)
    for place in range(SIZE):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + points[place : len(mixed) + place]
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def alike(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Return about how much of two texts is the same, by their sketches."""
    if not one or not other:
        return float(one == other)
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def is_chinese(text: str) -> bool:
    """Tell whether a good part of a text is Chinese characters."""
    letters = words_of(text).replace(" ", "")
    return len(_HAN.findall(letters)) * 5 > len(letters)
