"""How figures are made: shares that add up, ranks with ties, bounds, quantiles. Pure.

Nothing here depends on the order in which rows come.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from math import ceil
from typing import Any, Final, TypeVar

from scipy.special import betaincinv, gammaincinv

Key = TypeVar("Key", bound=Hashable)

CONFIDENCE: Final = 0.95
"""Of every pair of bounds: both are exact (Clopper and Pearson, Garwood), so never too narrow."""

SMALL: Final = 20
"""Fewer complaints than this are marked `small`: the bounds say more than the figure."""

_TAIL: Final = (1 - CONFIDENCE) / 2
_TENTHS: Final = 1_000


def shares(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the percentage of each part of a whole, one decimal, adding up to exactly 100.0.

    Largest remainders: each share is cut off after its first decimal, and the tenths that are
    missing go to those that lost most; of equal losses to the larger count, then to the key that
    sorts first. A whole of nothing has shares of 0.
    """
    total = sum(counts.values())
    if not total:
        return dict.fromkeys(counts, 0.0)
    tenths = {key: n * _TENTHS // total for key, n in counts.items()}
    lost = {key: n * _TENTHS % total for key, n in counts.items()}
    order = sorted(counts, key=lambda key: (-lost[key], -counts[key], key))
    for key in order[: _TENTHS - sum(tenths.values())]:
        tenths[key] += 1
    return {key: n / 10 for key, n in tenths.items()}


def share(n: int, total: int) -> float | None:
    """Return one percentage, one decimal, halves upwards; None of nothing."""
    return (2 * _TENTHS * n + total) // (2 * total) / 10 if total else None


def share_bounds(n: int, total: int) -> tuple[float, float] | None:
    """Return the percentages between which a share lies, were the counts a sample (Clopper and
    Pearson); None of nothing."""
    if not total:
        return None
    low = 0.0 if n == 0 else float(betaincinv(n, total - n + 1, _TAIL))
    high = 1.0 if n == total else float(betaincinv(n + 1, total - n, 1 - _TAIL))
    return round(100 * low, 1), round(100 * high, 1)


def rate(n: int, base: int, per: int) -> dict[str, Any] | None:
    """Return complaints per so many, with bounds for a count that is Poisson's (Garwood); None
    where the base is 0 or not known."""
    if base <= 0:
        return None
    low = 0.0 if n == 0 else float(gammaincinv(n, _TAIL))
    high = float(gammaincinv(n + 1, 1 - _TAIL))
    value, low, high = (round(x * per / base, 2) for x in (float(n), low, high))
    return {"value": value, "low": low, "high": high, "n": n, "base": base, "small": n < SMALL}


def ranks(counts: Mapping[Key, int]) -> dict[Key, int]:
    """Return everybody's place: 1 for the most. Equal counts share a place and the next one is
    left free (1, 2, 2, 4). Who has none has no place."""
    places: dict[int, int] = {}
    ordered = sorted((n for n in counts.values() if n > 0), reverse=True)
    for place, n in enumerate(ordered, start=1):
        places.setdefault(n, place)
    return {key: places[n] for key, n in counts.items() if n > 0}


def moved(before: int | None, now: int | None, top: int) -> tuple[str | None, int]:
    """Return what became of a place among the first `top`, and by how many places.

    `new`: was not among them; `out`: is no more; `up`, `down`, `same`; None: neither.
    """
    was = before is not None and before <= top
    stays = now is not None and now <= top
    if not was or not stays:
        return ("new" if stays else "out" if was else None), 0
    assert before is not None
    assert now is not None
    by = before - now
    return ("up" if by > 0 else "down" if by < 0 else "same"), abs(by)


def quantile(values: Iterable[float], part: float) -> float | None:
    """Return the smallest value that at least `part` of all do not exceed (the nearest rank, so
    always one that occurred); None of none."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(ceil(part * len(ordered)) - 1, 0)]
