"""What one login is to be told: parcels from flow, over the connections that may carry them.

Parcels are loaded while somebody is there to take them and there is room. Their items go out in
order; what a fallen connection did not get acknowledged goes first on the next one. When all items
of a parcel are settled, flow may forget it. Nothing here is kept: after a restart flow gives again
what was not done.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from assent.errors import AssentError
from assent.flow.customers import CustomerReceipt

if TYPE_CHECKING:
    from assent.carrier.customer_line import Line
    from assent.carrier.customer_settings import CustomerSettings
    from assent.flow.customers import CustomerReply, Parcel, Reception


class Entry:
    """An item on its way. `left`: DELIVERs of it that are not acknowledged."""

    __slots__ = ("item", "left", "parcel", "refusals")

    def __init__(self, parcel: int, item: CustomerReceipt | CustomerReply) -> None:
        self.parcel = parcel
        self.item = item
        self.left = 1
        self.refusals = 0

    @property
    def kind(self) -> str:
        """The word of its counters."""
        return "receipts" if isinstance(self.item, CustomerReceipt) else "replies"


class Outlet:
    """Of one login. `summon`, where there is one, is called when something waits and no connection
    is there to take it."""

    def __init__(self, link_id: int, reception: Reception, settings: CustomerSettings) -> None:
        self.queue: deque[Entry] = deque()
        self.lines: list[Line] = []
        self.counters: Counter[str] = Counter()
        self.summon: Callable[[], None] | None = None
        self._link_id = link_id
        self._reception = reception
        self._settings = settings
        self._open: dict[int, int] = {}  # parcel -> items that are not settled
        self._cursor = 0
        self._maybe = True  # flow may have more
        self._shut = False
        self._settled: list[int] = []
        self._loading: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._giving: asyncio.Task[None] | None = None

    def mail(self) -> None:
        """Flow may have parcels."""
        self._maybe = True
        self._load_soon()

    def joined(self, line: Line) -> None:
        """A connection may carry items from now on."""
        self.lines.append(line)
        self.mail()

    def left(self, line: Line, unsettled: Sequence[Entry]) -> None:
        """A connection is gone, and these of its items are not acknowledged."""
        if line in self.lines:
            self.lines.remove(line)
        self.queue.extendleft(reversed(unsettled))
        self._offer()
        idle = self._giving is None or self._giving.done()
        if not (self.lines or self.summon or self._shut) and idle:
            self._giving = asyncio.get_running_loop().create_task(self._give_back())

    def take(self) -> Entry | None:
        """The next item, for a line that has room."""
        return self.queue.popleft() if self.queue else None

    def settle(self, entry: Entry) -> None:
        """An item is acknowledged, or dropped."""
        left = self._open[entry.parcel] - 1
        self._open[entry.parcel] = left
        if not left:
            self._settled.append(entry.parcel)
            self._forget_soon()

    def close(self) -> None:
        """Load no more. What is settled is still told to flow."""
        self.summon = None
        self._shut = True
        for task in (self._loading, self._giving):
            if task is not None:
                task.cancel()

    async def closed(self) -> None:
        """Return when flow knows all that is settled."""
        while self._forgetting is not None and not self._forgetting.done():
            await asyncio.wait([self._forgetting])

    def abort(self) -> None:
        """Drop everything."""
        self.close()
        if self._forgetting is not None:
            self._forgetting.cancel()

    # --- inside

    def _offer(self) -> None:
        for line in list(self.lines):
            if not self.queue:
                return
            line.push()
        if self.queue and not self.lines and self.summon is not None:
            self.summon()

    def _load_soon(self) -> None:
        if self._shut or not (self.lines or self.summon):
            return
        if self._loading is None or self._loading.done():
            self._loading = asyncio.get_running_loop().create_task(self._load())

    async def _load(self) -> None:
        most, items = self._settings.parcels, self._settings.items
        while self._maybe and (self.lines or self.summon):
            if len(self._open) >= most or len(self.queue) >= items:
                break  # on with it when parcels are forgotten
            self._maybe = False
            # With nothing in hand all that flow has is asked for: numbers are not always given out
            # in the order in which they can be seen.
            after, room = (self._cursor if self._open else 0), most - len(self._open)
            try:
                parcels = await self._reception.load(self._link_id, after, room)
            except AssentError:
                self._maybe = True
                await asyncio.sleep(self._settings.retry_s)
                continue
            self._take_in(parcels, room)
        self._offer()

    def _take_in(self, parcels: Sequence[Parcel], room: int) -> None:
        fresh = [parcel for parcel in parcels if parcel.id not in self._open]
        self._maybe = self._maybe or (bool(fresh) and len(parcels) >= room)
        for parcel in fresh:
            self._cursor = max(self._cursor, parcel.id)
            self._open[parcel.id] = len(parcel.items)
            self.queue.extend([Entry(parcel.id, item) for item in parcel.items])
            if not parcel.items:
                self._settled.append(parcel.id)
                self._forget_soon()
        self._offer()

    async def _give_back(self) -> None:
        """If nobody comes back to us, another process may be able to tell."""
        pause = self._settings.keep_s
        while True:
            await asyncio.sleep(pause)
            pause = self._settings.retry_s
            if self.lines or self.summon:
                return
            if any(task and not task.done() for task in (self._loading, self._forgetting)):
                continue
            self.queue.clear()
            self._open.clear()
            self._maybe = True
            with contextlib.suppress(AssentError):
                await self._reception.give_back(self._link_id)
                return

    def _forget_soon(self) -> None:
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.get_running_loop().create_task(self._forget())

    async def _forget(self) -> None:
        while self._settled:
            settled, self._settled = self._settled, []
            try:
                await self._reception.done(settled)
            except AssentError:
                self._settled[:0] = settled
                await asyncio.sleep(self._settings.retry_s)
                continue
            for parcel in settled:
                self._open.pop(parcel, None)
            if not self._open and self._loading is not None:
                self._maybe = True
            if self._maybe:
                self._load_soon()
