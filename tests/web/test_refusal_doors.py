"""Doors of refusals beside a reply: a link in a message, a sender's counter, the call centre."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assent.app.main import app
from assent.client import AsyncClient
from assent.consent.entry import Channel, Kind, Origin, Scope, decode
from assent.flow.ids import batch_id
from assent.flow.keys import OFFICE, SCOPES, USUAL, make_key
from assent.flow.refusal_links import LASTS_S, PATH
from tests.flow.conftest import number
from tests.web.receiver_site import Browser, Site, site
from tests.web.receiver_site import document as site_document

TEXT = "夏装上新，全场八折。客服电话400-820-1234。点 {refuse_url} 拒收请回复R"
SERVICE = "1069999"


@pytest.fixture
async def desk(migrated_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    async with site(migrated_url, tmp_path, public_url="https://s.example.cn") as one:
        yield one


async def key_of(desk: Site, name: str, scopes: frozenset[str]) -> dict[str, str]:
    node = desk.platform.node
    account = next(a.id for a in node.catalogue.accounts.values() if a.name == name)
    key = await make_key(
        node.store, account, sorted(scopes), sandbox=False, random=secrets.token_bytes(24),
        at=node.clock.now(),
    )  # fmt: skip
    return {"authorization": f"Bearer {key}"}


async def offered(desk: Site, phone: str) -> str:
    """Send an offer with a link; return the link's path, as the carrier was handed it."""
    await desk.platform.consent([phone])
    assert (await desk.platform.send([phone], text=TEXT))["allowed"] == 1

    def text() -> str:
        sent = [one for one in desk.platform.submits() if phone in one["destination"]]
        sent.sort(key=lambda one: one["segment"] or 0)
        return "".join(one["text"] for one in sent)

    await desk.platform.until(lambda: "回复R" in text(), "the offer is out")
    found = re.search(r"https://s\.example\.cn(/u/[\w-]{28}) ", text())
    assert found is not None, text()
    return found.group(1)


async def standing(desk: Site) -> int:
    return int(await desk.platform.value("SELECT count(*) FROM standing"))


async def test_the_button_refuses_and_looking_does_not(desk: Site) -> None:
    phone = number("mobile", 7)
    path = await offered(desk, phone)
    browser: Browser = desk.browser()
    for _ in range(3):  # a scanner opens every link, some more than once
        page = await browser.get(path)
        await browser.http.head(path)
    assert await standing(desk) == 1
    assert "商户1 wrote to you." in page.text
    assert len(page.forms) == 1
    assert page.forms[0].buttons == ["Refuse"]
    # Nothing of her is shown, and nothing is kept in the browser.
    assert phone not in browser.answer.text
    assert phone[-4:] not in page.text
    assert "set-cookie" not in browser.answer.headers
    page = await browser.submit(page.forms[0])
    assert "Refused." in page.text
    assert not page.forms
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.kind, entry.scope) == (Kind.WITHDRAWN, Scope.GROUP)
    assert (entry.channel, entry.origin) == (Channel.WEB, Origin.RECEIVER)
    assert await standing(desk) == 0
    await desk.platform.until(lambda: bool(desk.platform.submits(SERVICE)), "it is confirmed")
    # Once more says the same, and changes nothing.
    again = await browser.get(path)
    assert "Refused." in (await browser.submit(again.forms[0])).text
    assert len(await desk.entries()) == 2


async def test_links_that_lead_nowhere_all_look_the_same(desk: Site) -> None:
    path = await offered(desk, number("mobile", 7))
    browser = desk.browser()
    form = (await browser.get(path)).forms[0]
    token = path.removeprefix(PATH)
    seen = set()
    changed = ("A" if token[9] != "A" else "B").join((token[:9], token[10:]))
    node = desk.platform.node
    found = node.links.read(token, node.clock.now())
    assert found is not None
    before = batch_id(int((node.clock.now() - LASTS_S - 60) * 1000), 0)
    expired = node.links.token(dataclasses.replace(found, order=before))
    gone = node.links.token(dataclasses.replace(found, sender=999))
    for one in (expired, gone, changed, "A" * 28, "x", "%00", "r" * 500):
        for method in ("GET", "POST"):
            data = form.fields if method == "POST" else None
            answer = await browser.http.request(method, f"{PATH}{one}", data=data)
            assert answer.status_code == 404
            seen.add(answer.content)
    assert len(seen) == 1
    assert await standing(desk) == 1


async def test_a_button_pressed_from_another_page_does_nothing(desk: Site) -> None:
    path = await offered(desk, number("mobile", 7))
    browser = desk.browser()
    form = (await browser.get(path)).forms[0]
    wrong: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"form": "0" * 32}, {}),
        (form.fields, {"origin": "https://evil.example"}),
    ]
    for fields, headers in wrong:
        answer = await browser.http.post(path, data=fields, headers=headers)
        assert answer.status_code == 403
    assert await standing(desk) == 1


