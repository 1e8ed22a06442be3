"""What every link has in common, whatever it speaks: where it stands, who holds it, its pauses."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from assent.carrier.health import LinkCounters
from assent.carrier.link_settings import UP, LinkState
from assent.carrier.pacing import Backoff
from assent.wire.kit import Kit

if TYPE_CHECKING:
    from assent.clock import Clock
    from assent.flow.links import Deliver, Sink, Source


class Line(Protocol):
    """The settings that every kind of link has."""

    @property
    def name(self) -> str: ...
    @property
    def carrier(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def link(self) -> str: ...
    @property
    def window(self) -> int: ...
    @property
    def rate(self) -> float | None: ...
    @property
    def throttle_base_s(self) -> float: ...
    @property
    def throttle_cap_s(self) -> float: ...
    def same_line(self, other: object) -> bool:
        """Whether a connection made for the other serves this as it is."""


S = TypeVar("S", bound=Line)


class Steered(ABC, Generic[S]):
    """A link as a pool steers it. A kind of link says how it pulls, what is in flight, and how it
    ends.

    Not safe across threads. `counters`: those of the link whose place this one takes, to be counted
    on. `watched` is called when the state has changed or a pause has begun; `decided` is set once
    the carrier has let us in or turned us away, or could not be reached, for the first time.
    """

    def __init__(
        self,
        settings: S,
        kit: Kit,
        ways: tuple[Source, Sink],
        clock: Clock,
        rng: Random,
        counters: LinkCounters | None,
    ) -> None:
        self.settings = settings
        self.name = settings.name
        self.carrier = settings.carrier
        self.user = settings.user
        self.kit = kit
        self.source, self.sink = ways
        self.clock = clock
        self.state = LinkState.DOWN
        self.detail = ""
        self.counters = counters or LinkCounters()
        self.held: LinkState | None = None
        self.decided = asyncio.Event()
        self.watched: Callable[[Any], None] = lambda link: None
        self.throttled_until = 0.0
        self._since = clock.now()
        self._throttle = Backoff(settings.throttle_base_s, settings.throttle_cap_s, rng)
        self._ending = False

    @property
    def ending(self) -> bool:
        """Whether it is on its way to CLOSED, or there."""
        return self._ending

    @abstractmethod
    def acknowledge(self, delivers: Sequence[Deliver], result: int = 0) -> None:
        """Answer delivers that are durable now; those of an earlier connection come again."""

    @abstractmethod
    def abort(self, reason: str) -> None:
        """Break off what is under way at once; unanswered tokens are reported lost."""

    @abstractmethod
    def kick(self) -> None:
        """Say that the source may have work. Cheap, and safe to call often."""

    def adopts(self, settings: object) -> bool:
        """Be of other settings from now on, if what stands serves them as it is."""
        if not isinstance(settings, type(self.settings)) or not self.settings.same_line(settings):
            return False
        self.settings = settings
        return True

    def rest(self, why: str) -> None:
        """Be closed without ever having begun, or say anew why it is closed."""
        self._ending = True
        self._change(LinkState.CLOSED, why)

    def hold(self, state: LinkState | None) -> None:
        """Pull nothing while bound, which is told as the state PAUSED or STANDBY; None: pull."""
        if state is self.held:
            return
        self.held = state
        if self.state in UP:
            self._change(state or LinkState.BOUND, self.detail)
            self.kick()

    # --- inside

    def _count_refusal(self, code: int) -> bool:
        """Count an answer that is no success; return whether the carrier says that it is too much,
        or that it is the link which is at fault."""
        codes = self.kit.codes
        if code in codes.throttled:
            self.counters.throttled += 1
        else:
            self.counters.refuse(code)
        return code in codes.again

    def _pause(self, now: float) -> None:
        """Pull nothing for a while: meanwhile other links of the carrier take what is offered
        again. Answers to what was written before a pause are no new complaint."""
        if now < self.throttled_until:
            return
        if now - self.throttled_until > self.settings.throttle_cap_s:
            self._throttle.reset()
        self.throttled_until = now + self._throttle.next()
        self.watched(self)

    def _change(self, state: LinkState, detail: str) -> None:
        if state is self.state and detail == self.detail:
            return
        if self.state is LinkState.CLOSED and state is not LinkState.CLOSED:
            return
        self.state, self.detail = state, detail
        self._since = self.clock.now()
        self.sink.changed(self, state.value, detail)
        self.watched(self)

    def _health(
        self, in_flight: int, unacknowledged: int, slowed_to: float | None, listener: Any
    ) -> dict[str, Any]:
        """Return state and counters as plain values for metrics and the console."""
        settings = self.settings
        return {
            "name": self.name,
            "link": settings.link,
            "carrier": self.carrier,
            "dialect": self.kit.name,
            "state": self.state.value,
            "detail": self.detail,
            "since": self._since,
            "window": settings.window,
            "in_flight": in_flight,
            "fill": round(in_flight / settings.window, 3),
            "throttled_now": self.throttled_until > asyncio.get_running_loop().time(),
            "unacknowledged": unacknowledged,
            "rate": settings.rate,
            "slowed_to": slowed_to,
            **self.counters.as_dict(),
            **({} if listener is None else {"listener": listener.health()}),
        }
