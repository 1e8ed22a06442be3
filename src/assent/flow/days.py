"""When days of the country's calendar begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final

CHINA: Final = timedelta(hours=8)


def midnight(day: date) -> float:
    """Return when a day of the country's calendar begins, in seconds since 1970."""
    return (datetime(day.year, day.month, day.day, tzinfo=UTC) - CHINA).timestamp()
