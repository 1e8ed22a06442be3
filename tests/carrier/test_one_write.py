"""What one read brings about leaves in one write: acknowledgements, then the window it freed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from assent.carrier.connection import Connection
from assent.wire.kit import DIALECTS
from tests.carrier.conftest import until
from tests.carrier.gateway import Gateway, Line, Ways
from tests.carrier.proxy import WORDS
from tests.carrier.test_dialects import Field

WINDOW = 4
BRINGS = [dialect for dialect in DIALECTS if dialect != "sgip"]  # SGIP's come on another connection


class Watched:
    """A transport that remembers what was written to it."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)
        self.transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    made = Field()
    yield made
    await made.close()


async def full(field: Field, dialect: str) -> tuple[Gateway, Connection, Watched]:
    """A link whose window is full and whose carrier has not answered yet; more waits."""
    gateway = await field.gateway(dialect, Ways(result=lambda place: None))
    pool = await field.up(gateway, window=WINDOW)
    field.send(2 * WINDOW)
    await until(lambda: len(gateway.submits) == WINDOW)
    connection = pool.links[0]._connection
    assert connection is not None
    connection._transport = watched = Watched(connection._transport)  # type: ignore[assignment]
    return gateway, connection, watched


def answers_and_reports(gateway: Gateway, line: Line) -> bytes:
    submits = gateway.submits[:WINDOW]
    ids = [gateway.message_id() for _ in submits]
    bodies = [gateway.report(number, one) for number, one in zip(ids, submits, strict=True)]
    answers = line.session.respond(submits, ids)
    return answers + line.session.deliver(bodies, range(WINDOW), line.loop.time())


def commands(dialect: str, data: bytes) -> list[int]:
    found = []
    while data:
        found.append(WORDS[dialect].command(data))
        data = data[int.from_bytes(data[:4], "big") :]
    return found


@pytest.mark.parametrize("dialect", BRINGS)
async def test_acknowledgements_and_the_next_messages_are_one_write(
    field: Field, dialect: str
) -> None:
    gateway, connection, watched = await full(field, dialect)
    connection.data_received(answers_and_reports(gateway, gateway.lines[0]))
    assert len(watched.writes) == 1
    words = WORDS[dialect]
    sent = commands(dialect, watched.writes[0])
    assert sent == [words.deliver | 0x80000000] * WINDOW + [words.submit] * WINDOW
    await until(lambda: len(gateway.submits) == 2 * WINDOW and gateway.acknowledged == WINDOW)
    # What comes outside of a read leaves at once, as it did.
    field.flow.acknowledges = False
    gateway.way_back.deliver([gateway.mobile(b"\0T")])
    await until(lambda: len(field.flow.delivers) == WINDOW + 1)
    connection.acknowledge(field.flow.delivers[-1:], 0)
    assert commands(dialect, watched.writes[1]) == [words.deliver | 0x80000000]


async def test_a_flow_that_raises_ends_the_connection_and_nothing_leaves(field: Field) -> None:
    gateway, connection, watched = await full(field, "smpp")

    def answered(link: Any, answers: Any) -> None:
        raise RuntimeError("the sink broke")

    octets = answers_and_reports(gateway, gateway.lines[0])
    field.flow.answered = answered  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        connection.data_received(octets)
    assert not watched.writes
    await until(lambda: sorted(field.flow.lost_tokens) == list(range(WINDOW)))


async def test_messages_of_a_source_that_aborts_the_link_never_leave(field: Field) -> None:
    gateway, connection, watched = await full(field, "smpp")
    take = field.flow.take

    def aborting(link: Any, credit: int) -> Any:
        link.abort("while it is asked")
        return take(link, credit)

    field.flow.take = aborting  # type: ignore[method-assign]
    connection.data_received(answers_and_reports(gateway, gateway.lines[0]))
    assert not watched.writes
    await until(lambda: len(field.flow.lost_tokens) == WINDOW)
    assert len(gateway.submits) == WINDOW
