"""Finance and cold lists need the receiver's own proof; a list nobody speaks for needs more than
the customer's word (DESIGN.md, promise 1)."""

from __future__ import annotations

import json

import numpy as np
import pytest

from assent.message import Grade, Purpose
from assent.policy.decide import Decisions, Verdict, decide
from assent.policy.filing import FINANCE, KNOWN, Relation, filed_under
from assent.policy.reasons import BY_NUMBER
from assent.policy.rulebook import Rulebook
from tests.policy.scene import RULEBOOK, content, facts, people

GRADES = np.array([Grade.ASSERTION, Grade.DOCUMENT, Grade.RECEIVER], np.uint8)
STRICTER = json.loads(RULEBOOK.canonical)
for profile in STRICTER["profiles"].values():
    profile["min_grade_by_category"]["value"]["unstated"] = "RECEIVER"


def judged(
    purpose: Purpose,
    industry: str,
    relation: Relation,
    rulebook: Rulebook = RULEBOOK,
    network: int = 1,
) -> Decisions:
    what = content(purpose, categories=filed_under(industry, relation))
    who = people(network=np.full(3, network, np.uint8))
    return decide(who, what, facts(purpose, grade=GRADES), rulebook)


def allowed(decisions: Decisions) -> list[Grade]:
    """Return the grades that suffice; whoever is rejected is so for their grade only."""
    assert decisions.errors == ()
    for number in decisions.reason[decisions.verdict == Verdict.REJECT].tolist():
        reason = BY_NUMBER[number]
        assert (reason.code, reason.customer_code) == ("grade_too_low", "no_standing")
    return [Grade(grade) for grade in GRADES[decisions.allowed].tolist()]


RECEIVER_ONLY = [Grade.RECEIVER]
DOCUMENTS = [Grade.DOCUMENT, Grade.RECEIVER]
ANY = [Grade.ASSERTION, *DOCUMENTS]


@pytest.mark.parametrize("network", [1, 5], ids=["CN", "intl"])
@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.INTERNAL])
@pytest.mark.parametrize(
    ("industry", "relation", "suffice"),
    [
        ("", Relation.CUSTOMERS, ANY),
        ("", Relation.MEMBERS, ANY),
        ("", Relation.UNSTATED, DOCUMENTS),
        ("", Relation.COLD, RECEIVER_ONLY),
        ("retail", Relation.CUSTOMERS, ANY),
        ("retail", Relation.COLD, RECEIVER_ONLY),
        (FINANCE, Relation.CUSTOMERS, RECEIVER_ONLY),
        (FINANCE, Relation.UNSTATED, RECEIVER_ONLY),
        (FINANCE, Relation.COLD, RECEIVER_ONLY),
    ],
)
def test_the_strictest_category_holds(
    network: int, purpose: Purpose, industry: str, relation: Relation, suffice: list[Grade]
) -> None:
    assert allowed(judged(purpose, industry, relation, network=network)) == suffice


@pytest.mark.parametrize("purpose", [Purpose.VERIFICATION, Purpose.NOTIFICATION])
def test_what_stands_on_a_basis_needs_no_grade(purpose: Purpose) -> None:
    """A bank's code reaches somebody who never agreed to its offers."""
    assert allowed(judged(purpose, FINANCE, Relation.COLD)) == ANY


def test_an_operator_may_take_silence_for_cold() -> None:
    stricter = Rulebook.from_document(STRICTER)
    assert allowed(judged(Purpose.MARKETING, "", Relation.UNSTATED, stricter)) == RECEIVER_ONLY


def test_every_profile_answers_for_every_category() -> None:
    for each in RULEBOOK.profiles:
        assert set(KNOWN) <= set(each.min_grade_by_category)
        for relation in (Relation.COLD, Relation.UNSTATED):
            assert relation.value in each.min_grade_by_category


def test_filed_under() -> None:
    assert filed_under("", Relation.UNSTATED) == {"unstated"}
    assert filed_under(FINANCE, Relation("cold")) == {"finance", "cold"}
