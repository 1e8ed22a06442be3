"""Dates on papers, and authorisation letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.registry.dates import check_dates, years_later
from assent.registry.findings import verdict
from assent.registry.letters import Letter, check_letter
from assent.registry.papers import Opening, Seen
from assent.registry.qualify import operator
from tests.registry.given import TABLE, TODAY, paper

DAY = timedelta(days=1)
LONG_AGO = date(2020, 1, 1)


def codes(kind: str, first: date | None, last: date | None) -> list[str]:
    return [one.code for one in check_dates(TABLE, kind, first, last, TODAY)]


@pytest.mark.parametrize(
    ("kind", "first", "last", "found"),
    [
        ("business_licence", LONG_AGO, None, []),
        ("business_licence", None, None, []),
        ("business_licence", LONG_AGO, date(2099, 12, 31), []),
        ("business_licence", TODAY, TODAY - DAY, ["dates_reversed"]),
        ("business_licence", LONG_AGO, TODAY - DAY, ["dates_expired"]),
        ("business_licence", LONG_AGO, TODAY, ["dates_end_soon"]),
        ("business_licence", LONG_AGO, TODAY + 7 * DAY, ["dates_end_soon"]),
        ("business_licence", LONG_AGO, TODAY + 8 * DAY, []),
        ("business_licence", TODAY + DAY, None, ["dates_to_come"]),
        ("business_licence", TODAY, None, []),
        ("telecom_licence", date(2024, 3, 1), None, ["dates_missing"]),
        ("telecom_licence", date(2024, 3, 1), date(2029, 2, 28), []),
        ("telecom_licence", date(2024, 3, 1), date(2029, 3, 1), []),
        ("telecom_licence", date(2024, 3, 1), date(2029, 3, 2), ["dates_too_long"]),
        ("telecom_licence", date(2024, 2, 29), date(2029, 3, 1), []),
        ("telecom_licence", date(2024, 2, 29), date(2029, 3, 2), ["dates_too_long"]),
        ("telecom_licence", None, date(2099, 12, 31), []),
        ("work_certificate", None, None, ["dates_missing"]),
        ("work_certificate", LONG_AGO, None, []),
        ("work_certificate", None, date(2027, 12, 31), []),
        ("passport", LONG_AGO, TODAY - DAY, ["dates_expired"]),
        ("passport", LONG_AGO, None, []),
    ],
)
def test_what_is_odd_about_dates(
    kind: str, first: date | None, last: date | None, found: list[str]
) -> None:
    assert codes(kind, first, last) == found


days = st.none() | st.dates(date(1990, 1, 1), date(2060, 1, 1))


@given(days, days)
def test_dates_that_are_wrong_or_to_come_open_nothing(
    first: date | None, last: date | None
) -> None:
    found = check_dates(TABLE, "telecom_licence", first, last, TODAY)
    held = [
        paper("telecom_licence", Seen.REGISTER, valid_from=first, valid_to=last),
        paper("number_certificate", id=2),
    ]
    odd = verdict(found) == "wrong" or "dates_to_come" in {one.code for one in found}
    assert (operator(TABLE, held, TODAY).opening is Opening.NO) == odd


@given(st.dates(), st.integers(1, 9))
def test_years_later_is_the_anniversary(day: date, years: int) -> None:
    later = years_later(day, years)
    if day.year + years > 9999:
        assert later == date.max
    elif (day.month, day.day) == (2, 29) and later.month == 3:
        assert (later.day, (later - DAY).day) == (1, 28)
    else:
        assert (later.year, later.month, later.day) == (day.year + years, day.month, day.day)


LETTER = Letter("OWNER", "AGENT", ("安信",), TODAY, TODAY + 364 * DAY)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"valid_to": TODAY + 179 * DAY}, []),
        ({"valid_to": TODAY + 178 * DAY}, ["letter_short"]),
        ({"valid_to": TODAY + 1095 * DAY}, []),
        ({"valid_to": TODAY + 1096 * DAY}, ["letter_long"]),
        ({"valid_to": TODAY - DAY}, ["dates_reversed"]),
        ({"valid_from": TODAY - 400 * DAY, "valid_to": TODAY - DAY}, ["dates_expired"]),
        ({"valid_from": TODAY + DAY}, ["dates_to_come"]),
        ({"signatures": ()}, ["letter_signatures"]),
        ({"signatures": tuple(map(str, range(100)))}, []),
        ({"signatures": tuple(map(str, range(101)))}, ["letter_signatures"]),
        ({"signatures": ("安信",) * 101}, []),
        ({"principal": "OTHER"}, ["letter_principal"]),
        ({"agent": "OTHER"}, ["letter_agent"]),
        ({"agent": "OWNER"}, ["letter_own", "letter_agent"]),
    ],
)
def test_what_is_odd_about_a_letter(change: dict[str, object], found: list[str]) -> None:
    letter = replace(LETTER, **change)  # type: ignore[arg-type]
    said = check_letter(TABLE, letter, "OWNER", "AGENT", TODAY)
    assert [one.code for one in said] == found
