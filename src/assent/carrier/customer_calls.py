"""Connections that we open to SGIP customers: reports and replies go out on them (facts: SGIP 2.1).

One at a time for each login, while something waits that no connection is there to take; an idle one
is ended by its session.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from assent.carrier.customer_line import Line
from assent.carrier.pacing import Backoff
from assent.wire.events import Bound, Refused

if TYPE_CHECKING:
    from assent.carrier.customer_login import Login
    from assent.carrier.customers import CustomerServer
    from assent.carrier.tongue_sgip import SgipTongue
    from assent.wire.events import Event
    from assent.wire.session import Session

LONGEST_PAUSE_S = 30.0
CONNECT_S = 10.0


class Call(Line):
    """`settled`: done when it is bound (True) or gone (False)."""

    tongue: SgipTongue

    def __init__(self, server: CustomerServer, tongue: SgipTongue, login: Login) -> None:
        super().__init__(server, tongue)
        self.login = login
        self.settled: asyncio.Future[bool] = server.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Log in."""
        super().connection_made(transport)
        self.server.lines.add(self)
        self.write(self._session.start(self._loop.time(), 0))

    def open(self, now: float) -> Session:
        return self.tongue.calling_session(self._login.link, now, self.server.clock.now())

    def on_event(self, event: Event, now: float) -> None:
        """Carry items once the customer has let us in."""
        if isinstance(event, Bound):
            self._login.counters["calls"] += 1
            self._settle(True)
            self.join()
        elif isinstance(event, Refused):
            self._login.counters["calls_refused"] += 1
        else:
            super().on_event(event, now)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what is not acknowledged; another call may follow."""
        self._settle(False)
        super().connection_lost(exc)
        self.server.forget(self)

    def _settle(self, bound: bool) -> None:
        if not self.settled.done():
            self.settled.set_result(bound)


class Caller:
    """Calls the customer of one login whenever something waits for it."""

    def __init__(
        self, server: CustomerServer, tongue: SgipTongue, login: Login, address: tuple[str, int]
    ) -> None:
        self.address = address
        self._server = server
        self._tongue = tongue
        self._login = login
        self._backoff = Backoff(server.settings.retry_s, LONGEST_PAUSE_S, server.rng)
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None

    def summon(self) -> None:
        """Something waits: call, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = self._server.loop.create_task(self._call())

    def close(self) -> None:
        """Call no more."""
        if self._task is not None:
            self._task.cancel()

    async def _call(self) -> None:
        loop, outlet = self._server.loop, self._login.outlet
        while outlet.queue and not outlet.lines:
            # A customer that takes the call and drops it must not be called in a circle.
            await asyncio.sleep(max(0.0, self._not_before - loop.time()))
            self._not_before = loop.time() + self._backoff.next()
            if await self._connect():
                self._backoff.reset()
            else:
                self._login.counters["calls_failed"] += 1

    async def _connect(self) -> bool:
        """Whether the customer took the call."""
        call = Call(self._server, self._tongue, self._login)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._server.loop.create_connection(lambda: call, *self.address)
                return await call.settled
        except OSError:  # TimeoutError is one
            return False
        finally:
            if not call.bound:
                call.abort()
