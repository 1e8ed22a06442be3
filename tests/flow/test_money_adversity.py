"""Hundreds of concurrent orders while the store fails in every way: the money is right.

Orders race each other over two kinds of contract and a plan with tiers; writes are refused, lost,
or done and not answered; customers repeat with the same key. Then everything is proved."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from random import Random

import pytest

from assent.errors import AssentError
from assent.flow.pricing import month_begin, next_month
from assent.flow.tiers import WAIT_S
from assent.flow.treasury import month as month_of
from tests.flow.conftest import Platform, numbers
from tests.flow.test_ambiguous import MODES, FrailStore, frail, insist
from tests.flow.treasury import Treasury

__all__ = ["frail"]
TIERS = [(0, 61_000), (100, 50_000), (250, 43_000)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_hundreds_of_orders_while_the_store_fails(frail: Platform, seed: int) -> None:
    treasury = Treasury(frail)
    month = datetime.fromtimestamp(frail.clock.now(), UTC).strftime("%Y-%m")
    await treasury.plan("falling", TIERS)
    await treasury.terms(
        "account1", plan="falling", from_month=month, charge_on=("accepted", "delivered")[seed % 2]
    )
    before = await treasury.available()
    people = numbers(600)
    await frail.consent(people)
    rng = Random(seed)
    plan = FrailStore.plan
    plan.choose = lambda name: rng.choice(MODES) if rng.random() < 0.15 else None
    plan.armed = True
    room = asyncio.Semaphore(40)

    async def order(place: int) -> None:
        async with room:
            some = people[place * 2 : place * 2 + 2]
            await insist(lambda: frail.send(some, key=f"k{place}"))

    async def follow() -> None:
        while True:
            with contextlib.suppress(AssentError):
                await frail.node.catalogue.pricing.follow(frail.node.store, frail.clock.now())
            await asyncio.sleep(0.05)

    following = asyncio.create_task(follow())
    await asyncio.gather(*(order(place) for place in range(300)))
    plan.armed = False
    following.cancel()
    assert sum(plan.failed.values()) > 20
    await treasury.quiet()
    await treasury.proved()
    end = month_begin(next_month(month_of(month))).timestamp()

    async def closed() -> bool:
        await treasury.quiet()
        return await frail.node.settler.tiers.settle(end + WAIT_S) == 1

    await frail.until(closed, "the month is closed")
    rows = await frail.sql("SELECT segments, charged, graduated, credit FROM tier_month")
    assert len(rows) == 1
    segments, charged, graduated, credit = rows[0]
    expected = 0
    for segment in range(segments):
        expected += next(price for begin, price in reversed(TIERS) if segment >= begin)
    assert (graduated, charged - credit) == (expected, expected)
    await treasury.quiet()
    assert await treasury.available() == before - expected
    await treasury.proved()
