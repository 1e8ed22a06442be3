"""Tests against implementations that are not ours. Each is marked with its peer's name and skipped
where that is not installed; `.ci/run` installs them and runs `pytest -m peer`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.carrier.conftest import Rig
from tests.peers.installed import lacking


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, saying which peer is lacking."""
    for mark in item.iter_markers("peer"):
        reason = lacking(mark.args[0])
        if reason is not None:
            pytest.skip(reason)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path / "records.jsonl")
    yield made
    await made.close()
