"""Ceilings: the bound is exact, a crossing needs enough of everything, and steps go both ways."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.policy.ceilings import (
    Ceiling,
    Counts,
    Past,
    Step,
    crossed,
    level,
    lower_bound,
    next_step,
    stands,
)
from assent.policy.rulebook import Rulebook

DAY = 86_400.0
STEPS = (Step("defer", 24), Step("hold", 72), Step("reject", 168))
USUAL = Ceiling(
    "x", "complained", ("sender",), frozenset({Purpose.MARKETING}), 0.001, 300, 5, 0.99, 14, STEPS,
    30,
)  # fmt: skip

rates = st.floats(0.0001, 0.9)
ceilings = st.builds(
    lambda rate, messages, events, confidence: replace(
        USUAL, rate=rate, least_messages=messages, least_events=events, confidence=confidence
    ),
    rates, st.integers(1, 2000), st.integers(1, 60), st.sampled_from([0.9, 0.99, 0.999]),
)  # fmt: skip
counts = st.integers(0, 20_000).flatmap(
    lambda n: st.builds(Counts, st.just(n), st.integers(0, max(n, 5)))
)


def tail(events: int, messages: int, rate: float) -> float:
    """Return how likely so many events or more are, term by term."""
    return math.fsum(
        math.comb(messages, count) * rate**count * (1 - rate) ** (messages - count)
        for count in range(events, messages + 1)
    )


@given(st.integers(1, 150), st.integers(1, 150), st.sampled_from([0.9, 0.99, 0.999]))
def test_the_bound_is_exact(events: int, more: int, confidence: float) -> None:
    messages = events + more
    bound = lower_bound(events, messages, confidence)
    assert 0 < bound < events / messages
    assert tail(events, messages, bound) == pytest.approx(1 - confidence, rel=1e-6)


def test_known_bounds() -> None:
    # Clopper and Pearson 1934: 1 of 1 at 95 % is the confidence's complement itself.
    assert lower_bound(1, 1, 0.95) == pytest.approx(0.05)
    assert lower_bound(0, 100, 0.95) == 0
    assert lower_bound(5, 1000, 0.999) == pytest.approx(0.000742, abs=2e-6)
    for events, messages in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="events are 0"):
            lower_bound(events, messages, 0.9)


@given(ceilings, counts)
def test_nothing_below_the_least(ceiling: Ceiling, seen: Counts) -> None:
    bound = crossed(ceiling, seen)
    if bound is not None:
        assert seen.messages >= ceiling.least_messages
        assert seen.events >= ceiling.least_events
        assert bound >= ceiling.rate * (1 - 1e-9)


@given(ceilings, counts, st.integers(0, 500), st.integers(0, 500))
def test_worse_counts_cross_too(ceiling: Ceiling, seen: Counts, more: int, fewer: int) -> None:
    """More events among as many messages, or as many among fewer, are never judged milder, but for
    the least count of messages."""
    if crossed(ceiling, seen) is None:
        return
    assert crossed(ceiling, Counts(seen.messages, seen.events + more)) is not None
    fewer = max(ceiling.least_messages, seen.events, seen.messages - fewer)
    if fewer <= seen.messages:
        assert crossed(ceiling, Counts(fewer, seen.events)) is not None
    higher = replace(ceiling, rate=ceiling.rate / 2)
    assert crossed(higher, seen) is not None


pasts = st.none() | st.builds(Past, st.integers(1, 3), st.floats(0, 100 * DAY))


@given(pasts, st.floats(0, 400 * DAY), counts)
def test_steps(past: Past | None, now: float, seen: Counts) -> None:
    taken = next_step(USUAL, seen, past, now)
    up = level(USUAL, past, now)
    assert 0 <= up <= (past.level if past else 0)
    if taken is None:
        assert (past is not None and now < past.ended) or crossed(USUAL, seen) is None
        return
    to, step, bound = taken
    assert bound == crossed(USUAL, seen)
    assert to == min(up + 1, len(STEPS))
    assert step == STEPS[to - 1]


@given(st.integers(1, 3), st.floats(0, 1000 * DAY), st.floats(0, 400 * DAY))
def test_calm_takes_steps_back(top: int, now: float, later: float) -> None:
    past = Past(top, 100 * DAY)
    assert level(USUAL, past, now + later) <= level(USUAL, past, now)
    assert level(USUAL, past, past.ended) == top
    assert level(USUAL, past, past.ended + 29 * DAY) == top
    assert level(USUAL, past, past.ended + 30 * DAY) == top - 1
    assert level(USUAL, past, past.ended + 30 * DAY * top) == 0


def test_a_history() -> None:
    """Crossed, restricted, crossed by what came later: a step up; calm: from the beginning."""
    bad, now = Counts(1000, 20), 0.0
    past: Past | None = None
    reached = []
    for _ in range(4):
        taken = next_step(USUAL, bad, past, now)
        assert taken is not None
        to, step, _ = taken
        reached.append(to)
        past = Past(to, now + step.hours * 3600)
        assert next_step(USUAL, bad, past, past.ended - 1) is None
        assert next_step(USUAL, Counts(0, 0), past, past.ended) is None
        now = past.ended
    assert reached == [1, 2, 3, 3]
    assert past is not None
    taken = next_step(USUAL, bad, past, past.ended + 61 * DAY)
    assert taken is not None
    assert taken[0] == 2


def test_what_falls_again() -> None:
    before = Counts(1000, 6)
    assert stands(USUAL, before, before)
    assert stands(USUAL, before, Counts(1000, 9))
    assert not stands(USUAL, before, Counts(1000, 4))
    assert stands(USUAL, Counts(1000, 20), Counts(1000, 19))
    assert stands(USUAL, before, Counts(0, 0)), "old counts that were put away say nothing"


def document() -> dict[str, Any]:
    return dict(json.loads(Rulebook.load().canonical))


WRONG: list[dict[str, Any]] = [
    {"of": "liked"},
    {"by": []},
    {"by": ["sender", "sender"]},
    {"by": ["weather"]},
    {"purposes": []},
    {"purposes": ["system"]},
    {"ceiling": 0},
    {"ceiling": 1},
    {"least_events": 0},
    {"least_messages": 0},
    {"confidence": 0.2},
    {"days": 0},
    {"steps": []},
    {"steps": [{"effect": "reject", "hours": 24}, {"effect": "defer", "hours": 24}]},
    {"steps": [{"effect": "defer", "hours": 24}, {"effect": "defer", "hours": 12}]},
    {"steps": [{"effect": "shout", "hours": 24}]},
    {"steps": [{"effect": "hold", "hours": 0}]},
    {"steps": [{"effect": "hold"}]},
    {"calm_days": 0},
    {"unknown": 1},
    {"id": "refusals"},
]


@pytest.mark.parametrize("change", WRONG)
def test_a_rulebook_says_it_whole(change: dict[str, Any]) -> None:
    wrong = document()
    wrong["ceilings"]["value"][0] |= change
    with pytest.raises(InvalidInput):
        Rulebook.from_document(wrong)


def test_none_may_be_left_out() -> None:
    wrong = document()
    del wrong["ceilings"]
    with pytest.raises(InvalidInput):
        Rulebook.from_document(wrong)
