"""docs/screening.md tells what there is, and its examples run."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

from typer.testing import CliRunner

from assent.cli import app
from assent.screen.codes import finding_codes
from assent.screen.verdict import Screener, Text
from tests.screen.written import BAITS, CODES, NOTICES, OFFERS, rendered

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "screening.md").read_text("utf-8")


def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tables", ROOT / "tools/screening_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tables"] = module
    spec.loader.exec_module(module)
    return module


def test_the_tables_are_those_of_the_code() -> None:
    assert tables().written(PAGE) == PAGE, "run: python tools/screening_tables.py"
    for code in finding_codes():
        assert f"| `{code}` |" in PAGE


def test_every_finding_of_many_texts_has_a_listed_code() -> None:
    known = finding_codes()
    texts = [*BAITS, *OFFERS, *rendered((*CODES, *NOTICES), 200, seed=1), "http://1.2.3.4/a@b"]
    for found in Screener.packaged().screen([Text(text) for text in texts]):
        for finding in found.findings:
            assert finding.code in known
            assert finding.severity.name.lower() in known[finding.code][0]


def test_the_examples_run() -> None:
    (given,) = re.findall(r"^\$ echo '(.+)' \| assent screen --json -$", PAGE, re.MULTILINE)
    result = CliRunner().invoke(app, ["screen", "--json", "-"], input=given)
    assert json.loads(result.stdout)["verdict"] in ("hold", "reject")
    (block,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    row = json.dumps(json.loads(block), ensure_ascii=False)
    result = CliRunner().invoke(app, ["screen", "--json", "-"], input=row)
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "allow", answer
    for field in answer:
        assert f"| `{field}` |" in PAGE
