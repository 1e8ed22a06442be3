"""More in a day than a sender ever sent, beyond what its industry grew.

Compared are logarithms of days on which it sent at all: with the median of the same weekdays,
in units of the sender's own median deviation, and with its greatest day, so that a campaign like
earlier ones is nothing. More than usual is no offence: alone it is worth knowing, no more.
"""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import in_common, median, spread
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "volume"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("pair"))
    now, past = cube.now("submitted"), cube.past("submitted")
    logs = np.where(past > 0, np.log1p(past), np.nan)
    active = (past > 0).sum(axis=1)
    usual = np.fmax(median(logs[:, cube.alike]), median(logs))
    wide = np.maximum(np.nan_to_num(spread(logs)), numbers["floor"])
    grown = np.where(active >= numbers["days"], np.log1p(now) - np.nan_to_num(usual), np.nan)
    grown = np.where((now > 0) & (past[:, -14:].sum(axis=1) > 0), grown, np.nan)
    shift = in_common(grown, cube.group, int(numbers["peers"]))
    times = np.nan_to_num(grown - shift, nan=-np.inf) / wide
    most = past.max(axis=1) if past.shape[1] else np.zeros(len(past))
    ratio = now / np.maximum(most * np.exp(shift), 1.0)
    seen = (
        (active >= numbers["days"]) & (now >= numbers["least"])
        & (ratio >= numbers["ratio"]) & (times >= numbers["times"])
    )  # fmt: skip
    severity = np.where(seen, 1.0, 0.0)
    return found(
        NAME, view, cube, severity, ratio, messages=now, greatest_day=most, ratio=ratio,
        deviations=np.where(np.isfinite(times), times, 0.0), active_days=active.astype(float),
    )  # fmt: skip
