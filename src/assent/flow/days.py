"""Days of the country's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

CHINA: Final = timedelta(hours=8)


def day_of(seconds: float) -> date:
    """Return the day of the country's calendar that a time falls on."""
    return (datetime.fromtimestamp(seconds, UTC) + CHINA).date()


def midnight(day: date) -> float:
    """Return when a day of the country's calendar begins, in seconds since 1970."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - CHINA).timestamp()
