"""Unified social credit codes: published ones, lawful ones that fail the check, and wrong ones."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.registry.credit_code import (
    ALPHABET,
    AUTHORITIES,
    check_character,
    read_credit_code,
    subject_check_character,
)
from assent.registry.findings import verdict

VALID = (
    "914403001922038216",
    "91110108795101314G",
    "91310110666007217T",
    "9144030071526726XG",
    "91350100M000100Y43",
    "91512081MA62K0260E",
    "9131000063159284XQ",
)
LAWFUL_BUT_FAILING = (
    "91350211M0000XUF46",
    "91350100M0001TGQXM",
    "91350203M0001FUE2P",
    "91350211M00013FA1N",
)


def codes(text: str) -> list[str]:
    return [finding.code for finding in read_credit_code(text).findings]


@pytest.mark.parametrize("code", VALID)
def test_published_codes_are_in_order(code: str) -> None:
    assert codes(code) == []
    read = read_credit_code(code)
    assert (read.value, read.authority, read.division) == (code, "市场监管", code[2:8])


def test_the_example_of_the_standard() -> None:
    assert check_character("91350100M000100Y4") == "3"


@pytest.mark.parametrize("code", LAWFUL_BUT_FAILING)
def test_codes_of_the_trial_regions_are_for_a_person_to_look_at(code: str) -> None:
    assert codes(code) == ["credit_code_trial_region"]
    assert verdict(read_credit_code(code).findings) == "review"


@given(st.sampled_from(VALID), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_character_changed_never_passes_and_a_check_never_refuses(
    code: str, place: int, character: str
) -> None:
    assume(code[place] != character)
    changed = code[:place] + character + code[place + 1 :]
    findings = read_credit_code(changed).findings
    assert findings
    if 2 <= place < 8 and not character.isdecimal():
        assert [finding.code for finding in findings] == ["credit_code_division"]
    else:
        assert verdict(findings) == "review"


@given(st.sampled_from(VALID), st.integers(0, 16))
def test_neighbours_swapped_never_pass(code: str, place: int) -> None:
    assume(code[place] != code[place + 1])
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert codes(swapped)


digits = st.text("0123456789", min_size=4, max_size=4)


@given(
    st.sampled_from([(a, c) for a, (_, classes) in AUTHORITIES.items() for c in classes]),
    digits,
    st.text(ALPHABET, min_size=8, max_size=8),
)
def test_every_well_formed_code_passes(
    registered: tuple[str, str], division: str, subject: str
) -> None:
    organisation = subject + subject_check_character(subject)
    head = "".join(registered) + "44" + division + organisation
    code = head + check_character(head)
    assert codes(code) == []
    assert codes(f" {code[:8].lower()} {code[8:].lower()} ") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("91350100M000100Y4Z", ["credit_code_letter"]),
        ("9144030O1922038216", ["credit_code_letter"]),
        ("440301103097413", ["credit_code_old_number"]),
        ("19220382-1", ["credit_code_old_number"]),
        ("71526726X", ["credit_code_old_number"]),
        ("9144030019220382", ["credit_code_length"]),
        ("", ["credit_code_length"]),
        ("91A403001922038216", ["credit_code_division"]),
        ("９１４４０３００１９２２０３８２１６", []),
        ("914403001922038217", ["credit_code_check"]),
        ("914403001922038116", ["credit_code_check", "credit_code_subject_check"]),
        ("B14403001922038216", ["credit_code_authority", "credit_code_check"]),
        ("94440300192203821X", ["credit_code_authority", "credit_code_check"]),
        ("919903001922038216", ["credit_code_province", "credit_code_check"]),
    ],
)
def test_what_is_odd_is_named(text: str, found: list[str]) -> None:
    assert codes(text) == found


def test_national_offices_have_no_province() -> None:
    head = "91100000100003962"
    assert codes(head + check_character(head))[:1] != ["credit_code_province"]


@given(st.text(max_size=30))
def test_any_text_is_answered(text: str) -> None:
    read_credit_code(text)