async def test_campaigns_and_templates_have_the_link_too(desk: Site) -> None:
    document = site_document()
    offer = {"name": "spring", "purpose": "marketing", "body": TEXT.replace("八折", "{off}折"),
             "basis": ""}  # fmt: skip
    document["senders"][0]["templates"].append(offer)
    await desk.platform.file(document)
    node = desk.platform.node
    people = [number("mobile", place) for place in (21, 22, 23)]
    await desk.platform.consent(people)

    def filed() -> bool:
        return any(one.name == "spring" for one in node.catalogue.templates.values())

    await desk.platform.until(filed, "the template is read")
    headers = await key_of(desk, "account1", USUAL)
    secret = headers["authorization"].removeprefix("Bearer ")
    async with AsyncClient(desk.url, secret) as client:
        file = "phone,off\n" + "\n".join(f"{one},八" for one in people)
        audience = await client.upload_audience(
            file.encode(), statement="shop", relation="members", columns={"off": "off"}
        )
        await client.create_campaign(
            name="spring", audience=audience["id"], sender="CODE1", purpose="marketing",
            template="spring",
        )  # fmt: skip

    def texts() -> dict[str, str]:
        found: dict[str, str] = {}
        for one in sorted(desk.platform.submits(), key=lambda one: one["segment"] or 0):
            who = one["destination"][-11:]
            found[who] = found.get(who, "") + one["text"]
        return found

    def complete() -> bool:
        return len(texts()) == 3 and all("回复R" in one for one in texts().values())

    await desk.platform.until(complete, "the campaign is out", 20)
    tokens = set()
    for who, text in texts().items():
        found = re.search(r"/u/([\w-]{28}) ", text)
        assert found is not None
        link = node.links.read(found.group(1), node.clock.now())
        assert link is not None
        msisdn = await desk.platform.value("SELECT msisdn FROM person WHERE id = $1", link.person)
        assert str(msisdn) == f"86{who}"  # each her own
        tokens.add(found.group(1))
    assert len(tokens) == 3


async def test_a_customer_cannot_give_the_link_itself(desk: Site) -> None:
    phone = number("mobile", 7)
    await desk.platform.consent([phone])
    headers = await key_of(desk, "account1", USUAL)
    order = {
        "sender": "CODE1", "purpose": "marketing", "text": TEXT,
        "messages": [{"to": phone, "variables": {"refuse_url": "https://evil.example"}}],
    }  # fmt: skip
    async with httpx.AsyncClient(base_url=desk.url, headers=headers) as client:
        answer = await client.post("/v1/messages", json=order)
    assert answer.json()["code"] == "unknown_variable"


@pytest.mark.parametrize(
    ("word", "channel"),
    [("counter", Channel.COUNTER), ("voice", Channel.VOICE), ("web", Channel.WEB),
     ("mail", Channel.MAIL), ("paper", Channel.PAPER), (None, Channel.API)],
)  # fmt: skip
async def test_a_sender_says_through_which_door(
    desk: Site, word: str | None, channel: Channel
) -> None:
    phone = number("mobile", 7)
    await desk.platform.consent([phone])
    headers = await key_of(desk, "account1", USUAL)
    body: dict[str, Any] = {"sender": "CODE1", "to": [phone], "source": "shop"}
    if word is not None:
        body["channel"] = word
    async with httpx.AsyncClient(base_url=desk.url, headers=headers) as client:
        assert (await client.post("/v1/refusals", json=body)).status_code == 200
        wrong = await client.post("/v1/refusals", json={**body, "channel": "pigeon"})
    assert wrong.status_code == 422
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.channel, entry.origin) == (channel, Origin.CUSTOMER)
    assert await standing(desk) == 0


