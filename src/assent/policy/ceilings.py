"""Ceilings: how many complaints, refusals and failures are too many, and what follows. Pure.

A ceiling counts messages and what went wrong with them over some days, by sender, port, carrier,
province and so on. It is crossed when enough was counted and the rate is above it for certain: its
lower confidence bound (Clopper and Pearson: exact, also for a handful of complaints) is. Each
crossing is a step: a restriction of a kind and a length. The next step counts only what was
accepted after the one before, so nobody is restricted twice for the same messages; a calm time
takes a step back (CN-25, CN-80; docs/ceilings.md).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.message import Purpose

RATES: Final = ("complained", "refused", "failed")
BY: Final = ("group", "sender", "account", "port", "carrier", "province", "category", "purpose")
EFFECTS: Final = ("defer", "hold", "reject")
_HOUR_S: Final = 3_600.0
_DAY_S: Final = 86_400.0
_MOST_DAYS: Final = 366
_CLOSE: Final = 1e-12
_HALVINGS: Final = 60


@dataclass(frozen=True, slots=True)
class Step:
    """What a crossing brings: the effect of a restriction, and how long it holds."""

    effect: str
    hours: float


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One ceiling. `of`: what is counted (:data:`RATES`); failures are a share of all messages,
    complaints and refusals of those that did not fail. `by`: what is counted apart. `purposes`:
    whose messages, and what is restricted. `least_messages`, `least_events`: below either nothing
    is crossed. `calm_days`: after so many without a crossing one step is taken back."""

    id: str
    of: str
    by: tuple[str, ...]
    purposes: frozenset[Purpose]
    rate: float
    least_messages: int
    least_events: int
    confidence: float
    days: int
    steps: tuple[Step, ...]
    calm_days: float


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted for a key of a ceiling in some hours."""

    messages: int
    events: int


@dataclass(frozen=True, slots=True)
class Past:
    """The last crossing of a key that still stands. `level`: its step, from 1. `ended`: when its
    restriction ended or will, unix seconds."""

    level: int
    ended: float


def lower_bound(events: int, messages: int, confidence: float) -> float:
    """Return the rate that the true one is above with this confidence, from what was counted.

    Zero without events. Raises ValueError for counts that cannot be.
    """
    if not 0 <= events <= messages or not 0.5 <= confidence < 1:
        raise ValueError("events are 0 to all messages, confidence is 0.5 to 1")
    if events == 0:
        return 0.0
    doubt = 1 - confidence
    if events == messages:
        return float(doubt ** (1 / messages))
    low, high = 0.0, events / messages
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if at_least(events, messages, middle) > doubt:
            high = middle
        else:
            low = middle
    return low


def at_least(events: int, messages: int, rate: float) -> float:
    """Return how likely so many events or more are at a rate below what was counted."""
    if rate <= 0:
        return 0.0 if events else 1.0
    log = (
        math.lgamma(messages + 1)
        - math.lgamma(events + 1)
        - math.lgamma(messages - events + 1)
        + events * math.log(rate)
        + (messages - events) * math.log1p(-rate)
    )
    term = total = 1.0  # the first is taken out, so that small ones do not vanish
    odds = rate / (1 - rate)
    for count in range(events, messages):
        term *= (messages - count) / (count + 1) * odds
        total += term
        if term < total * _CLOSE:
            break
    return min(1.0, math.exp(log) * total)


def crossed(ceiling: Ceiling, counts: Counts) -> float | None:
    """Return the lower bound of a rate that is above a ceiling for certain, None where it is not,
    or where too little was counted."""
    messages = counts.messages
    events = min(counts.events, messages)
    if messages < ceiling.least_messages or events < ceiling.least_events:
        return None
    if events <= ceiling.rate * messages:
        return None
    if at_least(events, messages, ceiling.rate) > 1 - ceiling.confidence:
        return None
    return lower_bound(events, messages, ceiling.confidence)


def level(ceiling: Ceiling, past: Past | None, now: float) -> int:
    """Return how far up a key is: one step less for each calm time since its restriction ended."""
    if past is None:
        return 0
    calm = max(0.0, now - past.ended) // (ceiling.calm_days * _DAY_S)
    return max(0, past.level - int(calm))


def next_step(
    ceiling: Ceiling, counts: Counts, past: Past | None, now: float
) -> tuple[int, Step, float] | None:
    """Return the level and step that a key takes now, with the bound that says so, or None.

    `counts`: of what was accepted in the window and after the last crossing. While its restriction
    holds nothing is added to it. The last step is repeated.
    """
    if past is not None and now < past.ended:
        return None
    bound = crossed(ceiling, counts)
    if bound is None:
        return None
    to = min(level(ceiling, past, now) + 1, len(ceiling.steps))
    return to, ceiling.steps[to - 1], bound


def stands(ceiling: Ceiling, before: Counts, after: Counts) -> bool:
    """Return whether a crossing stands after its hours were counted again. It falls where there
    are fewer events than there were (a complaint that was not ours) and too few by now; not where
    old counts were only put away."""
    if after.messages < before.messages or after.events >= before.events:
        return True
    return crossed(ceiling, after) is not None


# Reading -----------------------------------------------------------------------------------

_FIELDS: Final = {
    "id", "of", "by", "purposes", "ceiling", "least_messages", "least_events", "confidence",
    "days", "steps", "calm_days",
}  # fmt: skip


def ceilings_of(value: Sequence[Mapping[str, Any]]) -> tuple[Ceiling, ...]:
    """Return what a rulebook says. Raises ValueError, KeyError for what it may not say."""
    found = tuple(_read(one) for one in value)
    if len({one.id for one in found}) < len(found):
        raise ValueError("ceilings: an id stands twice")
    return found


def _read(value: Mapping[str, Any]) -> Ceiling:
    if set(value) != _FIELDS:
        raise KeyError(f"ceilings: {', '.join(sorted(set(value) ^ _FIELDS))}")
    for step in value["steps"]:
        if set(step) != {"effect", "hours"}:
            raise KeyError("ceilings: a step has an effect and hours")
    one = Ceiling(
        id=str(value["id"]),
        of=value["of"],
        by=tuple(value["by"]),
        purposes=frozenset(Purpose[name.upper()] for name in value["purposes"]),
        rate=float(value["ceiling"]),
        least_messages=int(value["least_messages"]),
        least_events=int(value["least_events"]),
        confidence=float(value["confidence"]),
        days=int(value["days"]),
        steps=tuple(Step(step["effect"], float(step["hours"])) for step in value["steps"]),
        calm_days=float(value["calm_days"]),
    )
    _check(one)
    return one


def _check(one: Ceiling) -> None:
    def must(so: bool, what: str) -> None:
        if not so:
            raise ValueError(f"ceilings: {one.id}: {what}")

    must(bool(one.id), "a name is needed")
    must(one.of in RATES, f"of is one of {', '.join(RATES)}")
    must(
        bool(one.by) and set(one.by) <= set(BY) and len(set(one.by)) == len(one.by),
        f"by is some of {', '.join(BY)}",
    )
    must(
        bool(one.purposes) and Purpose.SYSTEM not in one.purposes,
        "purposes are some of those of customers",
    )
    must(0 < one.rate < 1, "the ceiling is between 0 and 1")
    must(one.least_messages >= 1 and one.least_events >= 1, "least counts are 1 at least")
    must(0.5 <= one.confidence < 1, "confidence is 0.5 to 1")
    must(1 <= one.days <= _MOST_DAYS, f"days are 1 to {_MOST_DAYS}")
    must(bool(one.steps), "a step is needed")
    must(
        all(s.effect in EFFECTS and 1 <= s.hours <= _MOST_DAYS * 24 for s in one.steps),
        f"a step is {', '.join(EFFECTS)} for 1 to {_MOST_DAYS * 24} hours",
    )
    lengths = [(EFFECTS.index(step.effect), step.hours) for step in one.steps]
    must(
        all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(lengths)),
        "a later step is as grave and as long as the one before",
    )
    must(0 < one.calm_days <= _MOST_DAYS, f"calm_days are up to {_MOST_DAYS}")
