"""New people, and numbers that are dead or people who refuse among them: a bought list.

Either may have a lawful reason; together, in the same day, from the same sender, they hardly do.
"""

from __future__ import annotations

from collections.abc import Iterable

from assent.watch.finding import Finding
from assent.watch.rules import Rules

NAME = "bought"
_NEW = ("strangers", "volume")
_DEAD = ("unknown", "delivery", "refusals")


def joined(made: Iterable[Finding], rules: Rules) -> list[Finding]:
    """Return a finding for each sender and account with one sign of each kind, severity 3 where
    dead numbers alone are strong."""
    numbers = rules.of(NAME)
    signs: dict[tuple[int, int], dict[str, Finding]] = {}
    for one in made:
        if one.detector in (*_NEW, *_DEAD) and not one.port:
            signs.setdefault((one.sender, one.account), {})[one.detector] = one
    told = []
    for (sender, account), some in sorted(signs.items()):
        new = [some[name] for name in _NEW if name in some]
        dead = [some[name] for name in _DEAD if name in some]
        if not new or not dead:
            continue
        severity = 3 if max(one.score for one in dead) >= numbers["grave"] else 2
        evidence = {one.detector: dict(one.evidence) for one in (*new, *dead)}
        score = sum(one.score for one in dead)
        told.append(Finding(NAME, severity, round(score, 3), evidence, sender, account))
    return told
