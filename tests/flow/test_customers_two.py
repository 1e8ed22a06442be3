"""Two processes on one database that both serve customers, one of them perhaps taken for dead; and
customers who race each other, the register and the people who refuse."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assent.app.node import Node
from assent.clock import SystemClock
from assent.flow.chain_facts import Money
from assent.flow.customers import CustomerReceipt
from assent.flow.handed import Waiting
from assent.policy.reasons import BY_CODE
from tests.flow.audit import audit
from tests.flow.conftest import (
    MARKETING_TEXT,
    PROMPT,
    Platform,
    noon_offset,
    number,
    numbers,
    running,
)
from tests.flow.test_crash import IDLE
from tests.flow.test_customer_links import LOGINS, serving
from tests.flow.test_customer_links import document as links_document
from tests.flow.test_customers import CODES, MARKETING, Software, document

SERVICE = "1069999"
TEXT = "【商户1】" + MARKETING_TEXT


class OnNode(Software):
    """A customer's software at one of several nodes."""

    def __init__(self, platform: Platform, node: Node, first_id: int = 0) -> None:
        before, platform.node = platform.node, node
        super().__init__(platform)
        platform.node = before
        self.last_id = first_id


@asynccontextmanager
async def two(url: str, directory: Path) -> AsyncIterator[tuple[Platform, Node, Node]]:
    platform = Platform(url, directory, SystemClock(noon_offset()))
    await platform.start(PROMPT, links=1)
    try:
        await platform.file(document())
        nodes = [Node(platform.settings, "all", url, platform.clock) for _ in range(2)]
        for node in nodes:
            await node.start()
        platform.node = nodes[0]
        yield platform, nodes[0], nodes[1]
        for node in nodes:
            await node.stop()
    finally:
        await platform.stop()


async def quiet(platform: Platform) -> None:
    async def idle() -> bool:
        waiting = await platform.value("SELECT count(*) FROM handed_in")
        return bool(waiting == 0 and await platform.value(IDLE) == 0)

    await platform.until(idle, "everything is settled", 30.0)


async def balanced(platform: Platform) -> None:
    problems = await audit(platform.url, platform.records())
    assert not problems, "\n".join(problems)


class Gate:
    """Keeps what is stored from being judged until it is opened."""

    def __init__(self, node: Node, patch: pytest.MonkeyPatch) -> None:
        customers = node.customers
        assert customers is not None
        self.judge: Callable[[list[Waiting]], None] = customers.judging.add
        self.kept: list[Waiting] = []
        patch.setattr(customers.reception, "_judge", self.kept.extend)

    def open(self) -> None:
        self.judge(self.kept)


