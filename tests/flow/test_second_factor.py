"""Codes by time: RFC 6238's own vectors, the steps that count, and codes for who lost theirs."""

from __future__ import annotations

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.flow.second_factor import (
    RECOVERY_CODES,
    STEP_S,
    address,
    code_at,
    new_recovery_codes,
    plain,
    shown,
    step_of,
)

SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("now", "code"),  # RFC 6238, appendix B, SHA-1: the last six of eight digits
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc(now: int, code: str) -> None:
    assert code_at(SECRET, now // STEP_S) == code
    assert step_of(SECRET, code, now, 0) == now // STEP_S
    assert step_of(SECRET, f" {code[:3]} {code[3:]} ", now, 0) == now // STEP_S


@given(st.integers(1_000, 2**33), st.integers(-4, 4), st.integers(-3, 3))
def test_a_code_counts_a_step_around_its_own_and_never_after_one_that_was_used(
    now: int, away: int, used: int
) -> None:
    current = now // STEP_S
    found = step_of(SECRET, code_at(SECRET, current + away), now, current + used)
    if abs(away) <= 1 and away > used:
        assert found == current + away
    else:  # another step may have the same six digits, once in a million
        assert found is None or found != current + away


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "\x00"])
def test_what_is_no_code(code: str) -> None:
    assert step_of(SECRET, code, 59, 0) is None


def test_recovery_codes_differ_and_are_read_as_people_write_them() -> None:
    codes = new_recovery_codes(secrets.token_bytes)
    assert len(set(codes)) == RECOVERY_CODES
    for code in codes:
        assert plain(f" {code.lower()} ") == plain(code) == code.replace("-", "")


def test_the_address_says_what_applications_need() -> None:
    assert address(SECRET, "li@shop.example") == (
        "otpauth://totp/assent%3Ali%40shop.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=assent&algorithm=SHA1&digits=6&period=30"
    )
    assert shown(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
