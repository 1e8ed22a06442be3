"""Links and contacts: what is one, what is none, and where it stands in the original."""

from __future__ import annotations

import csv
import io
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.screen.contacts import KINDS, contact_findings, find_contacts
from assent.screen.finding import Severity
from assent.screen.links import Link, Plain, address_of, find_links, host_of
from assent.screen.normal import normalise

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "sms"


def links(text: str) -> list[Link]:
    return list(find_links(normalise(text), text))


def hosts(text: str) -> list[str]:
    return [link.host for link in links(text)]


@pytest.mark.parametrize(
    ("text", "host", "kind"),
    [
        ("请访问www.icbc.com.cn查询", "www.icbc.com.cn", "bare"),
        ("详见https://m.example.cn/a?b=1。退订回T", "m.example.cn", "url"),
        ("点icbc.com.cn.xyz.top/abc领取", "icbc.com.cn.xyz.top", "bare"),
        ("HTTP://T.CN/Abc", "t.cn", "short"),
        ("http://3232235777/a", "192.168.1.1", "ip"),
        ("http://0xC0A80001:8080/x", "192.168.0.1", "ip"),
        ("http://0300.0250.0.1/", "192.168.0.1", "ip"),
        ("http://1.1/", "1.0.0.1", "ip"),
        ("http://[2001:DB8::1]/x", "2001:db8::1", "ip"),
        ("打开1.2.3.4:8080/x即可", "1.2.3.4", "ip"),
        ("https://icbc.com.cn@evil.top/l", "evil.top", "url"),
        ("http:\\\\evil.com", "evil.com", "url"),
        ("hxxp://evil.com/a", "evil.com", "url"),
        ("登录іcbc.com.cn", "xn--cbc-ihd.com.cn", "bare"),
        ("ｉｃｂｃ．ｃｏｍ．ｃｎ", "icbc.com.cn", "bare"),
        ("官网 中国银行.com/x", "xn--fiqs8s856bruk.com", "bare"),
        ("xn--fiqs8s856bruk.com", "xn--fiqs8s856bruk.com", "bare"),
        ("http://a_b.c-d.com:81/", "a_b.c-d.com", "url"),
        ("Pay at secure-bank.top now", "secure-bank.top", "bare"),
        ("visit shop24.life today", "shop24.life", "bare"),
        ("上 mi.com 看", "mi.com", "bare"),
    ],
)
def test_a_link_leads_where_a_browser_goes(text: str, host: str, kind: str) -> None:
    found = links(text)
    assert [(link.host, link.kind) for link in found] == [(host, kind)]
    start, end = found[0].span
    assert text[start:end] == found[0].text


@pytest.mark.parametrize(
    "text",
    [
        "价格3.5元,时间10:30", "版本1.2.3.4已发布", "v2.0.1更新", "U.S. and e.g. a.m. i.e. p.m.",
        "Visit me.Call us.Tell her.She is in.Our home.Love", "I.ll be there.So what",
        "体重减了四斤.公司女神", "他说好了.我们走吧", "邮箱a.b@example.com", "10.30-11.30 3.15晚会",
        "No.1 Mr.Smith Dr.No", "回复TD退订。谢谢", "asap.Ok thanks", "1.买菜2.做饭", "",
    ],
)  # fmt: skip
def test_sentences_numbers_and_addresses_of_mail_are_no_hosts(text: str) -> None:
    assert hosts(text) == []


def test_paths_keep_their_letters_and_lose_what_ends_a_sentence() -> None:
    (link,) = links("点 http://T.cn/AbCd?X=1), 谢谢")
    assert link.url == "http://t.cn/AbCd?X=1"
    (link,) = links("见 https://user:pw@a.example.cn:8443/p.")
    assert (link.url, link.user) == ("https://a.example.cn/p", "user:pw") or link.host


def test_two_links_come_in_their_order() -> None:
    assert hosts("先 b.example.cn/1 再 http://a.example.cn/2") == ["b.example.cn", "a.example.cn"]


@pytest.mark.parametrize("shown", ["", ".", "a..b", "x" * 64 + ".com", "a b.com", "-" * 300])
def test_what_is_no_host_has_no_form(shown: str) -> None:
    assert host_of(shown) is None


