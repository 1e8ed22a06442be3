"""Hours of senders that are made up: honest ones of every kind, and villains that begin one day.

For measuring detectors, not the platform: what is made is :class:`Records`, as counts of an hour
would be. Honest senders send in bursts, grow, rest at weekends, win new customers on one day, have
bad weeks; whole industries have their season, and a carrier its outage. How strong a villain is, is
drawn for each from a file (`data/warning-villains.json`) that says between what and what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from assent.watch.cubes import Parties
from assent.watch.records import Floats, Records

VILLAINS: Final = Path(__file__).parents[1] / "data" / "warning-villains.json"
FIRST_HOUR: Final = 24 * 20_454 - 8  # midnight in China, a Saturday
SLOTS: Final = (8, 10, 12, 15, 18, 20)
"""Hours of the day in which something is counted."""
_PROFILE: Final = np.array([0.1, 0.25, 0.15, 0.2, 0.2, 0.1])
_INDUSTRIES: Final = ("bank", "retail", "courier", "school", "app", "clinic", "public", "travel")
CODE, NOTICE, MARKETING, INTERNAL = 1, 2, 3, 4
_PURPOSES: Final = np.array([CODE, NOTICE, MARKETING, INTERNAL])
_Strengths = dict[str, dict[str, tuple[float, float]]]
RETAIL, LOAN = 0, 1
"""Categories of the simulation."""

KINDS: Final[Mapping[str, tuple[int, str]]] = {
    "bought": (MARKETING, "several"),
    "generated": (MARKETING, "sequences"),
    "bomber": (CODE, "bombing"),
    "launderer": (CODE, "uncompleted"),
    "drifter": (INTERNAL, "drift"),
    "waker": (NOTICE, "waking"),
    "carrier_of_adverts": (NOTICE, "variables"),
    "deaf": (MARKETING, "barred"),
    "surger": (MARKETING, "volume"),
    "trader": (MARKETING, "mix"),
    "blocked": (MARKETING, "delivery"),
    "silent": (MARKETING, "replies"),
}
"""Kinds of villains: the purpose of their port, and the detector that is made for them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is made. `each`: villains of a kind. `earliest`: the first day on which one
    begins."""

    honest: int = 1_000
    days: int = 91
    each: int = 4
    villains: Path = VILLAINS
    earliest: int = 24


@dataclass(frozen=True)
class World:
    """What was made. Senders, accounts and ports have the same ids, from 1. `begins`: the first
    hour of each villain's doing."""

    records: Records
    parties: Parties
    honest: tuple[int, ...]
    villains: Mapping[int, str]
    begins: Mapping[int, int]


@dataclass
class _Draft:
    """Rates of each sender and day, [senders, days]."""

    purpose: NDArray[np.int64]
    volume: Floats
    rates: dict[str, Floats] = field(default_factory=dict)
    loan: Floats = field(default_factory=lambda: np.zeros((0, 0)))


def world(seed: int, plan: Plan | None = None) -> World:
    """Make senders. The same seed and plan make the same."""
    plan = plan or Plan()
    rng = np.random.default_rng(seed)
    kinds = [kind for kind in KINDS for _ in range(plan.each)]
    size = plan.honest + len(kinds)
    purpose = rng.choice(_PURPOSES, size, p=[0.25, 0.35, 0.35, 0.05])
    purpose[plan.honest :] = [KINDS[kind][0] for kind in kinds]
    industry = rng.integers(0, len(_INDUSTRIES), size)
    draft = _Draft(purpose, _volume(rng, purpose, industry, plan.days))
    _habits(rng, draft, plan.days)
    strengths = msgspec.json.decode(plan.villains.read_bytes(), type=_Strengths)
    starts = {}
    for place, kind in enumerate(kinds, plan.honest):
        last = plan.days - 6
        day = int(rng.integers(min(max(50 * (kind == "waker"), plan.earliest), last), last + 1))
        starts[place + 1] = FIRST_HOUR + 24 * day
        drawn = {
            name: float(rng.uniform(low, high)) for name, (low, high) in strengths[kind].items()
        }
        _turn(draft, place, kind, day, drawn)
    ids = range(1, size + 1)
    # A port is filed some weeks at most before it is first used.
    used = (draft.volume > 0).argmax(axis=1)
    age = np.where(used > 20, rng.integers(1, 30, size), rng.integers(30, 900, size))
    born = (used - age) * 24 + FIRST_HOUR
    parties = Parties(
        {one: _INDUSTRIES[int(industry[one - 1])] for one in ids},
        {one: one for one in ids},
        {one: int(born[one - 1]) for one in ids},
        frozenset({LOAN}), ("retail", "loan"),
        FIRST_HOUR,
    )  # fmt: skip
    villains = {place + 1: kind for place, kind in enumerate(kinds, plan.honest)}
    honest = tuple(range(1, plan.honest + 1))
    return World(_records(rng, draft), parties, honest, villains, starts)


