"""Many things to do later, cheaply: one timer for all, things of one millisecond together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

TICKS_PER_S: Final = 1000
FAR_S: Final = 0.1
FAR_STEP: Final = 5


class Timeline(Generic[Item]):
    """Hands items back when their time has come, never early, those of one tick in one call.

    `ready` gets the items in the order of their times; within a millisecond as they were added.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, ready: Callable[[list[Item]], None]
    ) -> None:
        self._loop = loop
        self._ready = ready
        self._buckets: dict[int, list[Item]] = {}
        self._ticks: list[int] = []
        self._timer: asyncio.TimerHandle | None = None
        self._armed = 0

    def add(self, when: float, item: Item) -> None:
        """Hand `item` back at `when` (of the loop's clock).

        What is further away than a tenth of a second comes in steps of 5 ms: carriers hand out
        reports in bunches too, and a bunch costs one write.
        """
        tick = int(when * TICKS_PER_S) + 1
        if when - self._loop.time() > FAR_S:
            tick += -tick % FAR_STEP
        bucket = self._buckets.get(tick)
        if bucket is not None:
            bucket.append(item)
            return
        self._buckets[tick] = [item]
        heappush(self._ticks, tick)
        if self._timer is None or tick < self._armed:
            self._arm()

    def __len__(self) -> int:
        return sum(map(len, self._buckets.values()))

    def close(self) -> None:
        """Drop what is still to come."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._buckets.clear()
        self._ticks.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._armed = self._ticks[0]
        self._timer = self._loop.call_at(self._armed / TICKS_PER_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        now = self._loop.time() * TICKS_PER_S
        due: list[Item] = []
        # The loop's clock may stand a hair before the time it was asked for.
        while self._ticks and self._ticks[0] <= now + 0.5:
            due += self._buckets.pop(heappop(self._ticks))
        if self._ticks:
            self._arm()
        if due:
            self._ready(due)
