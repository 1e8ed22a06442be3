"""Which words a reply is read with: a set for each country, chosen by where its writer is from.

The sets are versioned data (``assent/data/keywords-<version>.json``). Every set holds the core,
words that refuse in any country, then its own; each word stands under the source that it is from
(docs/refusals.md). Where a set does not know a word with which people of another country refuse,
it reads it as unclear: a refusal is not lost because somebody travels or kept a number.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Final

from assent.errors import InvalidInput
from assent.text.keywords import Intent, KeywordSet, Kind

DEFAULT_VERSION: Final = "2026.2"
ELSEWHERE: Final = "INTL"
"""The set of countries that have none: the core alone."""
_LISTS: Final = (
    "refuse", "refuse_all", "start", "help", "unclear", "polite", "containing", "containing_all",
    "phrases", "anywhere", "leading", "complaint", "negated", "weak", "weak_words", "harmless",
    "not_squeezed",
)  # fmt: skip
_REFUSING: Final = ("refuse", "refuse_all")
_RESERVED: Final = frozenset({Kind.REFUSE, Kind.REFUSE_ALL, Kind.HELP, Kind.UNCLEAR})


@dataclass(frozen=True, slots=True)
class KeywordSets:
    """All sets of one version. `by_carrier` and `by_port` (a number or its beginning): sets that
    the settings put in place of the country's. Immutable; share one."""

    version: str
    sets: Mapping[str, KeywordSet]
    countries: Mapping[str, str]
    sources: Mapping[str, Mapping[str, str]]
    by_carrier: Mapping[str, str] = field(default_factory=dict)
    by_port: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None = None) -> KeywordSets:
        """Read the sets from `path`, or the packaged ones. Raises KeyError, ValueError."""
        name = f"data/keywords-{DEFAULT_VERSION}.json"
        packaged = resources.files("assent").joinpath(name)
        return cls.from_document(json.loads((path or packaged).read_bytes()))

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> KeywordSets:
        """Build from a parsed document. Raises KeyError, ValueError for one that is none."""
        files: Mapping[str, Mapping[str, Any]] = document["sets"]
        known = document["sources"]
        words = {name: _words(document, name) for name in files}
        sources: dict[str, dict[str, str]] = {}
        for name, lists in words.items():
            sources[name] = {word: of for one in lists.values() for word, of in one.items()}
            unknown = set(sources[name].values()) - set(known)
            if unknown:
                raise ValueError(f"set {name}: no source is called {min(unknown)}")
        refusing = {
            word for lists in words.values() for each in _REFUSING for word in lists[each]
        }  # fmt: skip
        helping = {word for lists in words.values() for word in lists["help"]}
        shared = {"version": document["version"], "same_letters": document["same_letters"]}
        sets = {}
        for name, lists in words.items():
            flat: dict[str, Any] = {each: list(one) for each, one in lists.items()}
            flat["help"] += sorted(helping - {*flat["help"], *flat["refuse"], *flat["polite"]})
            foreign = sorted(refusing - {word for one in flat.values() for word in one})
            sets[name] = KeywordSet.from_document(shared | flat, name, foreign)
        countries = {code: name for name, one in files.items() for code in one["countries"]}
        return cls(str(document["version"]), sets, countries, sources)

    def __getitem__(self, name: str) -> KeywordSet:
        """Return a set by its name."""
        return self.sets[name]

    def chosen_by(self, carriers: Mapping[str, str], ports: Mapping[str, str]) -> KeywordSets:
        """Return the same with sets that carriers and ports have of their own. Raises InvalidInput
        for a set that is not there."""
        for field_, chosen in (("carriers", carriers), ("ports", ports)):
            for key, name in chosen.items():
                if name not in self.sets:
                    raise InvalidInput(
                        "keyword_set", f"there is no set of keywords {name}",
                        field=f"keywords.{field_}.{key}", rule="settings: keywords",
                        mend=f"use one of {', '.join(sorted(self.sets))}",
                    )  # fmt: skip
        return KeywordSets(
            self.version, self.sets, self.countries, self.sources, carriers, ports
        )  # fmt: skip

    def for_reply(self, country: str, carrier: str, destination: str) -> KeywordSet:
        """Return the set to read a reply with: its port's, else its carrier's, else that of its
        writer's country ("" where that is not known)."""
        port = max((p for p in self.by_port if destination.startswith(p)), key=len, default=None)
        if port is not None:
            return self.sets[self.by_port[port]]
        name = self.by_carrier.get(carrier) or self.countries.get(country, ELSEWHERE)
        return self.sets[name]

    def reserved(self, word: str) -> tuple[str, Intent] | None:
        """Return a set that reads a word as more than nothing or START, and what it reads; None
        where it may be a customer's keyword."""
        for name, one in sorted(self.sets.items()):
            intent = one.read(word)
            if intent.kind in _RESERVED:
                return name, intent
        return None


def _words(document: Mapping[str, Any], name: str) -> dict[str, dict[str, str]]:
    """Return the words of a set by list, each with its source; of the set before those that it
    includes, of those before the core."""
    words: dict[str, dict[str, str]] = {each: {} for each in _LISTS}
    for part in _parts(document, name):
        unknown = set(part) - {*_LISTS, "countries", "includes"}
        if unknown:
            raise ValueError(f"set {name}: no list is called {min(unknown)}")
        for each in _LISTS:
            for source, some in part.get(each, {}).items():
                for word in some:
                    words[each].setdefault(word, source)
    return words


def _parts(document: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    own = document["sets"][name]
    yield own
    included: Iterable[str] = own.get("includes", ())
    for other in included:
        yield document["sets"][other]
    yield document["core"]
