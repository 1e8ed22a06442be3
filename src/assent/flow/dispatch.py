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
from typing import Any

from assent.clock import Clock
from assent.errors import AssentError, Unavailable
from assent.flow import recover
from assent.flow.claims import ClaimBook
from assent.flow.commit import Committer, Fresh, Part, Plan, Writer, store_ends
from assent.flow.ends import Ends
from assent.flow.fence import enter, stored_after_all
from assent.flow.ids import Numbers
from assent.flow.needs import Store, utc
from assent.flow.order import Judged
from assent.flow.people import Directory
from assent.flow.traffic import Traffic
from assent.flow.work import Batch, Work
from assent.message import LANE_OF, NEEDS_STANDING, Lane, State


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
        self._look: set[str] = set()  # carriers with something new in the queue
        self._leased_at = 0.0
        self._stopping = False
        self._leases_unknown = False  # a lease may be ours that we hold no work for
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
        self._look.update(self._asked_at)
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
            raise _stopping()
        fresh = Fresh(judged, asyncio.get_running_loop().create_future())
        self._fresh.append(fresh)
        self._wake.set()
        return await fresh.stored

    async def run(self) -> None:
        """Commit windows until :meth:`stop`; a failing store is waited for, not given up."""
        try:
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
        finally:
            self._stopping = True  # nobody would answer what is handed over from here on
            self._fail(self._fresh, _stopping())

    def stop(self) -> None:
        """Commit nothing more than the orders already handed over."""
        self._stopping = True
        self._wake.set()

    async def tidy(self) -> None:
        """Do what no round does: halted campaigns, and what expired in the queue."""
        async with self._busy:
            await self._follow_campaigns()
            await self._expire_queue()

    async def _follow_campaigns(self) -> None:
        """Paused campaigns give their leases back; what is left of stopped ones is ended."""
        rows = await self._store.fetch("campaigns_halted")
        halted = {row["id"]: row["state"] for row in rows}
        self.halted = set(halted)
        for id_, state in halted.items():
            if state == "stopped":
                await self._take_leases("campaign_of_queue", id_, self._epoch)
        for works in self._works.values():
            for work in [work for work in works if work.batch.campaign_id in halted]:
                works.remove(work)
                if halted[work.batch.campaign_id or 0] == "stopped":
                    await self._end(work, State.STOPPED)
                elif work.todo:
                    # With windows open the lease stays; the rest waits in memory.
                    works.append(work)

    async def _expire_queue(self) -> None:
        """End what nobody could lease in time: its carrier has been away."""
        now = self._clock.now()
        await self._take_leases(
            "queue_expired", self._epoch, list(self._works), self._lanes, utc(now)
        )
        for works in self._works.values():
            for work in [w for w in works if now >= w.expires and w.todo]:
                works.remove(work)
                await self._end(work, State.EXPIRED)

    async def _end(self, work: Work, state: State) -> None:
        """End what is left to attempt of a batch."""
        slots = list(work.todo)
        work.todo.clear()
        if slots:
            mark = None
            try:
                await self._numbers.reserve(self._store, 2)
                async with self._store.transaction() as tx:
                    await enter(tx, self._epoch)
                    ended = [(work, slots, [int(state)] * len(slots))]
                    mark = await store_ends(tx, self._numbers, ended, self._clock.now())
                    await tx.execute("windows_close", list(work.held))
            except BaseException as error:
                if not await stored_after_all(self._store, self._epoch, error, mark):
                    self._put_back([Part(work, slots)])
                    raise
            work.held.clear()
        work.left -= len(slots)
        if work.left == 0:
            self._traffic.finished.append(work.batch.id)
            self._traffic.have_results()

    async def let_go(self) -> None:
        """Close what is held open for retries that this process will not make any more."""
        held = [id_ for works in self._works.values() for work in works for id_ in work.held]
        if held:
            await self._store.execute("windows_close", held)

    # One round -----------------------------------------------------------------------------

    async def step(self) -> bool:
        """Commit what is due; return whether there was anything."""
        async with self._busy:
            return await self._step()

    async def _step(self) -> bool:
        fresh, self._fresh = self._fresh[:64], self._fresh[64:]
        try:
            now = self._clock.now()
            lease = not fresh or now - self._leased_at > self._settings.idle_s
            if lease:
                self._leased_at = now
            slices = [] if self._stopping else await self._gather(lease)
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
                        "commit_unknown",
                        "the platform ended before it knew whether the order was stored",
                        mend="send it again with the same idempotency key",
                    )
                )

    def _put_back(self, slices: list[Part]) -> None:
        for part in reversed(slices):
            part.work.todo.extendleft(reversed(part.slots))
            works = self._works[part.work.batch.carrier]
            if part.work not in works:
                works.appendleft(part.work)

    def _settle_works(self, slices: list[Part], plan: Plan) -> None:
        for work, slots, _ in plan.ends:
            work.left -= len(slots)
        done = [work.batch.id for work, _, _ in plan.ends if work.left == 0]
        if done:
            self._traffic.finished.extend(done)
            self._traffic.have_results()

    async def _gather(self, lease: bool) -> list[Part]:
        """Choose what to attempt next on each carrier that has room and a live link.

        While orders wait to be committed `lease` is mostly false: a code must not wait for
        the queue.
        """
        wanting = [
            carrier
            for carrier in self._works
            if self._traffic.up.get(carrier)
            and self._traffic.pending[carrier] < self._settings.low_water
        ]
        if self._leases_unknown:
            await self._find_leases()
        for carrier in wanting:
            if lease:
                await self._refill(carrier)
        # Nothing is awaited from here on: what is taken out of a batch cannot be lost.
        return [part for carrier in wanting for part in self._choose(self._works[carrier])]

    def _choose(self, works: deque[Work]) -> list[Part]:
        slices: list[Part] = []
        room = self._settings.window
        for work in sorted(works, key=lambda work: work.lane):
            if room <= 0:
                break
            if work.batch.campaign_id in self.halted:
                continue  # tidy deals with it
            works.remove(work)
            count = min(room, len(work.todo))
            slots = [work.todo.popleft() for _ in range(count)]
            if work.todo:
                works.append(work)
            if slots:
                slices.append(Part(work, slots))
                room -= count
        return slices

    async def _refill(self, carrier: str) -> None:
        """Lease more when little is left, and at once what goes before all that is leased."""
        lanes = [work.lane for work in self._works[carrier] for _ in range(len(work.todo))]
        if len(lanes) < self._settings.window:
            await self._lease(carrier, self._lanes)
        elif carrier in self._look:
            urgent = [lane for lane in self._lanes if lane < min(lanes)]
            if urgent:
                await self._lease(carrier, urgent)
        self._look.discard(carrier)

    async def _lease(self, carrier: str, lanes: list[int]) -> None:
        now = self._clock.now()
        if now < self._asked_at[carrier]:
            return
        most = max(1, self._settings.leased // 1024)
        if not await self._take_leases("queue_lease", self._epoch, carrier, lanes, utc(now), most):
            self._asked_at[carrier] = now + self._settings.idle_s
            return

    async def _take_leases(self, query: str, *args: object) -> int:
        """Lease batches and make works of them; return how many. When that fails half-way, or
        the answer is lost, leases are looked for before the next round."""
        try:
            leased = {row["batch_id"]: row for row in await self._store.fetch(query, *args)}
            if leased:
                await self._ends.sync(self._store)
                for row in await self._store.fetch("batches", list(leased)):
                    batch = Batch.from_row(row)
                    await self._make_work(batch, leased[batch.id])
        except BaseException:
            self._leases_unknown = True
            raise
        return len(leased)

    async def _make_work(self, batch: Batch, leased: Any) -> None:
        if leased["begun"]:
            await self._take_up(batch, leased["lane"])
        else:
            work = await self._load(batch, leased["lane"], range(batch.n))
            self._works.setdefault(batch.carrier, deque()).append(work)

    async def _find_leases(self) -> None:
        """Take up what the database says that we lease and memory does not know of."""
        known = {work.batch.id for works in self._works.values() for work in works}
        known |= {work.batch.id for work in self._traffic.works()}
        await self._take_leases("queue_of_epoch", self._epoch, list(known))
        self._leases_unknown = False

    async def _take_up(self, batch: Batch, lane: int) -> None:
        """Take up a batch that another process began, with what that left to attempt."""
        left = await recover.remaining(self._store, batch, self._clock.now())
        if not left.todo:
            await self._store.execute("queue_delete", [batch.id])
            return
        work = await self._load(batch, lane, left.todo)
        work.tries = left.tries
        work.accepted = left.accepted
        self._works.setdefault(batch.carrier, deque()).append(work)

    async def _load(self, batch: Batch, lane: int, todo: Sequence[int]) -> Work:
        msisdns = await self._directory.msisdns(self._store, batch.people)
        work = Work(batch, lane, msisdns, list(todo))
        if batch.position < self._ends.floor:
            work.ended_early = await self._ends.ended_before(
                self._store, batch.group_id, batch.position, batch.people.tolist(), work.guard
            )
        if batch.purpose in NEEDS_STANDING:
            for row in await self._store.fetch(
                "standing_lapses", batch.programme_id, batch.people.tolist(), batch.expires_at
            ):
                work.lapses[row["person_id"]] = row["until"].timestamp()
        return work

    async def _load_fresh(self, fresh: list[Fresh]) -> None:
        for one in fresh:
            if not all(self._traffic.up[batch.carrier] for batch in one.judged.batches):
                continue  # no link to take it: stored like any other, and leased later
            for batch in one.judged.batches:
                one.works.append(await self._load(batch, int(LANE_OF[batch.purpose]), []))


def _stopping() -> Unavailable:
    return Unavailable("stopping", "the platform is shutting down", mend="try again soon")
