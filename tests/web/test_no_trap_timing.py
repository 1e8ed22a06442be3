"""Promise 7 and the clock: how long an answer takes does not tell who a person is.

Requests about people of two kinds are interleaved in random order, round by round, and of each
round it is looked which took longer; noise of the machine meets both alike. There are as many
rounds as it takes to decide (Wald's sequential test) between a coin's throw and one kind taking
longer in nine rounds of ten. A coin would be called a leak once in a hundred thousand runs, such
a leak would be called a coin once in a thousand; a busy machine makes it longer, not wrong. That it
would find a leak is shown with one put in, far above what a busy machine adds: found while answers
are not levelled, hidden when they are, by steps that are longer in proportion.
"""

from __future__ import annotations

import asyncio
import math
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

LEAK = 0.9
"""Of how many rounds a kind takes longer that is told by the clock."""
MORE, LESS = math.log(LEAK / 0.5), math.log((1 - LEAK) / 0.5)
TOLD, ALIKE = math.log(1e5), -math.log(1e3)
WARM = 3
LEAK_S = 0.06
TIMES = 5
"""How much longer steps are while that much is leaked: the usual ones are for 12 ms."""
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


def verdict(won: int, lost: int) -> str:
    """Return what so many rounds say: "longer", "shorter", "alike", or nothing yet."""
    longer, shorter = won * MORE + lost * LESS, lost * MORE + won * LESS
    if longer >= TOLD:
        return "longer"
    if shorter >= TOLD:
        return "shorter"
    return "alike" if max(longer, shorter) <= ALIKE else ""


def test_what_rounds_say() -> None:
    """By the chances themselves: (won, lost) of undecided histories, round by round."""
    for chance, wanted, wrong in ((0.5, "alike", 2e-5), (0.9, "longer", 1e-3)):
        open_, ended = {(0, 0): 1.0}, dict.fromkeys(("longer", "shorter", "alike"), 0.0)
        for _ in range(400):
            later: dict[tuple[int, int], float] = {}
            for (won, lost), share in open_.items():
                for now, part in (((won + 1, lost), chance), ((won, lost + 1), 1 - chance)):
                    said = verdict(*now)
                    if said:
                        ended[said] += share * part
                    else:
                        later[now] = later.get(now, 0.0) + share * part
            open_ = later
        assert sum(open_.values()) < 1e-6
        assert 1 - ended[wanted] < wrong


async def compared(
    one: Door, ask: Ask, people: dict[str, Iterator[str]], first: str
) -> dict[str, str]:
    """Return of each other kind how long its answers take beside the first's."""
    random, said = Random(7), dict.fromkeys((kind for kind in people if kind != first), "")
    won, lost = dict.fromkeys(said, 0), dict.fromkeys(said, 0)
    for place in count():
        took = {}
        for kind in random.sample(sorted(people), len(people)):
            path, body = ask(next(people[kind]))
            begun = time.perf_counter()
            answer = await one.client.post(path, json=body)
            took[kind] = time.perf_counter() - begun
            assert answer.status_code < 300
        if place < WARM:
            continue
        for kind in said:
            won[kind] += took[kind] > took[first]
            lost[kind] += took[kind] < took[first]
            said[kind] = said[kind] or verdict(won[kind], lost[kind])
        if all(said.values()):
            break
    return said


def again(person: str) -> Iterator[str]:
    while True:
        yield person


@pytest.mark.parametrize("name", ["order", "dry run", "consents", "refusals"])
async def test_answers_take_the_same_time(door: Door, name: str) -> None:
    (one,) = await door.people()
    kinds = ("replied", "paused", "seen") if name in ("order", "dry run") else ("replied",)
    people = {kind: again(one[kind]) for kind in kinds} | {"unknown": fresh()}
    said = await compared(door, doors(door)[name], people, "replied")
    assert said == dict.fromkeys(said, "alike")


@pytest.mark.parametrize("name", ["dry run", "refusals"])
async def test_a_leak_would_be_found_and_is_hidden(
    door: Door, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some more work for one kind: for numbers never heard of, or for a refusal that is new."""
    (one,) = await door.people()
    asked, written, begun = Directory._ask, RefusalWriter._append, level.Pace.__init__

    async def slow_ask(*args: Any) -> Any:
        await asyncio.sleep(LEAK_S)
        return await asked(*args)

    async def slow_append(*args: Any) -> Any:
        await asyncio.sleep(LEAK_S)
        return await written(*args)

    def with_long_steps(pace: level.Pace, step_s: float = level.STEP_S) -> None:
        begun(pace, step_s * TIMES)

    monkeypatch.setattr(level.Pace, "__init__", with_long_steps)
    if name == "dry run":
        monkeypatch.setattr(Directory, "_ask", slow_ask)
    else:
        monkeypatch.setattr(RefusalWriter, "_append", slow_append)
    ask = doors(door)[name]
    numbers = fresh()
    people = {"replied": again(one["replied"]), "unknown": numbers}
    assert await compared(door, ask, people, "replied") == {"unknown": "alike"}  # levelled

    async def at_once(pace: Any) -> None:
        """What it was before answers were levelled."""

    monkeypatch.setattr(level.Pace, "level", at_once)
    assert await compared(door, ask, people, "replied") == {"unknown": "longer"}
