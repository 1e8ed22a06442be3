"""Every route of the OpenAPI document, with somebody else's ids and with somebody else's keys.

The walk is generated: a route that is added is walked at once, and one whose parameters it does not
know makes it fail, so that whoever adds one says here what the id of another customer's would be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.client import AsyncClient
from assent.flow.keys import OFFICE, STAFF_SCOPES, USUAL
from tests.flow.conftest import MARKETING_TEXT, numbers
from tests.web.whole import Whole, whole

REFUSED = frozenset({401, 403, 404})
NOBODYS = frozenset({"month"})  # parameters that name nothing of anybody
PHOTO = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffd9")


@pytest.fixture
async def site(migrated_url: str, tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(migrated_url, tmp_path) as one:
        yield one


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def example(document: dict[str, Any], schema: dict[str, Any], name: str, known: Any) -> Any:
    """Return a value that a schema allows; where `known` has one for the field's name, that."""
    if "$ref" in schema:
        target: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return example(document, target, name, known)
    if name in known:
        value = known[name]
        kinds = {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
        return [value] if "array" in kinds else value
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return example(document, schema[word][0], name, known)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kind = schema.get("type")
    if kind == "object":
        inner = schema.get("properties", {})
        wanted = [n for n in inner if n in schema.get("required", ()) or n in known]
        return {n: example(document, inner[n], n, known) for n in wanted}
    if kind == "array":
        return [example(document, schema.get("items", {}), name, known)]
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1)
    if kind == "boolean":
        return False
    if schema.get("format") == "date":
        return "2036-11-22" if name.endswith("_to") else "2026-11-22"
    if schema.get("format") == "date-time":
        return "2026-11-22T10:00:00+08:00"
    return "x" * max(1, schema.get("minLength", 1))


async def belongings(site: Whole) -> dict[str, str]:
    """Have the first customer own one of everything; return its ids by the parameters' names."""
    people = numbers(12)
    async with AsyncClient(site.url, await site.key("account1")) as client:
        now = datetime.fromtimestamp(site.platform.clock.now(), UTC)
        await client.import_consents(
            [{"to": to, "at": now - timedelta(days=9)} for to in people],
            sender="CODE1", programme="offers", grade="document", wording="v1", source="shop",
        )  # fmt: skip
        await site.platform.node.live.sync(site.platform.node.store)
        audience = await client.upload_audience(
            ("phone\n" + "\n".join(people)).encode(), statement="shop", relation="members"
        )
        campaign = await client.create_campaign(
            name="spring", audience=audience["id"], sender="CODE1", purpose="marketing",
            text=MARKETING_TEXT, not_before=now + timedelta(days=2),
        )  # fmt: skip
        order = await client.send(
            sender="CODE1", purpose="verification", template="code",
            messages=[{"to": people[0], "variables": {"code": "4711"}}],
        )  # fmt: skip
        message = order["messages"][0]["id"]

        async def delivered() -> bool:
            return (await client.message(message))["state"] == "delivered"

        await site.platform.until(delivered, "the code is delivered")
    async with AsyncClient(site.url, await site.session("account1")) as client:
        key = await client.make_key("shop", ["read"])
        session = (await client.sessions())["sessions"][0]["id"]
    return {
        **await handed_in(site),
        "audience_id": audience["id"],
        "campaign_id": campaign["id"],
        "order_id": order["id"],
        "message_id": message,
        "video_id": "1",
        "key_id": key["id"],
        "session_id": session,
        "actor_id": str(site.people["account1"]),
        "account_id": str(site.account("account1")),
        # no customer's, but what every customer could name:
        "name": "mobile",
        "place": "1",
        "account": "account1",
        "port": "bank",
        "line_id": "1",
        "bill_id": "1",
        "rule_id": "1",
        "hold_id": "1",
        "sha256": "ab" * 32,
        "part": "0",
        "restriction_id": "1",
        "month": "2026-11",
    }


