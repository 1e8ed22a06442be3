"""The detectors that read counts: pure functions, one a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assent.watch.cubes import View
from assent.watch.detectors import (
    barred,
    bombing,
    delivery,
    drift,
    mix,
    refusals,
    replies,
    sequences,
    several,
    strangers,
    uncompleted,
    unknown,
    variables,
    volume,
    waking,
)
from assent.watch.finding import Detector, Finding
from assent.watch.rules import Rules

DETECTORS: Final[Mapping[str, Detector]] = {
    module.NAME: module.look
    for module in (
        volume, mix, strangers, delivery, replies, refusals, unknown, sequences, bombing,
        uncompleted, drift, waking, variables, barred,
    )
}  # fmt: skip


def look(view: View, rules: Rules) -> list[Finding]:
    """Return what all detectors say of one hour, and what their findings say together."""
    made = [finding for detector in DETECTORS.values() for finding in detector(view, rules)]
    return made + several.joined(made, rules)
