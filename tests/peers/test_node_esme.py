"""npm's smpp as a client of our simulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from assent.carrier.simulator import Simulator
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until
from tests.peers.esme import PERSON, Esme, receipts, text_of

pytestmark = pytest.mark.peer("node-smpp")
PARTS = ["【安信】" + "大促销" * 20, "第二部分😀" * 10, "拒收请回复R"]


@pytest.fixture
async def esme() -> AsyncIterator[Esme]:
    made = await Esme.start()
    yield made
    await made.stop()


async def bound(rig: Rig, esme: Esme, kind: str = "transceiver", **more: str) -> Simulator:
    carrier = await rig.carrier(dialect="smpp", **more)
    assert await esme.bind("127.0.0.1", carrier.port, USER, SECRET, kind) == 0
    return carrier


async def test_binds_are_accepted_and_refused(rig: Rig, esme: Esme) -> None:
    carrier = await rig.carrier(dialect="smpp")
    assert await esme.bind("127.0.0.1", carrier.port, USER, "wrong") == 0x0E
    await esme.peer.hear("closed")
    assert carrier.status()["binds"] == 0


@pytest.mark.parametrize("form", ["text", "tlv", "both"])
async def test_a_submit_its_receipt_and_a_reply(rig: Rig, esme: Esme, form: str) -> None:
    carrier = await bound(rig, esme, receipt_form=form)
    answer = await esme.submit("退订😀", data_coding=8, source_addr=ACCESS)
    assert answer["status"] == 0
    message_id = answer["fields"]["message_id"]
    (receipt,) = receipts(await esme.delivered())
    if form != "tlv":
        assert text_of(receipt).startswith(f"id:{message_id} ")
        assert "stat:DELIVRD" in text_of(receipt)
    if form != "text":
        assert receipt["receipted_message_id"] == message_id
        assert receipt["message_state"] == 2
    carrier.send_mo(PERSON, ACCESS, "不要再发了😀")
    reply = (await esme.delivered(2))[1]
    assert (text_of(reply), reply["source_addr"]) == ("不要再发了😀", PERSON)
    await until(lambda: carrier.status()["unacknowledged"] == 0)
    submit = next(one for one in rig.records() if one["command"] == "submit_sm")
    assert (submit["text"], submit["destination"]) == ("退订😀", PERSON)


@pytest.mark.parametrize("sar", [False, True], ids=["udh", "sar"])
async def test_a_long_text(rig: Rig, esme: Esme, sar: bool) -> None:
    await bound(rig, esme)
    answers = await esme.submit_long(PARTS, sar=sar)
    assert [answer["status"] for answer in answers] == [0, 0, 0]
    records = [one for one in rig.records() if one["command"] == "submit_sm"]
    assert [one["text"] for one in records] == PARTS
    assert [one["segment"] for one in records] == [[77, n, 3] for n in (1, 2, 3)]
    ids = [answer["fields"]["message_id"] for answer in answers]
    assert len(set(ids)) == 3
    found = {one["receipted_message_id"] for one in receipts(await esme.delivered(3))}
    assert found == set(ids)


async def test_a_long_reply_is_read_in_its_parts(rig: Rig, esme: Esme) -> None:
    carrier = await bound(rig, esme)
    text = "我没有订阅你们的短信，请不要再给我发了😀。" * 6
    carrier.send_mo(PERSON, ACCESS, text)
    parts = await esme.delivered(2)
    assert "".join(text_of(part) for part in parts) == text
    assert [part["short_message"]["udh"][0]["hex"][-4:] for part in parts] == ["0201", "0202"]


async def test_a_payload_and_the_default_alphabet(rig: Rig, esme: Esme) -> None:
    await bound(rig, esme)
    text = "【安信】" + "您好" * 200
    answer = await esme.submit("", message_payload={"message": text}, data_coding=8)
    assert answer["status"] == 0
    answer = await esme.submit("hello")
    assert answer["status"] == 0
    records = [one for one in rig.records() if one["command"] == "submit_sm"]
    assert [one["text"] for one in records] == [text, "hello"]


async def test_several_receivers_and_questions(rig: Rig, esme: Esme) -> None:
    await bound(rig, esme)
    people = [{"dest_flag": 1, "dest_addr_ton": 1, "dest_addr_npi": 1,
               "destination_addr": f"861380013800{n}"} for n in (1, 2)]  # fmt: skip
    answer = await esme.ask("submit_multi", dest_address=people, short_message="hello")
    assert answer["status"] == 0
    assert answer["fields"]["unsuccess_sme"] == []
    for command, status in (("query_sm", 0x67), ("cancel_sm", 0x11), ("replace_sm", 0x13)):
        answer = await esme.ask(command, message_id="1")
        assert (answer["command"], answer["status"]) == (f"{command}_resp", status)
    answer = await esme.ask("data_sm", destination_addr=PERSON, message_payload={"message": "hi"})
    assert (answer["command"], answer["status"]) == ("data_sm_resp", 0)
    multi = next(one for one in rig.records() if one["command"] == "submit_multi")
    assert multi["destinations"] == [one["destination_addr"] for one in people]


async def test_heartbeats_and_the_end(rig: Rig, esme: Esme) -> None:
    carrier = await rig.carrier({"heartbeat_s": 0.2}, dialect="smpp")
    assert await esme.bind("127.0.0.1", carrier.port, USER, SECRET) == 0
    await esme.peer.hear("pdu", command="enquire_link")
    answer = await esme.ask("enquire_link")
    assert (answer["command"], answer["status"]) == ("enquire_link_resp", 0)
    answer = await esme.ask("unbind")
    assert (answer["command"], answer["status"]) == ("unbind_resp", 0)
    await esme.peer.hear("closed")
    assert carrier.status()["connections"] == 0


@pytest.mark.parametrize(("kind", "hears"), [("transmitter", False), ("receiver", True)])
async def test_half_binds(rig: Rig, esme: Esme, kind: str, hears: bool) -> None:
    carrier = await bound(rig, esme, kind)
    carrier.send_mo(PERSON, ACCESS, "TD")
    if hears:
        assert text_of((await esme.delivered())[0]) == "TD"
        assert (await esme.submit("hello"))["status"] == 0x04
    else:
        assert (await esme.submit("hello"))["status"] == 0
        assert carrier.status()["waiting"] == 2
        assert not esme.peer.said("pdu", command="deliver_sm")
