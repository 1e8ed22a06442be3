"""Numbers that follow each other: a list that was generated, not collected.

The sender's own members may have numbers in a row (an organisation's contract with a carrier), so
texts to members are left out.
"""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "sequences"
_OUTSIDE = frozenset({1, 2, 3})


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("pair", _OUTSIDE))
    hits, of = cube.now("beside"), cube.now("looked")
    low = lower(hits, of, numbers["alpha"], numbers["rate"])
    seen = (of >= numbers["least"]) & (low >= numbers["rate"])
    severity = np.where(seen, np.where(low >= numbers["grave"], 3.0, 1.0), 0.0)
    score = low / numbers["rate"]
    return found(NAME, view, cube, severity, score, beside=hits, of=of, at_least=low)
