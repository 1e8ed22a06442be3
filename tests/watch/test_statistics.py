"""Shares, ranks, bounds, periods, tables: pure, whatever the order of rows."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from assent.errors import InvalidInput
from assent.flow.statistics_requests import BY
from assent.numbers import Name
from assent.screen.categories import CATEGORIES
from assent.watch.statistics import (
    moved,
    quantile,
    ranks,
    rate,
    share,
    share_bounds,
    shares,
)
from assent.watch.statistics_files import to_pdf, to_svg, to_xlsx, write
from assent.watch.statistics_periods import between, last_quarter, read
from assent.watch.statistics_published import read_published, read_users
from assent.watch.statistics_rows import (
    FAMILIES,
    NATURES,
    Answered,
    Carried,
    Counted,
    Data,
    Names,
    Only,
    Users,
    cleaned,
    family,
    nature,
    restricted,
)
from assent.watch.statistics_sheets import sheets, to_csv
from assent.watch.statistics_tables import summary, tables

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "stats_12321.csv"
NOON = 1_795_320_000.0  # 2026-11-22 12:00 in China
QUARTER = read("2026Q3", "from")
PROVINCES = (Name("", ""), Name("北京", "Beijing"), Name("广东", "Guangdong"))
NAMES = Names({1: ("春风百货", "C1"), 2: ("申城银行", "C2")}, PROVINCES)

COUNTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 10_000))
ROWS = st.lists(
    st.builds(
        Counted, st.integers(1, 50), st.sampled_from(["12321", "carrier"]), st.booleans(),
        st.sampled_from(["", "95566", "95533", "1069001"]), st.integers(0, 2),
        st.sampled_from(["mobile", "unicom", ""]), st.integers(0, 2),
        st.sampled_from(["loan", "wealth", "", "retail", "phishing_bank", "gift cards"]),
        st.sampled_from(["", "中国银行"]), st.booleans(), st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


def row(n: int = 1, **more: Any) -> Counted:
    plain = Counted(n, "12321", True, "95566", 1, "mobile", 1, "loan", "", True, False)
    return plain._replace(**more)


def data(*rows: Counted, **more: Any) -> Data:
    parts = {"messages": (), "answers": (), "users": ()} | more
    return Data(QUARTER, rows, **parts)


def table(name: str, *columns: Data, by: str = "", top: int = 10, **only: Any) -> dict[str, Any]:
    found = tables([by or name], columns, NAMES, Only(**only), top, NOON)
    return next(one for one in found if one["name"] == name)


# Figures ----------------------------------------------------------------------------------------


@given(COUNTS)
def test_shares_add_up_to_a_hundred_and_are_off_by_less_than_a_tenth(
    counts: dict[str, int],
) -> None:
    total = sum(counts.values())
    found = shares(counts)
    assert sum(round(one * 10) for one in found.values()) == (1_000 if total else 0)
    for key, n in counts.items():
        assert abs(found[key] - (100 * n / total if total else 0)) < 0.1 + 1e-9
    for key, n in counts.items():
        assert all(found[key] >= found[other] for other, m in counts.items() if n > m)


@given(COUNTS, st.randoms())
def test_neither_shares_nor_ranks_depend_on_the_order(counts: dict[str, int], draw: Random) -> None:
    mixed = list(counts.items())
    draw.shuffle(mixed)
    assert shares(dict(mixed)) == shares(counts)
    assert ranks(dict(mixed)) == ranks(counts)


@given(COUNTS)
def test_a_rank_is_one_more_than_how_many_have_more(counts: dict[str, int]) -> None:
    found = ranks(counts)
    assert found.keys() == {key for key, n in counts.items() if n}
    for key, place in found.items():
        assert place == 1 + sum(n > counts[key] for n in counts.values())


def test_remainders_go_to_who_lost_most() -> None:
    assert shares({"a": 1, "b": 1, "c": 1}) == {"a": 33.4, "b": 33.3, "c": 33.3}
    assert shares({"a": 2, "b": 1}) == {"a": 66.7, "b": 33.3}
    assert shares({"a": 0, "b": 0}) == {"a": 0.0, "b": 0.0}
    assert [share(1, 3), share(5, 1_000), share(15, 10_000), share(0, 0)] == [33.3, 0.5, 0.2, None]


@pytest.mark.parametrize(
    ("before", "now", "found"),
    [
        (None, 3, ("new", 0)), (11, 10, ("new", 0)), (10, 11, ("out", 0)), (2, None, ("out", 0)),
        (3, 2, ("up", 1)), (2, 8, ("down", 6)), (4, 4, ("same", 0)), (11, 12, (None, 0)),
        (None, None, (None, 0)),
    ],
)  # fmt: skip
def test_what_becomes_of_a_place(before: int | None, now: int | None, found: Any) -> None:
    assert moved(before, now, 10) == found


def test_bounds_are_those_of_the_books() -> None:
    # Garwood for 10 events; Clopper and Pearson for 8 of 10 (tables of both are in every textbook).
    found = rate(10, 100_000_000, 100_000_000)
    assert found is not None
    assert (found["value"], found["low"], found["high"]) == (10.0, 4.8, 18.39)
    assert (found["n"], found["base"], found["small"]) == (10, 100_000_000, True)
    assert share_bounds(8, 10) == (44.4, 97.5)
    assert (share_bounds(0, 10), share_bounds(10, 10)) == ((0.0, 30.8), (69.2, 100.0))
    assert (rate(3, 0, 100), share_bounds(0, 0)) == (None, None)


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.5, 0.9]))
def test_a_quantile_occurred_and_enough_do_not_exceed_it(values: list[int], part: float) -> None:
    found = quantile(values, part)
    assert found in values
    assert sum(one <= found for one in values) >= part * len(values)
    assert sum(one < found for one in values) < part * len(values)
    assert quantile([], part) is None


# Periods ----------------------------------------------------------------------------------------


def test_periods_stand_side_by_side() -> None:
    def told(first: str | None, last: str | None, before: int) -> list[str]:
        return [one.name for one in between(first, last, before, NOON)]

    assert told(None, None, 1) == ["2026Q2", "2026Q3"]
    assert told("2026Q1", "2026q3", 0) == ["2026Q1", "2026Q2", "2026Q3"]
    assert told("2026-01", None, 2) == ["2025-11", "2025-12", "2026-01"]
    assert told("2026-03-01", "2026-03-07", 1) == [
        "2026-02-22..2026-02-28", "2026-03-01..2026-03-07"
    ]  # fmt: skip
    assert told("2024", None, 1) == ["2023", "2024"]
    assert told(None, "2024-02-29", 0) == ["2024-02-29"]
    assert last_quarter(1_798_732_800.0).name == "2026Q4"  # 2027-01-01 00:00 in China
    assert last_quarter(1_798_732_799.0).name == "2026Q3"
    begin, end = QUARTER.moments
    assert (begin.isoformat(), end.isoformat()) == (
        "2026-06-30T16:00:00+00:00", "2026-09-30T16:00:00+00:00"
    )  # fmt: skip
    assert (QUARTER.before().after(), QUARTER.end) == (QUARTER, date(2026, 10, 1))


@pytest.mark.parametrize(
    ("first", "last", "before"),
    [
        ("2026Q5", None, 1), ("2026-13", None, 1), ("2026-02-30", None, 1), ("yesterday", None, 1),
        ("2026Q1", "2026-03", 0), ("2026Q2", "2026Q1", 0), ("2000-01", "2026-01", 0),
        ("1990-01-01", "2190-01-01", 0), ("2026Q1", None, 13), ("9999", None, 0),
        ("２０２６", None, 0), ("", None, 0),
    ],
)  # fmt: skip
def test_what_is_no_period_is_said(first: str, last: str | None, before: int) -> None:
    with pytest.raises(InvalidInput) as raised:
        between(first, last, before, NOON)
    assert raised.value.code in ("unknown_period", "too_many_periods")


# Tables -----------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(ROWS, ROWS, st.randoms())
def test_no_table_depends_on_the_order_or_grouping_of_rows(
    earlier: list[Counted], rows: list[Counted], draw: Random
) -> None:
    split = [one._replace(n=1) for one in rows for _ in range(one.n)]
    draw.shuffle(split)
    turned = list(reversed(earlier))
    one = tables(BY, [data(*earlier), data(*rows)], NAMES, Only(), 2, NOON)
    other = tables(BY, [data(*turned), data(*split)], NAMES, Only(), 2, NOON)
    assert one == other
    total = sum(row.n for row in rows)
    for made in one:
        if "low" in made["measures"]:
            cells = [line["cells"][1] for line in made["rows"]]
            assert sum(cell["n"] for cell in cells) == total
            assert sum(round((cell["share"] or 0) * 10) for cell in cells) == 1_000 * (total > 0)
        if "rank" in made["measures"]:
            listed = Counter(line["cells"][1]["top"] for line in made["rows"])[True]
            assert listed >= min(2, sum(line["cells"][1]["n"] > 0 for line in made["rows"]))
    json.dumps(one)


def test_every_category_is_of_a_family_and_a_nature() -> None:
    for one in (*(category.code for category in CATEGORIES), "", "gift cards"):
        assert family(one) in FAMILIES
        assert nature(one) in NATURES
    assert (family("credit_bait"), nature("collection")) == ("lending", "commercial")
    assert (family("phishing_bank"), nature("gift cards")) == ("illegal", "reported")


def test_rates_count_what_was_matched_and_whose_users_are_known() -> None:
    sent = (Carried(200_000_000, "95566", 1, "mobile", 1, "loan"),)
    users = (Users("mobile", 0, 50_000_000), Users("unicom", 2, 1_000_000))
    one = data(
        row(30), row(5, matched=False), row(7, not_ours=True), row(8, port_type=False, number=""),
        row(4, carrier="unicom", province=1), row(6, carrier="unicom", province=2),
        messages=sent, users=users,
    )  # fmt: skip
    kinds = {line["key"]: line["cells"][0] for line in table("type", one)["rows"]}
    assert (kinds["port"]["n"], kinds["point"]["n"]) == (52, 8)
    assert kinds["port"]["per_100m"]["value"] == 20.0  # 30, 4 and 6 over two hundred millions
    assert kinds["point"]["per_100m"] is None
    assert kinds["point"]["per_million"]["value"] == round(8 / 51, 2)
    carriers = {line["key"]: line["cells"][0] for line in table("carrier", one)["rows"]}
    assert carriers["unicom"]["per_million"]["n"] == 6  # in the province whose users are known
    assert carriers["unicom"]["per_100m"] is None
    cross = table("province_carrier", one, by="province")
    assert [column["key"] for column in cross["columns"]] == ["mobile", "unicom", "all"]
    beijing = next(line for line in cross["rows"] if line["en"] == "Beijing")
    assert [cell["n"] for cell in beijing["cells"]] == [50, 4, 54]
    assert summary(one)["per_million"]["n"] == 56
    assert restricted(one, Only(type="point")).messages == ()
    left = restricted(one, Only(category="lending", carrier="unicom", province=2))
    assert (left.complaints[0].n, left.messages, left.users) == (6, (), (users[1],))


def test_ports_keep_their_places_and_say_what_became_of_them() -> None:
    earlier = data(row(9, number="1"), row(8, number="2"), row(2, number="3"), row(1, number=""))
    later = data(
        row(9, number="2"), row(9, number="3"), row(1, number="1", sender=2), row(3, number="")
    )
    made = table("port", earlier, later, top=2)
    lines = {line["key"]: line for line in made["rows"]}
    assert [line["key"] for line in made["rows"]] == ["2", "3", "1"]
    assert [(lines[k]["cells"][1]["rank"], lines[k]["cells"][1]["change"]) for k in "231"] == [
        (1, "up"), (1, "new"), (3, "out")
    ]  # fmt: skip
    assert lines["1"]["zh"] == "春风百货"  # whom most of its complaints name
    assert made["left_out"] == [1, 3]
    senders = table("sender", earlier, later)
    assert [line["key"] for line in senders["rows"]] == ["C1", "C2"]
    brands = tables(["brand"], [later], NAMES, Only(), 10, NOON)
    assert [one["name"] for one in brands] == ["brand:wealth", "brand:lending"]
    assert [line["key"] for line in brands[1]["rows"]] == ["春风百货", "申城银行"]


def test_answers_are_in_time_late_or_overdue() -> None:
    def wait(
        hours: float | None, due: float | None = 48.0, at: float = 0.0, **more: Any
    ) -> Answered:
        begin = NOON - 3_600.0 * (100 - at)
        ends = [None if x is None else begin + x * 3_600 for x in (due, hours)]
        plain = Answered("12321", begin, ends[0], ends[1], False, True, "mobile", 1, "loan")
        return plain._replace(**more)

    waits = (
        wait(1), wait(2), wait(3, due=None), wait(60), wait(None), wait(None, at=90),
        wait(None, not_ours=True), wait(10, source="api"),
    )  # fmt: skip
    made = table("answer", data(answers=waits))
    cells = {line["key"]: line["cells"][0] for line in made["rows"]}
    assert cells["all"] == {
        "n": 8, "answered": 5, "open": 2, "overdue": 1, "late": 1, "median_h": 3.0, "p90_h": 60.0,
        "in_time": 60.0,
    }  # fmt: skip
    assert cells["api"]["in_time"] == 100.0
    empty = table("answer", data())["rows"][0]["cells"][0]
    assert (empty["median_h"], empty["in_time"]) == (None, None)


def test_nobody_is_in_what_is_shown() -> None:
    rows = [
        row(3, number="13800138000"), row(2, port_type=False, number="8613800138000"),
        row(1, brand="打13800138000"), row(1, category="call 13800138000 now"),
    ]  # fmt: skip
    one = data(*cleaned(rows))
    words = json.dumps(tables(BY, [one, one], NAMES, Only(), 10, NOON), ensure_ascii=False)
    assert "138001" not in words
    assert "打…" in words
    assert table("port", one)["left_out"] == [3]


# Files ------------------------------------------------------------------------------------------


ODD = ("\x01\x0b]]>", "=cmd", "🏦银行", "<b>&'\"", "\ud7ff\ufffd", "[bold]", "ｱ\u202e", "𠀀" * 70)


@pytest.mark.parametrize("words", ODD)
def test_no_name_breaks_a_file(words: str) -> None:
    names = Names({1: (words, "C1")}, PROVINCES)
    one = data(*cleaned([row(3, brand=words), row(2, category=words)]))
    told = publication(one) | {"tables": tables(BY, [one], names, Only(), 10, NOON)}
    ElementTree.fromstring(to_svg(told, "zh"))  # noqa: S314  # our own octets
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(told, "en")))
    assert len(book.sheet_names) == len(set(book.sheet_names)) == len(told["tables"]) + 2
    assert to_pdf(told, "en").startswith(b"%PDF-")
    head, *lines = csv.reader(io.StringIO(to_csv(told, "en").decode("utf-8-sig")))
    assert {len(line) for line in lines} == {len(head)}
    assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "@"))]


def publication(*columns: Data) -> dict[str, Any]:
    return {
        "periods": [summary(one) for one in columns],
        "tables": tables(BY, columns, NAMES, Only(), 10, NOON),
        "published": [{"period": "2026Q3", "measure": "P2P / port", "part": "port", "value": 60.0,
                       "unit": "percent", "ours": "type:port", "here": 50.0, "source": "paper",
                       "doubt": "approximate"}],
    }  # fmt: skip


def test_files_hold_every_figure_and_are_the_same_each_time() -> None:
    sent = (Carried(1_000, "95566", 1, "mobile", 1, "loan"),)
    one = data(row(3, brand="=1+1"), row(2, category="wealth", brand="<b>&"), messages=sent)
    told = publication(one, one)
    for language, title in (("en", "Summary"), ("zh", "概览")):
        made = sheets(told, language)
        book = CalamineWorkbook.from_filelike(io.BytesIO(to_xlsx(told, language)))
        assert book.sheet_names[0] == title
        assert len(book.sheet_names) == len(made) == len(told["tables"]) + 2
        for name, sheet in zip(book.sheet_names, made, strict=True):
            cells = [list(line) for line in book.get_sheet_by_name(name).to_python()]
            assert [["" if x is None else x for x in line] for line in sheet.rows] == cells[1:]
        svg = to_svg(told, language).decode()
        assert ("贷款融资" in svg) is (language == "zh")
        assert to_pdf(told, language) == to_pdf(told, language)
        assert to_pdf(told, language).startswith(b"%PDF-")
    lines = to_csv(told, "zh").decode("utf-8-sig").splitlines()
    assert lines[0] == "table,key,name,column,measure,value"
    assert "type,port,端口类,2026Q3,share,100.0" in lines
    assert "brand:lending,'=1+1,'=1+1,2026Q3,rank,1" in lines
    with pytest.raises(InvalidInput, match="ends in"):
        write(told, "doc", "en")
    with pytest.raises(InvalidInput, match="no complaints"):
        write(publication(data()), "svg", "en")
    assert write(publication(data()), "pdf", "en").startswith(b"%PDF-")


PUBLISHED = """period,metric,value,source
2023Q2,port ~/ P2P %,~60 / ~40,news
2018Q1,P2P reports per million users; port reports per 100M messages,8.1; 16.1,same
2017-03,reports of illegal: fraud / papers %,43.7 / 24.0,12321
2025Q4,channel split % (the article contradicts itself),77.3 / 22.7,same
2014Q3,spam SMS reports,"31,568",same
2014Q3,a / b %,1 / 2 / 3,same
2014Q7,complaints,5,same
2014Q3,share commercial ads %,127.1,same
2014Q3,complaints,many,same
"""


def test_published_figures_are_read_with_their_doubts() -> None:
    figures, faults = read_published(PUBLISHED)
    told = [(one.part, float(one.value), one.unit, one.ours, one.doubt) for one in figures]
    assert told == [
        ("port", 60.0, "percent", "type:port", "approximate"),
        ("P2P", 40.0, "percent", "type:point", "approximate"),
        ("P2P reports per million users", 8.1, "per_million_users", "per_million:point", ""),
        ("port reports per 100M messages", 16.1, "per_100m_messages", "per_100m", ""),
        ("fraud", 43.7, "percent", "", ""), ("papers", 24.0, "percent", "", ""),
        ("1", 77.3, "percent", "", "unnamed"),
        ("2", 22.7, "percent", "", "unnamed"),
        ("", 31568.0, "count", "complaints", ""),
    ]  # fmt: skip
    assert [figures[2].source, figures[7].source] == ["news", "12321"]
    assert [(one.row, one.code) for one in faults] == [
        (6, "parts_differ"), (7, "unknown_period"), (8, "bad_value"), (9, "bad_value"),
    ]  # fmt: skip
    for text, code in (("a,b\n1,2\n", "missing_column"), ("", "missing_column"),
                       ('period,metric,value,source\n"x', "malformed_csv")):  # fmt: skip
        with pytest.raises(InvalidInput) as raised:
            read_published(text)
        assert raised.value.code == code


def test_the_shared_figures_are_read() -> None:
    """Quoted from newspapers, with their doubts; beside the repository and never in it."""
    if not SHARED.exists():
        pytest.skip("the shared data is not here")
    figures, faults = read_published(SHARED.read_text("utf-8"))
    assert faults == []
    assert {one.period for one in figures} >= {"2014Q3", "2017-03", "2018Q1", "2023Q2", "2025Q4"}
    found = {(one.period, one.ours): float(one.value) for one in figures if one.ours}
    assert found["2018Q1", "per_million:point"] == 8.1
    assert found["2018Q1", "per_100m"] == 16.1
    assert found["2023Q2", "type:port"] == 60.0
    assert found["2025Q4", "family:collection"] == 92.4
    assert {one.doubt for one in figures if one.period == "2023Q2"} == {"", "approximate"}
    split = [one for one in figures if one.measure.startswith("channel split")]
    assert [(one.doubt, one.ours) for one in split] == [("unnamed", "")] * 2
    assert not any(one.source == "same" for one in figures)


def test_users_are_read_by_the_names_of_provinces() -> None:
    head = "carrier,province,users,as_of,source\n"
    rows, faults = read_users(
        head + "mobile,广东省,7000,2026-06-30,report\nmobile,beijing,5,2026-06-30,report\n"
        "unicom,,9,2026-06-30,report\nunicom,,8,2026-06-30,report\nx y,,1,2026-06-30,r\n"
        "mobile,Moon,1,2026-06-30,r\nmobile,,-1,2026-06-30,r\nmobile,,1,June,r\n",
        PROVINCES,
    )
    assert [(one.carrier, one.province, one.users) for one in rows] == [
        ("mobile", 2, 7000), ("mobile", 1, 5), ("unicom", 0, 9),
    ]  # fmt: skip
    assert [one.code for one in faults] == [
        "row_twice", "bad_carrier", "unknown_province", "bad_value", "bad_date",
    ]  # fmt: skip


@settings(max_examples=50)
@given(st.text(max_size=200))
def test_a_file_of_anything_is_read_or_refused(text: str) -> None:
    for body in (text, f"period,metric,value,source\n{text}"):
        try:
            figures, faults = read_published(body)
        except InvalidInput:
            continue
        assert len(figures) + len(faults) <= len(body)
