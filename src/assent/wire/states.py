"""The legal moves of a session, as a table. docs/session.md is drawn from it.

`TABLE[role][state][move]` is the next state. A move that is not in the table is our bug
(LocalProtocolError) when we make it, and a broken protocol when the peer does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Role(Enum):
    CLIENT = "client"
    SERVER = "server"


class State(Enum):
    NEW = "new"
    BINDING = "binding"  # the bind is asked and not answered
    BOUND = "bound"
    DRAINING = "draining"  # no new messages of ours; waiting for answers
    ENDING = "ending"  # our TERMINATE is out
    ENDED = "ended"


class Move(Enum):
    INVITE = "server asks to be bound to"
    ASK_BIND = "client asks to bind"
    BIND_AGAIN = "bind repeated"  # the client's try N, or the answer to one of its earlier tries
    ACCEPT = "bind accepted"
    REFUSE = "bind refused"
    TRAFFIC = "traffic"  # messages, questions and their answers, from the peer
    PROBE = "heartbeat"  # or the answer to one
    FINISH = "we finish"
    DRAINED = "all answered or unsure"
    PEER_ENDS = "peer terminates"
    PEER_AGREES = "peer agrees to end"
    SILENCE = "no answer in time"
    BREAK = "protocol broken"
    LOSE = "transport lost"


_ENDINGS = {
    Move.PEER_ENDS: State.ENDED,
    Move.SILENCE: State.ENDED,
    Move.BREAK: State.ENDED,
    Move.LOSE: State.ENDED,
}
_CARRYING: dict[State, dict[Move, State]] = {
    State.BOUND: {
        Move.TRAFFIC: State.BOUND,
        Move.PROBE: State.BOUND,
        Move.BIND_AGAIN: State.BOUND,
        Move.FINISH: State.DRAINING,
        **_ENDINGS,
    },
    State.DRAINING: {
        Move.TRAFFIC: State.DRAINING,
        Move.PROBE: State.DRAINING,
        Move.BIND_AGAIN: State.DRAINING,
        Move.FINISH: State.DRAINING,
        Move.DRAINED: State.ENDING,
        **_ENDINGS,
    },
    State.ENDING: {
        Move.TRAFFIC: State.ENDING,
        Move.PROBE: State.ENDING,
        Move.BIND_AGAIN: State.ENDING,
        Move.FINISH: State.ENDING,
        Move.PEER_AGREES: State.ENDED,
        **_ENDINGS,
    },
    State.ENDED: {Move.FINISH: State.ENDED, Move.LOSE: State.ENDED},
}
_BINDING: dict[Move, State] = {
    Move.BIND_AGAIN: State.BINDING,
    Move.ACCEPT: State.BOUND,
    Move.REFUSE: State.ENDED,
    Move.PROBE: State.BINDING,
    Move.FINISH: State.ENDED,
    **_ENDINGS,
}
_NEW: dict[Move, State] = {
    Move.INVITE: State.NEW,
    Move.ASK_BIND: State.BINDING,
    Move.FINISH: State.ENDED,
    **_ENDINGS,
}

TABLE: Mapping[Role, Mapping[State, Mapping[Move, State]]] = {
    # A client that has not asked yet may be invited, hears nothing else and waits for nobody.
    Role.CLIENT: {
        State.NEW: {
            Move.INVITE: State.NEW,
            Move.ASK_BIND: State.BINDING,
            Move.FINISH: State.ENDED,
            Move.BREAK: State.ENDED,
            Move.LOSE: State.ENDED,
        },
        State.BINDING: _BINDING,
        **_CARRYING,
    },
    # A server may refuse a bind at sight (a version it does not speak).
    Role.SERVER: {
        State.NEW: {**_NEW, Move.REFUSE: State.ENDED},
        State.BINDING: _BINDING,
        **_CARRYING,
    },
}

CARRYING = frozenset({State.BOUND, State.DRAINING, State.ENDING})
"""States in which the peer's traffic is read."""
