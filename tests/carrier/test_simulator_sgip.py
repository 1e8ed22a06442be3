"""The simulator as an SGIP gateway: its own connections to the platform, 96-bit ids, states."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from assent.carrier.speech_sgip import state_of
from assent.wire.session import Role, SessionSettings
from assent.wire.sgip import (
    SGIP,
    SMG_TO_SP,
    SgipForm,
    SgipSession,
    decode,
    pack_sequence,
    unpack_sequence,
)
from assent.wire.sgip_ids import SequenceParts
from assent.wire.sgip_tables import stat_of
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until
from tests.carrier.simulator_peers import PERSON, Peer, Platform, connect


@pytest.fixture
async def platform(rig: Rig) -> AsyncIterator[Platform]:
    made = Platform(rig, "sgip")
    yield made
    await made.close()


async def test_reports_name_the_submits_96_bits(platform: Platform) -> None:
    await platform.start(node=101001)
    platform.sender.submit(platform.bodies(count=2))
    await until(lambda: platform.count("receipts_acknowledged") == 2)
    records = platform.rig.records()
    submits = [r for r in records if r["command"] == "SUBMIT"]
    reports = [r for r in records if r["command"] == "REPORT"]
    assert [r["sequence"] for r in submits] == [r["message_id"] for r in reports]
    for submit, report in zip(submits, reports, strict=True):
        fields = decode(bytes.fromhex(report["raw"])).fields
        names = ("submit_node", "submit_time", "submit_counter")
        named = pack_sequence(SequenceParts(*(fields[name] for name in names)))
        assert named == decode(bytes.fromhex(submit["raw"])).sequence
        assert unpack_sequence(named).node == 3010012345
        assert report["sequence"].startswith("101001-")
    assert platform.count("calls") == 1
    # The submits' connection carries no reports, the carrier's own no submits.
    assert not platform.sender.delivers


async def test_the_call_is_made_again_after_a_cut(platform: Platform) -> None:
    platform.acknowledges = False
    await platform.start()
    platform.sender.submit(platform.bodies(count=3))
    await until(lambda: platform.incoming and len(platform.incoming[0].delivers) == 3)
    platform.acknowledges = True
    platform.carrier.connections[1].cut()
    await until(lambda: platform.count("receipts_acknowledged") == 3)
    assert platform.incoming[0].closed
    first, again = (
        [one.report().message_id for one in peer.delivers] for peer in platform.incoming
    )
    assert first == again
    assert platform.count("calls") == 2
    assert platform.count("redelivered") == 3
    # The platform may drop it, too.
    platform.incoming[1].transport.abort()
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: platform.count("mo_acknowledged") == 1)
    assert platform.count("calls") == 3


async def test_a_platform_that_is_not_there_is_called_again(platform: Platform) -> None:
    port = await platform.listen()
    assert platform.server is not None
    platform.server.close()
    await platform.server.wait_closed()
    await platform.start(reports_to=f"127.0.0.1:{port}", call_again_s=0.02)
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: platform.count("calls_failed") >= 2)
    loop = asyncio.get_running_loop()

    def made() -> asyncio.Protocol:
        session = SgipSession(SGIP, Role.SERVER, SessionSettings(version=SMG_TO_SP), loop.time())
        peer = Peer(session)
        platform.incoming.append(peer)
        return peer

    platform.server = await loop.create_server(made, "127.0.0.1", port)
    await until(lambda: platform.count("mo_acknowledged") == 1)


async def test_a_call_that_is_refused_is_made_again(platform: Platform) -> None:
    await platform.start()
    account = platform.carrier.accounts[USER]
    account.secret = "another"
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: platform.count("calls_refused") >= 2)
    assert platform.count("waiting") == 1
    account.secret = SECRET
    await until(lambda: platform.count("mo_acknowledged") == 1)


async def test_an_idle_call_is_ended_and_made_again(platform: Platform) -> None:
    await platform.start({"heartbeat_s": 0.1})
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: platform.count("mo_acknowledged") == 1)
    await until(lambda: platform.incoming[0].closed)
    assert "UNBIND" in {r["command"] for r in platform.rig.records() if r["direction"] == "out"}
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: platform.count("mo_acknowledged") == 2)
    assert len(platform.incoming) == 2


async def test_a_half_open_call_hears_nothing(platform: Platform) -> None:
    platform.acknowledges = False
    await platform.start()
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: len(platform.replies) == 1)
    platform.carrier.half_open()
    first = platform.incoming[0]
    first.transport.write(first.session.acknowledge(first.delivers))
    await asyncio.sleep(0.05)
    assert platform.count("unacknowledged") == 1
    platform.acknowledges = True
    first.transport.abort()
    await until(lambda: platform.count("mo_acknowledged") == 1)


async def test_without_an_address_reports_wait(rig: Rig) -> None:
    platform = Platform(rig, "sgip")
    await platform.start(reports_to=None)
    platform.sender.submit(platform.bodies(count=2))
    await until(lambda: platform.count("waiting") == 2)
    await platform.close()


async def test_several_receivers_share_one_id(platform: Platform) -> None:
    await platform.start({"receipts": {"stats": {"EC:0025": 1}}})
    people = [b"8613800138001", b"8613800138002"]
    platform.sender.submit([SgipForm(src_id=ACCESS).group_body(people, b"hello", 0)])
    await until(lambda: len(platform.reports) == 2)
    assert len({report.message_id for report in platform.reports}) == 1
    assert {report.destination.encode() for report in platform.reports} == set(people)
    assert {report.stat for report in platform.reports} == {"EC:0025"}
    submit = next(r for r in platform.rig.records() if r["command"] == "SUBMIT")
    assert submit["destinations"] == [person.decode() for person in people]


async def test_reports_on_failure_only(platform: Platform) -> None:
    await platform.start({"receipts": {"stats": {"UNDELIV": 1}}})
    platform.sender.submit(platform.bodies(registered=2))
    await until(lambda: len(platform.reports) == 1)
    assert platform.reports[0].stat == "EC:0000"
    platform.carrier.change({"receipts": {"stats": {"DELIVRD": 1}}})
    platform.sender.submit(platform.bodies(registered=2))
    await until(lambda: len(platform.sender.answers) == 2)
    await asyncio.sleep(0.02)
    assert len(platform.reports) == 1


async def test_the_wrong_login_type_is_refused(platform: Platform) -> None:
    await platform.start(connections=0)
    loop = asyncio.get_running_loop()
    settings = SessionSettings(user=USER, secret=SECRET, version=SMG_TO_SP)
    session = SgipSession(SGIP, Role.CLIENT, settings, loop.time())
    peer = await connect(platform.carrier.port, session)
    await until(lambda: peer.closed)
    assert peer.refused == 4


@pytest.mark.parametrize("stat", ["DELIVRD", "ENROUTE", "EC:0025", "EC:0000", "ST:0007"])
def test_states_are_the_words_way_back(stat: str) -> None:
    assert stat_of(*state_of(stat)) == stat


def test_other_words_are_failures_without_a_reason() -> None:
    assert state_of("EXPIRED") == (2, 0)
    assert state_of("MK:0005") == (2, 0)
