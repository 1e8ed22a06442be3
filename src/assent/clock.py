"""The one clock. Business code gets it passed in and never asks the machine by itself.

All processes of an installation read the same clock, so a demo or a simulation that shifts
it shifts everything: decisions, quiet hours, validity, ids and records.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import time
from collections.abc import Mapping
from pathlib import Path
from struct import Struct
from typing import Final, Protocol

from assent.errors import InvalidInput

OFFSET_VARIABLE: Final = "ASSENT_CLOCK_OFFSET"
FILE_VARIABLE: Final = "ASSENT_CLOCK_FILE"
_OFFSET: Final = Struct("<q")
_NOTICED_S: Final = 0.02


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


class SharedClock:
    """The machine's clock, moved by what stands in a file: eight octets, little-endian, the signed
    nanoseconds to add. All processes that are given the file see each move at once, so a simulation
    can move a whole installation through weeks; between two moves time passes as everywhere."""

    def __init__(self, path: Path) -> None:
        """Open a file that `ClockHand` made. Raises OSError or ValueError when it is none."""
        with path.open("rb") as file:
            self._map = mmap.mmap(file.fileno(), _OFFSET.size, prot=mmap.PROT_READ)

    def now(self) -> float:
        """Return seconds since 1970."""
        return self.now_ns() / 1_000_000_000

    def now_ms(self) -> int:
        """Return whole milliseconds since 1970."""
        return self.now_ns() // 1_000_000

    def now_ns(self) -> int:
        """Return nanoseconds since 1970."""
        return time.time_ns() + int(_OFFSET.unpack_from(self._map)[0])


class ClockHand(SharedClock):
    """Moves the clocks of everybody who shares its file, forward only."""

    def __init__(self, path: Path, start: float) -> None:
        """Make the file; `start`: what time it is now, in seconds since 1970."""
        path.write_bytes(_OFFSET.pack(int(start * 1_000_000_000) - time.time_ns()))
        self._path = path
        super().__init__(path)
        with path.open("r+b") as file:
            self._write = mmap.mmap(file.fileno(), _OFFSET.size)

    def move_to(self, at: float) -> None:
        """Let it be `at` (seconds since 1970) now, unless it is later already."""
        more = int(at * 1_000_000_000) - self.now_ns()
        if more > 0:
            # One aligned store of eight octets: readers see the old offset or the new one.
            memoryview(self._write).cast("q")[0] = _OFFSET.unpack_from(self._write)[0] + more


async def pause(clock: Clock, seconds: float, wake: asyncio.Event | None = None) -> None:
    """Wait for some seconds, or until `wake` is set; where the clock is moved meanwhile, until they
    have passed on it.

    What looks now and then waits by this, so that it looks as often in a simulation's weeks.
    """
    if wake is None:
        wake = asyncio.Event()
    if not isinstance(clock, SharedClock):
        await _set_within(wake, seconds)
        return
    due = clock.now() + seconds
    while (left := due - clock.now()) > 0:
        if await _set_within(wake, min(left, _NOTICED_S)):
            return


async def _set_within(wake: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(wake.wait(), seconds)
    except TimeoutError:
        return False
    return True


def clock_from_environment(environment: Mapping[str, str] | None = None) -> Clock:
    """Return the clock that the environment asks for: shared by `ASSENT_CLOCK_FILE`, or moved by
    `ASSENT_CLOCK_OFFSET` (seconds, may be fractional), or the machine's.

    Raises InvalidInput when the file is none, or the offset is not a number.
    """
    given = os.environ if environment is None else environment
    if path := given.get(FILE_VARIABLE, ""):
        try:
            return SharedClock(Path(path))
        except (OSError, ValueError):
            raise InvalidInput(
                "bad_setting",
                f"{FILE_VARIABLE} names no clock file",
                field=FILE_VARIABLE,
                mend="unset it, or let a simulation make the file (docs/quarter.md)",
            ) from None
    text = given.get(OFFSET_VARIABLE, "")
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
