"""Verdicts: what is held, what passes, and for which reasons."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from assent.message import Purpose
from assent.screen.finding import Sender, Severity
from assent.screen.form import Form
from assent.screen.verdict import Screened, Screener, Text
from tests.screen.written import BAITS, CODES, NOTICES, OFFERS, REMINDERS, rendered

BANK = Sender("江岸银行股份有限公司", frozenset({"finance"}), frozenset({"jabank.example.cn"}))
SHOP = Sender("青禾书店有限公司", frozenset(), frozenset({"qinghe.example.cn"}))
DATA = Path(__file__).parents[3] / "shared" / "data" / "sms"
ABOUT_MONEY = ("credit", "loan", "lending", "phishing", "fraud", "financ")


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener.packaged()


def one(screener: Screener, text: str, **more: object) -> Screened:
    return screener.screen([Text(text, **more)])[0]  # type: ignore[arg-type]  # fields


def reasons(screened: Screened) -> list[str]:
    return [f"{f.code} {f.en}" for f in screened.findings if f.severity > Severity.NOTE]


@pytest.mark.parametrize("text", BAITS)
def test_loan_baits_are_stopped_for_what_they_are(screener: Screener, text: str) -> None:
    found = one(screener, text)
    assert found.verdict in ("hold", "reject")
    assert any(word in reason for reason in reasons(found) for word in ABOUT_MONEY), reasons(found)


@pytest.mark.parametrize("purpose", [Purpose.NOTIFICATION, Purpose.MARKETING])
@pytest.mark.parametrize("text", BAITS[:3])
def test_no_purpose_lets_a_bait_pass(screener: Screener, text: str, purpose: Purpose) -> None:
    assert one(screener, text, purpose=purpose, sender=SHOP).verdict != "allow"


@pytest.mark.parametrize("text", REMINDERS)
def test_a_bank_may_remind_its_customers(screener: Screener, text: str) -> None:
    found = one(screener, text, sender=BANK, purpose=Purpose.NOTIFICATION)
    assert found.verdict == "allow", found.findings


@pytest.mark.parametrize("text", OFFERS)
def test_an_honest_offer_passes_as_marketing(screener: Screener, text: str) -> None:
    found = one(screener, text, sender=SHOP, purpose=Purpose.MARKETING)
    assert found.verdict == "allow", found.findings


@pytest.mark.parametrize("text", OFFERS)
def test_an_offer_through_a_notices_port_is_held(screener: Screener, text: str) -> None:
    found = one(screener, text, sender=SHOP, purpose=Purpose.NOTIFICATION)
    assert found.verdict == "hold"
    assert "purpose_differs" in {f.code for f in found.findings}


@pytest.mark.parametrize("with_purpose", [True, False])
def test_codes_and_notices_pass(screener: Screener, with_purpose: bool) -> None:
    texts = [
        Text(text, purpose=purpose if with_purpose else None)
        for templates, purpose in ((CODES, Purpose.VERIFICATION), (NOTICES, Purpose.NOTIFICATION))
        for text in rendered(templates, 500, seed=6)
    ]
    found = screener.screen(texts)
    stopped = [
        (text.text, reasons(one))
        for text, one in zip(texts, found, strict=True)
        if one.verdict != "allow"
    ]
    assert not [one for one in found if one.verdict == "reject"]
    assert len(stopped) <= 5, stopped[:10]


@pytest.mark.skipif(not DATA.exists(), reason="no ../shared/data")
def test_real_codes_and_notices_pass(screener: Screener) -> None:
    zstandard = pytest.importorskip("zstandard")
    with (DATA / "mudou.dev.csv.zst").open("rb") as packed:
        table = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), "utf-8")
        rows = [row for row in csv.DictReader(table) if row["label"] == "ham"]
    for category, least in (("weak:otp", 200), ("weak:notification", 1_500)):
        texts = [Text(row["text"]) for row in rows if row["category"] == category]
        assert len(texts) > least
        verdicts = [found.verdict for found in screener.screen(texts)]
        assert verdicts.count("reject") == 0, category
        assert verdicts.count("hold") <= len(texts) * 0.005, category


def test_what_was_seen_is_not_judged_again_but_for_another_sender(screener: Screener) -> None:
    text = Text(BAITS[0])
    (first,), (again,) = screener.screen([text]), screener.screen([Text(BAITS[0])])
    assert again is first
    other = one(screener, BAITS[0], sender=BANK)
    assert other is not first
    assert other.digest == first.digest != screener.digest
    assert len(screener.digest) == len(first.digest) == 64


def test_an_order_of_texts_keeps_its_places(screener: Screener) -> None:
    texts = [Text(text) for text in (*BAITS[:3], *OFFERS, *BAITS[:3])]
    found = screener.screen(texts)
    assert [one.verdict for one in found] == [screener.screen([t])[0].verdict for t in texts]
    assert screener.screen([]) == []


def test_the_gravest_finding_comes_first_and_names_its_owner(screener: Screener) -> None:
    found = one(screener, BAITS[1], form=Form("某某"), purpose=Purpose.NOTIFICATION)
    severities = [finding.severity for finding in found.findings]
    assert severities == sorted(severities, reverse=True)
    for finding in found.findings:
        assert finding.owner
        assert all(0 <= a <= b <= len(BAITS[1]) for a, b in finding.spans)


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00", "\ud800", "1", "。", "【】", "{x}", "a" * 10_000, "é" * 500, "😀" * 300],
)
def test_any_text_has_a_verdict(screener: Screener, text: str) -> None:
    for purpose in (None, *Purpose):
        assert one(screener, text, purpose=purpose).verdict in ("allow", "hold", "reject")
