"""Requests that arrive whole for a hot route: served on the connection itself, without ASGI.

A customer who sends one message a request pays for HTTP more than for anything else. What ASGI
adds (a scope, messages, events, a route's look-up) is left out here where nothing needs it. Limits
and errors are those of every other request, since :class:`assent.web.app.Shell` serves both.
"""

from __future__ import annotations

from typing import Any, Final, NoReturn

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from assent.web.exchange import JSON, BodyRoom, Exchange, Message
from assent.web.limits import Limits
from assent.web.settings import WebSettings

_CLOSE: Final = ((b"connection", b"close"),)


class DirectExchange(Exchange):
    """A whole request on its connection. To uvicorn's protocol it is the request under way, as its
    RequestResponseCycle is; so the attributes of that which the protocol uses are here."""

    def __init__(
        self, method: bytes, path: bytes, headers: list[tuple[bytes, bytes]], body: bytes,
        keep_alive: bool, connection: Any, settings: WebSettings, room: BodyRoom,
        limits: Limits,
    ) -> None:  # fmt: skip
        """`connection`: the protocol (server.py), whose `transport` and `flow` are used, and whose
        `on_response_complete` is told the end."""
        scope = {
            "method": method.decode(), "path": path.decode(), "headers": headers,
            "client": connection.client,
        }  # fmt: skip
        super().__init__(scope, _no_receive, _no_send, settings, room, limits)
        self._body = body
        self._connection = connection
        # As in a RequestResponseCycle; `message_event.set()` is called when the peer left.
        self.keep_alive = keep_alive
        self.disconnected = False
        self.response_complete = False
        self.message_event = self

    def set(self) -> None:
        """Nobody waits for anything of a request that is whole."""

    async def body(self) -> bytes:
        """Return the body. Raises TooLarge, Unavailable (no memory left for it)."""
        limit = self._settings.body_limit
        self._check(limit)
        self._whole = True
        if len(self._body) > limit:  # in chunks, so that no header told
            raise self._too_large(limit)
        self._room.take(len(self._body))
        self._taken += len(self._body)
        return self._body

    async def answer(
        self, status: int, body: bytes, content_type: tuple[bytes, bytes] = JSON,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:  # fmt: skip
        """Send a whole answer, headers and body in one piece."""
        connection = self._connection
        flow: FlowControl = connection.flow
        if flow.write_paused and not self.disconnected:
            await flow.drain()
        self.status = status
        if self.disconnected:
            return
        if not self._whole:  # refused unread: ended then, like one whose body is still to come
            self.keep_alive = False
        more = headers if self.keep_alive else (*headers, *_CLOSE)
        connection.transport.write(
            b"%bcontent-type: %b\r\ncontent-length: %d\r\n%b\r\n%b"
            % (
                STATUS_LINE[status],
                content_type[1],
                len(body),
                b"".join([b"%b: %b\r\n" % one for one in more]),
                body,
            )
        )
        self.response_complete = True
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()


async def _no_receive() -> NoReturn:
    raise AssertionError("a whole request has nothing more to receive")


async def _no_send(message: Message) -> NoReturn:
    raise AssertionError("a direct answer goes out in one piece")
