"""`assent words`: what it prints, what it refuses, what it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app

RULES = {
    "name": "ours", "version": "2026.1", "about": "tests", "lists": {"beast": ["老虎", "tiger"]},
    "rules": [
        {
            "id": "beasts", "owner": "a.li", "en": "beasts", "zh": "野兽", "category": "fraud",
            "severity": "hold", "patterns": ["卖~4{beast}"],
        }
    ],
}  # fmt: skip


def run(*words: str | Path) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["words", *map(str, words)])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "ours.json"
    path.write_text(json.dumps(RULES), "utf-8")
    return path


@pytest.fixture
def texts(tmp_path: Path) -> tuple[Path, Path]:
    ham, spam = tmp_path / "ham.csv", tmp_path / "spam.jsonl"
    ham.write_text("text,label\n" + "今天天气很好,ham\n" * 300, "utf-8")
    spam.write_text('{"text": "专业卖 老虎"}\n{"text": "你好"}\n', "utf-8")
    return ham, spam


def test_the_packaged_set_is_sound(tmp_path: Path) -> None:
    answer = json.loads(run("check", "packaged", "--json").stdout)
    assert answer["name"] == "words"
    assert answer["expired"] == answer["may_not_be_activated"] == []
    listed = json.loads(run("list", "--category", "credit_bait", "--json").stdout)["rules"]
    assert listed
    assert {rule["category"] for rule in listed} == {"credit_bait"}
    assert "credit-limit-lapses" in run("list").stdout


def test_measured_compared_and_kept(rules: Path, texts: tuple[Path, Path], tmp_path: Path) -> None:
    ham, spam = texts
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    refused = run("keep", rules, shelf, "--json")
    assert refused.exit_code == 3
    assert json.loads(refused.stdout)["error"]["code"] == "rules_not_measured"
    assert list(shelf.iterdir()) == []
    out = tmp_path / "measured.json"
    done = run("measure", rules, "--ham", ham, "--spam", spam, "--write", out, "--json")
    assert done.exit_code == 0, done.output
    figures = json.loads(done.stdout)["rules"]["beasts"]
    assert (figures["hits"], figures["spam"], figures["false_hits"], figures["ham"]) == (
        1,
        2,
        0,
        300,
    )
    assert json.loads(run("diff", rules, out, "--json").stdout) == {
        "added": [], "removed": [], "changed": {"beasts": ["measured"]},
    }  # fmt: skip
    assert run("keep", out, shelf).exit_code == 0
    assert (shelf / "ours-2026.1.json").read_bytes() == out.read_bytes()
    assert "rule_set_exists" in run("keep", out, shelf, "--json").stdout


def test_what_stops_the_honest_is_refused(rules: Path, tmp_path: Path) -> None:
    ham, spam = tmp_path / "ham.txt", tmp_path / "spam.txt"
    ham.write_text("今天天气很好\n" * 298 + "我不卖老虎\n" * 2, "utf-8")
    spam.write_text("卖老虎\n", "utf-8")
    done = run("measure", rules, "--ham", ham, "--spam", spam)
    assert done.exit_code == 3
    assert "0.67%" in done.stdout
    assert run("measure", rules, "--ham", ham, "--spam", spam, "--limit", "0.01").exit_code == 0


def test_what_cannot_be_read_is_told(rules: Path, tmp_path: Path) -> None:
    assert run("check", tmp_path / "none.json").exit_code == 3
    rules.write_text(json.dumps(RULES).replace("~4{", "~400{"), "utf-8")
    wrong = json.loads(run("check", rules, "--json").stdout)["error"]
    assert wrong["code"] == "bad_rule_pattern"
    assert wrong["field"] == "rules[0].patterns[0]"
    ham = tmp_path / "ham.csv"
    ham.write_text("words\nx\n", "utf-8")
    told = run("measure", "packaged", "--ham", ham, "--spam", ham, "--json")
    assert json.loads(told.stdout)["error"]["code"] == "unreadable_texts"
