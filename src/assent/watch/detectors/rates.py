"""Rates that rise against a sender's own days and its peers: what several detectors share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from assent.watch.bounds import Rise, rise
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.records import Floats
from assent.watch.rules import Rules

PAIR = Cut("pair")
_WINDOWS = ((1, None), (7, -6))
"""Days looked at, and which of the days before are then no past."""


@dataclass(frozen=True, slots=True)
class Rate:
    """How many of what. `hits` among `of` (added up), or those of `of` that are no `hits`."""

    hits: tuple[str, ...]
    of: tuple[str, ...]
    lacking: bool = False

    def take(self, counts: Callable[[str], Floats]) -> tuple[Floats, Floats]:
        """Return hits and trials, out of a cube's window, week or past."""
        hits = _sum(counts, self.hits)
        of = _sum(counts, self.of)
        return (np.maximum(of - hits, 0.0) if self.lacking else np.minimum(hits, of)), of


def risen(name: str, view: View, rules: Rules, rate: Rate, cut: Cut = PAIR) -> list[Finding]:
    """Return whose rate rose, with the severity that the detector's numbers give: one more from
    `grave` on, one less for who has no history and is compared with peers alone. Looked at are a
    day and a week, so that few messages a day add up."""
    numbers = rules.of(name)
    cube = view.cube(cut)
    past_hits, past_of = rate.take(cube.past)
    severity, figures = np.zeros(len(cube.keys)), dict[str, Floats]()
    score = np.full(len(cube.keys), -np.inf)
    for days, end in _WINDOWS:
        hits, of = rate.take(cube.now if days == 1 else cube.week)
        before = slice(None, end)
        judged = rise(
            hits,
            of,
            past_hits[:, before],
            past_of[:, before],
            cube.group,
            rules.yardstick(),
            numbers["rate"],
        )
        graver = _severity(judged, hits, of, numbers)
        other = (graver > severity) | ((graver == severity) & (judged.times > score))
        told = {
            "hits": hits, "of": of, "at_least": judged.low, "usual": judged.base,
            "deviations": judged.times, "days": np.full(len(of), float(days)),
        }  # fmt: skip
        figures = {one: np.where(other, told[one], figures.get(one, told[one])) for one in told}
        severity, score = np.where(other, graver, severity), np.where(other, judged.times, score)
    return found(name, view, cube, severity, score, **figures)


def _severity(judged: Rise, hits: Floats, of: Floats, numbers: Mapping[str, float]) -> Floats:
    seen = (
        (of >= numbers["least"]) & (hits >= numbers["hits"]) & (judged.low >= numbers["rate"])
        & (judged.low >= numbers["ratio"] * judged.base) & (judged.times >= numbers["times"])
    )  # fmt: skip
    old = judged.old > 0
    graded = numbers["severity"] + (judged.low >= numbers["grave"]) - np.where(old, 0.0, 1.0)
    return np.where(seen, np.maximum(graded, 1.0), 0.0)


def _sum(counts: Callable[[str], Floats], names: tuple[str, ...]) -> Floats:
    total = counts(names[0])
    for name in names[1:]:
        total = total + counts(name)
    return total
