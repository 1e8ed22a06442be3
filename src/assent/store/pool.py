"""Store and Transaction: named queries on a pool of PostgreSQL connections.

Theory of operation
-------------------
A `Transaction` is the only way to run several statements as one; `Store` has the same methods
for single statements, each its own transaction. Nothing here keeps session state on a pooled
connection (no SET, no session lock, no LISTEN), so a connection goes back to the pool without a
reset round trip. Session locks and LISTEN live on connections of their own (`connect`).

The isolation is READ COMMITTED: a lock taken by one statement is seen by the next one, which is
what "lock first, check in a second statement" (DESIGN.md, small print) rests on.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, cast

import asyncpg

from assent.errors import AssentError, LocalProtocolError, Unavailable
from assent.store.driver import Connection, Pool, Pooled
from assent.store.failures import DRIVER_ERRORS, mapped, translated
from assent.store.listen import Listener, Subscription
from assent.store.queries import PACKAGED, Queries, load

OLDEST_VERSION: Final = 150000
Isolation = Literal["read_committed", "repeatable_read", "serializable"]

# A transaction forgotten open would hold its advisory locks for ever.
_SESSION: Final = {
    "timezone": "UTC",
    "idle_in_transaction_session_timeout": "300000",
    "application_name": "assent",
}


class _Statements:
    """The seven ways to run a named query; `_on` hands out the connection to run it on."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    def _on(self) -> Any:
        raise NotImplementedError

    async def fetch(self, name: str, *args: Any) -> list[asyncpg.Record]:
        """Run the query and return all its rows."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                return cast(list[asyncpg.Record], await connection.fetch(sql, *args))

    async def fetchrow(self, name: str, *args: Any) -> asyncpg.Record | None:
        """Run the query and return its first row, or None."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                return cast("asyncpg.Record | None", await connection.fetchrow(sql, *args))

    async def fetchval(self, name: str, *args: Any) -> Any:
        """Run the query and return the first column of its first row, or None."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                return await connection.fetchval(sql, *args)

    async def execute(self, name: str, *args: Any) -> str:
        """Run the query for its effect and return PostgreSQL's command tag, such as 'UPDATE 3'."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                return cast(str, await connection.execute(sql, *args))

    async def executemany(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run the query once for each row of arguments, in one exchange; all of it or nothing."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                await connection.executemany(sql, rows)

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
    ) -> None:
        """Append `records` (tuples in the order of `columns`) by binary COPY; all or none."""
        with translated(f"copy {table}"):
            async with self._on() as connection:
                await connection.copy_records_to_table(
                    table, columns=list(columns), records=records
                )

    async def copy_out(self, name: str, sink: Callable[[bytes], Awaitable[None]]) -> None:
        """Run a query without arguments and hand its rows to `sink`, as binary COPY has them."""
        sql = self._queries.sql(name)
        with translated(name):
            async with self._on() as connection:
                await connection.copy_from_query(sql, output=sink, format="binary")


class Transaction(_Statements):
    """One open transaction. Get it from `Store.transaction`; useless once that block is left.

    After any error the transaction is over: let the error leave the block, then start again.
    """

    def __init__(self, queries: Queries, connection: Pooled) -> None:
        super().__init__(queries)
        self._connection: Pooled | None = connection

    @asynccontextmanager
    async def _on(self) -> AsyncIterator[Pooled]:
        if self._connection is None:
            raise LocalProtocolError(
                "transaction_over", "this transaction has ended", mend="use the store's methods"
            )
        yield self._connection

    def _end(self) -> None:
        self._connection = None


