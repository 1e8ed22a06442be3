"""Store and Transaction on a real server: statements, isolation, errors, loss and return."""

# ruff: noqa: PT012, SIM117 - what raises is a whole transaction

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from assent.errors import (
    AssentError,
    Conflict,
    InvalidInput,
    LocalProtocolError,
    Unavailable,
)
from assent.store import Store
from assent.store.failures import CLASSES, DRIVER_ERRORS, STATES, mapped, meaning_of
from assent.store.pool import refuse_unfit
from assent.store.queries import load

SQL = """
-- name: insert
-- Insert a row.
INSERT INTO t (id, word, data) VALUES ($1, $2, $3);

-- name: update_all
-- Change the words.
UPDATE t SET word = $1::text;

-- name: all
-- Every row.
SELECT id, word, data FROM t ORDER BY id;

-- name: count
-- How many rows.
SELECT count(*)::int FROM t;

-- name: one
-- One row.
SELECT id, word, data FROM t WHERE id = $1;

-- name: lock
-- Lock a key.
SELECT pg_advisory_xact_lock($1::int, $2::int);

-- name: zone
-- The session's time zone and durability.
SELECT current_setting('timezone') || ' ' || current_setting('synchronous_commit');

-- name: backend
-- Who serves us.
SELECT pg_backend_pid();

-- name: end_backend
-- End a session.
SELECT pg_terminate_backend($1::int);

-- name: end_by_name
-- End sessions by application name.
SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE application_name = $1;

-- name: notify
-- Wake listeners.
SELECT pg_notify($1::text, $2::text);

-- name: divide
-- Fails for zero.
SELECT 1 / $1::int;

-- name: nonsense
-- Refers to what is not there.
SELECT * FROM nothing_of_this_name;

-- name: settle
-- Deferred foreign key: fails at commit.
INSERT INTO child (parent) VALUES ($1);
"""


@pytest.fixture
async def store(empty_url: str, tmp_path: Path) -> AsyncIterator[Store]:
    (tmp_path / "q.sql").write_text(SQL)
    connection = await asyncpg.connect(empty_url)
    await connection.execute(
        "CREATE TABLE t (id int PRIMARY KEY, word text CHECK (word <> 'bad'), data bytea);"
        "CREATE TABLE child (parent int REFERENCES t DEFERRABLE INITIALLY DEFERRED)"
    )
    await connection.close()
    store = await Store.open(empty_url, min=1, max=4, queries=tmp_path, acquire_timeout_s=0.5)
    yield store
    await store.close()


async def test_the_six_ways(store: Store) -> None:
    assert await store.execute("insert", 1, "你好", b"\x00\xff") == "INSERT 0 1"
    await store.executemany("insert", [(2, "b", b""), (3, None, None)])
    await store.copy("t", ["id", "word"], [(4, "d"), (5, "e")])
    row = await store.fetchrow("one", 1)
    assert row is not None
    assert tuple(row) == (1, "你好", b"\x00\xff")
    assert await store.fetchrow("one", 99) is None
    assert await store.fetchval("count") == 5
    assert [row["id"] for row in await store.fetch("all")] == [1, 2, 3, 4, 5]
    assert await store.execute("update_all", "x") == "UPDATE 5"


async def test_sessions_are_utc_and_durable(store: Store) -> None:
    assert await store.fetchval("zone") == "UTC on"


