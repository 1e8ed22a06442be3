"""Shingles that are kept beside an index, so that near texts are told apart exactly.

Signatures tell a similarity to about 0.05; where that is not enough, and memory is (four octets for
each different 3-gram of a text), answers of the index are confirmed with the shingles themselves.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from assent.screen.near import Ids, Matches
from assent.screen.shingles import Shingles

__all__ = ["EXACT", "Kept"]

EXACT: Final = 0.6
"""From which exact similarity on texts count as near."""

_SHIFT: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFFFFFF)
_PAIRS: Final = 65_536
"""Pairs that are compared together: what they need in memory is bounded."""


class _Sets:
    """Different shingles of texts, in order, one text after the other."""

    def __init__(self, cut: Shingles) -> None:
        owner = np.repeat(np.arange(len(cut), dtype=np.uint64), cut.counts)
        keyed = np.unique(owner << _SHIFT | cut.hashes)
        self.hashes = (keyed & _LOW).astype(np.uint32)
        self.counts = np.bincount((keyed >> _SHIFT).astype(np.int64), minlength=len(cut))
        self.starts = np.cumsum(self.counts) - self.counts

    def keyed(self, texts: Ids, keys: Ids) -> npt.NDArray[np.uint64]:
        """Return the shingles of some texts, each under a key."""
        many = self.counts[texts]
        places = np.arange(int(many.sum())) + np.repeat(
            self.starts[texts] - np.cumsum(many) + many, many
        )
        return np.repeat(keys.astype(np.uint64), many) << _SHIFT | self.hashes[places]


class Kept:
    """Shingles of texts by ids, in portions as they were added."""

    def __init__(self) -> None:
        self._sets: list[_Sets] = []
        self._ids = np.empty(0, np.int64)
        self._places = np.empty((0, 2), np.int64)

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def octets(self) -> int:
        """How much memory they take."""
        arrays = (part for one in self._sets for part in (one.hashes, one.counts, one.starts))
        return sum(part.nbytes for part in arrays) + self._ids.nbytes + self._places.nbytes

    def add(self, ids: npt.ArrayLike, cut: Shingles) -> None:
        """Keep texts."""
        given = np.asarray(ids, np.int64)
        if len(given) != len(cut):
            raise ValueError(f"{len(given)} ids and {len(cut)} texts")
        where = np.column_stack((np.full(len(cut), len(self._sets)), np.arange(len(cut))))
        self._sets.append(_Sets(cut))
        every = np.concatenate((self._ids, given))
        order = np.argsort(every, kind="stable")
        self._ids = every[order]
        self._places = np.concatenate((self._places, where))[order]

    def confirm(self, matches: Matches, cut: Shingles, alike: float = EXACT) -> Matches:
        """Return those of an index' answers that are so alike indeed, with their exact similarity,
        in the same order of queries. `cut`: the queries' shingles. What is not kept is left out.
        """
        sought = _Sets(cut)
        at = np.searchsorted(self._ids, matches.ids)
        at[at == len(self._ids)] = 0
        known = self._ids[at] == matches.ids if len(self._ids) else np.zeros(len(at), bool)
        queries, places = matches.queries[known], self._places[at[known]]
        exact = np.zeros(len(queries), np.float32)
        for first in range(0, len(queries), _PAIRS):
            part = slice(first, first + _PAIRS)
            exact[part] = self._exact(sought, queries[part], places[part])
        ids = matches.ids[known]
        kept = exact >= alike
        queries, ids, exact = queries[kept], ids[kept], exact[kept]
        order = np.lexsort((ids, -exact, queries))
        return Matches(queries[order], ids[order], exact[order])

    def _exact(self, sought: _Sets, queries: Ids, places: Ids) -> npt.NDArray[np.float32]:
        pairs = np.arange(len(queries))
        parts = [sought.keyed(queries, pairs)]
        sizes = sought.counts[queries].copy()
        for portion in np.unique(places[:, 0]).tolist():
            mine = np.flatnonzero(places[:, 0] == portion)
            sets = self._sets[portion]
            parts.append(sets.keyed(places[mine, 1], pairs[mine]))
            sizes[mine] += sets.counts[places[mine, 1]]
        every = np.sort(np.concatenate(parts))
        twice = every[1:][every[1:] == every[:-1]] >> _SHIFT
        both = np.bincount(twice.astype(np.int64), minlength=len(queries))
        found: npt.NDArray[np.float32] = (both / np.maximum(sizes - both, 1)).astype(np.float32)
        return found
