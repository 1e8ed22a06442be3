"""Whom a sender wrote to, as a HyperLogLog of 4,096 registers: how many people of some were new.

Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog" (2007); linear counting below 2.5 registers a
person as there. The standard error of the number of people is 1.6 %. Nobody can be read from it,
so that it stays when somebody is erased.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

REGISTERS: Final = 4096
_BITS: Final = 12
_REST: Final = 64 - _BITS
_ALPHA: Final = 0.7213 / (1.0 + 1.079 / REGISTERS)

Registers = NDArray[np.uint8]


def empty() -> Registers:
    """Return the sketch of nobody."""
    return np.zeros(REGISTERS, np.uint8)


def add(registers: Registers, people: NDArray[np.uint32]) -> float:
    """Take people in; return how many of them were new, estimated. Never more than there are."""
    if not len(people):
        return 0.0
    before = estimate(registers)
    hashed = _mixed(people.astype(np.uint64))
    place = (hashed >> np.uint64(_REST)).astype(np.int64)
    rest = hashed & np.uint64((1 << _REST) - 1)
    # 52 bits stand exactly in a float, so its exponent counts the leading zeros.
    rank = (_REST - np.frexp(rest.astype(np.float64))[1] + 1).astype(np.uint8)
    np.maximum.at(registers, place, rank)
    return float(min(max(estimate(registers) - before, 0.0), len(people)))


def estimate(registers: Registers) -> float:
    """Return how many people were taken in, estimated."""
    raw = _ALPHA * REGISTERS**2 / float(np.exp2(-registers.astype(np.float64)).sum())
    zeros = int((registers == 0).sum())
    if raw <= 2.5 * REGISTERS and zeros:
        return REGISTERS * float(np.log(REGISTERS / zeros))
    return raw


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix bits (the finaliser of SplitMix64: Steele, Lea, Flood 2014)."""
    with np.errstate(over="ignore"):
        made = values + np.uint64(0x9E3779B97F4A7C15)
        made = (made ^ made >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        made = (made ^ made >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        return made ^ made >> np.uint64(31)
