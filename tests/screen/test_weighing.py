"""Thresholds: who is barred from what, when that holds, when it is certain."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assent.message import Purpose
from assent.screen.categories import CATEGORIES
from assent.screen.finding import UNLICENSED, Sender, Severity
from assent.screen.verdict import rules_document
from assent.screen.weighing import KIND_CODES, PURPOSES, Weighed, Weighing

RULES = Weighing.from_document(rules_document()["kinds"], "kinds-test")
CODES = [category.code for category in CATEGORIES]
LENDER = Sender("L", frozenset({"lending"}))
BANK = Sender("B", frozenset({"finance"}))


def weighed(
    likely: dict[str, float], *, sender: Sender = UNLICENSED, ordered: Purpose | None = None,
    spam: float = 0.99, marketing: float = 0.0,
) -> Weighed:  # fmt: skip
    category = np.zeros((1, len(CODES)), np.float32)
    for code, chance in likely.items():
        category[0, CODES.index(code)] = chance
    purpose = np.zeros((1, len(PURPOSES)), np.float32)
    purpose[0, PURPOSES.index(Purpose.MARKETING)] = marketing
    return RULES.weigh(category, purpose, np.array([spam], np.float32), [sender], [ordered])


@pytest.mark.parametrize(
    ("code", "sender", "held"),
    [
        ("loan", UNLICENSED, True),
        ("loan", LENDER, False),
        ("loan", BANK, False),
        ("credit_bait", UNLICENSED, True),
        ("credit_bait", LENDER, False),
        ("collection", UNLICENSED, True),
        ("collection", BANK, False),
        ("phishing_bank", UNLICENSED, True),
        ("phishing_bank", BANK, False),
        ("gambling", BANK, True),
        ("papers", BANK, True),
        ("retail", UNLICENSED, False),
        ("code", UNLICENSED, False),
        ("repayment_reminder", UNLICENSED, False),
    ],
)
def test_licences_make_the_difference(code: str, sender: Sender, held: bool) -> None:
    assert bool(weighed({code: 0.99}, sender=sender).hold[0]) is held


def test_doubts_add_up_and_the_likeliest_is_named() -> None:
    found = weighed({"loan": 0.3, "fraud": 0.4, "notice": 0.3})
    assert found.hold[0]
    assert CODES[found.barred[0]] == "fraud"
    assert not found.sure[0]
    assert not weighed({"loan": 0.3, "notice": 0.7}).hold[0]


def test_a_text_that_is_wanted_is_not_held_for_its_kind() -> None:
    assert not weighed({"gambling": 0.9}, spam=0.1).hold[0]
    assert not weighed({"gambling": 0.99}, spam=0.7).sure[0]


def test_only_harmful_kinds_are_ever_certain() -> None:
    assert weighed({"gambling": 0.99}).sure[0]
    assert not weighed({"loan": 0.99}).sure[0]


@pytest.mark.parametrize(
    ("ordered", "differs"),
    [
        (None, False), (Purpose.VERIFICATION, True), (Purpose.NOTIFICATION, True),
        (Purpose.INTERNAL, True), (Purpose.MARKETING, False), (Purpose.SYSTEM, False),
    ],
)  # fmt: skip
def test_an_advert_by_another_road_differs(ordered: Purpose | None, differs: bool) -> None:
    assert bool(weighed({"retail": 0.99}, ordered=ordered, marketing=0.99).differs[0]) is differs
    maybe = weighed({"retail": 0.99}, ordered=ordered, marketing=0.6)
    assert (bool(maybe.may_differ[0]), bool(maybe.differs[0])) == (differs, False)


def test_every_purpose_has_thresholds_and_every_barred_kind_words() -> None:
    for purpose in (None, *Purpose):
        weighed({"notice": 1.0}, ordered=purpose)
    for column, category in enumerate(CATEGORIES):
        if category.nature in ("restricted", "harmful"):
            finding = RULES.kind(column, Severity.HOLD, [(0, 1)])
            assert finding.code in KIND_CODES
            assert finding.owner == "kinds-test"
    assert RULES.drift().code in KIND_CODES


def test_rules_that_name_no_category_are_refused() -> None:
    document: dict[str, Any] = {**rules_document()["kinds"], "proper": {"nothing": ["finance"]}}
    with pytest.raises(ValueError, match="nothing"):
        Weighing.from_document(document, "x")
