"""A whole installation for a benchmark: PostgreSQL on a disk, a world in it, carriers, workers."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np

from assent.clock import SystemClock
from assent.store import embedded
from assent.store.migrate import migrate
from bench.carriers import BULK_USER, CODES_USER, SECRET
from bench.processes import Cost, costs, resident_bytes, tree_bytes
from bench.world import NETWORKS, Size, World, build

_READY_S: Final = 180.0
_STOP_S: Final = 30.0
_SEALED_S: Final = 600.0
DELIVER_WINDOW: Final = 100
"""Receipts on a customer's connection that are not acknowledged."""


def script(delay: tuple[float, float]) -> dict[str, Any]:
    """Return what the carriers do: take everything at once, report after a random delay."""
    return {"receipts": {"delay": {"uniform": list(delay)}}, "deliver_window": 100}


def ten_in_china() -> float:
    """Return how far to shift the clocks so that marketing may be sent: to 10:00 Beijing time."""
    now = datetime.now(UTC)
    return (now.replace(hour=2, minute=0, second=0, microsecond=0) - now).total_seconds()


@dataclass(frozen=True, slots=True)
class Links:
    """Connections to each carrier from the bulk process, and the window of each link.

    `committed`: messages a window of attempts; also how few may wait when the next is made.
    `sink`: the port of an SMPP sink that is every carrier; 0: simulated carriers, CMPP.
    `customers`: customers' own software is served over SMPP, too. `metered`: the workers time
    their tasks, for `stages`; that costs more the smaller the orders are."""

    bulk: int = 2
    window: int = 50
    committed: int = 500
    sink: int = 0
    customers: bool = False
    metered: bool = True