async def test_durable_even_where_the_database_says_otherwise(
    empty_url: str, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(empty_url)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    await connection.close()
    (tmp_path / "q.sql").write_text(SQL)
    store = await Store.open(empty_url, queries=tmp_path)
    assert await store.fetchval("zone") == "UTC on"
    await store.close()


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    async with store.transaction() as tx:
        await tx.execute("insert", 1, "a", None)
        assert await store.fetchval("count") == 0
    assert await store.fetchval("count") == 1
    with pytest.raises(RuntimeError, match="ours"):
        async with store.transaction() as tx:
            await tx.copy("t", ["id"], [(2,)])
            raise RuntimeError("ours")
    assert await store.fetchval("count") == 1


async def test_a_failed_statement_undoes_the_transaction(store: Store) -> None:
    with pytest.raises(Conflict) as caught:
        async with store.transaction() as tx:
            await tx.execute("insert", 1, "a", None)
            await tx.execute("insert", 1, "a", None)
    assert caught.value.code == "already_exists"
    assert caught.value.rule == "t_pkey"
    assert await store.fetchval("count") == 0


async def test_an_error_at_commit_is_ours_too(store: Store) -> None:
    with pytest.raises(Conflict) as caught:
        async with store.transaction() as tx:
            await tx.execute("settle", 12345)
    assert caught.value.code == "missing_reference"


async def test_a_transaction_is_useless_afterwards(store: Store) -> None:
    async with store.transaction() as tx:
        pass
    with pytest.raises(LocalProtocolError, match="ended"):
        await tx.fetchval("count")


async def test_a_cancelled_transaction_rolls_back_and_returns_its_connection(
    store: Store,
) -> None:
    entered = asyncio.Event()

    async def work() -> None:
        async with store.transaction() as tx:
            await tx.execute("insert", 1, "a", None)
            entered.set()
            await asyncio.Event().wait()

    for _ in range(6):
        entered.clear()
        task = asyncio.create_task(work())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert await store.fetchval("count") == 0


async def test_what_waited_for_a_lock_sees_what_the_holder_committed(store: Store) -> None:
    """Lock first, check in a second statement (DESIGN.md, small print)."""
    locked = asyncio.Event()

    async def holder() -> None:
        async with store.transaction() as tx:
            await tx.execute("lock", 1, 7)
            locked.set()
            await asyncio.sleep(0.05)
            await tx.execute("insert", 1, "a", None)

    async with asyncio.TaskGroup() as group:
        group.create_task(holder())
        await locked.wait()
        async with store.transaction() as tx:
            await tx.execute("lock", 1, 7)
            assert await tx.fetchval("count") == 1


async def test_serializable_conflicts_ask_to_repeat(store: Store) -> None:
    with pytest.raises(Conflict) as caught:
        async with (
            store.transaction(isolation="serializable") as one,
            store.transaction(isolation="serializable") as other,
        ):
            await one.fetchval("count")
            await other.fetchval("count")
            await one.execute("insert", 1, "a", None)
            await other.execute("insert", 2, "a", None)
    assert caught.value.code == "store_conflict"


@pytest.mark.parametrize(
    ("name", "args", "kind", "code"),
    [
        ("divide", (0,), InvalidInput, "store_value"),
        ("divide", (10**12,), InvalidInput, "store_value"),
        ("divide", ("x",), InvalidInput, "store_value"),
        ("insert", (1, "nul\x00", None), InvalidInput, "store_value"),
        ("insert", (1, "bad", None), InvalidInput, "store_value"),
        ("insert", (1, "\ud800", None), InvalidInput, "store_value"),
        ("insert", (1,), LocalProtocolError, "store_statement"),
        ("nonsense", (), LocalProtocolError, "store_statement"),
        ("unnamed", (), LocalProtocolError, "no_such_query"),
    ],
)
async def test_statement_errors_are_ours(
    store: Store, name: str, args: tuple[object, ...], kind: type[AssentError], code: str
) -> None:
    with pytest.raises(kind) as caught:
        await store.fetch(name, *args)
    assert caught.value.code == code
    assert name in caught.value.message


async def test_errors_never_quote_a_row(store: Store) -> None:
    number = "8613800138000"
    await store.execute("insert", 1, number, None)
    connection = await store.connect()
    await connection.execute("CREATE UNIQUE INDEX only_once ON t (word)")
    await connection.close()
    with pytest.raises(Conflict) as caught:
        await store.execute("insert", 2, number, None)
    error = caught.value
    assert number not in f"{error} {error.to_problem()} {error.__cause__}"
    assert error.__suppress_context__


def classes_below(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(found for child in root.__subclasses__() for found in classes_below(child))]


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for root in (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
        for kind in classes_below(root)
    ],
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_every_error_of_the_driver_has_a_meaning(kind: type[BaseException]) -> None:
    error = kind("8613800138000")
    assert isinstance(error, DRIVER_ERRORS)
    ours = mapped(error, "a query")
    assert isinstance(ours, AssentError)
    assert ours.mend
    assert "8613800138000" not in str(ours)


def test_every_exception_that_asyncpg_exports_is_covered() -> None:
    exported = [value for value in vars(asyncpg).values() if inspect.isclass(value)]
    errors = [
        kind for kind in exported if issubclass(kind, Exception) and not issubclass(kind, Warning)
    ]
    assert len(errors) > 200
    assert [kind for kind in errors if not issubclass(kind, DRIVER_ERRORS)] == []


def test_the_tables_speak_of_states_that_exist() -> None:
    known = {
        str(kind.sqlstate)
        for kind in classes_below(asyncpg.PostgresError)
        if getattr(kind, "sqlstate", None)
    }
    newer_than_driver = {"25P04"}
    assert set(STATES) - known - newer_than_driver == set()
    assert set(CLASSES) <= {state[:2] for state in known}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (asyncpg.DiskFullError("x"), "disk_full"),
        (asyncpg.TooManyConnectionsError("x"), "store_connections"),
        (asyncpg.DeadlockDetectedError("x"), "store_conflict"),
        (asyncpg.QueryCanceledError("x"), "store_timeout"),
        (asyncpg.AdminShutdownError("x"), "store_unavailable"),
        (asyncpg.CannotConnectNowError("x"), "store_unavailable"),
        (asyncpg.ConnectionDoesNotExistError("x"), "store_unavailable"),
        (asyncpg.ReadOnlySQLTransactionError("x"), "store_read_only"),
        (ConnectionRefusedError(), "store_unavailable"),
        (FileNotFoundError(), "store_unavailable"),
        (TimeoutError(), "store_unavailable"),
        (asyncpg.DataCorruptedError("x"), "store_damaged"),
    ],
)
def test_what_the_operator_meets(error: Exception, code: str) -> None:
    assert meaning_of(error).code == code


