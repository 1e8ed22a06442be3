"""What rules are written in: a small language of word lists and gaps, for regular expressions.

==========  ====================================================================================
`{name}`    any word of the list of that name; `{LINK}`, `{PHONE}`, `{CARD}`, `{CONTACT}` are
            built in
`(a|b)`     one of these
`x?`        with or without the word, list or group before
`~12`       up to so many other characters (at most 80; lines and 【】 end it)
`#`         an amount: digits, dots, commas
blank       the gap between two English words
`\\x`       the character x itself
==========  ====================================================================================

Everything else stands for itself, folded as texts are. What begins or ends with an English letter
does so at a word's edge. All repetition is bounded: matching takes time linear in the text.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from math import prod
from typing import Any, Final, Protocol

from assent.errors import InvalidInput
from assent.screen.disguise import DOMAINS, folded

hyperscan: Any
try:
    import hyperscan
except ImportError:  # not built for this machine: Python does it
    hyperscan = None

__all__ = ["ENGINES", "Engine", "Pattern", "compile_pattern", "engine_of", "need_of_any"]

_ENDS: Final = "|".join(sorted(DOMAINS, key=len, reverse=True))
_LINK: Final = rf"(?:https?://|www\.|(?:[a-z0-9\-]{{1,40}}\.){{1,3}}(?:{_ENDS})(?:[^a-z0-9]|\Z))"
_PHONE: Final = r"(?:1[3-9][0-9x*]{9}|400[\-]?[0-9x]{3}[\-]?[0-9x]{4}|0[0-9]{2,3}[\-]?[0-9x]{7,8})"
_NAME: Final = r"(?:(?:微信|qq|加微信|企鹅|whatsapp|telegram|line)[^a-z0-9]{0,6}[a-z0-9_\-]{5,20})"
BUILT_IN: Final = {
    "CARD": r"(?:[0-9x][ \-]{0,2}){15,18}[0-9x]",
    "LINK": _LINK,
    "PHONE": _PHONE,
    "CONTACT": f"(?:{_LINK}|{_PHONE}|{_NAME})",
}
_SURE: Final = {"LINK": frozenset((".", "://"))}
_FAR: Final = 80
_DEEP: Final = 8
_GAPS: Final = 4
_AMOUNT: Final = r"(?:[0-9][0-9x.,]{0,11}|(?<![a-z])x{1,11}(?![a-z]))"  # x: masked digits
_SPACE: Final = r"[^0-9a-z\u3400-\u4dbf\u4e00-\u9fff\n【】]{1,3}"


Need = frozenset[str]
"""Plain words, one of which every match contains."""


class Pattern:
    """One pattern: its source, what every match contains, and how many plain wordings it stands
    for. The regular expression is compiled when it is first asked."""

    def __init__(self, source: str, text: str, needs: tuple[Need, ...], wordings: int) -> None:
        self.source, self.text, self.needs, self.wordings = source, text, needs, wordings

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Return the pattern as a regular expression."""
        return re.compile(self.text)


@dataclass(slots=True)
class _Part:
    """A piece of an expression: its text, wordings, first and last characters, gaps, and what every
    match of it contains (`plain`: it is nothing but this word)."""

    text: str
    wordings: int
    need: Need | None = None
    plain: str = ""
    first: str = ""
    last: str = ""
    gaps: int = 0


def compile_pattern(
    source: str, lists: Mapping[str, Sequence[str]], field: str = "", beside: bool = False
) -> Pattern:
    """Compile a pattern; one that is looked for `beside` a match need have no words of its own.
    Raises InvalidInput naming what is wrong with it."""
    parts = _Reader(source, lists, field).read()
    needs = tuple(dict.fromkeys(part.need for part in _joined(parts) if part.need))
    if not needs and not beside:
        raise _wrong("has no word that every match needs", source, field)
    if sum(part.gaps for part in parts) > _GAPS:
        raise _wrong(f"has more than {_GAPS} gaps", source, field)
    return Pattern(source, _edged(parts), needs, prod(part.wordings for part in parts))


def _edged(parts: Sequence[_Part]) -> str:
    """Return a sequence, at the edges of words where it begins or ends with an English letter."""
    body = "".join(part.text for part in parts)
    before = "(?<![a-z])" if _is_letter(parts[0].first) else ""
    return f"{before}{body}(?![a-z])" if _is_letter(parts[-1].last) else before + body


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


def _joined(parts: Sequence[_Part]) -> list[_Part]:
    """Return parts with the plain characters beside each other made into words."""
    found: list[_Part] = []
    for part in parts:
        if part.plain and found and found[-1].plain:
            word = found[-1].plain + part.plain
            found[-1] = _Part("", 1, frozenset([word]), word)
        else:
            found.append(part)
    return found


