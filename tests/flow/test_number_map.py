"""Numbers ↔ ids in memory: they say what a dict would say, and no call takes long."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.flow import number_map
from assent.flow.number_map import NumberMap, PersonNumbers, Seen

FIRST = 86_130_0000_0000
KEY = st.integers(1, 40)
STEP = st.one_of(
    st.dictionaries(KEY, st.integers(1, 2**32 - 1), min_size=1, max_size=30),
    KEY,
)


def column(values: list[int]) -> npt.NDArray[np.uint64]:
    return np.array(values, np.uint64)


@given(st.lists(STEP, max_size=12), st.booleans())
def test_a_number_map_says_what_a_dict_says(
    steps: list[dict[int, int] | int], loaded: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(number_map, "_LEAST_RECENT", 1)  # parts settle all the time
        tried, known = NumberMap(), dict[int, int]()
        for place, step in enumerate(steps):
            if isinstance(step, int):
                tried.drop(column([FIRST + step]))
                known.pop(step, None)
            elif loaded and place == 0:
                tried.load(column([FIRST + k for k in step]), column(list(step.values())))
                known = dict(step)
            else:
                tried.put(column([FIRST + k for k in step]), column(list(step.values())))
                known |= step
        asked = [*range(42), 5, 5]
        found = tried.get(column([FIRST + k for k in asked])).tolist()
        assert found == [known.get(k, 0) for k in asked]
        assert [int(tried.get(column([FIRST + k]))[0]) for k in asked] == found
        assert len(tried) >= len(known)


ID = st.one_of(st.integers(1, 9), st.integers(2**20 - 3, 2**20 + 3), st.integers(2**31, 2**31 + 2))


@given(st.lists(st.one_of(st.dictionaries(ID, st.integers(1, 10**14), max_size=6), ID)))
def test_person_numbers_say_what_a_dict_says(steps: list[dict[int, int] | int]) -> None:
    tried, known = PersonNumbers(), dict[int, int]()
    for step in steps:
        if isinstance(step, int):
            tried.drop(column([step]))
            known.pop(step, None)
        else:
            tried.put(column(list(step)), column(list(step.values())))
            known |= step
    asked = [*range(10), *range(2**20 - 4, 2**20 + 4), 2**31, 2**31 + 1]
    assert tried.get(column(asked)).tolist() == [known.get(k, 0) for k in asked]


@given(st.lists(st.lists(ID, unique=True, max_size=9)))
def test_seen_tells_who_came_in_an_earlier_call(calls: list[list[int]]) -> None:
    seen, met = Seen(), set[int]()
    for call in calls:
        assert seen.add(np.array(call, np.uint32)).tolist() == [one in met for one in call]
        met |= set(call)


def test_no_call_takes_long_however_many_are_known() -> None:
    """Three million, as they come in a large order: ten thousand strangers at a time."""
    rng = np.random.default_rng(1)
    numbers = rng.permutation(np.arange(FIRST, FIRST + 3_000_000, dtype=np.uint64))
    people = np.arange(1, 3_000_001, dtype=np.uint64)
    tried, back = NumberMap(), PersonNumbers()
    tried.load(numbers[:2_000_000], people[:2_000_000])
    longest = 0.0
    for start in range(2_000_000, 3_000_000, 10_000):
        part = slice(start, start + 10_000)
        began = time.thread_time()
        tried.put(numbers[part], people[part])
        back.put(people[part], numbers[part])
        longest = max(longest, time.thread_time() - began)
    assert longest < 0.05
    assert (tried.get(numbers[::7]) == people[::7]).all()
    assert (back.get(people[2_000_000:]) == numbers[2_000_000:]).all()
