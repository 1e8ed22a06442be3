"""What each character is to a reader: its folded form and its classes, as tables over Unicode.

Folding is silent and one to one: full width to half width, small letters, simplified characters,
letters without accents. What takes more than one character, or hides something, is marked `ODD`
and undone by :mod:`assent.screen.normal`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import opencc

__all__ = [
    "COPY", "DIGIT", "FANCY", "HAN", "HIDDEN", "LETTER", "MARK", "NUMERAL", "ODD", "SIZE",
    "Tables", "tables",
]  # fmt: skip

HAN: Final = 1
LETTER: Final = 2  # a to z
DIGIT: Final = 4
NUMERAL: Final = 8  # a Chinese numeral that may stand for a digit; HAN, too
ODD: Final = 16  # its text needs a closer look
HIDDEN: Final = 32  # nothing is to be seen of it
MARK: Final = 64  # stands on the character before
FANCY: Final = 128  # a letter or digit drawn as a sign
COPY: Final = 256  # Greek or Cyrillic: may pass for a Latin letter

SIZE: Final = 0x110000

NUMERALS: Final = dict(
    zip("〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两", "0012345678912345678912", strict=True)
)

# Greek and Cyrillic letters (small) that a reader takes for Latin ones.
COPIES: Final = dict(
    zip(
        "аеорсухіѕјԛԝһԁӏвкмнтгзбпяиьαοενρτυκιχβηωѵγрμ",
        "aeopcyxisjqwhdlbkmhtr36nrubaoevptukixbnwvypu",
        strict=True,
    )
)
# Radicals that ordinary writing does not use alone: pieces of characters.
PIECES: Final = "亻讠氵扌钅彳饣纟忄阝疒宀辶艹犭衤礻冫勹刂彡灬攵罒丬"

_HIDDEN: Final = (
    (0x00, 0x08), (0x0E, 0x1F), (0x7F, 0x7F), (0xAD, 0xAD), (0x034F, 0x034F), (0x061C, 0x061C),
    (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180E), (0x200B, 0x200F), (0x202A, 0x202E),
    (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0xE0000, 0xE0FFF),
)  # fmt: skip
_MARKS: Final = (
    (0x0300, 0x034E), (0x0350, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
)  # fmt: skip
# Where compatibility forms are looked for; the rest of Unicode has none worth a table.
_COMPATIBLE: Final = (
    (0xA0, 0x058F), (0x1D00, 0x2FDF), (0x3000, 0x3400), (0xF900, 0xFAFF), (0xFB00, 0xFB06),
    (0xFE30, 0xFFEE), (0x1D400, 0x1D7FF), (0x1F100, 0x1F1FF), (0x2F800, 0x2FA1F),
)  # fmt: skip
_FANCY: Final = (
    (0x249C, 0x24FF), (0x2776, 0x2793), (0x1D400, 0x1D7FF), (0x1F100, 0x1F189), (0x1F1E6, 0x1F1FF),
    (0x2460, 0x249B),
)  # fmt: skip
_AS_THEY_ARE: Final = frozenset("…‥½¼¾⅓⅔℃℉™©®´¨¯¸˙˚˛˜˝") | {chr(c) for c in range(0x3130, 0x3190)}
_OTHERS: Final = {
    **dict.fromkeys("–—―−‐‑‒﹣", "-"),
    **dict.fromkeys("“”„‟〝〞", '"'),
    **dict.fromkeys("‘’‚‛`′", "'"),
    **dict.fromkeys("\t\u2028\u2029", " "),
    **dict(zip("ⅠⅤⅩⅬⅭⅮⅯⅰⅴⅹⅼⅽⅾⅿ", "ivxlcdmivxlcdm", strict=True)),
    **dict(zip("đłøħŧıĸəɑɡɩʟɴʀ", "dlohtikeagilnr", strict=True)),
    **dict(zip("⺅⺡⺘⻌⺮⺾⻖", "亻氵扌辶竹艹阝", strict=True)),
    "➕": "+", "✚": "+", "〸": "十", "巜": "《",
    "⓿": "0", "🄌": "0", "🄋": "0",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tables:
    """`fold`: code point to code point. `kind`: code point to classes. `wide`: what becomes more
    than one character."""

    fold: np.ndarray[Any, np.dtype[np.uint32]]
    kind: np.ndarray[Any, np.dtype[np.uint16]]
    wide: dict[str, str]


@cache
def tables() -> Tables:
    """Return the tables, built once a process (some 0.2 s)."""
    fold = np.arange(SIZE, dtype=np.uint32)
    fold[0xD800:0xE000] = 0xFFFD  # halves of surrogate pairs stand for nothing
    kind = np.zeros(SIZE, np.uint16)
    wide: dict[str, str] = {}
    for point, folded in _folded():
        if len(folded) == 1:
            fold[point] = ord(folded)
        else:
            wide[chr(point)] = folded
            kind[point] |= ODD
    _simplify(fold)
    wide = {one: "".join(chr(fold[ord(c)]) for c in many) for one, many in wide.items()}
    _classes(fold, kind)
    return Tables(fold, kind, wide)


def _folded() -> Iterator[tuple[int, str]]:
    """Yield code points that fold to something else."""
    points = {p for first, last in _COMPATIBLE for p in range(first, last + 1)}
    points |= {*range(0x41, 0x5B), *range(0x1E900, 0x1E922), *range(0x10400, 0x10428)}
    for point in sorted(points - set(map(ord, _AS_THEY_ARE))):
        char = chr(point)
        folded = _OTHERS.get(char) or _compatible(char)
        if folded != char:
            yield point, folded
    for char in _OTHERS.keys() - set(map(chr, points)):
        yield ord(char), _OTHERS[char]


def _compatible(char: str) -> str:
    """Return a character's plain form: small, without accents, of ordinary width."""
    point = ord(char)
    if 0x1F150 <= point <= 0x1F169:
        return chr(point - 0x1F150 + 0x61)
    if 0x1F170 <= point <= 0x1F189:
        return chr(point - 0x1F170 + 0x61)
    if 0x1F1E6 <= point <= 0x1F1FF:
        return chr(point - 0x1F1E6 + 0x61)
    if 0x2776 <= point <= 0x2793 or 0x2474 <= point <= 0x249B or 0x2460 <= point <= 0x2473:
        return str(int(unicodedata.numeric(char)))
    if 0x249C <= point <= 0x24B5:
        return chr(point - 0x249C + 0x61)
    if 0x2160 <= point <= 0x2188:
        return char
    plain = unicodedata.normalize("NFKC", char)
    if plain.startswith(" ") and len(plain) > 1:  # a mark that stands alone
        return char
    return "".join(_OTHERS.get(one, one) for one in map(_bare, plain.lower()))


