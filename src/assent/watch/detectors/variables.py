"""Values of a template that say what the template does not: links, contacts, sentences."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import View
from assent.watch.detectors.drift import SERVICE
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "variables"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. Compared with the port's own values of eight
    weeks: a courier's links to its own tracking page are what its template was approved for."""
    numbers = rules.of(NAME)
    cube = view.cube(SERVICE)
    hits, of = cube.now("carrying"), cube.now("valued")
    low = lower(hits, of, numbers["alpha"], numbers["rate"])
    past = cube.past("carrying")[:, :-1].sum(axis=1), cube.past("valued")[:, :-1].sum(axis=1)
    usual = (past[0] + 0.5) / (past[1] + 50.0)
    settled = past[1] >= numbers["history"]
    seen = (hits >= numbers["least"]) & (low >= numbers["rate"]) & (low >= numbers["ratio"] * usual)
    week = cube.week("carrying"), cube.week("valued")
    lasts = lower(*week, numbers["alpha"], numbers["rate"]) >= numbers["rate"]
    lasts &= of < week[1] / 2.0
    clear = settled & (lasts | (low >= numbers["clear"]))
    severity = np.where(seen, np.where(clear, 2.0, 1.0), 0.0)
    score = low / np.maximum(usual, 0.01)
    return found(NAME, view, cube, severity, score, carrying=hits, of=of, at_least=low, usual=usual)
