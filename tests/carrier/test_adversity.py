"""Lines that fail between a link and its carrier, in every dialect: cut, still, empty, mute.

Judged from the carrier's record (storm.py): nothing is sent twice, nothing is taken for accepted
that was not, and whatever may have been taken is reported lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from assent.wire.kit import DIALECTS
from tests.carrier.conftest import Rig, until
from tests.carrier.proxy import Cut, Way
from tests.carrier.storm import Storm

pytestmark = pytest.mark.parametrize("dialect", DIALECTS)
each_way = pytest.mark.parametrize("way", Way, ids=["up", "down"])
each_end = pytest.mark.parametrize("reset", [False, True], ids=["in order", "reset"])


@pytest.fixture
async def storm(rig: Rig, dialect: str) -> AsyncIterator[Storm]:
    made = Storm(rig, dialect)
    yield made
    await made.close()


# --- cut


@each_way
@each_end
async def test_a_line_is_cut_inside_a_pdu(storm: Storm, way: Way, reset: bool) -> None:
    await storm.start(window=8)
    words = storm.words
    command = words.submit if way is Way.UP else words.submit_answer
    storm.proxy.changes[way] = storm.cut_at(command, 5, reset=reset)
    storm.send(40)
    await storm.finish()
    storm.judge()
    assert storm.link.counters.connects == 2
    assert 1 <= len(storm.flow.losses) <= 8
    assert len(storm.flow.answers) == 40 - len(storm.flow.losses)
    await storm.all_reported()


@each_end
async def test_a_line_is_cut_inside_a_report(storm: Storm, reset: bool) -> None:
    await storm.start(window=8)
    storm.deliveries(storm.cut_at(storm.words.deliver, 5, reset=reset))
    storm.send(40)
    await storm.finish()
    await storm.all_reported()
    storm.judge()
    await until(lambda: not storm.carrier.status()["unacknowledged"])


async def test_a_line_falls_again_and_again(storm: Storm) -> None:
    """Whatever passes, one line after the other ends after some PDUs."""
    await storm.start(window=8)
    left = 12

    def change(pdu: bytes) -> Sequence[bytes | Cut]:
        nonlocal left
        if left and storm.proxy.line.down.passed > 8:
            left -= 1
            return (Cut(pdu[:7], reset=left % 2 == 0),)
        return (pdu,)

    storm.proxy.changes[Way.DOWN] = change
    storm.send(150)
    await storm.finish()
    storm.judge()
    await storm.all_reported()
    assert storm.link.counters.connects > 6


# --- stalled


@each_way
async def test_a_line_that_stands_still_for_less_than_t_loses_nothing(
    storm: Storm, way: Way
) -> None:
    await storm.start(window=8)
    pump = storm.proxy.line.up if way is Way.UP else storm.proxy.line.down
    pump.hold()
    storm.send(24)
    await until(lambda: len(storm.flow.taken) == 8)
    await asyncio.sleep(0.1)
    assert len(storm.flow.taken) == 8
    assert not storm.flow.answers
    pump.release()
    await storm.finish()
    storm.judge()
    assert not storm.flow.losses
    assert storm.link.counters.connects == 1


@each_way
async def test_what_a_line_held_longer_than_t_is_lost_whether_it_comes_later_or_not(
    storm: Storm, way: Way
) -> None:
    await storm.start(window=8, response_s=0.5)
    line = storm.proxy.line
    pump = line.up if way is Way.UP else line.down
    pump.hold()
    storm.send(8)
    await until(lambda: len(storm.flow.losses) == 8)
    pump.release()  # what was held goes on, to a carrier or a link that nobody listens at
    storm.send(16)
    await storm.finish()
    await until(lambda: line.ended)
    storm.judge()
    assert storm.flow.lost_tokens == list(range(8))
    assert len(storm.flow.answers) == 16


# --- half open


async def test_a_peer_that_vanishes_from_an_idle_line_is_noticed(storm: Storm) -> None:
    await storm.start(window=8, heartbeat_s=0.5, response_s=0.5, tries=2)
    storm.proxy.line.vanish()
    await until(lambda: storm.link.counters.connects > 1 and storm.pool.bound == 1, 10.0)
    assert not storm.flow.losses
    storm.send(8)
    await storm.finish()
    storm.judge()
    assert storm.flow.answers


async def test_a_peer_that_vanishes_with_messages_is_left_and_they_are_lost(storm: Storm) -> None:
    await storm.start(window=8, response_s=0.5)
    answered = 0

    def change(pdu: bytes) -> Sequence[bytes]:
        nonlocal answered
        answered += storm.words.is_answer(pdu)
        if answered == 4:
            answered += 1
            storm.proxy.line.vanish()
            return ()
        return (pdu,)

    storm.proxy.changes[Way.DOWN] = change
    storm.send(30)
    await storm.finish()
    storm.judge()
    assert storm.flow.losses
    assert len(storm.flow.answers) >= 30 - 8 - 1
    assert storm.link.counters.connects == 2


# --- slow


@pytest.mark.parametrize("octets", [0, 1], ids=["never", "an octet at a time"])
async def test_a_carrier_that_hardly_reads_is_left_and_nothing_piles_up(
    storm: Storm, octets: int
) -> None:
    """An octet every 20 ms: the kernel's window does not open for so little."""
    window = 16_000 if storm.dialect == "smpp" else 4000  # its PDUs are short
    await storm.start(window=window, stall_s=0.6)
    storm.small_buffers()
    up = storm.proxy.line.up
    up.bite, up.pause_s = 1, 0.02
    if not octets:
        up.hold()
    transport, buffered = storm.transport, 0

    def left() -> bool:
        nonlocal buffered
        buffered = max(buffered, transport.get_write_buffer_size())
        return storm.link.counters.stalls > 0

    storm.send(window)
    await until(left, 15.0)
    assert 0 < buffered < 300 * window
    await storm.finish()
    assert len(storm.flow.losses) > window // 2
    up.line.cut(reset=True)
    storm.send(16)
    await storm.finish()
    storm.judge()
    assert set(storm.flow.lost_tokens) <= set(range(window))
