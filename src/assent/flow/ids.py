"""Batch ids: time-ordered, unique over all processes (DESIGN.md, "Ids")."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final
from weakref import WeakKeyDictionary

from assent.clock import Clock
from assent.flow.needs import Queries
from assent.message import batch_id

OWN_ORDER: Final = 1 << 31
"""Set in an input row that is an order of its own, though it was judged with others."""
_SLIP_BITS: Final = 10
_BLOCK: Final = 512
_NUMBER_BLOCK: Final = 1024


def slip_id(submission_id: int, row: int) -> int:
    """Return the order id of one row of a submission that several requests share."""
    return submission_id << _SLIP_BITS | row & ~OWN_ORDER


def slip_of(order_id: int) -> tuple[int, int]:
    """Return (submission id, input row) of such an order id."""
    return order_id >> _SLIP_BITS, order_id & (1 << _SLIP_BITS) - 1 | OWN_ORDER


class _Stock:
    """Numbers that the database shares out in blocks, and what each task has reserved of them.

    A reservation belongs to the task that made it: between reserving and using there are other
    awaits, in which other tasks take theirs. What a task leaves unused goes with it; what it
    leaves between two reservations counts for the second.
    """

    def __init__(self, block: int) -> None:
        self._block = block
        self._free: list[int] = []
        self._held: WeakKeyDictionary[asyncio.Task[Any], list[int]] = WeakKeyDictionary()

    async def reserve(self, count: int, fetch: Callable[[int], Awaitable[list[int]]]) -> None:
        held = self._held.setdefault(_task(), [])
        while (missing := count - len(held)) > 0:
            if not self._free:
                # From the end, so that the oldest are used first.
                self._free[:0] = reversed(await fetch(max(self._block, missing)))
            held += [self._free.pop() for _ in range(min(missing, len(self._free)))]

    def next(self) -> int:
        return self._held[_task()].pop()

    def take(self, count: int) -> list[int]:
        held = self._held[_task()]
        return [held.pop() for _ in range(count)]


def _task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None, "ids are made inside tasks"
    return task


class BatchIds:
    """Makes ids from the clock and a counter that the database shares out in blocks.

    Two ids are equal only if 2,048 were drawn within one millisecond; the primary keys
    would refuse the second.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._stock = _Stock(_BLOCK)

    async def reserve(self, queries: Queries, count: int) -> None:
        """Make sure that the next `count` calls of :meth:`next` by this task need no database."""

        async def fetch(most: int) -> list[int]:
            return [row["counter"] for row in await queries.fetch("batch_counters", most)]

        await self._stock.reserve(count, fetch)

    def next(self) -> int:
        """Return a new id. The calling task has reserved it before."""
        return batch_id(self._clock.now_ms(), self._stock.next())


class Numbers:
    """Unique ids of windows, results and other sources of money, drawn in blocks."""

    def __init__(self) -> None:
        self._stock = _Stock(_NUMBER_BLOCK)

    async def reserve(self, queries: Queries, count: int) -> None:
        """Make sure that the next `count` calls of :meth:`next` by this task need no database."""

        async def fetch(most: int) -> list[int]:
            return [row["number"] for row in await queries.fetch("window_numbers", most)]

        await self._stock.reserve(count, fetch)

    def next(self) -> int:
        """Return a new number. The calling task has reserved it before."""
        return self._stock.next()

    def take(self, count: int) -> list[int]:
        """Return so many new numbers, as :meth:`next` does one."""
        return self._stock.take(count)
