"""Answers and reports that come in another order, twice, too late, or to nobody; PDUs that no
dialect has; lengths that are lies. In every dialect, judged from the carrier's record."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence

import pytest

from assent.wire.kit import DIALECTS
from tests.carrier.conftest import Rig, until
from tests.carrier.proxy import Way
from tests.carrier.storm import Storm

pytestmark = pytest.mark.parametrize("dialect", DIALECTS)
ODD = "[13579]$"


@pytest.fixture
async def storm(rig: Rig, dialect: str) -> AsyncIterator[Storm]:
    made = Storm(rig, dialect)
    yield made
    await made.close()


async def test_answers_in_another_order_find_their_messages(storm: Storm) -> None:
    await storm.start(window=8)
    code = storm.refusal
    storm.carrier.change({"answers": {"refusals": [{"code": code, "numbers": ODD}]}})
    kept: list[bytes] = []

    def change(pdu: bytes) -> Sequence[bytes]:
        if not storm.words.is_answer(pdu):
            return (pdu,)
        kept.append(pdu)
        if len(kept) < 8:
            return ()
        found = kept[::-1]
        kept.clear()
        return found

    storm.proxy.changes[Way.DOWN] = change
    storm.send(40)
    await storm.finish()
    storm.judge()
    assert not storm.flow.losses
    order = [token for token, _, _ in storm.flow.answers]
    assert order != sorted(order)
    assert {token: result for token, result, _ in storm.flow.answers} == {
        token: code * (token % 2) for token in range(40)
    }
    await storm.all_reported()


async def test_answers_and_reports_that_come_twice_count_once(storm: Storm) -> None:
    await storm.start(window=8)
    twice = {storm.words.submit_answer, storm.words.deliver, storm.words.report}

    def change(pdu: bytes) -> Sequence[bytes]:
        return (pdu, pdu) if storm.words.command(pdu) in twice else (pdu,)

    storm.proxy.changes[Way.DOWN] = change
    storm.deliveries(change)
    storm.send(40)
    await storm.finish()
    await storm.all_reported()
    storm.judge()
    assert not storm.flow.losses
    assert storm.link.counters.answered == len(storm.flow.answers) == 40
    ids = Counter(message_id for _, _, message_id in storm.flow.answers)
    assert set(storm.reported) == set(ids)
    assert max(storm.reported.values()) <= 2
    await until(lambda: not storm.carrier.status()["unacknowledged"])


async def test_an_answer_to_nobody_settles_nothing(storm: Storm) -> None:
    """Every other answer names a sequence number that we did not use."""
    await storm.start(window=8, response_s=0.5)
    first, count = storm.proxy.line, 0

    def change(pdu: bytes) -> Sequence[bytes]:
        nonlocal count
        if storm.proxy.line is not first or not storm.words.is_answer(pdu):
            return (pdu,)
        count += 1
        if count % 2:
            return (pdu,)
        return (storm.words.with_sequence(pdu, storm.words.sequence(pdu) + 1_000_000),)

    storm.proxy.changes[Way.DOWN] = change
    storm.send(8)
    await until(lambda: len(storm.flow.answers) == 4)
    await storm.finish()
    storm.judge()
    assert storm.flow.lost_tokens == [1, 3, 5, 7]
    storm.send(8)
    await storm.finish()
    storm.judge()
    assert len(storm.flow.answers) == 12


async def test_an_answer_after_t_still_counts_while_the_line_stands(storm: Storm) -> None:
    """The first message's answer comes when it is past T and others still go on."""
    await storm.start({"answers": {"latency": 0.02}}, window=4, response_s=1.0)
    kept: list[bytes] = []

    def change(pdu: bytes) -> Sequence[bytes]:
        if storm.words.is_answer(pdu):
            if not kept:
                kept.append(pdu)
                return ()
            if storm.link.counters.stalls and len(kept) == 1:
                kept.append(pdu)
                return (kept[0], pdu)
        return (pdu,)

    storm.proxy.changes[Way.DOWN] = change
    storm.send(1)
    await until(lambda: len(kept) == 1)
    while not storm.link.counters.stalls:
        storm.send(4)
        await until(lambda: storm.link.counters.stalls or len(storm.flow.wanted) == 0)
    await storm.finish()
    storm.judge()
    assert not storm.flow.losses
    assert storm.link.counters.stalls == 1
    assert len(kept) == 2


async def test_commands_that_no_dialect_has_are_passed_over(storm: Storm) -> None:
    await storm.start(window=8)
    words = storm.words
    down = storm.proxy.line.down
    for number in range(3):
        await down.inject(words.bare(0x0777, number + 1) + words.bare(0x80000777, number + 1))
        storm.send(8)
        await storm.finish()
    storm.judge()
    assert not storm.flow.losses
    assert storm.link.counters.connects == 1
    assert storm.link.counters.protocol_errors == 6


@pytest.mark.parametrize("length", [0, 7, 0x7FFFFFFF, 0xFFFFFFFF])
async def test_a_length_that_cannot_be_ends_the_line(storm: Storm, length: int) -> None:
    await storm.start(window=8)
    line = storm.proxy.line
    line.up.hold()
    storm.send(8)
    await until(lambda: len(storm.flow.taken) == 8)
    await line.down.inject(storm.words.bare(storm.words.probe, 9, length))
    await until(lambda: len(storm.flow.losses) == 8)
    line.cut(reset=True)
    storm.send(8)
    await storm.finish()
    storm.judge()
    assert storm.flow.lost_tokens == list(range(8))
    assert storm.link.counters.protocol_errors == 1


async def test_a_length_that_swallows_what_follows_keeps_no_more_than_it_says(
    storm: Storm,
) -> None:
    """The longest PDU is announced and answers stand where its body should."""
    await storm.start(window=8, response_s=0.5)
    connection = storm.link._connection
    assert connection is not None
    most = connection._session._dialect.framing.maximum
    await storm.proxy.line.down.inject(storm.words.bare(storm.words.deliver, 1, most))
    storm.send(8)
    await until(lambda: len(storm.flow.losses) == 8)
    assert len(connection._session._framer._rest) <= most
    storm.send(8)
    await storm.finish()
    storm.judge()
    assert storm.flow.lost_tokens == list(range(8))
