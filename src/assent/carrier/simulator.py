"""A carrier to rehearse against: a real TCP server that acts out a script.

It stands on the same session core as the links (in the server's role) and keeps its own record
of every PDU on the socket. What it does to the platform is data (`script.py`, docs/simulator.md)
and can be changed while it runs. Without a recorder the path of a submit is kept lean, so that
it can be the far end of a load test.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from assent.carrier.calls import Caller
from assent.carrier.identity import CarrierSettings, address_of
from assent.carrier.intake import Intake
from assent.carrier.mailbox import Account
from assent.carrier.records import Records
from assent.carrier.script import Script, changed
from assent.carrier.server import ServerConnection
from assent.carrier.speech import CmppSpeech, Speech
from assent.carrier.speech_sgip import SgipSpeech
from assent.carrier.speech_smgp import SmgpSpeech
from assent.carrier.speech_smpp import SmppSpeech
from assent.clock import Clock
from assent.errors import InvalidInput

__all__ = ["DIALECTS", "CarrierSettings", "Simulator"]


DIALECTS: Final[Mapping[str, Callable[[CarrierSettings, Random], Speech]]] = {
    "cmpp": CmppSpeech,
    "sgip": lambda settings, _: SgipSpeech(settings),
    "smgp": SmgpSpeech,
    "smpp": SmppSpeech,
}


class Simulator:
    """One simulated carrier. `await start()`, then change it at will, then `await stop()`."""

    def __init__(
        self,
        settings: CarrierSettings,
        script: Script,
        clock: Clock,
        seed: int,
        recorder: Records | None = None,
    ) -> None:
        """`seed` decides every number drawn. The recorder is the caller's to close."""
        self.settings = settings
        self.clock = clock
        self.recorder = recorder
        self.connections: list[ServerConnection] = []
        self._seed = f"{seed}:{settings.name}"
        rng = Random(f"{self._seed}:identity")
        self.speech = DIALECTS[settings.dialect](settings, rng)
        self.intake = Intake(clock, rng, self.speech)
        self.counters = self.intake.counters
        self.first_sequence = rng.randrange(1, 1 << 31)
        self.accounts = {
            user: Account(user, secret, rng) for user, secret in settings.accounts.items()
        }
        self._callers: list[Caller] = []
        self._server: asyncio.Server | None = None
        self.listening = False
        self.set_script(script)

    # --- life

    async def start(self) -> int:
        """Listen, and return the port."""
        self.loop = asyncio.get_running_loop()
        self.intake.start(self.loop)
        self.listening = True
        self._server = await self.loop.create_server(
            lambda: ServerConnection(self), self.settings.host, self.settings.port
        )
        if self.settings.reports_to is not None:
            for account in self.accounts.values():
                caller = Caller(self, account, *address_of(self.settings.reports_to))
                account.summon = caller.summon
                self._callers.append(caller)
        return self.port

    @property
    def port(self) -> int:
        """The port it listens on."""
        if self._server is None:
            raise RuntimeError("the simulator is not started")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close everything at once; what waited to be delivered is gone."""
        if self._server is None:
            return
        self.listening = False  # the system may have accepted one that we hear of after this
        self._server.close()
        self.intake.timeline.close()
        for caller in self._callers:
            caller.close()
        self._callers.clear()
        for connection in list(self.connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None

    # --- the script, and what can be done by hand

    def set_script(self, script: Script) -> None:
        """Act by another script from now on. Counts of faults and of replies begin anew.

        Raises InvalidInput for a code that the dialect cannot say; then nothing has changed."""
        self.speech.check(script)
        self.script = script
        self.intake.act(script, self._seed)

    def change(self, change: Mapping[str, Any]) -> None:
        """Change some of the script, e.g. `{"answers": {"latency": 2}}`; raises InvalidInput."""
        self.set_script(changed(self.script, dict(change)))

    def silence(self, on: bool = True) -> None:
        """Answer no submits (or answer again). Those of the silence are never answered."""
        self.intake.silent = on

    def stall(self, seconds: float) -> None:
        """Do not read from any socket for a while."""
        for connection in self.connections:
            connection.stall(seconds)

    def half_open(self) -> None:
        """Never answer anything on the present connections, while TCP stays."""
        for connection in self.connections:
            connection.deaf = True

    def cut(self) -> None:
        """Send half a PDU on every connection and close it."""
        for connection in list(self.connections):
            connection.cut()

    def disconnect(self) -> None:
        """Close every connection without a word."""
        for connection in list(self.connections):
            connection.abort()

    def send_mo(
        self, source: str, destination: str, text: str, account: str | None = None
    ) -> list[int]:
        """A person writes to an access number now; return the ids of the segments (in SGIP and
        SMPP, where they have none before they leave, numbers of the simulator's own).

        Without a bound connection it waits for one. Raises InvalidInput for an unknown account,
        LocalProtocolError for a number that does not fit its field.
        """
        user = next(iter(self.accounts)) if account is None else account
        if user not in self.accounts:
            raise InvalidInput("unknown_account", "no such account", field="account")
        items = self.intake.mobile(source, destination, text)
        self.speech.bodies(items, self.settings.highest)  # what does not fit is said here
        owner = self.accounts[user]
        owner.post(items, owner.any_connection())
        for connection in list(owner.connections):
            connection.flush()
        return [item.deliver_id for item in items]

    def status(self) -> dict[str, Any]:
        """Return the counters and what is under way, as plain values."""
        accounts = self.accounts.values()
        return {
            "name": self.settings.name,
            "dialect": self.settings.dialect,
            "port": self.port,
            "connections": len(self.connections),
            "bound": sum(len(account.connections) for account in accounts),
            **{name: self.counters[name] for name in COUNTED},
            "refused": {str(code): count for code, count in sorted(self.intake.refused.items())},
            "redelivered": sum(account.redelivered for account in accounts),
            "later": len(self.intake.timeline),
            "waiting": sum(len(account.waiting) for account in accounts)
            + sum(len(connection.outbox) for connection in self.connections),
            "unacknowledged": sum(len(connection.sent) for connection in self.connections),
        }

    def day(self) -> dict[str, int]:
        """Return the counters of QUERY_RESP (protocols.md 1.11); they run since the start."""
        counters = self.counters
        taken = counters["accepted"]
        refused = sum(self.intake.refused.values())
        return {
            "mt_messages": counters["submits"],
            "mt_users": counters["submits"],
            "mt_succeeded": taken,
            "mt_waiting": counters["submits"] - taken - refused,
            "mt_failed": refused,
            "mo_succeeded": counters["mo_acknowledged"],
            "mo_waiting": counters["mo_made"] - counters["mo_acknowledged"],
            "mo_failed": 0,
        }


COUNTED: Final = (
    "binds",
    "binds_refused",
    "submits",
    "accepted",
    "receipts_sent",
    "receipts_acknowledged",
    "mo_made",
    "mo_sent",
    "mo_acknowledged",
    "delivers_refused",
    "calls",
    "calls_refused",
    "calls_failed",
)
"""Counters that `status` always tells, zero or not."""

if __name__ == "__main__":
    from assent.carrier.simulate import main

    raise SystemExit(main())
