"""Bind, traffic and questions between two sessions."""

from __future__ import annotations

import pytest

from assent.errors import LocalProtocolError
from assent.wire.cmpp import (
    CMPP,
    Pdu,
    Report,
    SubmitForm,
    decode,
    deliver_body,
    encode,
    report_body,
)
from assent.wire.cmpp_tables import (
    ANSWER,
    CANCEL,
    CONNECT,
    COUNTERS,
    DELIVER,
    QUERY,
    SUBMIT,
)
from assent.wire.events import (
    Answers,
    BindAsked,
    Bound,
    CancelAnswered,
    CancelAsked,
    Delivers,
    End,
    Ended,
    Malformed,
    Overrun,
    QueryAnswered,
    QueryAsked,
    Refused,
    Send,
    Submits,
    Unknown,
)
from assent.wire.session import Role, Session, SessionSettings, State
from tests.wire.talk import SECRET, STAMP, bound, client, only, sent, server

FORM = SubmitForm(0x30, src_id="106900001234", msg_src="900001")
BODY = FORM.body(b"13800138000", b"hello", 0)
MO = deliver_body(
    0x30, message_id=77, destination="106900001234", source="13800138000", content=b"TD"
)
REPORT = Report(5, "DELIVRD", "2601010000", "2601010001", "13800138000", 9)


# --- bind


@pytest.mark.parametrize("version", [0x20, 0x21, 0x30])
def test_bind(version: int) -> None:
    near, far = client(version=version), server()
    octets = near.start(0.0, STAMP)
    asked = only(far.receive(octets, 0.0), BindAsked)
    assert (asked.user, asked.version, asked.timestamp) == ("900001", version, STAMP)
    events = far.accept(asked, SECRET, 0.0, window=3)
    assert only(events, Bound).version == version
    assert far.version == version
    assert far.credit == 3
    answer = only(near.receive(sent(events), 0.0), Bound)
    assert answer == Bound(version, 0x30, True)
    assert near.credit == 16


def test_wrong_secret_is_refused_with_status_3() -> None:
    near, far = client(), server()
    asked = only(far.receive(near.start(0.0, STAMP), 0.0), BindAsked)
    events = far.accept(asked, "another", 0.0)
    assert events[-1] == Ended(End.REFUSED)
    assert far.ended
    assert near.receive(sent(events), 0.0) == [Refused(3, 0x30), Ended(End.REFUSED)]
    assert near.receive(sent(events), 0.0) == []


def test_owner_may_refuse_with_a_status_of_its_own() -> None:
    near, far = client(), server()
    asked = only(far.receive(near.start(0.0, STAMP), 0.0), BindAsked)
    events = near.receive(sent(far.refuse(asked, 2, 0.0)), 0.0)
    assert only(events, Refused).status == 2


def test_version_too_high_names_the_one_to_try() -> None:
    near, far = client(version=0x30), server(version=0x20)
    events = far.receive(near.start(0.0, STAMP), 0.0)
    assert events[-1] == Ended(End.REFUSED)
    assert near.receive(sent(events), 0.0) == [Refused(4, 0x20), Ended(End.REFUSED)]


@pytest.mark.parametrize("version", [0x40, 0x00, 0xFF])
def test_version_that_nobody_speaks(version: int) -> None:
    octets = bytearray(client().start(0.0, STAMP))
    octets[34] = version
    events = server().receive(bytes(octets), 0.0)
    assert decode(sent(events), 0x30).fields["status"] == 4
    assert events[-1] == Ended(End.REFUSED)


@pytest.mark.parametrize("strict", [False, True])
def test_a_server_that_does_not_know_the_secret(strict: bool) -> None:
    near = client(strict=strict)
    near.start(0.0, STAMP)
    answer = encode(Pdu(CONNECT | ANSWER, 1, {"authenticator": b"x" * 16, "version": 0x30}), 0x30)
    events = near.receive(answer, 0.0)
    if strict:
        ended = only(events, Ended)
        assert ended.reason is End.PROTOCOL_ERROR
        assert ended.error is not None
        assert ended.error.code == "peer_proof"
    else:
        assert events == [Bound(0x30, 0x30, False)]


