"""Epochs: who is alive, told by PostgreSQL and not by clocks.

Every process registers a row in `epoch` and holds the session advisory lock (4711, epoch id) on a
connection of its own. Leases and windows carry the epoch; another process may settle them only
once that lock is free. So losing the connection is losing the right to act: `on_lost` must abort
what the epoch was doing before anything else.

Our side gives up first. A keepalive each second with 4 s of patience finds a dead network within
5 s; PostgreSQL, told by the session's own settings, frees the lock no sooner than 10 s.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Final, Protocol

from assent.store.driver import Connection
from assent.store.failures import DRIVER_ERRORS, translated

LOCK_CLASS: Final = 4711
KEEPALIVE_S: Final = 1.0
PATIENCE_S: Final = 4.0

# Noticed by the server between 10 and 25 s after the network went; no effect on a Unix socket.
_SESSION: Final = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "idle_in_transaction_session_timeout": "0",
}


class Connecting(Protocol):
    """What an epoch needs of a Store."""

    async def connect(
        self, application: str = ..., settings: dict[str, str] | None = ...
    ) -> Connection:
        """Open a connection of its own."""
        ...


class Asking(Protocol):
    """A Store or a Transaction."""

    async def fetchval(self, name: str, *args: Any) -> Any:
        """Run a named query for one value."""
        ...


class Epoch:
    """This process's life in the database, from `register` to `close` or the connection's loss."""

    def __init__(self, id: int, connection: Connection, on_lost: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self.id = id
        self._connection = connection
        self._on_lost = on_lost
        self._over = False
        self._seen = loop.time()
        connection.add_termination_listener(self._terminated)
        self._task = loop.create_task(self._keep_alive())
        if connection.is_closed():
            self._lose()

    @classmethod
    async def register(
        cls,
        store: Connecting,
        role: str,
        at: datetime,
        on_lost: Callable[[], None],
    ) -> Epoch:
        """Write the epoch's row (begun `at`) and take its lock; both are there on return.

        `on_lost()` is called once, in the event loop, as soon as the connection is gone (never
        after `close`): abort the links first. A lost epoch does not come back; register anew.
        Raises Unavailable.
        """
        connection = await store.connect("assent epoch", dict(_SESSION))
        try:
            with translated("epoch register"):
                # The row shows itself to others only at COMMIT, when the lock is held already.
                async with connection.transaction():
                    id_ = await connection.fetchval(
                        "INSERT INTO epoch (role, host, pid, started_at)"
                        " VALUES ($1, $2, $3, $4) RETURNING id",
                        role,
                        socket.gethostname(),
                        os.getpid(),
                        at,
                    )
                    await connection.execute("SELECT pg_advisory_lock($1, $2)", LOCK_CLASS, id_)
        except BaseException:
            connection.terminate()
            raise
        return cls(id_, connection, on_lost)

    @property
    def alive(self) -> bool:
        """Tell whether the lock is still held, as far as this side knows."""
        return not self._over

    @property
    def seen(self) -> float:
        """Return the event loop's time of the last answer on the epoch's connection, seconds.

        A process that slept (a stopped virtual machine) may compare it with now before it acts.
        """
        return self._seen

    async def close(self, at: datetime) -> None:
        """End the epoch in order: write its end `at`, free the lock. May be repeated.

        Caller's duty: nothing of this epoch is under way any more. Never raises for a lost
        connection: then the row stays open, as after a crash.
        """
        if self._over:
            return
        self._over = True
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        with suppress(*DRIVER_ERRORS):
            await self._connection.execute(
                "UPDATE epoch SET ended_at = $2 WHERE id = $1", self.id, at, timeout=PATIENCE_S
            )
            await self._connection.close(timeout=PATIENCE_S)
        if not self._connection.is_closed():
            self._connection.terminate()

    def leave(self) -> None:
        """Free the lock without writing the end: others find the epoch dead and settle it.

        Caller's duty as for `close`; `on_lost` is not called.
        """
        if not self._over:
            self._over = True
            self._task.cancel()
            self._connection.terminate()

    async def _keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(KEEPALIVE_S)
            try:
                await self._connection.execute("SELECT 1", timeout=PATIENCE_S)
            except DRIVER_ERRORS:
                self._lose()
                return
            self._seen = loop.time()

    def _terminated(self, _connection: Any) -> None:
        self._lose()

    def _lose(self) -> None:
        if self._over:
            return
        self._over = True
        try:
            self._on_lost()
        finally:
            self._task.cancel()
            self._connection.terminate()


async def is_alive(statements: Asking, epoch_id: int) -> bool:
    """Tell whether the epoch's process lives: its lock is held. False for an id that never was.

    Inside a transaction a dead epoch stays dead until the transaction ends (the lock is taken).
    Two who ask at once may each see the other's asking as life: ask again later. Raises
    Unavailable.
    """
    return not await statements.fetchval("epoch_lock_free", epoch_id)
