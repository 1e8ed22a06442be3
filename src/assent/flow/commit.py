"""The transaction that commits attempts: locks, checks, claims, windows.

1. lock: our epoch's fence and the groups shared, the caps exclusively;
2. in later statements, so with a later snapshot: what ended standing, what was claimed;
3. decide slot by slot: attempt, cancelled, expired, over_cap;
4. write windows, claims, ends and their money, and commit.

A single fresh order (a code, or requests that met) is planned on what memory supposes, in one call
that stores nothing where the locks show that it does not hold (`_at_once`).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from assent.clock import Clock
from assent.errors import Conflict
from assent.flow import claims
from assent.flow.claims import ClaimBook, Key
from assent.flow.columns import U8, U16, U32, pack
from assent.flow.ending import store_ends
from assent.flow.ends import EVERYONE, Ends
from assent.flow.fence import FENCE_CLASS, Mark, epoch_ended, stored_after_all
from assent.flow.ids import Numbers
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.work import Window, Work
from assent.flow.write import arguments, is_admitted, key_columns, last_arguments
from assent.message import State

GROUP_CLASS: Final = 1


class Writer(Protocol):
    """Stores a judged order inside a transaction (submit.py)."""

    async def __call__(self, tx: Transaction, judged: Judged, leased_by: int | None) -> bool:
        """Return False when the order was not stored (money, or a repeated key)."""


class Overtaken(Exception):
    """A restriction was imposed that was not known when attempts were chosen; nothing is stored."""


@dataclass(slots=True)
class Part:
    """Part of a leased batch that is about to be committed."""

    work: Work
    slots: list[int]
    tries: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Fresh:
    """A judged order that is to be stored together with its attempts."""

    judged: Judged
    stored: asyncio.Future[bool]
    works: list[Work] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What a transaction is going to commit besides fresh orders."""

    windows: list[Window] = field(default_factory=list)
    ends: list[tuple[Work, list[int], list[int]]] = field(default_factory=list)
    claimed: list[tuple[Key, np.ndarray]] = field(default_factory=list)
    refused: list[Fresh] = field(default_factory=list)
    # Long messages to people who refused: (group, person, window) of those that are finished,
    # (work, slot) of those that cannot be, since the refusal was confirmed already.
    finishing: list[tuple[int, int, int]] = field(default_factory=list)
    too_late: set[tuple[Work, int]] = field(default_factory=set)
    taken: list[tuple[Work, list[int]]] = field(default_factory=list)
    mark: Mark | None = None


