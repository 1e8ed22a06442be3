"""What customers' software may hand in that it should not: it costs its own account an answer, and
nobody else anything."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.errors import Unavailable
from assent.flow import judging, reception
from assent.flow.customers import Objection
from assent.flow.judging import Judging
from assent.flow.linked import Group
from assent.flow.reception import Reception
from assent.policy.reasons import BY_CODE
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, running
from tests.flow.test_customers import (
    CODES,
    LONG,
    MARKETING,
    NOTICES,
    Software,
    document,
    segments,
)

CODE = "您的验证码482913，5分钟内有效。"
TAIL = "。客服电话400-820-1234。拒收请回复R"


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=document()) as one:
        yield one


def judging_of(platform: Platform) -> Judging:
    customers = platform.node.customers
    assert customers is not None
    return customers.judging


def reception_of(platform: Platform) -> Reception:
    customers = platform.node.customers
    assert customers is not None
    return customers.reception


async def goes_on(platform: Platform, start: int = 900) -> None:
    """Another account's marketing and a code still go their way, in a process that never fell."""
    other = Software(platform, "login2")
    other.last_id = 10 * start
    person, friend = numbers(2, start)
    await platform.consent([person], place=2)
    assert await other.hand_in(
        other.handed(person, "【商户2】" + MARKETING_TEXT, "106900021"),
        other.handed(friend, "【商户2】" + CODE, "106900022"),
    )
    receipts = await other.receipts(2)
    assert {one.stat for one in receipts.values()} == {"DELIVRD"}
    assert not platform.node.lost.is_set()


