"""Counts of the database as detectors read them: hours of the last days, whole days before.

Older days hardly change and are read once an hour; the last two days are read at every look, since
late receipts move the hours of their messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from assent.flow.needs import Queries, utc
from assent.flow.tally import FACTS, HOUR_S
from assent.screen.categories import CATEGORIES
from assent.watch.cubes import DAYS, Cubes, Parties
from assent.watch.records import NO_CATEGORY, ZONE_HOURS, Records, day_of
from assent.watch.rules import Rules

CODES: Final = tuple(category.code for category in CATEGORIES)
PLACES: Final = {code: place for place, code in enumerate(CODES)}
OFFERS: Final = frozenset(
    place for place, one in enumerate(CATEGORIES) if one.nature in ("commercial", "restricted",
                                                                     "harmful")
)  # fmt: skip
"""Categories whose texts offer something, lawfully or not."""
GRAVE: Final = frozenset(
    place for place, one in enumerate(CATEGORIES) if one.nature in ("restricted", "harmful")
)
_COUNTS: Final = ("submitted", "delivered", "failed", "refused")
_RECENT_DAYS: Final = 2
_AGAIN_HOURS: Final = 1


class Reading:
    """Reads. Not for two tasks at once."""

    def __init__(self, queries: Queries, rules: Rules) -> None:
        self._queries = queries
        self._empty = sorted(rules.empty)
        self._old: Records | None = None
        self._split = 0
        self._read_at = 0

    async def cubes(self, hour: int) -> Cubes:
        """Return counts up to the end of an hour."""
        split = (day_of(hour) - _RECENT_DAYS) * 24 - ZONE_HOURS
        if self._old is None or split != self._split or hour - self._read_at >= _AGAIN_HOURS:
            low = split - (DAYS + _RECENT_DAYS) * 24
            self._old = await self._records(low, split, 24)
            self._split, self._read_at = split, hour
        recent = await self._records(split, hour + 1, 1)
        return Cubes(self._old.joined(recent), await self._parties())

    async def _records(self, low: int, high: int, width: int) -> Records:
        span = (utc(low * HOUR_S), utc(high * HOUR_S), width, ZONE_HOURS)
        counts = await self._queries.fetch("warning_counts", *span)
        facts = await self._queries.fetch("warning_facts", *span)
        replies = await self._queries.fetch("warning_replies", *span)
        empty = await self._queries.fetch("warning_empty", *span, self._empty)
        return _counted(counts).joined(
            _told(empty, ("empty",)), _told(facts, FACTS), _told(replies, ("replied",))
        )

    async def _parties(self) -> Parties:
        senders = await self._queries.fetch("warning_parties")
        ports = await self._queries.fetch("warning_ports")
        first = await self._queries.fetchval("warning_since")
        return Parties(
            {row["id"]: row["industry"] for row in senders},
            {row["id"]: row["sender_id"] for row in ports},
            {row["id"]: row["born"] for row in ports},
            GRAVE,
            CODES,
            int(first or 0),
        )  # fmt: skip


def _counted(rows: Sequence[Any]) -> Records:
    places = [PLACES.get(row["category"], NO_CATEGORY) for row in rows]
    counts = {name: [row[name] for row in rows] for name in _COUNTS}
    counts["commercial"] = [
        row["submitted"] if place in OFFERS else 0 for row, place in zip(rows, places, strict=True)
    ]
    return Records.of({**_keys(rows), "category": places}, counts)


def _told(rows: Sequence[Any], names: Iterable[str]) -> Records:
    return Records.of(_keys(rows), {name: [row[name] for row in rows] for name in names})


def _keys(rows: Sequence[Any]) -> dict[str, list[int]]:
    columns = {"sender": "sender_id", "account": "account_id", "port": "port_id"}
    keys = {name: [row[column] for row in rows] for name, column in columns.items()}
    return {**keys, **{name: [row[name] for row in rows] for name in ("hour", "purpose")}}
