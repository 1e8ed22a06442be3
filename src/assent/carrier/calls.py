"""Connections that a simulated carrier opens itself: in SGIP reports and replies go out on those.

One call at a time for each account. The carrier calls when something waits and nobody is there to
take it; when a connection falls, what was not acknowledged waits again, and so it calls again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from assent.carrier.server import ServerConnection
from assent.carrier.speech_sgip import SgipSpeech
from assent.wire.events import Bound

if TYPE_CHECKING:
    from assent.carrier.mailbox import Account
    from assent.carrier.simulator import Simulator
    from assent.wire.events import Event
    from assent.wire.session import Session


class Call(ServerConnection):
    """A connection to the platform, on behalf of one account. `settled`: done when it is bound or
    gone."""

    counted = "calls"

    def __init__(self, simulator: Simulator, account: Account) -> None:
        super().__init__(simulator)
        self._candidate = account
        self.delivers = True
        self.settled: asyncio.Future[None] = simulator.loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Bind."""
        super().connection_made(transport)
        if self._closing:
            return
        self._out.append(self._session.start(self._loop.time(), 0))
        self._write()

    def _open(self, first_sequence: int) -> Session:
        account = cast("Account", self._candidate)
        speech = cast("SgipSpeech", self.speech)
        script, now = self.simulator.script, self._loop.time()
        user, secret = account.user, account.secret
        return speech.calling_session(script, first_sequence, now, user, secret)

    def _on_event(self, event: Event, now: float) -> None:
        super()._on_event(event, now)
        if isinstance(event, Bound):
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what was not acknowledged; a new call may follow."""
        self._settle()
        super().connection_lost(exc)

    def _settle(self) -> None:
        if not self.settled.done():
            self.settled.set_result(None)


class Caller:
    """Keeps one account's call up while something waits for it."""

    def __init__(self, simulator: Simulator, account: Account, host: str, port: int) -> None:
        self._simulator = simulator
        self._account = account
        self._address = (host, port)
        self._next = 0.0
        self._task: asyncio.Task[None] | None = None

    def summon(self) -> None:
        """Something waits: call, unless that is under way."""
        if self._task is None or self._task.done():
            self._task = self._simulator.loop.create_task(self._call())

    def close(self) -> None:
        """Call no more."""
        self._account.summon = None
        if self._task is not None:
            self._task.cancel()

    async def _call(self) -> None:
        simulator, account = self._simulator, self._account
        loop, pause = simulator.loop, simulator.settings.call_again_s
        while account.waiting and not account.receivers:
            # A platform that takes the call and drops it at once must not be called in a circle.
            await asyncio.sleep(max(0.0, self._next - loop.time()))
            self._next = loop.time() + pause
            try:
                _, call = await loop.create_connection(
                    lambda: Call(simulator, account), *self._address
                )
            except OSError:
                simulator.counters["calls_failed"] += 1
                continue
            await call.settled
