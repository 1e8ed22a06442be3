"""Orders that go on naming people who refused: somebody who does not keep refusals."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import by_group, lower
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "barred"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. The platform tells customers who refused; whoever
    orders for them all the same, day by day, does so knowingly."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("pair"))
    hits, of = cube.week("barred"), cube.week("ordered")
    low = lower(hits, of, numbers["alpha"], numbers["rate"])
    rate = np.where(of >= numbers["least"], hits / np.maximum(of, 1.0), np.nan)
    peers = by_group(rate, cube.group, int(numbers["peers"]))
    least = numbers["rate"]
    past = cube.past("barred")[:, -6:] > least * cube.past("ordered")[:, -6:]
    days = past.sum(axis=1) + (cube.now("barred") > least * cube.now("ordered"))
    seen = (
        (of >= numbers["least"]) & (low >= numbers["rate"]) & (low >= numbers["ratio"] * peers)
        & (days >= numbers["days"])
    )  # fmt: skip
    severity = np.where(seen, np.where(low >= numbers["grave"], 2.0, 1.0), 0.0)
    return found(
        NAME, view, cube, severity, low / np.maximum(peers, numbers["rate"] / 10),
        refused_people=hits, of=of, at_least=low, peers=peers, days=days.astype(float),
    )  # fmt: skip
