"""Runs one coverage-guided target with atheris, which is no dependency of anything here: install it
in an environment of its own (docs/fuzzing.md)."""

from __future__ import annotations

import sys

import atheris


def fuzz(dialect: str) -> None:
    """Fuzz a dialect with libFuzzer's options from the command line. Does not return."""
    with atheris.instrument_imports(include=["assent"]):
        from tests.wire.fuzz.checks import check

    atheris.Setup(sys.argv, lambda data: check(dialect, data))
    atheris.Fuzz()
