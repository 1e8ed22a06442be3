"""How words are disguised: the packaged table of words, their spellings and pieces of characters.

The table is compiled into what undoes a spelling, and into short sequences ("keys") that tell at a
glance whether a text may need it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from assent.screen.fold import tables

__all__ = ["DOMAINS", "Disguises", "bare", "disguises", "folded"]

_FILE: Final = "data/screen/normal-2026.1.json"
# Endings of host names that are told by "point com" and the like.
DOMAINS: Final = (
    "com", "cn", "net", "cc", "top", "vip", "xyz", "org", "info", "club", "me", "tv", "io", "co",
    "app", "biz", "shop", "site", "online", "link", "ink", "ltd", "pw", "hk", "ph", "win",
)  # fmt: skip
_NOT_WORD: Final = re.compile(r"[^0-9a-z\u3007\u3400-\u4dbf\u4e00-\u9fff]+")


_Index = dict[str, list[tuple[str, str]]]
"""First two characters to (form, what it stands for), longest first."""


@dataclass(frozen=True, slots=True)
class Disguises:
    """`pieces`: two characters that make one, always; `pairs`: only within a known word. `said`:
    spellings of words, always, except (`not_after`) where they are part of an ordinary word
    (现代款); `asked`: the same where a contact follows; `single`, `one`: those of one character.
    All forms are without gaps. `words`: known Chinese words; `latin`: known English ones. `keys`:
    two to four word characters, one of which begins what is to be undone. `bonds`: neighbouring
    characters of known words."""

    version: str
    pieces: dict[str, str]
    pairs: dict[str, str]
    said: _Index
    asked: _Index
    single: re.Pattern[str]
    one: dict[str, str]
    words: _Index
    latin: frozenset[str]
    keys: frozenset[str]
    bonds: frozenset[str]
    not_after: dict[str, str]


def folded(text: str) -> str:
    """Return a text of ours folded, as texts are when they are compared with it."""
    table = tables()
    wide = "".join(table.wide.get(char, char) for char in text)
    return "".join(chr(table.fold[ord(char)]) for char in wide)


@cache
def disguises() -> Disguises:
    """Return the packaged table, compiled once a process."""
    data: dict[str, Any] = json.loads(resources.files("assent").joinpath(_FILE).read_bytes())
    words: dict[str, str] = data["words"]
    said = dict(_mixed(words)) | dict(_listed(data["spelled"]["always"]))
    asked = dict(_listed(data["spelled"]["contact"]))
    one = {form: asked.pop(form) for form in list(asked) if len(form) == 1}
    pieces, pairs = (
        {folded(two): folded(one) for two, one in data["split"][kind].items()}
        for kind in ("radical", "plain")
    )
    keys = {form[:4] for form in (*said, *pairs, *asked)} | {"hxxp"}
    keys |= {f"{dot}{end}"[:4] for dot in ("点", "dot") for end in (*DOMAINS, "c0m")}
    keys |= {f"{form}{digit}" for form in one for digit in "0123456789"}
    keys |= {f"{ask}{form}" for ask in "加询系" for form in one}
    return Disguises(
        data["version"], pieces, pairs, _index(said), _index(asked), _single(one), one,
        _index({word: word for word in words}), frozenset(data["latin"]), frozenset(keys),
        frozenset(a + b for word in words for a, b in itertools.pairwise(word)),
        data["not_after"],
    )  # fmt: skip


def bare(text: str) -> str:
    """Return the letters, digits and Chinese characters of folded text."""
    return _NOT_WORD.sub("", text)


def _listed(forms: dict[str, list[str]]) -> Iterator[tuple[str, str]]:
    for target, spellings in forms.items():
        for spelling in spellings:
            form = bare(folded(spelling))
            if form != target:
                yield form, target


def _mixed(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield spellings of words in pinyin: whole, or one character of them."""
    for word, spelling in words.items():
        syllables = spelling.split(" ")
        if len("".join(syllables)) >= 6 and len(word) > 1:
            yield "".join(syllables), word
        for place, syllable in enumerate(syllables):
            if len(syllable) > 2 or len(word) > 2:
                yield word[:place] + syllable + word[place + 1 :], word


def _index(forms: dict[str, str]) -> _Index:
    found: _Index = {}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        found.setdefault(form[:2], []).append((form, forms[form]))
    return found


def _single(forms: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of one-character spellings: after a word of asking and before a name, or
    with a colon before a number."""
    short = "".join(map(re.escape, sorted(forms)))
    name = r"(?:[a-z]{0,8}[_-]?[0-9]{5}|[a-z][a-z0-9_-]{5})"
    return re.compile(
        rf"(?<=[加+询系])[{short}](?![q信])(?=[号 :=-]{{0,4}}{name})"
        rf"|(?<![a-z0-9])[{short}](?=[ ]?[:=][ ]?[0-9]{{5}})"
    )
