"""The command line against a real server, and its manual."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from assent.cli import app
from tests.web.site import Running, running

DOCS = Path(__file__).parents[1] / "docs" / "cli.md"
ORDER = ["--sender", "s", "--purpose", "marketing"]


class Terminal:
    """Runs commands as a shell would, with the server on the loop of the test."""

    def __init__(self, site: Running, key: str | None) -> None:
        self.site = site
        self.environment = {"ASSENT_URL": site.url, "ASSENT_KEY": key, "COLUMNS": "200"}

    async def run(self, *words: str | Path) -> Any:
        runner = CliRunner(env=self.environment)
        return await asyncio.to_thread(runner.invoke, app, [str(word) for word in words])

    async def json(self, *words: str | Path, code: int = 0) -> dict[str, Any]:
        result = await self.run(*words, "--json")
        assert result.exit_code == code, (result.output, result.exception)
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer


@pytest.fixture
async def terminal() -> Any:
    async with running() as site:
        yield Terminal(site, "sk_all")


async def test_send_and_look(terminal: Terminal) -> None:
    order = await terminal.json(
        "send", *ORDER, "--to", "15400000001", "--to", "15400000010", "--text", "{n}你好",
        "--var", "n=张", "--key", "k",
    )  # fmt: skip
    assert (order["allowed"], order["reasons"]) == (1, {"no_standing": 1})
    terminal.site.clock.advance(5)
    message = await terminal.json("status", "message", order["messages"][0]["id"])
    assert message["state"] == "failed"
    assert (await terminal.json("status", "order", order["id"]))["states"] == {"failed": 1}
    receipts = await terminal.json("receipts", "--all", "--limit", "1")
    assert len(receipts["items"]) == 1
    assert (await terminal.json("replies"))["items"] == []
    assert (await terminal.json("balance"))["currency"] == "CNY"
    result = await terminal.run("status", "message", order["messages"][0]["id"])
    assert "failed" in result.stdout
    assert "154****0001" in result.stdout


async def test_nobody_may_be_written_to(terminal: Terminal) -> None:
    for more in ([], ["--dry-run"]):
        answer = await terminal.json(
            "send", *ORDER, "--to", "15400000010", "--text", "x", *more, code=6
        )
        assert answer["rejected"] == 1


async def test_campaign(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("手机号,姓名\n15400000000,张\n15400000007,李\nx,王\n", "utf-8")
    audience = await terminal.json(
        "audience", "upload", file, "--statement", "shop", "--relation", "members",
        "--column", "name=姓名",
    )  # fmt: skip
    assert (audience["rows"], audience["wrong"], audience["columns"]) == (3, 1, ["name"])
    number = audience["id"]
    assert (await terminal.json("audience", "status", number))["state"] == "ready"
    assert (await terminal.json("audience", "faults", number))["wrong"] == 1
    words = ["--name", "c", "--audience", number, *ORDER, "--text", "{name}你好"]
    assert (await terminal.json("campaign", "dry-run", *words))["allowed"] == 2
    campaign = (await terminal.json("campaign", "create", *words))["id"]
    for step, state in (("pause", "paused"), ("resume", "running"), ("stop", "stopped")):
        assert (await terminal.json("campaign", step, campaign))["state"] == state
    answer = await terminal.json("campaign", "status", campaign, "--follow")
    assert answer["state"] == "stopped"


async def test_imports(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("at,手机号\n2026-01-02 03:04:05,13800138000\n2026-01-02,x\n", "utf-8")
    words = [
        "consent", "import", file, "--sender", "s", "--programme", "p", "--grade", "document",
        "--wording", "v1", "--source", "shop",
    ]  # fmt: skip
    answer = await terminal.json(*words, "--zone", "Asia/Shanghai")
    assert (answer["accepted"], answer["refused"]) == (1, 1)
    error = (await terminal.json(*words, code=3))["error"]
    assert (error["code"], error["details"]) == ("bad_time", {"row": 1})
    error = (await terminal.json(*words, "--zone", "Moon/Base", code=3))["error"]
    assert error["code"] == "bad_zone"
    refusal = ["refusal", "import", file, "--sender", "s", "--source", "counter"]
    answer = await terminal.json(*refusal, "--purpose", "marketing")
    assert answer["accepted"] == 1
    file.write_text("13800138000\n", "utf-8")
    assert (await terminal.json(*refusal))["accepted"] == 1
    file.write_text("name\n", "utf-8")
    assert (await terminal.json(*refusal, code=3))["error"]["code"] == "file_empty"
    file.write_text("", "utf-8")
    assert (await terminal.json(*refusal, code=3))["error"]["code"] == "file_empty"


async def test_errors(terminal: Terminal) -> None:
    send = ["send", *ORDER, "--to", "13800138000"]
    error = (await terminal.json(*send, code=3))["error"]
    assert (error["code"], error["field"]) == ("text_or_template", "text")
    assert error["mend"]
    result = await terminal.run(*send)
    assert result.exit_code == 3
    assert "text_or_template" in result.stderr
    assert "mend" in result.stderr
    assert not result.stdout
    error = (await terminal.json(*send, "--not-before", "tomorrow", code=3))["error"]
    assert (error["code"], error["field"]) == ("bad_time", "--not-before")
    error = (await terminal.json(*send, "--var", "x", code=3))["error"]
    assert (error["code"], error["field"]) == ("bad_pair", "--var")
    assert (await terminal.json("status", "order", "1", code=3))["error"]["code"] == "no_order"
    assert (await terminal.run("send", "--to")).exit_code == 2
    for key, code in ((None, "missing_key"), ("ak_wrong", "bad_key")):
        other = Terminal(terminal.site, key)
        assert (await other.json("balance", code=4))["error"]["code"] == code
    terminal.environment["ASSENT_URL"] = "http://127.0.0.1:9"
    assert (await terminal.json("balance", code=5))["error"]["code"] == "unreachable"


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from commands(inner, (*path, name))
    else:
        yield " ".join(path), command


def test_every_command_and_option_is_in_the_manual() -> None:
    from assent.app import main  # adds the commands that run something

    words = DOCS.read_text("utf-8")
    found = list(commands(typer.main.get_command(main.app)))
    assert len(found) > 15
    for name, command in found:
        assert f"`assent {name}`" in words, name
        assert command.help, name
        headed = re.search(rf"^### .*`assent {re.escape(name)}`", words, re.MULTILINE)
        section = words[headed.start() if headed else words.index(f"`assent {name}`") :]
        section = section[: section.find("\n### ", 1)] if "\n### " in section[1:] else section
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    assert f"`{option}`" in section, f"{name} {option}"


def test_the_key_is_no_option() -> None:
    """A key on the command line would be in every list of processes."""
    assert "ASSENT_KEY" in DOCS.read_text("utf-8")
    assert "ASSENT_KEY" not in os.environ
    for name, command in commands(typer.main.get_command(app)):
        assert all("--api-key" not in parameter.opts for parameter in command.params), name
