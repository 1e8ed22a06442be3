"""Who means harm in a simulated quarter, and how strongly: drawn per seed from a file's ranges.

The file (docs/quarter.md) names every kind of villain with its parameters as `[low, high]`. Whole
numbers are drawn as whole numbers, both ends included. Another file of the same form replaces it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from random import Random
from typing import Any, Final

from assent.errors import InvalidInput

DEFAULT: Final = "quarter-villains-1.json"
VERSION: Final = 1

PARAMETERS: Final[Mapping[str, tuple[str, ...]]] = {
    "bank_ignoring_refusals": (
        "start_day", "people", "a_day", "refusal_share", "complaint_share", "again_share",
    ),
    "loan_agent": (
        "start_day", "senders", "people", "a_day", "refusal_share", "complaint_share",
        "overt_share",
    ),
    "internal_port": ("start_day", "people", "a_day", "refusal_share", "complaint_share"),
    "coordinated_group": (
        "start_day", "accounts", "people", "a_day", "refusal_share", "complaint_share",
    ),
    "list_buyer": (
        "start_day", "people", "unknown_share", "a_day", "refusal_share", "complaint_share",
    ),
    "consent_forger": (
        "start_day", "people", "lists", "a_day", "refusal_share", "complaint_share",
    ),
    "code_bomber": ("start_day", "accounts", "targets", "codes_a_day", "complaint_share"),
}  # fmt: skip
"""Every kind of villain with what its strength is made of (docs/quarter.md)."""

_MOST: Final[Mapping[str, float]] = {
    "start_day": 80, "people": 2_000, "a_day": 2_000, "senders": 9, "accounts": 20, "lists": 20,
    "targets": 200, "codes_a_day": 60,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Strength:
    """What was drawn for one villain. Shares are 0 to 1; days count from 0."""

    kind: str
    drawn: Mapping[str, float]

    def whole(self, name: str) -> int:
        """Return a parameter that counts something."""
        return int(self.drawn[name])

    def share(self, name: str) -> float:
        """Return a parameter that is a share."""
        return self.drawn[name]


def load(path: Path | None = None) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the ranges of a villains' file, the packaged one if none is named.

    Raises InvalidInput naming the field that is wrong.
    """
    try:
        text = (
            resources.files("assent.data").joinpath(DEFAULT).read_text("utf-8")
            if path is None
            else path.read_text("utf-8")
        )
        document: Any = json.loads(text)
    except (OSError, ValueError) as error:
        raise _wrong("villains", f"the file cannot be read: {error}") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise _wrong("version", f"version is {VERSION}")
    villains = document.get("villains")
    if not isinstance(villains, dict) or not villains:
        raise _wrong("villains", "name at least one kind of villain")
    return {kind: _ranges(kind, given) for kind, given in villains.items()}


def _ranges(kind: str, given: Any) -> dict[str, tuple[float, float]]:
    if kind not in PARAMETERS:
        raise _wrong(f"villains.{kind}", f"kinds are {', '.join(PARAMETERS)}")
    if not isinstance(given, dict) or set(given) != set(PARAMETERS[kind]):
        raise _wrong(f"villains.{kind}", f"needs exactly {', '.join(PARAMETERS[kind])}")
    return {name: _range(f"villains.{kind}.{name}", name, pair) for name, pair in given.items()}


def _range(field: str, name: str, pair: Any) -> tuple[float, float]:
    numbers = isinstance(pair, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) for one in pair
    )
    if not numbers or len(pair) != 2 or not pair[0] <= pair[1]:
        raise _wrong(field, "is [low, high]")
    most = 1.0 if name.endswith("_share") else _MOST[name]
    least = 0 if name.endswith(("_share", "start_day")) else 1
    if pair[0] < least or pair[1] > most:
        raise _wrong(field, f"lies between {least} and {most:g}")
    return pair[0], pair[1]


def draw(
    ranges: Mapping[str, Mapping[str, tuple[float, float]]], seed: int, force: float = 1.0
) -> list[Strength]:
    """Draw every villain's strength; the same seed and ranges give the same. `force`: how much
    larger people and daily volumes are at a larger scale."""
    found = []
    for kind, given in sorted(ranges.items()):
        rng = Random(f"quarter-{seed}-{kind}")
        drawn = {name: _drawn(rng, *given[name], name) for name in PARAMETERS[kind]}
        for name in ("people", "a_day"):
            if name in drawn:
                drawn[name] = max(1, round(drawn[name] * force))
        found.append(Strength(kind, drawn))
    return found


def _drawn(rng: Random, low: float, high: float, name: str) -> float:
    if name.endswith("_share"):
        return rng.uniform(low, high)
    return rng.randint(int(low), int(high))


def _wrong(field: str, why: str) -> InvalidInput:
    return InvalidInput(
        "bad_villains", why, field=field, mend="docs/quarter.md shows what the file holds"
    )
