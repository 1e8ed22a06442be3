"""People of a simulated quarter: numbers from the platform's own table, and what they are like.

A number that ends in `44` belongs to nobody: carriers report it as unknown. Lists that were bought
or made up hold many of them, honest ones a few.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

import numpy as np

from assent.message import Network
from assent.numbers import NumberTable
from assent.numbers.segments import SEGMENT_NETWORK

UNKNOWN: Final = "44$"
"""Pattern of numbers that nobody has."""
_ENDING: Final = "44"
_NETWORKS: Final = {Network.MOBILE: 55, Network.UNICOM: 22, Network.TELECOM: 23}
HONEST_UNKNOWN: Final = 0.01


class Population:
    """Draws numbers; each one once."""

    def __init__(self, seed: int, table: NumberTable | None = None) -> None:
        self._rng = Random(f"quarter-{seed}-people")
        table = table or NumberTable.load()
        codes = table.codes[:-1]
        network, province = codes & 7, (codes >> 8) & 255
        given = np.repeat(SEGMENT_NETWORK[300:1000], 1_000) > 0
        usable = given & (province > 0) & ((codes & 8) == 0)
        self._prefixes = {
            each: np.flatnonzero(usable & (network == each)).tolist() for each in _NETWORKS
        }
        self._seen: set[str] = set()
        self.known: list[str] = []

    def numbers(self, count: int, unknown: float = HONEST_UNKNOWN) -> list[str]:
        """Return new numbers, a share of them nobody's."""
        return [self._one(self._rng.random() < unknown) for _ in range(count)]

    def settle(self, count: int) -> None:
        """Draw the people who live here: those of honest lists."""
        self.known = self.numbers(count)

    def some(self, count: int, rng: Random) -> list[str]:
        """Return some of the people who live here."""
        return rng.sample(self.known, min(count, len(self.known)))

    def _one(self, unknown: bool) -> str:
        rng = self._rng
        while True:
            network = rng.choices(list(_NETWORKS), list(_NETWORKS.values()))[0]
            prefix = 1_300_000 + rng.choice(self._prefixes[network])
            ending = _ENDING if unknown else f"{rng.randrange(100):02d}"
            number = f"{prefix}{rng.randrange(100):02d}{ending}"
            if number not in self._seen and (unknown or ending != _ENDING):
                self._seen.add(number)
                return number


def belongs_to_nobody(number: str) -> bool:
    """Tell whether carriers report this number as unknown."""
    return number.endswith(_ENDING)


def chosen(people: Sequence[str], count: int, rng: Random) -> list[str]:
    """Return some of a list, each once."""
    return rng.sample(people, min(count, len(people)))
