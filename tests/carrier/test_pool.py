"""A pool that is steered: weights, standby links, holds and drains, on real sockets."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from assent.carrier.link import LinkSettings
from assent.carrier.pool import Pool
from tests.carrier.conftest import SECRET, USER, Rig, until


async def made(rig: Rig, port: int, *links: dict[str, Any]) -> Pool:
    """A running pool with a link for each set of settings, named a, b, c."""
    base = LinkSettings(
        name="", carrier="mobile", host="127.0.0.1", port=port, user=USER, secret=SECRET,
        reconnect_base_s=0.02, reconnect_cap_s=0.1, window=50,
    )  # fmt: skip
    settings = [
        replace(base, name=name, link=name, **one) for name, one in zip("abc", links, strict=False)
    ]
    pool = Pool("mobile", settings, rig.flow, rig.flow, rig.clock, Random(7))
    pool.start()
    rig.pools.append(pool)
    await until(lambda: not {link.state.value for link in pool.links} - {"bound", "standby"})
    return pool


async def burst(rig: Rig, pool: Pool, count: int) -> None:
    """Queue some messages and wait until they are answered."""
    rig.flow.add(count=count)
    pool.kick()
    await until(lambda: not rig.flow.queue and rig.flow.settled())


def shares(pool: Pool) -> list[int]:
    return [link.counters.submitted for link in pool.links]


@pytest.mark.parametrize("weights", [(3, 1), (1, 1, 8), (70, 20, 10)])
async def test_shares_are_as_the_weights_while_there_is_a_choice(
    rig: Rig, weights: tuple[int, ...]
) -> None:
    carrier = await rig.carrier()
    pool = await made(rig, carrier.port, *({"weight": weight} for weight in weights))
    sizes = Random(3)
    for _ in range(150):
        await burst(rig, pool, sizes.randint(1, 5))
    total = sum(shares(pool))
    for share, weight in zip(shares(pool), weights, strict=True):
        assert share / total == pytest.approx(weight / sum(weights), abs=0.03)


async def test_under_full_load_nothing_waits_for_a_weight(rig: Rig) -> None:
    carrier = await rig.carrier({"answers": {"latency": 0.02}})
    pool = await made(rig, carrier.port, {"weight": 1}, {"weight": 1000})
    rig.flow.add(count=400)
    pool.kick()
    await until(lambda: rig.flow.settled() and not rig.flow.queue)
    assert min(shares(pool)) >= 150


async def test_equal_weights_keep_no_account(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = await made(rig, carrier.port, {"weight": 5}, {"weight": 5})
    assert pool._behind == {}
    for _ in range(20):
        await burst(rig, pool, 1)
    assert shares(pool) == [10, 10]


async def test_a_link_that_was_away_does_not_catch_up(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = await made(rig, carrier.port, {"weight": 1}, {"weight": 2})
    pool.steer({"b": "drained"})
    await until(lambda: pool.links[1].state.value == "closed")
    for _ in range(40):
        await burst(rig, pool, 1)
    assert shares(pool) == [40, 0]
    pool.steer({})
    await until(lambda: pool.links[1].state.value == "bound")
    for _ in range(30):
        await burst(rig, pool, 1)
    assert shares(pool) == [pytest.approx(50, abs=2), pytest.approx(20, abs=2)]


async def test_a_standby_link_helps_while_the_others_are_throttled(rig: Rig) -> None:
    slow = await rig.carrier({"answers": {"throttle_per_s": 0}})
    spare = await rig.carrier()
    pool = await made(
        rig,
        slow.port,
        {"throttle_base_s": 0.3, "throttle_cap_s": 0.3, "window": 2},
        {"port": spare.port, "standby": True},
    )
    assert [link.state.value for link in pool.links] == ["bound", "standby"]
    rig.flow.add(count=10)
    pool.kick()
    await until(lambda: len(rig.flow.answers) == 10)
    assert rig.flow.results == {8: 2, 0: 8}
    await until(lambda: pool.links[1].state.value == "standby")
    await pool.links[0].drain(1.0)
    await until(lambda: pool.links[1].state.value == "bound")
    await burst(rig, pool, 5)
    assert rig.flow.results[0] == 13


async def test_a_held_link_takes_in_what_arrives(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = await made(rig, carrier.port, {})
    pool.steer({"a": "paused"})
    assert pool.links[0].state.value == "paused"
    assert pool.bound == 0
    rig.flow.add(count=3)
    pool.kick()
    carrier.send_mo("13900000001", "10690000", "TD")
    await until(lambda: len(rig.flow.delivers) == 1)
    assert not rig.flow.taken
    pool.steer({})
    await until(lambda: len(rig.flow.answers) == 3)


async def test_a_link_ordered_down_and_up_again_at_once_ends_up(rig: Rig) -> None:
    carrier = await rig.carrier({"answers": {"latency": 0.05}})
    pool = await made(rig, carrier.port, {"window": 5})
    rig.flow.add(count=100)
    pool.kick()
    for _ in range(5):
        pool.steer({"a": "drained"})
        await asyncio.sleep(0.02)
        pool.steer({})
        await asyncio.sleep(0.05)
    await until(lambda: pool.links[0].state.value == "bound")
    await until(lambda: rig.flow.settled() and not rig.flow.queue)
    assert rig.flow.results == {0: 100}
    assert not rig.flow.losses


async def test_a_carrier_that_lets_us_in_once_gets_the_new_link_after_the_old(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = await made(rig, carrier.port, {})
    (old,) = pool.links
    carrier.change({"faults": {"bind_status": 3}})
    pool.change([replace(old.settings, window=3)])
    await until(lambda: old.state.value == "closed")
    assert pool.links[0].counters.binds_refused > 0
    carrier.change({"faults": {"bind_status": 0}})
    await until(lambda: pool.bound == 1 and not pool._leaving)
    await burst(rig, pool, 20)
    assert rig.flow.results == {0: 20}
    assert pool.links[0].settings.window == 3
