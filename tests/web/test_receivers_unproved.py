"""Receivers' pages tell nothing before the number is proved, and keep nothing in a browser."""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.app.receivers import ReceiversFile
from assent.flow.throttle import PHONE, Throttle
from tests.flow.conftest import number
from tests.web.receiver_site import Browser, Page, Site, rooms_of, site

KNOWN, REFUSED, LIMITED, UNKNOWN = (number("mobile", place) for place in (7, 8, 9, 4_242))
PROVED_PATHS = (
    ("GET", "/r/me"), ("POST", "/r/refuse"), ("POST", "/r/agree"), ("POST", "/r/take-back"),
    ("GET", "/r/complain/1"), ("POST", "/r/complain"), ("POST", "/r/proof"), ("POST", "/r/data"),
    ("GET", "/r/erase"), ("POST", "/r/erase"),
    ("POST", "/r/receipt"), ("POST", "/r/leave"),
)  # fmt: skip


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path) as one:
        yield one


def without_secrets(html: str) -> str:
    """Return a page without what is new each time: tickets and tokens of forms."""
    return re.sub(r'name="(ticket|form)" value="[^"]*"', "", html)


async def four_kinds(desk: Site) -> None:
    """Make a number that stands, one that refused, and one that had too many codes."""
    await desk.platform.consent([KNOWN, REFUSED])
    browser = desk.browser()
    page = await desk.prove(browser, REFUSED)
    await browser.submit(page.form("/r/refuse", what="all"))
    proof = rooms_of(desk).proof
    for place in range(6):
        proof.ask(int(f"86{LIMITED}"), f"10.0.0.{place}")
        await proof.step()
    assert proof.limited > 0


async def test_every_number_gets_the_same_page_and_none_a_cookie(desk: Site) -> None:
    await four_kinds(desk)
    seen: dict[str, set[Any]] = {"code": set(), "wrong": set()}
    for phone in (KNOWN, REFUSED, LIMITED, UNKNOWN):
        browser = desk.browser(agent=phone)
        page = await browser.get("/r")
        page = await browser.submit(page.form("/r/code"), number=phone)
        first = browser.answer
        await asyncio.sleep(0.7)  # what was asked for is sent by now
        await browser.submit(page.form("/r/enter"), code="000000")
        for name, answer in (("code", first), ("wrong", browser.answer)):
            headers = {k: v for k, v in answer.headers.items() if k != "date"}
            assert "set-cookie" not in headers
            told = without_secrets(answer.text)
            assert phone not in told
            seen[name].add((answer.status_code, told, str(headers)))
    assert [len(one) for one in seen.values()] == [1, 1]


async def test_tickets_are_of_one_length_and_hide_the_number(desk: Site) -> None:
    browser = desk.browser()
    lengths = set()
    for phone in (KNOWN, UNKNOWN, number("unicom", 1)):
        page = await browser.get("/r")
        page = await browser.submit(page.form("/r/code"), number=phone)
        ticket = page.form("/r/enter").fields["ticket"]
        lengths.add(len(ticket))
        assert phone not in ticket
    assert len(lengths) == 1


async def test_answers_take_the_same_time_for_every_number(desk: Site) -> None:
    """Medians of interleaved requests: what differs is noise, not what is known of a number."""
    await four_kinds(desk)
    asking: dict[str, list[float]] = {}
    trying: dict[str, list[float]] = {}
    async with httpx.AsyncClient(base_url=desk.url) as client:
        token = Page((await client.get("/r")).text).form("/r/code").fields["form"]
        proof = rooms_of(desk).proof
        for _ in range(25):
            for phone in (KNOWN, REFUSED, LIMITED, UNKNOWN):
                began = time.perf_counter()
                answer = await client.post("/r/code", data={"form": token, "number": phone})
                asking.setdefault(phone, []).append(time.perf_counter() - began)
                ticket = Page(answer.text).form("/r/enter").fields["ticket"]
                await proof.step()
                await desk.platform.sql("DELETE FROM throttle WHERE kind = 'receiver_try'")
                fields = {"form": token, "ticket": ticket, "code": "000000"}
                began = time.perf_counter()
                answer = await client.post("/r/enter", data=fields)
                trying.setdefault(phone, []).append(time.perf_counter() - began)
                assert answer.status_code == 403
    for times in (asking, trying):
        medians = [statistics.median(one) for one in times.values()]
        noise = statistics.median(
            abs(one - statistics.median(some)) for some in times.values() for one in some
        )
        assert max(medians) - min(medians) < 4 * noise + 0.002, (medians, noise)