def _wrong(words: str, source: str, field: str) -> InvalidInput:
    return InvalidInput(
        "bad_rule_pattern", f"the pattern {source!r} {words}", field=field or "patterns",
        rule="screening: words", mend="write it as docs/screening-words.md says",
    )  # fmt: skip


class _Reader:
    """Reads one pattern from left to right."""

    def __init__(
        self, source: str, lists: Mapping[str, Sequence[str]], field: str, depth: int = 0
    ) -> None:
        self.source, self.lists, self.field, self.depth = source, lists, field, depth
        self.at = 0
        if depth > _DEEP:
            raise self.wrong("has lists in lists too deep")

    def wrong(self, words: str) -> InvalidInput:
        return _wrong(words, self.source, self.field)

    def read(self) -> list[_Part]:
        """Return the parts of the whole pattern."""
        choices = [self.sequence("|)")]
        while self.at < len(self.source) and self.source[self.at] == "|":
            self.at += 1
            choices.append(self.sequence("|)"))
        if self.at < len(self.source):
            raise self.wrong(f"has a ) too many at character {self.at + 1}")
        if not all(choices):
            raise self.wrong("has an empty choice" if len(choices) > 1 else "is empty")
        return choices[0] if len(choices) == 1 else [_one_of(choices)]

    def sequence(self, stops: str) -> list[_Part]:
        parts: list[_Part] = []
        while self.at < len(self.source) and self.source[self.at] not in stops:
            char = self.source[self.at]
            self.at += 1
            if char == "?":
                if not parts or not parts[-1].text:
                    raise self.wrong("has a ? after nothing")
                parts[-1] = _optional(parts[-1])
            else:
                parts.append(self.part(char))
        return parts

    def part(self, char: str) -> _Part:
        if char == "{":
            return self.list_()
        if char == "(":
            return self.group()
        if char == "~":
            return self.gap()
        if char == "#":
            return _Part(_AMOUNT, 1)
        if char == " ":
            return _Part(_SPACE, 1)
        if char == "\\":
            if self.at >= len(self.source):
                raise self.wrong("ends with \\")
            char = self.source[self.at]
            self.at += 1
        elif char == "}":
            raise self.wrong(f"has a {char} that belongs to nothing")
        return _literal(char)

    def list_(self) -> _Part:
        end = self.source.find("}", self.at)
        name = self.source[self.at : end] if end > 0 else ""
        if name in BUILT_IN:
            self.at = end + 1
            return _Part(BUILT_IN[name], 1, _SURE.get(name))
        if name not in self.lists:
            raise self.wrong(f"names the list {name!r}, which is not there")
        self.at = end + 1
        words = self.lists[name]
        return _one_of(
            [_Reader(one, self.lists, self.field, self.depth + 1).read() for one in words]
        )

    def group(self) -> _Part:
        choices = [self.sequence("|)")]
        while self.at < len(self.source) and self.source[self.at] == "|":
            self.at += 1
            choices.append(self.sequence("|)"))
        if self.at >= len(self.source):
            raise self.wrong("has a ( without its )")
        self.at += 1
        if not all(choices):
            raise self.wrong("has an empty choice; write ? after the group")
        return _one_of(choices)

    def gap(self) -> _Part:
        digits = re.match(r"[0-9]{1,3}", self.source[self.at :])
        if digits is None or not 0 < int(digits.group()) <= _FAR:
            raise self.wrong(f"has a ~ without a number of 1 to {_FAR}")
        self.at += digits.end()
        return _Part(rf"[^\n【】]{{0,{digits.group()}}}", 1, gaps=1)


@cache
def _literal(char: str) -> _Part:
    plain = folded(char)
    text = "".join(map(_escape, plain))
    return _Part(text, 1, frozenset([plain]), plain, plain[:1], plain[-1:])


def _escape(char: str) -> str:
    return char if char.isalnum() else f"\\x{ord(char):02x}" if char.isascii() else char


def _optional(part: _Part) -> _Part:
    return _Part(f"(?:{part.text})?", part.wordings + 1, gaps=part.gaps)


def _one_of(choices: list[list[_Part]]) -> _Part:
    """Return a choice between sequences; longer ones first, so that spans are as long as can be."""
    latin: dict[str, None] = {}
    others: dict[str, None] = {}
    needs: list[Need | None] = []
    for parts in choices:
        body = "".join(part.text for part in parts)
        body += "(?![a-z])" if _is_letter(parts[-1].last) else ""
        (latin if _is_letter(parts[0].first) else others)[body] = None
        sure = [part.need for part in _joined(parts) if part.need]
        needs.append(max(sure, key=_worth) if sure else None)
    every = [need for need in needs if need is not None]
    texts = _by_first(others) + ([f"(?<![a-z])(?:{'|'.join(_by_first(latin))})"] if latin else [])
    return _Part(
        f"(?:{'|'.join(texts)})",
        sum(prod(part.wordings for part in parts) for parts in choices),
        frozenset().union(*every) if len(every) == len(needs) else None,
        gaps=max(sum(part.gaps for part in parts) for parts in choices),
    )


