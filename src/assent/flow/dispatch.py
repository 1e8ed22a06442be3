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
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assent.clock import Clock
from assent.errors import AssentError, Unavailable
from assent.flow import recover
from assent.flow.claims import ClaimBook
from assent.flow.commit import Committer, Fresh, Part, Plan, Writer, store_ends
from assent.flow.ends import Ends
from assent.flow.ids import Numbers
from assent.flow.needs import Store, utc
from assent.flow.order import Judged
from assent.flow.people import Directory
from assent.flow.traffic import Traffic
from assent.flow.work import Batch, Work
from assent.message import LANE_OF, Lane, State


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """Sizes of dispatch. `window`: messages a window row. `low_water`: segments a carrier's
    links may still take when the next windows are committed. `leased`: messages leased ahead.
    """

    window: int = 250
    low_water: int = 250
    leased: int = 4096
    idle_s: float = 0.25


class Dispatcher:
    """The committer of one process for some lanes. Run :meth:`run` as a task."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
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
        self._directory = directory
        self._ends = ends
        self._traffic = traffic
        self._lanes = [int(lane) for lane in lanes]
        self._settings = settings or DispatchSettings()
        self._numbers = Numbers()
        self._committer = Committer(store, clock, epoch, ends, book, write, self._numbers)
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()  # rounds and changes of campaigns take turns
        self._fresh: list[Fresh] = []
        self._works: dict[str, deque[Work]] = {c: deque() for c in traffic.pending}
        self._asked_at: dict[str, float] = dict.fromkeys(traffic.pending, 0.0)
        self._stopping = False
        self.kick: Callable[[str], None] = lambda carrier: None  # its links have work
        self.halted: set[int] = set()  # campaigns paused by their owner
        self.commits = 0
        self.attempts = 0
        self.last_error = ""
        traffic.need_work = self._wake.set
        traffic.low_water = self._settings.low_water

    # From outside --------------------------------------------------------------------------

    def wake(self) -> None:
        """There may be new work in the queue."""
        for carrier in self._asked_at:
            self._asked_at[carrier] = 0.0
        self._wake.set()

    def give(self, work: Work) -> None:
        """Take up a leased batch (again): after recovery, or with messages to be retried."""
        works = self._works[work.batch.carrier]
        if work not in works:
            works.append(work)
        self._wake.set()

    async def commit(self, judged: Judged) -> bool:
        """Store an order and its attempts in one transaction; return when that is durable.

        Returns False if the order was not stored (its money was gone, or its key was used).
        Raises Unavailable while stopping or when the store fails; nothing is stored then.
        """
        if self._stopping:
            raise Unavailable("stopping", "the platform is shutting down", mend="try again soon")
        fresh = Fresh(judged, asyncio.get_running_loop().create_future())
        self._fresh.append(fresh)
        self._wake.set()
        return await fresh.stored

    async def run(self) -> None:
        """Commit windows until :meth:`stop`; a failing store is waited for, not given up."""
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

    async def follow_campaigns(self) -> None:
        """Learn which campaigns may not send now: paused ones give their leases back, what is
        left of stopped ones is cancelled."""
        async with self._busy:
            await self._follow_campaigns()

    async def _follow_campaigns(self) -> None:
        rows = await self._store.fetch("campaigns_halted")
        halted = {row["id"]: row["state"] for row in rows}
        self.halted = set(halted)
        for id_, state in halted.items():
            if state == "stopped":
                for row in await self._store.fetch("campaign_of_queue", id_, self._epoch):
                    for batch_row in await self._store.fetch("batches", [row["batch_id"]]):
                        await self._take_up(Batch.from_row(batch_row), row["lane"])
        for works in self._works.values():
            mine = [work for work in works if work.batch.campaign_id in halted]
            for work in mine:
                works.remove(work)
                if halted[work.batch.campaign_id or 0] == "stopped":
                    await self._cancel(work)
                else:
                    await self._store.execute("queue_unlease", [work.batch.id])

    async def _cancel(self, work: Work) -> None:
        """End what is left of a stopped campaign's batch."""
        slots = list(work.todo)
        work.todo.clear()
        now = self._clock.now()
        await self._numbers.reserve(self._store, 1)
        if slots:
            async with self._store.transaction() as tx:
                ended = [(work, slots, [int(State.EXPIRED)] * len(slots))]
                await store_ends(tx, self._numbers, ended, now)
        work.left -= len(slots)
        if work.left == 0:
            self._traffic.finished.append(work.batch.id)
            self._traffic.have_results()

    # One round -----------------------------------------------------------------------------

    async def step(self) -> bool:
        """Commit what is due; return whether there was anything."""
        async with self._busy:
            return await self._step()

    async def _step(self) -> bool:
        fresh, self._fresh = self._fresh[:64], self._fresh[64:]
        try:
            slices = [] if self._stopping else await self._gather()
        except BaseException as error:
            self._fail(fresh, error)
            raise
        if not fresh and not slices:
            return False
        try:
            await self._load_fresh(fresh)
            plan = await self._committer.commit(fresh, slices)
        except BaseException as error:
            self._put_back(slices)
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
                        "not_stored", "the order could not be stored", mend="send it again"
                    )
                )

    @staticmethod
    def _put_back(slices: list[Part]) -> None:
        for part in slices:
            part.work.todo.extendleft(reversed(part.slots))

    def _settle_works(self, slices: list[Part], plan: Plan) -> None:
        for work, slots, _ in plan.ends:
            work.left -= len(slots)
        done = [work.batch.id for work, _, _ in plan.ends if work.left == 0]
        if done:
            self._traffic.finished.extend(done)
            self._traffic.have_results()

    async def _gather(self) -> list[Part]:
        """Choose what to attempt next on each carrier that has room and a live link."""
        slices: list[Part] = []
        for carrier, works in list(self._works.items()):
            if not self._traffic.up[carrier]:
                continue
            if self._traffic.pending[carrier] >= self._settings.low_water:
                continue
            if sum(len(work.todo) for work in works) < self._settings.window:
                await self._lease(carrier)
                works = self._works[carrier]
            room = self._settings.window
            for _ in range(len(works)):
                if room <= 0:
                    break
                work = works.popleft()
                if work.batch.campaign_id in self.halted:
                    works.append(work)  # follow_campaigns deals with it
                    continue
                count = min(room, len(work.todo))
                slots = [work.todo.popleft() for _ in range(count)]
                if work.todo:
                    works.append(work)
                if slots:
                    slices.append(Part(work, slots))
                    room -= count
        return slices

    async def _lease(self, carrier: str) -> None:
        now = self._clock.now()
        if now < self._asked_at[carrier]:
            return
        rows = await self._store.fetch(
            "queue_lease",
            self._epoch,
            carrier,
            self._lanes,
            utc(now),
            max(1, self._settings.leased // 1024),
        )
        if not rows:
            self._asked_at[carrier] = now + self._settings.idle_s
            return
        leased = {row["batch_id"]: row for row in rows}
        await self._ends.sync(self._store)
        for row in await self._store.fetch("batches", list(leased)):
            batch = Batch.from_row(row)
            lane = leased[batch.id]["lane"]
            if leased[batch.id]["begun"]:
                await self._take_up(batch, lane)
            else:
                self._works[carrier].append(await self._load(batch, lane, range(batch.n)))
        self._works[carrier] = deque(sorted(self._works[carrier], key=lambda work: work.lane))

    async def _take_up(self, batch: Batch, lane: int) -> None:
        """Take up a batch that another process began, with what that left to attempt."""
        left = await recover.remaining(self._store, batch, self._clock.now())
        if not left.todo:
            await self._store.execute("queue_delete", [batch.id])
            return
        work = await self._load(batch, lane, left.todo)
        work.tries = left.tries
        work.accepted = left.accepted
        self._works[batch.carrier].append(work)

    async def _load(self, batch: Batch, lane: int, todo: Sequence[int]) -> Work:
        msisdns = await self._directory.msisdns(self._store, batch.people)
        work = Work(batch, lane, msisdns, list(todo))
        if batch.position < self._ends.floor:
            work.ended_early = await self._ends.ended_before(
                self._store, batch.group_id, batch.position, batch.people.tolist(), work.guard
            )
        return work

    async def _load_fresh(self, fresh: list[Fresh]) -> None:
        for one in fresh:
            if not all(self._traffic.up[batch.carrier] for batch in one.judged.batches):
                continue  # no link to take it: stored like any other, and leased later
            for batch in one.judged.batches:
                one.works.append(await self._load(batch, int(LANE_OF[batch.purpose]), []))
