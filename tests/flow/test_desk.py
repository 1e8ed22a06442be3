"""The review desk: queue, questions, two persons, decisions that are done once."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from assent.clock import ManualClock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.desk import Desk
from assent.flow.matters import Item, Matter, Note, open_item, withdraw_item
from assent.flow.needs import Queries, Transaction
from assent.flow.requests import Caller, ReviewDecision, ReviewWords
from assent.flow.setup import Register, file_register
from assent.registry.calendar import Calendar
from assent.registry.decisions import GROUNDS
from assent.store import Store

SUNDAY = 1_795_320_000.0  # 2026-11-22 12:00 in China
REGISTER = {
    "accounts": [
        {"name": "shop"},
        {"name": "other"},
        {"name": "operator", "kind": "operator", "price_micro": 0},
    ]
}
YES = ReviewDecision(verdict="approve", code="in_order")
NO = ReviewDecision(verdict="refuse", code="illegible", words="第二页看不清")


class Door(Matter):
    """A matter that writes down what it was told."""

    kind = "door"

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []
        self.persons = 1
        self.fault: Exception | None = None

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        return self.persons

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        if self.fault is not None:
            raise self.fault
        self.done.append(("approve", item.subject))
        return {"door": "open"}

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        self.done.append((code, item.subject))
        return {"door": "shut"}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        return {"colour": "red"}


class House:
    """A desk on a real store, with one kind of items."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self.store = store
        self.clock = ManualClock(SUNDAY)
        self.desk = Desk(store, self.clock, catalogue)
        self.door = Door()
        self.desk.plug(self.door)
        by_name = {account.name: account.id for account in catalogue.accounts.values()}
        self.customer = Caller(by_name["shop"], frozenset({"admission"}), False, 5)
        self.other = Caller(by_name["other"], frozenset({"admission"}), False, 6)
        self.one = Caller(by_name["operator"], frozenset({"review"}), False, 1)
        self.two = Caller(by_name["operator"], frozenset({"second_review"}), False, 2)

    async def item(self, subject: int = 7, **more: Any) -> int:
        more = {"account_id": self.customer.account_id, "at": self.clock.now(), **more}
        async with self.store.transaction() as tx:
            return await self.desk.open(tx, "door", subject, **more)

    async def acts(self) -> list[str]:
        connection = await self.store.connect()
        try:
            rows = await connection.fetch("SELECT what FROM staff_act ORDER BY id")
        finally:
            await connection.close()
        return [row["what"] for row in rows]


@pytest.fixture
async def house(fresh_store: Store) -> House:
    document = msgspec.convert(REGISTER, Register)
    await file_register(fresh_store, document, SUNDAY, secrets.token_bytes)
    catalogue = Catalogue()
    await catalogue.load(fresh_store)
    return House(fresh_store, catalogue)


async def test_one_person_decides_and_once(house: House) -> None:
    note = Note("young", "a young company", "成立不久", {"days": 3})
    item = await house.item(signals=[note], reasons=[Note("new", "it is new", "新申请")])
    (waiting,) = (await house.desk.queue(house.one))["items"]
    assert (waiting["state"], waiting["overdue"], waiting["account"]) == ("open", False, "shop")
    assert waiting["signals"] == [
        {"code": "young", "en": "a young company", "zh": "成立不久", "days": 3}
    ]
    shown = await house.desk.show(house.one, item)
    assert shown["subject"] == {"colour": "red"}
    done = await house.desk.decide(house.one, item, YES)
    assert (done["state"], done["zh"]) == ("approved", "所需材料均已核验一致")
    # The answer was lost and the same is told again: nothing more happens.
    assert (await house.desk.decide(house.one, item, YES))["state"] == "approved"
    assert house.door.done == [("approve", 7)]
    assert await house.acts() == ["review.approve"]
    for caller, word in ((house.one, NO), (house.two, YES)):
        with pytest.raises(Conflict) as caught:
            await house.desk.decide(caller, item, word)
        assert caught.value.code == "item_decided"
    assert (await house.desk.queue(house.one))["items"] == []


