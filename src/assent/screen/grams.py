"""Texts as numbers: what of a text the model of kinds looks at, hashed, a whole list at a time.

A text is folded into *symbols*, so that one model serves texts that came through different hands:
a number is one symbol, whether its digits are there, masked with `x` or replaced by a placeholder;
spaces count only beside Latin letters; punctuation stands apart. Features are

- runs of one to three symbols (also across the text's two ends), up to five of Latin letters,
- Latin words and pairs of them,
- each number's length, alone and with what stands before and after it,
- punctuation with its neighbours,
- how long the text is, how many numbers it holds, and whether it is Chinese.

A feature is a place in a table of 2**20, from a hash that cannot be read back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BITS", "Grams", "grams"]

BITS: Final = 20
"""Features are numbers below 2**BITS."""

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]
Add = Callable[[U32, I64, I64], None]

# Symbols that stand for what was there. _GONE is what a longer mark leaves behind, so that
# places stay what they were.
_LINK, _NAME, _PLACE, _GONE = 1, 2, 3, 4
_ANY_NUMBER, _MOBILE, _PHONE, _ACCOUNT = 5, 6, 7, 8
_NUMBER = 9
_SPACE, _X = ord(" "), ord("x")
_HAN_FROM, _HAN_TO = 0x3400, 0x9FFF

# What a symbol is.
_END, _LATIN, _LETTER, _DIGIT, _BLANK, _MARK = 0, 1, 2, 3, 4, 5

_HELD: Final = {
    "cellphone": _MOBILE,
    "phone": _PHONE,
    "digit": _ANY_NUMBER,
    "url": _LINK,
    "name": _NAME,
    "place": _PLACE,
    "qq": _ACCOUNT,
    "wechat": _ACCOUNT,
}
_PLACEHOLDER = re.compile(f"(?<![a-z])({'|'.join(_HELD)})(?=[^a-z]|[a-z]{{0,4}}(?![a-z]))")
_HAN = re.compile("[\u3400-\u9fff]")
_LINK_HEAD = re.compile(r"https?\s*:?\s*/\s*/\s*(?:www\.)?|www\.")
_LENGTHS: Final = {_ANY_NUMBER: 0, _MOBILE: 11, _PHONE: 8, _ACCOUNT: 9}


def _tables() -> tuple[U32, NDArray[np.uint8]]:
    """Return, for each code point, its small letter and its class."""
    small = np.arange(0x110000, dtype=np.uint32)
    kind = np.full(0x110000, _LETTER, np.uint8)
    for code in range(0x3000):
        character = chr(code)
        lower = character.lower()
        small[code] = ord(lower) if len(lower) == 1 else code
        if character.isdecimal():
            kind[code] = _DIGIT
        elif character.isspace():
            kind[code], small[code] = _BLANK, _SPACE
        elif not character.isalnum():
            kind[code] = _MARK
        elif code < 0x250:
            kind[code] = _LATIN
    for first, last in ((0x3000, 0x3040), (0xFE10, 0xFE70), (0xFF00, 0xFF10), (0xFF1A, 0xFF20)):
        kind[first:last] = _MARK
    kind[0x1F000:] = _MARK
    small[0x3000], kind[0x3000] = _SPACE, _BLANK
    small[_GONE], kind[_GONE] = _SPACE, _BLANK
    kind[0] = _END
    kind[[_LINK, _NAME, _PLACE]] = _LETTER
    kind[list(_LENGTHS)] = _DIGIT
    return small, kind


_SMALL, _KIND = _tables()
_LENGTH = np.ones(_SPACE, np.int64)
_LENGTH[list(_LENGTHS)] = list(_LENGTHS.values())


@dataclass(frozen=True, slots=True)
class Grams:
    """Features of a list of texts: `feature[i]` belongs to text `row[i]`, counted as often as it
    is there. `start`, `end`: where it stands in that text; only told when asked for."""

    row: I64
    feature: U32
    start: I64 | None = None
    end: I64 | None = None


def grams(texts: Sequence[str], *, places: bool = False) -> Grams:
    """Return the features of `texts`; with `places`, where each stands."""
    joined = "\0".join(texts)
    if joined.count("\0") != len(texts) - 1:
        texts = [text.replace("\0", " ") for text in texts]
        joined = "\0".join(texts)
    if _PLACEHOLDER.search(joined):
        joined = "\0".join([_held(text) for text in texts])
    joined = _LINK_HEAD.sub(lambda found: _mark(_LINK, found[0]), joined)
    code = np.frombuffer(f"\0{joined}\0".encode("utf-32-le", "replace"), np.uint32)
    return _Folded(code).grams(places)


def _mark(symbol: int, found: str) -> str:
    return chr(symbol) + chr(_GONE) * (len(found) - 1)


def _held(text: str) -> str:
    """Put symbols where a Chinese text was masked with English words."""
    if _HAN.search(text) is None:
        return text
    return _PLACEHOLDER.sub(lambda found: _mark(_HELD[found[1]], found[1]), text)


@lru_cache(maxsize=4)
def _powers(size: int) -> tuple[U32, U32]:
    """Return the powers of the hash's base and of its inverse modulo 2**32."""
    base = 0x9E3779B1
    up = np.full(size, base, np.uint32)
    down = np.full(size, pow(base, -1, 2**32), np.uint32)
    up[0] = down[0] = 1
    return np.multiply.accumulate(up, dtype=np.uint32), np.multiply.accumulate(
        down, dtype=np.uint32
    )