def test_a_proof_over_the_other_status_width_counts() -> None:
    near = client()
    near.start(0.0, STAMP)
    proof = bytes.fromhex("6c0b846e25bab6daa4ed1c466e0f4bd8")  # one octet of status, as in 2.0
    fields = {"authenticator": proof, "version": 0x20}
    events = near.receive(encode(Pdu(CONNECT | ANSWER, 1, fields), 0x20), 0.0)
    assert events == [Bound(0x30, 0x20, True)]


def test_a_repeated_bind_gets_the_same_answer() -> None:
    near, far = client(), server()
    octets = near.start(0.0, STAMP)
    asked = only(far.receive(octets, 0.0), BindAsked)
    assert far.receive(octets, 0.0) == []
    answer = sent(far.accept(asked, SECRET, 0.0))
    assert far.receive(octets, 0.0) == [Send(answer)]
    near.receive(answer, 0.0)
    assert near.receive(answer, 0.0) == []
    assert near.bound


def test_a_bind_of_another_connection_is_not_accepted() -> None:
    far, other = server(), server()
    asked = only(far.receive(client().start(0.0, STAMP), 0.0), BindAsked)
    other.receive(client().start(0.0, STAMP), 0.0)
    with pytest.raises(LocalProtocolError):
        other.accept(asked, SECRET, 0.0)


# --- messages


def test_submit_and_answer() -> None:
    near, far = bound()
    octets = near.submit([BODY, BODY], [70, 71], 1.0)
    assert near.credit == 14
    assert near.outstanding() == [70, 71]
    submits = only(far.receive(octets, 1.0), Submits).submits
    assert [s.destinations for s in submits] == [["13800138000"]] * 2
    assert far.unanswered == 2
    octets = far.respond(submits, [500, 501], [0, 8])
    assert far.unanswered == 0
    assert near.receive(octets, 1.0) == [Answers([(70, 0, 500), (71, 8, 501)])]
    assert near.credit == 16
    assert near.outstanding() == []


def test_answers_may_come_out_of_order_and_in_the_other_width() -> None:
    near, _ = bound()
    near.submit([BODY, BODY], [70, 71], 1.0)
    fields = {"message_id": 9, "result": 0}
    octets = encode(Pdu(SUBMIT | ANSWER, 3, fields), 0x20)
    octets += encode(Pdu(SUBMIT | ANSWER, 2, fields), 0x30)
    octets += encode(Pdu(SUBMIT | ANSWER, 99, fields), 0x30)  # to nothing of ours
    assert near.receive(octets, 1.0) == [Answers([(71, 0, 9), (70, 0, 9)])]


def test_the_window_holds() -> None:
    near, _ = bound({"window": 2})
    with pytest.raises(LocalProtocolError) as caught:
        near.submit([BODY] * 3, [1, 2, 3], 1.0)
    assert caught.value.code == "window_full"
    assert near.outstanding() == []
    near.submit([BODY] * 2, [1, 2], 1.0)
    assert near.credit == 0
    with pytest.raises(LocalProtocolError):
        near.submit([BODY], [3], 1.0)


def test_reports_and_messages_from_people() -> None:
    near, far = bound()
    report = report_body(0x30, REPORT, deliver_id=78, service_number="106900001234")
    events = near.receive(far.deliver([report, MO], [1, 2], 1.0), 1.0)
    first, second = only(events, Delivers).delivers
    assert first.is_report
    assert first.report() == REPORT
    assert (second.source, second.destination, second.content) == (
        "13800138000",
        "106900001234",
        b"TD",
    )
    assert near.unanswered == 2
    octets = near.acknowledge([second]) + near.acknowledge([first, second], result=9)
    assert far.receive(octets, 1.0) == [Answers([(2, 0, 77), (1, 9, 78)])]


def test_a_deliver_of_an_earlier_connection_answers_nothing_here() -> None:
    near, far = bound()
    [old] = only(near.receive(far.deliver([MO], [1], 1.0), 1.0), Delivers).delivers
    near, far = bound()
    [new] = only(near.receive(far.deliver([MO], [1], 1.0), 1.0), Delivers).delivers
    assert old.sequence == new.sequence
    assert near.acknowledge([old]) == b""
    assert near.unanswered == 1
    assert near.acknowledge([new]) != b""
    assert near.acknowledge([new]) == b""


