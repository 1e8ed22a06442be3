"""What a replay counts: what came out as it was stored, and what would come out otherwise."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.examined import Heads
from assent.flow.replay_parts import Part
from assent.policy.reasons import BY_NUMBER

LABELS: Final = ("allow", "defer", "hold", "reject", "unknown")
"""Outcomes, weakest first; `defer`: allowed, but for later; `unknown`: what it depends on is not
kept."""
ALLOW, DEFER, HOLD, REJECT, UNKNOWN = range(5)
DIMENSIONS: Final = ("purpose", "sender", "account", "port", "category")
_EXAMPLES: Final = 10

Labels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.uint16]


@dataclass(slots=True)
class Checked:
    """How stored decisions compare with the same rules run again. `people` counts decisions."""

    people: int = 0
    same: int = 0
    differ: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def differs(self, code: str, part: Part, places: npt.NDArray[np.intp]) -> None:
        """Note people whose stored decision says something else of a code."""
        self.differ[code] += len(places)
        told = self.examples[code]
        told += [part.example(place) for place in places[: _EXAMPLES - len(told)].tolist()]

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "decisions": self.people,
            "same": self.same,
            "differ": {
                code: {"decisions": count, "examples": self.examples[code]}
                for code, count in self.differ.most_common()
            },
            "not_kept": dict(self.unknown.most_common()),
        }


class Transitions:
    """From which outcome to which, by reason, and where."""

    def __init__(self) -> None:
        self.verdicts: Counter[tuple[int, int]] = Counter()
        self.reasons: Counter[tuple[int, int, int, int]] = Counter()
        self.examples: dict[tuple[int, int, int, int], list[str]] = defaultdict(list)
        self.people: dict[tuple[int, int], Heads] = defaultdict(Heads)
        self.by: dict[str, dict[str, Counter[str]]] = {
            name: defaultdict(Counter) for name in DIMENSIONS
        }
        self.unknown: Counter[str] = Counter()

    def take(
        self, part: Part, old: tuple[Labels, Numbers], new: tuple[Labels, Numbers],
        where: Mapping[str, str],
    ) -> None:  # fmt: skip
        """Add the people of a part. `where`: a name for each of :data:`DIMENSIONS`."""
        packed = old[0].astype(np.uint64)
        for column in (new[0], old[1], new[1]):
            packed = (packed << np.uint64(16)) | column.astype(np.uint64)
        values, counts = np.unique(packed, return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            key = (value >> 48, value >> 32 & 0xFFFF, value >> 16 & 0xFFFF, value & 0xFFFF)
            before, after = key[:2]
            self.verdicts[before, after] += count
            if before == after and key[2] == key[3]:
                continue
            self.reasons[key] += count
            places = np.flatnonzero(packed == np.uint64(value))
            told = self.examples[key]
            told += [part.example(place) for place in places[: _EXAMPLES - len(told)].tolist()]
            if before == after:
                continue
            self.people[before, after].add(part.columns.person[places])
            word = way(before, after)
            for name in DIMENSIONS:
                self.by[name][where[name]][word] += count

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it. (long: a line a member)"""
        ways: Counter[str] = Counter()
        for (before, after), count in self.verdicts.items():
            ways[way(before, after)] += count
        return {
            "changed": {word: ways[word] for word in ("same", "stricter", "laxer", "unknown")},
            "verdicts": [
                {
                    "from": LABELS[before],
                    "to": LABELS[after],
                    "messages": count,
                    "people": len(self.people[before, after]) if before != after else None,
                }
                for (before, after), count in sorted(self.verdicts.items())
            ],
            "reasons": [
                {
                    "from": {"verdict": LABELS[key[0]], "reason": _code(key[2])},
                    "to": {"verdict": LABELS[key[1]], "reason": _code(key[3])},
                    "messages": count,
                    "examples": self.examples[key],
                }
                for key, count in self.reasons.most_common()
            ],
            "by": {
                name: [
                    {"name": what, **{word: counts[word]
                                      for word in ("stricter", "laxer", "unknown")}}
                    for what, counts in _most(self.by[name])
                ]
                for name in DIMENSIONS
            },
            "not_kept": dict(self.unknown.most_common()),
        }  # fmt: skip


def way(before: int, after: int) -> str:
    """Return in which direction an outcome changes."""
    if UNKNOWN in (before, after):
        return "unknown"
    return "same" if before == after else "stricter" if after > before else "laxer"


def rows(told: Mapping[str, Any]) -> Iterable[list[str]]:
    """Yield the tables of a replay as rows of CSV, the heading first."""
    yield ["table", "name", "from_verdict", "from_reason", "to_verdict", "to_reason", "messages",
           "people", "examples"]  # fmt: skip
    for one in told["verdicts"]:
        many = "" if one["people"] is None else str(one["people"])
        yield ["verdict", "", one["from"], "", one["to"], "", str(one["messages"]), many, ""]
    for one in told["reasons"]:
        yield [
            "reason", "", one["from"]["verdict"], one["from"]["reason"] or "",
            one["to"]["verdict"], one["to"]["reason"] or "", str(one["messages"]), "",
            "; ".join(one["examples"]),
        ]  # fmt: skip
    for one in told.get("ceilings", {}).get("restrictions", ()):
        what = ", ".join(f"{name} {value}" for name, value in one["key"].items())
        yield [
            "ceiling", f"{one['ceiling']}: {what}", "", "", one["effect"], " ".join(one["under"]),
            str(one["would_concern"]), "", f"{one['from']} to {one['to']}",
        ]  # fmt: skip
    for name, some in told["by"].items():
        for one in some:
            for word in ("stricter", "laxer", "unknown"):
                if one[word]:
                    yield [name, one["name"], "", "", word, "", str(one[word]), "", ""]


def _most(counted: Mapping[str, Counter[str]]) -> list[tuple[str, Counter[str]]]:
    return sorted(counted.items(), key=lambda one: (-one[1].total(), one[0]))


def _code(number: int) -> str | None:
    return BY_NUMBER[number].code if number else None
