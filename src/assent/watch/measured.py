"""How right and how quick detectors are, on worlds that are made up
(:mod:`assent.watch.simulated`).

An alarm is an episode: findings of one detector about one subject that are at most three days apart
(:data:`assent.flow.alarms.QUIET_S`). It is right when it is about a villain that has begun.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from assent.flow.alarms import QUIET_S
from assent.watch import detectors
from assent.watch.bounds import lower, upper
from assent.watch.cubes import Cubes
from assent.watch.finding import Finding
from assent.watch.records import ZONE_HOURS
from assent.watch.rules import Rules
from assent.watch.simulated import KINDS, World

_QUIET_HOURS: Final = int(QUIET_S // 3600)
_SIDE: Final = 0.025
"""On each side of an interval of 95 %."""


@dataclass
class Tally:
    """What came out of some worlds."""

    honest: int = 0
    wrong: dict[int, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    alarms: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    grave: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    days: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    own_days: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(
    worlds: Iterable[tuple[int, World]], rules: Rules, step: int = 6, after: int = 1
) -> dict[str, Any]:
    """Run the detectors over worlds (with their seeds), every `step` hours from the end of day
    `after` on; return figures as plain numbers."""
    tally = Tally()
    for seed, world in worlds:
        _note(tally, seed, world, rules, range(after * 24 - 1, _length(world), step))
    return _figures(tally)


def _length(world: World) -> int:
    return int(world.records.hour[-1] - world.records.hour[0]) + 24


def _note(tally: Tally, seed: int, world: World, rules: Rules, looks: range) -> None:
    cubes = Cubes(world.records, world.parties)
    first = int(world.records.hour[0]) // 24 * 24 - ZONE_HOURS
    seen: dict[tuple[str, int], int] = {}
    found: dict[int, dict[str, float]] = defaultdict(dict)
    open_: dict[tuple[str, int], list[int]] = {}
    tally.honest += len(world.honest)
    for hour in (first + one for one in looks):
        for one in detectors.look(cubes.view(hour), rules):
            key = one.detector, one.sender
            if hour - seen.get(key, -(10**9)) > _QUIET_HOURS:
                _close(tally, world, key, open_.pop(key, None))
                open_[key] = [hour, one.severity]
            seen[key] = hour
            open_[key][1] = max(open_[key][1], one.severity)
            _judge(tally, seed, world, one, hour, found)
    for key, alarm in open_.items():
        _close(tally, world, key, alarm)
    for villain, kind in world.villains.items():
        own = KINDS[kind][1]
        tally.days[kind].append(found[villain].get("2", np.inf))
        tally.own_days[kind].append(found[villain].get(own, np.inf))


def _judge(
    tally: Tally, seed: int, world: World, one: Finding, hour: int,
    found: dict[int, dict[str, float]],
) -> None:  # fmt: skip
    if one.sender not in world.villains:
        tally.wrong[one.severity].add((seed, one.sender))
        return
    days = (hour - world.begins[one.sender]) / 24.0
    if days >= 0:
        found[one.sender].setdefault(one.detector, days)
        if one.severity >= 2:
            found[one.sender].setdefault("2", days)


def _close(tally: Tally, world: World, key: tuple[str, int], alarm: list[int] | None) -> None:
    if alarm is None:
        return
    detector, sender = key
    hour, severity = alarm
    # It may have begun before the villain did and gone on: then it was wrong.
    right = sender in world.villains and hour >= world.begins[sender]
    tally.alarms[detector].append(right)
    if severity >= 2:
        tally.grave[detector].append(right)


def _figures(tally: Tally) -> dict[str, Any]:
    kinds = {
        kind: _kind(detector, tally.days[kind], tally.own_days[kind])
        for kind, (_, detector) in KINDS.items() if tally.days[kind]
    }  # fmt: skip
    told = {
        name: {**_share(right), "grave": _share(tally.grave[name])}
        for name, right in sorted(tally.alarms.items())
    }
    wrong = tally.wrong[2] | tally.wrong[3]
    any_ = wrong | tally.wrong[1]
    honest: Mapping[str, Any] = {
        "senders": tally.honest,
        "grave": _interval(len(wrong), tally.honest),
        "gravest": _interval(len(tally.wrong[3]), tally.honest),
        "any": _interval(len(any_), tally.honest),
    }
    return {"villains": kinds, "detectors": told, "honest": honest}


def _kind(detector: str, days: list[float], own: list[float]) -> dict[str, Any]:
    reached = np.array([one for one in days if np.isfinite(one)])
    middle = late = None
    if len(reached):
        middle, late = np.percentile(reached, [50, 90]).round(2).tolist()
    return {
        "detector": detector,
        "found": _interval(len(reached), len(days)),
        "by_own_detector": _interval(sum(map(bool, np.isfinite(own))), len(own)),
        "median_days": middle,
        "late_days": late,
    }


def _share(right: list[bool]) -> dict[str, Any]:
    return {"alarms": len(right), "precision": _interval(sum(right), len(right))}


def _interval(hits: int, of: int) -> dict[str, Any]:
    """Return a rate with its interval of 95 % (Clopper and Pearson)."""
    if not of:
        return {"hits": 0, "of": 0, "rate": None, "low": 0.0, "high": 1.0}
    some, all_ = np.array([float(hits)]), np.array([float(of)])
    return {
        "hits": hits, "of": of, "rate": round(hits / of, 5),
        "low": round(float(lower(some, all_, _SIDE)[0]), 5),
        "high": round(float(upper(some, all_, _SIDE)[0]), 5),
    }  # fmt: skip
