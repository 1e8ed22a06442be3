"""How calls travel: httpx for plain and for async code, with repeats."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import httpx

from assent.client.api import Api
from assent.client.calls import Answer, Call, read_answer, summed, unreachable

DEFAULT_URL: Final = "http://127.0.0.1:8000"
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 5.0
_FILE: Final = "application/octet-stream"


def _new_key() -> str:
    return str(uuid.uuid4())


def _answer(call: Call, response: httpx.Response) -> Answer:
    if call.raw and response.status_code < 400:
        return {"type": response.headers.get("content-type", ""), "octets": response.content}
    return read_answer(response.status_code, response.content)


def _timeouts(timeout: float, call: Call) -> httpx.Timeout:
    # An upload is answered when its rows are stored: minutes for a large file.
    return httpx.Timeout(timeout, read=None) if call.upload else httpx.Timeout(timeout)


def _pauses(tries: int) -> Iterator[float | None]:
    """Yield the pause before each further try, None for "give up"."""
    for number in range(tries - 1):
        yield min(_FIRST_PAUSE_S * 2**number, _LONGEST_PAUSE_S)
    yield None


class _Settings:
    """What both clients take."""

    def __init__(
        self,
        url: str,
        key: str | None,
        timeout: float,
        tries: int,
    ) -> None:
        if tries < 1:
            raise ValueError("tries is at least 1")
        self.timeout = timeout
        self.tries = tries
        headers = {"accept": "application/json", "user-agent": "assent-python"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        self.options: dict[str, Any] = {"base_url": url.rstrip("/"), "headers": headers}
        if url.lower().startswith("http://"):
            # Nothing is verified there, and to read the machine's certificates takes a while.
            # Redirects are not followed.
            self.options["verify"] = False

    def build(
        self, client: httpx.Client | httpx.AsyncClient, call: Call, file: BinaryIO | None
    ) -> httpx.Request:
        """Return one try of a call as an httpx request; `file` is read while it travels."""
        upload = call.upload
        files: Any = {"file": (upload.filename, file, _FILE)} if upload and file else None
        if call.frames:
            files = [("file", (name, octets, _FILE)) for name, octets in call.frames]
        return client.build_request(
            call.method,
            call.path,
            params=dict(call.query),
            headers=dict(call.headers),
            content=call.body,
            data=dict(upload.fields) if upload else dict(call.fields) or None,
            files=files,
            timeout=_timeouts(self.timeout, call),
        )


class Client(Api[Answer]):
    """A client for plain code. Safe to share between threads; close it, or use `with`.

    `timeout`: seconds for connecting and for each answer. `tries`: times that a call is made
    while the server cannot be reached or says it is busy. `new_key` makes idempotency keys.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        key: str | None = None,
        timeout: float = 30.0,
        *,
        tries: int = 3,
        transport: httpx.BaseTransport | None = None,
        new_key: Callable[[], str] = _new_key,
    ) -> None:
        super().__init__(new_key)
        self._settings = _Settings(base_url, key, timeout, tries)
        self._http = httpx.Client(transport=transport, **self._settings.options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _do(self, call: Call) -> Answer:
        for pause in _pauses(self._settings.tries if call.repeatable else 1):
            try:
                with call.file() as file:
                    request = self._settings.build(self._http, call, file)
                    response = self._http.send(request)
            except httpx.HTTPError as error:
                if pause is None:
                    raise unreachable(error) from error
            else:
                if response.status_code != 503 or pause is None:
                    return _answer(call, response)
            time.sleep(pause)
        raise AssertionError  # the last pause is None

    def _do_all(self, calls: Iterator[Call]) -> Answer:
        total: Answer = {}
        for call in calls:
            total = summed(total, self._do(call), call.first_row)
        return total


class AsyncClient(Api[Awaitable[Answer]]):
    """The same for async code: every method is awaited. Close it with `aclose`, or use `async
    with`. `connections`: how many requests may be under way at once; more wait.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        key: str | None = None,
        timeout: float = 30.0,
        *,
        tries: int = 3,
        connections: int = 16,
        transport: httpx.AsyncBaseTransport | None = None,
        new_key: Callable[[], str] = _new_key,
    ) -> None:
        super().__init__(new_key)
        self._settings = _Settings(base_url, key, timeout, tries)
        self._room = asyncio.Semaphore(connections)
        limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
        self._http = httpx.AsyncClient(transport=transport, limits=limits, **self._settings.options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _do(self, call: Call) -> Answer:
        for pause in _pauses(self._settings.tries if call.repeatable else 1):
            try:
                # Waiting for a free connection is no failure, so it is not httpx that waits.
                async with self._room:
                    with call.file() as file:
                        request = self._settings.build(self._http, call, file)
                        response = await self._http.send(request)
            except httpx.HTTPError as error:
                if pause is None:
                    raise unreachable(error) from error
            else:
                if response.status_code != 503 or pause is None:
                    return _answer(call, response)
            await asyncio.sleep(pause)
        raise AssertionError  # the last pause is None

    async def _do_all(self, calls: Iterator[Call]) -> Answer:
        total: Answer = {}
        for call in calls:
            total = summed(total, await self._do(call), call.first_row)
        return total