async def test_two_persons(house: House) -> None:
    house.door.persons = 2
    item = await house.item()
    with pytest.raises(NotAllowed) as caught:
        await house.desk.decide(house.two, item, YES)
    assert caught.value.code == "second_only"
    assert (await house.desk.decide(house.one, item, YES))["state"] == "second"
    assert house.door.done == []
    with pytest.raises(NotAllowed) as caught:
        await house.desk.decide(house.one, item, YES)
    assert caught.value.code == "same_person"
    assert (await house.desk.decide(house.two, item, YES))["state"] == "approved"
    assert house.door.done == [("approve", 7)]
    assert await house.acts() == ["review.approve", "review.approve"]


async def test_a_person_with_two_keys_is_one_person(house: House) -> None:
    house.door.persons = 2
    item = await house.item()
    li_lei = replace_caller(house.one, actor=11)
    await house.desk.decide(li_lei, item, YES)
    again = replace_caller(house.two, actor=11)
    with pytest.raises(NotAllowed) as caught:
        await house.desk.decide(again, item, YES)
    assert caught.value.code == "same_person"
    # A key that was the first stays the same key, whoever is said to use it.
    nobody = replace_caller(house.one, actor=None)
    with pytest.raises(NotAllowed):
        await house.desk.decide(nobody, item, YES)
    other = replace_caller(house.two, actor=12)
    assert (await house.desk.decide(other, item, YES))["state"] == "approved"


def replace_caller(caller: Caller, actor: int | None) -> Caller:
    return msgspec.structs.replace(caller, actor_id=actor)


async def test_one_person_may_refuse_what_two_must_approve(house: House) -> None:
    house.door.persons = 2
    item = await house.item()
    await house.desk.decide(house.one, item, YES)
    done = await house.desk.decide(house.two, item, NO)
    assert (done["state"], done["code"], done["mend"]) == (
        "refused", "illegible", "hand in a complete, legible copy in colour",
    )  # fmt: skip
    assert house.door.done == [("illegible", 7)]


async def test_what_changes_after_the_first_word_needs_it_again(house: House) -> None:
    house.door.persons = 2
    item = await house.item()
    await house.desk.decide(house.one, item, YES)
    assert await house.item(reasons=[Note("changed", "changed", "有变更")]) == item
    shown = await house.desk.show(house.one, item)
    assert (shown["state"], shown["agreed"]) == ("open", 0)


async def test_questions_and_answers(house: House) -> None:
    item = await house.item()
    await house.desk.ask(house.one, item, ReviewWords("哪一页是经营范围？"))
    (seen,) = await house.desk.items_of(house.customer.account_id)
    assert seen["state"] == "asked"
    assert "signals" not in seen
    assert [(word["from"], word["words"]) for word in seen["thread"]] == [
        ("operator", "哪一页是经营范围？")
    ]
    assert "key" not in seen["thread"][0]
    with pytest.raises(NotFound):
        await house.desk.answer(house.other, item, ReviewWords("我来答"))
    with pytest.raises(InvalidInput):
        await house.desk.answer(house.customer, item, ReviewWords("  "))
    await house.desk.answer(house.customer, item, ReviewWords("第三页"))
    shown = await house.desk.show(house.one, item)
    assert shown["state"] == "open"
    assert [word["key"] for word in shown["thread"]] == [1, 5]
    await house.desk.decide(house.one, item, YES)
    with pytest.raises(Conflict):
        await house.desk.answer(house.customer, item, ReviewWords("还有"))
    unasked = await house.item(8, account_id=None)
    with pytest.raises(Conflict) as caught:
        await house.desk.ask(house.one, unasked, ReviewWords("谁？"))
    assert caught.value.code == "nobody_to_ask"


async def test_a_decision_that_fails_leaves_everything(house: House) -> None:
    item = await house.item()
    house.door.fault = Conflict("not_qualified", "no papers")
    with pytest.raises(Conflict):
        await house.desk.decide(house.one, item, YES)
    shown = await house.desk.show(house.one, item)
    assert (shown["state"], shown["thread"]) == ("open", [])
    assert await house.acts() == []


