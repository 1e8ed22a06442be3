"""Requests that come in one piece are served without ASGI: nobody can tell but by the clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from assent.errors import Unavailable
from assent.web.direct import DirectExchange
from assent.web.settings import WebSettings
from tests.web.site import Running, running
from tests.web.test_connections import close, connect, read_all

BODY = json.dumps(
    {
        "sender": "91110000600037341L",
        "purpose": "notification",
        "text": "您的订单已发货",
        "messages": [{"to": "13800138000"}],
    }
).encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


def post(
    body: bytes = BODY, key: str = "ak_all", more: bytes = b"", chunked: bool = False
) -> bytes:
    size = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(body)
    content = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    return (
        b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\n%b\r\n%b\r\n%b"
        % (key.encode(), size, more, content)
    )


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes], Any]:
    """Read one answer: status line, headers, body."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    first, *lines = head.rstrip().split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines)
    return first, headers, json.loads(await reader.readexactly(int(headers[b"content-length"])))


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[DirectExchange]:
    """Requests that were served without ASGI."""
    found: list[DirectExchange] = []
    real = DirectExchange.__init__

    def noted(self: DirectExchange, *args: Any) -> None:
        found.append(self)
        real(self, *args)

    monkeypatch.setattr(DirectExchange, "__init__", noted)
    return found


@pytest.mark.parametrize(
    "request_",
    [
        post(),
        post(chunked=True),
        post(b"{"),
        post(b""),
        post(b"x" * 2_000),
        post(b"x" * 2_000, chunked=True),
        post(key="ak_wrong"),
        post(key="ak_read"),
        post(more=b"content-encoding: gzip\r\n"),
        post(more=b"idempotency-key: one\r\n"),
        post(more=b"connection: close\r\n"),
    ],
    ids=[
        "good", "chunked", "broken", "empty", "large", "large, chunked", "no key", "no scope",
        "packed", "key", "last",
    ],
)  # fmt: skip
async def test_whole_or_in_pieces_it_is_the_same(
    request_: bytes, served: list[DirectExchange]
) -> None:
    """The same status, headers and answer (but for ids), and the same end of the connection."""
    answers = []
    async with running(WebSettings(body_limit=1_000)) as site:
        for whole in (True, False):
            reader, writer = await connect(site)
            cut = len(request_) if whole else request_.index(b"\r\n\r\n") - 1
            writer.write(request_[:cut])
            await asyncio.sleep(0 if whole else 0.03)
            if not whole:
                writer.write(request_[cut : cut + 6])
                await asyncio.sleep(0.03)
                writer.write(request_[cut + 6 :])
            first, headers, body = await answer(reader)
            for told in (body, *body.get("messages", ())):
                told.pop("id", None)
            headers.pop(b"content-length")
            after = b""
            with contextlib.suppress(ConnectionError):
                writer.write(HEALTH)
                after = await asyncio.wait_for(reader.read(12), 5)
            answers.append((first, headers, body, after))
            await close([writer])
    assert answers[0] == answers[1]
    assert served, "whole ones at least: pieces may meet on the way"


async def test_requests_in_a_row_are_answered_in_their_order(
    site: Running, served: list[DirectExchange]
) -> None:
    reader, writer = await connect(site)
    keyed = [post(more=b"idempotency-key: k%d\r\n" % (place % 2)) for place in range(4)]
    writer.write(keyed[0] + HEALTH + keyed[1] + keyed[2] + keyed[3])
    found = [await answer(reader) for _ in range(5)]
    assert [first.split()[1] for first, _, _ in found] == [b"202", b"200", b"202", b"202", b"202"]
    assert found[0][2] == found[3][2] != found[2][2] == found[4][2]
    assert served, "the first of them"
    writer.write(post())
    assert (await answer(reader))[0].startswith(b"HTTP/1.1 202")
    await close([writer])


async def test_who_asks_whether_to_go_on_is_told(site: Running) -> None:
    reader, writer = await connect(site)
    head, _, body = post(more=b"expect: 100-continue\r\n").partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readline(), 5) == b"HTTP/1.1 100 Continue\r\n"
    await reader.readline()
    writer.write(body)
    assert (await answer(reader))[0].startswith(b"HTTP/1.1 202")
    await close([writer])


class Slow:
    """Takes orders when told to."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.go = asyncio.Event()

    async def send(self, *_: Any, **__: Any) -> bytes:
        self.began.set()
        await self.go.wait()
        return b"{}"


async def test_who_leaves_before_the_answer_harms_nobody() -> None:
    slow = Slow()
    async with running(sending=slow) as site:
        _, writer = await connect(site)
        writer.write(post())
        await asyncio.wait_for(slow.began.wait(), 5)
        await close([writer])
        await asyncio.sleep(0.02)
        slow.go.set()
        reader, writer = await connect(site)
        writer.write(post() + HEALTH)
        assert [(await answer(reader))[0].split()[1] for _ in range(2)] == [b"202", b"200"]
        await close([writer])


async def test_a_server_that_stops_answers_what_it_began() -> None:
    slow = Slow()
    async with running(sending=slow) as site:
        reader, writer = await connect(site)
        writer.write(post())
        await asyncio.wait_for(slow.began.wait(), 5)
        stopping = asyncio.create_task(site.server.stop())
        await asyncio.sleep(0.05)
        assert not stopping.done()
        slow.go.set()
        first, headers, _ = await answer(reader)
        assert (first.split()[1], headers[b"connection"]) == (b"202", b"close")
        assert await reader.read() == b""
        await stopping
        await close([writer])


async def test_a_fault_and_a_lack_are_told_like_everywhere() -> None:
    class Failing:
        def __init__(self, error: Exception) -> None:
            self.error = error

        async def send(self, *_: Any, **__: Any) -> bytes:
            raise self.error

    lack = Unavailable("busy", "too much", mend="later")
    for error, status, code in ((lack, b"503", "busy"), (KeyError("x"), b"500", "internal_error")):
        async with running(sending=Failing(error)) as site:
            reader, writer = await connect(site)
            writer.write(post() + post())
            for _ in range(2):
                first, headers, problem = await answer(reader)
                assert (first.split()[1], problem["code"]) == (status, code)
                assert headers[b"content-type"] == b"application/problem+json"
                assert (b"retry-after" in headers) == (status == b"503")
            await close([writer])


async def test_an_idle_connection_ends_after_its_last_answer() -> None:
    async with running(WebSettings(keep_alive=1.0)) as site:
        loop = asyncio.get_running_loop()
        reader, writer = await connect(site)
        for request_ in (post(), HEALTH, post()):
            writer.write(request_)
            await answer(reader)
            last = loop.time()
            await asyncio.sleep(0.6)
        assert not reader.at_eof(), "it was never idle for a second"
        assert await read_all(reader) == b""
        assert 0.9 < loop.time() - last < 2.0
        await close([writer])


async def test_line_ends_are_no_request() -> None:
    async with running(WebSettings(keep_alive=1.0)) as site:
        reader, writer = await connect(site)
        writer.write(post())
        await answer(reader)
        begin = asyncio.get_running_loop().time()
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof() and asyncio.get_running_loop().time() < begin + 5:
                writer.write(b"\r\n")
                await asyncio.sleep(0.2)
        assert asyncio.get_running_loop().time() < begin + 2.5
        await close([writer])
