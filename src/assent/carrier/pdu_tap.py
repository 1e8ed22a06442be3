"""What passes over connections, caught for a log that is on for a while.

A connection holds a :class:`PduTap` or None; when it holds none, looking costs a comparison. The
tap cuts the octets into PDUs and puts them on the log's queue, which has an end: what comes while
it is full is counted and forgotten. Nobody decodes here. What is queued is as it was on the wire,
numbers, texts and passwords included, so it never leaves memory: `pdu_masks.py` makes of it what
may be shown.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from assent.clock import Clock

Direction = Literal["in", "out"]

MOST_PDUS: Final = 2_000
MOST_OCTETS: Final = 1 << 20
"""What waits to be decoded at most, of all connections of a process."""

LONGEST_PDU: Final = 1 << 16
_HEADERS: Final = {"sgip": 20, "smpp": 16}


class Caught(NamedTuple):
    """One PDU as it passed; `at` in seconds since 1970, `dialect` as `wire.explain` names it.
    `connection`: which of all that are tapped, so that an answer finds its request."""

    at: float
    link: str
    connection: int
    dialect: str
    direction: Direction
    octets: bytes


class PduQueue:
    """PDUs of all tapped connections of a process, up to a bound."""

    def __init__(self, clock: Clock) -> None:
        self.dropped = 0
        self.clock = clock
        self.taps = 0
        self._queue: deque[Caught] = deque()
        self._octets = 0

    def put(self, caught: Caught) -> None:
        """Take one PDU, or count it where there is no room."""
        size = len(caught.octets)
        if len(self._queue) >= MOST_PDUS or self._octets + size > MOST_OCTETS:
            self.dropped += 1
            return
        self._queue.append(caught)
        self._octets += size

    def take(self, most: int) -> list[Caught]:
        """Return at most so many PDUs, the oldest first."""
        taken = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]
        self._octets -= sum(len(caught.octets) for caught in taken)
        return taken

    def clear(self) -> None:
        """Forget what waits, and what was dropped."""
        self._queue.clear()
        self._octets = self.dropped = 0


class PduTap:
    """What one connection hands its octets to. `link`: what it is called in the log; `speaks`: the
    dialect as `wire.explain` names it, asked for each PDU, since a version may be agreed on late;
    `partial`: the octets of a PDU that had begun to arrive."""

    __slots__ = ("_in", "_link", "_number", "_out", "_queue", "_speaks")

    def __init__(
        self, queue: PduQueue, link: str, speaks: Callable[[], str], partial: bytes = b""
    ) -> None:
        queue.taps += 1
        self._queue = queue
        self._link = link
        self._number = queue.taps
        self._speaks = speaks
        self._in: bytes | None = partial
        self._out: bytes | None = b""

    def came(self, data: bytes) -> None:
        """Look at octets that arrived."""
        if self._in is not None:
            self._in = self._cut("in", self._in + data)

    def left(self, data: bytes) -> None:
        """Look at octets that were written."""
        if self._out is not None:
            self._out = self._cut("out", self._out + data)

    def _cut(self, direction: Direction, buffer: bytes) -> bytes | None:
        """Queue the PDUs of a buffer; return the rest, None once the framing is lost."""
        now = self._queue.clock.now()
        dialect = self._speaks()
        header = _HEADERS.get(dialect, 12)
        start = 0
        while len(buffer) - start >= header:
            size = int.from_bytes(buffer[start : start + 4], "big")
            if not header <= size <= LONGEST_PDU:
                return None
            if len(buffer) - start < size:
                break
            octets = buffer[start : start + size]
            self._queue.put(Caught(now, self._link, self._number, dialect, direction, octets))
            start += size
        return buffer[start:]


TapMaker = Callable[[str, Callable[[], str], bytes], PduTap]
"""Makes the tap of a connection, from its name, what it speaks, and what it had begun to read."""


def spoken(dialect: str, version: int) -> str:
    """Return what `wire.explain` calls a dialect in a version."""
    return f"cmpp{3 if version >= 0x30 else 2}" if dialect == "cmpp" else dialect
