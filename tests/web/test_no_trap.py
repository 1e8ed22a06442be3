"""Promise 7 over HTTP, door by door (docs/threat-model.md): people without standing are told apart
by nothing. Compared is every octet but ids, times and the number that was asked about."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from assent.app.http import serve
from assent.consent.entry import Entry, Kind, Scope
from assent.flow.erasure import Wish
from assent.flow.keys import OFFICE, USUAL, make_key
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.projection import project
from assent.flow.requests import ConsentImport
from tests.flow.conftest import MARKETING_TEXT, number, running
from tests.flow.test_promises import at, move, refuse
from tests.web.test_real import Api

KINDS = (
    "replied", "told", "all", "paused", "void", "moved", "erased", "weak", "seen", "unknown",
)  # fmt: skip
"""Refused by reply, through its sender, everybody; said something unclear; whose consent ended;
whose number has a new holder; who was forgotten; known on a customer's word only; whom only codes
reached; never heard of."""
PORT = "106900011"
ORDER = {"sender": "CODE1", "purpose": "marketing", "text": MARKETING_TEXT}
_ID = re.compile(rb'"id":"\d+"|"\d{15,20}"')
_TIME = re.compile(rb'"\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)"')


@dataclass
class Door:
    """A customer at the API, and the people."""

    api: Api
    client: httpx.AsyncClient
    sets: int = 0
    told: dict[str, list[bytes]] = field(default_factory=dict)

    async def people(self, sets: int = 1) -> list[dict[str, str]]:
        """Make people of every kind; `sets` of each."""
        platform, node = self.api.platform, self.api.platform.node
        made = []
        for _ in range(sets):
            self.sets += 1
            first = self.sets * 100
            made.append({kind: number("mobile", first + i) for i, kind in enumerate(KINDS)})

        def of(kind: str) -> list[str]:
            return [one[kind] for one in made]

        for kind in ("replied", "told", "all", "paused", "void", "moved", "erased"):
            await platform.consent(of(kind))
        for person in of("erased"):
            await node.erasure_desk.erasing.erase(Wish(int(f"86{person}"), "receiver"))
        await self._consent_on_a_word(of("weak"))
        await platform.send(of("seen"), "verification")
        await refuse(platform, of("told"))
        for kind, text in (("replied", "TD"), ("all", "全部退订"), ("paused", "不用了")):
            for person in of(kind):
                platform.simulators["mobile"].send_mo(person, PORT, text)
        ids = await node.replies.people_of([f"86{one}" for one in [*of("void"), *of("moved")]])
        for place, person in enumerate(ids):
            kind = Kind.EXPIRED if place < sets else Kind.REASSIGNED
            entry = Entry(int(node.clock.now() * 1000), kind, person, scope=Scope.PLATFORM)
            async with node.store.transaction() as tx:
                done = await append(tx, [entry], utc(node.clock.now()))
                await project(tx, [(done.positions[0], entry)])

        async def heard() -> bool:
            found = await platform.value(
                "SELECT count(*) FILTER (WHERE intent LIKE 'refuse%') + count(*) FILTER"
                " (WHERE intent = 'unclear') FROM reply"
            )
            return bool(found == 3 * self.sets)

        await platform.until(heard, "all are heard")
        await node.live.sync(node.store)
        return made

    async def _consent_on_a_word(self, people: list[str]) -> None:
        platform = self.api.platform
        request = {
            "sender": "CODE1", "programme": "offers", "grade": "assertion", "wording": "v1",
            "source": "they say so", "consents": [{"to": to, "at": at(platform, -9e5)}
                                                  for to in people],
        }  # fmt: skip
        await platform.node.consents.import_rows(
            platform.caller(), msgspec.convert(request, ConsentImport), key=None, sha=b""
        )

    async def ask(self, kind: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask, and note for a kind of people every octet of the answer that may not differ."""
        response = await self.client.request(method, path, **more)
        headers = [(name, value) for name, value in response.headers.items() if name != "date"]
        seen = repr((response.status_code, headers)).encode() + response.content
        blind = _TIME.sub(b'"TIME"', _ID.sub(lambda found: b"#" * len(found[0]), seen))
        self.told.setdefault(kind, []).append(blind)
        return response

    def same(self, *kinds: str) -> bytes:
        """All were told the same; return it."""
        first, *others = [self.told[kind] for kind in kinds or KINDS]
        for other, kind in zip(others, (kinds or KINDS)[1:], strict=True):
            assert other == first, f"{kind} is told apart"
        return b"\n".join(first)


