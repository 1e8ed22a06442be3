"""Numbers of a batch that follow each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LEAST = 50
"""Fewer numbers are not looked at."""
_STEP = 1_000
"""Equal steps up to here are a way to generate; longer ones are chance."""


def beside(numbers: NDArray[np.int64]) -> int:
    """Return how many numbers have the next one beside them, or, if more, how many follow the one
    before in the batch's most frequent step. Numbers that repeat count once."""
    unique = np.unique(numbers)
    if len(unique) < 2:
        return 0
    close = np.diff(unique) == 1
    near = np.zeros(len(unique), np.bool_)
    near[:-1] |= close
    near[1:] |= close
    steps = np.diff(numbers)
    steps = np.abs(steps[(steps != 0) & (np.abs(steps) <= _STEP)])
    equal = int(np.bincount(steps).max()) + 1 if len(steps) else 0
    return max(int(near.sum()), equal if equal > 2 else 0)