HANDED_IN = {
    "document_id": "INSERT INTO document (entity_id, kind, state, account_id, created_at)"
    " SELECT entity_id, 'business_licence', 'submitted', $1::int, now() FROM sender"
    " WHERE credit_code = 'CODE1' RETURNING id",
    "item_id": "INSERT INTO review_item (kind, subject, account_id, reviewers, state, opened_at,"
    " due_at) VALUES ('account', $1::int, $1::int, 1, 'asked', now(), now()) RETURNING id",
    "signature_id": "INSERT INTO signature (sender_id, words, source, account_id, state,"
    " created_at) SELECT id, '别家', 'full_name', $1::int, 'submitted', now() FROM sender"
    " WHERE credit_code = 'CODE1' RETURNING id",
    "host_id": "INSERT INTO filed_host (sender_id, host, state, account_id, created_at)"
    " SELECT id, 'one.example', 'submitted', $1::int, now() FROM sender"
    " WHERE credit_code = 'CODE1' RETURNING id",
    "template_id": "SELECT t.id FROM template t JOIN sender s ON s.id = t.sender_id"
    " WHERE s.credit_code = 'CODE1' AND $1::int > 0 LIMIT 1",
    "application_id": "WITH code AS (INSERT INTO code_number (number, carriers, scope, ranges,"
    " purposes, free_to_reply, created_at) VALUES ('10698', '{mobile}', 'national', '{-}', 2, true,"
    " now()) RETURNING id) INSERT INTO port_application (account_id, sender_id, code_number_id,"
    " number, carriers, purpose, signature, state, created_at)"
    " SELECT $1::int, s.id, code.id, '10698', '{mobile}', 1, '别家', 'submitted', now()"
    " FROM sender s, code WHERE s.credit_code = 'CODE1' RETURNING id",
    "import_id": "SELECT id FROM consent_import WHERE account_id = $1::int",
    "case_id": "INSERT INTO consent_case (kind, import_id, account_id, sender_id, evidence, state,"
    " opened_at) SELECT 'forged_consent', i.id, $1::int, g.sender_id, '{}', 'open', now()"
    " FROM consent_import i JOIN programme g ON g.id = i.programme_id RETURNING id",
    "case_number": "INSERT INTO case_file (kind, opened_by, title, account_id, severity, step,"
    " state, opened_at) VALUES ('enforcement', 'staff', 'x', $1::int, 3, 'warning', 'open', now())"
    " RETURNING id",
    "step_id": "INSERT INTO case_step (case_id, action, state, at) SELECT id, 'warning', 'done',"
    " now() FROM case_file WHERE account_id = $1::int RETURNING id",
    "reply_id": "INSERT INTO reply (id, at, carrier, destination, person_id, text, intent,"
    " complaint, complete, groups) SELECT 4711, now(), 'mobile', '106900011', 1, '算了', 'unclear',"
    " false, true, ARRAY[s.group_id] FROM sender s WHERE s.credit_code = 'CODE1' AND $1::int > 0"
    " RETURNING id",
    "label_id": "INSERT INTO label (account_id, programme_id, name, kind, origin, created_at,"
    " changed_at) SELECT $1::int, p.id, 'regulars', p.kinds, 'shop', now(), now() FROM programme p"
    " JOIN sender s ON s.id = p.sender_id WHERE s.credit_code = 'CODE1' LIMIT 1 RETURNING id",
    "instruction_id": "WITH file AS (INSERT INTO paper_file (sha256, media_type, octets, sealed)"
    " VALUES (sha256('\\x01'), 'text/plain', 1, '\\x01') RETURNING sha256) INSERT INTO instruction"
    " (account_id, file_sha256, words, signed_on, by_account, by_key, created_at)"
    " SELECT $1::int, sha256, 'order', '2026-11-20', 1, 0, now() FROM file RETURNING id",
    "page_id": "INSERT INTO page (url, digest, host, state, first_at)"
    " SELECT 'http://one.example/', sha256('\\x01'), 'one.example', 'clear', now()"
    " WHERE $1::int > 0 RETURNING id",
    "group_id": "WITH found AS (INSERT INTO order_group (state, parties, accounts, copies, reasons,"
    " first_at, last_at, found_at) VALUES ('open', 1, 1, 0, '[]', now(), now(), now())"
    " RETURNING id) INSERT INTO order_group_member (group_id, account_id, sender_id, since)"
    " SELECT found.id, $1::int, s.id, now() FROM found, sender s WHERE s.credit_code = 'CODE1'"
    " RETURNING group_id",
    "source_id": "WITH peer AS (INSERT INTO fingerprint_peer (name, key, added_at)"
    " VALUES ('another', 'another+1+k', now()) RETURNING id) INSERT INTO fingerprint_source"
    " (peer_id, sha256, made_on, rows, imported_at) SELECT id, sha256('\\x03'), '2026-11-01', 0,"
    " now() FROM peer WHERE $1::int > 0 RETURNING id",
    "text_id": "INSERT INTO text_review (sender_id, purpose, digest, kind, account_id, state,"
    " sealed, verdict, category, spam, findings, screening, opened_at) SELECT id, 3,"
    " sha256('\\x02'), 'text', $1::int, 'held', '\\x01', 1, 'loan', 0.9, '[]', '\\x01', now()"
    " FROM sender WHERE credit_code = 'CODE1' RETURNING id",
    "complaint_id": "INSERT INTO complaint (source, sender_id, account_id, receipt_code, state, at,"
    " complained_at) SELECT 'carrier', id, $1::int, 'ABCD', 'open', now(), now() FROM sender"
    " WHERE credit_code = 'CODE1' RETURNING id",
    "restriction_id": "INSERT INTO restriction (account_id, effect, code, words, source, since,"
    """ lifted_at) VALUES ($1::int, 'hold', 'staff', '{"en": "x", "zh": "x"}', 'staff',"""
    " '2026-11-22', '2026-11-22')"
    " RETURNING id",
    "alarm_id": "INSERT INTO alarm (detector, key, severity, account_id, evidence, score, state,"
    " first_at, last_at) VALUES ('volume', 'k', 1, $1::int, '{}', 1, 'open', now(), now())"
    " RETURNING id",
    "person_id": "INSERT INTO entity_person (entity_id, account_id, role, person, name, phone,"
    " sealed, created_at) SELECT entity_id, $1::int, 'legal', '\\x01', '\\x01', '\\x01',"
    " '\\x01', now() FROM sender WHERE credit_code = 'CODE1' RETURNING id",
}
"""What the first customer handed in, by parameter: rows as the desks make them."""


