"""What the simulator does in every dialect alike: the same scripts, faults and records."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.carrier import simulate
from assent.carrier.identity import VERSIONS, CarrierSettings
from assent.carrier.script import script_from
from assent.carrier.simulate import parse, settings_from_file
from assent.errors import InvalidInput, LocalProtocolError
from assent.wire import sgip, smgp, smpp
from tests.carrier.conftest import ACCESS, Rig, until
from tests.carrier.simulator_peers import DIALECTS, LONG, PERSON, Platform, client, connect
from tests.carrier.test_simulator import KEYS

THROTTLED = {"sgip": 11, "smgp": 1, "smpp": 0x58}
UNKNOWN_USER = {"sgip": 1, "smgp": 21, "smpp": 0x0F}
WRONG_SECRET = {"sgip": 1, "smgp": 21, "smpp": 0x0E}
DECODE: dict[str, Any] = {"sgip": sgip.decode, "smgp": smgp.decode, "smpp": smpp.decode}
SUBMIT = {"sgip": "SUBMIT", "smgp": "Submit", "smpp": "submit_sm"}
ANSWER = {"sgip": "SUBMIT_RESP", "smgp": "Submit_Resp", "smpp": "submit_sm_resp"}
DELIVER = {"sgip": "DELIVER", "smgp": "Deliver", "smpp": "deliver_sm"}
REPORT = {**DELIVER, "sgip": "REPORT"}
BIND = {"sgip": "BIND", "smgp": "Login", "smpp": "bind_transceiver"}


@pytest.fixture(params=DIALECTS)
async def platform(request: pytest.FixtureRequest, rig: Rig) -> AsyncIterator[Platform]:
    made = Platform(rig, request.param)
    yield made
    await made.close()


async def test_binds_are_accepted_and_refused(platform: Platform) -> None:
    await platform.start(connections=2)
    assert platform.count("binds") == 2
    for settings, code in (
        ({"user": "nobody"}, UNKNOWN_USER),
        ({"secret": "wrong"}, WRONG_SECRET),
    ):
        peer = await platform.bind(**settings)
        await until(lambda peer=peer: peer.closed)
        assert peer.refused == code[platform.dialect]
    platform.carrier.change({"faults": {"bind_status": 3}})
    peer = await platform.bind()
    await until(lambda: peer.closed)
    assert peer.refused == 3
    assert platform.count("binds_refused") == 3


async def test_a_message_is_answered_reported_and_acknowledged(platform: Platform) -> None:
    await platform.start({"receipts": {"delay": 0.02}})
    platform.sender.submit(platform.bodies(count=5))
    await until(lambda: platform.count("receipts_acknowledged") == 5)
    assert platform.sender.results == [0] * 5
    ids = [message_id for _, _, message_id in platform.sender.answers]
    assert len(set(ids)) == 5
    assert sorted(report.message_id for report in platform.reports) == sorted(ids)
    assert {report.stat.strip() for report in platform.reports} == {"DELIVRD"}
    people = {str(int(PERSON) + place) for place in range(5)}
    assert {report.destination for report in platform.reports} == people
    assert platform.count("unacknowledged") == 0


async def test_a_person_writes(platform: Platform) -> None:
    await platform.start()
    platform.carrier.send_mo("13800138000", ACCESS, "TD")
    await until(lambda: platform.count("mo_acknowledged") == 1)
    (reply,) = platform.replies
    expected = PERSON if platform.dialect == "sgip" else "13800138000"
    assert (reply.source, reply.destination, reply.content) == (expected, ACCESS, b"TD")


async def test_people_answer_by_the_script_in_segments(platform: Platform) -> None:
    rule = {"texts": {LONG: 1}, "text": "退订回TD", "numbers": "^1380013", "source_prefix": ACCESS}
    await platform.start({"replies": [rule]})
    text = "【安信】" + "大促销" * 40 + "退订回TD"
    platform.sender.submit(platform.bodies(text, count=2))
    platform.sender.submit(platform.bodies(text, person=8613700000000))
    await until(lambda: platform.count("mo_acknowledged") == 4)
    records = platform.rig.records()
    sent = [r for r in records if r["command"] == DELIVER[platform.dialect] and r["text"]]
    assert [r["segment"][1:] for r in sent] == [[1, 2], [2, 2]] * 2
    assert "".join(r["text"] for r in sent) == LONG * 2
    submits = [r for r in records if r["command"] == SUBMIT[platform.dialect]]
    assert {tuple(r["segment"]) for r in submits} == {(7, 1, 2), (7, 2, 2)}
    assert "".join(r["text"] for r in submits if r["destination"] == "8613700000000") == text


async def test_refusals_and_throttling(platform: Platform) -> None:
    refusal = {"code": 33, "numbers": f"^{PERSON[2:]}$"}
    await platform.start({"answers": {"refusals": [refusal]}})
    platform.sender.submit(platform.bodies(count=3))
    await until(lambda: len(platform.sender.answers) == 3)
    assert platform.sender.results == [33, 0, 0]
    assert platform.count("refused") == {"33": 1}
    platform.carrier.change({"answers": {"refusals": [], "throttle_per_s": 0}})
    platform.sender.submit(platform.bodies(count=2))
    await until(lambda: len(platform.sender.answers) == 5)
    assert platform.sender.results[3:] == [THROTTLED[platform.dialect]] * 2
    platform.carrier.change({"answers": {"throttle_code": 77}})
    platform.sender.submit(platform.bodies())
    await until(lambda: len(platform.sender.answers) == 6)
    assert platform.sender.results[5] == 77


async def test_what_does_not_fit_is_said_and_nothing_changes(platform: Platform) -> None:
    await platform.start()
    for change in (
        {"answers": {"refusals": [{"code": 1 << 32}]}},
        {"answers": {"throttle_code": -1}},
        {"faults": {"bind_status": 1 << 40}},
    ):
        with pytest.raises(InvalidInput, match="a code of"):
            platform.carrier.change(change)
    assert platform.carrier.script == script_from({})
    with pytest.raises(LocalProtocolError):
        platform.carrier.send_mo("1" * 30, ACCESS, "TD")
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: len(platform.replies) == 1)


async def test_the_window_is_enforced(platform: Platform) -> None:
    await platform.start({"answers": {"latency": 0.05}}, submit_window=3)
    platform.sender.submit(platform.bodies(count=5))
    await until(lambda: len(platform.sender.answers) == 5)
    assert platform.sender.results == [THROTTLED[platform.dialect]] * 2 + [0] * 3


async def test_early_late_and_duplicate_reports(platform: Platform) -> None:
    script = {"receipts": {"duplicate": 1.0, "early": 1.0}, "answers": {"latency": 0.05}}
    await platform.start(script)
    if platform.dialect == "sgip":
        # An early report needs a connection that is there already.
        platform.carrier.send_mo("13800138000", ACCESS, "hi")
        await until(lambda: platform.count("mo_acknowledged") == 1)
    platform.sender.submit(platform.bodies(count=2))
    await until(lambda: len(platform.reports) == 4)
    assert not platform.sender.answers
    await until(lambda: len(platform.sender.answers) == 2)
    ids = {message_id for _, _, message_id in platform.sender.answers}
    assert {report.message_id for report in platform.reports} == ids
    late = {"early": 0, "duplicate": 0, "late": 1.0, "late_delay": 0.1}
    platform.carrier.change({"receipts": late, "answers": {"latency": 0}})
    platform.sender.submit(platform.bodies())
    await until(lambda: len(platform.sender.answers) == 3)
    await asyncio.sleep(0.03)
    assert len(platform.reports) == 4
    await until(lambda: len(platform.reports) == 5)


async def test_a_cut_ends_in_the_middle_of_an_answer(platform: Platform) -> None:
    await platform.start({"faults": {"cut_after": 3}})
    platform.sender.submit(platform.bodies(count=3))
    await until(lambda: platform.sender.closed)
    assert len(platform.sender.answers) == 2
    answers = [r for r in platform.rig.records() if r["command"] == ANSWER[platform.dialect]]
    assert len(answers) == 2
    again = await platform.bind(1)
    await until(lambda: again.session.bound)
    await until(lambda: len(platform.reports) == 3)
    platform.carrier.cut()
    await until(lambda: again.closed)


async def test_silence_and_half_open(platform: Platform) -> None:
    await platform.start({"faults": {"silent_after": 1}}, connections=2)
    platform.sender.submit(platform.bodies(count=3))
    await until(lambda: len(platform.reports) == 3)  # stored but unanswered
    assert len(platform.sender.answers) == 1
    platform.carrier.change({"faults": {"silent_after": None, "half_open_after": 1}})
    other = platform.peers[1]
    other.submit(platform.bodies())
    await asyncio.sleep(0.05)
    assert not other.answers
    assert not other.closed
    other.finish()
    platform.sender.submit(platform.bodies())
    await until(lambda: len(platform.sender.answers) == 2)
    assert not other.closed


async def test_early_reports_of_a_half_open_connection_are_not_lost(platform: Platform) -> None:
    await platform.start({"receipts": {"early": 1.0}, "faults": {"half_open_after": 1}})
    platform.sender.submit(platform.bodies())
    await asyncio.sleep(0.03)
    platform.sender.transport.abort()
    await platform.bind(1)
    await until(lambda: len(platform.reports) == 1)
    assert not platform.sender.answers


async def test_a_stall_reads_nothing(platform: Platform) -> None:
    await platform.start()
    platform.carrier.stall(0.1)
    platform.sender.submit(platform.bodies())
    await asyncio.sleep(0.05)
    assert not platform.count("submits")
    await until(lambda: platform.sender.results == [0])


async def test_two_connections_of_one_account(platform: Platform) -> None:
    await platform.start({"receipts": {"on": "any"}}, connections=2)
    for peer in platform.peers:
        peer.submit(platform.bodies(count=20))
    await until(lambda: platform.count("receipts_acknowledged") == 40)
    counts = [len(peer.delivers) for peer in platform.peers]
    if platform.dialect == "sgip":
        assert [len(peer.delivers) for peer in platform.incoming] == [40]
    else:
        assert min(counts) > 5
        platform.carrier.change({"receipts": {"on": "same"}})
        platform.sender.submit(platform.bodies(count=10))
        await until(lambda: len(platform.sender.delivers) == counts[0] + 10)


async def test_the_record_says_what_the_octets_say(platform: Platform) -> None:
    await platform.start()
    platform.sender.submit(platform.bodies("【安信】您好"))
    await until(lambda: platform.count("receipts_acknowledged") == 1)
    platform.carrier.send_mo("13800138000", ACCESS, "退订")
    await until(lambda: platform.count("mo_acknowledged") == 1)
    platform.sender.finish()
    await until(lambda: platform.sender.closed)
    records = platform.rig.records()
    assert all(set(record) == KEYS for record in records)
    for record in records:
        pdu = DECODE[platform.dialect](bytes.fromhex(record["raw"]))
        shown = record["sequence"]
        if platform.dialect == "sgip":
            node, stamp, counter = map(int, shown.split("-"))
            shown = sgip.pack_sequence(sgip.SequenceParts(node, stamp, counter))
        assert pdu.sequence == shown
    named = {record["command"]: record for record in records}
    submit, answer = named[SUBMIT[platform.dialect]], named[ANSWER[platform.dialect]]
    reports = [r for r in records if r["command"] == REPORT[platform.dialect] and not r["text"]]
    assert (submit["source"], submit["destination"]) == (ACCESS, PERSON)
    assert submit["text"] == "【安信】您好"
    assert answer["message_id"]
    assert [r["message_id"] for r in reports] == [answer["message_id"]]
    assert (answer["status"], reports[0]["status"].strip()) == (0, "DELIVRD")
    reply = next(r for r in records if r["text"] == "退订")
    assert (reply["command"], reply["destination"]) == (DELIVER[platform.dialect], ACCESS)
    assert named[BIND[platform.dialect]]["source"] == "900001"
    assert b"888888".hex() not in "".join(record["raw"] for record in records)
    assert [r["direction"] for r in records[:4]] == ["in", "out", "in", "out"]


async def test_broken_submits_break_nothing(
    platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    rule = {"texts": {"TD": 1}, "text": "x"}
    await platform.start({"replies": [rule], "receipts": {"early": 0.5}})
    rng = Random(3)
    whole = platform.bodies("hello") + platform.bodies("大促销" * 40)
    for number in range(150):
        peer = await platform.bind(number % 200 + 1)
        await until(lambda peer=peer: peer.session.bound or peer.closed)
        bodies = [bytearray(rng.choice(whole)) for _ in range(4)]
        for body in bodies:
            for _ in range(rng.randrange(1, 4)):
                body[rng.randrange(len(body))] = rng.choice((0, 1, 2, 0x40, 0x80, 0xFF))
        peer.submit([bytes(body) for body in bodies])
        peer.transport.close()
    await until(lambda: platform.count("bound") <= 2)
    platform.sender.submit(platform.bodies())
    await until(lambda: platform.sender.results == [0])
    assert not [one for one in caplog.records if one.levelname == "ERROR"]


@pytest.mark.parametrize("silent", [False, True])
async def test_what_is_not_acknowledged_in_time_comes_again(
    platform: Platform, silent: bool
) -> None:
    platform.acknowledges = not silent
    await platform.start({"response_s": 0.1})
    platform.carrier.send_mo(PERSON, ACCESS, "TD")
    await until(lambda: len(platform.replies) == 1)
    await asyncio.sleep(0.3)
    assert (len(platform.replies) > 1) is silent
    assert platform.count("mo_acknowledged") == int(not silent)
    assert len(platform.incoming) == int(platform.dialect == "sgip")


async def test_an_idle_connection_is_probed_or_ended(platform: Platform) -> None:
    await platform.start({"heartbeat_s": 0.1})
    if platform.dialect == "sgip":  # which has no heartbeat (protocols.md 2.1)
        await until(lambda: platform.sender.closed)
        return
    probe = {"smgp": "Active_Test_Resp", "smpp": "enquire_link_resp"}[platform.dialect]
    await until(lambda: [r for r in platform.rig.records() if r["command"] == probe])
    assert not platform.sender.closed


async def test_the_seed_decides_what_becomes_of_messages(platform: Platform) -> None:
    script = {"receipts": {"stats": {"DELIVRD": 1, "UNDELIV": 1}, "share": 0.8}}
    await platform.start(script)
    platform.sender.submit(platform.bodies(count=30))
    await until(lambda: len(platform.sender.answers) == 30 and not platform.count("later"))
    again = await platform.rig.carrier(script, dialect=platform.dialect)
    peer = await connect(again.port, client(platform.dialect))
    await until(lambda: peer.session.bound)
    peer.submit(platform.bodies(count=30))
    await until(lambda: len(peer.answers) == 30 and not again.status()["later"])
    assert again.status()["accepted"] == 30

    def drawn(simulator: Any) -> list[Any]:
        rng = simulator.intake.behaviour._receipt_rng
        return [rng.random() for _ in range(3)]

    assert drawn(again) == drawn(platform.carrier)


@pytest.mark.parametrize(
    ("options", "field", "words"),
    [
        ({"dialect": "mm4"}, "dialect", "one of cmpp, sgip, smgp, smpp, mm7"),
        ({"dialect": "smpp", "version": 0x30}, "version", "0x33, 0x34"),
        ({"node": 5}, "node", "sgip only"),
        ({"dialect": "smpp", "gateway": 5}, "gateway", "cmpp and smgp only"),
        ({"dialect": "smgp", "gateway": 1_000_000}, "gateway", "below 1000000"),
        ({"dialect": "sgip", "node": 1 << 32}, "node", "32 bits"),
        ({"dialect": "sgip", "node": "1"}, "node", "whole number"),
        ({"dialect": "sgip", "reports_to": "localhost"}, "reports_to", "HOST:PORT"),
        ({"dialect": "sgip", "call_again_s": 0}, "call_again_s", "above 0"),
        ({"dialect": "smgp", "client_id": "odd"}, "client_id", "either, plain, padded"),
        ({"dialect": "smpp", "ids": "opaque"}, "ids", "decimal, hex"),
        ({"dialect": "smpp", "receipt_form": "x"}, "receipt_form", "text, tlv, both"),
        ({"dialect": "smpp", "binds": ()}, "binds", "transceiver"),
        ({"dialect": "smpp", "binds": "receiver"}, "binds", "a list of some"),
        ({"dialect": "smpp", "alphabet": "ebcdic"}, "alphabet", "ascii, gsm"),
        ({"dialect": "smgp", "reply_parts": "payload"}, "reply_parts", "udh or udh16"),
        ({"dialect": "smpp", "version": 0x33, "reply_parts": "sar"}, "reply_parts", "before SMPP"),
        ({"reply_parts": "post"}, "reply_parts", "udh, udh16"),
        ({"dialect": "smgp", "accounts": {"123456789": "x"}}, "accounts", "more than 8"),
    ],
)
def test_options_are_checked(options: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as raised:
        CarrierSettings(**{"name": "a", "accounts": {"1": "x"}, **options})
    assert raised.value.field == field


def test_the_command_line_and_the_file_say_the_same(tmp_path: Path) -> None:
    secrets = {"A": "a"}
    arguments = (
        "--name x --user esme --secret-env A --dialect smpp --version 3.4 --alphabet gsm"
        " --ids hex --receipt-form tlv --binds transmitter receiver"
    )
    path = tmp_path / "carriers.toml"
    path.write_text(
        '[[carrier]]\nname = "x"\ndialect = "smpp"\nversion = "3.4"\naccounts = {esme = "A"}\n'
        'ids = "hex"\nreceipt_form = "tlv"\nalphabet = "gsm"\nbinds = ["transmitter", "receiver"]\n'
    )
    (typed, _), (read, _) = (
        parse(given, secrets).carriers[0] for given in (arguments.split(), ["--config", str(path)])
    )
    assert typed == read
    assert (typed.highest, typed.ids, typed.accounts) == (0x34, "hex", {"esme": "a"})
    for more, option, value in (
        ("--dialect sgip --node 101001 --reports-to 127.0.0.1:8801", "node", 101001),
        ("--dialect smgp --client-id padded --gateway 10061", "client_id", "padded"),
        ("--version 2.0", "version", 0x20),
    ):
        (settings, _) = parse([*more.split(), "--secret-env", "A"], secrets).carriers[0]
        assert getattr(settings, option) == value
    with pytest.raises(InvalidInput, match=r"3\.4"):
        parse(["--dialect", "smpp", "--version", "5.0", "--secret-env", "A"], secrets)
    path.write_text('[[carrier]]\nname = "x"\ndialect = "sgip"\nnode = "five"\n')
    with pytest.raises(InvalidInput) as raised:
        settings_from_file(path, secrets)
    assert raised.value.field == "carrier[0].node"


def test_the_manual_names_every_option() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
    for field in fields(CarrierSettings):
        assert f"`{field.name}`" in manual, field.name
    for dialect, versions in VERSIONS.items():
        assert f"`{dialect}`" in manual
        assert all(version in manual for version in versions)
    for option in re.findall(r'"(--[a-z-]+)"', inspect.getsource(simulate)):
        assert f"`{option}" in manual, option
