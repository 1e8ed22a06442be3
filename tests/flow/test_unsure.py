"""Attempts of which nobody knows whether they left: silence, cut and half-open connections.

What the carrier was handed and never answered is never handed over again, except a code within
its validity. A late receipt settles it; after 72 hours its money goes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from assent.carrier import connection
from assent.clock import SystemClock
from tests.flow.audit import audit
from tests.flow.conftest import (
    MARKETING_TEXT,
    PROMPT,
    Platform,
    noon_offset,
    number,
    numbers,
    register,
)

MARKETING, CODES, SERVICE = "106900011", "106900012", "1069999"
HOUR = 3600.0
PRICE = 50_000


class ShiftedClock(SystemClock):
    """A machine's clock that tests move on."""

    def move(self, seconds: float) -> None:
        self.offset_s += seconds
        self._offset_ns += int(seconds * 1_000_000_000)


class Moved(Platform):
    """A platform whose clock can be moved."""

    clock: ShiftedClock

    async def state(self, word: str) -> int:
        """Return how many messages stand in a state."""
        found = await self.value(
            "SELECT count(*) FROM batch_final f, unpack(f.states, 1) s"
            " WHERE state_word(s.value::int) = $1",
            word,
        )
        return int(found)

    async def unsure(self, settled: str | None = None) -> int:
        """Return how many attempts are unsure, or were and are settled that way."""
        return int(
            await self.value(
                "SELECT count(*) FROM unsure_segment WHERE settled IS NOT DISTINCT FROM $1",
                settled,
            )
        )

    async def balanced(self) -> None:
        problems = await audit(self.url, self.records())
        assert not problems, "\n".join(problems)


@asynccontextmanager
async def impatient(url: str, directory: Path) -> AsyncIterator[Moved]:
    """A platform that waits one second for answers."""
    platform = Moved(url, directory, ShiftedClock(noon_offset()))
    await platform.start(PROMPT, links=2, response_s=1.0, stall_s=1.0, heartbeat_s=1.0)
    try:
        await platform.file(register())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()


@pytest.fixture
async def moved(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Moved]:
    monkeypatch.setattr(connection, "RETIRE_GRACE_S", 0.2)
    async with impatient(migrated_url, tmp_path) as platform:
        yield platform


def heal(platform: Moved) -> None:
    """Let every carrier behave again."""
    for simulator in platform.simulators.values():
        simulator.change({"faults": {"silent_after": None, "half_open_after": None}})


async def settle(platform: Moved, seconds: float) -> None:
    """Move the clock on and let the settler do what is due."""
    platform.clock.move(seconds)
    await platform.node.settler.step()


def times(platform: Moved, port: str) -> Counter[str]:
    """Return how often each person was written to from a port."""
    return Counter(record["destination"] for record in platform.submits(port))


@pytest.mark.parametrize(
    "fault",
    [
        {"silent_after": 5},
        {"cut_after": 5},
        {"half_open_after": 5},
        {"silent_after": 5, "taken": False},
    ],
    ids=["silent", "cut", "half open", "dropped"],
)
async def test_marketing_is_never_sent_again(moved: Moved, fault: dict[str, Any]) -> None:
    people = numbers(90)
    await moved.consent(people)
    for simulator in moved.simulators.values():
        simulator.change({"faults": fault})
    await moved.send(people, text=MARKETING_TEXT)

    async def unsure() -> bool:
        return await moved.unsure() > 0

    await moved.until(unsure, "attempts are unsure")
    heal(moved)

    async def closed() -> bool:
        return bool(
            await moved.value(
                "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
            )
            == 0
        )

    await moved.until(closed, "every window is closed")
    count = await moved.unsure()
    assert max(times(moved, MARKETING).values()) == 1
    assert len(times(moved, MARKETING)) == 90
    await moved.balanced()
    if fault.get("taken", True):
        await _settled_by_receipts(moved, count)
    else:
        await _released(moved, count)
    assert max(times(moved, MARKETING).values()) == 1
    await moved.balanced()


async def _settled_by_receipts(moved: Moved, count: int) -> None:
    """The reports of what was taken come after all: delivered, and paid for."""

    async def parked() -> bool:
        return bool(await moved.value("SELECT count(*) FROM receipt_parked") == count)

    await moved.until(parked, f"reports on {count} unsure attempts wait")
    assert await moved.unsure() == count
    await settle(moved, 31.0)
    assert await moved.unsure("receipt") == count

    async def delivered() -> bool:
        await moved.node.settler.step()
        return await moved.state("delivered") == 90

    await moved.until(delivered, "everything is delivered")
    assert await moved.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'") == 90 * PRICE
    assert await moved.value("SELECT count(*) FROM receipt_parked") == 0