async def test_the_call_centre_refuses_for_her_and_it_is_written_down(desk: Site) -> None:
    phone, stranger = number("mobile", 7), number("mobile", 8)
    await desk.platform.consent([phone])
    staff = await key_of(desk, "operator", frozenset({"support"}))
    path = "/v1/desk/refusals/telephone"
    async with httpx.AsyncClient(base_url=desk.url, headers=staff) as client:
        told = [
            (await client.post(path, json={"to": to, "sender": "CODE1", "programme": "offers"}))
            for to in (phone, stranger, phone)
        ]
        assert {(one.status_code, one.text) for one in told} == {(200, '{"state":"recorded"}')}
        entry = decode((await desk.entries())[-2]["body"])
        assert (entry.channel, entry.origin, entry.scope) == (
            Channel.VOICE, Origin.STAFF, Scope.PROGRAMME,
        )  # fmt: skip
        await client.post(path, json={"to": phone, "everybody": True})
        assert decode((await desk.entries())[-1]["body"]).scope is Scope.PLATFORM
        for wrong in (
            {"to": phone}, {"to": phone, "sender": "CODE1", "everybody": True},
            {"to": phone, "sender": "NONE"}, {"to": "12", "sender": "CODE1"},
            {"to": phone, "sender": "CODE1", "programme": "none"},
            {"to": phone, "everybody": True, "programme": "offers"},
            {"to": phone, "sender": "CODE1", "purposes": []},
        ):  # fmt: skip
            assert (await client.post(path, json=wrong)).status_code in (404, 422), wrong
    acts = await desk.platform.sql("SELECT what, subject, before, after FROM staff_act")
    assert [row["what"] for row in acts] == ["refusal.telephone"] * 4
    assert not any(phone in str(dict(row)) for row in acts)
    # Who could not be written to is not: a number may be mistyped.
    await desk.platform.until(lambda: bool(desk.platform.submits(SERVICE)), "it is confirmed")
    assert all(stranger not in one["destination"] for one in desk.platform.submits(SERVICE))
    for name, scopes in (("account1", USUAL | OFFICE), ("operator", frozenset({"links"}))):
        headers = await key_of(desk, name, scopes)
        async with httpx.AsyncClient(base_url=desk.url, headers=headers) as client:
            answer = await client.post(path, json={"to": phone, "everybody": True})
            assert answer.status_code == 403


async def test_the_command_line_has_both_doors(desk: Site) -> None:
    phone = number("mobile", 7)
    await desk.platform.consent([phone])

    async def run(headers: dict[str, str], *words: str) -> tuple[int, Any]:
        secret = headers["authorization"].removeprefix("Bearer ")
        runner = CliRunner(env={"ASSENT_URL": desk.url, "ASSENT_KEY": secret})
        done = await asyncio.to_thread(runner.invoke, app, ["refusal", *words, "--json"])
        return done.exit_code, json.loads(done.stdout)

    shop = await key_of(desk, "account1", USUAL)
    staff = await key_of(desk, "operator", frozenset({"support"}))
    code, told = await run(shop, "add", phone, "--sender", "CODE1", "--channel", "counter")
    assert (code, told["accepted"]) == (0, 1)
    assert decode((await desk.entries())[-1]["body"]).channel is Channel.COUNTER
    assert await run(staff, "telephone", phone, "--all") == (0, {"state": "recorded"})
    assert decode((await desk.entries())[-1]["body"]).scope is Scope.PLATFORM
    code, told = await run(shop, "telephone", phone, "--all")
    assert (code, told["error"]["code"]) == (4, "missing_scope")
    code, told = await run(staff, "telephone", phone)
    assert (code, told["error"]["code"]) == (3, "sender_or_everybody")


async def test_nobody_but_she_undoes_a_refusal(desk: Site) -> None:
    """Whatever a customer or the staff may ask for, with all scopes: her refusal stays."""
    phone = number("mobile", 7)
    await desk.platform.consent([phone])
    customer = await key_of(desk, "account1", USUAL | OFFICE)
    staff = await key_of(desk, "operator", SCOPES)
    body = {"sender": "CODE1", "to": [phone], "source": "forged", "channel": "counter"}
    async with httpx.AsyncClient(base_url=desk.url, headers=customer, timeout=30) as client:
        assert (await client.post("/v1/refusals", json=body)).status_code == 200
    refused = await desk.platform.sql("SELECT * FROM refusal")
    assert refused
    document = (await desk.browser().http.get("/openapi.json")).json()
    paths = [path for path in document["paths"] if "consent" in path or "refus" in path]
    assert paths
    for headers in (customer, staff):
        async with httpx.AsyncClient(base_url=desk.url, headers=headers, timeout=30) as client:
            for path in paths:
                for method in ("DELETE", "PATCH", "PUT"):
                    place = path.replace("{", "").replace("}", "")
                    answer = await client.request(method, place, json={"to": [phone]})
                    assert answer.status_code in (404, 405), (method, place, answer.text)
            for grade in ("assertion", "document", "receiver"):
                consent = {
                    "sender": "CODE1", "programme": "offers", "grade": grade, "wording": "v1",
                    "source": "x", "consents": [{"to": phone, "at": "2026-11-20T10:00:00+08:00"}],
                }  # fmt: skip
                await client.post("/v1/consents", json=consent)
    assert await desk.platform.sql("SELECT * FROM refusal") == refused
    assert await standing(desk) == 0
    # She herself does, with her number proved.
    browser = desk.browser()
    page = await desk.prove(browser, phone)
    page = await browser.submit(page.form("/r/take-back", sender="1"))
    assert await desk.platform.sql("SELECT * FROM refusal") == []
    entry = decode((await desk.entries())[-1]["body"])
    assert (entry.kind, entry.origin) == (Kind.GRANTED, Origin.RECEIVER)
