"""Codes to numbers in a row are braked over all processes together."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from itertools import cycle

import numpy as np
import pytest

from assent.clock import ManualClock
from assent.flow.needs import Store, utc
from assent.flow.probes import SharedProbes
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.policy.probing import Probes, Probing
from assent.store import Store as RealStore

NOON = 1_795_320_000.0
CODES = Purpose.VERIFICATION
RULES = {
    CODES: (Probing("hundred", CODES, 2, 40, 86_400), Probing("thousand", CODES, 3, 200, 86_400))
}
FIRST = 8613900000000
VAULT = Vault({1: bytes(range(32))}, secrets.token_bytes)


class Process:
    """What one process counts, and what it tells."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.clock = clock
        self.probes = Probes(RULES)
        self.shared = SharedProbes(store, clock, self.probes, VAULT)

    def send(self, number: int, account: int = 1) -> bool:
        numbers = np.array([number], np.uint64)
        now = self.clock.now()
        if self.probes.over(CODES, account, numbers, now)[0]:
            return False
        self.probes.note(CODES, account, numbers, now)
        return True


@pytest.fixture
async def store(migrated_url: str) -> AsyncIterator[Store]:
    made = await RealStore.open(migrated_url)
    try:
        yield made
    finally:
        await made.close()


async def test_processes_add_up(store: Store) -> None:
    clock = ManualClock(NOON)
    codes, campaigns = Process(store, clock), Process(store, clock)
    sent = 0
    for number, process in zip(range(FIRST, FIRST + 100), cycle((codes, campaigns))):
        sent += process.send(number)
        clock.advance(0.5)
        for one in (codes, campaigns, codes):
            await one.shared.step()
    assert sent == 40
    # Another account has a count of its own; another range, too, until the thousand is full.
    assert campaigns.send(FIRST, account=2)
    assert codes.send(FIRST + 150)
    # Somebody who asks again takes nothing away.
    assert codes.send(FIRST)
    # One that starts anew knows what was counted.
    anew = Process(store, clock)
    await anew.shared.step()
    assert not anew.send(FIRST + 99)
    assert anew.send(FIRST + 5)
    # Between two rounds each lets through what it allows alone, and then no more.
    more = [process.send(FIRST + 300 + place + 50 * one)
            for one, process in enumerate((codes, campaigns)) for place in range(30)]  # fmt: skip
    assert sum(more) == 60
    for process in (codes, campaigns, codes):
        await process.shared.step()
    assert not codes.send(FIRST + 399)
    assert not campaigns.send(FIRST + 398)
    # The next day begins anew.
    clock.advance(86_400)
    for process in (codes, campaigns):
        await process.shared.step()
        assert process.send(FIRST + 99)


async def test_what_could_not_be_told_is_told_later(store: Store, migrated_url: str) -> None:
    clock = ManualClock(NOON)
    here, there = Process(store, clock), Process(store, clock)
    lost = Process(await RealStore.open(migrated_url), clock)
    for number in range(FIRST, FIRST + 40):
        assert lost.send(number)
    await lost.shared._store.close()
    told = ""
    try:
        await lost.shared.step()
    except Exception as error:  # whatever a closed store raises
        told = type(error).__name__
    assert told
    lost.shared._store = store
    await lost.shared.step()
    await lost.shared.step()  # once more changes nothing
    await here.shared.step()
    assert not here.send(FIRST + 60)
    assert there.send(FIRST + 60)  # it has not looked yet


async def test_the_table_tells_no_number(store: Store) -> None:
    clock = ManualClock(NOON)
    here = Process(store, clock)
    assert here.send(FIRST + 7)
    await here.shared.step()
    rows = await store.fetch("probes_since", utc(0.0))
    assert len(rows) == 2
    prefixes = [str((FIRST + 7) // size) for size in (100, 1_000)]
    for row in rows:
        assert not any(one in str(dict(row)) for one in prefixes)
        assert all(int(one).to_bytes(8, "big") not in bytes(row["place"]) for one in prefixes)
    # Somebody with another key learns nothing.
    strange = SharedProbes(store, clock, here.probes, Vault({1: bytes(32)}, secrets.token_bytes))
    assert {strange._range(row).prefix for row in rows}.isdisjoint(int(one) for one in prefixes)
