"""Any octets at all: events come out, nothing else does; and any split of them means the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.wire.cmpp import SubmitForm, deliver_body
from assent.wire.events import Answers, Delivers, Ended, Event, Submits
from assent.wire.session import Role, Session, State
from assent.wire.states import TABLE, Move
from tests.wire.talk import STAMP, bound, client, server
from tests.wire.vectors import VECTORS

BODY = SubmitForm(0x30).body(b"13800138000", b"hello", 0)
MO = deliver_body(0x30, message_id=7, destination="1069", source="13800138000", content=b"TD")

_frames = st.sampled_from([vector.octets for vector in VECTORS])


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Valid PDUs, invalid ones with a valid frame, mutations of both, and noise."""
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        part = draw(
            st.one_of(
                _frames,
                st.binary(max_size=40),
                st.builds(
                    lambda command, sequence, body: (
                        (12 + len(body)).to_bytes(4, "big")
                        + command.to_bytes(4, "big")
                        + sequence.to_bytes(4, "big")
                        + body
                    ),
                    st.sampled_from([bit | c for bit in (0, 1 << 31) for c in range(11)]),
                    st.integers(0, 30),
                    st.binary(max_size=60),
                ),
            )
        )
        if part and draw(st.booleans()):
            at = draw(st.integers(0, len(part) - 1))
            part = part[:at] + bytes((draw(st.integers(0, 255)),)) + part[at + 1 :]
        parts.append(part)
    return b"".join(parts)


def _sessions(kind: str) -> Session:
    if kind == "new server":
        return server()
    if kind == "asked server":
        session = server()
        session.receive(client().start(0.0, STAMP), 0.0)
        return session
    if kind == "binding client":
        session = client()
        session.start(0.0, STAMP)
        return session
    near, far = bound({"first_sequence": 0x10}, {"peer_window": 2})
    if kind.endswith("server"):
        far.deliver([MO] * 3, [1, 2, 3], 0.0)
        near = far
    else:
        near.submit([BODY] * 12, range(12), 0.0)
        near.cancel(1, 2, 0.0)
    if kind.startswith("draining"):
        near.finish(0.0)
    return near


KINDS = [
    "new server",
    "asked server",
    "binding client",
    "bound client",
    "bound server",
    "draining client",
    "draining server",
]


def _meaning(events: list[Event]) -> list[object]:
    """Events with what is aggregated a read pulled apart."""
    flat: list[object] = []
    for event in events:
        if isinstance(event, Answers):
            flat.extend(event.answers)
        elif isinstance(event, Delivers):
            flat.extend(("deliver", d.raw) for d in event.delivers)
        elif isinstance(event, Submits):
            flat.extend(("submit", s.raw) for s in event.submits)
        elif isinstance(event, Ended):
            flat.append((event.reason, event.reply, str(event.error)))
    return sorted(flat, key=repr)


@settings(max_examples=60)
@pytest.mark.parametrize("kind", KINDS)
@given(data=streams(), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_octets_become_events_whatever_the_split(kind: str, data: bytes, cuts: list[int]) -> None:
    whole, split = _sessions(kind), _sessions(kind)
    expected = whole.receive(data, 1.0)
    assert sum(isinstance(event, Ended) for event in expected) == whole.ended
    assert not whole.ended or isinstance(expected[-1], Ended)
    for event in expected:
        if isinstance(event, Delivers):
            for deliver in event.delivers:
                assert deliver.source is not None
                assert deliver.content is not None
        if isinstance(event, Submits):
            for submit in event.submits:
                assert len(submit.content) <= 255
                assert submit.destinations is not None
    got: list[Event] = []
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        got += split.receive(data[at : max(cut, at)], 1.0)
        at = max(cut, at)
    assert _meaning(got) == _meaning(expected)
    assert split.state is whole.state
    for when in (2.0, 61.0, 400.0):
        whole.tick(when)
        deadline = whole.next_deadline()
        assert deadline is None or deadline > when


@given(st.binary(max_size=200))
def test_noise_ends_a_server_or_is_waited_for(data: bytes) -> None:
    far = server()
    for octet in data:
        far.receive(bytes((octet,)), 0.0)
    assert far.state in (State.NEW, State.ENDED, State.BINDING)


@pytest.mark.parametrize("role", list(Role))
def test_the_table_leads_somewhere_from_everywhere(role: Role) -> None:
    moves = TABLE[role]
    assert set(moves) == set(State)
    reached, todo = {State.NEW}, [State.NEW]
    while todo:
        for after in moves[todo.pop()].values():
            if after not in reached:
                reached.add(after)
                todo.append(after)
    assert reached == set(State)
    for state in set(State) - {State.ENDED}:
        assert moves[state][Move.LOSE] is State.ENDED
        assert moves[state][Move.BREAK] is State.ENDED
    assert set(moves[State.ENDED].values()) == {State.ENDED}
