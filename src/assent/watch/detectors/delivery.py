"""Messages that fail more than before: dead lists, and carriers that began to block somebody."""

from __future__ import annotations

from assent.watch.cubes import View
from assent.watch.detectors.rates import Rate, risen
from assent.watch.finding import Finding
from assent.watch.rules import Rules

NAME = "delivery"


def look(view: View, rules: Rules) -> list[Finding]:
    """See :data:`assent.watch.finding.Detector`. What has no report yet counts neither way."""
    return risen(NAME, view, rules, Rate(("failed",), ("delivered", "failed")))
