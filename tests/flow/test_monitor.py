"""A monitor that runs elsewhere, and proofs of consistency, over real HTTP and as commands."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.consent.monitor import Finding, Told, Watched, compare, overdue, read
from assent.consent.note import Checkpoint, KeyKind, Note, SigningKey
from assent.consent.tree import EMPTY_ROOT
from assent.consent.verify import verify
from tests.flow.conftest import numbers
from tests.flow.test_ledger_wired import ORIGIN, Stage, stage
from tests.flow.test_sealing import LOG

__all__ = ["stage"]
WATCHED = Watched(ORIGIN, LOG.public, 3_600.0)


async def sealed(stage: Stage) -> dict[str, Any]:
    async def done() -> bool:
        return bool((await stage.run("auditor", "ledger", "show"))["unsealed"] == 0)

    await stage.platform.until(done, "all is sealed", 20.0)
    return dict(await stage.run("auditor", "ledger", "show"))


async def monitored(stage: Stage, config: Path) -> tuple[int, list[dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.app.main", "monitor", "--config", str(config), "--once",
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path),
                          "ASSENT_KEY": stage.keys["auditor"]},
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 60.0)
    assert process.returncode is not None
    return process.returncode, [json.loads(line) for line in output.splitlines()]


class Hook:
    """A webhook's other end."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                octets = self.rfile.read(int(self.headers["content-length"]))
                hook.bodies.append(json.loads(octets))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hook() -> Any:
    made = Hook()
    yield made
    made.close()


async def test_a_monitor_sees_a_rollback_and_a_fork(
    stage: Stage, tmp_path: Path, hook: Hook
) -> None:
    platform = stage.platform
    told = await sealed(stage)
    heard = tmp_path / "heard.jsonl"
    config = tmp_path / "monitor.toml"
    config.write_text(
        f'url = "{stage.url}"\norigin = "{ORIGIN}"\nkey = "{told["keys"][0]}"\n'
        f'state_dir = "{tmp_path / "monitor"}"\n'
        "patience_s = 200000\n"  # the platform's clock here is not the monitor's
        f'command = ["sh", "-c", "cat >> {heard}"]\n'
        f'webhook = "http://127.0.0.1:{hook.server.server_port}/"\n'
    )
    assert await monitored(stage, config) == (0, [])
    await script(stage, "CREATE TABLE kept AS TABLE ledger_checkpoint")
    await platform.consent(numbers(5))
    now = await sealed(stage)
    assert now["size"] == told["size"] + 5
    assert await monitored(stage, config) == (0, [])  # it extends what was seen
    backup = "SET session_replication_role = replica;"
    platform.node.ledger.stop()  # nobody seals while the database is set back
    await asyncio.sleep(0.5)
    await script(
        stage, "DELETE FROM ledger_checkpoint; INSERT INTO ledger_checkpoint SELECT * FROM kept"
    )
    code, lines = await monitored(stage, config)
    assert (code, [line["code"] for line in lines]) == (1, ["rollback"])
    assert (lines[0]["seen"], lines[0]["size"], lines[0]["grave"]) == (
        now["size"], told["size"], True,
    )  # fmt: skip
    assert hook.bodies == lines
    assert [json.loads(line) for line in heard.read_text().splitlines()] == lines
    # Another history of the same length, signed with the log's own key.
    await script(
        stage, backup + "DELETE FROM ledger_checkpoint; DELETE FROM ledger_tile;"
        "UPDATE entry SET body = set_byte(body, 15, 0) WHERE kind = 2",
    )  # fmt: skip
    while await platform.node.ledger.sealer.step():
        pass
    code, lines = await monitored(stage, config)
    assert (code, [line["code"] for line in lines]) == (1, ["fork"])


async def script(stage: Stage, text: str) -> None:
    connection = await asyncpg.connect(stage.platform.url)
    try:
        await connection.execute(text)
    finally:
        await connection.close()