async def test_a_code_works_once_in_time_for_its_ticket_and_five_times_at_most(
    desk: Site,
) -> None:
    browser = desk.browser()
    page = await browser.get("/r")
    page = await browser.submit(page.form("/r/code"), number=KNOWN)
    await desk.platform.until(lambda: bool(desk.codes(KNOWN)), "the code is out")
    form, code = page.form("/r/enter"), desk.codes(KNOWN)[0]
    # Another ticket's form does not take it.
    other = await browser.submit((await browser.get("/r")).form("/r/code"), number=UNKNOWN)
    page = await browser.submit(other.form("/r/enter"), code=code)
    assert browser.answer.status_code == 403
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    for _ in range(5):
        await browser.submit(form, code=wrong)
        assert browser.answer.status_code == 403
    await browser.submit(form, code=code)
    assert browser.answer.status_code == 403
    assert await desk.platform.value("SELECT count(*) FROM receiver_session") == 0


async def test_a_code_does_not_work_twice_nor_too_late(desk: Site) -> None:
    browser = desk.browser()
    await desk.prove(browser, KNOWN)
    assert browser.answer.url.path == "/r/me"
    form = desk.browser()
    page = await form.get("/r")
    assert "me" not in form.answer.url.path
    page = await form.submit(page.form("/r/code"), number=number("unicom", 3))
    await desk.platform.until(lambda: bool(desk.codes(number("unicom", 3))), "a code is out")
    await desk.platform.sql("UPDATE receiver_code SET expires_at = at")
    await form.submit(page.form("/r/enter"), code=desk.codes(number("unicom", 3))[0])
    assert form.answer.status_code == 403


async def test_codes_at_once_are_counted_before_they_are_looked_at(desk: Site) -> None:
    browser = desk.browser()
    page = await browser.get("/r")
    page = await browser.submit(page.form("/r/code"), number=KNOWN)
    await desk.platform.until(lambda: bool(desk.codes(KNOWN)), "the code is out")
    form = page.form("/r/enter")
    right = desk.codes(KNOWN)[0]
    guesses = [f"{place:06d}" for place in range(15) if f"{place:06d}" != right]

    async def guess(code: str) -> int:
        data = {**form.fields, "code": code}
        return (await browser.http.post(form.action, data=data)).status_code

    assert set(await asyncio.gather(*(guess(one) for one in guesses))) <= {403, 429}
    assert await desk.platform.value("SELECT max(tries) FROM receiver_code") == 5
    # The network is slowed down as well, whichever number it guesses for.
    more = [await guess("000000") for _ in range(30)]
    assert 429 in more
    answer = await browser.http.post(form.action, data={**form.fields, "code": right})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_codes_are_limited_by_number_over_all_doors_and_by_network(desk: Site) -> None:
    rooms = rooms_of(desk)
    proof, phone = rooms.proof, int(f"86{KNOWN}")
    node = desk.platform.node
    throttle = Throttle(node.store, node.clock, node.vault)
    for _ in range(2):  # another door: codes to people who act for customers
        await throttle.take(PHONE, str(phone))
    for place in range(4):
        proof.ask(phone, f"10.1.0.{place}")
        await proof.step()
    assert (proof.sent, proof.limited) == (1, 3)
    for place in range(12):
        proof.ask(int(f"86{number('telecom', place)}"), "10.9.9.9")
        await proof.step()
    assert proof.sent <= 1 + 5
    assert proof.limited >= 3 + 7


