"""Hosts that look like an official one: whose, and by which trick.

Theory of operation. Official names are indexed by themselves, by what remains when one letter is
dropped, and both again as `confusables.coarse` reads them; a host's name is looked up in the same
way, so that a host costs some dozens of look-ups, however long the lists are. What is found so is
proved by edit distance and by how long and how peculiar the name is: nobody is suspected because of
three letters. Brands among the words of a host are found by :mod:`assent.screen.tokens`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rapidfuzz.distance import OSA

from assent.screen.confusables import coarse, fold, neighbours
from assent.screen.registry import Parts, Registry, parts_of, unicode_of
from assent.screen.tokens import Token, Tokens, drops

__all__ = ["TECHNIQUES", "Lookalikes", "Match", "disguised"]

TECHNIQUES: Final = {
    "confusable": ("letters of another script that look the same", "形近的其他文字"),
    "homoglyph": ("letters or digits that look alike", "形近字母或数字"),
    "keyboard": ("a neighbouring key", "键盘相邻键"),
    "bitsquat": ("one flipped bit", "比特翻转"),
    "vowel": ("another vowel", "替换元音"),
    "replacement": ("another letter", "替换字母"),
    "omission": ("a letter left out", "缺少字母"),
    "repetition": ("a doubled letter", "重复字母"),
    "plural": ("a plural", "复数形式"),
    "insertion": ("a letter put in", "多出字母"),
    "transposition": ("letters in another order", "字母换位"),
    "hyphen": ("hyphens put in or left out", "增减连字符"),
    "split": ("the name cut by dots", "用点拆开名称"),
    "suffix": ("another ending", "更换后缀"),
    "word": ("words added to the name", "添加词语"),
    "subdomain": ("the name stands before somebody else's address", "名称放在他人域名之前"),
    "embedded": ("the whole address stands before somebody else's", "完整地址放在他人域名之前"),
    "scrambled": ("several letters changed", "改动多个字母"),
}

_SECOND: Final = frozenset(("co", "com", "ne", "or", "go", "ac", "gov", "net", "org"))
_COUNTRIES: Final = ("jp", "cn", "uk", "kr", "hk", "tw")
_INNER: Final = re.compile(r"[-_](?:co|com|ne|or)[-_](?:jp|cn)(?![a-z])|[a-z]{3}[-_]?cojp")
_FIRST: Final = frozenset(("www", "m", "wap", "h5", "app", "mobile", "3g"))


@dataclass(frozen=True, slots=True)
class Match:
    """A host looks like `official`, of the brand with this code, by `technique`. `sure`: no honest
    reason is known for such a name."""

    brand: str
    technique: str
    official: str
    sure: bool = False


@dataclass(frozen=True, slots=True)
class _Name:
    """The name of official hosts, with their endings."""

    text: str
    suffixes: frozenset[str]
    brand: str
    common: bool
    strong: bool
    first: str

    def official(self, suffix: str) -> str:
        """Return the official host that is nearest to one with this ending."""
        return f"{self.text}.{suffix}" if suffix in self.suffixes else self.first


class Lookalikes:
    """The index over a registry. Building it takes some tens of milliseconds; asking it changes
    nothing and may be done from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._names: dict[str, _Name] = {}
        self._below: dict[tuple[tuple[str, ...], str], list[tuple[str, str]]] = {}
        self._fill()
        self._coarse: dict[str, tuple[_Name, ...]] = {}
        self._one: dict[str, tuple[_Name, ...]] = {}
        self._coarse_one: dict[str, tuple[_Name, ...]] = {}
        self._joined: dict[str, _Name] = {}
        self._glued: dict[str, _Name] = {}
        for name in self._names.values():
            self._index(name)
        peculiar = (n for n in self._names.values() if not n.common and len(n.text) > 3)
        self._tokens = Tokens(registry, (Token(n.text, n.brand, n.official("")) for n in peculiar))

    def _fill(self) -> None:
        """Collect the names."""
        registry = self._registry
        strong = {token for brand in registry.brands.values() for token in brand.strong}
        for brand in registry.brands.values():
            for host in brand.hosts:
                parts = parts_of(host)
                name = fold(unicode_of(parts.name))
                if parts.sub:
                    self._below.setdefault((parts.sub, parts.suffix), []).append((name, host))
                    if parts.suffix in ("com", "net"):  # a page at a provider of pages
                        continue
                known = self._names.get(name)
                self._names[name] = _Name(
                    name, (known.suffixes if known else frozenset()) | {parts.suffix},
                    known.brand if known else brand.code, name in registry.common, name in strong,
                    known.first if known else host,
                )  # fmt: skip
        for host in registry.exact:
            parts = parts_of(host)
            self._below.setdefault((parts.sub, parts.suffix), []).append((parts.name, host))

    def _index(self, name: _Name) -> None:
        """Put a name under its keys."""
        key = coarse(name.text)
        self._coarse[key] = (*self._coarse.get(key, ()), name)
        self._joined[name.text.replace("-", "")] = name
        for suffix in name.suffixes:
            self._glued[name.text.replace("-", "") + suffix.replace(".", "")] = name
        for one in drops(name.text):
            self._one[one] = (*self._one.get(one, ()), name)
        for one in drops(key):
            self._coarse_one[one] = (*self._coarse_one.get(one, ()), name)

    def match(self, host: str) -> Match | None:
        """Return what a host looks like; None if it is official, a known namesake, or like nobody.

        `host`: small letters, ASCII form or Unicode, no port.
        """
        parts = parts_of(host)
        if self._registry.owner(host) or not parts.name:
            return None
        shown = unicode_of(parts.name)
        name = fold(shown)
        found = (
            self._address(name, parts.suffix, name != shown)
            or self._rejoined(name, parts)
            or self._embedded(host, parts)
            or self._sibling(name, parts, name != shown)
            or self._worded(name, parts)
        )
        if found is None or found.brand in self._registry.friend(host):
            return None
        return None if self._registry.known(host) else found

    def _address(self, name: str, suffix: str, drawn: bool) -> Match | None:
        """Compare the registrable part with official names."""
        exact = self._names.get(name)
        kind = "fold" if drawn else "same"
        if (
            exact is not None
            and (drawn or suffix not in exact.suffixes)
            and self._counts(kind, exact, suffix, name)
        ):
            trick = "confusable" if drawn else "suffix"
            return Match(exact.brand, trick, exact.official(suffix), drawn)
        for kind, candidates in (
            ("coarse", self._coarse.get(coarse(name), ())),
            ("one", _under(self._one, name)),
            ("coarse_one", _under(self._coarse_one, coarse(name))),
        ):
            for candidate in candidates:
                if candidate.text != name and self._counts(kind, candidate, suffix, name):
                    trick = "confusable" if drawn else _trick(candidate.text, name, kind)
                    sure = drawn or (trick == "homoglyph" and suffix in candidate.suffixes)
                    return Match(candidate.brand, trick, candidate.official(suffix), sure)
        return None

    def _counts(self, kind: str, name: _Name, suffix: str, given: str) -> bool:
        """Tell whether a resemblance found by `kind` is one, by ending, length and peculiarity."""
        same, crowded = suffix in name.suffixes, suffix in self._registry.crowded
        size = len(name.text)
        if kind == "fold":
            return same or (size > 3 and not name.common)
        if kind == "same":
            close = size > 2 and _close(suffix, name.suffixes)
            cheap = size > 2 and suffix in self._registry.cheap
            return not name.common and (name.strong or size > 3 or close or cheap)
        if kind == "one" and OSA.distance(name.text, given) > 1:
            return False
        if kind == "coarse_one" and (
            OSA.distance(coarse(name.text), coarse(given)) > 1 or OSA.distance(name.text, given) > 2
        ):
            return False
        if kind in ("one", "coarse_one") and not _doubled(name.text, given):
            size = self._peculiar(name.text, given)
        if name.common:
            return same and size > 5
        least = {
            "coarse": 3 if same else 7, "one": (4 if crowded else 3) if same else 9,
            "coarse_one": 7 if same else 12, "joined": 3 if same else 6,
        }[kind]  # fmt: skip
        return size >= least - (kind == "one" and same and len(name.text) > 5)

    def _peculiar(self, name: str, given: str) -> int:
        """Return how much of a name is left without the words that it shares with many (bank,
        fund), where the other one has them, too."""
        size = len(name)
        for word in self._registry.generic:
            if name.endswith(word) and given.endswith(word):
                size = min(size, len(name) - len(word))
            if name.startswith(word) and given.startswith(word):
                size = min(size, len(name) - len(word))
        return size

    def _rejoined(self, name: str, parts: Parts) -> Match | None:
        """Undo hyphens, dots, plurals, and an ending that was drawn into the name."""
        suffix = parts.suffix
        bare = name.replace("-", "")
        joined = self._joined.get(bare)
        if (
            joined is not None
            and joined.text != name
            and self._counts("joined", joined, suffix, bare)
        ):
            return Match(joined.brand, "hyphen", joined.official(suffix))
        glued = self._glued.get(bare)
        if glued is not None and len(bare) > 4 and bare != glued.text:
            return Match(glued.brand, "word", glued.official(suffix))
        if parts.sub and parts.sub[-1] not in _FIRST:
            whole = self._names.get(fold(parts.sub[-1]) + name)
            if whole is not None and self._counts("joined", whole, suffix, whole.text):
                return Match(whole.brand, "split", whole.official(suffix))
        worded = self._dressed(name)
        if worded is not None and self._counts("joined", worded, suffix, worded.text):
            return Match(worded.brand, "word", worded.official(suffix))
        place = name.find("es", 2)
        while place > 0:
            single = self._names.get(name[:place] + name[place + 2 :])
            if single is not None and self._counts("joined", single, suffix, single.text):
                return Match(single.brand, "plural", single.official(suffix))
            place = name.find("es", place + 1)
        return None

    def _dressed(self, name: str) -> _Name | None:
        """Return the official name to which a word of the trade was added, on either side."""
        words = self._registry.words
        for place in range(2, len(name) - 1):
            head, tail = name[:place].rstrip("-"), name[place:].lstrip("-")
            if tail in words and head in self._names:
                return self._names[head]
            if head in words and tail in self._names:
                return self._names[tail]
        return None

    def _embedded(self, host: str, parts: Parts) -> Match | None:
        """Find whole official addresses before somebody else's: icbc.com.cn.other.top."""
        labels = host.split(".")
        for start in range(len(parts.sub)):
            for end in range(len(parts.sub) + 1, start + 1, -1):
                part = ".".join(labels[start:end])
                brand = self._registry.homes.get(part)
                if brand is not None:
                    return Match(brand, "embedded", part, True)
        return None

    def _sibling(self, name: str, parts: Parts, drawn: bool) -> Match | None:
        """Compare with official hosts that have the same labels before and after the name."""
        for official, host in self._below.get((parts.sub, parts.suffix), ()):
            if name == official and drawn:
                return Match(self._registry.owner(host) or "", "confusable", host, True)
            if name != official and (
                OSA.distance(official, name) <= 1
                or OSA.distance(coarse(official), coarse(name)) <= 1
            ):
                brand = self._registry.owner(host) or ""
                return Match(brand, _trick(official, name, "one"), host)
        return None

    def _worded(self, name: str, parts: Parts) -> Match | None:
        """Find brands among the words of the name, and of what stands before it."""
        company = parts.free or parts.suffix in self._registry.cheap
        token = self._tokens.find(name, company)
        if token is not None and token.text != name:
            return Match(token.brand, "word", token.official)
        before = [fold(unicode_of(label)) for label in parts.sub]
        for label in before:
            token = self._tokens.find(label, True)
            if token is not None:
                return Match(token.brand, "subdomain", token.official)
        if disguised(parts):
            for label in (*before, name):
                token = self._tokens.slip(label)
                if token is not None:
                    return Match(token.brand, "scrambled", token.official)
        return None


