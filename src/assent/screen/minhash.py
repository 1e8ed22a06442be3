"""Signatures of texts: a few octets from which the similarity of two texts can be told.

A signature holds for each of many orders of all shingles one octet of the text's first one. Two
texts share that shingle with the probability that is their Jaccard similarity, so the share of
equal octets tells it. No text can be read from a signature; whether a given text has one can be
tested.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.screen.shingles import Shingles

__all__ = ["OCTETS", "agreement", "signatures"]

OCTETS: Final = 96
"""Octets in a signature."""

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_BLOCK: Final = 256
_CHANCE: Final = 1 / 256
_ONES: Final = np.uint64(0x0101010101010101)
_SPREAD: Final = np.uint32(0x9E3779B1)

Signatures = npt.NDArray[np.uint8]
"""A row a text."""


def signatures(of: Shingles, workers: int = 1) -> Signatures:
    """Return the signatures of texts; one without shingles has zeros and is like nothing.

    `workers`: threads that compute them.
    """
    made = np.zeros((len(of), OCTETS), np.uint8)
    counts = of.counts
    order = np.argsort(counts, kind="stable")
    order = order[np.searchsorted(counts[order], 1) :]
    blocks = [order[at : at + _BLOCK] for at in range(0, len(order), _BLOCK)]

    def one(places: npt.NDArray[np.int64]) -> None:
        made[places] = _block(of.hashes, of.starts[places], counts[places])

    if workers > 1 and len(blocks) > 1:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(one, blocks))
    else:
        for places in blocks:
            one(places)
    return made


def agreement(ones: Signatures, others: Signatures) -> npt.NDArray[np.float32]:
    """Return the similarity of texts pair by pair, as their signatures tell it: 0 to 1."""
    # Eight octets at a time: each counts to OCTETS / 8 at most, all together to OCTETS.
    lanes = (ones == others).view(np.uint64).sum(axis=1, dtype=np.uint64)
    equal = (lanes * _ONES >> np.uint64(56)).astype(np.float32) / OCTETS
    found: npt.NDArray[np.float32] = np.maximum((equal - _CHANCE) / (1 - _CHANCE), 0)
    return found.astype(np.float32)


def _block(
    hashes: npt.NDArray[np.uint32], starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> Signatures:
    """Return the signatures of texts that have about as many shingles; who has fewer shows its last
    one again, which changes no first one."""
    factors, flips = _orders()
    least = np.full((OCTETS, len(starts)), 0xFFFFFFFF, np.uint32)
    turned = np.empty_like(least)
    for step in range(int(counts.max())):
        row = hashes[starts + np.minimum(step, counts - 1)]
        np.bitwise_xor(row, flips, out=turned)
        np.multiply(turned, factors, out=turned)
        np.minimum(least, turned, out=least)
    least *= _SPREAD
    return (least >> np.uint32(24)).astype(np.uint8).T


@cache
def _orders() -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """The orders, the same ones on every platform and for ever: part of what a signature means.
    (numpy's own draws may change with its versions.)"""
    drawn = np.arange(1, 2 * OCTETS + 1, dtype=np.uint64) * _STEP
    drawn = (drawn ^ (drawn >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    drawn = (drawn ^ (drawn >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    words = (drawn >> np.uint64(32)).astype(np.uint32)[:, None]
    return words[:OCTETS] | np.uint32(1), words[OCTETS:]
