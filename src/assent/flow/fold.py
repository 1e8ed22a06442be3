"""Folding answers and receipts into the state of every segment of a batch.

Reads the outbox in order, with a cursor that survives late committers, and rewrites one row a
touched batch. States only advance (message.TRANSITIONS), so folding an event twice changes
nothing and the whole can be rebuilt from the rows it reads.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.columns import U8, U16, U64, pack, pack_object, unpack, unpack_object
from assent.flow.needs import Store, Transaction, utc
from assent.message import (
    TRANSITIONS,
    WITHHELD_EXPIRED,
    AttemptStatus,
    State,
    message_id,
)

CURSOR: Final = "fold"
KINDS: Final = ["result", "slot_end", "receipt"]
_AT_ONCE: Final = 400

HIDDEN: Final = frozenset({State.CANCELLED, State.WITHHELD})
"""Ended because of a withdrawal: told to the customer daily only (DESIGN.md, promise 7)."""

STATE_OF_STATUS: Final[dict[int, State]] = {
    AttemptStatus.ACCEPTED: State.ACCEPTED,
    AttemptStatus.REFUSED: State.REFUSED,
    AttemptStatus.THROTTLED: State.QUEUED,
    AttemptStatus.RETURNED: State.QUEUED,
    AttemptStatus.WITHHELD: State.WITHHELD,
    AttemptStatus.UNSURE: State.UNSURE,
}

_NEXT: Final = np.array(
    [
        [int(to) if to in TRANSITIONS[State(old)] else old for to in State]
        for old in range(len(State))
    ],
    np.uint8,
)
"""The lifecycle as a table: _NEXT[state, to]. Skipped steps are allowed for below."""


def _advance(states: npt.NDArray[np.uint8], to: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    # An answer is heard only after the attempt, which the fold does not read by itself; and a
    # receipt may be folded before its answer.
    begun = np.where(
        (states == State.QUEUED) & (to != State.QUEUED), np.uint8(State.ATTEMPTED), states
    )
    cancelled = np.isin(to, (State.CANCELLED, State.EXPIRED, State.OVER_CAP, State.STOPPED))
    return np.where(cancelled & (states == State.QUEUED), to, _NEXT[begun, to]).astype(np.uint8)


@dataclass(slots=True)
class _Batch:
    """A batch's segments: `starts[slot]` is the place of its first one."""

    account: int
    people: bytes
    starts: npt.NDArray[np.int64]
    states: npt.NDArray[np.uint8]
    changed: set[int] = field(default_factory=set)

    def apply(
        self, slots: npt.NDArray[Any], segments: npt.NDArray[Any], to: npt.NDArray[np.uint8]
    ) -> None:
        places = self.starts[slots] + segments
        before = self.states[places]
        after = _advance(before, to)
        moved = after != before
        self.states[places[moved]] = after[moved]
        self.changed.update(np.asarray(slots)[moved].tolist())

    def slot_state(self, slot: int) -> State:
        return message_state(self.states[self.starts[slot] : self.starts[slot + 1]])


def message_state(states: npt.NDArray[np.uint8]) -> State:
    """Return the state of a message from its segments': delivered means all of them are, any
    failed one fails it."""
    if len(states) == 1:
        return State(int(states[0]))
    present = set(states.tolist())
    for state in (
        State.FAILED,
        State.REFUSED,
        State.STOPPED,
        State.EXPIRED,
        State.WITHHELD,
        State.UNSURE,
        State.QUEUED,
        State.ATTEMPTED,
        State.ACCEPTED,
    ):
        if state in present:
            return state
    return State(int(states[0]))


