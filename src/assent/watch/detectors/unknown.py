"""Numbers that are nobody's: refused at the door, or failed as unknown at the carrier."""

from __future__ import annotations

from assent.watch.cubes import View
from assent.watch.detectors.rates import Rate, risen
from assent.watch.finding import Finding
from assent.watch.rules import Rules

NAME = "unknown"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`."""
    return risen(NAME, view, rules, Rate(("nowhere", "empty"), ("ordered",)))
