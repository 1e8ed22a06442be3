"""npm's smpp as the carrier of our link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from assent.carrier.link import Link
from assent.carrier.pool import Pool
from assent.text import LongText, alphabet_of, encode, segment
from assent.wire.kit import Quirks
from tests.carrier.conftest import ACCESS, Flow, Rig, until
from tests.carrier.gateway import settings_for
from tests.peers.running import Peer, node_smpp

pytestmark = pytest.mark.peer("node-smpp")
PERSON = "8613800138000"
SHORT, LONG = "【安信】您好", "【安信】" + "大促销😀" * 30 + "拒收请回复R"
NOW = "2611221030"


class SmppFlow(Flow):
    """Gives bodies as a link's own kit writes them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.long_text = LongText.UDH

    def take(self, link: Any, credit: int) -> list[tuple[int, bytes]]:
        kit, whole = link.kit, self.long_text is LongText.PAYLOAD
        form = kit.form("", ACCESS, self.long_text)
        bodies = []
        while self.texts and len(bodies) < credit:
            text = self.texts.pop(0)
            alphabet = alphabet_of(text)
            parts = [encode(text, alphabet)] if whole else segment(text, alphabet, reference=7)
            udhi, coding = int(len(parts) > 1), kit.codings[alphabet]
            bodies += [
                form.body(PERSON.encode(), part, coding, udhi, len(parts), place)
                for place, part in enumerate(parts, 1)
            ]
        first = len(self.taken)
        self.taken += range(first, first + len(bodies))
        return list(enumerate(bodies, first))


class Field:
    """node as the SMSC, and links to it."""

    def __init__(self, rig: Rig, smsc: Peer, port: int) -> None:
        self.rig, self.smsc, self.port = rig, smsc, port
        self.flow = SmppFlow()
        self.pool: Pool

    async def up(self, **more: Any) -> Link:
        settings = settings_for("smpp", self.port, **more)
        self.pool = Pool("mobile", [settings], self.flow, self.flow, self.rig.clock, Random(7))
        self.rig.pools.append(self.pool)
        self.pool.start()
        await until(lambda: self.pool.bound == 1)
        return self.pool.links[0]

    async def send(self, *texts: str) -> list[dict[str, Any]]:
        """Send texts; return the submit_sm that node read."""
        before = len(self.flow.answers)
        self.flow.texts += texts
        self.pool.kick()
        await until(lambda: len(self.flow.answers) == len(self.flow.taken) > before)
        read = await self.smsc.hear("pdu", len(self.flow.taken), command="submit_sm")
        return [one["fields"] for one in read][before:]

    async def deliver(self, **fields: Any) -> Any:
        """Have node send a deliver_sm; return what the link made of it."""
        heard, answered = len(self.flow.delivers), len(self.smsc.said("answer"))
        usual = {"source_addr": PERSON, "destination_addr": ACCESS, "source_addr_ton": 1,
                 "source_addr_npi": 1}  # fmt: skip
        await self.smsc.tell("send", command="deliver_sm", fields=usual | fields)
        await until(lambda: len(self.flow.delivers) == heard + 1)
        answers = await self.smsc.hear("answer", answered + 1)
        assert (answers[-1]["command"], answers[-1]["status"]) == ("deliver_sm_resp", 0)
        return self.flow.delivers[-1]


@pytest.fixture
async def field(rig: Rig) -> AsyncIterator[Field]:
    smsc = await node_smpp("serve")
    (listening,) = await smsc.hear("listening")
    yield Field(rig, smsc, listening["port"])
    await smsc.stop()


async def test_a_bind_says_who_we_are(field: Field) -> None:
    await field.up(quirks=Quirks(system_type="SMPP"))
    (bind,) = await field.smsc.hear("pdu", command="bind_transceiver")
    said = bind["fields"]
    assert (said["system_id"], said["password"], said["system_type"]) == (
        "900001", "888888", "SMPP",
    )  # fmt: skip
    assert said["interface_version"] == 0x34


async def test_a_short_text_is_read_and_its_answer_too(field: Field) -> None:
    await field.up()
    ascii_, chinese = await field.send("hello", SHORT)
    assert ascii_["short_message"]["message"] == "hello"
    assert chinese["short_message"]["message"] == SHORT
    assert (chinese["data_coding"], chinese["registered_delivery"]) == (8, 1)
    assert (chinese["source_addr"], chinese["destination_addr"]) == (ACCESS, PERSON)
    assert (chinese["dest_addr_ton"], chinese["dest_addr_npi"]) == (1, 1)
    assert [answer[1:] for answer in field.flow.answers] == [(0, 0x1001), (0, 0x1002)]


