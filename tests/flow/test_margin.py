"""What is left: exact to the micro-unit, however it is grouped."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import AssentError
from assent.flow.margin import Package, Rate, Row, cost, grouped, margin, share
from assent.flow.money_requests import PackageRequest, RateRequest
from assent.message import Purpose
from tests.flow.conftest import Platform
from tests.flow.treasury import Treasury

YUAN = 1_000_000
FIRST = date(2026, 1, 1)
CARRIERS = ("mobile", "unicom", "telecom")


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**9), max_size=20))
def test_shares_add_up_to_the_whole(total: int, weights: list[int]) -> None:
    parts = share(total, weights)
    assert sum(parts) == (total if sum(weights) else 0)
    whole = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        if whole:
            assert abs(part * whole - total * weight) < whole


def row(**some: Any) -> Row:
    told: dict[str, Any] = {
        "account_id": 1, "customer": "shop", "day": FIRST, "purpose": int(Purpose.MARKETING),
        "carrier": "mobile", "channel": "sms", "port": "1069", "price": 55_000, "segments": 0,
        "failed": 0, "currency": "CNY",
    }  # fmt: skip
    return Row(**{**told, **some})


def package(**some: Any) -> Package:
    told: dict[str, Any] = {
        "id": 1, "carrier": "mobile", "port": "", "purpose": None, "channel": "sms",
        "from_day": FIRST, "to_day": date(2026, 12, 31), "segments": 10, "micro": 30_000,
        "rebate_bp": 0, "currency": "CNY",
    }  # fmt: skip
    return Package(**{**told, **some})


def rate(**some: Any) -> Rate:
    told: dict[str, Any] = {
        "carrier": "mobile", "port": "", "purpose": None, "channel": "sms", "from_day": FIRST,
        "micro": 40_000, "currency": "CNY",
    }  # fmt: skip
    return Rate(**{**told, **some})


def test_a_package_is_used_up_day_by_day_and_then_the_rate_counts() -> None:
    days = [row(day=FIRST + timedelta(days=i), segments=6) for i in range(3)]
    one = package()
    cost(days, [rate()], [one])
    assert [r.cost for r in days] == [6 * 30_000, 4 * 30_000 + 2 * 40_000, 6 * 40_000]
    assert one.used == 10


def test_the_rate_that_says_most_counts_from_its_day_on() -> None:
    rates = [
        rate(micro=1),
        rate(micro=2, from_day=FIRST + timedelta(days=1)),
        rate(micro=3, purpose=int(Purpose.MARKETING)),
        rate(micro=4, port="1069", from_day=FIRST + timedelta(days=2)),
    ]
    notice = {"purpose": int(Purpose.NOTIFICATION), "segments": 1}
    rows = [
        row(**notice), row(**notice, day=FIRST + timedelta(days=1)), row(segments=1),
        row(segments=1, day=FIRST + timedelta(days=2)), row(segments=1, carrier="unicom"),
        row(segments=1, currency="USD"),
    ]  # fmt: skip
    cost(rows, rates, [])
    assert [r.cost for r in rows] == [1, 2, 3, 4, 0, 0]
    assert [r.unpriced for r in rows] == [0, 0, 0, 0, 1, 1], "no rate is told, not guessed"


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 500)), max_size=20),
       st.integers(1, 1500), st.integers(0, 10_000))  # fmt: skip
def test_groups_add_up_to_the_whole(
    told: list[tuple[int, int, int]], bought: int, rebate: int
) -> None:
    rows = [
        row(day=FIRST + timedelta(days=day), carrier=CARRIERS[place % 2], segments=count,
            customer=f"c{place}", price=54_321)
        for day, place, count in told
    ]  # fmt: skip
    packages = [package(segments=bought, rebate_bp=rebate, micro=30_001)]
    cost(rows, [rate(), rate(carrier="unicom", micro=33_333)], packages)
    whole = grouped(rows, ())
    for by in (["carrier"], ["customer"], ["carrier", "port", "customer"]):
        parts = grouped(rows, by)
        for name in ("margin_micro", "carrier_cost_micro", "package_rebate_micro", "segments"):
            assert sum(p[name] for p in parts) == sum(w[name] for w in whole)
    for one in packages:
        assert one.used <= one.segments
        told_back = sum(r.package_rebate for r in rows)
        assert told_back == one.used * one.micro * rebate // 10_000


async def ten_millions(platform: Platform) -> None:
    """Ten million accepted segments as usage has them, of two customers on three carriers."""
    ports = {
        (r["carrier"], r["sender_id"]): r["id"]
        for r in await platform.sql(
            "SELECT id, carrier, sender_id FROM port WHERE purpose = $1", int(Purpose.MARKETING)
        )
    }
    shares = share(10_000_000, [5, 3, 2, 4, 3, 1])
    places = [(account, carrier) for account in (1, 2) for carrier in CARRIERS]
    for (account, carrier), count in zip(places, shares, strict=True):
        for month, part in enumerate(share(count, [1] * 12), start=1):
            await platform.sql(
                "INSERT INTO usage (account_id, day, purpose, carrier, channel, port_id, price,"
                " segments) VALUES ($1, $2, $3, $4, 'sms', $5, 55000, $6)",
                account, date(2026, month, 15), int(Purpose.MARKETING), carrier,
                ports[carrier, account], part,
            )  # fmt: skip


async def test_ten_million_messages_leave_a_quarter_of_a_million(platform: Platform) -> None:
    """Bought at 0.030 and sold at 0.055 yuan: 250,000.00 yuan. With 35 % of the year's package
    back: 355,000.00."""
    treasury = Treasury(platform)
    await ten_millions(platform)
    year = (date(2026, 1, 1), date(2027, 1, 1))
    for carrier in CARRIERS:
        request = RateRequest(carrier=carrier, from_day=date(2026, 1, 1), micro=30_000)
        await treasury.desk.treasury.add_rate(treasury.staff[0], request)
    by = ("carrier", "port", "customer")
    plain = await margin(platform.node.store, *year, by)
    (total,) = plain["total"]
    assert (total["segments"], total["unpriced_segments"]) == (10_000_000, 0)
    assert total["charged_micro"] == 550_000 * YUAN
    assert total["margin_micro"] == 250_000 * YUAN
    assert len(plain["rows"]) == 6
    assert sum(r["margin_micro"] for r in plain["rows"]) == 250_000 * YUAN
    bought = {r["carrier"]: r["segments"] for r in (
        await margin(platform.node.store, *year, ("carrier",)))["rows"]}  # fmt: skip
    for carrier, segments in bought.items():
        await treasury.desk.treasury.add_package(
            treasury.staff[0],
            PackageRequest(
                carrier=carrier, from_day=year[0], to_day=date(2026, 12, 31), segments=segments,
                micro=30_000, rebate_bp=3_500,
            ),
        )  # fmt: skip
    back = await margin(platform.node.store, *year, by)
    (total,) = back["total"]
    assert total["package_rebate_micro"] == 105_000 * YUAN
    assert total["margin_micro"] == 355_000 * YUAN
    for name in by:
        rows = (await margin(platform.node.store, *year, (name,)))["rows"]
        assert sum(r["margin_micro"] for r in rows) == 355_000 * YUAN
        assert all(r["margin_micro"] * 10_000 == r["segments"] * 355 * YUAN for r in rows)
    assert all(p["unused_micro"] == 0 for p in back["packages"])
    half = await margin(platform.node.store, date(2026, 7, 1), date(2027, 1, 1), by)
    first = await margin(platform.node.store, date(2026, 1, 1), date(2026, 7, 1), by)
    assert half["total"][0]["margin_micro"] + first["total"][0]["margin_micro"] == 355_000 * YUAN


async def test_margin_of_real_messages_is_what_postings_say(platform: Platform) -> None:
    from tests.flow.conftest import numbers

    treasury = Treasury(platform)
    people = numbers(30)
    await platform.consent(people)
    await platform.send(people)
    await treasury.quiet()
    today = await platform.value("SELECT min(day) FROM usage")
    for carrier in CARRIERS:
        request = RateRequest(carrier=carrier, from_day=today, micro=30_000)
        await treasury.desk.treasury.add_rate(treasury.staff[0], request)
    told = await treasury.desk.margin(treasury.staff[0], today, today, ["customer"])
    (one,) = told["rows"]
    revenue = await platform.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'")
    assert one["charged_micro"] == revenue == 30 * 50_000
    assert one["margin_micro"] == 30 * 20_000
    with pytest.raises(AssentError) as wrong:
        await treasury.desk.margin(treasury.staff[0], today, today, ["colour"])
    assert wrong.value.code == "bad_margin"
