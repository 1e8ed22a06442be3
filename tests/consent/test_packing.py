"""Standing in few octets: every form, and every change of form, against dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent.filling import Filling
from assent.consent.packing import pack
from assent.consent.sets import StandingSet

NOW = 1_800_000_000
YEAR = 31_536_000
POOL = 3_000
Model = dict[tuple[int, int], tuple[int, int, bool]]
"""(programme, person) → grade, end, fresh"""

ENDS = st.sampled_from(
    [
        ("open", 1, 0),  # nobody's standing ends
        ("an import's", 5, YEAR),
        ("few hundred", 400, YEAR),  # more than a table of octets holds
        ("each her own", 1 << 27, 3 * YEAR),
        ("far apart", 1 << 32, 60 * YEAR),  # more than seconds from a base hold
        ("long ago", 1 << 30, -50 * YEAR),
    ]
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["load", "add", "add", "remove"]),
        st.integers(1, 3),
        ENDS,
        st.sampled_from([1, 3, 40, 1_500]),
        st.integers(0, 2**32 - 1),
    ),
    min_size=1,
    max_size=8,
)


def drawn(ends: tuple[str, int, int], count: int, seed: int) -> tuple[Any, Any, Any, Any]:
    """Return people, grades, ends and freshness."""
    rng = np.random.default_rng(seed)
    people = rng.integers(1, POOL, count).astype(np.uint32)
    grades = rng.integers(0, 4, count).astype(np.uint8)
    _, kinds, away = ends
    moments = NOW + away + rng.integers(0, kinds, count)
    until = np.where(rng.random(count) < 0.3, 0, np.maximum(moments, 1))
    if ends[0] == "open":
        until[:] = 0
    return people, grades, until, rng.random(count) < 0.2


def expected(model: Model, programme: int, who: Any, now: int) -> tuple[list[int], list[bool]]:
    grades, fresh = [], []
    for person in who.tolist():
        grade, end, anew = model.get((programme, person), (0, 0, False))
        over = end != 0 and end <= now
        grades.append(0 if over else grade)
        fresh.append(anew and not over and grade > 0)
    return grades, fresh


def moments(model: Model, rng: Any) -> list[int]:
    """Return moments just before and at some ends, and long before and after all."""
    ends = [end for _, end, _ in model.values() if end] or [NOW]
    some = [int(ends[place]) for place in rng.integers(0, len(ends), 3)]
    return [0, NOW, *some, *(end - 1 for end in some), 1 << 40]


@given(STEPS, st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=60)
def test_a_set_is_a_dictionary_whatever_its_form(steps: list[Any], seed: int) -> None:
    standings, model, rng = StandingSet(), Model(), np.random.default_rng(seed)
    for what, programme, ends, count, drawing in steps:
        people, grades, until, fresh = drawn(ends, count, drawing)
        if what == "remove":
            standings.remove(programme, people)
            for person in people.tolist():
                model.pop((programme, person), None)
        else:
            if what == "load":
                model = {key: one for key, one in model.items() if key[0] != programme}
            (standings.load if what == "load" else standings.add)(
                programme, people, grades, until, fresh
            )
            rows = zip(
                people.tolist(), grades.tolist(), until.tolist(), fresh.tolist(), strict=True
            )
            for person, *row in rows:
                model[programme, person] = (row[0], row[1], row[2])
        who = rng.integers(1, POOL, rng.choice([1, 7, 2_000])).astype(np.uint32)
        for now in moments(model, rng):
            for one in (1, 2, 3):
                got, anew = standings.lookup_fresh(one, who, now)
                assert (got.tolist(), anew.tolist()) == expected(model, one, who, now)
                assert standings.lookup(one, who, now).tolist() == got.tolist()
    everyone = np.arange(POOL, dtype=np.uint32)
    for one in (1, 2, 3):
        held = sorted(p for (which, p), row in model.items() if which == one and row[0])
        assert standings.people(one).tolist() == held
        assert standings.count(one) == len(held)
        grades, _ = expected(model, one, everyone, NOW)
        for least in (0, 1, 2, 3):
            enough = [p for p, grade in enumerate(grades) if grade >= max(least, 1)]
            portions = standings.standing_at(one, NOW, least, 700)
            assert [person for part in portions for person in part.tolist()] == enough


@given(st.lists(st.tuples(st.integers(1, 5), ENDS), min_size=1, max_size=4), st.integers(0, 999))
@settings(deadline=None, max_examples=40)
def test_what_is_filled_in_any_order_is_what_is_loaded(parts: list[Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    loaded, rows = StandingSet(), []
    for programme, ends in dict(parts).items():
        count = int(rng.choice([1, 50, 900]))
        people = rng.permutation(POOL)[:count].astype(np.uint32)
        grades = rng.integers(1, 4, count).astype(np.uint8)
        _, _, until, fresh = drawn(ends, count, seed)
        loaded.load(programme, people, grades, until, fresh)
        rows += list(
            zip([programme] * count, people, pack(count, grades, until, fresh), strict=True)
        )
    order = [rows[place] for place in rng.permutation(len(rows))]
    counts = {number: sum(row[0] == number for row in rows) for number in loaded.programmes()}
    # Rows that went between counting and reading leave room, and nothing else.
    filling = Filling({number: count + seed % 3 for number, count in counts.items()})
    for start in range(0, len(order), 100):
        part = order[start : start + 100]
        filling.add(
            np.array([row[0] for row in part]),
            np.array([row[1] for row in part], np.uint32),
            np.array([row[2] for row in part], np.uint64),
        )
    filled = StandingSet()
    filling.finish(filled)
    assert sorted(filled.programmes()) == sorted(loaded.programmes())
    for programme in loaded.programmes():
        who = np.arange(POOL, dtype=np.uint32)
        for now in (0, NOW, NOW + YEAR + 2, 1 << 40):
            pairs = zip(
                filled.lookup_fresh(programme, who, now),
                loaded.lookup_fresh(programme, who, now),
                strict=True,
            )
            for one, other in pairs:
                assert one.tolist() == other.tolist()
        assert filled.people(programme).tolist() == loaded.people(programme).tolist()


def test_filling_refuses_what_was_not_counted() -> None:
    def rows(programme: int, *people: int) -> tuple[Any, Any, Any]:
        n = len(people)
        return np.full(n, programme), np.array(people, np.uint32), pack(n, 1, 0, False)

    with pytest.raises(ValueError, match="not counted"):
        Filling({7: 2}).add(*rows(8, 1))
    with pytest.raises(ValueError, match="more people"):
        Filling({7: 2}).add(*rows(7, 1, 2, 3))
    twice = Filling({7: 2})
    twice.add(*rows(7, 1, 1))
    with pytest.raises(ValueError, match="ascend"):
        twice.finish(StandingSet())


@pytest.mark.parametrize(
    ("kinds", "octets"), [(1, 5), (200, 5), (300, 8), (1 << 27, 8), (1 << 31, 12)]
)
def test_octets_a_person_by_what_is_told_apart(kinds: int, octets: float) -> None:
    n = 400_000
    rng = np.random.default_rng(1)
    standings = StandingSet()
    people = np.arange(n, dtype=np.uint32)
    until = NOW + rng.integers(0, kinds, n)
    standings.load(1, people, np.full(n, 3, np.uint8), until)
    assert octets <= standings.nbytes / n < octets + 0.1
    over = NOW + kinds // 2
    assert (standings.lookup(1, people, over) == np.where(until > over, 3, 0)).all()
