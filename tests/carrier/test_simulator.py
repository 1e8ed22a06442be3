"""The simulator as a witness and as a process: records, seeds, control, command line."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import signal
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest
import uvloop

from assent.carrier.control import obey, serve_control
from assent.carrier.records import Recorder, Tap
from assent.carrier.simulate import parse, settings_from_file
from assent.clock import ManualClock
from assent.errors import InvalidInput
from assent.wire.cmpp import Pdu, decode, encode
from tests.carrier.conftest import ACCESS, SECRET, USER, Rig, until
from tests.carrier.simulator_peers import client, connect

KEYS = {
    "t", "carrier", "connection", "direction", "command", "sequence", "source", "destination",
    "text", "segment", "message_id", "status", "raw",
}  # fmt: skip


async def test_the_record_holds_every_pdu(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    rig.flow.add(text="【安信】您好", count=1)
    await rig.bound(pool)
    await until(lambda: carrier.status()["receipts_acknowledged"] == 1)
    carrier.send_mo("13800000000", ACCESS, "TD")
    await until(lambda: carrier.status()["mo_acknowledged"] == 1)
    await pool.drain(1.0)
    records = rig.records()
    assert [(r["direction"], r["command"]) for r in records] == [
        ("in", "CONNECT"), ("out", "CONNECT_RESP"), ("in", "SUBMIT"), ("out", "SUBMIT_RESP"),
        ("out", "DELIVER"), ("in", "DELIVER_RESP"), ("out", "DELIVER"), ("in", "DELIVER_RESP"),
        ("in", "TERMINATE"), ("out", "TERMINATE_RESP"),
    ]  # fmt: skip
    assert all(set(record) == KEYS for record in records)
    submit, answer, report, reply = records[2], records[3], records[4], records[6]
    assert (submit["source"], submit["destination"]) == (ACCESS, "13800000000")
    assert submit["text"] == "【安信】您好"
    assert answer["message_id"] == report["message_id"] == str(rig.flow.answers[0][2])
    assert (answer["status"], report["status"]) == (0, "DELIVRD")
    assert answer["sequence"] == submit["sequence"]
    assert (reply["source"], reply["destination"], reply["text"]) == ("13800000000", ACCESS, "TD")
    for record in records:
        raw = bytes.fromhex(record["raw"])
        assert decode(raw, 0x30).sequence == record["sequence"]
    times = [record["t"] for record in records]
    assert times == sorted(times)
    assert rig.path.stat().st_mode & 0o077 == 0


async def test_records_reach_the_file_by_themselves(rig: Rig) -> None:
    carrier = await rig.carrier()
    await rig.bound(rig.pool(carrier.port))
    await until(lambda: len(rig.path.read_bytes().splitlines()) == 2, 0.5)


async def test_a_tap_reads_any_split_and_keeps_rubbish(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl", ManualClock(5.0))
    pdus = [Pdu(8, 3), Pdu(0x80000008, 3, {"reserved": 0}), Pdu(2, 4)]
    stream = b"".join(encode(pdu, 0x30) for pdu in pdus)
    tap = Tap(recorder, "mobile", 1)
    for place in range(len(stream)):
        tap.see("in", stream[place : place + 1])
    tap.see("out", stream)
    tap.see("out", b"\xff" * 16)
    recorder.close()
    records = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    names = ["ACTIVE_TEST", "ACTIVE_TEST_RESP", "TERMINATE"]
    assert [r["command"] for r in records[:6]] == names * 2
    assert {r["t"] for r in records} == {5_000_000_000}
    assert records[6]["raw"] == "ff" * 16


async def run_once(rig: Rig, seed: int) -> list[tuple[Any, ...]]:
    """Return what one seed makes of forty messages."""
    script = {
        "receipts": {"stats": {"DELIVRD": 1, "UNDELIV": 1}},
        "answers": {"refusals": [{"code": 13, "share": 0.2}]},
        "replies": [{"texts": {"TD": 1, "退订": 1}, "share": 0.5}],
    }
    before = len(rig.records())
    carrier = await rig.carrier(script, seed=seed)
    pool = rig.pool(carrier.port)
    rig.flow.add(count=40)
    await rig.bound(pool)
    await until(
        lambda: (
            carrier.status()["submits"] == 40
            and not carrier.status()["later"]
            and not carrier.status()["waiting"]
        )
    )
    await pool.drain(1.0)
    await carrier.stop()
    records = rig.records()[before:]
    told = [(r["command"], r["destination"], r["text"], r["status"]) for r in records]
    return sorted((item for item in told if item[0] in ("SUBMIT_RESP", "DELIVER")), key=str)


async def test_the_seed_decides_everything(rig: Rig) -> None:
    first, again, other = [await run_once(rig, seed) for seed in (11, 11, 12)]
    assert first == again
    assert first != other


async def test_a_group_send_gets_a_run_of_ids(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    await rig.bound(pool)
    body = encode(
        Pdu(4, 1, {
            "pk_total": 1, "pk_number": 1, "registered": 1, "src_id": ACCESS, "msg_src": USER,
            "destinations": ["13800000001", "13800000002"], "content": b"hello",
        }),
        0x30,
    )[12:]  # fmt: skip
    rig.flow.queue.append((0, body))
    pool.kick()
    await until(lambda: len(rig.flow.delivers) == 2)
    first = rig.flow.answers[0][2]
    reports = [r for r in rig.records() if r["command"] == "DELIVER"]
    assert {r["message_id"]: r["source"] for r in reports} == {
        str(first): "13800000001",
        str(first + 1): "13800000002",
    }


async def test_silence_may_drop_what_it_read(rig: Rig) -> None:
    carrier = await rig.carrier({"faults": {"silent_after": 4, "taken": False}})
    pool = rig.pool(carrier.port, window=8)
    rig.flow.add(count=8)
    await rig.bound(pool)
    await until(lambda: carrier.status()["submits"] == 8)
    await asyncio.sleep(0.03)
    assert carrier.status()["accepted"] == 4
    assert len(rig.flow.delivers) == 4


async def test_binds_can_be_refused_and_counters_asked(rig: Rig) -> None:
    carrier = await rig.carrier({"faults": {"bind_status": 5}})
    pool = rig.pool(carrier.port)
    await until(lambda: pool.links[0].counters.binds_refused >= 1)
    carrier.change({"faults": {"bind_status": 0}})
    await until(lambda: pool.bound == 1)
    assert carrier.day()["mt_messages"] == 0


async def test_control_over_a_port(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    await rig.bound(pool)
    server, port = await serve_control({"mobile": carrier})
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def ask(command: Any) -> dict[str, Any]:
        writer.write(json.dumps(command).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
        return answer

    assert (await ask({"do": "status"}))["carriers"]["mobile"]["bound"] == 1
    sent = await ask({"do": "send_mo", "source": "138", "destination": ACCESS, "text": "TD"})
    assert len(sent["carriers"]["mobile"]) == 1
    await until(lambda: len(rig.flow.delivers) == 1)
    assert (await ask({"do": "change", "script": {"answers": {"latency": 9}}}))["ok"]
    assert carrier.script.answers.latency == 9
    for bad in (
        [], "x", {"do": "fly"}, {"do": "stall"}, {"do": "status", "carrier": "x"},
        {"do": "stall", "seconds": "x"}, {"do": "change", "script": {"x": 1}},
        {"do": "change", "script": 5},
    ):  # fmt: skip
        answer = await ask(bad)
        assert not answer["ok"], bad
        assert answer["error"]
    assert (await ask({"do": "cut"}))["ok"]
    await until(lambda: pool.links[0].counters.disconnects == 1)
    for name in ("silence", "speak", "half_open", "disconnect"):
        assert obey({"mobile": carrier}, {"do": name})["ok"]
    writer.close()
    await writer.wait_closed()
    server.close()
    await server.wait_closed()


async def start_process(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.carrier.simulator", *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": "src", **variables},
        cwd=Path(__file__).parents[2],
    )  # fmt: skip


async def test_as_a_process(rig: Rig, tmp_path: Path) -> None:
    records = tmp_path / "own.jsonl"
    process = await start_process(
        "--secret-env", "SECRET", "--records", str(records), "--seed", "3",
        "--control-port", "0", "--with-parent",
        SECRET=SECRET, ASSENT_CLOCK_OFFSET="1000000",
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    ready = json.loads(await process.stdout.readline())
    assert ready["ready"]
    assert ready["carriers"][0]["name"] == "mobile"
    assert ready["control_port"]
    pool = rig.pool(ready["port"])
    rig.flow.add(count=20)
    await rig.bound(pool)
    await until(lambda: len(rig.flow.delivers) == 20)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert await process.stderr.read() == b""
    lines = [json.loads(line) for line in records.read_text("utf-8").splitlines()]
    assert sum(line["command"] == "SUBMIT" for line in lines) == 20
    assert lines[0]["t"] > rig.clock.now_ns() + 900_000 * 10**9


async def test_a_process_without_a_secret_says_so() -> None:
    process = await start_process("--secret-env", "NOT_SET_HERE")
    assert process.stderr is not None
    assert b"NOT_SET_HERE is not set" in await process.stderr.read()
    assert await process.wait() == 2


async def test_a_process_that_speaks_another_dialect(rig: Rig) -> None:
    process = await start_process(
        *("--dialect", "smpp", "--user", "esme", "--secret-env", "SECRET"), SECRET="secret"
    )
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    peer = await connect(ready["port"], client("smpp", user="esme", secret="secret"))
    await until(lambda: peer.session.bound)
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    await until(lambda: peer.closed)


async def test_a_process_with_an_option_of_another_dialect_says_so() -> None:
    process = await start_process("--node", "5", "--secret-env", "SECRET", SECRET="secret")
    assert process.stderr is not None
    assert b"node is an option of sgip only" in await process.stderr.read()
    assert await process.wait() == 2


def test_a_configuration_of_several_carriers(tmp_path: Path) -> None:
    (tmp_path / "quiet.toml").write_text("[receipts]\nshare = 0\n")
    path = tmp_path / "carriers.toml"
    path.write_text(
        'seed = 4\nrecords = "all.jsonl"\n'
        '[[carrier]]\nname = "mobile"\nport = 7890\naccounts = {900001 = "A"}\n'
        'script = "quiet.toml"\n'
        '[[carrier]]\nname = "unicom"\naccounts = {900002 = "B"}\n'
        "[carrier.script.receipts]\ndelay = 2\n"
    )
    settings = settings_from_file(path, {"A": "a", "B": "b"})
    assert [carrier.name for carrier, _ in settings.carriers] == ["mobile", "unicom"]
    assert settings.carriers[0][1].receipts.share == 0
    assert settings.carriers[1][1].receipts.delay == 2
    assert settings.records == tmp_path / "all.jsonl"
    assert parse(["--config", str(path), "--seed", "9"], {"A": "a", "B": "b"}).seed == 9
    assert "secret" not in repr(settings)
    with pytest.raises(InvalidInput, match="B is not set"):
        settings_from_file(path, {"A": "a"})
    path.write_text('[[carrier]]\nname = "a"\ncolour = 1\n')
    with pytest.raises(InvalidInput, match="colour"):
        settings_from_file(path, {})
    path.write_text("seed = 1\n")
    with pytest.raises(InvalidInput, match="carrier"):
        settings_from_file(path, {})


def test_under_uvloop(tmp_path: Path) -> None:
    async def scene() -> None:
        rig = Rig(tmp_path / "records.jsonl")
        carrier = await rig.carrier({"faults": {"silent_after": 100}})
        pool = rig.pool(carrier.port, links=["a", "b"], response_s=0.2, window=8)
        rig.flow.add(count=200)
        await rig.bound(pool)
        await until(lambda: len(rig.flow.answers) == 100 and len(rig.flow.losses) >= 8)
        carrier.silence(False)
        carrier.change({"faults": {"silent_after": None}})
        await until(lambda: len(rig.flow.taken) == 200 and rig.flow.settled())
        assert all(closed for _, closed in rig.flow.losses)
        assert await pool.drain(2.0)
        await rig.close()

    uvloop.run(scene())


async def test_a_closed_connection_leaves_no_cycle_behind(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port)
    rig.flow.add(text="【安信】您好", count=20)
    link = await rig.bound(pool)
    await until(lambda: carrier.status()["receipts_acknowledged"] == 20)
    gc.collect()
    gc.disable()
    try:
        closed = weakref.ref(carrier.connections[0])
        link.abort("the test's wish")
        await until(lambda: closed() is None)
    finally:
        gc.enable()
