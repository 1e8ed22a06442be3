"""Ceilings in a replay: which restrictions the counts of a past time would have brought.

The counts of the hours (flow/rollups.py) are gone through hour by hour with the rules of
policy/ceilings.py, once with the ceilings in force and once with those that are tried. A count
stands at the hour in which its message was accepted and is known in full here, while complaints
came in later: a crossing is found at the first hour at which the counts of today bear it, never
later than it was found then. What would not have been sent under a restriction is counted all the
same.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.catalogue import Catalogue
from assent.flow.examine import Scope
from assent.flow.needs import Queries, utc
from assent.policy.ceilings import BY, Ceiling, Counts, Past, next_step

_HOUR_S: Final = 3_600
_COLUMN: Final = {
    "group": "group_id", "sender": "sender_id", "account": "account_id", "port": "port_id",
    "carrier": "carrier", "province": "province", "category": "category", "purpose": "purpose",
}  # fmt: skip

Key = tuple[Any, ...]
Column = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """What was counted for a key: `hours` ascending, unix seconds; each column as long.
    `messages`: those that the rate is of; `sent`: all."""

    hours: Column
    messages: Column
    events: Column
    sent: Column


@dataclass(frozen=True, slots=True)
class Imposed:
    """A restriction that would have begun at `at` and ended at `until`, unix seconds. `sent`: the
    messages accepted meanwhile that it would have concerned."""

    ceiling: Ceiling
    key: Key
    at: int
    until: float
    level: int
    effect: str
    counts: Counts
    bound: float
    sent: int

    @property
    def name(self) -> tuple[str, Key, int]:
        """What it is compared by with those of other ceilings."""
        return self.ceiling.id, self.key, self.at


def crossings(ceiling: Ceiling, key: Key, series: Series, begin: int, end: int) -> list[Imposed]:
    """Return the restrictions of one key from one hour to another, in order, as a look at each full
    hour would have imposed them."""
    before = np.concatenate([[0], np.cumsum(series.messages)])
    events = np.concatenate([[0], np.cumsum(series.events)])
    sent = np.concatenate([[0], np.cumsum(series.sent)])

    def place(hour: float) -> int:
        return int(np.searchsorted(series.hours, hour))

    window = ceiling.days * 86_400
    looks = np.arange(begin, end, _HOUR_S)
    high = np.searchsorted(series.hours, looks)
    low = np.searchsorted(series.hours, looks - window)
    enough = (before[high] - before[low] >= ceiling.least_messages) & (
        events[high] - events[low] >= ceiling.least_events
    )
    found: list[Imposed] = []
    past: Past | None = None
    for at in looks[enough].tolist():
        since = max(at - window, found[-1].at if found else -math.inf)
        first, last = place(since), place(at)
        counts = Counts(int(before[last] - before[first]), int(events[last] - events[first]))
        taken = next_step(ceiling, counts, past, at)
        if taken is None:
            continue
        level, step, bound = taken
        until = at + step.hours * _HOUR_S
        past = Past(level, until)
        under = int(sent[place(min(until, end))] - sent[last])
        found.append(Imposed(ceiling, key, at, until, level, step.effect, counts, bound, under))
    return found


class CeilingReplay:
    """Goes through the counts of a time."""

    def __init__(self, queries: Queries, catalogue: Catalogue) -> None:
        self._queries = queries
        self._catalogue = catalogue

    async def run(
        self, scope: Scope, now: Sequence[Ceiling], tried: Sequence[Ceiling]
    ) -> dict[str, Any]:
        """Return what the ceilings in force would have imposed, what those that are tried would
        have, and which of these differ, as JSON has it."""
        begin, end = (
            int(one.timestamp()) // _HOUR_S * _HOUR_S for one in (scope.since, scope.until)
        )
        end = max(end, begin + _HOUR_S)
        sides: list[dict[tuple[str, Key, int], Imposed]] = []
        for ceilings in (now, tried):
            imposed = [
                one
                for ceiling in ceilings
                for key, series in (await self._series(ceiling, begin, end)).items()
                for one in crossings(ceiling, key, series, begin, end)
            ]
            sides.append({one.name: one for one in imposed})
        old, new = sides
        rows = sorted(
            {**old, **new}.values(), key=lambda one: (one.at, one.ceiling.id, str(one.key))
        )
        return {
            "in_force": _totals(old.values()),
            "tried": _totals(new.values()),
            "only_in_force": len(old.keys() - new.keys()),
            "only_tried": len(new.keys() - old.keys()),
            "restrictions": [
                self._told(one, [word for word, side in (("in_force", old), ("tried", new))
                                 if one.name in side])
                for one in rows
            ],
        }  # fmt: skip

    async def _series(self, ceiling: Ceiling, begin: int, end: int) -> Mapping[Key, Series]:
        """Read what was counted by what the ceiling counts apart."""
        columns: dict[Key, list[tuple[int, int, int, int]]] = {}
        asked = (
            utc(begin - ceiling.days * 86_400), utc(end), sorted(map(int, ceiling.purposes)),
            *(name in ceiling.by for name in BY), ceiling.of,
        )  # fmt: skip
        for row in await self._queries.fetch("replay_counts", *asked):
            key = tuple(row[_COLUMN[name]] for name in BY if name in ceiling.by)
            columns.setdefault(key, []).append(
                (int(row["hour"].timestamp()), row["messages"], row["events"], row["submitted"])
            )
        return {
            key: Series(*np.array(rows, np.int64).T.copy())
            for key, rows in columns.items()
            if sum(row[2] for row in rows) >= ceiling.least_events
        }

    def _told(self, one: Imposed, where: list[str]) -> dict[str, Any]:
        key = dict(zip((name for name in BY if name in one.ceiling.by), one.key, strict=True))
        catalogue = self._catalogue
        if "sender" in key and key["sender"] in catalogue.senders:
            key["sender"] = catalogue.senders[key["sender"]].credit_code
        if "account" in key and key["account"] in catalogue.accounts:
            key["account"] = catalogue.accounts[key["account"]].name
        if "port" in key and key["port"] in catalogue.ports:
            key["port"] = catalogue.ports[key["port"]].number
        return {
            "ceiling": one.ceiling.id,
            "of": one.ceiling.of,
            "key": key,
            "under": where,
            "from": utc(one.at).isoformat(),
            "to": utc(one.until).isoformat(),
            "level": one.level,
            "effect": one.effect,
            "messages": one.counts.messages,
            "events": one.counts.events,
            "lower_bound": one.bound,
            "would_concern": one.sent,
        }


def _totals(imposed: Iterable[Imposed]) -> dict[str, int]:
    every = list(imposed)
    return {
        "restrictions": len(every),
        "keys": len({(one.ceiling.id, one.key) for one in every}),
        "would_concern": sum(one.sent for one in every),
    }
