"""`assent hosts`: checks, and files of age and filing that are kept here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app


@pytest.fixture
def run(tmp_path: Path) -> Any:
    def call(*words: str, given: str | None = None) -> Any:
        runner = CliRunner(env={"COLUMNS": "200", "XDG_CONFIG_HOME": str(tmp_path)})
        return runner.invoke(app, ["hosts", *words], input=given)

    return call


@pytest.mark.parametrize(
    ("host", "verdict", "code"),
    [
        ("www.icbc.com.cn", "allow", 0),
        ("shop.example.cn", "allow", 0),
        ("icbc-login.top", "hold", 0),
        ("http://3232235777/", "hold", 0),
        ("1cbc.com.cn", "reject", 3),
        ("https://icbc.com.cn@evil.example/", "reject", 3),
    ],
)
def test_verdicts_and_exit_codes(run: Any, host: str, verdict: str, code: int) -> None:
    result = run("check", host, "--json")
    assert result.exit_code == code, result.output
    (one,) = json.loads(result.stdout)["hosts"]
    assert one["verdict"] == verdict
    words = run("check", host)
    assert words.exit_code == code
    assert words.stdout.startswith(f"{verdict}: ")


def test_hosts_from_standard_input_and_of_the_sender(run: Any) -> None:
    result = run(
        "check", "-", "--json", "--filed", "icbc-login.top", given="icbc-login.top\nt.cn\n"
    )
    first, second = json.loads(result.stdout)["hosts"]
    assert (first["verdict"], first["findings"]) == ("allow", [])
    assert [f["code"] for f in second["findings"]][:1] == ["host_shortener"]


def test_what_is_no_host_is_told_so(run: Any) -> None:
    result = run("check", "not a host")
    assert result.exit_code == 3 or result.exception is not None


def test_facts_are_imported_and_used(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text("host,registered,filed\nexample.cn,2010-01-01,no\nexample.org,,yes\n", "utf-8")
    assert json.loads(run("list", "--json").stdout) == {"hosts": []}
    told = run("import", str(file), "--source", "a register", "--json")
    assert json.loads(told.stdout) == {"imported": 2, "kept": 2}
    kept = json.loads(run("list", "--json").stdout)["hosts"]
    assert kept[0] == {"host": "example.cn", "registered": "2010-01-01", "filed": False,
                       "source": "a register"}  # fmt: skip
    (one,) = json.loads(run("check", "www.example.cn", "--json").stdout)["hosts"]
    assert [f["code"] for f in one["findings"]] == ["host_unfiled"]
    file.write_text("host,registered,filed\nexample.net,2010-01-01,yes\nbad,x,y\n", "utf-8")
    assert run("import", str(file)).exit_code != 0
    assert len(json.loads(run("list", "--json").stdout)["hosts"]) == 2
    assert run("import", str(tmp_path / "none.csv")).exit_code != 0


def test_the_register_can_be_listed(run: Any) -> None:
    rows = json.loads(run("list", "--official", "--json").stdout)["hosts"]
    assert {"host": "icbc.com.cn", "brand": "icbc", "en": "ICBC", "zh": "工商银行"} in rows
    assert "icbc.com.cn  icbc" in run("list", "--official").stdout
