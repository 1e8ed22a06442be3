"""What people write back: in parts, twice, to shared numbers, unclearly, or through a customer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from assent.clock import SystemClock
from assent.flow.requests import RefusalRequest
from tests.flow.conftest import CARRIERS, Platform, number, register, running

MARKETING = "106900011"
SERVICE = "1069999"
SHARED = "10690777"
LONG = (
    "你们好，我最近每天都收到你们店里的广告短信，实在是太多了，影响工作和休息，请从名单里删掉我的号码，我要退订，谢谢。"
    * 2
)
DAY = 86_400.0


def move(platform: Platform, seconds: float) -> None:
    SystemClock.__init__(platform.clock, platform.clock.offset_s + seconds)


def post(platform: Platform, carrier: str, items: Sequence[Any]) -> None:
    """Deliver segments in the order given; the same item twice is a redelivery."""
    account = next(iter(platform.simulators[carrier].accounts.values()))
    account.post(items, account.any_connection())
    for connection in list(account.connections):
        connection.flush()


async def entries(platform: Platform, kind: int = 3) -> int:
    return int(await platform.value("SELECT count(*) FROM entry WHERE kind = $1", kind))


async def wait_for(platform: Platform, query: str, wanted: object, what: str) -> None:
    async def true() -> bool:
        return bool(await platform.value(query) == wanted)

    await platform.until(true, what)


def confirmations(platform: Platform) -> list[str]:
    return [record["destination"].removeprefix("86") for record in platform.submits(SERVICE)]


def shared_number() -> dict[str, Any]:
    """Return a register in which three senders also write from one number."""
    document = register(3)
    for place, sender in enumerate(document["senders"], 1):
        sender["ports"].append(
            {
                "number": SHARED,
                "purpose": "marketing",
                "programme": "offers",
                "carriers": list(CARRIERS),
                "signature": f"商户{place}",
            }
        )
    return document


@pytest.fixture
async def shared(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    async with running(migrated_url, tmp_path, document=shared_number()) as platform:
        yield platform


async def test_parts_in_any_order_and_more_than_once(platform: Platform) -> None:
    rng = Random(5)
    people = [number("mobile", place) for place in range(1, 9)]
    for person in people:
        items = platform.simulators["mobile"].intake.mobile(person, MARKETING, LONG)
        assert len(items) > 1
        items += [rng.choice(items)]
        rng.shuffle(items)
        post(platform, "mobile", items)
    await platform.until(lambda: len(confirmations(platform)) == 8, "eight confirmations")
    await asyncio.sleep(0.2)
    assert sorted(confirmations(platform)) == people
    assert await entries(platform) == 8
    rows = await platform.sql("SELECT text, complete FROM reply")
    assert {(row["text"], row["complete"]) for row in rows} == {(LONG, True)}


async def test_a_part_that_never_comes_is_not_waited_for_for_ever(platform: Platform) -> None:
    person = number("unicom", 3)
    items = platform.simulators["unicom"].intake.mobile(person, MARKETING, LONG)
    post(platform, "unicom", items[:-1])
    await wait_for(platform, "SELECT count(*) FROM inbound", len(items) - 1, "the parts are stored")
    assert await entries(platform) == 0
    move(platform, 301.0)
    await platform.until(lambda: confirmations(platform) == [person], "the confirmation")
    rows = await platform.sql("SELECT text, complete FROM reply")
    assert len(rows) == 1
    assert not rows[0]["complete"]
    assert rows[0]["text"].endswith("…")


async def test_a_redelivery_is_the_same_refusal(platform: Platform) -> None:
    person = number("telecom", 3)
    items = platform.simulators["telecom"].intake.mobile(person, MARKETING, "TD")
    for _ in range(4):
        post(platform, "telecom", items)
        await asyncio.sleep(0.03)
    await platform.until(lambda: confirmations(platform) == [person], "the confirmation")
    # It is redelivered after a reconnect too, when our acknowledgement was lost.
    platform.simulators["telecom"].disconnect()
    await platform.until(lambda: not platform.node.traffic.up["telecom"], "the links fell")
    post(platform, "telecom", items)
    await platform.until(lambda: bool(platform.node.traffic.up["telecom"]), "the links are back")
    await asyncio.sleep(0.4)
    assert await entries(platform) == 1
    assert await platform.value("SELECT count(*) FROM reply") == 1
    assert confirmations(platform) == [person]


async def test_repeats_are_answered_once_a_day(platform: Platform) -> None:
    person = number("mobile", 4)
    mobile = platform.simulators["mobile"]
    for place in range(3):
        mobile.send_mo(person, MARKETING, "TD")
        await wait_for(platform, "SELECT count(*) FROM reply", place + 1, "the reply is read")
    await platform.until(lambda: len(confirmations(platform)) == 1, "one confirmation")
    move(platform, DAY + 60)
    for place in range(3):
        mobile.send_mo(person, MARKETING, "退订")
        await wait_for(platform, "SELECT count(*) FROM reply", place + 4, "the reply is read")
    await platform.until(lambda: len(confirmations(platform)) == 2, "one more the next day")
    await asyncio.sleep(0.2)
    assert len(confirmations(platform)) == 2
    assert await entries(platform) == 1


async def test_machines_are_never_answered(platform: Platform) -> None:
    for source in ("10690000123", "95588", "10086", "12306", "1065712345678"):
        platform.simulators["mobile"].send_mo(source, MARKETING, "TD")
    await wait_for(platform, "SELECT count(*) FROM reply", 5, "five replies are stored")
    await asyncio.sleep(0.2)
    assert await entries(platform) == 0
    assert confirmations(platform) == []
    assert await platform.value("SELECT count(*) FROM confirmation") == 0


async def test_a_shared_number_refuses_everybody_who_wrote(shared: Platform) -> None:
    person = number("mobile", 5)
    for place in (1, 2, 3):
        await shared.consent([person], place)
    for place in (1, 2):
        assert (await shared.send([person], place=place, port=SHARED))["allowed"] == 1
    await shared.until(lambda: len(shared.submits(SHARED)) == 2, "two senders wrote")
    shared.simulators["mobile"].send_mo(person, SHARED, "td")
    await shared.until(lambda: confirmations(shared) == [person], "one confirmation")
    text = shared.submits(SERVICE)[0]["text"] or ""
    assert "商户1" in text
    assert "商户2" in text
    assert "商户3" not in text
    assert await entries(shared) == 2
    move(shared, DAY)
    for place, allowed in ((1, 0), (2, 0), (3, 1)):
        assert (await shared.send([person], place=place))["allowed"] == allowed


async def test_the_operators_port_refuses_where_the_person_stands(shared: Platform) -> None:
    person = number("telecom", 5)
    for place in (1, 3):
        await shared.consent([person], place)
    shared.simulators["telecom"].send_mo(person, SERVICE, "退订")
    await shared.until(lambda: confirmations(shared) == [person], "one confirmation")
    text = shared.submits(SERVICE)[0]["text"] or ""
    assert "商户1" in text
    assert "商户3" in text
    assert "商户2" not in text
    assert await entries(shared) == 2


async def test_refusing_everybody(shared: Platform) -> None:
    person = number("unicom", 6)
    for place in (1, 2):
        await shared.consent([person], place)
    shared.simulators["unicom"].send_mo(person, MARKETING, "全部退订")
    await shared.until(lambda: confirmations(shared) == [person], "one confirmation")
    for place in (1, 2, 3):
        assert (await shared.send([person], place=place))["reasons"] == {"no_standing": 1}
    # Part of it repeated changes nothing; a later consent of a customer opens nothing.
    shared.simulators["unicom"].send_mo(person, "106900021", "TD")
    await wait_for(shared, "SELECT count(*) FROM reply", 2, "the repeat is read")
    await shared.consent([person], 2)
    assert (await shared.send([person], place=2))["allowed"] == 0
    await asyncio.sleep(0.2)
    assert await entries(shared) == 1
    assert await shared.value("SELECT count(*) FROM standing") == 0
    assert len(confirmations(shared)) == 1
    for purpose in ("verification", "notification"):
        assert (await shared.send([person], purpose))["allowed"] == 1


async def test_an_unclear_reply_pauses_and_is_not_confirmed(platform: Platform) -> None:
    person = number("mobile", 7)
    for place in (1, 2):
        await platform.consent([person], place)
    later = await platform.send([person], not_before=_in(platform, 60.0))
    platform.simulators["mobile"].send_mo(person, MARKETING, "不用了")
    await wait_for(platform, "SELECT count(*) FROM pause", 1, "the pause")
    await platform.node.live.sync(platform.node.store)
    assert (await platform.send([person]))["reasons"] == {"no_standing": 1}
    inner = "SELECT reasons::text FROM submission ORDER BY id DESC LIMIT 1"
    assert await platform.value(inner) == '{"paused": 1}'
    assert (await platform.send([person], place=2))["allowed"] == 1
    # What was queued before is stopped too.
    move(platform, 61.0)
    await wait_for(platform, "SELECT count(*) FROM queue", 0, "nothing waits")
    await asyncio.sleep(0.2)
    assert later["allowed"] == 1
    assert platform.submits(MARKETING) == []
    assert await entries(platform) == 0
    assert confirmations(platform) == []
    assert (await platform.send([person], "verification"))["allowed"] == 1


def _in(platform: Platform, seconds: float) -> Any:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(platform.clock.now() + seconds, UTC)


async def refuse(platform: Platform, people: Sequence[str], key: str | None = None) -> Any:
    request = RefusalRequest(sender="CODE1", to=list(people), source="counter")
    answer = await platform.node.refusals.refuse(platform.caller(), request, key=key, sha=b"r" * 32)
    return msgspec.json.decode(answer)


async def test_refusals_through_a_customer_are_confirmed_too(platform: Platform) -> None:
    """To those whose standing they end: a customer must not make the operator write to
    strangers. Recorded they are all."""
    people = [number("mobile", 8), number("unicom", 8), "12345", number("telecom", 8)]
    await platform.consent(people[:1])
    answer = await refuse(platform, people, key="k1")
    assert (answer["accepted"], answer["refused"]) == (3, 1)
    assert answer["faults"][0]["row"] == 2
    assert await refuse(platform, people, key="k1") == answer
    assert await refuse(platform, people) == answer, "the same for those who refused before"
    await platform.until(lambda: confirmations(platform) == people[:1], "one confirmation")
    await asyncio.sleep(0.2)
    assert confirmations(platform) == people[:1]
    assert await entries(platform) == 3


async def test_a_refusal_stops_what_waits_for_its_time(platform: Platform) -> None:
    refused, willing = number("mobile", 9), number("mobile", 10)
    await platform.consent([refused, willing])
    answer = await platform.send([refused, willing], not_before=_in(platform, 60.0))
    assert answer["allowed"] == 2
    await refuse(platform, [refused])
    await platform.until(lambda: confirmations(platform) == [refused], "confirmed at once")
    move(platform, 61.0)
    await platform.until(lambda: len(platform.submits(MARKETING)) == 1, "the other one goes out")
    await asyncio.sleep(0.2)
    assert platform.submits(MARKETING)[0]["destination"].endswith(willing)
    assert await platform.value("SELECT states FROM slot_end") == bytes([7])
    assert await platform.value("SELECT amount FROM posting WHERE kind = 'release_daily'") == 50_000


async def test_a_second_refusal_after_a_fresh_consent_counts(platform: Platform) -> None:
    """The person agreed anew, by herself, and then refuses again: it ends standing again."""
    from assent.consent.entry import Entry, Kind
    from assent.flow.ledger import append
    from assent.flow.needs import utc
    from assent.flow.projection import project
    from assent.message import Grade

    person = number("mobile", 11)
    await platform.consent([person])
    await refuse(platform, [person])
    await platform.until(lambda: len(confirmations(platform)) == 1, "confirmed")
    node = platform.node
    now = platform.clock.now()
    who = await platform.value("SELECT id FROM person WHERE msisdn = $1", int("86" + person))
    programme = node.catalogue.programmes[min(node.catalogue.programmes)]
    fresh = Entry(
        at_ms=int(now * 1000) + 1,
        kind=Kind.GRANTED,
        person=who,
        group=node.catalogue.senders[programme.sender_id].group_id,
        programme=programme.id,
        purposes=programme.purposes,
        grade=Grade.RECEIVER,
    )
    async with node.store.transaction() as tx:
        done = await append(tx, [fresh], utc(now))
        await project(tx, list(zip(done.positions, [fresh], strict=True)))
    await node.live.sync(node.store)
    assert (await platform.send([person], not_before=_in(platform, 60.0)))["allowed"] == 1
    platform.simulators["mobile"].send_mo(person, MARKETING, "TD")
    await platform.until(lambda: len(confirmations(platform)) == 2, "confirmed again")
    move(platform, 61.0)
    await node.live.sync(node.store)
    assert (await platform.send([person]))["allowed"] == 0
    await wait_for(platform, "SELECT count(*) FROM queue", 0, "nothing waits")
    assert platform.submits(MARKETING) == []
    assert await entries(platform) == 2