@pytest.mark.parametrize("source", [MARKETING, CODES])
async def test_what_one_takes_over_the_other_does_not_judge_who_is_not_dead_after_all(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    """Its epoch was ended while it slept; it wakes, and both want to judge the same submits."""
    async with two(migrated_url, tmp_path) as (platform, one, other):
        people = numbers(60)
        await platform.consent(people)
        await other.live.sync(other.store)
        text = TEXT if source == MARKETING else "【商户1】您的验证码482913，5分钟内有效。"
        gate = Gate(one, monkeypatch)
        sleeper = OnNode(platform, one)
        assert await sleeper.hand_in(*[sleeper.handed(n, text, source) for n in people[:50]])
        taken = asyncio.Event()
        assert other.customers is not None
        add = other.customers.reception._judge

        def judge(waiting: list[Waiting]) -> None:
            add(waiting)
            taken.set()
            gate.open()  # in the same moment

        monkeypatch.setattr(other.customers.reception, "_judge", judge)
        await platform.sql("UPDATE epoch SET ended_at = now() WHERE id = $1", one.epoch.id)
        await asyncio.wait_for(taken.wait(), 10)
        # What it still takes in is durable, and the other's from the start.
        gate.kept.clear()
        assert await sleeper.hand_in(*[sleeper.handed(n, text, source) for n in people[50:]])
        awake = OnNode(platform, other)
        receipts = await awake.receipts(60)
        assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
        assert len(receipts) == 60
        seen = Counter(record["destination"] for record in platform.submits(source))
        assert set(seen.values()) == {1}
        assert await platform.value("SELECT sum(n) FROM batch") == 60
        await platform.sql("UPDATE epoch SET ended_at = NULL WHERE id = $1", one.epoch.id)
        await quiet(platform)
        await balanced(platform)


async def test_of_two_processes_with_one_login_one_tells_each_parcel(
    migrated_url: str, tmp_path: Path
) -> None:
    """It keeps it while it lives and has a connection; then the other has it."""
    async with two(migrated_url, tmp_path) as (platform, one, other):
        people = numbers(40)
        await platform.consent(people)
        await other.live.sync(other.store)
        here, there = OnNode(platform, one), OnNode(platform, other, 1000)
        assert await here.hand_in(*[here.handed(person) for person in people[:20]])
        assert await there.hand_in(*[there.handed(person) for person in people[20:]])
        await quiet(platform)
        link = here.link.id
        told: dict[OnNode, set[int]] = {here: set(), there: set()}

        async def load(software: OnNode) -> list[int]:
            parcels = await software.reception.load(link, 0, 1000)
            ids = [
                item.id for p in parcels for item in p.items if isinstance(item, CustomerReceipt)
            ]
            assert len(ids) == len(set(ids))
            told[software] = set(ids)
            return [parcel.id for parcel in parcels]

        async def all_told() -> bool:
            await asyncio.gather(load(here), load(there))
            assert not told[here] & told[there], "told twice"
            return told[here] | told[there] == {*range(1, 21), *range(1001, 1021)}

        await platform.until(all_told, "all are told")
        # One's connections are gone for good: the other has all that is not acknowledged.
        await here.reception.give_back(link)
        kept = await load(there)
        assert await load(here) == []
        assert len(told[there]) == 40
        # It dies with all of it.
        await platform.sql("UPDATE epoch SET ended_at = now() WHERE id = $1", other.epoch.id)
        assert sorted(await load(here)) == sorted(kept)
        await here.reception.done(kept)
        assert await platform.value("SELECT count(*) FROM parcel") == 0
        await platform.sql("UPDATE epoch SET ended_at = NULL WHERE id = $1", other.epoch.id)
        assert len(platform.submits(MARKETING)) == 40
        await balanced(platform)


# Races -----------------------------------------------------------------------------------------


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as one:
        yield one


async def test_refusals_while_their_people_are_judged(platform: Platform) -> None:
    """Promise 2: after its confirmation has left, no marketing leaves to that person."""
    people = numbers(1500)
    await platform.consent(people)
    software = Software(platform)
    refused = people[::3]
    carriers = {"139": "mobile", "130": "unicom", "133": "telecom"}

    async def refuse() -> None:
        for place, person in enumerate(refused):
            platform.simulators[carriers[person[:3]]].send_mo(person, MARKETING, "TD")
            if place % 20 == 19:
                await asyncio.sleep(0.005)

    async def submit() -> None:
        for start in range(0, len(people), 100):
            some = people[start : start + 100]
            assert await software.hand_in(*[software.handed(person) for person in some])

    await asyncio.gather(submit(), refuse())
    await quiet(platform)

    async def confirmed() -> bool:
        return len(platform.submits(SERVICE)) == len(refused)

    await platform.until(confirmed, "every refusal is confirmed", 60.0)
    await quiet(platform)
    at = {record["destination"]: record["t"] for record in platform.submits(SERVICE)}
    late = [
        record["destination"]
        for record in platform.submits(MARKETING)
        if record["t"] > at.get(record["destination"], record["t"])
    ]
    assert not late
    receipts = await software.receipts(1)
    ends = Counter(receipt.error for receipt in receipts.values())
    assert set(ends) <= {0, BY_CODE["no_standing"].number, 906}
    await balanced(platform)


async def test_links_and_http_claim_the_same_people(platform: Platform) -> None:
    """The cap of one marketing message a day holds over both ways in."""
    people = numbers(120)
    await platform.consent(people)
    software = Software(platform)
    ways: list[Awaitable[Any]] = []
    for start in range(0, 120, 20):
        some = people[start : start + 20]
        ways.append(software.hand_in(*[software.handed(person) for person in some]))
        ways.append(platform.send(some, text="编号" + MARKETING_TEXT))
    await asyncio.gather(*ways)
    await quiet(platform)
    seen = Counter(record["destination"] for record in platform.submits(MARKETING))
    assert len(seen) == 120
    assert set(seen.values()) == {1}
    receipts = await software.receipts(120)
    assert {(one.stat, one.error) for one in receipts.values()} <= {
        ("DELIVRD", 0),
        ("REJECTD", 904),
        ("REJECTD", BY_CODE["cap_daily"].number if "cap_daily" in BY_CODE else 0),
        *(("REJECTD", reason.number) for code, reason in BY_CODE.items() if "cap" in code),
    }
    await balanced(platform)


async def test_money_that_runs_out_under_links_and_http_at_once(
    migrated_url: str, tmp_path: Path
) -> None:
    """What memory believes of the balance holds up nobody, and nothing is sent unpaid."""
    poor = document()
    segments = 2 if len(TEXT) > 70 else 1
    poor["accounts"][0]["deposits"] = {"first": 50_000 * segments * 30}
    async with running(migrated_url, tmp_path, document=poor) as platform:
        people = numbers(80)
        await platform.consent(people)
        software = Software(platform)
        # It was rich a moment ago, as far as this process knows.
        account = platform.caller().account_id
        platform.node.submit._balances[account] = Money(
            10**12, None, 0, 0, None, platform.clock.now()
        )
        some = [
            software.handed(person, TEXT[:5] + f"{i}" + TEXT[5:]) for i, person in enumerate(people)
        ]
        assert await software.hand_in(*some[:40])
        ways: list[Awaitable[Any]] = [software.hand_in(*some[40:])]
        ways += [platform.send([person]) for person in people[:10]]
        await asyncio.gather(*ways, return_exceptions=True)
        other = Software(platform, "login2")
        person = number("mobile", 900)
        await platform.consent([person], place=2)
        text = "【商户2】" + MARKETING_TEXT
        assert await other.hand_in(other.handed(person, text, "106900021"))
        await other.receipts(1)
        receipts = await software.receipts(80)
        ends = Counter(receipt.error for receipt in receipts.values())
        assert ends[BY_CODE["balance"].number] >= 40
        await quiet(platform)
        sent = platform.submits(MARKETING)
        assert len(sent) <= 30 * segments
        await balanced(platform)


@pytest.mark.parametrize("what", ["account", "sender", "port", "link"])
async def test_suspended_between_answer_and_judging(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    people = numbers(20)
    await platform.consent(people)
    software = Software(platform)
    gate = Gate(platform.node, monkeypatch)
    assert await software.hand_in(*[software.handed(person) for person in people])
    table, key = {
        "account": ("account", "name = 'account1'"),
        "sender": ("sender", "credit_code = 'CODE1'"),
        "port": ("port", f"number = '{MARKETING}'"),
        "link": ("customer_link", "login = 'login1'"),
    }[what]
    await platform.sql(f"UPDATE {table} SET status = 'suspended' WHERE {key}")
    await platform.sql("SELECT pg_notify('catalogue', '')")
    reception = software.reception

    def known() -> bool:
        catalogue, link = platform.node.catalogue, reception.link("login1")
        assert link is not None
        return {
            "account": lambda: not catalogue.accounts[link.account_id].active,
            "sender": lambda: not all(s.active for s in catalogue.senders.values()),
            "port": lambda: not all(p.active for p in catalogue.ports.values()),
            "link": lambda: not link.active,
        }[what]()

    await platform.until(known, "the register is read again")
    gate.open()
    receipts = await software.receipts(20)
    stats = {(one.stat, one.error) for one in receipts.values()}
    if what == "link":  # what it handed in while it was let in goes its way
        assert stats == {("DELIVRD", 0)}
    else:
        assert len(stats) == 1
        assert stats.pop()[0] == "REJECTD"
        assert platform.submits(MARKETING) == []
    assert await platform.value("SELECT count(*) FROM handed_in") == 0
    assert not platform.node.lost.is_set()


async def test_the_register_is_read_again_while_customers_submit(
    migrated_url: str, tmp_path: Path
) -> None:
    """Binds that are let in still stand through it; nothing is lost, nothing comes twice."""
    async with serving(migrated_url, tmp_path) as platform:
        people = numbers(200)
        await platform.consent(people)
        link = await platform.bind("smpp", LOGINS["smpp"])
        for turn in range(8):
            for person in people[turn * 25 : turn * 25 + 25]:
                platform.submit(link, person, TEXT)
            changed = links_document(platform.inbound)
            for login in changed["accounts"][0]["links"]:
                login |= {"window": 4 + turn, "binds": 1 + turn % 2}
            changed["accounts"][1]["links"][0]["active"] = bool(turn % 2)
            await platform.file(changed)
        await platform.until(lambda: len(platform.reports()) == 200, "all receipts", 30.0)
        assert len({identity for identity, _ in platform.reports()}) == 200
        assert {stat.strip() for _, stat in platform.reports()} == {"DELIVRD"}
        assert platform.customer.results.count(0) == 200
        assert len(platform.submits(MARKETING)) == 200
        assert link.state.value == "bound"
