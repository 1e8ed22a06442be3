"""Prices by volume: a boundary is exact to the segment, whatever raced."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.app.node import Node
from assent.errors import AssentError
from assent.flow.pricing import Line, Tiers, line_for, month_begin, month_of, next_month
from assent.flow.pricing import spending_day as day_of
from assent.flow.tiers import WAIT_S, add_up
from assent.message import Purpose
from tests.flow.conftest import Platform, numbers, register, running
from tests.flow.treasury import Treasury

PRICES = st.lists(st.integers(0, 10**6), min_size=1, max_size=5).map(
    lambda prices: sorted(prices, reverse=True)
)


@st.composite
def tiers(draw: st.DrawFn) -> Tiers:
    prices = draw(PRICES)
    begins = draw(
        st.lists(
            st.integers(1, 60), min_size=len(prices) - 1, max_size=len(prices) - 1, unique=True
        )
    )
    return Tiers((0, *sorted(begins)), tuple(prices))


@given(tiers(), st.integers(0, 100))
def test_graduated_is_each_segment_at_its_tiers_price(one: Tiers, count: int) -> None:
    slow = 0
    for segment in range(count):
        price = next(
            p for b, p in reversed(list(zip(one.begins, one.micro, strict=True))) if segment >= b
        )
        assert one.at(segment) == price
        slow += price
    assert one.graduated(count) == slow


@settings(max_examples=200)
@given(tiers(), st.data())
def test_whatever_races_the_credit_makes_the_month_exact(one: Tiers, data: st.DataObject) -> None:
    """Orders are judged by what some earlier look at the volume said, and are accepted, in part,
    in any order. What was charged is never less than the tiers say, and the credit is the rest."""
    orders = data.draw(st.lists(st.integers(1, 20), max_size=12))
    waiting: list[tuple[int, int]] = []  # price, segments
    accepted, looks, charged = 0, [0], {}
    for segments in orders:
        waiting.append((one.at(data.draw(st.sampled_from(looks))), segments))
        while waiting and data.draw(st.booleans()):
            price, count = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            taken = data.draw(st.integers(0, count))  # the rest is refused, or expires
            charged[price] = charged.get(price, 0) + taken
            accepted += taken
            looks.append(accepted)
    line = Line(1, None, "", "sms", one)
    usage = [
        {"purpose": 1, "carrier": "c", "channel": "sms", "price": price, "segments": count}
        for price, count in charged.items()
    ]
    for added in add_up([line], usage):
        assert added.segments == accepted
        assert added.charged >= added.graduated
        assert added.charged - added.credit == one.graduated(accepted)


def test_the_line_that_says_most_counts() -> None:
    flat = Tiers((0,), (1,))
    lines = [
        Line(1, None, "", "sms", flat),
        Line(2, None, "mobile", "sms", flat),
        Line(3, Purpose.MARKETING, "", "sms", flat),
        Line(4, Purpose.MARKETING, "mobile", "sms", flat),
    ]

    def found(purpose: Purpose, carrier: str, channel: str = "sms") -> int | None:
        line = line_for(lines, purpose, carrier, channel)
        return None if line is None else line.id

    assert found(Purpose.MARKETING, "mobile") == 4
    assert found(Purpose.MARKETING, "unicom") == 3
    assert found(Purpose.NOTIFICATION, "mobile") == 2
    assert found(Purpose.NOTIFICATION, "unicom") == 1
    assert found(Purpose.NOTIFICATION, "unicom", "video") is None


async def test_tier_boundaries_are_exact_on_a_platform(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, document=register(2)) as platform:
        treasury = Treasury(platform)
        await treasury.plan("falling", [(0, 60_000), (25, 50_000), (60, 40_000)])
        month = month_of(day_of(platform.clock.now()))
        await treasury.terms("account1", plan="falling", from_month=month.isoformat()[:7])
        before = await treasury.available()
        people = numbers(80)
        await platform.consent(people)
        second = Node(platform.settings, "all", platform.url, platform.clock)
        await second.start()
        first = platform.node
        tasks = []
        for place in range(8):  # all judged at the first tier's price, or nearly
            platform.node = (first, second)[place % 2]
            tasks.append(asyncio.create_task(platform.send(people[place * 10 : place * 10 + 10])))
            await asyncio.sleep(0)
        platform.node = first
        await asyncio.gather(*tasks)
        await treasury.quiet()
        await second.stop()
        graduated = 25 * 60_000 + 35 * 50_000 + 20 * 40_000
        charged = before - await treasury.available()
        assert charged >= graduated
        end = month_begin(next_month(month)).timestamp()
        assert await first.settler.tiers.settle(end + WAIT_S - 1) == 0, "not before five days"

        async def closed() -> bool:  # reports come in still, and are to be folded first
            return await first.settler.tiers.settle(end + WAIT_S) == 1

        await platform.until(closed, "the month is closed")
        assert await first.settler.tiers.settle(end + WAIT_S + 1) == 0, "once"
        assert before - await treasury.available() == graduated
        checks = await treasury.proved()
        assert checks["tiers are exact"]["counted"] == 1


async def test_the_tier_in_force_is_charged_once_it_is_known(platform: Platform) -> None:
    treasury = Treasury(platform)
    await treasury.plan("falling", [(0, 60_000), (10, 50_000)])
    month = month_of(day_of(platform.clock.now())).isoformat()[:7]
    await treasury.terms("account1", plan="falling", from_month=month)
    people = numbers(30)
    await platform.consent(people)
    assert (await platform.send(people[:15]))["cost_micro"] == 15 * 60_000
    await treasury.quiet()
    await platform.node.catalogue.pricing.follow(platform.node.store, platform.clock.now())
    assert (await platform.send(people[15:]))["cost_micro"] == 15 * 50_000


async def test_prices_differ_by_carrier_within_one_order(platform: Platform) -> None:
    treasury = Treasury(platform)
    await treasury.plan("unicom", [(0, 30_000)], carrier="unicom", purpose="marketing")
    month = month_of(day_of(platform.clock.now())).isoformat()[:7]
    await treasury.terms("account1", plan="unicom", from_month=month)
    people = numbers(30)
    await platform.consent(people)
    answer = await platform.send(people)
    assert answer["cost_micro"] == 10 * 30_000 + 20 * 50_000
    await treasury.quiet()
    rows = await platform.sql("SELECT carrier, price, segments FROM usage ORDER BY carrier")
    assert [tuple(row) for row in rows] == [
        ("mobile", 50_000, 10), ("telecom", 50_000, 10), ("unicom", 30_000, 10),
    ]  # fmt: skip
    await treasury.proved()


async def test_what_would_make_a_month_inexact_is_refused(platform: Platform) -> None:
    treasury = Treasury(platform)
    with pytest.raises(AssentError) as rising:
        await treasury.plan("rising", [(0, 1), (5, 2)])
    assert rising.value.code == "rising_price"
    await treasury.plan("flat", [(0, 1)])
    people = numbers(3)
    await platform.consent(people)
    await platform.send(people)
    month = month_of(day_of(platform.clock.now()))
    with pytest.raises(AssentError) as early:
        await treasury.terms("account1", plan="flat", from_month=month.isoformat()[:7])
    assert early.value.code == "begins_too_early"
    told = await treasury.terms("account1", plan="flat")
    assert told["plans"] == [{"from": next_month(month).isoformat(), "plan": "flat"}]
