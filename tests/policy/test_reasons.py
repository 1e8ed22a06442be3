"""The table of reasons: numbers that never move, words for everybody, no oracle."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from assent.numbers import Fault
from assent.policy.facts import Effect
from assent.policy.reasons import (
    BY_CODE,
    FAULT_CODES,
    REASONS,
    customer_codes,
    table_markdown,
    unpack,
)

DOCS = Path(__file__).parents[2] / "docs"
FIRST_39 = "000d53a8"


def test_numbers_are_dense_and_unique_and_fit_the_mask() -> None:
    assert [reason.number for reason in REASONS] == list(range(1, len(REASONS) + 1))
    assert len(BY_CODE) == len(REASONS) <= 64


def test_numbers_never_change() -> None:
    """Stored decisions hold these bits. New reasons are appended; this digest stays."""
    told = ",".join(f"{reason.number}:{reason.code}" for reason in REASONS[:39])
    assert hashlib.sha256(told.encode()).hexdigest()[:8] == FIRST_39


def test_every_reason_speaks_both_languages_and_says_how_to_mend() -> None:
    for reason in REASONS:
        assert reason.en
        assert reason.mend
        assert any("\u4e00" <= char <= "\u9fff" for char in reason.zh)
        assert reason.effect is not Effect.NOTE


def test_ranks_are_unique_so_that_the_reason_is_certain() -> None:
    assert len({reason.rank for reason in REASONS}) == len(REASONS)


def test_faults_have_their_reasons_in_order() -> None:
    assert len(FAULT_CODES) == len(Fault) - 1
    for fault in Fault:
        if fault:
            assert FAULT_CODES[fault - 1] in BY_CODE


def test_the_table_in_the_manual_is_this_table() -> None:
    assert (DOCS / "reasons.md").read_text(encoding="utf-8") == table_markdown()


def test_customers_cannot_tell_refused_from_unknown() -> None:
    def bits(*codes: str) -> int:
        return sum(1 << BY_CODE[code].bit for code in codes)

    unknown = customer_codes(bits("no_standing"))
    for codes in (
        ("refused",),
        ("refused", "no_standing"),
        ("paused",),
        ("grade_too_low",),
        ("refused", "over_cap", "over_cap_all"),
        ("no_standing", "over_cap"),
    ):
        assert customer_codes(bits(*codes)) == unknown == ("no_standing",)
    assert customer_codes(bits("over_cap_all")) == ("over_cap",)


@given(st.integers(0, 2 ** len(REASONS) - 1))
def test_findings_unpack_to_what_was_packed(findings: int) -> None:
    reasons = unpack(findings)
    assert sum(1 << reason.bit for reason in reasons) == findings
    effects = [reason.effect for reason in reasons]
    assert effects == sorted(effects, reverse=True)
    assert set(customer_codes(findings)) <= {reason.customer_code for reason in reasons}
