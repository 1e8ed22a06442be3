"""Texts of kinds that the sender did not send before: an account that was lent, or a trade that was
hidden. Kinds that need a licence, or that nobody may send, weigh more (:attr:`Parties.grave`)."""

from __future__ import annotations

import numpy as np

from assent.watch.bounds import lower
from assent.watch.cubes import View, pair
from assent.watch.finding import Finding, figure
from assent.watch.records import NO_CATEGORY, Ints, Records
from assent.watch.rules import Rules

NAME = "mix"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. The score is the distance of the two mixes: the
    share of messages that would have to be of another kind."""
    numbers = rules.of(NAME)
    now, past = view.window(), view.before()
    keys = np.unique(_keys(now))
    width = int(max((int(part.category.max(initial=0)) for part in (now, past)), default=0)) + 1
    here, there = _table(now, keys, width), _table(past, keys, width)
    made = []
    for place in np.flatnonzero(
        (here.sum(axis=1) >= numbers["least"]) & (there.sum(axis=1) >= numbers["history"])
    ).tolist():
        share, usual = here[place] / here[place].sum(), there[place] / there[place].sum()
        distance = float(np.abs(share - usual).sum() / 2.0)
        new = share - numbers["ratio"] * usual
        top = int(np.argmax(new))
        low = float(
            lower(
                here[place, [top]].astype(float),
                here[place].sum()[None].astype(float),
                numbers["alpha"],
            )[0]
        )
        if distance < numbers["distance"] or low < numbers["share"] or new[top] <= 0:
            continue
        severity = 2 if top in view.parties.grave and usual[top] <= numbers["never"] else 1
        evidence = {
            "hour": view.hour, "distance": figure(distance), "category": view.parties.category(top),
            "messages": figure(float(here[place].sum())), "share_at_least": figure(low),
            "usual_share": figure(float(usual[top])),
        }  # fmt: skip
        key = int(keys[place])
        made.append(
            Finding(NAME, severity, round(distance, 3), evidence, key >> 32, key & 0xFFFF_FFFF)
        )
    return made


def _keys(rows: Records) -> Ints:
    told = rows.category != NO_CATEGORY
    return np.asarray(pair(rows.sender[told], rows.account[told]))


def _table(rows: Records, keys: Ints, width: int) -> Ints:
    """Return messages by key and category."""
    told = rows.category != NO_CATEGORY
    counts = rows.counts.get("submitted")
    if counts is None or not len(keys):
        return np.zeros((len(keys), width), np.int64)
    own = _keys(rows)
    place = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
    mine = keys[place] == own
    flat = place[mine] * width + rows.category[told][mine]
    size = len(keys) * width
    made = np.bincount(flat, counts[told][mine], minlength=size)
    return made.reshape(len(keys), width).astype(np.int64)
