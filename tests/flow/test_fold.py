"""Folding many batches at once comes to the same as folding each segment by itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assent.flow.fold import _Board, _Moves, message_state
from assent.message import FINAL, TRANSITIONS, State

ANSWERS = [State.ACCEPTED, State.REFUSED, State.QUEUED, State.WITHHELD, State.UNSURE]
ENDS = [State.CANCELLED, State.EXPIRED, State.OVER_CAP, State.STOPPED]
RECEIPTS = [State.DELIVERED, State.FAILED]

batches = st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=5), min_size=1, max_size=4)


def step(state: State, to: State) -> State:
    """The lifecycle, one segment at a time: an answer implies its attempt."""
    if to in ENDS:
        return to if state is State.QUEUED else state
    if (state is State.QUEUED and to is not State.QUEUED) or (
        state is State.UNSURE and to in (State.ACCEPTED, State.REFUSED)
    ):
        state = State.ATTEMPTED
    return to if to in TRANSITIONS[state] else state


@given(batches, st.data())
def test_fold_agrees_with_the_lifecycle(counts: list[list[int]], data: st.DataObject) -> None:
    rows = [
        {"id": 100 + 7 * i, "account_id": i % 2 + 1, "segments": bytes(count), "states": None}
        for i, count in enumerate(counts)
    ]
    board = _Board(rows)
    naive = {
        (row["id"], slot, segment): State.QUEUED
        for row, count in zip(rows, counts, strict=True)
        for slot, many in enumerate(count)
        for segment in range(many)
    }
    places = sorted(naive)
    drawn = data.draw(
        st.lists(
            st.tuples(st.sampled_from(places), st.sampled_from(ANSWERS + RECEIPTS)), max_size=30
        )
    )
    moves = _Moves()
    assert moves.segments is not None
    for (batch, slot, segment), to in drawn:
        moves.batches.append(np.array([batch]))
        moves.slots.append(np.array([slot]))
        moves.segments.append(np.array([segment]))
        moves.states.append(np.array([int(to)], np.uint8))
        naive[batch, slot, segment] = step(naive[batch, slot, segment], to)
    board.apply(moves)
    ended = data.draw(st.lists(st.sampled_from(places), max_size=5))
    ends = _Moves(segments=None)
    for batch, slot, _ in ended:
        ends.batches.append(np.array([batch]))
        ends.slots.append(np.array([slot]))
        ends.states.append(np.array([int(State.OVER_CAP)], np.uint8))
        for place in places:
            if place[:2] == (batch, slot):
                naive[place] = step(naive[place], State.OVER_CAP)
    board.apply(ends)
    stored = dict(zip([row["id"] for row in rows], board.finals(), strict=True))
    for row in rows:
        expected = [int(naive[place]) for place in places if place[0] == row["id"]]
        assert list(stored[row["id"]]) == expected
    _, ids, states = board.news()
    for message, state in zip(ids.tolist(), states.tolist(), strict=True):
        mine = [int(naive[p]) for p in places if p[:2] == (message >> 10, message & 1023)]
        assert state == message_state(np.array(mine, np.uint8))


def test_unknown_batches_are_left_alone() -> None:
    board = _Board([{"id": 5, "account_id": 1, "segments": b"\x01", "states": None}])
    moves = _Moves(
        [np.array([4, 6])], [np.array([0, 0])], [np.array([0, 0])], [np.array([2, 2], np.uint8)]
    )
    board.apply(moves)
    assert board.finals() == [b"\x00"]
    assert not len(board.news()[0])


def test_final_states_never_move() -> None:
    for final in FINAL:
        board = _Board(
            [{"id": 1, "account_id": 1, "segments": b"\x01", "states": bytes([int(final)])}]
        )
        for to in State:
            board.apply(
                _Moves(
                    [np.array([1])],
                    [np.array([0])],
                    [np.array([0])],
                    [np.array([int(to)], np.uint8)],
                )
            )
        assert board.finals() == [bytes([int(final)])]
