"""SMPP, any octets at all: events come out, nothing else does; any split of them means the same;
and two ends that talk through any splits agree on what was said."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.wire import smpp_tables as tables
from assent.wire.dialect import Mode
from assent.wire.events import (
    Answers,
    Delivers,
    Ended,
    Event,
    Overrun,
    Send,
    Submits,
)
from assent.wire.frame import MalformedPdu
from assent.wire.smpp import SmppSession, body_of
from assent.wire.states import State
from tests.wire.smpp_talk import BODY, MO, bound, esme, smsc
from tests.wire.smpp_vectors import VECTORS

_frames = st.sampled_from([vector.octets for vector in VECTORS])
_commands = st.sampled_from([*tables.COMMANDS, 0x0A, 0x111, 0x8000000A])
_built = st.builds(
    lambda command, status, sequence, body: b"".join(
        [number.to_bytes(4, "big") for number in (16 + len(body), command, status, sequence)]
        + [body]
    ),
    _commands,
    st.sampled_from([0, 0, 0x58, 0xFFFFFFFF]),
    st.integers(0, 30),
    st.one_of(st.binary(max_size=60), st.text("\0\1a\x04", max_size=40).map(str.encode)),
)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Valid PDUs, invalid ones with a valid frame, mutations of both, and noise."""
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        part = draw(st.one_of(_frames, _built, st.binary(max_size=40)))
        if part and draw(st.booleans()):
            at = draw(st.integers(0, len(part) - 1))
            part = part[:at] + bytes((draw(st.integers(0, 255)),)) + part[at + 1 :]
        parts.append(part)
    return b"".join(parts)


def _session(kind: str) -> SmppSession:
    if kind == "new server":
        return smsc()
    if kind == "new client":
        return esme()
    if kind == "asked server":
        session = smsc()
        session.receive(esme().start(0.0, 0), 0.0)
        return session
    if kind == "binding client":
        session = esme()
        session.start(0.0, 0)
        return session
    state, mode, role = kind.split()
    modes = {"both": Mode.TRANSCEIVER, "up": Mode.TRANSMITTER, "down": Mode.RECEIVER}
    near, far = bound({"first_sequence": 8, "mode": modes[mode]}, {"peer_window": 2})
    if role == "server":
        near = far
        if mode != "up":
            far.deliver([MO] * 3, [1, 2, 3], 0.0)
    elif mode != "down":
        near.submit([BODY] * 6, range(6), 0.0)
        near.submit_multi([BODY], [6], 0.0)
        near.ask(tables.QUERY_SM, {}, 2, 0.0)
    if state == "draining":
        near.finish(0.0)
    return near


KINDS = [
    "new server",
    "new client",
    "asked server",
    "binding client",
    *(
        f"{state} {mode} {role}"
        for state in ("bound", "draining")
        for mode in ("both", "up", "down")
        for role in ("client", "server")
    ),
]


def _meaning(events: list[Event]) -> list[object]:
    """Events with what is aggregated a read pulled apart."""
    flat: list[object] = [sum(event.count for event in events if isinstance(event, Overrun))]
    for event in events:
        if isinstance(event, Answers):
            flat.extend(event.answers)
        elif isinstance(event, Delivers):
            flat.extend(("deliver", d.raw) for d in event.delivers)
        elif isinstance(event, Submits):
            flat.extend(("submit", s.raw) for s in event.submits)
        elif isinstance(event, Ended):
            flat.append((event.reason, event.reply, str(event.error)))
        elif not isinstance(event, Send | Overrun):  # one for several requests, or many
            flat.append(event)
    # Once a session has ended, what it would have answered in the same read stays unsaid.
    if not any(isinstance(event, Ended) for event in events):
        flat += _pdus(b"".join(event.data for event in events if isinstance(event, Send)))
    return sorted(flat, key=repr)


