"""The server that customers' software binds to, in all four dialects.

What it promises: a submit is answered with success only when flow says that it is stored; what a
customer is to be told is told again until it is acknowledged; a customer that stalls or breaks the
protocol loses its own connections only, and what one connection holds in memory is bounded by its
windows. What all of them have waiting to be stored is bounded together: above that nobody is read.

Parcels of a link are loaded by every server that it binds to: one process must serve a link.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from assent.carrier.address import split_address
from assent.carrier.customer_bind import Bind
from assent.carrier.customer_calls import Call, Caller
from assent.carrier.customer_line import Line
from assent.carrier.customer_login import Login
from assent.carrier.customer_outlet import Outlet
from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.pdu_tap import PduTap, TapMaker, spoken
from assent.carrier.tongue import Tongue
from assent.carrier.tongue_cmpp import CmppTongue
from assent.carrier.tongue_sgip import SgipTongue
from assent.carrier.tongue_smgp import SmgpTongue
from assent.carrier.tongue_smpp import SmppTongue
from assent.errors import InvalidInput

if TYPE_CHECKING:
    from assent.clock import Clock
    from assent.flow.customers import CustomerLink, Reception
    from assent.wire.session import Session

TONGUES: dict[str, Callable[[CustomerSettings, Door, float], Tongue]] = {
    "cmpp": CmppTongue,
    "sgip": SgipTongue,
    "smgp": SmgpTongue,
    "smpp": SmppTongue,
}

GATEWAYS: Final = {"cmpp": 1 << 22, "sgip": 1 << 32, "smgp": 1_000_000, "smpp": 16}
"""How many gateway codes each dialect's ids have room for."""

RELIEF_S: Final = 0.02
"""How often it is asked whether those who are held may read again."""


