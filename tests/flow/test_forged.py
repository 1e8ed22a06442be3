"""Consents that nobody gave: found when they come, asked about, and void when somebody says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest

from assent.app.consent_desk import ConsentDesk
from assent.consent.entry import Channel, Origin
from assent.errors import NotFound
from assent.flow.refusals import Asked
from assent.flow.requests import Caller, CampaignRequest, ConsentImport, ReviewDecision, VoidRequest
from assent.message import Purpose
from assent.policy.filing import Relation
from tests.flow.conftest import MARKETING_TEXT, Platform, number, numbers, running
from tests.flow.test_replies import SERVICE, confirmations, move, post, wait_for

HOUR = 3_600.0
NEVER = "2"
LAST_FINDINGS = "SELECT findings::text FROM consent_import ORDER BY id DESC LIMIT 1"


def desk(platform: Platform) -> ConsentDesk:
    return platform.node.consent_desk


def staff(platform: Platform, *scopes: str) -> Caller:
    operator = next(a for a in platform.node.catalogue.accounts.values() if a.kind == "operator")
    return Caller(operator.id, frozenset(scopes or {"review", "audit"}), False, 9)


def request_of(rows: Sequence[tuple[str, datetime]], place: int = 1, **more: Any) -> ConsentImport:
    return msgspec.convert(
        {
            "sender": f"CODE{place}",
            "programme": "offers",
            "grade": "document",
            "wording": "v1",
            "source": "shop form",
            "consents": [{"to": to, "at": at} for to, at in rows],
            **more,
        },
        ConsentImport,
    )


async def bring(
    platform: Platform, people: Sequence[str], place: int = 1, days: float = 30.0, **more: Any
) -> dict[str, Any]:
    """Import consents; return what the customer is told of the import."""
    then = datetime.fromtimestamp(platform.clock.now(), UTC) - timedelta(days=days)
    request = request_of([(to, then) for to in people], place, **more)
    answer = await platform.node.consents.import_rows(
        platform.caller(place), request, key=None, sha=b""
    )
    await platform.node.live.sync(platform.node.store)
    told: dict[str, Any] = json.loads(answer)
    assert told["accepted"] == len(people)
    return dict(told["imports"][0])


async def say(platform: Platform, person: str, text: str) -> None:
    items = platform.simulators["mobile"].intake.mobile(person, SERVICE, text)
    post(platform, "mobile", items)


async def states(platform: Platform) -> dict[str, int]:
    rows = await platform.sql("SELECT state, count(*) FROM consent_audit GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


def mobiles(count: int, start: int = 0) -> list[str]:
    return [number("mobile", start + i) for i in range(count)]


def asked(platform: Platform) -> list[str]:
    return confirmations(platform)


# Assertions ----------------------------------------------------------------------------------


async def test_a_tenth_is_asked_before_an_assertion_opens(platform: Platform) -> None:
    people = mobiles(30)
    told = await bring(platform, people, grade="assertion")
    assert told["state"] == "taken"
    await platform.until(lambda: len(asked(platform)) == 3, "three questions")
    assert set(asked(platform)) <= set(people)
    assert await platform.value("SELECT count(*) FROM entry WHERE person_id > 0") == 0
    words = platform.submits(SERVICE)[0]["text"]
    assert "商户1称您曾同意接收其短信（offers）" in words
    assert "http" not in words
    # An early yes opens nothing earlier: who watches would learn who answered.
    await say(platform, asked(platform)[0], "1")
    await wait_for(platform, "SELECT count(*) FROM consent_audit WHERE state = 'yes'", 1, "a yes")
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM entry WHERE person_id > 0") == 0
    move(platform, 73 * HOUR)
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 2") == 30
    assert await platform.value("SELECT count(*) FROM standing WHERE grade = 1") == 30
    assert await states(platform) == {"yes": 1, "silent": 2}
    await platform.node.live.sync(platform.node.store)
    answer = await platform.send(people, relation="customers")
    assert answer["allowed"] == 30


async def test_an_assertion_opens_five_hundred_people_in_thirty_days(platform: Platform) -> None:
    people = mobiles(700)
    await bring(platform, people, grade="assertion")
    await desk(platform).step()
    move(platform, 2 * HOUR)
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM consent_audit") == 50
    await platform.until(lambda: len(asked(platform)) == 50, "the questions")
    move(platform, 80 * HOUR)
    for _ in range(3):
        await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 500
    # Another import, another programme's worth of words: the sender has had its share.
    await bring(platform, mobiles(10, start=900), grade="assertion", source="another list")
    move(platform, 20 * 24 * HOUR)
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 500
    # After thirty days there is room again, and people are asked first again.
    move(platform, 12 * 24 * HOUR)
    await desk(platform).step()
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM consent_audit") > 50
    assert await platform.value("SELECT count(*) FROM standing") == 500


async def test_who_refused_the_programme_is_not_asked(platform: Platform) -> None:
    people = mobiles(10)
    node = platform.node
    ids = await node.directory.ids(
        node.store,
        np.array([int(f"86{to}") for to in people], np.uint64),
        datetime.fromtimestamp(platform.clock.now(), UTC),
    )
    programme = node.catalogue.group_programmes[node.catalogue.senders[1].group_id][0]
    asked_of = [
        Asked(
            int(one), (node.catalogue.senders[1].group_id,), 1 << Purpose.MARKETING, Channel.WEB,
            Origin.RECEIVER, confirm=False, programme=programme,
        )
        for one in ids[:9]
    ]  # fmt: skip
    await node.writer.record(node.store, asked_of, platform.clock.now())
    await bring(platform, people, grade="assertion")
    await desk(platform).step()
    rows = await platform.sql("SELECT person_id FROM consent_audit")
    assert [row["person_id"] for row in rows] == [int(ids[9])]


async def test_the_share_is_the_senders_whoever_brings_it(platform: Platform) -> None:
    for part in range(4):
        start = part * 200
        await bring(platform, mobiles(200, start), grade="assertion", source=f"list {part}")
    await desk(platform).step()
    room = "SELECT sum(length(people) / 4) FROM consent_waiting WHERE asked_at IS NOT NULL"
    assert await platform.value(room) == 500


# Never ---------------------------------------------------------------------------------------


async def test_never_voids_the_import_and_opens_a_case(platform: Platform) -> None:
    people = mobiles(20)
    await bring(platform, people, grade="assertion")
    await platform.until(lambda: len(asked(platform)) == 2, "two questions")
    denier = asked(platform)[0]
    await say(platform, denier, "２。")
    await wait_for(platform, "SELECT state FROM consent_import", "voided", "the import is void")
    move(platform, 80 * HOUR)
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 0
    assert await platform.value("SELECT count(*) FROM entry WHERE kind = 2") == 0
    # She was told that she would hear no more of it, and so she refused.
    assert await platform.value("SELECT count(*) FROM refusal") == 1
    case = (await platform.sql("SELECT kind, state, evidence::text FROM consent_case"))[0]
    assert (case["kind"], case["state"]) == ("forged_consent", "open")
    assert json.loads(case["evidence"])["by"] == "audit"
    assert denier not in case["evidence"]


async def test_what_stands_on_it_stops_at_once(platform: Platform) -> None:
    people = mobiles(60)
    await bring(platform, people)
    kept = mobiles(5, start=500)
    await bring(platform, kept, source="another form")
    later = datetime.fromtimestamp(platform.clock.now() + 3.0, UTC)
    waiting = await platform.send([*people, *kept], not_before=later)
    assert waiting["allowed"] == 65
    shown = desk(platform).shown
    first = await platform.value("SELECT min(id) FROM consent_import")
    began = platform.clock.now()
    done = await shown.void(
        staff(platform), VoidRequest(reason="she never agreed", import_id=str(first))
    )
    assert done == {"voided": [str(first)], "void_already": 0}
    await wait_for(platform, "SELECT count(*) FROM entry WHERE kind = 8", 60, "corrections")
    assert platform.clock.now() - began < 1.0
    await platform.until(lambda: len(platform.submits("106900011")) == 5, "the others get it")
    got = {record["destination"].removeprefix("86") for record in platform.submits("106900011")}
    assert got == set(kept)
    await platform.node.live.sync(platform.node.store)
    assert (await platform.send(people[:10]))["allowed"] == 0
    # Again it changes nothing, and is kept once.
    again = await shown.void(staff(platform), VoidRequest(reason="x", import_id=str(first)))
    assert again == {"voided": [], "void_already": 1}
    acts = await platform.sql("SELECT what, subject, after::text FROM staff_act")
    assert [(act["what"], act["subject"]) for act in acts] == [
        ("consent.void", f"consent_import/{first}")
    ]


async def test_campaigns_rest_while_a_large_delivery_is_undone(platform: Platform) -> None:
    people, kept = mobiles(2_100), mobiles(40, start=5_000)
    await bring(platform, people)
    await bring(platform, kept, source="another form")
    node = platform.node
    audience = await node.campaigns.create_audience(
        platform.caller(), "all", "shop form", Relation.CUSTOMERS
    )
    numbers_ = np.array([int(f"86{to}") for to in (*people, *kept)], np.uint64)
    rows = np.arange(len(numbers_), dtype=np.uint32)
    faults = np.zeros(len(numbers_), np.uint8)
    await node.campaigns.add_chunk(audience, 0, rows, numbers_, faults, None)
    await node.campaigns.finish_audience(audience, [])
    begin = datetime.fromtimestamp(platform.clock.now() + 4.0, UTC)
    order = CampaignRequest(
        name="spring", audience=str(audience), sender="CODE1", purpose="marketing",
        text=MARKETING_TEXT, not_before=begin,
    )  # fmt: skip
    done = await node.campaigns.create(platform.caller(), order, key=None, sha=b"")
    campaign = int(json.loads(done)["id"])

    async def judged() -> bool:
        return int(await platform.value("SELECT count(*) FROM queue")) >= 3

    await platform.until(judged, "the campaign is queued")
    desk(platform).stop()  # nothing is undone yet
    await asyncio.sleep(0.3)
    await desk(platform).shown.void(staff(platform), VoidRequest(reason="x", import_id="1"))
    move(platform, 4.0)
    state = "SELECT state FROM campaign WHERE id = $1"
    assert await platform.value(state, campaign) == "paused"
    await asyncio.sleep(1.0)
    assert platform.submits("106900011") == []
    while await desk(platform).step():
        pass
    assert await platform.value("SELECT state FROM consent_import WHERE id = 1") == "voided"
    await platform.until(lambda: len(platform.submits("106900011")) == 40, "those who stand get it")
    got = {record["destination"].removeprefix("86") for record in platform.submits("106900011")}
    assert got == set(kept)


async def test_direct_orders_rest_while_a_large_delivery_is_undone(platform: Platform) -> None:
    """Queued for the morning, leased and waiting, or ordered meanwhile: nothing leaves to people
    whose turn to be corrected has not come; codes do, and another programme's orders."""
    people, kept, late = mobiles(2_100), mobiles(40, start=5_000), mobiles(30, start=6_000)
    await bring(platform, people)
    await bring(platform, kept, source="another form")
    await bring(platform, late, place=2)
    begin = datetime.fromtimestamp(platform.clock.now() + 4.0, UTC)
    for start in range(0, 2_100, 700):
        part = [*people[start : start + 700], *kept[:10]] if not start else people[start:][:700]
        answer = await platform.send(part, not_before=begin)
        assert answer["allowed"] == len(part)
    assert await platform.value("SELECT count(*) FROM queue") >= 3
    desk(platform).stop()  # nothing is undone yet
    await asyncio.sleep(0.3)
    await desk(platform).shown.void(staff(platform), VoidRequest(reason="x", import_id="1"))

    async def rests() -> bool:
        return platform.node.dispatcher.leases.resting == {1}

    await platform.until(rests, "the programme rests")
    assert await platform.value("SELECT count(*) FROM queue WHERE NOT held") == 0
    move(platform, 4.0)
    # One more order meanwhile, of people who stand as yet; and what has nothing to do with it.
    assert (await platform.send([*people[-20:], *kept[10:40]]))["allowed"] == 50
    await platform.send([number("mobile", 77)], purpose="verification")
    await platform.send(late, place=2)
    await platform.until(lambda: len(platform.submits("106900021")) == 30, "another sender's")
    await platform.until(lambda: len(platform.submits("106900012")) == 1, "a code")
    await asyncio.sleep(0.7)
    assert platform.submits("106900011") == []
    while await desk(platform).step():
        pass
    await platform.until(lambda: len(platform.submits("106900011")) == 40, "those who stand get it")
    got = {record["destination"].removeprefix("86") for record in platform.submits("106900011")}
    assert got == set(kept)
    assert platform.node.dispatcher.leases.resting == set()


