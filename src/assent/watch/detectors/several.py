"""Signs of different kinds at once, from one sender through one account.

New people in numbers have lawful reasons, and so has a week of failures; new people, dead numbers
and refusals together are a list that was bought.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from assent.watch.finding import Finding
from assent.watch.rules import Rules

NAME = "several"
FAMILIES: Final[Mapping[str, str]] = {
    "strangers": "people", "volume": "people", "unknown": "numbers", "delivery": "numbers",
    "sequences": "numbers", "refusals": "refusals", "barred": "refused", "mix": "texts",
    "replies": "silence",
}  # fmt: skip
"""Detectors whose findings mean nearly the same are of one kind."""


def joined(made: Iterable[Finding], rules: Rules) -> list[Finding]:
    """Return a finding for each sender and account with signs of two kinds; from `grave` kinds on,
    severity 3."""
    numbers = rules.of(NAME)
    signs: dict[tuple[int, int], dict[str, Finding]] = {}
    for one in made:
        if one.detector in FAMILIES and not one.port:
            signs.setdefault((one.sender, one.account), {})[one.detector] = one
    told = []
    for (sender, account), some in sorted(signs.items()):
        kinds = {FAMILIES[name] for name in some}
        if len(kinds) < numbers["kinds"]:
            continue
        severity = 3 if len(kinds) >= numbers["grave"] else 2
        evidence = {name: dict(one.evidence) for name, one in sorted(some.items())}
        told.append(Finding(NAME, severity, float(len(kinds)), evidence, sender, account))
    return told
