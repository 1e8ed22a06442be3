"""The ledger as the platform runs it: sealed, witnessed, asked over HTTP and by command."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import sys
import zipfile
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from typer.testing import CliRunner

from assent.app.http import serve
from assent.app.ledger import LedgerFile
from assent.app.main import app
from assent.app.settings import Settings
from assent.clock import SystemClock
from assent.consent.note import Checkpoint, KeyKind, Note, PublicKey, SigningKey
from assent.consent.tree import EMPTY_ROOT
from assent.consent.verify import verify
from assent.consent.witness import Request, cosigned
from assent.errors import InvalidInput
from assent.flow.keys import make_key
from assent.flow.ledger_key import open_key
from assent.flow.vault import Vault
from assent.store import Store
from assent.web import HttpServer
from assent.web.witness import PATH, SeenFile, WitnessApp
from tests.flow.conftest import Platform, noon_offset, number, register

WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))
HERS = number("mobile", 1)
ORIGIN = "log.example/consent"


class Stage:
    """A platform with an API, and keys of the operator and of a customer."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.url = ""
        self.keys: dict[str, str] = {}

    async def run(self, who: str, *words: object, code: int = 0) -> Any:
        environment = {"ASSENT_URL": self.url, "ASSENT_KEY": self.keys[who], "COLUMNS": "200"}
        given = [*(str(word) for word in words), "--json"]
        done = await asyncio.to_thread(CliRunner(env=environment).invoke, app, given)
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)


@pytest.fixture
async def stage(migrated_url: str, tmp_path: Path) -> Any:
    platform = Platform(migrated_url, tmp_path, SystemClock(noon_offset()))
    await platform.start({"answers": {"latency": 0.001}, "receipts": {"delay": 0.05}})
    store = await Store.open(migrated_url, min=1, max=2)
    await platform.file(register(2))
    witness: HttpServer | None = None
    try:
        seen = SeenFile(tmp_path / "seen.json")
        logs: dict[str, PublicKey] = {}
        witness = HttpServer(WitnessApp(WITNESS, logs, seen, platform.clock), port=0)
        await witness.start()
        url = f"http://127.0.0.1:{witness.port}{PATH}"
        party = [{"key": str(WITNESS.public), "url": url}]
        platform.settings.ledger = msgspec.convert(
            {"origin": ORIGIN, "witnesses": party}, LedgerFile
        )
        node = await platform.start_node()
        logs[ORIGIN] = node.ledger.keys[0]
        node.settings.http.port = 0
        server = await serve(node)
        made = Stage(platform)
        made.url = f"http://127.0.0.1:{server.port}"
        operator = next(a.id for a in node.catalogue.accounts.values() if a.kind == "operator")
        for name, account, scope in (("auditor", operator, "audit"), ("customer", 1, "read")):
            made.keys[name] = await make_key(
                store, account, [scope], sandbox=False, random=secrets.token_bytes(24),
                at=platform.clock.now(),
            )  # fmt: skip
        yield made
        await server.stop()
        await node.stop()
    finally:
        if witness is not None:
            await witness.stop()
        await store.close()
        await platform.stop()


async def test_from_a_consent_to_a_bundle_that_a_witness_saw(stage: Stage, tmp_path: Path) -> None:
    platform = stage.platform
    await platform.consent([HERS])
    answer = await platform.send([HERS])
    assert answer["allowed"] == 1

    async def witnessed() -> bool:
        told = await stage.run("auditor", "ledger", "show")
        seen = [one["size"] for one in told["witnesses"]]
        return bool(told["unsealed"] == 0 and seen == [told["size"]] and told["size"] >= 1)

    await platform.until(witnessed, "the ledger is sealed and witnessed", 20.0)
    told = await stage.run("auditor", "ledger", "show")
    assert told["origin"] == ORIGIN
    assert told["keys"] == [str(platform.node.ledger.keys[0]), str(WITNESS.public)]
    out = tmp_path / "evidence.zip"
    words = ("evidence", "--recipient", HERS, "--sender", "CODE1", "--from",
             "2026-01-01T00:00:00+08:00", "--to", "2030-01-01T00:00:00+08:00")  # fmt: skip
    await stage.run("auditor", *words, "--out", out)
    verdict = verify(out.read_bytes(), told["keys"])
    assert (verdict.exit_code, verdict.faults) == (0, [])
    assert list(verdict.witnesses) == ["witness.example"]
    with zipfile.ZipFile(out) as archive:
        assert json.loads(archive.read("manifest.json"))["about"]["unwitnessed"] is False
    kinds = [one["words"]["kind"] for one in verdict.entries]
    assert kinds.count("granted") == 1
    # Rulebook, keywords, links; texts are screened with what is read when the first one comes.
    assert kinds.count("setting") in (3, 4)
    assert len(kinds) == kinds.count("setting") + 1
    acts = await platform.sql("SELECT what, subject, after::text FROM staff_act ORDER BY id")
    assert [(act["what"], act["subject"]) for act in acts] == [("evidence.bundle", "CODE1")]
    assert HERS not in acts[0]["after"]
    # Nothing is overwritten, and nobody else may ask.
    assert (await stage.run("auditor", *words, "--out", out, code=3))["error"][
        "code"
    ] == "cannot_write"
    for words_of in (words, ("ledger", "show")):
        more = ("--out", tmp_path / "x.zip") if words_of is words else ()
        refused = await stage.run("customer", *words_of, *more, code=4)
        assert refused["error"]["code"] == "missing_scope"


