"""Cases over HTTP and the command line: who may do what, a case from its opening to its end, and
what an authority gets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.consent.verify import verify
from assent.flow.keys import SCOPES
from tests.flow.conftest import numbers
from tests.flow.front_site import pdf
from tests.web.whole import Whole, whole


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


class Desk:
    """People at command lines, each with a key of some scopes."""

    def __init__(self, site: Whole) -> None:
        self.site = site
        self.keys: dict[str, str] = {}

    async def key(self, who: str) -> str:
        """Return a key: `account1`, or one of the operator's by its scopes, named `a+b/1`."""
        if who not in self.keys:
            scopes = frozenset(who.split("/")[0].split("+"))
            known = who.startswith("account")
            self.keys[who] = await self.site.key(
                who if known else "operator", None if known else scopes
            )
        return self.keys[who]

    async def run(self, who: str, *words: str, code: int = 0) -> Any:
        """Return what a command prints, as JSON."""
        environment = {"ASSENT_URL": self.site.url, "ASSENT_KEY": await self.key(who)}
        command = [*words, "--json"]
        done = await asyncio.to_thread(CliRunner().invoke, app, command, env=environment)
        assert done.exit_code == code, done.output
        return json.loads(done.stdout)


ONE, TWO, THREE = "enforce/1", "enforce+second_enforce/2", "enforce+second_enforce/3"
WORKS = {"enforce", "second_enforce"}
CUSTOMERS = {"admission", "read"}
BODIES: dict[str, Any] = {
    "CaseOpen": {"title": "x", "sender": "NOBODY"},
    "CaseAct": {"step": "notice", "words": "x"},
    "CaseWords": {"words": "x"},
    "CaseAssign": {},
    "CaseRests": {"evidence": [{"kind": "alarm", "id": "1"}]},
    "CaseAppeal": {"step": "1", "words": "x"},
    "CaseDecision": {"step": "1", "verdict": "uphold", "words": "x"},
    "RecordsRequest": {
        "authority": "police", "name": "x", "reference": "x", "basis": "x", "paper": "eA==",
        "scope": {"people": ["+8613900000001"], "senders": ["NOBODY"],
                  "since": "2026-11-01T00:00:00+08:00", "to": "2026-11-02T00:00:00+08:00"},
    },
}  # fmt: skip
MAY: dict[tuple[str, str], set[str]] = {
    ("GET", "/v1/cases"): WORKS | {"audit"},
    ("GET", "/v1/cases/{case_number}"): WORKS | {"audit"},
    ("POST", "/v1/cases"): {"enforce"},
    ("POST", "/v1/cases/records"): {"enforce"},
    ("POST", "/v1/cases/{case_number}/evidence"): {"enforce"},
    ("POST", "/v1/cases/{case_number}/assign"): {"enforce"},
    ("POST", "/v1/cases/{case_number}/note"): WORKS,
    ("POST", "/v1/cases/{case_number}/message"): WORKS,
    ("POST", "/v1/cases/{case_number}/close"): {"enforce"},
    ("POST", "/v1/cases/{case_number}/act"): {"enforce"},
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/agree"): {"second_enforce"},
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/decline"): WORKS,
    ("POST", "/v1/cases/{case_number}/steps/{step_id}/lift"): WORKS,
    ("POST", "/v1/cases/{case_number}/decide"): {"second_enforce"},
    ("POST", "/v1/cases/{case_number}/answer"): set(),
    ("POST", "/v1/cases/{case_number}/appeal"): set(),
    ("GET", "/v1/cases/ladder"): WORKS | {"audit"},
    ("GET", "/v1/cases/credit"): WORKS | {"audit"},
    ("GET", "/v1/cases/credit.csv"): WORKS | {"audit"},
    ("GET", "/v1/cases/{case_number}/notice"): WORKS,
    ("GET", "/v1/cases/{case_number}/records"): WORKS,
    ("GET", "/v1/cases/{case_number}/records/{part}"): WORKS,
}
"""Which scope of the staff may call a route. Nobody else may, however the case stands."""


