"""Audiences from consent, labels and instructions, typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.flow.keys import make_key
from tests.flow.conftest import MARKETING_TEXT, number
from tests.web.whole import Whole, whole

OFFERS = ("--sender", "CODE1", "--programme", "offers")


async def typed(site: Whole, key: str, *words: str | Path, code: int = 0) -> Any:
    """Return what a command prints, as JSON."""
    environment = {"ASSENT_URL": site.url, "ASSENT_KEY": key, "COLUMNS": "200"}
    command = [str(word) for word in (*words, "--json")]
    done = await asyncio.to_thread(CliRunner().invoke, app, command, env=environment)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.mark.timeout(240)
async def test_from_consent_to_a_campaign_that_staff_order(
    migrated_url: str, tmp_path: Path
) -> None:
    people = [number("mobile", place) for place in range(70)]
    async with whole(migrated_url, tmp_path) as site:
        key = await site.key("account1")
        consents = tmp_path / "consents.csv"
        rows = [f"{one},2026-11-01T10:00:00+08:00" for one in people]
        consents.write_text("phone,at\n" + "\n".join(rows))
        await typed(
            site, key, "consent", "import", consents, *OFFERS, "--grade", "document",
            "--wording", "v1", "--source", "shop",
        )  # fmt: skip
        labelled = tmp_path / "regulars.csv"
        labelled.write_text("phone\n" + "\n".join([*people[:10], "nobody"]))
        put = ("label", "put", "regulars", labelled, *OFFERS, "--origin", "purchases")
        told = await typed(site, key, *put, "--kind", "offers")
        assert (told["accepted"], told["refused"]) == (10, 1)
        told = await typed(site, key, *put, "--kind", "health", code=3)
        assert told["error"]["code"] == "label_not_covered"
        assert told["error"]["details"] == {"kinds": ["offers"]}
        (label,) = (await typed(site, key, "label", "list"))["items"]
        build = ("audience", "build", *OFFERS, "--carrier", "mobile", "--segment", "139")
        told = await typed(site, key, *build, "--count")
        assert told == {"programme": "offers", "people": 70, "fewer_than": None}
        told = await typed(site, key, *build, "--label", "regulars", "--count")
        assert (told["people"], told["fewer_than"]) == (None, 50)
        audience = await typed(site, key, *build, "--without-label", "regulars")
        assert audience["people"] == 70  # ten are too few to be told of
        await typed(site, key, "label", "delete", label["id"])
        staff = await site.key("operator", frozenset({"behalf", "audit"}))
        account = str(site.account("account1"))
        order = (
            "campaign", "create", "--name", "n", "--audience", audience["id"], "--sender", "CODE1",
            "--purpose", "marketing", "--text", MARKETING_TEXT, "--on-behalf-of", account,
        )  # fmt: skip
        told = await typed(site, staff, *order, code=4)
        assert told["error"]["code"] == "instruction_missing"
        signed = tmp_path / "signed.txt"
        signed.write_text("委托书")
        day = str(site.platform.clock.now())
        words = ("--account", account, "--words", "n", "--signed-on")
        told = await typed(site, staff, "instruction", "add", signed, *words, day, code=3)
        instruction = await typed(site, staff, "instruction", "add", signed, *words, "2026-11-20")
        campaign = await typed(site, staff, *order, "--instruction", instruction["id"])
        told = await typed(site, key, "instruction", "show", instruction["id"])
        assert told["campaign"] == campaign["id"]
        out = tmp_path / "out.txt"
        await typed(site, key, "instruction", "file", instruction["id"], "--out", out)
        assert out.read_bytes() == signed.read_bytes()

        async def done() -> bool:
            told = await typed(site, key, "campaign", "status", campaign["id"])
            return bool(told["states"].get("delivered") == 60)

        await site.platform.until(done, "the campaign is delivered", 60)


async def test_the_sandbox_plays_no_staff(migrated_url: str, tmp_path: Path) -> None:
    """A sandbox key orders for nobody else, and chooses nobody."""
    async with whole(migrated_url, tmp_path) as site:
        node = site.platform.node
        key = await make_key(
            node.store, site.account("account1"), ["campaigns", "read"], sandbox=True,
            random=bytes(24), at=node.clock.now(),
        )  # fmt: skip
        told = await typed(site, key, "audience", "build", *OFFERS, code=4)
        assert told["error"]["code"] == "sandbox_key"
        told = await typed(
            site, key, "campaign", "create", "--name", "n", "--audience", "1", "--sender", "X",
            "--purpose", "marketing", "--text", "x", "--on-behalf-of", "1", "--instruction", "1",
            code=4,
        )  # fmt: skip
        assert told["error"]["code"] == "sandbox_key"