async def test_a_complaint_finds_the_import_by_the_person(platform: Platform) -> None:
    people = mobiles(12)
    await bring(platform, people)
    shown = desk(platform).shown
    order = VoidRequest(reason="never", recipient=people[3], sender="CODE1")
    assert len((await shown.void(staff(platform), order))["voided"]) == 1
    await wait_for(platform, "SELECT state FROM consent_import", "voided", "the import is void")
    assert await platform.value("SELECT count(*) FROM standing") == 0
    order = VoidRequest(reason="never", recipient=number("mobile", 999), sender="CODE1")
    with pytest.raises(NotFound):
        await shown.void(staff(platform), order)


async def test_who_agreed_herself_keeps_what_she_gave(platform: Platform) -> None:
    """A void import takes away what it brought, and nothing else."""
    people = mobiles(3)
    await bring(platform, people, days=40.0)
    await bring(
        platform, people, days=20.0, source="renewal", until=datetime(2031, 1, 1, tzinfo=UTC)
    )
    last = await platform.value("SELECT max(id) FROM consent_import")
    await desk(platform).shown.void(
        staff(platform), VoidRequest(reason="made up", by="staff", import_id=str(last))
    )
    await wait_for(
        platform, "SELECT state FROM consent_import ORDER BY id DESC LIMIT 1", "voided", "void"
    )
    rows = await platform.sql("SELECT position, until FROM standing ORDER BY position")
    first = await platform.value("SELECT min(position) FROM entry WHERE kind = 2")
    assert [row["position"] for row in rows] == [first, first + 1, first + 2]
    assert {row["until"] for row in rows} == {None}


