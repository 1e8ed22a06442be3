"""Frequency caps: who was written to when, in memory, counted over a day or a rolling span.

A claim is one 64-bit number, person << 32 | unix second, so that a sorted array of claims
answers "how many for this person between two moments" with two binary searches. Claims of
one key (a cap ledger with a sender, a group or the platform) are kept in sorted chunks that
double in size, merged when a newer one has grown as large as an older: adding costs a few
copies a claim in total, memory is 8 bytes a claim, and 1 M people are counted in some
hundredths of a second.

Caps are *claimed*, not checked (DESIGN.md, "Locks"): :meth:`ClaimSet.claim` decides and adds
in one step, under the caller's exclusive lock on the key. A window is judged so that no
order of claims, and no clock that steps back, can bring more than `limit` into any window of
its length: a rolling window counts everything later than ``at - span``; a day counts the
receiver's whole calendar day. The resolution is one second. Nothing here is durable: the
caller rebuilds the set from the stored claims at start with :meth:`ClaimSet.add`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.policy.rulebook import Cap

_DAY_S: Final = 86_400
_SHIFT: Final = np.uint64(32)
_LOW: Final = 0xFFFF_FFFF
_LAST: Final = _LOW - 1
"""The last second of a claim, in the year 2106; one more still fits, as the end of a range."""
_SMALL: Final = 64

Claims = NDArray[np.uint64]
Seconds = int | float | NDArray[Any]


class ClaimSet:
    """Claims by key. Not safe for threads; the caller holds the key's lock."""

    def __init__(self) -> None:
        self._chunks: dict[Hashable, list[Claims]] = {}

    def __len__(self) -> int:
        """Number of claims kept, over all keys."""
        return sum(len(chunk) for chunks in self._chunks.values() for chunk in chunks)

    @property
    def nbytes(self) -> int:
        """Memory of the claims, bytes."""
        return 8 * len(self)

    def keys(self) -> list[Hashable]:
        """Return the keys that hold claims."""
        return list(self._chunks)

    def add(self, key: Hashable, people: NDArray[np.uint32], at: Seconds) -> None:
        """Record one claim a person, repeated people included.

        `at`: unix seconds, one for all or one each. Raises ValueError for a time outside
        1970 to 2106 or a column of another length.
        """
        if len(people):
            self._append(key, np.sort(_pack(people, _seconds(at, len(people)))))

    def count(
        self, key: Hashable, people: NDArray[np.uint32], since: Seconds, until: Seconds
    ) -> NDArray[np.int32]:
        """Count each person's claims with since <= second < until.

        `since` and `until` are unix seconds, one for all or one each, in the people's order.
        """
        [counted] = self._count(key, people, [(since, until)])
        return counted

    def counts(
        self,
        key: Hashable,
        people: NDArray[np.uint32],
        at: Seconds,
        zones: NDArray[np.int16],
        caps: Sequence[Cap],
    ) -> dict[str, NDArray[np.int32]]:
        """Count what each cap (all of this key's ledger) has used up for messages at `at`.

        `zones`: minutes east of UTC. The result is the `claims` of
        :class:`assent.policy.facts.Facts`.
        """
        windows = [_window(cap, at, zones, len(people)) for cap in caps]
        counted = self._count(key, people, windows)
        return {cap.id: column for cap, column in zip(caps, counted, strict=True)}

    def claim(
        self,
        key: Hashable,
        people: NDArray[np.uint32],
        at: Seconds,
        zones: NDArray[np.int16],
        caps: Sequence[Cap],
    ) -> NDArray[np.bool_]:
        """Claim one message a person; return who is within all caps, and add those.

        A person who stands several times is served in order, each time against the claims
        of the times before.
        """
        n = len(people)
        won = np.zeros(n, np.bool_)
        if not n:
            return won
        moments = _seconds(at, n)
        for turn in _turns(people):
            who, when = people[turn], moments[turn]
            within = np.ones(len(who), np.bool_)
            used = self.counts(key, who, when, zones[turn], caps)
            for cap in caps:
                within &= used[cap.id] < cap.limit
            won[turn] = within
            if within.any():
                self.add(key, who[within], when[within])
        return won

    def drop(self, key: Hashable) -> None:
        """Forget all claims of a key; the caller reads them again from the store."""
        self._chunks.pop(key, None)

    def expire(self, before: Seconds) -> int:
        """Drop claims older than `before` (unix seconds); return how many went."""
        horizon = np.uint64(int(before))
        dropped = 0
        for key, chunks in list(self._chunks.items()):
            kept = []
            for chunk in chunks:
                stay = chunk[(chunk & np.uint64(_LOW)) >= horizon]
                dropped += len(chunk) - len(stay)
                if len(stay):
                    kept.append(stay)
            del self._chunks[key]
            for chunk in sorted(kept, key=len, reverse=True):
                self._append(key, chunk)
        return dropped

    def _count(
        self, key: Hashable, people: NDArray[np.uint32], windows: list[tuple[Seconds, Seconds]]
    ) -> list[NDArray[np.int32]]:
        """Count several windows at once.

        Most people have no claim at all near the moment, so one search over the hull of the
        windows finds who has any, and only those are counted window by window.
        """
        n = len(people)
        totals = [np.zeros(n, np.int32) for _ in windows]
        chunks = self._chunks.get(key)
        if not chunks or not n or not windows:
            return totals
        base = people.astype(np.uint64) << _SHIFT
        bounds = [(base + _clipped(since), base + _clipped(until)) for since, until in windows]
        if n == 1:
            for total, (low, high) in zip(totals, bounds, strict=True):
                ends = np.concatenate((low, high))
                for chunk in chunks:
                    first, last = chunk.searchsorted(ends).tolist()
                    total[0] += max(last - first, 0)
            return totals
        least = np.minimum.reduce([low for low, _ in bounds])
        most = np.maximum.reduce([high for _, high in bounds])
        order = _order(people)
        if order is not None:
            least, most = least[order], most[order]
        for chunk in chunks:
            first = chunk.searchsorted(least)
            following = chunk[np.minimum(first, len(chunk) - 1)]
            some = np.flatnonzero((first < len(chunk)) & (following < most))
            places = some if order is None else order[some]
            for total, (low, high) in zip(totals, bounds, strict=True):
                inside = chunk.searchsorted(high[places]) - chunk.searchsorted(low[places])
                total[places] += np.maximum(inside, 0).astype(np.int32)
        return totals

    def _append(self, key: Hashable, chunk: Claims) -> None:
        """Put a sorted chunk behind the others, merging while the one before is not twice it."""
        chunks = self._chunks.setdefault(key, [])
        chunks.append(chunk)
        start = len(chunks) - 1
        size = len(chunk)
        while start and len(chunks[start - 1]) < 2 * size:
            start -= 1
            size += len(chunks[start])
        if start < len(chunks) - 1:
            merged = np.concatenate(chunks[start:])
            # A stable sort of runs that are sorted already is a merge (timsort, radix).
            merged.sort(kind="stable")
            chunks[start:] = [merged]


