"""Folding answers and receipts into the state of every segment of a batch.

Reads the outbox in order, with a cursor that survives late committers, and rewrites one row a
touched batch. States only advance (message.TRANSITIONS), so folding an event twice changes
nothing and the whole can be rebuilt from the rows it reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.charging import charge
from assent.flow.columns import U8, U16, U32, U64, pack, pack_object, unpack, unpack_object
from assent.flow.needs import Store, Transaction, utc
from assent.message import (
    TRANSITIONS,
    WHOLE,
    WITHHELD_EXPIRED,
    WITHHELD_RESTRICTED,
    WITHHELD_STOPPED,
    AttemptStatus,
    State,
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

_WITHHELD: Final = {
    WITHHELD_EXPIRED: State.EXPIRED,
    WITHHELD_STOPPED: State.STOPPED,
    WITHHELD_RESTRICTED: State.RESTRICTED,
}
"""What a withheld message is, by its code, where it is not for a refusal."""

_ENDS: Final = (
    State.CANCELLED,
    State.EXPIRED,
    State.OVER_CAP,
    State.STOPPED,
    State.RESTRICTED,
)
"""How a message ends that was never attempted."""

_NEXT: Final = np.array(
    [
        [int(to) if to in TRANSITIONS[State(old)] else old for to in State]
        for old in range(len(State))
    ],
    np.uint8,
)
"""The lifecycle as a table: _NEXT[state, to]. Skipped steps are allowed for below."""


def _advance(states: npt.NDArray[np.uint8], to: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    # An answer is heard only after the attempt, which the fold does not read by itself; the
    # same holds for the second attempt at a code whose first was unsure.
    again = (states == State.UNSURE) & np.isin(to, (State.ACCEPTED, State.REFUSED))
    begun = np.where(
        ((states == State.QUEUED) & (to != State.QUEUED)) | again,
        np.uint8(State.ATTEMPTED),
        states,
    )
    ended = np.isin(to, _ENDS)
    return np.where(ended & (states == State.QUEUED), to, _NEXT[begun, to]).astype(np.uint8)


Ints = npt.NDArray[np.int64]


@dataclass(slots=True)
class _Moves:
    """Columns of what happened, in order. `segments` None: to every segment of the message."""

    batches: list[Ints] = field(default_factory=list)
    slots: list[Ints] = field(default_factory=list)
    segments: list[Ints] | None = field(default_factory=list)
    states: list[npt.NDArray[np.uint8]] = field(default_factory=list)

    def ids(self) -> Ints:
        """Return the batches that moved."""
        return np.unique(np.concatenate(self.batches)) if self.batches else np.empty(0, np.int64)


class _Board:
    """All touched batches side by side: one array of segment states, folded at once.

    Message k of the board has its segments at places `first[k]` to `first[k + 1]`.
    """

    def __init__(self, rows: list[Any]) -> None:
        self.ids = np.array([row["id"] for row in rows], np.int64)
        self.accounts = np.array([row["account_id"] for row in rows], np.int64)
        counts = [unpack(row["segments"], U8) for row in rows]
        sizes = np.array([len(count) for count in counts], np.int64)
        self.base = np.concatenate(([0], np.cumsum(sizes)))  # first message of each batch
        self.counts = np.concatenate(counts).astype(np.int64)
        self.first = np.concatenate(([0], np.cumsum(self.counts)))
        self.batch_of = np.repeat(np.arange(len(rows)), sizes)
        self.states = np.concatenate(
            [
                unpack(row["states"], U8)
                if row["states"] is not None
                else np.zeros(int(count.sum(dtype=np.int64)), np.uint8)
                for row, count in zip(rows, counts, strict=True)
            ]
        )
        self.changed = np.zeros(len(self.counts), np.bool_)
        self._message_of = np.repeat(np.arange(len(self.counts)), self.counts)

    def apply(self, moves: _Moves) -> None:
        """Advance by some moves; those of one segment in their order."""
        if not moves.batches:
            return
        batches = np.concatenate(moves.batches)
        at = np.searchsorted(self.ids, batches)
        known = self.ids[np.minimum(at, len(self.ids) - 1)] == batches
        messages = self.base[at[known]] + np.concatenate(moves.slots)[known]
        states = np.concatenate(moves.states)[known]
        if moves.segments is None:
            counts = self.counts[messages]
            within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            places = np.repeat(self.first[messages], counts) + within
            states = np.repeat(states, counts)
        else:
            places = self.first[messages] + np.concatenate(moves.segments)[known]
        while len(places):
            _, turn = np.unique(places, return_index=True)
            self._advance_at(places[turn], states[turn])
            left = np.ones(len(places), np.bool_)
            left[turn] = False
            places, states = places[left], states[left]

    def _advance_at(self, places: Ints, to: npt.NDArray[np.uint8]) -> None:
        before = self.states[places]
        after = _advance(before, to)
        self.states[places] = after
        self.changed[self._message_of[places[after != before]]] = True

    def finals(self) -> list[bytes]:
        """Return the states of each batch as they are stored."""
        ends = self.first[self.base]
        return [self.states[ends[i] : ends[i + 1]].tobytes() for i in range(len(self.ids))]

    def news(self) -> tuple[Ints, Ints, npt.NDArray[np.uint8]]:
        """Return account, message id and state of every message that changed."""
        messages = np.flatnonzero(self.changed)
        states = self.states[self.first[messages]]
        for place in np.flatnonzero(self.counts[messages] > 1).tolist():
            message = int(messages[place])
            segments = self.states[self.first[message] : self.first[message + 1]]
            states[place] = message_state(segments)
        batch = self.batch_of[messages]
        return (
            self.accounts[batch],
            (self.ids[batch] << 10) + messages - self.base[batch],
            states,
        )


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
        State.RESTRICTED,
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
            moves, results = await self._moves(tx, events)
            touched = np.unique(np.concatenate([some.ids() for some in moves]))
            rows = await tx.fetch("batches_to_fold", touched.tolist())
            if rows:
                board = _Board(rows)
                for some in moves:
                    board.apply(some)
                finals = board.finals()
                charged = await charge(tx, rows, finals, results, now)
                await tx.execute("finals_put", board.ids.tolist(), finals, utc(now), *charged)
                await self._tell(tx, board, utc(now))
            await tx.execute("cursor_set", CURSOR, events[-1]["seq"])
            self.folded = events[-1]["seq"]
            return len(events) == _AT_ONCE

    async def _moves(
        self, tx: Transaction, events: list[Any]
    ) -> tuple[tuple[_Moves, ...], list[Any]]:
        """Return answers, ends without an attempt, and receipts; and the answers' rows."""
        results: list[list[int]] = []
        ends: list[list[int]] = []
        receipts: list[int] = []
        for event in events:
            payload = unpack_object(event["payload"])
            {"result": results, "slot_end": ends}.get(event["kind"], receipts).extend(payload)
        answers = await tx.fetch("results_by_id", [p[0] for p in results], [p[1] for p in results])
        moves = (
            self._answers(answers),
            self._ends(
                await tx.fetch("slot_ends_by_id", [p[0] for p in ends], [p[1] for p in ends])
            ),
            *self._receipts(await tx.fetch("receipts_by_id", receipts)),
        )
        return moves, answers

    @staticmethod
    def _answers(rows: list[Any]) -> _Moves:
        moves = _Moves()
        assert moves.segments is not None
        for row in rows:
            statuses = unpack(row["statuses"], U8)
            codes = unpack(row["codes"], U32)
            withheld = statuses == AttemptStatus.WITHHELD
            states = _STATUS_TABLE[statuses].copy()
            for code, state in _WITHHELD.items():
                states[withheld & (codes == code)] = state
            slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)]
            moves.batches.append(np.full(len(statuses), row["batch_id"], np.int64))
            moves.slots.append(slots.astype(np.int64))
            moves.segments.append(unpack(row["segments"], U8).astype(np.int64))
            moves.states.append(states)
        return moves

    @staticmethod
    def _ends(rows: list[Any]) -> _Moves:
        moves = _Moves(segments=None)
        for row in rows:
            slots = unpack(row["slots"], U16)
            moves.batches.append(np.full(len(slots), row["batch_id"], np.int64))
            moves.slots.append(slots.astype(np.int64))
            moves.states.append(unpack(row["states"], U8))
        return moves

    @staticmethod
    def _receipts(rows: list[Any]) -> tuple[_Moves, _Moves]:
        """Return receipts for segments, and those for whole messages."""
        one, whole = _Moves(), _Moves(segments=None)
        assert one.segments is not None
        for row in rows:
            messages = unpack(row["messages"], U64).astype(np.int64)
            segments = unpack(row["segments"], U8).astype(np.int64)
            states = unpack(row["states"], U8)
            for moves, chosen in ((one, segments != WHOLE), (whole, segments == WHOLE)):
                if chosen.any():
                    moves.batches.append(messages[chosen] >> 10)
                    moves.slots.append(messages[chosen] & 1023)
                    moves.states.append(states[chosen])
            if (segments != WHOLE).any():
                one.segments.append(segments[segments != WHOLE])
        return one, whole

    @staticmethod
    async def _tell(tx: Transaction, board: _Board, at: datetime) -> None:
        """Append what customers may see now: one event an account. What ended because of a
        withdrawal waits for the daily batch (DESIGN.md, promise 7)."""
        accounts, ids, states = board.news()
        waiting = np.isin(states, (State.QUEUED, State.ATTEMPTED))
        hidden = np.isin(states, [int(state) for state in HIDDEN])
        for account in np.unique(accounts).tolist():
            mine = accounts == account
            told = mine & ~waiting & ~hidden
            if told.any():
                await tell(tx, account, ids[told].tolist(), states[told].tolist(), at)
            untold = mine & hidden
            if untold.any():
                await tx.execute(
                    "untold_put", ids[untold].tolist(), account, states[untold].tolist()
                )


async def tell(
    tx: Transaction, account: int, ids: list[int], states: list[int], at: datetime
) -> None:
    """Append to an account's feed what became of some messages."""
    payload = {"ids": pack(ids, U64), "states": pack(states, U8)}
    await tx.execute("event_insert", at, "message", account, ids[0], pack_object(payload))


_STATUS_TABLE: Final = np.array(
    [int(STATE_OF_STATUS.get(status, State.QUEUED)) for status in range(8)], np.uint8
)