async def test_codes_to_everybody_together_are_limited(migrated_url: str, tmp_path: Path) -> None:
    limit = ReceiversFile(codes_an_hour=2)
    async with site(migrated_url, tmp_path, receivers=limit) as desk:
        proof = rooms_of(desk).proof
        for place in range(5):
            proof.ask(int(f"86{number('mobile', place)}"), f"10.2.0.{place}")
            await proof.step()
        assert (proof.sent, proof.limited) == (2, 3)


async def test_one_network_does_not_keep_the_others_waiting(desk: Site) -> None:
    proof = rooms_of(desk).proof
    for place in range(300):
        proof.ask(int(f"86{number('mobile', place)}"), "10.3.0.1")
    proof.ask(int(f"86{KNOWN}"), "10.3.0.2")
    await desk.platform.until(lambda: bool(desk.codes(KNOWN)), "the other's code is out", 5)
    assert proof.limited >= 280


# Sessions and forms ------------------------------------------------------------------------------


async def test_nothing_of_hers_opens_without_a_session(desk: Site) -> None:
    walked = {
        (method, path) for method, path in PROVED_PATHS
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=desk.url) as client:
        for method, path in walked:
            for cookie in ("", "assent-receiver=x", "assent-receiver=" + "0" * 48):
                answer = await client.request(method, path, headers={"cookie": cookie})
                assert answer.status_code == 303, (method, path)
                assert answer.headers["location"] == "/r"
                assert answer.content == b""


def test_every_route_of_the_pages_is_walked() -> None:
    source = Path("src/assent/web/receivers_routes.py").read_text("utf-8")
    routes = set(re.findall(r'\("(GET|POST)", f?"?\{?(?:HOME|LINKS)\}?([^",]*)"?,', source))
    told = {(method, f"/r{path.replace('{{message}}', '1')}") for method, path in routes}
    unproved = {("GET", "/r"), ("POST", "/r/code"), ("POST", "/r/enter")}
    links = {("GET", "/r{{token}}"), ("POST", "/r{{token}}")}
    assert told - unproved - links == set(PROVED_PATHS)


async def test_the_cookie_is_guarded_and_short(desk: Site) -> None:
    browser = desk.browser()
    page = await desk.prove(browser, KNOWN)
    (begun,) = [one for one in browser.answer.history if "set-cookie" in one.headers]
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    # On its own machine a browser has no TLS; elsewhere the cookie needs it.
    assert cookie.startswith("assent-receiver=")
    assert "Secure" not in cookie
    away = Browser(desk.url)
    away.http.headers["host"] = "sms.example.cn"
    form = (await away.get("/r")).form("/r/code")
    other = number("unicom", 5)
    page = await away.submit(form, number=other)
    await desk.platform.until(lambda: bool(desk.codes(other)), "the code is out")
    enter = page.form("/r/enter")
    fields = {**enter.fields, "code": desk.codes(other)[0]}
    answer = await away.http.post("/r/enter", data=fields)
    assert re.match(r"__Host-assent-receiver=\w+; .*; Secure$", answer.headers["set-cookie"])
    await away.close()
    stored = await desk.platform.sql(
        "SELECT digest, expires_at - begun_at AS life FROM receiver_session"
    )
    assert all(row["life"].total_seconds() <= 1_200 for row in stored)
    token = cookie.partition("=")[2].partition(";")[0]
    assert all(token.encode() not in bytes(row["digest"]) for row in stored)


