"""uvicorn, with what it leaves out: deadlines for headers and slow readers, and a full house.

uvicorn waits for a request's first header for ever, holds headers of any size, and refuses
everybody once idle connections use up its limit. :class:`GuardedProtocol` ends a connection
that takes longer than allowed to send its headers or to read its answer, counts header octets,
and at the limit of connections ends the one that has waited longest.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Iterator
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from assent.errors import InvalidInput, Unavailable
from assent.web.app import Shell
from assent.web.direct import DirectExchange
from assent.web.problems import problem_body
from assent.web.settings import WebSettings
from assent.web.witness import WitnessApp

_SPARE_FILES: Final = 256


class Waiting:
    """Connections without a request under way, the one that waits longest first."""

    def __init__(self, settings: WebSettings) -> None:
        self.settings = settings
        self.connections: dict[GuardedProtocol, None] = {}


class GuardedProtocol(HttpToolsProtocol):
    """One connection. Subclasses name the server's `waiting` and what serves requests, `shell`.

    A request for a hot route that comes in one piece is served directly (direct.py). Whether it
    does is known only when its octets are through, so until then nothing is begun for it.
    """

    waiting: Waiting
    shell: Shell

    def __init__(
        self, config: uvicorn.Config, server_state: ServerState, app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:  # fmt: skip
        super().__init__(config, server_state, app_state, _loop)
        self._header_deadline: asyncio.TimerHandle | None = None
        self._in_headers = False
        self._idle_since = 0.0  # when the last answer was through; 0: a request is under way
        self._write_deadline: asyncio.TimerHandle | None = None
        self._overhead = 0  # octets of this request that are not body
        self._content = 0
        self._held: list[bytes] | None = None  # the body of a request that may come in one piece

    # A connection's life ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Admit a connection, at the cost of the one that waits longest when the house is full."""
        super().connection_made(transport)
        waiting = self.waiting
        if len(self.connections) > waiting.settings.connections:
            oldest = next(iter(waiting.connections), None)
            if oldest is None:
                self._refuse(
                    503, Unavailable("busy", "too many connections", rule="http-api: limits",
                                     mend="try again in a moment"),
                )  # fmt: skip
                return
            oldest.transport.abort()
            waiting.connections.pop(oldest, None)
        waiting.connections[self] = None
        self._expect_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection and its deadlines."""
        self.waiting.connections.pop(self, None)
        self._cancel_header_deadline()
        self._cancel_write_deadline()
        super().connection_lost(exc)
        super()._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Parse, and end a request whose headers, chunk sizes or trailers outgrow the limit."""
        self._overhead += len(data)
        super().data_received(data)
        if self._held is not None:
            self._begin_after_all()
        elif self._in_headers and self._header_deadline is None and not self.transport.is_closing():
            self._expect_headers()  # not earlier: most requests come in one piece
        limit = self.waiting.settings.header_limit
        if self._overhead > limit + 8 * self._content and not self.transport.is_closing():
            self._refuse(
                431, InvalidInput(
                    "headers_too_large", f"the headers exceed {limit} octets", field="headers",
                    rule="http-api: limits", mend="send less in headers and address", status=431,
                ),
            )  # fmt: skip

    # What the parser finds -------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of the headers."""
        super().on_message_begin()
        self._content = 0
        self._in_headers = True
        self._idle_since = 0.0

    def on_headers_complete(self) -> None:
        """A request is whole enough to serve: the connection waits no longer."""
        self._in_headers = False
        self._cancel_header_deadline()
        self.waiting.connections.pop(self, None)
        if self._may_be_direct():
            self._held = []
        else:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count the body."""
        self._overhead -= len(body)
        self._content += len(body)
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Count the next request afresh."""
        self._overhead = 0
        if self._held is None:
            super().on_message_complete()
        else:
            self._begin_direct(b"".join(self._held))
            self._held = None

    # Without ASGI ----------------------------------------------------------------------------

    def _may_be_direct(self) -> bool:
        parser = self.parser
        earlier: Any = self.cycle
        return (
            self.shell.takes(parser.get_method(), self.url)
            and (earlier is None or earlier.response_complete)
            and parser.get_http_version() == "1.1"
            and not (self.expect_100_continue or parser.should_upgrade())
        )

    def _begin_direct(self, body: bytes) -> None:
        """Serve a request that came in one piece."""
        parser = self.parser
        exchange = self.shell.direct(
            parser.get_method(), self.url, self.headers, body, parser.should_keep_alive(), self
        )
        self.cycle = exchange  # type: ignore[assignment]  # it is one as far as uvicorn looks
        task = self.loop.create_task(self._serve(exchange))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, exchange: DirectExchange) -> None:
        try:
            await self.shell.serve(exchange)
        finally:
            if not exchange.response_complete:  # ended from outside
                self.transport.close()

    def _begin_after_all(self) -> None:
        """The rest of a body is still to come: serve the request as any other."""
        held, self._held = self._held, None
        if not self.transport.is_closing():
            super().on_headers_complete()
            for body in held or ():
                super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request, or begin with the one that is here already."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
        else:
            self.server_state.total_requests += 1
            self.flow.resume_reading()
            self._idle_since = self.loop.time()
            if self.timeout_keep_alive_task is None:
                self._expect_request(self.timeout_keep_alive)
        if not self.transport.is_closing():
            self.waiting.connections[self] = None

    # Deadlines -------------------------------------------------------------------------------

    def _expect_request(self, within: float) -> None:
        """Look after the connection when it may have been idle for too long. One timer serves many
        requests; uvicorn would make and cancel one for each."""
        self.timeout_keep_alive_task = self.loop.call_later(within, self.timeout_keep_alive_handler)

    def _unset_keepalive_if_required(self) -> None:
        """Octets came: uvicorn's word for it. They count only once they begin a request."""

    def timeout_keep_alive_handler(self) -> None:
        """End a connection that has been idle for as long as it may."""
        self.timeout_keep_alive_task = None
        if not self._idle_since:
            return  # the next answer begins anew
        left = self._idle_since + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self._expect_request(left)
        else:
            super().timeout_keep_alive_handler()

    def _expect_headers(self) -> None:
        timeout = self.waiting.settings.header_timeout
        self._header_deadline = self.loop.call_later(timeout, self._headers_late)

    def _headers_late(self) -> None:
        self._header_deadline = None
        self._refuse(
            408, InvalidInput(
                "headers_late", "the request's headers did not arrive in time", field="headers",
                rule="http-api: limits", mend="send them at once", status=408,
            ),
        )  # fmt: skip

    def _cancel_header_deadline(self) -> None:
        if self._header_deadline is not None:
            self._header_deadline.cancel()
            self._header_deadline = None

    def pause_writing(self) -> None:
        """Give a peer that does not read its answer until the deadline."""
        super().pause_writing()
        if self._write_deadline is None:
            timeout = self.waiting.settings.write_timeout
            self._write_deadline = self.loop.call_later(timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """Take the deadline away: the peer reads."""
        self._cancel_write_deadline()
        super().resume_writing()

    def _cancel_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None

    # Answers that need no application --------------------------------------------------------

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP."""
        self._refuse(
            400, InvalidInput("malformed_request", "this is not a request in HTTP/1.1",
                              field="request", rule="RFC 9112", mend="send HTTP/1.1", status=400),
        )  # fmt: skip

    def _refuse(self, status: int, error: InvalidInput | Unavailable) -> None:
        if self.transport.is_closing():
            return
        body = problem_body(error)
        self.transport.write(
            b"HTTP/1.1 %d \r\ncontent-type: application/problem+json\r\n"
            b"content-length: %d\r\nconnection: close\r\n\r\n%b" % (status, len(body), body)
        )
        self.transport.close()


class _Quiet(uvicorn.Server):
    """uvicorn's server without signals and ticks: the process is not uvicorn's."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        """Wait for the end. uvicorn would wake ten times a second, to date its answers."""
        await self.stopping.wait()


class HttpServer:
    """A running HTTP server. `start` it, then `stop` it; `port` is known after `start`."""

    def __init__(
        self, app: Shell | WitnessApp, host: str = "127.0.0.1", port: int = 8000,
        settings: WebSettings | None = None,
    ) -> None:  # fmt: skip
        self.settings = settings or WebSettings()
        self.host = host
        self.port = port
        self._waiting = Waiting(self.settings)
        protocol = type("Protocol", (GuardedProtocol,), {"waiting": self._waiting, "shell": app})
        config = uvicorn.Config(
            app, http=protocol, ws="none", lifespan="off", interface="asgi3", log_config=None,
            access_log=False, server_header=False, date_header=False, proxy_headers=False,
            timeout_keep_alive=int(self.settings.keep_alive),
            timeout_graceful_shutdown=int(self.settings.shutdown_timeout),
        )  # fmt: skip
        self._server = _Quiet(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen. Raises Unavailable when the address is taken or not ours."""
        _raise_file_limit(self.settings.connections + _SPARE_FILES)
        listener = self._listen()
        self.port = listener.getsockname()[1]
        self._task = asyncio.create_task(self._server.serve([listener]))
        # uvicorn has no event for this; it takes a few turns of the loop.
        while not self._server.started and not self._task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        if self._task.done():
            await self._task

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError as error:
            listener.close()
            raise Unavailable(
                "address_taken", f"cannot listen on {self.host}:{self.port} ({error.strerror})",
                field="port", mend="stop what listens there, or choose another port",
            ) from None  # fmt: skip
        return listener

    async def stop(self) -> None:
        """Take no more requests, finish those under way, close; `shutdown_timeout` at most."""
        self._server.stopping.set()
        if self._task is not None:
            await self._task
            self._task = None

    @property
    def connections(self) -> int:
        """Connections at the moment."""
        return len(self._server.server_state.connections)


async def serve_http(
    app: Shell, host: str, port: int, settings: WebSettings | None = None, *,
    stop: asyncio.Event,
) -> None:  # fmt: skip
    """Serve until `stop` is set, then end cleanly."""
    server = HttpServer(app, host, port, settings)
    await server.start()
    try:
        await stop.wait()
    finally:
        await server.stop()


def _raise_file_limit(wanted: int) -> None:
    """Let this process open as many files as it may have connections, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
