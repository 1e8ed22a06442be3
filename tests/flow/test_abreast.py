"""Loops that run abreast end together, also when one of them lets a cancellation pass."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from assent.flow.abreast import abreast


async def deaf(times: int, ended: list[str]) -> None:
    """Swallow some cancellations, as `wait_for` may."""
    for _ in range(times):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("deaf")


async def plain(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("plain")


async def fails() -> None:
    await asyncio.sleep(0)
    raise ValueError("broken")


async def ends() -> None:
    await asyncio.sleep(0)


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_one_cancellation_ends_all(times: int) -> None:
    ended: list[str] = []
    task = asyncio.create_task(abreast(deaf(times, ended), plain(ended)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10.0)
    assert sorted(ended) == ["deaf", "plain"]


@pytest.mark.parametrize("times", [0, 1, 3])
async def test_the_first_that_fails_ends_the_others(times: int) -> None:
    ended: list[str] = []
    with pytest.raises(ValueError, match="broken"):
        await asyncio.wait_for(abreast(deaf(times, ended), fails(), plain(ended)), 10.0)
    assert sorted(ended) == ["deaf", "plain"]


async def test_it_ends_with_the_last() -> None:
    await abreast(ends(), ends())
    ended: list[str] = []
    task = asyncio.create_task(abreast(ends(), plain(ended)))
    await asyncio.sleep(0.05)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
