"""Statements agree with the postings, and as files they harm nobody."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import date

import pytest

from assent.errors import AssentError
from assent.flow import money as flow_money
from assent.flow.money_requests import AllotRequest
from assent.flow.pricing import month_of, next_month, spending_day
from assent.flow.statements import Statement
from assent.message import Purpose
from assent.web.statement_files import money, safe, to_csv, to_pdf
from tests.flow.conftest import Platform, numbers
from tests.flow.treasury import Treasury


async def test_a_statement_agrees_with_the_postings(platform: Platform) -> None:
    treasury = Treasury(platform)
    await treasury.terms("account2", parent="account1")
    month = month_of(spending_day(platform.clock.now()))
    people = numbers(30)
    await platform.consent(people)
    await platform.send(people)
    await treasury.desk.purses.allot(
        treasury.customer(), AllotRequest(account="account2", amount_micro=7, reference="a")
    )
    await treasury.quiet()
    one = await treasury.desk.statement(treasury.customer(), f"{month:%Y-%m}")
    assert not one.final
    assert (one.opening, one.moves["deposit"]) == (0, (1, 10**12))
    assert one.moves["allot_out"] == (1, -7)
    assert one.moves["revenue"][1] == -30 * 50_000
    assert sum(amount for *_, amount in one.charges) == 30 * 50_000
    assert one.closing == one.available + one.reserved == await treasury.available()
    treasury.later((next_month(month) - month).days)
    await platform.send(people[:3])
    await treasury.quiet()
    told = await treasury.desk.statement(treasury.customer(), f"{month:%Y-%m}")
    assert told.final
    assert told.closing == one.closing, "what came later does not move a month that is over"
    after = await treasury.desk.statement(treasury.customer(), f"{next_month(month):%Y-%m}")
    assert after.opening == told.closing
    assert after.closing == await treasury.available()
    with pytest.raises(AssentError) as early:
        await treasury.desk.statement(treasury.customer(), f"{next_month(next_month(month)):%Y-%m}")
    assert early.value.code == "month_not_begun"


HOSTILE = Statement(
    account='=HYPERLINK("http://x","y")', company="@SUM(1)商户", month=date(2026, 11, 1),
    currency="CNY", final=True, opening=0, moves={"deposit": (1, 10**12), "revenue": (9, -450_000)},
    charges=[("marketing", "+cmd|' /C calc'!A0", 50_000, 9, 450_000)], closing=10**12 - 450_000,
    available=10**12 - 450_000, reserved=0,
)  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_cell_of_a_csv_is_a_formula(language: str) -> None:
    text = to_csv(HOSTILE, language).decode("utf-8-sig")  # type: ignore[arg-type]  # a literal
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row if cell]
    assert any("HYPERLINK" in cell for cell in cells)
    for cell in cells:
        assert not cell.startswith(("=", "+", "@", "\t")), cell
        assert not cell.startswith("-") or re.fullmatch(r"-\d+\.\d{2,6}", cell)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_pdf_is_one_and_needs_no_font_file(language: str) -> None:
    made = to_pdf(HOSTILE, language)  # type: ignore[arg-type]  # a literal
    assert made.startswith(b"%PDF-")
    assert made == to_pdf(HOSTILE, language), "the same octets"  # type: ignore[arg-type]
    assert b"STSong-Light" in made
    assert b"/FontFile" not in made


WITHIN = {"reserve", "release", "release_daily", "visible"}  # between books that a statement sums


def test_every_kind_of_posting_has_words_in_both_languages() -> None:
    kinds = set(re.findall(r"`(\w+)`", (flow_money.__doc__ or "").partition("`source`):")[2]))
    assert kinds >= {"deposit", "failed", "rebate_back", *WITHIN}
    moves = dict.fromkeys(sorted(kinds - WITHIN), (1, 1000000))
    charges = [(p.name.lower(), "mobile", 1, 1, 1) for p in Purpose]
    whole = replace(HOSTILE, account="a", company="b", moves=moves, charges=charges)
    for language in ("en", "zh"):
        text = to_csv(whole, language).decode("utf-8-sig")  # type: ignore[arg-type]  # a literal
        words = [row[0] for row in csv.reader(io.StringIO(text)) if row]
        chinese = [bool(re.search("[\u4e00-\u9fff]", word)) for word in words]
        assert all(chinese) if language == "zh" else not any(chinese), words
        assert not kinds & {word for word in words if "_" in word}


def test_amounts_and_cells() -> None:
    assert [money(n) for n in (0, 1, 50_000, -1_500_000)] == ["0.00", "0.000001", "0.05", "-1.50"]
    assert safe("-1+2") == "'-1+2"
    assert safe("a=1") == "a=1"
