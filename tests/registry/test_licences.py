"""Numbers of licences, as they stand on pages and papers."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.registry.findings import verdict
from assent.registry.licences import KINDS, read_licence
from tests.registry.given import TABLE

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("粤B2-20090059", "telecom_licence", "ok"),
        ("浙B2-20080224", "telecom_licence", "ok"),
        ("粤 Ｂ２－２００９００５９", "telecom_licence", "ok"),
        ("粤b2—20090059", "telecom_licence", "ok"),
        ("B2-20260001", "telecom_licence", "ok"),
        ("B1.B2-20150001", "telecom_licence", "ok"),
        ("A2.B1.B2-20040001", "telecom_licence", "ok"),
        ("B1-20150001", "telecom_licence", "review"),
        ("B2-19990001", "telecom_licence", "wrong"),
        ("B2-20270001", "telecom_licence", "wrong"),
        ("京ICP证150476号", "icp_licence", "ok"),
        ("京ICP证030173号", "icp_licence", "ok"),
        ("京ICP证B2-20090001号", "icp_licence", "ok"),
        ("京ICP备11018762号", "icp_record", "review"),
        ("京ICP备11018762号-14", "icp_record", "review"),
        ("粤ICP备11018762号-4A", "icp_record", "review"),
        ("粤公网安备44030502008569号", "police_filing", "review"),
        ("粤公网安备99030502008569号", "police_filing", "wrong"),
        ("号[2021]00001-A01", "number_certificate", "ok"),
        ("号〔2021〕00001－A01", "number_certificate", "ok"),
        ("B0001H111000001", "financial_licence", "review"),
        ("Z2000133000019", "payment_licence", "review"),
        ("P1000000", "fund_management_licence", "review"),
        ("台B2-20090059", "", "review"),
        ("B3-20090059", "", "review"),
        ("", "", "review"),
    ],
)
def test_the_form_tells_the_kind(text: str, kind: str, said: str) -> None:
    found = read_licence(text, TODAY)
    assert (found.kind, verdict(found.findings)) == (kind, said)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("京ICP备11018762号", "icp_record", "ok"),
        ("京ICP备11018762号", "icp_licence", "wrong"),
        ("粤B2-20090059", "telecom_licence", "ok"),
        ("B0001H111000001", "telecom_licence", "wrong"),
        ("某金监许[2020]1号", "financial_licence", "review"),
        ("2021-1", "number_certificate", "review"),
        ("X", "school_licence", "review"),
    ],
)
def test_a_kind_that_is_claimed_is_compared(text: str, kind: str, said: str) -> None:
    assert verdict(read_licence(text, TODAY, kind).findings) == said


def test_no_financial_number_is_believed_by_its_form() -> None:
    for text in ("B0001H111000001", "Z2000133000019", "P1000000"):
        [finding] = read_licence(text, TODAY).findings
        assert finding.code == "licence_no_proof"


def test_what_a_number_says() -> None:
    assert read_licence("粤B2-20090059", TODAY).facts == {
        "province": "粤", "classes": "B2", "year": "2009",
    }  # fmt: skip


def test_kinds_are_papers_of_the_table() -> None:
    assert set(KINDS) - set(TABLE.kinds) == {"police_filing"}


@given(st.text(max_size=30))
def test_any_text_is_answered(text: str) -> None:
    found = read_licence(text, TODAY)
    assert found.kind or verdict(found.findings) == "review"
