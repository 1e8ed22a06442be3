"""Batches that this process has leased, and the task that leases more before they run out.

Leasing has a task of its own, so that no round of dispatch, and no code in it, waits for the
queue. Every batch in `works` is leased by our epoch; a batch is never loaded twice, because
leases are taken one at a time and what memory lost track of is looked for between two rounds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow import recover
from assent.flow.bound import apart, aside, binding, laid_over
from assent.flow.chain import Chain, Walk
from assent.flow.commit import Part
from assent.flow.ends import Ends
from assent.flow.needs import Store, utc
from assent.flow.people import Directory
from assent.flow.traffic import Traffic
from assent.flow.video_contents import Contents
from assent.flow.work import Batch, Work
from assent.message import NEEDS_STANDING, Lane


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """Sizes of dispatch. `window`: messages a window row. `low_water`: segments a carrier's
    links may still take when the next windows are committed. `leased`: messages leased ahead.
    """

    window: int = 250
    low_water: int = 250
    leased: int = 4096
    idle_s: float = 0.25


class Leases:
    """The leased batches of one process, by carrier. Run :meth:`run` as a task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        chain: Chain,
        directory: Directory,
        ends: Ends,
        traffic: Traffic,
        lanes: Sequence[Lane],
        settings: DispatchSettings,
        between_rounds: asyncio.Lock,
        found: Callable[[], None],
    ) -> None:
        """`between_rounds` is held by whoever works on leased batches; `found` is called when
        there is something new to attempt."""
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._chain = chain
        self._directory = directory
        self._ends = ends
        self._traffic = traffic
        self._settings = settings
        self._between_rounds = between_rounds
        self._found = found
        self._taking = asyncio.Lock()
        self._wanted = asyncio.Event()
        self._asked_at: dict[str, float] = dict.fromkeys(traffic.pending, 0.0)
        self._look: set[str] = set()  # carriers with something new in the queue
        self._unknown = False  # a lease may be ours that we hold no work for
        self._stopping = False
        self.lanes = [int(lane) for lane in lanes]
        self.works: dict[str, deque[Work]] = {c: deque() for c in traffic.pending}
        self.halted: set[int] = set()  # campaigns paused or stopped by their owner
        self.resting: set[int] = set()  # programmes of which an import is being undone (voiding.py)
        self.last_error = ""
        self._contents = Contents()

    # What is leased ------------------------------------------------------------------------

    def carry(self, carrier: str) -> None:
        """Lease for a carrier, too."""
        self.works.setdefault(carrier, deque())
        self._asked_at.setdefault(carrier, 0.0)
        self._wanted.set()

    def give(self, work: Work) -> None:
        """Take up a leased batch (again): after recovery, or with messages to be retried."""
        works = self.works[work.batch.carrier]
        if work not in works:
            works.append(work)
        self._found()

    def put_back(self, parts: list[Part]) -> None:
        """Take back, in order, what was chosen and not attempted after all."""
        for part in reversed(parts):
            part.work.todo.extendleft(reversed(part.slots))
            works = self.works[part.work.batch.carrier]
            if part.work not in works:
                works.appendleft(part.work)

    def choose(self, carrier: str) -> list[Part]:
        """Take out what to attempt next on a carrier, lanes in order; ask for more leases when
        little is left."""
        works = self.works[carrier]
        parts: list[Part] = []
        room = self._settings.window
        for work in sorted(works, key=lambda work: work.lane):
            if room <= 0:
                break
            if self._waits(work):
                continue  # Dispatcher.tidy and Holding deal with it
            works.remove(work)
            slots = _taken(work, room)
            if work.todo:
                works.append(work)
            if slots:
                parts.append(Part(work, slots))
                room -= len(slots)
        if sum(len(work.todo) for work in works if not self._waits(work)) < self._settings.window:
            self._wanted.set()
        return parts

    def walk(self, batch: Batch) -> Walk:
        """Return what the chain and the restrictions on all of it say of a batch now."""
        key = batch.account_id, batch.sender_id, batch.port_id, batch.words
        now = self._clock.now()
        walk = self._chain.walk(*key, batch.purpose, now)
        found = binding(self._chain, batch, now)
        return laid_over(walk, found) if found else walk

    def bound(self, batch: Batch) -> bool:
        """Return whether a restriction binds any of a batch."""
        return bool(binding(self._chain, batch, self._clock.now()))

    def look(self, work: Work) -> bool:
        """Note on a leased batch what of it may not leave now; return whether that changed for all
        of it."""
        self._look_apart(work)
        before, work.aside = work.aside, aside(self.walk(work.batch))
        return work.aside != before

    def _look_apart(self, work: Work) -> None:
        now = self._clock.now()
        version = self._chain.restricted.as_of(now)
        if work.looked != version:
            work.apart = apart(self._chain, work, now)
            work.looked = version

    def _waits(self, work: Work) -> bool:
        """Return whether a batch may not be attempted now: its campaign was halted, its programme
        rests, a link of its chain is broken, or what is left of it is restricted."""
        batch = work.batch
        if batch.campaign_id in self.halted or self.rests(batch):
            return True
        if self.walk(batch).broken:
            return True
        self._look_apart(work)
        return bool(work.apart) and all(slot in work.apart for slot in work.todo)

    def rests(self, batch: Batch) -> bool:
        """Return whether a direct order waits until what its people stood by is undone."""
        return batch.campaign_id is None and batch.programme_id in self.resting

    def all(self) -> Iterable[Work]:
        """Return every leased batch with something to attempt."""
        return [work for works in self.works.values() for work in works]

    def forget(self, people: npt.NDArray[np.uint32]) -> None:
        """Drop the numbers of people who are over from what is still to be attempted, which is then
        cancelled. Of a message that was begun the number stays until that is over: it goes out
        whole or not at all."""
        for work in self.all():
            gone = np.isin(work.batch.people, people)
            if gone.any():
                for slot in work.todo:
                    if gone[slot]:
                        work.msisdns[slot] = 0

    def drop(self, work: Work) -> None:
        """Forget a batch of which nothing is to be attempted any more."""
        with contextlib.suppress(ValueError):
            self.works[work.batch.carrier].remove(work)

    async def follow_videos(self) -> None:
        """Let nothing more leave of contents whose approval was taken back: what is not written
        yet has expired, whether it is committed or not."""
        works = [w for w in {*self.all(), *self._traffic.works()} if w.batch.video_id is not None]
        for video in {work.batch.video_id for work in works}:
            if await self._store.fetchval("video_state", video) != "approved":
                for work in works:
                    if work.batch.video_id == video:
                        work.expires = 0.0
        self._found()

    # Leasing -------------------------------------------------------------------------------

    def wake(self, lane: str = "") -> None:
        """There may be new work in the queue; of one lane only, if its number is told."""
        if lane and int(lane) not in self.lanes:
            return
        for carrier in self._asked_at:
            self._asked_at[carrier] = 0.0
        self._look.update(self._asked_at)
        self._wanted.set()

    async def run(self) -> None:
        """Lease until :meth:`stop`; a failing store is waited for, not given up."""
        while not self._stopping:
            self._wanted.clear()  # before looking: what comes meanwhile sets it again
            try:
                if await self._refill():
                    self._found()
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(self._settings.idle_s)
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._settings.idle_s)

    def stop(self) -> None:
        """Lease nothing more."""
        self._stopping = True
        self._wanted.set()

    async def take(self, query: str, *args: object) -> int:
        """Lease what a query leases and make works of it; return how many batches. When that
        fails half-way, or the answer is lost, leases are looked for before the next ones."""
        async with self._taking:
            return await self._take(query, *args)

    async def _refill(self) -> int:
        async with self._taking:
            if self._unknown:
                async with self._between_rounds:
                    await self._find()
            count = 0
            for carrier in list(self.works):
                if self._traffic.up.get(carrier) and not self._stopping:
                    count += await self._refill_one(carrier)
            return count

    async def _refill_one(self, carrier: str) -> int:
        """Lease more when little is left, and at once what goes before all that is leased."""
        works = [work for work in self.works[carrier] if not self._waits(work)]
        lanes = [work.lane for work in works for _ in range(len(work.todo))]
        count = 0
        if len(lanes) < self._settings.window:
            count = await self._lease(carrier, self.lanes)
        elif carrier in self._look:
            urgent = [lane for lane in self.lanes if lane < min(lanes)]
            if urgent:
                count = await self._lease(carrier, urgent)
        self._look.discard(carrier)
        return count

    async def _lease(self, carrier: str, lanes: list[int]) -> int:
        now = self._clock.now()
        if now < self._asked_at.setdefault(carrier, 0.0):
            return 0
        most = max(1, self._settings.leased // 1024)
        count = await self._take("queue_lease", self._epoch, carrier, lanes, utc(now), most)
        if not count:
            self._asked_at[carrier] = now + self._settings.idle_s
        return count

    async def _take(self, query: str, *args: object) -> int:
        try:
            leased = {row["batch_id"]: row for row in await self._store.fetch(query, *args)}
            if leased:
                await self._ends.sync(self._store)
                for row in await self._store.fetch("batches", list(leased)):
                    batch = Batch.from_row(row)
                    await self._make_work(batch, leased[batch.id])
        except BaseException:
            self._unknown = True
            raise
        return len(leased)

    async def _make_work(self, batch: Batch, leased: Any) -> None:
        if leased["begun"]:
            await self._take_up(batch, leased["lane"])
        else:
            work = await self.load(batch, leased["lane"], range(batch.n))
            self.works.setdefault(batch.carrier, deque()).append(work)

    async def _find(self) -> None:
        """Take up what the database says that we lease and memory does not know of. Between two
        rounds: what a round has in hand is neither in `works` nor in the traffic."""
        known = {work.batch.id for work in self.all()}
        known |= {work.batch.id for work in self._traffic.works()}
        await self._take("queue_of_epoch", self._epoch, list(known))
        self._unknown = False

    async def _take_up(self, batch: Batch, lane: int) -> None:
        """Take up a batch that another process began, with what that left to attempt."""
        left = await recover.remaining(self._store, batch, self._clock.now())
        if not left.todo:
            await self._store.execute("queue_delete", [batch.id])
            return
        work = await self.load(batch, lane, left.todo)
        work.tries = left.tries
        work.accepted = left.accepted
        self.works.setdefault(batch.carrier, deque()).append(work)

    async def load(self, batch: Batch, lane: int, todo: Sequence[int]) -> Work:
        """Return a batch with everything that attempting it needs to know."""
        msisdns = await self._directory.msisdns(self._store, batch.people)
        bundle: bytes | None = None
        if batch.video_id is not None:
            bundle = await self._contents.of(self._store, batch.video_id)
        work = Work(batch, lane, msisdns, list(todo), bundle)
        if batch.video_id is not None and bundle is None:
            work.expires = 0.0  # not approved any more
        if batch.position < self._ends.floor:
            work.ended_early = await self._ends.ended_before(
                self._store,
                batch.group_id,
                batch.position,
                batch.people.tolist(),
                work.guard,
                batch.programme_id,
            )
        if batch.purpose in NEEDS_STANDING:
            for row in await self._store.fetch(
                "standing_lapses", batch.programme_id, batch.people.tolist(), batch.expires_at
            ):
                work.lapses[row["person_id"]] = row["until"].timestamp()
        return work


def _taken(work: Work, most: int) -> list[int]:
    """Take slots out of what is left of a batch, in order: those that may leave now."""
    if not work.apart:
        return [work.todo.popleft() for _ in range(min(most, len(work.todo)))]
    slots = [slot for slot in work.todo if slot not in work.apart][:most]
    taken = set(slots)
    work.todo = deque(slot for slot in work.todo if slot not in taken)
    return slots
