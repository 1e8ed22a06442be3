"""Lines that fail between a customer and our own server: nothing answered is lost, nothing pushed
is forgotten, nothing piles up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from assent.carrier.customers import TONGUES, CustomerServer
from assent.flow.customers import CustomerReceipt
from tests.carrier.conftest import until
from tests.carrier.customers_rig import ACCESS, PERSON, Desk, Memory, customer
from tests.carrier.proxy import WORDS, Cut, Proxy, Way

every_dialect = pytest.mark.parametrize("dialect", TONGUES)
# In SGIP reports go out on connections of our own, which no proxy stands before here, and nothing
# but a message is answered.
one_line = pytest.mark.parametrize("dialect", [one for one in TONGUES if one != "sgip"])
each_end = pytest.mark.parametrize("reset", [False, True], ids=["in order", "reset"])


class Till:
    """A customer behind a proxy."""

    def __init__(self, desk: Desk, dialect: str) -> None:
        self.desk, self.dialect = desk, dialect
        self.words = WORDS[dialect]
        self.memory = Memory(customer())
        self.server: CustomerServer
        self.proxy: Proxy

    async def start(self, server: dict[str, Any] | None = None, **link: Any) -> None:
        self.server = await self.desk.server(self.memory, self.dialect, **(server or {}))
        self.proxy = Proxy(self.server.ports[self.dialect])
        port = await self.proxy.start()
        whole = {"response_s": 30.0, "heartbeat_s": 600.0, **link}
        self.link = await self.desk.bound(self.server, self.dialect, port=port, **whole)

    def receipts(self, count: int) -> list[int]:
        """Post receipts, a parcel each; return their ids."""
        ids = list(range(1000, 1000 + count))
        for number in ids:
            self.memory.post(
                CustomerReceipt(
                    number, str(PERSON), ACCESS, "DELIVRD", 0, 1_790_000_000.0, 1_790_000_060.0
                )
            )
        self.server.mail(7)
        return ids

    @property
    def told(self) -> set[int]:
        return {one.report().message_id for one in self.desk.customer.delivers if one.is_report}


@pytest.fixture
async def counter(dialect: str) -> AsyncIterator[Till]:
    desk = Desk()
    made = Till(desk, dialect)
    yield made
    await desk.close()
    await made.proxy.stop()


@every_dialect
@each_end
@pytest.mark.parametrize("way", Way, ids=["up", "down"])
async def test_a_line_cut_inside_a_submit_or_its_answer(
    counter: Till, way: Way, reset: bool
) -> None:
    """What is answered is stored, once; what is not answered is stored once or not at all."""
    await counter.start(window=8)
    words, seen = counter.words, 0
    command = words.submit if way is Way.UP else words.submit_answer

    def change(pdu: bytes) -> Sequence[bytes | Cut]:
        nonlocal seen
        if words.command(pdu) == command:
            seen += 1
            if seen in (5, 15):
                return (Cut(pdu[: len(pdu) // 2], reset),)
        return (pdu,)

    counter.proxy.changes[way] = change
    desk = counter.desk
    tokens = desk.send(counter.link, 40)
    said = desk.customer
    await until(lambda: len(said.answers) + len(said.losses) == 40, 15.0)
    assert {token for token, _, _ in said.answers} | set(said.losses) == set(tokens)
    stored = [one.numbers[0] for one in counter.memory.stored]
    assert len(set(stored)) == len(stored)
    answered = {str(PERSON + tokens.index(token)) for token, _, _ in said.answers}
    assert answered <= {number.removeprefix("86") for number in stored}
    assert set(said.results) == {0}


@one_line
@each_end
@pytest.mark.parametrize("way", Way, ids=["answer", "report"])
async def test_a_line_cut_inside_a_report_or_its_answer(
    counter: Till, way: Way, reset: bool
) -> None:
    await counter.start()
    words, seen = counter.words, 0
    command = words.deliver if way is Way.DOWN else words.deliver | 0x80000000

    def change(pdu: bytes) -> Sequence[bytes | Cut]:
        nonlocal seen
        if words.command(pdu) == command:
            seen += 1
            if seen in (5, 30):
                return (Cut(pdu[: len(pdu) // 2], reset),)
        return (pdu,)

    counter.proxy.changes[way] = change
    ids = counter.receipts(60)
    await until(lambda: len(counter.memory.done_ids) == 60, 15.0)
    assert counter.told == set(ids)
    assert sorted(counter.memory.done_ids) == list(range(1, 61))


@one_line
async def test_a_customer_that_vanishes_is_left_and_gets_its_reports_later(
    counter: Till,
) -> None:
    await counter.start({"response_s": 0.5, "heartbeat_s": 0.5, "tries": 2}, heartbeat_s=0.5,
                        response_s=0.5, tries=2)  # fmt: skip
    counter.proxy.line.vanish()
    ids = counter.receipts(30)
    await until(lambda: len(counter.memory.done_ids) == 30, 15.0)
    assert counter.told == set(ids)


@one_line
async def test_reports_that_are_answered_twice_or_with_a_wrong_number(counter: Till) -> None:
    await counter.start({"response_s": 0.5})
    words, seen = counter.words, 0
    first = counter.proxy.line

    def change(pdu: bytes) -> Sequence[bytes]:
        nonlocal seen
        if words.command(pdu) == words.deliver | 0x80000000 and counter.proxy.line is first:
            seen += 1
            if seen % 3 == 0:
                return (words.with_sequence(pdu, words.sequence(pdu) + 1_000_000),)
            return (pdu, pdu)
        return (pdu,)

    counter.proxy.changes[Way.UP] = change
    ids = counter.receipts(30)
    await until(lambda: len(counter.memory.done_ids) == 30, 15.0)
    assert counter.told == set(ids)
    assert sorted(counter.memory.done_ids) == list(range(1, 31))


@one_line
async def test_a_customer_that_never_reads_fills_no_memory(counter: Till) -> None:
    await counter.start({"response_s": 60.0})
    line = counter.proxy.line
    (bind,) = counter.server.lines
    transport = bind._transport
    assert transport is not None
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    line.down.hold()
    block = b"".join(counter.words.bare(counter.words.probe, n) for n in range(1, 2001))
    most, task = 0, asyncio.create_task(flood(line.up, block))
    # What the buffers in between still take may wake it up now and then: it stays away in the end.
    away = 0
    while away < 100 and most < 1 << 22:
        most = max(most, transport.get_write_buffer_size())
        away = 0 if transport.is_reading() else away + 1
        await asyncio.sleep(0.001)
    task.cancel()
    assert not transport.is_reading()
    assert most < 1 << 20


async def flood(pump: Any, block: bytes) -> None:
    while True:
        await pump.inject(block)


@every_dialect
@pytest.mark.parametrize("length", [0, 7, 0x7FFFFFFF])
async def test_a_length_that_cannot_be_ends_the_line(counter: Till, length: int) -> None:
    await counter.start()
    await counter.proxy.line.up.inject(counter.words.bare(counter.words.probe, 9, length))
    await until(lambda: counter.link.counters.connects == 2)
    await until(lambda: counter.link.state.value == "bound")
    counter.desk.send(counter.link, 3)
    await until(lambda: len(counter.desk.customer.answers) == 3)


@every_dialect
async def test_unknown_commands_are_passed_over(counter: Till) -> None:
    await counter.start()
    words = counter.words
    await counter.proxy.line.up.inject(words.bare(0x0777, 1) + words.bare(0x80000777, 2))
    counter.desk.send(counter.link, 3)
    await until(lambda: len(counter.desk.customer.answers) == 3)
    assert counter.link.counters.connects == 1
