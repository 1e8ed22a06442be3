"""The simulator as an SMGP gateway: login modes, the proof's two readings, ids, the report."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from assent.wire.events import QueryAnswered
from assent.wire.session import Role, Session, SessionSettings
from assent.wire.smgp import SmgpDialect, SmgpForm, parse_report, run_of, shown
from assent.wire.smgp_tables import BOTH, RECEIVE, SEND
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until
from tests.carrier.simulator_peers import PERSON, Peer, Platform, connect


@pytest.fixture
async def platform(rig: Rig) -> AsyncIterator[Platform]:
    made = Platform(rig, "smgp")
    yield made
    await made.close()


async def login(
    platform: Platform, mode: int = BOTH, *, padded: bool = False, version: int = 0x30
) -> Peer:
    settings = SessionSettings(user=USER, secret=SECRET, version=version, strict=True)
    session = Session(SmgpDialect(mode, padded), Role.CLIENT, settings, 0.0)
    peer = await connect(platform.carrier.port, session)
    platform.peers.append(peer)
    await until(lambda: peer.session.bound or peer.closed)
    return peer


async def test_reports_go_to_a_login_that_receives(platform: Platform) -> None:
    await platform.start(connections=0)
    sender, receiver = await login(platform, SEND), await login(platform, RECEIVE)
    sender.submit(platform.bodies(count=4))
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: len(receiver.delivers) == 5)
    assert sender.results == [0] * 4
    assert not sender.delivers
    receiver.submit(platform.bodies())
    await until(lambda: receiver.answers)
    assert receiver.results == [11]
    assert platform.count("submits") == 4


@pytest.mark.parametrize("takes", ["either", "plain", "padded"])
@pytest.mark.parametrize("padded", [False, True])
async def test_a_gateway_may_know_one_reading(platform: Platform, takes: str, padded: bool) -> None:
    await platform.start(connections=0, client_id=takes)
    peer = await login(platform, padded=padded)
    fits = takes in ("either", "padded" if padded else "plain")
    assert peer.session.bound is fits
    assert peer.refused == (None if fits else 21)


async def test_version_1_3(platform: Platform) -> None:
    await platform.start(connections=0)
    peer = await login(platform, version=0x13)
    peer.submit(platform.bodies("您好", version=0x13))
    await until(lambda: len(platform.reports) == 1)
    submit = next(r for r in platform.rig.records() if r["command"] == "Submit")
    assert (submit["source"], submit["text"]) == (ACCESS, "您好")


async def test_ids_carry_the_gateway_and_run(platform: Platform) -> None:
    await platform.start(gateway=10061)
    people = [b"13800138001", b"13800138002", b"13800138003"]
    platform.sender.submit([SmgpForm(src_id=ACCESS).group_body(people, b"hello", 0)])
    await until(lambda: len(platform.reports) == 3)
    first = platform.sender.answers[0][2]
    assert [report.message_id for report in platform.reports] == run_of(first, 3)
    assert [report.destination.encode() for report in platform.reports] == people
    assert shown(first).startswith("010061")
    answer = next(r for r in platform.rig.records() if r["command"] == "Submit_Resp")
    assert answer["message_id"] == shown(first)


async def test_the_report_is_the_books(platform: Platform) -> None:
    await platform.start({"receipts": {"stats": {"EXPIRED": 1}}})
    platform.sender.submit(platform.bodies("您的验证码123456"))
    await until(lambda: len(platform.delivers) == 1)
    content = platform.delivers[0].content  # quotes 17 octets, the last of them a NUL
    report = parse_report(content)
    assert len(content) == 122
    assert (report.stat, report.err, report.dlvrd) == ("EXPIRED", "001", "000")
    assert report.text == b"022" + "您的验证码123456".encode("utf-16-be")[:16]
    assert len(report.submit_time) == len(report.done_time) == 10


async def test_the_days_counters(platform: Platform) -> None:
    await platform.start()
    peer = platform.sender
    peer.submit(platform.bodies(count=2))
    await until(lambda: len(peer.answers) == 2)
    peer.transport.write(peer.session.query("20261122", "", 9, peer.now))
    await until(lambda: peer.answered)
    (answer,) = peer.answered
    assert isinstance(answer, QueryAnswered)
    assert (answer.token, answer.counters["mt_succeeded"]) == (9, 2)
