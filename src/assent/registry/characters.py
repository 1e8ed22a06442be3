"""How names are written: width, characters, look-alikes, sound (`data/characters-*.json`).

The tables are our own choice, of the characters that names of companies are made of; none is
complete. What they miss is left to a reviewer's eye.
"""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Final

_VERSION: Final = "2026.1"
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
    folded = unicodedata.normalize("NFKC", text).translate(_BRACKETS).casefold()
    kept = (c for c in folded if not c.isspace() and unicodedata.category(c) != "Cf")
    # Once more: without blanks between them, a letter and its accent are one character.
    return unicodedata.normalize("NFKC", "".join(kept))


def simplified(text: str) -> str:
    """Return a plain name in simplified characters, as far as the table knows them."""
    return plain(text).translate(characters().traditional)


def looks(text: str) -> str:
    """Return the same for names that look the same to somebody who does not look twice."""
    tables = characters()
    seen = simplified(text).translate(tables.alphabets)
    for pair, one in tables.pairs.items():
        seen = seen.replace(pair, one)
    return seen.translate(tables.look)


def glyphs(text: str) -> str:
    """Return the same for names whose characters are easily taken for each other."""
    return looks(text).translate(characters().glyphs)


@lru_cache(maxsize=65_536)
def sounds(text: str) -> str:
    """Return the same for names that sound the same, tones aside: pinyin in one piece, so that
    a name is also found when it is written in letters."""
    from pypinyin import lazy_pinyin  # its dictionaries take a moment, and few need them

    return "".join(lazy_pinyin(simplified(text)))
