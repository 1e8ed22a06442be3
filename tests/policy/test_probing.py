"""Codes to numbers in a row: a brake for who counts through them, and for nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.policy.probing import Probes, Probing
from assent.policy.rulebook import Rulebook
from tests.policy.scene import RULEBOOK
from tests.policy.test_rulebook import document

CODES = Purpose.VERIFICATION
RULE = Probing("ten", CODES, 1, 3, 100)


def numbers(*last: int) -> np.ndarray:
    return np.array([8613800000000 + place for place in last], np.uint64)


def probes(*rules: Probing, most: int = 1_000) -> Probes:
    return Probes({CODES: rules or (RULE,)}, most)


def over(one: Probes, account: int, some: np.ndarray, now: float = 0.0) -> list[bool]:
    found: list[bool] = one.over(CODES, account, some, now).tolist()
    return found


def test_those_that_come_first_may_and_again() -> None:
    one = probes()
    assert over(one, 1, numbers(0, 1, 0, 2, 3, 1, 10)) == [*[False] * 4, True, False, False]
    assert over(one, 1, numbers(7)) == [False], "asking is not sending"
    one.note(CODES, 1, numbers(0, 1, 2), 0.0)
    assert over(one, 1, numbers(2, 3, 10)) == [False, True, False]
    assert over(one, 2, numbers(3)) == [False], "each account has its own"
    assert one.over(Purpose.NOTIFICATION, 1, numbers(3), 0.0).tolist() == [False]
    assert one.broken(CODES, 1, numbers(3), 0.0)["probing"].tolist() == [True]
    assert one.broken(CODES, 1, numbers(2), 0.0) == {}


def test_a_new_window_begins_anew() -> None:
    one = probes()
    one.note(CODES, 1, numbers(0, 1, 2), 99.0)
    assert over(one, 1, numbers(3), 99.9) == [True]
    assert over(one, 1, numbers(3), 100.0) == [False]


def test_a_faulty_number_is_nobodys() -> None:
    one = probes()
    one.note(CODES, 1, np.zeros(9, np.uint64), 0.0)
    assert over(one, 1, np.array([0, 0, 0, 0, 0], np.uint64)) == [False] * 5


def test_it_keeps_what_was_sent_to_last() -> None:
    one = probes(most=2)
    for tens in (0, 10, 20):
        one.note(CODES, 1, numbers(tens, tens + 1, tens + 2), 0.0)
    assert over(one, 1, numbers(3, 13, 23)) == [False, True, True]


@given(st.lists(st.lists(st.integers(0, 29), max_size=8), max_size=12))
def test_never_more_than_the_limit(orders: list[list[int]]) -> None:
    one, sent = probes(), set[int]()
    for order in orders:
        some = numbers(*order)
        may = ~one.over(CODES, 1, some, 0.0)
        one.note(CODES, 1, some[may], 0.0)
        sent |= {place for place, let in zip(order, may.tolist(), strict=True) if let}
    for tens in range(3):
        assert len([place for place in sent if place // 10 == tens]) <= RULE.limit


def test_the_rulebook_brakes_codes() -> None:
    rules = RULEBOOK.probing
    assert set(rules) == {CODES}
    for rule in rules[CODES]:
        one = Probes({CODES: (rule,)})
        some = numbers(*range(10**rule.digits))
        assert int((~one.over(CODES, 1, some, 0.0)).sum()) == rule.limit < 10**rule.digits


@pytest.mark.parametrize("change", [{"digits": 4}, {"digits": 0}, {"limit": 0}, {"window": 0}])
def test_a_wrong_one_is_refused(change: dict[str, int]) -> None:
    changed = document()
    changed["profiles"]["CN"]["probing"]["value"][0] |= change
    with pytest.raises(InvalidInput):
        Rulebook.from_document(changed)
