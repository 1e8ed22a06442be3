"""The call centre's screen: what staff see of who calls, and what they record on her word."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.consent.entry import Channel, Origin, Scope, decode
from assent.flow import second_factor
from assent.flow.actor_requests import Acceptance, Login
from assent.flow.bootstrap import add_staff
from assent.flow.call_centre import LOOKS_AN_HOUR
from tests.flow.conftest import number
from tests.web.receiver_site import Browser, Page, Site, document, site
from tests.web.test_receivers_pages import check_page

PASSWORD = "another horse battery nail"
SERVICE = "1069999"
PLACES = ("/calls", "#")


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path, document(3)) as one:
        yield one


async def staff(desk: Site, role: str = "support", name: str = "wang") -> tuple[str, bytes]:
    """Make one of the staff with a second factor; return the address and the factor's secret."""
    node, address = desk.platform.node, f"{name}@operator.example"
    assert node.people is not None
    gate = node.people.gate
    made = await add_staff(node.store, node.clock, gate.proofs, address, [role], "operator")
    wish = Acceptance(token=made["token"], password=PASSWORD, name=name)
    await gate.entrance.accept(wish, "127.0.0.1")
    token = await gate.entrance.log_in(Login(email=address, password=PASSWORD), "127.0.0.1")
    begun = await gate.selves.begin_totp(await gate.sessions.seen(token))
    secret = base64.b32decode(begun["secret"])
    await gate.selves.confirm_totp(await gate.sessions.seen(token), code(desk, secret))
    return address, secret


def code(desk: Site, secret: bytes, later: int = 0) -> str:
    step = int(desk.platform.clock.now() // second_factor.STEP_S) + later
    return second_factor.code_at(secret, step)


async def enter(desk: Site, lang: str = "en", role: str = "support", name: str = "wang") -> Browser:
    address, secret = await staff(desk, role, name)
    browser = desk.browser(lang)
    page = await browser.get("/calls")
    # The code of this half minute was used to switch the factor on.
    await browser.submit(
        page.form("/calls/enter"), email=address, password=PASSWORD, code=code(desk, secret, 1)
    )
    return browser


async def look(browser: Browser, phone: str) -> Page:
    page = await browser.get("/calls")
    return await browser.submit(page.form("/calls/look"), number=phone)


async def acts(desk: Site) -> list[tuple[str, str]]:
    rows = await desk.platform.sql(
        "SELECT * FROM staff_act WHERE what LIKE 'call.%' OR what LIKE '%.telephone' ORDER BY id"
    )
    return [(row["what"], row["subject"]) for row in rows]


async def complaints(desk: Site) -> int:
    return int(await desk.platform.value("SELECT count(*) FROM complaint"))


async def written_to(desk: Site, phone: str) -> None:
    """Have two of three senders write to somebody who agreed to both."""
    for place in (1, 2):
        await desk.platform.consent([phone], place)
        assert (await desk.platform.send([phone], place=place))["allowed"] == 1


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_a_refusal_on_her_word(desk: Site, lang: str) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await enter(desk, lang)
    check_page(browser, lang, PLACES)
    page = await look(browser, phone)
    check_page(browser, lang, PLACES)
    # Who wrote, by name, and nothing else of her: no text, no record, not who did not write.
    assert "商户1" in page.text
    assert "商户2" in page.text
    assert "商户3" not in page.text
    assert "上新" not in page.text
    page = await browser.submit(page.form("/calls/refuse"), **{"sender-2": "yes"})
    check_page(browser, lang, PLACES)
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.channel, entry.origin, entry.scope) == (
        Channel.VOICE, Origin.STAFF, Scope.GROUP,
    )  # fmt: skip
    assert entry.receipt in page.text
    assert "商户2" in page.text
    await desk.platform.until(
        lambda: any(phone in one["destination"] for one in desk.platform.submits(SERVICE)),
        "it is confirmed",
    )
    assert entry.receipt in desk.platform.submits(SERVICE)[-1]["text"]
    # Once more changes nothing and tells the same code.
    page = await look(browser, phone)
    page = await browser.submit(page.form("/calls/refuse"), **{"sender-2": "yes"})
    assert entry.receipt in page.text
    assert len(await desk.entries()) == 3
    # All of them.
    page = await look(browser, phone)
    page = await browser.submit(page.form("/calls/refuse"), all="yes")
    assert decode((await desk.entries())[-1]["body"]).scope is Scope.PLATFORM
    person = await desk.platform.value("SELECT id FROM person WHERE msisdn = $1", int(f"86{phone}"))
    assert await acts(desk) == [
        ("call.look", f"person:{person}"), ("refusal.telephone", "CODE2"),
        ("call.look", f"person:{person}"), ("refusal.telephone", "CODE2"),
        ("call.look", f"person:{person}"), ("refusal.telephone", "everybody"),
    ]  # fmt: skip
    rows = await desk.platform.sql("SELECT * FROM staff_act")
    assert not any(phone in str(dict(row)) for row in rows)
    assert await desk.platform.value("SELECT count(*) FROM staff_act WHERE actor_id IS NULL") == 1