class Store(_Statements):
    """A PostgreSQL database of ours, by named queries. Open it with `Store.open`.

    Every method raises AssentError only: Unavailable where the same call may succeed later
    (connection lost, disk full, no free connection), Conflict where another transaction or an
    existing row is in the way, InvalidInput where a value does not fit.
    """

    def __init__(
        self,
        queries: Queries,
        pool: Pool,
        connector: Connector,
        acquire_timeout_s: float,
    ) -> None:
        super().__init__(queries)
        self._pool = pool
        self._connector = connector
        self._acquire_timeout_s = acquire_timeout_s
        self._listener: Listener | None = None
        self._closed = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        min: int = 1,
        max: int = 10,
        queries: Queries | Path | None = None,
        acquire_timeout_s: float = 30.0,
        connected: Callable[[Connection], Coroutine[Any, Any, None]] | None = None,
    ) -> Store:
        """Connect to the PostgreSQL at `url` with a pool of `min` to `max` connections.

        The connection must be a direct one (or a session-mode pooler). The schema is not looked
        at: run `migrate` first. `connected` is given each connection that the pool makes.
        Caller's duty: `close()`.

        Raises Unavailable where PostgreSQL cannot be reached, and AssentError where it is not
        fit: `store_version` (older than 15), `store_fsync` (fsync=off loses accepted messages),
        `store_encoding` (not UTF8).
        """
        loaded = queries if isinstance(queries, Queries) else load(queries or PACKAGED)
        connector = await Connector.probe(url)
        with translated("open"):
            pool = asyncpg.create_pool(
                url,
                min_size=min,
                max_size=max,
                reset=_keep,
                init=connected,
                server_settings=connector.settings,
                statement_cache_size=1024,
                max_cacheable_statement_size=0,
                # A new connection costs tens of milliseconds, and has nothing prepared.
                max_inactive_connection_lifetime=0,
                timeout=acquire_timeout_s,
            )
            await pool
        return cls(loaded, pool, connector, acquire_timeout_s)

    @property
    def queries(self) -> Queries:
        """The named queries of this store."""
        return self._queries

    @asynccontextmanager
    async def _on(self) -> AsyncIterator[Pooled]:
        connection = await self._acquire()
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def _acquire(self) -> Pooled:
        try:
            return await self._pool.acquire(timeout=self._acquire_timeout_s)
        except TimeoutError:
            raise Unavailable(
                "store_busy",
                f"no connection became free within {self._acquire_timeout_s:g} s",
                mend="try again; if it lasts, open the store with a larger pool",
            ) from None

    async def once(self, name: str, *args: Any) -> asyncpg.Record | None:
        """Run a query that is a whole transaction and return its first row, or None.

        One exchange instead of three. Raises what `transaction` raises: `commit_unknown` where the
        connection went before the answer came.
        """
        sql = self._queries.sql(name)
        with translated(name):
            connection = await self._acquire()
        try:
            return await connection.fetchrow(sql, *args)
        except DRIVER_ERRORS as error:
            raise _maybe_stored(error, name) from None
        finally:
            with translated("release"):
                await self._pool.release(connection)

    @asynccontextmanager
    async def transaction(
        self, *, isolation: Isolation = "read_committed", read_only: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction: committed when the block is left, rolled back when an error leaves.

        Once the block has ended without an error, what it wrote is durable. Raises what `Store`
        raises, and Unavailable `commit_unknown` where the connection went during COMMIT: then it
        may be stored or not, and only a look at the database tells.
        """
        with translated("begin"):
            connection = await self._acquire()
        try:
            block = connection.transaction(isolation=isolation, readonly=read_only)
            with translated("begin"):
                await block.start()
            transaction = Transaction(self._queries, connection)
            try:
                yield transaction
            except BaseException:
                transaction._end()
                await _roll_back(block)
                raise
            transaction._end()
            await _commit(block)
        finally:
            with translated("release"):
                await self._pool.release(connection)

    async def listen(
        self,
        channel: str,
        callback: Callable[[str], None],
        resync: Callable[[], None] | None = None,
    ) -> Subscription:
        """Call `callback(payload)` for each NOTIFY on `channel`, on one connection of its own.

        When that connection is lost it is made again, and `resync()` is called once listening
        works anew: what was notified meanwhile is lost, so read the tables. Both are called in
        the event loop and must return quickly. Raises Unavailable if listening cannot begin.
        """
        if self._listener is None:
            self._listener = Listener(self.connect)
        return await self._listener.add(channel, callback, resync)

    async def connect(
        self, application: str = "assent", settings: dict[str, str] | None = None
    ) -> Connection:
        """Open a connection of its own, outside the pool. Caller's duty: close it.

        Only for what needs a session (LISTEN, session locks). It is asyncpg's: wrap its use in
        `failures.translated`.
        """
        return await self._connector.connect(application, settings)

    async def close(self) -> None:
        """Stop listening and close all connections; waits for those in use. May be repeated."""
        if self._closed:
            return
        self._closed = True
        if self._listener is not None:
            await self._listener.close()
        with translated("close"):
            await self._pool.close()


class Connector:
    """Opens single connections to one database, each with our session settings."""

    def __init__(self, url: str, settings: dict[str, str]) -> None:
        self.url = url
        self.settings = settings

    @classmethod
    async def probe(cls, url: str) -> Connector:
        """Connect once, refuse a server that is not fit, and settle the session settings."""
        connector = cls(url, dict(_SESSION))
        connection = await connector.connect()
        try:
            with translated("open"):
                row = await connection.fetchrow(
                    "SELECT current_setting('server_version_num')::int AS version,"
                    " current_setting('fsync') AS fsync,"
                    " current_setting('server_encoding') AS encoding,"
                    " current_setting('synchronous_commit') AS synchronous"
                )
        finally:
            await connection.close()
        assert row is not None
        refuse_unfit(row["version"], row["fsync"], row["encoding"])
        if row["synchronous"] == "off":
            # Accepted means durable; the server's default may stay as it is for other users.
            connector.settings["synchronous_commit"] = "on"
        return connector

    async def connect(
        self, application: str = "assent", settings: dict[str, str] | None = None
    ) -> Connection:
        """Open one connection. Raises Unavailable, and AssentError `store_url`."""
        asked = {**self.settings, "application_name": application, **(settings or {})}
        # An empty URL would mean whatever server the driver finds by itself.
        if not self.url.startswith(("postgresql://", "postgres://")):
            raise _not_a_url()
        with translated("connect"):
            try:
                return await asyncpg.connect(self.url, timeout=30.0, server_settings=asked)
            except ValueError:
                raise _not_a_url() from None


def refuse_unfit(version: int, fsync: str, encoding: str) -> None:
    """Raise AssentError unless a server with these settings can keep our promises."""
    if version < OLDEST_VERSION:
        raise AssentError(
            "store_version",
            f"PostgreSQL {version // 10000} is too old; 15 is the oldest that works",
            mend="upgrade PostgreSQL to 15 or later",
        )
    if fsync != "on":
        raise AssentError(
            "store_fsync",
            "PostgreSQL runs with fsync=off: a power cut would lose accepted messages",
            mend="set fsync=on in postgresql.conf and restart PostgreSQL",
        )
    if encoding != "UTF8":
        raise AssentError(
            "store_encoding",
            f"the database's encoding is {encoding}, not UTF8",
            mend="create the database with ENCODING 'UTF8' TEMPLATE template0",
        )


def _not_a_url() -> AssentError:
    # The URL holds a password: it is not repeated.
    return AssentError(
        "store_url",
        "the database's URL is not one of PostgreSQL",
        field="ASSENT_DATABASE_URL",
        mend="write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters as %XX",
    )


async def _keep(_connection: object) -> None:
    """Put a connection back as it is: pooled connections carry no session state of ours."""


async def _roll_back(block: Any) -> None:
    """Roll back; a lost connection has rolled back already."""
    try:
        await block.rollback()
    except DRIVER_ERRORS:
        return


async def _commit(block: Any) -> None:
    try:
        await block.commit()
    except DRIVER_ERRORS as error:
        raise _maybe_stored(error, "commit") from None


def _maybe_stored(error: BaseException, what: str) -> AssentError:
    """Return the failure of a statement that commits."""
    failure = mapped(error, what)
    # An InterfaceError is raised before anything is sent: then nothing is stored for certain.
    if failure.code == "store_unavailable" and not isinstance(error, asyncpg.InterfaceError):
        return Unavailable(
            "commit_unknown",
            "PostgreSQL went away while the transaction was being committed",
            mend="look whether it was stored before doing it again",
        )
    return failure
