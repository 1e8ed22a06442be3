"""Epochs: held while their process lives, free at once when it does not, and it knows first."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime

from assent.store import Epoch, Store, is_alive

AT = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)

CHILD = """
import asyncio, sys
from datetime import UTC, datetime
from assent.store import Epoch, Store

async def main() -> None:
    store = await Store.open(sys.stdin.readline().strip())
    epoch = await Epoch.register(store, "child", datetime(2026, 1, 1, tzinfo=UTC), lambda: None)
    print(epoch.id, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def row(store: Store, epoch_id: int) -> tuple[object, ...]:
    connection = await store.connect()
    found = await connection.fetchrow(
        "SELECT role, started_at, ended_at FROM epoch WHERE id = $1", epoch_id
    )
    await connection.close()
    return tuple(found or ())


async def end_sessions(store: Store) -> None:
    connection = await store.connect()
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'assent epoch' AND datname = current_database()"
    )
    await connection.close()


async def test_alive_from_register_to_close(fresh_store: Store) -> None:
    lost: list[None] = []
    epoch = await Epoch.register(fresh_store, "api", AT, lambda: lost.append(None))
    other = await Epoch.register(fresh_store, "campaigns", AT, lambda: lost.append(None))
    assert epoch.id != other.id
    assert epoch.alive
    assert await is_alive(fresh_store, epoch.id)
    await epoch.close(LATER)
    await epoch.close(LATER)
    assert not epoch.alive
    assert not await is_alive(fresh_store, epoch.id)
    assert await is_alive(fresh_store, other.id)
    assert await row(fresh_store, epoch.id) == ("api", AT, LATER)
    assert await row(fresh_store, other.id) == ("campaigns", AT, None)
    await other.close(LATER)
    assert lost == []


async def test_a_lost_connection_is_told_at_once_and_once(fresh_store: Store) -> None:
    loop = asyncio.get_running_loop()
    told: list[float] = []
    gone = asyncio.Event()

    def lost() -> None:
        told.append(loop.time())
        gone.set()

    epoch = await Epoch.register(fresh_store, "api", AT, lost)
    began = loop.time()
    await end_sessions(fresh_store)
    await asyncio.wait_for(gone.wait(), 2)
    assert told[0] - began < 0.5
    assert not epoch.alive
    assert not await is_alive(fresh_store, epoch.id)
    await epoch.close(LATER)
    assert len(told) == 1
    assert await row(fresh_store, epoch.id) == ("api", AT, None)


async def test_an_unknown_epoch_is_not_alive(fresh_store: Store) -> None:
    assert not await is_alive(fresh_store, 2_000_000_000)


async def test_a_dead_one_stays_dead_within_a_transaction(fresh_store: Store) -> None:
    async with fresh_store.transaction() as tx:
        assert not await is_alive(tx, 77)
        assert await is_alive(fresh_store, 77)  # the asking transaction holds the lock
    assert not await is_alive(fresh_store, 77)


async def test_the_keepalive_is_seen(fresh_store: Store) -> None:
    epoch = await Epoch.register(fresh_store, "api", AT, lambda: None)
    first = epoch.seen
    await asyncio.sleep(1.2)
    assert epoch.seen > first
    await epoch.close(LATER)


async def test_a_killed_process_frees_its_epoch(fresh_store: Store, migrated_url: str) -> None:
    child = subprocess.Popen(  # noqa: ASYNC220 - the test is about a process
        [sys.executable, "-c", CHILD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(f"{migrated_url}\n".encode())
        child.stdin.flush()
        epoch_id = int(await asyncio.to_thread(child.stdout.readline))
        assert await is_alive(fresh_store, epoch_id)
        child.kill()
        for _ in range(100):
            if not await is_alive(fresh_store, epoch_id):
                break
            await asyncio.sleep(0.02)
        assert not await is_alive(fresh_store, epoch_id)
    finally:
        child.kill()
        child.communicate()