async def test_a_session_is_of_one_browser_and_ends(desk: Site) -> None:
    browser = desk.browser()
    page = await desk.prove(browser, KNOWN)
    thief = desk.browser(agent="another browser")
    thief.http.cookies = browser.http.cookies
    await thief.get("/r/me")
    assert thief.answer.url.path == "/r"
    form = page.form("/r/leave")
    await browser.submit(form)
    assert browser.answer.url.path == "/r"
    await browser.get("/r/me")
    assert browser.answer.url.path == "/r"
    page = await desk.prove(browser, number("unicom", 9))
    assert browser.answer.url.path == "/r/me"
    await desk.platform.sql("UPDATE receiver_session SET expires_at = begun_at")
    await browser.get("/r/me")
    assert browser.answer.url.path == "/r"


async def test_a_number_that_is_somebody_elses_now_ends_the_session(desk: Site) -> None:
    browser = desk.browser()
    await desk.prove(browser, KNOWN)
    await desk.platform.sql("UPDATE person SET msisdn = NULL WHERE msisdn = $1", int(f"86{KNOWN}"))
    await browser.get("/r/me")
    assert browser.answer.url.path == "/r"


async def test_a_session_is_not_fixed_from_outside(desk: Site) -> None:
    """A cookie that somebody put into her browser is never the one that she proves."""
    planted = "ab" * 24
    browser = desk.browser()
    browser.http.cookies.set("assent-receiver", planted)
    await desk.prove(browser, KNOWN)
    assert browser.answer.url.path == "/r/me"
    attacker = desk.browser()
    attacker.http.cookies.set("assent-receiver", planted)
    await attacker.get("/r/me")
    assert attacker.answer.url.path == "/r"


async def test_proving_again_ends_the_session_before(desk: Site) -> None:
    browser = desk.browser()
    await desk.prove(browser, KNOWN)
    old = dict(browser.http.cookies)
    first = desk.browser()
    first.http.cookies.update(old)
    form = (await desk.browser().get("/r")).form("/r/code")
    other = number("unicom", 6)
    page = await browser.submit(form, number=other)
    await desk.platform.until(lambda: bool(desk.codes(other)), "the code is out")
    await browser.submit(page.form("/r/enter"), code=desk.codes(other)[-1])
    assert f"+86{other}" in browser.page.text
    await first.get("/r/me")
    assert first.answer.url.path == "/r"


async def test_forms_of_others_do_nothing(desk: Site) -> None:
    browser = desk.browser()
    page = await desk.prove(browser, KNOWN)
    stranger = desk.browser()
    theirs = await desk.prove(stranger, number("unicom", 8))
    foreign = theirs.form("/r/leave").fields["form"]
    unproved = (await desk.browser().get("/r")).form("/r/code").fields["form"]
    before = await desk.entries()
    for method, path in PROVED_PATHS:
        if method == "GET":
            continue
        for token in ("", "0" * 32, foreign, unproved, "é"):
            data = {"form": token, "what": "all", "programme": "1", "sender": "1", "mark": "yes"}
            answer = await browser.http.post(path, data=data)
            assert answer.status_code in (400, 403), (path, token)
        good = page.form("/r/leave").fields["form"]
        answer = await browser.http.post(
            path, data={"form": good}, headers={"origin": "https://evil.example"}
        )
        assert answer.status_code == 403
    assert await desk.entries() == before
    await browser.get("/r/me")
    assert browser.answer.url.path == "/r/me"


async def test_forms_before_the_proof_are_ours_as_well(desk: Site) -> None:
    async with httpx.AsyncClient(base_url=desk.url) as client:
        for path in ("/r/code", "/r/enter"):
            for data in ({}, {"form": "0" * 32, "number": KNOWN}):
                assert (await client.post(path, data=data)).status_code == 403
            answer = await client.post(path, content=b"\xff\xfe")
            assert answer.status_code == 400
            answer = await client.post(path, content=b"a=1&" * 100)
            assert answer.status_code == 400
    assert await desk.platform.value("SELECT count(*) FROM receiver_code") == 0
