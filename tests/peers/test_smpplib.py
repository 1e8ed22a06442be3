"""smpplib as a client of our simulator."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from assent.carrier.simulator import Simulator
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until

pytestmark = pytest.mark.peer("smpplib")
PERSON = "8613800138000"


class Customer:
    """One bound client; its methods block, so they run in a thread of their own."""

    def __init__(self, port: int, user: str = USER, secret: str = SECRET) -> None:
        from smpplib.client import Client

        self.heard: list[Any] = []
        self.sent: list[Any] = []
        self.client = Client("127.0.0.1", port, allow_unknown_opt_params=True, timeout=10)
        self.client.set_message_received_handler(lambda pdu: self.heard.append(pdu))
        self.client.set_message_sent_handler(lambda pdu: self.sent.append(pdu))
        self.client.connect()
        self.client.bind_transceiver(system_id=user, password=secret)

    def submit(self, content: bytes, **more: Any) -> None:
        fields = {"source_addr": ACCESS, "destination_addr": PERSON, "registered_delivery": True}
        self.client.send_message(short_message=content, **(fields | more))

    def read_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.client.read_once()

    def close(self) -> None:
        self.client.unbind()
        self.client.disconnect()

    def receipts(self) -> list[Any]:
        return [pdu for pdu in self.heard if pdu.esm_class == 4]

    def replies(self) -> list[Any]:
        return [pdu for pdu in self.heard if pdu.esm_class != 4]


async def act(talk: Callable[[], None], carrier: Simulator, after: Callable[[], None]) -> None:
    """Let the client talk in its thread; do `after` when its first receipt is acknowledged."""
    task = asyncio.create_task(asyncio.to_thread(talk))
    await until(lambda: task.done() or carrier.status()["receipts_acknowledged"] > 0, 15.0)
    if not task.done():
        after()
    await asyncio.wait_for(task, 15.0)


async def test_a_submit_its_receipt_and_a_reply(rig: Rig) -> None:
    carrier = await rig.carrier(dialect="smpp")
    customers: list[Customer] = []

    def talk() -> None:
        customer = Customer(carrier.port)
        customers.append(customer)
        customer.submit("退订😀".encode("utf-16-be"), data_coding=8)
        customer.read_until(lambda: len(customer.heard) == 2 and len(customer.sent) == 1)
        customer.close()

    await act(talk, carrier, lambda: carrier.send_mo(PERSON, ACCESS, "别发了😀") and None)
    (customer,) = customers
    (receipt,), (sent,), (reply,) = customer.receipts(), customer.sent, customer.replies()
    assert receipt.receipted_message_id == sent.message_id
    assert receipt.short_message.startswith(b"id:" + sent.message_id)
    assert reply.short_message.decode("utf-16-be") == "别发了😀"
    submit = next(one for one in rig.records() if one["command"] == "submit_sm")
    assert submit["text"] == "退订😀"


async def test_a_long_text_as_smpplib_cuts_it(rig: Rig) -> None:
    from smpplib import gsm

    carrier = await rig.carrier(dialect="smpp")
    text = "【安信】" + "大促销😀" * 30 + "拒收请回复R"
    parts, coding, kind = gsm.make_parts(text)
    customers: list[Customer] = []

    def talk() -> None:
        customer = Customer(carrier.port)
        customers.append(customer)
        for part in parts:
            customer.submit(part, data_coding=coding, esm_class=kind)
        customer.read_until(lambda: len(customer.heard) == len(customer.sent) == len(parts))
        customer.close()

    await act(talk, carrier, lambda: None)
    (customer,) = customers
    records = [one for one in rig.records() if one["command"] == "submit_sm"]
    assert "".join(one["text"] for one in records) == text
    assert [one["segment"][1:] for one in records] == [[n, len(parts)] for n in (1, 2, 3)]
    ids = {pdu.message_id for pdu in customer.sent}
    assert len(ids) == len(parts)
    assert {pdu.receipted_message_id for pdu in customer.receipts()} == ids


async def test_heartbeats_are_answered(rig: Rig) -> None:
    carrier = await rig.carrier({"heartbeat_s": 0.2}, dialect="smpp")
    enough = threading.Event()

    def talk() -> None:
        customer = Customer(carrier.port)
        customer.read_until(enough.is_set)  # a heartbeat ends each wait
        customer.close()

    task = asyncio.create_task(asyncio.to_thread(talk))
    await until(lambda: any(one["command"] == "enquire_link_resp" for one in rig.records()), 15.0)
    enough.set()
    await asyncio.wait_for(task, 15.0)
    await until(lambda: carrier.status()["connections"] == 0)


async def test_a_wrong_secret_is_refused(rig: Rig) -> None:
    from smpplib.exceptions import PDUError

    carrier = await rig.carrier(dialect="smpp")

    def talk() -> None:
        from smpplib.client import Client

        client = Client("127.0.0.1", carrier.port, allow_unknown_opt_params=True, timeout=10)
        client.connect()
        try:
            with pytest.raises(PDUError):
                client.bind_transceiver(system_id=USER, password="wrong")
        finally:
            client.disconnect()

    await asyncio.wait_for(asyncio.to_thread(talk), 15.0)
    assert carrier.status()["binds_refused"] == 1
