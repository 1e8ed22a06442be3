"""Near-duplicates among millions of signatures: an index to which texts are added as they come.

Two texts that are alike agree in some band of their signatures (:mod:`assent.screen.minhash`): four
octets in a row, of :data:`BANDS`. The index holds for each band all its values in order, so that
who shares one is found by bisection, and tells from the whole signatures how alike they are. What
is added becomes a segment; small segments are merged into larger ones, so that an index of millions
is searched in few places and each text is sorted a few times only.

A text costs :data:`OCTETS_A_TEXT` octets, whatever its length.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.screen.minhash import OCTETS, Signatures, agreement

__all__ = ["ALIKE", "BANDS", "OCTETS_A_TEXT", "Ids", "Index", "Matches", "Segment", "damaged"]

BANDS: Final = OCTETS // 4
ALIKE: Final = 0.62
"""From which similarity on texts count as near. Signatures tell it to about 0.05."""
OCTETS_A_TEXT: Final = 8 + OCTETS + BANDS * 9
"""At most, in segments of some size: id, signature, and for each band a place with its start."""


_CROWD: Final = 64
"""Texts of one value of a band, in one segment, that a query looks at: the latest."""
_SHARE: Final = 2
_NEIGHBOURS: Final = 3
"""Bits of the number of texts that are not looked up, but searched: 4 to 8 neighbours."""
_QUERIES: Final = 4_096
"""Queries that are worked upon together: what they need in memory is bounded."""
_LOW: Final = np.uint64(0xFFFFFFFF)
_SHIFT: Final = np.uint64(32)
_MAGIC: Final = b"assent near 1\n\0\0"
_DIGEST: Final = 32

Ids = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Matches:
    """Pairs of a query's place and the id of a text that is near it, with how alike they are. By
    query, the most alike first, of equals the earlier id."""

    queries: Ids
    ids: Ids
    similarity: npt.NDArray[np.float32]

    def lists(self, queries: int) -> list[list[tuple[int, float]]]:
        """Return for each of so many queries its ids with their similarity."""
        found: list[list[tuple[int, float]]] = [[] for _ in range(queries)]
        rows = zip(self.queries.tolist(), self.ids.tolist(), self.similarity.tolist(), strict=True)
        for query, one, alike in rows:
            found[query].append((one, alike))
        return found


class Segment:
    """Signatures that do not change any more, with their bands in order. `starts`: for each band
    where values that begin with the same bits begin, so that a search looks at a few neighbours
    instead of all over a large table."""

    __slots__ = ("__weakref__", "_shift", "bands", "ids", "signatures", "starts")

    def __init__(self, ids: Ids, signatures: Signatures) -> None:
        self.ids = ids
        self.signatures = np.ascontiguousarray(signatures)
        values = self.signatures.view(np.uint32)
        rows = np.arange(len(ids), dtype=np.uint64)
        self.bands = np.empty((BANDS, len(ids)), np.uint64)
        bits = max(1, len(ids).bit_length() - _NEIGHBOURS)
        self._shift = np.uint64(64 - bits)
        self.starts = np.zeros((BANDS, (1 << bits) + 1), np.uint32)
        for band in range(BANDS):
            keyed = self.bands[band]
            np.left_shift(values[:, band].astype(np.uint64), _SHIFT, out=keyed)
            keyed |= rows
            keyed.sort()
            heads = (keyed >> self._shift).astype(np.int64)
            np.cumsum(np.bincount(heads, minlength=1 << bits), out=self.starts[band, 1:])

    def __len__(self) -> int:
        return len(self.ids)

    def candidates(self, signatures: Signatures) -> tuple[Ids, Ids]:
        """Return pairs of a query and a row that share a band, each once."""
        values = signatures.view(np.uint32)
        found: list[npt.NDArray[np.uint64]] = []
        for band in range(BANDS):
            keyed = self.bands[band]
            sought = values[:, band].astype(np.uint64) << _SHIFT
            order = np.argsort(sought)  # neighbours in the table, one after the other
            sought = sought[order]
            first = self._search(band, sought)
            there = first < len(keyed)
            there[there] = keyed[first[there]] ^ sought[there] <= _LOW
            hits = np.flatnonzero(there)
            if not len(hits):
                continue
            first, last = first[hits], self._search(band, sought[hits] | _LOW)
            first = np.maximum(first, last - _CROWD)
            many = last - first
            ends = np.cumsum(many)
            places = np.arange(ends[-1]) + np.repeat(first - ends + many, many)
            asked = np.repeat(order[hits].astype(np.uint64), many)
            found.append(asked << _SHIFT | keyed[places] & _LOW)
        if not found:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        pairs = np.unique(np.concatenate(found))
        return (pairs >> _SHIFT).astype(np.int64), (pairs & _LOW).astype(np.int64)

    def _search(self, band: int, sought: npt.NDArray[np.uint64]) -> Ids:
        """Return for each value the first place in a band that is not below it."""
        keyed, starts = self.bands[band], self.starts[band]
        heads = (sought >> self._shift).astype(np.int64)
        low: Ids = starts[heads].astype(np.int64)
        high: Ids = starts[heads + 1].astype(np.int64)
        left = np.flatnonzero(low < high)
        while len(left):
            middle = (low[left] + high[left]) >> 1
            below = keyed[middle] < sought[left]
            low[left[below]] = middle[below] + 1
            high[left[~below]] = middle[~below]
            left = left[low[left] < high[left]]
        return low

    def dump(self) -> bytes:
        """Return the segment as octets with their own checksum."""
        body: bytes = len(self.ids).to_bytes(8, "little")
        body += self.ids.astype("<i8").tobytes() + self.signatures.tobytes()
        return _MAGIC + sha256(body).digest() + body

    @classmethod
    def load(cls, data: bytes, name: str) -> Segment:
        """Return the segment of octets. Raises InvalidInput `near_file` with `name` for any others
        than :meth:`dump` gave."""
        start = len(_MAGIC) + _DIGEST
        body = memoryview(data)[start:]
        count = int.from_bytes(body[:8], "little") if len(body) >= 8 else -1
        if (
            not data.startswith(_MAGIC)
            or len(body) != 8 + count * (8 + OCTETS)
            or sha256(body).digest() != data[len(_MAGIC) : start]
        ):
            raise damaged(name)
        ids = np.frombuffer(body, "<i8", count, 8).astype(np.int64)
        signatures = np.frombuffer(body, np.uint8, count * OCTETS, 8 + count * 8)
        return cls(ids, signatures.reshape(count, OCTETS))


class Index:
    """Signatures by ids. Not to be changed by one thread while another asks.

    Texts that have the same signature are better added once: of a crowd that shares a band only
    the latest are looked at.
    """

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments = list(segments)
        self._dropped = np.empty(0, np.int64)

    def __len__(self) -> int:
        return sum(map(len, self.segments))

    @property
    def octets(self) -> int:
        """How much memory the texts take."""
        arrays = ((s.ids, s.signatures, s.bands, s.starts) for s in self.segments)
        return sum(one.nbytes for four in arrays for one in four)

    @property
    def dropped(self) -> list[int]:
        """The ids that are not answered with, as far as their memory was not given back."""
        kept = [segment.ids for segment in self.segments]
        every = np.concatenate(kept) if kept else np.empty(0, np.int64)
        found: list[int] = np.intersect1d(self._dropped, every).tolist()
        return found

    def add(self, ids: npt.ArrayLike, signatures: Signatures) -> None:
        """Add texts. Those without letters (a signature of zeros) are left out: they are like
        nothing."""
        given = np.asarray(ids, np.int64)
        if signatures.shape != (len(given), OCTETS):
            raise ValueError(f"{len(given)} ids and signatures of shape {signatures.shape}")
        lettered = _lettered(signatures)
        if not lettered.any():
            return
        self.segments.append(Segment(given[lettered], signatures[lettered]))
        while len(self.segments) > 1 and len(self.segments[-2]) <= _SHARE * len(self.segments[-1]):
            self._merge()

    def drop(self, ids: npt.ArrayLike) -> None:
        """Answer no more with some ids; their memory is given back as segments are merged."""
        self._dropped = np.union1d(self._dropped, np.asarray(ids, np.int64))

    def near(self, signatures: Signatures, alike: float = ALIKE, most: int = 100) -> Matches:
        """Return the texts that are near some others: at least as alike, `most` a query."""
        parts = [
            self._near(signatures[at : at + _QUERIES], at, alike, most)
            for at in range(0, len(signatures), _QUERIES)
        ]
        if not parts:
            return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        return Matches(
            np.concatenate([part.queries for part in parts]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.similarity for part in parts]),
        )

    def _near(self, signatures: Signatures, offset: int, alike: float, most: int) -> Matches:
        asked: list[Ids] = []
        found: list[Ids] = []
        told: list[npt.NDArray[np.float32]] = []
        sought = np.ascontiguousarray(signatures)
        sure = _lettered(signatures)
        for segment in self.segments:
            queries, rows = segment.candidates(sought)
            similarity = agreement(sought[queries], segment.signatures[rows])
            kept = (similarity >= alike) & sure[queries]
            ids = segment.ids[rows[kept]]
            alive = np.isin(ids, self._dropped, invert=True)
            asked.append(queries[kept][alive])
            found.append(ids[alive])
            told.append(similarity[kept][alive])
        if not asked:
            return Matches(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float32))
        query, ids = np.concatenate(asked), np.concatenate(found)
        similarity = np.concatenate(told)
        order = np.lexsort((ids, -similarity, query))
        query, ids, similarity = query[order], ids[order], similarity[order]
        place = np.arange(len(query)) - np.searchsorted(query, query)
        best = place < most
        return Matches(query[best] + offset, ids[best], similarity[best])

    def _merge(self) -> None:
        """Make one segment of the last two, without what was dropped."""
        other, one = self.segments.pop(), self.segments.pop()
        ids = np.concatenate((one.ids, other.ids))
        signatures = np.concatenate((one.signatures, other.signatures))
        alive = np.isin(ids, self._dropped, invert=True)
        if not alive.all():
            ids, signatures = ids[alive], signatures[alive]
        del one, other
        self.segments.append(Segment(ids, signatures))


def _lettered(signatures: Signatures) -> npt.NDArray[np.bool_]:
    some: npt.NDArray[np.bool_] = np.asarray(signatures.any(axis=1))
    return some


def damaged(name: str) -> InvalidInput:
    """Return the error about a file that is not as it was written."""
    return InvalidInput(
        "near_file", f"{name} is not as it was written", field="file", rule="screening: near",
        mend="delete it: the index is built anew from what the database holds",
    )  # fmt: skip
