"""Promise 7 and the clock: how long an answer takes does not tell who a person is.

Requests about people of two kinds are interleaved in random order, round by round, and of each
round it is looked which took longer. Were it a coin's throw, forty rounds would agree as much as
`MOST` asks for less than once in a hundred thousand runs; noise of the machine meets both alike.
That it would find a leak is shown with one put in: found while answers are not levelled, hidden
when they are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

import pytest

from assent.flow import level
from assent.flow.people import Directory
from assent.flow.refusals import RefusalWriter
from tests.flow.conftest import number
from tests.flow.test_promises import at
from tests.web.test_no_trap import Door, door, order

__all__ = ["door"]

ROUNDS = 40
MOST = 35
LEAK_S = 0.012
Ask = Callable[[str], tuple[str, dict[str, Any]]]


def fresh() -> Iterator[str]:
    """Numbers that nobody has heard of."""
    return (number("unicom", place) for place in count(500))


def doors(one: Door) -> dict[str, Ask]:
    """What a customer may ask about a number: (path, body)."""
    given = {"sender": "CODE1", "programme": "offers", "grade": "assertion", "wording": "v1"}
    day = at(one.api.platform, -9e5).isoformat()
    return {
        "order": lambda person: ("/v1/messages", order(person)),
        "dry run": lambda person: ("/v1/messages/dry-run", order(person)),
        "consents": lambda person: (
            "/v1/consents",
            {**given, "source": "shop", "consents": [{"to": person, "at": day}]},
        ),
        "refusals": lambda person: (
            "/v1/refusals",
            {"sender": "CODE1", "to": [person], "source": "counter"},
        ),
    }


async def longer(one: Door, ask: Ask, people: dict[str, Iterator[str]], first: str) -> list[int]:
    """Return of how many rounds each other kind took longer than the first."""
    random, wins = Random(7), dict.fromkeys(people, 0)
    for warm in range(ROUNDS + 3):
        took = {}
        for kind in random.sample(sorted(people), len(people)):
            path, body = ask(next(people[kind]))
            begun = time.perf_counter()
            answer = await one.client.post(path, json=body)
            took[kind] = time.perf_counter() - begun
            assert answer.status_code < 300
        if warm >= 3:
            for kind in people:
                wins[kind] += took[kind] > took[first]
    return [won for kind, won in wins.items() if kind != first]


def again(person: str) -> Iterator[str]:
    while True:
        yield person


@pytest.mark.parametrize("name", ["order", "dry run", "consents", "refusals"])
async def test_answers_take_the_same_time(door: Door, name: str) -> None:
    (one,) = await door.people()
    kinds = ("replied", "paused", "seen") if name in ("order", "dry run") else ("replied",)
    people = {kind: again(one[kind]) for kind in kinds} | {"unknown": fresh()}
    for won in await longer(door, doors(door)[name], people, "replied"):
        assert ROUNDS - MOST < won < MOST, f"of {ROUNDS} rounds {won} took longer"


@pytest.mark.parametrize("name", ["dry run", "refusals"])
async def test_a_leak_would_be_found_and_is_hidden(
    door: Door, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some more work for one kind: for numbers never heard of, or for a refusal that is new."""
    (one,) = await door.people()
    asked, written = Directory.__dict__["_ask"].__func__, RefusalWriter._append

    async def slow_ask(*args: Any) -> Any:
        await asyncio.sleep(LEAK_S)
        return await asked(*args)

    async def slow_append(*args: Any) -> Any:
        await asyncio.sleep(LEAK_S)
        return await written(*args)

    if name == "dry run":
        monkeypatch.setattr(Directory, "_ask", staticmethod(slow_ask))
    else:
        monkeypatch.setattr(RefusalWriter, "_append", slow_append)
    ask = doors(door)[name]
    numbers = fresh()
    people = {"replied": again(one["replied"]), "unknown": numbers}
    (hidden,) = await longer(door, ask, people, "replied")
    assert ROUNDS - MOST < hidden < MOST, f"levelled: {hidden} of {ROUNDS} took longer"

    async def at_once(pace: Any) -> None:
        """What it was before answers were levelled."""

    monkeypatch.setattr(level.Pace, "level", at_once)
    (found,) = await longer(door, ask, people, "replied")
    assert found >= MOST, f"not levelled: {found} of {ROUNDS} took longer"
