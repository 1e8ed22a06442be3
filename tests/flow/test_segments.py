"""Long texts: one message in several segments, finished or not begun, retried only as needed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.flow.conftest import Platform, number, numbers, running

MARKETING = "106900011"
SERVICE = "1069999"
LONG = "夏装上新，全场八折，会员再享九折。" * 9 + "客服电话400-820-1234。拒收请回复R"
"""Three segments with its signature."""
SLOW = {"answers": {"latency": 0.15}, "receipts": {"delay": 0.02}}


@pytest.fixture
async def slow(migrated_url: str, tmp_path: Path) -> AsyncIterator[Platform]:
    """One link a carrier with one message on its way at a time."""
    async with running(migrated_url, tmp_path, SLOW, links=1, window=1) as platform:
        yield platform


def parts_of(platform: Platform, person: str) -> list[int]:
    """Return the numbers of the segments that were submitted to somebody, in order."""
    return [
        record["segment"][1]
        for record in platform.submits(MARKETING)
        if record["destination"].removeprefix("86") == person
    ]


async def refused(platform: Platform, count: int) -> bool:
    return bool(await platform.value("SELECT count(*) FROM entry WHERE kind = 3") == count)


async def wait_for_entries(platform: Platform, count: int) -> None:
    await platform.until(lambda: refused(platform, count), "the refusal is in the ledger")


async def test_what_was_begun_is_finished_and_then_confirmed(slow: Platform) -> None:
    begun, waiting = number("mobile", 1), number("mobile", 2)
    await slow.consent([begun, waiting])
    answer = await slow.send([begun, waiting], text=LONG)
    assert [line["segments"] for line in answer["messages"]] == [3, 3]
    await slow.until(lambda: parts_of(slow, begun) == [1], "the first part of the first message")
    for person in (begun, waiting):
        slow.simulators["mobile"].send_mo(person, MARKETING, "TD")
    await slow.until(lambda: len(slow.submits(SERVICE)) == 2, "both confirmations")
    await asyncio.sleep(0.3)
    assert parts_of(slow, begun) == [1, 2, 3]
    assert parts_of(slow, waiting) == []
    last = max(record["t"] for record in slow.submits(MARKETING))
    confirmed = {r["destination"].removeprefix("86"): r["t"] for r in slow.submits(SERVICE)}
    assert confirmed[begun] > last
    # Three segments charged, three given back with the daily batch.
    sums = await slow.sql("SELECT kind, sum(segments) AS n FROM posting GROUP BY kind")
    assert {row["kind"]: row["n"] for row in sums if row["kind"] != "deposit"} == {
        "reserve": 6,
        "revenue": 3,
        "release_daily": 3,
    }


async def test_throttled_parts_are_finished_before_the_confirmation(slow: Platform) -> None:
    person = number("telecom", 1)
    await slow.consent([person])
    await slow.send([person], text=LONG)
    await slow.until(lambda: parts_of(slow, person) == [1], "the first part")
    await asyncio.sleep(0.05)
    # From now on the carrier pushes back; its answer to the first part is on its way.
    slow.simulators["telecom"].change({"answers": {"refusals": [{"code": 8}]}})
    await slow.until(lambda: len(parts_of(slow, person)) > 1, "a throttled part")
    slow.simulators["telecom"].send_mo(person, MARKETING, "TD")
    await wait_for_entries(slow, 1)
    await slow.until(lambda: len(parts_of(slow, person)) > 3, "a part that is tried again")
    assert not slow.submits(SERVICE)
    slow.simulators["telecom"].change({"answers": {"refusals": []}})
    await slow.until(lambda: len(slow.submits(SERVICE)) == 1, "the confirmation", 25.0)
    await asyncio.sleep(0.3)
    parts = Counter(parts_of(slow, person))
    assert parts[1] == 1, "a part that the carrier took is not sent again"
    assert set(parts) == {1, 2, 3}
    assert max(r["t"] for r in slow.submits(MARKETING)) < slow.submits(SERVICE)[0]["t"]
    assert await slow.value("SELECT sum(segments) FROM posting WHERE kind = 'revenue'") == 3
    assert await slow.value("SELECT count(*) FROM open_window") == 0
    assert await slow.value("SELECT count(*) FROM queue") == 0


async def test_only_missing_parts_are_retried(migrated_url: str, tmp_path: Path) -> None:
    script = {
        "answers": {"latency": 0.002, "refusals": [{"code": 8, "share": 0.4}]},
        "receipts": {"delay": 0.02},
    }
    async with running(migrated_url, tmp_path, script, seed=3) as platform:
        people = numbers(12)
        await platform.consent(people)
        answer = await platform.send(people, text=LONG)

        async def done() -> bool:
            status = await platform.node.status.submission(platform.caller(), int(answer["id"]))
            return bool(status["states"] == {"delivered": 12})

        await platform.until(done, "every message is delivered", 25.0)
        accepted: Counter[tuple[str, int]] = Counter()
        asked: dict[tuple[str, int, int], dict[str, Any]] = {}
        for record in platform.records():
            key = (record["carrier"], record["connection"], record["sequence"])
            if record["command"] == "SUBMIT" and record["direction"] == "in":
                asked[key] = record
            elif record["command"] == "SUBMIT_RESP" and record["status"] == 0:
                submit = asked[key]
                accepted[submit["destination"].removeprefix("86"), submit["segment"][1]] += 1
        assert accepted == Counter({(person, part): 1 for person in people for part in (1, 2, 3)})
        assert await platform.value("SELECT sum(segments) FROM posting WHERE kind='revenue'") == 36


async def test_an_unsure_part_is_not_sent_again(migrated_url: str, tmp_path: Path) -> None:
    """A throttled part brings its message back, but not the part that got no answer."""
    async with running(
        migrated_url, tmp_path, SLOW, links=2, window=1, response_s=0.6, tries=1
    ) as platform:
        person = number("mobile", 5)
        await platform.consent([person])
        mobile = platform.simulators["mobile"]
        mobile.connections[0].stall(1.5)
        mobile.change({"answers": {"refusals": [{"code": 8, "share": 0.5}]}})
        await platform.send([person], text=LONG)

        async def quiet() -> bool:
            return bool(
                await platform.value(
                    "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
                )
                == 0
            )

        await platform.until(quiet, "the message has ended", 25.0)
        await asyncio.sleep(0.3)
        unsure = await platform.sql("SELECT segment, settled FROM unsure_segment")
        assert unsure, "the stalled link left something unsure"
        asked = Counter(parts_of(platform, person))
        for row in unsure:
            # A carrier that stalls may never have read it.
            assert asked[row["segment"] + 1] <= 1, "never sent twice"
        held = await platform.value(
            "SELECT sum(CASE kind WHEN 'reserve' THEN segments WHEN 'deposit' THEN 0"
            " ELSE -segments END) FROM posting"
        )
        assert held == len([row for row in unsure if row["settled"] is None])


async def test_any_failed_part_fails_the_message(migrated_url: str, tmp_path: Path) -> None:
    script = {
        "answers": {"latency": 0.001},
        "receipts": {"delay": 0.02, "stats": {"DELIVRD": 4, "UNDELIV": 1}},
    }
    async with running(migrated_url, tmp_path, script, seed=7) as platform:
        people = numbers(30)
        await platform.consent(people)
        answer = await platform.send(people, text=LONG)
        reports: dict[str, list[str]] = defaultdict(list)

        def reported() -> bool:
            reports.clear()
            for record in platform.records():
                if record["command"] == "DELIVER" and record["message_id"]:
                    reports[record["source"].removeprefix("86")].append(record["status"])
            return sum(map(len, reports.values())) == 90

        await platform.until(reported, "a report on each part")
        failed = sum("UNDELIV" in stats for stats in reports.values())
        assert 0 < failed < 30
        wanted = {"delivered": 30 - failed, "failed": failed}

        async def told() -> bool:
            status = await platform.node.status.submission(platform.caller(), int(answer["id"]))
            return bool(status["states"] == wanted)

        await platform.until(told, f"states are {wanted}")
