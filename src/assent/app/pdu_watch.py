"""The PDU log of one process: taps the links that are looked at, decodes and masks what they show,
keeps it with what the other processes saw.

It is off until staff switch it on, for a time and up to a number of PDUs. Decoding takes a bounded
share of the process; what comes faster is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
import structlog

from assent.carrier.pdu_masks import Masks, canonical, mark_of, numbers_of
from assent.carrier.pdu_tap import Caught, PduQueue, PduTap, TapMaker
from assent.clock import Clock
from assent.errors import AssentError, InvalidInput
from assent.flow.needs import Store, utc
from assent.wire.explain import Explained

CHANNEL: Final = "pdus"
PAUSE_S: Final = 0.1
AT_ONCE: Final = 100
"""PDUs decoded each pause: some ten thousandths of a second each, so a tenth of a core at most."""

KEPT_S: Final = 86_400.0
FORGET_S: Final = 600.0
log = structlog.get_logger("assent")
_BREATH: Final = 10
_FOLLOWED: Final = 1_000


class PduWatch:
    """Follows what is looked for. Run :meth:`run` as a task; call :meth:`follow` when told."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        taps: Sequence[Callable[[TapMaker | None, str], None]],
        masks: Masks,
        key: bytes,
    ) -> None:
        """`taps`: called with what makes taps and whose connections are to have them."""
        self._store = store
        self._clock = clock
        self._taps = taps
        self._masks = masks
        self._key = key
        self._queue = PduQueue(clock)
        self._watch: Any = None
        self._on = asyncio.Event()
        self._open: OrderedDict[tuple[int, str, str], None] = OrderedDict()
        self._dropped = 0  # decoded, but not stored

    async def follow(self) -> None:
        """Look for what is to be looked for now. Raises AssentError when the store fails."""
        now = utc(self._clock.now())
        watch = await self._store.fetchrow("pdu_watch_current", now)
        if watch is None:
            self._end()
        elif self._watch is None or watch["id"] != self._watch["id"]:
            self._end()
            self._queue.clear()
            self._open.clear()
            self._dropped = 0
            self._watch = watch
            for tap in self._taps:
                tap(self._tap, watch["link"])
            self._on.set()

    def _tap(self, link: str, speaks: Any, partial: bytes) -> PduTap:
        return PduTap(self._queue, link, speaks, partial)

    def _end(self) -> None:
        for tap in self._taps:
            tap(None, "")
        self._watch = None
        self._on.clear()

    def report(self) -> dict[str, Any]:
        """Return whether it is on, and what was dropped since it last was switched on."""
        return {
            "on": self._watch is not None,
            "dropped": self._queue.dropped + self._dropped,
        }

    async def run(self) -> None:
        """Decode and keep, while it is on."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._on.wait(), FORGET_S)
            await asyncio.sleep(PAUSE_S)
            watch = self._watch
            if watch is None:
                with contextlib.suppress(AssentError):
                    before = utc(self._clock.now() - KEPT_S)
                    await self._store.execute("pdu_seen_forget", before)
                continue
            if self._clock.now() >= watch["until"].timestamp():
                self._end()
            caught = self._queue.take(AT_ONCE)
            try:
                if caught and not await self._keep(watch, await self._entries(watch, caught)):
                    await self.follow()
            except AssentError:
                self._dropped += len(caught)

    async def _entries(self, watch: Any, every: list[Caught]) -> list[tuple[Any, str]]:
        entries: list[tuple[Any, str]] = []
        for place, caught in enumerate(every):
            if place % _BREATH == 0:
                await asyncio.sleep(0)  # codes go before looking at them
            try:
                body = self._body(watch, caught)
            except Exception as error:
                # Whatever a peer sends: it is the log that lacks it, not the platform that ends.
                log.error("pdu_not_explained", error=type(error).__name__, dialect=caught.dialect)
                self._dropped += 1
                continue
            if body is not None:
                entries.append((utc(caught.at), body))
        return entries

    def _body(self, watch: Any, caught: Caught) -> str | None:
        explained = self._masks.explain(caught)
        if watch["number_mark"] is not None and not self._concerns(watch, caught, explained):
            return None
        body = msgspec.json.encode(self._masks.entry(caught, explained)).decode()
        return body.replace("\\u0000", "\\ufffd")  # PostgreSQL has no NUL in its texts

    async def _keep(self, watch: Any, entries: list[tuple[Any, str]]) -> bool:
        """Store entries; False once there is no room for more."""
        if not entries:
            return True
        times, bodies = zip(*entries, strict=True)
        kept = await self._store.fetchval("pdu_seen_put", watch["id"], list(times), list(bodies))
        if kept == len(entries):
            return True
        if self._watch is not None:
            async with self._store.transaction() as tx:
                await tx.execute("pdu_watch_off")
                await tx.execute("notify", CHANNEL, "")
        return False

    def _concerns(self, watch: Any, caught: Caught, explained: Explained) -> bool:
        """Whether a PDU is about the number that is looked for, or answers one that is."""
        sequence = str(explained.sequence)
        asked = "in" if caught.direction == "out" else "out"
        if self._open.pop((caught.connection, asked, sequence), 0) is None:
            return True
        for number in numbers_of(explained):
            try:
                mark = mark_of(self._key, canonical(number))
            except InvalidInput:
                continue  # an alphanumeric sender
            if hmac.compare_digest(mark, watch["number_mark"]):
                self._open[caught.connection, caught.direction, sequence] = None
                if len(self._open) > _FOLLOWED:
                    self._open.popitem(last=False)
                return True
        return False
