"""`assent check`: verdicts, exit codes, and what does not stand in the output."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app
from assent.cli.check import Kind, Profile, today
from assent.clock import ManualClock
from assent.registry.licences import KINDS
from assent.registry.signature import PROFILES

ID = "11010519491231002X"


def run(*words: str, given: str | bytes | None = None) -> Any:
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(app, ["check", *words], input=given)


def test_every_kind_and_profile_can_be_named() -> None:
    assert tuple(Kind) == KINDS
    assert tuple(Profile) == tuple(PROFILES)


@pytest.mark.parametrize(
    ("words", "verdict", "code"),
    [
        (["credit-code", "914403001922038216"], "ok", 0),
        (["credit-code", "91350211M0000XUF46"], "review", 0),
        (["credit-code", "914403001922038217"], "review", 0),
        (["credit-code", "91350100M000100Y4Z"], "wrong", 3),
        (["resident-id", ID], "ok", 0),
        (["resident-id", "110105194912310021"], "wrong", 3),
        (["licence", "粤B2-20090059"], "ok", 0),
        (["licence", "B0001H111000001"], "review", 0),
        (["licence", "粤B2-20090059", "--kind", "icp_licence"], "wrong", 3),
        (["signature", "【安信】", "--name", "安信商贸有限公司"], "ok", 0),
        (["signature", "安信", "--name", "安信商贸有限公司", "--other", "安心"], "review", 0),
        (["signature", "安信", "--name", "平安银行", "--registered", "安信"], "ok", 0),
        (["signature", "安信", "--name", "平安银行"], "wrong", 3),
        (["signature", "安信", "--name", "安信商贸", "--profile", "short"], "wrong", 3),
    ],
)
def test_the_verdict_is_one_object_and_an_exit_code(
    words: list[str], verdict: str, code: int
) -> None:
    result = run(*words, "--json")
    assert result.exit_code == code, result.output
    answer = json.loads(result.stdout)
    assert list(answer) == ["verdict", "value", "facts", "findings"]
    assert answer["verdict"] == verdict
    for finding in answer["findings"]:
        assert list(finding) == ["code", "severity", "en", "zh", "about"]
    worst = {"ok": {"note"}, "review": {"note", "review"}, "wrong": {"note", "review", "wrong"}}
    assert {finding["severity"] for finding in answer["findings"]} <= worst[verdict]


def test_words_for_people() -> None:
    result = run("credit-code", "91350211M0000XUF46")
    assert result.stdout.startswith("review: 91350211M0000XUF46")
    assert "credit_code_trial_region" in result.stdout
    assert "核对登记机关" in result.stdout


@pytest.mark.parametrize("number", [ID, "110105194912310021", "110105491231002"])
@pytest.mark.parametrize("form", [[], ["--json"]])
def test_an_identity_number_is_never_shown(number: str, form: list[str]) -> None:
    result = run("resident-id", "-", *form, given=f"{number}\n")
    assert number not in result.output
    assert number[3:14] not in result.output
    assert number[:3] + "*" * (len(number) - 7) + number[-4:] in result.stdout
    assert result.stderr == ""


def test_one_in_the_list_of_processes_is_warned_about() -> None:
    result = run("resident-id", ID, "--json")
    assert json.loads(result.stdout)["verdict"] == "ok"
    assert "- reads it from standard input" in result.stderr
    assert ID not in result.output


def test_standard_input_may_be_anything() -> None:
    for what in ("credit-code", "resident-id", "licence", "signature"):
        result = run(what, "-", "--json", given=b"\xff\x00\x1b[31m\n")
        assert json.loads(result.stdout)["verdict"] in ("review", "wrong")
        result = run(what, "-", given=b"\x1b[31m\n")
        assert "\x1b" not in result.stdout
        result = run(what, "-", "--json", given=b"1" * 20_000)
        assert result.exit_code == 3
        assert json.loads(result.stdout)["error"]["code"] == "value_too_long"


def test_papers_are_dated_by_the_day_in_china() -> None:
    clock = ManualClock(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC).timestamp())
    assert today(clock) == date(2026, 11, 22)
    clock.advance(1)
    assert today(clock) == date(2026, 11, 23)
