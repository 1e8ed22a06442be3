"""Caps hold over processes, senders, midnight and restarts."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.app.node import Node
from assent.clock import SystemClock
from assent.flow.claims import ClaimBook
from assent.flow.columns import U32, pack
from assent.flow.needs import utc
from assent.message import Purpose
from assent.policy.rulebook import Rulebook
from assent.store import Store
from tests.flow.conftest import Platform, number, numbers, running

DAY = 86_400.0
MARKETING = "106900011"


def move(platform: Platform, seconds: float) -> None:
    """Move the clock that everything shares."""
    SystemClock.__init__(platform.clock, platform.clock.offset_s + seconds)


@asynccontextmanager
async def second_node(platform: Platform) -> AsyncIterator[Node]:
    node = Node(platform.settings, "all", platform.url, platform.clock)
    await node.start()
    try:
        await platform.until(lambda: all(node.traffic.up.values()), "links of the second node")
        yield node
    finally:
        await node.stop()


async def quiet(platform: Platform) -> bool:
    left = "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
    return bool(await platform.value(left) == 0)


async def all_ended(platform: Platform) -> None:
    await platform.until(lambda: quiet(platform), "nothing is under way")


def received(platform: Platform, port: str) -> Counter[str]:
    return Counter(r["destination"].removeprefix("86") for r in platform.submits(port))


async def test_two_nodes_write_to_a_person_once_a_day_and_twice_a_week(platform: Platform) -> None:
    people = numbers(60)
    await platform.consent(people)
    first = platform.node
    today = 0
    async with second_node(platform) as second:
        for day, total in ((0, 1), (1, 2), (2, 2), (6, 2), (8, 3)):
            await all_ended(platform)
            move(platform, (day - today) * DAY)
            today = day
            # Who leases first is chance; on one day each it is left to one of them.
            only = {1: second, 8: first}.get(day)
            for node in (first, second):
                node.dispatcher.leases.lanes = [3] if only in (None, node) else []
            orders = []
            for node in (first, second) * 3:
                platform.node = node
                orders.append(asyncio.create_task(platform.send(people)))
                await asyncio.sleep(0)
            platform.node = first
            answers = await asyncio.gather(*orders)
            await all_ended(platform)
            assert received(platform, MARKETING) == Counter(dict.fromkeys(people, total)), day
            # Who lost the race is told in the answer, or ends over_cap with the money back.
            assert {code for a in answers for code in a["reasons"]} <= {"over_cap"}
        await asyncio.sleep(0.1)
        await platform.node.settler.fold_balances()
        spent = await platform.value(
            "SELECT 1000000000000 - available FROM balance WHERE account_id=1"
        )
        assert spent == 60 * 3 * 50_000
        assert second.dispatcher.attempts
        assert first.dispatcher.attempts


async def test_a_day_is_the_receivers_calendar_day(platform: Platform) -> None:
    person = [number("mobile", 1)]
    await platform.consent(person)
    move(platform, 10 * 3600.0)  # eight in the evening in China
    assert (await platform.send(person))["allowed"] == 1
    await all_ended(platform)
    move(platform, 1800.0)
    assert (await platform.send(person))["reasons"] == {"over_cap": 1}
    move(platform, 11.9 * 3600.0)  # before half past eight in the morning: another day
    assert (await platform.send(person))["allowed"] == 1
    await platform.until(lambda: len(platform.submits(MARKETING)) == 2, "one on each day")


async def test_codes_a_minute_an_hour_a_day(platform: Platform) -> None:
    person = [number("unicom", 1)]
    async with second_node(platform) as second:
        first = platform.node
        tasks = []
        for node in (first, second) * 4:
            platform.node = node
            tasks.append(asyncio.create_task(platform.send(person, "verification")))
            await asyncio.sleep(0)
        platform.node = first
        await asyncio.gather(*tasks)
        await all_ended(platform)
        assert len(platform.submits("106900012")) == 1
        sent = 1
        for minute in range(1, 8):
            move(platform, 61.0)
            answer = await platform.send(person, "verification")
            sent += answer["allowed"]
            assert answer["allowed"] == (minute < 5), minute
        move(platform, 3601.0)
        for _ in range(7):
            move(platform, 61.0)
            sent += (await platform.send(person, "verification"))["allowed"]
        assert sent == 10
        move(platform, 3601.0)
        answer = await platform.send(person, "verification")
        assert answer["reasons"] == {"over_cap": 1}, "ten a day"
        await all_ended(platform)
        assert len(platform.submits("106900012")) == 10
        move(platform, DAY)
        assert (await platform.send(person, "verification"))["allowed"] == 1


async def test_a_code_is_one_call_unless_another_process_claimed(platform: Platform) -> None:
    """What this process supposes is checked under the locks: a wrong supposition stores nothing,
    and the longer way is gone."""
    held: list[bool] = []
    once = platform.node.store.once

    async def seen(name: str, *args: Any) -> Any:
        row = await once(name, *args)
        if name == "order_store":
            held.append(row["holds"])
        return row

    platform.node.store.once = seen  # type: ignore[method-assign]  # to look on
    people = [number("unicom", 1), number("unicom", 2)]
    assert (await platform.send(people[:1], "verification"))["allowed"] == 1
    async with second_node(platform) as second:
        first, platform.node = platform.node, second
        assert (await platform.send(people[1:], "verification"))["allowed"] == 1
        platform.node = first
        await platform.send(people[1:], "verification")
        move(platform, 61.0)
        assert (await platform.send(people[1:], "verification"))["allowed"] == 1
    await all_ended(platform)
    assert held[0]
    assert held[-1]
    assert len(platform.submits("106900012")) == 3


async def test_codes_of_all_senders_together(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, senders=5) as platform:
        person = [number("telecom", 9)]
        async with second_node(platform) as second:
            first = platform.node
            tasks = []
            for place in range(1, 6):
                platform.node = (first, second)[place % 2]
                tasks.append(asyncio.create_task(platform.send(person, "verification", place)))
                await asyncio.sleep(0)
            platform.node = first
            await asyncio.gather(*tasks)
            await all_ended(platform)
            assert len(platform.submits()) == 3, "three a minute, whoever sends them"


async def test_claims_survive_a_restart(platform: Platform) -> None:
    people = numbers(9)
    await platform.consent(people)
    await platform.send(people)
    await all_ended(platform)
    await platform.node.stop()
    await platform.start_node()
    assert (await platform.send(people))["reasons"] == {"over_cap": 9}
    await platform.send(people[:1], "verification")
    await all_ended(platform)
    assert received(platform, MARKETING) == Counter(people)


@pytest.mark.parametrize("forgetful", [False, True])
async def test_no_claim_is_overlooked_after_a_rollback(fresh_store: Store, forgetful: bool) -> None:
    """What was forgotten is read from its beginning, whatever is followed meanwhile."""
    rulebook = Rulebook.load(None)
    now = 1_800_000_000.0
    mine, other = ClaimBook(rulebook), ClaimBook(rulebook)
    zones = np.full(2, 480, np.int16)

    async def claim(book: ClaimBook, person: int, at: float) -> bool:
        people = np.array([person, person + 100], np.uint32)
        keys = [key for key, _ in book.keys(Purpose.MARKETING, 1, 1, people)]
        async with fresh_store.transaction() as tx:
            await book.sync(tx, keys, at)
            within, claimed = book.claim(Purpose.MARKETING, 1, 1, people, zones, at)
            none: list[int] = []
            rows = await tx.fetch(
                "plan_insert",
                1,
                *[none] * 5,
                utc(at),
                [key[0] for key, _ in claimed],
                [key[1] for key, _ in claimed],
                [pack(won, U32) for _, won in claimed],
            )
            book.stored(rows)
        return bool(within.all())

    assert await claim(mine, 1, now)
    if forgetful:
        keys = [key for key, _ in mine.keys(Purpose.MARKETING, 1, 1, np.array([1], np.uint32))]
        mine.forget(keys)
    assert await claim(other, 2, now + 1)
    await mine.follow(fresh_store, now + 2)
    assert not await claim(mine, 1, now + 3)
    assert not await claim(mine, 2, now + 3)
    assert await claim(mine, 3, now + 3)