@pytest.mark.parametrize("long_text", [LongText.UDH, LongText.SAR])
async def test_a_long_text_is_read_in_its_parts(field: Field, long_text: LongText) -> None:
    await field.up()
    field.flow.long_text = long_text
    parts = await field.send(LONG)
    assert len(parts) == 3
    assert "".join(part["short_message"]["message"] for part in parts) == LONG
    if long_text is LongText.UDH:
        headers = [part["short_message"]["udh"] for part in parts]
        assert headers == [[{"hex": f"000307030{n}"}] for n in (1, 2, 3)]
        assert {part["esm_class"] for part in parts} == {0x40}
    else:
        assert {part["esm_class"] for part in parts} == {0}
        assert [(part["sar_msg_ref_num"], part["sar_total_segments"], part["sar_segment_seqnum"])
                for part in parts] == [(7, 3, 1), (7, 3, 2), (7, 3, 3)]  # fmt: skip


async def test_a_long_text_in_one_payload(field: Field) -> None:
    await field.up()
    field.flow.long_text = LongText.PAYLOAD
    (whole,) = await field.send(LONG)
    assert whole["message_payload"]["message"] == LONG
    assert whole["short_message"]["message"] == ""


async def test_receipts_as_text_and_as_parameters(field: Field) -> None:
    await field.up()
    await field.send(SHORT)
    (_, _, accepted) = field.flow.answers[0]
    text = (
        f"id:{accepted} sub:001 dlvrd:001 submit date:{NOW} done date:{NOW} stat:DELIVRD"
        " err:000 text:hello"
    )
    as_text = await field.deliver(esm_class=4, short_message=text)
    told = {"receipted_message_id": str(accepted), "message_state": 5}
    as_parameters = await field.deliver(esm_class=4, short_message="", **told)
    both = await field.deliver(esm_class=4, short_message=text, **(told | {"message_state": 2}))
    reports = [one.report() for one in (as_text, as_parameters, both)]
    assert all(one.is_report for one in (as_text, as_parameters, both))
    assert {report.message_id for report in reports} == {accepted}
    assert [report.stat for report in reports] == ["DELIVRD", "UNDELIV", "DELIVRD"]


async def test_a_reply_with_an_emoji(field: Field) -> None:
    link = await field.up()
    reply = await field.deliver(short_message="退订😀TD", data_coding=8)
    assert not reply.is_report
    assert (reply.fmt, reply.content.decode("utf-16-be")) == (8, "退订😀TD")
    assert (link.kit.person(reply), reply.destination) == (PERSON, ACCESS)
    part = await field.deliver(
        short_message={"udh": {"hex": "050003090201"}, "message": "退"}, data_coding=8, esm_class=64
    )
    assert link.kit.part_of(part) == (9, 2, 1)
    sar = {"sar_msg_ref_num": 300, "sar_total_segments": 2, "sar_segment_seqnum": 2}
    part = await field.deliver(short_message="订", data_coding=8, **sar)
    assert link.kit.part_of(part) == (300, 2, 2)
    long = await field.deliver(message_payload={"message": LONG}, data_coding=8)
    assert long.content.decode("utf-16-be") == LONG


async def test_refusals_are_read(field: Field) -> None:
    await field.up()
    await field.smsc.tell("answer", status=0x0B)
    await field.send(SHORT)
    assert field.flow.answers == [(0, 0x0B, 0)]


async def test_heartbeats_both_ways_and_the_end(field: Field) -> None:
    link = await field.up(heartbeat_s=0.2)
    await field.smsc.hear("pdu", command="enquire_link")
    await field.smsc.tell("send", command="enquire_link")
    await field.smsc.hear("answer", command="enquire_link_resp", status=0)
    await field.send(SHORT)
    assert await field.pool.drain(5.0)
    await field.smsc.hear("pdu", command="unbind")
    await field.smsc.hear("closed")
    assert link.counters.protocol_errors == 0


async def test_an_unbind_of_theirs_is_answered_and_the_link_comes_back(field: Field) -> None:
    link = await field.up()
    await field.smsc.tell("send", command="unbind")
    await field.smsc.hear("answer", command="unbind_resp", status=0)
    await until(lambda: link.counters.connects == 2 and field.pool.bound == 1)
    await field.send(SHORT)
    assert link.counters.lost == 0
