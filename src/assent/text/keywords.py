"""What a reply means: refuse, refuse all, start, help, unclear, or none of these.

The words are versioned data, a set for each country (keyword_sets.py; rules CN-13, CN-20, US-02,
US-10), and the reading has four steps, from certain to doubtful:

1. *Fold*: compatibility forms, accents, traditional characters, look-alike letters, case;
   marks and invisible characters go, everything that is neither letter nor digit separates.
2. *Nothing but*: the reply is one of our words, alone or with politeness around it
   ("Stop. Thank you", "TD谢谢", "T D", "ttdd", "退 订！").
3. *Somewhere in it*: words that need no exactness (退订, 投诉, "stop texting").
4. *Perhaps*: a word of refusal inside other talk ("... to STOP this bill") is unclear: the
   caller pauses marketing until a person has read it, and never counts it as consent.

Another country's word of refusal, alone, is unclear too: people travel. A reply of digits only is
never a refusal, and anything else is none of ours: it belongs to the customer's own keywords.
START is reported, but is not by itself consent.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

_LONGEST: Final = 2000
"""Characters read of a reply: far more than people write, and a bound on the work that a
stranger can cause."""
_FEW_TOKENS: Final = 3
_RUNS: Final = re.compile(r"[A-Z]+|[0-9]+|[^A-Z0-9 ]+")
_LATIN: Final = re.compile(r"[A-Z]+")
_REPEATED: Final = re.compile(r"(.)\1+")


class Kind(IntEnum):
    """What the person wants."""

    NONE = 0
    REFUSE = 1
    REFUSE_ALL = 2
    START = 3
    HELP = 4
    UNCLEAR = 5


@dataclass(frozen=True, slots=True)
class Intent:
    """A reply as read. `word`: the listed word that decided, "" for NONE. `complaint`: a
    complaint is to be opened as well."""

    kind: Kind
    word: str = ""
    complaint: bool = False


_NOTHING: Final = Intent(Kind.NONE)


@dataclass(frozen=True, slots=True)
class KeywordSet:
    """A list of words ready for reading. Immutable; share one."""

    name: str
    version: str
    digest: bytes
    canonical: bytes
    exact: Mapping[str, tuple[Kind, str]]
    polite: frozenset[str]
    kept: frozenset[str]
    chinese: re.Pattern[str]
    lists: Mapping[str, tuple[str, ...]]
    same_letters: Mapping[int, str]

    @classmethod
    def from_document(
        cls, document: Mapping[str, Any], name: str = "", foreign: Iterable[str] = ()
    ) -> KeywordSet:
        """Build from lists of words. `foreign`: words with which people elsewhere refuse. Raises
        KeyError for a list that is missing."""
        canonical = json.dumps(
            {**document, "set": name, "foreign": sorted(set(foreign))},
            sort_keys=True, separators=(",", ":"), ensure_ascii=False,
        ).encode()  # fmt: skip
        letters = {ord(char): to for char, to in document["same_letters"].items()}
        lists = {
            each: tuple(sorted((_fold(word, letters) for word in words), key=len, reverse=True))
            for each, words in document.items()
            if isinstance(words, list)
        }
        kept = frozenset(lists["not_squeezed"])
        exact: dict[str, tuple[Kind, str]] = {}
        for word in foreign:
            exact[_alone(_fold(word, letters), kept)] = (Kind.UNCLEAR, word)
        for each in ("unclear", "help", "start", "refuse", "refuse_all"):
            for word in document[each]:
                exact[_alone(_fold(word, letters), kept)] = (Kind[each.upper()], word)
        polite = frozenset(_alone(word, kept) for word in lists["polite"])
        return cls(
            name=name,
            version=str(document["version"]),
            digest=hashlib.sha256(canonical).digest(),
            canonical=canonical,
            exact=exact,
            polite=polite,
            kept=kept,
            chinese=_chinese_words([*exact, *polite]),
            lists=lists,
            same_letters=letters,
        )

    def read(self, text: str) -> Intent:
        """Read a reply. Never raises, whatever the text."""
        folded = self.fold(text)
        tokens = _RUNS.findall(folded)
        if not tokens or all(token.isdigit() for token in tokens):
            return _NOTHING
        compact = "".join(tokens)
        intent, rest, spaced = self._negated(compact, " ".join(tokens))
        if intent is None:
            alone = self._nothing_but(tokens, compact)
            if alone is not None:
                return alone
        found = self._somewhere(rest, spaced, tokens)
        return found or intent or self._perhaps(rest, spaced, tokens)

    def fold(self, text: str) -> str:
        """Return the reply in capitals, one blank for whatever is not letter or digit."""
        return _fold(text, self.same_letters)

    def compact(self, text: str) -> str:
        """Return the reply's letters and digits without anything between them: what makes two
        customers' keywords the same."""
        return "".join(_RUNS.findall(self.fold(text)))

    def _negated(self, compact: str, spaced: str) -> tuple[Intent | None, str, str]:
        """Take out what turns a word into its opposite (不退订, don't stop)."""
        hit = ""
        for phrase in self.lists["negated"]:
            if _LATIN.match(phrase):
                if _has_phrase(spaced, phrase):
                    hit = phrase
                    spaced = f" {spaced} ".replace(f" {phrase} ", " ").strip()
            elif phrase in compact:
                hit = phrase
                compact = compact.replace(phrase, "")
        return (Intent(Kind.UNCLEAR, hit) if hit else None), compact, spaced

    def _nothing_but(self, tokens: list[str], compact: str) -> Intent | None:
        """Read a reply that consists of our words and politeness only."""
        whole = self.exact.get(_squeeze(compact, self.kept))
        if whole is not None:
            return Intent(*whole)
        found: list[tuple[Kind, str]] = []
        for token in tokens:
            squeezed = _squeeze(token, self.kept)
            if _LATIN.fullmatch(squeezed):
                if squeezed in self.exact:
                    found.append(self.exact[squeezed])
                elif squeezed not in self.polite:
                    return None
                continue
            words = self.chinese.findall(squeezed)
            if "".join(words) != squeezed:
                return None
            found.extend(self.exact[word] for word in words if word in self.exact)
        return _strongest(found)

    def _somewhere(self, compact: str, spaced: str, tokens: list[str]) -> Intent | None:
        """Find words that need no exactness."""
        complaint = next((word for word in self.lists["complaint"] if word in compact), None)
        for word in self.lists["containing_all"]:
            if word in compact:
                return Intent(Kind.REFUSE_ALL, word, complaint is not None)
        for word in self.lists["containing"]:
            if word in compact:
                return Intent(Kind.REFUSE, word, complaint is not None)
        for phrase in self.lists["phrases"]:
            if _has_phrase(spaced, phrase):
                return Intent(Kind.REFUSE, phrase, complaint is not None)
        if complaint is not None:
            return Intent(Kind.REFUSE, complaint, True)
        words = set(spaced.split())
        for word in self.lists["anywhere"]:
            if word in words:
                return Intent(*self.exact[_alone(word, self.kept)])
        if tokens[0] in self.lists["leading"]:
            return Intent(Kind.REFUSE, tokens[0])
        return None

    def _perhaps(self, compact: str, spaced: str, tokens: list[str]) -> Intent:
        """Find what a person should look at."""
        for phrase in self.lists["harmless"]:
            compact = compact.replace(phrase, "")
        for word in self.lists["weak"]:
            if word in compact:
                return Intent(Kind.UNCLEAR, word)
        for token in spaced.split():
            if token in self.lists["weak_words"]:
                return Intent(Kind.UNCLEAR, token)
            kind, word = self.exact.get(_squeeze(token, self.kept), (Kind.NONE, ""))
            long_enough = len(word) > 1 or len(tokens) <= _FEW_TOKENS
            if kind in (Kind.REFUSE, Kind.REFUSE_ALL) and long_enough:
                return Intent(Kind.UNCLEAR, word)
        return _NOTHING


