"""Answers that cease: people who agreed and are customers answer, those on a bought list do not.

Only senders whose receivers used to answer can be told this way.
"""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import in_common, logit, lower, upper
from assent.watch.cubes import Cut, View
from assent.watch.finding import Finding, found
from assent.watch.rules import Rules

NAME = "replies"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    numbers = rules.of(NAME)
    cube = view.cube(Cut("pair"))
    now, of = cube.week("replied"), cube.week("delivered")
    before = slice(None, -6)
    past, past_of = cube.past("replied")[:, before], cube.past("delivered")[:, before]
    total, trials = past.sum(axis=1), past_of.sum(axis=1)
    usual = lower(total, trials, numbers["alpha"])
    most = upper(now, of, numbers["alpha"])
    told = (of >= numbers["least"]) & (trials >= numbers["least"])
    fall = np.where(told, logit(usual) - logit((now + 0.5) / (of + 1.0)), np.nan)
    shift = in_common(fall, cube.group, int(numbers["peers"]))
    expected = 1.0 / (1.0 + np.exp(-(logit(usual) - shift)))
    ratio = expected / np.maximum(most, 1e-9)
    days = ((past > 0).sum(axis=1) >= numbers["days"]) & told
    seen = days & (expected * of >= numbers["expected"]) & (ratio >= numbers["ratio"])
    return found(
        NAME, view, cube, np.where(seen, 1.0, 0.0), ratio, replies=now, of=of, at_most=most,
        usual=usual,
    )  # fmt: skip
