"""Every error that the API can answer with says what it means in Chinese, too."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from assent.cli.console import report
from assent.errors import Conflict, InvalidInput, in_chinese

ROOT = Path(__file__).parents[1] / "src" / "assent"
KINDS = {
    "InvalidInput", "NotAllowed", "NotFound", "Conflict", "TooLarge", "Unavailable", "AssentError",
}  # fmt: skip
OF_THE_MACHINE = {
    "address_taken",
    "witness_answer",
    "witness_refused",
    "witness_request",
    "witness_state",
}
"""Codes of flow and web that only whoever runs the machine meets."""


def codes() -> dict[str, set[str]]:
    """Return the codes that are written in the source, with the rooms that raise them."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.rglob("*.py"):
        room = path.relative_to(ROOT).parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name, first = node.func, node.args[0]
            if isinstance(name, ast.Name) and name.id in KINDS:
                for one in ast.walk(first):
                    if isinstance(one, ast.Constant) and isinstance(one.value, str):
                        found[one.value].add(room)
    return found


def table() -> dict[str, str]:
    words: dict[str, str] = json.loads((ROOT / "data" / "errors-zh.json").read_bytes())
    return words


def test_every_code_of_the_api_has_words() -> None:
    told = {
        code
        for code, rooms in codes().items()
        if rooms & {"flow", "web"} and re.fullmatch(r"[a-z][a-z0-9_]+[a-z0-9]", code)
    }
    assert len(told) > 200
    assert not sorted(told - set(table()) - OF_THE_MACHINE)


def test_no_words_are_left_over() -> None:
    source = "".join(path.read_text("utf-8") for path in ROOT.rglob("*.py"))
    assert not [code for code in table() if f'"{code}"' not in source]


def test_the_words_are_chinese_and_end_without_a_stop() -> None:
    for code, words in table().items():
        assert re.search("[\\u4e00-\\u9fff]", words), code
        assert not words.endswith(("。", "；", ".")), code
        assert len(words) <= 60, code


def test_a_problem_has_them() -> None:
    problem = Conflict("port_cooling", "the port cools until 2027-01-01").to_problem()
    assert problem["detail_zh"] == in_chinese("port_cooling")
    assert "detail_zh" not in InvalidInput("nobody_knows_this", "x").to_problem()


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ({"LANG": "zh_CN.UTF-8"}, True),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, False),
        ({"LC_MESSAGES": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, True),
        ({}, False),
    ],
)
def test_the_terminal_is_spoken_to_in_its_language(
    names: dict[str, str],
    shown: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    report(Conflict("port_cooling", "the port cools until 2027-01-01"), as_json=False)
    told = capsys.readouterr().err
    assert "the port cools until 2027-01-01" in told
    assert ("端口尚在冷却期" in told) is shown