def _fold(text: str, letters: Mapping[int, str]) -> str:
    decomposed = unicodedata.normalize("NFKD", text[:_LONGEST]).upper()
    out = []
    for char in decomposed.translate(letters):
        category = unicodedata.category(char)
        if category[0] in "LN":
            out.append(char)
        elif category[0] != "M" and category != "Cf":  # marks and invisibles just go
            out.append(" ")
    return " ".join("".join(out).split())


def _alone(word: str, kept: frozenset[str]) -> str:
    """Return a listed word as it is looked for when a reply is nothing but it."""
    return _squeeze(word.replace(" ", ""), kept)


def _squeeze(word: str, kept: frozenset[str]) -> str:
    """Return a word with repeated letters made one (TTDD, STOPPP, 退退退)."""
    if word in kept or word.isdigit():
        return word
    return _REPEATED.sub(r"\1", word)


def _chinese_words(words: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern for the Chinese words; the longest is tried first."""
    chinese = sorted((word for word in words if not _LATIN.match(word)), key=len, reverse=True)
    return re.compile("|".join(re.escape(word) for word in chinese))


def _has_phrase(spaced: str, phrase: str) -> bool:
    return f" {phrase} " in f" {spaced} "


def _strongest(found: list[tuple[Kind, str]]) -> Intent | None:
    """Return what several words together say; words that contradict are unclear."""
    if not found:
        return None
    kinds = {kind for kind, _ in found}
    refusals = kinds & {Kind.REFUSE, Kind.REFUSE_ALL}
    if refusals and kinds - refusals - {Kind.UNCLEAR}:
        return Intent(Kind.UNCLEAR, found[0][1])
    if refusals:
        kind = max(refusals)
        return Intent(kind, next(word for each, word in found if each is kind))
    return Intent(*found[0]) if len(kinds) == 1 else Intent(Kind.UNCLEAR, found[0][1])


def is_machine(source: str | int) -> bool:
    """Tell whether a reply's sender is a machine, which is never answered.

    `source`: a number as received, or canonical E.164 as int. Machines are ports (106...),
    service numbers (95..., 96..., 100xx, 12xxx, 400/800), short codes and names.
    """
    text = str(source).strip()
    international = isinstance(source, int) or text.startswith(("+", "00"))
    digits = text.removeprefix("+").removeprefix("00")
    if not (digits.isascii() and digits.isdigit()):
        return True
    if digits.startswith("86") and len(digits) > len("86") + 2:
        digits, international = digits[2:], False
    if re.fullmatch(r"1[3-9]\d{9}", digits):
        return False
    if len(digits) <= 6 or digits.startswith("10"):
        return True
    return not international and digits.startswith(("95", "96", "11", "12", "400", "800"))
