"""The columns that detectors read: counts by hour, sender, account, port, purpose and category.

The same form comes from the database (live), from Parquet (history) and from simulations. A row may
stand for an hour or, where older days were added up, for a whole day at its first hour. Hours are
whole hours since 1970 in UTC; days are the country's (:data:`ZONE_HOURS`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

ZONE_HOURS: Final = 8
"""China's time; days and weekdays are counted in it."""

METRICS: Final = (
    "submitted", "delivered", "failed", "refused", "commercial", "ordered", "nowhere", "barred",
    "capped", "written", "strangers", "looked", "beside", "again", "bulk", "pressed", "completed",
    "valued", "carrying", "replied", "empty",
)  # fmt: skip
"""What is counted. The first four are of `rollup_hour`; `commercial`: submitted of categories that
offer something; `replied`: replies; `empty`: failed because the number is nobody's, as the carrier
told; the others are of `warning_hour` (store/schema.sql)."""

NO_CATEGORY: Final = -1


@dataclass(frozen=True)
class Records:
    """Rows in order of `hour`. `category`: a place in a list that the caller keeps, or
    :data:`NO_CATEGORY`. `counts`: whole numbers a metric; one that lacks is 0 throughout."""

    hour: Ints
    sender: Ints
    account: Ints
    port: Ints
    purpose: Ints
    category: Ints
    counts: Mapping[str, Ints]

    @classmethod
    def of(
        cls, keys: Mapping[str, Sequence[int] | Ints], counts: Mapping[str, Sequence[int] | Ints]
    ) -> Records:
        """Return rows put in order. Raises ValueError for a metric that is none or columns of
        different length."""
        columns = {name: np.asarray(values, np.int64) for name, values in keys.items()}
        size = len(columns["hour"])
        columns.setdefault("category", np.full(size, NO_CATEGORY, np.int64))
        made = {name: np.asarray(values, np.int64) for name, values in counts.items()}
        if unknown := sorted(set(made) - set(METRICS)):
            raise ValueError(f"there is no metric {unknown[0]}")
        if any(len(values) != size for values in (*columns.values(), *made.values())):
            raise ValueError("columns differ in length")
        order = np.argsort(columns["hour"], kind="stable")
        return cls(
            **{name: values[order] for name, values in columns.items()},
            counts={name: values[order] for name, values in made.items()},
        )

    def __len__(self) -> int:
        return len(self.hour)

    def joined(self, *others: Records) -> Records:
        """Return the rows of all, in order."""
        parts = (self, *others)
        names = sorted({name for part in parts for name in part.counts})
        keys = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("hour", "sender", "account", "port", "purpose", "category")
        }
        counts = {
            name: np.concatenate(
                [part.counts.get(name, np.zeros(len(part), np.int64)) for part in parts]
            )
            for name in names
        }
        return Records.of(keys, counts)


def day_of(hour: int) -> int:
    """Return the country's day that an hour lies in, as a number of days."""
    return (hour + ZONE_HOURS) // 24


def weekday_of(day: int) -> int:
    """Return 0 (Monday) to 6 of a day."""
    return (day + 3) % 7
