"""Codes that nobody uses: other texts that go as codes, because codes need no consent.

Told from what the platform sees by itself: a person asks for a code alone, and some ask again
within minutes; what goes out as codes to many at once, each once, was asked for by nobody. Where a
customer reports which codes were used, few used codes are a sign of their own. Its word that all
were used takes nothing away: who launders would say so.
"""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import by_group, lower, upper
from assent.watch.cubes import View
from assent.watch.detectors.bombing import CODES
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "uncompleted"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(CODES)
    of, alpha = cube.now("written"), numbers["alpha"]
    bulk = lower(cube.now("bulk"), of, alpha, numbers["bulk"])
    sums = cube.past("again").sum(axis=1), cube.past("written").sum(axis=1)
    rate = np.where(sums[1] >= numbers["least"], sums[0] / np.maximum(sums[1], 1.0), np.nan)
    peers = by_group(rate, cube.group, int(numbers["peers"]))
    again = upper(cube.now("again"), of, alpha, float(peers.max(initial=0.0)))
    nobody_again = again <= numbers["again"] * peers
    week, asked = cube.week("completed"), cube.week("written")
    used = upper(week, asked, alpha, numbers["completed"])
    reports = cube.past("completed").sum(axis=1) + cube.now("completed") > 0
    unused = reports & (asked >= numbers["least"]) & (used <= numbers["completed"])
    together = bulk >= numbers["bulk"]
    signs = together.astype(float) + nobody_again + unused + (bulk >= numbers["grave"])
    # One sign may be how a customer's software orders; more have no other explanation.
    severity = np.where(of >= numbers["least"], np.minimum(signs, 3.0), 0.0)
    return found(
        NAME, view, cube, severity, signs + bulk, codes=of, together_at_least=bulk,
        again_at_most=again, peers_again=peers, used_at_most=used, reports=reports.astype(float),
    )  # fmt: skip
