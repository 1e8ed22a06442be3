"""Where a simulated quarter happens: `assent serve` as an operator starts it, with a clock that the
simulation moves, and three carriers in this process.

The platform's processes get a directory of their own with settings and secrets. What is true of the
play is never written there: it stays in this process until the quarter is over.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import FILE_VARIABLE, OFFSET_VARIABLE, ClockHand
from assent.demo.processes import Process
from assent.quarter.cast import CARRIERS
from assent.quarter.population import UNKNOWN
from assent.quarter.receivers import Receivers

_USER: Final = "900001"
_NETWORKS: Final = {
    "mobile": ["mobile", "broadnet"], "unicom": ["unicom"], "telecom": ["telecom"],
}  # fmt: skip
_SCRIPT: Final[Mapping[str, Any]] = {
    "receipts": {
        "delay": 0.01,
        "stats": {"DELIVRD": 980, "UNDELIV": 14, "EXPIRED": 6},
        "numbers": [{"numbers": UNKNOWN, "stat": "MK:0001"}],
    },
    "heartbeat_s": 3600.0,
}


class Stage:
    """The directory, the clock, the carriers and the platform."""

    def __init__(self, root: Path, start: float, seed: int, receivers: Receivers) -> None:
        self.own = root / "platform"
        self.own.mkdir(mode=0o711)
        self.clock = ClockHand(self.own / "clock", start)
        self._seed = seed
        self._secret = f"{Random(f'quarter-{seed}-secret').getrandbits(64):016x}"
        self.environment = {**os.environ, FILE_VARIABLE: str(self.own / "clock")}
        self.environment.pop(OFFSET_VARIABLE, None)
        self.carriers: dict[str, Simulator] = {}
        self._receivers = receivers
        self._processes: list[Process] = []
        self.url = ""

    async def start(self, database_url: str | None) -> None:
        """Start carriers and platform. `database_url`: of an empty database; None: a fresh one."""
        if database_url is None:
            self.environment.pop("ASSENT_DATABASE_URL", None)
        else:
            self.environment["ASSENT_DATABASE_URL"] = database_url
        for place, name in enumerate(CARRIERS):
            settings = CarrierSettings(name, {_USER: self._secret}, gateway=place + 1)
            seed = self._seed * len(CARRIERS) + place
            carrier = Simulator(
                settings, script_from(dict(_SCRIPT)), self.clock, seed, self._receivers.eye
            )
            await carrier.start()
            self.carriers[name] = carrier
        self._receivers.answer = self._answer
        config = self.own / "assent.toml"
        config.write_text(self._settings(), encoding="utf-8")
        serve = await self._run("serve", ["serve", "--config", str(config)])
        self._processes.append(serve)
        self.url = f"http://127.0.0.1:{serve.ready['port']}"

    async def file(self, register: Mapping[str, Any]) -> dict[str, str]:
        """File a register with `assent setup`; return the keys by account and name."""
        path = self.own / "register.json"
        path.write_text(json.dumps(register, ensure_ascii=False), encoding="utf-8")
        arguments = ["setup", str(path), "--config", str(self.own / "assent.toml")]
        process = await self._run("setup", arguments)
        await process.finish()
        keys: dict[str, str] = process.ready["keys"]
        return keys

    async def _run(self, name: str, arguments: Sequence[str]) -> Process:
        command = ["assent.app.main", *arguments]
        return await Process.start(name, command, self.environment, self.own)

    def _answer(self, carrier: str, person: str, port: str, text: str) -> None:
        self.carriers[carrier].send_mo(person, port, text)

    def _settings(self) -> str:
        secret = self.own / "carriers.secret"
        secret.touch(mode=0o600)
        secret.write_text(self._secret)
        lines = [
            f"data_dir = {json.dumps(str(self.own / 'database'))}",
            f"vault_key_file = {json.dumps(str(self.own / 'vault.keys'))}",
            "[http]\nport = 0",
            "[pages]\nfetching = false",
            "[ledger]\nunwitnessed = true",
        ]
        for name, carrier in self.carriers.items():
            lines += [
                "[[carriers]]",
                f'name = "{name}"',
                f"networks = {json.dumps(_NETWORKS[name])}",
                "[[carriers.links]]",
                'host = "127.0.0.1"',
                f"port = {carrier.port}",
                f'user = "{_USER}"',
                f"secret_file = {json.dumps(str(secret))}",
                "window = 32\nfront = 1\nbulk = 1",
            ]
        return "\n".join(lines) + "\n"

    @property
    def waiting(self) -> int:
        """How many reports and replies the carriers have still to bring."""
        return sum(
            len(carrier.intake.timeline)
            + sum(len(account.waiting) for account in carrier.accounts.values())
            + sum(len(one.outbox) + len(one.sent) for one in carrier.connections)
            for carrier in self.carriers.values()
        )

    def alive(self) -> bool:
        """Whether the platform's supervisor runs."""
        return all(process.running for process in self._processes)

    def last_words(self) -> str:
        """Return the end of the platform's log."""
        return "".join(process.last_words() for process in self._processes)

    async def stop(self) -> None:
        """End everything, the platform first."""
        for process in self._processes:
            await process.stop()
        for carrier in self.carriers.values():
            await carrier.stop()