async def test_people_and_cases(
    site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One installation for all of it: to start one takes longer than a case."""
    monkeypatch.setenv("COLUMNS", "200")
    desk = Desk(site)
    await each_act_and_each_scope(site, desk)
    await a_case_at_the_command_line(site, desk, tmp_path)
    await an_authority_gets_what_two_agreed_to(site, desk, tmp_path)


async def each_act_and_each_scope(site: Whole, desk: Desk) -> None:
    paths = (await site.document())["paths"]
    ours = {
        (method.upper(), path): operation
        for path, methods in paths.items() if path.startswith("/v1/cases")
        for method, operation in methods.items()
    }  # fmt: skip
    assert set(ours) == set(MAY)
    everybody = [*sorted(SCOPES), "account1"]
    for who in everybody:
        await desk.key(who)
    async with httpx.AsyncClient(base_url=site.url) as client:
        for (method, path), may in MAY.items():
            place = path.format(case_number=77, step_id=7, part=0)
            content = ours[method, path].get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            body = {"json": BODIES[schema.rpartition("/")[2]]} if schema else {}

            async def status(who: str) -> int:
                headers = {"authorization": f"Bearer {await desk.key(who)}"}
                answer = await client.request(method, place, headers=headers, **body)  # noqa: B023
                return answer.status_code

            told = await asyncio.gather(*map(status, everybody))
            found = dict(zip(everybody, told, strict=True))
            # Who passes the door as a customer would is nobody's customer here.
            passed = {who for who, code in found.items() if code not in (403, 404)}
            assert {who for who in found if found[who] != 403} - CUSTOMERS <= may | {"account1"}
            assert may - {who for who in found if found[who] != 403} == set(), (method, path)
            seen = {"account1"} if (method, path) == ("GET", "/v1/cases") else set()
            assert passed <= may | seen, (method, path, found)


async def a_case_at_the_command_line(site: Whole, desk: Desk, tmp_path: Path) -> None:
    # long: one case, one line a step
    told = await desk.run(ONE, "case", "open", "投诉集中", "--sender", "CODE1", "--severity", "3")
    case = told["id"]
    assert (await desk.run("account1", "case", "list"))["items"] == []
    account = f"account/{site.account('account1')}"
    told = await desk.run(ONE, "case", "evidence", case, account)
    assert told["evidence"][0]["kind"] == "account"
    owner = str(site.people["operator"])
    told = await desk.run(ONE, "case", "assign", case, "--owner", owner)
    assert told["owner"] == "operator"
    assert (await desk.run(ONE, "case", "list", "--late"))["items"] == []
    await desk.run(ONE, "case", "note", case, "内部备注")
    await desk.run(ONE, "case", "message", case, "请说明情况")
    assert [one["id"] for one in (await desk.run("account1", "case", "list"))["items"]] == [case]
    await desk.run("account1", "case", "answer", case, "正在核查")
    await desk.run(ONE, "case", "act", case, "warning", "--words", "警告", "--days", "3")
    wrong = await desk.run(
        ONE, "case", "act", case, "fine", "--words", "x", "--amount", "5", code=3
    )
    assert wrong["error"]["code"] == "fine_bounds"
    told = await desk.run(ONE, "case", "act", case, "restrict", "--words", "停止营销")
    restricted = told["in_force"][-1]
    told = await desk.run(ONE, "case", "act", case, "fine", "--words", "罚款", "--amount", "20000")
    (fine,) = told["waiting"]
    same = await desk.run(ONE, "case", "agree", case, fine, code=4)
    assert same["error"]["code"] == "missing_scope"
    await desk.run(TWO, "case", "decline", case, fine, "--words", "证据不足")
    told = await desk.run(ONE, "case", "act", case, "fine", "--words", "罚款", "--amount", "20000")
    told = await desk.run(TWO, "case", "agree", case, told["waiting"][0])
    fined = told["in_force"][-1]
    told = await desk.run("account1", "case", "show", case)
    assert [one["step"] for one in told["steps"]] == ["warning", "restrict", "fine"]
    assert "内部备注" not in json.dumps(told, ensure_ascii=False)
    await desk.run("account1", "case", "appeal", case, fined, "--words", "不服")
    words = ("case", "decide", case, fined, "reverse", "--words", "成立")
    assert (await desk.run(TWO, *words, code=4))["error"]["code"] == "same_person"
    await desk.run(THREE, *words)
    await desk.run(ONE, "case", "lift", case, restricted, "--words", "已整改")
    notice = ("case", "export", case, "--notice", "--out", str(tmp_path / "notice.txt"))
    assert (await desk.run(ONE, *notice, code=3))["error"]["code"] == "case_not_public"
    told = await desk.run(ONE, "case", "close", case, "--words", "结案")
    assert told["state"] == "closed"
    day = datetime.fromtimestamp(site.platform.clock.now(), UTC)
    period = ("--from", (day - timedelta(days=1)).isoformat(), "--to",
              (day + timedelta(days=1)).isoformat())  # fmt: skip
    for name in ("credit.csv", "credit.json"):
        await desk.run(ONE, "case", "export", "--out", str(tmp_path / name), *period)
    items = json.loads((tmp_path / "credit.json").read_bytes())["items"]
    assert [(one["measure"], one["state"], one["amount"]) for one in items] == [
        ("warning", "in_force", None), ("restrict", "lifted", None), ("fine", "reversed", 20_000),
    ]  # fmt: skip
    assert (tmp_path / "credit.csv").read_text("utf-8-sig").count("\n") == 4
    assert (await desk.run("audit", "case", "ladder"))["version"] == "2026.1"
    again = ("case", "export", "--out", str(tmp_path / "credit.csv"), *period)
    assert (await desk.run(ONE, *again, code=3))["error"]["code"] == "file_exists"
    bad = await desk.run(ONE, "case", "evidence", case, "nonsense", code=3)
    assert bad["error"]["code"] == "bad_evidence"


async def an_authority_gets_what_two_agreed_to(site: Whole, desk: Desk, tmp_path: Path) -> None:
    platform = site.platform
    hers, nobodys = numbers(2)
    await platform.consent([hers])
    await platform.send([hers])

    async def sealed() -> bool:
        size = await platform.value("SELECT max(size) FROM ledger_checkpoint")
        return bool((size or 0) == await platform.value("SELECT max(position) FROM entry"))

    await platform.until(sealed, "everything is sealed")
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(pdf("调取证据通知书"))
    day = datetime.fromtimestamp(platform.clock.now(), UTC)
    words = (
        "case", "request", "police", "--name", "申城公安", "--reference", "调2026-1", "--basis",
        "刑事诉讼法第五十四条", "--paper", str(paper), "--person", f"+86{hers}", "--person",
        f"+86{nobodys}", "--sender", "CODE1", "--from", (day - timedelta(days=1)).isoformat(),
        "--to", (day + timedelta(days=1)).isoformat(),
    )  # fmt: skip
    told = await desk.run(ONE, *words)
    case, (request,) = told["id"], told["waiting"]
    out = tmp_path / "records"
    export = ("case", "export", case, "--out", str(out))
    assert (await desk.run(ONE, *export, code=3))["error"]["code"] == "records_not_agreed"
    assert (await desk.run("account1", "case", "show", case, code=3))["error"]["code"] == "no_case"
    shown = (await desk.run("account1", "case", "list"))["items"]
    assert case not in [one["id"] for one in shown]
    await desk.run(TWO, "case", "agree", case, request)
    told = await desk.run(ONE, *export)
    assert (told["parts"], told["bundles"]) == (2, 1)
    listed = json.loads((out / "manifest.json").read_bytes())["parts"]
    assert [one["file"] is None for one in listed] == [True, False]
    (bundle,) = out.glob("*.zip")
    verdict = verify(bundle.read_bytes())
    assert not verdict.unreadable
    assert not verdict.faults
    await desk.run(ONE, "verify", str(bundle))
    # Who was asked for lies sealed, and is in no record of acts; each look is.
    acts = await platform.sql("SELECT what, after::text FROM staff_act WHERE subject LIKE 'case/%'")
    assert [row["what"] for row in acts].count("case.export") == 1
    assert {"case.look", "case.request", "case.export"} <= {row["what"] for row in acts}
    steps = await platform.sql("SELECT details::text FROM case_step")
    assert hers not in str([dict(row) for row in (*acts, *steps)])
    assert (await desk.run("audit", "case", "show", case))["steps"][0]["words"] == ""
    bad = (*words[:-1], (day - timedelta(days=2)).isoformat())
    assert (await desk.run(ONE, *bad, code=3))["error"]["code"] == "bad_period"
    paper.write_bytes(b"no paper")
    assert (await desk.run(ONE, *words, code=3))["error"]["code"] == "records_paper"
