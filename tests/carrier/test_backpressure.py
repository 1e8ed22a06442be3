"""A carrier that writes and never reads: what it wants answered must not pile up in memory.

Counted in the octets that wait in the link's write buffer, not guessed from the process's size.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from assent.carrier.sockets import BACKLOG
from assent.wire.kit import DIALECTS
from tests.carrier.conftest import until
from tests.carrier.gateway import Gateway, Line
from tests.carrier.proxy import WORDS, Words
from tests.carrier.test_dialects import LISTEN, Field

BLOCK, BLOCKS = 2000, 60
ENDLESS = 1 << 30
ONE_READ = 256 * 1024
"""The most that asyncio reads at a time; its answers may come on top of what was there."""


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    made = Field()
    yield made
    await made.close()


class Counting(asyncio.Protocol):
    """Counts octets, and knows no session."""

    octets = 0

    def data_received(self, data: bytes) -> None:
        self.octets += len(data)


def narrow(link: Any, carrier: Any) -> None:
    """The carrier reads nothing, and the link's kernel keeps little for it."""
    sock = link.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    carrier.pause_reading()


def widen(link: Any, carrier: Any) -> None:
    """It reads again, at full speed."""
    sock = link.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    carrier.resume_reading()


def requests(words: Words, gateway: Gateway, what: str) -> bytes:
    """A block of PDUs that each want an answer, with sequence numbers of their own."""
    body = gateway.mobile(b"\0T") if what == "messages" else b""
    command = {"messages": words.deliver, "probes": words.probe, "unknown": 0x0777}[what]
    size = words.header + len(body)
    return b"".join(words.bare(command, n, size) + body for n in range(1, BLOCK + 1))


async def flood(line: Line, block: bytes, blocks: int) -> None:
    """Write many blocks, each when the one before has left."""
    for _ in range(blocks):
        line.transport.write(block)
        await asyncio.sleep(0)
        while line.transport.get_write_buffer_size():  # noqa: ASYNC110  it pauses at more than 0
            await asyncio.sleep(0.001)
        if line.lost:
            return


@pytest.mark.parametrize(
    ("dialect", "what"),
    [
        *((dialect, "messages") for dialect in DIALECTS),
        ("cmpp", "probes"),
        ("smgp", "probes"),
        ("smpp", "probes"),
        ("smpp", "unknown"),
    ],
)
async def test_answers_to_a_carrier_that_never_reads_are_bounded(
    field: Field, dialect: str, what: str
) -> None:
    gateway = await field.gateway(dialect)
    pool = await field.up(gateway, stall_s=60.0, response_s=60.0)
    link, line = pool.links[0], gateway.lines[0]
    connection = link._connection
    assert connection is not None
    assert connection._transport is not None
    transport = connection._transport
    narrow(transport, line.transport)
    block = requests(WORDS[dialect], gateway, what)
    task, most = asyncio.create_task(flood(line, block, ENDLESS)), 0
    while transport.is_reading() and most < BACKLOG + 2 * ONE_READ:
        most = max(most, transport.get_write_buffer_size())
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    most = max(most, transport.get_write_buffer_size())
    assert BACKLOG < most < BACKLOG + 2 * ONE_READ
    line.transport.abort()
    task.cancel()
    await until(lambda: link.counters.connects == 2 and pool.bound == 1)


@pytest.mark.parametrize("dialect", ["cmpp", "smpp"])
async def test_a_carrier_that_reads_again_gets_every_answer(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect)
    pool = await field.up(gateway, stall_s=60.0, response_s=60.0)
    link, line = pool.links[0], gateway.lines[0]
    transport = link._connection._transport  # type: ignore[union-attr]  # it is bound
    assert transport is not None
    narrow(transport, line.transport)
    words = WORDS[dialect]
    task = asyncio.create_task(flood(line, requests(words, gateway, "probes"), BLOCKS))
    await until(lambda: not transport.is_reading(), 20.0)
    counting = Counting()
    line.transport.set_protocol(counting)
    widen(transport, line.transport)
    await asyncio.wait_for(task, 20.0)
    size = {"cmpp": 13, "smpp": 16}[dialect]
    await until(lambda: counting.octets == BLOCK * BLOCKS * size, 20.0)
    field.send(4)
    await until(lambda: len(field.flow.taken) == 4)
    assert link.counters.connects == 1


async def test_a_gateway_that_never_reads_takes_no_place_for_ever(field: Field) -> None:
    """SGIP: its connection is ended when it is idle, though the last octets never leave."""
    gateway = await field.gateway("sgip")
    one = replace(LISTEN, idle_s=0.4, connections=1)
    pool = await field.up(gateway, listen=one, stall_s=0.4)
    listener, line = pool.links[0].listener, gateway.way_back
    assert listener is not None
    (served,) = listener.served
    transport = served._transport
    assert transport is not None
    narrow(transport, line.transport)
    block = requests(WORDS["sgip"], gateway, "messages")
    task = asyncio.create_task(flood(line, block, ENDLESS))
    await until(lambda: not transport.is_reading(), 20.0)
    assert transport.get_write_buffer_size() < 2 * ONE_READ
    await until(lambda: not listener.served, 10.0)
    task.cancel()
    again = await gateway.call(listener.port)
    await until(lambda: again.session.bound)
