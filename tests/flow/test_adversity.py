"""Lines to the carriers that fail, end to end and in every dialect: nothing is lost, nothing is
sent twice. Judged from the carriers' own records against the platform's books (audit.py)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from assent.carrier import connection
from tests.carrier.proxy import Cut, Way, Words
from tests.flow.conftest import CARRIERS, PROMPT, number, numbers
from tests.flow.stormy import KINDS, MARKETING, PATIENCE_S, SERVICE, Stormy, stormy

PEOPLE = 90
IMPATIENT = {"response_s": 1.5, "stall_s": 1.5}


@pytest.fixture(params=KINDS)
async def platform(
    request: pytest.FixtureRequest,
    migrated_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Stormy]:
    """Carriers of CMPP, or of every other dialect, that are not waited for long."""
    monkeypatch.setattr(connection, "RETIRE_GRACE_S", 0.2)
    async with stormy(request.param, migrated_url, tmp_path, PROMPT, **IMPATIENT) as made:
        yield made


async def order(platform: Stormy, count: int = PEOPLE) -> list[str]:
    people = numbers(count)
    await platform.consent(people)
    await platform.send(people)
    return people


def each(platform: Stormy, make: Callable[[Words], Any], way: Way = Way.DOWN) -> None:
    """Give every carrier's lines a change of their own."""
    for carrier, proxy in platform.proxies.items():
        proxy.changes[way] = make(platform.words(carrier))