class Fold:
    """Keeps batch_final current. One process runs it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.folded = 0

    async def step(self, now: float) -> bool:
        """Fold the next events; return whether there may be more."""
        async with self._store.transaction() as tx:
            cursor = await tx.fetchval("cursor_hold", CURSOR)
            events = await tx.fetch("events_after", cursor, KINDS, _AT_ONCE)
            if not events:
                return False
            moves = await self._moves(tx, events)
            await self._apply(tx, moves, utc(now))
            await tx.execute("cursor_set", CURSOR, events[-1]["seq"])
            self.folded = events[-1]["seq"]
            return len(events) == _AT_ONCE

    async def _moves(
        self, tx: Transaction, events: list[Any]
    ) -> dict[int, list[tuple[Any, Any, Any]]]:
        """Return by batch the moves (slots, segments or None for all, states), in order."""
        moves: dict[int, list[tuple[Any, Any, Any]]] = defaultdict(list)
        results: list[list[int]] = []
        ends: list[list[int]] = []
        receipts: list[int] = []
        for event in events:
            payload = unpack_object(event["payload"])
            {"result": results, "slot_end": ends}.get(event["kind"], receipts).extend(payload)
        for row in await tx.fetch(
            "results_by_id", [pair[0] for pair in results], [pair[1] for pair in results]
        ):
            statuses = unpack(row["statuses"], U8)
            codes = unpack(row["codes"], np.dtype("<u4"))
            states = _STATUS_TABLE[statuses]
            expired = (statuses == AttemptStatus.WITHHELD) & (codes == WITHHELD_EXPIRED)
            states = np.where(expired, np.uint8(State.EXPIRED), states)
            slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)]
            moves[row["batch_id"]].append((slots, unpack(row["segments"], U8), states))
        for row in await tx.fetch(
            "slot_ends_by_id", [pair[0] for pair in ends], [pair[1] for pair in ends]
        ):
            moves[row["batch_id"]].append(
                (unpack(row["slots"], U16), None, unpack(row["states"], U8))
            )
        for row in await tx.fetch("receipts_by_id", receipts):
            messages = unpack(row["messages"], U64).astype(np.int64)
            batches = messages >> 10
            slots, segments = messages & 1023, unpack(row["segments"], U8)
            states = unpack(row["states"], U8)
            for batch in np.unique(batches).tolist():
                of = batches == batch
                moves[batch].append((slots[of], segments[of], states[of]))
        return moves

    async def _apply(
        self, tx: Transaction, moves: dict[int, list[tuple[Any, Any, Any]]], at: datetime
    ) -> None:
        batches: dict[int, _Batch] = {}
        for row in await tx.fetch("batches_to_fold", list(moves)):
            counts = unpack(row["segments"], U8).astype(np.int64)
            starts = np.concatenate(([0], np.cumsum(counts)))
            states = (
                np.frombuffer(bytearray(row["states"]), np.uint8)
                if row["states"] is not None
                else np.zeros(int(starts[-1]), np.uint8)
            )
            batches[row["id"]] = _Batch(row["account_id"], row["people"], starts, states)
        for number, some in moves.items():
            batch = batches.get(number)
            if batch is None:
                continue
            for slots, segments, states in some:
                if segments is None:
                    for slot, state in zip(slots.tolist(), states.tolist(), strict=True):
                        all_of = np.arange(batch.starts[slot + 1] - batch.starts[slot])
                        batch.apply(
                            np.full(len(all_of), slot),
                            all_of,
                            np.full(len(all_of), state, np.uint8),
                        )
                else:
                    batch.apply(slots, segments, states)
        if batches:
            await tx.execute(
                "finals_put", list(batches), [b.states.tobytes() for b in batches.values()], at
            )
        await self._tell(tx, batches, at)

    @staticmethod
    async def _tell(tx: Transaction, batches: dict[int, _Batch], at: datetime) -> None:
        """Append what customers may see now: one event an account. What ended because of a
        withdrawal waits for the daily batch (DESIGN.md, promise 7)."""
        told: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        hidden: dict[int, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
        for number, batch in batches.items():
            for slot in sorted(batch.changed):
                state = batch.slot_state(slot)
                if state in (State.QUEUED, State.ATTEMPTED):
                    continue
                ids, states = (hidden if state in HIDDEN else told)[batch.account]
                ids.append(message_id(number, slot))
                states.append(int(state))
        for account, (ids, states) in told.items():
            await tell(tx, account, ids, states, at)
        for account, (ids, states) in hidden.items():
            await tx.execute("untold_put", ids, account, states)


async def tell(
    tx: Transaction, account: int, ids: list[int], states: list[int], at: datetime
) -> None:
    """Append to an account's feed what became of some messages."""
    payload = {"ids": pack(ids, U64), "states": pack(states, U8)}
    await tx.execute("event_insert", at, "message", account, ids[0], pack_object(payload))


_STATUS_TABLE: Final = np.array(
    [int(STATE_OF_STATUS.get(status, State.QUEUED)) for status in range(8)], np.uint8
)
