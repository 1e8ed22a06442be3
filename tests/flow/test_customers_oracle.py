"""Promise 7 over customers' links: nothing that is answered or pushed tells one who refused from
one who never agreed, in whichever dialect, and no more than HTTP tells."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, running
from tests.flow.test_customer_links import (
    DIALECTS,
    LOGINS,
    MARKETING,
    CustomersPlatform,
    serving,
)
from tests.flow.test_customers import Software, document
from tests.flow.test_promises import move, refuse

TEXT = "【商户1】" + MARKETING_TEXT


@pytest.fixture
async def served(migrated_url: str, tmp_path: Path) -> AsyncIterator[CustomersPlatform]:
    async with serving(migrated_url, tmp_path) as one:
        yield one


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as one:
        yield one


async def strangers(platform: Platform) -> list[str]:
    """One who refused by reply, one through the customer, one who said something unclear, one who
    agreed to nothing, one who was never heard of."""
    replied, told, unclear, seen, unknown = (number("mobile", place) for place in range(1, 6))
    await platform.consent([replied, told, unclear])
    await platform.send([seen], "verification")
    await refuse(platform, [told])
    platform.simulators["mobile"].send_mo(replied, MARKETING, "TD")
    platform.simulators["mobile"].send_mo(unclear, MARKETING, "不用了")

    async def heard() -> bool:
        paused = await platform.value("SELECT count(*) FROM pause")
        return bool(paused + await platform.value("SELECT count(*) FROM refusal") == 3)

    await platform.until(heard, "all are heard")
    await platform.until(lambda: platform.node.confirmer.sent >= 1, "and confirmed")
    await platform.node.live.sync(platform.node.store)
    return [replied, told, unclear, seen, unknown]


def blind(deliver: Any) -> tuple[Any, ...]:
    """What a customer reads in a receipt but for whom it is about and when."""
    report = deliver.report()
    words = re.findall(rb"(?:sub|dlvrd|stat|err):\w+", deliver.content)
    return (report.stat, report.smsc_sequence, deliver.destination, *words)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_receipts_are_alike(served: CustomersPlatform, dialect: str) -> None:
    people = await strangers(served)
    link = await served.bind(dialect, LOGINS[dialect])
    for person in people:
        served.submit(link, person, TEXT)
    await served.until(lambda: len(served.reports()) == 5, "a receipt for each")
    assert set(served.customer.results) == {0}, "all are answered alike"
    reports = [deliver for deliver in served.customer.delivers if deliver.is_report]
    assert len({blind(deliver) for deliver in reports}) == 1
    assert len(served.customer.delivers) == 5, "neither refusals nor the unclear reply are pushed"
    rows = await served.sql("SELECT id FROM parcel")
    assert len(rows) <= 1, "told at once, not when it is known who"
    answer = await served.send(people)
    assert answer["reasons"] == {"no_standing": 5}, "as it is over HTTP"


async def test_one_order_or_many_tell_the_same(platform: Platform) -> None:
    people = await strangers(platform)
    software = Software(platform)
    assert await software.hand_in(software.handed(people))
    for person in people:
        assert await software.hand_in(software.handed(person))
    receipts = await software.receipts(10)
    assert len({(one.stat, one.error, one.source) for one in receipts.values()}) == 1
    assert {round(one.done - one.submitted, 0) for one in receipts.values()} == {0.0}


async def test_what_a_withdrawal_stopped_is_told_with_the_daily_batch(platform: Platform) -> None:
    """Until then its sender hears what it hears of one that waits: nothing."""
    people = numbers(6)
    await platform.consent(people)
    software = Software(platform)
    later = platform.clock.now() + 60.0
    some = [software.handed(person, not_before=later) for person in people]
    assert await software.hand_in(*some)

    async def queued() -> bool:
        return bool(await platform.value("SELECT count(*) FROM queue") == 3)

    await platform.until(queued, "all wait for their hour")
    await refuse(platform, people[:1])
    platform.simulators["unicom"].send_mo(people[1], MARKETING, "TD")
    await platform.until(lambda: platform.node.confirmer.sent == 2, "refusals are confirmed")
    move(platform, 61.0)
    receipts = await software.receipts(4)

    async def cancelled() -> bool:
        return bool(await platform.value("SELECT count(*) FROM untold") == 2)

    await platform.until(cancelled, "two were cancelled")
    while await platform.node.settler.feed.step(platform.clock.now()):
        pass
    await software.collect()
    assert software.receipts_now().keys() == receipts.keys() == {3, 4, 5, 6}
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    move(platform, 86_400.0)
    await platform.node.settler.daily(platform.clock.now())
    receipts = await software.receipts(6)
    assert {(receipts[place].stat, receipts[place].error) for place in (1, 2)} == {("UNDELIV", 906)}
    assert await platform.value("SELECT count(*) FROM parcel") == 0
