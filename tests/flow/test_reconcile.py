"""A carrier's bill against what left: sending beside the ledger is seen."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.clock import SystemClock
from assent.flow.reconcile import Sent, finding
from tests.flow.conftest import numbers
from tests.flow.test_ledger_wired import Stage, stage

__all__ = ["stage"]


@pytest.mark.parametrize(
    ("billed", "sent", "known", "code"),
    [
        (5, Sent(5), True, ""),
        (6, Sent(5), True, "beside_ledger"),
        (6, Sent(5, unsure=1), True, ""),
        (7, Sent(5, unsure=1), True, "beside_ledger"),
        (4, Sent(5, unsure=1), True, "not_billed"),
        (0, Sent(), True, ""),
        (0, Sent(refused=9), True, ""),
        (1, Sent(), True, "beside_ledger"),
        (1, Sent(), False, "unknown_port"),
    ],
)
def test_what_a_line_shows(billed: int, sent: Sent, known: bool, code: str) -> None:
    assert finding(billed, sent, known) == code


async def reconciled(
    stage: Stage, path: Path, day: str, *more: str, code: int = 0, who: str = "auditor"
) -> Any:
    words = ("reconcile", path, "--carrier", "mobile", "--day", day, *more)
    return await stage.run(who, *words, code=code)


async def test_a_bill_is_compared_port_by_port(stage: Stage, tmp_path: Path) -> None:
    platform = stage.platform
    people = [one for one in numbers(12) if one.startswith("139")]
    await platform.consent(people)
    assert (await platform.send(people))["allowed"] == len(people)
    assert (await platform.send(people[:2], "notification"))["allowed"] == 2
    port, notices = "106900011", "106900013"
    done = "SELECT count(*) FROM window_result"
    count = 0

    async def answered() -> bool:
        nonlocal count
        count = sum(
            row[0] for row in await platform.sql("SELECT length(statuses) FROM window_result")
        )
        return count >= len(people) + 2

    await platform.until(answered, "the carrier answered")
    assert await platform.value(done) >= 2
    now = datetime.fromtimestamp(platform.clock.now(), UTC) + timedelta(hours=8)
    day = now.date().isoformat()
    bill = tmp_path / "bill.csv"
    bill.write_text(f"端口,计费条数,x\n{port},{len(people)},a\n{notices},2,b\n", "gb18030")
    columns = ("--port", "端口", "--segments", "计费条数", "--encoding", "gb18030")
    early = await reconciled(stage, bill, day, *columns, code=3)
    assert early["error"]["code"] == "day_not_over"

    SystemClock.__init__(platform.clock, platform.clock.offset_s + 86_400)
    told = await reconciled(stage, bill, day, *columns)
    assert told["findings"] == 0
    assert {line["port"]: (line["billed"], line["accepted"]) for line in told["lines"]} == {
        port: (len(people), len(people)), notices: (2, 2),
    }  # fmt: skip
    # Somebody sends from the port without us, from a port that is not ours, and one bills less.
    other = tmp_path / "other.csv"
    other.write_text(f"port,segments\n{port},{len(people)}\n{port},3\n{notices},1\n10699999,7\n")
    told = await reconciled(stage, other, day, code=2)
    assert told["findings"] == 3
    assert {line["port"]: (line["finding"], line["difference"]) for line in told["lines"]} == {
        port: ("beside_ledger", 3),
        notices: ("not_billed", -1),
        "10699999": ("unknown_port", 7),
    }
    again = await reconciled(stage, other, day, code=2)
    assert again["id"] == told["id"]
    listed = await stage.run("auditor", "reconciliations")
    assert [item["findings"] for item in listed["items"]] == [3, 0]
    shown = await stage.run("auditor", "reconciliations", told["id"])
    assert shown["lines"] == told["lines"]
    acts = await platform.sql("SELECT what, after::text FROM staff_act")
    assert [act["what"] for act in acts] == ["ledger.reconcile"] * 2
    refused = await reconciled(stage, other, day, code=4, who="customer")
    assert refused["error"]["code"] == "missing_scope"
    unknown = await stage.run(
        "auditor", "reconcile", other, "--carrier", "nobody", "--day", day, code=3
    )
    assert unknown["error"]["code"] == "unknown_carrier"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column port"),
        ("port,segments\n106x,1\n", "line 2"),
        ("port,segments\n10690001,1\n10690001,-1\n", "line 3"),
        ("port,segments\n10690001\n", "line 2"),
    ],
)
async def test_a_bill_that_cannot_be_read(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bill.csv"
    path.write_text(text)
    given = ["reconcile", str(path), "--carrier", "mobile", "--day", "2026-11-01", "--json"]
    runner = CliRunner(env={"ASSENT_KEY": "ak_x"})
    done = await asyncio.to_thread(runner.invoke, app, given)
    assert done.exit_code == 3
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "bad_bill"
    assert words in error["detail"]
