"""A link: one account's connection to a carrier, kept up for as long as it is wanted.

The link connects, binds, and comes back with growing pauses when the connection falls. What flows
over it is `connection.py`; what it promises to flow is `assent.flow.links`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from assent.carrier.connection import Connection
from assent.carrier.health import LinkCounters
from assent.carrier.link_settings import UP, LinkSettings, LinkState
from assent.carrier.listener import Listener
from assent.carrier.pacing import Backoff, Brake, TokenBucket
from assent.carrier.pdu_tap import PduTap, TapMaker, spoken
from assent.carrier.steered import Steered
from assent.wire.kit import kit_for

if TYPE_CHECKING:
    from assent.clock import Clock
    from assent.flow.links import Answer, Deliver, Sink, Source
    from assent.wire.events import Bound, Refused
    from assent.wire.session import Session

__all__ = ["Link", "LinkSettings", "LinkState"]

STEADY_S: Final = 5.0
"""A link that stayed bound this long starts its next reconnect from the shortest pause."""


class Link(Steered[LinkSettings]):
    """One link. Make it, `start()` it inside a running loop, end it by `drain` or `stop`.

    Every method belongs to the loop's thread. `rng` jitters the pauses. Raises InvalidInput for a
    dialect, version or quirk that does not exist (`wire.kit.kit_for`).
    """

    def __init__(
        self,
        settings: LinkSettings,
        source: Source,
        sink: Sink,
        clock: Clock,
        rng: Random,
        counters: LinkCounters | None = None,
    ) -> None:
        kit = kit_for(
            settings.dialect,
            user=settings.user,
            version=settings.version,
            quirks=settings.quirks,
        )
        super().__init__(settings, kit, (source, sink), clock, rng, counters)
        self.version = kit.version
        self._maker: TapMaker | None = None
        self.bucket: TokenBucket | None = None
        self.brake: Brake | None = None
        self._reconnect = Backoff(settings.reconnect_base_s, settings.reconnect_cap_s, rng)
        self._bound_at: float | None = None
        self._connection: Connection | None = None
        self.listener: Listener | None = None
        if settings.listen is not None and self.kit.serve is not None:
            self.listener = Listener(self, settings.listen)
        self._task: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    # --- life

    def start(self) -> None:
        """Begin to connect, now and whenever the connection falls."""
        if self._task is not None:
            raise RuntimeError("a link is started once")
        loop = asyncio.get_running_loop()
        if self.settings.rate is not None:
            self.bucket = TokenBucket(self.settings.rate, loop.time(), self.settings.burst)
        self._task = loop.create_task(self._keep_up(), name=f"link {self.name}")
        if self.listener is not None:
            self.listener.start()

    @property
    def started(self) -> bool:
        """Whether it was started, be it ended since or not."""
        return self._task is not None

    def tap(self, maker: TapMaker | None) -> None:
        """Show what passes over every connection, now and later; None: no more."""
        self._maker = maker
        if self._connection is not None:
            self._connection.look()
        for served in () if self.listener is None else self.listener.served:
            served.look()

    def tap_for(self, session: Session, way: str = "") -> PduTap | None:
        """Return what a connection shows its octets to, None where nobody looks."""
        if self._maker is None:
            return None
        return self._maker(
            self.name + way, lambda: spoken(self.kit.name, session.version), session.partial
        )

    def kick(self) -> None:
        """Say that the source may have work. Cheap, and safe to call often."""
        if self._connection is not None and self.state is LinkState.BOUND:
            self._connection.kick()

    def acknowledge(self, delivers: Sequence[Deliver], result: int = 0) -> None:
        """Answer delivers that are durable now, in one write.

        Those of an earlier connection are passed over: the carrier sends them again.
        """
        done = 0 if self._connection is None else self._connection.acknowledge(delivers, result)
        if self.listener is not None:
            done += self.listener.acknowledge(delivers, result)
        self.counters.acknowledged += done
        self.counters.late_acknowledgements += len(delivers) - done

    def abort(self, reason: str) -> None:
        """Close the socket at once, report unanswered tokens lost, then connect anew."""
        if self._connection is not None:
            self._connection.abort(reason)

    def halt(self, reason: str) -> None:
        """Close the socket at once and stay down. Losses are reported on the loop's next turns."""
        self._ending = True
        self.abort(reason)
        if self.listener is not None:
            self.listener.stop(abort=True)
        if self._end is None:
            self._end = asyncio.get_running_loop().create_task(self._ended(reason))

    async def stop(self, reason: str = "stopped") -> None:
        """`halt`, and return when the lost tokens are reported."""
        self.halt(reason)
        if self._end is not None:
            await asyncio.wait([self._end])

    async def drain(self, timeout_s: float, why: str = "drained") -> bool:
        """Stop pulling, let what is written be answered, TERMINATE, close.

        Returns True when every message was answered; after `timeout_s` the link is aborted and
        the rest reported lost. May be called again meanwhile; the shortest time then holds.
        """
        self._ending = True
        lost_before = self.counters.lost
        connection = self._connection
        if connection is not None and (self.state in UP or self.state is LinkState.DRAINING):
            self._change(LinkState.DRAINING, why)
            connection.finish()
            await asyncio.wait([connection.closed], timeout=timeout_s)
        self.abort("drain took too long")
        if self.listener is not None:
            self.listener.stop()
        await self._ended(why)
        return self.counters.lost == lost_before

    async def _ended(self, detail: str) -> None:
        """Let a live connection finish closing, end the supervisor, say closed."""
        connection, task = self._connection, self._task
        if connection is not None:
            await asyncio.wait([connection.closed])
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self.state is not LinkState.CLOSED:
            self._change(LinkState.CLOSED, detail)

    async def _keep_up(self) -> None:
        """Connect; stay until the connection is closed; pause; again."""
        loop = asyncio.get_running_loop()
        while not self._ending:
            connection = await self._connect(loop)
            if connection is not None:
                # Shielded: cancelling the supervisor must not cancel the loss report.
                reason = await asyncio.shield(connection.closed)
                self._connection = None
                self.counters.disconnects += 1
                if self._bound_at is not None and loop.time() - self._bound_at >= STEADY_S:
                    self._reconnect.reset()
                self._bound_at = None
                if not self._ending:
                    refused = self.state is LinkState.REFUSED
                    self._change(LinkState.REFUSED if refused else LinkState.DOWN, reason)
            if not self._ending:
                await asyncio.sleep(self._reconnect.next())

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        settings = self.settings
        self._change(LinkState.CONNECTING, "")
        connection = Connection(self, loop)
        try:
            async with asyncio.timeout(settings.connect_s):
                await loop.create_connection(
                    lambda: connection,
                    settings.host,
                    settings.port,
                    ssl=settings.tls,
                    server_hostname=settings.tls_name if settings.tls else None,
                )
        except OSError as error:  # TimeoutError is one
            detail = f"cannot connect: {error.strerror or type(error).__name__}"
            if self._connection is None:
                self._change(LinkState.DOWN, detail)
                return None
            connection.abort(detail)
        if self._ending:
            connection.abort("stopped")
        return connection

    # --- what the connection asks and tells

    def open_session(self, now: float) -> tuple[Session, int]:
        """Return the session of a new connection, and the timestamp to start it with."""
        settings, kit, counters = self.settings, self.kit, self.counters
        unix_s, zone = self.clock.now(), settings.zone_minutes
        # Beside its messages a connection sends a bind, and at its end one command.
        used = counters.submitted + 3 * counters.connects
        first = kit.first_sequence(unix_s, zone, settings.place, used)
        session = kit.session(settings.session(kit.version, kit.mode, first), now)
        return session, kit.timestamp(unix_s, zone)

    def connected(self, connection: Connection) -> None:
        """Take note that there is a socket; the bind has been asked for."""
        self.counters.connects += 1
        self._connection = connection
        if not self._ending:
            self._change(LinkState.BINDING, "")

    def bound(self, event: Bound, now: float) -> None:
        """Take note that traffic may flow."""
        self._bound_at = now
        if not self._ending:
            proof = "" if event.authenticated else "carrier's own proof does not match"
            self._change(self.held or LinkState.BOUND, proof)
        self.decided.set()

    def refused(self, event: Refused) -> None:
        """Take note that the carrier does not let us in."""
        self.counters.binds_refused += 1
        detail = f"status {event.status}, speaks up to version {event.peer_version:#04x}"
        self._change(LinkState.REFUSED, detail)
        self.decided.set()

    def count_answers(self, answers: list[Answer], now: float) -> None:
        """Count, and pause pulling when the carrier says that it is too much, or that it is the
        link which is at fault: meanwhile other links of the carrier take what is offered again."""
        counters = self.counters
        bad = [answer[1] for answer in answers if answer[1]]
        counters.answered += len(answers)
        counters.accepted += len(answers) - len(bad)
        if bad and sum(map(self._count_refusal, bad)):
            self._pause(now)

    def paces(self, now: float) -> list[TokenBucket]:
        """Return what paces this link now: its rate, and its brake."""
        brake = None if self.brake is None else self.brake.bucket(now)
        return [bucket for bucket in (self.bucket, brake) if bucket is not None]

    def congested(self, state: int, now: float) -> None:
        """Take note of how loaded the carrier says it is (`Brake`)."""
        if self.brake is None:
            self.brake = Brake(self.counters.submitted, now)
        self.brake.heard(state, self.counters.submitted, now)

    # --- health

    def health(self) -> dict[str, Any]:
        """Return state and counters as plain values for metrics and the console."""
        connection = self._connection
        in_flight = 0 if connection is None else connection.in_flight
        slowed = None
        if self.brake is not None:
            slowed = self.brake.bucket(asyncio.get_running_loop().time())
        unacknowledged = 0 if connection is None else connection.unacknowledged
        return self._health(
            in_flight,
            unacknowledged,
            None if slowed is None else round(slowed.rate, 1),
            self.listener,
        )
