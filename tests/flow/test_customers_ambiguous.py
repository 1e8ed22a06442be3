"""A store that fails under customers' links: every write of theirs is refused, lost, or done and
not answered (test_ambiguous.py). Nothing is lost, nothing is twice, each receipt comes once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.app import node as app_node
from assent.errors import Unavailable
from assent.flow import judging
from assent.flow.customers import Parcel
from tests.flow.audit import audit
from tests.flow.conftest import MARKETING_TEXT, Platform, numbers, running
from tests.flow.test_ambiguous import MODES, FrailStore, Mode, Plan, insist
from tests.flow.test_crash import IDLE
from tests.flow.test_customers import CODES, LONG, MARKETING, Software, document, segments

FEED = "link_batches_told"
LINKED = {"handed_store", "handed_judged", "order_admit", "parcels_done", FEED}
"""The first writes of taking in, of giving up, of judging, of acknowledging, and the feed's."""


class LinkedPlan(Plan):
    """Tells the feed from the fold, which begins alike."""

    def verdict(self, names: Sequence[str]) -> Mode | None:
        return super().verdict([FEED] if FEED in names else names)


@pytest.fixture
async def frail(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Platform]:
    FrailStore.plan = LinkedPlan()
    monkeypatch.setattr(app_node, "Store", FrailStore)
    script = {"answers": {"latency": 0.001}, "receipts": {"delay": {"uniform": [0.0, 0.1]}}}
    async with running(migrated_url, tmp_path, script, document=document()) as platform:
        yield platform
        FrailStore.plan.armed = False


class Patient(Software):
    """Repeats what the store did not take, as the outlet does."""

    async def collect(self) -> list[Any]:
        async def load() -> list[Parcel]:
            return await self.reception.load(self.link.id, 0, 100)

        parcels = await insist(load)
        for parcel in parcels:
            self.received += parcel.items
        await insist(lambda: self.reception.done([parcel.id for parcel in parcels]))
        return self.received

    async def hand_in(self, *handed: Any) -> bool:
        """Hand in until it is stored; nothing of what is answered busy is kept."""

        async def once() -> bool:
            if not await super(Patient, self).hand_in(*handed):
                raise Unavailable("busy", "not stored", mend="try again")
            return True

        return bool(await insist(once))


async def road(software: Patient, first: int) -> int:
    """Texts, long ones, codes, some to people who never agreed, parts that stay alone; return how
    many receipts are due."""
    people = numbers(9, first)
    await insist(lambda: software.platform.consent(people[:6]))
    software.last_id = first * 100
    code = "【商户1】您的验证码482913，5分钟内有效。"
    parts = segments(LONG)
    groups = [
        [software.handed(person) for person in (*people[:4], people[6])],
        [software.handed(people[7], code, CODES)],
        [software.handed(people[4], content, part=part) for part, content in parts],
        [software.handed(people[5:9], "【商户1】编号" + str(first) + MARKETING_TEXT)],
        [software.handed(people[0], "长", part=(1, 2, 1))],
        [software.handed(people[4], parts[0][1], part=parts[0][0])],
    ]
    for group in groups:
        await software.hand_in(*group)
    return sum(len(one.ids) for group in groups for one in group)


async def settled(platform: Platform, software: Patient, due: int) -> None:
    customers = platform.node.customers
    assert customers is not None
    now = platform.clock.now()

    async def told() -> bool:
        customers.judging.expire(now + judging.PATIENCE_S + 1)
        await software.collect()
        return len(software.receipts_now()) >= due

    await platform.until(told, f"{due} receipts {FrailStore.plan.failed}", 40.0)

    async def idle() -> bool:
        return bool(await platform.value(IDLE) == 0)

    await platform.until(idle, f"everything is settled {FrailStore.plan.failed}", 40.0)


async def balance(platform: Platform, software: Patient, rounds: int, due: int) -> None:
    await asyncio.sleep(0.3)
    await software.collect()
    receipts = software.receipts_now()
    assert len(receipts) == due, "each receipt comes once"
    ends = Counter((one.stat, one.error) for one in receipts.values())
    assert ends["DELIVRD", 0] == rounds * (4 + 1 + len(segments(LONG)) + 1)
    assert ends["EXPIRED", 907] == ends["REJECTD", 908] == rounds
    problems = await audit(platform.url, platform.records())
    assert not problems, "\n".join([*problems, str(FrailStore.plan.failed)])
    assert await platform.value("SELECT count(*) FROM handed_in") == 0
    assert await platform.value("SELECT count(*) FROM parcel") == 0
    assert await platform.value("SELECT sum(n) FROM batch WHERE purpose = 3") == rounds * 6
    assert await platform.value("SELECT sum(n) FROM batch WHERE purpose = 1") == rounds
    assert await platform.value("SELECT count(*) FROM unsure_segment") == 0
    assert len(platform.submits(CODES)) == rounds
    assert len({record["destination"] for record in platform.submits(MARKETING)}) == rounds * 6
    assert not platform.node.lost.is_set()


@pytest.mark.parametrize("mode", MODES)
async def test_each_kind_of_write_fails(frail: Platform, mode: Mode) -> None:
    """The first and the third write of every kind."""
    plan, seen = FrailStore.plan, Counter[str]()
    software = Patient(frail)

    def choose(name: str) -> Mode | None:
        seen[name] += 1
        return mode if seen[name] in (1, 3) else None

    plan.choose = choose
    plan.armed = True
    due = sum([await road(software, nth * 9) for nth in range(4)])
    await settled(frail, software, due)
    plan.armed = False
    for name in LINKED:
        assert plan.failed[name, mode], f"{name} was never failed: {seen}"
    await balance(frail, software, 4, due)


@pytest.mark.parametrize("seed", range(2))
async def test_any_write_fails_at_random(frail: Platform, seed: int) -> None:
    plan, rng = FrailStore.plan, Random(seed)
    software = Patient(frail)
    plan.choose = lambda name: rng.choice(MODES) if rng.random() < 0.25 else None
    plan.armed = True
    due = sum([await road(software, nth * 9) for nth in range(4)])
    await settled(frail, software, due)
    plan.armed = False
    await balance(frail, software, 4, due)
