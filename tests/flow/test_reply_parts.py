"""Long replies in parts: out of order, twice, over several links, never; in every dialect."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.app import metrics
from assent.app.node import Node
from assent.carrier.mailbox import Mobile
from assent.clock import SystemClock
from assent.text import Alphabet, encode
from assent.wire import smpp
from assent.wire.smpp_tables import DATA_SM
from assent.wire.smpp_tlvs import pair
from tests.flow.conftest import PROMPT, Platform, noon_offset, number, register, running
from tests.flow.test_dialects import dialects
from tests.flow.test_replies import LONG, confirmations, entries, move, post, wait_for

MARKETING = "106900011"
LATER_S = 301.0
ROLES = ("front", "bulk")


@asynccontextmanager
async def either(
    url: str, directory: Path, dialect: str, way: str
) -> AsyncIterator[tuple[Platform, str]]:
    """A platform, and which of its carriers speaks this dialect."""
    if dialect == "cmpp":
        async with running(url, directory) as platform:
            mobile = platform.simulators["mobile"]
            mobile.speech.settings = replace(mobile.settings, reply_parts=way)
            yield platform, "mobile"
    else:
        names = {"smpp": "mobile", "sgip": "unicom", "smgp": "telecom"}
        async with dialects(url, directory, PROMPT, {dialect: way}) as platform:
            yield platform, names[dialect]


def items_of(platform: Platform, carrier: str, person: str, text: str) -> list[Any]:
    return list(platform.simulators[carrier].intake.mobile(person, MARKETING, text))


def part(platform: Platform, carrier: str, person: str, head: str, octets: bytes, fmt: int) -> Any:
    """One part, made by hand: its header in hex, its octets."""
    (identity,) = platform.simulators[carrier].speech.take(1, platform.clock.now())
    return Mobile(identity, MARKETING, person, bytes.fromhex(head) + octets, fmt, 1)


def ucs2(text: str) -> bytes:
    return encode(text, Alphabet.UCS2)


async def replies(platform: Platform) -> list[tuple[str, bool]]:
    rows = await platform.sql("SELECT text, complete FROM reply ORDER BY id")
    return [(row["text"], row["complete"]) for row in rows]


async def left(platform: Platform) -> int:
    """How many stored parts nothing was made of."""
    return int(await platform.value("SELECT count(*) FROM inbound WHERE reply_id IS NULL"))


@pytest.mark.parametrize(
    ("dialect", "way"),
    [
        ("cmpp", "udh"), ("cmpp", "udh16"), ("sgip", "udh"), ("sgip", "udh16"), ("smgp", "udh"),
        ("smgp", "udh16"), ("smpp", "udh"), ("smpp", "udh16"), ("smpp", "sar"), ("smpp", "payload"),
    ],
)  # fmt: skip
async def test_parts_in_any_order_and_twice_are_one_refusal(
    migrated_url: str, tmp_path: Path, dialect: str, way: str
) -> None:
    rng = Random(way)
    async with either(migrated_url, tmp_path, dialect, way) as (platform, carrier):
        people = [number(carrier, place) for place in range(1, 5)]
        sent = {person: items_of(platform, carrier, person, LONG) for person in people}
        count = 1 if way == "payload" else 2
        assert {len(items) for items in sent.values()} == {count}
        for items in sent.values() if count > 1 else ():
            again = [*items, rng.choice(items)]
            rng.shuffle(again)
            for item in again:
                post(platform, carrier, [item])  # each on a connection that is drawn
                await asyncio.sleep(0.005)
        for items in sent.values() if count == 1 else ():
            post(platform, carrier, items)
        await platform.until(lambda: len(confirmations(platform)) == 4, "four confirmations")
        # Some carriers number nothing, and deliver a part again much later as if it were new.
        for items in sent.values() if count > 1 else ():
            post(platform, carrier, items[:1])
        await asyncio.sleep(0.3)
        move(platform, LATER_S)
        await platform.node.replies.sweep()

        async def nothing_left() -> bool:
            return await left(platform) == 0

        await platform.until(nothing_left, "nothing waits")
        assert set(await replies(platform)) == {(LONG, True)}
        assert await entries(platform) == 4
        assert sorted(confirmations(platform)) == sorted(people)
        if count > 1:
            assert len(await replies(platform)) == 4
            assert platform.node.replies.incomplete == 0


@pytest.mark.parametrize("dialect", ["cmpp", "sgip", "smgp", "smpp"])
async def test_what_does_not_come_is_told_and_what_came_is_read(
    migrated_url: str, tmp_path: Path, dialect: str
) -> None:
    text = "你们好，" * 20 + "请把我删掉，我要退订。" + "谢谢！" * 40
    async with either(migrated_url, tmp_path, dialect, "udh") as (platform, carrier):
        person = number(carrier, 3)
        first, second, third, fourth = items_of(platform, carrier, person, text)
        post(platform, carrier, [third, second])
        await wait_for(platform, "SELECT count(*) FROM inbound", 2, "the parts are stored")
        move(platform, LATER_S / 2)
        post(platform, carrier, [fourth])
        await wait_for(platform, "SELECT count(*) FROM inbound", 3, "the third one, too")
        await platform.node.replies.look()
        assert platform.node.report()["reply_parts_waiting"] == 3
        assert await entries(platform) == 0
        move(platform, LATER_S / 2)
        await platform.node.replies.sweep()
        await platform.until(lambda: confirmations(platform) == [person], "the confirmation")
        await platform.node.replies.look()
        assert await replies(platform) == [("…" + text[67:], False)]
        report = platform.node.report()
        assert (report["replies_incomplete"], report["reply_parts_waiting"]) == (1, 0)
        shown = metrics.text({1: report}).decode()
        assert 'assent_replies_incomplete_total{role="all"} 1.0' in shown
        assert 'assent_reply_parts_waiting{role="all"} 0.0' in shown
        # What comes after all is kept and read, too.
        post(platform, carrier, [first])
        await wait_for(platform, "SELECT count(*) FROM inbound", 4, "it is stored")
        move(platform, LATER_S)
        await platform.node.replies.sweep()
        assert (await replies(platform))[1] == (text[:67] + "…", False)
        assert await left(platform) == 0


async def test_parts_wait_through_a_restart(migrated_url: str, tmp_path: Path) -> None:
    async with running(migrated_url, tmp_path) as platform:
        soon, never = number("mobile", 4), number("unicom", 4)
        soon_parts = items_of(platform, "mobile", soon, LONG)
        never_parts = items_of(platform, "unicom", never, LONG)
        post(platform, "mobile", soon_parts[1:])
        post(platform, "unicom", never_parts[:1])
        await wait_for(platform, "SELECT count(*) FROM inbound", 2, "the parts are stored")
        await platform.node.stop()
        await platform.start_node()
        post(platform, "mobile", soon_parts[:1])
        await platform.until(lambda: confirmations(platform) == [soon], "the first confirmation")
        await platform.node.stop()
        move(platform, LATER_S)
        await platform.start_node()

        async def both() -> bool:
            return len(await replies(platform)) == 2

        await platform.until(both, "the other one is read as far as it came")
        assert await replies(platform) == [(LONG, True), (LONG[:67] + "…", False)]


async def test_parts_over_links_of_two_processes(migrated_url: str, tmp_path: Path) -> None:
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await platform.start(PROMPT, links=1, front=1)
    try:
        await platform.file(register())
        nodes = [Node(platform.settings, role, migrated_url, platform.clock) for role in ROLES]
        for node in nodes:
            await node.start()
        platform.node = nodes[0]
        mobile = platform.simulators["mobile"]
        (account,) = mobile.accounts.values()
        await platform.until(lambda: len(account.receivers) == 2, "both have their link")
        people = [number("mobile", place) for place in range(1, 6)]
        for place, person in enumerate(people):
            parts = items_of(platform, "mobile", person, LONG)
            for item, line in zip(parts[:: (-1) ** place], account.receivers, strict=True):
                account.post([item], line)
                line.flush()
        await platform.until(lambda: len(confirmations(platform)) == 5, "five confirmations")
        assert sorted(confirmations(platform)) == people
        assert set(await replies(platform)) == {(LONG, True)}
        stored = await platform.sql("SELECT DISTINCT link FROM inbound")
        assert len(stored) == 2, "each part came through another link"
        for node in nodes:
            await node.stop()
    finally:
        await platform.stop()


async def test_a_reference_that_is_used_again_mixes_nothing(platform: Platform) -> None:
    """A telephone that always takes the same reference; a part of its first message got lost."""
    person = number("telecom", 6)
    head = "0500030702"
    old = part(platform, "telecom", person, f"{head}01", ucs2("昨天的"), 8)
    new = [
        part(platform, "telecom", person, f"{head}01", ucs2("我要"), 8),
        part(platform, "telecom", person, f"{head}02", ucs2("退订"), 8),
    ]
    post(platform, "telecom", [old])
    await wait_for(platform, "SELECT count(*) FROM inbound", 1, "the old part is stored")
    post(platform, "telecom", new)
    await platform.until(lambda: confirmations(platform) == [person], "the confirmation")
    assert await replies(platform) == [("我要退订", True)]
    move(platform, LATER_S)
    await platform.node.replies.sweep()
    assert (await replies(platform))[1:] == [("昨天的…", False)]
    # The same numbers with another total are another message.
    others = [
        part(platform, "telecom", person, "050003070301", ucs2("a"), 8),
        part(platform, "telecom", person, "050003070202", ucs2("b"), 8),
    ]
    post(platform, "telecom", others)
    await asyncio.sleep(0.2)
    assert len(await replies(platform)) == 2


@pytest.mark.parametrize("dialect", ["cmpp", "smpp"])
async def test_parts_in_codings_of_their_own(
    migrated_url: str, tmp_path: Path, dialect: str
) -> None:
    async with either(migrated_url, tmp_path, dialect, "udh") as (platform, carrier):
        person = number(carrier, 7)
        smile = ucs2("退订😀")
        # The emoji is cut in its middle, as some telephones do.
        made = [
            part(platform, carrier, person, "060804123404" + "01", b"Hello, ", 0),
            part(platform, carrier, person, "060804123404" + "02", smile[:6], 8),
            part(platform, carrier, person, "060804123404" + "03", smile[6:], 8),
            part(platform, carrier, person, "060804123404" + "04", b" TD", 0),
        ]
        for item in reversed(made):
            post(platform, carrier, [item])
        await platform.until(lambda: confirmations(platform) == [person], "the confirmation")
        assert await replies(platform) == [("Hello, 退订😀 TD", True)]


async def test_replies_and_receipts_as_data_sm(migrated_url: str, tmp_path: Path) -> None:
    """An SMSC may deliver by data_sm, whose text is always a message_payload."""
    async with dialects(migrated_url, tmp_path, {"receipts": {"share": 0.0}}) as platform:
        person = number("mobile", 8)
        await platform.consent([person])
        answer = await platform.send([person])
        await platform.until(lambda: len(platform.submits(MARKETING)) == 1, "the message")

        async def one_result() -> bool:
            return bool(await platform.value("SELECT count(*) FROM window_result") == 1)

        await platform.until(one_result, "its answer is stored")
        (given,) = [r for r in platform.records() if r["command"] == "submit_sm_resp"][:1]
        line = platform.simulators["mobile"].connections[0]
        common = {"source_addr": person, "destination_addr": MARKETING}
        receipt = {
            **common, "esm_class": 4,
            "tlvs": [pair("receipted_message_id", given["message_id"]), pair("message_state", 2)],
        }  # fmt: skip
        reply = {**common, "data_coding": 8, "tlvs": [pair("message_payload", ucs2("退订"))]}
        session: Any = line._session
        bodies = [smpp.body_of(DATA_SM, receipt), smpp.body_of(DATA_SM, reply)]
        line._out.append(session.send_data(bodies, [-1, -2], asyncio.get_running_loop().time()))
        line._write()
        await platform.until(lambda: confirmations(platform) == [person], "the confirmation")

        async def delivered() -> bool:
            status = await platform.node.status.submission(platform.caller(), int(answer["id"]))
            return bool(status["states"] == {"delivered": 1})

        await platform.until(delivered, "the message is delivered")
        assert await replies(platform) == [("退订", True)]
