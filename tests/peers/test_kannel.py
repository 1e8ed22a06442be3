"""Kannel as a client of our simulator: long Chinese texts out, receipts and replies in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until
from tests.peers.kannel import Kannel

pytestmark = pytest.mark.peer("kannel")
PERSON = "8613800138000"
LONG = "【安信】" + "大促销，" * 40 + "拒收请回复R"
DELIVERED, ACCEPTED = "1", "8"


@pytest.fixture
async def kannel(tmp_path: Path) -> AsyncIterator[Kannel]:
    made = Kannel(tmp_path)
    yield made
    await made.stop()


async def test_long_texts_receipts_and_replies(rig: Rig, kannel: Kannel) -> None:
    carrier = await rig.carrier({"receipts": {"delay": 0.2}}, dialect="smpp")
    await kannel.start(carrier.port, USER, SECRET)
    await until(lambda: carrier.status()["binds"] == 1, 20.0)
    assert await kannel.send(LONG, PERSON, ACCESS) == 202
    await until(lambda: carrier.status()["submits"] == 3, 20.0)
    # Of a text in parts it asks for the report on one.
    await until(lambda: carrier.status()["receipts_acknowledged"] == 1, 20.0)
    records = [one for one in rig.records() if one["command"] == "submit_sm"]
    assert "".join(one["text"] for one in records) == LONG
    assert [one["segment"][1:] for one in records] == [[1, 3], [2, 3], [3, 3]]
    assert {one["destination"] for one in records} == {PERSON}
    await until(lambda: any(one["state"] == DELIVERED for one in kannel.web.of("/dlr")), 20.0)
    states = [one["state"] for one in kannel.web.of("/dlr")]
    assert set(states) <= {DELIVERED, ACCEPTED}
    carrier.send_mo(PERSON, ACCESS, "退订")
    await until(lambda: kannel.web.of("/mo"), 20.0)
    (reply,) = kannel.web.of("/mo")
    assert reply["text"].encode("latin-1").decode("utf-16-be") == "退订"
    assert reply["from"].lstrip("+") == PERSON
    assert reply["to"].lstrip("+") == ACCESS


async def test_a_long_reply_is_put_together(rig: Rig, kannel: Kannel) -> None:
    carrier = await rig.carrier({}, dialect="smpp")
    await kannel.start(carrier.port, USER, SECRET)
    await until(lambda: carrier.status()["binds"] == 1, 20.0)
    carrier.send_mo(PERSON, ACCESS, LONG)
    await until(lambda: kannel.web.of("/mo"), 20.0)
    (reply,) = kannel.web.of("/mo")
    assert reply["text"].encode("latin-1").decode("utf-16-be") == LONG
    await until(lambda: carrier.status()["mo_acknowledged"] == 3)


async def test_a_failed_message_and_a_line_that_falls(rig: Rig, kannel: Kannel) -> None:
    carrier = await rig.carrier({"receipts": {"stats": {"UNDELIV": 1}}}, dialect="smpp")
    await kannel.start(carrier.port, USER, SECRET)
    await until(lambda: carrier.status()["binds"] == 1, 20.0)
    carrier.disconnect()
    await until(lambda: carrier.status()["binds"] == 2, 20.0)
    assert await kannel.send("您好", PERSON, ACCESS) == 202
    await until(lambda: any(one["state"] == "2" for one in kannel.web.of("/dlr")), 20.0)
