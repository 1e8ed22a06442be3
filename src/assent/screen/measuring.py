"""What rules do to texts that people have judged, and whether they may be activated.

A rule that was not measured on honest texts is not activated, nor one that stops more of them than
the operator allows; notes stop nothing, so they may say what they see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from assent.errors import InvalidInput
from assent.screen.normal import normalise_all
from assent.screen.words import Measured, RuleSet

__all__ = ["FEWEST", "LIMIT", "Refused", "activated", "measure", "refused"]

LIMIT: Final = 0.002
"""The share of honest texts that one rule may stop, unless told otherwise."""
FEWEST: Final = 200
"""Honest texts below which a share says nothing."""


class Refused(NamedTuple):
    """A rule that may not be activated, and why (English, Chinese)."""

    rule: str
    en: str
    zh: str


def measure(rules: RuleSet, ham: Sequence[str], spam: Sequence[str], on: str, when: str) -> RuleSet:
    """Return the set with each rule measured on these texts, everybody taken as unlicensed and for
    any purpose: the worst case. `on` names the texts, `when` is the day."""
    false_hits, hits = _count(rules, ham), _count(rules, spam)
    return rules.with_rules(
        msgspec.structs.replace(
            rule,
            measured=Measured(
                hits[rule.id], false_hits[rule.id], len(spam), len(ham), on, when
            ),
        )
        for rule in rules.rules
    )  # fmt: skip


def _count(rules: RuleSet, texts: Sequence[str]) -> Counter[str]:
    found = rules.match(normalise_all(texts))
    return Counter(one.owner.rpartition("/")[2] for each in found for one in each)


def refused(rules: RuleSet, limit: float = LIMIT) -> list[Refused]:
    """Return the rules that may not be activated."""
    found = []
    for rule in rules.rules:
        measured = rule.measured
        if rule.severity == "note":
            continue
        if measured is None:
            found.append(Refused(rule.id, "it was not measured", "未经测量"))
        elif measured.ham < FEWEST:
            found.append(
                Refused(
                    rule.id, f"it was measured on fewer than {FEWEST} honest texts",
                    f"测量所用正常短信不足 {FEWEST} 条",
                )
            )  # fmt: skip
        elif measured.false_rate > limit:
            rate = f"{measured.false_rate:.2%}"
            found.append(
                Refused(
                    rule.id, f"it stops {rate} of honest texts, over {limit:.2%}",
                    f"误伤正常短信 {rate}，超过 {limit:.2%}",
                )
            )  # fmt: skip
    return found


def activated(rules: RuleSet, limit: float = LIMIT) -> RuleSet:
    """Return the set, all of whose rules may be activated. Raises InvalidInput that names those
    which may not: a set is activated whole or not at all."""
    if found := refused(rules, limit):
        raise InvalidInput(
            "rules_not_measured",
            f"{len(found)} rules may not be activated; the first: {found[0].rule}, because "
            f"{found[0].en}",
            field="rules", rule="screening: words",
            mend="measure them (assent words measure), narrow them, or make them notes",
            details={one.rule: one.en for one in found},
        )  # fmt: skip
    return rules
