"""The Python SDK against a real server, and its answers to servers that misbehave."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from assent.client import AsyncClient, Client
from assent.client.calls import read_answer, summed
from assent.errors import AssentError, Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from tests.web.site import Running, running

ORDER: dict[str, Any] = {
    "sender": "s", "purpose": "marketing", "text": "你好", "messages": [{"to": "15400000001"}],
}  # fmt: skip
CSV = b"phone,name\n13800138000,A\n15400000010,B\nx,C\n"
THEN = datetime(2026, 1, 1, tzinfo=UTC)


async def test_whole_road_async(site: Running, tmp_path: Path) -> None:
    async with AsyncClient(site.url, "sk_all") as client:
        assert (await client.health())["ready"] is True
        assert (await client.dry_run(**ORDER))["dry_run"] is True
        order = await client.send(**ORDER, key="mine")
        assert await client.send(**ORDER, key="mine") == order
        site.clock.advance(5)
        message = await client.message(order["messages"][0]["id"])
        assert message["state"] == "failed"
        assert (await client.order(order["id"]))["states"] == {"failed": 1}
        assert len((await client.receipts())["items"]) == 1
        assert (await client.replies())["items"] == []
        assert (await client.balance())["currency"] == "CNY"
        seen: list[tuple[int, int]] = []
        audience = await client.upload_audience(
            CSV, statement="shop", progress=lambda *at: seen.append(at)
        )
        assert seen[-1] == (len(CSV), len(CSV))
        assert (audience["rows"], audience["wrong"]) == (3, 1)
        assert (await client.audience(audience["id"]))["state"] == "ready"
        assert len((await client.audience_faults(audience["id"]))["items"]) == 1
        fields: dict[str, Any] = {
            "name": "c", "audience": audience["id"], "sender": "s", "purpose": "marketing",
            "text": "{name}你好",
        }  # fmt: skip
        assert (await client.dry_run_campaign(**fields))["allowed"] == 1
        campaign = await client.create_campaign(**fields)
        for act in (client.pause_campaign, client.resume_campaign, client.stop_campaign):
            await act(campaign["id"])
        assert (await client.campaign(campaign["id"]))["state"] == "stopped"


def in_thread(url: str) -> None:
    with Client(url, "sk_all") as client:
        assert client.send(**ORDER)["allowed"] == 1
        upload = client.upload_audience(io.BytesIO(CSV), statement="shop", columns={"n": "name"})
        assert upload["columns"] == ["n"]
        with pytest.raises(NotFound):
            client.message(1)


async def test_plain_client(site: Running) -> None:
    await asyncio.to_thread(in_thread, site.url)


async def test_long_lists_travel_in_portions(site: Running) -> None:
    async with AsyncClient(site.url, "sk_all") as client:
        rows = [{"to": "13800138000", "at": THEN}] * 12_000 + [{"to": "x", "at": THEN}]
        done: list[int] = []
        answer = await client.import_consents(
            iter(rows), sender="s", programme="p", grade="assertion", wording="v1", source="shop",
            progress=done.append,
        )  # fmt: skip
        assert done == [5_000, 10_000, 12_001]
        assert (answer["accepted"], answer["refused"]) == (12_000, 1)
        assert answer["faults"][0]["row"] == 12_000
        answer = await client.refuse(["13800138000"] * 5_001, sender="s", source="counter")
        assert answer["accepted"] == 5_001
        assert await client.refuse([], sender="s", source="counter") == {}


async def test_errors_keep_what_the_server_told(site: Running) -> None:
    async with AsyncClient(site.url, "ak_all") as client:
        with pytest.raises(InvalidInput) as caught:
            await client.send(**{**ORDER, "purpose": "spam"})
        assert (caught.value.code, caught.value.field) == ("invalid_field", "purpose")
        assert caught.value.mend
        await client.send(**ORDER, key="k")
        with pytest.raises(Conflict):
            await client.send(**{**ORDER, "text": "other"}, key="k")
    for secret in (None, "ak_wrong", "ak_read"):
        async with AsyncClient(site.url, secret) as client:
            with pytest.raises(NotAllowed):
                await client.send(**ORDER)


async def test_a_lost_answer_is_asked_for_again() -> None:
    """The same key goes out with every try, so that the order is done once."""
    keys: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["idempotency-key"])
        if len(keys) == 1:
            raise httpx.ReadError("lost")
        if len(keys) == 2:
            return httpx.Response(503, json={"code": "busy"})
        return httpx.Response(202, json={"id": "1"})

    client = Client("http://x", "k", transport=httpx.MockTransport(answer))
    assert await asyncio.to_thread(lambda: client.send(**ORDER)) == {"id": "1"}
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_tries_end() -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with AsyncClient("http://x", tries=2, transport=httpx.MockTransport(never)) as client:
        with pytest.raises(Unavailable) as caught:
            await client.balance()
    assert caught.value.code == "unreachable"
    with pytest.raises(ValueError, match="at least 1"):
        Client(tries=0)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (502, b"<html>bad gateway</html>", AssentError),
        (404, b"{}", NotFound),
        (200, b"[1]", AssentError),
        (200, b"nonsense", AssentError),
        (503, b"", Unavailable),
    ],
)
def test_answers_of_strangers(status: int, body: bytes, kind: type[AssentError]) -> None:
    with pytest.raises(kind) as caught:
        read_answer(status, body)
    assert caught.value.code == "unexpected_answer"


def test_summed() -> None:
    total = summed({}, {"n": 1, "by": {"a": 1}, "rows": [{"row": 0}], "ok": True}, 0)
    total = summed(total, {"n": 2, "by": {"a": 2, "b": 1}, "rows": [{"row": 3}], "ok": True}, 10)
    assert total == {"n": 3, "by": {"a": 3, "b": 1}, "rows": [{"row": 0}, {"row": 13}], "ok": True}


async def test_clients_can_be_shared(site: Running) -> None:
    def work(client: Client, results: list[int]) -> None:
        results.append(client.send(**ORDER)["allowed"])

    def run() -> Iterator[int]:
        results: list[int] = []
        with Client(site.url, "sk_all") as client:
            threads = [threading.Thread(target=work, args=(client, results)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        return iter(results)

    assert list(await asyncio.to_thread(run)) == [1] * 8


async def test_a_server_that_starts_late() -> None:
    async with running() as first:
        port = first.server.port
    async with AsyncClient(f"http://127.0.0.1:{port}", "sk_all", tries=1) as client:
        with pytest.raises(Unavailable):
            await client.balance()
