"""Fingerprints of pages: what they ask for, whose they say they are, what between two counts."""

from __future__ import annotations

import time
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.screen.drift import cloaked, differs, owner_of
from assent.screen.finding import Severity
from assent.screen.page import Page, read_page
from assent.screen.page_findings import CODES, judge_looks
from assent.screen.page_links import links_to_look_at
from assent.screen.page_look import Look
from assent.screen.page_scripts import moves
from assent.screen.page_text import alike
from tests.screen.page_edits import BENIGN, HARMFUL, clinic, shop

URL = "https://shop.example.cn/sale"
PAGES = {"shop": shop(), "clinic": clinic()}
SEEDS = 12


def read(html: str, url: str = URL) -> Page:
    return read_page(html, url)


@pytest.mark.parametrize("name", BENIGN)
@pytest.mark.parametrize("which", PAGES)
def test_what_pages_change_by_themselves_is_benign(which: str, name: str) -> None:
    before = read(PAGES[which])
    for seed in range(SEEDS):
        after = read(BENIGN[name](PAGES[which], Random(seed)))
        drift = differs(before, after)
        assert drift.kind in ("none", "benign"), (seed, drift)


@pytest.mark.parametrize("which", PAGES)
def test_so_are_many_of_them_at_once(which: str) -> None:
    before = read(PAGES[which])
    for seed in range(60):
        random = Random(seed)
        html = PAGES[which]
        for name in random.sample(sorted(BENIGN), random.randrange(2, 9)):
            html = BENIGN[name](html, random)
        drift = differs(before, read(html))
        assert not drift.grave, (seed, drift)


@pytest.mark.parametrize("name", HARMFUL)
@pytest.mark.parametrize("which", PAGES)
def test_what_makes_another_page_of_it_is_not(which: str, name: str) -> None:
    if which == "clinic" and name == "another telephone":
        return  # the clinic's page tells no telephone: one that appears says nothing yet
    before = read(PAGES[which])
    for seed in range(6):
        random = Random(seed)
        html = PAGES[which]
        for benign in random.sample(sorted(BENIGN), seed):
            html = BENIGN[benign](html, random)
        drift = differs(before, read(HARMFUL[name](html, random)))
        assert drift.grave, (seed, drift)


def test_the_same_is_nothing_and_another_owner_is_something() -> None:
    before = read(PAGES["shop"])
    assert differs(before, read(PAGES["shop"])).kind == "none"
    assert differs(before, read(PAGES["shop"], "https://m.example.cn/sale")).kind == "none"
    moved = differs(before, read(PAGES["shop"], "https://shop.example-cn.com/sale"))
    assert [one.code for one in moved.reasons] == ["other_host"]
    # Who has a place with a host for many is not who has the next one.
    one, other = (read(PAGES["shop"], f"https://{who}.github.io/") for who in "ab")
    assert differs(one, other).kind == "changed"
    assert owner_of("a.b.example.com.cn") == "example.com.cn"


@pytest.mark.parametrize(
    ("html", "asks"),
    [
        ("<input type=password>", {"password"}),
        ("<form>支付密码 <input name=a></form>", {"password"}),
        ("<input name=bankCardNo>", {"card"}),
        ("<input name='card_number'>", {"card"}),
        ("<input aria-label='CVV'>", {"card"}),
        ("<td>卡号</td><td><input></td>", {"card"}),
        ("<table><tr><td>银行卡号：</td><td><input name=f1></td></tr></table>", {"card"}),
        ("<label for=x>有效期 MM/YY</label><input id=x>", {"card"}),
        ("<input autocomplete='one-time-code'>", {"code"}),
        ("<input name=smsCode>", {"code"}),
        ("<input placeholder='请输入验证码'>", {"code"}),
        ("<input placeholder='图形验证码'>", set()),
        ("<input name=captcha>", set()),
        ("<input placeholder='身份证号'>", {"id_number"}),
        ("<input name=idCard>", {"id_number"}),
        ("<input type=tel>", {"phone"}),
        ("<input type=hidden name=password>", set()),
        ("<input type=search name=q>", set()),
        ("<input name=shopping name2=pin>", set()),
        ("<input name=discard>", set()),
        ("<input type=submit value='密码登录'>", set()),
        ("<input name=username>", set()),
        ("<input name=postcode>", set()),
        ("<input name='email'>", set()),
        ("<select name=card_type></select>", set()),
    ],
)
def test_what_forms_ask_for(html: str, asks: set[str]) -> None:
    assert read(f"<body>{html}").asks == asks