async def test_a_lost_connection_is_unavailable_and_then_replaced(store: Store) -> None:
    with pytest.raises(Unavailable) as caught:
        async with store.transaction() as tx:
            pid = await tx.fetchval("backend")
            await store.execute("end_backend", pid)
            await tx.fetchval("count")
    assert caught.value.code == "store_unavailable"
    assert caught.value.retry
    assert await store.fetchval("count") == 0


async def test_a_connection_lost_before_commit_is_unavailable(store: Store) -> None:
    with pytest.raises(Unavailable):
        async with store.transaction() as tx:
            await tx.execute("insert", 1, "a", None)
            await store.execute("end_backend", await tx.fetchval("backend"))
    assert await store.fetchval("count") == 0


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_connection_lost_during_commit_leaves_the_outcome_open(
    store: Store, at_once: bool
) -> None:
    connection = await store.connect()
    await connection.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END';"
        "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION die()"
    )
    await connection.close()
    with pytest.raises(Unavailable) as caught:
        if at_once:
            await store.once("insert", 1, "a", None)
        else:
            async with store.transaction() as tx:
                await tx.execute("insert", 1, "a", None)
    assert caught.value.code == "commit_unknown"


async def test_once_commits_and_tells_failures_apart(store: Store) -> None:
    assert await store.once("insert", 1, "a", None) is None
    assert await store.fetchval("count") == 1
    with pytest.raises(Conflict):
        await store.once("insert", 1, "a", None)
    assert await store.fetchval("count") == 1
    await store.close()
    with pytest.raises(Unavailable) as caught:
        await store.once("insert", 2, "b", None)
    assert caught.value.code != "commit_unknown"