def _pdus(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        found.append(data[:size])
        data = data[size:]
    return found


def _look(event: Event) -> None:
    """Whatever an owner may ask of a message has an answer or is MalformedPdu."""
    if isinstance(event, Delivers):
        for deliver in event.delivers:
            assert deliver.fields()["source_addr"] == deliver.source
            assert isinstance(deliver.content, bytes)
            assert isinstance(deliver.destination, str)
            try:
                assert deliver.report().message_id > 0
            except MalformedPdu:
                assert deliver.raw
    if isinstance(event, Submits):
        for submit in event.submits:
            assert submit.fields()["source_addr"] == submit.src_id
            assert isinstance(submit.content, bytes)
            assert 1 <= submit.pk_number <= submit.pk_total
            assert isinstance(submit.destinations, list)


@settings(max_examples=40)
@pytest.mark.parametrize("kind", KINDS)
@given(data=streams(), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_octets_become_events_whatever_the_split(kind: str, data: bytes, cuts: list[int]) -> None:
    whole, split = _session(kind), _session(kind)
    expected = whole.receive(data, 1.0)
    assert sum(isinstance(event, Ended) for event in expected) == whole.ended
    assert not whole.ended or isinstance(expected[-1], Ended)
    for event in expected:
        _look(event)
    got: list[Event] = []
    at = 0
    for cut in [*sorted(cuts), len(data)]:
        got += split.receive(data[at : max(cut, at)], 1.0)
        at = max(cut, at)
    assert _meaning(got) == _meaning(expected)
    assert split.state is whole.state
    for when in (2.0, 31.0, 200.0):
        whole.tick(when)
        deadline = whole.next_deadline()
        assert deadline is None or deadline > when


@given(st.binary(max_size=200))
def test_noise_ends_a_server_or_is_waited_for(data: bytes) -> None:
    far = smsc()
    for octet in data:
        far.receive(bytes((octet,)), 0.0)
    assert far.state in (State.NEW, State.ENDED, State.BINDING)


@dataclass
class End:
    """One end of a line: what it sent and what it heard."""

    session: SmppSession
    token: int = 0
    wire: bytes = b""
    sent: dict[int, bytes] = field(default_factory=dict)
    answered: dict[int, int] = field(default_factory=dict)
    heard: list[bytes] = field(default_factory=list)

    def speak(self, client: bool, count: int, data: bool) -> None:
        """Send as many messages as the window lets go, each with a content of its own."""
        count = min(count, self.session.credit)
        tokens = range(self.token, self.token + count)
        self.token += count
        command = tables.DATA_SM if data else tables.SUBMIT_SM
        name = "tlvs" if data else "short_message"
        bodies = []
        for token in tokens:
            content = b"%d of %d" % (token, client)
            self.sent[token] = content
            fields: dict[str, object] = {name: [(0x424, content)] if data else content}
            bodies.append(body_of(command, fields))
        send = self.session.submit if client else self.session.deliver
        self.wire += (self.session.send_data if data else send)(bodies, tokens, 1.0)

    def hear(self, data: bytes) -> None:
        for event in self.session.receive(data, 1.0):
            if isinstance(event, Answers):
                self.answered.update((token, result) for token, result, _ in event.answers)
            elif isinstance(event, Send):
                self.wire += event.data
            elif isinstance(event, Delivers):
                self.heard += [d.content for d in event.delivers]
                self.wire += self.session.acknowledge(event.delivers)
            elif isinstance(event, Submits):
                self.heard += [s.content for s in event.submits]
                self.wire += self.session.respond(event.submits, [7] * len(event.submits))
            else:
                raise AssertionError(event)


_steps = st.tuples(st.booleans(), st.integers(0, 4), st.booleans(), st.integers(0, 120))


@given(st.lists(_steps, max_size=30))
def test_two_ends_agree_through_any_splits(steps: list[tuple[bool, int, bool, int]]) -> None:
    near, far = (End(session) for session in bound({"window": 5}, {"window": 3}))
    for client, count, data, size in steps:
        speaker, hearer = (near, far) if client else (far, near)
        speaker.speak(client, count, data)
        part, speaker.wire = speaker.wire[:size], speaker.wire[size:]
        hearer.hear(part)
    while near.wire or far.wire:
        part, near.wire = near.wire, b""
        far.hear(part)
        part, far.wire = far.wire, b""
        near.hear(part)
    assert far.heard == list(near.sent.values())
    assert near.heard == list(far.sent.values())
    assert near.answered == dict.fromkeys(near.sent, 0)
    assert far.answered == dict.fromkeys(far.sent, 0)
    for end in (near, far):
        assert end.session.outstanding() == []
        assert end.session.unanswered == 0
        assert end.session.bound


@given(_built, st.integers(1, 50))
def test_octet_by_octet_is_the_same(frame: bytes, size: int) -> None:
    whole, split = _session("bound both server"), _session("bound both server")
    expected = whole.receive(frame, 1.0)
    got: list[Event] = []
    for at in range(0, len(frame), size):
        got += split.receive(frame[at : at + size], 1.0)
    assert _meaning(got) == _meaning(expected)
