"""Standing and refusals in memory, against dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent.people import PersonMap
from assent.consent.standing import PLATFORM, RefusalSet, StandingSet, refused_for
from assent.message import Grade, Purpose

PERSON = st.one_of(st.integers(0, 40), st.sampled_from([2**32 - 1, 2**31]))
NOW = 1000


def u32(values: Any) -> np.ndarray[Any, np.dtype[np.uint32]]:
    return np.array(values, np.uint32)


steps = st.lists(
    st.tuples(
        st.sampled_from(["load", "put", "put", "fold"]),
        st.lists(st.tuples(PERSON, st.integers(0, 5)), max_size=20),
    ),
    max_size=12,
)


@given(steps, st.lists(PERSON, max_size=150))
@settings(deadline=None)
def test_a_map_of_people_is_a_dictionary(
    changes: list[tuple[str, list[tuple[int, int]]]], asked: list[int]
) -> None:
    people, model = PersonMap(np.uint8), dict[int, int]()
    for what, rows in changes:
        keys = u32([person for person, _ in rows])
        values = np.array([value for _, value in rows], np.uint8)
        if what == "load":
            people.load(keys, values)
            model = dict(rows)
        elif what == "put":
            people.put(keys, values)
            model |= dict(rows)
        else:
            len(people)
        assert people.get(u32(asked)).tolist() == [model.get(person, 0) for person in asked]
    kept = {person: value for person, value in model.items() if value}
    assert dict(zip(*(column.tolist() for column in people.items()), strict=True)) == kept
    assert len(people) == len(kept)


def test_many_small_changes_fold_into_the_base() -> None:
    people = PersonMap(np.uint64)
    people.load(np.arange(10_000, dtype=np.uint32), np.ones(10_000, np.uint64))
    for start in range(0, 5_000, 100):
        people.put(np.arange(start, start + 200, 2, dtype=np.uint32), np.zeros(100, np.uint64))
    assert len(people) == 10_000 - 2_550
    assert people.nbytes < 13 * 10_000


def test_standing_has_grades_and_ends() -> None:
    standings = StandingSet()
    standings.load(7, u32([5, 3, 9]), np.array([1, 2, 3], np.uint8), np.array([0, NOW, NOW + 1]))
    asked = u32([9, 5, 4, 3, 9])
    assert standings.lookup(7, asked, NOW).tolist() == [3, 1, 0, 0, 3]
    assert standings.lookup(7, asked, NOW - 0.5).tolist() == [3, 1, 0, 2, 3]
    assert standings.lookup(7, asked, NOW + 1).tolist() == [0, 1, 0, 0, 0]
    assert standings.lookup(8, asked, NOW).tolist() == [0] * 5
    standings.add(7, u32([4]), 3, fresh=True)
    standings.add(7, u32([5]), 0)
    standings.remove(7, u32([9, 77]))
    assert standings.lookup(7, asked, 0).tolist() == [0, 0, 3, 2, 0]
    assert standings.lookup_fresh(7, asked, 0)[1].tolist() == [False, False, True, False, False]
    assert standings.people(7).tolist() == [3, 4]
    assert standings.count(7) == 2
    assert standings.count(8) == len(standings.people(8)) == 0
    assert standings.programmes() == [7]
    assert standings.nbytes > 0
    with pytest.raises(ValueError, match="grade"):
        standings.add(7, u32([1]), 4)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "clear", "load"]),
            st.integers(0, 2),
            st.lists(st.tuples(PERSON, st.integers(0, 63)), max_size=8),
        ),
        max_size=10,
    )
)
@settings(deadline=None)
def test_refusals_are_masks_by_group_and_the_platforms_count_everywhere(
    changes: list[tuple[str, int, list[tuple[int, int]]]],
) -> None:
    refusals, model = RefusalSet(), dict[tuple[int, int], int]()
    for what, group, rows in changes:
        people = u32([person for person, _ in rows])
        masks = np.array([mask for _, mask in rows], np.uint8)
        if what == "load":
            refusals.load(group, people, masks)
            model = {key: mask for key, mask in model.items() if key[0] != group}
            model |= {(group, person): mask for person, mask in rows}
        elif what == "add":
            refusals.add(group, people, masks)
            for person, mask in rows:
                model[group, person] = model.get((group, person), 0) | mask
        else:
            refusals.clear(group, people, masks)
            for person, mask in rows:
                model[group, person] = model.get((group, person), 0) & ~mask
    asked = [*range(41), 2**31, 2**32 - 1]
    for group in (0, 1, 2):
        expected = [
            model.get((group, person), 0) | model.get((PLATFORM, person), 0) for person in asked
        ]
        assert refusals.lookup(group, u32(asked)).tolist() == expected


def test_a_refusal_does_not_cover_a_programme_joined_afresh() -> None:
    standings, refusals = StandingSet(), RefusalSet()
    everyone = u32([1, 2, 3, 4])
    refusals.add(10, u32([1, 2, 4]), 1 << Purpose.MARKETING)
    refusals.add(PLATFORM, u32([3]), 1 << Purpose.MARKETING)
    standings.add(100, u32([1, 3]), Grade.RECEIVER, expires=NOW, fresh=True)
    standings.add(100, u32([2]), Grade.RECEIVER)

    def asked(programme: int, purpose: Purpose = Purpose.MARKETING, now: int = 0) -> list[bool]:
        _, fresh = standings.lookup_fresh(programme, everyone, now)
        found: list[bool] = refused_for(refusals, 10, purpose, everyone, fresh).tolist()
        return found

    assert asked(100) == [False, True, False, True]
    assert asked(100, now=NOW) == [True, True, True, True]
    assert asked(101) == [True, True, True, True]
    assert asked(0) == [True, True, True, True]
    assert asked(0, Purpose.VERIFICATION) == [False] * 4
    assert refused_for(refusals, 10, Purpose.MARKETING, everyone).all()
    assert refusals.groups() == [10, PLATFORM]
    assert refusals.nbytes > 0
