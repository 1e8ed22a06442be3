"""SGIP's connections: two directions, one way each, no heartbeat, any octets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import sgip_tables as tables
from assent.wire.connection import SessionSettings
from assent.wire.events import (
    Answers,
    BindAsked,
    Bound,
    Delivers,
    End,
    Ended,
    Event,
    Malformed,
    Overrun,
    Refused,
    Send,
    Submits,
    Unknown,
    Unsure,
)
from assent.wire.frame import Framer
from assent.wire.sgip import (
    EITHER,
    SGIP,
    SMG_TO_SP,
    SP_TO_SMG,
    Pdu,
    SgipForm,
    SgipSession,
    decode,
    deliver_body,
    encode,
    first_sequence,
    id_of,
    report_body,
    sp_node,
    userrpt_body,
)
from assent.wire.sgip_tables import ANSWER, BIND, DELIVER, REPORT, SUBMIT, TRACE, UNBIND, USERRPT
from assent.wire.states import Role, State
from tests.wire.talk import only, sent
from tests.wire.test_sgip_vectors import VECTORS

SECRET = "sppass"
FIRST = first_sequence(sp_node("021", "12345"), 1_772_323_200.0)
BODY = SgipForm(SP_TO_SMG, src_id="106550001234").body(b"13000001111", b"hello", 0)
MO = deliver_body(destination="106550001234", source="8613000001111", content=b"TD")
REPORTED = report_body(submit_sequence=FIRST + 1, user_number="8613000001111", state=0)


def session(role: Role, login_type: int, **more: Any) -> SgipSession:
    whole: dict[str, Any] = {"first_sequence": FIRST, "response_s": 30.0, "heartbeat_s": 60.0}
    whole |= {"window": 32, "version": login_type}
    if role is Role.CLIENT:
        whole |= {"user": "spuser", "secret": SECRET}
    return SgipSession(SGIP, role, SessionSettings(**(whole | more)), 0.0)


def bound(login_type: int, near: Any = None, far: Any = None) -> tuple[SgipSession, SgipSession]:
    """(who connected, who listens) after a successful bind at time 0."""
    client = session(Role.CLIENT, login_type, **near or {})
    server = session(Role.SERVER, EITHER, **far or {})
    asked = only(server.receive(client.start(0.0, 0), 0.0), BindAsked)
    client.receive(sent(server.accept(asked, SECRET, 0.0)), 0.0)
    assert client.bound
    assert server.bound
    return client, server


def cut(stream: bytes) -> list[Pdu]:
    """The PDUs of a whole stream."""
    framer = Framer(SGIP.framing)
    pdus = [decode(framer.buffer[start:end]) for _, start, end in framer.split(stream)]
    assert sum(len(encode_again(pdu)) for pdu in pdus) == len(stream)
    return pdus


def encode_again(pdu: Pdu) -> bytes:
    counts = ("length", "destination_count", "count")
    return encode(
        Pdu(pdu.command, pdu.sequence, {k: v for k, v in pdu.fields.items() if k not in counts})
    )


# --- bind


@pytest.mark.parametrize("login_type", [SP_TO_SMG, SMG_TO_SP])
@pytest.mark.parametrize("served", [None, EITHER])
def test_bind(login_type: int, served: int | None) -> None:
    client = session(Role.CLIENT, login_type)
    server = session(Role.SERVER, login_type if served is None else served)
    octets = client.start(0.0, 0)
    [pdu] = cut(octets)
    assert pdu.command == BIND
    assert (pdu.fields["login_type"], pdu.fields["password"]) == (login_type, SECRET)
    asked = only(server.receive(octets, 0.0), BindAsked)
    assert (asked.user, asked.version) == ("spuser", login_type)
    assert SECRET not in repr(asked)
    events = server.accept(asked, SECRET, 0.0)
    assert only(events, Bound).version == login_type
    assert client.receive(sent(events), 0.0) == [Bound(login_type, login_type, True)]
    assert (client.credit, server.credit) == (32, 0)


def test_wrong_password_is_refused_with_result_1() -> None:
    client, server = session(Role.CLIENT, SP_TO_SMG), session(Role.SERVER, EITHER)
    asked = only(server.receive(client.start(0.0, 0), 0.0), BindAsked)
    events = server.accept(asked, "another", 0.0)
    assert events[-1] == Ended(End.REFUSED)
    assert only(client.receive(sent(events), 0.0), Refused).status == 1


@pytest.mark.parametrize("asked_for", [SP_TO_SMG, 3, 11, 0])
def test_wrong_login_type_is_refused_with_result_4(asked_for: int) -> None:
    server = session(Role.SERVER, SMG_TO_SP)
    fields = {"login_type": asked_for, "user": "spuser", "password": SECRET}
    events = server.receive(encode(Pdu(BIND, 9, fields)), 0.0)
    assert cut(sent(events)) == [Pdu(BIND | ANSWER, 9, {"result": 4, "reserve": bytes(8)})]
    assert events[-1] == Ended(End.REFUSED)


# --- SP to gateway


def test_submits_and_their_answers() -> None:
    client, server = bound(SP_TO_SMG)
    octets = client.submit([BODY] * 3, [7, 8, 9], 0.0)
    assert [pdu.command for pdu in cut(octets)] == [SUBMIT] * 3
    submits = only(server.receive(octets, 0.0), Submits).submits
    assert [s.destinations for s in submits] == [["8613000001111"]] * 3
    answers = server.respond(submits, [0, 0, 0], [0, 6, 11])
    assert [pdu.command for pdu in cut(answers)] == [SUBMIT | ANSWER] * 3
    got = only(client.receive(answers, 0.0), Answers).answers
    assert got == [(7, 0, id_of(FIRST + 1)), (8, 6, id_of(FIRST + 2)), (9, 11, id_of(FIRST + 3))]
    assert client.credit == 32


def test_a_message_without_an_answer_is_unsure_after_30_s() -> None:
    client, _ = bound(SP_TO_SMG)
    client.submit([BODY], [7], 1.0)
    assert client.next_deadline() == 31.0
    assert client.tick(30.9) == []
    assert only(client.tick(31.0), Unsure).tokens == [7]


def test_a_sequence_that_came_before() -> None:
    _, server = bound(SP_TO_SMG)
    first = encode(Pdu(SUBMIT, 5, {"content": b"one"}))
    assert len(only(server.receive(first, 0.0), Submits).submits) == 1
    assert server.receive(first, 0.0) == []
    events = server.receive(encode(Pdu(SUBMIT, 5, {"content": b"two"})), 0.0)
    assert cut(sent(events))[0].fields["result"] == 9


def test_a_window_that_is_not_kept() -> None:
    client, server = bound(SP_TO_SMG, far={"peer_window": 2})
    events = server.receive(client.submit([BODY] * 5, range(5), 0.0), 0.0)
    assert only(events, Overrun).count == 3
    assert len(only(events, Submits).submits) == 2
    answers = only(client.receive(sent(events), 0.0), Answers).answers
    assert [answer[:2] for answer in answers] == [(2, 11), (3, 11), (4, 11)]


def test_the_counter_wraps_on_a_connection() -> None:
    first = FIRST | 0xFFFFFFFF
    client, server = bound(SP_TO_SMG, near={"first_sequence": first})
    submits = only(server.receive(client.submit([BODY] * 2, [1, 2], 0.0), 0.0), Submits).submits
    assert [s.sequence for s in submits] == [FIRST, FIRST + 1]
    answers = client.receive(server.respond(submits, [0, 0]), 0.0)
    assert only(answers, Answers).answers == [(1, 0, id_of(FIRST)), (2, 0, id_of(FIRST + 1))]


# --- gateway to SP


def test_messages_and_reports_arrive_on_the_connection_we_serve() -> None:
    client, server = bound(SMG_TO_SP)
    octets = client.deliver([MO, REPORTED, REPORTED, MO], [1, 2, 3, 4], 0.0)
    assert [p.command for p in cut(octets)] == [DELIVER, REPORT, REPORT, DELIVER]
    delivers = only(server.receive(octets, 0.0), Delivers).delivers
    assert [d.is_report for d in delivers] == [False, True, True, False]
    assert delivers[0].content == b"TD"
    report = delivers[1].report()
    assert (report.message_id, report.stat) == (id_of(FIRST + 1), "DELIVRD")
    assert server.unanswered == 4
    answers = server.acknowledge(delivers)
    assert [p.command ^ ANSWER for p in cut(answers)] == [DELIVER, REPORT, REPORT, DELIVER]
    assert server.acknowledge(delivers) == b""
    got = only(client.receive(answers, 0.0), Answers).answers
    assert [answer[:2] for answer in got] == [(1, 0), (2, 0), (3, 0), (4, 0)]


def test_a_report_that_is_not_taken_is_answered_as_a_report() -> None:
    client, server = bound(SMG_TO_SP)
    delivers = only(server.receive(client.deliver([REPORTED], [1], 0.0), 0.0), Delivers).delivers
    answer = server.acknowledge(delivers, 11)
    assert cut(answer)[0].fields["result"] == 11
    assert only(client.receive(answer, 0.0), Answers).answers[0][:2] == (1, 11)


def test_a_userrpt_is_handed_up_as_it_is() -> None:
    client, server = bound(SMG_TO_SP)
    body = userrpt_body(sp_number="1065", user_number="8613000001111", condition=0)
    events = server.receive(client.deliver([body], [1], 0.0), 0.0)
    unknown = only(events, Unknown)
    assert unknown.command == USERRPT
    assert decode(unknown.raw).fields["user_number"] == "8613000001111"
    assert cut(sent(events))[0].command == USERRPT | ANSWER
    assert only(client.receive(sent(events), 0.0), Answers).answers[0][:2] == (1, 5)


# --- what a direction does not allow


def test_only_who_connected_sends_commands() -> None:
    sp, smg = bound(SP_TO_SMG)
    moves: list[Callable[[], object]] = [
        lambda: smg.deliver([MO], [1], 0.0),
        lambda: smg.submit([BODY], [1], 0.0),
        lambda: sp.deliver([MO], [1], 0.0),
        lambda: sp.query("20260101", "", 1, 0.0),
        lambda: sp.cancel(1, 1, 0.0),
    ]
    gateway, served = bound(SMG_TO_SP)
    moves += [
        lambda: served.submit([BODY], [1], 0.0),
        lambda: gateway.submit([BODY], [1], 0.0),
        lambda: gateway.acknowledge([]),
        lambda: served.respond([], []),
    ]
    for move in moves:
        with pytest.raises(LocalProtocolError):
            move()
    assert (smg.credit, served.credit) == (0, 0)


def test_submits_need_a_bind_of_the_sp() -> None:
    smg, _ = bound(SMG_TO_SP)
    events = smg.receive(encode(Pdu(SUBMIT, 5, {"content": b"hi"})), 0.0)
    assert only(events, Unknown).command == SUBMIT
    assert cut(sent(events)) == [Pdu(SUBMIT | ANSWER, 5, {"result": 5, "reserve": bytes(8)})]
    assert smg.bound


def test_an_sp_takes_messages_on_the_wrong_connection_too() -> None:
    sp, _ = bound(SP_TO_SMG)
    events = sp.receive(encode(Pdu(DELIVER, 5, {"content": b"TD"})), 0.0)
    delivers = only(events, Delivers).delivers
    assert cut(sp.acknowledge(delivers))[0].command == DELIVER | ANSWER


@pytest.mark.parametrize("command", [0x06, TRACE, TRACE | ANSWER, 0x1234])
def test_other_commands_are_consumed_exactly(command: int) -> None:
    client, server = bound(SP_TO_SMG)
    strange = (24).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(16)
    events = server.receive(strange + client.submit([BODY], [1], 0.0), 0.0)
    assert len(only(events, Submits).submits) == 1
    assert only(events, Unknown).raw == strange
    assert sent(events) == b""


def test_an_answer_to_nothing_is_discarded() -> None:
    client, server = bound(SP_TO_SMG)
    for command in (SUBMIT, DELIVER, REPORT):
        octets = encode(Pdu(command | ANSWER, 77, {"result": 0}))
        assert [e for e in client.receive(octets, 0.0) if not isinstance(e, Unknown)] == []
        assert [e for e in server.receive(octets, 0.0) if not isinstance(e, Unknown)] == []
    assert (client.state, server.state) == (State.BOUND, State.BOUND)


def test_a_broken_report_is_refused_and_nothing_else() -> None:
    client, server = bound(SMG_TO_SP)
    broken = (63).to_bytes(4, "big") + REPORT.to_bytes(4, "big") + bytes(11) + b"\7" + bytes(43)
    events = server.receive(broken + client.deliver([MO], [1], 0.0), 0.0)
    assert only(events, Malformed).command == REPORT
    assert cut(sent(events)) == [Pdu(REPORT | ANSWER, 7, {"result": 8, "reserve": bytes(8)})]
    assert len(only(events, Delivers).delivers) == 1


def test_an_announced_length_that_nothing_has_ends_the_session() -> None:
    _, server = bound(SP_TO_SMG)
    bomb = (tables.MAXIMUM + 1).to_bytes(4, "big") + SUBMIT.to_bytes(4, "big") + bytes(12)
    ended = only(server.receive(bomb, 0.0), Ended)
    assert ended.reason is End.PROTOCOL_ERROR
    assert cut(ended.reply)[0].command == UNBIND
    assert server.receive(bytes(5000), 0.0) == []


def test_traffic_before_the_bind_ends_the_session() -> None:
    server = session(Role.SERVER, EITHER)
    octets = encode(Pdu(SUBMIT, 5, {"content": b"hi"}))
    ended = only(server.receive(octets, 0.0), Ended)
    assert ended.reason is End.PROTOCOL_ERROR


# --- time and end


def test_an_idle_client_unbinds_and_an_idle_server_ends() -> None:
    client, server = bound(SP_TO_SMG)
    assert client.next_deadline() == server.next_deadline() == 60.0
    assert client.tick(59.9) == server.tick(59.9) == []
    assert server.tick(60.0) == [Ended(End.SILENT)]
    [unbind] = client.tick(60.0)
    assert isinstance(unbind, Send)
    assert cut(unbind.data)[0].command == UNBIND
    assert client.next_deadline() == 90.0
    assert client.tick(90.0) == [Ended(End.ABANDONED)]


def test_traffic_keeps_a_connection() -> None:
    client, server = bound(SP_TO_SMG)
    submits = only(server.receive(client.submit([BODY], [1], 50.0), 50.0), Submits).submits
    client.receive(server.respond(submits, [0]), 50.0)
    assert client.next_deadline() == server.next_deadline() == 110.0


def test_an_idle_client_waits_for_its_answers_first() -> None:
    client, _ = bound(SP_TO_SMG, near={"response_s": 100.0})
    client.submit([BODY], [1], 50.0)
    assert client.tick(60.0) == []
    assert client.state is State.DRAINING
    assert client.next_deadline() == 150.0
    events = client.tick(150.0)
    assert only(events, Unsure).tokens == [1]
    assert cut(sent(events))[0].command == UNBIND


def test_a_connection_may_idle_for_ever() -> None:
    client, server = bound(SP_TO_SMG, near={"heartbeat_s": math.inf}, far={"heartbeat_s": math.inf})
    assert client.next_deadline() is None
    assert server.next_deadline() is None
    assert client.tick(1e9) == server.tick(1e9) == []


@pytest.mark.parametrize("login_type", [SP_TO_SMG, SMG_TO_SP])
def test_either_side_ends(login_type: int) -> None:
    client, server = bound(login_type)
    events = server.receive(client.finish(1.0), 1.0)
    assert events[-1] == Ended(End.PEER_FINISHED)
    assert client.receive(sent(events), 1.0) == [Ended(End.FINISHED)]
    client, server = bound(login_type)
    events = client.receive(server.finish(1.0), 1.0)
    assert events[-1] == Ended(End.PEER_FINISHED)
    assert server.receive(sent(events), 1.0) == [Ended(End.FINISHED)]


# --- any octets, any split


def _pdus(data: bytes) -> list[bytes]:
    """What is written at once, one PDU after another."""
    pdus = []
    while data:
        length = int.from_bytes(data[:4], "big")
        pdus.append(data[:length])
        data = data[length:]
    return pdus


def _flat(events: list[Event]) -> list[object]:
    """Events with what is aggregated a read pulled apart."""
    flat: list[object] = []
    for event in events:
        if isinstance(event, Answers):
            flat.extend(event.answers)
        elif isinstance(event, Delivers):
            flat.extend(("deliver", d.raw, d.is_report, d.source) for d in event.delivers)
        elif isinstance(event, Submits):
            flat.extend(("submit", s.raw, s.destinations, s.content) for s in event.submits)
        elif isinstance(event, Send):
            flat.extend(("send", pdu) for pdu in _pdus(event.data))
        elif isinstance(event, Overrun):
            flat.extend(["overrun"] * event.count)
        elif isinstance(event, Ended):
            flat.append((event.reason, event.reply, str(event.error)))
        elif not isinstance(event, (Malformed, BindAsked)):  # which hold places in what was read
            flat.append(event)
    return sorted(flat, key=repr)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Valid PDUs, invalid ones with a valid frame, mutations of both, and noise."""
    framed = st.builds(
        lambda command, counter, body: (
            (20 + len(body)).to_bytes(4, "big")
            + command.to_bytes(4, "big")
            + (FIRST + counter).to_bytes(12, "big")
            + body
        ),
        st.sampled_from([bit | c for bit in (0, ANSWER) for c in tables.COMMAND_NAMES]),
        st.integers(0, 30),
        st.binary(max_size=60),
    )
    parts = []
    for _ in range(draw(st.integers(0, 6))):
        whole = st.sampled_from([vector.octets for vector in VECTORS])
        part = draw(st.one_of(whole, st.binary(max_size=40), framed))
        if part and draw(st.booleans()):
            at = draw(st.integers(0, len(part) - 1))
            part = part[:at] + bytes((draw(st.integers(0, 255)),)) + part[at + 1 :]
        parts.append(part)
    return b"".join(parts)


