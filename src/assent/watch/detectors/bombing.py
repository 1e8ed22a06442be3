"""Codes that press on the same people: to who just had many, or many senders' (see
:mod:`assent.watch.pressing`), or held back because they had too many already."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "bombing"
CODES = Cut("pair", frozenset({1}))


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(CODES)
    pressed, capped = cube.now("pressed"), cube.now("capped")
    hits, of = pressed + capped, np.maximum(cube.now("ordered"), cube.now("written") + capped)
    low = lower(hits, of, numbers["alpha"], numbers["rate"])
    seen = (hits >= numbers["least"]) & (low >= numbers["rate"])
    grave = (hits >= numbers["grave_least"]) & (low >= numbers["grave"])
    severity = np.where(seen, np.where(grave, 3.0, 2.0), 0.0)
    return found(
        NAME, view, cube, severity, low / numbers["rate"], pressed=pressed, held_back=capped,
        of=of, at_least=low,
    )  # fmt: skip
