"""`assent verify`: verdicts, exit codes and words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from assent.cli import app
from tests.consent.test_bundle import BUNDLE, TRUSTED


def run(*words: str) -> Any:
    return CliRunner(env={"COLUMNS": "200"}).invoke(app, ["verify", *words])


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.zip"
    path.write_bytes(BUNDLE)
    return path


def test_a_valid_bundle(bundle: Path) -> None:
    result = run(str(bundle), *(word for key in TRUSTED for word in ("--key", key)))
    assert result.exit_code == 0
    assert "valid" in result.stdout
    assert "witness.example saw it at 2027-01-15T08:01:40Z" in result.stdout
    assert "absence cannot be proved" in result.stdout
    assert "Whose keys" not in result.stdout
    told = json.loads(run(str(bundle), "--json").stdout)
    assert told["verdict"] == "valid"
    assert told["faults"] == []
    assert [entry["position"] for entry in told["entries"]] == [4, 18, 65]
    assert any("Whose keys" in words for words in told["unproved"])


def test_a_changed_bundle(bundle: Path) -> None:
    bundle.write_bytes(BUNDLE.replace("您好".encode(), "你好".encode(), 1))
    result = run(str(bundle))
    assert result.exit_code == 1
    assert "records/messages.json: was changed (file_changed)" in result.stdout
    assert "proved" not in result.stdout
    told = json.loads(run(str(bundle), "--json").stdout)
    assert {"code": "file_changed", "place": "records/messages.json"} in told["faults"]


@pytest.mark.parametrize("octets", [b"", b"PK\x03\x04", b"%PDF-1.7"])
def test_what_is_no_bundle(bundle: Path, octets: bytes) -> None:
    bundle.write_bytes(octets)
    result = run(str(bundle))
    assert result.exit_code == 2
    assert "unreadable" in result.stdout


def test_a_file_that_is_not_there_and_a_key_that_is_none(bundle: Path, tmp_path: Path) -> None:
    assert run(str(tmp_path / "none.zip")).exit_code == 2
    result = run(str(bundle), "--key", "log.example+00000000+AAAA")
    assert result.exit_code == 2
    assert "key" in result.stdout
