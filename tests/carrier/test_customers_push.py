"""What customers are told: in order, kept while they are away, again only after a cut."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.carrier.link import Link
from assent.clock import ManualClock
from assent.flow.customers import CustomerReceipt, CustomerReply
from assent.text import concat_of, decode, parse_udh
from assent.wire import smpp
from assent.wire.dialect import Mode
from assent.wire.kit import DIALECTS
from assent.wire.smpp_receipts import ReceiptForm
from tests.carrier.conftest import until
from tests.carrier.customers_rig import (
    ACCESS,
    PERSON,
    Desk,
    Memory,
    customer,
    desk,
    every_dialect,
)

__all__ = ["desk"]


def receipts(count: int, start: int = 0) -> list[CustomerReceipt]:
    """Receipts on messages to one person after the other."""
    return [
        CustomerReceipt(
            5_000_000_000_000 + place, str(PERSON + place), ACCESS, "DELIVRD", 0,
            1_790_000_000.0, 1_790_000_060.0, 3010012345,
        )
        for place in range(start, start + count)
    ]  # fmt: skip


def people(desk: Desk, link: Link) -> list[int]:
    """Whom the customer was told of, by their places, in the order in which it came."""
    told = [link.kit.receiver(cast("Any", one), one.report()) for one in desk.customer.delivers]
    return [int(number) - PERSON for number in told]


@every_dialect
async def test_what_waits_is_told_in_order_once_the_customer_comes(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    for start in range(0, 300, 50):
        memory.post(*receipts(50, start))
    server = await desk.server(memory, dialect, parcels=2)
    link = await desk.bound(server, dialect)
    await until(lambda: len(memory.done_ids) == 6)
    assert people(desk, link) == list(range(300))
    figures = server.health()["logins"][0]
    assert figures["receipts_sent"] == figures["receipts_acknowledged"] == 300
    assert figures["redelivered"] == 0
    await until(lambda: memory.loads[-1] == (7, 0, 2))  # what was seen late is asked for, too


@every_dialect
async def test_after_a_cut_it_goes_on_where_nothing_was_acknowledged(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect, deliver_window=8)
    link = await desk.bound(server, dialect)
    desk.customer.acknowledges = None
    memory.post(*receipts(20))
    server.mail(7)
    await until(lambda: len(desk.customer.delivers) == 8)
    link.acknowledge(desk.customer.delivers[:5])
    await until(lambda: len(desk.customer.delivers) == 13)
    assert server.health()["logins"][0]["receipts_acknowledged"] == 5
    for line in server.logins[7].lines:
        line.abort()
    desk.customer.acknowledges = 0
    await until(lambda: memory.done_ids == [1])
    assert people(desk, link) == [*range(13), *range(5, 20)]
    assert server.health()["logins"][0]["redelivered"] == 8


@every_dialect
async def test_a_refused_item_is_offered_again_and_dropped_in_the_end(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.customer.acknowledges = 1
    memory.post(*receipts(2))
    server.mail(7)
    await until(lambda: len(desk.customer.delivers) == 4)
    desk.customer.acknowledges = 0
    await until(lambda: memory.done_ids == [1])
    memory.post(*receipts(1, 2))
    desk.customer.acknowledges = 1
    server.mail(7)
    await until(lambda: memory.done_ids == [1, 2])
    assert people(desk, link) == [0, 1, 0, 1, 0, 1, 2, 2, 2]
    figures = server.health()["logins"][0]
    assert figures["dropped"] == 1
    assert figures["delivers_refused"] == 7


@every_dialect
async def test_what_is_not_acknowledged_in_time_comes_on_the_next_bind(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect, response_s=0.2, heartbeat_s=60.0)
    link = await desk.bound(server, dialect)
    desk.customer.acknowledges = None
    memory.post(*receipts(2))
    server.mail(7)
    await until(lambda: len(desk.customer.delivers) == 2)
    desk.customer.acknowledges = 0
    await until(lambda: memory.done_ids == [1])
    assert people(desk, link) == [0, 1, 0, 1]


@every_dialect
async def test_a_store_that_fails_is_asked_again(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.failing_loads = 3
    memory.post(*receipts(1))
    server = await desk.server(memory, dialect)
    await desk.bound(server, dialect)
    await until(lambda: memory.done_ids == [1])


@every_dialect
async def test_a_long_reply_goes_in_segments(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect, deliver_window=1)
    link = await desk.bound(server, dialect)
    text = "请问你们的营业时间" * 30
    memory.post(CustomerReply(1 << 60, f"86{PERSON}", ACCESS, text, 1_790_000_000.0))
    server.mail(7)
    await until(lambda: memory.done_ids == [1])
    delivers = desk.customer.delivers
    parts = [link.kit.part_of(one) for one in delivers]
    assert parts == [(0, len(parts), place) for place in range(1, len(parts) + 1)]
    octets = b"".join(parse_udh(one.content)[1] for one in delivers)
    assert octets.decode("utf-16-be") == text
    if dialect in ("cmpp", "smgp"):
        assert len({one.message_id for one in delivers}) == len(parts)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    number=st.integers(1, (1 << 64) - 1),
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_any_reply_can_be_told(dialect: str, text: str, number: int) -> None:
    server = CustomerServer(
        CustomerSettings(doors={dialect: Door()}), Memory(), ManualClock(1_790_000_000.0),
        cast("Any", None),
    )  # fmt: skip
    tongue = server.tongues[dialect]
    version = tongue.highest
    reply = CustomerReply(number, f"86{PERSON}", ACCESS, text, 1_790_000_000.0)
    bodies = tongue.bodies(reply, version)
    header = {"smpp": 16, "sgip": 20}.get(dialect, 12)
    codec = tongue.dialect.codec(version)
    said = ""
    for body in bodies:
        whole = bytes(header) + body
        if dialect == "smpp":
            whole = whole[:4] + b"\0\0\0\5" + whole[8:]
        deliver = codec.read_deliver(whole, 0, len(whole), 1)
        content = deliver.content
        if len(bodies) > 1:
            elements, content = parse_udh(content)
            assert concat_of(elements)
        alphabet = tongue.alphabets[deliver.fmt]
        assert alphabet is not None
        assert len(content) <= 140
        said += decode(content, alphabet, seven_bit=tongue.seven_bit)
    assert said == text


async def test_items_go_over_any_bind_that_may_carry_them(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smpp")
    sender = await desk.bound(server, "smpp", quirk={"mode": Mode.TRANSMITTER})
    memory.post(*receipts(3))
    server.mail(7)
    desk.send(sender, 1)
    await until(lambda: desk.customer.answers)
    assert desk.customer.delivers == []
    receiver = await desk.bound(server, "smpp", quirk={"mode": Mode.RECEIVER})
    await until(lambda: memory.done_ids == [1])
    assert people(desk, receiver) == [0, 1, 2]
    assert not receiver.kit.sends


async def test_binds_of_several_dialects_share_what_waits(desk: Desk) -> None:
    memory = Memory(customer())
    memory.post(*receipts(100))
    server = await desk.server(memory, "cmpp", "smpp", deliver_window=4)
    for dialect in ("cmpp", "smpp"):
        await desk.bound(server, dialect)
    await until(lambda: memory.done_ids == [1])
    assert len(desk.customer.delivers) == 100


@pytest.mark.parametrize("form", list(ReceiptForm))
@pytest.mark.parametrize("ids", [smpp.IdForm.HEX, smpp.IdForm.HEX_THEN_DECIMAL])
async def test_smpp_receipts_have_the_form_and_the_ids_that_are_set(
    desk: Desk, form: ReceiptForm, ids: smpp.IdForm
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smpp", ids=ids, receipts=form)
    link = await desk.bound(server, "smpp", quirk={"ids": ids})
    desk.send(link, 1)
    await until(lambda: desk.customer.answers)
    [handed] = memory.stored
    assert desk.customer.answers[0][2] == handed.ids[0]
    late = CustomerReceipt(
        handed.ids[0], handed.numbers[0], handed.source, "UNDELIV", 27, 1_790_000_000.0,
        1_790_000_060.0,
    )  # fmt: skip
    memory.post(late)
    server.mail(7)
    await until(lambda: memory.done_ids)
    [deliver] = desk.customer.delivers
    assert deliver.report().message_id == handed.ids[0]
    assert deliver.report().stat == "UNDELIV"
    if form is not ReceiptForm.TLV:
        assert b"err:027" in deliver.content
        assert b"submit date:2609212213 done date:2609212214" in deliver.content


async def test_an_sgip_customer_is_called_though_it_never_bound(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "sgip", retry_s=0.05)
    link = await desk.bound(server, "sgip")
    await link_down(link)
    server.logins.clear()
    memory.post(*receipts(2))
    server.mail(7)
    await until(lambda: memory.done_ids == [1])
    assert people(desk, link) == [0, 1]


async def link_down(link: Link) -> None:
    """End the link's own connection; its listener goes on."""
    link._ending = True
    link.abort("only the listener is left")
    await asyncio.sleep(0.05)


