"""Where a gateway connects to us: SGIP's second direction (facts: SGIP 2.1).

An SGIP gateway delivers messages and reports on connections that it opens itself, so a link to it
listens, too. What arrives goes to the link's sink as if it had come on the link's own connection,
and is acknowledged on the connection that brought it once it is durable.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TYPE_CHECKING, Any, Final, cast

from assent.carrier.sockets import Holds, reset
from assent.wire.connection import SessionSettings
from assent.wire.events import (
    BindAsked,
    Delivers,
    Ended,
    Malformed,
    Overrun,
    Send,
    Unknown,
)
from assent.wire.sgip import SGIP, SMG_TO_SP

if TYPE_CHECKING:
    from assent.carrier.link import Link
    from assent.carrier.pdu_tap import PduTap
    from assent.flow.links import Deliver
    from assent.wire.events import Event
    from assent.wire.pdus import DeliverPdu
    from assent.wire.session import Session

RETRY_S: Final = 1.0
"""How long to wait before listening is tried again on an address that is in use."""


@dataclass(frozen=True, slots=True)
class ListenSettings:
    """Where the gateway reaches us and what it binds with. `allowed`: networks that it may connect
    from; none means any. `idle_s`: a connection without a PDU for so long is ended.
    `connections`: how many may stand at once."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    allowed: tuple[IPv4Network | IPv6Network, ...] = ()
    idle_s: float = 180.0
    connections: int = 16

    def admits(self, address: str) -> bool:
        """Whether a peer may connect from an address."""
        if not self.allowed:
            return True
        given = ip_address(address)
        plain = getattr(given, "ipv4_mapped", None) or given
        return any(plain in network for network in self.allowed)


class Listener:
    """Listens for one link from `start` until `stop`; not safe across threads."""

    def __init__(self, link: Link, settings: ListenSettings) -> None:
        self.link = link
        self.settings = settings
        self.served: set[Served] = set()
        self.turned_away = 0
        self.detail = ""
        self._server: asyncio.Server | None = None
        self._task: asyncio.Task[None] | None = None
        self.listening = False

    def start(self) -> None:
        """Listen, now or as soon as the address is free."""
        self.listening = True
        self._task = asyncio.get_running_loop().create_task(self._listen())

    @property
    def port(self) -> int:
        """The port that is listened on, 0 while there is none."""
        server = self._server
        return server.sockets[0].getsockname()[1] if server is not None and server.sockets else 0

    def acknowledge(self, delivers: Sequence[Deliver], result: int) -> int:
        """Answer those delivers that came on a connection which still stands; return how many."""
        return sum(one.acknowledge(delivers, result) for one in self.served)

    def stop(self, *, abort: bool = False) -> None:
        """Take no more connections; unbind those that stand, or drop them. May be repeated."""
        self.listening = False  # the system may have accepted one that we hear of after this
        if self._task is not None:
            self._task.cancel()
        if self._server is not None:
            self._server.close()
            self._server = None
        for one in list(self.served):
            one.end(abort=abort)

    def health(self) -> dict[str, Any]:
        """Return its figures as plain values."""
        return {
            "port": self.port,
            "connections": len(self.served),
            "bound": sum(one.bound for one in self.served),
            "unacknowledged": sum(one.unacknowledged for one in self.served),
            "turned_away": self.turned_away,
            "detail": self.detail,
        }

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        settings = self.settings
        while True:
            try:
                # Known before it serves: whoever is cancelled in between would leave it open.
                self._server = await loop.create_server(
                    lambda: Served(self), settings.host, settings.port, start_serving=False
                )
                await self._server.start_serving()
            except OSError as error:
                self.detail = f"cannot listen: {error.strerror or type(error).__name__}"
                await asyncio.sleep(RETRY_S)
            else:
                self.detail = ""
                return