class CustomerServer:
    """Listens from `start` until `stop` or `abort`; every method belongs to the loop's thread.

    Raises InvalidInput for a dialect that is not spoken and a gateway code that does not fit."""

    def __init__(
        self, settings: CustomerSettings, reception: Reception, clock: Clock, rng: Random
    ) -> None:
        self.settings = settings
        self.reception = reception
        self.clock = clock
        self.rng = rng
        self.decoy = secrets.token_hex(8)
        """A secret that nobody has: strangers are checked against it."""
        self.counters: Counter[str] = Counter()
        self.logins: dict[int, Login] = {}
        self.lines: set[Line] = set()
        self._unbound: Counter[str] = Counter()
        self._held: set[Bind] = set()
        self._tapping: tuple[TapMaker | None, str] = None, ""
        self._relief: asyncio.Handle | None = None
        self._empty: asyncio.Event | None = None
        self._servers: dict[str, asyncio.Server] = {}
        self._listening = False
        self.tongues: dict[str, Tongue] = {}
        for dialect, door in settings.doors.items():
            if dialect not in TONGUES:
                message = f"no dialect is called {dialect}"
                raise InvalidInput("bad_settings", message, field="dialect")
            if not 0 <= door.gateway < GATEWAYS[dialect]:
                message = f"the gateway code of {dialect} is below {GATEWAYS[dialect]}"
                raise InvalidInput("bad_settings", message, field="gateway")
            self.tongues[dialect] = TONGUES[dialect](settings, door, clock.now())

    # --- life

    async def start(self) -> None:
        """Listen in every dialect. Raises OSError for an address that cannot be had."""
        self.loop = asyncio.get_running_loop()
        self._listening = True
        try:
            for dialect, tongue in self.tongues.items():
                self._servers[dialect] = await self._listen(tongue)
        except OSError:
            self._stop_listening()
            raise

    async def _listen(self, tongue: Tongue) -> asyncio.Server:
        door = tongue.door
        timeout = self.settings.bind_timeout_s if door.tls is not None else None
        return await self.loop.create_server(
            lambda: Bind(self, tongue),
            door.host,
            door.port,
            ssl=door.tls,
            ssl_handshake_timeout=timeout,
        )

    @property
    def ports(self) -> dict[str, int]:
        """By dialect, where it is listened now."""
        return {
            dialect: server.sockets[0].getsockname()[1]
            for dialect, server in self._servers.items()
            if server.sockets
        }

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Take nobody in any more, answer what is being stored, unbind, close. After `timeout_s`
        what still stands is dropped."""
        self._stop_listening()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        for login in self.logins.values():
            self._arrange_calls(login, None)
            login.outlet.close()
        for line in list(self.lines):
            line.end(timeout_s)
        if self.lines:
            self._empty = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._empty.wait(), timeout_s)
        for line in list(self.lines):
            line.abort()
        left = max(0.1, deadline - loop.time())
        waiting = [login.outlet.closed() for login in self.logins.values()]
        with contextlib.suppress(TimeoutError):  # what flow was not told comes again
            await asyncio.wait_for(asyncio.gather(*waiting), left)
        self.abort("stopped")

    def abort(self, reason: str) -> None:
        """Drop every connection at once."""
        self._stop_listening()
        for line in list(self.lines):
            line.abort()
        for login in self.logins.values():
            self._arrange_calls(login, None)
            login.outlet.abort()

    def _stop_listening(self) -> None:
        self._listening = False  # the system may have accepted one that we hear of after this
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    # --- what flow tells

    def mail(self, link_id: int) -> None:
        """A link may have parcels."""
        login = self.logins.get(link_id)
        if login is None:
            link = self.reception.link_of(link_id)
            if link is None or not link.active or self._calling(link) is None:
                return
            login = self.login_of(link)
        login.outlet.mail()

    def changed(self) -> None:
        """The register may have changed. Connections that it does not let in any more are ended;
        a new window holds from the next bind on."""
        now = self.loop.time()
        for login in list(self.logins.values()):
            fresh = self.reception.link(login.link.login)
            if fresh is None or fresh.id != login.link.id:
                self._end(login, login.lines)
                self._arrange_calls(login, None)
                login.outlet.abort()
                del self.logins[login.link.id]
                continue
            if not fresh.active or fresh.secret != login.link.secret:
                self._end(login, login.lines)
                login.changed(fresh, now)
                self._arrange_calls(login, self._calling(fresh))
                continue
            gone = [
                bind
                for place, bind in enumerate(login.binds)
                if bind.tongue.name not in fresh.dialects
                or not fresh.admits(bind.address)
                or place >= fresh.binds
            ]
            self._end(login, gone)
            login.changed(fresh, now)
            self._arrange_calls(login, self._calling(fresh))

    def _calling(self, link: CustomerLink) -> tuple[str, int] | None:
        """Where we call a customer with reports and replies, if we do."""
        calls = link.active and "sgip" in link.dialects and "sgip" in self.tongues
        return split_address(link.reports_to) if calls else None

    def _arrange_calls(self, login: Login, address: tuple[str, int] | None) -> None:
        caller = login.caller
        if caller is not None:
            if caller.address == address:
                return
            caller.close()
            login.caller = login.outlet.summon = None
            self._end(login, [line for line in login.lines if isinstance(line, Call)])
        tongue = self.tongues.get("sgip")
        if address is not None and isinstance(tongue, SgipTongue):
            login.caller = Caller(self, tongue, login, address)
            login.outlet.summon = login.caller.summon
            login.outlet.mail()

    def _end(self, login: Login, lines: Sequence[Line]) -> None:
        for line in lines:
            login.counters["ended"] += 1
            line.end(self.settings.end_s)

    def tap(self, maker: TapMaker | None, login: str = "") -> None:
        """Show what passes over the connections of a login, now and later; None: no more."""
        self._tapping = maker, login
        for one in self.logins.values():
            for line in one.binds:
                line.look()

    # --- what connections ask and tell

    def tap_for(self, dialect: str, login: Login, session: Session) -> PduTap | None:
        """What a connection shows its octets to, None where nobody looks."""
        maker, wanted = self._tapping
        if maker is None or login.link.login != wanted:
            return None
        return maker(wanted, lambda: spoken(dialect, session.version), session.partial)

    def admit(self, line: Bind) -> bool:
        """Whether there is room for one more connection from its address."""
        settings = self.settings
        if (
            not self._listening
            or len(self.lines) >= settings.connections
            or self._unbound[line.address] >= settings.unbound
        ):
            self.counters["turned_away"] += 1
            return False
        self.counters["connections"] += 1
        self.lines.add(line)
        line.stranger = True
        self._unbound[line.address] += 1
        return True

    def bound(self, line: Bind) -> None:
        """It has logged in."""
        self._less(line)

    def forget(self, line: Line) -> None:
        """It is gone."""
        self.lines.discard(line)
        if isinstance(line, Bind):
            self._held.discard(line)
            self._less(line)
        if not self.lines and self._empty is not None:
            self._empty.set()

    def _less(self, line: Bind) -> None:
        if line.stranger:
            line.stranger = False
            self._unbound[line.address] -= 1
            if not self._unbound[line.address]:
                del self._unbound[line.address]

    def login_of(self, link: CustomerLink) -> Login:
        """Everything that is known of a login while we run."""
        login = self.logins.get(link.id)
        if login is None:
            outlet = Outlet(link.id, self.reception, self.settings)
            login = self.logins[link.id] = Login(link, outlet, self.loop.time())
            self._arrange_calls(login, self._calling(link))
        elif login.link is not link:
            login.changed(link, self.loop.time())
        return login

    def held(self, line: Bind) -> None:
        """It reads nothing until fewer submits wait to be stored."""
        self._held.add(line)
        if self._relief is None:
            self._relief = self.loop.call_later(RELIEF_S, self._relieve)

    def _relieve(self) -> None:
        self._relief = None
        if self.reception.waiting <= self.settings.most_waiting // 2:
            held, self._held = self._held, set()
            for line in held:
                line.release("waiting")
        elif self._held:
            self._relief = self.loop.call_later(RELIEF_S, self._relieve)

    # --- health

    def health(self) -> dict[str, Any]:
        """Figures as plain values; no secrets, no numbers."""
        return {
            "ports": self.ports,
            "connections": len(self.lines),
            "turned_away": self.counters["turned_away"],
            "binds_refused": self.counters["binds_refused"],
            "protocol_errors": self.counters["protocol_errors"],
            "logins": [login.health() for login in self.logins.values()],
        }
