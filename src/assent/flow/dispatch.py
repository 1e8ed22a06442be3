"""From queue to links: lease, check and claim under locks, commit attempts, hand over.

One committer a process merges the windows of all its links, and the codes that were just
accepted, into one transaction at a time (commit.py); only then may links take them
(DESIGN.md, "Dispatch" and "Small print").

A crash after the commit leaves attempts `unsure` that may never have left: the price of
never sending twice.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Sequence

from assent.clock import Clock
from assent.errors import AssentError, Unavailable
from assent.flow.chain import Chain
from assent.flow.claims import ClaimBook
from assent.flow.commit import Committer, Fresh, Overtaken, Part, Plan, Writer
from assent.flow.ending import store_ends
from assent.flow.ends import Ends
from assent.flow.fence import enter, stored_after_all
from assent.flow.holding import Holding
from assent.flow.ids import Numbers
from assent.flow.leases import DispatchSettings, Leases
from assent.flow.needs import Store, utc
from assent.flow.order import Judged
from assent.flow.people import Directory
from assent.flow.traffic import Traffic
from assent.flow.work import Work
from assent.message import LANE_OF, Lane, State


class Dispatcher:
    """The committer of one process for some lanes. Run :meth:`run` as a task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        chain: Chain,
        directory: Directory,
        ends: Ends,
        book: ClaimBook,
        traffic: Traffic,
        write: Writer,
        lanes: Sequence[Lane],
        settings: DispatchSettings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._traffic = traffic
        self._restricted = chain.restricted
        self._numbers = Numbers()
        self._committer = Committer(store, clock, epoch, ends, book, write, self._numbers)
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()  # rounds and changes of campaigns take turns
        self._fresh: list[Fresh] = []
        self._stopping = False
        settings = settings or DispatchSettings()
        self._settings = settings
        wake = self._wake.set
        self.leases = Leases(
            store, clock, epoch, chain, directory, ends, traffic, lanes, settings, self._busy, wake
        )
        self.holding = Holding(
            store, clock, epoch, chain, self.leases, traffic, self._busy, self._end
        )
        self.kick: Callable[[str], None] = lambda carrier: None  # its links have work
        self.commits = 0
        self.attempts = 0
        self.last_error = ""
        traffic.need_work = self._wake.set
        traffic.low_water = settings.low_water

    # From outside --------------------------------------------------------------------------

    def wake(self, lane: str = "") -> None:
        """There may be new work in the queue; of one lane only, if its number is told."""
        self.leases.wake(lane)

    def carry(self, carrier: str) -> None:
        """Serve a carrier from now on; one that is served already goes on as it is."""
        self._traffic.carry(carrier)
        self.leases.carry(carrier)

    def give(self, work: Work) -> None:
        """Take up a leased batch (again): after recovery, or with messages to be retried."""
        self.leases.give(work)

    async def commit(self, judged: Judged) -> bool:
        """Store an order and its attempts in one transaction; return when that is durable.

        Returns False if the order was not stored (its money was gone, or its key was used).
        Raises Unavailable while stopping or when the store fails; nothing is stored then.
        """
        if self._stopping:
            raise _stopping()
        fresh = Fresh(judged, asyncio.get_running_loop().create_future())
        self._fresh.append(fresh)
        self._wake.set()
        return await fresh.stored

    async def run(self) -> None:
        """Commit windows until :meth:`stop`; a failing store is waited for, not given up."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.leases.run())
            group.create_task(self.holding.run())
            try:
                await self._rounds()
            finally:
                self._stopping = True  # nobody would answer what is handed over from here on
                self._fail(self._fresh, _stopping())
                self.leases.stop()
                self.holding.stop()

    async def _rounds(self) -> None:
        while not self._stopping or self._fresh:
            self._wake.clear()  # before looking: what comes meanwhile sets it again
            try:
                busy = await self.step()
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(self._settings.idle_s)
                continue
            if not busy:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._settings.idle_s)

    def stop(self) -> None:
        """Commit nothing more than the orders already handed over."""
        self._stopping = True
        self._wake.set()

    async def tidy(self) -> None:
        """Do what no round does: halted campaigns, videos that may not leave any more, and what
        expired in the queue. Rounds wait only while something is ended."""
        await self._follow_campaigns()
        await self.leases.follow_videos()
        await self._expire_queue()

    async def _follow_campaigns(self) -> None:
        """What is left of stopped campaigns is ended; paused ones wait, and so do direct orders
        while what they stand by is undone."""
        rows = await self._store.fetch("programmes_resting")
        self.leases.resting = {row["programme_id"] for row in rows}
        rows = await self._store.fetch("campaigns_halted")
        halted = {row["id"]: row["state"] for row in rows}
        self.leases.halted = set(halted)
        stopped = {id_ for id_, state in halted.items() if state == "stopped"}
        for id_ in stopped:
            await self.leases.take("campaign_of_queue", id_, self._epoch)
        if any(work.batch.campaign_id in halted for work in self.leases.all()):
            async with self._busy:
                for work in self.leases.all():
                    if work.batch.campaign_id in stopped:
                        self.leases.drop(work)
                        await self._end(work, State.STOPPED)
                    elif work.batch.campaign_id in halted and not work.todo:
                        # With something to attempt the lease stays, and waits in memory.
                        self.leases.drop(work)

    async def _expire_queue(self) -> None:
        """End what nobody could lease in time: its carrier has been away."""
        now = self._clock.now()
        leases = self.leases
        await leases.take("queue_expired", self._epoch, list(leases.works), leases.lanes, utc(now))
        if any(now >= work.expires and work.todo for work in leases.all()):
            async with self._busy:
                for work in leases.all():
                    if now >= work.expires and work.todo:
                        leases.drop(work)
                        await self._end(work, State.EXPIRED)

    async def _end(self, work: Work, state: State, only: Collection[int] | None = None) -> None:
        """End what is left to attempt of a batch, or some slots of it."""
        slots = [slot for slot in work.todo if only is None or slot in only]
        work.todo = deque() if only is None else deque(s for s in work.todo if s not in only)
        if slots:
            mark = None
            try:
                await self._numbers.reserve(self._store, 2)
                async with self._store.transaction() as tx:
                    await enter(tx, self._epoch)
                    ended = [(work, slots, [int(state)] * len(slots))]
                    mark = await store_ends(tx, self._numbers, ended, self._clock.now())
                    await tx.execute("windows_close", _closed(work, slots))
            except BaseException as error:
                if not await stored_after_all(self._store, self._epoch, error, mark):
                    self.leases.put_back([Part(work, slots)])
                    raise
            for window in _closed(work, slots):
                del work.held[window]
            for waiting in work.held.values():
                waiting.difference_update(slots)
        work.left -= len(slots)
        if work.left == 0:
            self._traffic.finished.append(work.batch.id)
            self._traffic.have_results()

    async def let_go(self) -> None:
        """Close what is held open for retries that this process will not make any more."""
        held = [id_ for work in self.leases.all() for id_ in work.held]
        if held:
            await self._store.execute("windows_close", held)

    # One round -----------------------------------------------------------------------------

    async def step(self) -> bool:
        """Commit what is due; return whether there was anything."""
        async with self._busy:
            return await self._step()

    async def _step(self) -> bool:
        fresh, self._fresh = self._fresh[:64], self._fresh[64:]
        slices: list[Part] = []
        try:
            while True:
                known = self._restricted.seen
                # Nothing is awaited here: what is taken out of a batch cannot be lost.
                slices = [] if self._stopping else self._gather()
                if not fresh and not slices:
                    return False
                await self._load_fresh(fresh)
                try:
                    plan = await self._committer.commit(fresh, slices, known)
                    break
                except Overtaken:
                    self.leases.put_back(slices)
                    slices = []
                    await self._restricted.load(self._store)
                    self.holding.wake()
        except BaseException as error:
            self.leases.put_back(slices)
            self._fail(fresh, error)
            if isinstance(error, AssentError) and fresh and not slices:
                return True
            raise
        for window in plan.windows:
            self._traffic.add(window)
        for carrier in {window.work.batch.carrier for window in plan.windows}:
            self.kick(carrier)
        self._settle_works(slices, plan)
        self.commits += 1
        self.attempts += sum(len(window.slots) for window in plan.windows)
        return True

    @staticmethod
    def _fail(fresh: list[Fresh], error: BaseException) -> None:
        for one in fresh:
            if not one.stored.done():
                one.stored.set_exception(
                    error
                    if isinstance(error, AssentError)
                    else Unavailable(
                        "commit_unknown",
                        "the platform ended before it knew whether the order was stored",
                        mend="send it again with the same idempotency key",
                    )
                )

    def _settle_works(self, slices: list[Part], plan: Plan) -> None:
        for work, slots, _ in plan.ends:
            work.left -= len(slots)
        done = [work.batch.id for work, _, _ in plan.ends if work.left == 0]
        if done:
            self._traffic.finished.extend(done)
            self._traffic.have_results()

    def _gather(self) -> list[Part]:
        """Choose what to attempt next on each carrier that has room and a live link."""
        return [
            part
            for carrier in self.leases.works
            if self._traffic.up.get(carrier)
            and self._traffic.pending[carrier] < self._settings.low_water
            for part in self.leases.choose(carrier)
        ]

    async def _load_fresh(self, fresh: list[Fresh]) -> None:
        for one in fresh:
            one.works.clear()
            if not all(self._traffic.up.get(batch.carrier) for batch in one.judged.batches):
                continue  # no link to take it: stored like any other, and leased later
            if any(self.leases.rests(batch) for batch in one.judged.batches):
                continue
            if any(self.leases.bound(batch) for batch in one.judged.batches):
                continue  # restricted since it was judged
            for batch in one.judged.batches:
                one.works.append(await self.leases.load(batch, int(LANE_OF[batch.purpose]), []))


def _closed(work: Work, slots: Collection[int]) -> list[int]:
    """Return the windows that wait for none but some slots."""
    return [window for window, waiting in work.held.items() if waiting <= set(slots)]


def _stopping() -> Unavailable:
    return Unavailable("stopping", "the platform is shutting down", mend="try again soon")
