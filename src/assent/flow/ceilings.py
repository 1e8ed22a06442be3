"""Ceilings at work: what was counted is laid beside the rulebook's ceilings, and what crosses one
is restricted.

Nothing is kept but the crossings and their restrictions, which are written in one transaction: how
far up somebody is follows from them (policy/ceilings.py). So a look that breaks off is simply made
again, two that run at once impose nothing twice, and a look at the same counts changes nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from assent.clock import Clock
from assent.flow.catalogue import Catalogue
from assent.flow.ceiling_words import words_of
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.needs import Queries, Store, utc
from assent.flow.restrictions import Restrictions, Scope
from assent.message import Purpose
from assent.policy.ceilings import BY, Ceiling, Counts, Past, Step, next_step, stands
from assent.policy.rulebook import Rulebook

_HOUR_S: Final = 3_600
_DAY_S: Final = 86_400
_COLUMN: Final = {
    "group": "group_id", "sender": "sender_id", "account": "account_id", "port": "port_id",
    "carrier": "carrier", "province": "province", "category": "category", "purpose": "purpose",
}  # fmt: skip
CODE_OF: Final = {
    "complained": "ceiling_complaints", "refused": "ceiling_refusals", "failed": "ceiling_failures",
}  # fmt: skip
"""The code of a restriction by what was counted."""

Key = dict[str, Any]
"""What was counted apart, and its value: ids, the number of a province, a purpose."""


@dataclass(frozen=True, slots=True)
class _Last:
    """The last crossing of a key that stands."""

    finding: int
    restriction: int
    open: bool
    at: float
    past: Past


@dataclass(frozen=True, slots=True)
class Crossing:
    """A key that crossed a ceiling: what was counted, since which hour, and the step it takes."""

    ceiling: Ceiling
    key: Key
    since: int
    counts: Counts
    level: int
    step: Step
    bound: float


class Ceilings:
    """Looks at the counts. Call :meth:`look` now and then, in one process."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, rulebook: Rulebook
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._ceilings = {one.id: one for one in rulebook.ceilings}
        self._digest = rulebook.digest
        self._restrictions = Restrictions()
        self._seen: tuple[Any, ...] = ()
        self.looks = 0

    async def look(self) -> list[int]:
        """Restrict what crosses a ceiling, and lift what does not any more. Returns the ids of the
        restrictions that were imposed. Raises AssentError; doing it again is safe."""
        now = self._clock.now()
        await self._restrictions.end_over(self._store, now)
        rows = await self._store.fetch("ceiling_lasts", None, None)
        await self._withdraw(rows, now)
        imposed = []
        for ceiling in self._ceilings.values():
            for crossing in await self._crossings(ceiling, rows, now):
                id_ = await self._impose(crossing, rows, now)
                if id_ is not None:
                    imposed.append(id_)
        self.looks += 1
        return imposed

    async def step(self) -> list[int]:
        """Look if anything was counted, a restriction began or ended, or an hour did, since the
        last step. Raises AssentError; the next step looks then."""
        cursors = [
            await self._store.fetchval("cursor_get", name) for name in ("rollups", "rollups_ledger")
        ]
        now = self._clock.now()
        version = self._catalogue.chain.restricted.as_of(now)
        seen = (*cursors, version, _hour(now))
        if seen == self._seen:
            return []
        imposed = await self.look()
        self._seen = seen
        return imposed

    # Finding --------------------------------------------------------------------------------

    async def _crossings(self, ceiling: Ceiling, rows: list[Any], now: float) -> list[Crossing]:
        """Return what crosses a ceiling now."""
        lasts = _lasts(rows, ceiling)
        window = _hour(now - ceiling.days * _DAY_S)
        purposes = sorted(int(purpose) for purpose in ceiling.purposes)
        found = await self._store.fetch(
            "ceiling_counts",
            utc(window),
            purposes,
            *(name in ceiling.by for name in BY),
            ceiling.of,
            ceiling.least_events,
            ceiling.least_messages,
        )
        crossings = []
        for row in found:
            key = {name: row[_COLUMN[name]] for name in ceiling.by}
            last = lasts.get(key_words(key))
            since, counts = window, Counts(row["messages"], row["events"])
            if last is not None and last.at >= window:
                since = _hour(last.at) + _HOUR_S  # what came after the step before it
                counts = await self._count(self._store, ceiling, key, since, now)
            taken = next_step(ceiling, counts, last.past if last else None, now)
            if taken is not None:
                crossings.append(Crossing(ceiling, key, since, counts, *taken))
        return crossings

    @staticmethod
    async def _count(
        queries: Queries, ceiling: Ceiling, key: Key, since: float, to: float
    ) -> Counts:
        row = await queries.fetchrow(
            "ceiling_counts_of",
            utc(since),
            utc(_hour(to)),
            sorted(int(purpose) for purpose in ceiling.purposes),
            *(key.get(name) for name in BY),
            ceiling.of,
        )
        assert row is not None, "sums are one row"
        return Counts(row["messages"], row["events"])

    # Acting ---------------------------------------------------------------------------------

    async def _impose(self, crossing: Crossing, rows: list[Any], now: float) -> int | None:
        """Keep a crossing and impose what follows; None where somebody else did since."""
        ceiling, key = crossing.ceiling, crossing.key
        words = key_words(key)
        before = _lasts(rows, ceiling).get(words)
        until = now + crossing.step.hours * _HOUR_S
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            lasts = _lasts(await tx.fetch("ceiling_lasts", ceiling.id, words), ceiling)
            after = lasts.get(words)
            if (after and after.finding) != (before and before.finding):
                return None
            finding = await tx.fetchval(
                "ceiling_finding_insert",
                ceiling.id,
                words,
                utc(crossing.since),
                utc(_hour(now)),
                crossing.counts.messages,
                crossing.counts.events,
                ceiling.rate,
                crossing.bound,
                ceiling.confidence,
                crossing.level,
                self._digest,
                utc(now),
            )
            return await self._restrictions.impose(
                tx,
                self._scope(ceiling, key),
                crossing.step.effect,
                CODE_OF[ceiling.of],
                words_of(self._catalogue, crossing.ceiling, key, crossing.counts, until,
                         (crossing.level, crossing.step.effect)),
                "ceiling",
                finding,
                now,
                until,
                crossing.level,
            )  # fmt: skip

    @staticmethod
    def _scope(ceiling: Ceiling, key: Key) -> Scope:
        purposes = ceiling.purposes if "purpose" not in key else {Purpose(key["purpose"])}
        return Scope(
            group_id=key.get("group"),
            sender_id=key.get("sender"),
            account_id=key.get("account"),
            port_id=key.get("port"),
            carrier=key.get("carrier") or "",
            province=key.get("province") or 0,
            category=key.get("category") or "",
            purposes=sum(1 << purpose for purpose in purposes),
        )

    async def _withdraw(self, rows: list[Any], now: float) -> None:
        """Lift what is in force by a ceiling that is no more, or by counts that were corrected."""
        for row in rows:
            if not row["open"] or row["ended"].timestamp() <= now:
                continue
            ceiling = self._ceilings.get(row["ceiling"])
            if ceiling is not None:
                hours = row["from_hour"].timestamp(), row["to_hour"].timestamp()
                key = key_of(row["key"])
                counts = await self._count(self._store, ceiling, key, *hours)
                if stands(ceiling, Counts(row["messages"], row["events"]), counts):
                    continue
            async with self._store.transaction() as tx:
                if await tx.fetchval("ceiling_finding_withdraw", row["id"], utc(now)) is None:
                    continue
                await self._restrictions.lift(tx, row["restriction_id"], "rule", now)


def _lasts(rows: list[Any], ceiling: Ceiling) -> dict[str, _Last]:
    found = {}
    for row in rows:
        if row["ceiling"] == ceiling.id:
            ended: datetime | None = row["ended"]
            past = Past(row["step"], math.inf if ended is None else ended.timestamp())
            at = row["at"].timestamp()
            found[row["key"]] = _Last(row["id"], row["restriction_id"], row["open"], at, past)
    return found


def _hour(at: float) -> int:
    return int(at // _HOUR_S) * _HOUR_S


def key_words(key: Key) -> str:
    """Return a key as it is kept."""
    return ",".join(f"{name}={key[name]}" for name in BY if name in key)


def key_of(words: str) -> Key:
    """Return a key that was kept."""
    pairs = (pair.partition("=")[::2] for pair in words.split(","))
    return {name: value if name in ("carrier", "category") else int(value) for name, value in pairs}
