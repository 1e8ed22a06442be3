"""What a centre publishes, rebuilt from complaints through the API and the command line."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from assent.cli import app
from tests.watch.quarters import BOC, CCB, QUARTERS, SHARES, as_csv, complaints
from tests.web.whole import Whole, whole

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")
PERIODS = ("2025Q1", "2025Q2", "2025Q3")
SPAN = ("--from", PERIODS[0], "--to", PERIODS[2], "--before", "0")


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


class Terminal:
    """Somebody of the operator at a command line; of the customer's where that is said."""

    def __init__(self, site: Whole) -> None:
        self._site = site
        self._keys: dict[str, str] = {}

    async def key(self, who: str) -> str:
        if who not in self._keys:
            scopes = frozenset({"audit"}) if who == "auditor" else None
            account = "operator" if who == "auditor" else who
            self._keys[who] = await self._site.key(account, scopes)
        return self._keys[who]

    async def shown(self, who: str, *words: str, code: int = 0) -> str:
        environment = {"ASSENT_URL": self._site.url, "ASSENT_KEY": await self.key(who)}
        done = await asyncio.to_thread(CliRunner().invoke, app, [*words], env=environment)
        assert done.exit_code == code, done.output
        return done.stdout

    async def run(self, who: str, *words: str, code: int = 0) -> Any:
        return json.loads(await self.shown(who, *words, "--json", code=code))


async def load(at: Terminal, tmp_path: Path) -> None:
    """Hand in the complaints of three quarters, a file each, as 12321 refers them."""
    for place, quarter in enumerate(QUARTERS):
        file = tmp_path / f"12321-{place}.csv"
        file.write_text(as_csv(complaints(quarter, Random(7))), "utf-8")
        taken = await at.run("operator", "complaint", "import", str(file), "--mapping", "12321")
        assert (taken["complaints"], taken["refused"]) == (quarter.complaints, 0)
        assert taken["notes"] == []


def cells(told: dict[str, Any], name: str, key: str, measure: str) -> list[Any]:
    (table,) = [one for one in told["tables"] if one["name"] == name]
    (row,) = [one for one in table["rows"] if one["key"] == key]
    return [cell[measure] for cell in row["cells"]]


