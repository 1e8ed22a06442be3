"""Most people written to are new to the sender. A new shop has that, too: alone worth knowing."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "strangers"
COMMERCIAL = frozenset({2, 3})
"""Notices and marketing: codes go to new people by nature, members are invited."""


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("pair", COMMERCIAL))
    new, of = cube.now("strangers"), cube.now("written")
    past, past_of = cube.past("strangers"), cube.past("written")
    share = lower(new, of, numbers["alpha"], numbers["share"])
    days = (past_of > 0).sum(axis=1)
    # The first days of a sender are all new people.
    settled = days >= numbers["days"]
    recent = past[:, -28:].sum(axis=1), past_of[:, -28:].sum(axis=1)
    usual = (recent[0] + 1.0) / (recent[1] + 1.0 / numbers["share"])
    most = past[:, -28:].max(axis=1)
    ratio = new / np.maximum(most, 1.0)
    seen = (
        settled & (new >= numbers["least"]) & (share >= numbers["share"])
        & (share >= numbers["ratio"] * usual) & (ratio >= numbers["ratio"])
    )  # fmt: skip
    return found(
        NAME, view, cube, np.where(seen, 1.0, 0.0), ratio, strangers=new, of=of, at_least=share,
        usual=np.minimum(usual, 1.0), greatest_day=most,
    )  # fmt: skip