async def test_an_sgip_customer_that_does_not_answer_is_called_again(desk: Desk) -> None:
    memory = Memory(customer(reports_to="127.0.0.1:9"))
    server = await desk.server(memory, "sgip")
    memory.post(*receipts(2))
    server.mail(7)
    await until(lambda: server.health()["logins"][0]["calls_failed"] >= 2)
    link = await desk.bound(server, "sgip")
    await until(lambda: memory.done_ids == [1])
    assert people(desk, link) == [0, 1]


async def test_what_failed_says_why_as_far_as_the_dialect_can(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "sgip")
    await desk.bound(server, "sgip")
    [receipt] = receipts(1)
    memory.post(replace(receipt, stat="REJECTD", error=904))
    server.mail(7)
    await until(lambda: memory.done_ids)
    fields = desk.customer.delivers[0].fields()  # type: ignore[attr-defined]  # a DeliverPdu
    assert (fields["state"], fields["error_code"]) == (2, 0)
    assert fields["reserve"].rstrip(b"\0") == b"904"


@every_dialect
async def test_what_is_loaded_for_a_customer_who_does_not_answer_is_bounded(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    for start in range(0, 1000, 10):
        memory.post(*receipts(10, start))
    server = await desk.server(memory, dialect, parcels=8, items=40)
    desk.customer.acknowledges = None
    link = await desk.bound(server, dialect)
    await until(lambda: len(desk.customer.delivers) == 16)
    assert server.health()["logins"][0]["queued"] + 16 == 80
    desk.customer.acknowledges = 0
    link.acknowledge(list(desk.customer.delivers))
    await until(lambda: len(memory.done_ids) == 100)
    assert people(desk, link) == list(range(1000))


async def test_what_is_not_acknowledged_goes_to_other_processes_when_nobody_comes_back(
    desk: Desk,
) -> None:
    memory = Memory(customer())
    memory.post(*receipts(5))
    server = await desk.server(memory, "smpp", keep_s=0.3)
    desk.customer.acknowledges = None
    link = await desk.bound(server, "smpp")
    await until(lambda: len(desk.customer.delivers) == 5)
    await link.stop()
    again = await desk.bound(server, "smpp")  # in time: it is ours still
    await until(lambda: len(desk.customer.delivers) == 10)
    await asyncio.sleep(0.4)
    assert memory.given_back == []
    await again.stop()
    await until(lambda: memory.given_back == [7])
    assert not server.logins[7].outlet.queue
    desk.customer.acknowledges = 0
    await desk.bound(server, "smpp")
    await until(lambda: memory.done_ids == [1])
    assert people(desk, link) == [*range(5)] * 3
