"""Alarms are kept once while they go on, decided by staff, and learn from what staff say."""

from __future__ import annotations

from typing import Any

import pytest

from assent.errors import Conflict, NotAllowed, NotFound
from assent.flow.alarm_requests import AlarmConfirmation, AlarmDismissal
from assent.flow.alarms import QUIET_S, Alarm, Alarms
from assent.flow.columns import unpack_object
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.store import Store
from tests.flow.front_site import SUNDAY, Site, open_site

HOUR = 3_600.0
WRONG = AlarmDismissal(reason="开业活动，合同已核")


class Room:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.alarms = Alarms(site.store, site.clock, site.catalogue)
        operator = site.accounts["operator"]
        self.reviewer = Caller(operator, frozenset({"review"}), False, 7)
        self.shop = site.accounts["shop"]

    async def seen(self, severity: int = 1, score: float = 1.0, **more: Any) -> int | None:
        named = {"account": self.shop, "key": "k", "detector": "volume", **more}
        alarm = Alarm(severity=severity, score=score, evidence={"messages": int(score)}, **named)
        async with self.site.store.transaction() as tx:
            return await self.alarms.raise_alarm(tx, alarm, self.site.clock.now())

    async def told(self) -> list[dict[str, Any]]:
        rows = await self.site.sql("SELECT payload FROM event WHERE kind = 'alarm' ORDER BY seq")
        return [unpack_object(bytes(row["payload"])) for row in rows]

    async def end(self) -> list[int]:
        async with self.site.store.transaction() as tx:
            return await self.alarms.end_quiet(tx, self.site.clock.now())


@pytest.fixture
async def room(fresh_store: Store) -> Room:
    return Room(await open_site(fresh_store))


async def test_what_goes_on_is_one_alarm_with_its_gravest_sight(room: Room) -> None:
    first = await room.seen(1, 3.0)
    assert await room.seen(1, 2.0) == first  # the same hour: nothing changes
    room.site.clock.advance(HOUR)
    assert await room.seen(2, 9.0, accounts=(5, 3)) == first
    room.site.clock.advance(HOUR)
    assert await room.seen(1, 4.0, accounts=(3, 8)) == first
    other = await room.seen(1, 1.0, key="other")
    assert other != first
    shown = await room.alarms.show(room.reviewer, first or 0)
    assert (shown["severity"], shown["score"], shown["times"]) == (2, 9.0, 3)
    assert shown["evidence"] == {"messages": 9}
    assert shown["first_at"] == utc(SUNDAY)
    assert shown["last_at"] == utc(SUNDAY + 2 * HOUR)
    row = await room.site.sql("SELECT accounts FROM alarm WHERE id = $1", first)
    assert row[0]["accounts"] == [3, 5, 8]
    told = [(one["alarm"], one["severity"], one["fresh"]) for one in await room.told()]
    assert told == [(first, 1, True), (first, 2, False), (other, 1, True)]
    graver = await room.alarms.list(room.reviewer, severity=2)
    assert [one["id"] for one in graver["items"]] == [str(first)]
    both = await room.alarms.list(room.reviewer, account="shop", limit=1)
    rest = await room.alarms.list(room.reviewer, account="shop", cursor=int(both["cursor"]))
    assert [one["id"] for one in both["items"] + rest["items"]] == [str(other), str(first)]


async def test_it_ends_by_itself_when_quiet_and_a_case_keeps_it(room: Room) -> None:
    first, second = await room.seen(), await room.seen(key="case")
    assert first is not None
    assert second is not None
    async with room.site.store.transaction() as tx:
        await room.alarms.take_up(tx, second)
    room.site.clock.advance(QUIET_S + 1)
    assert await room.end() == [first]
    assert await room.end() == []
    assert await room.seen(key="case") == second
    assert await room.seen() not in (None, first)  # seen again later it is another one
    async with room.site.store.transaction() as tx:
        with pytest.raises(Conflict):
            await room.alarms.take_up(tx, first)
        await room.alarms.close(tx, second, "right")
    shown = await room.alarms.show(room.reviewer, second)
    assert (shown["state"], shown["label"]) == ("ended", "right")
    assert await room.seen(key="case") is None  # the hours looked at are still those of before
    room.site.clock.advance(25 * HOUR)
    assert await room.seen(key="case") not in (None, second)


async def test_staff_decide_and_what_was_wrong_stays_quiet(room: Room) -> None:
    first = await room.seen(2, 5.0)
    assert first is not None
    shown = await room.alarms.dismiss(room.reviewer, first, WRONG)
    assert (shown["state"], shown["label"], shown["reason"]) == ("dismissed", "wrong", WRONG.reason)
    for again in (
        room.alarms.dismiss(room.reviewer, first, WRONG),
        room.alarms.confirm(room.reviewer, first, AlarmConfirmation(reason="x")),
    ):
        with pytest.raises(Conflict):
            await again
    room.site.clock.advance(HOUR)
    assert await room.seen(2, 9.0) is None
    assert await room.seen(3, 9.0) is not None  # graver
    await room.site.sql("DELETE FROM alarm WHERE state = 'open'")
    assert await room.seen(2, 10.0) is not None  # twice as strong
    await room.site.sql("DELETE FROM alarm WHERE state = 'open'")
    room.site.clock.advance(8 * 24 * HOUR)
    later = await room.seen(2, 5.0)
    assert later is not None
    told = await room.alarms.confirm(room.reviewer, later, AlarmConfirmation(reason="查实"))
    assert (told["state"], told["label"]) == ("open", "right")
    (similar,) = told["similar"]
    assert (similar["id"], similar["label"]) == (str(first), "wrong")
    (figures,) = (await room.alarms.figures(room.reviewer, 90))["items"]
    assert (figures["raised"], figures["precision"]) == (2, 0.5)
    acts = await room.site.sql("SELECT what, subject, after FROM staff_act ORDER BY id")
    assert [(row["what"], row["subject"]) for row in acts] == [
        ("alarm.dismiss", str(first)), ("alarm.confirm", str(later)),
    ]  # fmt: skip


async def test_only_staff_and_nobody_about_themselves(room: Room) -> None:
    alarm = await room.seen()
    assert alarm is not None
    shop = room.site.callers["shop"]
    for call in (
        room.alarms.list(shop), room.alarms.show(shop, alarm), room.alarms.figures(shop, 9),
        room.alarms.dismiss(shop, alarm, WRONG),
    ):  # fmt: skip
        with pytest.raises(NotAllowed):
            await call
    with pytest.raises(NotFound):
        await room.alarms.show(room.reviewer, 99)
    (row,) = await room.site.sql(
        """WITH p AS (INSERT INTO actor (email, name, created_at) VALUES ('a@b.c', 'A', $1)
            RETURNING id) INSERT INTO actor_role (account_id, actor_id, role, created_at)
        SELECT $2, p.id, 'sender', $1 FROM p RETURNING actor_id""",
        utc(SUNDAY), room.shop,
    )  # fmt: skip
    own = Caller(room.reviewer.account_id, frozenset({"review"}), False, 0, row["actor_id"])
    with pytest.raises(NotAllowed) as raised:
        await room.alarms.dismiss(own, alarm, WRONG)
    assert raised.value.code == "own_account"
    assert (await room.alarms.show(room.reviewer, alarm))["state"] == "open"