@pytest.mark.parametrize("way", Way, ids=["up", "down"])
async def test_lines_that_are_cut_inside_pdus(platform: Stormy, way: Way) -> None:
    """Three times a carrier, in order and with a reset."""

    def cutting(words: Words) -> Callable[[bytes], Sequence[bytes | Cut]]:
        seen = 0
        wanted = words.submit if way is Way.UP else words.submit_answer

        def change(pdu: bytes) -> Sequence[bytes | Cut]:
            nonlocal seen
            if words.command(pdu) == wanted:
                seen += 1
                if seen in (3, 8, 14):
                    return (Cut(pdu[: len(pdu) // 2], reset=seen == 8),)
            return (pdu,)

        return change

    each(platform, cutting, way)
    people = await order(platform)
    _, unsure = await platform.settled(PEOPLE)
    assert unsure > 0
    assert max(platform.people().values()) == 1
    assert set(platform.people()) <= set(people)
    await platform.balanced()


@pytest.mark.parametrize("way", Way, ids=["up", "down"])
async def test_lines_that_stand_still_and_then_go_on(platform: Stormy, way: Way) -> None:
    """What a line held is let go when the platform has given it up: the carrier takes it late, or
    its answer finds nobody. Neither is a reason to send again."""
    held = [
        line.up if way is Way.UP else line.down
        for proxy in platform.proxies.values()
        for line in proxy.lines
    ]
    for pump in held:
        pump.hold()
    people = await order(platform)

    async def given_up() -> bool:
        return bool(await platform.value("SELECT count(*) FROM unsure_segment") > 0)

    await platform.until(given_up, "attempts are unsure")
    for pump in held:
        pump.release()
    await platform.settled(PEOPLE)
    assert max(platform.people().values()) == 1
    assert set(platform.people()) <= set(people)
    await platform.balanced()


async def test_peers_that_vanish(platform: Stormy) -> None:
    """Nothing passes on the present lines any more, and nobody says so."""

    def vanishing(words: Words) -> Callable[[bytes], Sequence[bytes]]:
        seen = 0

        def change(pdu: bytes) -> Sequence[bytes]:
            nonlocal seen
            seen += words.is_answer(pdu)
            if words.is_answer(pdu) and seen == 5:
                for proxy in platform.proxies.values():
                    if proxy.changes[Way.DOWN] is change:
                        for line in proxy.lines:
                            line.vanish()
                return ()
            return (pdu,)

        return change

    each(platform, vanishing)
    await order(platform)
    _, unsure = await platform.settled(PEOPLE)
    assert unsure >= 3
    assert max(platform.people().values()) == 1
    await platform.balanced()


async def test_answers_and_reports_twice_and_in_another_order(platform: Stormy) -> None:
    """Each pair of answers changes places, and each answer and report comes twice."""

    def twice_and_turned(words: Words) -> Callable[[bytes], Sequence[bytes]]:
        kept: list[bytes] = []

        def change(pdu: bytes) -> Sequence[bytes]:
            if words.is_deliver(pdu):
                return (pdu, pdu)
            if not words.is_answer(pdu):
                return (pdu,)
            kept.append(pdu)
            if len(kept) % 2:
                return (pdu,)
            return (*kept[-1:-3:-1],)

        return change

    for carrier, proxy in platform.proxies.items():
        for line in proxy.lines:
            line.down.change = twice_and_turned(platform.words(carrier))
    for carrier, proxy in platform.backs.items():
        proxy.changes[Way.UP] = twice_and_turned(platform.words(carrier))
    await order(platform)
    assert await platform.settled(PEOPLE) == (PEOPLE, 0)
    revenue = await platform.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'")
    assert revenue == PEOPLE * 50_000
    assert max(platform.people().values()) == 1
    await platform.balanced()


async def test_answers_that_name_nobody_and_commands_that_nobody_has(platform: Stormy) -> None:
    """Every fifth answer's number is wrong, and an unknown command comes with each of them."""

    def wrong(words: Words) -> Callable[[bytes], Sequence[bytes]]:
        seen = 0

        def change(pdu: bytes) -> Sequence[bytes]:
            nonlocal seen
            if not words.is_answer(pdu):
                return (pdu,)
            seen += 1
            if seen % 5 or seen > 15:
                return (pdu,)
            stray = words.with_sequence(pdu, words.sequence(pdu) + 5_000_000)
            return (words.bare(0x0777, seen), stray)

        return change

    each(platform, wrong)
    await order(platform)
    _, unsure = await platform.settled(PEOPLE)
    assert unsure >= 3 * 3
    assert max(platform.people().values()) == 1
    await platform.balanced()


async def test_a_carrier_that_never_reads_is_handed_its_windows_and_no_more(
    platform: Stormy,
) -> None:
    """The rest waits in the database, not in buffers, and the other carriers' messages go on."""
    window, links, count = 16, 2, 600
    for line in platform.proxies["mobile"].lines:
        line.up.hold()
    await order(platform, count)
    pool, most = platform.node.pools["mobile"], 0

    def first_loss() -> bool:
        nonlocal most
        health = pool.health()
        if any(link["lost"] for link in health):
            return True
        most = max(most, sum(link["submitted"] for link in health))
        return False

    await platform.until(first_loss, "the carrier is left", PATIENCE_S)
    assert 0 < most <= window * links

    async def others_are_done() -> bool:
        return await platform.delivered() >= 2 * count // 3

    await platform.until(others_are_done, "the other carriers' messages are delivered", PATIENCE_S)
    _, unsure = await platform.settled(count)
    assert most <= unsure
    assert max(platform.people().values()) == 1
    await platform.balanced()


async def test_replies_whose_answers_are_cut_come_again_and_count_once(platform: Stormy) -> None:
    """The carrier delivers again what it has no answer for. A refusal ends standing once and is
    confirmed once, whether it came whole or in parts. (In SMPP and SGIP, where messages have no id
    of their own, a reply may stand in the books twice, and a part that comes again waits for its
    others until it is given up.)"""
    await order(platform, 6)
    await platform.settled(6)

    def cutting(words: Words) -> Callable[[bytes], Sequence[bytes | Cut]]:
        seen = 0
        answers = {words.deliver | 0x80000000}

        def change(pdu: bytes) -> Sequence[bytes | Cut]:
            nonlocal seen
            if words.command(pdu) in answers:
                seen += 1
                if seen in (1, 3):
                    return (Cut(pdu[: len(pdu) // 2], reset=seen == 3),)
            return (pdu,)

        return change

    for carrier, proxy in platform.proxies.items():
        change = cutting(platform.words(carrier))
        proxy.changes[Way.UP] = change
        if carrier in platform.backs:
            platform.backs[carrier].changes[Way.DOWN] = change
    long = "我没有订阅你们的短信，请不要再给我发了，谢谢。" * 4
    for place, carrier in enumerate(CARRIERS):
        simulator = platform.simulators[carrier]
        simulator.send_mo(number(carrier, place), MARKETING, "TD")
        simulator.send_mo(number(carrier, place + 3), MARKETING, long)

    async def all_is_heard() -> bool:
        refused = await platform.value("SELECT count(DISTINCT person_id) FROM refusal")
        status = [one.status() for one in platform.simulators.values()]
        idle = not any(one["waiting"] + one["unacknowledged"] for one in status)
        return bool(idle and refused == 6)

    await platform.until(all_is_heard, "every reply is read", PATIENCE_S)
    assert sum(one.status()["redelivered"] for one in platform.simulators.values()) >= 3
    texts = {row["text"] for row in await platform.sql("SELECT text FROM reply WHERE complete")}
    assert texts == {"TD", long}

    async def confirmed() -> bool:
        waiting = "SELECT count(*) FROM confirmation WHERE state = 'waiting'"
        return bool(await platform.value(waiting) == 0 and len(told()) >= 6)

    def told() -> list[str]:
        return [one["destination"] for one in platform.plain_records()
                if one["command"] == "SUBMIT" and one["source"] == SERVICE]  # fmt: skip

    await platform.until(confirmed, "every refusal is confirmed", PATIENCE_S)
    await platform.nothing_under_way()
    assert sorted(told()) == sorted(set(told()))
    assert len(told()) == 6
    await platform.balanced()
