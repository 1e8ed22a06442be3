"""The processes of the play: three simulated carriers and `assent serve`, as a person starts them.

All share one clock by ASSENT_CLOCK_OFFSET. Whatever happens, `stop` ends them; should this
process be killed, Linux ends them.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from assent.clock import OFFSET_VARIABLE
from assent.demo import cast
from assent.errors import AssentError

READY_S: Final = 90.0
_LONGEST_LINE: Final = 1 << 24  # the keys of a large register
STOP_S: Final = 60.0
LINKS: Final = {"front": 1, "bulk": 3}
RATES: Final = {"mobile": 1600.0, "unicom": 800.0, "telecom": 800.0}
"""Segments a second that each carrier's contract allows, over all its links together."""

_USER: Final = "900001"
_SECRET: Final = "ASSENT_DEMO_{}_SECRET"  # noqa: S105  the name of a variable
_NETWORKS: Final = {
    "mobile": ["mobile", "broadnet"], "unicom": ["unicom"], "telecom": ["telecom"],
}  # fmt: skip
_LIBC: Final = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None
_PR_SET_PDEATHSIG: Final = 1


def _end_with_parent() -> None:
    """Run in the child before its program: SIGTERM when this process ends (prctl(2))."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A program that says on its first line of output that it is ready."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.name = name
        self.ready: dict[str, Any] = {}
        self._process = process
        self._log = log

    @classmethod
    async def start(
        cls, name: str, arguments: Sequence[str], environment: Mapping[str, str], logs: Path
    ) -> Process:
        """Start `python -m …` and wait until it is ready.

        Raises AssentError with the end of its log when it does not come up.
        """
        log = logs / f"{name}.log"
        with log.open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *arguments, stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE, stderr=errors, env=dict(environment),
                preexec_fn=_end_with_parent, limit=_LONGEST_LINE,
            )  # fmt: skip
        self = cls(name, process, log)
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_S)
        except TimeoutError:
            line = b""
        if not line:
            await self.stop()
            raise AssentError(
                "demo_process", f"{name} did not start: {self.last_words()}",
                mend="the lines above are the end of its log",
            )  # fmt: skip
        self.ready = json.loads(line)
        return self

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process.returncode is None

    async def stop(self) -> int:
        """Ask it to end and wait; insist after a minute. Return its exit code."""
        if self.running:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_S)
        except TimeoutError:
            self._process.kill()
            return await self._process.wait()

    async def finish(self) -> int:
        """Wait for its own end. Return its exit code."""
        return await asyncio.wait_for(self._process.wait(), STOP_S)

    def last_words(self) -> str:
        """Return the end of its log."""
        return self._log.read_text("utf-8", "replace")[-2_000:] or "it said nothing"


class Stage:
    """Where the play happens: a directory with settings, logs, the database and the records."""

    def __init__(self, root: Path, records: Path, seed: int, offset_s: float) -> None:
        self.root = root
        self.records = records
        self.database = root / "database"
        self._seed = seed
        self._own = root / "run"
        self._own.mkdir(mode=0o700)
        rng = Random(f"assent-demo-secrets-{seed}")
        secrets = {_SECRET.format(n.upper()): f"{rng.getrandbits(64):016x}" for n in cast.CARRIERS}
        self.environment = {**os.environ, OFFSET_VARIABLE: repr(offset_s), **secrets}
        self.environment.pop("ASSENT_DATABASE_URL", None)  # the database is always a fresh one
        self.processes: list[Process] = []
        self.serve: Process | None = None

    async def start_carriers(self) -> None:
        """Start the three carriers."""
        started = await asyncio.gather(*(self._carrier(name) for name in cast.CARRIERS))
        self.processes += started

    async def _carrier(self, name: str) -> Process:
        records = self.records / f"carrier-{name}.jsonl"
        records.unlink(missing_ok=True)
        path = self._own / f"carrier-{name}.json"
        carrier = {
            "name": name,
            "port": 0,
            "accounts": {_USER: _SECRET.format(name.upper())},
            "script": script(),
        }
        seed = self._seed * len(cast.CARRIERS) + cast.CARRIERS.index(name)
        settings = {"seed": seed, "records": str(records.resolve()), "control_port": 0}
        path.write_text(json.dumps({**settings, "carrier": [carrier]}), encoding="utf-8")
        arguments = ["assent.carrier.simulator", "--config", str(path), "--with-parent"]
        return await Process.start(f"carrier-{name}", arguments, self.environment, self._own)

    async def start_platform(self, mail_port: int) -> int:
        """Start `assent serve` with links to the carriers, and mail by way of a port here; return
        the API's port."""
        config = self._own / "assent.toml"
        config.write_text(self._settings(mail_port), encoding="utf-8")
        arguments = ["assent.app.main", "serve", "--config", str(config)]
        self.serve = await Process.start("assent", arguments, self.environment, self._own)
        self.processes.insert(0, self.serve)
        return int(self.serve.ready["port"])

    async def setup(self) -> dict[str, str]:
        """File the play's register with `assent setup`; return the API keys: the firms' by
        account, the operator's by account and name."""
        register = self._own / "register.json"
        register.write_text(json.dumps(cast.register(), ensure_ascii=False), encoding="utf-8")
        config = str(self._own / "assent.toml")
        arguments = ["assent.app.main", "setup", str(register), "--config", config]
        process = await Process.start("setup", arguments, self.environment, self._own)
        await process.finish()
        return {name.removesuffix("/demo"): key for name, key in process.ready["keys"].items()}

    def _settings(self, mail_port: int) -> str:
        lines = [
            f"data_dir = {json.dumps(str(self.database))}",
            "[http]",
            "port = 0",
            "[pages]",
            "fetching = false",
            "[mail]",
            'host = "127.0.0.1"',
            f"port = {mail_port}",
            'sender = "no-reply@platform.example"',
            'tls = "none"',
        ]
        for process in self.processes:
            carrier = process.ready["carriers"][0]
            name = carrier["name"]
            lines += [
                "[[carriers]]",
                f'name = "{name}"',
                f"networks = {json.dumps(_NETWORKS[name])}",
                "[[carriers.links]]",
                f'host = "{carrier["host"]}"',
                f"port = {carrier['port']}",
                f'user = "{_USER}"',
                f'secret_env = "{_SECRET.format(name.upper())}"',
                f"window = 16\nrate = {RATES[name]}",
                *(f"{role} = {count}" for role, count in LINKS.items()),
            ]
        return "\n".join(lines) + "\n"

    def check(self) -> None:
        """Raise AssentError when a process has ended by itself."""
        for process in self.processes:
            if not process.running:
                raise AssentError("demo_process", f"{process.name}: {process.last_words()}")

    async def carriers_wait(self) -> int:
        """Return how many reports and replies the carriers have still to bring."""
        ports = [p.ready["control_port"] for p in self.processes if "control_port" in p.ready]
        return sum(await asyncio.gather(*(_under_way(port) for port in ports)))

    async def stop(self) -> None:
        """End everything: the platform first, so that the carriers hear its last answers."""
        processes, self.processes = self.processes, []
        for process in processes[:1]:
            await process.stop()
        await asyncio.gather(*(process.stop() for process in processes[1:]))