class Committer:
    """Commits what the dispatcher of one process has chosen."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        ends: Ends,
        book: ClaimBook,
        write: Writer,
        numbers: Numbers,
    ) -> None:
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._ends = ends
        self._book = book
        self._write = write
        self._numbers = numbers
        self._restricted = 0

    async def commit(self, fresh: list[Fresh], slices: list[Part], restricted: int) -> Plan:
        """Store fresh orders and the attempts of all slices, or nothing of either.

        `restricted`: the last restriction that was known when they were chosen; raises Overtaken
        where there is a later one. Tells each fresh order whether it was stored. Raises AssentError
        when nothing was; a COMMIT without an answer is looked into first.
        """
        self._restricted = restricted
        now = self._clock.now()
        plan = Plan()
        parts = len(slices) + sum(len(one.works) for one in fresh)
        await self._numbers.reserve(self._store, 2 * parts)  # a window and an end of each
        keys = self._cap_keys(fresh, slices)
        if len(fresh) == 1 and fresh[0].works and not slices and fresh[0].judged.also is None:
            done = await self._at_once(fresh[0], keys, now)
            if done is not None:
                return done
        groups = {part.work.batch.group_id for part in slices}
        groups |= {work.batch.group_id for one in fresh for work in one.works}
        try:
            async with self._store.transaction() as tx:
                await self._lock_and_look(tx, groups, keys, now)
                await self._store_fresh(tx, fresh, plan, now)
                await self._find_too_late(tx, slices, plan)
                for part in slices:
                    self._plan(part, now, plan)
                await self._store_plan(tx, plan, now)
        except BaseException as error:
            if not await stored_after_all(self._store, self._epoch, error, plan.mark):
                self._book.forget(keys)
                raise
        for work, slots in plan.taken:
            for window, waiting in list(work.held.items()):
                waiting.difference_update(slots)
                if not waiting:
                    del work.held[window]
        for one in fresh:
            if not one.stored.done():
                one.stored.set_result(one not in plan.refused)
        return plan

    async def _at_once(self, one: Fresh, keys: list[Key], now: float) -> Plan | None:
        """Commit one order with its attempts in one call, supposing that memory is right. Returns
        None, with nothing stored, where it is not or something ends without an attempt."""
        # long: the arguments of one call
        plan = Plan()
        for work in one.works:
            batch = work.batch
            claims_made = self._book.would_claim(
                batch.purpose, batch.sender_id, batch.group_id, batch.people, batch.zones, now
            )
            slots = list(range(batch.n))
            ended = self._ended(Part(work, slots), now, plan)
            if claims_made is None or ended:
                return None
            plan.claimed += claims_made
            work.left = len(slots)
            self._open_window(plan, work, slots)
        plan.mark = (0, one.judged.submission_id)
        try:
            row = await self._store.once(
                "order_store",
                *arguments(one.judged, self._epoch, is_admitted(one.judged)),
                *self._supposed({work.batch.group_id for work in one.works}, keys, now),
                *self._planned(plan, now),
                *last_arguments(one.judged),
                *key_columns(one.judged),
                self._restricted,
            )
        except BaseException as error:
            if one.judged.keys and isinstance(error, Conflict):
                return None  # one of them was used at this very moment: nothing is stored
            if not await stored_after_all(self._store, self._epoch, error, plan.mark):
                raise
            self._book.forget(keys)  # to be read again, with the numbers that these claims got
            row = None
        if row is not None:
            if not row["holds"]:
                return None
            if row["fresh"] and row["paid"]:
                self._book.took(plan.claimed, now, claims.told(row))
            else:
                plan = Plan(refused=[one])
        if not one.stored.done():
            one.stored.set_result(not plan.refused)
        return plan

    async def _find_too_late(self, tx: Transaction, slices: list[Part], plan: Plan) -> None:
        """Find begun long messages whose receiver refused and has been told so: their rest
        must not leave any more. Holds what is not confirmed yet."""
        found: list[tuple[Work, int, int]] = []
        for part in slices:
            work, batch = part.work, part.work.batch
            for slot in part.slots if work.accepted else ():
                person = int(batch.people[slot])
                if slot in work.accepted and (
                    person in work.ended_early
                    or self._ends.ended(batch.group_id, person, work.guard, *batch.judged_for)
                ):
                    found.append((work, slot, person))
        if not found:
            return
        rows = await tx.fetch("confirmations_of_people", sorted({who for _, _, who in found}))
        for work, slot, person in found:
            if any(
                row["person_id"] == person
                and row["state"] != "waiting"
                and row["position"] > work.batch.position
                and (work.batch.group_id in row["groups"] or EVERYONE in row["groups"])
                for row in rows
            ):
                plan.too_late.add((work, slot))

    async def _store_fresh(
        self, tx: Transaction, fresh: list[Fresh], plan: Plan, now: float
    ) -> None:
        for one in sorted(fresh, key=lambda one: one.judged.order.account.id):
            if not await self._write(tx, one.judged, self._epoch if one.works else None):
                plan.refused.append(one)
                continue
            plan.mark = (0, one.judged.submission_id)
            for work in one.works:
                slots = list(range(work.batch.n))
                work.left = len(slots)
                self._plan(Part(work, slots), now, plan)

    def _cap_keys(self, fresh: list[Fresh], slices: list[Part]) -> list[Key]:
        keys: set[Key] = set()
        for work in [s.work for s in slices] + [w for one in fresh for w in one.works]:
            batch = work.batch
            about = (batch.purpose, batch.sender_id, batch.group_id, batch.people)
            keys.update(key for key, _ in self._book.keys(*about) if not batch.uncapped)
        return sorted(keys, key=lambda key: (claims.lock_key(key), key))

    async def _lock_and_look(
        self, tx: Transaction, groups: set[int], keys: list[Key], now: float
    ) -> None:
        """Take the locks; then read what they now hold still (the database does so in a later
        statement, with a later snapshot)."""
        seen = self._book.seen(keys)
        supposed = self._supposed(groups, keys, now)
        rows = await tx.fetch("commit_facts", *supposed, self._restricted)
        if not rows or rows[0]["kind"] != 0:
            raise epoch_ended()
        if rows[-1]["kind"] == 3:
            raise Overtaken
        for row in rows:
            if row["kind"] == 1:
                self._ends.note(row["a"], row["b"], row["n"], row["c"], int(row["ledger"] or 0))
        self._book.note((row for row in rows if row["kind"] == 2), seen)

    def _supposed(self, groups: set[int], keys: list[Key], now: float) -> list[Any]:
        """Return the parameters of `commit_facts`: locks in their order, and what we have read."""
        order = sorted({EVERYONE, *groups})
        cap_keys = sorted({claims.lock_key(key) for key in keys})
        return [
            [FENCE_CLASS] + [GROUP_CLASS] * len(order) + [claims.LOCK_CLASS] * len(cap_keys),
            [self._epoch, *order, *cap_keys],
            [True] * (1 + len(order)) + [False] * len(cap_keys),
            self._epoch,
            self._ends.head,
            *claims.columns_of(self._book.seen(keys)),
            utc(now - claims.HORIZON_S),
        ]

    def _ended(self, part: Part, now: float, plan: Plan) -> dict[int, int]:
        """Return what of a part ends without an attempt, but for caps; note in the plan who gets
        the rest of a long message all the same."""
        work = part.work
        batch = work.batch
        ended: dict[int, int] = {}
        watch = self._ends.any_for(batch.group_id) or work.ended_early or work.lapses
        for slot in part.slots:
            person = int(batch.people[slot]) if watch else 0
            if now >= work.expires:
                ended[slot] = State.EXPIRED
            elif not work.msisdns[slot]:
                ended[slot] = State.CANCELLED
            elif person and (
                person in work.ended_early
                or now >= work.lapses.get(person, now + 1)
                or self._ends.ended(batch.group_id, person, work.guard, *batch.judged_for)
            ):
                # A long message that was begun is finished, while that is unconfirmed.
                if slot not in work.accepted or (work, slot) in plan.too_late:
                    ended[slot] = State.CANCELLED
                else:
                    plan.finishing.append((batch.group_id, person, 0))
        return ended

    def _plan(self, part: Part, now: float, plan: Plan) -> None:
        """Decide slot by slot. Retries keep the claim of their first try."""
        work = part.work
        batch = work.batch
        finishing = len(plan.finishing)
        ended = self._ended(part, now, plan)
        first = [s for s in part.slots if s not in ended and not work.tries.get(s)]
        if first and not batch.uncapped:
            chosen = np.array(first, np.intp)
            within, claimed = self._book.claim(
                batch.purpose,
                batch.sender_id,
                batch.group_id,
                batch.people[chosen],
                batch.zones[chosen],
                now,
            )
            plan.claimed.extend(claimed)
            for slot, ok in zip(first, within.tolist(), strict=True):
                if not ok:
                    ended[slot] = State.OVER_CAP
        slots = [slot for slot in part.slots if slot not in ended] if ended else part.slots
        if ended:
            plan.ends.append((work, list(ended), [int(state) for state in ended.values()]))
        if slots:
            window = self._open_window(plan, work, slots)
            for place in range(finishing, len(plan.finishing)):
                plan.finishing[place] = (*plan.finishing[place][:2], window.id)
        if work.held:
            plan.taken.append((work, part.slots))

    def _open_window(self, plan: Plan, work: Work, slots: list[int]) -> Window:
        tries = [work.tries.get(slot, 0) + 1 for slot in slots]
        window = Window(self._numbers.next(), work, slots, tries, self._ends.head)
        window.lay_out()
        plan.windows.append(window)
        return window

    @staticmethod
    def _taken_of(plan: Plan, work: Work) -> set[int]:
        return {slot for other, slots in plan.taken if other is work for slot in slots}

    @staticmethod
    def _planned(plan: Plan, now: float) -> list[Any]:
        """Return the parameters of `plan_insert`: windows and claims."""
        windows = plan.windows
        claimed = [(key, people) for key, people in plan.claimed if len(people)]
        return [
            [w.id for w in windows],
            [w.work.batch.id for w in windows],
            [w.work.batch.group_id for w in windows],
            [pack(w.slots, U16) for w in windows],
            [pack([min(t, 255) for t in w.tries], U8) for w in windows],
            utc(now),
            [key[0] for key, _ in claimed],
            [key[1] for key, _ in claimed],
            [pack(np.sort(people), U32) for _, people in claimed],
        ]

    async def _store_plan(self, tx: Transaction, plan: Plan, now: float) -> None:
        if (windows := plan.windows) or any(len(people) for _, people in plan.claimed):
            if windows:
                plan.mark = (windows[0].work.batch.id, windows[0].id)
            stored = await tx.fetch("plan_insert", self._epoch, *self._planned(plan, now))
            self._book.stored(stored)
        if plan.finishing:
            columns = [list(column) for column in zip(*plan.finishing, strict=True)]
            await tx.execute("confirmations_wait", *columns)
        closed = [
            window
            for work, _ in plan.taken
            for window, waiting in work.held.items()
            if waiting <= self._taken_of(plan, work)
        ]
        if closed:
            await tx.execute("windows_close", sorted(set(closed)))
        if plan.ends:
            plan.mark = await store_ends(tx, self._numbers, plan.ends, now)
