"""Attacks on who may act: roles given to oneself, invitations of who is gone, planted marks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.store import Store
from tests.web.people_site import PASSWORD, STAFF_PASSWORD, Place, place
from tests.web.test_teams import FRIEND, OTHER_PASSWORD, joined


@pytest.fixture
async def here(migrated_url: str, fresh_store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(migrated_url, fresh_store, tmp_path) as one:
        yield one


@pytest.mark.parametrize("way", ["removed", "smaller", "locked"])
async def test_an_invitation_ends_with_who_gave_it(here: Place, way: str) -> None:
    """An owner who is about to go invites another address of their own."""
    owner = (await here.owner())["token"]
    bad = await joined(here, owner, ["owner"])
    door = "back@door.example"
    await here.post("/v1/team/invitations", {"email": door, "roles": ["owner"]}, bad["token"])
    token = await here.mailbox.token(door)
    if way == "removed":
        await here.call("DELETE", f"/v1/team/{bad['actor']}", None, owner, 200)
    elif way == "smaller":
        body = {"roles": ["sender"]}
        await here.call("PUT", f"/v1/team/{bad['actor']}", body, owner, 200)
    else:
        root = await here.administrator()
        await here.post(f"/v1/actors/{bad['actor']}/lock", None, root, 200)
    body = {"token": token, "password": OTHER_PASSWORD, "name": "B"}
    assert (await here.post("/v1/invitations/accept", body, code=403))["code"] == "bad_token"
    shown = await here.get("/v1/team", owner)
    assert door not in str(shown["people"])


async def test_an_administrator_gives_themselves_nothing(here: Place) -> None:
    root = await here.administrator()
    me = await here.get("/v1/me", root)
    path, wanted = f"/v1/team/{me['actor']}", ["administrator", "reviewer"]
    error = await here.call("PUT", path, {"roles": wanted}, root, 403)
    assert error["code"] == "yourself"
    body = {"email": me["email"], "roles": ["second_reviewer"]}
    await here.post("/v1/team/invitations", body, root, 403)
    roles = await here.value(
        "SELECT array_agg(role) FROM actor_role WHERE actor_id = $1", int(me["actor"])
    )
    assert roles == ["administrator"]
    # Less is allowed, once there is another.
    body = {"email": FRIEND, "roles": ["administrator", "auditor"]}
    await here.post("/v1/team/invitations", body, root)
    token = await here.mailbox.token(FRIEND)
    joined_body = {"token": token, "password": OTHER_PASSWORD, "name": "Han"}
    await here.post("/v1/invitations/accept", joined_body)
    assert STAFF_PASSWORD
    await here.call("DELETE", path, None, root, 200)


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u202e", "\u200b", "\x00"])
async def test_names_hide_nothing(here: Place, mark: str) -> None:
    company = {"credit_code": f"CODE{mark}1", "legal_name": "x"}
    body = {"email": "a@b.cc", "name": "李", "password": PASSWORD, "company": company}
    assert (await here.post("/v1/sign-up", body, code=422))["code"] == "bad_name"
    company = {"credit_code": "CODE1", "legal_name": f"x{mark}y"}
    body = {"email": "a@b.cc", "name": "李", "password": PASSWORD, "company": company}
    assert (await here.post("/v1/sign-up", body, code=422))["code"] == "bad_name"


@pytest.mark.parametrize(
    "address",
    [
        "a@b.cc\r\nBcc: x@y.zz", "a@b.cc\n", "a@b.cc,x@y.zz", "<a@b.cc>", "a@b.cc\x00",
        "a\u200b@b.cc", "a@b.cc x@y.zz", '"a b"@b.cc',
    ],
)  # fmt: skip
async def test_no_address_makes_two(here: Place, address: str) -> None:
    body = {"email": address, "name": "李", "password": PASSWORD,
            "company": {"credit_code": "CODE1", "legal_name": "x"}}  # fmt: skip
    answer = await here.client().post("/v1/sign-up", json=body)
    if answer.status_code == 202:  # blanks around an address are none of it
        await here.mailbox.token("a@b.cc")
    else:
        assert answer.json()["code"] == "bad_email"
    assert all(mail[0] == "a@b.cc" for mail in here.mailbox.mails)


async def test_guesses_at_one_address_in_many_spellings(here: Place) -> None:
    await here.owner()
    spellings = ["LI@shop.example", " li@SHOP.example", "ｌｉ@shop.example", "li@shop.example "]
    statuses = []
    for place_, spelled in enumerate([*spellings, *spellings]):
        headers = {"x-forwarded-for": f"198.51.100.{place_}"}
        body = {"email": spelled, "password": "wrong horse battery nail"}
        answer = await here.client(**headers).post("/v1/session", json=body)
        statuses.append(answer.status_code)
    assert statuses.count(429) >= 2, statuses


async def test_a_session_ends_with_the_password_wherever_it_is(here: Place) -> None:
    first = await here.owner()
    second = await here.log_in("li@shop.example")
    body = {"old": PASSWORD, "new": "an entirely other sentence"}
    turned = await here.post("/v1/me/password", body, second["token"])
    for token in (first["token"], second["token"]):
        await here.get("/v1/me", token, code=401)
    await here.call("DELETE", "/v1/session", None, turned["token"], 200)
    await here.get("/v1/me", turned["token"], code=401)
    await here.post("/v1/me/password", body, turned["token"], 401)


async def test_keys_of_staff_end_with_the_second_factor(here: Place) -> None:
    root = await here.administrator()
    body = {"email": FRIEND, "roles": ["auditor"]}
    await here.post("/v1/team/invitations", body, root)
    token = await here.mailbox.token(FRIEND)
    words = {"token": token, "password": OTHER_PASSWORD, "name": "Han"}
    await here.post("/v1/invitations/accept", words)
    session = (await here.log_in(FRIEND, OTHER_PASSWORD))["token"]
    secret, answer = await here.second_factor(session)
    session = answer["token"]
    key = (await here.post("/v1/keys", {"name": "k", "scopes": ["audit"]}, session))["key"]
    await here.get("/v1/audit", key)
    here.clock.advance(60)
    await here.post("/v1/me/totp/off", {"code": here.code(secret)}, session)
    await asyncio.sleep(0.2)
    await here.get("/v1/audit", session, code=403)
    await here.get("/v1/audit", key, code=401)


async def test_a_key_of_another_network_sends_nothing(here: Place) -> None:
    """The hot route is served past ASGI; the same checks come first."""
    owner = (await here.owner())["token"]
    wish = {"name": "k", "scopes": ["send"], "allowed": ["203.0.113.0/28"]}
    key = (await here.post("/v1/keys", wish, owner))["key"]
    for headers in (
        {}, {"x-forwarded-for": "203.0.113.1"}, {"X-Forwarded-For": "203.0.113.1, 127.0.0.1"},
        {"forwarded": "for=203.0.113.1"}, {"x-real-ip": "203.0.113.1"},
    ):  # fmt: skip
        answer = await here.client(key, **headers).post("/v1/messages", json={"to": ["1"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "key_network")