@pytest.mark.parametrize(
    ("html", "url", "brands", "code"),
    [
        ("<title>中国工商银行中国网站</title>", "https://www.icbc.com.cn/", ("icbc",), None),
        ("<title>ICBC - car insurance</title>", "https://www.icbc.com/", ("icbc",), None),
        ("<title>工商银行</title>", "https://www.lcbc.com.cn/", ("icbc",), "page_brand_mismatch"),
        ("<title>安信商城</title><p>支持支付宝、微信支付、工商银行卡</p>", URL, (), None),
        ("<img class=logo alt='PayPal' src=a.png>", URL, ("paypal",), "page_brand_mismatch"),
        ("<meta property=og:site_name content='顺丰速运'>", URL, ("sf",), "page_brand_mismatch"),
        ("<link rel=icon href=/paypal.ico>", URL, ("paypal",), "page_brand_mismatch"),
        ("<title>Upside groups</title>", URL, (), None),
        ("<title>建设银行 信用卡</title>", "https://creditcard.ccb.com/", ("ccb",), None),
        ("<title>中国银联</title>", "https://www.cmbchina.com/", ("unionpay",), None),
    ],
)
def test_whose_page_it_says_it_is(
    html: str, url: str, brands: tuple[str, ...], code: str | None
) -> None:
    page = read(f"<html>{html}<body>{'好' * 60}", url)
    assert page.brands == brands
    found = {one.code for one in judge_looks([Look(url, "phone", "seen", page=page)])}
    assert found == ({code} if code else set())


def test_a_clone_of_a_bank_is_rejected_and_the_banks_own_login_is_looked_at() -> None:
    html = HARMFUL["a bank's login"]("", Random(1))
    clone = Look("u", "phone", "seen", page=read(html, "https://ccb-secure.example.net/"))
    found = judge_looks([clone])
    assert (found[0].code, found[0].severity) == ("page_brand_steals", Severity.REJECT)
    own = Look("u", "phone", "seen", page=read(html, "https://ebank.ccb.com/login"))
    assert {one.severity for one in judge_looks([own])} == {Severity.HOLD}
    # A host that was filed for the sender is the sender's.
    assert "page_brand_steals" not in {f.code for f in judge_looks([clone], ["example.net"])}


def test_cloaking_is_not_a_phones_layout_nor_another_language() -> None:
    seen = read(PAGES["shop"])
    assert cloaked(seen, read(PAGES["clinic"])) == ()  # another language altogether
    narrow = PAGES["shop"].replace("<nav", "<div hidden><nav").replace("</nav>", "</nav></div>")
    assert cloaked(seen, read(narrow, "https://m.example.cn/sale")) == ()
    asking = read(HARMFUL["a card form"](PAGES["shop"], Random(1)))
    assert [one.code for one in cloaked(seen, asking)] == ["asks_some"]
    other = read(HARMFUL["other text"](PAGES["shop"], Random(1)).partition("<aside")[0])
    assert [one.code for one in cloaked(read(PAGES["shop"].partition("<aside")[0]), other)] == [
        "other_text"
    ]
    away = read(PAGES["shop"], "https://elsewhere.example.net/")
    assert [one.code for one in cloaked(seen, away)] == ["other_host"]