@pytest.mark.parametrize("shown", ["1.2.3.4.5", "256.1.1.1", "1.2.3", "0x", "08.1.1.1", "12", "a"])
def test_what_is_no_address(shown: str) -> None:
    assert address_of(shown) is None or shown == "1.2.3"


@settings(deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read_without_fault(text: str) -> None:
    for reading in (Plain(text), normalise(text)):
        for link in find_links(reading, text):
            start, end = link.span
            assert 0 <= start < end <= len(text)
            assert text[start:end] == link.text
            assert link.host == link.host.lower()
        for contact in find_contacts(reading):
            start, end = contact.span
            assert 0 <= start < end <= len(text)
            assert contact.kind in KINDS


PIECES = (
    "icbc",
    ".",
    "com",
    "cn",
    "http://",
    "/",
    "@",
    "。",
    "１",
    "٣",
    "中国",
    "xn--",
    ":",
    "[",
    "0x",
)


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_pieces_of_addresses_are_read_without_fault(text: str) -> None:
    found = find_links(normalise(text), text)
    assert list(found) == sorted(found, key=lambda link: link.span)
    assert all(a.span[1] <= b.span[0] for a, b in pairwise(found))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("联系13800138000王经理", "mobile", "13800138000"),
        ("电话+86 138-0013-8000", "mobile", "13800138000"),
        ("致电400-820-8820", "service", "4008208820"),
        ("详询95588", "hotline", "95588"),
        ("发送至10690001234", "port", "10690001234"),
        ("座机(010)58296666", "landline", "01058296666"),
        ("call +44 20 7946 0958", "foreign", "+442079460958"),
        ("加薇信:abc12345", "wechat", "abc12345"),
        ("加V：lihua888", "wechat", "lihua888"),
        ("ＱＱ：１２３４５６７", "qq", "1234567"),
        ("一三八零零一三八零零零", "mobile", "13800138000"),
        ("mail Me@Example.com", "email", "me@example.com"),
        ("汇至6222 0210 0111 6245 702", "card", "6222021001116245702"),
    ],
)
def test_a_contact_has_a_kind_and_a_form(text: str, kind: str, value: str) -> None:
    assert [(c.kind, c.value) for c in find_contacts(normalise(text))] == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    ["验证码585632", "余额95000元", "订单201411080097", "3.95588倍", "2026-11-22 10:30", "满95折"],
)
def test_codes_amounts_and_days_are_no_contacts(text: str) -> None:
    assert find_contacts(normalise(text)) == ()


def test_what_is_filed_is_not_found_fault_with() -> None:
    contacts = find_contacts(Plain("致电400-820-8820或13800138000"))
    assert [f.code for f in contact_findings(contacts)] == ["contact_service", "contact_mobile"]
    found = contact_findings(contacts, frozenset({"4008208820"}))
    assert [(f.code, f.severity) for f in found] == [("contact_mobile", Severity.HOLD)]
    assert contact_findings(contacts, frozenset({"4008208820", "13800138000"})) == ()


def ham(name: str) -> list[str]:
    path = SHARED / f"{name}.dev.csv.zst"
    if not path.is_file():
        pytest.skip("the shared data is not here")
    zstandard = pytest.importorskip("zstandard")
    text = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().decode("utf-8")
    return [row["text"] for row in csv.DictReader(io.StringIO(text)) if row["label"] == "ham"]


def test_honest_english_texts_have_no_invented_hosts() -> None:
    found = [host for text in ham("uci") for host in hosts(text)]
    assert 0 < len(found) <= 15
    assert all(host.endswith((".com", ".co.uk")) for host in found)


def test_honest_chinese_texts_have_hosts_of_known_endings() -> None:
    texts = ham("mudou")
    found = [host for text in texts for host in hosts(text)]
    assert len(found) > len(texts) // 8
    ends = (".cn", ".com", ".net", ".org", ".cc", ".so", ".me", ".im", ".co", ".cm", ".mobi")
    assert [host for host in found if not host.endswith(ends) and not host[-1].isdigit()] == []
