"""What an old hand checks, fact by fact."""

from __future__ import annotations

import socket
from datetime import date, timedelta
from pathlib import Path

import pytest

from assent.registry import signals
from assent.registry.findings import FINDINGS, Finding, Severity
from assent.registry.papers import Seen

TODAY = date(2026, 11, 22)
DAY = timedelta(days=1)


def code(finding: Finding | None) -> str | None:
    return finding.code if finding else None


def test_a_bank_does_not_come_as_one_person_with_a_copy() -> None:
    assert code(signals.one_person_bank(True, 1, Seen.SCAN)) == "one_person_bank"
    assert code(signals.one_person_bank(True, 0, Seen.NONE)) == "one_person_bank"
    assert signals.one_person_bank(True, 2, Seen.SCAN) is None
    assert signals.one_person_bank(True, 1, Seen.REGISTER) is None
    assert signals.one_person_bank(False, 1, Seen.SCAN) is None


@pytest.mark.parametrize(
    ("stated", "registered", "found"),
    [
        ("", ["icbc.com.cn"], "no_website"),
        ("https://www.icbc.com.cn/login?x=1", ["icbc.com.cn"], None),
        ("www.icbc.com.cn", ["https://icbc.com.cn/"], None),
        ("icbc.com.cn:8443", ["icbc.com.cn"], None),
        ("https://icbc.com.cn.example.top/", ["icbc.com.cn"], "website_not_registered"),
        ("https://icbc.com.cn@evil.top/", ["icbc.com.cn"], "website_not_registered"),
        ("https://shop.github.io", ["other.github.io"], "website_not_registered"),
        ("https://例子.中国", ["例子.中国"], None),
        ("https://例子.中国", ["xn--fsqu00a.xn--fiqs8s"], None),
        ("www.icbc.com.cn", None, "website_unknown"),
        ("www.icbc.com.cn", [], "website_not_registered"),
        ("http://203.0.113.7/", ["icbc.com.cn"], "website_unread"),
        ("com.cn", ["icbc.com.cn"], "website_unread"),
        ("http://[", ["icbc.com.cn"], "website_unread"),
        ("没有", None, "website_unread"),
    ],
)
def test_the_website(stated: str, registered: list[str] | None, found: str | None) -> None:
    assert code(signals.website(stated, registered)) == found


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("wang@icbc.com.cn", None),
        ("wang@mail.icbc.com.cn", None),
        ("wang@icbc-cn.com", "mail_outside"),
        ("wang@icbc.com.cn.top", "mail_outside"),
        ("wang@qq.com", "mail_free"),
        ("wang@vip.163.com", "mail_free"),
        ("wang", "mail_unread"),
        ("wang@localhost", "mail_unread"),
        ("a@b@icbc.com.cn", "mail_unread"),
    ],
)
def test_mail_comes_from_its_own_domain(address: str, found: str | None) -> None:
    assert code(signals.mail(address, ["https://www.icbc.com.cn"])) == found


def test_domains_are_told_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("asked the network")

    signals._suffixes.cache_clear()
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert signals.domain_of("a.b.example.co.uk") == "example.co.uk"


@pytest.mark.parametrize(
    ("called", "listed", "found"),
    [
        ("010-66106114", ["+86 10 6610 6114"], None),
        ("0086 10 66106114", ["(010) 66106114"], None),
        ("95588", ["95588", "010-66106114"], None),
        ("13800138000", ["010-66106114"], "call_back_unlisted"),
        (None, ["010-66106114"], "call_back_not_made"),
        ("010-66106114", [], "no_listed_number"),
        ("", ["-"], "no_listed_number"),
        ("", ["95588"], "call_back_unlisted"),
    ],
)
def test_the_call_back(called: str | None, listed: list[str], found: str | None) -> None:
    assert code(signals.call_back(called, listed)) == found


@pytest.mark.parametrize(
    ("founded", "claims", "licensed", "found"),
    [
        (TODAY - 4000 * DAY, TODAY - 4000 * DAY, TODAY - 4000 * DAY, []),
        (TODAY - 4000 * DAY, None, None, []),
        (TODAY - 400 * DAY, TODAY - 401 * DAY, None, ["younger_than_claim"]),
        (TODAY - 400 * DAY, None, TODAY - 401 * DAY, ["licence_before_founding"]),
        (TODAY - 180 * DAY, None, None, []),
        (TODAY - 179 * DAY, None, None, ["young_company"]),
        (TODAY, TODAY - DAY, TODAY - DAY,
         ["younger_than_claim", "licence_before_founding", "young_company"]),
        (TODAY + DAY, None, None, ["founded_later"]),
    ],
)  # fmt: skip
def test_a_company_is_no_younger_than_its_business(
    founded: date, claims: date | None, licensed: date | None, found: list[str]
) -> None:
    assert [one.code for one in signals.age(founded, TODAY, claims, licensed)] == found


def test_people_behind_many_companies() -> None:
    assert signals.many_companies(4) is None
    finding = signals.many_companies(5)
    assert finding is not None
    assert (finding.code, finding.about) == ("many_companies", "5")
    assert signals.responsible_for_many(1) is None
    finding = signals.responsible_for_many(2)
    assert finding is not None
    assert finding.severity is Severity.NOTE  # CN-75: one source; warn only


def test_officers_shared_with_revoked_companies() -> None:
    finding = signals.shared_officers({"F", "B", "E"})
    assert finding is not None
    assert finding.about == "B, E, F"
    assert signals.shared_officers({}) is None


def test_every_finding_has_words_and_a_row_in_the_manual() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "qualifications.md").read_text("utf-8")
    for name, finding in FINDINGS.items():
        assert finding.en, name
        assert any("一" <= c <= "鿿" for c in finding.zh), name
        assert f"`{name}`" in manual, name
