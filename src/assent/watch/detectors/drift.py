"""A port filed for codes, notices or members whose texts turn commercial."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower, rise
from assent.watch.cubes import Cut, View
from assent.watch.detectors.rates import Rate
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "drift"
SERVICE = Cut("port", frozenset({1, 2, 4}))
COMMERCIAL = Rate(("commercial",), ("submitted",))


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. What a text is the model says, which errs:
    compared is with the port's own texts of eight weeks, and with a share that errors do not
    reach."""
    numbers = rules.of(NAME)
    cube = view.cube(SERVICE)
    hits, of = COMMERCIAL.take(cube.now)
    past, past_of = COMMERCIAL.take(cube.past)
    low = lower(hits, of, numbers["alpha"], numbers["rate"])
    total, trials = past[:, :-1].sum(axis=1), past_of[:, :-1].sum(axis=1)
    usual = (total + 0.5) / (trials + 50.0)
    judged = rise(hits, of, past, past_of, cube.group, rules.yardstick(), numbers["rate"])
    turned = (
        (low >= numbers["rate"]) & (low >= numbers["ratio"] * usual)
        & (judged.times >= numbers["times"])
    )  # fmt: skip
    seen = (hits >= numbers["least"]) & turned
    # One odd day is no turn; and of a port without a history it is not known what is misread.
    week = COMMERCIAL.take(cube.week)
    lasts = (lower(*week, numbers["alpha"], numbers["rate"]) >= numbers["rate"]) & (
        of < week[1] / 2.0
    )
    turn = lasts | (low >= numbers["clear"])
    severity = np.where(turn & (judged.old > 0), 2.0, 1.0) + (low >= numbers["grave"])
    severity = np.where(seen, severity, 0.0)
    score = low / np.maximum(usual, 0.01)
    return found(
        NAME, view, cube, severity, score, commercial=hits, of=of, at_least=low, usual=usual
    )
