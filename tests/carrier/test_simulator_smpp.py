"""The simulator as an SMSC: kinds of bind, forms of ids and receipts, commands of SMPP alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.carrier.readings import SmppReading
from assent.text import Alphabet, SevenBit, encode, segment
from assent.wire import smpp_tables as tables
from assent.wire.dialect import Mode
from assent.wire.events import Answered
from assent.wire.smpp import (
    Destination,
    IdForm,
    LongText,
    Pdu,
    SmppDialect,
    SmppForm,
    SmppSession,
    body_of,
    read_receipt,
)
from assent.wire.smpp import encode as encode_pdu
from assent.wire.smpp_pdus import SmppDeliver
from tests.carrier.conftest import ACCESS, Rig, until
from tests.carrier.simulator_peers import PERSON, Peer, Platform


@pytest.fixture
async def platform(rig: Rig) -> AsyncIterator[Platform]:
    made = Platform(rig, "smpp")
    yield made
    await made.close()


async def pair(platform: Platform) -> tuple[Peer, Peer]:
    """A transmitter and a receiver, bound in this order."""
    peers = []
    for mode in (Mode.TRANSMITTER, Mode.RECEIVER):
        peer = await platform.bind(mode=mode)
        await until(lambda peer=peer: peer.session.bound)
        peers.append(peer)
    return peers[0], peers[1]


async def test_reports_go_to_the_receiver(platform: Platform) -> None:
    await platform.start(connections=0)
    transmitter, receiver = await pair(platform)
    transmitter.submit(platform.bodies(count=10))
    platform.carrier.send_mo("8613800138000", ACCESS, "TD")
    await until(lambda: len(receiver.delivers) == 11)
    assert transmitter.results == [0] * 10
    assert not transmitter.delivers
    ids = {message_id for _, _, message_id in transmitter.answers}
    assert {report.message_id for report in platform.reports} == ids
    records = platform.rig.records()
    assert {r["connection"] for r in records if r["command"] == "submit_sm"} == {1}
    assert {r["connection"] for r in records if r["command"] == "deliver_sm"} == {2}


async def test_early_reports_reach_the_receiver_before_the_answer(platform: Platform) -> None:
    script = {"receipts": {"early": 1.0}, "answers": {"latency": 0.05}}
    await platform.start(script, connections=0)
    transmitter, receiver = await pair(platform)
    transmitter.submit(platform.bodies())
    await until(lambda: receiver.delivers)
    assert not transmitter.answers
    await until(lambda: transmitter.answers)


@pytest.mark.parametrize("latency", [0.0, 0.03])
async def test_reports_follow_their_answers_at_once(platform: Platform, latency: float) -> None:
    await platform.start({"answers": {"latency": latency}}, connections=0)
    transmitter, _ = await pair(platform)
    transmitter.submit(platform.bodies(count=5))
    await until(lambda: len(platform.reports) == 5)
    records = platform.rig.records()
    answers, reports = (
        {r["message_id"]: (place, r["t"]) for place, r in enumerate(records)
         if r["command"] == command}
        for command in ("submit_sm_resp", "deliver_sm")
    )  # fmt: skip
    assert answers.keys() == reports.keys()
    assert all(answers[one] < reports[one] for one in answers)
    assert all(reports[one][1] - answers[one][1] < 1e9 for one in answers)


async def test_reports_wait_for_a_receiver(platform: Platform) -> None:
    await platform.start(connections=0)
    transmitter = await platform.bind(mode=Mode.TRANSMITTER)
    await until(lambda: transmitter.session.bound)
    transmitter.submit(platform.bodies(count=3))
    await until(lambda: platform.count("waiting") == 3)
    receiver = await platform.bind(mode=Mode.RECEIVER)
    await until(lambda: len(receiver.delivers) == 3)
    receiver.acknowledges = False
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: len(receiver.delivers) == 4)
    receiver.transport.abort()
    # What it did not acknowledge goes to the next one, not to the transmitter.
    other = await platform.bind(mode=Mode.RECEIVER)
    await until(lambda: other.delivers)
    assert platform.count("redelivered") == 1
    assert not transmitter.delivers


async def test_a_carrier_may_not_offer_every_bind(platform: Platform) -> None:
    await platform.start(connections=0, binds=("transmitter", "receiver"))
    peer = await platform.bind()
    await until(lambda: peer.closed)
    assert peer.refused == 0x0D
    await pair(platform)


@pytest.mark.parametrize("form", ["text", "tlv", "both"])
@pytest.mark.parametrize("ids", [form for form in IdForm if form is not IdForm.OPAQUE])
async def test_ids_are_found_in_every_form(platform: Platform, ids: IdForm, form: str) -> None:
    await platform.start(connections=0, ids=ids.value, receipt_form=form)
    peer = await platform.bind(speaks=SmppDialect(ids=ids, keep_text=True))
    await until(lambda: peer.session.bound)
    peer.submit(platform.bodies("【安信】您好"))
    await until(lambda: peer.delivers and peer.answers)
    (report,) = platform.reports
    assert report.message_id == peer.answers[0][2]
    assert report.stat == "DELIVRD"
    (deliver,) = peer.delivers
    assert isinstance(deliver, SmppDeliver)
    receipt = read_receipt(deliver.content, deliver.fmt, deliver.tlvs)
    assert bool(receipt.message_id) is (form != "tlv")
    assert bool(receipt.tlv_id) is (form != "text")
    record = next(r for r in platform.rig.records() if r["command"] == "deliver_sm")
    assert record["message_id"] == (receipt.tlv_id or receipt.message_id)


async def test_a_carrier_of_3_3_sends_no_optional_parameters(platform: Platform) -> None:
    await platform.start(version=0x33)
    platform.sender.submit(platform.bodies())
    await until(lambda: platform.delivers)
    (deliver,) = platform.delivers
    assert isinstance(deliver, SmppDeliver)
    assert not deliver.tlvs
    assert platform.reports[0].stat == "DELIVRD"


async def test_reports_on_failure_only(platform: Platform) -> None:
    await platform.start({"receipts": {"stats": {"UNDELIV": 1}}})
    platform.sender.submit(platform.bodies(registered=2))
    await until(lambda: len(platform.reports) == 1)
    platform.carrier.change({"receipts": {"stats": {"DELIVRD": 1}}})
    platform.sender.submit(platform.bodies(registered=2) + platform.bodies(registered=0))
    await until(lambda: len(platform.sender.answers) == 3)
    await asyncio.sleep(0.02)
    assert [report.stat for report in platform.reports] == ["UNDELIV"]


def smpp(peer: Peer) -> SmppSession:
    assert isinstance(peer.session, SmppSession)
    return peer.session


async def test_several_receivers_and_data(platform: Platform) -> None:
    await platform.start()
    peer = platform.sender
    session = smpp(peer)
    people = [Destination("8613800138001"), Destination("8613800138002")]
    fields: dict[str, Any] = {
        "source_addr": ACCESS, "registered_delivery": 1, "short_message": b"hello",
    }  # fmt: skip
    many = body_of(tables.SUBMIT_MULTI, {**fields, "destinations": people})
    listed = [Destination("friends", 0, 0, 2)]
    to_list = body_of(tables.SUBMIT_MULTI, {**fields, "destinations": listed})
    peer.transport.write(session.submit_multi([many, to_list], [1, 2], peer.now))
    await until(lambda: len(peer.answers) == 2 and len(platform.reports) == 2)
    assert [answer[:2] for answer in peer.answers] == [(1, 0), (2, 0x34)]
    assert {report.message_id for report in platform.reports} == {peer.answers[0][2]}
    assert {report.destination for report in platform.reports} == {one.address for one in people}
    data = body_of(
        tables.DATA_SM,
        {"destination_addr": PERSON, "tlvs": [(0x0424, b"hello")], "registered_delivery": 1},
    )
    peer.transport.write(session.send_data([data], [3], peer.now))
    await until(lambda: len(platform.reports) == 3)
    far = body_of(tables.DATA_SM, {"source_addr": "x" * 30, "destination_addr": PERSON})
    peer.transport.write(session.send_data([far], [4], peer.now))
    await until(lambda: len(peer.answers) == 4)
    assert peer.answers[3][1] == 0x0A
    records = platform.rig.records()
    multi = next(r for r in records if r["command"] == "submit_multi")
    assert multi["destinations"] == [one.address for one in people]
    assert next(r for r in records if r["command"] == "data_sm")["text"] == "hello"


async def test_questions_are_answered_with_no(platform: Platform) -> None:
    await platform.start()
    peer = platform.sender
    for command in (tables.QUERY_SM, tables.CANCEL_SM, tables.REPLACE_SM):
        asked = {"message_id": "1", "source_addr": ACCESS}
        peer.transport.write(smpp(peer).ask(command, asked, command, peer.now))
    await until(lambda: len(peer.answered) == 3)
    assert [answer.status for answer in peer.answered] == [0x67, 0x11, 0x13]
    assert all(isinstance(answer, Answered) and not answer.fields for answer in peer.answered)


@pytest.mark.parametrize("long_text", list(LongText))
async def test_long_texts_are_read_whole(platform: Platform, long_text: LongText) -> None:
    rule = {"texts": {"TD": 1}, "text": "^【安信】.*退订回TD$"}
    await platform.start({"replies": [rule]})
    text = "【安信】" + "大促销" * 40 + "退订回TD"
    if long_text is LongText.PAYLOAD:
        form = SmppForm(src_id=ACCESS, long_text=long_text)
        bodies = [form.body(PERSON.encode(), encode(text, Alphabet.UCS2), 8)]
    else:
        bodies = platform.bodies(text, long_text=long_text)
    platform.sender.submit(bodies)
    await until(lambda: len(platform.replies) == 1)
    records = [r for r in platform.rig.records() if r["command"] == "submit_sm"]
    assert "".join(r["text"] for r in records) == text
    segments = [r["segment"] for r in records]
    assert segments == ([None] if len(bodies) == 1 else [[7, 1, 2], [7, 2, 2]])


async def test_the_default_alphabet_may_be_gsm(platform: Platform) -> None:
    await platform.start({"replies": [{"texts": {"€ @": 1}, "text": "^£ $"}]}, alphabet="gsm")
    content = segment("£ $", Alphabet.GSM7, reference=0, seven_bit=SevenBit.GSM)[0]
    form = SmppForm(src_id=ACCESS)
    platform.carrier.change({"replies": [{"texts": {"€ @": 1}, "text": "^£"}]})
    platform.sender.submit([form.body(PERSON.encode(), content, 0)])
    await until(lambda: len(platform.replies) == 1)
    assert platform.replies[0].content == b"\x1b\x65 \x00"
    records = platform.rig.records()
    assert next(r for r in records if r["command"] == "submit_sm")["text"] == "£ $"


@pytest.mark.parametrize(
    ("coding", "content", "text"),
    [
        (0, b"hello", "hello"),
        (1, b"hello", "hello"),
        (3, "Grüße".encode("latin-1"), "Grüße"),
        (8, "退订".encode("utf-16-be"), "退订"),
        (4, b"\1\2", None),
    ],
)
def test_texts_are_read_by_their_coding(coding: int, content: bytes, text: str | None) -> None:
    fields = {"data_coding": coding, "short_message": content, "destination_addr": PERSON}
    raw = encode_pdu(Pdu(tables.SUBMIT_SM, 1, fields))
    assert SmppReading().told(tables.SUBMIT_SM, raw)["text"] == text


def test_a_password_is_not_kept(tmp_path: Path) -> None:
    reading = SmppReading()
    fields = {"system_id": "assent", "password": "secret", "interface_version": 0x34}
    raw = encode_pdu(Pdu(tables.BIND_TRANSMITTER, 1, fields))
    shown = reading.shown(tables.BIND_TRANSMITTER, raw)
    assert len(shown) == len(raw)
    assert b"assent\0******\0" in shown
    assert reading.shown(tables.BIND_RECEIVER, raw[:26]) == raw[:16]
