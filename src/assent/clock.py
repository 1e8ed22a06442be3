"""The one clock. Business code gets it passed in and never asks the machine by itself.

All processes of an installation read the same clock, so a demo or a simulation that shifts
it shifts everything: decisions, quiet hours, validity, ids and records.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Final, Protocol

from assent.errors import InvalidInput

OFFSET_VARIABLE: Final = "ASSENT_CLOCK_OFFSET"


class Clock(Protocol):
    """Tells the time in UTC since 1970, in three units."""

    def now(self) -> float:
        """Return seconds."""

    def now_ms(self) -> int:
        """Return whole milliseconds."""

    def now_ns(self) -> int:
        """Return nanoseconds."""


class SystemClock:
    """The machine's clock, moved by a fixed number of seconds."""

    def __init__(self, offset_s: float = 0.0) -> None:
        self.offset_s = offset_s
        self._offset_ns = int(offset_s * 1_000_000_000)

    def now(self) -> float:
        """Return seconds since 1970."""
        return self.now_ns() / 1_000_000_000

    def now_ms(self) -> int:
        """Return whole milliseconds since 1970."""
        return self.now_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns() + self._offset_ns


class ManualClock:
    """A clock that stands still until it is moved; for tests and simulations."""

    def __init__(self, start: float) -> None:
        self._ns = int(start * 1_000_000_000)

    def advance(self, seconds: float) -> None:
        """Move the clock on (or back, with a negative number)."""
        self._ns += int(seconds * 1_000_000_000)

    def now(self) -> float:
        """Return seconds since 1970."""
        return self._ns / 1_000_000_000

    def now_ms(self) -> int:
        """Return whole milliseconds since 1970."""
        return self._ns // 1_000_000

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return self._ns


def clock_from_environment(environment: Mapping[str, str] | None = None) -> SystemClock:
    """Return the clock that `ASSENT_CLOCK_OFFSET` (seconds, may be fractional) asks for.

    Raises InvalidInput when the variable is not a number.
    """
    text = (os.environ if environment is None else environment).get(OFFSET_VARIABLE, "")
    if not text:
        return SystemClock()
    try:
        return SystemClock(float(text))
    except ValueError:
        raise InvalidInput(
            "bad_setting",
            f"{OFFSET_VARIABLE} is not a number of seconds",
            field=OFFSET_VARIABLE,
            mend="unset it, or set it to a number such as 3600",
        ) from None
