"""Teams, roles, keys, staff, cookies: who may do what, and what a browser may be made to do."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from assent.errors import Conflict, InvalidInput
from assent.flow.bootstrap import add_staff
from assent.flow.keys import make_key
from assent.flow.roles import CUSTOMER_ROLES, STAFF_ROLES
from assent.store import Store
from tests.web.people_site import PASSWORD, Place, place

FRIEND = "han@shop.example"
OTHER_PASSWORD = "friend of correct horses"


@pytest.fixture
async def here(migrated_url: str, fresh_store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(migrated_url, fresh_store, tmp_path) as one:
        yield one


async def joined(
    here: Place, owner: str, roles: list[str], address: str = FRIEND
) -> dict[str, Any]:
    """Invite somebody, have the invitation accepted, log in."""
    before = len(here.mailbox.to(address))
    await here.post("/v1/team/invitations", {"email": address, "roles": roles}, owner)
    token = await here.mailbox.token(address, before + 1)
    body = {"token": token, "password": OTHER_PASSWORD, "name": "韩梅梅"}
    await here.post("/v1/invitations/accept", body)
    return await here.log_in(address, OTHER_PASSWORD)


@pytest.mark.parametrize("role", [role for role in CUSTOMER_ROLES if role != "owner"])
async def test_a_role_may_what_it_may_and_nothing_else(here: Place, role: str) -> None:
    owner = (await here.owner())["token"]
    friend = await joined(here, owner, [role])
    assert set(friend["scopes"]) == CUSTOMER_ROLES[role]
    token = friend["token"]
    await here.get("/v1/team", token, code=403)
    await here.post("/v1/team/invitations", {"email": "x@y.zz", "roles": ["owner"]}, token, 403)
    me = friend["actor"]
    await here.call("PUT", f"/v1/team/{me}", {"roles": ["owner"]}, token, 403)
    error = await here.post("/v1/keys", {"name": "k", "scopes": ["team"]}, token, 403)
    assert error["code"] == "scope_not_yours"
    error = await here.post("/v1/keys", {"name": "k", "scopes": ["review"]}, token, 403)
    scopes = sorted(CUSTOMER_ROLES[role])
    await here.post("/v1/keys", {"name": "k", "scopes": scopes}, token, 201)
    software = {"name": "k", "scopes": ["read"], "software": True}
    await here.post("/v1/keys", software, token, 403)
    await here.get("/v1/audit", token, code=403)


async def test_roles_change_and_what_hangs_on_them_ends(here: Place) -> None:
    owner = (await here.owner())["token"]
    friend = await joined(here, owner, ["sender"])
    key = await here.post("/v1/keys", {"name": "k", "scopes": ["send", "read"]}, friend["token"])
    small = await here.post("/v1/keys", {"name": "s", "scopes": ["read"]}, friend["token"])
    place_of = f"/v1/team/{friend['actor']}"
    changed = await here.call("PUT", place_of, {"roles": ["read_only"]}, owner, 200)
    assert changed["keys_revoked"] == 1
    await here.get("/v1/me", friend["token"], code=401)
    await asyncio.sleep(0.2)
    await here.get("/v1/balance", key["key"], code=401)
    await here.get("/v1/balance", small["key"])
    assert (await here.log_in(FRIEND, OTHER_PASSWORD))["scopes"] == ["read"]
    await here.call("DELETE", place_of, None, owner, 200)
    await asyncio.sleep(0.2)
    await here.get("/v1/balance", small["key"], code=401)
    session = await here.log_in(FRIEND, OTHER_PASSWORD)
    assert session["account"] is None
    await here.get("/v1/balance", session["token"], code=403)
    await here.call("DELETE", place_of, None, owner, 404)


async def test_the_last_owner_stays(here: Place) -> None:
    session = await here.owner()
    owner, me = session["token"], f"/v1/team/{session['actor']}"
    for method, body in (("DELETE", None), ("PUT", {"roles": ["sender"]})):
        error = await here.call(method, me, body, owner, 409)
        assert error["code"] == "last_owner"
    friend = await joined(here, owner, ["owner"])
    # Both leave at the same moment: one of them stays.
    answers = await asyncio.gather(
        here.client(owner).delete(me),
        here.client(friend["token"]).delete(f"/v1/team/{friend['actor']}"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert await here.value("SELECT count(*) FROM actor_role WHERE role = 'owner'") == 1


async def test_two_owners_who_take_each_other_out(here: Place) -> None:
    session = await here.owner()
    friend = await joined(here, session["token"], ["owner"])
    answers = await asyncio.gather(
        here.client(session["token"]).delete(f"/v1/team/{friend['actor']}"),
        here.client(friend["token"]).delete(f"/v1/team/{session['actor']}"),
    )
    assert min(answer.status_code for answer in answers) == 200
    assert all(answer.status_code in (200, 401, 403, 409) for answer in answers)
    assert await here.value("SELECT count(*) FROM actor_role WHERE role = 'owner'") == 1


async def test_who_has_a_login_joins_with_its_password_only(here: Place) -> None:
    owner = (await here.owner())["token"]
    await here.owner(FRIEND, "另一家")
    before = len(here.mailbox.to(FRIEND))
    await here.post("/v1/team/invitations", {"email": FRIEND, "roles": ["finance"]}, owner)
    token = await here.mailbox.token(FRIEND, before + 1)
    stolen = {"token": token, "password": "chosen by who read the mail", "name": "X"}
    await here.post("/v1/invitations/accept", stolen, code=401)
    await here.post("/v1/invitations/accept", {"token": token, "password": PASSWORD})
    session = await here.log_in(FRIEND)
    me = await here.get("/v1/me", session["token"])
    assert [one["roles"] for one in me["accounts"]] == [["finance"], ["owner"]]
    mine = next(one for one in me["accounts"] if one["roles"] == ["owner"])
    other = await here.post("/v1/session/account", {"account": mine["id"]}, session["token"])
    assert other["roles"] == ["owner"]
    await here.get("/v1/me", session["token"], code=401)
    await here.post("/v1/session/account", {"account": "999"}, other["token"], 403)


# Keys ----------------------------------------------------------------------------------------


async def test_a_key_works_from_its_networks_only(here: Place) -> None:
    owner = (await here.owner())["token"]
    wish = {"name": "k", "scopes": ["read"], "allowed": ["203.0.113.0/28"]}
    far = (await here.post("/v1/keys", wish, owner))["key"]
    near = (await here.post("/v1/keys", {**wish, "allowed": ["127.0.0.1"]}, owner))["key"]
    error = await here.get("/v1/balance", far, code=403)
    assert error["code"] == "key_network"
    await here.get("/v1/balance", near)
    claimed = here.client(far, **{"x-forwarded-for": "203.0.113.1"})
    assert (await claimed.get("/v1/balance")).status_code == 403  # anybody can write this
    error = await here.post("/v1/keys", {**wish, "allowed": ["nowhere"]}, owner, 422)
    assert error["field"] == "allowed"


async def test_one_person_sees_and_revokes_own_keys_only(here: Place) -> None:
    owner = (await here.owner())["token"]
    friend = await joined(here, owner, ["sender"])
    key = await here.post("/v1/keys", {"name": "o", "scopes": ["read"]}, owner)
    assert (await here.get("/v1/keys", friend["token"]))["keys"] == []
    await here.call("DELETE", f"/v1/keys/{key['id']}", None, friend["token"], 404)
    mine = await here.post("/v1/keys", {"name": "f", "scopes": ["read"]}, friend["token"])
    assert len((await here.get("/v1/keys", owner))["keys"]) == 2
    await here.call("DELETE", f"/v1/keys/{mine['id']}", None, owner, 200)


async def test_no_key_does_what_a_person_does(here: Place) -> None:
    owner = (await here.owner())["token"]
    error = await here.post(
        "/v1/keys", {"name": "k", "scopes": ["team"], "software": True}, owner, 403
    )
    assert error["code"] == "personal_scope"
    key = (await here.post("/v1/keys", {"name": "k", "scopes": ["team", "read"]}, owner))["key"]
    for method, path, body in (
        ("GET", "/v1/team", None),
        ("POST", "/v1/team/invitations", {"email": "x@y.zz", "roles": ["owner"]}),
        ("POST", "/v1/keys", {"name": "k", "scopes": ["read"]}),
        ("GET", "/v1/me", None),
    ):
        error = await here.call(method, path, body, key, 401)
        assert error["code"] == "no_person"


# Staff ---------------------------------------------------------------------------------------


async def test_staff_begin_at_the_machine_and_act_with_a_second_factor(here: Place) -> None:
    root = await here.administrator()
    colleague = "auditor@operator.example"
    await here.post("/v1/team/invitations", {"email": colleague, "roles": ["auditor"]}, root)
    token = await here.mailbox.token(colleague)
    body = {"token": token, "password": OTHER_PASSWORD, "name": "Aud"}
    await here.post("/v1/invitations/accept", body)
    session = (await here.log_in(colleague, OTHER_PASSWORD))["token"]
    error = await here.get("/v1/audit", session, code=403)
    assert error["code"] == "second_factor_needed"
    _, answer = await here.second_factor(session)
    acts = await here.get("/v1/audit", answer["token"])
    whats = [item["what"] for item in acts["items"]]
    assert whats == [
        "actor.totp_on", "team.join", "team.invite", "actor.totp_on", "team.join", "staff.add",
    ]  # fmt: skip
    assert "@" not in str(acts)
    page = await here.get("/v1/audit?limit=2&what=team.", answer["token"])
    assert [item["what"] for item in page["items"]] == ["team.join", "team.invite"]
    rest = await here.get(f"/v1/audit?limit=2&what=team.&cursor={page['cursor']}", answer["token"])
    assert [item["what"] for item in rest["items"]] == ["team.join"]
    assert rest["cursor"] is None
    await here.get("/v1/audit", root, code=403)  # an administrator is no auditor
    table = (await here.client(answer["token"]).get("/v1/audit.csv")).text
    assert len(list(csv.reader(io.StringIO(table)))) == len(whats) + 1


async def test_staff_roles_are_not_for_customers_nor_the_other_way(here: Place) -> None:
    owner = (await here.owner())["token"]
    root = await here.administrator()
    for role in STAFF_ROLES.keys() - CUSTOMER_ROLES.keys():
        body = {"email": "x@y.zz", "roles": [role]}
        assert (await here.post("/v1/team/invitations", body, owner, 422))["code"] == "unknown_role"
    body = {"email": "x@y.zz", "roles": ["owner"]}
    assert (await here.post("/v1/team/invitations", body, root, 422))["code"] == "unknown_role"


async def test_a_locked_person_is_out_with_sessions_and_keys(here: Place) -> None:
    session = await here.owner()
    key = await here.post("/v1/keys", {"name": "k", "scopes": ["read"]}, session["token"])
    await here.get("/v1/balance", key["key"])
    root = await here.administrator()
    actor = f"/v1/actors/{session['actor']}"
    await here.post(f"{actor}/lock", None, session["token"], 403)
    await here.post(f"{actor}/lock", None, root, 200)
    await asyncio.sleep(0.2)
    await here.get("/v1/me", session["token"], code=401)
    await here.get("/v1/balance", key["key"], code=401)
    body = {"email": "li@shop.example", "password": PASSWORD}
    assert (await here.post("/v1/session", body, code=401))["code"] == "bad_login"
    await here.post(f"{actor}/unlock", None, root, 200)
    await here.log_in("li@shop.example")
    await here.post("/v1/actors/99999/lock", None, root, 404)


async def test_the_first_administrator_is_made_once_over_the_right_account(here: Place) -> None:
    proofs = here.gate.proofs
    with pytest.raises(InvalidInput):
        await add_staff(here.store, here.clock, proofs, "a@b.cc", ["owner"], "operator")
    await here.owner("li@shop.example", "taken")
    with pytest.raises(Conflict):
        await add_staff(here.store, here.clock, proofs, "a@b.cc", ["reviewer"], "taken")
    for _ in range(2):
        await add_staff(here.store, here.clock, proofs, "a@b.cc", ["reviewer"], "operator")
    assert await here.value("SELECT count(*) FROM account WHERE kind = 'operator'") == 1
    assert await here.value("SELECT count(*) FROM staff_act WHERE what = 'staff.add'") == 2


async def test_a_customers_key_with_a_staff_scope_reads_no_record(here: Place) -> None:
    session = await here.owner()
    key = await make_key(
        here.store, int(session["account"]), ["audit"], sandbox=False, random=bytes(24), at=0.0
    )
    assert (await here.get("/v1/audit", key, code=403))["code"] == "not_staff"


# Cookies -------------------------------------------------------------------------------------


async def test_a_browser_gets_a_cookie_that_no_script_reads(here: Place) -> None:
    await here.owner()
    body = {"email": "li@shop.example", "password": PASSWORD, "cookie": True}
    client = here.client()
    begun = await client.post("/v1/session", json=body)
    assert "token" not in begun.json()
    words = begun.headers["set-cookie"].split("; ")
    assert words[0].startswith("assent=as_")
    assert set(words[1:]) == {"Path=/", "HttpOnly", "SameSite=Strict"}
    assert begun.headers["cache-control"] == "no-store"
    far = await here.client(host="console.example").post("/v1/session", json=body)
    words = far.headers["set-cookie"].split("; ")
    assert words[0].startswith("__Host-assent=as_")
    assert set(words[1:]) == {"Path=/", "HttpOnly", "SameSite=Strict", "Secure"}
    assert (await client.get("/v1/me")).status_code == 200
    out = await client.delete("/v1/session", headers={"x-csrf-token": begun.json()["csrf"]})
    assert "Max-Age=0" in out.headers["set-cookie"]


async def test_what_a_cookie_alone_may_not_do(here: Place) -> None:
    await here.owner()
    body = {"email": "li@shop.example", "password": PASSWORD, "cookie": True}
    client = here.client()
    begun = (await client.post("/v1/session", json=body)).json()
    wish = {"name": "k", "scopes": ["read"]}
    other = await here.log_in("li@shop.example")
    for headers in (
        {},
        {"x-csrf-token": ""},
        {"x-csrf-token": "0" * 64},
        {"x-csrf-token": begun["csrf"], "origin": "https://evil.example"},
        {"x-csrf-token": begun["csrf"], "origin": "null"},
    ):
        refused = await client.post("/v1/keys", json=wish, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
        refused = await client.post("/v1/messages", json={}, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (403, "csrf")
    assert await here.value("SELECT count(*) FROM api_key") == 0
    own = {"x-csrf-token": begun["csrf"], "origin": here.site.url}
    assert (await client.post("/v1/keys", json=wish, headers=own)).status_code == 201
    # Where a token is named, the cookie does not count.
    both = await client.post(
        "/v1/keys", json=wish, headers={"authorization": f"Bearer {other['token']}"}
    )
    assert both.status_code == 201


async def test_nobody_is_logged_in_by_a_page_of_somebody_else(here: Place) -> None:
    await here.owner()
    body = {"email": "li@shop.example", "password": PASSWORD, "cookie": True}
    refused = await here.client(origin="https://evil.example").post("/v1/session", json=body)
    assert refused.status_code == 403
    text = f'{{"email": "li@shop.example", "password": "{PASSWORD}", "cookie": true}}'
    refused = await here.client(**{"content-type": "text/plain"}).post("/v1/session", content=text)
    assert refused.status_code == 415


async def test_a_planted_token_is_worth_nothing_after_the_login(here: Place) -> None:
    await here.owner("evil@else.example", "坏")
    planted = (await here.log_in("evil@else.example"))["token"]
    await here.owner()
    client = here.client()
    client.cookies.set("assent", planted)
    body = {"email": "li@shop.example", "password": PASSWORD, "cookie": True}
    begun = await client.post("/v1/session", json=body)
    fresh = begun.headers["set-cookie"].split("; ")[0].partition("=")[2]
    assert fresh != planted
    assert (await here.get("/v1/me", planted))["email"] == "evil@else.example"
    assert (await here.get("/v1/me", fresh))["email"] == "li@shop.example"
