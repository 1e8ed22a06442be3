"""Early warning on a real store: facts count once, detectors raise, whatever crashes."""

from __future__ import annotations

import json
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
from assent.flow.inbound import word_code
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

    async def count(self, *rows: tuple[int, int, int, int]) -> None:
        """Put counts into rollup_hour: days ago, sender, submitted, failed of them."""
        hours = [utc((SUNDAY - row[0] * 24 * HOUR) // HOUR * HOUR) for row in rows]
        await self.site.sql(
            """INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province,
                category, purpose, submitted, delivered, failed)
            SELECT h, 900, s, $3, 'mobile', 0, 'retail', 3, n, n - f, f
            FROM unnest($1::timestamptz[], $2::int[], $4::bigint[], $5::bigint[]) AS t (h, s, n, f)
            """,
            hours, [self.senders[row[1]] for row in rows], self.account,
            [row[2] for row in rows], [row[3] for row in rows],
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
    usual = [(day, sender, 1_000, 30 + (day + sender) % 7) for day in range(1, 20)
             for sender in range(9)]  # fmt: skip
    await room.count(*usual, (0, 0, 2_000, 700), (0, 1, 2_000, 66))
    raised = await room.warning.look()
    found = await room.open()
    key = f"sender/{room.senders[0]}/account/{room.account}"
    assert set(found) == {("delivery", key)}
    alarm = found["delivery", key]
    assert raised == [alarm["id"]]
    assert (alarm["severity"], alarm["times"]) == (1, 1)
    # Again, and in another process: nothing more.
    again = EarlyWarning(room.site.store, room.site.clock, room.alarms, Rules.load())
    assert await again.look() == await room.warning.look() == raised
    assert {**(await room.open())["delivery", key]} == {**alarm}
    events = await room.site.sql("SELECT count(*) AS n FROM event WHERE kind = 'alarm'")
    assert events[0]["n"] == 1
    shown = await room.alarms.show(room.reviewer, alarm["id"])
    assert shown["evidence"]["hits"] == 700
    assert (shown["sender"], shown["account"]) == ("W0", "shop")


async def test_numbers_that_carriers_call_nobodys_are_counted(room: Room) -> None:
    await room.site.sql(
        "INSERT INTO account_sender (account_id, sender_id) VALUES ($1, $2)",
        room.account, room.senders[0],
    )  # fmt: skip
    now = utc(SUNDAY // HOUR * HOUR)
    await room.site.sql(
        """INSERT INTO rollup_failure (hour, port_id, carrier, code, n)
        VALUES ($1, 900, 'mobile', $2, 120), ($1, 900, 'mobile', 9, 500)""",
        now, word_code("MK:0001"),
    )  # fmt: skip
    await room.site.sql(
        """INSERT INTO warning_hour (hour, sender_id, account_id, port_id, purpose, ordered)
        VALUES ($1, $2, $3, 0, 3, 400)""",
        now, room.senders[0], room.account,
    )  # fmt: skip
    await room.warning.look()
    ((key, alarm),) = (await room.open()).items()
    assert key[0] == "unknown"
    assert json.loads(alarm["evidence"])["hits"] == 120


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


async def test_papers_audits_and_groups_become_alarms(room: Room) -> None:
    site, at = room.site, utc(SUNDAY)
    person, *_ = people = await room.people(range(8613400000000, 8613400000009))
    row, *_ = await site.sql(
        """WITH p AS (INSERT INTO programme (sender_id, name, purposes, kinds, frequency, period,
                wording_version, created_at) VALUES ($1, 'w', 8, '', '', '', 'v', $2) RETURNING id),
        i AS (INSERT INTO consent_import (account_id, programme_id, source, accepted, refused, at)
            SELECT $3, id, 's', 500, 0, $2 FROM p RETURNING id),
        c AS (INSERT INTO consent_case (kind, import_id, account_id, sender_id, evidence, state,
            opened_at) SELECT 'forged_consent', id, $3, $1, '{}', 'open', $2 FROM i RETURNING id),
        w AS (INSERT INTO consent_waiting (import_id, template, people, times)
            SELECT id, '', '', '' FROM i RETURNING id)
        INSERT INTO consent_audit (import_id, waiting_id, person_id, before_opening, state, due_at,
            answered_at) SELECT i.id, w.id, n, true, CASE WHEN n = $4 THEN 'yes' ELSE 'never' END,
            $2, $2 FROM i, w, unnest($5::int[]) AS n RETURNING import_id""",
        room.senders[0], at, room.account, person, people[:5],
    )  # fmt: skip
    group, *_ = await site.sql(
        """WITH g AS (INSERT INTO order_group (state, parties, accounts, copies, reasons, first_at,
            last_at, found_at) VALUES ('open', 5, 2, 1,
            '[{"kind": "text", "value": "7", "parties": 5}]', $1, $1, $1) RETURNING id)
        INSERT INTO order_group_member (group_id, account_id, sender_id, since)
        SELECT g.id, n, $2, $1 FROM g, unnest($3::int[]) AS n RETURNING group_id""",
        at, room.senders[0], [room.account, site.accounts["bank"]],
    )  # fmt: skip
    await site.sql(
        """WITH e AS (INSERT INTO entity (credit_code, legal_name, kind, status, created_at) VALUES
            ('NEW', 'NEW', 'company', 'active', $1), ('GONE', 'GONE', 'company', 'revoked', $1)
            RETURNING id, credit_code),
        n AS (INSERT INTO graph_node (kind, mark, label) VALUES ('file', sha256('x'), '')
            RETURNING id),
        g AS (INSERT INTO graph_edge (entity_id, node_id, relation, source, since)
            SELECT e.id, n.id, 'paper', 'document 1', $1 FROM e, n)
        UPDATE sender SET entity_id = (SELECT id FROM e WHERE credit_code = 'NEW')
        WHERE id = $2""",
        at, room.senders[3],
    )  # fmt: skip
    await room.order(people, sender=3)
    for _ in range(2):  # looked at twice they are the same
        await room.warning.look()
        site.clock.advance(700)
    found = await room.open()
    pair = f"sender/{room.senders[0]}/account/{room.account}"
    graves = {key: row["severity"] for key, row in found.items()}
    entity = await site.value("SELECT id FROM entity WHERE credit_code = 'NEW'")
    assert graves == {
        ("forged", f"import/{row['import_id']}"): 3, ("forged", pair): 2,
        ("together", f"group/{group['group_id']}"): 1, ("borrowed", f"entity/{entity}"): 2,
    }  # fmt: skip
    members = found["together", f"group/{group['group_id']}"]
    assert members["accounts"] == sorted([room.account, site.accounts["bank"]])
    shown = await room.alarms.show(room.reviewer, members["id"])
    assert shown["accounts"] == sorted(shown["accounts"], key=site.accounts.__getitem__)
    assert shown["what"]["zh"]
    # A reviewer calls the group lawful: it is not seen any more, and is over after some days.
    await site.sql("UPDATE order_group SET state = 'lawful'")
    site.clock.advance(4 * 24 * HOUR)
    await room.warning.look()
    assert ("together", f"group/{group['group_id']}") not in await room.open()