def disguised(parts: Parts) -> bool:
    """Tell whether an ending such as co.jp or com stands in the middle: smbc.co.jp.login.top,
    icbc-com-cn.top."""
    after = (*parts.sub[1:], parts.name)
    for label, follower in zip(parts.sub, after, strict=False):
        if label in _SECOND and follower.startswith(_COUNTRIES):
            return True
    if any(label in ("com", "net", "org", "gov", "jp", "cojp") for label in parts.sub[1:]):
        return True
    text = ".".join((*parts.sub, parts.name))
    return bool(_INNER.search(text))


def _under(index: dict[str, tuple[_Name, ...]], text: str) -> Iterator[_Name]:
    """Yield what is indexed within one dropped letter on either side."""
    if len(text) <= 40:
        for key in drops(text):
            yield from index.get(key, ())


def _doubled(official: str, given: str) -> bool:
    """Tell whether one letter was doubled, which nobody does who means another name."""
    return len(given) == len(official) + 1 and any(
        a == b and given[:n] + given[n + 1 :] == official
        for n, (a, b) in enumerate(pairwise(given))
    )


def _close(suffix: str, suffixes: Iterable[str]) -> bool:
    """Tell whether an ending reads like an official one: co, cm, om for com; cn for com.cn."""
    return any(
        OSA.distance(suffix, one) <= 1 or one.rpartition(".")[2] == suffix
        for one in suffixes
        if len(one) > 2
    )


def _trick(official: str, given: str, kind: str) -> str:
    """Name what was done to the official name."""
    if official.replace("-", "") == given.replace("-", ""):
        return "hyphen"
    if kind == "coarse":
        return "homoglyph"
    if OSA.distance(official, given) > 1:
        return "scrambled"
    if len(official) == len(given):
        places = [n for n, (a, b) in enumerate(zip(official, given, strict=True)) if a != b]
        if len(places) != 1:
            return "transposition"
        was, now = official[places[0]], given[places[0]]
        if was in "aeiou" and now in "aeiou":
            return "vowel"
        if coarse(was) == coarse(now):
            return "homoglyph"
        if now in neighbours(was):
            return "keyboard"
        return "bitsquat" if (ord(was) ^ ord(now)).bit_count() == 1 else "replacement"
    if len(given) < len(official):
        return "omission"
    place = next((n for n, c in enumerate(official) if given[n] != c), len(official))
    put = given[place]
    if put in given[max(0, place - 1) : place] + given[place + 1 : place + 2]:
        return "repetition"
    return "plural" if put == "s" else "insertion"