def _sessions(kind: str) -> SgipSession:
    if kind == "new server":
        return session(Role.SERVER, EITHER)
    if kind == "asked server":
        server = session(Role.SERVER, EITHER)
        server.receive(session(Role.CLIENT, SP_TO_SMG).start(0.0, 0), 0.0)
        return server
    if kind == "binding client":
        client = session(Role.CLIENT, SP_TO_SMG)
        client.start(0.0, 0)
        return client
    sp = kind.startswith("sp")
    client, server = bound(SP_TO_SMG if sp else SMG_TO_SP, far={"peer_window": 2})
    send = client.submit if sp else client.deliver
    send([BODY if sp else MO] * 12, range(12), 0.0)
    return server if kind.endswith("server") else client


@settings(max_examples=60)
@pytest.mark.parametrize(
    "kind",
    [
        *("new server", "asked server", "binding client"),
        *("sp client", "sp server", "smg client", "smg server"),
    ],
)
@given(data=streams(), cuts=st.lists(st.integers(0, 400), max_size=8))
def test_octets_become_events_whatever_the_split(kind: str, data: bytes, cuts: list[int]) -> None:
    whole, split = _sessions(kind), _sessions(kind)
    expected = whole.receive(data, 1.0)
    assert sum(isinstance(event, Ended) for event in expected) == whole.ended
    got: list[Event] = []
    at = 0
    for end in [*sorted(cuts), len(data)]:
        got += split.receive(data[at : max(end, at)], 1.0)
        at = max(end, at)
    assert _flat(got) == _flat(expected)
    assert split.state is whole.state
    for when in (2.0, 61.0, 400.0):
        whole.tick(when)
        deadline = whole.next_deadline()
        assert deadline is None or deadline > when


