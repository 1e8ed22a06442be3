"""An SMSC that says how loaded it is (SMPP 5.0, congestion_state), on real sockets."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import pytest

from tests.carrier.conftest import until
from tests.carrier.gateway import Ways
from tests.carrier.test_dialects import Field

CAPACITY = 150
"""What the SMSC can take in a second."""


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    one = Field()
    yield one
    await one.close()


async def test_the_link_slows_down_to_what_the_smsc_can_take_and_lets_go(field: Field) -> None:
    recent: deque[float] = deque()
    relieved = False

    def load(now: float) -> int:
        recent.append(now)
        while recent[0] < now - 0.2:
            recent.popleft()
        return 20 if relieved else min(100, round(90 * len(recent) / (0.2 * CAPACITY)))

    gateway = await field.gateway("smpp", Ways(load=load, reports=False, latency_s=0.005))
    pool = await field.up(gateway, window=50)
    field.send(100_000)
    await until(lambda: pool.health()[0]["slowed_to"] is not None, 10.0)
    await asyncio.sleep(3.0)  # it gropes its way
    before = len(gateway.submits)
    await asyncio.sleep(1.5)
    assert (len(gateway.submits) - before) / 1.5 < 2 * CAPACITY
    assert len(gateway.submits) > before, "it goes on"
    relieved = True
    slow = pool.health()[0]["slowed_to"]
    await until(lambda: (pool.health()[0]["slowed_to"] or 1e9) > 2 * slow, 15.0)


async def test_without_a_word_nothing_changes(field: Field) -> None:
    gateway = await field.gateway("smpp", Ways(reports=False))
    pool = await field.up(gateway, window=50)
    field.send(500)
    await until(lambda: len(gateway.submits) == 500)
    assert pool.links[0].brake is None
    assert pool.health()[0]["slowed_to"] is None