@pytest.mark.parametrize(
    ("script", "goes"),
    [
        ("location.href='/a'", True),
        ("window.location = x", True),
        ("top.location.replace(u)", True),
        ("setTimeout(function(){location.href=u},10)", True),
        ("(()=>{location.assign('/a')})()", True),
        ("!function(){document.location='/a'}()", True),
        ("window.onload=function(){location='/a'}", True),
        ("document.write(atob('PGh0bWw+'))", True),
        ("eval(atob('x'))", True),
        ("if(a){location.href='/m'}", True),
        ("try{location='/a'}catch(e){}", True),
        ("document.addEventListener('DOMContentLoaded',function(){location='/a'})", True),
        ("$(function(){location.href='/a'})", True),
        ("function go(){location.href='/a'}", False),
        ("const go=()=>{location.href='/a'}", False),
        ("b.onclick=function(){location.href='/a'}", False),
        ("if(location.href==x){}", False),
        ("b.addEventListener('click',function(){location='/a'})", False),
        ("$('a').on('click',()=>{location.href='/a'})", False),
        ("var x=location.host", False),
        ("if(top!=self){top.location=self.location}", False),
        ("// location.href='/a'", False),
        ("var s=\"location.href='/a'\"", False),
        ("allocation = 3", False),
    ],
)
def test_scripts_that_move_on(script: str, goes: bool) -> None:
    assert moves(script) is goes


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("夏装上新，https://a.cn/x?y=1。退订回T", ["https://a.cn/x?y=1"]),
        ("看www.example.com/a吧", ["http://www.example.com/a"]),
        ("详询 t.cn/Ab3，谢谢", ["http://t.cn/Ab3"]),
        ("https://a.cn/{code} 到期", []),
        ("点{url}", []),
        ("https://a.cn/p?c={code}", []),
        ("mail a@example.com 1.5元 v2.0", []),
        ("http://a.cn http://a.cn", ["http://a.cn"]),
        ("您的验证码123456", []),
    ],
)
def test_links_that_can_be_looked_behind(text: str, links: list[str]) -> None:
    assert links_to_look_at(text) == links


def test_sketches_tell_how_alike_texts_are() -> None:
    before = read(PAGES["shop"])
    assert alike(before.sketch, read(PAGES["shop"]).sketch) == 1.0
    near = read(BENIGN["comments"](PAGES["shop"], Random(3)))
    assert alike(before.sketch, near.sketch) > 0.5
    assert alike(before.sketch, read(PAGES["clinic"]).sketch) < 0.2


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>/=\"' aimgscriptfo&;!-密码0\n"), max_size=300))
def test_any_octets_are_a_page_that_can_be_kept(html: str) -> None:
    page = read(html)
    look = Look("u", "phone", "seen", page=page)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(look), type=Look) == look
    assert differs(page, page).kind == "none"


@pytest.mark.parametrize(
    "part",
    [
        "<div>",
        "<b>",
        "<b><p>",
        "<a><div>",
        "<table><tr><td>",
        "<font><i>",
        "<x>y",
        "<form>",
        "<svg>",
    ],
)
def test_no_page_takes_long(part: str) -> None:
    begin = time.process_time()
    page = read(part * (500_000 // len(part)))
    assert time.process_time() - begin < 4.0
    assert page.opaque == "deep"


def test_a_page_of_many_parts_is_cut() -> None:
    assert read("<p>" + "word " * 100 + "<b>x</b>" * 60_000).opaque == "large"
    padded = "<p>" + "word " * 100 + "<input name=a>" * 600 + "<input type=password>"
    assert read(padded).opaque == "large"
    # However far down something stands, it is seen.
    text = "<p>" + "字" * 50_000 + "</p>"
    assert differs(read(text), read(text + "<p>请加微信 abcde123 办理</p>")).grave
    assert (
        read(f"<p>{'字' * 99}<script>{';' * 90_000}location.href='/a'</script>").opaque == "moves"
    )


@pytest.mark.parametrize(
    "part", ["/*", "{", "function(){", "'", '"\\', "location={", "//\n", "=>{"]
)
def test_no_script_takes_long(part: str) -> None:
    begin = time.process_time()
    read(f"<p>{'字' * 99}<script>location.hash;location=1;{part * (400_000 // len(part))}</script>")
    assert time.process_time() - begin < 4.0


def test_where_a_page_sends_its_visitor() -> None:
    assert read('<meta http-equiv="refresh" content="5;url=/b">', "http://a.cn/a").refresh.endswith(
        "/b"
    )
    assert read('<meta http-equiv="refresh" content="5">', "http://a.cn/a").refresh == ""
    assert read('<meta http-equiv="refresh" content="5;url=/a">', "http://a.cn/a").refresh == ""


def test_every_finding_has_words_in_both_languages() -> None:
    for severity, en, zh in CODES.values():
        assert isinstance(severity, Severity)
        assert en
        assert zh
