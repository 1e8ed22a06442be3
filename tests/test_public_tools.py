"""A bundle is checked with public tools alone, by the very commands of the manual."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from assent.consent.bundle import build
from assent.consent.note import KeyKind, SigningKey
from tests.consent.test_bundle import BUNDLE, LOG, evidence, repacked

BASH = shutil.which("bash") or "bash"
PAGE = Path(__file__).parents[1] / "docs" / "ledger.md"
TOOLS = ("bash", "unzip", "jq", "xxd", "sha256sum", "base64", "openssl")
needs_tools = pytest.mark.skipif(
    not all(shutil.which(tool) for tool in TOOLS), reason=f"needs {', '.join(TOOLS)}"
)


def checked(directory: Path, bundle: bytes, key: str = str(LOG.public)) -> tuple[int, str]:
    """Run the manual's commands; return their exit code and what they said."""
    (directory / "evidence.zip").write_bytes(bundle)
    found = re.search(
        r"### With public tools.*?```bash\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL
    )
    assert found is not None
    done = subprocess.run(
        [BASH, "-c", found[1]], cwd=directory, capture_output=True, text=True, timeout=60,
        env={**os.environ, "LOG_KEY": key}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout


@needs_tools
def test_a_good_bundle_passes(tmp_path: Path) -> None:
    code, said = checked(tmp_path, BUNDLE)
    assert code == 0, said
    assert said.count("stands in the ledger") == len(evidence().entries)


@needs_tools
@pytest.mark.parametrize(
    "bundle",
    [
        BUNDLE.replace(b'"position":4', b'"position":5', 1),
        repacked({"records/messages.json": b"[]\n"}),
        build(replace(evidence(), entries=[replace(evidence().entries[0], secret=bytes(16))]), LOG),
        build(replace(evidence(), entries=[replace(evidence().entries[0], position=5)]), LOG),
    ],
    ids=["a position", "a record", "a secret, signed", "a position, signed"],
)
def test_a_bad_one_does_not(tmp_path: Path, bundle: bytes) -> None:
    assert checked(tmp_path, bundle)[0] != 0


@needs_tools
def test_another_key_does_not(tmp_path: Path) -> None:
    other = SigningKey("log.example", KeyKind.NOTE, bytes(range(5, 37)))
    assert checked(tmp_path, BUNDLE, str(other.public))[0] != 0
