"""Customers bind to us and hand in submits: real sockets, our own links as their software."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from assent.flow.customers import CustomerReply, Wanted
from assent.text import Alphabet
from tests.carrier.conftest import until
from tests.carrier.customers_rig import (
    ACCESS,
    PERSON,
    Desk,
    Memory,
    customer,
    key_of,
    receipt_on,
)

DIALECTS = ("cmpp", "sgip", "smgp", "smpp")
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    yield made
    await made.close()


@every_dialect
async def test_a_submit_is_answered_when_it_is_stored(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 3)
    await until(lambda: memory.waiting == 3)
    assert desk.customer.answers == []
    while memory.held:
        memory.settle(True)
    await until(lambda: len(desk.customer.answers) == 3)
    assert desk.customer.results == [0, 0, 0]
    told = [message_id for _, _, message_id in desk.customer.answers]
    assert told == [key_of(handed) for handed in memory.stored]
    first = memory.stored[0]
    assert first.source == ACCESS
    assert [number.removeprefix("86") for number in first.numbers] == [str(PERSON)]
    assert first.content.decode("utf-16-be") == "验证码"
    assert first.alphabet is Alphabet.UCS2
    assert first.part is None
    assert first.wanted is Wanted.ALWAYS
    assert first.dialect == dialect
    assert first.not_before is first.expires_at is None


@every_dialect
async def test_receipts_and_replies_are_pushed_and_done_when_acknowledged(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 2)
    await until(lambda: len(desk.customer.answers) == 2)
    receipts = [receipt_on(one) for one in memory.stored]
    reply = CustomerReply(99, f"86{PERSON}", ACCESS, "退订", 1_790_000_000.0)
    memory.post(*receipts)
    memory.post(reply)
    server.mail(7)
    await until(lambda: memory.done_ids == [1, 2])
    one, two, mobile = desk.customer.delivers
    assert [link.kit.receiver(d, d.report()) for d in (one, two)] == [r.number for r in receipts]
    assert [d.report().message_id for d in (one, two)] == [key_of(h) for h in memory.stored]
    assert one.report().stat == "DELIVRD"
    assert mobile.content.decode("utf-16-be") == "退订"
    assert mobile.destination == ACCESS
    assert mobile.source == (f"86{PERSON}" if dialect in ("smpp", "sgip") else str(PERSON))
    figures = server.health()["logins"][0]
    assert figures["receipts_acknowledged"] == 2
    assert figures["replies_acknowledged"] == 1
    assert figures["in_flight"] == 0
