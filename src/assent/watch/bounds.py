"""Robust statistics of rates and counts: exact bounds, medians, and what peers do meanwhile.

Medians and median deviations rather than fitted seasons: a decomposition fitted to eight weeks of
one sender bends towards the very burst that is to be seen, and costs a fit a sender and hour.
Bounds are exact (Clopper and Pearson 1934, by the incomplete beta function of scipy), so that few
messages never look like many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import betaincinv

from assent.watch.records import Floats, Ints

_MAD: Final = 1.4826
"""A median deviation times this is a standard deviation, were the values normal."""


def lower(hits: Floats, of: Floats, alpha: float, floor: float = 0.0) -> Floats:
    """Return rates that the true ones exceed but for a chance of `alpha`; 0 of nothing, and where
    the bound cannot reach `floor`, which spares most of the work."""
    made = np.zeros(len(hits))
    told = np.flatnonzero((hits > 0) & (of > 0) & (hits >= floor * of))
    some, all_ = np.minimum(hits[told], of[told]), of[told]
    made[told] = betaincinv(some, all_ - some + 1.0, alpha)
    return made


def upper(hits: Floats, of: Floats, alpha: float, ceiling: float = 1.0) -> Floats:
    """Return rates below which the true ones lie but for a chance of `alpha`; 1 of nothing, and
    where the bound cannot come down to `ceiling`."""
    made = np.ones(len(hits))
    told = np.flatnonzero((of > 0) & (hits < of) & (hits <= ceiling * of))
    some, all_ = hits[told], of[told]
    made[told] = betaincinv(some + 1.0, all_ - some, 1.0 - alpha)
    return made


def logit(rate: Floats) -> Floats:
    """Return log odds; rates are kept a millionth away from 0 and 1."""
    kept = np.clip(rate, 1e-6, 1.0 - 1e-6)
    return np.asarray(np.log(kept / (1.0 - kept)))


def spread(values: Floats) -> Floats:
    """Return the median deviation of each row, scaled, nan left out; nan where nothing is left."""
    with np.errstate(all="ignore"):
        middle = median(values)
        return median(np.abs(values - middle[:, None])) * _MAD


def median(values: Floats) -> Floats:
    """Return the median of each row, nan left out; nan where nothing is left."""
    kept = np.isfinite(values)
    count = kept.sum(axis=1)
    ordered = np.sort(np.where(kept, values, np.inf), axis=1)
    if not ordered.shape[1]:
        return np.full(len(values), np.nan)
    rows = np.arange(len(values))
    low = ordered[rows, np.maximum(count - 1, 0) // 2]
    high = ordered[rows, np.minimum(count // 2, ordered.shape[1] - 1)]
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, (low + high) / 2.0, np.nan)


def by_group(values: Floats, group: Ints, least: int) -> Floats:
    """Return for each key the median of its group, of all where the group has fewer than `least`;
    nan are left out, and 0 is returned where nothing is left."""
    known = np.isfinite(values)
    everybody = float(np.median(values[known])) if known.any() else 0.0
    found = np.full(len(values), everybody)
    for one in np.unique(group):
        mine = (group == one) & known
        if mine.sum() >= least:
            found[group == one] = np.median(values[mine])
    return found


def in_common(moves: Floats, group: Ints, least: int) -> Floats:
    """Return how far each key's group moves up as a whole, all where the group has fewer than
    `least` that can be told; 0 where all are fewer: one that moves alone has no company."""
    if np.isfinite(moves).sum() < least:
        return np.zeros(len(moves))
    return np.maximum(by_group(moves, group, least), 0.0)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """How a rise is judged. `alpha`: chance of the bound. `prior`: how many messages a peer's rate
    counts as beside the sender's own. `least`: trials of a day that tells a rate. `peers`: keys
    that make a group. `floor`: the least that a rate is taken to move by itself, in log odds.
    `days`: days with a rate that make a history."""

    alpha: float
    prior: float
    least: float
    peers: int
    floor: float
    days: int


@dataclass(frozen=True, slots=True)
class Rise:
    """A rate against its past. `low`: a bound below the rate now; `base`: what was expected;
    `times`: how many of its own usual moves it rose; `old`: whether there is a history."""

    low: Floats
    base: Floats
    times: Floats
    old: Floats


def rise(
    hits: Floats, of: Floats, past_hits: Floats, past_of: Floats, group: Ints, by: Yardstick,
    floor: float = 0.0,
) -> Rise:  # fmt: skip
    """Judge rates of now against each key's own days and its peers.

    Arrays are [keys] and [keys, days]; rates below `floor` are not looked at. What peers rise at
    the same time is taken off: an outage of a carrier is nobody's doing.
    """
    told = past_of >= by.least
    with np.errstate(divide="ignore", invalid="ignore"):
        days = np.where(told, logit((past_hits + 0.5) / (past_of + 1.0)), np.nan)
    old = told.sum(axis=1) >= by.days
    sums, trials = past_hits.sum(axis=1), past_of.sum(axis=1)
    own = np.where(trials >= by.least, logit((sums + 0.5) / (trials + 1.0)), np.nan)
    peers = 1.0 / (1.0 + np.exp(-by_group(own, group, by.peers)))
    if not np.isfinite(own).any():
        peers = np.full(len(own), floor / 10.0)  # nobody has a past: floors alone must do
    base = (sums + by.prior * peers) / (trials + by.prior)
    wide = np.where(old, spread(days), np.nan)
    # Those without a history move as much as senders differ from each other.
    among = spread(own[None, :])[0] if len(own) else np.nan
    usual = np.nan_to_num(wide, nan=max(float(np.nan_to_num(among)), 2.0 * by.floor))
    current = np.where(of >= by.least, logit((hits + 0.5) / (of + 1.0)) - logit(base), np.nan)
    shift = in_common(current, group, by.peers)
    low = lower(hits, of, by.alpha, floor)
    times = (logit(low) - logit(base) - shift) / np.maximum(usual, by.floor)
    return Rise(low, base, np.where(low > 0, times, -np.inf), old.astype(np.float64))
