"""Texts as they read to a person, whatever was done so that machines read something else.

Every text is folded (width, case, traditional characters, accents), one character to one. Texts
that may be disguised, found at a glance over the whole list, are undone one by one
(:mod:`assent.screen.undo`). What comes out, comes out the same again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np

from assent.screen.disguise import disguises
from assent.screen.finding import Span
from assent.screen.fold import DIGIT, HAN, LETTER, NUMERAL, ODD, SIZE, tables
from assent.screen.undo import has_leet, undo, undo_folded
from assent.screen.work import CODES, Evasion

__all__ = ["CODES", "Evasion", "Normal", "normalise", "normalise_all"]

_CHUNK: Final = 1 << 19  # characters looked at together
_FAR: Final = 4  # word characters this far apart may belong together
_LEET: Final = 1  # letters and digits in one word
_WORDS: Final = 2
_ODD: Final = 4  # characters that do not fold one to one, or hide
_BLANK, _DOT, _SLASH, _COLON = map(ord, " ./:")
_Array = np.ndarray[Any, np.dtype[Any]]


class Normal(NamedTuple):
    """`text`: as it reads. `at`, `ends`: for each of its characters, where it begins and ends in
    the original. `evasions`: what was undone."""

    text: str
    at: Sequence[int]
    ends: Sequence[int]
    evasions: tuple[Evasion, ...] = ()

    def span(self, start: int, end: int) -> Span:
        """Return what characters [start, end) of `text` are in the original."""
        return (self.at[start], self.ends[end - 1]) if start < end else (0, 0)


def normalise(text: str) -> Normal:
    """Return a text as it reads."""
    return normalise_all([text])[0]


def normalise_all(texts: Sequence[str]) -> list[Normal]:
    """Return texts as they read, in their order."""
    done: list[Normal] = []
    first = size = 0
    for place, text in enumerate(texts):
        size += len(text)
        if size >= _CHUNK:
            done += _some(texts[first : place + 1])
            first, size = place + 1, 0
    return done + _some(texts[first:])


def _some(texts: Sequence[str]) -> list[Normal]:
    """Normalise texts that are few enough for arrays over all their characters."""
    if not texts:
        return []
    table = tables()
    points = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), "<u4")
    kinds = table.kind[points]
    points = table.fold[points]
    whole = points.tobytes().decode("utf-32-le")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    stops = np.cumsum(lengths)
    text_of = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    looks = np.zeros(len(texts), np.uint8)
    for look, places in _suspects(points, kinds, text_of):
        looks[text_of[places]] |= look
    done: list[Normal] = []
    start = 0
    for stop, look, text in zip(stops.tolist(), looks.tolist(), texts, strict=True):
        if look == _LEET and not has_leet(whole[start:stop]):
            look = 0
        if look:
            work = undo(text) if look & _ODD else undo_folded(whole[start:stop])
            done.append(Normal(work.text, work.at, work.ends, tuple(work.found)))
        else:
            size = stop - start
            done.append(Normal(whole[start:stop], range(size), range(1, size + 1)))
        start = stop
    return done


@cache
def _glance() -> tuple[_Array, _Array, _Array, _Array, _Array, int]:
    """Return small numbers of the characters that keys are made of, which two of them begin a key,
    which are bonds, all keys as numbers, and whether each counts in Chinese texts only: pinyin."""
    known = disguises()
    chars = sorted({char for form in (*known.keys, *known.bonds) for char in form})
    base = len(chars) + 1
    number = {char: i + 1 for i, char in enumerate(chars)}
    ids = np.zeros(SIZE, np.uint16)
    for char, i in number.items():
        ids[ord(char)] = i
    begins, bonds = np.zeros((2, base * base), bool)
    codes: dict[int, bool] = {}
    for key in known.keys:
        begins[number[key[0]] * base + number[key[1]]] = True
        code = 0
        for i in range(4):
            code = code * base + (number[key[i]] if i < len(key) else 0)
        codes[code] = key.isalpha() and key.isascii() and not key.startswith(("dot", "hxxp"))
    for bond in known.bonds:
        bonds[number[bond[0]] * base + number[bond[1]]] = True
    ordered = sorted(codes)
    pinyin = np.array([codes[code] for code in ordered])
    return ids, begins, bonds, np.array(ordered, np.int64), pinyin, base


def _suspects(points: _Array, kinds: _Array, text_of: _Array) -> list[tuple[int, _Array]]:
    """Return places in texts that need a closer look, and which: never too few."""
    found = [(_ODD, np.flatnonzero(kinds & ODD))]
    places = np.flatnonzero(kinds & (HAN | LETTER | DIGIT))
    if len(places) < 2:
        return found
    ids, begins, bonds, _, _, base = _glance()
    kind, id_, text = kinds[places], ids[points[places]].astype(np.int64), text_of[places]
    near = (places[1:] - places[:-1] <= _FAR) & (text[1:] == text[:-1])
    first = np.flatnonzero(begins[id_[:-1] * base + id_[1:]] & near)
    chinese = np.zeros(int(text_of[-1]) + 1, bool)
    chinese[text[(kind & HAN) != 0]] = True
    found.append((_WORDS, places[first[_is_key(id_, first, chinese[text[first]])]]))
    letter, digit = (kind & LETTER) != 0, (kind & DIGIT) != 0
    beside = places[1:] - places[:-1] == 1
    mixed = beside & ((letter[1:] & digit[:-1]) | (digit[1:] & letter[:-1]))
    found.append((_LEET, places[1:][mixed]))
    alone = letter & np.concatenate([[True], ~beside]) & np.concatenate([~beside, [True]])
    found.append((_WORDS, places[:-2][alone[:-2] & alone[1:-1] & alone[2:] & near[:-1] & near[1:]]))
    found.append((_WORDS, _numbers(places, kind)))
    found.append((_WORDS, _signs(points, kinds)))
    han = np.flatnonzero(kinds & HAN)
    if len(han) > 1:
        apart = han[1:] - han[:-1]
        number = ids[points[han]].astype(np.int64)
        bond = (apart > 1) & (apart <= _FAR) & (text_of[han[1:]] == text_of[han[:-1]])
        found.append((_WORDS, han[:-1][bond & bonds[number[:-1] * base + number[1:]]]))
        found.append((_WORDS, _holes(han, apart, text_of)))
    return found


def _is_key(id_: _Array, first: _Array, chinese: _Array) -> _Array:
    """Tell where a key begins: of two, three or four characters."""
    _, _, _, codes, pinyin, base = _glance()
    padded = np.concatenate([id_, np.zeros(3, np.int64)])
    two = (padded[first] * base + padded[first + 1]) * base
    three = (two + padded[first + 2]) * base
    four = three + padded[first + 3]
    is_one = np.zeros(len(first), bool)
    for code in (two * base, three, four):
        spot = np.minimum(np.searchsorted(codes, code), len(codes) - 1)
        is_one |= (codes[spot] == code) & (chinese | ~pinyin[spot])
    return is_one


def _numbers(places: _Array, kind: _Array) -> _Array:
    """Return where five Chinese numerals or digits, not all of them digits, follow each other."""
    numeral = (kind & NUMERAL) != 0
    if len(kind) < 5 or not numeral.any():
        return places[:0]
    number = (kind & (DIGIT | NUMERAL)) != 0
    run, has = number[4:].copy(), numeral[4:].copy()
    for i in range(4):
        run &= number[i : i - 4]
        has |= numeral[i : i - 4]
    found: _Array = places[:-4][run & has]
    return found


def _signs(points: _Array, kinds: _Array) -> _Array:
    """Return where a sign may be a dot, stands inside a word, or asks for a contact."""
    size = len(points)
    ahead = np.append(points, np.zeros(4, points.dtype))
    one, two, three, four = (ahead[i : i + size] for i in range(1, 5))
    classes = np.append(kinds, np.zeros(3, kinds.dtype))
    after, next_but_one, last = (classes[i : i + size] for i in range(1, 4))
    word = np.append([False], (kinds & (LETTER | DIGIT)) != 0)[:size]
    sign = _SIGNS[np.minimum(points, 0xFFFF)]
    found = (sign == 1) & word & ((after & LETTER) != 0)
    found |= (sign == 2) & word & ((after & (LETTER | DIGIT)) != 0)
    found |= (sign == 3) & ((after & (LETTER | HAN)) != 0)
    blank = points == _BLANK
    goes_on = ((next_but_one & LETTER) != 0) | ((two == _BLANK) & ((last & LETTER) != 0))
    found |= blank & (one == _DOT) & goes_on
    found |= blank & (one == _COLON) & ((two == _SLASH) | (two == _BLANK))
    found |= ((points == _COLON) | (points == _SLASH)) & (one == _BLANK) & (two == _SLASH)
    found |= (points == ord("w")) & (one == _DOT) & (two == _BLANK)
    com = (two == ord("c")) & ((three == ord("n")) | ((three == ord("o")) & (four == ord("m"))))
    net = (two == ord("n")) & (three == ord("e")) & (four == ord("t"))
    found |= (points == _DOT) & (one == _BLANK) & (com | net)
    return np.flatnonzero(found)


def _holes(han: _Array, apart: _Array, text_of: _Array) -> _Array:
    """Return places in texts with gaps between their Chinese characters throughout."""
    same = text_of[han[1:]] == text_of[han[:-1]]
    size = int(text_of[-1]) + 1
    holes = np.bincount(text_of[han[1:]][(apart > 1) & (apart <= _FAR) & same], minlength=size)
    count = np.bincount(text_of[han], minlength=size)
    broken = (holes >= 4) & (count <= 3 * (holes + 1))
    return han[broken[text_of[han]]]


# 1: may be a dot; 2: may stand inside a word; 3: may ask for a contact
_SIGNS: Final = np.zeros(0x10000, np.uint8)
_SIGNS[[ord(char) for char in "。丶·•[("]] = 1
_SIGNS[[ord(char) for char in "*^~_|@$!"]] = 2
_SIGNS[ord("+")] = 3
