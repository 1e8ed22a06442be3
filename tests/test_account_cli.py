"""People on the command line: from signing up to a key, with real mail, and what it keeps."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app as whole_app
from assent.cli import app
from assent.cli.kept import keep_token, kept_token, place
from assent.errors import NotAllowed
from assent.store import Store
from tests.conftest import Embedded, new_database
from tests.web.people_site import PASSWORD, STAFF_PASSWORD, Place
from tests.web.people_site import place as people_place


class Terminal:
    """Runs commands as a shell would, for one person at one machine."""

    def __init__(self, here: Place, home: Path) -> None:
        self.here = here
        self.home = home
        self.said: list[str] = []

    async def run(self, *words: str, given: str = "", code: int = 0) -> dict[str, Any]:
        runner = CliRunner(
            env={"ASSENT_URL": self.here.site.url, "ASSENT_KEY": None, "COLUMNS": "200",
                 "XDG_CONFIG_HOME": str(self.home)}
        )  # fmt: skip
        result = await asyncio.to_thread(runner.invoke, app, [*words, "--json"], input=given)
        assert result.exit_code == code, (result.output, result.exception)
        self.said.append(result.output)
        return dict(json.loads(result.stdout))


@pytest.fixture
async def here(migrated_url: str, fresh_store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with people_place(migrated_url, fresh_store, tmp_path) as one:
        yield one


async def test_from_sign_up_to_a_key_and_out(here: Place, tmp_path: Path) -> None:
    li = Terminal(here, tmp_path / "li")
    await li.run(
        "account", "sign-up", "li@shop.example", "--name", "李雷", "--credit-code", "C1",
        "--legal-name", "商户", given=f"{PASSWORD}\n",
    )  # fmt: skip
    token = await here.mailbox.token("li@shop.example")
    await li.run("account", "confirm", given=f"{token}\n{PASSWORD}\n")
    session = await li.run("account", "login", "li@shop.example", given=f"{PASSWORD}\n")
    assert "token" not in session
    kept = li.home / "assent" / "sessions.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secret = (await li.run("account", "totp", "on"))["secret"]
    octets = base64.b32decode(secret)
    codes = await li.run("account", "totp", "confirm", given=f"{here.code(octets)}\n")
    assert len(codes["recovery_codes"]) == 10
    me = await li.run("account", "me")
    assert me["second_factor"] is True
    await li.run("account", "team", "invite", "han@shop.example", "--role", "sender")
    han = Terminal(here, tmp_path / "han")
    token = await here.mailbox.token("han@shop.example")
    other = "friend of correct horses"
    await han.run("account", "accept", "--name", "韩梅梅", given=f"{token}\n{other}\n")
    await han.run("account", "login", "han@shop.example", given=f"{other}\n")
    await han.run("account", "phone", "send", "13800138000")
    code = here.phones.codes["8613800138000"]
    await han.run("account", "phone", "confirm", given=f"{code}\n")
    key = await han.run("account", "key", "create", "shop", "--scope", "read", "--scope", "send")
    assert (await han.run("account", "key", "list"))["keys"][0]["id"] == key["id"]
    people = (await li.run("account", "team", "list"))["people"]
    actor = next(one["actor"] for one in people if one["email"] == "han@shop.example")
    await li.run("account", "team", "roles", actor, "--role", "finance")
    error = (await han.run("account", "me", code=4))["error"]
    assert error["code"] == "bad_session"
    await li.run("account", "team", "remove", actor)
    here.clock.advance(601)
    error = (await li.run("account", "key", "create", "k", "--scope", "read", code=4))["error"]
    assert error["code"] == "not_raised"
    proof = f"{PASSWORD}\n{here.code(octets)}\n"
    await li.run("account", "raise", "--code", given=proof)
    made = await li.run("account", "key", "create", "k", "--scope", "read", "--software")
    await li.run("account", "key", "revoke", made["id"])
    assert len((await li.run("account", "sessions"))["sessions"]) == 1
    await li.run("account", "logout")
    assert kept_of(kept) == {}
    error = (await li.run("account", "me", code=4))["error"]
    assert error["code"] == "missing_key"
    for terminal in (li, han):
        assert not any(PASSWORD in said or other in said for said in terminal.said)


def kept_of(file: Path) -> dict[str, str]:
    return dict(json.loads(file.read_text()))


async def test_passwords_on_the_command_line(here: Place, tmp_path: Path) -> None:
    await here.owner()
    li = Terminal(here, tmp_path / "li")
    await li.run("account", "login", "li@shop.example", given=f"{PASSWORD}\n")
    new = "a wholly different sentence"
    await li.run("account", "password", given=f"{PASSWORD}\n{new}\n")
    await li.run("account", "me")
    before = len(here.mailbox.to("li@shop.example"))
    await li.run("account", "reset", "li@shop.example")
    for number in range(before, before + 3):
        try:
            token = await here.mailbox.token("li@shop.example", number)
            break
        except AssertionError:
            continue
    await li.run("account", "set-password", given=f"{token}\n{PASSWORD}\n")
    await li.run("account", "me", code=4)
    error = (await li.run("account", "login", "li@shop.example", given="\n", code=3))["error"]
    assert error["code"] == "nothing_given"


async def test_the_record_on_the_command_line(here: Place, tmp_path: Path) -> None:
    root = await here.administrator()
    await here.post("/v1/team/invitations", {"email": "a@o.example", "roles": ["auditor"]}, root)
    token = await here.mailbox.token("a@o.example")
    body = {"token": token, "password": STAFF_PASSWORD, "name": "=cmd()"}
    await here.post("/v1/invitations/accept", body)
    session = await here.log_in("a@o.example", STAFF_PASSWORD)
    _, answer = await here.second_factor(session["token"])
    auditor = Terminal(here, tmp_path / "auditor")
    (auditor.home / "assent").mkdir(parents=True)
    file = auditor.home / "assent" / "sessions.json"
    file.write_text(json.dumps({here.site.url: answer["token"]}))
    file.chmod(0o644)
    error = (await auditor.run("audit", "show", code=4))["error"]
    assert error["code"] == "open_session_file"
    file.chmod(0o600)
    shown = await auditor.run("audit", "show", "--limit", "3", "--what", "team.")
    assert [item["what"] for item in shown["items"]] == ["team.join", "team.invite", "team.join"]
    out = tmp_path / "audit.csv"
    done = await auditor.run("audit", "export", "--out", str(out))
    rows = list(csv.DictReader(out.read_text("utf-8-sig").splitlines()))
    assert len(rows) == done["acts"] > 5
    assert rows[-1]["what"] == "staff.add"


def test_a_token_is_kept_for_each_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert kept_token("http://a") == ""
    keep_token("http://a", "one")
    keep_token("http://b", "two")
    keep_token("http://a", "")
    assert (kept_token("http://a"), kept_token("http://b")) == ("", "two")
    place().chmod(0o604)
    with pytest.raises(NotAllowed):
        kept_token("http://b")


async def test_staff_and_vault_at_the_machine(
    engine: Embedded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSENT_VAULT_KEY_FILE", str(tmp_path / "vault.keys"))
    async with new_database(engine) as url:
        monkeypatch.setenv("ASSENT_DATABASE_URL", url)
        runner = CliRunner()

        async def run(*words: str) -> Any:
            result = await asyncio.to_thread(runner.invoke, whole_app, list(words))
            assert result.exit_code == 0, result.output
            return json.loads(result.stdout)

        made = await run("staff", "add", "Root@Operator.example", "--role", "administrator")
        assert made["email"] == "root@operator.example"
        assert len(made["token"]) == 48
        rotated = await run("vault", "rotate")
        assert rotated["key"] == 2
        assert rotated["sealed"]["actor_token.sealed"] == 1
        assert sum((await run("vault", "seal"))["sealed"].values()) == 0
        bad = await asyncio.to_thread(
            runner.invoke, whole_app, ["staff", "add", "x@y.zz", "--role", "owner"]
        )
        assert bad.exit_code == 1