def _by_first(bodies: Iterable[str]) -> list[str]:
    """Return expressions joined where they begin with the same character: there are fewer to try
    at each place of a text."""
    groups: dict[str, list[str]] = {}
    for body in sorted(bodies, key=lambda body: -len(body)):
        groups.setdefault(body[0] if body[0].isalnum() else body, []).append(body)
    return [
        f"{first}(?:{'|'.join(body[1:] for body in group)})" if len(group) > 1 else group[0]
        for first, group in groups.items()
    ]


def _worth(need: Need) -> tuple[int, int]:
    """Order needs by how much they tell: long words, and few."""
    return min(map(len, need)), -len(need)


class Engine(Protocol):
    """Tells which of its patterns are in a text."""

    def search(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield for each (normalised) text the numbers of the patterns that match, ascending."""
        ...


def need_of_any(patterns: Sequence[Pattern]) -> Need | None:
    """Return words one of which every text has that any of the patterns matches, if that is so."""
    best = [max(pattern.needs, key=_worth) for pattern in patterns if pattern.needs]
    return frozenset().union(*best) if patterns and len(best) == len(patterns) else None


class _Searching:
    """Finds which plain words are there, then asks the patterns all of whose words are."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        numbers: dict[Need, int] = {}
        self._by_need: dict[int, list[tuple[int, frozenset[int], Pattern]]] = {}
        for i, pattern in enumerate(patterns):
            needs = [numbers.setdefault(need, len(numbers)) for need in pattern.needs]
            best = numbers[max(pattern.needs, key=_worth)]
            row = (i, frozenset(needs) - {best}, pattern)
            self._by_need.setdefault(best, []).append(row)
        self._prepare(list(numbers))

    def _prepare(self, needs: list[Need]) -> None:
        raise NotImplementedError

    def _there(self, texts: Sequence[str]) -> Iterator[set[int]]:
        """Yield the numbers of the needs that each text meets."""
        raise NotImplementedError

    def search(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield the numbers of the patterns that match each text."""
        by_need = self._by_need
        for text, there in zip(texts, self._there(texts), strict=True):
            found = [
                i
                for need in there
                for i, others, pattern in by_need.get(need, ())
                if others <= there and pattern.regex.search(text)
            ]
            found.sort()
            yield found


class InPython(_Searching):
    """Looks for words by their first characters; slow, and needs nothing."""

    def _prepare(self, needs: list[Need]) -> None:
        self._words: dict[str, list[tuple[str, int]]] = {}
        for number, need in enumerate(needs):
            for word in need:
                self._words.setdefault(word[0], []).append((word, number))

    def _there(self, texts: Sequence[str]) -> Iterator[set[int]]:
        words = self._words
        for text in texts:
            yield {
                number
                for char in set(text).intersection(words)
                for word, number in words[char]
                if word in text
            }


class InHyperscan(_Searching):
    """All words in one automaton, which lives as long as the process. Its working memory is one,
    too: threads take turns."""

    def _prepare(self, needs: list[Need]) -> None:
        self._turn = threading.Lock()
        flags = hyperscan.HS_FLAG_SINGLEMATCH
        self._database: Any = hyperscan.Database()
        self._database.compile(
            expressions=[b"|".join(_octets(word) for word in sorted(need)) for need in needs],
            ids=list(range(len(needs))),
            flags=[flags] * len(needs),
        )

    def _there(self, texts: Sequence[str]) -> Iterator[set[int]]:
        scan = self._database.scan
        found: set[int] = set()
        add = found.add

        def hit(number: int, *_: object) -> None:
            add(number)

        for text in texts:
            with self._turn:
                scan(text.encode("utf-8", "replace"), match_event_handler=hit)
            yield found
            found.clear()


def _octets(word: str) -> bytes:
    return b"".join(b"\\x%02x" % octet for octet in word.encode())


ENGINES: Final[Mapping[str, Any]] = {
    **({"hyperscan": InHyperscan} if hyperscan is not None else {}),
    "python": InPython,
}


def engine_of(patterns: Sequence[Pattern], name: str = "") -> Engine:
    """Return the quickest engine there is, or the one that is named."""
    if not patterns:
        name = "python"  # hyperscan compiles no empty set
    made: Engine = ENGINES[name or next(iter(ENGINES))](patterns)
    return made