def test_a_submit_answered_already_is_left_out() -> None:
    near, far = bound()
    events = far.receive(near.submit([BODY] * 3, [1, 2, 3], 1.0), 1.0)
    submits = only(events, Submits).submits
    far.respond(submits[1:2], [11])
    events = near.receive(far.respond(submits, [10, 11, 12], [0, 1, 2]), 1.0)
    assert events == [Answers([(1, 0, 10), (3, 2, 12)])]


def test_bind_and_traffic_in_one_read() -> None:
    near, far = client(), server()
    asked = only(far.receive(near.start(0.0, STAMP), 0.0), BindAsked)
    octets = sent(far.accept(asked, SECRET, 0.0)) + far.deliver([MO], [1], 0.0)
    events = near.receive(octets, 0.0)
    assert [type(event) for event in events] == [Bound, Delivers]


def test_over_the_peers_window_is_refused_with_flow_control() -> None:
    near, far = bound({"window": 5}, {"peer_window": 2})
    events = far.receive(near.submit([BODY] * 5, range(5), 1.0), 1.0)
    assert len(only(events, Submits).submits) == 2
    assert only(events, Overrun).count == 3
    answers = only(near.receive(sent(events), 1.0), Answers).answers
    assert answers == [(2, 8, 0), (3, 8, 0), (4, 8, 0)]


def test_the_same_request_again_is_the_peers_retry() -> None:
    near, far = bound()
    octets = far.deliver([MO], [1], 1.0)
    assert only(near.receive(octets, 1.0), Delivers)
    assert near.receive(octets, 1.0) == []
    other = octets[:-21] + b"!" + octets[-20:]
    events = near.receive(other, 1.0)
    assert decode(sent(events), 0x30).fields == {"message_id": 77, "result": 3}


def test_sequence_numbers_wrap() -> None:
    near, far = bound({"first_sequence": 0xFFFFFFFE})
    octets = near.submit([BODY] * 3, [1, 2, 3], 1.0)
    submits = only(far.receive(octets, 1.0), Submits).submits
    assert [s.sequence for s in submits] == [0xFFFFFFFF, 0, 1]
    assert near.next_deadline() == 61.0
    near.receive(far.respond(submits[:2], [1, 2]), 1.0)
    assert near.outstanding() == [3]
    assert near.next_deadline() == 61.0


# --- questions


def test_query_and_cancel() -> None:
    near, far = bound()
    asked = only(far.receive(near.query("20260101", "svc", 5, 1.0), 1.0), QueryAsked)
    assert (asked.day, asked.service) == ("20260101", "svc")
    counters = {name: i for i, name in enumerate(COUNTERS)}
    answer = far.answer_query(asked, counters)
    assert near.receive(answer, 1.0) == [QueryAnswered(5, counters)]
    assert near.receive(answer, 1.0) == []
    for cancelled in (True, False):
        wish = only(far.receive(near.cancel(99, 6, 1.0), 1.0), CancelAsked)
        assert wish.message_id == 99
        answer = far.answer_cancel(wish, cancelled)
        assert near.receive(answer, 1.0) == [CancelAnswered(6, cancelled)]
    total = only(far.receive(near.query("20260101", "", 7, 1.0), 1.0), QueryAsked)
    assert total.service == ""


# --- what peers do wrong


def test_an_unknown_command_consumes_exactly_one_pdu() -> None:
    near, far = bound()
    unknown = bytes.fromhex("000000100000000900000005deadbeef")
    events = near.receive(unknown + far.deliver([MO], [1], 1.0), 1.0)
    assert only(events, Unknown) == Unknown(9, 5, unknown)
    assert len(only(events, Delivers).delivers) == 1


