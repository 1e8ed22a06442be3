"""A whole installation as processes: `assent serve` with its own PostgreSQL, to be killed.

The carriers live in the test's process and survive. Everything a customer does goes over HTTP.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil
import pytest

from assent.client import AsyncClient
from assent.clock import SystemClock
from assent.errors import AssentError
from assent.flow.needs import utc
from assent.flow.setup import Register, file_register
from assent.store import Store, embedded
from assent.store.migrate import migrate
from bench.papers import complete
from tests.flow.conftest import (
    CARRIERS,
    NETWORKS,
    Platform,
    lenient_rulebook,
    noon_offset,
    register,
)

SMALL_ENGINE = "shared_buffers = '32MB'\nmax_wal_size = '80MB'\nmin_wal_size = '64MB'\n"


def free_port() -> int:
    """Return a TCP port that nobody listens on now, below those that the system hands out: it
    would hand it to the next connection that anybody makes."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free")


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill(pid: int) -> None:
    """kill -9, if it still runs."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def ladder_of_nothing(directory: Path) -> Path:
    """Return a ladder by which no case opens of itself: early warning takes the numbers of tests,
    one beside the other, for what they are, and would stop who sends to them."""
    packaged = resources.files("assent").joinpath("data/ladder-2026.1.json")
    document = json.loads(packaged.read_bytes())
    document["opening"] = {"alarms": [], "complaints": []}
    path = directory / "ladder.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


class Installation(Platform):
    """Carriers in this process; supervisor, children and PostgreSQL outside."""

    def __init__(self, data: Path, directory: Path) -> None:
        super().__init__("", directory, SystemClock(noon_offset()))
        self.data = data
        self.http = free_port()
        self.config = directory / "assent.toml"
        self.doors: dict[str, int] = {}  # dialect → port for customers' own software
        self.keys: dict[str, str] = {}
        self.process: asyncio.subprocess.Process | None = None
        self.log = (directory / "assent.log").open("ab")

    async def prepare(
        self,
        script: dict[str, Any],
        rate: float | None,
        seed: int,
        window: int = 20,
        document: dict[str, Any] | None = None,
    ) -> None:
        """Start the carriers, write the settings, make the database with a register and keys."""
        await self.start(script, seed)
        doors = [f"{name} = {{ port = {port}, gateway = 7 }}" for name, port in self.doors.items()]
        lines = [
            f'data_dir = "{self.data}"',
            f'rulebook = "{lenient_rulebook(self.directory)}"',
            f'cases = {{ ladder = "{ladder_of_nothing(self.directory)}" }}',
            f"http = {{ port = {self.http} }}",
            "pages = { fetching = false }",
            f"customers = {{ {', '.join(doors)} }}",
            f"dispatch = {{ window = {window}, low_water = {window}, leased = 4096 }}",
        ]
        for carrier in CARRIERS:
            networks = json.dumps(NETWORKS[carrier])
            lines += ["[[carriers]]", f'name = "{carrier}"', f"networks = {networks}"]
            lines += [
                "[[carriers.links]]",
                f'host = "127.0.0.1"\nport = {self.ports[carrier]}\nuser = "900001"',
                f'secret_file = "{self.directory / "secret"}"\nfront = 1\nbulk = 1',
            ]
            if rate is not None:
                lines.append(f"rate = {rate}")
        self.config.write_text("\n".join(lines) + "\n", "utf-8")
        document = document or register()
        for account in document["accounts"][:2]:
            account["keys"] = [{"name": account["name"]}]
        engine = await embedded.start(self.data)
        try:
            self.url = engine.dsn
            await migrate(self.url, at=utc(self.clock.now()))
            store = await Store.open(self.url)
            made = await file_register(
                store,
                msgspec.convert(complete(document), Register),
                self.clock.now(),
                secrets.token_bytes,
            )
            await store.close()
        finally:
            await engine.stop()
        (self.data / "local.conf").write_text(SMALL_ENGINE)
        self.keys = {name.split("/")[0]: key for name, key in made["keys"].items()}

    def client(self, place: int = 1, tries: int = 40) -> AsyncClient:
        """Return a client of an account; it repeats what was not answered."""
        key = next(key for name, key in self.keys.items() if name.startswith(f"account{place}"))
        return AsyncClient(f"http://127.0.0.1:{self.http}", key, tries=tries)

    async def serve(self, processes: int = 3) -> dict[str, Any]:
        """Start the installation; return what runs where once it is up."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assent.app.main", "serve"),
            *("--config", str(self.config), "--processes", str(processes)),
            stdout=asyncio.subprocess.PIPE,
            stderr=self.log,
            env=os.environ
            | {
                "ASSENT_CLOCK_OFFSET": str(self.clock.offset_s),
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
        )
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 90.0)
        assert line, f"the installation did not start: {self.said()}"
        state: dict[str, Any] = json.loads(line)
        return state

    def said(self) -> str:
        """Return the end of the log."""
        return (self.directory / "assent.log").read_text("utf-8", "replace")[-3000:]

    def children(self) -> dict[str, int]:
        """Return the pid of each process of the platform by role."""
        found: dict[str, int] = {}
        if self.process is None or not alive(self.process.pid):
            return found
        for child in psutil.Process(self.process.pid).children():
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            if "assent.app.worker" in words:
                found[words[-1]] = child.pid
        return found

    def postmaster(self) -> int | None:
        """Return the pid of PostgreSQL, None while it is away."""
        try:
            first = (self.data / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0]
        except FileNotFoundError:
            return None
        return int(first) if first.isdigit() and alive(int(first)) else None

    async def until(
        self, true: Callable[[], bool | Awaitable[bool]], what: str, seconds: float = 15.0
    ) -> None:
        """Wait until something is so; fail naming it, with the end of the log."""
        try:
            await super().until(true, what, seconds)
        except pytest.fail.Exception as failed:
            pytest.fail(f"{failed.msg}; {await self.health()}\n{self.said()}")

    async def health(self) -> object:
        """Return what the API says of itself, or why it does not."""
        try:
            async with self.client(tries=1) as client:
                return await client.health()
        except AssentError as error:
            return error

    async def is_up(self) -> bool:
        """Tell whether the API answers and every carrier has a link."""
        try:
            async with self.client(tries=1) as client:
                health = await client.health()
        except AssentError:
            return False
        return bool(health["ready"]) and all(health["carriers"].get(c) for c in CARRIERS)

    async def ask(self, query: str, *args: Any) -> Any | None:
        """Return a value, None while PostgreSQL is away."""
        try:
            return await self.value(query, *args)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return None

    async def terminate(self) -> int:
        """Ask it to stop; return its exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), 60.0)

    @staticmethod
    def terminate_pid(pid: int) -> None:
        """Send SIGTERM to a process that may be gone."""
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            return

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[None]:
        """Run the database alone, while the platform is down."""
        engine = await embedded.start(self.data)
        try:
            yield
        finally:
            await engine.stop()

    async def end(self) -> None:
        """End whatever still runs, and the carriers."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await self.stop()
        self.log.close()