async def test_what_was_published_is_rebuilt(  # long: one story
    site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    at = Terminal(site)
    await load(at, tmp_path)
    told = await at.run("operator", "stats", *SPAN, "--by", "all")
    assert [one["name"] for one in told["periods"]] == list(PERIODS)
    assert [one["complaints"] for one in told["periods"]] == [1_873, 2_137, 2_411]
    assert cells(told, "type", "port", "share") == SHARES["port"]
    assert cells(told, "family", "lending", "share") == SHARES["lending"]
    boc, ccb = ([one if top else None for one, top in zip(
        cells(told, "port", key, "rank"), cells(told, "port", key, "top"), strict=True
    )] for key in (BOC, CCB))  # fmt: skip
    assert boc == [3, 2, None]
    assert ccb == [8, 4, 8]
    assert cells(told, "port", BOC, "change") == [None, "up", "out"]
    assert list(zip(cells(told, "port", CCB, "change"), cells(told, "port", CCB, "by"),
                    strict=True)) == [(None, 0), ("up", 4), ("down", 4)]  # fmt: skip
    (ports,) = [one for one in told["tables"] if one["name"] == "port"]
    for column in range(3):
        assert sum(row["cells"][column]["top"] for row in ports["rows"]) == 10
    assert {row["key"]: row["zh"] for row in ports["rows"]}[BOC] == "中国银行"
    assert [one["not_ours"] for one in told["periods"]] == [1_873, 2_137, 2_411]
    assert cells(told, "answer", "12321", "open") == [0, 0, 0]  # they are another platform's
    # One period stands beside the one before by itself.
    alone = await at.run("operator", "stats", "--from", "2025Q3", "--by", "port", "--top", "10")
    assert [one["name"] for one in alone["periods"]] == list(PERIODS[1:])
    assert cells(alone, "port", CCB, "change") == [None, "down"]
    await rates(site, at)
    await published(site, at, tmp_path)
    await files(site, at, tmp_path)
    await manual(at, tmp_path, monkeypatch)


async def manual(at: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What docs/statistics.md shows works as it stands there."""
    monkeypatch.chdir(tmp_path)
    users, published = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    for word, text in (("users", users), ("import", published)):
        (tmp_path / "file.csv").write_text(text, "utf-8")
        taken = await at.run("operator", "stats", word, "file.csv")
        assert (taken["wrong"], taken["changed"]) == (0, taken["figures"])
        assert taken["figures"] >= len(text.splitlines()) - 1
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines():
        assert await at.shown("auditor", *line.split()[1:]) or "--out" in line
    assert (tmp_path / "2025Q3.pdf").read_bytes().startswith(b"%PDF-")


async def rates(site: Whole, at: Terminal) -> None:
    """A complaint matched to a port of ours stands over the port's messages of its quarter."""
    await site.platform.sql(
        """WITH p AS (SELECT id, sender_id FROM port WHERE number = '106900011' LIMIT 1),
        c AS (INSERT INTO complaint (source, receipt_code, state, at, complained_at, number,
                port_id, sender_id, matched, carrier, province, category)
            SELECT 'receiver', 'M' || n, 'open', $1, $1, '106900011777', p.id, p.sender_id,
                'message', 'mobile', 1, 'loan' FROM p, generate_series(1, 6) n)
        INSERT INTO rollup_hour (hour, port_id, sender_id, account_id, carrier, province, category,
            purpose, submitted)
        SELECT $1 + h * interval '1 hour', p.id, p.sender_id, 1, 'mobile', 1, 'loan', 2, 10000000
        FROM p, generate_series(0, 2) h""",
        datetime(2024, 12, 31, 14, tzinfo=UTC),  # two hours before the year ends in China
    )
    told = await at.run("operator", "stats", "--from", "2024Q4", "--before", "0", "--by", "all")
    found = {"value": 30.0, "low": 11.01, "high": 65.3, "n": 6, "base": 20_000_000, "small": True}
    assert cells(told, "type", "port", "per_100m") == [found]
    assert cells(told, "port", "106900011", "per_100m") == [found]
    assert cells(told, "sender", "CODE1", "per_100m") == [found]
    assert told["periods"][0]["matched"] == 6
    assert cells(told, "answer", "all", "open") == [6]


async def published(site: Whole, at: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "published.csv"
    file.write_text(
        "period,metric,value,source\n2025Q1,port / P2P %,69.8 / 30.2,a paper\n"
        "2025Q1,loan %,~36.4,same\n2025Q1,x / y %,1,same\n2025Q9,port %,1,same\n", "utf-8"
    )  # fmt: skip
    taken = await at.run("operator", "stats", "import", str(file))
    assert (taken["figures"], taken["changed"], taken["wrong"]) == (4, 4, 1)
    assert taken["faults"] == [
        {"row": 4, "code": "unknown_period", "reason": "not a year, quarter, month or day"}
    ]
    assert (await at.run("operator", "stats", "import", str(file)))["changed"] == 0
    await at.run("auditor", "stats", "import", str(file), code=4)
    users = tmp_path / "users.csv"
    users.write_text("carrier,province,users,as_of,source\nmobile,,1000000,2025-06-30,r\n", "utf-8")
    assert (await at.run("operator", "stats", "users", str(users)))["changed"] == 1
    told = await at.run("operator", "stats", *SPAN, "--by", "carrier", "--published")
    beside = {one["part"]: (one["value"], one["here"]) for one in told["published"]}
    assert beside["port"] == (69.8, 69.8)
    assert [one["doubt"] for one in told["published"]] == ["", "", "approximate", ""]
    rates = cells(told, "carrier", "mobile", "per_million")
    assert rates[0] is None  # what was known later says nothing of before
    assert rates[2]["value"] == cells(told, "carrier", "mobile", "n")[2]
    acts = await site.platform.sql("SELECT what FROM staff_act WHERE what LIKE 'statistics%'")
    assert [act["what"] for act in acts] == ["statistics_published"] * 2 + ["statistics_users"]


async def files(site: Whole, at: Terminal, tmp_path: Path) -> None:
    """Files, CSV over HTTP, who may look, and what is said of a wrong question."""
    for kind in ("csv", "xlsx", "pdf", "svg"):
        out = tmp_path / f"port.{kind}"
        words = ("stats", *SPAN, "--by", "port", "--by", "type", "--lang", "zh", "--out", str(out))
        await at.run("auditor", *words)
        assert out.stat().st_size > 1_000
    refused = await at.run("auditor", *words, code=3)
    assert refused["error"]["code"] == "file_exists"
    book = CalamineWorkbook.from_path(str(tmp_path / "port.xlsx"))
    lines = [row for row in book.get_sheet_by_index(1).to_python() if row[0] == BOC]
    assert lines[0][:3] == [BOC, "中国银行", 3.0]
    key = await at.key("auditor")
    async with httpx.AsyncClient(
        base_url=site.url, headers={"authorization": f"Bearer {key}"}
    ) as client:
        query = {"from": "2025Q1", "before": "0", "language": "zh"}
        answer = await client.get("/v1/statistics", params=query, headers={"accept": "text/csv"})
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "type,port,端口类,2025Q1,share,69.8" in answer.text.splitlines()
        for wrong, code in (
            ({"from": "2025Q7"}, "unknown_period"), ({"province": "Moon"}, "unknown_province"),
            ({"by": "phone"}, "invalid_parameter"),
        ):  # fmt: skip
            problem = await client.get("/v1/statistics", params=wrong)
            assert (problem.status_code, problem.json()["code"]) == (422, code), problem.text
        answer = await client.post("/v1/statistics/users", json={"file": "x"})
        assert answer.status_code == 403
    assert (await at.run("account1", "stats", code=4))["error"]["code"]
    shown = await at.shown("auditor", "stats", *SPAN, "--by", "port", "--lang", "zh")
    line = next(line for line in shown.splitlines() if CCB in line)
    assert [cell.strip() for cell in line.split("│")][2:5] == ["中国建设银行", "8", "-"]
