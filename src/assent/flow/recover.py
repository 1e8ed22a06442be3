"""After a process died: what it left open becomes unsure, what it had leased is free again.

An epoch is dead when its liveness lock is free. Before anything else its fence is taken for
ourselves and its end written, so that nothing of it can commit any more; then its windows'
missing answers are written as `unsure`. This is the ordinary path after every start, and runs
every few seconds besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from assent.flow.columns import U8, U16, U32, U64, pack, pack_object, to_signed, unpack
from assent.flow.fence import FENCE_CLASS
from assent.flow.ids import Numbers
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.work import Batch
from assent.message import AttemptStatus, Purpose

_AGAIN: Final = frozenset({AttemptStatus.THROTTLED, AttemptStatus.RETURNED})


def is_retried(purpose: Purpose) -> bool:
    """Return whether an unsure attempt may be tried again: codes only (DESIGN.md, "Dispatch")."""
    return purpose is Purpose.VERIFICATION


def is_over(status: int, purpose: Purpose) -> bool:
    """Return whether a segment with this answer is not to be written again."""
    return status not in _AGAIN and not (status == AttemptStatus.UNSURE and is_retried(purpose))


@dataclass(slots=True)
class Left:
    """What is still to attempt of a batch: slots, their tries so far, segments already out."""

    todo: list[int] = field(default_factory=list)
    tries: dict[int, int] = field(default_factory=dict)
    accepted: dict[int, set[int]] = field(default_factory=dict)


async def remaining(queries: Queries, batch: Batch, now: float) -> Left:
    """Work out what a batch's windows, their results and its ends leave to attempt.

    The caller has leased the batch, and no epoch that held it before is alive.
    """
    done: set[int] = set()
    for row in await queries.fetch("batch_slot_ends", batch.id):
        done.update(unpack(row["slots"], U16).tolist())
    past = _Past()
    for row in await queries.fetch("batch_attempts", batch.id):
        past.read(row, batch.purpose)
    again_if_unsure = is_retried(batch.purpose) and now < batch.expires_at.timestamp()
    left = Left()
    for slot in range(batch.n):
        if slot in done:
            continue
        if slot in past.tries:
            statuses = past.last[slot]
            unsure = AttemptStatus.UNSURE in statuses and again_if_unsure
            if not (statuses & _AGAIN or unsure):
                continue
            left.tries[slot] = past.tries[slot]
            if slot in past.over and int(batch.segments[slot]) > 1:
                left.accepted[slot] = past.over[slot]
        left.todo.append(slot)
    return left


@dataclass(slots=True)
class _Past:
    """What a batch's windows came to, by slot. The last try tells, not the greatest window:
    processes draw their numbers in blocks."""

    tries: dict[int, int] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)  # window of the last try
    last: dict[int, set[int]] = field(default_factory=dict)  # statuses of its segments there
    over: dict[int, set[int]] = field(default_factory=dict)  # segments never written again

    def read(self, row: Any, purpose: Purpose) -> None:
        """Take in a row of `batch_attempts`: a window, and one of its results if it has any."""
        slots = unpack(row["slots"], U16).tolist()
        for slot, number in zip(slots, unpack(row["tries"], U8).tolist(), strict=True):
            if self.newest.get(slot) != row["id"] and number >= self.tries.get(slot, 0):
                self.tries[slot], self.newest[slot], self.last[slot] = number, row["id"], set()
        if row["positions"] is None:
            return
        for position, segment, status in zip(
            unpack(row["positions"], U16).tolist(),
            unpack(row["segments"], U8).tolist(),
            unpack(row["statuses"], U8).tolist(),
            strict=True,
        ):
            slot = slots[position]
            if self.newest[slot] == row["id"]:
                self.last[slot].add(status)
            if is_over(status, purpose):
                self.over.setdefault(slot, set()).add(segment)


class Recovery:
    """Finds dead epochs and settles what they left."""

    def __init__(self, store: Store, epoch: int) -> None:
        self._store = store
        self._epoch = epoch
        self._numbers = Numbers()
        self.unsure = 0

    async def step(self, now: float) -> int:
        """Settle every dead epoch; return how many there were."""
        ended = 0
        for row in await self._store.fetch("epochs_not_ended"):
            if row["id"] != self._epoch and await self._end(row["id"], now):
                ended += 1
        return ended

    async def _end(self, epoch: int, now: float) -> bool:
        async with self._store.transaction() as tx:
            if not await tx.fetchval("epoch_lock_free", epoch):
                return False
            await tx.fetch("lock_exclusive", FENCE_CLASS, [epoch])
            await tx.execute("epoch_end", epoch, utc(now))
            windows = await tx.fetch("open_windows_of_epoch", epoch)
            await self._numbers.reserve(self._store, len(windows))
            events: list[list[int]] = []
            for window in windows:
                events += await self._unsure(tx, window, now)
            if windows:
                await tx.execute("windows_close", [window["id"] for window in windows])
            if events:
                await tx.execute(
                    "event_insert", utc(now), "result", None, events[0][1], pack_object(events)
                )
            await tx.fetch("queue_free_epoch", epoch)
            await tx.execute("notify", "queue", "")
            await tx.execute("notify", "parcel", "")
        return True

    async def _unsure(self, tx: Transaction, window: Any, now: float) -> list[list[int]]:
        """Write the missing answers of a window as unsure; return the event's line."""
        lines = sorted(await self._unanswered(tx, window))
        if not lines:
            return []
        source = self._numbers.next()
        positions = [position for position, _ in lines]
        segments = [segment for _, segment in lines]
        n = len(lines)
        nothing = to_signed(0)
        await tx.execute(
            "results_insert",
            utc(now),
            [source],
            [window["id"]],
            [window["batch_id"]],
            [window["carrier"]],
            [""],
            [pack(positions, U16)],
            [pack(segments, U8)],
            [pack([int(AttemptStatus.UNSURE)] * n, U8)],
            [pack([0] * n, U32)],
            [pack([0] * n, U64)],
            [nothing],
            [nothing],
        )
        slots = unpack(window["slots"], U16)[positions].tolist()
        people = unpack(window["people"], U32)[slots].tolist()
        retried = is_retried(Purpose(window["purpose"])) and now < window["expires_at"].timestamp()
        settled = ["retried" if retried else None] * n
        batch, id_, carrier = window["batch_id"], window["id"], window["carrier"]
        await tx.execute(
            "unsure_insert", utc(now), [batch] * n, slots, segments, [id_] * n, [carrier] * n,
            people, settled,
        )  # fmt: skip
        self.unsure += n
        return [[batch, source]]

    async def _unanswered(self, tx: Transaction, window: Any) -> set[tuple[int, int]]:
        """Return (position, segment) of what a window tried and no answer is stored of."""
        slots = unpack(window["slots"], U16).tolist()
        counts = unpack(window["segments"], U8)
        open_ = {
            (position, segment)
            for position, slot in enumerate(slots)
            for segment in range(int(counts[slot]))
        }
        if int(unpack(window["tries"], U8).max(initial=0)) > 1:
            open_ -= await self._sent_before(tx, window, slots)
        for row in await tx.fetch("results_of_window", window["batch_id"], window["id"]):
            positions = unpack(row["positions"], U16).tolist()
            open_ -= set(zip(positions, unpack(row["segments"], U8).tolist(), strict=True))
        return open_

    async def _sent_before(
        self, tx: Transaction, window: Any, slots: list[int]
    ) -> set[tuple[int, int]]:
        """Return (position, segment) that another window already brought to the carrier."""
        sent: set[tuple[int, int]] = set()
        for row in await tx.fetch("batch_attempts", window["batch_id"]):
            if row["id"] == window["id"] or row["positions"] is None:
                continue
            earlier = unpack(row["slots"], U16).tolist()
            for position, segment, status in zip(
                unpack(row["positions"], U16).tolist(),
                unpack(row["segments"], U8).tolist(),
                unpack(row["statuses"], U8).tolist(),
                strict=True,
            ):
                slot = earlier[position]
                if is_over(status, Purpose(window["purpose"])) and slot in slots:
                    sent.add((slots.index(slot), segment))
        return sent
