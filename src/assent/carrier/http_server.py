"""A small HTTP/1.1 server for posts between machines: bounded, with deadlines, and no routes.

What the API needs is in `web`; this is what a link needs to be told reports, and what a simulated
centre needs to take messages. h11 keeps to the protocol, this to limits and time.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Final

import h11

_HEAD: Final = 16 * 1024
_READ: Final = 64 * 1024
_CONTINUE: Final = 100
_LINGER_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Post:
    """A request whose body is whole."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `cut`: write only half of it and close; for simulations."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain"
    cut: bool = False


Handler = Callable[[Post], Awaitable[Reply | None]]
"""What answers a post; None closes the connection without a word."""


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Octets of a body; seconds for a whole request and between two; connections at once."""

    body: int = 4 << 20
    request_s: float = 30.0
    idle_s: float = 120.0
    connections: int = 64


@dataclass(frozen=True, slots=True)
class Guard:
    """Who may post: from these networks (none: any), with this name and secret (HTTP basic, RFC
    7617), where `user` is not empty."""

    user: str = ""
    secret: str = field(default="", repr=False)
    allowed: tuple[IPv4Network | IPv6Network, ...] = ()

    def admits(self, peer: str) -> bool:
        """Whether a peer may connect from an address."""
        if not self.allowed:
            return True
        given = ip_address(peer)
        plain = getattr(given, "ipv4_mapped", None) or given
        return any(plain in network for network in self.allowed)

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request brings the name and the secret."""
        if not self.user:
            return True
        scheme, _, given = headers.get("authorization", "").partition(" ")
        expected = base64.b64encode(f"{self.user}:{self.secret}".encode()).decode("ascii")
        same = hmac.compare_digest(given.strip().encode(), expected.encode())
        return same and scheme.lower() == "basic"


class PostServer:
    """Listens from `start` until `stop`. Requests that the guard refuses never reach the handler:
    403 for the address, before a body is read, and 401 for the secret."""

    def __init__(self, handler: Handler, guard: Guard, limits: HttpLimits | None = None) -> None:
        self._handler = handler
        self._guard = guard
        self._limits = limits or HttpLimits()
        self._talks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._stopped = False
        self.turned_away = 0

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port. Raises OSError when the address is taken."""
        # Known before it serves: whoever is cancelled in between would leave it open.
        self._server = await asyncio.start_server(
            self._accepted, host, port, limit=_READ, start_serving=False
        )
        await self._server.start_serving()
        return self.port

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None or not self._server.sockets:
            return 0
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def connections(self) -> int:
        """How many connections stand."""
        return len(self._talks)

    async def stop(self) -> None:
        """Close the door and every connection."""
        self._stopped = True
        if self._server is not None:
            self._server.close()
            self._server = None
        await self.disconnect()

    async def disconnect(self) -> None:
        """Close every connection without a word."""
        talks = list(self._talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take in a connection. Not a coroutine: what `stop` must close is known at once."""
        if self._stopped:
            writer.transport.abort()
            return
        talk = asyncio.get_running_loop().create_task(self._connected(reader, writer))
        self._talks.add(talk)

        def ended(talk: asyncio.Task[None]) -> None:
            self._talks.discard(talk)
            # Here, since a task that is cancelled before its first step does nothing at all.
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

        talk.add_done_callback(ended)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = (writer.get_extra_info("peername") or ("",))[0]
        if len(self._talks) > self._limits.connections:
            self.turned_away += 1
            return
        # Ended by the peer, who may speak no HTTP, or by `disconnect`; nobody else knows this task.
        with contextlib.suppress(
            OSError,
            TimeoutError,
            h11.ProtocolError,
            asyncio.IncompleteReadError,
            asyncio.CancelledError,
        ):
            await _Talk(self, reader, writer, peer).run()

    async def answer(self, post: Post) -> Reply | None:
        """Return what the handler says."""
        return await self._handler(post)

    @property
    def guard(self) -> Guard:
        """Who may post."""
        return self._guard

    @property
    def limits(self) -> HttpLimits:
        """The bounds."""
        return self._limits


class _Talk:
    """One connection."""

    def __init__(
        self,
        server: PostServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: str,
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD)

    async def run(self) -> None:
        limits, guard = self._server.limits, self._server.guard
        if self._peer and not guard.admits(self._peer):
            self._server.turned_away += 1
            await self._turn_away(Reply(403))
            return
        while True:
            async with asyncio.timeout(limits.idle_s):
                request = await self._next()
            if not isinstance(request, h11.Request):
                return
            headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in request.headers}
            known = guard.knows(headers)
            async with asyncio.timeout(limits.request_s):
                body = await self._body(headers, keep=known)
            if not known:
                # Read first: who is cut off while writing never sees why.
                self._server.turned_away += 1
                await self._write(Reply(401))
                return
            if body is None:
                await self._turn_away(Reply(413))
                return
            method, target = request.method.decode("ascii"), request.target.decode("latin-1")
            reply = await self._server.answer(Post(method, target, headers, body, self._peer))
            if reply is None:
                return
            await self._write(reply)
            if reply.cut or self._http.our_state is h11.MUST_CLOSE:
                return
            self._http.start_next_cycle()

    async def _turn_away(self, reply: Reply) -> None:
        """Answer before the request is whole. What still comes is thrown away for a moment: a
        connection closed with unread data takes its answer along."""
        await self._write(reply)
        self._writer.write_eof()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while await self._reader.read(_READ):
                    pass

    async def _body(self, headers: Mapping[str, str], *, keep: bool) -> bytes | None:
        """Return the whole body, None for one that is larger than it may be; without `keep` it is
        read and thrown away."""
        most = self._server.limits.body
        said = headers.get("content-length", "")
        if said.isdecimal() and int(said) > most:
            return None
        if self._http.they_are_waiting_for_100_continue:
            info = h11.InformationalResponse(status_code=_CONTINUE, headers=[])
            self._writer.write(self._http.send(info) or b"")
        pieces: list[bytes] = []
        size = 0
        while True:
            event = await self._next()
            if isinstance(event, h11.EndOfMessage):
                return b"".join(pieces)
            if not isinstance(event, h11.Data):
                raise h11.RemoteProtocolError("the request was cut off")
            size += len(event.data)
            if size > most:
                return None
            if keep:
                pieces.append(bytes(event.data))

    async def _next(self) -> object:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(_READ))

    async def _write(self, reply: Reply) -> None:
        headers = [
            ("content-type", reply.content_type),
            ("content-length", str(len(reply.body))),
        ]
        if reply.status == 401:
            headers.append(("www-authenticate", 'Basic realm="mm7"'))
        if reply.status >= 400 and self._http.their_state is not h11.DONE:
            headers.append(("connection", "close"))
        http = self._http
        head = http.send(h11.Response(status_code=reply.status, headers=headers)) or b""
        data = head + (http.send(h11.Data(data=reply.body)) or b"")
        if reply.cut:
            self._writer.write(data[: max(len(data) - 8, 8)])
        else:
            self._writer.write(data + (http.send(h11.EndOfMessage()) or b""))
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()
