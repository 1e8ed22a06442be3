"""Resident identity numbers: the standard's examples, ages to the day, masks."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.registry.divisions import PROVINCES
from assent.registry.findings import verdict
from assent.registry.resident_id import check_character, mask, read_resident_id

TODAY = date(2026, 11, 22)


def codes(text: str, today: date = TODAY) -> list[str]:
    return [finding.code for finding in read_resident_id(text, today).findings]


def made(born: date, province: str = "11") -> str:
    head = f"{province}0105{born:%Y%m%d}002"
    return head + check_character(head)


def test_the_examples_of_the_standard() -> None:
    assert codes("11010519491231002X") == []
    assert codes("11010519491231002x") == []
    assert codes(" 110105 19491231 002Ｘ ") == []
    assert codes("440524188001010014", date(1950, 1, 1)) == []
    assert codes("440524188001010014") == ["resident_id_age"]


@given(st.dates(date(1926, 11, 23), date(2008, 11, 22)), st.sampled_from(sorted(PROVINCES)))
def test_every_well_formed_number_of_an_adult_passes(born: date, province: str) -> None:
    number = made(born, province)
    permits = {"81": ["resident_id_permit"], "82": ["resident_id_permit"]}
    assert codes(number) == permits.get(province, [])


@given(
    st.dates(date(1930, 1, 1), date(2005, 1, 1)), st.integers(0, 17), st.sampled_from("0123456789X")
)
def test_one_character_changed_is_wrong(born: date, place: int, character: str) -> None:
    number = made(born)
    assume(number[place] != character)
    changed = number[:place] + character + number[place + 1 :]
    assert verdict(read_resident_id(changed, TODAY).findings) == "wrong"


def test_the_eighteenth_birthday_counts() -> None:
    number = made(date(2008, 11, 22))
    assert codes(number, TODAY) == []
    assert codes(number, TODAY - timedelta(days=1)) == ["resident_id_minor"]
    leap = made(date(2008, 2, 29))
    assert codes(leap, date(2026, 2, 28)) == ["resident_id_minor"]
    assert codes(leap, date(2026, 3, 1)) == []


def test_ages_at_the_ends() -> None:
    assert codes(made(TODAY)) == ["resident_id_minor"]
    assert codes(made(TODAY + timedelta(days=1))) == ["resident_id_future"]
    assert codes(made(date(1925, 11, 23))) == []
    assert codes(made(date(1926, 11, 22))) == []
    assert codes(made(date(1925, 11, 22))) == ["resident_id_age"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("110105491231002", ["resident_id_old"]),
        ("1101051949123100", ["resident_id_length"]),
        ("11010519491231002Y", ["resident_id_form"]),
        ("01010519491231002X", ["resident_id_form"]),
        ("110105194912310021", ["resident_id_check"]),
        ("110105194913310020", ["resident_id_date", "resident_id_check"]),
        ("110105194902290020", ["resident_id_date", "resident_id_check"]),
        (made(date(2026, 11, 23)), ["resident_id_future"]),
        (made(date(1980, 1, 1), "19"), ["resident_id_division"]),
        (made(date(1980, 1, 1), "83"), ["resident_id_permit"]),
        (made(date(1980, 1, 1), "91"), ["resident_id_foreigner"]),
    ],
)
def test_what_is_odd_is_named(text: str, found: list[str]) -> None:
    assert codes(text) == found


@given(st.text(max_size=30))
def test_nothing_shows_more_than_the_mask(text: str) -> None:
    number = read_resident_id(text, TODAY)
    hidden = len(number.value) - 7 if len(number.value) >= 15 else len(number.value)
    assert number.masked.count("*") >= hidden
    assert repr(number) == f"ResidentId({number.masked})"
    assert mask("11010519491231002X") == "110***********002X"
    for finding in number.findings:
        assert finding.about == ""
