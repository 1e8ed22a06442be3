"""People who act: applying, logging in, second factor, sessions, teams, keys. Over HTTP, with a
real database and a real mail server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from assent.errors import NotAllowed, Unavailable
from assent.flow.actor_requests import Login
from assent.flow.passwords import Passwords
from assent.flow.roles import CUSTOMER_ROLES
from assent.store import Store
from tests.web.people_site import PASSWORD, Place, place, sign_up


@pytest.fixture
async def here(migrated_url: str, fresh_store: Store, tmp_path: Path) -> AsyncIterator[Place]:
    async with place(migrated_url, fresh_store, tmp_path) as one:
        yield one


async def test_from_sign_up_to_a_key(here: Place) -> None:
    await here.post("/v1/sign-up", sign_up("Li@Shop.example", "安信商贸", "91310000MA1FL00001"))
    assert await here.value("SELECT count(*) FROM actor") == 0
    token = await here.mailbox.token("li@shop.example")
    wrong = {"token": token, "password": "not the one that was chosen"}
    await here.post("/v1/sign-up/confirm", wrong, code=401)
    made = await here.post("/v1/sign-up/confirm", {"token": token, "password": PASSWORD})
    assert made["status"] == "applied"
    await here.post("/v1/sign-up/confirm", {"token": token, "password": PASSWORD}, code=403)
    row = await here.value(
        "SELECT (a.status, a.name, e.legal_name, e.kind)::text FROM account a"
        " JOIN entity e ON e.id = a.entity_id"
    )
    assert row == "(applied,安信商贸,安信商贸,company)"
    assert await here.value("SELECT available FROM balance") == 0
    session = await here.log_in("li@shop.example ")
    assert session["roles"] == ["owner"]
    assert set(session["scopes"]) == CUSTOMER_ROLES["owner"]
    me = await here.get("/v1/me", session["token"])
    assert (me["email"], me["account"], me["second_factor"]) == (
        "li@shop.example", made["account"], False,
    )  # fmt: skip
    assert [one["code"] for one in me["todo"]] == ["phone", "second_factor", "account_applied"]
    wish = {"name": "shop", "scopes": ["send", "read"], "software": True}
    key = await here.post("/v1/keys", wish, session["token"])
    assert key["key"].startswith("ak_")
    shown = await here.get("/v1/keys", session["token"])
    assert key["key"] not in str(shown)
    assert shown["keys"][0]["hint"] == key["key"][:8]
    await here.get("/v1/balance", key["key"])
    await here.get("/v1/balance", session["token"])  # a session is as good as a key
    await here.call("DELETE", f"/v1/keys/{key['id']}", None, session["token"], 200)
    await asyncio.sleep(0.2)
    await here.get("/v1/balance", key["key"], code=401)
    await here.call("DELETE", "/v1/session", None, session["token"], 200)
    await here.get("/v1/me", session["token"], code=401)


async def test_nothing_tells_whether_an_address_has_a_login(here: Place) -> None:
    await here.owner("li@shop.example")
    again = await here.post("/v1/sign-up", sign_up("li@shop.example", "另一家", "X"), code=202)
    new = await here.post("/v1/sign-up", sign_up("new@shop.example", "新的", "Y"), code=202)
    assert again == new
    await here.mailbox.token("new@shop.example")
    assert "已有登录账号" in here.mailbox.to("li@shop.example")[-1][1]
    known = await here.post("/v1/password/reset", {"email": "li@shop.example"}, code=202)
    unknown = await here.post("/v1/password/reset", {"email": "who@shop.example"}, code=202)
    assert known == unknown
    wrong = {"email": "li@shop.example", "password": "x"}
    nobody = {"email": "who@shop.example", "password": "x"}
    assert (await here.post("/v1/session", wrong, code=401)) == (
        await here.post("/v1/session", nobody, code=401)
    )
    assert here.mailbox.to("who@shop.example") == []


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "12 to 128"),
        ("password1234", "first"),
        ("PASSWORD1234", "first"),
        ("abcabcabcabc", "first"),
        ("li@shop.example", "first"),
        ("x" * 200, "12 to 128"),
    ],
)
async def test_weak_passwords(here: Place, password: str, why: str) -> None:
    body = {**sign_up("li@shop.example", "商户", "X"), "password": password}
    error = await here.post("/v1/sign-up", body, code=422)
    assert error["code"] == "weak_password"
    assert why in error["detail"]


@pytest.mark.parametrize(
    "address", ["x", "a@b", "a b@c.de", "a@-.c", "a@b.c\nBcc: x@y.zz", "@a.bc"]
)
async def test_addresses_that_are_none(here: Place, address: str) -> None:
    error = await here.post("/v1/sign-up", sign_up(address, "商户", "X"), code=422)
    assert error["code"] in ("bad_email", "invalid_field")
    assert here.mailbox.mails == []


async def test_passwords_lie_as_argon2id(here: Place) -> None:
    usual = Passwords()
    stored = await usual.hash(PASSWORD)
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await usual.fits(stored, PASSWORD)
    assert not await usual.fits(stored, PASSWORD + "x")
    assert not await usual.fits(None, PASSWORD)
    await here.owner()
    weak = await here.value("SELECT password FROM actor")
    assert weak.startswith("$argon2id$")
    assert usual.outdated(weak)  # and is made anew when its owner logs in the next time
    everything = await here.value("SELECT string_agg(t::text, '') FROM actor_token t")
    assert PASSWORD not in str(everything)


# Throttling ----------------------------------------------------------------------------------


async def test_guessing_becomes_slow_and_the_right_password_waits_too(here: Place) -> None:
    await here.owner()
    body = {"email": "li@shop.example", "password": "wrong wrong wrong"}
    for _ in range(5):
        await here.post("/v1/session", body, code=401)
    answer = await here.client().post("/v1/session", json={**body, "password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) == 1
    waits = []
    for _ in range(12):
        here.clock.advance(int(answer.headers["retry-after"]))
        assert (await here.client().post("/v1/session", json=body)).status_code == 401
        answer = await here.client().post("/v1/session", json=body)
        assert answer.status_code == 429
        waits.append(int(answer.headers["retry-after"]))
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    here.clock.advance(900)
    await here.log_in("li@shop.example")
    await here.post("/v1/session", body, code=401)  # and is forgotten


async def test_who_guesses_elsewhere_keeps_nobody_out(here: Place) -> None:
    await here.owner()
    gate = here.gate
    wrong = Login(email="li@shop.example", password="wrong wrong wrong")
    for _ in range(5):
        with pytest.raises(NotAllowed):
            await gate.entrance.log_in(wrong, "203.0.113.9")
    with pytest.raises(Unavailable):
        await gate.entrance.log_in(wrong, "203.0.113.9")
    with pytest.raises(Unavailable):  # any other strange place is slow, too
        await gate.entrance.log_in(wrong, "203.0.113.10")
    await here.log_in("li@shop.example")  # from where the owner was before
    with pytest.raises(Unavailable):
        await gate.entrance.log_in(wrong, "203.0.113.9")


async def test_answers_are_no_pages(here: Place) -> None:
    for path in ("/healthz", "/v1/me", "/nowhere", "/v1/audit.csv"):
        answer = await here.client().get(path)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_hundred_guesses_at_once_are_no_way_around(here: Place) -> None:
    await here.owner()
    body = {"email": "li@shop.example", "password": "wrong wrong wrong"}
    client = here.client()
    answers = await asyncio.gather(*(client.post("/v1/session", json=body) for _ in range(100)))
    looked_at = sum(answer.status_code == 401 for answer in answers)
    assert looked_at == 5
    assert all(answer.status_code in (401, 429) for answer in answers)


async def test_one_network_that_tries_many_addresses_becomes_slow(here: Place) -> None:
    codes = []
    for number in range(40):
        body = {"email": f"a{number}@shop.example", "password": "wrong wrong wrong"}
        codes.append((await here.client().post("/v1/session", json=body)).status_code)
    assert codes == [401] * 30 + [429] * 10


async def test_mail_to_one_address_is_bounded(here: Place) -> None:
    codes = []
    for number in range(6):
        body = sign_up("victim@else.example", f"商户{number}", f"C{number}")
        codes.append((await here.client().post("/v1/sign-up", json=body)).status_code)
    assert codes == [202, 202, 202, 429, 429, 429]


# Sessions ------------------------------------------------------------------------------------


async def test_sessions_end_idle_absolutely_and_when_told(here: Place) -> None:
    first = (await here.owner())["token"]
    here.clock.advance(1_700)
    await here.get("/v1/me", first)
    here.clock.advance(1_700)
    await here.get("/v1/me", first)
    here.clock.advance(1_801)
    await here.get("/v1/me", first, code=401)
    second = (await here.log_in("li@shop.example"))["token"]
    for _ in range(25):
        here.clock.advance(1_700)
        await here.get("/v1/me", second)
    here.clock.advance(1_700)  # twelve hours
    await here.get("/v1/me", second, code=401)
    one = (await here.log_in("li@shop.example"))["token"]
    other = (await here.log_in("li@shop.example"))["token"]
    listed = (await here.get("/v1/sessions", one))["sessions"]
    assert len(listed) == 2
    target = next(session for session in listed if not session["this"])
    await here.call("DELETE", f"/v1/sessions/{target['id']}", None, one, 200)
    await here.get("/v1/me", other, code=401)
    await here.get("/v1/me", one)


async def test_the_token_changes_when_what_it_may_do_grows(here: Place) -> None:
    token = (await here.owner())["token"]
    here.clock.advance(601)
    error = await here.post("/v1/me/totp", None, token, code=403)
    assert error["code"] == "not_raised"
    raised = (await here.post("/v1/session/raise", {"password": PASSWORD}, token))["token"]
    assert raised != token
    await here.get("/v1/me", token, code=401)
    _, answer = await here.second_factor(raised)
    assert answer["token"] != raised
    await here.get("/v1/me", raised, code=401)
    await here.get("/v1/me", answer["token"])


async def test_tokens_and_codes_lie_as_digests(here: Place) -> None:
    session = await here.owner()
    tables = ("actor", "actor_session", "actor_token", "throttle", "mail_out", "recovery_code")
    secret, answer = await here.second_factor(session["token"])
    for table in tables:
        text = str(await here.value(f"SELECT string_agg(t::text, ' ') FROM {table} t"))
        for plain in (session["token"][3:], answer["token"][3:], secret.hex()):
            assert plain not in text
        assert not any(code.replace("-", "") in text for code in answer["recovery_codes"])


async def test_a_password_that_changes_ends_the_other_sessions(here: Place) -> None:
    one = (await here.owner())["token"]
    other = (await here.log_in("li@shop.example"))["token"]
    new = "a wholly different sentence"
    wrong = {"old": "not the old password", "new": new}
    await here.post("/v1/me/password", wrong, one, code=401)
    turned = (await here.post("/v1/me/password", {"old": PASSWORD, "new": new}, one))["token"]
    await here.get("/v1/me", other, code=401)
    await here.get("/v1/me", one, code=401)
    await here.get("/v1/me", turned)
    await here.log_in("li@shop.example", new)


async def test_a_lost_password(here: Place) -> None:
    session = (await here.owner())["token"]
    secret, answer = await here.second_factor(session)
    before = len(here.mailbox.to("li@shop.example"))
    await here.post("/v1/password/reset", {"email": "li@shop.example"}, code=202)
    for _ in range(500):
        mails = [m for m in here.mailbox.to("li@shop.example")[before:] if "重设密码" in m[1]]
        if mails:
            break
        await asyncio.sleep(0.01)
    place_of = here.mailbox.to("li@shop.example").index(mails[0]) + 1
    token = await here.mailbox.token("li@shop.example", place_of)
    new = {"token": token, "password": "a wholly different sentence"}
    await here.post("/v1/password/set", {**new, "password": "short"}, code=422)
    await here.post("/v1/password/set", new)
    await here.post("/v1/password/set", new, code=403)
    await here.get("/v1/me", answer["token"], code=401)
    login = {"email": "li@shop.example", "password": new["password"]}
    error = await here.post("/v1/session", login, code=401)
    assert error["code"] == "second_factor"  # a mailbox is no second factor
    here.clock.advance(60)
    await here.post("/v1/session", {**login, "code": here.code(secret)}, code=201)


async def test_tokens_lapse(here: Place) -> None:
    await here.post("/v1/sign-up", sign_up("li@shop.example", "商户", "X"))
    token = await here.mailbox.token("li@shop.example")
    here.clock.advance(86_401)
    confirm = {"token": token, "password": PASSWORD}
    assert (await here.post("/v1/sign-up/confirm", confirm, code=403))["code"] == "bad_token"


# The second factor ---------------------------------------------------------------------------


async def test_a_code_works_once_and_a_recovery_code_too(here: Place) -> None:
    session = (await here.owner())["token"]
    secret, answer = await here.second_factor(session)
    here.clock.advance(60)
    login = {"email": "li@shop.example", "password": PASSWORD}
    code = here.code(secret)
    body = {**login, "code": code}
    client = here.client()
    answers = await asyncio.gather(*(client.post("/v1/session", json=body) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [201, 401, 401, 401]
    spare = answer["recovery_codes"][0]
    await here.post("/v1/session", {**login, "code": spare.lower()}, code=201)
    await here.post("/v1/session", {**login, "code": spare}, code=401)
    me = await here.get("/v1/me", answer["token"])
    assert me["recovery_codes"] == 9
    here.clock.advance(60)
    off = {"code": here.code(secret)}
    await here.post("/v1/me/totp/off", off, answer["token"])
    await here.post("/v1/session", login, code=201)


async def test_a_phone_is_proved_with_a_code(here: Place) -> None:
    token = (await here.owner())["token"]
    await here.post("/v1/me/phone", {"number": "12"}, token, code=422)
    sent = await here.post("/v1/me/phone", {"number": "+86 138-0013-8000"}, token)
    assert "8000" in sent["phone"]
    assert "13800138000" not in str(sent)
    code = here.phones.codes["8613800138000"]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert await here.post("/v1/me/phone/confirm", {"code": wrong}, token, code=403)
    await here.post("/v1/me/phone/confirm", {"code": code}, token)
    await here.post("/v1/me/phone/confirm", {"code": code}, token, code=403)
    row = str(await here.value("SELECT p::text FROM actor p"))
    assert "13800138000" not in row
    assert (await here.get("/v1/me", token))["phone"].endswith("8000")


async def test_guessing_a_phones_code_becomes_slow(here: Place) -> None:
    token = (await here.owner())["token"]
    await here.post("/v1/me/phone", {"number": "13800138000"}, token)
    code = here.phones.codes["8613800138000"]
    wrong = {"code": f"{(int(code) + 1) % 1_000_000:06d}"}
    client = here.client(token)
    tries = [(await client.post("/v1/me/phone/confirm", json=wrong)).status_code for _ in range(9)]
    assert tries == [403] * 5 + [429] * 4
    here.clock.advance(301)
    await here.post("/v1/me/phone/confirm", {"code": code}, token, code=403)
