"""How names are written: width, characters, look-alikes, sound (`data/characters-*.json`).

The tables are our own choice, of the characters that names of companies are made of; none is
complete. What they miss is left to a reviewer's eye.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

_VERSION: Final = "2026.1"
_HAN: Final = re.compile("[一-鿿]+")
_KEPT: Final = 65_536
_MOST_SPELLINGS: Final = 64
_BRACKETS: Final = str.maketrans("〔〕[]【】「」『』〈〉《》", "()()()()()()()")


@dataclass(frozen=True, slots=True)
class Characters:
    """The tables, ready for :meth:`str.translate`. `pairs`: two letters that look like one."""

    traditional: dict[int, str]
    alphabets: dict[int, str]
    look: dict[int, str]
    pairs: dict[str, str]
    glyphs: dict[int, str]
    generic: frozenset[str]
    test: frozenset[str]
    public_bodies: tuple[str, ...]


@lru_cache(maxsize=1)
def characters() -> Characters:
    """Return the packaged tables."""
    name = f"data/characters-{_VERSION}.json"
    data = json.loads(resources.files("assent").joinpath(name).read_bytes())
    groups = data["similar_glyphs"]
    return Characters(
        traditional=str.maketrans(data["traditional"]),
        alphabets=str.maketrans(data["other_alphabets"]),
        look=str.maketrans(data["same_look"]),
        pairs=data["same_look_pairs"],
        glyphs=str.maketrans({c: group[0] for group in groups for c in group[1:]}),
        generic=frozenset(data["generic"]),
        test=frozenset(data["test"]),
        public_bodies=tuple(data["public_bodies"]),
    )


def plain(text: str) -> str:
    """Return a name with width, case, brackets and blanks made one."""
    if _HAN.fullmatch(text):
        return text
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS).casefold()
    kept = (c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
    # Once more: without blanks between them, a letter and its accent are one character.
    return unicodedata.normalize("NFKC", "".join(kept))


@lru_cache(maxsize=_KEPT)
def simplified(text: str) -> str:
    """Return a plain name in simplified characters, as far as the table knows them."""
    return plain(text).translate(characters().traditional)


@lru_cache(maxsize=_KEPT)
def looks(text: str) -> str:
    """Return the same for names that look the same to somebody who does not look twice."""
    tables = characters()
    seen = simplified(text).translate(tables.alphabets)
    if _HAN.fullmatch(seen):
        return seen
    for pair, one in tables.pairs.items():
        seen = seen.replace(pair, one)
    return seen.translate(tables.look)


@lru_cache(maxsize=_KEPT)
def glyphs(text: str) -> str:
    """Return the same for names whose characters are easily taken for each other."""
    return looks(text).translate(characters().glyphs)


class Sound:
    """What a name sounds like, tones aside: pinyin, also of names written in its letters."""

    def __init__(self, text: str) -> None:
        self._heard = [readings(character) for character in simplified(text)]
        self._letters = any(c.isascii() for c in simplified(text))
        self._spelled = _spellings(self._heard)

    def is_of(self, other: str) -> bool:
        """Return whether another name (as :func:`simplified` gives it) sounds the same.

        Where a character has several readings, any of them will do."""
        if len(other) == len(self._heard) and all(
            not heard.isdisjoint(readings(c)) for heard, c in zip(self._heard, other, strict=True)
        ):
            return True
        if not (self._letters or any(c.isascii() for c in other)):
            return False  # as many characters as syllables
        return any(_spells(other, spelling) for spelling in self._spelled)


def _spellings(heard: list[frozenset[str]]) -> tuple[str, ...]:
    """Return what a name may be spelled as in one piece; of very many ways, some."""
    found = [""]
    for syllables in heard:
        longer = [head + one for head in found for one in sorted(syllables)]
        found = longer[:_MOST_SPELLINGS]
    return tuple(found)


def _spells(text: str, spelling: str) -> bool:
    ends = {0}
    for character in text:
        heard = readings(character)
        ends = {end + len(one) for end in ends for one in heard if spelling.startswith(one, end)}
        if not ends:
            return False
    return len(spelling) in ends


@lru_cache(maxsize=32_768)
def readings(character: str) -> frozenset[str]:
    """Return the syllables that a character is read as; itself when it is none of Chinese."""
    from pypinyin import Style, pinyin  # its dictionaries take a moment, and few need them

    return frozenset(pinyin(character, style=Style.NORMAL, heteronym=True)[0])
