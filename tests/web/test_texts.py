"""Texts over HTTP and the command line: templates that are screened, appeals, scopes."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.app.main import app
from tests.flow.text_screens import WordScreens
from tests.web.office import CODE, Office, office

PRIZE = "恭喜抽签中奖，请到店领取{gift}。"
GAMBLING = "您的棋牌账户{name}已开通。"


@pytest.fixture
async def house(migrated_url: str, tmp_path: Path) -> AsyncIterator[Office]:
    async with office(migrated_url, tmp_path) as one:
        one.platform.node.screening.texts.use(WordScreens())
        yield one


def template(body: str, name: str = "notice") -> dict[str, Any]:
    return {
        "sender": CODE, "name": name, "purpose": "notification", "body": body, "basis": "order"
    }  # fmt: skip


async def test_a_template_brings_its_findings_to_the_desk(house: Office) -> None:
    await house.post("account1", "/v1/templates", template(PRIZE))
    (item,) = (await house.get("operator", "/v1/desk/items?kind=template"))["items"]
    (signal,) = item["signals"]
    assert (signal["code"], signal["severity"]) == ("prize_words", "hold")
    start, end = signal["spans"][0]
    assert PRIZE[start:end] == "中奖"
    assert (await house.decide("template"))["state"] == "approved"
    assert await house.platform.value("SELECT count(*) FROM text_review") == 0


async def test_a_template_that_is_turned_down_at_once_is_appealed(house: Office) -> None:
    response = await house.call("account1", "POST", "/v1/templates", template(GAMBLING))
    problem = response.json()
    assert (response.status_code, problem["code"], problem["field"]) == (
        422, "text_rejected", "body",
    )  # fmt: skip
    start, end = problem["details"]["findings"][0]["spans"][0]
    assert GAMBLING[start:end] == "棋牌"
    assert problem["detail_zh"]
    number = problem["details"]["review"]
    # The same again is the same text; nothing of it lies on the desk.
    assert (await house.refused("account1", "/v1/templates", template(GAMBLING)))[1] == (
        "text_rejected"
    )
    assert (await house.get("operator", "/v1/desk/items"))["items"] == []
    (mine,) = (await house.get("account1", "/v1/texts?state=refused"))["items"]
    assert (mine["id"], mine["kind"], mine["text"]) == (number, "template", GAMBLING)
    assert "owner" not in mine["findings"][0]
    assert (await house.get("club", "/v1/texts"))["items"] == []
    await house.post("account1", f"/v1/texts/{number}/appeal", {"words": "棋牌室会员系统"})
    (item,) = (await house.get("operator", "/v1/desk/items?kind=text_appeal"))["items"]
    assert item["reasons"][0]["code"] == "appeal"
    seen = await house.get("operator", f"/v1/desk/items/{item['id']}")
    assert seen["subject"]["appeal"] == "棋牌室会员系统"
    told = await house.post(
        "operator", f"/v1/texts/{number}/approve", {"code": "false_alarm", "category": "retail"}
    )
    assert (told["state"], told["said"][0]["category"]) == ("approved", "retail")
    assert (await house.post("account1", "/v1/templates", template(GAMBLING)))["state"] == (
        "submitted"
    )


async def test_each_route_wants_its_scope(house: Office) -> None:
    response = await house.call("account1", "POST", "/v1/templates", template(GAMBLING))
    number = response.json()["details"]["review"]
    words: dict[str, Any] = {
        "approve": {"code": "in_order"}, "refuse": {"code": "deceptive"}, "change": {"text": "好"},
        "ask": {"words": "?"}, "appeal": {"words": "?"}, "adopt": {},
    }  # fmt: skip
    reviewers, customers = ("approve", "refuse", "change", "ask"), ("appeal", "adopt")
    tried = [
        *(("account1", ("send", "read"), act) for act in reviewers),
        *(("operator", ("audit",), act) for act in (*reviewers, *customers)),
        *(("operator", ("admin",), act) for act in reviewers),
        *(("account1", ("read",), act) for act in customers),
    ]
    for who, scopes, act in tried:
        path = f"/v1/texts/{number}/{act}"
        told = await house.call(who, "POST", path, words[act], scopes)
        assert told.status_code == 403, (who, scopes, act, told.text)
    for who, scopes in (("operator", ("review",)), ("account1", ("read",))):
        assert (await house.call(who, "GET", "/v1/text-labels", scopes=scopes)).status_code == 403
    told = await house.call("account1", "GET", "/v1/text-report", scopes=("read",))
    assert told.status_code == 403
    assert await house.platform.value("SELECT count(*) FROM staff_act WHERE what ~ 'review'") == 0
    # Names that there are not, and times without a zone.
    bad = {"code": "in_order", "category": "nonsense"}
    assert (await house.refused("operator", f"/v1/texts/{number}/approve", bad))[1] == (
        "bad_category"
    )
    response = await house.call(
        "operator", "GET", "/v1/text-report?from=2026-11-01T00:00:00", scopes=("review",)
    )
    assert response.json()["code"] == "time_without_zone"


async def test_the_command_line(house: Office, tmp_path: Path) -> None:
    response = await house.call("account1", "POST", "/v1/templates", template(GAMBLING))
    number = response.json()["details"]["review"]

    async def run(who: str, *words: str, scopes: tuple[str, ...] = ()) -> Any:
        key = await house.key(who, *scopes)
        runner = CliRunner(env={"ASSENT_URL": house.url, "ASSENT_KEY": key, "COLUMNS": "200"})
        done = await asyncio.to_thread(runner.invoke, app, ["texts", *words, "--json"])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return json.loads(done.stdout)

    listed = await run("account1", "list", "--state", "refused")
    assert [one["id"] for one in listed["items"]] == [number]
    await run("account1", "appeal", number, "我们是棋牌室")
    asked = await run("operator", "ask", number, "许可证呢？")
    assert asked["id"] == number
    refused = await run("operator", "refuse", number, "--code", "no_licence")
    assert refused["state"] == "refused"
    shown = await run("account1", "show", number)
    assert shown["appeals"][0]["state"] == "upheld"
    out = tmp_path / "labels.csv"
    period = ("--from", "2026-01-01T00:00:00+08:00", "--to", "2099-01-01T00:00:00+08:00")
    period = (*period[:2], "--to", "2035-01-01T00:00:00+08:00")
    told = await run("operator", "export-labels", *period, "--out", str(out), scopes=("audit",))
    assert told["texts"] == 1
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = list(csv.DictReader(file))
    assert (row["text"], row["label"], row["category"]) == (GAMBLING, "spam", "gambling")
    report = await run("operator", "report", *period)
    assert report["reviewers"][0]["decided"] == 1