async def test_a_lot_that_was_handed_in_in_portions_is_void_as_one(platform: Platform) -> None:
    for start in (0, 10, 20):
        await bring(platform, mobiles(10, start))
    await bring(platform, mobiles(4, 50), source="another form")
    await desk(platform).shown.void(
        staff(platform), VoidRequest(reason="made up", by="staff", import_id="2")
    )
    await wait_for(
        platform, "SELECT count(*) FROM consent_import WHERE state = 'voided'", 3, "three portions"
    )
    assert await platform.value("SELECT count(*) FROM standing") == 4


async def test_an_unclear_answer_is_read_by_a_person(platform: Platform) -> None:
    await bring(platform, mobiles(1), grade="assertion")
    await platform.until(lambda: len(asked(platform)) == 1, "a question")
    await say(platform, asked(platform)[0], "这是谁啊")
    await wait_for(platform, "SELECT count(*) FROM review_item", 1, "an item on the desk")
    move(platform, 80 * HOUR)
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 0
    review = platform.node.front.desk
    item = (await review.queue(staff(platform)))["items"][0]
    assert item["kind"] == "consent_audit"
    about = (await review.show(staff(platform), int(item["id"])))["subject"]
    assert about["answer"] == "这是谁啊"
    refuse = ReviewDecision(verdict="refuse", code="wrong_statement")
    await review.decide(staff(platform), int(item["id"]), refuse)
    await wait_for(platform, "SELECT state FROM consent_import", "voided", "the import is void")