def _seconds(at: Seconds, n: int) -> NDArray[np.int64]:
    if isinstance(at, np.ndarray):
        if len(at) != n:
            raise ValueError(f"{len(at)} times for {n} people")
        seconds = at.astype(np.int64)
    else:
        seconds = np.full(n, int(at), np.int64)
    if n and (int(seconds.min()) < 0 or int(seconds.max()) > _LAST):
        raise ValueError("a claim's time is outside 1970 to 2106")
    return seconds


def _pack(people: NDArray[np.uint32], seconds: NDArray[np.int64]) -> Claims:
    packed: Claims = (people.astype(np.uint64) << _SHIFT) | seconds.astype(np.uint64)
    return packed


def _clipped(moment: Seconds) -> Any:
    """Return seconds as uint64, kept within one person's range."""
    if isinstance(moment, np.ndarray):
        return np.clip(moment, 0, _LAST + 1).astype(np.uint64)
    return np.uint64(min(max(int(moment), 0), _LAST + 1))


def _window(cap: Cap, at: Seconds, zones: NDArray[np.int16], n: int) -> tuple[Seconds, Seconds]:
    """Return [since, until) of the window in which a message at `at` is counted."""
    if not isinstance(at, np.ndarray):
        at = int(at)
        if cap.window_s is None and n and (n == 1 or bool((zones == zones[0]).all())):
            zone = int(zones[0]) * 60
            start = (at + zone) // _DAY_S * _DAY_S - zone
            return start, start + _DAY_S
    if cap.window_s is not None:
        return at - cap.window_s + 1, _LAST + 1
    shift = zones.astype(np.int64) * 60
    begin = (at + shift) // _DAY_S * _DAY_S - shift
    return begin, begin + _DAY_S


def _order(people: NDArray[np.uint32]) -> NDArray[np.int64] | None:
    """Return an order that sorts the people, None when they are sorted.

    Searching for sorted keys walks memory forwards and is several times faster. Sorting
    person << 32 | place as one number is quicker than an argsort.
    """
    n = len(people)
    if n < _SMALL or bool((people[1:] >= people[:-1]).all()):
        return None
    keyed = (people.astype(np.uint64) << _SHIFT) | np.arange(n, dtype=np.uint64)
    keyed.sort()
    return (keyed & np.uint64(_LOW)).astype(np.int64)


def _turns(people: NDArray[np.uint32]) -> list[Any]:
    """Part places so that nobody stands twice in one part; parts keep the people's order."""
    n = len(people)
    if n == 1:
        return [slice(None)]
    order = _order(people)
    ordered = people if order is None and n >= _SMALL else None
    if ordered is None:
        order = np.argsort(people, kind="stable") if order is None else order
        ordered = people[order]
    new = np.empty(n, np.bool_)
    new[0] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    if new.all():
        return [slice(None)]
    starts = np.flatnonzero(new)
    rank = np.arange(n) - np.repeat(starts, np.diff(np.append(starts, n)))
    places = np.arange(n) if order is None else order
    parting = np.argsort(rank, kind="stable")
    sizes = np.bincount(rank)
    return [np.sort(part) for part in np.split(places[parting], np.cumsum(sizes)[:-1])]
