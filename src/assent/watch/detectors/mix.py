"""Texts of kinds that the sender did not send before: an account that was lent, or a trade that was
hidden. Kinds that need a licence, or that nobody may send, weigh more (:attr:`Parties.grave`)."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import DAYS, KIND_BITS, Cube, Cut, View
from assent.watch.finding import Finding, figure
from assent.watch.records import Floats
from assent.watch.rules import Rules

NAME = "mix"
KINDS = Cut("kind")


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. The score is the distance of the two mixes: the
    share of messages that would have to be of another kind."""
    made = {one.key: one for days in (7, 1) for one in _over(view, rules, days)}
    return [made[key] for key in sorted(made)]


def _over(view: View, rules: Rules, days: int) -> list[Finding]:
    numbers = rules.of(NAME)
    cube = view.cube(KINDS)
    keys = cube.whole.pairs
    if not len(cube.keys):
        return []
    past = cube.past("submitted")
    here = _table(cube, cube.now("submitted") if days == 1 else cube.week("submitted"))
    there = _table(cube, past[:, : DAYS - days + 1].sum(axis=1))
    enough = (here.sum(axis=1) >= numbers["least"]) & (there.sum(axis=1) >= numbers["history"])
    share = here / np.maximum(here.sum(axis=1), 1.0)[:, None]
    usual = there / np.maximum(there.sum(axis=1), 1.0)[:, None]
    distance = np.abs(share - usual).sum(axis=1) / 2.0
    new = share - numbers["ratio"] * usual
    top = new.argmax(axis=1)
    rows = np.arange(len(keys))
    low = lower(here[rows, top], here.sum(axis=1), numbers["alpha"])
    seen = enough & (low >= numbers["share"]) & (new[rows, top] > 0)
    # Kinds that need a licence weigh more: a fifth of the messages is enough.
    grave = np.isin(top, sorted(view.parties.grave)) & (usual[rows, top] <= numbers["never"])
    seen &= grave | (distance >= numbers["distance"])
    made = []
    for place in np.flatnonzero(seen).tolist():
        evidence = {
            "hour": view.hour, "days": days, "distance": figure(float(distance[place])),
            "category": view.parties.category(int(top[place])),
            "messages": figure(float(here[place].sum())),
            "share_at_least": figure(float(low[place])),
            "usual_share": figure(float(usual[place, top[place]])),
        }  # fmt: skip
        key, severity = int(keys[place]), 2 if grave[place] else 1
        score = round(float(distance[place]), 3)
        made.append(Finding(NAME, severity, score, evidence, key >> 32, key & 0xFFFF_FFFF))
    return made


def _table(cube: Cube, counts: Floats) -> Floats:
    """Return messages by pair and category."""
    kind = cube.keys & (1 << KIND_BITS) - 1
    made = np.zeros((len(cube.whole.pairs), int(kind.max()) + 1))
    made[cube.keys >> KIND_BITS, kind] = counts
    return made
