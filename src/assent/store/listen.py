"""LISTEN on a connection of its own, kept alive and made again when lost.

One connection serves all channels of a store. PostgreSQL keeps no notifications for a listener
that is away, so each return is reported (`resync`) and the subscriber reads the tables.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from assent.errors import AssentError, LocalProtocolError
from assent.store.driver import Connection
from assent.store.failures import DRIVER_ERRORS, translated

KEEPALIVE_S: Final = 5.0
FIRST_PAUSE_S: Final = 0.05
LONGEST_PAUSE_S: Final = 2.0

_CHANNEL = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(eq=False, slots=True)
class Subscription:
    """One callback on one channel. `close()` ends it; calls already under way may still arrive."""

    channel: str
    callback: Callable[[str], None]
    resync: Callable[[], None] | None
    _listener: Listener

    async def close(self) -> None:
        """Stop calling. May be repeated."""
        await self._listener.remove(self)


class Listener:
    """The listening connection of one store. `connect(application)` opens a connection."""

    def __init__(self, connect: Callable[[str], Awaitable[Connection]]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._subscriptions: dict[str, list[Subscription]] = {}
        self._task: asyncio.Task[None] | None = None
        self._lost = asyncio.Event()
        self._lock = asyncio.Lock()

    async def add(
        self, channel: str, callback: Callable[[str], None], resync: Callable[[], None] | None
    ) -> Subscription:
        """Begin listening; on return every later NOTIFY is heard. Raises Unavailable."""
        if not _CHANNEL.fullmatch(channel):
            raise LocalProtocolError("channel_name", f"{channel!r} is not a channel name")
        subscription = Subscription(channel, callback, resync, self)
        async with self._lock:
            if self._connection is None and self._task is None:
                await self._open()
                self._task = asyncio.get_running_loop().create_task(self._supervise())
            held = self._subscriptions.setdefault(channel, [])
            if not held and self._connection is not None:
                try:
                    with translated(f"listen {channel}"):
                        await self._connection.add_listener(channel, self._notified)
                except AssentError:
                    del self._subscriptions[channel]
                    raise
            held.append(subscription)
        return subscription

    async def remove(self, subscription: Subscription) -> None:
        """End one subscription."""
        async with self._lock:
            held = self._subscriptions.get(subscription.channel, [])
            if subscription not in held:
                return
            held.remove(subscription)
            if not held:
                del self._subscriptions[subscription.channel]
                if self._connection is not None:
                    # A lost connection listens to nothing; the supervisor sees the loss.
                    with suppress(*DRIVER_ERRORS):
                        await self._connection.remove_listener(subscription.channel, self._notified)

    async def close(self) -> None:
        """Stop listening and close the connection. May be repeated."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DRIVER_ERRORS):
                await connection.close(timeout=2.0)

    async def _open(self) -> None:
        connection = await self._connect("assent listen")
        self._lost.clear()
        self._connection = connection
        connection.add_termination_listener(self._terminated)
        try:
            with translated("listen"):
                for channel in self._subscriptions:
                    await connection.add_listener(channel, self._notified)
        except BaseException:
            self._connection = None
            connection.terminate()
            raise

    async def _supervise(self) -> None:
        """Notice a loss (at once, or by a keepalive on a dead network) and come back."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(KEEPALIVE_S):
                    await self._lost.wait()
            if not self._lost.is_set() and await self._answers():
                continue
            await self._come_back()
            for subscription in [s for held in self._subscriptions.values() for s in held]:
                if subscription.resync is not None:
                    _call(subscription.resync)

    async def _answers(self) -> bool:
        try:
            async with self._lock:
                if self._connection is None:
                    return False
                await self._connection.execute("SELECT 1", timeout=KEEPALIVE_S)
        except DRIVER_ERRORS:
            return False
        return True

    async def _come_back(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                async with self._lock:
                    await self._open()
            except AssentError:
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                return

    def _terminated(self, connection: Any) -> None:
        # A connection that was given up earlier may report its end late.
        if connection is self._connection:
            self._lost.set()

    def _notified(self, _connection: Any, _pid: int, channel: str, payload: Any) -> None:
        for subscription in list(self._subscriptions.get(channel, ())):
            _call(subscription.callback, str(payload))


def _call(callback: Callable[..., None], *args: str) -> None:
    """Call a subscriber; its error is the loop's to report and must not silence the others."""
    try:
        callback(*args)
    except Exception as error:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "a callback of Store.listen failed", "exception": error}
        )
