"""Receivers' pages are for everybody: any phone, both languages, no script, all aids."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest

from assent.consent.entry import Channel, Kind, Origin
from assent.flow.refusal_links import Link
from assent.message import Grade, Purpose, State
from assent.web import call_words
from assent.web.receivers_words import WORDS
from tests.flow.conftest import number
from tests.web.receiver_site import Browser, Site, site

KNOWN = number("mobile", 7)


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path) as one:
        yield one


def check_page(browser: Browser, lang: str, places: tuple[str, ...] = ("/r", "/u/", "#")) -> None:
    """What every page keeps: readable by everybody, with nothing that runs."""
    page, answer = browser.page, browser.answer
    assert page.lang == {"zh": "zh-CN", "en": "en"}[lang]
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    for directive in ("form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert directive in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    names = [tag for tag, _ in page.tags]
    assert not {"script", "iframe", "img", "link", "object", "embed"} & set(names)
    for tag, attrs in page.tags:
        assert not [name for name in attrs if name.startswith("on") or name == "style"], (
            tag,
            attrs,
        )
        assert "javascript:" not in "".join(attrs.values())
    for landmark in ("header", "main", "footer", "h1", "title"):
        assert names.count(landmark) == 1, landmark
    assert [attrs for tag, attrs in page.tags if tag == "meta" and attrs.get("name") == "viewport"]
    assert len(page.ids) == len(set(page.ids)), "an id stands twice"
    for one in page.inputs:
        assert one.get("id") in page.labels, f"{one} has no label"
    for form in page.forms:
        assert form.method == "post"
        assert form.fields.get("form")
        assert form.action.startswith("/")
        assert all(words.strip() for words in form.buttons)
        assert form.buttons
    for link in page.links:
        assert link.startswith(places), link
    levels = [int(name[1]) for name in names if re.fullmatch(r"h[1-6]", name)]
    assert all(b - a <= 1 for a, b in pairwise(levels)), levels


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_every_page_is_for_everybody(desk: Site, lang: str) -> None:
    phone = KNOWN
    await desk.platform.consent([phone])
    assert (await desk.platform.send([phone]))["allowed"] == 1
    browser = desk.browser(lang)
    page = await browser.get("/r")
    check_page(browser, lang)
    await browser.submit(page.form("/r/code"), number="12")
    check_page(browser, lang)
    assert browser.answer.status_code == 422
    page = await browser.submit(page.form("/r/code"), number=phone)
    check_page(browser, lang)
    await desk.platform.until(lambda: bool(desk.codes(phone)), "the code is out")
    form = page.form("/r/enter")
    await browser.submit(form, code="1")
    check_page(browser, lang)
    page = await browser.submit(form, code=desk.codes(phone)[-1])
    check_page(browser, lang)
    assert browser.answer.url.path == "/r/me"
    page = await browser.submit(page.form("/r/refuse", what="all"))
    page = await browser.submit(page.form("/r/refuse", what="sender", id="1"))
    check_page(browser, lang)
    link = [one for one in page.links if "/r/complain/" in one][-1]
    page = await browser.get(link)
    check_page(browser, lang)
    page = await browser.submit(page.form("/r/complain"), words="<script>alert(1)</script>")
    check_page(browser, lang)
    assert "<script>alert(1)</script>" in browser.page.text  # as words
    code = await desk.platform.value("SELECT min(receipt_code) FROM confirmation")
    await browser.submit(page.form("/r/receipt"), code=code)
    check_page(browser, lang)
    page = await browser.get("/r/erase")
    check_page(browser, lang)
    await browser.submit(page.form("/r/erase"), mark="yes")
    check_page(browser, lang)
    await browser.get("/r/complain/x")
    check_page(browser, lang)
    assert browser.answer.status_code == 400
    links = desk.platform.node.links
    order = int(desk.platform.clock.now() * 1000) << 11
    for token in (links.token(Link(1, 1, order)), "A" * 28):
        page = await browser.get(f"/u/{token}")
        check_page(browser, lang)
    page = await browser.get(f"/u/{links.token(Link(1, 1, order))}")
    await browser.submit(page.forms[0])
    check_page(browser, lang)
    page = await browser.get("/r/erase")
    await browser.submit(page.form("/r/erase"), sure="yes")
    check_page(browser, lang)
    assert browser.answer.status_code == 200


async def test_the_language_is_the_browsers_until_a_link_says_otherwise(desk: Site) -> None:
    for header, lang in (
        ("", "zh-CN"), ("en", "en"), ("en-GB,en;q=0.9", "en"), ("fr", "zh-CN"),
        ("fr,en;q=0.5,zh;q=0.7", "zh-CN"), ("zh;q=0,en;q=0.1", "en"), ("en;q=x", "zh-CN"),
    ):  # fmt: skip
        browser = desk.browser(header)
        assert (await browser.get("/r")).lang == lang, header
    browser = desk.browser("zh")
    page = await browser.get("/r")
    other = next(link for link in page.links if "lang=" in link)
    page = await browser.get(other)
    assert page.lang == "en"
    page = await browser.submit(page.form("/r/code"), number=KNOWN)
    assert page.lang == "en"
    await desk.platform.until(lambda: bool(desk.codes(KNOWN)), "the code is out")
    page = await browser.submit(page.form("/r/enter"), code=desk.codes(KNOWN)[-1])
    assert page.lang == "en"
    assert browser.answer.url.path == "/r/me"
    page = await browser.submit(page.form("/r/refuse", what="all"))
    assert page.lang == "en"


def test_every_word_is_there_in_both_languages() -> None:
    for key, (zh, en) in [*WORDS.items(), *call_words.WORDS.items()]:
        assert zh.strip(), key
        assert en.strip(), key
        if key != "other_language":
            assert re.search(r"[\u4e00-\u9fff]", zh), key
            assert not re.search(r"[\u4e00-\u9fff]", en), key
        places = [sorted(re.findall(r"\{(\w+)\}", words)) for words in (zh, en)]
        assert places[0] == places[1], key


def test_every_word_that_a_page_asks_for_is_there() -> None:
    source = "".join(
        path.read_text("utf-8")
        for part in ("receivers_*.py", "call_*.py")
        for path in Path("src/assent/web").glob(part)
    )
    asked = set(re.findall(r'tongue\(\s*"(\w+)"', source)) | set(
        re.findall(r"tongue\('(\w+)'", source)
    )
    assert len(asked) > 50
    assert asked <= {*WORDS, *call_words.WORDS}


def test_every_word_of_ledger_and_messages_is_there() -> None:
    for kind, words in (
        ("kind", Kind), ("channel", Channel), ("origin", Origin), ("grade", Grade),
        ("purpose", Purpose), ("state", State),
    ):  # fmt: skip
        for one in words:
            assert f"{kind}_{one.name.lower()}" in WORDS, one


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_can_be_told_apart() -> None:
    """WCAG 2 AA: 4.5 to 1 for text, on the light ground and on the dark one."""
    source = Path("src/assent/web/receivers_html.py").read_text("utf-8")
    light, dark = source.split("prefers-color-scheme:dark", 1)

    def contrast(one: str, other: str) -> float:
        a, b = sorted((luminance(one), luminance(other)), reverse=True)
        return (a + 0.05) / (b + 0.05)

    assert contrast("#111111", "#ffffff") >= 4.5
    for colour in ("#4a4a4a", "#767676", "#595959"):
        assert colour in light
        assert contrast(colour, "#ffffff") >= 4.5
    assert contrast("#0b4f8a", "#ffffff") >= 4.5
    for colour in ("#f2f2f2", "#8cc4ff", "#c8c8c8"):
        assert colour in dark
        assert contrast(colour, "#121212") >= 4.5
