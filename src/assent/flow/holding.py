"""What of the queue may not leave now: a link of its chain is broken (chain.py), or it is
restricted (restricted.py).

Dispatch chooses nothing of it, from the moment its memory knows; and of a restriction it knows when
it commits. Here the rest follows: what is committed and not written yet is taken back, the queue
says what each batch waits for, and what hangs on a link that is broken for good, or what a
restriction rejects, ends, with its money. Nothing here is durable but those words: after a crash
they are worked out again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.bound import binding_row, laid_over
from assent.flow.chain import Chain, Walk
from assent.flow.leases import Leases
from assent.flow.needs import Store
from assent.flow.traffic import Traffic
from assent.flow.work import Work
from assent.message import (
    NO_WORDS,
    WITHHELD_REFUSED,
    WITHHELD_RESTRICTED,
    Purpose,
    State,
)

_ENDED: Final = {WITHHELD_RESTRICTED: State.RESTRICTED, WITHHELD_REFUSED: State.CANCELLED}
"""How part of a batch ends, by why it may not leave: whom the carrier wants left alone is told like
whoever refused."""

LOOK_S: Final = 0.2
"""How often it is looked whether a day began, or something was leased or judged just before a
change; changes of the tables are announced."""


class Holding:
    """Follows the chain for the lanes of one process. Run :meth:`run` as a task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        chain: Chain,
        leases: Leases,
        traffic: Traffic,
        between_rounds: asyncio.Lock,
        end: Callable[[Work, State, Collection[int] | None], Awaitable[None]],
    ) -> None:
        """`end`: ends what is left of a batch, or some of it; called while `between_rounds` is
        held."""
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._chain = chain
        self._leases = leases
        self._traffic = traffic
        self._between_rounds = between_rounds
        self._end = end
        self._wake = asyncio.Event()
        self._seen = (-1, -1)
        self._stopping = False
        self.last_error = ""

    def wake(self) -> None:
        """The chain may have changed."""
        self._wake.set()

    def stop(self) -> None:
        """Follow no more."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Follow until :meth:`stop`."""
        while not self._stopping:
            self._wake.clear()
            try:
                if self._version() != self._seen or self._set_aside():
                    await self.follow()
                else:
                    await self._end_stopped()  # what came back from a link since
            except AssentError as error:
                self.last_error = error.code
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)

    async def follow(self) -> None:
        """Bring memory and queue up to what the chain says now. Raises AssentError if the store
        fails; the next call does it all."""
        version = self._version()
        self._set_aside()
        await self._mark_queue()
        await self._end_stopped()
        self._seen = version

    def _version(self) -> tuple[int, int]:
        now = self._clock.now()
        return self._chain.as_of(now), self._chain.restricted.as_of(now)

    # In memory -------------------------------------------------------------------------------

    def _set_aside(self) -> bool:
        """Note on every leased batch why it may not leave; return whether that changed. Links are
        told at once: what they did not take yet they do not write any more."""
        changed = set()
        for work in {*self._leases.all(), *self._traffic.works()}:
            if self._leases.look(work):
                changed.add(work.batch.carrier)
        for carrier in changed:
            self._traffic.recall(carrier)
        if changed:
            self._leases.wake()
        return bool(changed)

    # In the queue ----------------------------------------------------------------------------

    async def _mark_queue(self) -> None:
        freed = False
        over: list[int] = []
        for row in await self._store.fetch("queue_chains", self._leases.lanes):
            walk = self._walk_row(row)
            codes = sorted(walk.broken)
            if codes != list(row["broken"]):
                await self._store.execute("queue_mark", list(row["batches"]), codes)
                freed |= not codes
            if walk.over:
                over += [id_ for id_ in row["waiting"] if id_ is not None]
        if over:
            await self._leases.take("queue_take", self._epoch, over)
        if freed:
            self._leases.wake()

    def _walk_row(self, row: Any) -> Walk:
        now, purpose = self._clock.now(), Purpose(row["purpose"])
        account, sender, port = row["account_id"], row["sender_id"], row["port_id"]
        words = NO_WORDS if row["video"] else row["template_id"]
        walk = self._chain.walk(account, sender, port, words, purpose, now)
        about = account, sender, row["group_id"], port, row["carrier"], purpose, row["category"]
        return laid_over(walk, binding_row(self._chain, *about, now))

    async def _end_stopped(self) -> None:
        """End what is left of batches that will never be whole again, and what of others is
        rejected where its receivers live."""
        works = self._leases.all()
        if not any(self._leases.walk(work.batch).over or work.apart for work in works):
            return
        async with self._between_rounds:
            for work in self._leases.all():
                walk = self._leases.walk(work.batch)
                if walk.over:
                    self._leases.drop(work)
                    state = State.RESTRICTED if walk.restricted else State.STOPPED
                    await self._end(work, state, None)
                    continue
                for code, state in _ENDED.items():
                    slots = {slot for slot, why in work.apart.items() if why == code}
                    if not slots.isdisjoint(work.todo):
                        await self._end(work, state, slots)
                        if not work.todo:
                            self._leases.drop(work)