async def test_who_does_not_answer_and_a_file_that_is_none(tmp_path: Path, stage: Stage) -> None:
    config = tmp_path / "monitor.toml"
    config.write_text(
        f'url = "http://127.0.0.1:9"\norigin = "{ORIGIN}"\nkey = "{LOG.public}"\n'
        f'state_dir = "{tmp_path / "monitor"}"\n'
    )
    code, lines = await monitored(stage, config)
    assert (code, [line["code"] for line in lines]) == (2, ["unreachable"])
    config.write_text("url = 3")
    assert (await monitored(stage, config))[0] == 1


async def test_consistency_that_anybody_checks_offline(stage: Stage, tmp_path: Path) -> None:
    first = await sealed(stage)
    await stage.platform.consent(numbers(9))
    second = await sealed(stage)
    out = tmp_path / "consistency.json"
    sizes = ("--from", first["size"], "--to", second["size"])
    await stage.run("auditor", "ledger", "consistency", *sizes, "--out", out)
    keys = [word for key in second["keys"] for word in ("--key", key)]
    done = await asyncio.to_thread(CliRunner().invoke, app, ["verify", str(out), *keys, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    sizes_told = f"{first['size']} entries begins the ledger of {second['size']}"
    assert any(sizes_told in words for words in told["proved"])
    octets = out.read_bytes()
    for place in range(len(octets)):
        changed = bytearray(octets)
        changed[place] ^= 1 << place % 8
        assert verify(bytes(changed), second["keys"]).exit_code in (1, 2), place
    shown = await stage.run("auditor", "ledger", "consistency", "--from", first["size"])
    assert shown["to"]["size"] == second["size"]
    for wrong in ((5, 4), (1, 10**6)):
        words = ("ledger", "consistency", "--from", wrong[0], "--to", wrong[1])
        refused = await stage.run("auditor", *words, code=3)
        assert refused["error"]["code"] in ("bad_sizes", "not_sealed")
    refused = await stage.run("customer", "ledger", "consistency", "--from", 1, code=4)
    assert refused["error"]["code"] == "missing_scope"


# What is pure ----------------------------------------------------------------------------------


def note(size: int, root: bytes = EMPTY_ROOT, key: SigningKey = LOG, origin: str = ORIGIN) -> str:
    text = str(Checkpoint(origin, size, root))
    return str(Note(text, (key.sign(text),)))


THIEF = SigningKey("log.example", KeyKind.NOTE, bytes(range(9, 41)))


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        (note(3), None),
        (note(3, key=THIEF), "bad_signature"),
        (note(3).replace("\n3\n", "\n4\n"), "bad_signature"),
        (note(3, origin="other.example"), "bad_checkpoint"),
        ("x", "bad_checkpoint"),
        ("", "bad_checkpoint"),
    ],
)
def test_what_a_note_may_be(shown: str, code: str | None) -> None:
    _, wrong = read(WATCHED, shown)
    assert (wrong.code if wrong else None) == code


def test_between_two_checkpoints() -> None:
    one, other = (Checkpoint(ORIGIN, 5, bytes([n]) * 32) for n in (1, 2))
    longer = Checkpoint(ORIGIN, 6, bytes(32))
    assert compare(one, one, []) is None
    assert compare(one, other, []) == Finding("fork", 5, 5)
    assert compare(longer, one, []) == Finding("rollback", 6, 5)
    assert compare(one, longer, None) == Finding("no_proof", 5, 6)
    assert compare(one, longer, [bytes(32)]) == Finding("fork", 5, 6)
    assert compare(Checkpoint(ORIGIN, 0, EMPTY_ROOT), longer, []) is None


def test_what_is_overdue() -> None:
    fine = Told("", 3, 1_000.0, (("a", 0.0), ("b", 900.0)))
    assert overdue(WATCHED, fine, 9, 2_000.0) == []
    assert [one.code for one in overdue(WATCHED, fine, 9, 5_000.0)] == [
        "no_progress", "unwitnessed",
    ]  # fmt: skip
    assert overdue(WATCHED, Told("", 0, 0.0), 9, 1e9) == []
