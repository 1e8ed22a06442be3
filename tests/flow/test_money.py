"""Money: two sides to everything, nothing spent twice, nothing charged or given back twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assent.app.node import Node
from assent.clock import SystemClock
from assent.errors import AssentError
from assent.flow.money import Book
from assent.flow.needs import Transaction
from assent.flow.orders import order_of
from assent.flow.requests import Receiver, RefusalRequest, SendRequest
from tests.flow.conftest import MARKETING_TEXT, Platform, numbers, register, running

PRICE = 50_000


@pytest.fixture
async def poor(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """An account with money for exactly fifty segments."""
    document = register(1)
    document["accounts"][0]["deposits"] = {"first": 50 * PRICE}
    async with running(migrated_url, tmp_path, document=document) as platform:
        yield platform


async def quiet(platform: Platform) -> None:
    async def true() -> bool:
        left = "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
        return bool(await platform.value(left) == 0)

    await platform.until(true, "nothing is under way")


async def books(platform: Platform) -> dict[Book, int]:
    """Return what each book of the account holds; all books of all accounts sum to zero."""
    rows = await platform.node.store.fetch("money_sums")
    by_account: Counter[int] = Counter()
    for row in rows:
        by_account[row["account_id"]] += row["amount"]
    assert not any(by_account.values()), "every account's books sum to zero"
    return {Book(row["book"]): row["amount"] for row in rows if row["account_id"] == 1}


async def visible(platform: Platform) -> int:
    await platform.node.settler.fold_balances()
    return int(await platform.value("SELECT available FROM balance WHERE account_id = 1"))


async def test_an_order_is_cut_where_the_money_ends(poor: Platform) -> None:
    people = numbers(60)
    await poor.consent(people)
    answer = await poor.send(people)
    assert answer["allowed"] == 50
    assert answer["reasons"] == {"balance": 10}
    rejected = [line["row"] for line in answer["messages"] if line["status"] == "rejected"]
    assert rejected == list(range(50, 60)), "in the order of the order"
    assert await visible(poor) == 0
    assert (await poor.send(people[50:]))["reasons"] == {"balance": 10}
    await quiet(poor)
    held = await books(poor)
    assert held[Book.REVENUE] == 50 * PRICE
    assert held[Book.RESERVED] == held[Book.AVAILABLE] == 0


async def test_concurrent_orders_never_overspend(poor: Platform) -> None:
    people = numbers(120)
    await poor.consent(people)
    second = Node(poor.settings, "all", poor.url, poor.clock)
    await second.start()
    first = poor.node
    tasks = []
    for place in range(12):
        poor.node = (first, second)[place % 2]
        tasks.append(asyncio.create_task(poor.send(people[place * 10 : place * 10 + 10])))
        await asyncio.sleep(0)
    poor.node = first
    answers: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    contended = [a for a in answers if isinstance(a, AssentError)]
    assert {error.code for error in contended} <= {"balance_contended"}
    allowed = sum(a["allowed"] for a in answers if not isinstance(a, BaseException))
    assert allowed <= 50
    assert await visible(poor) == (50 - allowed) * PRICE
    await quiet(poor)
    held = await books(poor)
    assert held[Book.REVENUE] == allowed * PRICE
    assert held[Book.AVAILABLE] == (50 - allowed) * PRICE
    assert len(poor.submits()) == allowed
    await second.stop()


async def test_what_carriers_refuse_comes_back_at_once(migrated_url: str, tmp_path: Path) -> None:
    script = {
        "answers": {"latency": 0.002, "refusals": [{"code": 13, "numbers": "^(86)?130"}]},
        "receipts": {"stats": {"UNDELIV": 1}},
    }
    async with running(migrated_url, tmp_path, script) as platform:
        people = numbers(30)
        await platform.consent(people)
        before = await visible(platform)
        await platform.send(people)
        assert await visible(platform) == before - 30 * PRICE
        await quiet(platform)
        # Accepted is charged, whatever the receipt says; refused is given back.
        assert await visible(platform) == before - 20 * PRICE
        held = await books(platform)
        assert held[Book.REVENUE] == 20 * PRICE
        assert held[Book.RESERVED] == 0


async def test_what_refusals_stop_comes_back_with_the_daily_batch(platform: Platform) -> None:
    people = numbers(12)
    await platform.consent(people)
    before = await visible(platform)
    later = datetime.fromtimestamp(platform.clock.now() + 60.0, UTC)
    await platform.send(people, not_before=later)
    request = RefusalRequest(sender="CODE1", to=people[:4], source="counter")
    await platform.node.refusals.refuse(platform.caller(), request, key=None, sha=b"")
    SystemClock.__init__(platform.clock, platform.clock.offset_s + 61.0)
    await quiet(platform)
    assert await visible(platform) == before - 12 * PRICE
    assert (await books(platform))[Book.RELEASED] == 4 * PRICE
    tomorrow = platform.clock.now() + 86_400.0
    for _ in range(3):
        await platform.node.settler.daily(tomorrow)
    assert await visible(platform) == before - 8 * PRICE
    held = await books(platform)
    assert held[Book.RELEASED] == held[Book.RESERVED] == 0
    assert held[Book.REVENUE] == 8 * PRICE


async def test_an_order_that_is_not_stored_leaves_nothing(poor: Platform) -> None:
    """Its money went between judging and storing; what was to be done with it is not done."""
    people = numbers(10)
    await poor.consent(people)
    node = poor.node
    request = SendRequest(
        sender="CODE1",
        purpose="marketing",
        messages=[Receiver(to=person) for person in people],
        text=MARKETING_TEXT,
    )
    order = order_of(node.catalogue, poor.caller(), request, key="key", sha=b"s" * 32)
    judged = await node.submit.judge(order)
    assert judged.allowed == 10

    async def also(tx: Transaction) -> bool:
        await tx.execute("cursor_set", "with the order", 1)
        return True

    judged.also = also
    await poor.sql("UPDATE balance SET available = 1")
    assert not await node.submit.store(judged)
    for table in ("submission", "batch", "queue", "decision", "idempotency"):
        assert await poor.value(f"SELECT count(*) FROM {table}") == 0
    assert await poor.value("SELECT count(*) FROM cursor WHERE name = 'with the order'") == 0
    assert await poor.value("SELECT count(*) FROM posting WHERE kind = 'reserve'") == 0
    assert await poor.value("SELECT available FROM balance WHERE account_id = 1") == 1


async def test_orders_and_folding_do_not_lock_each_other_out(platform: Platform) -> None:
    people = numbers(300)
    await platform.consent(people)
    done = asyncio.Event()
    folds = 0

    async def fold() -> None:
        nonlocal folds
        while not done.is_set():
            await platform.node.settler.fold_balances()
            folds += 1

    folding = [asyncio.create_task(fold()) for _ in range(2)]
    answers = await asyncio.gather(
        *(platform.send(people[start : start + 5]) for start in range(0, 300, 5))
    )
    done.set()
    await asyncio.gather(*folding)
    assert sum(answer["allowed"] for answer in answers) == 300
    assert folds
    await quiet(platform)
    assert await visible(platform) == 10**12 - 300 * PRICE
    await books(platform)
