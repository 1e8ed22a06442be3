"""Limits, credit, sub-accounts and alerts; nobody's balance passes its limit, whatever races."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.app.node import Node
from assent.errors import AssentError
from assent.flow.money_requests import AllotRequest, LimitsRequest
from tests.flow.conftest import Platform, numbers, register, running
from tests.flow.treasury import Treasury

PRICE = 50_000


def document(deposit: int) -> dict[str, Any]:
    told = register(2)
    for account in told["accounts"][:2]:
        account["deposits"] = {"first": deposit}
    return told


async def test_a_credit_limit_is_used_and_never_passed(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, document=document(20 * PRICE)) as platform:
        treasury = Treasury(platform)
        await treasury.terms("account1", credit_limit_micro=15 * PRICE)
        people = numbers(200)
        await platform.consent(people)
        second = Node(platform.settings, "all", platform.url, platform.clock)
        await second.start()
        first = platform.node
        tasks = []
        for place in range(40):
            platform.node = (first, second)[place % 2]
            tasks.append(asyncio.create_task(platform.send(people[place * 5 : place * 5 + 5])))
            await asyncio.sleep(0)
        platform.node = first
        answers: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
        await treasury.quiet()
        await second.stop()
        allowed = sum(a["allowed"] for a in answers if not isinstance(a, BaseException))
        assert 0 < allowed <= 35
        assert await treasury.available() == (20 - allowed) * PRICE >= -15 * PRICE
        await treasury.proved()
        with pytest.raises(AssentError) as owed:
            await treasury.terms("account1", credit_limit_micro=max(0, (allowed - 21) * PRICE))
        assert allowed < 21 or owed.value.code == "credit_in_use"


async def test_a_daily_limit_ends_with_the_day(platform: Platform) -> None:
    treasury = Treasury(platform)
    limits = LimitsRequest(daily_limit_micro=12 * PRICE)
    await treasury.desk.purses.limit(treasury.customer(), limits)
    people = numbers(60)
    await platform.consent(people)
    answers = await asyncio.gather(
        *(platform.send(people[i * 5 : i * 5 + 5]) for i in range(6)), return_exceptions=True
    )
    told = [a for a in answers if not isinstance(a, BaseException)]
    assert sum(a["allowed"] for a in told) <= 12
    rest = await platform.send(people[30:50])
    assert rest["reasons"].keys() == {"spending_limit"}
    spent = (await treasury.desk.purses.show(treasury.customer()))["spent_today_micro"]
    assert spent <= 12 * PRICE
    code = await platform.send(people[50:51], "verification")
    assert code["reasons"] in ({"spending_limit": 1}, {})
    treasury.later(1)
    assert (await platform.send(people[51:60]))["allowed"] == 9
    await treasury.quiet()
    await treasury.proved()


async def test_quotas_come_out_of_the_parents_balance(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path, document=document(30 * PRICE)) as platform:
        treasury = Treasury(platform)
        await treasury.terms("account2", parent="account1")
        purses, parent = treasury.desk.purses, treasury.customer(1)

        async def allot(count: int, reference: str) -> Any:
            request = AllotRequest(
                account="account2", amount_micro=count * PRICE, reference=reference
            )
            return await purses.allot(parent, request)

        answers = await asyncio.gather(
            *(allot(4, f"r{i}") for i in range(12)), return_exceptions=True
        )
        codes = {a.code for a in answers if isinstance(a, AssentError)}
        assert codes == {"balance"}
        assert await treasury.available(1) == 2 * PRICE
        assert await treasury.available(2) == 58 * PRICE
        done = next(i for i, a in enumerate(answers) if not isinstance(a, BaseException))
        await allot(4, f"r{done}")  # the same again does nothing
        assert await treasury.available(2) == 58 * PRICE
        with pytest.raises(AssentError) as other:
            await allot(5, f"r{done}")
        assert other.value.code == "reference_reused"
        await allot(-58, "all back")
        assert (await treasury.available(1), await treasury.available(2)) == (60 * PRICE, 0)
        with pytest.raises(AssentError):
            await allot(-1, "more than there is")
        await treasury.proved()
        limits = msgspec.convert({"account": "account2", "daily_limit_micro": 1}, LimitsRequest)
        shown = await purses.limit(parent, limits)
        assert shown["sub_accounts"][0]["daily_limit_micro"] == 1
        with pytest.raises(AssentError) as stranger:
            await purses.limit(
                treasury.customer(2), msgspec.convert({"account": "account1"}, LimitsRequest)
            )
        assert stranger.value.code == "no_sub_account"


async def test_each_fall_below_the_mark_is_told_once(platform: Platform) -> None:
    treasury = Treasury(platform)
    caller = treasury.customer()
    mark = await treasury.available() - 3 * PRICE
    await treasury.desk.purses.limit(caller, LimitsRequest(alert_below_micro=mark))
    people = numbers(10)
    await platform.consent(people)
    settler, now = platform.node.settler, platform.clock.now()

    async def alerts() -> int:
        await settler.tell_low(now)
        return len((await treasury.desk.purses.show(caller))["alerts"])

    assert await alerts() == 0
    await platform.send(people[:3])
    assert await alerts() == 0, "at the mark is not below it"
    await platform.send(people[3:5])
    assert [await alerts(), await alerts()] == [1, 1]
    await platform.sql("UPDATE balance SET available = $1 WHERE account_id = 1", mark)
    assert await alerts() == 1
    await platform.sql("UPDATE balance SET available = $1 WHERE account_id = 1", mark - 1)
    assert [await alerts(), await alerts()] == [2, 2]
    told = "SELECT count(*) FROM event WHERE kind = 'balance_low' AND account_id = 1"
    assert await platform.value(told) == 2
