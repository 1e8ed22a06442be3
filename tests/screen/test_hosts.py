"""Look-alike hosts: every trick is named, no official or ordinary host is suspected."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.screen.confusables import coarse, fold, neighbours
from assent.screen.finding import Finding, Sender, Severity
from assent.screen.hosts import CODES, HostFacts, Hosts, is_random, read_facts
from assent.screen.links import Plain, find_links
from assent.screen.lookalike import TECHNIQUES, disguised
from assent.screen.registry import Registry, parts_of
from bench import lookalikes

HOSTS = Hosts.packaged()
AGAIN = Hosts(Registry.packaged())
LISTS = Path(__file__).parents[2].parent / "shared" / "data" / "lists"


def judged(host: str, sender: Sender | None = None, **facts: HostFacts) -> dict[str, Finding]:
    links = find_links(Plain(host if "//" in host else f"http://{host}/"))
    known = {name.replace("_", "."): fact for name, fact in facts.items()}
    found = HOSTS.judge(links, sender or Sender(), known, date(2026, 11, 22))
    return {finding.code: finding for finding in found}


CASES = [
    ("xn--cbc-ihd.com.cn", "icbc", "confusable"),
    ("1cbc.com.cn", "icbc", "homoglyph"),
    ("bankofchlna.com", "boc", "homoglyph"),
    ("banlcofchina.com", "boc", "homoglyph"),
    ("cmbchiha.com", "cmb", "keyboard"),
    ("cebbafk.com", "ceb", "bitsquat"),
    ("abchena.com", "abc", "vowel"),
    ("cmbchiza.com", "cmb", "replacement"),
    ("cmbchna.com", "cmb", "omission"),
    ("cmbcchina.com", "cmb", "repetition"),
    ("unionpays.com", "unionpay", "plural"),
    ("cmbcghina.com", "cmb", "insertion"),
    ("cmbhcina.com", "cmb", "transposition"),
    ("cmb-china.com", "cmb", "hyphen"),
    ("cmb.china.com", "cmb", "split"),
    ("cmbchina.top", "cmb", "suffix"),
    ("cmbchina-login.com", "cmb", "word"),
    ("myalipay-kefu.vip", "alipay", "word"),
    ("95588-jifen.top", "icbc", "word"),
    ("icbccomcn.com", "icbc", "word"),
    ("icbc.account-check.top", "icbc", "subdomain"),
    ("icbc.com.cn.xyz.top", "icbc", "embedded"),
    ("accout.smba.co.jp.suanchuai.com", "smbc", "scrambled"),
    ("chinatax-gov.cn", "tax", "word"),
    ("etc-meisai-jp.top", "etcmeisai", "word"),
]


@pytest.mark.parametrize(("host", "brand", "technique"), CASES)
def test_a_look_alike_is_named_with_its_trick(host: str, brand: str, technique: str) -> None:
    match = HOSTS.match(host)
    assert match is not None
    assert (match.brand, match.technique) == (brand, technique)
    finding = judged(host)["host_lookalike"]
    assert finding.severity >= Severity.HOLD
    assert HOSTS.registry.brands[brand].en in finding.en
    assert HOSTS.registry.brands[brand].zh in finding.zh
    assert TECHNIQUES[technique][0] in finding.en


def test_every_trick_has_a_case() -> None:
    assert {technique for _, _, technique in CASES} == set(TECHNIQUES)


def test_no_official_host_is_suspected() -> None:
    assert lookalikes.official(HOSTS)["flagged"] == 0


@pytest.mark.parametrize(
    "host",
    [
        "icbc.com", "ccb.org", "abc.net.au", "boc.ie", "cmb.fr", "aeon.co", "zoom.us",
        "example.com", "www.example.org", "github.com", "baidu.com", "news.qq.com", "sina.com.cn",
        "12345.gov.cn",
        "wikipedia.org", "a.b.c.example.net", "taobao.com", "m.icbc.com.cn", "banking.co.uk",
        "bankrate.com", "cardiff.ac.uk", "unionstation.org", "postgresql.org", "visaliving.net",
        "court.example.cn", "china.com", "secure.example.com", "login.example.cn",
    ],
)  # fmt: skip
def test_namesakes_and_ordinary_hosts_are_not_suspected(host: str) -> None:
    assert HOSTS.match(host) is None


def test_a_namesakes_letters_at_its_home_are_not_the_banks() -> None:
    finding = judged("icbc-refund.ca")["host_lookalike"]
    assert "British Columbia" in finding.en
    assert "工商银行" not in finding.zh
    assert "ICBC" in judged("icbc-refund.top")["host_lookalike"].en


def test_hosts_below_a_provider_of_pages_are_not_its_own() -> None:
    assert HOSTS.registry.owner("www.amazonaws.com") == "amazon"
    assert HOSTS.registry.owner("aeon3-2.s3.ap-northeast-1.amazonaws.com") is None
    assert HOSTS.match("icbc-login.github.io") is not None


def test_codes_of_links() -> None:
    assert judged("http://1.2.3.4/a")["host_ip"].severity is Severity.HOLD
    assert judged("https://icbc.com.cn@evil.example/")["host_user"].severity is Severity.REJECT
    assert judged("https://t.cn/a")["host_shortener"].severity is Severity.NOTE
    assert "host_punycode" in judged("xn--fiqz9s146brsi.top")
    assert "host_free" in judged("q4bbrxpu.duckdns.org")
    assert "host_disguised" in judged("a.co.jp.login.top")
    assert "host_long" in judged("8ea18d06c9de7cb4aa579bb308843fc6.example.com")
    assert judged("icbc.com.cn") == {}
    assert set(judged("shop.example.cn")) == {"host_unknown"}
    assert set(CODES) >= set(judged("icbc.com.cn.xyz.top"))


def test_age_and_filing_come_from_files_alone() -> None:
    young = HostFacts(date(2026, 11, 1), True, "file")
    assert set(judged("a.example.cn", example_cn=young)) == {"host_young"}
    old = HostFacts(date(2020, 1, 1), False, "file")
    assert set(judged("a.example.cn", example_cn=old)) == {"host_unfiled"}
    fine = HostFacts(date(2020, 1, 1), True, "file")
    assert judged("a.example.cn", example_cn=fine) == {}
    links = find_links(Plain("http://a.example.cn/"))
    assert HOSTS.judge(links, facts={"example.cn": young}) == ()  # no day is given: none is young


def test_a_senders_own_hosts_are_compared_too() -> None:
    sender = Sender(hosts=frozenset({"huaweishop.cn", "1.2.3.4"}))
    assert judged("www.huaweishop.cn", sender) == {}
    assert judged("http://1.2.3.4/", sender) == {}
    finding = judged("huaweish0p.cn", sender)["host_lookalike"]
    assert "sender's own" in finding.en
    assert "host_lookalike" not in judged("huaweish0p.cn")
    assert judged("icbc-login.top", Sender(hosts=frozenset({"icbc-login.top"}))) == {}


def test_one_finding_a_host_with_all_its_places() -> None:
    text = "http://icbc-login.top/a 或 http://icbc-login.top/b"
    found = HOSTS.judge(find_links(Plain(text)))
    (alike,) = [f for f in found if f.code == "host_lookalike"]
    assert [text[a:b][-1] for a, b in alike.spans] == ["a", "b"]
    assert [f.severity for f in found] == sorted((f.severity for f in found), reverse=True)
    assert found == HOSTS.judge(find_links(Plain(text)))


def test_generated_look_alikes_are_recognised() -> None:
    found = lookalikes.generated(HOSTS, lookalikes.Plan.quick())
    assert found["mean of techniques"] >= 0.92
    assert len([name for name in found if " of " in str(found[name])]) >= 16


def test_real_look_alikes_are_recognised() -> None:
    if not (LISTS / "phish_finance_hosts.dev.csv.gz").is_file():
        pytest.skip("the shared data is not here")
    found = lookalikes.real(HOSTS, lookalikes.Plan.quick(), LISTS, late=True)
    assert float(found["brand can be read"].split()[0]) >= 0.93


@settings(deadline=None)
@given(st.text(alphabet="abcdeilmnorstvw0123-.中іа_", min_size=1, max_size=40))
def test_any_host_is_judged_without_fault_and_always_alike(host: str) -> None:
    match = HOSTS.match(host)
    assert match == AGAIN.match(host)
    assert match is None or match.technique in TECHNIQUES
    disguised(parts_of(host))
    is_random(host)
    assert fold(fold(host)) == fold(host)
    assert coarse(coarse(host)) is not None


def test_neighbours_are_mutual_on_one_keyboard() -> None:
    assert set("qwer") <= set(neighbours("3") + neighbours("w") + neighbours("e") + "w")
    assert "o" in neighbours("i")
    assert "i" in neighbours("o")
    assert neighbours("中") == ""


def test_a_file_is_read_whole_or_not_at_all() -> None:
    lines = ["host,registered,filed", "A.Example.CN,2026-11-01,yes", "b.example.com,,no"]
    assert read_facts(lines, "file") == {
        "example.cn": HostFacts(date(2026, 11, 1), True, "file"),
        "example.com": HostFacts(None, False, "file"),
    }
    for wrong in ("nonsense,2026-11-01,yes", "a.example.cn,yesterday,", "a.example.cn,,perhaps"):
        with pytest.raises(InvalidInput, match="line 3"):
            read_facts([*lines[:2], wrong], "file")
    with pytest.raises(InvalidInput, match="first line"):
        read_facts(["domain,age"], "file")


def test_the_register_is_what_its_digest_says() -> None:
    assert len(HOSTS.digest) == 64
    assert Registry.packaged().digest == HOSTS.digest
    assert json.dumps(sorted(HOSTS.registry.brands)).count("icbc") == 1
    for brand in HOSTS.registry.brands.values():
        assert brand.en
        assert brand.zh
        assert all(host == host.lower() and "." in host for host in brand.hosts)
