"""The links of one carrier: started, kicked, steered, exchanged and ended together.

Every link has a place in `links`. What stands there is brought to where staff, the link's hours and
the other links want it (`_settle`): up, up but held, or down. A link that was down and is wanted
again, or that was changed, is a new one in the old place, and counts on where the old one stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, Final

from assent.carrier.link import Link, LinkSettings, LinkState
from assent.carrier.link_settings import UP
from assent.carrier.mm7_link import Mm7Link
from assent.carrier.mm7_settings import Mm7Settings

if TYPE_CHECKING:
    from assent.carrier.pdu_tap import TapMaker
    from assent.clock import Clock
    from assent.flow.links import Sink, Source

HAND_OVER_S: Final = 10.0
"""How long the link that takes another's place may need to bind before that one is drained."""

DRAIN_GRACE_S: Final = 5.0
"""What a link that is drained gets beyond the time in which a carrier must answer."""

PAUSED: Final = "paused"
DRAINED: Final = "drained"
"""What staff may order of a link."""

AnyLink = Link | Mm7Link
AnySettings = LinkSettings | Mm7Settings


class Pool:
    """All links to one carrier. They share source and sink; each has its own window and pace.

    Standby links (`LinkSettings.standby`) are bound, and pull while no other link may. Weights say
    which link is asked first where there is less to send than all could take.
    """

    def __init__(
        self,
        carrier: str,
        settings: Sequence[AnySettings],
        source: Source,
        sink: Sink,
        clock: Clock,
        rng: Random,
    ) -> None:
        """Make the links; none connects before `start`. Raises ValueError on doubled names, and on
        doubled places where those make message ids."""
        self.carrier = carrier
        self._flow = source, sink
        self._clock = clock
        self._rng = rng
        self._orders: Mapping[str, str] = {}
        self._leaving: set[AnyLink] = set()  # drained, their places taken or gone
        self._coming: set[AnyLink] = set()  # in their places, to be started by who exchanges them
        self._tasks: set[asyncio.Task[Any]] = set()
        self._running = False
        self._first = 0
        self._behind: dict[AnyLink, float] = {}  # what puts late comers level with the others
        self._tapping: tuple[TapMaker | None, str] = None, ""
        _check(settings)
        self.links = [self._made(one) for one in settings]
        self._weigh()

    def __iter__(self) -> Iterator[AnyLink]:
        return iter(self.links)

    def start(self) -> None:
        """Start every link that is wanted."""
        self._running = True
        self._settle()

    @property
    def bound(self) -> int:
        """How many links may carry traffic now."""
        return sum(link.state is LinkState.BOUND for link in self.links)

    @property
    def present(self) -> bool:
        """Whether the carrier lets us send: a link is bound, if only paused or on standby."""
        return any(link.state in UP and link.kit.sends for link in self.links)

    def kick(self) -> None:
        """Say that the source may have work. Another link comes first each time, or with weights
        the one that had least of its share."""
        links = self.links
        if not links:
            return
        if self._behind:
            for link in sorted(links, key=self._served):
                link.kick()
            return
        first = self._first = (self._first + 1) % len(links)
        for link in links[first:]:
            link.kick()
        for link in links[:first]:
            link.kick()

    # --- steering

    def steer(self, orders: Mapping[str, str]) -> None:
        """Follow what staff ordered, by `LinkSettings.link`: PAUSED or DRAINED."""
        self._orders = orders
        self._settle()

    def look(self) -> None:
        """See whether hours began or ended. To be called every second or so."""
        if any(link.settings.hours for link in self.links):
            self._settle()

    def change(self, settings: Sequence[AnySettings]) -> None:
        """Be the pool of other settings: new links start, those that are gone are drained, changed
        ones are exchanged (the new one binds first), the others go on as they are.

        Raises ValueError as the constructor does; nothing is changed then.
        """
        _check(settings)
        before = {link.name: link for link in self.links}
        links: list[AnyLink] = []
        for one in settings:
            link = before.pop(one.name, None)
            if link is None:
                link = self._made(one)
            elif not link.adopts(one):
                link = self._exchanged(link, one) if self._running else self._made(one)
            links.append(link)
        self.links = links
        for link in before.values():
            self._leave(link, "removed from the settings")
        self._weigh()
        self._settle()

    def _made(self, settings: AnySettings, old: AnyLink | None = None) -> AnyLink:
        source, sink = self._flow
        counters = None if old is None else old.counters
        flow = source, sink, self._clock, self._rng, counters
        link: AnyLink
        if isinstance(settings, Mm7Settings):
            link = Mm7Link(settings, *flow)
        else:
            link = Link(settings, *flow)
        link.watched = self._watch
        self._tap(link)
        return link

    def tap(self, maker: TapMaker | None, target: str = "") -> None:
        """Show what passes over a link, or over all when the carrier is the target, whatever takes
        its place meanwhile; None: no more."""
        self._tapping = maker, target
        for link in self._all():
            self._tap(link)

    def _tap(self, link: AnyLink) -> None:
        maker, target = self._tapping
        link.tap(maker if target in (self.carrier, link.settings.link) else None)

    def _exchanged(self, old: AnyLink, settings: AnySettings) -> AnyLink:
        new = self._made(settings, old)
        self._coming.add(new)
        self._leaving.add(old)
        self._spawn(self._hand_over(old, new))
        return new

    async def _hand_over(self, old: AnyLink, new: AnyLink) -> None:
        if new.kit.node is not None:
            # No two connections of a place may begin in the same second (`sgip.first_sequence`).
            await asyncio.sleep(1.0)
        self._coming.discard(new)
        self._settle()
        if new.started and not new.ending:
            # A carrier that lets us in once only waits for the old one to go.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(new.decided.wait(), HAND_OVER_S)
        await old.drain(self._patience(old), "changed in the settings")
        self._leaving.discard(old)
        self._settle()

    def _leave(self, link: AnyLink, why: str) -> None:
        async def leave() -> None:
            await link.drain(self._patience(link), why)
            self._leaving.discard(link)

        self._leaving.add(link)
        self._spawn(leave())

    async def _bring_down(self, link: AnyLink, why: str) -> None:
        await link.drain(self._patience(link), why)
        self._settle()

    def _settle(self) -> None:
        """Bring every link to where it is wanted. What takes time goes on by itself and comes back
        here when it is done."""
        if not self._running:
            return
        for place, link in enumerate(self.links):
            if link in self._coming:
                continue
            why = self._why_down(link.settings)
            if why is not None:
                if link.state is LinkState.CLOSED or not link.started:
                    link.rest(why)
                elif not link.ending:
                    self._spawn(self._bring_down(link, why))
            elif link.state is LinkState.CLOSED:
                self.links[place] = self._made(link.settings, link)
                self._weigh()
                self.links[place].start()
            elif not link.started:
                link.start()
        self._hold()

    def _why_down(self, settings: AnySettings) -> str | None:
        if self._orders.get(settings.link) == DRAINED:
            return "drained by order"
        if not settings.open_at(self._clock.now()):
            return "out of its hours"
        return None

    @staticmethod
    def _patience(link: AnyLink) -> float:
        return link.settings.response_s + DRAIN_GRACE_S

    def _hold(self) -> None:
        """Hold what is paused, and standby links while another may pull."""
        paused = {link for link in self.links if self._orders.get(link.settings.link) == PAUSED}
        spare = [link for link in self.links if link.settings.standby and link not in paused]
        for link in self.links:
            if link not in spare:
                link.hold(LinkState.PAUSED if link in paused else None)
        served = bool(spare) and self._served_without(spare)
        for link in spare:
            link.hold(LinkState.STANDBY if served else None)

    def _served_without(self, spare: list[AnyLink]) -> bool:
        now = asyncio.get_running_loop().time()
        able = [link for link in self.links if link.state is LinkState.BOUND and link not in spare]
        return any(link.kit.sends and link.throttled_until <= now for link in able)

    # --- what the links tell

    def _watch(self, link: AnyLink) -> None:
        if not self._running:
            return
        if any(one.settings.standby for one in self.links):
            loop = asyncio.get_running_loop()
            loop.call_soon(self._hold)
            if link.throttled_until > loop.time():
                loop.call_at(link.throttled_until + 0.001, self._hold)
        if self._behind and link.state is LinkState.BOUND and link in self._behind:
            self._level(link)

    # --- weights

    def _weigh(self) -> None:
        """Keep account of shares only where they differ."""
        if len({link.settings.weight for link in self.links}) > 1:
            self._behind = {link: self._behind.get(link, 0.0) for link in self.links}
            for link in self.links:
                self._level(link)
        else:
            self._behind = {}

    def _served(self, link: AnyLink) -> float:
        return link.counters.submitted / link.settings.weight + self._behind[link]

    def _level(self, link: AnyLink) -> None:
        """A link that was away has no claim to what went over the others meanwhile."""
        up = [self._served(one) for one in self._behind if one is not link and one.state in UP]
        self._behind[link] += max(0.0, min(up, default=0.0) - self._served(link))

    # --- the end

    def abort(self, reason: str) -> None:
        """Close every socket at once and stay down; what to do first when the epoch is lost.

        Losses are reported on the loop's next turns; `await stop()` waits for that.
        """
        self._running = False
        for link in self._all():
            link.halt(reason)

    async def stop(self, reason: str = "stopped") -> None:
        """`abort`, and return when the lost tokens are reported."""
        self.abort(reason)
        await asyncio.gather(*(link.stop(reason) for link in self._all()))
        await self._rest()

    async def drain(self, timeout_s: float) -> bool:
        """Drain every link at the same time. True when no message was lost on the way."""
        self._running = False
        drained = await asyncio.gather(*(link.drain(timeout_s) for link in self._all()))
        await self._rest()
        return all(drained)

    def _all(self) -> list[AnyLink]:
        return list({*self.links, *self._leaving})

    async def _rest(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, body: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(body)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def health(self) -> list[dict[str, Any]]:
        """Return the health of every link."""
        return [link.health() for link in self.links]


def _check(settings: Sequence[AnySettings]) -> None:
    names = [one.name for one in settings]
    if len(set(names)) != len(names):
        raise ValueError("two links of a pool have the same name")
    places = [one.place for one in settings if one.dialect == "sgip"]
    if len(set(places)) != len(places):
        raise ValueError("two SGIP links of a pool have the same place")
