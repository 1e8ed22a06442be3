"""Brands among the words of a host: icbc-login, mypaypal, smbc-crad.mem.other.top.

A label is cut at hyphens, digits and words of the trade. A strong token counts as a word by itself;
misspelt, or weak, only in company: beside words of the trade, or before somebody else's address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from assent.screen.registry import Registry

__all__ = ["Token", "Tokens", "drops"]

_CUT: Final = re.compile(r"[^a-z0-9\u0080-\uffff]+")
_RUN: Final = re.compile(r"[0-9]+|[^0-9]+")
_VOWELS: Final = re.compile("[aeiouy]")
_LONG: Final = 6  # as long as this, a token is found inside other letters
_LONG_NAME: Final = 8  # the same for names of official hosts
_ALONE: Final = 8  # as long as this, a misspelt token needs no company
_COMPANY: Final = 5


class Token(NamedTuple):
    """A word that stands for a brand."""

    text: str
    brand: str
    official: str


def drops(text: str) -> Iterator[str]:
    """Yield the text, and the text without one of its letters."""
    yield text
    for place in range(len(text)):
        yield text[:place] + text[place + 1 :]


class Tokens:
    """The words of all brands. `names`: official names that are peculiar enough to be words."""

    def __init__(self, registry: Registry, names: Iterable[Token]) -> None:
        self._words = registry.words
        self._common = registry.common
        self._strong: dict[str, Token] = {}
        self._weak: dict[str, Token] = {}
        for brand in registry.brands.values():
            for text in brand.strong:
                self._strong[text] = Token(text, brand.code, text)
            for text in brand.weak:
                self._weak[text] = Token(text, brand.code, text)
        for name in names:
            peculiar = len(name.text) >= _COMPANY and not name.text.isdigit()
            target = self._strong if peculiar else self._weak
            target.setdefault(name.text, name)
        self._near: dict[str, tuple[Token, ...]] = {}
        self._short: dict[str, tuple[Token, ...]] = {}
        self._starts: dict[str, tuple[Token, ...]] = {}
        for token in self._strong.values():
            official = token.official != token.text
            if len(token.text) >= _COMPANY and not official:
                for key in drops(token.text):
                    self._near[key] = (*self._near.get(key, ()), token)
            if len(token.text) == 4 and not official:
                for key in drops(token.text):
                    self._short[key] = (*self._short.get(key, ()), token)
            if len(token.text) >= (_LONG_NAME if official else _LONG):
                start = token.text[:4]
                self._starts[start] = (*self._starts.get(start, ()), token)

    def find(self, label: str, company: bool) -> Token | None:
        """Return the brand that a label names. `company`: the label stands where honest hosts have
        no brand of others, such as before another's address, or under a cheap ending."""
        words = [word for word in _CUT.split(label) if word]
        near = company or len(words) > 1
        for word in words:
            found = self._word(word, near)
            if found is not None and (near or word != found.text):
                return found
        return self._weak_word(words, company) or self._inside(label) or self._edge(words, company)

    def _word(self, word: str, company: bool) -> Token | None:
        """Return the strong token that a word is, or nearly is."""
        runs = _RUN.findall(word)
        for one in (word, *runs):
            if one in self._strong and (one == word or len(one) > 3):
                return self._strong[one]
        bare = max(runs, key=len)
        if len(bare) < _COMPANY - 1 or bare in self._words or bare in self._common:
            return None
        least = _COMPANY if company or bare != word else _ALONE
        for key in drops(bare):
            for token in self._near.get(key, ()):
                if len(token.text) >= least and OSA.distance(token.text, bare) <= 1:
                    return token
        return None

    def _weak_word(self, words: list[str], company: bool) -> Token | None:
        """Return the weak token that stands beside a word of the trade, or alone in company."""
        for place, word in enumerate(words):
            for short, rest in self._cuts(word):
                token = self._weak.get(short) or (self._strong.get(short) if rest else None)
                if token is None:
                    continue
                others = words[:place] + words[place + 1 :] + ([rest] if rest else [])
                if any(self._trade(other) for other in others):
                    return token
                if company and token.official == token.text and not others and len(short) > 2:
                    return token
        return None

    def _trade(self, word: str) -> bool:
        """Tell whether a word is one of the trade, or begins or ends with a long one."""
        if word in self._words or any(run in self._words for run in _RUN.findall(word)):
            return True
        cuts = range(5, min(len(word), 13))
        return any(word[:n] in self._words or word[-n:] in self._words for n in cuts)

    def _edge(self, words: list[str], company: bool) -> Token | None:
        """Return the strong token of four or five letters with which a word begins; in company, or
        where it has no vowel and so is part of no other word, also ends."""
        for word in words:
            for short in (word[:4], word[:5], word[-4:], word[-5:]):
                token = self._strong.get(short)
                if token is None or token.official != token.text or short == word:
                    continue
                if company or word.startswith(short) or not _VOWELS.search(short):
                    return token
        return None

    def slip(self, label: str) -> Token | None:
        """Return the strong token of four letters that a word of the label is but for one letter:
        too little by itself."""
        for word in _CUT.split(label):
            if 3 <= len(word) <= 5 and word not in self._words:
                for key in drops(word):
                    for token in self._short.get(key, ()):
                        if OSA.distance(token.text, word) <= 1:
                            return token
        return None

    def _cuts(self, word: str) -> Iterator[tuple[str, str]]:
        """Yield a word whole, and cut where a word of the trade begins or ends."""
        yield word, ""
        for place in range(2, len(word) - 1):
            head, tail = word[:place], word[place:]
            if tail in self._words:
                yield head, tail
            if head in self._words:
                yield tail, head

    def _inside(self, label: str) -> Token | None:
        """Return the long token that stands anywhere in a label."""
        for place in range(len(label) - 3):
            for token in self._starts.get(label[place : place + 4], ()):
                if label.startswith(token.text, place) and len(label) > len(token.text):
                    return token
        return None