async def _under_way(control_port: int) -> int:
    """Ask a simulator over its control port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", control_port)
    try:
        writer.write(b'{"do": "status"}\n')
        answer = json.loads(await reader.readline())
    finally:
        writer.close()
    return sum(
        status["later"] + status["waiting"] + status["unacknowledged"]
        for status in answer["carriers"].values()
    )


def script() -> dict[str, Any]:
    """Return what a carrier of the play does: answers, reports, and people who write back."""
    return {
        "answers": {"latency": {"lognormal": [0.006, 0.4], "at_most": 0.2}},
        "receipts": {
            "delay": {"uniform": [0.1, 1.2]},
            "stats": {"DELIVRD": 970, "UNDELIV": 18, "EXPIRED": 8, "MK:0001": 4},
            "duplicate": 0.002,
            "early": 0.002,
            "on": "same",
        },
        "replies": [
            _reply("refusals", 0.02, cast.REFUSALS, [0.2, 3.0]),
            _reply("other replies", 0.006, cast.OTHERS, [0.2, 3.0]),
        ],
    }


def _reply(name: str, share: float, texts: dict[str, float], delay: list[float]) -> dict[str, Any]:
    return {
        "name": name,
        "share": share,
        "delay": {"uniform": delay},
        "text": cast.CAMPAIGN_PATTERN,
        "source_prefix": cast.MALL.ports["marketing"],
        "texts": texts,
    }
