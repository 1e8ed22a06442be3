"""Hosts that look like an official one: whose, and by which trick.

Theory of operation. Official names and tokens of brands are indexed by themselves, by what remains
when one letter is dropped, and both again as `confusables.coarse` reads them; a host's labels are
looked up in the same way, so that a host costs some dozens of look-ups, however long the lists are.
What is found so is proved by edit distance and by how long and how peculiar the name is: nobody is
suspected because of three letters. `LEAST` holds those lengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rapidfuzz.distance import OSA

from assent.screen.confusables import coarse, fold, neighbours
from assent.screen.registry import Parts, Registry, parts_of

__all__ = ["LEAST", "TECHNIQUES", "Lookalikes", "Match"]

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
    "scrambled": ("the name with several letters changed", "改动多个字母"),
}

# (how it was found, under the same ending?) → the shortest name for which it counts.
LEAST: Final = {
    ("same", False): 5, ("fold", True): 2, ("fold", False): 4,
    ("coarse", True): 4, ("coarse", False): 7,
    ("one", True): 5, ("one", False): 8,
    ("coarse_one", True): 8, ("coarse_one", False): 11,
    ("joined", True): 4, ("joined", False): 6,
}  # fmt: skip
_TOKEN_ONE: Final = 6
_TOKEN_PART: Final = 6
_SPLIT: Final = re.compile(r"[^a-z0-9\u0080-\uffff]+")


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
    """An official name with its endings, or a token of a brand (no endings)."""

    text: str
    suffixes: frozenset[str]
    brand: str
    common: bool
    token: bool

    @property
    def official(self) -> str:
        return f"{self.text}.{min(self.suffixes)}" if self.suffixes else self.text


def drops(text: str) -> Iterator[str]:
    """Yield the text, and the text without one of its letters."""
    yield text
    for place in range(len(text)):
        yield text[:place] + text[place + 1 :]


class Lookalikes:
    """The index over a registry. Building it takes some tens of milliseconds; asking it changes
    nothing and may be done from several threads."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._names: dict[str, _Name] = {}
        self._tokens: dict[str, _Name] = {}
        self._weak: dict[str, str] = {}
        self._fill()
        self._coarse: dict[str, tuple[_Name, ...]] = {}
        self._one: dict[str, tuple[_Name, ...]] = {}
        self._coarse_one: dict[str, tuple[_Name, ...]] = {}
        self._token_one: dict[str, tuple[_Name, ...]] = {}
        self._joined: dict[str, _Name] = {}
        for name in self._names.values():
            self._index(name)
        for token in self._tokens.values():
            for key in drops(token.text):
                self._token_one[key] = (*self._token_one.get(key, ()), token)
        self._starts = self._starting()

    def _fill(self) -> None:
        """Collect names and tokens."""
        for brand in self._registry.brands.values():
            for host in brand.hosts:
                parts = parts_of(host)
                name = fold(_unicode(parts.name))
                known = self._names.get(name)
                suffixes = known.suffixes if known else frozenset()
                common = name in self._registry.common
                if known is None or not parts.sub:
                    self._names[name] = _Name(
                        name, suffixes | {parts.suffix}, known.brand if known else brand.code,
                        common, False,
                    )  # fmt: skip
            for token in brand.strong:
                self._tokens[token] = _Name(token, frozenset(), brand.code, False, True)
            for token in brand.weak:
                self._weak[token] = brand.code

    def _index(self, name: _Name) -> None:
        """Put a name under its keys."""
        key = coarse(name.text)
        self._coarse[key] = (*self._coarse.get(key, ()), name)
        self._joined[name.text.replace("-", "")] = name
        for one in drops(name.text):
            self._one[one] = (*self._one.get(one, ()), name)
        if len(name.text) >= LEAST["coarse_one", True]:
            for one in drops(key):
                self._coarse_one[one] = (*self._coarse_one.get(one, ()), name)

    def _starting(self) -> dict[str, tuple[_Name, ...]]:
        """Return long names and tokens by their first four letters."""
        found: dict[str, tuple[_Name, ...]] = {}
        long = [n for n in self._names.values() if len(n.text) >= _TOKEN_PART and not n.common]
        tokens = [t for t in self._tokens.values() if len(t.text) >= _TOKEN_PART]
        for name in (*tokens, *long):
            found[name.text[:4]] = (*found.get(name.text[:4], ()), name)
        return found

    def match(self, host: str) -> Match | None:
        """Return what a host looks like; None if it is official, a known namesake, or like nobody.

        `host`: small letters, ASCII form or Unicode, no port.
        """
        parts = parts_of(host)
        if self._registry.owner(host) or not parts.name:
            return None
        name = fold(_unicode(parts.name))
        found = (
            self._address(name, parts)
            or self._split(name, parts)
            or self._embedded(host, parts)
            or self._worded(name, parts.suffix, whole=True)
            or self._before(parts)
        )
        if found is None or found.brand in self._registry.friend(host):
            return None
        return found

    def _address(self, name: str, parts: Parts) -> Match | None:
        """Compare the registrable part with official names."""
        suffix = parts.suffix
        drawn = name != _unicode(parts.name)
        exact = self._names.get(name)
        if exact is not None and (drawn or suffix not in exact.suffixes):
            kind = "fold" if drawn else "same"
            if self._counts(kind, exact, suffix, name):
                return Match(
                    exact.brand, "confusable" if drawn else "suffix", exact.official, drawn
                )
        for kind, candidates in (
            ("coarse", self._coarse.get(coarse(name), ())),
            ("one", _under(self._one, name)),
            ("coarse_one", _under(self._coarse_one, coarse(name))),
        ):
            for candidate in candidates:
                if candidate.text != name and self._counts(kind, candidate, suffix, name):
                    trick = "confusable" if drawn else _trick(candidate.text, name, kind)
                    sure = drawn or (trick == "homoglyph" and suffix in candidate.suffixes)
                    return Match(candidate.brand, trick, candidate.official, sure)
        return self._rejoined(name, suffix)

    def _counts(self, kind: str, name: _Name, suffix: str, given: str) -> bool:
        """Tell whether a resemblance found by `kind` is one, by length and ending."""
        same = suffix in name.suffixes
        if name.common and not (same and len(name.text) > 5):
            return kind == "fold" and same and len(name.text) > 2
        close = same or (kind == "same" and _close(suffix, name.suffixes))
        least = LEAST.get((kind, same), 3)
        if close and not same:
            least = 3
        if len(name.text) < least:
            return False
        if kind == "one":
            return OSA.distance(name.text, given, score_cutoff=1) <= 1
        if kind == "coarse_one":
            return OSA.distance(coarse(name.text), coarse(given), score_cutoff=1) <= 1
        return True

    def _rejoined(self, name: str, suffix: str) -> Match | None:
        """Undo hyphens, plurals, and an ending that was drawn into the name."""
        bare = name.replace("-", "")
        joined = self._joined.get(bare)
        if (
            joined is not None
            and joined.text != name
            and self._counts("joined", joined, suffix, bare)
        ):
            return Match(joined.brand, "hyphen", joined.official)
        place = name.find("es", 2)
        while place > 0:
            single = self._names.get(name[:place] + name[place + 2 :])
            if single is not None and self._counts("one", single, suffix, single.text):
                return Match(single.brand, "plural", single.official)
            place = name.find("es", place + 1)
        for ending in ("comcn", "cojp", "com", "cn", "net", "org", "jp", "cc"):
            if bare.endswith(ending) and len(bare) > len(ending) + 2:
                whole = self._joined.get(bare.removesuffix(ending))
                if whole is not None and not (whole.common and len(whole.text) < 5):
                    return Match(whole.brand, "word", whole.official)
        return None

    def _split(self, name: str, parts: Parts) -> Match | None:
        """Undo dots in a name: ic.bc.com.cn."""
        if not parts.sub or parts.sub[-1] in ("www", "m", "wap"):
            return None
        joined = fold(parts.sub[-1]) + name
        found = self._names.get(joined)
        if found is not None and self._counts("joined", found, parts.suffix, joined):
            return Match(found.brand, "split", found.official)
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

    def _worded(self, label: str, suffix: str, *, whole: bool) -> Match | None:
        """Find a brand among the words of a label: icbc-login, mypaypal, smbc-card-mem."""
        words = [word for word in _SPLIT.split(label) if word]
        for word in words:
            found = self._word(word)
            if found is not None and (len(words) > 1 or not whole or word != found.text):
                return Match(found.brand, "word" if whole else "subdomain", found.text)
        return self._beside(words, whole) or self._inside(label, whole)

    def _word(self, word: str) -> _Name | None:
        """Return the token that a word is, or nearly is."""
        bare = word.strip("0123456789") or word
        for one in (word, bare):
            if one in self._tokens:
                return self._tokens[one]
            known = self._names.get(one)
            if known is not None and len(one) >= 5 and not known.common:
                return known
        if len(bare) < _TOKEN_ONE - 1:
            return None
        for candidate in _under(self._token_one, bare):
            if (
                len(candidate.text) >= _TOKEN_ONE
                and OSA.distance(candidate.text, bare, score_cutoff=1) <= 1
            ):
                return candidate
        return None

    def _beside(self, words: list[str], whole: bool) -> Match | None:
        """Find a weak token, or a short official name, beside words of the trade."""
        for word in words:
            for short, rest in self._cuts(word):
                brand = self._weak.get(short) or self._short(short)
                if brand is None:
                    continue
                others = [other for other in words if other != word] + ([rest] if rest else [])
                if others and any(self._trade(other) for other in others):
                    return Match(brand, "word" if whole else "subdomain", short)
        return None

    def _short(self, word: str) -> str | None:
        """Return whose official name a short word is."""
        known = self._names.get(word)
        return known.brand if known is not None and len(word) >= 3 and not known.common else None

    def _cuts(self, word: str) -> Iterator[tuple[str, str]]:
        """Yield a word whole, and cut where a word of the trade begins or ends."""
        yield word, ""
        for place in range(2, len(word) - 1):
            head, tail = word[:place], word[place:]
            if tail in self._registry.words:
                yield head, tail
            if head in self._registry.words:
                yield tail, head

    def _trade(self, word: str) -> bool:
        """Tell whether a word is one of the trade."""
        return word in self._registry.words

    def _inside(self, label: str, whole: bool) -> Match | None:
        """Find a long token or name anywhere in a label."""
        bare = label.replace("-", "")
        for place in range(len(bare) - 3):
            for name in self._starts.get(bare[place : place + 4], ()):
                if bare.startswith(name.text, place) and len(bare) > len(name.text):
                    return Match(name.brand, "word" if whole else "subdomain", name.official)
        return None

    def _before(self, parts: Parts) -> Match | None:
        """Find a brand in the labels before somebody else's address."""
        for label in parts.sub:
            found = self._worded(fold(_unicode(label)), "", whole=False)
            if found is not None:
                return found
        return None


def _unicode(label: str) -> str:
    """Return the label as it is shown; as it stands where it is no valid IDN."""
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except (UnicodeError, ValueError):
        return label


def _under(index: dict[str, tuple[_Name, ...]], text: str) -> Iterable[_Name]:
    """Yield what is indexed within one dropped letter on either side."""
    if len(text) > 40:
        return
    for key in drops(text):
        yield from index.get(key, ())


def _close(suffix: str, suffixes: frozenset[str]) -> bool:
    """Tell whether an ending reads like an official one: co, cm, om, com.co for com."""
    return any(
        OSA.distance(suffix, one, score_cutoff=1) <= 1 or one.rsplit(".", 1)[-1] == suffix
        for one in suffixes
        if len(one) > 2
    )


def _trick(official: str, given: str, kind: str) -> str:
    """Name what was done to the official name."""
    if kind == "coarse":
        return "homoglyph"
    if kind == "coarse_one":
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
    if put == "-":
        return "hyphen"
    if put in (given[place - 1], given[place + 1 : place + 2]):
        return "repetition"
    return "plural" if put == "s" else "insertion"
