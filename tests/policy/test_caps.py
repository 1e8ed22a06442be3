"""Claims against a naive list of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.message import Purpose
from assent.policy.caps import ClaimSet
from assent.policy.rulebook import Cap
from tests.policy.scene import NOON

DAY = 86_400
CAPS = (
    Cap("day", Purpose.MARKETING, "sender", 2, None),
    Cap("span", Purpose.MARKETING, "sender", 3, 7_200),
    Cap("minute", Purpose.MARKETING, "sender", 1, 60),
)


def u32(*values: int) -> np.ndarray[Any, np.dtype[np.uint32]]:
    return np.array(values, np.uint32)


def zone_of(person: int) -> int:
    return (person % 5 - 2) * 345


class Naive:
    def __init__(self) -> None:
        self.claims: list[tuple[int, int]] = []

    def count(self, person: int, since: int, until: int) -> int:
        return sum(who == person and since <= at < until for who, at in self.claims)

    def used(self, cap: Cap, person: int, at: int) -> int:
        if cap.window_s is not None:
            return self.count(person, at - cap.window_s + 1, 2**32)
        shift = zone_of(person) * 60
        start = (at + shift) // DAY * DAY - shift
        return self.count(person, start, start + DAY)

    def claim(self, person: int, at: int) -> bool:
        if all(self.used(cap, person, at) < cap.limit for cap in CAPS):
            self.claims.append((person, at))
            return True
        return False


calls = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3 * DAY)), max_size=12),
        st.booleans(),
    ),
    max_size=12,
)


@given(calls)
@settings(deadline=None)
def test_claims_agree_with_the_naive_list(steps: list[tuple[list[tuple[int, int]], bool]]) -> None:
    claims, naive = ClaimSet(), Naive()
    for rows, is_claim in steps:
        people = u32(*(person for person, _ in rows))
        at = np.array([NOON + offset for _, offset in rows], np.int64)
        zones = np.array([zone_of(person) for person, _ in rows], np.int16)
        if is_claim:
            won = claims.claim("k", people, at, zones, CAPS)
            expected = [naive.claim(int(p), int(a)) for p, a in zip(people, at, strict=True)]
            assert won.tolist() == expected
        else:
            claims.add("k", people, at)
            naive.claims += list(zip(people.tolist(), at.tolist(), strict=True))
        counts = claims.counts("k", people, at, zones, CAPS)
        for cap in CAPS:
            used = [naive.used(cap, int(p), int(a)) for p, a in zip(people, at, strict=True)]
            assert counts[cap.id].tolist() == used
        assert len(claims) == len(naive.claims)


@given(calls, st.integers(0, 3 * DAY), st.integers(0, 3 * DAY))
@settings(deadline=None)
def test_ranges_and_expiry(
    steps: list[tuple[list[tuple[int, int]], bool]], since: int, until: int
) -> None:
    claims, naive = ClaimSet(), Naive()
    for rows, _ in steps:
        claims.add("k", u32(*(p for p, _ in rows)), np.array([NOON + a for _, a in rows]))
        naive.claims += [(person, NOON + at) for person, at in rows]
    people = u32(*range(7))
    for keep_from in (0, NOON + since):
        dropped = claims.expire(keep_from)
        kept = [row for row in naive.claims if row[1] >= keep_from]
        assert dropped == len(naive.claims) - len(kept)
        naive.claims = kept
        counted = claims.count("k", people, NOON + since, NOON + until)
        each = [naive.count(p, NOON + since, NOON + until) for p in range(7)]
        assert counted.tolist() == each
        for person in range(7):
            one = claims.count("k", u32(person), NOON + since, NOON + until)
            assert one.tolist() == [each[person]]


def test_large_unsorted_queries_come_back_in_their_order() -> None:
    rng = np.random.default_rng(7)
    claims = ClaimSet()
    for step in range(20):
        claims.add("k", rng.integers(0, 500, 300).astype(np.uint32), NOON - step * 1000)
    people = rng.permutation(np.repeat(np.arange(600, dtype=np.uint32), 2))
    counted = claims.count("k", people, NOON - 5000, NOON + 1)
    alone = [int(claims.count("k", people[i : i + 1], NOON - 5000, NOON + 1)[0]) for i in range(99)]
    assert counted[:99].tolist() == alone
    assert claims.nbytes == 8 * 6000


def test_a_person_several_times_in_one_call_is_served_in_order() -> None:
    people = u32(9, 4, 9, 9, 4, 9)
    cap = (Cap("c", Purpose.MARKETING, "sender", 2, None),)
    won = ClaimSet().claim("k", people, NOON, np.full(6, 480, np.int16), cap)
    assert won.tolist() == [True, True, True, False, True, False]
    many = np.tile(u32(*range(100)), 3)
    won = ClaimSet().claim("k", many, NOON, np.full(300, 480, np.int16), cap)
    assert won.reshape(3, 100).all(axis=1).tolist() == [True, True, False]


@given(st.lists(st.integers(0, 400), max_size=40))
def test_no_order_of_claims_brings_too_many_into_a_rolling_window(moments: list[int]) -> None:
    claims, cap = ClaimSet(), Cap("c", Purpose.VERIFICATION, "sender", 3, 60)
    won = [
        at
        for at in moments
        if claims.claim("k", u32(1), NOON + at, np.zeros(1, np.int16), (cap,))[0]
    ]
    for start in range(-60, 401):
        assert sum(start < at <= start + 60 for at in won) <= 3


def test_a_calendar_day_is_the_receivers() -> None:
    claims, cap = ClaimSet(), (Cap("c", Purpose.MARKETING, "sender", 1, None),)
    people, zones = u32(1, 2), np.array([480, -300], np.int16)
    evening = NOON + 9 * 3600  # 21:00 in China, 08:00 the same day at UTC-5
    assert claims.claim("k", people, evening, zones, cap).all()
    later = evening + 4 * 3600  # 01:00 the next day; 12:00 the same day
    assert claims.claim("k", people, later, zones, cap).tolist() == [True, False]


def test_keys_are_apart_and_can_be_dropped() -> None:
    claims = ClaimSet()
    claims.add(("a", 1), u32(1), NOON)
    claims.add(("a", 2), u32(1, 1), NOON)
    assert claims.count(("a", 1), u32(1), 0, NOON + 1).tolist() == [1]
    assert claims.count(("b", 1), u32(1), 0, NOON + 1).tolist() == [0]
    claims.drop(("a", 2))
    assert claims.keys() == [("a", 1)]
    assert claims.expire(NOON + 1) == 1
    assert claims.keys() == []


@pytest.mark.parametrize("at", [-1, 2**32 - 1, np.array([NOON, NOON])])
def test_times_that_do_not_fit_are_refused(at: Any) -> None:
    with pytest.raises(ValueError, match="time"):
        ClaimSet().add("k", u32(1), at)


def test_the_last_person_and_the_last_second() -> None:
    claims = ClaimSet()
    people = u32(2**32 - 1, 2**32 - 2)
    claims.add("k", people, 2**32 - 2)
    assert claims.count("k", people, 0, 2**32 - 2).tolist() == [0, 0]
    assert claims.count("k", people, 0, 2**40).tolist() == [1, 1]