async def test_a_complaint_on_her_word(desk: Site) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await enter(desk)
    page = await look(browser, phone)
    form = page.form("/calls/complain")
    await browser.submit(form, about="1", words="")
    assert browser.answer.status_code == 422
    check_page(browser, "en", PLACES)
    page = await browser.submit(form, about="1", words="十点还在发 <b>")
    receipt = await desk.platform.value("SELECT receipt_code FROM complaint")
    assert receipt in page.text
    sealed = await desk.platform.value("SELECT sealed FROM complaint")
    assert "十点".encode() not in sealed
    assert decode((await desk.entries())[-1]["body"]).channel is Channel.VOICE
    (row,) = await desk.platform.sql("SELECT * FROM complaint")
    assert (row["source"], row["matched"], row["sender_id"]) == ("telephone", "message", 1)
    assert row["due_at"] > row["forward_by"]
    assert row["port_id"] is not None
    # A button that was pressed twice is one complaint.
    page = await browser.submit(form, about="1", words="十点还在发 <b>")
    assert receipt in page.text
    assert await complaints(desk) == 1
    assert [what for what, _ in await acts(desk)] == ["call.look", "complaint.telephone"]
    # She finds it on her own page.
    receiver = desk.browser()
    page = await desk.prove(receiver, phone)
    assert receipt in page.text
    assert "十点还在发 <b>" in page.text


async def test_whom_nobody_wrote_to(desk: Site) -> None:
    stranger = number("mobile", 8)
    browser = await enter(desk)
    page = await look(browser, stranger)
    assert "Nobody wrote to this number" in page.text
    assert await acts(desk) == [("call.look", "person:0")]
    # A look makes nobody.
    assert not await desk.platform.value("SELECT count(*) FROM person")
    form = page.form("/calls/refuse")
    for wrong in ({}, {"other": "nobody of this name"}, {"sender-77": "yes"}, {"sender-x": "yes"}):
        await browser.submit(form, **wrong)
        assert browser.answer.status_code == 422, wrong
    page = await browser.submit(form, other="商户3")
    entry = decode((await desk.entries())[-1]["body"])
    assert entry.receipt in page.text
    # Her number may be mistyped: nobody gets a message.
    assert "No message confirms it" in page.text
    assert not await desk.platform.value("SELECT count(*) FROM confirmation")