def _volume(
    rng: np.random.Generator, purpose: NDArray[np.int64], industry: NDArray[np.int64], days: int
) -> Floats:
    """Return messages a day: a level, a week, a trend, seasons of industries, bursts."""
    size = len(purpose)
    level = np.exp(rng.normal(6.5, 1.4, size))[:, None]
    weekday = (np.arange(days) + 5) % 7
    rest = rng.choice([0.02, 0.3, 1.0, 1.4], size, p=[0.2, 0.3, 0.4, 0.1])[:, None]
    week = np.where(weekday >= 5, rest, 1.0)
    trend = np.exp(rng.normal(0, 0.004, size)[:, None] * np.arange(days))
    noise = np.exp(rng.normal(0, 1, (size, days)) * rng.uniform(0.1, 0.5, size)[:, None])
    season = np.ones((len(_INDUSTRIES), days))
    for one in range(len(_INDUSTRIES)):
        for _ in range(int(rng.integers(0, 3))):
            at, long = int(rng.integers(0, days)), int(rng.integers(1, 10))
            season[one, at : at + long] *= rng.uniform(1.5, 6.0)
    volume = level * week * trend * noise * season[industry]
    # Marketing comes in bursts: on some days of a month, a much larger lot.
    burst = rng.random((size, days)) < rng.uniform(0.1, 0.6, size)[:, None]
    lot = 4.0 * level * np.exp(rng.normal(0, 0.6, (size, days))) * season[industry]
    volume = np.where((purpose == MARKETING)[:, None], np.where(burst, lot, 0.0), volume)
    # Some begin late, some pause for weeks.
    begins = np.where(rng.random(size) < 0.15, rng.integers(0, days, size), 0)[:, None]
    volume = np.where(np.arange(days) < begins, 0.0, volume)
    pause = rng.integers(0, days, size)[:, None] + np.zeros(days)
    paused = (rng.random(size) < 0.05)[:, None] & (np.arange(days) >= pause)
    volume[paused & (np.arange(days) < pause + 20)] = 0.0
    most: Floats = np.minimum(volume, 200_000.0)
    return most


def _habits(rng: np.random.Generator, draft: _Draft, days: int) -> None:  # long: a line a rate
    """Draw honest rates: a usual one a sender, which wanders from day to day, and bad days."""
    size = len(draft.purpose)
    marketing = (draft.purpose == MARKETING)[:, None]
    codes = (draft.purpose == CODE)[:, None]

    def rate(low: float, high: float, wander: float) -> Floats:
        usual = np.exp(rng.uniform(np.log(low), np.log(high), size))[:, None]
        own = rng.uniform(0.3, 1.0, size)[:, None] * wander
        rates: Floats = usual * np.exp(rng.normal(0, 1, (size, days)) * own)
        return np.clip(rates, 0.0, 0.95)

    failed = rate(0.01, 0.06, 0.3)
    for _ in range(int(rng.integers(1, 4))):  # outages of a carrier, for everybody
        failed[:, int(rng.integers(0, days))] += rng.uniform(0.05, 0.25)
    # A stale file now and then: one sender, some days.
    stale = rng.random((size, days)) < 0.001
    failed = np.where(stale, failed * rng.uniform(1.5, 3.0, (size, days)), failed)
    strangers = np.where(codes, rate(0.2, 0.7, 0.2), rate(0.005, 0.08, 0.5))
    shop = rng.random((size, days)) < 0.002  # a new shop, a list of a partner with consent
    strangers = np.where(shop, rng.uniform(0.2, 0.9, (size, days)), strangers)
    draft.rates = {
        "failed": np.clip(failed, 0, 0.95),
        "refused": np.where(marketing, rate(0.0005, 0.003, 0.5), rate(0.00001, 0.0002, 0.3)),
        "commercial": np.where(marketing, 0.97, rate(0.0005, 0.06, 0.6)),
        "nowhere": rate(0.0005, 0.01, 0.5),
        "barred": np.where(marketing, rate(0.0005, 0.012, 0.3), 0.0),
        "strangers": strangers,
        "beside": rate(0.002, 0.08, 0.5),
        "again": np.where(codes, rate(0.03, 0.15, 0.2), 0.0),
        "bulk": np.where(codes, rate(0.0005, 0.02, 0.5), 0.0),
        "pressed": np.where(codes, rate(0.0002, 0.01, 0.6), 0.0),
        "capped": np.where(codes, rate(0.0002, 0.01, 0.6), 0.0),
        "carrying": rate(0.001, 0.08, 0.4),
        "replied": np.where(marketing, rate(0.001, 0.03, 0.3), rate(0.0001, 0.003, 0.3)),
    }  # fmt: skip
    draft.loan = np.full((size, days), 0.001)


