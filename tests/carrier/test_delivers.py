"""Reports and replies: their ways to the platform, and their acknowledgement."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from assent.carrier.records import read_text
from assent.wire.pdus import DeliverPdu
from tests.carrier.conftest import ACCESS, Flow, Rig, until
from tests.carrier.test_link import deepest

LONG = "我没有订阅你们的短信,请不要再给我发了。" * 6


def reports(flow: Flow) -> list[Any]:
    pdus = [deliver for deliver in flow.delivers if deliver.is_report]
    return [pdu.report() for pdu in pdus if isinstance(pdu, DeliverPdu)]


async def test_reports_name_the_messages(rig: Rig) -> None:
    stats = {"DELIVRD": 90, "UNDELIV": 5, "MK:0001": 5}
    carrier = await rig.carrier({"receipts": {"stats": stats, "delay": {"exponential": 0.01}}})
    pool = rig.pool(carrier.port)
    rig.flow.add(count=300)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.delivers) == 300)
    got = {report.message_id: report for report in reports(rig.flow)}
    assert set(got) == {message_id for _, _, message_id in rig.flow.answers}
    seen = Counter(report.stat for report in got.values())
    assert set(seen) == set(stats)
    assert seen["DELIVRD"] > 240
    await until(lambda: carrier.status()["receipts_acknowledged"] == 300)
    assert deepest(rig.records(), "out", "DELIVER") <= 16


async def test_the_platform_that_never_acknowledges_gets_one_window(rig: Rig) -> None:
    carrier = await rig.carrier({"deliver_window": 5})
    pool = rig.pool(carrier.port)
    link = await rig.bound(pool)
    rig.flow.acknowledges = False
    rig.flow.add(count=50)
    pool.kick()
    await until(lambda: len(rig.flow.answers) == 50)
    await asyncio.sleep(0.05)
    assert len(rig.flow.delivers) == 5
    assert link.health()["unacknowledged"] == 5
    assert carrier.status()["waiting"] == 45
    rig.flow.acknowledges = True
    link.acknowledge(rig.flow.delivers)
    await until(lambda: len(rig.flow.delivers) == 50)
    acknowledged = [r for r in rig.records() if r["command"] == "DELIVER_RESP"]
    assert len(acknowledged) == 50
    # The first five answers were one write, so they were read at once.
    assert len({r["t"] for r in acknowledged[:5]}) == 1


async def test_what_is_not_acknowledged_comes_again_on_the_next_connection(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    link = await rig.bound(pool)
    rig.flow.acknowledges = False
    carrier.send_mo("13800138000", ACCESS, "TD")
    await until(lambda: len(rig.flow.delivers) == 1)
    first = rig.flow.delivers[:]
    link.abort("test")
    rig.flow.acknowledges = True
    await until(lambda: len(rig.flow.delivers) == 2)
    again = rig.flow.delivers[1]
    assert isinstance(again, DeliverPdu)
    assert isinstance(first[0], DeliverPdu)
    assert again.message_id == first[0].message_id
    # Acknowledging the old one now is a no-op: no second DELIVER_RESP leaves.
    link.acknowledge(first)
    await asyncio.sleep(0.05)
    assert link.counters.late_acknowledgements == 1
    assert carrier.status()["mo_acknowledged"] == 1
    assert [r["command"] for r in rig.records()].count("DELIVER_RESP") == 1


async def test_early_reports_come_before_the_answer(rig: Rig) -> None:
    carrier = await rig.carrier({"receipts": {"early": 1.0}, "answers": {"latency": 0.05}})
    pool = rig.pool(carrier.port)
    rig.flow.add(count=4)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.answers) == 4)
    assert rig.flow.order[:4] == ["report"] * 4
    ids = {message_id for _, _, message_id in rig.flow.answers}
    assert {report.message_id for report in reports(rig.flow)} == ids


async def test_late_and_duplicate_reports(rig: Rig) -> None:
    carrier = await rig.carrier({"receipts": {"late": 1.0, "late_delay": 0.1, "duplicate": 1.0}})
    pool = rig.pool(carrier.port)
    rig.flow.add(count=4)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.delivers) == 8)
    counts = Counter(report.message_id for report in reports(rig.flow))
    assert set(counts.values()) == {2}
    records = rig.records()
    answered = min(r["t"] for r in records if r["command"] == "SUBMIT_RESP")
    assert min(r["t"] for r in records if r["command"] == "DELIVER") - answered >= 0.1e9


async def test_reports_on_any_link(rig: Rig) -> None:
    carrier = await rig.carrier({"receipts": {"on": "any"}})
    pool = rig.pool(carrier.port, links=["a", "b"])
    await rig.bound(pool)
    rig.flow.add(count=60)
    pool.links[0].kick()
    await until(lambda: len(rig.flow.delivers) == 60)
    health = pool.health()
    assert health[0]["delivers"] > 5
    assert health[1]["delivers"] > 5


async def test_the_short_report_form(rig: Rig) -> None:
    carrier = await rig.carrier({"receipts": {"form": "short"}})
    pool = rig.pool(carrier.port)
    rig.flow.add(count=1)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.delivers) == 1)
    assert len(rig.flow.delivers[0].content) == 60
    assert reports(rig.flow)[0].stat == "DELIVRD"


async def test_version_2_links(rig: Rig) -> None:
    rig.flow = Flow(0x20)
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port, version=0x20)
    rig.flow.add(count=3)
    await rig.bound(pool)
    carrier.send_mo("13800138000", ACCESS, LONG)
    await until(lambda: len(rig.flow.delivers) == 5)
    assert {report.stat for report in reports(rig.flow)} == {"DELIVRD"}
    assert rig.flow.results == {0: 3}
    raw = [r["raw"] for r in rig.records() if r["command"] == "SUBMIT"]
    assert {len(bytes.fromhex(one)) for one in raw} == {12 + 126 + 21 + 5}


async def test_a_long_reply_comes_in_segments(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    await rig.bound(pool)
    ids = carrier.send_mo("13800138000", ACCESS, LONG)
    await until(lambda: len(rig.flow.delivers) == 2)
    parts = [read_text(d.content, d.fmt, d.udhi) for d in rig.flow.delivers]
    assert "".join(text or "" for text, _ in parts) == LONG
    assert [segment[1:] for _, segment in parts if segment] == [(1, 2), (2, 2)]
    recorded = [r for r in rig.records() if r["command"] == "DELIVER"]
    assert [r["message_id"] for r in recorded] == [str(one) for one in ids]
    assert "".join(r["text"] for r in recorded) == LONG


async def test_people_answer_once_a_message(rig: Rig) -> None:
    rule = {"texts": {"TD": 1}, "text": "退订回TD", "source_prefix": "1069"}
    carrier = await rig.carrier({"replies": [rule]})
    pool = rig.pool(carrier.port)
    await rig.bound(pool)
    rig.flow.add(text="【安信】" + "大促销" * 40 + "退订回TD", person=13_800_000_000, count=3)
    rig.flow.add(text="【安信】您的验证码", person=13_700_000_000, count=3)
    pool.kick()
    await until(lambda: sum(not d.is_report for d in rig.flow.delivers) == 3)
    # The same people again: by this rule each answers once.
    rig.flow.add(text="退订回TD", person=13_800_000_000, count=3)
    pool.kick()
    await until(lambda: len(rig.flow.answers) == 12)
    await asyncio.sleep(0.05)
    replies = [d for d in rig.flow.delivers if not d.is_report]
    assert sorted(d.source for d in replies) == ["13800000000", "13800000001", "13800000002"]
    assert {(d.destination, d.content) for d in replies} == {(ACCESS, b"TD")}
    submits = [r for r in rig.records() if r["command"] == "SUBMIT"]
    assert submits[0]["segment"][1:] == [1, 2]
    assert submits[0]["text"].startswith("【安信】大促销")


async def test_people_who_got_nothing_do_not_answer(rig: Rig) -> None:
    script = {"receipts": {"stats": {"UNDELIV": 1}}, "replies": [{"texts": {"TD": 1}}]}
    carrier = await rig.carrier(script)
    pool = rig.pool(carrier.port)
    rig.flow.add(count=5)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.delivers) == 5)
    await asyncio.sleep(0.03)
    assert carrier.status()["mo_made"] == 0
