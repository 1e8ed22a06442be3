"""What every connection to a customer has: a session on a socket, and items from the outlet."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, cast

from assent.errors import AssentError
from assent.wire.events import Answers, Ended, Malformed, Overrun, Send, Unknown, Unsure

if TYPE_CHECKING:
    from assent.carrier.customer_login import Login
    from assent.carrier.customer_outlet import Entry
    from assent.carrier.customers import CustomerServer
    from assent.carrier.pdu_tap import PduTap
    from assent.carrier.tongue import Tongue
    from assent.wire.events import Event
    from assent.wire.session import Session

MOST_REFUSALS = 3
"""An item that the customer refuses so often is dropped."""


class Line(asyncio.Protocol):
    """Base of `Bind` and `Call`. `login`: whose it is, once that is known."""

    def __init__(self, server: CustomerServer, tongue: Tongue) -> None:
        self.server = server
        self.tongue = tongue
        self.login: Login | None = None
        self.tap: PduTap | None = None
        self.closed = False
        self.ending = False
        self.heard_at = server.loop.time()
        self._loop = server.loop
        self._transport: asyncio.Transport | None = None
        self._session: Session = None  # type: ignore[assignment]  # set when connected
        self._ticker: asyncio.TimerHandle | None = None
        self._killer: asyncio.TimerHandle | None = None
        self._holds: set[str] = set()  # why nothing is read: "writing", "waiting"
        self._joined = False
        # Items that are not settled, in their order; DELIVERs written; DELIVERs to be written.
        self._entries: dict[Entry, None] = {}
        self._sent: dict[int, tuple[Entry, bytes]] = {}
        self._pending: deque[tuple[Entry, bytes]] = deque()
        self._token = 0
        self._not_before = 0.0

    @property
    def bound(self) -> bool:
        """Whether messages may flow."""
        return self._transport is not None and self._session.bound

    @property
    def in_flight(self) -> int:
        """How many DELIVERs are written and not acknowledged."""
        return len(self._sent)

    # --- what the transport tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the session."""
        self._transport = cast("asyncio.Transport", transport)
        self._session = self.open(self._loop.time())
        self._tick()

    def open(self, now: float) -> Session:
        """The session that this connection is for."""
        return self.tongue.session(now)

    def data_received(self, data: bytes) -> None:
        """Act on what came."""
        if self.closed:
            return
        if self.tap is not None:
            self.tap.came(data)
        now = self.heard_at = self._loop.time()
        for event in self._session.receive(data, now):
            self.on_event(event, now)
        self.push()

    def pause_writing(self) -> None:
        """The peer does not read: read nothing of it either, or what it is answered grows."""
        self.hold("writing")

    def resume_writing(self) -> None:
        """It reads again."""
        self.release("writing")
        self.push()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what is not acknowledged."""
        for timer in (self._ticker, self._killer):
            if timer is not None:
                timer.cancel()
        self.closed = True
        self._transport = None
        if self._session is not None:
            self._session.lost()
        if self._joined and self.login is not None:
            self._joined = False
            self.login.counters["redelivered"] += len({entry for entry, _ in self._sent.values()})
            self.login.outlet.left(self, list(self._entries))
        self._entries.clear()
        self._sent.clear()
        self._pending.clear()

    # --- what the owner asks

    def end(self, grace_s: float) -> None:
        """Say goodbye and close, at the latest after a while."""
        if self.closed or self._transport is None:
            return
        if self._killer is None:
            self._killer = self._loop.call_later(grace_s, self.abort)
        self.ending = True
        self.finish()

    def finish(self) -> None:
        """Unbind, once nothing of the peer waits for us."""
        now = self._loop.time()
        self.write(self._session.finish(now))
        if self._session.ended:
            self.close()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self.closed = True
            self._transport.abort()

    def close(self) -> None:
        """Close when all is written."""
        if not self.closed and self._transport is not None:
            self.closed = True
            self._loop.call_soon(self._transport.close)  # uvloop's TLS is not closed while it reads
            if self._killer is None:  # for a peer that does not read what is still to be written
                grace = self.server.settings.end_s
                self._killer = self._loop.call_later(grace, self._transport.abort)

    def hold(self, why: str) -> None:
        """Read nothing for now."""
        transport = self._transport
        if not self._holds and transport is not None and not transport.is_closing():
            transport.pause_reading()
        self._holds.add(why)

    def release(self, why: str) -> None:
        """Read again, unless there is another reason not to."""
        if why in self._holds:
            self._holds.discard(why)
            transport = self._transport
            if not self._holds and transport is not None and not transport.is_closing():
                transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Write what a session gave."""
        if data and self._transport is not None and not self.closed:
            if self.tap is not None:
                self.tap.left(data)
            self._transport.write(data)

    def look(self) -> None:
        """Begin or end to show what passes, as the server says."""
        if self.login is not None and not self.closed:
            self.tap = self.server.tap_for(self.tongue.name, self.login, self._session)

    # --- reports and replies

    def join(self) -> None:
        """Carry the login's items from now on."""
        if self.login is not None:
            self.look()
            self._joined = True
            self.login.outlet.joined(self)

    def push(self) -> None:
        """Write items as the window allows."""
        if not self._joined or self.closed or self.ending or "writing" in self._holds:
            return
        credit, now = self._session.credit, self._loop.time()
        if not credit or now < self._not_before:
            return
        pending = self._pending
        while len(pending) < credit and self._prepare():
            pass
        count = min(credit, len(pending))
        if not count:
            return
        taken = [pending.popleft() for _ in range(count)]
        tokens = range(self._token, self._token + count)
        self._token += count
        self._sent.update(zip(tokens, taken, strict=True))
        self.write(self._session.deliver([body for _, body in taken], tokens, now))
        counters = self._login.counters
        for entry, _ in taken:
            counters[f"{entry.kind}_sent"] += 1

    @property
    def _login(self) -> Login:
        assert self.login is not None, "only a bound connection carries anything"
        return self.login

    def _prepare(self) -> bool:
        """Make the DELIVERs of one more item; whether there was one."""
        login = self._login
        entry = login.outlet.take()
        if entry is None:
            return False
        try:
            bodies = self.tongue.bodies(entry.item, self._session.version)
        except (AssentError, ValueError):
            # It will never fit this dialect, and what waits behind it must not wait for ever.
            login.counters["dropped"] += 1
            login.outlet.settle(entry)
            return True
        entry.left = len(bodies)
        self._entries[entry] = None
        self._pending.extend([(entry, body) for body in bodies])
        return True

    def _on_answers(self, answers: list[tuple[int, int, int]], now: float) -> None:
        login = self._login
        again: list[tuple[Entry, bytes]] = []
        for token, result, _ in answers:
            found = self._sent.pop(token, None)
            if found is None:
                continue
            entry = found[0]
            if result:
                login.counters["delivers_refused"] += 1
                entry.refusals += 1
                if entry.refusals < MOST_REFUSALS:
                    again.append(found)
                    continue
                login.counters["dropped"] += 1
            else:
                login.counters[f"{entry.kind}_acknowledged"] += 1
            entry.left -= 1
            if not entry.left:
                del self._entries[entry]
                login.outlet.settle(entry)
        if again:
            # The order stays: nothing else goes out here before these.
            self._pending.extendleft(reversed(again))
            pause = self.server.settings.retry_s
            self._not_before = now + pause
            self._loop.call_later(pause, self.push)

    # --- events

    def on_event(self, event: Event, now: float) -> None:
        """What both kinds do; a kind adds its own."""
        if isinstance(event, Send):
            self.write(event.data)
        elif isinstance(event, Answers):
            self._on_answers(event.answers, now)
        elif isinstance(event, Unsure):
            # They may have been taken or not: the next connection brings them again.
            self.end(self.server.settings.end_s)
        elif isinstance(event, Ended):
            self.write(event.reply)
            if event.error is not None:
                self.count("protocol_errors")
            self.close()
        elif isinstance(event, Overrun):
            self.count("overrun", event.count)
        elif isinstance(event, (Malformed, Unknown)):
            self.count("protocol_errors")

    def count(self, name: str, number: int = 1) -> None:
        """Count for the login, or where nobody is known for the server."""
        counters = self.server.counters if self.login is None else self.login.counters
        counters[name] += number

    def _tick(self) -> None:
        if self.closed:
            return
        now = self._loop.time()
        for event in self._session.tick(now):
            self.on_event(event, now)
        settings = self._session.settings
        interval = min(1.0, max(0.01, min(settings.response_s, settings.heartbeat_s) / 8))
        self._ticker = self._loop.call_later(interval, self._tick)