def _turn(draft: _Draft, place: int, kind: str, day: int, drawn: Mapping[str, float]) -> None:
    """Have a sender do wrong from a day on."""
    after = np.s_[place, day:]
    if kind == "waker":
        draft.volume[place, max(day - 47, 1) :] = 0.0
        draft.volume[place, : max(day - 47, 1)] = np.maximum(
            draft.volume[place, : max(day - 47, 1)], 50.0
        )
    if "volume" in drawn:
        draft.volume[after] = drawn["volume"]
    if kind == "surger":
        most = draft.volume[place, :day].max(initial=500.0)
        draft.volume[after] = np.maximum(most * drawn["times"], 1_500.0)
    elif kind == "silent":
        draft.rates["replied"][after] *= drawn["replies"]
    elif kind == "trader":
        draft.loan[after] = drawn["share"]
    if kind == "launderer":
        draft.rates["again"][after] = 0.0005
        draft.rates["strangers"][after] = 0.97
    for name, value in drawn.items():
        if name in draft.rates:
            draft.rates[name][after] = value
    # Who does wrong does so in numbers that matter.
    draft.volume[after] = np.maximum(draft.volume[after], 200.0)


def _records(rng: np.random.Generator, draft: _Draft) -> Records:
    means = draft.volume[:, :, None] * _PROFILE
    sent = rng.poisson(means).astype(np.int64)
    rows = np.nonzero(sent)
    n, of_day = sent[rows], rows[:2]
    counts = {"written": n, "submitted": n, "ordered": n.copy(), "looked": n, "valued": n}
    for name, rates in draft.rates.items():
        counts[name] = rng.binomial(n, np.clip(rates[of_day], 0.0, 1.0))
    marketing = draft.purpose[rows[0]] == MARKETING
    counts["looked"] = np.where(n >= 50, n, 0)
    counts["beside"] = np.where(n >= 50, counts["beside"], 0)
    counts["valued"] = np.where(marketing, 0, n)
    counts["carrying"] = np.where(marketing, 0, counts["carrying"])
    counts["ordered"] = n + counts["nowhere"] + counts["barred"] + counts["capped"]
    counts["delivered"] = n - counts["failed"]
    ids = rows[0] + 1
    hour = FIRST_HOUR + 24 * rows[1] + np.array(SLOTS)[rows[2]]
    loans = rng.binomial(n, draft.loan[of_day])
    keys = {"hour": hour, "sender": ids, "account": ids, "port": ids}
    keys |= {"purpose": draft.purpose[rows[0]], "category": np.full(len(n), RETAIL)}
    some = loans > 0
    other = {name: np.zeros(int(some.sum()), np.int64) for name in counts}
    other["submitted"] = loans[some]
    counts["submitted"] = n - loans
    more = {name: values[some] for name, values in keys.items()} | {
        "category": np.full(int(some.sum()), LOAN)
    }
    return Records.of(keys, counts).joined(Records.of(more, other))
