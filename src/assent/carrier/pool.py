"""The links of one carrier, started, kicked and ended together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from assent.carrier.link import Link, LinkSettings, LinkState
from assent.carrier.mm7_link import Mm7Link, Mm7Settings

if TYPE_CHECKING:
    from assent.clock import Clock
    from assent.flow.links import Sink, Source


class Pool:
    """All links to one carrier. They share source and sink; each has its own window and pace."""

    def __init__(
        self,
        carrier: str,
        settings: Sequence[LinkSettings | Mm7Settings],
        source: Source,
        sink: Sink,
        clock: Clock,
        rng: Random,
    ) -> None:
        """Make the links; none connects before `start`. Raises ValueError on doubled names, and on
        doubled places where those make message ids."""
        names = [one.name for one in settings]
        if len(set(names)) != len(names):
            raise ValueError("two links of a pool have the same name")
        places = [one.place for one in settings if one.dialect == "sgip"]
        if len(set(places)) != len(places):
            raise ValueError("two SGIP links of a pool have the same place")
        self.carrier = carrier
        self.links: list[Link | Mm7Link] = [
            Mm7Link(one, source, sink, clock, rng)
            if isinstance(one, Mm7Settings)
            else Link(one, source, sink, clock, rng)
            for one in settings
        ]
        self._first = 0

    def __iter__(self) -> Iterator[Link | Mm7Link]:
        return iter(self.links)

    def start(self) -> None:
        """Start every link."""
        for link in self.links:
            link.start()

    @property
    def bound(self) -> int:
        """How many links may carry traffic now."""
        return sum(link.state is LinkState.BOUND for link in self.links)

    def kick(self) -> None:
        """Say that the source may have work. Another link comes first each time."""
        links = self.links
        if not links:
            return
        first = self._first = (self._first + 1) % len(links)
        for link in links[first:]:
            link.kick()
        for link in links[:first]:
            link.kick()

    def abort(self, reason: str) -> None:
        """Close every socket at once and stay down; what to do first when the epoch is lost.

        Losses are reported on the loop's next turns; `await stop()` waits for that.
        """
        for link in self.links:
            link.halt(reason)

    async def stop(self, reason: str = "stopped") -> None:
        """`abort`, and return when the lost tokens are reported."""
        self.abort(reason)
        await asyncio.gather(*(link.stop(reason) for link in self.links))

    async def drain(self, timeout_s: float) -> bool:
        """Drain every link at the same time. True when no message was lost on the way."""
        return all(await asyncio.gather(*(link.drain(timeout_s) for link in self.links)))

    def health(self) -> list[dict[str, Any]]:
        """Return the health of every link."""
        return [link.health() for link in self.links]