async def _released(moved: Moved, count: int) -> None:
    """No report ever comes: the money stays reserved for 72 hours."""
    await settle(moved, 71 * HOUR)
    assert await moved.unsure() == count
    await settle(moved, 2 * HOUR)
    assert await moved.unsure("released") == count
    assert (
        await moved.value("SELECT sum(amount) FROM posting WHERE kind = 'release'") == count * PRICE
    )
    await settle(moved, 60.0)
    spent = (90 - count) * PRICE
    assert await moved.value("SELECT available FROM balance WHERE account_id = 1") == 10**12 - spent


async def test_a_receipt_after_the_release_charges_nothing(moved: Moved) -> None:
    person = number("mobile", 1)
    await moved.consent([person])
    simulator = moved.simulators["mobile"]
    simulator.change({"faults": {"silent_after": 0}, "receipts": {"delay": 4.0}})
    await moved.send([person])

    async def unsure() -> bool:
        return await moved.unsure() == 1

    await moved.until(unsure, "the attempt is unsure")
    await settle(moved, 73 * HOUR)
    assert await moved.unsure("released") == 1

    async def parked() -> bool:
        return bool(await moved.value("SELECT count(*) FROM receipt_parked") == 1)

    await moved.until(parked, "the late report")
    await settle(moved, 31.0)

    async def delivered() -> bool:
        await moved.node.settler.step()
        return await moved.state("delivered") == 1

    await moved.until(delivered, "delivered after all")
    assert await moved.value("SELECT count(*) FROM posting WHERE kind = 'revenue'") == 0
    await moved.balanced()


async def test_a_code_is_tried_again_within_its_validity(moved: Moved) -> None:
    person = number("mobile", 1)
    moved.simulators["mobile"].change({"faults": {"silent_after": 0, "taken": False}})
    await moved.send([person], "verification")

    async def retried() -> bool:
        return await moved.unsure("retried") >= 1

    await moved.until(retried, "the first attempt is unsure")
    heal(moved)

    async def delivered() -> bool:
        await moved.node.settler.step()
        return await moved.state("delivered") == 1

    await moved.until(delivered, "the code is delivered")
    assert times(moved, CODES)[person] >= 2
    assert await moved.value("SELECT sum(amount) FROM posting WHERE kind = 'revenue'") == PRICE
    await moved.balanced()


async def test_a_code_is_not_tried_after_its_validity(moved: Moved) -> None:
    person = number("mobile", 1)
    moved.simulators["mobile"].change({"faults": {"silent_after": 0, "taken": False}})
    await moved.send([person], "verification")
    await moved.until(lambda: times(moved, CODES)[person] == 1, "the first attempt")
    moved.clock.move(301.0)

    async def ended() -> bool:
        return bool(
            await moved.value(
                "SELECT (SELECT count(*) FROM queue) + (SELECT count(*) FROM open_window)"
            )
            == 0
        )

    await moved.until(ended, "it is given up")
    heal(moved)
    await settle(moved, 73 * HOUR)
    assert times(moved, CODES)[person] == 1
    assert await moved.value("SELECT sum(amount) FROM posting WHERE kind = 'release'") == PRICE
    await moved.balanced()


async def test_an_unsure_confirmation_is_counted_and_not_sent_again(moved: Moved) -> None:
    person = number("mobile", 1)
    await moved.consent([person])
    await moved.send([person])
    simulator = moved.simulators["mobile"]
    await moved.until(lambda: moved.node.inbound.receipts == 1, "delivered")
    simulator.silence()
    simulator.send_mo(person, MARKETING, "TD")

    async def unsure() -> bool:
        return await moved.unsure() == 1

    await moved.until(unsure, "the confirmation is unsure")
    heal(moved)
    simulator.send_mo(person, MARKETING, "TD")  # a repeat within the day is not answered

    async def read() -> bool:
        return bool(await moved.value("SELECT count(*) FROM reply") == 2)

    await moved.until(read, "both replies are read")
    await moved.until(lambda: bool(moved.node.traffic.up["mobile"]), "the link is back")
    await moved.send([person], "verification")  # something to see that the link works
    await moved.until(lambda: times(moved, CODES)[person] == 1, "the code")
    assert times(moved, SERVICE) == {person: 1}
    assert await moved.value("SELECT count(*) FROM confirmation WHERE state = 'attempted'") == 1
    await moved.balanced()