async def handed_in(site: Whole) -> dict[str, str]:
    account = site.account("account1")
    made = {name: str(await site.platform.value(sql, account)) for name, sql in HANDED_IN.items()}
    assert "None" not in made.values(), made
    return {**made, "code": "CODE1", "entity": "CODE1", "number": "106900011", "switch_id": "1"}


def bodies(ids: dict[str, str]) -> dict[str, Any]:
    """Return what fields of bodies are called that name somebody else's things."""
    return {
        "sender": "CODE1",
        "audience": ids["audience_id"],
        "account": ids["account_id"],
        "roles": "sender",
        "purpose": "marketing",
        "programme": "offers",
        "text": MARKETING_TEXT,
        "to": "13900000001",
        "link": "mobile-0",
        "relation": "members",
        "at": "2026-11-01T10:00:00+08:00",
        "number": ids["number"],
        "document": ids["document_id"],
    }


def filled(path: str, operation: dict[str, Any], ids: dict[str, str]) -> str:
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            name, schema = parameter["name"], parameter["schema"]
            if "enum" in schema:
                path = path.replace("{" + name + "}", schema["enum"][0])
                continue
            assert name in ids, f"{path}: say in belongings() what {name} of another customer is"
            path = path.replace("{" + name + "}", ids[name])
    return path


def request_body(document: dict[str, Any], operation: dict[str, Any], known: Any) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        schema = content["application/json"]["schema"]
        body = example(document, schema, "", known)
        if "since" in body:  # a period: elsewhere `to` is who receives something
            body |= {"since": "2026-11-01T10:00:00+08:00", "to": known["at"]}
        return {"json": body}
    if "multipart/form-data" in content:
        schema = content["multipart/form-data"]["schema"]
        fields = example(document, schema, "", known)
        return {
            "data": {n: str(v) for n, v in fields.items() if n != "file"},
            "files": [("file", ("a.jpg", PHOTO))],
        }
    return {}


def names_something(operation: dict[str, Any], body: dict[str, Any]) -> bool:
    """Return whether a request names something that could be somebody else's."""
    named = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"}
    if named - NOBODYS:
        return True
    given = body.get("json") or body.get("data") or {}
    return bool({"sender", "audience", "account", "document"} & set(given))


async def test_every_route_without_a_credential(site: Whole) -> None:
    document = await site.document()
    ids = await belongings(site)
    before = await site.state()
    words = ("ak_" + "0" * 48, "as_" + "0" * 64, "sk_x", "x" * 5_000)
    walked = 0
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        for method, path, operation in operations(document):
            if not operation.get("security"):
                continue
            body = request_body(document, operation, bodies(ids))
            for word in (None, words[walked % len(words)]):
                headers = {} if word is None else {"authorization": f"Bearer {word}"}
                place = filled(path, operation, ids)
                answer = await client.request(method, place, headers=headers, **body)
                assert answer.status_code == 401, (method, path, answer.text)
            walked += 1
    assert walked > 40
    assert await site.state() == before


@pytest.mark.parametrize("credential", ["key", "session"])
async def test_every_route_with_somebody_elses_ids(site: Whole, credential: str) -> None:
    document = await site.document()
    ids = await belongings(site)
    guarded = [one for one in operations(document) if one[2].get("security")]
    # One each: some of the routes end or turn it. Keys are made first, since they would show.
    scopes = USUAL | OFFICE | STAFF_SCOPES
    keys = [await site.key("account2", scopes) for _ in guarded] if credential == "key" else []
    await asyncio.sleep(0.5)
    before = await site.state()
    wrong: list[tuple[Any, ...]] = []
    seen: list[tuple[str, str, str]] = []
    secrets_of_the_first = ("head@account1.example", ids["message_id"], ids["campaign_id"])
    async with httpx.AsyncClient(base_url=site.url, timeout=30) as client:
        for method, path, operation in guarded:
            token = keys.pop() if credential == "key" else await site.session("account2")
            body = request_body(document, operation, bodies(ids))
            answer = await client.request(
                method, filled(path, operation, ids),
                headers={"authorization": f"Bearer {token}"}, **body,
            )  # fmt: skip
            if any(word in answer.text for word in secrets_of_the_first):
                seen.append((method, path, answer.text))
            if not names_something(operation, body):
                before = await site.state()  # it may have changed the caller's own
                continue
            if answer.status_code not in REFUSED:
                wrong.append((method, path, answer.status_code, answer.text))
            after = await site.state()
            changed = sorted(table for table in after if after[table] != before[table])
            if changed:
                wrong.append((method, path, "changed", changed))
                before = after
    assert not wrong
    assert not seen
