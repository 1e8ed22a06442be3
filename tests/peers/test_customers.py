"""Customers' software that is not ours, bound to the platform: durable before answered, receipts
and replies pushed back, refusals of people not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.carrier.conftest import until
from tests.flow.conftest import number
from tests.peers.esme import Esme, receipts, text_of
from tests.peers.front import LOGIN, LONG, MARKETING, SECRET, SIGNED, Front, front
from tests.peers.kannel import Kannel
from tests.peers.test_smpplib import Customer

PERSON = number("mobile", 1)
STRANGER = number("mobile", 2)
node = pytest.mark.peer("node-smpp")
QUESTION = "请问几点开门😀"


@pytest.fixture
async def served(migrated_url: str, tmp_path: Path) -> AsyncIterator[Front]:
    async with front(migrated_url, tmp_path) as made:
        await made.platform.consent([PERSON])
        yield made


@pytest.fixture
async def esme() -> AsyncIterator[Esme]:
    made = await Esme.start()
    yield made
    await made.stop()


async def bound(served: Front, esme: Esme) -> None:
    assert await esme.bind("127.0.0.1", served.port, LOGIN, SECRET) == 0


@node
async def test_node_submits_and_hears_what_became_of_it(served: Front, esme: Esme) -> None:
    await bound(served, esme)
    answer = await esme.submit(SIGNED, "86" + PERSON, data_coding=8, source_addr=MARKETING)
    assert answer["status"] == 0
    assert await served.stored() == 1  # before the answer, not some time after it
    (receipt,) = receipts(await esme.delivered())
    assert receipt["receipted_message_id"] == answer["fields"]["message_id"]
    assert f"id:{answer['fields']['message_id']} " in text_of(receipt)
    assert "stat:DELIVRD" in text_of(receipt)
    assert receipt["message_state"] == 2
    assert (receipt["source_addr"], receipt["destination_addr"]) == ("86" + PERSON, MARKETING)
    assert [one["text"] for one in served.sent()] == [SIGNED]
    await until(lambda: served.login()["receipts_acknowledged"] == 1)


@node
async def test_node_hears_why_a_message_did_not_go(served: Front, esme: Esme) -> None:
    await bound(served, esme)
    answer = await esme.submit(SIGNED, "86" + STRANGER, data_coding=8, source_addr=MARKETING)
    assert answer["status"] == 0
    (receipt,) = receipts(await esme.delivered())
    assert "stat:REJECTD" in text_of(receipt)
    answer = await esme.submit(SIGNED, PERSON, data_coding=8, source_addr="106900021")
    assert answer["status"] == 0x0A
    assert served.sent() == []


@node
@pytest.mark.parametrize("sar", [False, True], ids=["udh", "sar"])
async def test_node_submits_a_text_in_parts(served: Front, esme: Esme, sar: bool) -> None:
    await bound(served, esme)
    parts = [LONG[at : at + 60] for at in range(0, len(LONG), 60)]
    answers = await esme.submit_long(parts, sar=sar, to="86" + PERSON, source_addr=MARKETING)
    assert {answer["status"] for answer in answers} == {0}
    found = receipts(await esme.delivered(len(parts)))
    ids = {answer["fields"]["message_id"] for answer in answers}
    assert {one["receipted_message_id"] for one in found} == ids
    assert {one["message_state"] for one in found} == {2}
    sent = sorted(served.sent(), key=lambda one: int(one["segment"][1]))
    assert "".join(one["text"] for one in sent) == LONG


@node
async def test_node_hears_replies_but_no_refusals(served: Front, esme: Esme) -> None:
    await bound(served, esme)
    await esme.submit(SIGNED, "86" + PERSON, data_coding=8, source_addr=MARKETING)
    await esme.delivered()
    carrier = served.platform.simulators["mobile"]
    carrier.send_mo(PERSON, MARKETING, QUESTION)
    reply = (await esme.delivered(2))[1]
    assert text_of(reply) == QUESTION
    assert (reply["source_addr"], reply["destination_addr"]) == ("86" + PERSON, MARKETING)
    carrier.send_mo(PERSON, MARKETING, "TD")

    async def refused() -> bool:
        return bool(await served.platform.value("SELECT count(*) FROM refusal") == 1)

    await served.platform.until(refused, "the refusal is in the books")
    assert len(await esme.delivered(2)) == 2
    await esme.submit(SIGNED, "86" + PERSON, data_coding=8, source_addr=MARKETING)
    last = receipts(await esme.delivered(3))[-1]
    assert "stat:REJECTD" in text_of(last)


@node
async def test_node_binds_again_and_gets_what_it_missed(served: Front, esme: Esme) -> None:
    await bound(served, esme)
    await esme.submit(SIGNED, "86" + PERSON, data_coding=8, source_addr=MARKETING)
    await esme.delivered()
    answer = await esme.ask("unbind")
    assert answer["command"] == "unbind_resp"
    await esme.peer.hear("closed")
    served.platform.simulators["mobile"].send_mo(PERSON, MARKETING, QUESTION)
    other = await Esme.start()
    try:
        assert await other.bind("127.0.0.1", served.port, LOGIN, "wrong") == 0x0E
        await other.peer.hear("closed")
        assert await other.bind("127.0.0.1", served.port, LOGIN, SECRET) == 0
        (reply,) = await other.delivered()
        assert text_of(reply) == QUESTION
    finally:
        await other.stop()


@pytest.mark.peer("smpplib")
async def test_smpplib_submits_and_hears_its_receipt(served: Front) -> None:
    customers: list[Customer] = []

    def talk() -> None:
        customer = Customer(served.port, LOGIN, SECRET)
        customers.append(customer)
        customer.submit(
            SIGNED.encode("utf-16-be"), data_coding=8, source_addr=MARKETING,
            destination_addr="86" + PERSON,
        )  # fmt: skip
        customer.read_until(lambda: len(customer.heard) == len(customer.sent) == 1)
        customer.close()

    await asyncio.wait_for(asyncio.to_thread(talk), 20.0)
    (customer,) = customers
    (receipt,), (sent,) = customer.receipts(), customer.sent
    assert receipt.receipted_message_id == sent.message_id
    assert b"stat:DELIVRD" in receipt.short_message
    assert [one["text"] for one in served.sent()] == [SIGNED]


@pytest.mark.peer("kannel")
async def test_kannel_sends_a_long_text_and_hears_its_report_and_a_reply(
    served: Front, tmp_path: Path
) -> None:
    kannel = Kannel(tmp_path)
    try:
        await kannel.start(served.port, LOGIN, SECRET)
        await until(lambda: served.login_binds() == 1, 20.0)
        assert await kannel.send(LONG, "86" + PERSON, MARKETING) == 202
        await until(lambda: any(one["state"] == "1" for one in kannel.web.of("/dlr")), 20.0)
        sent = sorted(served.sent(), key=lambda one: int(one["segment"][1]))
        assert "".join(one["text"] for one in sent) == LONG
        served.platform.simulators["mobile"].send_mo(PERSON, MARKETING, QUESTION)
        await until(lambda: kannel.web.of("/mo"), 20.0)
        (reply,) = kannel.web.of("/mo")
        assert reply["text"].encode("latin-1").decode("utf-16-be") == QUESTION
    finally:
        await kannel.stop()
