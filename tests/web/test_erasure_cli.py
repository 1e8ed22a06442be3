"""Erasure, legal holds, carriers' files, lapses and evidence with commands only."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from tests.flow.conftest import number, numbers
from tests.web.whole import Whole, whole

SHE = number("mobile", 7)
FORM = b"%PDF-1.7 a form that somebody signed"


async def typed(site: Whole, who: str, *words: str, code: int = 0) -> Any:
    """Return what a command prints, as JSON."""
    environment = {"ASSENT_URL": site.url, "ASSENT_KEY": await site.key(who)}
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--json"], env=environment)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


async def test_everything_with_commands(  # long: one story
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    people = [SHE, *numbers(5, 20)]
    async with whole(migrated_url, tmp_path) as site:
        now = datetime.fromtimestamp(site.platform.clock.now(), UTC)
        (tmp_path / "form.pdf").write_bytes(FORM)
        told = await typed(site, "account1", "consent", "file", str(tmp_path / "form.pdf"))
        rows = [f"{one},{(now - timedelta(days=1)).isoformat()}" for one in people]
        (tmp_path / "people.csv").write_text("\n".join(["number,at", *rows]) + "\n", "utf-8")
        offers = ("--sender", "CODE1", "--programme", "offers")
        done = await typed(
            site, "account1", "consent", "import", str(tmp_path / "people.csv"), *offers,
            "--grade", "document", "--wording", "v1", "--source", "shop",
            "--evidence", told["sha256"],
        )  # fmt: skip
        assert done["accepted"] == len(people)
        out = tmp_path / "again.pdf"
        shown = ("consent", "show-file", told["sha256"], "--out", str(out))
        await typed(site, "account1", *shown)
        assert out.read_bytes() == FORM
        (tmp_path / "left.csv").write_text(f"number\n{people[1]}\n12\n", "utf-8")
        done = await typed(
            site, "account1", "consent", "end", *offers, "--people", str(tmp_path / "left.csv")
        )
        assert (done["accepted"], done["refused"]) == (1, 1)
        assert await site.platform.value("SELECT count(*) FROM standing") == len(people) - 1

        hold = ("person", "hold", "--recipient", SHE, "--why", "court, file A")
        held = await typed(site, "operator", *hold)
        assert len((await typed(site, "operator", "person", "holds"))["items"]) == 1
        erase = (
            "person", "erase", "--recipient", SHE, "--ground", "wrote a letter, signed",
            "--channel", "paper",
        )  # fmt: skip
        assert (await typed(site, "operator", *erase))["state"] == "held"
        await typed(site, "operator", "person", "lift", held["id"])
        assert (await typed(site, "operator", *erase))["state"] == "erased"
        assert (await typed(site, "operator", *erase))["state"] == "unknown"
        items = (await typed(site, "operator", "person", "erasures"))["items"]
        assert [one["cause"] for one in items] == ["staff"]
        assert SHE not in json.dumps(items)
        assert (await typed(site, "account1", *erase, code=4))["error"]["code"] == "missing_scope"

        given = tmp_path / "numbers.csv"
        given.write_text("\n".join(["number", *people[2:4], "139", people[1]]) + "\n", "utf-8")
        today = (now + timedelta(hours=8)).date().isoformat()
        reassigned = ("person", "reassigned", str(given), "--source", "mobile", "--dated")
        told = await typed(site, "operator", *reassigned, today)
        assert (told["rows"], told["closed"], told["faulty"]) == (4, 3, 1)
        assert [one["row"] for one in told["items"]] == [1, 2, 3, 4]
        (source,) = (await typed(site, "operator", "person", "sources"))["items"]
        assert (source["source"], source["closed"], source["last_dated"]) == ("mobile", 3, today)
        wrong = await typed(site, "operator", *reassigned, "2999-01-01", code=3)
        assert wrong["error"]["field"] == "dated"
        assert await site.platform.value("SELECT count(*) FROM number_mark") == 4

        assert (await typed(site, "account1", "consent", "end", "--sender", "CODE1"))["ends"]

        async def nobody() -> bool:
            return bool(await site.platform.value("SELECT count(*) FROM standing") == 0)

        await site.platform.until(nobody, "the programme ended", 20)