# Checks and the desk -------------------------------------------------------------------------


@pytest.fixture
async def strict_platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """One with the packaged rulebook."""
    async with running(migrated_url, tmp_path, lenient=False) as one:
        yield one


def honest(count: int, seed: int, now: float) -> list[tuple[str, datetime]]:
    """Return a shop's form: people of a town, over a year, by day."""
    rng = Random(seed)
    blocks = [f"139{rng.randrange(10_000):04d}" for _ in range(40)]
    rows = []
    for _ in range(count):
        day = now - rng.randrange(1, 365) * 86_400.0
        midnight = day - (day + 8 * HOUR) % 86_400.0
        at = datetime.fromtimestamp(midnight + rng.gauss(15.0, 2.5) % 24 * HOUR, UTC)
        rows.append((f"{rng.choice(blocks)}{rng.randrange(10_000):04d}", at))
    return list(dict(rows).items())


async def take(platform: Platform, request: ConsentImport, place: int = 1) -> dict[str, Any]:
    answer = await platform.node.consents.import_rows(
        platform.caller(place), request, key=None, sha=b""
    )
    await platform.node.live.sync(platform.node.store)
    return dict(json.loads(answer)["imports"][0])


async def test_a_made_up_list_waits_for_review(strict_platform: Platform) -> None:
    platform = strict_platform
    now = platform.clock.now()
    good = honest(400, 1, now)
    assert (await take(platform, request_of(good)))["state"] == "taken"
    assert await platform.value("SELECT count(*) FROM standing") == len(good)
    told = await bring(platform, mobiles(300, 5_000), source="bought")
    assert told["state"] == "in_review"
    assert await platform.value("SELECT count(*) FROM standing") == len(good)
    review = platform.node.front.desk
    item = (await review.queue(staff(platform)))["items"][0]
    assert (item["kind"], item["account"]) == ("consent_import", "account1")
    codes = {signal["code"] for signal in item["signals"]}
    assert {"number_runs", "one_second"} <= codes
    # The customer hears that it is looked at, and none of what was found.
    own = (await review.items_of(platform.caller().account_id))[0]
    assert "signals" not in own
    assert [reason["code"] for reason in own["reasons"]] == ["import_review"]
    shown = await review.show(staff(platform), int(item["id"]))
    assert shown["subject"]["imports"][0]["accepted"] == 300
    # Approved, it opens; refused, it never does.
    await review.decide(
        staff(platform), int(item["id"]), ReviewDecision(verdict="approve", code="in_order")
    )
    await wait_for(platform, "SELECT count(*) FROM standing", len(good) + 300, "it is open")
    await bring(platform, mobiles(300, 9_000), source="bought again")
    item = (await review.queue(staff(platform)))["items"][0]
    await review.decide(
        staff(platform), int(item["id"]), ReviewDecision(verdict="refuse", code="wrong_statement")
    )
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == len(good) + 300
    # The same people by another account, cut small: they are known.
    people = mobiles(300, 9_000)
    rng = Random(3)
    rng.shuffle(people)
    times = [at for _, at in honest(400, 7, now)]
    rows = list(zip(people, times, strict=False))
    told = await take(platform, request_of(rows[:150], 2, source="our own form"), 2)
    found = await platform.value(
        "SELECT findings::text FROM consent_import ORDER BY id DESC LIMIT 1"
    )
    assert "turned_down_before" in found
    assert told["state"] == "in_review"