def _bare(letter: str) -> str:
    """Return a European letter without its accents; other scripts need their marks."""
    base = unicodedata.normalize("NFD", letter)[0]
    return base if ord(base) < 0x0530 else letter


def _simplify(fold: np.ndarray[Any, np.dtype[np.uint32]]) -> None:
    """Fold traditional characters, also those that compatibility forms lead to."""
    han = [chr(p) for p in (*range(0x3400, 0xA000), *range(0x20000, 0x2A6E0))]
    simple = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    to_simple = np.arange(SIZE, dtype=np.uint32)
    for char, other in zip(han, simple, strict=True):
        if len(other) == 1:
            to_simple[ord(char)] = ord(other)
    # Some simplified forms are simplified again; folding has to end where it began.
    to_simple = to_simple[to_simple]
    fold[:] = to_simple[fold]


def _classes(
    fold: np.ndarray[Any, np.dtype[np.uint32]], kind: np.ndarray[Any, np.dtype[np.uint16]]
) -> None:
    """Mark what each character is, after folding, and what is odd about it before."""
    plain = np.zeros(SIZE, np.uint16)
    plain[0x61:0x7B] = LETTER
    plain[0x30:0x3A] = DIGIT
    for first, last in ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF)):
        plain[first : last + 1] = HAN
    plain[0x3007] = HAN
    for char in NUMERALS:
        plain[ord(char)] |= NUMERAL
    for char in PIECES:
        plain[ord(char)] |= ODD
    for first, last in ((0x0370, 0x0482), (0x048A, 0x052F), (0x1F00, 0x1FFF)):
        plain[first : last + 1] |= COPY | ODD
    kind |= plain[fold]
    for ranges, bits in ((_HIDDEN, HIDDEN), (_MARKS, MARK), (_FANCY, FANCY)):
        for first, last in ranges:
            kind[first : last + 1] |= bits | ODD
