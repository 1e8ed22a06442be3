"""Signatures, the name in 【】 (CN-71): whose they are, and whether they look like another's.

A signature is the full name of its owner, a name taken in order from it, or a registered trade
mark or filed app. Nobody may have one that people take for somebody else's.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from assent.registry.characters import (
    Sound,
    characters,
    glyphs,
    looks,
    plain,
    simplified,
)
from assent.registry.findings import Finding, found
from assent.registry.names import in_one_piece, in_order, same_name

PROFILES: Final = {"default": (2, 12), "short": (3, 8), "long": (2, 16), "wide": (2, 32)}
"""Shortest and longest signature by carrier's profile; they differ (CN-71)."""

_NEAR_FROM: Final = 4
_MOST_NEAR: Final = 5


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose signature it is to be. `key`: credit code, '' for somebody new. `legal_name`: '' when
    not known. `registered`: the wording of its trade marks and filed apps."""

    key: str = ""
    legal_name: str = ""
    registered: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Name:
    """A signature or full name that a sender (`key`: credit code) has."""

    key: str
    text: str


class Taken:
    """The names that senders have, found by what they look and sound like.

    Build it once, ask often. It holds what it was given; later names need a new one.
    """

    def __init__(self, names: Iterable[Name] = ()) -> None:
        self._names = tuple(names)
        self._simplified = [simplified(name.text) for name in self._names]
        self._same = self._index(simplified)
        self._looks = self._index(looks)
        self._glyphs = self._index(glyphs)

    def _index(self, form: Callable[[str], str]) -> dict[str, list[Name]]:
        index: dict[str, list[Name]] = defaultdict(list)
        for name in self._names:
            index[form(name.text)].append(name)
        return dict(index)

    def resembling(self, text: str, key: str) -> tuple[Finding, ...]:
        """Return which names of others a signature is taken for, the worst likeness of each.

        `Finding.about` is the other's name: for the operator's people, not for customers."""
        steps = (
            ("signature_taken", self._same.get(simplified(text), [])),
            ("signature_same_look", self._looks.get(looks(text), [])),
            ("signature_similar_glyphs", self._glyphs.get(glyphs(text), [])),
            ("signature_same_sound", self._heard(text)),
            ("signature_near", self._near(simplified(text))),
        )
        findings: dict[str, Finding] = {}
        for code, names in steps:
            for name in names:
                if name.key != key or not key:
                    findings.setdefault(name.text, found(code, name.text))
        return tuple(findings.values())

    def _heard(self, text: str) -> list[Name]:
        sound = Sound(text)
        pairs = zip(self._names, self._simplified, strict=True)
        return [name for name, form in pairs if sound.is_of(form)]

    def _near(self, wanted: str) -> list[Name]:
        """Return names that it holds, or that differ by one character."""
        held = [
            name
            for name, form in zip(self._names, self._simplified, strict=True)
            if len(form) > 1 and form in wanted
        ]
        if len(wanted) < _NEAR_FROM:
            return held
        close = process.extract(
            wanted, self._simplified, scorer=Levenshtein.distance, score_cutoff=1, limit=_MOST_NEAR
        )
        return held + [self._names[place] for _, _, place in close]


NOBODY: Final = Taken()


def clean(text: str) -> str:
    """Return a signature without the 【】 around it, in half width."""
    folded = unicodedata.normalize("NFKC", text).strip()
    return folded[1:-1] if folded[:1] == "【" and folded[-1:] == "】" else folded


def check_signature(
    text: str, owner: Owner, taken: Taken = NOBODY, profile: str = "default"
) -> tuple[Finding, ...]:
    """Return what speaks against a signature; nothing means that it is in order.

    Raises KeyError for a profile that is none of PROFILES.
    """
    shortest, longest = PROFILES[profile]
    value = clean(text)
    if not value:
        return (found("signature_empty"),)
    findings = []
    if not all(_allowed(character) for character in value):
        findings.append(found("signature_characters"))
    if not shortest <= len(value) <= longest:
        findings.append(found("signature_length", f"{shortest}-{longest}"))
    findings += _meaning(value, owner)
    if not any(one.code == "signature_generic" for one in findings):
        findings += _whose(value, owner)
    return (*findings, *taken.resembling(value, owner.key))


def _allowed(character: str) -> bool:
    if character.isascii():
        return character.isalnum()
    return character == "〇" or unicodedata.name(character, "").startswith("CJK UNIFIED")


def _meaning(value: str, owner: Owner) -> list[Finding]:
    tables = characters()
    word = simplified(value)
    findings = []
    if value.isdecimal():
        findings.append(found("signature_digits"))
    if word in tables.test or any(word.startswith(one) for one in ("test", "测试")):
        findings.append(found("signature_test"))
    if word in tables.generic:
        findings.append(found("signature_generic"))
    if any(body in word for body in tables.public_bodies) and not same_name(
        value, owner.legal_name
    ):
        findings.append(found("signature_public_body"))
    return findings


def _whose(value: str, owner: Owner) -> list[Finding]:
    if any(plain(value) == plain(one) for one in owner.registered):
        return []
    if not owner.legal_name:
        return [found("signature_name_unknown")]
    if same_name(value, owner.legal_name) or in_one_piece(value, owner.legal_name):
        return []
    ordered = in_order(value, owner.legal_name)
    return [found("signature_gaps" if ordered else "signature_not_of_name")]
