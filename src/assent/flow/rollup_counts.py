"""What changes in the counts of an hour, added up before it is stored: few rows, many messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from assent.flow.needs import Transaction, utc

HOUR_S: Final = 3_600
MEASURES: Final = ("submitted", "delivered", "failed", "refused", "complained")
SUBMITTED, DELIVERED, FAILED, REFUSED, COMPLAINED = range(5)


class Place(NamedTuple):
    """Where something is counted. `hour`: its first second, since 1970. 0 and '' are unknown.
    `province`: place in the number table's list."""

    hour: int
    port: int
    sender: int
    account: int
    carrier: str
    province: int
    category: str
    purpose: int


class Failure(NamedTuple):
    """Where failures of one code are counted."""

    hour: int
    port: int
    carrier: str
    code: int


def hour_of(at: datetime) -> int:
    """Return the first second of the hour of a moment."""
    seconds = int(at.timestamp())
    return seconds - seconds % HOUR_S


def place_of(row: Any) -> Place:
    """Return the place that a row of the database names."""
    return Place(
        int(row["hour"].timestamp()), row["port_id"], row["sender_id"], row["account_id"],
        row["carrier"], row["province"], row["category"], row["purpose"],
    )  # fmt: skip


class Counts:
    """Counts by place, to be added."""

    def __init__(self) -> None:
        self.hours: dict[Place, list[int]] = {}
        self.failures: dict[Failure, int] = {}

    def add(self, place: Place, measure: int, n: int = 1) -> None:
        """Add to one measure of a place."""
        row = self.hours.get(place)
        if row is None:
            row = self.hours[place] = [0] * len(MEASURES)
        row[measure] += n

    def add_failure(self, failure: Failure, n: int) -> None:
        """Add to the failures of a code."""
        self.failures[failure] = self.failures.get(failure, 0) + n

    async def store(self, tx: Transaction) -> None:
        """Add them to those of the database; the caller is the only one who does."""
        hours = sorted((place, row) for place, row in self.hours.items() if any(row))
        if hours:
            rows = [(utc(place.hour), *place[1:], *row) for place, row in hours]
            await tx.execute("rollup_add", *columns(rows))
        failures = sorted((failure, n) for failure, n in self.failures.items() if n)
        if failures:
            codes = [(utc(failure.hour), *failure[1:], n) for failure, n in failures]
            await tx.execute("rollup_add_failures", *columns(codes))

    def plain(self) -> tuple[Mapping[Place, tuple[int, ...]], Mapping[Failure, int]]:
        """Return what is not nothing, for comparing."""
        hours = {place: tuple(row) for place, row in self.hours.items() if any(row)}
        return hours, {failure: n for failure, n in self.failures.items() if n}


def columns(rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Return rows, at least one, as columns."""
    return [list(column) for column in zip(*rows, strict=True)]
