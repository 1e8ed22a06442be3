"""A real PostgreSQL as a child of ours, for installations that name no database of their own.

Theory of operation
-------------------
The process that starts the server owns it: it alone stops it, and the server ends with it,
however it ends (embedded_child.py). Another process that starts on the same directory finds the
server and attaches; its `stop` does nothing. Who is who is told by three flocks (embedded_area.py)
which die with their holders. So after any kill the next start sees either a server that is ending
(wait), an orphan (end it), or nothing (start; PostgreSQL recovers by itself).
"""

from __future__ import annotations

import asyncio
import math
import signal
import subprocess
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import asyncpg

from assent.errors import AssentError, Unavailable
from assent.store import embedded_area, embedded_install, embedded_user
from assent.store.embedded_area import Area, FileLock, PidFile, explained
from assent.store.embedded_launch import (
    USER,
    configure,
    diagnosis,
    initialise,
    open_log,
    password_of,
    spawn,
    wrong_password,
)
from assent.store.embedded_process import (
    Engine,
    end_leftovers,
    interrupt_postmaster,
    postmaster,
    remove_stale_pid_file,
)
from assent.store.embedded_user import EngineUser
from assent.store.failures import translated

DATABASE: Final = "assent"
STOP_PATIENCE_S: Final = 60.0
LEFTOVER_PATIENCE_S: Final = 5.0
_POLL_S: Final = 0.01


@dataclass(eq=False, slots=True)
class Embedded:
    """A running embedded PostgreSQL. `owned` if this process started it and will stop it."""

    area: Area
    pid: int
    socket_directory: str
    port: int
    owned: bool
    _password: str = field(repr=False)
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _owner: FileLock | None = field(default=None, repr=False)

    @property
    def dsn(self) -> str:
        """The URL of our database. It holds the password: never log it."""
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        host = urllib.parse.quote(self.socket_directory, safe="/")
        return (
            f"postgresql://{USER}:{self._password}@/{urllib.parse.quote(database)}"
            f"?host={host}&port={self.port}"
        )

    def connect_arguments(self, database: str = DATABASE) -> dict[str, Any]:
        """Return the arguments for asyncpg.connect."""
        return {
            "host": self.socket_directory,
            "port": self.port,
            "user": USER,
            "password": self._password,
            "database": database,
        }

    @property
    def running(self) -> bool:
        """Tell whether the server we own still runs; True for one that we attached to."""
        return self._child is None or self._child.poll() is None

    async def wait(self) -> int:
        """Wait until the server that we own has ended; return its exit code."""
        if self._child is None:
            raise AssentError("engine_not_owned", "only the owner can wait for the server")
        await _ended(self._child, math.inf)
        return self._child.wait()

    async def stop(self) -> None:
        """End the server if we own it: cleanly, once, waiting for its last checkpoint.

        Sessions are ended; open transactions roll back. May be repeated, and called after the
        server has died of itself.
        """
        child, self._child = self._child, None
        if child is None:
            return
        for sign, patience_s in (
            (signal.SIGINT, STOP_PATIENCE_S),
            (signal.SIGQUIT, 10.0),
            (signal.SIGKILL, 10.0),
        ):
            child.send_signal(sign)
            if await _ended(child, patience_s):
                break
        embedded_area.remove_short_socket_directory(self.area)
        if self._owner is not None:
            self._owner.drop()


async def start(
    data_dir: Path | None = None,
    *,
    bindir: Path | None = None,
    patience_s: float = 120.0,
    settings: Mapping[str, str] | None = None,
) -> Embedded:
    """Start PostgreSQL on `data_dir` (made if absent), or attach to the one that runs there.

    Without `data_dir`: /var/lib/assent/postgresql as root, else assent/postgresql in
    $XDG_DATA_HOME. `settings` are added to postgresql.conf. Waits `patience_s` for others who
    start or stop there, and as long as it takes for crash recovery.

    Call it in the thread whose end shall be the server's end (the main thread). Caller's duty:
    `stop()`; after the server died, `stop()` and then start again.

    Raises AssentError: `no_permission`, `disk_full`, `engine_missing`, `engine_version`,
    `engine_directory`, `engine_user`, `engine_password`, `engine_memory`, `engine_setting`,
    `engine_failed`; Unavailable `engine_busy`.
    """
    deadline = asyncio.get_running_loop().time() + patience_s
    user = embedded_user.current()
    area = embedded_area.prepare(data_dir or embedded_user.default_area(user), user)
    lock = area.lock("start")
    while not lock.take():
        await _pause(deadline, area)
    try:
        engine = _engine(area, user, bindir)
        found = await _clear_the_way(engine, deadline)
        if isinstance(found, Embedded):
            return found
        running, owner = found
        try:
            return await _start(engine, running, owner, settings or {})
        except BaseException:
            owner.drop()
            raise
        finally:
            running.drop()
    finally:
        lock.drop()


