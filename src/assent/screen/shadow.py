"""A second model that judges beside the first, and where the two differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assent.screen.model import Kinds, Model

__all__ = ["Differences", "differences"]


@dataclass(frozen=True, slots=True)
class Differences:
    """`first`: what counts. `texts`: how many were judged. `moved`: (first category, second
    category) and how often. `places`: of the texts whose category or whose side of the spam
    threshold differs, the farthest apart first."""

    first: Kinds
    texts: int
    moved: Counter[tuple[str, str]]
    spam_first: int
    spam_second: int
    places: tuple[int, ...]


def differences(first: Model, second: Model, texts: Sequence[str]) -> Differences:
    """Judge `texts` by both; what the second says is only reported."""
    one, two = first.judge(texts), second.judge(texts)
    pairs = list(zip(one.best(), two.best(), strict=True))
    over, over_too = one.spam >= first.threshold, two.spam >= second.threshold
    apart = np.abs(one.category - two.category).sum(axis=1) + np.abs(one.spam - two.spam)
    differ = np.array([a != b for a, b in pairs], bool) | (over != over_too)
    places = np.flatnonzero(differ)
    order = places[np.argsort(-apart[places], kind="stable")]
    moved = Counter(pair for pair in pairs if pair[0] != pair[1])
    return Differences(
        one, len(texts), moved, int(over.sum()), int(over_too.sum()), tuple(order.tolist())
    )