async def test_texts_that_no_template_makes_and_no_column_holds(platform: Platform) -> None:
    """NUL has no place in PostgreSQL's texts; braces mean nothing in a text of the customer's."""
    texts = [
        ("夏装上新\x00，全场八折" + TAIL, 909),
        ("夏装{x}上新{code}，{%s}%s%d{{}}" + TAIL, 0),
        (" \n\t", 909),
        ("【商户1】", 909),
        ("\ud83c\udf89夏装\ud800上新" + TAIL, 0),
        ("长" * 2100 + TAIL, 909),
    ]
    people = numbers(len(texts))
    await platform.consent(people)
    software = Software(platform)
    for person, (text, _) in zip(people, texts, strict=True):
        content = text.encode("utf-16-be", "surrogatepass")
        for start in range(0, len(content), 4000):
            part = (1, 2, start // 4000 + 1) if len(content) > 4000 else None
            some = content[start : start + 4000]
            assert await software.hand_in(software.handed(person, some, part=part))
    receipts = await software.receipts(len(texts) + 1)
    errors = [receipts[place].error for place in range(1, len(texts) + 1)]
    assert errors == [error for _, error in texts]
    sent = {record["text"] for record in platform.submits(MARKETING)}
    assert "【商户1】" + texts[1][0] in sent, "braces are sent as they are"
    assert len(sent) == 2
    await goes_on(platform)


async def test_lookalikes_of_templates_have_no_basis(platform: Platform) -> None:
    texts = [
        ("{code}", CODES),
        ("您的验证码，5分钟内有效。", CODES),
        ("您的验证码" + "9" * 500 + "，5分钟内有效。", CODES),
        ("您的验证码1，5分钟内有效。拒收请回复R", CODES),
        ("您的订单B1已发货。您的验证码1，5分钟内有效。", CODES),
        ("您的验证码1，5分钟内有效。", NOTICES),
    ]
    software = Software(platform)
    some = [software.handed(number("mobile", i), *text) for i, text in enumerate(texts)]
    assert await software.hand_in(*some)
    receipts = await software.receipts(len(texts))
    assert {one.error for one in receipts.values()} == {BY_CODE["basis_missing"].number}
    assert platform.submits(CODES) == platform.submits(NOTICES) == []


async def test_a_part_that_comes_a_thousand_times(platform: Platform) -> None:
    to = number("mobile", 1)
    await platform.consent([to])
    software = Software(platform)
    (first, content), *rest = segments(LONG)
    again = [software.handed(to, content, part=first) for _ in range(1000)]
    assert await software.hand_in(*again)
    assert await software.hand_in(*[software.handed(to, c, part=p) for p, c in rest])
    assert await software.hand_in(software.handed(to, content, part=first))
    receipts = await software.receipts(1001 + len(rest))
    ends = Counter((one.stat, one.error) for one in receipts.values())
    assert ends == {("DELIVRD", 0): 255, ("REJECTD", 908): 746 + len(rest)}
    parts = [1, *range(1001, 1001 + len(rest))]
    assert {receipts[id_].stat for id_ in parts} == {"DELIVRD"}, "each part has its receipt"
    assert await platform.value("SELECT count(*) FROM message") == 1
    assert await platform.value("SELECT count(*) FROM handed_in") == 0
    await goes_on(platform)


async def test_parts_that_do_not_fit_together(platform: Platform) -> None:
    one, two = number("mobile", 1), number("unicom", 2)
    await platform.consent([one, two])
    software, other = Software(platform), Software(platform, "login2")
    for bad in ((7, 2, 0), (7, 2, 3), (7, 0, 0), (7, 0, 1), (7, -1, -1)):
        handed = software.handed(one, "长", part=bad)
        assert software.reception.objection(handed) is Objection.CODING
    software.last_id = 0
    parts = segments(LONG)
    total = len(parts)
    # Same reference, other total; to somebody else; from another login: none of them mix.
    some = [software.handed(one, "长", part=(9, total + 1, 1))]
    some += [
        software.handed(to, content, part=part) for part, content in parts for to in (one, two)
    ]
    some += [software.handed("12345", "长", part=(9, 2, 1))]
    some += [software.handed("54321", "长", part=(9, 2, 2))]
    assert await other.hand_in(other.handed(one, "长", "106900021", part=parts[0][0]))
    assert await software.hand_in(*some)
    receipts = await software.receipts(2 * total)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert await platform.value("SELECT count(*) FROM message") == 2
    assert await platform.value("SELECT count(*) FROM handed_in") == 4
    judging_of(platform).expire(platform.clock.now() + judging.PATIENCE_S + 1)
    receipts = await software.receipts(2 * total + 3)
    wrong = {one.number: one.stat for one in receipts.values() if one.id > 2 * total + 1}
    assert wrong == {"12345": "EXPIRED", "54321": "EXPIRED"}


async def test_a_text_in_one_part_is_a_text(platform: Platform) -> None:
    """Some software puts a header on everything, always with the same reference."""
    software = Software(platform)
    some = [
        software.handed(number("mobile", 1), "您的订单B7已发货。", NOTICES, part=(0, 1, 1))
        for _ in range(3)
    ]
    assert await software.hand_in(*some)
    receipts = await software.receipts(3)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert len(platform.submits(NOTICES)) == 3


async def test_as_many_parts_as_there_can_be(platform: Platform) -> None:
    one, two = number("mobile", 1), number("unicom", 2)
    await platform.consent([one, two])
    software = Software(platform)
    filling = 510 - len("【商户1】" + MARKETING_TEXT)
    text = "【商户1】" + "夏" * filling + MARKETING_TEXT
    cut = [text[place * 2 : place * 2 + 2] for place in range(255)]
    assert "".join(cut) == text
    for to, contents in ((one, cut), (two, ["长" * 2000] * 255)):
        some = [
            software.handed(to, content, part=(3, 255, place))
            for place, content in enumerate(contents, 1)
        ]
        assert await software.hand_in(*some)
    receipts = await software.receipts(510)
    assert {receipts[i].stat for i in range(1, 256)} == {"DELIVRD"}
    assert {receipts[i].error for i in range(256, 511)} == {909}
    await goes_on(platform)


async def test_a_hundred_receivers_with_repeats_and_faults(platform: Platform) -> None:
    people = numbers(50)
    await platform.consent(people)
    wrong = ["12345", "999999999999999", "00000", "+1" + "0" * 15, "8613900000"]
    to = [
        *people, *["+86" + p for p in people[:20]], *["0086" + p for p in people[:10]], *wrong,
        *["86" + p for p in people[:15]],
    ]  # fmt: skip
    software = Software(platform)
    assert await software.hand_in(software.handed(to))
    receipts = await software.receipts(100)
    assert [receipts[place].number for place in range(1, 101)] == to
    stats = [receipts[place].stat for place in range(1, 101)]
    assert stats == ["DELIVRD"] * 50 + ["REJECTD"] * 50
    repeats = [receipts[place].error for place in (*range(51, 81), *range(86, 101))]
    assert set(repeats) == {BY_CODE["duplicate"].number}
    assert len(platform.submits(MARKETING)) == 50


async def test_absurd_times(platform: Platform) -> None:
    people = numbers(5)
    await platform.consent(people)
    software = Software(platform)
    now = platform.clock.now()
    some = [
        software.handed(people[0], not_before=now + 5, expires_at=now + 1),
        software.handed(people[1], expires_at=now + 4e9),
        software.handed(people[2], not_before=0.0),
        software.handed(people[3], not_before=now + 4e9),
        software.handed(people[4], not_before=now, expires_at=now + 0.001),
    ]
    assert await software.hand_in(*some)
    receipts = await software.receipts(4)
    stats = {place: (one.stat, one.error) for place, one in receipts.items()}
    assert stats[1] == ("REJECTD", 909)
    assert stats[2] == stats[3] == ("DELIVRD", 0)
    assert stats[5][0] in ("EXPIRED", "REJECTD")
    assert await platform.value("SELECT count(*) FROM queue") == 1, "the last waits its century"
    await goes_on(platform)


async def test_incomplete_parts_are_bounded_and_each_logins_own(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "MOST_PARTS", 50)
    flood, other = Software(platform), Software(platform, "login2")
    to, person = number("mobile", 1), number("unicom", 2)
    await platform.consent([person], place=2)
    text = "【商户2】" + MARKETING_TEXT
    parts = [((5, 2, 1), text[:20]), ((5, 2, 2), text[20:])]
    assert await other.hand_in(other.handed(person, parts[0][1], "106900021", part=parts[0][0]))
    for start in range(0, 400, 100):
        some = [
            flood.handed(to, "长" * 2000, part=(reference, 2, 1))
            for reference in range(start, start + 100)
        ]
        assert await flood.hand_in(*some)
    receipts = await flood.receipts(350)
    assert {(one.stat, one.error) for one in receipts.values()} == {("EXPIRED", 907)}

    async def bounded() -> bool:
        return bool(await platform.value("SELECT count(*) FROM handed_in") == 51)

    await platform.until(bounded, "what is kept is bounded")
    assert await other.hand_in(other.handed(person, parts[1][1], "106900021", part=parts[1][0]))
    receipts = await other.receipts(2)
    assert {one.stat for one in receipts.values()} == {"DELIVRD"}


async def test_parts_wait_across_a_restart_and_no_longer_for_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They meet what comes later, and expire five minutes after they came."""
    one, two = number("mobile", 1), number("unicom", 2)
    await platform.consent([one, two])
    monkeypatch.setattr(reception, "_ADOPT", 2)  # page by page
    software = Software(platform)
    parts = segments(LONG)
    early = [software.handed(to, c, part=p) for p, c in parts[:-1] for to in (one, two)]
    assert await software.hand_in(*early)
    came = platform.clock.now()
    await platform.node.stop()
    assert await platform.value("SELECT count(*) FROM handed_in") == len(early)
    await asyncio.sleep(0.5)
    started = platform.clock.now()
    await platform.start_node()
    again = Software(platform)
    again.last_id = software.last_id

    async def adopted() -> bool:
        return bool(
            await platform.value(
                "SELECT count(*) FROM handed_in WHERE epoch = $1", platform.node.epoch.id
            )
            == len(early)
        )

    await platform.until(adopted, "all are taken over")
    part, content = parts[-1]
    assert await again.hand_in(again.handed(one, content, part=part))
    receipts = await again.receipts(len(parts))
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert {receipt.number for receipt in receipts.values()} == {one}
    expires = came + judging.PATIENCE_S
    assert expires < started + judging.PATIENCE_S
    judging_of(platform).expire(expires)
    receipts = await again.receipts(2 * len(parts) - 1)
    assert [r.stat for r in receipts.values()].count("EXPIRED") == len(parts) - 1


@pytest.mark.parametrize(
    ("failing", "done"), [("handed_left", False), ("handed_adopt", True), ("people_by_id", False)]
)
async def test_taking_over_may_fail_anywhere(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, failing: str, done: bool
) -> None:
    """Also when it is done and its answer lost: the rows are ours then, and must not be forgotten
    until we die."""
    people = numbers(5)
    await platform.consent(people)
    mine = reception_of(platform)
    monkeypatch.setattr(mine, "_judge", lambda waiting: None)
    software = Software(platform)
    assert await software.hand_in(*[software.handed(person) for person in people])
    (dead,) = await platform.sql(
        "INSERT INTO epoch (role, host, pid, started_at, ended_at)"
        " VALUES ('all', 'x', 1, now(), now()) RETURNING id"
    )
    store = platform.node.store
    real, failures = store.fetch, iter(range(2))

    async def fetch(name: str, *args: object) -> object:
        if name == failing and next(failures, None) is not None:
            if done:
                await real(name, *args)
            raise Unavailable("store_lost", "a test", mend="wait")
        return await real(name, *args)

    monkeypatch.setattr(store, "fetch", fetch)
    monkeypatch.setattr(mine, "_judge", judging_of(platform).add)
    for person in people:  # so that their numbers have to be asked for
        known = await platform.value("SELECT id FROM person WHERE msisdn = $1", int("86" + person))
        platform.node.directory.forget(np.array([known], np.uint32))
    await platform.sql("UPDATE handed_in SET epoch = $1", dead["id"])
    receipts = await software.receipts(5)
    assert {receipt.stat for receipt in receipts.values()} == {"DELIVRD"}
    assert len(platform.submits(MARKETING)) == 5
    assert next(failures, None) is None, "it did fail"
    assert await platform.value("SELECT count(*) FROM handed_in") == 0


async def test_who_hands_in_thousands_does_not_keep_the_others_waiting(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts that all differ are judged one by one, but everybody's in turn."""
    monkeypatch.setattr(judging, "_MOST", 50)
    mine = judging_of(platform)
    order: list[int] = []
    real, kept = mine._judge, []

    async def judge(group: Group) -> None:
        order.append(group.link_id)
        await real(group)

    monkeypatch.setattr(mine, "_judge", judge)
    monkeypatch.setattr(reception_of(platform), "_judge", kept.extend)
    flood, other = Software(platform), Software(platform, "login2")
    some = [flood.handed(person, f"{person}" + TAIL) for person in numbers(300)]
    assert await flood.hand_in(*some)
    assert await other.hand_in(other.handed(number("mobile", 900), "x" + TAIL, "106900021"))
    mine.add(kept)
    await flood.receipts(300)
    await other.receipts(1)
    assert len(order) == 301
    assert order.index(other.link.id) < 50
    assert mine.backlog() == 0


async def test_nothing_is_read_while_too_much_waits(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What links look at before they read on counts what is not judged, and what is not told."""
    mine, waits = reception_of(platform), asyncio.Event()
    store = platform.node.store
    real = store.transaction

    @asynccontextmanager
    async def transaction(**more: Any) -> AsyncIterator[Any]:
        if asyncio.current_task() in judging_tasks:
            await waits.wait()
        async with real(**more) as tx:
            yield tx

    judging_tasks = {
        task for task in asyncio.all_tasks() if "Judging._run" in repr(task.get_coro())
    }
    assert len(judging_tasks) == 2
    monkeypatch.setattr(store, "transaction", transaction)
    software = Software(platform)
    some = [software.handed(person, " ") for person in numbers(30)]
    some += [software.handed(person) for person in numbers(30)]
    assert await software.hand_in(*some)

    def all_wait() -> bool:
        return mine.waiting == 60

    await platform.until(all_wait, "all are waiting")
    waits.set()
    await software.receipts(60)
    assert mine.waiting == 0