@pytest.fixture
async def door(migrated_url: str, tmp_path: Path) -> AsyncIterator[Door]:
    async with running(migrated_url, tmp_path) as platform:
        http = msgspec.structs.replace(platform.settings.http, port=0, key_rate=1e6)
        platform.node.settings = msgspec.structs.replace(platform.settings, http=http)
        server = await serve(platform.node)
        api = Api(platform, f"http://127.0.0.1:{server.port}")
        key = await make_key(
            platform.node.store, platform.caller().account_id, sorted(USUAL | OFFICE),
            sandbox=False, random=secrets.token_bytes(24), at=platform.node.clock.now(),
        )  # fmt: skip
        headers = {"authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=30) as client:
            yield Door(api, client)
        await server.stop()


def order(*people: str) -> dict[str, Any]:
    return {**ORDER, "messages": [{"to": person} for person in people]}


async def test_a_single_order(door: Door) -> None:
    (people,) = await door.people()
    for kind, person in people.items():
        sent = (await door.ask(kind, "POST", "/v1/messages", json=order(person))).json()
        assert (sent["allowed"], sent["reasons"]) == (0, {"no_standing": 1})
        await door.ask(kind, "GET", f"/v1/orders/{sent['id']}")
    assert b"refused" not in door.same().replace(b'"refused":0', b"")


async def test_an_order_of_many(door: Door) -> None:
    (people,) = await door.people()
    friends = [number("mobile", 1), number("mobile", 2)]
    await door.api.platform.consent(friends)
    for kind, person in people.items():
        path = "/v1/messages/dry-run"  # the friends have had enough after the first
        await door.ask(kind, "POST", path, json=order(friends[0], person, friends[1]))
    told = door.same()
    assert told.count(b'"no_standing"') == 2
    assert b'"allowed":2' in told


async def test_a_dry_run(door: Door) -> None:
    (people,) = await door.people()
    for kind, person in people.items():
        for relation in ({}, {"relation": "members"}, {"relation": "cold"}):
            if kind == "weak" and relation == {"relation": "members"}:
                door.told[kind].append(door.told["replied"][1])  # may be written to so
                continue
            body = {**order(person), **relation}
            await door.ask(kind, "POST", "/v1/messages/dry-run?sample=5", json=body)
    door.same()


async def test_a_campaign(door: Door) -> None:
    """Its audience's report, dry run, counts and states; two that differ by one person differ by
    one, whoever it is."""
    (people,) = await door.people()
    friend = number("mobile", 1)
    await door.api.platform.consent([friend])
    for kind, person in people.items():
        content = f"手机号\n{friend}\n{person}\n"
        upload = await door.ask(
            kind, "POST", "/v1/audiences?statement=shop", content=content.encode(),
            headers={"content-type": "text/csv"},
        )  # fmt: skip
        audience = upload.json()["id"]
        await door.ask(kind, "GET", f"/v1/audiences/{audience}")
        await door.ask(kind, "GET", f"/v1/audiences/{audience}/faults")
        campaign = {**ORDER, "name": "spring", "audience": audience}
        dry = await door.ask(kind, "POST", "/v1/campaigns/dry-run", json=campaign)
        assert (dry.json()["allowed"], dry.json()["reasons"]) == (1, {"no_standing": 1})
        campaign["not_before"] = at(door.api.platform, 3600).isoformat()
        made = await door.ask(kind, "POST", "/v1/campaigns", json=campaign)
        path = f"/v1/campaigns/{made.json()['id']}"

        async def judged(path: str = path) -> bool:
            return bool((await door.client.get(path)).json()["judged"] == 2)

        await door.api.platform.until(judged, "it is judged")
        await door.ask(kind, "GET", path)
        await door.ask(kind, "POST", f"{path}/stop")
    door.same()


async def test_an_import_of_consents(door: Door) -> None:
    """Accepted alike: that it opens nothing is not told by it, nor how long it took."""
    (people,) = await door.people()
    # Ids of imports are counted; let them all be of one length.
    counter = "pg_get_serial_sequence('consent_import', 'id')"
    await door.api.platform.sql(f"SELECT setval({counter}, 1000)")
    for kind, person in people.items():
        row = {"to": person, "at": at(door.api.platform, -5e5).isoformat()}
        body = {
            "sender": "CODE1", "programme": "offers", "grade": "assertion", "wording": "v1",
            "source": "shop", "consents": [row],
        }  # fmt: skip
        for _ in range(2):
            await door.ask(kind, "POST", "/v1/consents", json=body)
    assert b'"accepted":1,"refused":0' in door.same()


async def test_a_complaint_handed_in_by_a_customer(door: Door) -> None:
    """Before and after it was found out what it is about."""
    (people,) = await door.people()
    node = door.api.platform.node
    counter = "pg_get_serial_sequence('complaint', 'id')"
    await door.api.platform.sql(f"SELECT setval({counter}, 1000)")
    for kind, person in people.items():
        body = {"sender": "CODE1", "to": person, "words": "不要再发", "reference": person}
        for _ in range(2):
            made = await door.ask(kind, "POST", "/v1/complaints", json=body)
            last = door.told[kind]  # receipt codes are drawn
            last[-1] = last[-1].replace(made.json()["receipt"].encode(), b"#")
        for _ in range(2):
            listed = await door.ask(kind, "GET", "/v1/complaints?limit=1")
            door.told[kind][-1] = re.sub(
                b'"cursor":"[0-9]+","more":[a-z]+', b"", door.told[kind][-1]
            )
            await door.ask(kind, "GET", f"/v1/complaints/{listed.json()['items'][0]['id']}")
            await node.complaint_desk.step(node.clock.now())
    assert b'"state":"recorded"' in door.same()
    matched = await door.api.platform.sql("SELECT DISTINCT matched FROM complaint")
    assert {row["matched"] for row in matched} == {"", "message"}


async def test_a_refusal_told_by_its_sender(door: Door) -> None:
    (people,) = await door.people()
    for kind, person in people.items():
        body = {"sender": "CODE1", "to": [person], "source": "counter"}
        for _ in range(2):
            await door.ask(kind, "POST", "/v1/refusals", json=body)
    assert b'"accepted":1,"refused":0' in door.same()


async def test_the_end_of_a_relation(door: Door) -> None:
    """Told by its sender, for whoever she is."""
    (people,) = await door.people()
    for kind, person in people.items():
        body = {"sender": "CODE1", "to": [person]}
        for _ in range(2):
            await door.ask(kind, "POST", "/v1/consents/end", json=body)
    assert b'"accepted":1,"refused":0' in door.same()


async def test_a_repeated_request(door: Door) -> None:
    """An idempotency key repeats the first answer, also when she refused meanwhile; a new request
    is what tells."""
    (people,) = await door.people()
    friend = number("mobile", 1)
    await door.api.platform.consent([friend])
    people["friend"] = friend
    firsts = {}
    for kind, person in people.items():
        headers = {"idempotency-key": f"{kind:-<10}"}
        body = order(person) | {"not_before": at(door.api.platform, 3600).isoformat()}
        first = await door.ask(kind, "POST", "/v1/messages", json=body, headers=headers)
        firsts[kind] = (body, headers, first.content)
    await refuse(door.api.platform, list(people.values()))
    for kind, (body, headers, content) in firsts.items():
        again = await door.ask(kind, "POST", "/v1/messages", json=body, headers=headers)
        assert again.content == content
    door.same()


async def test_errors(door: Door) -> None:
    """What is wrong with a request is told before anybody is looked at."""
    (people,) = await door.people()
    for kind, person in people.items():
        for body in (
            {**order(person), "text": "{name}" + MARKETING_TEXT},
            {**order(person), "programme": "none"},
            {**order(person), "purpose": "internal"},
            {**order(person), "sender": "CODE2"},
            order(),
        ):
            answer = await door.ask(kind, "POST", "/v1/messages", json=body)
            assert answer.status_code >= 400
            assert person.encode() not in answer.content
    door.same()


LOOKS = (
    "/v1/receipts", "/v1/replies", "/v1/balance", "/v1/money", "/v1/money/statements/{month}",
    "/v1/money/statements/{month}?format=csv",
)  # fmt: skip


async def test_feeds_money_and_statements_stay_as_they_are(door: Door) -> None:
    """Whatever somebody without standing does: feeds, balance, limits, statement and its file are
    the same, octet for octet."""
    platform = door.api.platform
    (people,) = await door.people()
    month = f"{at(platform, 8 * 3600):%Y-%m}"

    async def look() -> list[bytes]:
        for _ in range(3):
            await platform.node.settler.step()
        await platform.node.settler.fold_balances()
        return [(await door.client.get(path.format(month=month))).content for path in LOOKS]

    before = await look()
    for person in people.values():
        await door.client.post("/v1/messages", json=order(person))
        for text in ("TD", "全部退订", "不用了", "别再发了"):
            platform.simulators["mobile"].send_mo(person, PORT, text)

    async def heard() -> bool:
        return bool(await platform.value("SELECT count(*) FROM reply") >= 4 * len(people))

    await platform.until(heard, "all are heard")
    assert await look() == before
    move(platform, 86_400.0)
    await platform.node.settler.daily(platform.clock.now())
    after = await look()
    assert after[:3] == before[:3], "nor is there anything to tell in the daily batch"
    assert json.loads(after[1])["items"] == [], "no refusal is passed on as a reply"


async def test_a_code_shows_its_delivery_and_nothing_else(door: Door) -> None:
    """With a code, delivery is shown: who refused marketing gets it as anybody else."""
    (people,) = await door.people()
    platform = door.api.platform
    people.pop("seen")  # had one a moment ago
    for kind, person in people.items():
        body = {
            "sender": "CODE1", "purpose": "verification", "template": "code",
            "messages": [{"to": person, "variables": {"code": "4711"}}],
        }  # fmt: skip
        sent = (await door.ask(kind, "POST", "/v1/messages", json=body)).json()
        path = f"/v1/messages/{sent['messages'][0]['id']}"

        async def delivered(path: str = path) -> bool:
            return bool((await door.client.get(path)).json()["state"] == "delivered")

        await platform.until(delivered, "the code arrived")
        told = (await door.ask(kind, "GET", path)).content
        assert person.encode() not in told
    texts = [re.sub(rb'"to":"[^"]*"', b"", b"".join(door.told[kind])) for kind in people]
    assert len(set(texts)) == 1
    platform.simulators["mobile"].change({"receipts": {"stats": {"MK:0001": 1.0}}})
    dead = number("mobile", 9_999)
    sent = await platform.send([dead], "verification")
    path = f"/v1/messages/{sent['messages'][0]['id']}"

    async def failed() -> bool:
        return bool((await door.client.get(path)).json()["state"] == "failed")

    await platform.until(failed, "a dead number is told so for a code")


async def test_codes_to_numbers_in_a_row_are_braked(door: Door) -> None:
    many = [f"1391234{place:04d}" for place in range(100)]

    async def send(person: str) -> dict[str, Any]:
        body = {
            "sender": "CODE1", "purpose": "verification", "template": "code",
            "messages": [{"to": person, "variables": {"code": "4711"}}],
        }  # fmt: skip
        answer: dict[str, Any] = (await door.client.post("/v1/messages", json=body)).json()
        return answer

    answers = [await send(person) for person in many[:50]]
    assert [one["allowed"] for one in answers] == [1] * 40 + [0] * 10
    assert answers[-1]["reasons"] == {"probing": 1}
    assert (await send("13955550000"))["allowed"] == 1, "anybody else may have one"
    batch = {
        "sender": "CODE1", "purpose": "verification", "template": "code",
        "messages": [{"to": f"1398888{i:04d}", "variables": {"code": "4711"}} for i in range(60)],
    }  # fmt: skip
    answer = (await door.client.post("/v1/messages", json=batch)).json()
    assert (answer["allowed"], answer["reasons"]) == (40, {"probing": 20})


async def test_figures_are_for_watchers(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever watches the counters of replies, confirmations and entries sees who refuses."""
    url = door.api.url
    http = door.api.platform.node.settings.http
    assert "processes" in (await door.client.get("/readyz")).json(), "this machine's own"
    proxied = msgspec.structs.replace(http, port=0, proxies=["127.0.0.0/8"])
    door.api.platform.node.settings.http = proxied
    server = await serve(door.api.platform.node)
    try:
        url = f"http://127.0.0.1:{server.port}"
        headers = {"x-forwarded-for": "203.0.113.9"}
        async with httpx.AsyncClient(base_url=url, headers=headers) as client:
            assert (await client.get("/readyz")).json() == {"ready": True}
            assert (await client.get("/metrics")).status_code == 403
            assert (await client.get("/healthz")).json() == {"status": "ok"}
    finally:
        await server.stop()


async def test_no_validators_and_no_lengths_tell(door: Door) -> None:
    """Answers carry no ETag or Last-Modified to compare, and are of one length."""
    (people,) = await door.people()
    lengths = set()
    for kind, person in people.items():
        answer = await door.ask(kind, "POST", "/v1/messages/dry-run", json=order(person))
        assert not {"etag", "last-modified", "server-timing"} & {*answer.headers}
        lengths.add(len(answer.content))
    assert len(lengths) == 1
    door.same()


async def test_all_at_once(door: Door) -> None:
    """Singles that meet are judged together, and are told as though each came alone; only the
    order's id is longer then."""
    (people,) = await door.people()
    told: dict[str, set[str]] = {kind: set() for kind in people}

    async def send(kind: str) -> None:
        answer = (await door.client.post("/v1/messages", json=order(people[kind]))).json()
        told[kind].add(json.dumps({**answer, "id": ""}))

    for _ in range(5):
        await asyncio.gather(*map(send, people))
    assert len(set[str]().union(*told.values())) == 1
