"""Counts over HTTP and the command line: staff see everybody's, customers what they may know."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow.parquet import read_table
from typer.testing import CliRunner

import assent.app.main  # noqa: F401  # adds the commands that work here
from assent.cli import app
from assent.clock import ManualClock
from assent.flow.inbound import code_word, word_code
from assent.flow.needs import utc
from assent.flow.rollup_counts import MEASURES
from assent.flow.rollup_recount import Recount
from assent.flow.rollups import Rollups
from assent.flow.rollups_read import Only, sums
from tests.flow.conftest import numbers
from tests.web.test_ports_cli import Terminal
from tests.web.whole import whole

SCRIPT = {
    "answers": {"latency": 0.001, "refusals": [{"code": 9, "numbers": "1390000000[036]$"}]},
    "receipts": {"delay": 0.05, "stats": {"DELIVRD": 0.8, "MK:0015": 0.2}},
    "replies": [{"texts": {"R": 1.0}, "share": 0.2, "delay": 0.05}],
}


def test_words_of_reports_are_numbers_and_back() -> None:
    for word in ("UNDELIV", "MK:0015", "DB:0", "EXPIRED"):
        assert code_word(word_code(word)) == word
        assert word_code(word) > 1 << 48
    assert [code_word(one) for one in (0, 8, (1 << 32) - 1)] == ["0", "8", "4294967295"]


async def test_counts_are_told(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # long: one platform, looked at from every side
    monkeypatch.setenv("COLUMNS", "250")
    async with whole(migrated_url, tmp_path, SCRIPT) as site:
        platform, at = site.platform, Terminal(site)  # type: ignore[arg-type]  # what it needs
        store, clock = platform.node.store, platform.clock
        people = numbers(120)
        await platform.consent(people)
        await platform.send(people)
        await platform.send(people[:9], "notification", 2)
        end = clock.now() + 3_600.0

        async def counted() -> bool:
            rows = await sums(store, 0.0, end, only=Only(purposes={2, 3}))
            done = bool(rows) and rows[0].delivered + rows[0].failed == 129
            entries = await platform.value("SELECT count(*) FROM entry WHERE kind = 3")
            every = sum(row.delivered + row.failed for row in await sums(store, 0.0, end))
            if every != 129 + entries:  # refusals are confirmed
                return False
            return done and rows[0].refused == entries > 5

        await platform.until(counted, "all are counted", 30.0)
        await platform.node.near_desk.step(clock.now())  # confirmations are nobody's texts
        report = await Recount(store).check()
        assert report.wrong == 0, report.differences
        assert report.messages > 129
        await platform.sql("UPDATE rollup_hour SET delivered = delivered + 1 WHERE purpose = 2")
        report = await Recount(store).check()
        assert report.wrong > 0
        assert {one["purpose"] for one in report.differences} == {2}
        await Recount(store).rebuild()
        assert (await Recount(store).check()).wrong == 0

        said = ("--purpose", "marketing", "--purpose", "notification")
        whole_ = (await at.run("operator", "rollups", "show", *said))["items"]
        assert [(row["submitted"], row["complained"]) for row in whole_] == [(129, 0)]
        by = ("--by", "carrier", "--by", "purpose", "--by", "province")
        rows = (await at.run("operator", "rollups", "show", *by, *said, "--step", "hour"))["items"]
        assert sum(row["submitted"] for row in rows) == 129
        assert {row["purpose"] for row in rows} == {"marketing", "notification"}
        assert all(row["province"]["zh"] for row in rows)
        only = ("--carrier", "mobile", "--sender", "CODE2", "--purpose", "notification")
        (row,) = (await at.run("operator", "rollups", "show", *only))["items"]
        assert row["submitted"] == 3
        ports = ("--port", "106900011", "--port", "106900023", "--by", "carrier")
        codes = (await at.run("operator", "rollups", "failures", *ports))["items"]
        failed = sum(row["failed"] for row in whole_)
        assert sum(row["failed"] for row in codes) == failed
        assert {"carrier": "mobile", "code": "9", "failed": 3 + 3} in codes
        assert "MK:0015" in {row["code"] for row in codes}

        # A customer sees its own, and of people only what the daily batch told and hides nobody.
        mine = await at.run("account1", "rollups", "show")
        assert [(row["submitted"], row["refused"]) for row in mine["items"]] == [(120, None)]
        midnight = (clock.now() + 28_800) // 86_400 * 86_400 - 28_800  # in China
        times = [utc(midnight + days * 86_400).strftime("%Y-%m-%dT%H:%M:%S%z") for days in (-1, 1)]
        days = ("--from", times[0], "--to", times[1])
        (row,) = (await at.run("account1", "rollups", "show", *days))["items"]
        assert (row["submitted"], row["refused"]) == (120, 0)
        await platform.node.settler.daily(clock.now() + 86_400.0)
        (row,) = (await at.run("account1", "rollups", "show", *days))["items"]
        (ours,) = (await at.run("operator", "rollups", "show", "--account", "account1"))["items"]
        assert row["refused"] == ours["refused"] > 0
        (row,) = (await at.run("account2", "rollups", "show", *days))["items"]
        assert (row["submitted"], row["refused"], row["complained"]) == (9, None, None)
        theirs = await at.run("account2", "rollups", "show", "--account", "account1")
        assert theirs["items"] == []
        told = await at.run("account1", "rollups", "failures", code=4)
        assert told["error"]["code"] in ("missing_scope", "not_staff")
        for words, code in (
            (("--by", "person"), "bad_grouping"),
            (("--province", "Atlantis"), "bad_grouping"),
            (("--from", "2026-11-22", "--to", "2026-11-22"), "bad_grouping"),
        ):
            told = await at.run("operator", "rollups", "show", *words, code=3)
            assert told["error"]["code"] == code

        # Who runs the machine counts again, and takes history away.
        config, out = tmp_path / "assent.toml", tmp_path / "out"
        config.write_text(f'database_url = "{platform.url}"\n', "utf-8")

        async def local(*words: str, code: int = 0) -> Any:
            done = await asyncio.to_thread(CliRunner().invoke, app, list(words))
            assert done.exit_code == code, done.output
            said = [line for line in done.stdout.splitlines() if line.startswith("{")]
            return json.loads(said[-1]) if said else None

        told = await local("rollups", "check", "--config", str(config))
        assert (told["messages"], told["wrong"]) == (report.messages, 0)
        told = await local("rollups", "rebuild", "--config", str(config))
        assert told["messages"] == report.messages
        dates = [utc(midnight + days * 86_400).strftime("%Y-%m-%d") for days in (-1, 2)]
        period = ("--from", dates[0], "--to", dates[1], "--config", str(config))
        told = await local("history", "export", "--out", str(out), *period)
        assert told["rows"] > 2 * 129
        await local("history", "export", "--out", str(out), *period, code=1)
        found = await local("history", "count", str(out), "--out", str(tmp_path / "counts"))
        (every,) = await sums(store, 0.0, end + 86_400.0)
        assert [found[name] for name in MEASURES] == [getattr(every, name) for name in MEASURES]
        assert read_table(tmp_path / "counts" / "hours.parquet").num_rows == found["rows"] > 5
        assert "13900000000" not in str(read_table(out / told["files"][0]["name"]).to_pydict())
        await local("history", "count", str(out), str(out), code=1)

        later = Rollups(store, ManualClock(clock.now() + 26 * 30 * 86_400.0))
        await Rollups(store, clock).forget()
        assert await sums(store, 0.0, end)
        await later.forget()
        assert not await sums(store, 0.0, end)
        assert await platform.value("SELECT count(*) FROM rollup_batch") == 0
        assert (await Recount(store, end).check()).wrong == 0
