"""Thresholds of detectors: a versioned file, each number with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

from assent.errors import InvalidInput
from assent.flow.inbound import word_code
from assent.watch.bounds import Yardstick

PACKAGED: Final = Path(__file__).parents[1] / "data" / "detectors-2026.1.json"
_REASON: Final = 10


class _Number(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    value: float
    why: str


class _Codes(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    codes: list[str]
    why: str


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: str
    empty_codes: _Codes
    detectors: dict[str, dict[str, _Number]]


@dataclass(frozen=True)
class Rules:
    """Numbers by detector and name. `empty`: codes of failures that say that a number is nobody's
    (:func:`assent.flow.inbound.word_code`, or the number of an answer)."""

    version: str
    empty: frozenset[int]
    numbers: Mapping[str, Mapping[str, float]]

    @classmethod
    def load(cls, path: Path | None = None) -> Rules:
        """Read a file, the packaged one if none is named. Raises InvalidInput `detectors_file`: it
        cannot be read, lacks a number that the packaged one has, has one that is unknown, or gives
        one without a reason."""
        rules = _read(path or PACKAGED)
        if path is not None:
            wanted = {(d, n) for d, some in packaged().numbers.items() for n in some}
            given = {(d, n) for d, some in rules.numbers.items() for n in some}
            if wanted != given:
                detector, name = min(wanted ^ given)
                raise _wrong(f"{detector}.{name} is missing or unknown")
        return rules

    def of(self, detector: str) -> Mapping[str, float]:
        """Return the numbers of a detector."""
        return self.numbers[detector]

    def yardstick(self, least: float | None = None) -> Yardstick:
        """Return how rises are judged."""
        one = self.numbers["rates"]
        return Yardstick(
            one["alpha"], one["prior"], one["least_a_day"] if least is None else least,
            int(one["peers"]), one["floor"], int(one["days"]),
        )  # fmt: skip


@cache
def packaged() -> Rules:
    """Return the packaged numbers."""
    return _read(PACKAGED)


def _read(path: Path) -> Rules:
    try:
        file = msgspec.json.decode(path.read_bytes(), type=_File)
    except (OSError, msgspec.MsgspecError) as error:
        raise _wrong(str(error)) from None
    for detector, some in file.detectors.items():
        for name, number in some.items():
            if len(number.why.strip()) < _REASON:
                raise _wrong(f"{detector}.{name} has no reason")
    if len(file.empty_codes.why.strip()) < _REASON:
        raise _wrong("empty_codes has no reason")
    empty = {int(one) if one.isdecimal() else word_code(one) for one in file.empty_codes.codes}
    numbers = {
        detector: {name: number.value for name, number in some.items()}
        for detector, some in file.detectors.items()
    }
    return Rules(file.version, frozenset(empty), numbers)


def _wrong(words: str) -> InvalidInput:
    return InvalidInput(
        "detectors_file", f"the file of detectors cannot be used: {words}", field="detectors",
        rule="early-warning: numbers",
        mend="start from the packaged file and keep its form",
    )  # fmt: skip