async def test_portions_are_looked_at_together(strict_platform: Platform) -> None:
    """Ninety rows a time stay below what shares are looked at from; two of them do not."""
    platform = strict_platform
    taken = [(await bring(platform, mobiles(90, 90 * part)))["state"] for part in range(3)]
    assert taken == ["taken", "in_review", "in_review"]


async def test_another_customers_list_is_known(strict_platform: Platform) -> None:
    platform = strict_platform
    now = platform.clock.now()
    theirs = honest(600, 11, now)
    assert (await take(platform, request_of(theirs)))["state"] == "taken"
    times = [at for _, at in honest(700, 12, now)]
    copied = [(to, at) for (to, _), at in zip(theirs[:500], times, strict=False)]
    told = await take(platform, request_of(copied, 2), 2)
    assert told["state"] == "in_review"
    found = await platform.value(
        "SELECT findings::text FROM consent_import ORDER BY id DESC LIMIT 1"
    )
    assert [one["code"] for one in json.loads(found)] == ["overlap"]


# Witnesses -----------------------------------------------------------------------------------


async def test_without_a_witness_new_consents_wait_and_refusals_do_not(platform: Platform) -> None:
    people = numbers(3)
    await bring(platform, people)
    desk(platform).witness.wanted = True
    move(platform, 0.9 * HOUR)
    await bring(platform, numbers(3, start=30), source="b")
    assert await platform.value("SELECT count(*) FROM standing") == 6
    move(platform, 0.2 * HOUR)
    await bring(platform, numbers(3, start=60), source="c")
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 6
    assert desk(platform).report()["waiting"] == 1
    # Refusals and codes go on.
    items = platform.simulators["mobile"].intake.mobile(people[0], "106900011", "TD")
    post(platform, "mobile", items)
    await platform.until(lambda: len(confirmations(platform)) == 1, "the confirmation")
    assert (await platform.send([people[0]], "verification"))["allowed"] == 1
    # It is back: what waited opens.
    head = await platform.value("SELECT max(position) FROM entry")
    await platform.sql(
        "INSERT INTO ledger_witness VALUES ('w', $1, 'note', $2)",
        head, datetime.fromtimestamp(platform.clock.now(), UTC),
    )  # fmt: skip
    await desk(platform).step()
    assert await platform.value("SELECT count(*) FROM standing") == 8


