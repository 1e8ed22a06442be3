"""A person's messages are found by segments: the same as by reading every batch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random

import asyncpg
import numpy as np
import pytest

from assent.clock import ManualClock
from assent.flow.columns import U32, pack
from assent.flow.indexing import BATCHES, BEHIND_S, EVERY_S, MERGED, PAIRS, Indexing
from assent.flow.needs import Store, utc
from assent.flow.written import batches_of
from assent.message import batch_id
from assent.store import Store as RealStore

NOON = 1_795_320_000.0
EVERYBODY = range(1, 400)


class Book:
    """Batches of a few people each, put in by hand."""

    def __init__(self, url: str, store: Store) -> None:
        self.url = url
        self.store = store
        self.clock = ManualClock(NOON)
        self.indexing = Indexing(store, self.clock)
        self.random = Random(7)
        self.holds: dict[int, set[int]] = {}
        self._place = 0

    async def write(self, count: int) -> None:
        connection = await asyncpg.connect(self.url)
        await self.store.fetchval("ensure_partitions", utc(self.clock.now()), 2)
        rows = []
        for _ in range(count):
            self._place += 1
            number = batch_id(int(self.clock.now() * 1000), self._place % 2_048)
            people = [self.random.choice(EVERYBODY) for _ in range(self.random.randint(1, 9))]
            self.holds[number] = set(people)
            rows.append((number, pack(np.array(people, np.uint32), U32), utc(self.clock.now())))
        await connection.executemany(
            "INSERT INTO batch (id, submission_id, account_id, sender_id, group_id, programme_id,"
            " port_id, template_id, purpose, carrier, n, position, price, not_before, expires_at,"
            " content, people, rows, zones, segments, accepted_at) VALUES"
            " ($1, 1, 1, 1, 1, 1, 1, 0, 3, 'mobile', 1, 0, 0, $3, $3, '', $2, '', '', '', $3)",
            rows,
        )
        await connection.close()

    async def check(self, since: float, to: float) -> None:
        low, high = batch_id(int(since * 1000), 0), batch_id(int(to * 1000), 0)
        for person in self.random.sample(EVERYBODY, 40):
            wanted = [one for one in self.holds if low <= one < high and person in self.holds[one]]
            assert await batches_of(self.store, person, low, high) == sorted(wanted, reverse=True)


@pytest.fixture
async def book(migrated_url: str) -> AsyncIterator[Book]:
    store = await RealStore.open(migrated_url)
    try:
        yield Book(migrated_url, store)
    finally:
        await store.close()


async def test_segments_and_what_is_in_none_yet_say_what_the_batches_hold(book: Book) -> None:
    store, clock = book.store, book.clock
    await book.write(30)
    await book.check(NOON - 9e6, NOON + 60)  # before there are any
    for hour in range(MERGED + 3):
        await book.write(12)
        clock.advance(EVERY_S)
        while await book.indexing.step():
            pass
        if hour % 9 == 0:
            await book.check(NOON - 9e6, clock.now() + 60)
    await book.write(12)
    await book.check(NOON - 9e6, clock.now() + 60)
    await book.check(NOON + 5 * EVERY_S, NOON + 20 * EVERY_S + 7)
    levels = await store.fetch("written_small", 1_000)
    assert 0 < len(levels) < MERGED  # most were merged
    row = await store.fetchrow("written_to")
    assert row is not None
    assert row["upto"] <= batch_id(int((clock.now() - BEHIND_S) * 1000), 0)
    # Nothing that could still be committed is in a segment.
    assert book.indexing.pairs <= sum(len(people) * 9 for people in book.holds.values())


async def test_many_at_once_are_taken_in_portions(book: Book) -> None:
    await book.write(BATCHES + 40)
    book.clock.advance(BEHIND_S + 1)
    assert await book.indexing.step()  # a full one, and there is more
    while await book.indexing.step():
        pass
    await book.check(NOON - 60, NOON + 60)
    connection = await asyncpg.connect(book.url)
    widest = await connection.fetchval("SELECT max(length(people) / 4) FROM written_segment")
    await connection.close()
    assert widest == PAIRS
