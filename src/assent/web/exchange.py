"""One request and its answer over ASGI: bodies with limits and deadlines, and a clean end.

Below FastAPI, so that the hot route and every other obey the same limits.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

from assent.errors import AssentError, InvalidInput, TooLarge, Unavailable
from assent.web.limits import Limits, peer_of
from assent.web.problems import problem_body
from assent.web.settings import WebSettings

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

IN_SCOPE: Final = "assent.exchange"
_LINGER_S: Final = 30.0
_LINGER_IDLE_S: Final = 1.0
_GRACE_S: Final = 30.0
JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", b"application/problem+json")
_GUARDS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
"""For browsers: nothing that we answer is a page, whatever somebody put into it."""


class GoneError(Exception):
    """The peer closed the connection before its request was whole."""


class BodyRoom:
    """The memory that all bodies together may take."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.taken = 0

    def take(self, octets: int) -> None:
        """Claim room. Raises Unavailable when there is none."""
        if self.taken + octets > self.limit:
            raise Unavailable(
                "busy_bodies", "too many large requests are under way", rule="http-api: limits",
                mend="try again in a moment",
            )  # fmt: skip
        self.taken += octets


class Exchange:
    """A request under way. `status` is 0 until an answer was begun, 499 when the peer left."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, settings: WebSettings, room: BodyRoom,
        limits: Limits,
    ) -> None:  # fmt: skip
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.status = 0
        self.account_id: int | None = None
        self.key_id: int | None = None
        self._receive = receive
        self._send = send
        self._settings = settings
        self._room = room
        self.limits = limits
        self._taken = 0
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._whole = not (
            b"transfer-encoding" in self._headers or self.header(b"content-length") not in ("", "0")
        )

    def header(self, name: bytes) -> str:
        """Return a header's value (the last of that name), '' if it is missing."""
        return self._headers.get(name, b"").decode("latin-1")

    @property
    def peer(self) -> str:
        """The address that the request came from, '' if there is none."""
        return peer_of(self.scope, self._settings.proxies)

    # The request's body ----------------------------------------------------------------------

    async def body(self) -> bytes:
        """Return the whole body.

        Raises TooLarge, Unavailable (no memory left for it), InvalidInput `too_slow`, Gone.
        """
        self._check(self._settings.body_limit)
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(self._settings.body_timeout):
                while not self._whole:
                    data = await self._next()
                    self._room.take(len(data))
                    self._taken += len(data)
                    if self._taken > self._settings.body_limit:
                        raise self._too_large(self._settings.body_limit)
                    parts.append(data)
        except TimeoutError:
            raise _too_slow(self._settings.body_timeout) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def stream(self) -> AsyncGenerator[bytes]:
        """Yield an upload's body piece by piece; for bodies that go to disk.

        Raises TooLarge, InvalidInput `too_slow`, Gone.
        """
        settings = self._settings
        self._check(settings.upload_limit)
        loop = asyncio.get_running_loop()
        begin, total = loop.time(), 0
        while not self._whole:
            try:
                async with asyncio.timeout(settings.upload_idle):
                    data = await self._next()
            except TimeoutError:
                raise _too_slow(settings.upload_idle) from None
            total += len(data)
            if total > settings.upload_limit:
                raise self._too_large(settings.upload_limit)
            took = loop.time() - begin
            if took > _GRACE_S and total < took * settings.upload_slowest and not self._whole:
                raise _too_slow(took)
            yield data

    @asynccontextmanager
    async def while_there(self) -> AsyncGenerator[None]:
        """Do something long for the peer; it is cancelled when the peer leaves meanwhile.

        The body was read whole. Raises Gone.
        """
        worker = asyncio.current_task()
        assert worker is not None, "requests are served in tasks"
        left = False

        async def watch() -> None:
            nonlocal left
            while (await self._receive())["type"] != "http.disconnect":
                pass
            left = True
            worker.cancel()

        watching = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not left or worker.uncancel():
                raise  # somebody else's wish
            self.status = self.status or 499
            raise GoneError from None
        finally:
            watching.cancel()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._whole = True
            self.status = self.status or 499
            raise GoneError
        self._whole = not message.get("more_body", False)
        return message.get("body", b"")  # type: ignore[no-any-return]

    def _check(self, limit: int) -> None:
        if self.header(b"content-encoding") not in ("", "identity"):
            raise InvalidInput(
                "content_encoding", "compressed bodies are not read", field="Content-Encoding",
                rule="http-api: requests", mend="send the body as it is", status=415,
            )  # fmt: skip
        length = self.header(b"content-length")
        if length.isdigit() and int(length) > limit:
            raise self._too_large(limit)

    def _too_large(self, limit: int) -> TooLarge:
        return TooLarge(
            "body_too_large", f"the body is larger than {limit} octets", field="body",
            rule="http-api: limits", mend="split it", details={"limit": limit},
        )  # fmt: skip

    # For FastAPI -----------------------------------------------------------------------------

    async def receive(self) -> Message:
        """Pass on what the peer sends; FastAPI asks only whether it is still there."""
        if self._whole:
            return await self._receive()
        return {"type": "http.request", "body": await self._next(), "more_body": not self._whole}

    async def send(self, message: Message) -> None:
        """Pass on an answer, ending the connection where the request was not read whole."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            ends = () if self._whole else ((b"connection", b"close"),)
            message["headers"] = [*message.get("headers", ()), *_GUARDS, *ends]
        elif not self._whole and not message.get("more_body", False):
            # A connection that is closed with unread data takes its answer along, for clients
            # that send all before they look. So send the answer, read on, and only then end.
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        try:
            async with asyncio.timeout(_LINGER_S):
                while not self._whole:
                    async with asyncio.timeout(_LINGER_IDLE_S):
                        await self._next()
        except (TimeoutError, GoneError):
            pass

    # Answers ---------------------------------------------------------------------------------

    async def answer(
        self, status: int, body: bytes, content_type: tuple[bytes, bytes] = JSON,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:  # fmt: skip
        """Send a whole answer."""
        length = (b"content-length", b"%d" % len(body))
        start = {
            "type": "http.response.start",
            "status": status,
            "headers": [content_type, length, *headers],
        }
        await self.send(start)
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def problem(self, error: AssentError) -> None:
        """Answer with an error, unless an answer was begun already."""
        if self.status == 0:
            headers = tuple((k.encode(), v.encode()) for k, v in error_headers(error).items())
            await self.answer(error.status, problem_body(error), _PROBLEM, headers)

    def close(self) -> None:
        """Give back the memory that the body was counted for."""
        self._room.taken -= self._taken
        self._taken = 0


def error_headers(error: AssentError) -> dict[str, str]:
    """Return the headers that belong to an error's answer."""
    if error.status == 401:
        return {"www-authenticate": "Bearer"}
    if error.status in (429, 503):
        return {"retry-after": str((error.details or {}).get("retry_after", 1))}
    return {}


def _too_slow(seconds: float) -> InvalidInput:
    return InvalidInput(
        "too_slow", f"the body did not arrive within {seconds:.0f} s", field="body",
        rule="http-api: limits", mend="send it faster, or split it", status=408,
    )  # fmt: skip
