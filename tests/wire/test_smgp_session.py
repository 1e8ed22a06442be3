"""SMGP between two sessions: bind, traffic, reports, questions, heartbeat, any octets."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import smgp_tables as tables
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
    QueryAnswered,
    QueryAsked,
    Refused,
    Send,
    Submits,
    Unknown,
    Unsure,
)
from assent.wire.session import Session
from assent.wire.smgp import (
    SMGP,
    V13,
    V30,
    MessageIds,
    Pdu,
    SmgpDialect,
    SmgpForm,
    SmgpReport,
    decode,
    deliver_body,
    encode,
    id_of,
    report_body,
    run_of,
)
from assent.wire.smgp_tables import ACTIVE_TEST, ANSWER, DELIVER, EXIT, LOGIN, SUBMIT
from assent.wire.states import Role
from tests.wire.talk import only, sent
from tests.wire.test_smgp_vectors import VECTORS

SECRET, STAMP = "secret01", 301000000
BODY = SmgpForm(V30, src_id="1069000012").body(b"13300001111", b"hello", 15)
MO = deliver_body(message_id=77, destination="1069000012", source="13300001111", content=b"TD")
MSG_OCTETS = bytes.fromhex("01006101161700012345")
MSG_ID = id_of(MSG_OCTETS)
ODD_OCTETS = bytes.fromhex("6495c36ac4ea6b00000b")
REPORTED = report_body(
    SmgpReport(MSG_ID, "UNDELIV", "2601010000", "2601010001", err="005"),
    deliver_id=id_of(ODD_OCTETS),
    service_number="1069000012",
    user_number="13300001111",
)


def client(dialect: SmgpDialect = SMGP, **more: Any) -> Session:
    whole = {"user": "12345678", "secret": SECRET, **more}
    return Session(dialect, Role.CLIENT, SessionSettings(**whole), 0.0)


def server(**more: Any) -> Session:
    return Session(SMGP, Role.SERVER, SessionSettings(**more), 0.0)


def bound(near: Any = None, far: Any = None) -> tuple[Session, Session]:
    """Both ends after a successful bind at time 0."""
    ours, theirs = client(**near or {}), server(**far or {})
    asked = only(theirs.receive(ours.start(0.0, STAMP), 0.0), BindAsked)
    ours.receive(sent(theirs.accept(asked, SECRET, 0.0)), 0.0)
    assert ours.bound
    assert theirs.bound
    return ours, theirs


def command_of(octets: bytes) -> int:
    return decode(octets).command


# --- bind


@pytest.mark.parametrize("version", [V13, V30])
@pytest.mark.parametrize("mode", tables.LOGIN_MODES)
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("user", ["12345678", "1234"])
def test_bind(version: int, mode: int, padded: bool, user: str) -> None:
    ours = client(SmgpDialect(login_mode=mode, padded=padded), user=user, version=version)
    theirs = server()
    asked = only(theirs.receive(ours.start(0.0, STAMP), 0.0), BindAsked)
    assert (asked.user, asked.version, asked.timestamp) == (user, version, STAMP)
    assert asked.details["login_mode"] == mode
    events = theirs.accept(asked, SECRET, 0.0)
    assert only(events, Bound).version == version
    assert only(ours.receive(sent(events), 0.0), Bound) == Bound(version, V30, True)


def test_the_golden_bind() -> None:
    ours, theirs = client(), server()
    octets = {vector.name: vector.octets for vector in VECTORS}
    assert ours.start(0.0, STAMP) == octets["smgp_login_v30"]
    asked = only(theirs.receive(octets["smgp_login_v30"], 0.0), BindAsked)
    assert sent(theirs.accept(asked, SECRET, 0.0)) == octets["smgp_login_resp"]
    assert only(ours.receive(octets["smgp_login_resp"], 0.0), Bound).authenticated


def test_wrong_secret_is_refused_with_status_21() -> None:
    ours, theirs = client(), server()
    asked = only(theirs.receive(ours.start(0.0, STAMP), 0.0), BindAsked)
    events = theirs.accept(asked, "another", 0.0)
    assert decode(sent(events)).fields["authenticator"] == bytes(16)
    assert only(ours.receive(sent(events), 0.0), Refused).status == 21


@pytest.mark.parametrize("version", [0x40, 0x20, 0x00])
def test_version_that_nobody_speaks_is_refused_with_status_22(version: int) -> None:
    octets = bytearray(client().start(0.0, STAMP))
    octets[-1] = version
    events = server().receive(bytes(octets), 0.0)
    answer = decode(sent(events))
    assert (answer.fields["status"], answer.fields["version"]) == (22, V30)
    assert events[-1] == Ended(End.REFUSED)


def test_a_server_that_does_not_know_the_secret() -> None:
    answer = encode(Pdu(LOGIN | ANSWER, 1, {"authenticator": b"x" * 16, "version": V30}))
    ours = client()
    ours.start(0.0, STAMP)
    assert ours.receive(answer, 0.0) == [Bound(V30, V30, False)]
    strict = client(strict=True)
    strict.start(0.0, STAMP)
    assert only(strict.receive(answer, 0.0), Ended).reason is End.PROTOCOL_ERROR


# --- traffic


def test_submits_and_their_answers() -> None:
    ours, theirs = bound()
    made = MessageIds("010061").take(3, 1_767_268_800.0)
    octets = ours.submit([BODY] * 3, [7, 8, 9], 0.0)
    submits = only(theirs.receive(octets, 0.0), Submits).submits
    assert [s.content for s in submits] == [b"hello"] * 3
    answers = theirs.respond(submits, made, [0, 1, 75])
    got = only(ours.receive(answers, 0.0), Answers).answers
    assert got == [(7, 0, made[0]), (8, 1, made[1]), (9, 75, made[2])]


def test_a_group_gets_one_answer_and_a_run_of_ids() -> None:
    ours, theirs = bound()
    people = [b"13300001111", b"13300002222", b"13300003333"]
    body = SmgpForm(V30).group_body(people, b"hello", 15)
    [submit] = only(theirs.receive(ours.submit([body], [7], 0.0), 0.0), Submits).submits
    assert submit.destinations == [p.decode() for p in people]
    first = MessageIds("010061").take(3, 1_767_268_800.0)
    got = only(ours.receive(theirs.respond([submit], first[:1]), 0.0), Answers).answers
    assert run_of(got[0][2], 3) == first


def test_reports_and_messages_arrive_and_their_ids_return() -> None:
    ours, theirs = bound()
    octets = theirs.deliver([MO, REPORTED], [1, 2], 0.0)
    delivers = only(ours.receive(octets, 0.0), Delivers).delivers
    assert [d.is_report for d in delivers] == [False, True]
    assert delivers[0].content == b"TD"
    report = delivers[1].report()
    assert (report.message_id, report.stat) == (MSG_ID, "UNDELIV")
    assert report.destination == "13300001111"
    answers = ours.acknowledge(delivers)
    # The id of a Deliver need not be digits; its answer has it octet for octet.
    assert ODD_OCTETS in answers
    got = only(theirs.receive(answers, 0.0), Answers).answers
    assert got == [(1, 0, 77), (2, 0, id_of(ODD_OCTETS))]


def test_a_client_of_1_3_submits_in_its_layout() -> None:
    ours, theirs = bound(near={"version": V13})
    body = SmgpForm(V13, src_id="1069").body(b"13300001111", b"hello", 15)
    assert len(body) == len(BODY) - 6
    [submit] = only(theirs.receive(ours.submit([body], [7], 0.0), 0.0), Submits).submits
    assert (submit.src_id, submit.content) == ("1069", b"hello")
    assert "fixed_fee" not in submit.fields()


def test_what_is_refused() -> None:
    ours, theirs = bound()
    broken = bytearray(ours.submit([BODY], [7], 0.0))
    broken[broken.index(b"hello") - 1] = 99
    events = theirs.receive(bytes(broken), 0.0)
    assert only(events, Malformed).command == SUBMIT
    got = only(ours.receive(sent(events), 0.0), Answers).answers
    assert got == [(7, 36, 0)]
    cut = encode(Pdu(DELIVER, 5, {"message_id": MSG_OCTETS}))[:60]
    events = ours.receive(len(cut).to_bytes(4, "big") + cut[4:], 0.0)
    fields = decode(sent(events)).fields
    assert fields == {"message_id": MSG_OCTETS, "result": 10}


@pytest.mark.parametrize("command", [0x05, 0x07, 0x0A, 0x99, 0x05 | ANSWER])
def test_other_commands_are_consumed_exactly(command: int) -> None:
    ours, theirs = bound()
    strange = (16).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(8)
    events = theirs.receive(strange + ours.submit([BODY], [1], 0.0), 0.0)
    assert len(only(events, Submits).submits) == 1
    assert len([e for e in events if isinstance(e, (Unknown, Malformed))]) == 1


def test_an_announced_length_that_nothing_has_ends_the_session() -> None:
    _, theirs = bound()
    bomb = (tables.MAXIMUM + 1).to_bytes(4, "big") + SUBMIT.to_bytes(4, "big") + bytes(4)
    ended = only(theirs.receive(bomb, 0.0), Ended)
    assert ended.reason is End.PROTOCOL_ERROR
    assert command_of(ended.reply) == EXIT


# --- questions, heartbeat, end


def test_query() -> None:
    ours, theirs = bound()
    asked = only(theirs.receive(ours.query("20260101", "svc", 5, 0.0), 0.0), QueryAsked)
    assert (asked.day, asked.service) == ("20260101", "svc")
    octets = theirs.answer_query(asked, {"mt_messages": 7, "mo_failed": 1})
    counters = only(ours.receive(octets, 0.0), QueryAnswered).counters
    assert (counters["mt_messages"], counters["mo_failed"], counters["mt_users"]) == (7, 1, 0)
    with pytest.raises(LocalProtocolError):
        ours.cancel(1, 1, 0.0)


def test_an_idle_line_is_probed() -> None:
    ours, theirs = bound()
    [probe] = ours.tick(180.0)
    assert isinstance(probe, Send)
    assert command_of(probe.data) == ACTIVE_TEST
    answer = sent(theirs.receive(probe.data, 180.0))
    assert decode(answer) == Pdu(ACTIVE_TEST | ANSWER, decode(probe.data).sequence, {})
    assert ours.receive(answer, 180.0) == []
    assert ours.next_deadline() == 360.0


def test_a_message_without_an_answer_is_unsure() -> None:
    ours, _ = bound()
    ours.submit([BODY], [7], 0.0)
    assert only(ours.tick(60.0), Unsure).tokens == [7]


def test_either_side_ends() -> None:
    for ours, theirs in (bound(), tuple(reversed(bound()))):
        events = theirs.receive(ours.finish(1.0), 1.0)
        assert events[-1] == Ended(End.PEER_FINISHED)
        assert ours.receive(sent(events), 1.0) == [Ended(End.FINISHED)]


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
        else:
            flat.append(event)
    return sorted(flat, key=repr)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Valid PDUs, invalid ones with a valid frame, mutations of both, and noise."""
    framed = st.builds(
        lambda command, sequence, body: (
            (12 + len(body)).to_bytes(4, "big")
            + command.to_bytes(4, "big")
            + sequence.to_bytes(4, "big")
            + body
        ),
        st.sampled_from([bit | c for bit in (0, ANSWER) for c in tables.COMMAND_NAMES]),
        st.integers(0, 30),
        st.binary(max_size=100),
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


def _sessions(kind: str) -> Session:
    if kind == "new server":
        return server()
    if kind == "binding client":
        ours = client()
        ours.start(0.0, STAMP)
        return ours
    ours, theirs = bound(far={"peer_window": 2})
    ours.submit([BODY] * 12, range(12), 0.0)
    ours.query("20260101", "", 1, 0.0)
    theirs.deliver([MO] * 3, [1, 2, 3], 0.0)
    return ours if kind == "bound client" else theirs


@settings(max_examples=60)
@pytest.mark.parametrize("kind", ["new server", "binding client", "bound client", "bound server"])
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
    for event in expected:
        if isinstance(event, Delivers):
            for deliver in event.delivers:
                assert len(deliver.content) <= 255
    for when in (2.0, 61.0, 400.0):
        whole.tick(when)
        deadline = whole.next_deadline()
        assert deadline is None or deadline > when


@given(
    st.lists(st.integers(1, 200), min_size=1, max_size=30),
    st.lists(st.integers(1, 8), min_size=1, max_size=4),
)
def test_a_conversation_survives_any_split(cuts: list[int], bursts: list[int]) -> None:
    ours, theirs = bound()
    made = MessageIds("010061")
    results: list[tuple[int, int, int]] = []
    reported: list[int] = []
    token = 0

    def carry(octets: bytes, to: Session) -> list[Event]:
        events: list[Event] = []
        at = 0
        for size in cuts * (len(octets) // len(cuts) + 1):
            events += to.receive(octets[at : at + size], 1.0)
            at += size
            if at >= len(octets):
                break
        return events

    for burst in bursts:
        octets = ours.submit([BODY] * burst, range(token, token + burst), 1.0)
        token += burst
        back: list[bytes] = []
        for event in carry(octets, theirs):
            if isinstance(event, Submits):
                ids = made.take(len(event.submits), 1_767_268_800.0)
                back.append(theirs.respond(event.submits, ids))
                reports = [
                    report_body(
                        SmgpReport(i, "DELIVRD", "2601010000", "2601010001"),
                        deliver_id=i,
                        service_number="1069000012",
                        user_number="13300001111",
                    )
                    for i in ids
                ]
                back.append(theirs.deliver(reports, ids, 1.0))
        answers = []
        for event in carry(b"".join(back), ours):
            if isinstance(event, Answers):
                results += event.answers
            elif isinstance(event, Delivers):
                reported += [deliver.report().message_id for deliver in event.delivers]
                answers.append(ours.acknowledge(event.delivers))
        carry(b"".join(answers), theirs)
    assert [answer[:2] for answer in results] == [(i, 0) for i in range(token)]
    assert reported == [answer[2] for answer in results]
    assert ours.outstanding() == theirs.outstanding() == []
