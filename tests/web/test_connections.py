"""Slow, idle and broken peers on real sockets: they end, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable

import httpx
import psutil
import pytest

from assent.web.settings import MIB, WebSettings
from tests.web.site import Running, running

POST = (
    b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ak_all\r\n"
    b"content-length: 1000\r\n\r\n"
)
CHUNKED = POST.replace(b"content-length: 1000", b"transfer-encoding: chunked")


async def connect(site: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", site.server.port)


async def close(writers: Iterable[asyncio.StreamWriter]) -> None:
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Return what arrives until the server closes, in whichever way."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := await asyncio.wait_for(reader.read(4096), 5):
            data += part
    return data


async def answer_to(
    site: Running, *parts: bytes, pause: float = 0.0
) -> tuple[int, dict[str, object]]:
    """Send octets and return the status and problem that come before the server closes."""
    reader, writer = await connect(site)
    reading = asyncio.create_task(read_all(reader))
    with contextlib.suppress(ConnectionError):
        for part in parts:
            writer.write(part)
            await asyncio.sleep(pause)
    data = await reading
    await close([writer])
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    return int(head.split()[1]), json.loads(body)


async def test_headers_must_come_in_time() -> None:
    async with running(WebSettings(header_timeout=0.1)) as site:
        for begin in (b"", b"GET /healthz HTTP/1.1\r\nx: "):
            status, problem = await answer_to(site, begin)
            assert (status, problem["code"]) == (408, "headers_late")
        # Dripping does not help: the deadline is that of the whole.
        drops = [b"GET / HTTP/1.1\r\n", *[b"x: y\r\n"] * 6]
        status, problem = await answer_to(site, *drops, pause=0.03)
        assert (status, problem["code"]) == (408, "headers_late")


async def test_headers_of_later_requests_must_come_in_time_too() -> None:
    async with running(WebSettings(header_timeout=0.1, keep_alive=30)) as site:
        reader, writer = await connect(site)
        writer.write(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\n")
        data = await asyncio.wait_for(reader.read(), 5)
        assert data.startswith(b"HTTP/1.1 200")
        assert b"HTTP/1.1 408" in data
        await close([writer])


@pytest.mark.parametrize(
    "parts",
    [
        [b"GET / HTTP/1.1\r\n", *[b"x: " + b"y" * 1000 + b"\r\n"] * 20],
        [b"GET / HTTP/1.1\r\nx: ", *[b"y" * 1000] * 20],
        [b"GET /" + b"y" * 20_000],
        [CHUNKED + b"1\r\nx\r\n0\r\n", *[b"x: " + b"y" * 1000 + b"\r\n"] * 20],
    ],
    ids=["many", "endless", "address", "trailers"],
)
async def test_headers_are_bounded(parts: list[bytes]) -> None:
    async with running(WebSettings(header_limit=8_000)) as site:
        status, problem = await answer_to(site, *parts)
        assert status in (400, 431)
        assert problem["code"] in ("headers_too_large", "malformed_request")


async def test_what_is_no_http(site: Running) -> None:
    status, problem = await answer_to(site, b"\x00\x01\x02hello\r\n\r\n")
    assert (status, problem["code"]) == (400, "malformed_request")


async def test_body_must_come_in_time() -> None:
    async with running(WebSettings(body_timeout=0.1)) as site:
        status, problem = await answer_to(site, POST + b"x" * 10)
        assert (status, problem["code"]) == (408, "too_slow")
        status, problem = await answer_to(site, POST, *[b"x"] * 8, pause=0.03)
        assert (status, problem["code"]) == (408, "too_slow")


async def test_upload_must_not_rest() -> None:
    begin = (
        b"POST /v1/audiences?statement=shop HTTP/1.1\r\nhost: x\r\n"
        b"authorization: Bearer ak_all\r\ncontent-length: 1000\r\n\r\n"
    )
    async with running(WebSettings(upload_idle=0.1)) as site:
        status, problem = await answer_to(site, begin + b"to\r\n")
        assert (status, problem["code"]) == (408, "too_slow")


async def test_peer_that_does_not_read_is_ended() -> None:
    async with running(WebSettings(write_timeout=0.2)) as site:
        reader, writer = await connect(site)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        request = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
        for _ in range(2_000):
            writer.write(request)
            if writer.transport.get_write_buffer_size() > MIB // 8:
                break
        for _ in range(50):
            await asyncio.sleep(0.05)
            if not site.server.connections:
                break
        assert not site.server.connections
        await close([writer])
        del reader


async def test_peer_that_leaves_mid_body(site: Running) -> None:
    _, writer = await connect(site)
    writer.write(POST + b"x")
    await asyncio.sleep(0.02)
    await close([writer])
    async with httpx.AsyncClient(base_url=site.url) as client:
        assert (await client.get("/healthz")).status_code == 200


async def test_full_house_ends_who_waits_longest() -> None:
    async with running(WebSettings(connections=10)) as site:
        first = await connect(site)
        others = [await connect(site) for _ in range(9)]
        await asyncio.sleep(0.02)
        async with httpx.AsyncClient(base_url=site.url) as client:
            assert (await client.get("/healthz")).status_code == 200
        assert await read_all(first[0]) == b""
        assert site.server.connections <= 10
        await close(writer for _, writer in [first, *others])


async def test_two_thousand_slow_and_idle_connections() -> None:
    """Nobody else waits for them, and they take little memory."""
    kinds = (b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nx: y", POST + b'{"sender"')
    async with running() as site:
        before = psutil.Process().memory_info().rss
        writers: list[asyncio.StreamWriter] = []
        for start in range(0, 2_000, 250):
            made = await asyncio.gather(*[connect(site) for _ in range(250)])
            for number, (_, writer) in enumerate(made):
                writer.write(kinds[(start + number) % len(kinds)])
                writers.append(writer)
        await asyncio.sleep(0.1)
        assert site.server.connections == 2_000
        loop = asyncio.get_running_loop()
        took = []
        async with httpx.AsyncClient(base_url=site.url, timeout=5) as client:
            for _ in range(20):
                began = loop.time()
                assert (await client.get("/healthz")).status_code == 200
                took.append(loop.time() - began)
        assert sorted(took)[10] < 0.05
        # Both ends are in this process: the server's part is less than this.
        assert psutil.Process().memory_info().rss - before < 150 * MIB
        await close(writers)
        await asyncio.sleep(0.05)
