"""A clock that a simulation moves, in all processes at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from assent.clock import (
    FILE_VARIABLE,
    ClockHand,
    SharedClock,
    SystemClock,
    clock_from_environment,
    pause,
)
from assent.errors import InvalidInput


def test_all_who_share_it_see_each_move(tmp_path: Path) -> None:
    hand = ClockHand(tmp_path / "clock", 1_000_000.0)
    other = clock_from_environment({FILE_VARIABLE: str(tmp_path / "clock")})
    assert isinstance(other, SharedClock)
    assert 1_000_000.0 <= hand.now() <= other.now() < 1_000_060.0
    hand.move_to(2_000_000.0)
    assert 2_000_000.0 <= other.now() < 2_000_060.0
    hand.move_to(1_500_000.0)  # never backward
    assert other.now() >= 2_000_000.0
    assert other.now_ms() // 1000 == int(other.now_ns() / 1e9)


async def test_who_waits_on_it_goes_on_when_it_is_moved(tmp_path: Path) -> None:
    hand = ClockHand(tmp_path / "clock", 1_000_000.0)
    waiting = asyncio.create_task(pause(hand, 3_600.0))
    await asyncio.sleep(0)
    hand.move_to(1_001_800.0)
    await pause(SystemClock(), 0.1)
    assert not waiting.done()
    hand.move_to(1_003_700.0)
    async with asyncio.timeout(30):
        await waiting


def test_another_process_sees_it(tmp_path: Path) -> None:
    hand = ClockHand(tmp_path / "clock", 5_000_000.0)
    hand.move_to(6_000_000.0)
    asked = "from assent.clock import clock_from_environment as c; print(c().now())"
    done = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True, timeout=60,
        env={FILE_VARIABLE: str(tmp_path / "clock"), "PYTHONPATH": "src"},
    )  # fmt: skip
    assert 6_000_000.0 <= float(done.stdout) < 6_000_120.0


def test_what_is_no_clock_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(b"123")
    for name in ("short", "missing"):
        with pytest.raises(InvalidInput) as caught:
            clock_from_environment({FILE_VARIABLE: str(tmp_path / name)})
        assert caught.value.field == FILE_VARIABLE
    assert isinstance(clock_from_environment({}), SystemClock)
