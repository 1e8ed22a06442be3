"""Refusals that rise: people who did not ask for what they get."""

from __future__ import annotations

from assent.watch.cubes import View
from assent.watch.detectors.rates import Rate, risen
from assent.watch.finding import Finding
from assent.watch.rules import Rules

NAME = "refusals"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    return risen(NAME, view, rules, Rate(("refused",), ("submitted",)))
