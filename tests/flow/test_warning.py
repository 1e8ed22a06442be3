"""Early warning on a real store: facts count once, detectors raise, whatever crashes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pytest

from assent.errors import AssentError, InvalidInput
from assent.flow.alarm_requests import CompletedCodes
from assent.flow.alarms import Alarms
from assent.flow.columns import U32, pack, pack_object
from assent.flow.completed import Completed
from assent.flow.ids import OWN_ORDER
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.message import batch_id, message_id
from assent.store import Store
from assent.watch.gathering import Gathering
from assent.watch.rules import Rules
from assent.watch.warning import EarlyWarning
from tests.flow.front_site import SUNDAY, Site, open_site

HOUR = 3_600.0
CODE, NOTICE, MARKETING = 1, 2, 3


class Room:
    """Orders put in by hand, as the message path leaves them."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.alarms = Alarms(site.store, site.clock, site.catalogue)
        self.warning = EarlyWarning(site.store, site.clock, self.alarms, Rules.load())
        self.reviewer = Caller(site.accounts["operator"], frozenset({"review"}), False, 7)
        self.account = site.accounts["shop"]
        self.senders: list[int] = []
        self._orders = 0

    async def furnish(self, senders: int = 1) -> None:
        store, now = self.site.store, utc(SUNDAY - 90 * 24 * HOUR)
        await store.fetchval("ensure_partitions", utc(SUNDAY), 2)
        for n in range(senders):
            rows = await self.site.sql(
                """WITH g AS (INSERT INTO sender_group (name) VALUES ('W' || $1::text)
                    RETURNING id)
                INSERT INTO sender (group_id, credit_code, legal_name, contact, industry,
                    created_at)
                SELECT id, 'W' || $1::text, 'W' || $1::text, '', 'retail', $2 FROM g
                RETURNING id""",
                str(n), now,
            )  # fmt: skip
            self.senders.append(rows[0]["id"])
        await self.site.sql(
            """INSERT INTO port (id, number, carrier, sender_id, purpose, signature, free_to_reply,
                created_at) OVERRIDING SYSTEM VALUE VALUES (900, '1069001', 'mobile', $1, 2, 'W',
                false, $2)""",
            self.senders[0], now,
        )  # fmt: skip

    async def people(self, numbers: Iterable[int]) -> list[int]:
        rows = await self.site.sql(
            """INSERT INTO person (msisdn, created_at) SELECT n, $2 FROM unnest($1::bigint[]) AS n
            RETURNING id""",
            list(numbers), utc(SUNDAY),
        )  # fmt: skip
        return [row["id"] for row in rows]

    async def order(
        self,
        people: Sequence[int],
        *,
        sender: int = 0,
        purpose: int = MARKETING,
        reasons: str = "{}",
        rejected: int = 0,
        alone: bool = False,
        variables: dict[str, list[str]] | None = None,
    ) -> int:
        """Put an order in; return its batch."""
        self._orders += 1
        number = batch_id(int(self.site.clock.now() * 1000), self._orders)
        at, who = utc(self.site.clock.now()), self.senders[sender]
        rows = np.arange(len(people), dtype=np.uint32) | (OWN_ORDER if alone else 0)
        connection = await self.site.store.connect()
        try:
            async with connection.transaction():
                await connection.execute(
                    """INSERT INTO submission (id, account_id, sender_id, purpose, n, allowed, cost,
                        reasons, rulebook, numbers, position, at)
                    VALUES ($1, $2, $3, $4, $5, $6, 0, $7::text::jsonb, '', '', 0, $8)""",
                    number, self.account, who, purpose, len(people) + rejected, len(people),
                    reasons, at,
                )  # fmt: skip
                await connection.execute(
                    """INSERT INTO batch (id, submission_id, account_id, sender_id, group_id,
                        programme_id, port_id, template_id, purpose, carrier, n, position, price,
                        not_before, expires_at, content, people, rows, zones, segments, variables,
                        accepted_at)
                    SELECT $1, $1, $2, $3, s.group_id, 0, 900, 0, $4, 'mobile', $5, 0, 0, $6, $6,
                        '', $7, $8, '', '', $9, $6 FROM sender s WHERE s.id = $3""",
                    number, self.account, who, purpose, len(people), at,
                    pack(np.array(people, np.uint32), U32), pack(rows, U32),
                    None if variables is None else pack_object(variables),
                )  # fmt: skip
                await connection.execute(
                    """INSERT INTO event (at, kind, account_id, subject, payload)
                    VALUES ($1, 'submission', $2, $3, '')""",
                    at, self.account, number,
                )  # fmt: skip
        finally:
            await connection.close()
        return number

    async def facts(self, *names: str) -> list[int]:
        sums = ", ".join(f"coalesce(sum({name}), 0)::int" for name in names)
        (row,) = await self.site.sql(f"SELECT {sums} FROM warning_hour")
        return list(row)

    async def count(self, day: int, sender: int = 0, **counts: Any) -> None:
        """Put counts of a day into rollup_hour."""
        named = {"purpose": MARKETING, "category": "retail", "failed": 0, "refused": 0, **counts}
        hour = utc((SUNDAY - day * 24 * HOUR) // HOUR * HOUR)
        await self.site.sql(
            """INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province,
                category, purpose, submitted, delivered, failed, refused)
            VALUES ($1, 900, $2, $3, 'mobile', 0, $4, $5, $6, $6 - $7::bigint, $7, $8)""",
            hour, self.senders[sender], self.account, named["category"], named["purpose"],
            named["submitted"], named["failed"], named["refused"],
        )  # fmt: skip

    async def open(self) -> dict[tuple[str, str], Any]:
        rows = await self.site.sql("SELECT * FROM alarm WHERE state = 'open'")
        return {(row["detector"], row["key"]): row for row in rows}


@pytest.fixture
async def room(fresh_store: Store) -> Room:
    made = Room(await open_site(fresh_store))
    await made.furnish(9)
    return made


async def test_facts_of_orders_count_once(room: Room) -> None:
    crowd = await room.people([8613800000000 + 10_007 * n for n in range(80)])
    row = await room.people(range(8613900000000, 8613900000060))
    await room.order(crowd, reasons='{"refused": 3, "number_empty": 2}', rejected=5)
    await room.order(crowd[:40])
    await room.order(row, sender=1)
    said = {"name": ["王女士"] * 6 + ["点击t.cn/x领取优惠券", "加微信abc123领贷款"]}
    await room.order(crowd[:8], purpose=NOTICE, variables=said)
    assert await room.warning.gathering.step() == 4
    assert await room.warning.gathering.step() == 0
    assert await room.facts("ordered", "barred", "nowhere", "written") == [193, 3, 2, 188]
    assert await room.facts("looked", "beside") == [140, 60]
    assert await room.facts("valued", "carrying") == [8, 2]
    (new,) = await room.facts("strangers")
    assert abs(new - 140) <= 3  # those of the second and fourth order were known
    sketches = await room.site.sql("SELECT sender_id FROM warning_sketch ORDER BY sender_id")
    assert [one["sender_id"] for one in sketches] == room.senders[:2]


async def test_a_crash_neither_loses_nor_doubles_facts(room: Room) -> None:
    people = await room.people(range(8613700000000, 8613700000020))
    for _ in range(9):
        room.site.clock.advance(20)
        await room.order(people[:1], purpose=CODE)
    gathering = room.warning.gathering

    # What was noted in memory before the database refused must not count when it comes again.
    await room.site.sql(
        "ALTER TABLE warning_hour ADD CONSTRAINT broken CHECK (again < 3) NOT VALID"
    )
    with pytest.raises(AssentError):
        await gathering.step()
    await room.site.sql("ALTER TABLE warning_hour DROP CONSTRAINT broken")
    assert await room.facts("written") == [0]
    await gathering.step()
    assert await room.facts("written", "again", "pressed") == [9, 8, 2]
    # Another process goes on where this one stood, and knows the last hour.
    room.site.clock.advance(20)
    await room.order(people[:1], purpose=CODE)
    other = Gathering(room.site.store, room.site.clock, room.alarms, Rules.load())
    await other.step()
    assert await room.facts("written", "again", "pressed") == [10, 9, 3]


async def test_one_person_pressed_by_many_senders_is_told(room: Room) -> None:
    (victim, other) = await room.people([8613600000000, 8613600000001])
    for sender in range(9):
        room.site.clock.advance(60)
        await room.order([victim], sender=sender, purpose=CODE, alone=True)
    await room.order([other], purpose=CODE)
    await room.warning.gathering.step()
    ((key, alarm),) = (await room.open()).items()
    assert key == ("bombed", f"person/{victim}")
    assert (alarm["severity"], alarm["score"]) == (2, 9.0)
    assert "86136" not in alarm["evidence"]
    assert await room.facts("bulk", "pressed") == [0, 5]
    await room.order([victim, other], purpose=CODE)
    await room.warning.gathering.step()
    assert await room.facts("bulk") == [2]


async def test_a_dead_list_is_seen_once_and_live_equals_again(room: Room) -> None:
    for day in range(1, 40):
        for sender in range(9):
            await room.count(day, sender, submitted=1_000, failed=30 + (day + sender) % 7)
    await room.count(0, 0, submitted=2_000, failed=700)
    await room.count(0, 1, submitted=2_000, failed=66)
    raised = await room.warning.look()
    found = await room.open()
    key = f"sender/{room.senders[0]}/account/{room.account}"
    assert set(found) == {("delivery", key)}
    alarm = found["delivery", key]
    assert raised == [alarm["id"]]
    assert (alarm["severity"], alarm["times"]) == (2, 1)
    # Again, and in another process: nothing more.
    again = EarlyWarning(room.site.store, room.site.clock, room.alarms, Rules.load())
    assert await again.look() == await room.warning.look() == raised
    assert {**(await room.open())["delivery", key]} == {**alarm}
    events = await room.site.sql("SELECT count(*) AS n FROM event WHERE kind = 'alarm'")
    assert events[0]["n"] == 1
    shown = await room.alarms.show(room.reviewer, alarm["id"])
    assert shown["evidence"]["hits"] == 700
    assert (shown["sender"], shown["account"]) == ("W0", "shop")


async def test_codes_that_were_used_count_once_and_only_ones_own(room: Room) -> None:
    people = await room.people(range(8613500000000, 8613500000004))
    batch = await room.order(people, purpose=CODE)
    notice = await room.order(people, purpose=NOTICE)
    completed = Completed(room.site.store, room.site.clock)
    ids = [str(message_id(batch, place)) for place in (0, 1, 3, 4)]
    told = CompletedCodes(messages=[*ids, ids[0], str(message_id(notice, 0)), "7"])
    caller = Caller(room.account, frozenset({"send"}), False, 9)
    assert await completed.report(caller, told) == {"new": 3, "unknown": 3}
    assert await completed.report(caller, told) == {"new": 0, "unknown": 3}
    stranger = Caller(room.site.accounts["bank"], frozenset({"send"}), False, 9)
    assert await completed.report(stranger, told) == {"new": 0, "unknown": 6}
    assert await room.facts("completed") == [3]
    with pytest.raises(InvalidInput) as raised:
        await completed.report(caller, CompletedCodes(messages=["x"]))
    assert raised.value.field == "messages[0]"
