"""Working days: terms are promised in them. Weekends are known; public holidays, and the weekend
days that are worked for them, are told by who runs the platform, as the government sets them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

ZONE: Final = timezone(timedelta(hours=8))
"""The country's zone: its days are the days of papers and terms."""

_SATURDAY: Final = 5
_LONGEST: Final = 366


@dataclass(frozen=True, slots=True)
class Calendar:
    """`holidays`: weekdays on which nobody works. `worked`: Saturdays and Sundays that are."""

    holidays: Collection[date] = ()
    worked: Collection[date] = ()

    def working(self, day: date) -> bool:
        """Return whether a day is a working day."""
        if day.weekday() >= _SATURDAY:
            return day in self.worked
        return day not in self.holidays

    def after(self, at: float, days: int) -> float:
        """Return the end of the last of so many working days that follow the day of a time."""
        day = day_of(at)
        left = days
        for _ in range(_LONGEST):
            if left <= 0:
                break
            day += timedelta(days=1)
            left -= self.working(day)
        end = datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(days=1)
        return end.timestamp()


def day_of(at: float) -> date:
    """Return the day of a time in the country's zone."""
    return datetime.fromtimestamp(at, UTC).astimezone(ZONE).date()
