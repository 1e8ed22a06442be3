"""`assent serve`: PostgreSQL and the processes of the platform under one parent.

A child that ends by itself is started again, after a pause that grows; PostgreSQL likewise.
Whatever was in flight is settled by the children's recovery.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import structlog

from assent.app.settings import Settings
from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.needs import utc
from assent.store import embedded
from assent.store.migrate import migrate

READY_S: Final = 120.0
STOP_S: Final = 40.0
_LONGEST_PAUSE_S: Final = 3.0
log = structlog.get_logger("assent")


class Child:
    """One child process and its ready line."""

    def __init__(self, role: str, process: asyncio.subprocess.Process) -> None:
        self.role = role
        self.process = process
        self.ready: dict[str, Any] = {}

    @classmethod
    async def start(
        cls, role: str, dsn: str, config: Path | None, key: str, port: int | None = None
    ) -> Child:
        """Start a child and wait until it is ready. Raises AssentError when it does not come up.

        `key`: random, the same for all children. `port`: where the one before it listened, so that
        clients find it again.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "assent.app.worker",
            role,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        child = cls(role, process)
        assert process.stdin is not None
        assert process.stdout is not None
        path = str(config) if config else None
        given = {"dsn": dsn, "config": path, "port": port, "key": key}
        process.stdin.write(json.dumps(given).encode() + b"\n")
        try:
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
        except (TimeoutError, ConnectionError):
            line = b""
        if not line:
            if process.returncode is None:
                process.kill()
            await process.wait()
            raise AssentError(
                "child_failed",
                f"the {role} process did not start",
                mend="its log above says why",
            )
        child.ready = json.loads(line)
        return child

    async def stop(self) -> None:
        """Ask it to stop; insist after a while."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


class Supervisor:
    """Runs an installation until :meth:`stop`."""

    def __init__(
        self,
        settings: Settings,
        config: Path | None,
        clock: Clock,
        roles: Sequence[str] = ("front", "bulk", "watch"),
    ) -> None:
        self._settings = settings
        self._config = config
        self._clock = clock
        self._roles = list(roles)
        self._key = secrets.token_hex(32)
        self._engine: embedded.Embedded | None = None
        self._children: dict[str, Child] = {}
        self._stopping = asyncio.Event()
        self.dsn = ""

    async def run(self, ready: Callable[[dict[str, Any]], None]) -> int:
        """Start everything, call `ready` with ports and pids, keep it up until stopped."""
        try:
            await self._start_database()
            for role in self._roles:
                self._children[role] = await Child.start(role, self.dsn, self._config, self._key)
            ready(self.state())
            async with asyncio.TaskGroup() as group:
                for role in self._roles:
                    group.create_task(self._keep(role))
                if self._engine is not None:
                    group.create_task(self._keep_engine())
            return 0
        finally:
            await asyncio.gather(*(child.stop() for child in self._children.values()))
            if self._engine is not None:
                await self._engine.stop()

    def stop(self) -> None:
        """Begin an orderly stop."""
        self._stopping.set()

    def state(self) -> dict[str, Any]:
        """Return what runs where."""
        front = self._children.get("front") or self._children.get("all")
        return {
            "port": front.ready.get("port") if front else None,
            "pid": os.getpid(),
            "processes": {role: child.process.pid for role, child in self._children.items()},
            "postgres": self._engine.pid if self._engine else None,
        }

    async def _start_database(self) -> None:
        if self._settings.database_url:
            self.dsn = self._settings.database_url
        else:
            directory = Path(self._settings.data_dir) if self._settings.data_dir else None
            self._engine = await embedded.start(directory)
            self.dsn = self._engine.dsn
        await migrate(self.dsn, at=utc(self._clock.now()))

    async def _keep(self, role: str) -> None:
        """Start a child again whenever it ends."""
        pause = 0.2
        while not self._stopping.is_set():
            child = self._children[role]
            if not await self._ends_before_stop(child.process.wait()):
                return
            log.warning("child_ended", role=role, code=child.process.returncode)
            while not self._stopping.is_set():
                await asyncio.sleep(pause)
                try:
                    port = child.ready.get("port")
                    self._children[role] = await Child.start(
                        role, self.dsn, self._config, self._key, port
                    )
                    pause = 0.2
                    break
                except AssentError as error:
                    log.error("child_not_started", role=role, code=error.code)
                    pause = min(pause * 2, _LONGEST_PAUSE_S)

    async def _keep_engine(self) -> None:
        """Start PostgreSQL again if it dies; the children come back by themselves."""
        while not self._stopping.is_set():
            engine = self._engine
            assert engine is not None
            if not await self._ends_before_stop(engine.wait()):
                return
            log.error("database_ended")
            await engine.stop()
            directory = Path(self._settings.data_dir) if self._settings.data_dir else None
            while not self._stopping.is_set():
                try:
                    self._engine = engine = await embedded.start(directory)
                    self.dsn = engine.dsn
                    break
                except AssentError as error:
                    log.error("database_not_started", code=error.code)
                    await asyncio.sleep(1.0)

    async def _ends_before_stop(self, end: Any) -> bool:
        """Wait for something to end; False if the stop came first."""
        ended = asyncio.ensure_future(end)
        stop = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if not ended.done():
            ended.cancel()
            return False
        return not self._stopping.is_set()
