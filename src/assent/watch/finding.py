"""What a detector says of one subject at one hour."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.watch.cubes import Cube, View, account_of, sender_of
from assent.watch.records import Floats
from assent.watch.rules import Rules

Detector = Callable[[View, Rules], "list[Finding]"]
"""A pure function: the same records and rules, the same findings, in the same order."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`sender`, `account`, `port`: 0 where it is about none. `score`: how strong, comparable within
    a detector. `evidence`: counts, bounds and ids only."""

    detector: str
    severity: int
    score: float
    evidence: Mapping[str, Any]
    sender: int = 0
    account: int = 0
    port: int = 0

    @property
    def key(self) -> str:
        """What it is about, the same whenever it is seen again."""
        if self.port:
            return f"port/{self.port}"
        return f"sender/{self.sender}/account/{self.account}"


def found(
    detector: str, view: View, cube: Cube, severity: Floats, score: Floats, **figures: Floats
) -> list[Finding]:
    """Return a finding for each key whose severity is above 0, with its figures as evidence."""
    made = []
    for place in np.flatnonzero(severity > 0).tolist():
        key = int(cube.keys[place])
        evidence = {name: figure(float(values[place])) for name, values in figures.items()}
        made.append(
            Finding(
                detector, int(severity[place]), round(float(min(score[place], 1e6)), 3),
                {"hour": view.hour, **evidence}, sender_of(cube.cut, key, view.parties),
                account_of(cube.cut, key), key if cube.cut.subject == "port" else 0,
            )
        )  # fmt: skip
    return made


def figure(value: float) -> int | float:
    """Return a number as evidence shows it: whole, or four places."""
    return int(value) if value == int(value) else round(value, 4)