async def test_nobody_else_gets_in(desk: Site) -> None:
    browser = desk.browser()
    page = await browser.get("/calls")
    assert browser.answer.status_code == 200
    assert "set-cookie" not in browser.answer.headers
    form = page.form("/calls/enter")
    address, secret = await staff(desk)
    auditor, other = await staff(desk, "auditor", "zhao")
    right = {"email": address, "password": PASSWORD, "code": code(desk, secret, 1)}
    for wrong in (
        {**right, "password": "wrong"},
        {**right, "code": "000000"},
        {**right, "code": ""},  # no second factor, no scope
        {**right, "email": "nobody@operator.example"},
        {"email": auditor, "password": PASSWORD, "code": code(desk, other, 1)},
    ):
        page = await browser.submit(form, **wrong)
        assert browser.answer.status_code == 403
        assert "set-cookie" not in browser.answer.headers
        assert "is not right" in page.text
    # What was begun for a moment, to see what it may, is over.
    assert await desk.platform.value(
        "SELECT count(*) FROM actor_session WHERE ended_at IS NULL AND actor_id = "
        "(SELECT id FROM actor WHERE email = $1)", auditor
    ) == 1  # fmt: skip
    # Nobody who has not signed in reaches anything behind it.
    for path in ("look", "refuse", "complain", "leave"):
        answer = await browser.http.post(f"/calls/{path}", data={"number": number("mobile", 7)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/calls")
    assert not await acts(desk)


async def test_the_cookie_and_the_forms(desk: Site) -> None:
    phone = number("mobile", 7)
    await written_to(desk, phone)
    browser = await enter(desk)
    (cookie,) = browser.http.cookies.jar
    assert cookie.name == "assent-calls"
    page = await look(browser, phone)
    assert phone not in str(browser.answer.url)
    form = page.form("/calls/refuse")
    before = await desk.entries()
    for fields, headers in (
        ({**form.fields, "form": "0" * 64}, {}),
        ({"call": form.fields["call"]}, {}),
        (form.fields, {"origin": "https://evil.example"}),
    ):
        answer = await browser.http.post(
            "/calls/refuse", data={**fields, "all": "yes"}, headers=headers
        )
        assert answer.status_code == 403
    # A call is of the one who looked; and of a number that was looked at.
    other = await enter(desk, name="li")
    mine = (await look(other, phone)).form("/calls/refuse")
    for stolen in (form.fields["call"], form.fields["call"][:-8] + "AAAAAAAA", "x", ""):
        answer = await other.http.post(
            "/calls/refuse", data={**mine.fields, "call": stolen, "all": "yes"}
        )
        assert answer.status_code == 403, stolen
    assert await desk.entries() == before
    # Over TLS the cookie is for this host and nobody else's script or page.
    page = await desk.browser().get("/calls")
    address, secret = await staff(desk, name="sun")
    filled = {"email": address, "password": PASSWORD, "code": code(desk, secret, 1)}
    answer = await desk.browser().http.post(
        "/calls/enter", data={**page.form("/calls/enter").fields, **filled},
        headers={"host": "sms.example.cn"},
    )  # fmt: skip
    assert answer.status_code == 303
    kept = answer.headers["set-cookie"]
    assert re.fullmatch(
        r"__Host-assent-calls=as_[0-9a-f]{64}; Path=/; HttpOnly; SameSite=Strict; Secure", kept
    )
    # Who leaves has left.
    token = browser.http.cookies["assent-calls"]
    page = await browser.get("/calls")
    await browser.submit(page.form("/calls/leave"))
    answer = await browser.http.get("/calls", headers={"cookie": f"assent-calls={token}"})
    assert "/calls/enter" in answer.text


async def test_one_of_the_staff_looks_at_so_many_an_hour(desk: Site) -> None:
    browser = await enter(desk)
    await look(browser, number("mobile", 7))
    actor = await desk.platform.value("SELECT actor_id FROM staff_act WHERE what = 'call.look'")
    await desk.platform.sql(
        "INSERT INTO staff_act (at, account_id, key_id, what, subject, before, after, actor_id) "
        "SELECT at, account_id, 0, what, 'person:0', '{}', '{}', actor_id FROM staff_act, "
        "generate_series(2, $1) WHERE what = 'call.look'", LOOKS_AN_HOUR
    )  # fmt: skip
    await look(browser, number("mobile", 8))
    assert browser.answer.status_code == 429
    other = await enter(desk, name="li")
    await look(other, number("mobile", 8))
    assert other.answer.status_code == 200
    count = "SELECT count(*) FROM staff_act WHERE what = 'call.look' AND actor_id = $1"
    assert await desk.platform.value(count, actor) == LOOKS_AN_HOUR