@given(
    st.sampled_from([SP_TO_SMG, SMG_TO_SP]),
    st.lists(st.integers(1, 200), min_size=1, max_size=30),
    st.lists(st.integers(1, 8), min_size=1, max_size=5),
)
def test_a_conversation_survives_any_split(
    login_type: int, cuts: list[int], bursts: list[int]
) -> None:
    client, server = bound(login_type)
    bodies = [BODY] if login_type == SP_TO_SMG else [MO, REPORTED]
    settled: list[int] = []
    token = 0

    def carry(octets: bytes, to: SgipSession) -> list[Event]:
        events: list[Event] = []
        at = 0
        for size in cuts * (len(octets) // len(cuts) + 1):
            events += to.receive(octets[at : at + size], 1.0)
            at += size
            if at >= len(octets):
                break
        return events

    for burst in bursts:
        send = client.submit if login_type == SP_TO_SMG else client.deliver
        some = [bodies[i % len(bodies)] for i in range(burst)]
        octets = send(some, range(token, token + burst), 1.0)
        token += burst
        answers = b""
        for event in carry(octets, server):
            if isinstance(event, Submits):
                answers += server.respond(event.submits, [0] * len(event.submits))
            elif isinstance(event, Delivers):
                answers += server.acknowledge(event.delivers)
        for event in carry(answers, client):
            if isinstance(event, Answers):
                settled += [answer[0] for answer in event.answers]
    assert settled == list(range(token))
    assert client.outstanding() == []
    assert server.unanswered == 0