class Child:
    """A process that takes one JSON line and tells one when it is ready."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.ready: dict[str, Any] = {}

    @classmethod
    async def start(
        cls,
        module: str,
        *arguments: str,
        given: dict[str, Any],
        environment: dict[str, str],
        log: Path | None = None,
    ) -> Child:
        """Start `python -m module` and hand it its line. `log`: where its stderr goes."""
        root = Path(__file__).parents[1]
        path = f"{root / 'src'}{os.pathsep}{root}"
        with (log or Path(os.devnull)).open("ab") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors if log is not None else None,
                limit=1 << 28,
                env=os.environ | {"PYTHONPATH": path} | environment,
            )
        assert process.stdin is not None
        process.stdin.write(json.dumps(given).encode() + b"\n")
        await process.stdin.drain()
        return cls(process)

    async def ask(self, patience_s: float = 20.0) -> dict[str, Any]:
        """Hand it an empty line and wait for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"{}\n")
        return await self.line(patience_s)

    async def line(self, patience_s: float) -> dict[str, Any]:
        """Wait for the process's next line."""
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), patience_s)
        if not line:
            raise RuntimeError(f"a process of the benchmark ended ({await self.process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> None:
        """End it in order, by force if it does not."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), _STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


@dataclass
class Installation:
    """What runs. `offset`: how far its clock is ahead, seconds."""

    directory: Path
    url: str
    world: World
    environment: dict[str, str]
    postgres: int
    offset: float
    children: dict[str, Child] = field(default_factory=dict)
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def people(self) -> Path:
        """The file with everybody's numbers, for load generators."""
        return self.directory / "people.npz"

    @property
    def port(self) -> int:
        """Where the HTTP API listens."""
        return int(self.children["front"].ready["port"])

    def pids(self) -> dict[str, int]:
        """Return the process ids by name."""
        return {name: child.process.pid for name, child in self.children.items()}

    def cost(self) -> Cost:
        """Read the CPU time of all processes."""
        return costs(self.pids(), {"postgres": self.postgres})

    def memory_mb(self) -> dict[str, int]:
        """Return the memory in MB: resident of our processes, unshared of PostgreSQL's."""
        sizes = {name: resident_bytes(pid) >> 20 for name, pid in self.pids().items()}
        return sizes | {"postgres": tree_bytes(self.postgres) >> 20}

    async def stages(self) -> dict[str, dict[str, Any]]:
        """Ask the workers which of their tasks used how much CPU so far."""
        answer = {}
        for role in ("front", "bulk"):
            path = self.directory / f"stages-{role}"
            before = path.stat().st_size if path.exists() else 0
            self.children[role].process.send_signal(signal.SIGUSR1)
            while not path.exists() or path.stat().st_size == before:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            answer[role] = json.loads(path.read_text().splitlines()[-1])
        return answer

    async def load(self, what: str, given: dict[str, Any]) -> Child:
        """Start a load generator: `orders` or `codes`."""
        shared = {
            "port": self.port,
            "people": str(self.people),
            "keys": self.world.keys,
            "run": self.run,
        }
        child = await Child.start(
            "bench.load", what, given=shared | given, environment=self.environment
        )
        self.children["load" if what == "orders" else "codes"] = child
        return child

    async def carriers_end(self) -> dict[str, Any]:
        """Stop the carriers; return what they counted and when codes arrived."""
        child = self.children.pop("carriers")
        assert child.process.stdin is not None
        child.process.stdin.close()
        answer = await child.line(_STOP_S)
        await child.process.wait()
        return answer

    async def sealed(self) -> None:
        """Wait until every entry is a leaf of the signed tree. A world comes with months of
        consents, which a platform sealed when they were given."""
        connection = await self.connect()
        try:
            end = time.monotonic() + _SEALED_S
            while await connection.fetchval(
                "SELECT next - 1 > coalesce((SELECT max(size) FROM ledger_checkpoint), 0)"
                " FROM entry_position"
            ):
                if time.monotonic() > end:
                    raise RuntimeError("the worlds' entries are not sealed")
                await asyncio.sleep(0.2)
            await connection.execute("CHECKPOINT")
        finally:
            await connection.close()

    async def connect(self) -> Any:
        """Open a connection to the database, for looking."""
        return await asyncpg.connect(self.url)


def _configuration(directory: Path, ports: dict[str, int], links: Links, realtime: bool) -> Path:
    secret = directory / "secret"
    secret.write_text(SECRET)
    lines = [f"realtime_codes = {str(realtime).lower()}"]
    lines += ["[cases]", f'ladder = "{ladder_of_nothing(directory)}"']
    lines += ["[http]", "port = 0", "[pages]", "fetching = false"]
    lines += ["[dispatch]", f"window = {links.committed}"]
    lines += [f"low_water = {links.committed}", f"leased = {4 * max(1024, links.committed)}"]
    if links.customers:
        lines += [
            "[customers]",
            f"deliver_window = {DELIVER_WINDOW}",
            "[customers.smpp]",
            "port = 0",
        ]
    for name, port in ports.items():
        lines += ["[[carriers]]", f'name = "{name}"', f"networks = {json.dumps(NETWORKS[name])}"]
        for user, front, bulk in ((BULK_USER, 0, links.bulk), (CODES_USER, 1, 0)):
            lines += [
                "[[carriers.links]]",
                'host = "127.0.0.1"',
                f"port = {port}",
                f'user = "{user}"',
                f'secret_file = "{secret}"',
                f"window = {links.window}",
                f"front = {front}",
                f"bulk = {bulk}",
                f'dialect = "{"smpp" if links.sink else "cmpp"}"',
            ]
    path = directory / "assent.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def ladder_of_nothing(directory: Path) -> Path:
    """Return a ladder by which no case opens of itself: early warning takes the numbers of a load,
    one beside the other, for what they are, and would stop who sends it."""
    packaged = resources.files("assent").joinpath("data/ladder-2026.1.json")
    document = json.loads(packaged.read_bytes())
    document["opening"] = {"alarms": [], "complaints": []}
    path = directory / "ladder.json"
    path.write_text(json.dumps(document), "utf-8")
    return path


def _show_errors(log: Path) -> None:
    """Print what the workers said, without their lines about requests."""
    if log.exists():
        lines = [line for line in log.read_text().splitlines() if '"event":"request"' not in line]
        print("\n".join(lines[-20:]), file=sys.stderr)


@asynccontextmanager
async def running(
    size: Size,
    links: Links,
    seed: int,
    delay: tuple[float, float],
    place: Path | None = None,
    tell: Callable[[str], None] = lambda words: None,
    realtime: bool = False,
    refusals: dict[str, Any] | None = None,
) -> AsyncIterator[Installation]:
    """Start everything below `place` (default: the system's temporary directory); stop it all.

    `delay`: least and most of receipts, seconds. `realtime`: the setting `realtime_codes`.
    `refusals`: who refuses meanwhile (bench/refusing.py).
    fsync is on; the place should be a disk. The
    data is removed at the end.
    """
    directory = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    directory.chmod(0o711)  # noqa: ASYNC240  nothing else runs yet
    offset = ten_in_china()
    engine = await embedded.start(directory / "postgresql")
    children: dict[str, Child] = {}
    try:
        clock = SystemClock(offset)
        await migrate(engine.dsn, at=datetime.fromtimestamp(clock.now(), UTC))
        tell(f"loading {size.senders} senders' worlds")
        world = await build(engine.dsn, size, clock.now(), seed)
        np.savez(
            directory / "people.npz",
            agreed=world.agreed,
            refused=world.refused,
            bystanders=world.bystanders,
        )
        environment = {"ASSENT_CLOCK_OFFSET": str(offset)}
        one = Installation(directory, engine.dsn, world, environment, engine.pid, offset, children)
        tell("starting carriers and workers")
        ports = dict.fromkeys(NETWORKS, links.sink)
        if not links.sink:
            given: dict[str, Any] = {"script": script(delay), "seed": seed}
            given |= {"refusals": refusals, "people": str(directory / "people.npz")}
            children["carriers"] = await Child.start(
                "bench.carriers", given=given, environment=environment
            )
            ports = await children["carriers"].line(_READY_S)
        config = _configuration(directory, ports, links, realtime)
        for role in ("front", "bulk", "watch"):
            children[role] = await Child.start(
                "bench.worker" if links.metered else "assent.app.worker",
                role,
                given={"dsn": engine.dsn, "config": str(config)},
                environment=environment | {"BENCH_STAGES": str(directory / f"stages-{role}")},
                log=directory / "workers.log",
            )
            children[role].ready = await children[role].line(_READY_S)
        tell("sealing the worlds' entries")
        await one.sealed()
        yield one
    except BaseException:
        _show_errors(directory / "workers.log")
        raise
    finally:
        for name in ("load", "codes", "watch", "bulk", "front", "carriers"):
            if name in children:
                await children[name].stop()
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)
