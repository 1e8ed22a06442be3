"""Logs, metrics and health tell of no phone number, no text, no secret, whatever happens."""

from __future__ import annotations

import io
import secrets
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.app.figures import figures
from assent.store import Store
from assent.web.logs import json_logger
from tests.flow.conftest import CARRIERS, number
from tests.web.office import CODE, Office, office
from tests.web.people_site import PASSWORD, place, sign_up

WORDS = "恐龙化石展览"
PLACES = [int(tail) for tail in ("71234567", "72345678", "73456789", "74567891")]


def told(*found: str, never: list[str]) -> list[str]:
    return [word for word in never if any(word in text for text in found)]


async def journey(desk: Office, people: list[str]) -> list[str]:
    """Do what customers and strangers do, well and badly; return what nobody may tell."""
    await desk.number()
    await desk.signature()
    await desk.port()
    await desk.template("您的{x:name}" + WORDS + "门票已出")
    wrong = secrets.token_urlsafe(24)
    name = "林" + WORDS
    sent = await desk.send(people, variables={"x": "张三"})
    assert sent.status_code == 202, sent.text
    for body in (
        {"messages": [{"to": people[0], "variables": {"x": name}}], "sender": CODE},
        {"messages": [{"to": "x" + people[1], "text": WORDS}]},
        [people[2], WORDS],
    ):
        assert (await desk.call("account1", "POST", "/v1/messages", body)).status_code >= 400
    async with httpx.AsyncClient(base_url=desk.url) as client:
        for headers in ({"authorization": f"Bearer {wrong}"}, {"x-api-key": wrong}):
            answer = await client.post("/v1/messages", headers=headers, content=people[0])
            assert answer.status_code == 401
        for path in (f"/v1/messages?to={people[0]}", f"/{people[1]}/{WORDS}", f"/v1/{wrong}"):
            assert (await client.get(path)).status_code >= 400
        cut = await client.post(
            "/v1/messages", content=f'{{"to": "{people[0]}", "text": "{WORDS}"',
            headers={"authorization": f"Bearer {await desk.key('account1')}"},
        )  # fmt: skip
        assert cut.status_code >= 400
    refusals = {"sender": CODE, "to": people, "purposes": ["marketing"]}
    await desk.call("account1", "POST", "/v1/refusals", refusals)
    return [*(one[3:] for one in people), WORDS, wrong, *desk.keys.values(), "张三"]


@pytest.mark.parametrize("turn", [0, 1], ids=["delivered", "broken"])
async def test_what_customers_and_receivers_do(
    migrated_url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str], turn: int
) -> None:
    people = [number(list(CARRIERS)[i % 3], one) for i, one in enumerate(PLACES)]
    async with office(migrated_url, tmp_path) as desk:
        platform = desk.platform
        never = await journey(desk, people)
        for carrier, simulator in platform.simulators.items():
            ports = [p for p in platform.node.catalogue.ports.values() if p.carrier == carrier]
            for text in ("TD", WORDS, "不要" + WORDS):
                simulator.send_mo(people[0], ports[0].number, text)
            if turn:
                simulator.cut()
        counted = "SELECT count(*) FROM reply"

        async def read() -> bool:
            return bool(await platform.value(counted) >= (1 if turn else 9))

        await platform.until(read, "the replies are read")
        async with httpx.AsyncClient(base_url=desk.url) as client:
            metrics = (await client.get("/metrics")).text
            health = (await client.get("/healthz")).text
        seen = figures(platform.node, 1.0)
    captured = capfd.readouterr()
    assert "request" in captured.err, "there are logs to look at"
    assert "assent_" in metrics
    assert not told(captured.err, captured.out, metrics, health, repr(seen), never=never)


async def test_what_people_do_who_act(
    migrated_url: str,
    fresh_store: Store,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    address, phone = "li@shop.example", "13871234567"
    lines = io.BytesIO()
    async with place(migrated_url, fresh_store, tmp_path, json_logger(lines)) as here:
        session = await here.owner(address)
        await here.post(
            "/v1/session", {"email": address, "password": "wrong-" + PASSWORD}, code=401
        )
        await here.post("/v1/sign-up", sign_up(address, WORDS, "CODE9"), code=202)
        mailed = await here.mailbox.token(address)
        answer: Any = await here.client(session["token"]).post(
            "/v1/me/phone", json={"phone": phone}
        )
        secret, factor = await here.second_factor(session["token"])
        codes = [*here.phones.codes.values(), here.code(secret)]
        never = [
            address, phone[3:], PASSWORD, session["token"], mailed, secret.hex(),
            str(factor.get("token", mailed)), *factor.get("recovery_codes", []),
        ]  # fmt: skip
        assert answer.status_code < 500
        assert codes
    captured, logged = capfd.readouterr(), lines.getvalue().decode()
    assert logged.count("request") >= 8
    assert not told(captured.err, captured.out, logged, never=never)
