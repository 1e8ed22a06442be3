"""Every input that coverage-guided fuzzing kept, played again, to its session and all others."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.fuzz.checks import (
    TARGETS,
    check,
    check_explanation,
    check_pdu,
    check_stream,
    reframed,
)

SEEDS = Path(__file__).parent / "seeds"


@pytest.mark.parametrize("dialect", TARGETS)
def test_every_seed_holds(dialect: str) -> None:
    seeds = sorted((SEEDS / dialect).iterdir())
    assert len(seeds) > 20
    for seed in seeds:
        data = seed.read_bytes()
        assert len(data) <= 1000, "seeds are small"
        check(dialect, data)
        for kind in range(len(TARGETS[dialect].sessions)):
            check_stream(dialect, kind, data[1:])


@pytest.mark.parametrize("dialect", TARGETS)
def test_neighbours_of_every_seed_hold(dialect: str) -> None:
    """One octet less, and up to three more: what no coverage tells apart, lengths get wrong."""
    for seed in (SEEDS / dialect).iterdir():
        stream = seed.read_bytes()[1:]
        for near in (stream[:-1], *(stream + bytes(more) for more in (1, 2, 3))):
            if len(near) >= 8:
                check_pdu(dialect, reframed(near))
                check_explanation(dialect, reframed(near))


def test_every_dialect_has_a_target() -> None:
    here = Path(__file__).parent
    assert {path.stem.removeprefix("fuzz_") for path in here.glob("fuzz_*.py")} == set(TARGETS)