def test_a_command_of_the_other_role_is_refused_by_code() -> None:
    near, far = bound()
    events = near.receive(encode(Pdu(SUBMIT, 5, {}), 0x30), 1.0)
    assert only(events, Unknown).command == SUBMIT
    assert decode(sent(events), 0x30) == Pdu(SUBMIT | ANSWER, 5, {"message_id": 0, "result": 2})
    events = far.receive(encode(Pdu(DELIVER, 5, {"message_id": 8}), 0x30), 1.0)
    assert decode(sent(events), 0x30).fields == {"message_id": 8, "result": 2}
    assert far.receive(encode(Pdu(QUERY | ANSWER, 5, {}), 0x30), 1.0) == [
        Unknown(QUERY | ANSWER, 5, encode(Pdu(QUERY | ANSWER, 5, {}), 0x30))
    ]


@pytest.mark.parametrize("command", [SUBMIT, CANCEL, QUERY])
def test_a_malformed_request_is_refused_and_the_next_is_read(command: int) -> None:
    near, far = bound()
    whole = encode(Pdu(command, 5, {}), 0x30)
    broken = (len(whole) - 1).to_bytes(4, "big") + whole[4:-1]
    events = far.receive(broken + near.submit([BODY], [1], 1.0), 1.0)
    assert only(events, Malformed).raw == broken
    assert len(only(events, Submits).submits) == 1
    if command == SUBMIT:
        assert decode(sent(events), 0x30).fields["result"] == 4
    if command == CANCEL:
        assert decode(sent(events), 0x30).fields["success_id"] == 1


def test_a_malformed_answer_leaves_its_message_unanswered() -> None:
    near, _ = bound()
    near.submit([BODY], [1], 1.0)
    events = near.receive(bytes.fromhex("0000000e80000004000000020000"), 1.0)
    assert only(events, Malformed).command == SUBMIT | ANSWER
    assert near.outstanding() == [1]


@pytest.mark.parametrize("length", [0, 11, 4_000, 0xFFFFFFFF])
def test_a_bad_length_ends_the_session_after_what_came_before(length: int) -> None:
    near, far = bound()
    octets = far.deliver([MO], [1], 1.0) + length.to_bytes(4, "big") + bytes(8)
    events = near.receive(octets, 1.0)
    assert [type(event) for event in events] == [Delivers, Ended]
    ended = only(events, Ended)
    assert ended.reason is End.PROTOCOL_ERROR
    assert ended.error is not None
    assert ended.error.code == "bad_length"
    assert ended.error.reply == ended.reply == bytes.fromhex("0000000c0000000200000002")
    assert near.receive(octets, 1.0) == []
    assert near.next_deadline() is None


def test_a_submit_before_the_bind_ends_the_session_with_an_answer() -> None:
    ended = only(server().receive(encode(Pdu(SUBMIT, 5, {}), 0x30), 0.0), Ended)
    assert decode(ended.reply, 0x30).fields["result"] == 2


def test_a_malformed_bind_ends_the_session_with_status_1() -> None:
    octets = bytes.fromhex("0000000d000000010000000100")
    ended = only(server().receive(octets, 0.0), Ended)
    assert decode(ended.reply, 0x30).fields["status"] == 1


def test_an_answer_to_another_bind_ends_the_session() -> None:
    near = client()
    near.start(0.0, STAMP)
    answer = encode(Pdu(CONNECT | ANSWER, 9, {}), 0x30)
    assert only(near.receive(answer, 0.0), Ended).reason is End.PROTOCOL_ERROR


# --- what we do wrong


def test_our_own_mistakes_raise() -> None:
    near, far = bound()
    fresh = Session(CMPP, Role.CLIENT, SessionSettings(), 0.0)
    for wrong in (
        lambda: fresh.submit([BODY], [1], 0.0),
        lambda: fresh.query("20260101", "", 1, 0.0),
        lambda: near.start(0.0, STAMP),
        lambda: far.start(0.0, STAMP),
        lambda: near.deliver([MO], [1], 0.0),
        lambda: near.respond([], []),
        lambda: far.submit([BODY], [1], 0.0),
        lambda: far.acknowledge([]),
        lambda: far.cancel(1, 1, 0.0),
        lambda: near.submit([BODY], [1, 2], 0.0),
        lambda: far.respond([], [1]),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()
    assert near.state is State.BOUND
    assert near.outstanding() == []
