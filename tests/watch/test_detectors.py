"""Detectors are pure functions of counts: what they see, what they must not, and what changes
nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from assent.errors import InvalidInput
from assent.flow.inbound import word_code
from assent.watch import detectors
from assent.watch.bounds import by_group, lower, median, spread, upper
from assent.watch.cubes import DAYS, Cubes, Cut, Parties, pair
from assent.watch.finding import Finding
from assent.watch.neighbours import beside
from assent.watch.pressing import Code, Pressing
from assent.watch.records import METRICS, Records, day_of, weekday_of
from assent.watch.rules import PACKAGED, Rules
from assent.watch.sketch import add, empty, estimate

RULES = Rules.load()
FIRST = 24 * 20_000 - 8
LAST = FIRST + 24 * 70 + 12
CODE, NOTICE, MARKETING, INTERNAL = 1, 2, 3, 4
PEERS = Parties(dict.fromkeys(range(1, 40), "retail"), {n: n for n in range(1, 40)}, since=FIRST)


class Book:
    """Counts written by hand: a row a day and sender at noon, and what happens on the last day."""

    def __init__(self, senders: int = 12, purpose: int = MARKETING, **daily: int) -> None:
        self.rows: list[tuple[tuple[int, int, int], dict[str, int]]] = []
        daily = {"submitted": 1_000, "written": 1_000, "ordered": 1_000, "delivered": 970,
                 "failed": 30, **daily}  # fmt: skip
        for sender in range(1, senders + 1):
            for day in range(70):
                # Not the same every day, or a hair's breadth would be an alarm.
                off = (sender * 7 + day * 5) % 11 - 5
                counts = {
                    name: max(n + round(n * off / 60), 0) for name, n in daily.items()
                }  # fmt: skip
                self.rows.append(((FIRST + day * 24 + 12, sender, purpose), counts))

    def now(self, sender: int, purpose: int = MARKETING, **counts: int) -> None:
        self.rows.append(((LAST, sender, purpose), counts))

    def records(self) -> Records:
        names = sorted({name for _, counts in self.rows for name in counts})
        columns = list(zip(*(key for key, _ in self.rows), strict=True))
        keys = {"hour": columns[0], "sender": columns[1], "account": columns[1],
                "port": columns[1], "purpose": columns[2]}  # fmt: skip
        return Records.of(keys, {n: [counts.get(n, 0) for _, counts in self.rows] for n in names})

    def look(self, parties: Parties = PEERS, hour: int = LAST) -> list[Finding]:
        return detectors.look(Cubes(self.records(), parties).view(hour), RULES)


def seen(found: list[Finding]) -> set[tuple[str, int, int]]:
    return {(one.detector, one.sender, one.severity) for one in found}


NORMAL = {"submitted": 1_000, "written": 1_000, "ordered": 1_000, "delivered": 970, "failed": 30}


@pytest.mark.parametrize(
    ("purpose", "daily", "now", "expected"),
    [
        (MARKETING, {}, {"submitted": 20_000}, {("volume", 1)}),
        (MARKETING, {}, {"delivered": 820, "failed": 180}, {("delivery", 1)}),
        (MARKETING, {}, {"delivered": 500, "failed": 500}, {("delivery", 2)}),
        (MARKETING, {"refused": 1}, {"submitted": 1_000, "refused": 20}, {("refusals", 2)}),
        (MARKETING, {"nowhere": 2}, {"ordered": 1_000, "nowhere": 90}, {("unknown", 2)}),
        (MARKETING, {"nowhere": 2}, {"ordered": 1_000, "nowhere": 400}, {("unknown", 3)}),
        (MARKETING, {"strangers": 20}, {"written": 1_000, "strangers": 800}, {("strangers", 1)}),
        (
            MARKETING, {"strangers": 20},
            {"written": 1_000, "strangers": 800, "delivered": 500, "failed": 500},
            {("strangers", 1), ("delivery", 2), ("several", 2)},
        ),
        (MARKETING, {"looked": 900, "beside": 9}, {"looked": 900, "beside": 300},
         {("sequences", 1)}),
        (NOTICE, {"looked": 900, "beside": 9}, {"looked": 900, "beside": 700},
         {("sequences", 3)}),
        (INTERNAL, {"looked": 900, "beside": 9}, {"looked": 900, "beside": 700}, set()),
        (CODE, {"again": 80}, {"written": 500, "again": 40, "pressed": 200}, {("bombing", 2)}),
        (CODE, {"again": 80}, {"written": 500, "again": 40, "pressed": 400}, {("bombing", 3)}),
        (CODE, {"again": 80}, {"written": 1_000, "again": 0}, {("uncompleted", 1)}),
        (CODE, {"again": 80}, {"written": 1_000, "again": 0, "bulk": 800}, {("uncompleted", 3)}),
        (CODE, {"again": 80, "completed": 700}, {"written": 60_000, "again": 4_800},
         {("uncompleted", 1)}),
        (INTERNAL, {"commercial": 10}, {"submitted": 500, "commercial": 400}, {("drift", 3)}),
        (INTERNAL, {"commercial": 10}, {"submitted": 500, "commercial": 180}, {("drift", 2)}),
        (NOTICE, {"valued": 900, "carrying": 9}, {"valued": 900, "carrying": 700},
         {("variables", 2)}),
        (MARKETING, {"submitted": 1_000, "commercial": 980}, {"submitted": 900, "commercial": 900},
         set()),
    ],
)  # fmt: skip
def test_each_sees_its_own_and_no_other(
    purpose: int, daily: dict[str, int], now: dict[str, int], expected: set[tuple[str, int]]
) -> None:
    book = Book(purpose=purpose, **daily)
    assert seen(book.look(hour=LAST - 24)) == set()
    book.now(3, purpose, **now)
    found = seen(book.look())
    assert found == {(name, 3, severity) for name, severity in expected}
    # What everybody has at once is nobody's doing.
    if expected & {("volume", 1), ("delivery", 1), ("delivery", 2)} and len(expected) == 1:
        for sender in (*range(1, 3), *range(4, 13)):
            book.now(sender, purpose, **now)
        assert seen(book.look()) == set()


def test_people_who_refused_are_told_of_when_it_goes_on() -> None:
    book = Book(barred=2)
    book.now(3, ordered=1_000, barred=600)
    assert seen(book.look()) == set()
    for day in range(1, 4):
        book.rows.append(((LAST - 24 * day, 3, MARKETING), {"ordered": 1_000, "barred": 600}))
    assert seen(book.look()) == {("barred", 3, 2)}


def test_a_port_that_was_silent_wakes_and_a_new_one_does_not() -> None:
    book = Book(purpose=NOTICE)
    book.rows = [row for row in book.rows if row[0][1] not in (3, 4) or row[0][0] < FIRST + 300]
    book.rows = [row for row in book.rows if row[0][1] != 4]
    for sender in (3, 4):
        book.now(sender, NOTICE, submitted=500, commercial=200 * (sender == 3))
    born = {3: FIRST - 9_000, 4: LAST - 200}
    found = book.look(replace(PEERS, born=born))
    assert ("waking", 3, 2) in seen(found)
    assert not any(one.sender == 4 and one.detector == "waking" for one in found)
    # Of what was before anything was counted nobody knows.
    late = book.look(replace(PEERS, born=born, since=LAST - 24 * 40))
    assert not any(one.detector == "waking" for one in late)


def test_a_trade_that_needs_a_licence_is_seen_beside_the_old_one() -> None:
    names = ("hour", "sender", "account", "port", "purpose", "category")
    days = [(FIRST + 24 * day + 12, s, s, s, MARKETING, 0) for day in range(70) for s in (1, 2)]
    rows = [*days, (LAST, 1, 1, 1, MARKETING, 1), (LAST, 2, 2, 2, MARKETING, 0)]
    keys = dict(zip(names, zip(*rows, strict=True), strict=True))
    records = Records.of(keys, {"submitted": [300] * len(rows)})
    parties = replace(PEERS, grave=frozenset({1}), categories=("retail", "loan"))
    found = detectors.look(Cubes(records, parties).view(LAST), RULES)
    assert seen(found) == {("mix", 1, 2)}
    assert found[0].evidence["category"] == "loan"


def test_answers_that_cease_are_seen() -> None:
    book = Book(replied=40)
    book.rows = [
        (key, {**counts, "replied": 0} if key[1] == 3 and key[0] > LAST - 24 * 7 else counts)
        for key, counts in book.rows
    ]
    assert seen(book.look()) == {("replies", 3, 1)}


# What changes nothing --------------------------------------------------------------------------

SERIES = st.lists(st.integers(0, 5_000), min_size=6, max_size=6)


@settings(max_examples=25, deadline=None)
@given(SERIES, st.sampled_from([CODE, NOTICE, MARKETING, INTERNAL]), st.integers(0, 6))
def test_what_is_always_the_same_is_never_an_alarm(
    counts: list[int], purpose: int, shift: int
) -> None:
    """The same rates day by day, whatever they are: no rise. Sequences, pressing, codes in bulk and
    refused people are wrong even if they always were."""
    hits, *_ = sorted(counts)
    size = max(counts)
    rows = [
        ((FIRST + day * 24 + 12, sender, purpose), {
            "submitted": size, "written": size, "ordered": size, "delivered": size - hits,
            "failed": hits, "refused": hits // 2, "strangers": hits, "commercial": hits,
            "valued": size, "carrying": hits, "nowhere": hits // 3, "replied": hits // 5,
        })
        for sender in range(1, 10) for day in range(71)
    ]  # fmt: skip
    book = Book(0)
    book.rows = rows
    found = [one for one in book.look(hour=LAST + shift) if one.detector != "uncompleted"]
    assert found == []


@settings(max_examples=15, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_order_and_names_do_not_matter(random: Any, shift: int) -> None:
    book = Book(9, refused=1, strangers=20)
    book.now(3, submitted=20_000, written=20_000, strangers=15_000, delivered=600, failed=400)
    book.now(5, submitted=1_000, refused=25)
    expected = seen(book.look())
    assert {("several", 3, 2), ("refusals", 5, 2)} <= expected
    random.shuffle(book.rows)
    assert seen(book.look()) == expected
    # Rows in parts are the same rows; other ids are the same senders.
    split = Book(0)
    for (hour, sender, purpose), counts in book.rows:
        part = {name: n // 3 for name, n in counts.items()}
        rest = {name: n - part[name] for name, n in counts.items()}
        split.rows += [((hour, sender + shift, purpose), one) for one in (part, rest)]
    parties = replace(PEERS, industries=dict.fromkeys(range(1, 90), "retail"))
    told = {
        (name, sender - shift, severity) for name, sender, severity in seen(split.look(parties))
    }
    assert told == expected


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 30))
def test_more_of_the_same_is_no_less_of_an_alarm(times: int) -> None:
    """The same rates in larger numbers: whatever was certain stays so."""
    book = Book(9, refused=1)
    book.now(3, submitted=600, refused=15, delivered=400, failed=200)
    small = {(name, sender) for name, sender, _ in seen(book.look())}
    book.rows = [(key, {n: v * times for n, v in counts.items()}) for key, counts in book.rows]
    large = {(name, sender) for name, sender, _ in seen(book.look())}
    assert {("refusals", 3), ("delivery", 3)} <= small <= large


@given(st.lists(st.integers(-10, 10), min_size=1, max_size=9))
def test_a_table_of_days_is_the_hours_added_up(hours: list[int]) -> None:
    keys: dict[str, Any] = {name: [7] * len(hours) for name in ("sender", "account", "port")}
    keys |= {"hour": [LAST + hour for hour in hours], "purpose": [MARKETING] * len(hours)}
    records = Records.of(keys, {"submitted": [1] * len(hours)})
    cube = Cubes(records, PEERS).view(LAST + 11).cube(Cut("pair"))
    assert cube.keys.tolist() == [pair(7, 7)]
    assert cube.now("submitted").tolist() == [len(hours)]
    later = Cubes(records, PEERS).view(LAST + 11 + 48).cube(Cut("pair"))
    assert later.now("submitted").tolist() == [0]
    assert later.past("submitted").shape == (1, DAYS)
    # A day that no records reach is not among those compared with.
    assert later.past("submitted").sum() <= len(hours)


# What they are made of -------------------------------------------------------------------------


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_bounds_are_exact(hits: int, more: int) -> None:
    of = hits + more
    one = np.array([float(hits)]), np.array([float(of)])
    if of == 0:
        assert (lower(*one, 0.01)[0], upper(*one, 0.01)[0]) == (0.0, 1.0)
        return
    exact = stats.binomtest(hits, of).proportion_ci(0.98, method="exact")
    assert lower(*one, 0.01)[0] == pytest.approx(exact.low, abs=1e-9)
    assert upper(*one, 0.01)[0] == pytest.approx(exact.high, abs=1e-9)


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=4, max_size=4), min_size=1, max_size=5))
def test_medians_are_numpys_without_nan(rows: list[list[float]]) -> None:
    values = np.array(rows)
    values[0, :2] = np.nan
    assert median(values) == pytest.approx(np.nanmedian(values, axis=1))
    assert np.isnan(median(np.full((1, 3), np.nan)))[0]
    middle = np.nanmedian(values, axis=1)
    mad = np.nanmedian(np.abs(values - middle[:, None]), axis=1) * 1.4826
    assert spread(values) == pytest.approx(mad)
    group = np.zeros(len(values), np.int64)
    assert by_group(values[:, 3], group, 99) == pytest.approx(np.median(values[:, 3]))


def test_numbers_in_a_row_and_in_equal_steps() -> None:
    rng = np.random.default_rng(1)
    row = np.arange(13_900_000_000, 13_900_000_200)
    assert beside(row) == beside(rng.permutation(row)) == 200
    assert beside(np.arange(13_900_000_000, 13_900_100_000, 500)) == 200
    members = rng.choice(np.arange(13_900_000_000, 13_902_000_000), 1_000, replace=False)
    assert beside(members) < 20
    assert beside(row[:1]) == beside(np.zeros(0, np.int64)) == 0


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40_000), st.integers(0, 2**20))
def test_a_sketch_tells_who_is_new(count: int, first: int) -> None:
    people = np.arange(first, first + count, dtype=np.uint32)
    registers = empty()
    assert add(registers, people) == pytest.approx(count, rel=0.08, abs=3)
    assert add(registers, people) == 0.0
    kept = registers.copy()
    assert estimate(kept) == pytest.approx(count, rel=0.08, abs=3)
    assert add(registers, people[: count // 2]) == 0.0
    assert (registers == kept).all()


def test_who_is_pressed() -> None:
    pressing = Pressing(3, 4, most=50)

    def take(at: float, person: int, group: int) -> tuple[bool, bool, int]:
        told = pressing.take(Code(at, person, group, group, 9))
        return told.again, told.pressed, told.groups

    assert take(0, 1, 1) == (False, False, 1)
    assert take(60, 1, 1) == (True, False, 1)
    assert take(120, 1, 1) == (True, True, 1)
    assert take(130, 1, 2) == (False, False, 2)
    assert take(3_750, 1, 2) == (False, False, 1)  # an hour later it is forgotten
    for group in range(1, 5):
        told = take(10_000 + group, 2, group)
    assert told == (False, True, 4)
    for person in range(100, 160):
        take(11_000, person, 1)
    assert pressing.of(2) == ()  # bounded: the one longest ago goes


def test_days_are_the_countrys() -> None:
    assert day_of(FIRST) == day_of(FIRST + 23) == day_of(FIRST - 1) + 1
    assert weekday_of(0) == 3  # 1 January 1970 was a Thursday


# Numbers ---------------------------------------------------------------------------------------


def test_every_number_has_a_reason_and_a_file_has_all(tmp_path: Path) -> None:
    file = msgspec.json.decode(PACKAGED.read_bytes())
    own = tmp_path / "detectors-own.json"
    file["detectors"]["volume"]["ratio"]["value"] = 99
    own.write_bytes(msgspec.json.encode(file))
    assert Rules.load(own).of("volume")["ratio"] == 99
    assert word_code("MK:0001") in RULES.empty
    wrong: list[Any] = [
        b"",
        b"[]",
        b'{"version": "1", "detectors": {}}',
        b'{"version": "1", "empty_codes": {"codes": [], "why": " "}, "detectors": {}}',
    ]
    for change in (
        lambda d: d["volume"].pop("ratio"),
        lambda d: d["volume"].update(more={"value": 1, "why": "because it is so"}),
        lambda d: d["volume"]["ratio"].update(why=" "),
        lambda d: d["volume"]["ratio"].update(value="x"),
    ):
        made = msgspec.json.decode(PACKAGED.read_bytes())
        change(made["detectors"])
        wrong.append(msgspec.json.encode(made))
    for octets in wrong:
        own.write_bytes(octets)
        with pytest.raises(InvalidInput) as raised:
            Rules.load(own)
        assert raised.value.code == "detectors_file"
    with pytest.raises(InvalidInput):
        Rules.load(tmp_path / "none.json")


def test_records_refuse_what_they_are_not() -> None:
    keys: dict[str, Any] = {n: [1] for n in ("hour", "sender", "account", "port", "purpose")}
    with pytest.raises(ValueError, match="no metric"):
        Records.of(keys, {"nonsense": [1]})
    with pytest.raises(ValueError, match="length"):
        Records.of(keys, {"submitted": [1, 2]})
    assert len(Records.of(keys, {name: [1] for name in METRICS})) == 1