class Served(asyncio.Protocol):
    """One connection that the gateway opened."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._link = listener.link
        self.tap: PduTap | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._session: Session = None  # type: ignore[assignment]  # set when connected
        self._ticker: asyncio.TimerHandle | None = None
        self._holds: Holds = None  # type: ignore[assignment]  # set when connected

    @property
    def bound(self) -> bool:
        """Whether the gateway has logged in."""
        return self._transport is not None and self._session.bound

    @property
    def unacknowledged(self) -> int:
        """How many delivers wait for the platform's acknowledgement."""
        return 0 if self._transport is None else self._session.unanswered

    def acknowledge(self, delivers: Sequence[Deliver], result: int) -> int:
        """Answer those that came on this connection, in one write; return how many."""
        session = self._session
        before = session.unanswered
        self._write(session.acknowledge(cast("Sequence[DeliverPdu]", delivers), result))
        if session.unanswered <= self._link.settings.deliver_limit // 2:
            self._holds.release("delivers")
        return before - session.unanswered

    def end(self, *, abort: bool = False) -> None:
        """Unbind and close; with `abort` drop the connection as it is."""
        transport = self._transport
        if transport is None:
            return
        if abort:
            transport.abort()
            return
        if self._session.bound:
            self._write(self._session.finish(self._loop.time()))
        self._close(transport)

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the login of a peer that may be here."""
        made = cast("asyncio.Transport", transport)
        listener = self._listener
        settings = listener.settings
        peer = made.get_extra_info("peername")
        full = len(listener.served) >= settings.connections
        if not listener.listening or full or not settings.admits(peer[0]):
            listener.turned_away += 1
            made.abort()
            return
        self._transport = made
        self._holds = Holds(made)
        listener.served.add(self)
        ours = self._link.settings
        serve = self._link.kit.serve
        assert serve is not None, "only a dialect with this direction has a listener"
        self._session = serve(
            SessionSettings(
                version=SMG_TO_SP, heartbeat_s=settings.idle_s, response_s=ours.response_s
            ),
            self._loop.time(),
        )
        self.look()
        self._tick()

    def look(self) -> None:
        """Begin or end to show what passes, as the link says."""
        self.tap = self._link.tap_for(self._session, " inbound")

    def data_received(self, data: bytes) -> None:
        """Hand on what came."""
        if self._transport is None:
            return
        now = self._loop.time()
        if self.tap is not None:
            self.tap.came(data)
        for event in self._session.receive(data, now):
            self._on_event(event, now)

    def pause_writing(self) -> None:
        """The gateway does not take our answers: take no more from it."""
        self._holds.hold("writing")

    def resume_writing(self) -> None:
        """It reads again."""
        self._holds.release("writing")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it: what was not acknowledged comes again."""
        if self._ticker is not None:
            self._ticker.cancel()
        if self._transport is not None:
            self._transport = None
            self._session.lost()
        self._listener.served.discard(self)

    # --- inside

    def _on_event(self, event: Event, now: float) -> None:
        link = self._link
        if isinstance(event, Delivers):
            link.counters.delivers += len(event.delivers)
            if self._session.unanswered > link.settings.deliver_limit:
                self._holds.hold("delivers")
            link.sink.arrived(link, event.delivers)
        elif isinstance(event, Send):
            self._write(event.data)
        elif isinstance(event, BindAsked):
            self._on_bind(event, now)
        elif isinstance(event, Ended):
            self._write(event.reply)
            link.counters.protocol_errors += event.error is not None
            if self._transport is not None:
                self._close(self._transport)
        elif isinstance(event, (Malformed, Unknown, Overrun)):
            link.counters.protocol_errors += 1

    def _on_bind(self, asked: BindAsked, now: float) -> None:
        settings = self._listener.settings
        if hmac.compare_digest(asked.user.encode(), settings.user.encode()):
            events = self._session.accept(asked, settings.secret, now)
        else:
            events = self._session.refuse(asked, SGIP.codes.bad_proof, now)
        for event in events:
            self._on_event(event, now)

    def _tick(self) -> None:
        now = self._loop.time()
        for event in self._session.tick(now):
            self._on_event(event, now)
        interval = min(1.0, max(0.01, self._session.settings.response_s / 8))
        self._ticker = self._loop.call_later(interval, self._tick)

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None:
            if self.tap is not None:
                self.tap.left(data)
            self._transport.write(data)

    def _close(self, transport: asyncio.Transport) -> None:
        """Close when what is written has left; a gateway that does not read is not waited for."""
        transport.close()
        self._loop.call_later(self._link.settings.stall_s, reset, transport)
