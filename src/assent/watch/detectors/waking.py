"""A port that was silent for weeks sends again: sold, lent or broken into. Alone worth knowing;
with offers on a port that is for none, somebody should look."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import DAYS, Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "waking"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("port"))
    now, past = cube.now("submitted"), cube.past("submitted")
    silent = np.where(past > 0, np.arange(DAYS), -1).max(axis=1)
    quiet = DAYS - 1 - silent
    born = np.array([view.parties.born.get(int(key), view.hour) for key in cube.keys])
    age = (view.hour - np.maximum(born, view.parties.since)) / 24.0
    quiet = np.minimum(quiet, age)  # of what was before, nothing is known
    seen = (now >= numbers["least"]) & (quiet >= numbers["days"])
    service = np.isin(cube.keys, view.cube(Cut("port", frozenset({1, 2, 4}))).keys)
    low = lower(cube.now("commercial"), now, numbers["alpha"], numbers["rate"])
    severity = np.where(seen, np.where(service & (low >= numbers["rate"]), 2.0, 1.0), 0.0)
    return found(
        NAME, view, cube, severity, quiet / numbers["days"], messages=now,
        silent_days=quiet.astype(float), commercial_at_least=low,
    )  # fmt: skip