# Who is told what ----------------------------------------------------------------------------


async def test_a_customer_sees_the_whole_of_its_own_imports_only(platform: Platform) -> None:
    shown = desk(platform).shown
    big = await bring(platform, mobiles(60))
    small = await bring(platform, mobiles(5, start=100), source="small")
    mine = await shown.imports(platform.caller(1), 0, 10, None)
    assert [(one["id"], one["state"]) for one in mine["items"]] == [
        (small["id"], "taken"), (big["id"], "taken"),
    ]  # fmt: skip
    assert not {"asked", "never", "findings", "opened"} & set(mine["items"][0])
    assert (await shown.imports(platform.caller(2), 0, 10, None))["items"] == []
    with pytest.raises(NotFound):
        await shown.one(platform.caller(2), int(big["id"]))
    for one in (big, small):
        await shown.void(staff(platform), VoidRequest(reason="x", import_id=one["id"]))
    await wait_for(
        platform, "SELECT count(*) FROM consent_import WHERE state = 'voided'", 2, "both void"
    )
    # The same day, and for a few people ever: nothing is told.
    told = await shown.imports(platform.caller(1), 0, 10, None)
    assert {one["state"] for one in told["items"]} == {"taken"}
    move(platform, 24 * HOUR)
    told = await shown.imports(platform.caller(1), 0, 10, None)
    assert [one["state"] for one in told["items"]] == ["taken", "voided"]
    seen = await shown.one(staff(platform), int(big["id"]))
    assert (seen["state"], seen["opened"]) == ("voided", 60)
    cases = await shown.cases(staff(platform), 0, 10, None)
    assert [case["state"] for case in cases["items"]] == ["open", "open"]
    closed = await shown.close(staff(platform), int(cases["items"][0]["id"]))
    assert closed["state"] == "closed"


async def test_who_brings_consents_is_compared(platform: Platform) -> None:
    for place in (1, 2):
        await bring(platform, mobiles(40, start=100 * place), place, grade="assertion")
    await platform.until(lambda: len(asked(platform)) == 8, "the questions")
    bad = [to for to in asked(platform) if "00000200" <= to[3:] < "00000300"]
    for to in asked(platform):
        await say(platform, to, NEVER if to in bad else "1")
    await wait_for(
        platform, "SELECT count(*) FROM consent_audit WHERE answered_at IS NOT NULL", 8, "answers"
    )
    report = await desk(platform).shown.importers(staff(platform), None, None)
    by_account = {one["account"]: one for one in report["items"]}
    assert by_account["account1"]["yes_share"] == 1.0
    assert by_account["account2"]["yes_share"] == 0.0
    assert by_account["account2"]["never"] == 4
    assert not by_account["account1"]["stands_out"]
    assert by_account["account2"]["stands_out"]
    assert by_account["account1"]["rows"] == 40
