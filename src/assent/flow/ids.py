"""Batch ids: time-ordered, unique over all processes (DESIGN.md, "Ids")."""

from __future__ import annotations

from typing import Final

from assent.clock import Clock
from assent.flow.needs import Queries
from assent.message import batch_id

_BLOCK: Final = 64
_NUMBER_BLOCK: Final = 1024


class BatchIds:
    """Makes ids from the clock and a counter that the database shares out in blocks.

    Two ids are equal only if 2,048 were drawn within one millisecond; the primary keys
    would refuse the second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counters: list[int] = []

    async def reserve(self, queries: Queries, count: int) -> None:
        """Make sure that the next `count` calls of :meth:`next` need no database."""
        while len(self._counters) < count:
            rows = await queries.fetch("batch_counters", max(_BLOCK, count))
            # Drawn from the end, so the older block stays in front.
            self._counters[:0] = [row["counter"] for row in reversed(rows)]

    def next(self) -> int:
        """Return a new id. The caller has reserved it before."""
        return batch_id(self._clock.now_ms(), self._counters.pop())


class Numbers:
    """Unique ids of windows, results and other sources of money, drawn in blocks."""

    def __init__(self) -> None:
        self._numbers: list[int] = []

    async def reserve(self, queries: Queries, count: int) -> None:
        """Make sure that the next `count` calls of :meth:`next` need no database."""
        while len(self._numbers) < count:
            rows = await queries.fetch("window_numbers", max(_NUMBER_BLOCK, count))
            self._numbers[:0] = [row["number"] for row in reversed(rows)]

    def next(self) -> int:
        """Return a new number. The caller has reserved it before."""
        return self._numbers.pop()
