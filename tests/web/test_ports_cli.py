"""From the code number to the message with commands only."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from tests.flow.conftest import numbers
from tests.web.office import CODE, NUMBER, Office, office


class Terminal:
    """Somebody at a command line."""

    def __init__(self, desk: Office) -> None:
        self._desk = desk

    async def run(self, who: str, *words: str, code: int = 0, scopes: tuple[str, ...] = ()) -> Any:
        """Return what a command prints, as JSON."""
        environment = {
            "ASSENT_URL": self._desk.url, "ASSENT_KEY": await self._desk.key(who, *scopes),
        }  # fmt: skip
        done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=environment)
        assert done.exit_code == code, done.output
        node = self._desk.platform.node
        await node.catalogue.load(node.store)
        return json.loads(done.stdout)

    async def decide(self, kind: str) -> None:
        for item in (await self.run("operator", "review", "list", "--kind", kind))["items"]:
            words = ("review", "decide", item["id"], "approve", "--code", "in_order")
            done = await self.run("operator", *words)
            if done["state"] == "second":
                await self.run("operator", *words, scopes=("second_review",))


async def test_from_the_number_to_the_message(  # long: one story
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    async with office(migrated_url, tmp_path) as desk:
        at = Terminal(desk)
        carriers = [
            word for name in ("mobile", "unicom", "telecom") for word in ("--carrier", name)
        ]
        await at.run("operator", "number", "enter", NUMBER, "--range", "000-999", *carriers)
        assert (await at.run("account1", "number", "list"))["items"][0]["number"] == NUMBER
        own = ("--sender", CODE)
        await at.run("account1", "signature", "submit", "【安信】", *own, "--source", "short_name")
        await at.decide("signature")
        applied = await at.run(
            "account1", "port", "apply", NUMBER, *own, "--purpose", "notification",
            "--signature", "安信",
        )  # fmt: skip
        await at.decide("port")
        number = applied["number"]
        for step in ("submit", "file", "activate"):
            shown = await at.run("operator", "port", "step", number, step, "--reference", "R-1")
        assert {one["status"] for one in shown["items"][0]["carriers"]} == {"active"}
        await at.run("account1", "host", "submit", "shop.example.cn", *own)
        await at.decide("host")
        body = tmp_path / "body.txt"
        body.write_text("您的订单{order:code}已发货，详情{link:url} \n", "utf-8")
        words = ("template", "submit", "shipped", *own, "--purpose", "notification")
        await at.run("account1", *words, "--file", str(body), "--basis", "order")
        await at.decide("template")
        assert (await at.run("account1", "template", "list"))["items"][0]["state"] == "active"
        to = numbers(1)[0]
        send = (
            "send", *own, "--purpose", "notification", "--template", "shipped", "--to", to,
            "--var", "order=A1001",
        )  # fmt: skip
        wrong = await at.run("account1", *send, "--var", "link=https://evil.example/1", code=3)
        assert wrong["error"]["code"] == "host_not_filed"
        right = ("--var", "link=https://shop.example.cn/1")
        assert (await at.run("account1", *send, *right))["allowed"] == 1

        # Everything of retail stops, and goes on.
        stop = await at.run("operator", "switch", "retail", "--reason", "advice")
        assert stop["industries"] == ["retail"]
        answer = await at.run("account1", *send, *right, code=6)
        assert answer["reasons"] == {"class_stopped": 1}
        await at.run("operator", "switch", "on", stop["id"], "--reason", "over")
        assert (await at.run("operator", "switch", "list"))["items"][0]["lifted_at"] is not None
        assert (await at.run("account1", *send, *right))["allowed"] == 1
        refused = await at.run("operator", "switch", "retail", "--except", "friends", code=3)
        assert refused["error"]["code"] == "bad_except"
        await at.run("account1", "port", "step", number, "revoke", "--reason", "no need")
        shown = await at.run("account1", "port", "show", number)
        assert {one["status"] for one in shown["items"][0]["carriers"]} == {"revoked"}
