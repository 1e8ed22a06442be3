"""Complaints over HTTP and the command line: files, roles, the way from hand to hand."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.header import decode_header, make_header
from pathlib import Path

import httpx
import pytest

from assent.client import AsyncClient
from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow.keys import USUAL
from assent.flow.roles import STAFF_ROLES
from tests.flow.conftest import MARKETING_TEXT, numbers
from tests.web.test_audience import workbook
from tests.web.test_ports_cli import Terminal
from tests.web.whole import Whole, whole

PORT = "106900011"
MAY_SEE = {"reviewer", "second_reviewer", "auditor"}
MAY_STEP = {"reviewer", "second_reviewer"}
MAY_IMPORT = {"reviewer", "second_reviewer", "administrator"}
MAY_ADD = {"reviewer", "second_reviewer", "support"}
OWN = {
    "name": "ours", "source": "12321", "rows": ["complaints"], "zone_minutes": 0,
    "columns": {"complainant": ["tel"], "number": ["who.number"], "text": ["body"],
                "reference": ["no"], "category": ["kind"], "at": ["when"]},
    "times": ["%d.%m.%Y"], "categories": {"小额贷": "loan"},
}  # fmt: skip


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


async def test_from_a_workbook_to_the_answer(  # long: one story
    site: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    at, node = Terminal(site), site.platform.node  # type: ignore[arg-type]  # an office's key
    people = numbers(3)
    await site.platform.consent(people)
    await site.platform.send(people)
    said = datetime.fromtimestamp(node.clock.now() + 8 * 3600, UTC).strftime("%Y-%m-%d %H:%M:%S")
    file = tmp_path / "12321.xlsx"
    names = ["举报编号", "举报人号码", "被举报号码", "短信内容", "举报时间"]
    row = ["A-1", people[0], PORT, MARKETING_TEXT, said]
    file.write_bytes(workbook([names, row, ["A-2", "12", PORT, "x", said]]))
    told = await at.run("operator", "complaint", "import", str(file))
    assert (told["mapping"], told["complaints"], told["matched"]) == ("12321", 1, 1)
    assert [one["row"] for one in told["faults"]] == [3]
    own, theirs = tmp_path / "own.json", tmp_path / "theirs.json"
    own.write_text(json.dumps(OWN), "utf-8")
    item = {"no": 7, "tel": None, "who": {"number": PORT}, "body": "x", "when": "22.11.2026",
            "kind": "小额贷"}  # fmt: skip
    theirs.write_text(json.dumps({"complaints": [item]}), "utf-8")
    told = await at.run("operator", "complaint", "import", str(theirs), "--mapping", str(own))
    assert (told["mapping"], told["complaints"], told["faults"]) == ("ours", 1, [])
    again = await at.run("operator", "complaint", "import", str(theirs), "--mapping", str(own))
    assert (again["new"], again["id"]) == (False, told["id"])
    assert len((await at.run("operator", "complaint", "files"))["items"]) == 2
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    wrong = await at.run("operator", "complaint", "import", str(bad), code=3)
    assert wrong["error"]["code"] == "complaint_mapping"
    wrong = await at.run("operator", "complaint", "import", str(tmp_path / "no"), code=3)
    assert wrong["error"]["code"] == "bad_file"
    added = await at.run("account1", "complaint", "add", people[1], "--sender", "CODE1")
    assert added["state"] == "recorded"
    listed = (await at.run("operator", "complaint", "list", "--source", "12321"))["items"]
    assert [one["reference"] for one in listed] == ["7", "A-1"]
    assert listed[0]["category"] == "loan"
    number = listed[1]["id"]
    shown = await at.run("operator", "complaint", "show", number)
    assert (shown["words"], shown["matched"]) == (MARKETING_TEXT, "message")
    assert people[0] not in json.dumps(shown)
    await at.run("operator", "complaint", "forward", number, "--words", "请说明来源")
    mine = await at.run("account1", "complaint", "list", "--state", "forwarded")
    assert [one["id"] for one in mine["items"]] == [number]
    await at.run("account1", "complaint", "answer", number, "--words", "门店登记")
    await at.run("operator", "complaint", "note", number, "--words", "已核对")
    seen = await at.run("account1", "complaint", "show", number)
    assert [one["words"] for one in seen["said"]] == ["请说明来源", "门店登记"]
    done = await at.run("operator", "complaint", "answer", number, "--words", "已停止")
    assert done == {"id": number, "state": "answered"}
    late = await at.run("operator", "complaint", "answer", number, "--words", "x", code=3)
    assert late["error"]["code"] == "complaint_state"
    await at.run("operator", "complaint", "not-ours", listed[0]["id"], "--words", "冒用")
    assert (await at.run("operator", "complaint", "list", "--overdue"))["items"] == []
    # The customer concerned had mail, and who complained may not be written to.
    mails = tmp_path / "mail"
    await site.platform.until(lambda: any(mails.glob("*")), "the mail is out")
    (mail,) = [message_from_bytes(one.read_bytes()) for one in mails.glob("*")]
    assert mail["to"] == "head@account1.example"
    assert f"Complaint {number}" in str(make_header(decode_header(mail["subject"])))
    await node.live.sync(node.store)
    assert (await site.platform.send(people[:2]))["allowed"] == 0


async def test_every_role_does_what_it_may_and_no_more(site: Whole) -> None:
    made = await site.platform.value(
        "INSERT INTO complaint (source, sender_id, account_id, receipt_code, state, at,"
        " complained_at) SELECT 'carrier', id, $1, 'ABCD', 'open', now(), now() FROM sender"
        " WHERE credit_code = 'CODE1' RETURNING id", site.account("account1"),
    )  # fmt: skip
    words = {"words": "x"}
    calls = {
        "see": ("GET", "/v1/complaints", {}),
        "show": ("GET", f"/v1/complaints/{made}", {}),
        "note": ("POST", f"/v1/complaints/{made}/note", {"json": words}),
        "forward": ("POST", f"/v1/complaints/{made}/forward", {"json": words}),
        "import": ("POST", "/v1/complaint-files", {"files": [("file", ("a.csv", b"x"))]}),
        "files": ("GET", "/v1/complaint-files", {}),
        "add": ("POST", "/v1/complaints", {"json": {"to": numbers(1)[0], "sender": "CODE1"}}),
        "answer": ("POST", f"/v1/complaints/{made}/answer", {"json": words}),
        "not_ours": ("POST", f"/v1/complaints/{made}/not-ours", {"json": words}),
    }
    allowed = {
        "see": MAY_SEE, "show": MAY_SEE, "note": MAY_STEP, "forward": MAY_STEP,
        "answer": MAY_STEP, "not_ours": MAY_STEP, "import": MAY_IMPORT,
        "files": MAY_IMPORT | {"auditor"}, "add": MAY_ADD,
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        for role, scopes in STAFF_ROLES.items():
            headers = {"authorization": f"Bearer {await site.key('operator', scopes)}"}
            for name, (method, path, more) in calls.items():
                answer = await client.request(method, path, headers=headers, **more)
                assert (answer.status_code != 403) is (role in allowed[name]), (role, name)
    async with AsyncClient(site.url, await site.key("account2", USUAL)) as other:
        assert (await other.complaints())["items"] == []
        with pytest.raises(NotFound):
            await other.complaint(made)
        with pytest.raises(NotAllowed):
            await other.forward_complaint(made, "x")
        with pytest.raises(NotAllowed):
            await other.import_complaints(b"x")
    async with AsyncClient(site.url, await site.key("account1", frozenset({"read"}))) as reader:
        told = (await reader.complaints(source="carrier"))["items"]
        assert [one["id"] for one in told] == [str(made)]
        with pytest.raises(NotAllowed):
            await reader.complain(numbers(1)[0], sender="CODE1")
        with pytest.raises(InvalidInput):
            await reader.complaints(since=datetime(2026, 11, 1))  # noqa: DTZ001  # no zone
