"""Facts of orders, added up by hour before they are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from assent.flow.needs import Transaction, utc

FACTS: Final = (
    "ordered", "nowhere", "barred", "capped", "written", "strangers", "looked", "beside", "again",
    "bulk", "pressed", "completed", "valued", "carrying",
)  # fmt: skip
"""Columns of `warning_hour`, in its order."""

_PLACE: Final = {name: place for place, name in enumerate(FACTS)}
HOUR_S: Final = 3_600


class Where(NamedTuple):
    """A row of `warning_hour`. `hour`: since 1970; `port`: 0 of orders."""

    hour: int
    sender: int
    account: int
    port: int
    purpose: int


class Tally:
    """Adds up."""

    def __init__(self) -> None:
        self.rows: dict[Where, list[int]] = {}

    def add(self, where: Where, fact: str, count: int) -> None:
        """Count something."""
        if count:
            self.rows.setdefault(where, [0] * len(FACTS))[_PLACE[fact]] += count

    async def keep(self, tx: Transaction) -> None:
        """Add it to the table."""
        await tx.executemany("warning_add", self._told())

    def _told(self) -> Iterable[tuple[Any, ...]]:
        for where in sorted(self.rows):
            yield (utc(where.hour * HOUR_S), *where[1:], *self.rows[where])


def hour_of(seconds: float) -> int:
    """Return the hour of a moment."""
    return int(seconds // HOUR_S)
