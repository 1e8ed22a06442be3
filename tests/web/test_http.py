"""Keys, errors, limits and idempotency, over a real socket."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any

import httpx
import pytest

from assent.errors import AssentError
from assent.web.logs import json_logger
from assent.web.settings import WebSettings
from tests.web.site import Running, running

ORDER = {
    "sender": "91110000600037341L",
    "purpose": "notification",
    "text": "您的订单已发货",
    "messages": [{"to": "13800138000"}],
}


def key(secret: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}", **more}


def http(
    site: Running,
    secret: str | None = "ak_all",  # noqa: S107
) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=site.url, headers=key(secret) if secret else {}, timeout=10)


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code
    assert problem["status"] == status
    for name in ("type", "title", "detail", "field", "mend"):
        assert problem[name], name
    assert "Traceback" not in response.text
    return problem


async def test_order_is_accepted(site: Running) -> None:
    async with http(site) as client:
        response = await client.post("/v1/messages", json=ORDER)
    assert response.status_code == 202
    assert response.json()["allowed"] == 1


async def test_keys(site: Running) -> None:
    cases: list[tuple[dict[str, str], int, str]] = [
        ({}, 401, "missing_key"),
        ({"authorization": "Basic abc"}, 401, "missing_key"),
        ({"authorization": "Bearer " + "x" * 300}, 401, "missing_key"),
        (key("ak_wrong"), 401, "bad_key"),
        (key("ak_read"), 403, "missing_scope"),
    ]
    async with http(site, None) as client:
        for headers, status, code in cases:
            response = await client.post("/v1/messages", json=ORDER, headers=headers)
            assert_problem(response, status, code)
            assert ("www-authenticate" in response.headers) == (status == 401)


async def test_every_route_asks_for_a_key(site: Running) -> None:
    async with http(site, None) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        for path, operations in paths.items():
            for method, operation in operations.items():
                if "security" in operation:
                    place = path
                    for parameter in operation.get("parameters", ()):
                        schema = parameter["schema"]
                        usual = "1" if schema.get("type") == "integer" else "106900"
                        if schema.get("pattern") == "^[0-9a-f]{64}$":
                            usual = "0" * 64
                        given = schema.get("enum", [usual])[0]
                        place = place.replace("{" + parameter["name"] + "}", given)
                    response = await client.request(method, place)
                    assert_problem(response, 401, "missing_key")


BODIES: list[tuple[bytes, int, str, str]] = [
        (b"{", 400, "malformed_json", "body"),
        (b"", 400, "malformed_json", "body"),
        (b'{"sender": "\xff"}', 400, "malformed_json", "body"),
        (b"[" * 100_000, 422, "invalid_field", "body"),
        (b"[]", 422, "invalid_field", "body"),
        (b'{"purpose": "notification", "messages": []}', 422, "invalid_field", "sender"),
        (json.dumps({**ORDER, "sendr": 1}).encode(), 422, "invalid_field", "sendr"),
        (json.dumps({**ORDER, "purpose": "spam"}).encode(), 422, "invalid_field", "purpose"),
        (
            json.dumps({**ORDER, "messages": [{"to": "1"}, {"to": 2}]}).encode(),
            422, "invalid_field", "messages[1].to",
        ),
        (
            json.dumps({**ORDER, "messages": [{"to": "1", "name": "x"}]}).encode(),
            422, "invalid_field", "messages[0].name",
        ),
        (json.dumps({**ORDER, "messages": []}).encode(), 422, "receivers", "messages"),
        (
            json.dumps({**ORDER, "not_before": "2026-11-22T10:00:00"}).encode(),
            422, "time_without_zone", "not_before",
        ),
]  # fmt: skip


async def test_bodies_that_cannot_be_obeyed(site: Running) -> None:
    async with http(site) as client:
        for body, status, code, field in BODIES:
            response = await client.post("/v1/messages", content=body)
            assert assert_problem(response, status, code)["field"] == field
        # Nothing was done.
        assert (await client.get("/v1/balance")).json()["available_micro"] == 10**12


ROUTES = [
    ("GET", "/nothing", 404, "no_such_route"),
    ("GET", "/", 404, "no_such_route"),
    ("DELETE", "/v1/messages", 405, "method_not_allowed"),
    ("GET", "/v1/messages", 405, "method_not_allowed"),
    ("GET", "/v1/messages/abc", 422, "invalid_parameter"),
    ("GET", "/v1/messages/99999999999999999999", 422, "invalid_parameter"),
    ("GET", "/v1/messages/12345", 404, "no_message"),
    ("GET", "/v1/orders/12345", 404, "no_order"),
    ("GET", "/v1/audiences/12345", 404, "no_audience"),
    ("GET", "/v1/campaigns/12345", 404, "no_campaign"),
    ("POST", "/v1/campaigns/12345/pause", 404, "no_campaign"),
    ("POST", "/v1/campaigns/12345/explode", 422, "invalid_parameter"),
    ("GET", "/v1/receipts?cursor=-1", 422, "invalid_parameter"),
    ("GET", "/v1/replies?limit=0", 422, "invalid_parameter"),
]


async def test_errors_of_routes(site: Running) -> None:
    async with http(site) as client:
        for method, path, status, code in ROUTES:
            assert_problem(await client.request(method, path), status, code)


class Broken:
    """A room with a bug."""

    async def send(self, *_: Any, **__: Any) -> bytes:
        raise KeyError("13800138000")

    async def message(self, *_: Any) -> dict[str, Any]:
        raise KeyError("13800138000")


async def test_faults_of_ours_tell_nothing() -> None:
    async with running(sending=Broken(), status=Broken()) as site, http(site) as client:
        for response in (
            await client.post("/v1/messages", json=ORDER),
            await client.get("/v1/messages/1"),
        ):
            assert "13800138000" not in response.text
            assert response.headers["content-type"] == "application/problem+json"
            assert response.json()["code"] == "internal_error"
            assert response.status_code == 500


async def test_idempotency_key(site: Running) -> None:
    async with http(site) as client:
        keyed = {"idempotency-key": "one"}
        first = await client.post("/v1/messages", json=ORDER, headers=keyed)
        again = await client.post("/v1/messages", json=ORDER, headers=keyed)
        assert again.content == first.content
        other = {**ORDER, "text": "您的订单已签收"}
        response = await client.post("/v1/messages", json=other, headers=keyed)
        assert_problem(response, 409, "idempotency_key_reused")
        response = await client.post(
            "/v1/messages", json=ORDER, headers={"idempotency-key": "é".encode()}
        )
        assert_problem(response, 422, "bad_idempotency_key")
        response = await client.post(
            "/v1/messages", json=ORDER, headers={"idempotency-key": "k" * 129}
        )
        assert_problem(response, 422, "bad_idempotency_key")


async def test_body_limits() -> None:
    settings = WebSettings(body_limit=1000, bodies_limit=5000)
    async with running(settings) as site, http(site) as client:
        response = await client.post("/v1/messages", content=b"x" * 1001)
        assert assert_problem(response, 413, "body_too_large")["details"] == {"limit": 1000}

        async def endless() -> Any:
            for _ in range(100):
                yield b"x" * 100

        response = await client.post("/v1/messages", content=endless())
        assert_problem(response, 413, "body_too_large")
        packed = {"content-encoding": "gzip"}
        response = await client.post("/v1/messages", content=b"x", headers=packed)
        assert_problem(response, 415, "content_encoding")
        assert (await client.post("/v1/messages", json=ORDER)).status_code == 202


async def test_all_bodies_together_are_bounded() -> None:
    settings = WebSettings(body_limit=1000, bodies_limit=1500)
    async with running(settings) as site, http(site) as client:
        held, go = asyncio.Event(), asyncio.Event()

        async def slow() -> Any:
            yield b"x" * 900
            held.set()
            await go.wait()
            yield b"x"

        first = asyncio.create_task(client.post("/v1/messages", content=slow()))
        await held.wait()
        await asyncio.sleep(0.05)
        response = await client.post("/v1/messages", content=b"x" * 900)
        assert response.status_code == 503
        assert response.json()["code"] == "busy_bodies"
        assert response.headers["retry-after"] == "1"
        go.set()
        await first
        assert (await client.post("/v1/messages", content=b"x" * 900)).status_code == 400


async def test_too_many_requests_at_once() -> None:
    started, go = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, *_: Any, **__: Any) -> bytes:
            started.set()
            await go.wait()
            return b"{}"

    settings = WebSettings(requests_at_once=1)
    async with running(settings, sending=Slow()) as site, http(site) as client:
        first = asyncio.create_task(client.post("/v1/messages", json=ORDER))
        await started.wait()
        response = await client.post("/v1/messages", json=ORDER)
        assert (response.status_code, response.json()["code"]) == (503, "busy")
        go.set()
        assert (await first).status_code == 202


async def test_health_and_metrics(site: Running) -> None:
    async with http(site, None) as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).status_code == 200
        site.ready = {"ready": False, "store": "gone"}
        response = await client.get("/readyz")
        assert (response.status_code, response.json()["store"]) == (503, "gone")
        assert (await client.get("/metrics")).text == "assent_up 1\n"


async def test_metrics_token() -> None:
    async with running(WebSettings(metrics_token="m3")) as site, http(site, None) as client:
        assert_problem(await client.get("/metrics"), 403, "metrics_closed")
        assert (await client.get("/metrics", headers=key("m3"))).status_code == 200


async def test_logs_hold_no_personal_data() -> None:
    kept = io.BytesIO()
    async with running(log=json_logger(kept)) as site, http(site) as client:
        await client.post("/v1/messages", json=ORDER)
        await client.get("/v1/receipts?cursor=0")
        await client.get("/13800138000")
        response = await client.get("/v1/balance")
        assert response.status_code == 200
    lines = [json.loads(line) for line in kept.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [202, 200, 404, 200]
    assert lines[0]["account"] == 1
    assert b"13800138000" not in kept.getvalue()
    assert "已发货" not in kept.getvalue().decode()
    assert b"ak_all" not in kept.getvalue()


async def test_faults_are_logged_without_their_words() -> None:
    kept = io.BytesIO()
    async with running(log=json_logger(kept), status=Broken()) as site, http(site) as client:
        await client.get("/v1/messages/1")
    fault = json.loads(kept.getvalue().splitlines()[0])
    assert fault["event"] == "fault"
    assert fault["error"] == "KeyError"
    assert any("test_http.py" in place for place in fault["where"])
    assert b"13800138000" not in kept.getvalue()


async def test_stop_finishes_what_is_under_way() -> None:
    started, go = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, *_: Any, **__: Any) -> bytes:
            started.set()
            await go.wait()
            return b'{"done": true}'

    async with running(sending=Slow()) as site, http(site) as client:
        first = asyncio.create_task(client.post("/v1/messages", json=ORDER))
        await started.wait()
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.02)
        go.set()
        assert (await first).json() == {"done": True}
        await stopping
        with pytest.raises(httpx.ConnectError):
            await client.get("/healthz")


async def test_address_taken(site: Running) -> None:
    from assent.web.server import HttpServer

    again = HttpServer(site.server._server.config.app, port=site.server.port)
    with pytest.raises(AssentError, match="cannot listen"):
        await again.start()
