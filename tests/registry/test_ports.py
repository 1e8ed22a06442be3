"""The life of a port as a table: walked at random, and held to what it promises."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import Conflict, InvalidInput
from assent.registry.ports import (
    FILINGS,
    LONGEST_NUMBER,
    MOVES,
    STEPS,
    WORDS,
    Held,
    clash,
    free_extension,
    lapsed,
    months_later,
    moved,
    ranges_of,
)

GONE = ("revoked", "cooling", "recycled")


@given(st.lists(st.sampled_from(STEPS), max_size=40))
def test_any_walk_keeps_the_rules(steps: list[str]) -> None:
    """Nothing is in use that its carrier has not filed; nothing comes back from revoked; what
    does not fit changes nothing and says what would."""
    status, filing = "applied", "none"
    was_revoked = False
    for step in steps:
        try:
            new_status, new_filing = moved(status, filing, step)
        except Conflict as error:
            assert error.code in ("port_state", "port_not_filed")  # noqa: PT017  # part of a walk
            continue
        assert (new_status, new_filing) != (status, filing) or step == "file"
        if step in ("activate", "resume"):
            assert (new_status, filing) == ("active", "filed")
        if was_revoked:
            assert GONE.index(new_status) >= GONE.index(status)
            assert new_filing == filing
        was_revoked |= new_status == "revoked"
        if new_status in ("filed", "active", "paused"):
            assert new_filing == "filed"
        status, filing = new_status, new_filing
    assert status in MOVES
    assert filing in FILINGS


def test_every_status_can_be_reached_and_has_its_words() -> None:
    seen, left = {("applied", "none")}, [("applied", "none")]
    while left:
        for step in STEPS:
            try:
                found = moved(*left[-1], step)
            except Conflict:
                continue
            if found not in seen:
                seen.add(found)
                left.insert(0, found)
        left.pop()
    assert {status for status, _ in seen} == set(MOVES) == set(WORDS)
    assert {filing for _, filing in seen} == set(FILINGS)


@pytest.mark.parametrize(
    ("status", "filing", "step"),
    [
        ("applied", "none", "file"), ("applied", "none", "activate"),
        ("applied", "submitted", "activate"), ("filed", "refused", "activate"),
        ("paused", "refused", "resume"), ("revoked", "filed", "resume"),
        ("cooling", "filed", "file"), ("recycled", "filed", "activate"),
        ("recycled", "refused", "submit"), ("active", "filed", "recycle"),
        ("active", "filed", "cool"), ("suspended", "filed", "pause"),
    ],
)  # fmt: skip
def test_what_a_port_cannot_do(status: str, filing: str, step: str) -> None:
    with pytest.raises(Conflict) as caught:
        moved(status, filing, step)
    assert caught.value.mend


DIGITS = st.text("0123456789", min_size=3, max_size=8)


@given(DIGITS, st.lists(st.tuples(DIGITS, st.integers(1, 3)), max_size=8), st.integers(1, 3))
def test_no_reply_can_mean_two_senders(
    number: str, others: list[tuple[str, int]], sender: int
) -> None:
    """What is given out never lets a destination begin with numbers of two senders."""
    held: list[Held] = []
    for other, owner in [*others, (number, sender)]:
        if clash(other, owner, held) is None:
            held.append(Held(other, owner, 1))
    for one in held:
        for two in held:
            if one.number.startswith(two.number):
                assert one.sender_id == two.sender_id
    assert len({one.number for one in held}) == len(held)


@given(st.lists(st.integers(0, 99), max_size=60), st.booleans())
def test_a_free_extension_is_free(taken: list[int], own: bool) -> None:
    ranges = ranges_of(["00-49", "-"], "10690")
    held = [Held(f"10690{value:02d}", 2, 1) for value in taken] + (
        [Held("10690", 1, 1)] if own else []
    )
    found = free_extension("10690", ranges, 1, held)
    free = [value for value in range(50) if value not in taken]
    if free:
        assert found == f"{free[0]:02d}"
        assert clash(f"10690{found}", 1, held) is None
    elif found is not None:
        assert clash(f"10690{found}", 1, held) is None


@pytest.mark.parametrize(
    "words",
    [["9-1"], ["1-22"], ["a-b"], [""], ["1"], ["0" * 16 + "-" + "9" * 16], [], ["1-2"] * 101],
)
def test_ranges_that_are_none(words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        ranges_of(words, "10690")
    assert caught.value.code == "bad_range"
    assert LONGEST_NUMBER == 20


@given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(1, 30))
def test_months_end_on_a_day_of_the_calendar(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1
    assert months_later(later, -months).day <= day.day
    assert lapsed(day, later, months)
    assert not lapsed(day, later - timedelta(days=1), months)