async def test_the_key_stays_and_so_does_the_name(fresh_store: Store) -> None:
    vault = Vault({1: bytes(32)}, secrets.token_bytes)
    first = await open_key(fresh_store, vault, secrets.token_bytes, 0.0, ORIGIN)
    again = await open_key(fresh_store, vault, secrets.token_bytes, 9.0)
    assert (first[0], first[1].public) == (again[0], again[1].public) == (ORIGIN, first[1].public)
    for wrong in ("other.example/consent", "two words"):
        with pytest.raises(InvalidInput, match="name"):
            await open_key(fresh_store, vault, secrets.token_bytes, 0.0, wrong)


@pytest.mark.parametrize(
    ("key", "url", "words"),
    [
        ("x", "https://w.example/add-checkpoint", "key"),
        (str(SigningKey("l", KeyKind.NOTE, bytes(32)).public), "https://w.example/", "log's key"),
        (str(WITNESS.public), "w.example", "address"),
    ],
)
def test_settings_that_cannot_be(key: str, url: str, words: str) -> None:
    settings = msgspec.convert({"ledger": {"witnesses": [{"key": key, "url": url}]}}, Settings)
    with pytest.raises(InvalidInput, match=words):
        settings.ledger.party()


def test_unwitnessed_is_said_or_not_so() -> None:
    party = [{"key": str(WITNESS.public), "url": "https://w.example/add-checkpoint"}]
    said = msgspec.convert({"ledger": {"unwitnessed": True}}, Settings)
    assert said.ledger.party() == []
    both = msgspec.convert({"ledger": {"unwitnessed": True, "witnesses": party}}, Settings)
    with pytest.raises(InvalidInput, match="there are witnesses"):
        both.ledger.party()


async def started(*words: str) -> asyncio.subprocess.Process:
    """Start a command of its own."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "assent.app.main", *words,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip


async def test_a_witness_as_a_command(tmp_path: Path) -> None:
    log = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
    config = tmp_path / "witness.toml"
    config.write_text(
        f'name = "witness.example"\nstate_dir = "{tmp_path / "state"}"\nport = 0\n'
        f'[logs]\n"{ORIGIN}" = "{log.public}"\n'
    )
    keys = []
    for _ in range(2):  # its key survives it
        process = await started("witness", "--config", str(config))
        assert process.stdout is not None
        said = json.loads(await asyncio.wait_for(process.stdout.readline(), 30.0))
        keys.append(said["key"])
        text = str(Checkpoint(ORIGIN, 0, EMPTY_ROOT))
        note = Note(text, (log.sign(text),))
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(said["url"], content=str(Request(0, (), note)))
        assert answer.status_code == 200
        cosigned(note, answer.text, PublicKey.parse(said["key"]))
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 20.0) == 0
    assert keys[0] == keys[1]
    assert (tmp_path / "state" / "witness.key").stat().st_mode & 0o777 == 0o600
    config.write_text("name = 3")
    process = await started("witness", "--config", str(config))
    _, errors = await asyncio.wait_for(process.communicate(), 30.0)
    assert (process.returncode, json.loads(errors)["code"]) == (1, "bad_settings")


async def test_fsck_as_a_command(stage: Stage, tmp_path: Path) -> None:
    platform = stage.platform
    await platform.consent([HERS])

    async def sealed() -> bool:
        return bool((await stage.run("auditor", "ledger", "show"))["unsealed"] == 0)

    await platform.until(sealed, "the ledger is sealed", 20.0)
    config = tmp_path / "assent.toml"
    config.write_text(f'database_url = "{platform.url}"\n')
    for change, code, faults in (
        (None, 0, []),
        ("UPDATE ledger_tile SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)", 1,
         [{"code": "entry_changed", "place": "entry 1"},
          {"code": "root_wrong", "place": "checkpoint 4"}]),
    ):  # fmt: skip
        if change is not None:
            await platform.sql(change)
        process = await started("ledger", "fsck", "--config", str(config))
        output, errors = await asyncio.wait_for(process.communicate(), 60.0)
        assert process.returncode == code, errors
        told = json.loads(output)
        assert (told["entries"], told["faults"]) == (4, faults)
