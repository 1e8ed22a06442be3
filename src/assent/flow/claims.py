"""Frequency caps, claimed: the memory of who was written to, shared through the database.

A claim is made under an exclusive lock on its keys, after reading what other processes
claimed under the same lock; so concurrent campaigns never exceed a cap (DESIGN.md, promise 4).
Outside the lock the memory serves the decision at submit, where it may be a moment old.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import U32, unpack
from assent.flow.needs import Queries, utc
from assent.message import Purpose
from assent.policy.caps import ClaimSet
from assent.policy.rulebook import Cap, Rulebook

LOCK_CLASS: Final = 2
SHARDS: Final = 16
HORIZON_S: Final = 9 * 86_400
"""Longer than any cap looks back (a week, in any zone)."""

_EXPIRE_EVERY_S: Final = 3600.0
_PAGE: Final = 5_000
_OVERLAP: Final = 500

Key = tuple[str, int]
"""(ledger, sender or group or shard of people)."""


def lock_key(key: Key) -> int:
    """Return the advisory key of class 2 for a ledger and its sender, group or shard.

    A digest of both, so that a code never waits for a campaign of the same sender; two keys
    that share one are only stricter.
    """
    return zlib.crc32(f"{key[0]}:{key[1]}".encode()) - (1 << 31)


def columns_of(seen: dict[Key, int]) -> tuple[list[str], list[int], list[int]]:
    """Return keys and the last claim seen of each, as queries take them."""
    return [key[0] for key in seen], [key[1] for key in seen], list(seen.values())


def told(row: Any) -> list[dict[str, Any]]:
    """Return the claims that a row of `order_store` tells of, as rows of their own."""
    columns = (row["ledgers"] or [], row["keys"] or [], row["seqs"] or [])
    return [
        {"ledger": ledger, "key": key, "seq": seq}
        for ledger, key, seq in zip(*columns, strict=True)
    ]


class ClaimBook:
    """All claims within the horizon, by key."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._rulebook = rulebook
        self._sets = ClaimSet()
        self._seen: dict[Key, int] = {}
        self._followed = 0
        self._expired_at = 0.0
        self._ledgers: dict[Purpose, dict[str, tuple[Cap, ...]]] = {}

    def ledgers(self, purpose: Purpose) -> dict[str, tuple[Cap, ...]]:
        """Return the caps that bind a purpose, by ledger."""
        found = self._ledgers.get(purpose)
        if found is None:
            found = self._rulebook.ledgers_for(purpose)
            self._ledgers[purpose] = found
        return found

    def keys(
        self, purpose: Purpose, sender: int, group: int, people: npt.NDArray[np.uint32]
    ) -> list[tuple[Key, npt.NDArray[np.bool_] | None]]:
        """Return the keys under which a message to these people counts, with whom each covers."""
        found: list[tuple[Key, npt.NDArray[np.bool_] | None]] = []
        for ledger, caps in self.ledgers(purpose).items():
            scope = caps[0].scope
            if scope == "platform":
                shards = people % SHARDS
                for shard in np.unique(shards).tolist():
                    found.append(((ledger, shard), shards == shard))
            else:
                found.append(((ledger, sender if scope == "sender" else group), None))
        return found

    async def sync(self, queries: Queries, keys: Iterable[Key], now: float) -> None:
        """Read what was claimed under some keys since the last time.

        Claims of one key commit in the order of their sequence numbers (its lock is held until
        then), so what one statement reads of a key has no gaps.
        """
        seen = self.seen(keys)
        rows = await queries.fetch("claims_since", *columns_of(seen), utc(now - HORIZON_S))
        self.note(rows, seen)

    def seen(self, keys: Iterable[Key]) -> dict[Key, int]:
        """Return the last claim read of some keys: what to ask for claims after."""
        return {key: self._seen.get(key, 0) for key in keys}

    def note(self, rows: Iterable[Any], seen: dict[Key, int]) -> None:
        """Take in claims that were read as being after `seen`, in their order."""
        for row in rows:
            key = (row["ledger"], row["a"])
            before = self._seen.get(key, 0)
            # Forgotten while we were reading: to be read from its beginning.
            if seen[key] <= before < row["n"]:
                self._sets.add(key, unpack(row["people"], U32), int(row["at"].timestamp()))
                self._seen[key] = row["n"]

    async def follow(self, queries: Queries, now: float) -> None:
        """Read what any process claimed since the last time; also the first load.

        Sequence numbers of different keys may commit out of order, so a stretch before the
        last one is looked at again; what is new of a key is then read as :meth:`sync` does.
        """
        while True:
            after = max(0, self._followed - _OVERLAP)
            rows = await queries.fetch(
                "claims_after", after, utc(now - HORIZON_S), _PAGE + _OVERLAP
            )
            found = [((row["ledger"], row["key"]), row["seq"]) for row in rows]
            behind = {key for key, seq in found if seq > self._seen.get(key, 0)}
            if behind:
                await self.sync(queries, sorted(behind), now)
            before = self._followed
            if rows:
                self._followed = max(before, rows[-1]["seq"])
            if self._followed == before or len(rows) < _PAGE:
                return

    def counts(
        self,
        purpose: Purpose,
        sender: int,
        group: int,
        people: npt.NDArray[np.uint32],
        zones: npt.NDArray[np.int16],
        at: float | npt.NDArray[np.int64],
        uncapped: bool = False,
    ) -> dict[str, npt.NDArray[np.int32]]:
        """Return the claims within each cap's window as of `at`, by cap id; none are counted of
        what is uncapped."""
        counts: dict[str, npt.NDArray[np.int32]] = {}
        if uncapped:
            caps_all = [cap for caps in self.ledgers(purpose).values() for cap in caps]
            return {cap.id: np.zeros(len(people), np.int32) for cap in caps_all}
        for key, mask in self.keys(purpose, sender, group, people):
            caps = self.ledgers(purpose)[key[0]]
            if mask is None:
                counts.update(self._sets.counts(key, people, at, zones, caps))
                continue
            when = at if isinstance(at, float | int) else at[mask]
            for cap, found in self._sets.counts(key, people[mask], when, zones[mask], caps).items():
                counts.setdefault(cap, np.zeros(len(people), np.int32))[mask] = found
        return counts

    def claim(
        self,
        purpose: Purpose,
        sender: int,
        group: int,
        people: npt.NDArray[np.uint32],
        zones: npt.NDArray[np.int16],
        at: float,
    ) -> tuple[npt.NDArray[np.bool_], list[tuple[Key, npt.NDArray[np.uint32]]]]:
        """Claim for people in order; return who is within every cap, and the claims to store.

        The caller holds the locks of all keys and has synced them. A person over one cap is
        not claimed under the others that come after; a claim made is never given back.
        """
        within = np.ones(len(people), np.bool_)
        claimed: list[tuple[Key, npt.NDArray[np.uint32]]] = []
        for key, mask in self.keys(purpose, sender, group, people):
            chosen = within if mask is None else within & mask
            if not chosen.any():
                continue
            caps = self.ledgers(purpose)[key[0]]
            won = self._sets.claim(key, people[chosen], at, zones[chosen], caps)
            claimed.append((key, people[chosen][won]))
            places = np.flatnonzero(chosen)
            within[places[~won]] = False
        return within, claimed

    def would_claim(
        self,
        purpose: Purpose,
        sender: int,
        group: int,
        people: npt.NDArray[np.uint32],
        zones: npt.NDArray[np.int16],
        at: float,
    ) -> list[tuple[Key, npt.NDArray[np.uint32]]] | None:
        """Return the claims that :meth:`claim` would make for people who each stand once, or None
        if one of them is over a cap. Nothing is claimed: see :meth:`took`."""
        claims = []
        for key, mask in self.keys(purpose, sender, group, people):
            who, where = (people, zones) if mask is None else (people[mask], zones[mask])
            caps = self.ledgers(purpose)[key[0]]
            used = self._sets.counts(key, who, at, where, caps)
            if any((used[cap.id] >= cap.limit).any() for cap in caps):
                return None
            claims.append((key, who))
        return claims

    def took(
        self,
        claims: Iterable[tuple[Key, npt.NDArray[np.uint32]]],
        at: float,
        rows: Iterable[Any],
    ) -> None:
        """Take in claims that are stored, with the sequence numbers they got."""
        for key, people in claims:
            self._sets.add(key, people, int(at))
        self.stored(rows)

    def stored(self, rows: Iterable[Any]) -> None:
        """Note the sequence numbers that this process's own claims got."""
        for row in rows:
            key = (row["ledger"], row["key"])
            self._seen[key] = max(self._seen.get(key, 0), row["seq"])

    def forget(self, keys: Iterable[Key]) -> None:
        """Drop what is known of some keys, after a transaction that claimed was rolled back."""
        for key in keys:
            self._sets.drop(key)
            self._seen.pop(key, None)

    def expire(self, now: float) -> None:
        """Drop claims that no cap looks back to: now and then, since it copies all the others."""
        if abs(now - self._expired_at) >= _EXPIRE_EVERY_S:
            self._expired_at = now
            self._sets.expire(now - HORIZON_S)
