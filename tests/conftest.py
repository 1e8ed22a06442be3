"""Fixtures: one real PostgreSQL a test run, a fresh database a test."""

from __future__ import annotations

import asyncio
import functools
import itertools
import os
import shutil
import socket
import tempfile
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from assent.store import Store, migrate
from assent.store.embedded import Embedded, start
from assent.store.embedded_area import FileLock

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
TEMPLATE = "template_migrated"
PREFIX = "assent-test-"
_numbers = itertools.count(1)


def _mend_the_loop() -> None:
    """Let asyncio close what it accepted for a server that was closed meanwhile: it forgets it
    (python/cpython issue 109564). Only tests run on this loop; the platform's is uvloop, which
    does not forget."""
    whole = BaseSelectorEventLoop._accept_connection2  # type: ignore[attr-defined]  # private

    @functools.wraps(whole)
    async def accept(
        loop: Any, factory: Any, conn: socket.socket, extra: Any, tls: Any, server: Any, *more: Any
    ) -> None:
        if server.sockets:
            await whole(loop, factory, conn, extra, tls, server, *more)
        else:
            conn.close()

    BaseSelectorEventLoop._accept_connection2 = accept  # type: ignore[attr-defined]  # private


_mend_the_loop()


def _in_memory() -> bool:
    """Tell whether /dev/shm has room: new databases are ten times quicker there."""
    try:
        return shutil.disk_usage("/dev/shm").free > 2 * 1024**3
    except OSError:
        return False


def _remove_unless_held(lock: Path) -> None:
    mine = FileLock(lock)
    try:
        if mine.take():
            shutil.rmtree(lock.parent, ignore_errors=True)
    except OSError:
        return  # another user's, or gone in this moment
    finally:
        mine.drop()


_LONG = (
    "web/test_no_trap_timing",
    "flow/test_links",
    "flow/test_crash",
    "flow/test_customers_crash",
    "test_bench",
    "demo/test_run",
    "web/test_idor",
    "flow/test_no_trap_daily",
    "flow/test_adversity",
    "flow/test_asking_crash",
    "flow/test_model",
    "flow/test_full_disk",
    "web/test_schemathesis",
    "web/test_large_upload",
    "web/test_walk",
    "flow/test_chain",
    "flow/test_forty_one",
    "flow/test_video_processes",
    "registry/test_qualify",
    "web/test_no_trap",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that none of them is left for the end, when one
    process works and the others wait."""
    places = {f"tests/{name}.py": place for place, name in enumerate(_LONG)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))


@pytest.fixture(scope="session")
def engine_root() -> Iterator[Path]:
    """A directory below which embedded servers can live: as root its user must pass through.

    It may be in memory, where fsync costs nothing: don't measure on it.
    """
    place = Path("/dev/shm" if _in_memory() else "/tmp")
    for left in place.glob(f"{PREFIX}*/run.lock"):
        _remove_unless_held(left)  # a run that was killed could not clean up
    root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    root.chmod(0o711)
    held = FileLock(root / "run.lock")
    held.take()
    yield root
    shutil.rmtree(root, ignore_errors=True)
    held.drop()


@pytest.fixture(scope="session")
def engine(engine_root: Path) -> Iterator[Embedded]:
    """The embedded PostgreSQL of this test run (ASSENT_TEST_POSTGRES_BINDIR names another)."""
    small = {"shared_buffers": "128MB", "max_wal_size": "512MB", "min_wal_size": "64MB"}
    engine = asyncio.run(start(engine_root / "engine", settings=small))
    try:
        yield engine
    finally:
        asyncio.run(engine.stop())


@pytest.fixture(scope="session", autouse=True)
def vault_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One key file for all platforms of a test run that name none, children's too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASSENT_VAULT_KEY_FILE", str(tmp_path_factory.mktemp("vault") / "keys"))
        yield


@asynccontextmanager
async def new_database(engine: Embedded, template: str = "template0") -> AsyncIterator[str]:
    """Make a database, hand out its URL, and drop it with whatever is still connected."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    strategy = "file_copy" if engine.area.root.is_relative_to("/dev/shm") else "wal_log"
    admin = await asyncpg.connect(engine.dsn_of("postgres"))
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY {strategy}')
        try:
            yield engine.dsn_of(name)
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def migrated_template(engine: Embedded) -> str:
    """The name of a migrated database that new ones are copied from."""

    async def make() -> None:
        admin = await asyncpg.connect(engine.dsn_of("postgres"))
        await admin.execute(f'CREATE DATABASE "{TEMPLATE}" TEMPLATE template0')
        await admin.close()
        await migrate(engine.dsn_of(TEMPLATE), at=BEGIN)

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture
async def empty_url(engine: Embedded) -> AsyncIterator[str]:
    """The URL of an empty database, dropped after the test."""
    async with new_database(engine) as url:
        yield url


@pytest.fixture
async def migrated_url(engine: Embedded, migrated_template: str) -> AsyncIterator[str]:
    """The URL of a migrated database, dropped after the test."""
    async with new_database(engine, migrated_template) as url:
        yield url


@pytest.fixture
async def fresh_store(migrated_url: str) -> AsyncIterator[Store]:
    """A Store on a migrated database of the test's own."""
    store = await Store.open(migrated_url, min=1, max=5)
    yield store
    await store.close()