class _Folded:
    """The symbols of joined texts, and what features are made of them.

    `code`, `kind`: of every character. `body`: places of what counts, ends of texts among them;
    `symbol`, `what`: their symbols and classes; `spaced`: something stood between one and the
    one before; `text`: which text.
    """

    def __init__(self, code: U32) -> None:
        self.code = _SMALL[code]
        self.kind = _KIND[code]
        ends = self.kind == _END
        self.text = np.cumsum(ends) - 1
        self.ends = np.flatnonzero(ends)
        self.count = self.ends.size - 1
        self.han = np.zeros(self.count + 1, bool)
        self.han[self.text[(self.code >= _HAN_FROM) & (self.code <= _HAN_TO)]] = True
        self._find_numbers()
        self.body = np.flatnonzero((self.kind < _BLANK) & ~self.rest)
        self.symbol = self.code[self.body]
        self.what = self.kind[self.body]

    def _find_numbers(self) -> None:
        """Find numbers; also runs of `x` that mask them, in Chinese texts."""
        is_x = self.code == _X
        digit = self.kind == _DIGIT
        either = digit | is_x
        edge = np.flatnonzero(either[1:] != either[:-1]) + 1
        first, last = edge[::2], edge[1::2]
        if first.size:
            real = np.add.reduceat(digit, edge, dtype=np.int64)[::2] > 0
            latin = (self.kind == _LATIN) & ~is_x
            alone = ~(latin[first - 1] | latin[last]) & self.han[self.text[first]]
            first, last = first[real | alone], last[real | alone]
        long = last - first
        held = self.code[first] < _SPACE
        long[held] = _LENGTH[self.code[first[held]]]
        self.first, self.last, self.long = first, last, long
        inside = np.zeros(self.code.size, np.int8)
        inside[first] += 1
        inside[last] -= 1
        self.rest = np.cumsum(inside, dtype=np.int8) > 0
        self.raw, self.kind_was = self.code.copy(), self.kind.copy()
        self.code[self.rest] = _NUMBER
        self.kind[self.rest] = _DIGIT
        self.rest[first] = False

    def grams(self, places: bool) -> Grams:
        """Return all features."""
        row: list[I64] = []
        feature: list[U32] = []
        start: list[I64] = []
        end: list[I64] = []

        def add(hashed: U32, left: I64, right: I64) -> None:
            mixed = hashed ^ (hashed >> np.uint32(15))
            mixed *= np.uint32(0x2C1B3C6D)
            mixed ^= mixed >> np.uint32(12)
            mixed *= np.uint32(0x297A2D39)
            feature.append(mixed >> np.uint32(32 - BITS))
            owner = self.text[left]
            row.append(owner)
            if places:
                begins = self.ends[owner] + 1
                start.append(np.maximum(left - begins, 0))
                end.append(np.minimum(right + 1, self.ends[owner + 1]) - begins)

        self._runs(add)
        self._numbers(add)
        self._marks(add)
        self._whole(add)
        found = np.concatenate(row), np.concatenate(feature)
        if not places:
            return Grams(*found)
        return Grams(*found, np.concatenate(start), np.concatenate(end))

    def _stream(self) -> tuple[U32, NDArray[np.uint8], I64]:
        """Return what is read as running text: symbols, classes, places."""
        what, body = self.what, self.body
        apart = np.zeros(body.size, bool)
        latin = what == _LATIN
        either = (what == _LATIN) | (what == _DIGIT) | ~self.han[self.text[body]]
        gap = np.diff(body) > 1
        apart[1:] = gap & ((latin[1:] & either[:-1]) | (either[1:] & latin[:-1]))
        number = what == _DIGIT
        keep = np.ones(body.size, bool)
        keep[1:] = ~(number[1:] & number[:-1])
        times = np.where(apart, 2, 1)[keep]
        at = np.repeat(np.flatnonzero(keep), times)
        symbol, kind = self.symbol[at], what[at]
        blank = (np.cumsum(times) - times)[times == 2]
        symbol[blank], kind[blank] = _SPACE, _BLANK
        return symbol, kind, body[at]

    def _runs(self, add: Add) -> None:
        symbol, kind, at = self._stream()
        scrambled = symbol * np.uint32(0x85EBCA6B)
        scrambled ^= scrambled >> np.uint32(13)
        size = scrambled.size
        edge = (kind == _END) | (kind == _BLANK)
        latin = (kind == _LATIN) | edge
        base = np.uint32(0x9E3779B1)
        one = (kind == _LETTER) | (kind == _DIGIT)
        place = np.flatnonzero(one)
        add(scrambled[place], at[place], at[place])
        hashed, good, small = scrambled, np.ones(size, bool), latin
        for length in range(2, 6):
            if length == 2:
                good = ~(edge[:-1] & edge[1:])
            else:
                good = good[:-1] & ~edge[length - 2 : size - 1]
            small = small[:-1] & latin[length - 1 :]
            hashed = hashed[:-1] * base + scrambled[length - 1 :]
            use = good if length <= 3 else good & small
            place = np.flatnonzero(use)
            last = at[place + length - 1]
            first = at[place]
            self._add_run(add, hashed[place], first, last, kind[place])
        self._words(add, scrambled, kind, at)

    def _add_run(
        self, add: Add, hashed: U32, first: I64, last: I64, kind: NDArray[np.uint8]
    ) -> None:
        """Add runs; one that begins with the end of the text before belongs to the next one."""
        add(hashed, np.where(kind == _END, np.minimum(first + 1, last), first), last)

    def _words(self, add: Add, scrambled: U32, kind: NDArray[np.uint8], at: I64) -> None:
        latin = (kind == _LATIN).view(np.int8)
        edge = np.flatnonzero(latin[1:] != latin[:-1]) + 1
        first, last = edge[::2], edge[1::2]
        if not first.size:
            return
        up, down = _powers(1 << int(scrambled.size).bit_length())
        total = np.concatenate(
            [[np.uint32(0)], np.cumsum(scrambled * up[: scrambled.size], dtype=np.uint32)]
        )
        total = total.astype(np.uint32)
        word = (total[last] - total[first]) * down[first] ^ np.uint32(0x5BD1E995)
        add(word, at[first], at[last - 1])
        near = np.flatnonzero(first[1:] - last[:-1] <= 1)
        pair = word[near] * np.uint32(0xC2B2AE35) + word[near + 1]
        same = self.text[at[first[near]]] == self.text[at[last[near + 1] - 1]]
        near, pair = near[same], pair[same]
        add(pair, at[first[near]], at[last[near + 1] - 1])

    def _numbers(self, add: Add) -> None:
        """Add each number's length, alone and beside its neighbours."""
        first, last, long = self.first, self.last, self.long
        known = long > 0
        first, last, long = first[known], last[known], long[known]
        length = np.minimum(long, 24).astype(np.uint32) * np.uint32(0x01000193)
        length += np.uint32(0x51ED270B)
        before, after = self.code[first - 1], self.code[last]
        head = np.zeros(first.size, np.uint32)
        whole = np.zeros(first.size, np.uint32)
        for step in range(6):
            there = first + step < last
            digit = np.where(there, self.raw[np.minimum(first + step, last)], 0)
            whole = whole * np.uint32(0x9E3779B1) + digit.astype(np.uint32)
            if step == 2:
                head = whole
        real = self.kind_was[first] == _DIGIT
        short = real & (last - first <= 6)
        tall = real & (last - first > 3)
        add(head[tall] + length[tall] * np.uint32(0x27D4EB2F), first[tall], last[tall] - 1)
        add(whole[short] + np.uint32(0x165667B1), first[short], last[short] - 1)
        add(length, first, last - 1)
        add(length + before * np.uint32(0xB5297A4D), first, last - 1)
        add(length + after * np.uint32(0x68E31DA4) + np.uint32(7), first, last - 1)

    def _marks(self, add: Add) -> None:
        """Add punctuation, alone and beside its neighbours."""
        place = np.flatnonzero(self.kind == _MARK)
        mark = self.code[place] * np.uint32(0x1B56C4E9)
        add(mark + np.uint32(3), place, place)
        before, after = self.code[place - 1], self.code[place + 1]
        add(mark + before * np.uint32(0x7FEB352D) + np.uint32(5), place, place)
        add(mark + after * np.uint32(0x846CA68B) + np.uint32(11), place, place)

    def _whole(self, add: Add) -> None:
        """Add what concerns the whole text."""
        first = self.ends[:-1]
        size = np.diff(self.ends) - 1
        row = np.arange(self.count)
        step = np.floor(2 * np.log2(size + 1)).astype(np.uint32)
        numbers = np.minimum(np.bincount(self.text[self.first], minlength=self.count + 1), 9)
        marks = np.bincount(self.text[self.kind == _MARK], minlength=self.count + 1)
        share = np.floor(np.log2(marks[row] + 1)).astype(np.uint32)
        for salt, value in (
            (0x11, step),
            (0x22, numbers[row].astype(np.uint32)),
            (0x33, self.han[row].astype(np.uint32)),
            (0x44, share + np.uint32(64) * self.han[row].astype(np.uint32)),
        ):
            hashed = value * np.uint32(0x9E3779B1) + np.uint32(salt * 0x01000193)
            nothing = np.minimum(first + 1, self.ends[1:] - 1)
            add(hashed, nothing, nothing - 1)