def _engine(area: Area, user: EngineUser, bindir: Path | None) -> Engine:
    with explained(area.root):
        made_by = None
        if area.cluster.exists():
            made_by = int((area.cluster / "PG_VERSION").read_text().strip())
            if area.cluster.stat().st_uid != user.uid:
                raise AssentError(
                    "no_permission",
                    f"{area.cluster} belongs to user {area.cluster.stat().st_uid};"
                    f" PostgreSQL would run as {user.name}",
                    mend="start assent as the user who made it",
                )
        installation = embedded_install.find(bindir, made_by)
        return Engine(area, user, embedded_install.runnable(installation, user, area.root))


async def _clear_the_way(engine: Engine, deadline: float) -> Embedded | tuple[FileLock, FileLock]:
    """Attach to a living server, or wait until none is left and take its place's locks."""
    area = engine.area
    running, owner = area.lock("running"), area.lock("owner")
    loop = asyncio.get_running_loop()
    leftovers_at = loop.time() + LEFTOVER_PATIENCE_S
    while True:
        owned_elsewhere = not owner.take()
        free = running.take()
        if free and not owned_elsewhere and postmaster(engine) is None:
            return running, owner
        running.drop()
        owner.drop()
        # A server whose owner is gone is ending, or will be: not one to attach to.
        if (owned_elsewhere or free) and (attached := await _attach(engine)):
            return attached
        if not free and not owned_elsewhere:
            interrupt_postmaster(engine)
        if not free and postmaster(engine) is None and loop.time() > leftovers_at:
            end_leftovers(engine)
        await _pause(deadline, area)


async def _attach(engine: Engine) -> Embedded | None:
    """Return the server that answers on the socket named in postmaster.pid, if one does."""
    with explained(engine.area.root):
        pid_file = PidFile.read(engine.area.cluster)
        if pid_file is None or not pid_file.ready:
            return None
        password = password_of(engine.area)
    embedded = Embedded(
        engine.area, pid_file.pid, pid_file.socket_directory, pid_file.port, False, password
    )
    return embedded if await _answers(embedded) else None


async def _start(
    engine: Engine, running: FileLock, owner: FileLock, settings: Mapping[str, str]
) -> Embedded:
    area = engine.area
    with explained(area.root):
        if not area.cluster.exists():
            await asyncio.to_thread(initialise, engine)
        password = password_of(area)
        remove_stale_pid_file(engine)
        socket = embedded_area.socket_directory(area, engine.user)
        configure(area, settings)
        log_begins = open_log(area)
        child = spawn(engine, socket, running)
    embedded = Embedded(
        area, child.pid, str(socket), embedded_area.PORT, True, password, child, owner
    )
    try:
        await _ready(embedded, child, log_begins)
        await _create_database(embedded)
    except BaseException:
        await embedded.stop()
        raise
    return embedded


async def _ready(embedded: Embedded, child: subprocess.Popen[bytes], log_begins: int) -> None:
    """Wait until the server answers; crash recovery may take its time, an end may not."""
    while True:
        if child.poll() is not None:
            with explained(embedded.area.root), embedded.area.log.open("rb") as log:
                log.seek(log_begins)
                said = log.read().decode(errors="replace")
            raise diagnosis(embedded.area, "PostgreSQL", said)
        if _is_up(embedded.area, child.pid) and await _answers(embedded):
            return
        await asyncio.sleep(_POLL_S)


def _is_up(area: Area, pid: int | None = None) -> bool:
    pid_file = PidFile.read(area.cluster)
    return pid_file is not None and pid_file.ready and pid in {None, pid_file.pid}


async def _answers(embedded: Embedded) -> bool:
    try:
        connection = await asyncpg.connect(**embedded.connect_arguments("postgres"), timeout=5.0)
    except asyncpg.InvalidPasswordError:
        raise wrong_password(embedded.area) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _create_database(embedded: Embedded) -> None:
    with translated("create database"):
        connection = await asyncpg.connect(**embedded.connect_arguments("postgres"))
        try:
            if not await connection.fetchval(
                "SELECT true FROM pg_database WHERE datname = $1", DATABASE
            ):
                await connection.execute(f'CREATE DATABASE "{DATABASE}" TEMPLATE template0')
        finally:
            await connection.close()


async def _ended(child: subprocess.Popen[bytes], patience_s: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience_s
    while child.poll() is None:
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True


async def _pause(deadline: float, area: Area) -> None:
    if asyncio.get_running_loop().time() > deadline:
        raise Unavailable(
            "engine_busy",
            f"another process holds the PostgreSQL in {area.root} and does not let go",
            mend="stop the other assent that uses this data directory",
        )
    await asyncio.sleep(_POLL_S)