async def test_an_exhausted_pool_says_so(store: Store) -> None:
    async with store.transaction(), store.transaction(), store.transaction():
        async with store.transaction():
            with pytest.raises(Unavailable) as caught:
                await store.fetchval("count")
    assert caught.value.code == "store_busy"
    assert await store.fetchval("count") == 0


async def test_nothing_to_connect_to(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await Store.open(f"postgresql://u:p@/d?host={tmp_path}", queries=tmp_path)
    with pytest.raises(Unavailable):
        await Store.open("postgresql://u:p@127.0.0.1:1/d", queries=tmp_path)


@pytest.mark.parametrize(
    "url", ["", "not a url", "http://x/y", "postgresql://u:secret@h:port/d", "host=/x dbname=y"]
)
async def test_a_bad_url_is_a_clear_error(url: str, tmp_path: Path) -> None:
    with pytest.raises(AssentError) as caught:
        await Store.open(url, queries=tmp_path)
    assert caught.value.code == "store_url"
    assert "secret" not in caught.value.message


async def test_a_wrong_password_names_the_mend(empty_url: str, tmp_path: Path) -> None:
    url = empty_url.replace("postgresql://assent:", "postgresql://assent:wrong")
    with pytest.raises(Unavailable) as caught:
        await Store.open(url, queries=tmp_path)
    assert caught.value.code == "store_login"


@pytest.mark.parametrize(
    ("version", "fsync", "encoding", "code"),
    [
        (140012, "on", "UTF8", "store_version"),
        (150000, "off", "UTF8", "store_fsync"),
        (180004, "on", "SQL_ASCII", "store_encoding"),
    ],
)
def test_unfit_servers_are_refused(version: int, fsync: str, encoding: str, code: str) -> None:
    with pytest.raises(AssentError) as caught:
        refuse_unfit(version, fsync, encoding)
    assert caught.value.code == code
    refuse_unfit(150000, "on", "UTF8")


async def test_notifications_arrive_and_a_return_is_reported(store: Store) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    subscription = await store.listen("news", heard.put_nowait, lambda: heard.put_nowait("RESYNC"))
    await store.execute("notify", "news", "one")
    await store.execute("notify", "olds", "not ours")
    assert await asyncio.wait_for(heard.get(), 2) == "one"
    assert await store.fetchval("end_by_name", "assent listen") == 1
    assert await asyncio.wait_for(heard.get(), 5) == "RESYNC"
    await store.execute("notify", "news", "two")
    assert await asyncio.wait_for(heard.get(), 2) == "two"
    await subscription.close()
    await subscription.close()
    await store.execute("notify", "news", "three")
    await asyncio.sleep(0.05)
    assert heard.empty()


async def test_one_failing_listener_does_not_silence_another(store: Store) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    reports: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, what: reports.append(what))

    def fails(_payload: str) -> None:
        raise RuntimeError("a subscriber's mistake")

    await store.listen("news", fails)
    await store.listen("news", heard.put_nowait)
    await store.execute("notify", "news", "one")
    assert await asyncio.wait_for(heard.get(), 2) == "one"
    assert len(reports) == 1


async def test_a_channel_is_a_plain_name(store: Store) -> None:
    with pytest.raises(LocalProtocolError):
        await store.listen('bad"name', print)


async def test_closing_twice_and_using_after(empty_url: str, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text(SQL)
    store = await Store.open(empty_url, queries=load(tmp_path))
    await store.close()
    await store.close()
    with pytest.raises(Unavailable):
        await store.fetchval("zone")


async def test_times_come_back_in_utc(fresh_store: Store) -> None:
    at = datetime(2026, 5, 6, tzinfo=UTC)
    connection = await fresh_store.connect()
    assert await connection.fetchval("SELECT $1::timestamptz", at) == at
    assert await connection.fetchval("SELECT $1::timestamptz::text", at) == "2026-05-06 00:00:00+00"
    await connection.close()
