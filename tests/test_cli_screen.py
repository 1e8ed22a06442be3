"""`assent screen`: formats, order, bad rows, exit codes, many rows."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app, screening_pool
from assent.cli.screening_rows import FORMATS, LICENCES, Defaults, rows
from assent.message import Purpose
from assent.screen.categories import BY_CODE, CATEGORIES
from assent.screen.finding import Sender
from assent.screen.form import Form
from tests.screen.written import BAITS, CODES, NOTICES, OFFERS, REMINDERS, rendered

KEYS = ["purpose", "category", "spam_probability", "verdict", "findings", "links", "segments"]


def run(*words: str, given: str | bytes | None = None) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["screen", *words], input=given)


def answers(*words: str, given: str | bytes | None = None, code: int = 0) -> list[dict[str, Any]]:
    result = run(*words, "--json", given=given)
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_lines_of_text_are_answered_in_their_order() -> None:
    found = answers("-", given=f"{BAITS[0]}\n{OFFERS[0]}\r\n{BAITS[1]}")
    assert [one["verdict"] == "allow" for one in found] == [False, True, False]
    for one in found:
        assert list(one) == KEYS
        assert one["category"] in BY_CODE
        assert one["purpose"] in ("verification", "notification", "marketing", "internal")
        assert 0 <= one["spam_probability"] <= 1
    first = found[0]["findings"][0]
    assert list(first)[:4] == ["code", "severity", "span", "words"]
    assert first["severity"] in ("hold", "reject")
    assert first["words"]


def test_json_lines_bring_sender_and_purpose() -> None:
    bank = {"name": "江岸银行", "licences": ["finance"], "hosts": ["jabank.example.cn"]}
    given = [
        {"text": REMINDERS[0], "sender": bank, "purpose": "notification", "label": "ham"},
        {"text": BAITS[0], "sender": "某某"},
        {"text": BAITS[0], "sender": None, "purpose": None},
    ]
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in given)
    found = answers("-", given=lines)
    assert [one["verdict"] == "allow" for one in found] == [True, False, False]


def test_a_table_is_read_by_its_header(tmp_path: Path) -> None:
    file = tmp_path / "texts.csv"
    file.write_text(
        "label,text,purpose,sender,licences,hosts\n"
        f'ham,"{REMINDERS[0]}",notification,江岸银行,finance;lending,jabank.example.cn\n'
        f'spam,"{BAITS[0]}",,,,\n'
        f'spam,"two\nlines {BAITS[1]}",,,,\n',
        "utf-8-sig",
    )
    found = answers(str(file))
    assert [one["verdict"] == "allow" for one in found] == [True, False, False]


def test_what_the_command_line_says_holds_for_all_rows() -> None:
    more = ("--sender-name", "江岸银行", "--licence", "finance", "--purpose", "notification")
    assert {one["verdict"] for one in answers("-", *more, given="\n".join(REMINDERS))} == {"allow"}
    signed = answers("-", "--signature", "长河银行", given=REMINDERS[0])
    assert "signature_wrong" in {finding["code"] for finding in signed[0]["findings"]}


@pytest.mark.parametrize(
    ("line", "code", "field"),
    [
        ("{", "not_json", "text"),
        ("[]", "bad_row", "text"),
        ('{"text": 5}', "bad_row", "text"),
        ('{"words": "x"}', "bad_row", "text"),
        ('{"text": "  "}', "text_missing", "text"),
        ('{"text": "x", "purpose": "spam"}', "unknown_purpose", "purpose"),
        ('{"text": "x", "purpose": "system"}', "unknown_purpose", "purpose"),
        ('{"text": "x", "sender": {"licences": ["bank"]}}', "unknown_licence", "sender.licences"),
        ('{"text": "x", "sender": {"hosts": ["http://a.b/"]}}', "bad_host", "sender.hosts"),
        (json.dumps({"text": "x" * 10_001}), "text_too_long", "text"),
        ('{"text": "x' + "x" * (1 << 21) + '"}', "not_json", "text"),
        ('{"text": "\\ud800"}', "not_json", "text"),
    ],
)  # fmt: skip
def test_a_bad_row_is_told_and_the_others_are_screened(line: str, code: str, field: str) -> None:
    good = json.dumps({"text": OFFERS[0]})
    found = answers("-", "--format", "jsonl", given=f"{good}\n{line}\n\n{good}\n", code=3)
    assert [one.get("row") for one in found] == [None, 2, None]
    error = found[1]["error"]
    assert (error["code"], error["field"]) == (code, field)
    assert error["mend"]
    assert found[0]["verdict"] == found[2]["verdict"] == "allow"


def test_octets_that_are_no_text_are_a_bad_row_in_every_format() -> None:
    gbk = "【店】您好".encode("gbk")
    assert answers("-", given=b"ok\n" + gbk, code=3)[1]["error"]["code"] == "not_utf8"
    table = b"text,label\n" + gbk + b",ham\nok,ham\n"
    assert answers("-", given=table, code=3)[0]["error"]["code"] == "not_utf8"
    assert answers("-", given=b'{"text": "ok"}\n{"text": "' + gbk + b'"}', code=3)[1]["error"]


def test_a_header_without_text_is_told_row_by_row() -> None:
    found = answers("-", "--format", "csv", given="body\nhello\n", code=3)
    assert found[0]["error"]["code"] == "text_missing"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["/no/such/file.txt"], "cannot_read"),
        (["-", "--format", "xml"], "unknown_format"),
        (["-", "--purpose", "spam"], "unknown_purpose"),
        (["-", "--licence", "bank"], "unknown_licence"),
        (["-", "--host", "a b"], "bad_host"),
    ],
)
def test_a_wrong_command_line_does_nothing(words: list[str], code: str) -> None:
    result = run(*words, "--json", given="x")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["error"]["code"] == code


def test_people_see_where_and_why_and_nothing_reaches_the_terminal() -> None:
    result = run("-", "--explain", given=f"{BAITS[1]}\n\x1b[31m验证码4711\n\n")
    assert result.exit_code == 3  # the empty line
    assert "http://t.example.top/a1" in result.output
    assert "\x1b" not in result.output
    assert "kinds: " in result.output
    assert "bad row" in result.output
    explained = answers("-", "--explain", given=BAITS[1])[0]["explained"]
    assert explained["kinds"]


def test_costs_are_told_when_the_price_is() -> None:
    (found,) = answers("-", "--price", "0.045", given="测" * 71)
    assert (found["segments"], found["cost"]) == (2, 0.09)


def test_many_rows_are_screened_by_several_processes_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screening_pool, "PORTION", 100)
    texts = rendered((*CODES, *NOTICES), 950, seed=9)
    file = tmp_path / "many.jsonl"
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    lines[432] = "{"
    file.write_text("\n".join(lines), "utf-8")
    several = answers(str(file), "--processes", "2", code=3)
    alone = answers(str(file), "--processes", "1", code=3)
    assert several == alone
    assert several[432]["row"] == 433
    assert len(several) == 950


def test_rows_know_every_licence_and_format() -> None:
    known = {licence for category in CATEGORIES for licence in category.licences}
    assert known <= set(LICENCES)
    assert FORMATS == ("lines", "csv", "jsonl")


def test_a_row_overrides_what_the_command_line_says() -> None:
    defaults = Defaults(Sender("A"), Purpose.MARKETING, Form("A"))
    more = {"text": "x", "sender": "B", "signature": "【B】", "purpose": "internal"}
    lines = [{"text": "x"}, more | {"contacts": ["95000"]}]
    stream = io.BytesIO("\n".join(map(json.dumps, lines)).encode())
    first, second = (row.text for row in rows(stream, None, defaults))
    assert first is not None
    assert second is not None
    assert (first.sender, first.purpose, first.form) == (Sender("A"), Purpose.MARKETING, Form("A"))
    assert second.sender == Sender("B")
    assert (second.purpose, second.form) == (Purpose.INTERNAL, Form("B", ("95000",)))


def test_nothing_is_nothing() -> None:
    assert answers("-", given="") == []