async def test_who_may(house: House) -> None:
    item = await house.item()
    pretender = msgspec.structs.replace(house.customer, scopes=frozenset({"review"}))
    for caller in (house.customer, pretender):
        for call in (
            house.desk.queue(caller), house.desk.show(caller, item),
            house.desk.decide(caller, item, YES),
        ):  # fmt: skip
            with pytest.raises(NotAllowed):
                await call
    auditor = msgspec.structs.replace(house.one, scopes=frozenset({"audit"}))
    assert (await house.desk.show(auditor, item))["id"] == str(item)
    with pytest.raises(NotAllowed):
        await house.desk.decide(auditor, item, YES)
    with pytest.raises(NotFound):
        await house.desk.show(house.one, 999)


async def test_grounds_fit_the_verdict(house: House) -> None:
    item = await house.item()
    for verdict, code in (("approve", "forged"), ("refuse", "in_order"), ("refuse", "withdrawn"),
                          ("approve", "so_be_it")):  # fmt: skip
        word = ReviewDecision(verdict=verdict, code=code)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput) as caught:
            await house.desk.decide(house.one, item, word)
        assert caught.value.code == "no_such_ground"
    assert all(ground.en and ground.zh for ground in GROUNDS)


async def test_pages_by_urgency(house: House) -> None:
    for subject in range(5):
        await house.item(subject, days=5 - subject)
    first = await house.desk.queue(house.one, limit=3)
    rest = await house.desk.queue(house.one, cursor=first["cursor"])
    assert [one["about"] for one in (*first["items"], *rest["items"])] == ["4", "3", "2", "1", "0"]
    assert (first["more"], rest["more"]) == (True, False)
    assert (await house.desk.queue(house.one, kind="window"))["items"] == []
    with pytest.raises(InvalidInput):
        await house.desk.queue(house.one, cursor="x")
    house.clock.advance(8 * 86_400)
    assert all(one["overdue"] for one in (await house.desk.queue(house.one))["items"])


async def test_withdrawn(house: House) -> None:
    item = await house.item()
    async with house.store.transaction() as tx:
        assert await withdraw_item(tx, "door", 7, house.clock.now())
        assert not await withdraw_item(tx, "door", 7, house.clock.now())
    with pytest.raises(Conflict):
        await house.desk.decide(house.one, item, YES)
    assert await house.item() != item


def test_terms_are_working_days() -> None:
    from datetime import date, datetime

    friday = datetime.fromisoformat("2026-09-18T10:00:00+08:00").timestamp()
    plain = Calendar()
    assert plain.after(friday, 1) == datetime.fromisoformat("2026-09-22T00:00:00+08:00").timestamp()
    worked = replace(plain, worked={date(2026, 9, 20)})
    assert (
        worked.after(friday, 1) == datetime.fromisoformat("2026-09-21T00:00:00+08:00").timestamp()
    )
    october = datetime.fromisoformat("2026-09-30T10:00:00+08:00").timestamp()
    holidays = {date(2026, 10, day) for day in range(1, 8)}
    free = replace(plain, holidays=holidays)
    assert free.after(october, 2) == datetime.fromisoformat("2026-10-10T00:00:00+08:00").timestamp()


async def test_what_was_said_stays(house: House) -> None:
    item = await house.item()
    await house.desk.ask(house.one, item, ReviewWords("？"))
    connection = await house.store.connect()
    try:
        for sql in ("UPDATE review_word SET words = 'x'", "DELETE FROM review_word",
                    "TRUNCATE review_word", "DELETE FROM document_sight"):  # fmt: skip
            with pytest.raises(Exception, match="append-only"):
                await connection.execute(sql)
    finally:
        await connection.close()


async def test_open_item_without_a_desk(house: House) -> None:
    async with house.store.transaction() as tx:
        item = await open_item(tx, "window", 1, at=SUNDAY)
    with pytest.raises(Conflict) as caught:
        await house.desk.decide(house.one, item, YES)
    assert caught.value.code == "no_matter"
