"""Bind, traffic and questions between an ESME and an SMSC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from assent.errors import LocalProtocolError
from assent.wire import smpp_codes as codes
from assent.wire.dialect import Mode
from assent.wire.events import (
    Answered,
    Answers,
    Asked,
    BindAsked,
    Bound,
    Congestion,
    Delivers,
    End,
    Ended,
    Invited,
    Malformed,
    Overrun,
    PartlyRefused,
    Refused,
    Send,
    Submits,
    Told,
    Unanswered,
    Unknown,
)
from assent.wire.pdus import Report
from assent.wire.smpp import (
    SMPP,
    Destination,
    Failure,
    IdForm,
    Pdu,
    SmppDialect,
    TextId,
    body_of,
    decode,
    encode,
    id_of,
    report_body,
)
from assent.wire.smpp_tables import (
    ALERT_NOTIFICATION,
    ANSWER,
    BIND_RECEIVER,
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    OUTBIND,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    SUBMIT_SM,
)
from tests.wire.smpp_talk import BODY, MO, SECRET, bound, esme, smsc
from tests.wire.talk import only, sent

REPORT = Report(5, "DELIVRD", "2601010000", "2601010001", "8613800138000", 0)
BINDS = {
    Mode.TRANSCEIVER: BIND_TRANSCEIVER,
    Mode.TRANSMITTER: BIND_TRANSMITTER,
    Mode.RECEIVER: BIND_RECEIVER,
}


def nack(status: int, sequence: int) -> bytes:
    return encode(Pdu(GENERIC_NACK, sequence, {}, status))


def pdus(data: bytes) -> list[Pdu]:
    """All whole PDUs of a stream."""
    found, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append(decode(data[at : at + size]))
        at += size
    return found


# --- bind


@pytest.mark.parametrize("mode", list(Mode))
def test_bind(mode: Mode) -> None:
    near, far = esme(mode=mode), smsc()
    octets = near.start(0.0, 0)
    assert decode(octets).command == BINDS[mode]
    asked = only(far.receive(octets, 0.0), BindAsked)
    assert (asked.user, asked.mode, asked.version) == ("assent", mode, 0x34)
    assert asked.details["interface_version"] == 0x34
    assert SECRET not in repr(asked)
    events = far.accept(asked, SECRET, 0.0, window=3)
    assert decode(sent(events)).command == BINDS[mode] | ANSWER
    assert near.receive(sent(events), 0.0) == [Bound(0x34, 0x34)]
    assert near.credit == (0 if mode is Mode.RECEIVER else 10)
    assert far.credit == (0 if mode is Mode.TRANSMITTER else 3)


def test_a_wrong_password_is_refused_in_the_header() -> None:
    near, far = esme(), smsc()
    asked = only(far.receive(near.start(0.0, 0), 0.0), BindAsked)
    events = far.accept(asked, "another", 0.0)
    assert sent(events).hex() == "00000010800000090000000e00000001"
    assert events[-1] == Ended(End.REFUSED)
    assert near.receive(sent(events), 0.0) == [Refused(codes.RINVPASWD, 0), Ended(End.REFUSED)]


@pytest.mark.parametrize("status", [codes.RINVSYSID, codes.RBINDFAIL, codes.RALYBND])
def test_the_owner_refuses_with_a_status_of_its_own(status: int) -> None:
    near, far = esme(mode=Mode.RECEIVER), smsc()
    asked = only(far.receive(near.start(0.0, 0), 0.0), BindAsked)
    assert only(near.receive(sent(far.refuse(asked, status, 0.0)), 0.0), Refused).status == status


def test_a_bind_may_be_refused_by_a_general_refusal() -> None:
    for status, told in ((codes.RINVCMDID, codes.RINVCMDID), (0, codes.RINVCMDLEN)):
        near = esme()
        near.start(0.0, 0)
        assert near.receive(nack(status, 1), 0.0) == [Refused(told, 0), Ended(End.REFUSED)]
    near = esme()
    near.start(0.0, 0)
    ended = only(near.receive(nack(codes.RSYSERR, 9), 0.0), Ended)
    assert (ended.reason, ended.reply) == (End.PROTOCOL_ERROR, b"")


def test_a_second_bind_is_told_that_there_is_one() -> None:
    _, far = bound()
    other = encode(Pdu(BIND_RECEIVER, 77, {"system_id": "assent", "password": SECRET}))
    [event] = far.receive(other, 1.0)
    assert decode(sent([event])) == Pdu(BIND_RECEIVER | ANSWER, 77, {}, codes.RALYBND)
    assert far.bound


def test_a_repeated_bind_gets_the_same_answer() -> None:
    near, far = esme(), smsc()
    octets = near.start(0.0, 0)
    asked = only(far.receive(octets, 0.0), BindAsked)
    assert far.receive(octets, 0.0) == []
    answer = sent(far.accept(asked, SECRET, 0.0))
    assert far.receive(octets, 0.0) == [Send(answer)]
    near.receive(answer, 0.0)
    assert near.receive(answer, 0.0) == []
    assert near.bound


@pytest.mark.parametrize("version", [0x00, 0x33])
def test_a_client_before_3_4_gets_no_optional_parameters(version: int) -> None:
    far = smsc()
    fields = {"system_id": "old", "password": SECRET, "interface_version": version}
    asked = only(far.receive(encode(Pdu(BIND_TRANSCEIVER, 1, fields)), 0.0), BindAsked)
    events = far.accept(asked, SECRET, 0.0)
    assert decode(sent(events)).fields["tlvs"] == []
    assert far.version == asked.version == 0x33


def test_a_client_of_5_0_is_spoken_to_in_3_4() -> None:
    far = smsc()
    fields = {"system_id": "new", "password": SECRET, "interface_version": 0x50}
    asked = only(far.receive(encode(Pdu(BIND_TRANSCEIVER, 1, fields)), 0.0), BindAsked)
    assert decode(sent(far.accept(asked, SECRET, 0.0))).fields["tlvs"] == [(0x210, b"\x34")]
    assert far.version == 0x34


@pytest.mark.parametrize(
    "answer",
    [
        "00000010 80000009 00000000 00000001",  # without its body
        "00000014 80000009 00000000 00000001 534d5343",  # without its NUL
        "00000015 80000001 00000000 00000001 534d534300",  # of another bind
        "00000019 80000009 00000000 00000001 534d534300 02100009",  # with a broken parameter
    ],
)
def test_an_accepted_bind_is_accepted_however_it_is_written(answer: str) -> None:
    near = esme(strict=True)
    near.start(0.0, 0)
    assert near.receive(bytes.fromhex(answer), 0.0) == [Bound(0x34, 0)]


def test_a_malformed_bind_is_refused_by_its_answer() -> None:
    octets = bytes.fromhex("00000014 00000002 00000000 00000007 61626364")
    ended = only(smsc().receive(octets, 0.0), Ended)
    assert decode(ended.reply) == Pdu(BIND_TRANSMITTER | ANSWER, 7, {}, codes.RINVSYSID)


def test_outbind() -> None:
    near, far = esme(mode=Mode.RECEIVER), smsc()
    invited = near.receive(far.outbind("SMSC", "pass"), 0.0)
    assert invited == [Invited("SMSC", "pass")]
    assert "pass" not in repr(invited)
    asked = only(far.receive(near.start(0.0, 0), 0.0), BindAsked)
    assert only(near.receive(sent(far.accept(asked, SECRET, 0.0)), 0.0), Bound).version == 0x34
    with pytest.raises(LocalProtocolError):
        far.outbind("SMSC", "pass")
    fields = {"system_id": "SMSC", "password": "pass"}
    events = near.receive(encode(Pdu(OUTBIND, 5, fields)), 1.0)
    assert decode(sent(events)) == Pdu(GENERIC_NACK, 5, {}, codes.RINVBNDSTS)
    assert only(events, Unknown).command == OUTBIND


# --- which way messages flow


def test_both_ways_at_once_on_one_connection() -> None:
    near, far = bound()
    up = near.submit([BODY, BODY], [1, 2], 1.0)
    receipt = report_body(0x34, REPORT, service_number="12321")
    down = far.deliver([MO, receipt], [8, 9], 1.0)
    submits = only(far.receive(up, 1.0), Submits).submits
    delivers = only(near.receive(down, 1.0), Delivers).delivers
    assert [d.sequence for d in delivers] == [1, 2]
    assert [s.sequence for s in submits] == [2, 3]  # 1 was the bind
    assert delivers[0].content == b"STOP"
    assert delivers[1].report() == REPORT
    up, down = near.acknowledge(delivers), far.respond(submits, [500, 501])
    assert near.receive(down, 1.0) == [Answers([(1, 0, 500), (2, 0, 501)])]
    assert far.receive(up, 1.0) == [Answers([(8, 0, 0), (9, 0, 0)])]
    assert (near.credit, far.credit, near.unanswered, far.unanswered) == (10, 10, 0, 0)


def test_a_transmitter_gets_no_delivers() -> None:
    near, far = bound({"mode": Mode.TRANSMITTER})
    with pytest.raises(LocalProtocolError) as caught:
        far.deliver([MO], [1], 1.0)
    assert caught.value.code == "wrong_mode"
    with pytest.raises(LocalProtocolError):
        far.alert({})
    for command in (DELIVER_SM, DATA_SM):
        events = near.receive(encode(Pdu(command, 9, {})), 1.0)
        assert pdus(sent(events))[0].status == codes.RINVBNDSTS
        assert pdus(sent(events))[0].command == command | ANSWER
        assert only(events, Unknown).command == command
    events = near.receive(encode(Pdu(ALERT_NOTIFICATION, 9, {})), 1.0)
    assert only(events, Unknown).command == ALERT_NOTIFICATION
    assert near.submit([BODY], [1], 1.0) != b""


def test_a_receiver_submits_nothing() -> None:
    near, far = bound({"mode": Mode.RECEIVER})
    wrongs: list[Callable[[], bytes]] = [
        lambda: near.submit([BODY], [1], 1.0),
        lambda: near.send_data([BODY], [1], 1.0),
        lambda: near.submit_multi([BODY], [1], 1.0),
        lambda: near.ask(QUERY_SM, {}, 1, 1.0),
    ]
    for wrong in wrongs:
        with pytest.raises(LocalProtocolError) as caught:
            wrong()
        assert caught.value.code == "wrong_mode"
    for command in (SUBMIT_SM, SUBMIT_MULTI, DATA_SM, QUERY_SM, CANCEL_SM, REPLACE_SM):
        events = far.receive(encode(Pdu(command, 9, {})), 1.0)
        assert decode(sent(events)) == Pdu(command | ANSWER, 9, {}, codes.RINVBNDSTS)
        assert only(events, Unknown).command == command
    assert far.deliver([MO], [1], 1.0) != b""


def test_a_submit_before_the_bind_is_refused_by_its_answer() -> None:
    ended = only(smsc().receive(encode(Pdu(SUBMIT_SM, 5, {})), 0.0), Ended)
    assert decode(ended.reply) == Pdu(SUBMIT_SM | ANSWER, 5, {}, codes.RINVBNDSTS)
    assert ended.reason is End.PROTOCOL_ERROR


# --- messages


def test_statuses_reach_the_owner() -> None:
    near, far = bound()
    submits = only(far.receive(near.submit([BODY] * 3, [1, 2, 3], 1.0), 1.0), Submits).submits
    octets = far.respond(submits, [7, 0, 0], [0, codes.RTHROTTLED, codes.RMSGQFUL])
    assert [len(encode(pdu)) for pdu in pdus(octets)] == [18, 16, 16]
    answers = only(near.receive(octets, 1.0), Answers).answers
    assert [answer[1] in codes.THROTTLED for answer in answers] == [False, True, True]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("00000010 80000004 00000000 00000002", (1, 0, 0)),
        ("00000010 80000004 00000058 00000002", (1, 0x58, 0)),
        ("00000011 80000004 00000058 00000002 00", (1, 0x58, 0)),
        ("00000012 80000004 00000000 00000002 3737", (1, 0, 77)),  # without NUL
        ("00000018 80000004 00000000 00000002 373700 04280001", (1, 0, 77)),  # cut off
        (
            "00000018 80000004 00000000 00000002 373700 0428000165",
            (1, 0, 77),
        ),  # over 100
        ("00000014 80000004 00000000 00000002 373700ff", (1, 0, 77)),
        ("00000010 80000000 00000003 00000002", (1, 3, 0)),
        ("00000010 80000000 00000000 00000002", (1, codes.RINVCMDLEN, 0)),  # a nack accepts nothing
    ],
)
def test_answers_however_they_are_written(answer: str, expected: tuple[int, int, int]) -> None:
    near, _ = bound()
    near.submit([BODY], [1], 1.0)
    octets = bytes.fromhex(answer)
    octets = len(octets).to_bytes(4, "big") + octets[4:]
    assert near.receive(octets, 1.0) == [Answers([expected])]


def test_an_answer_may_tell_how_loaded_the_smsc_is() -> None:
    """congestion_state (5.0: 4.8.4.18), in an answer with or without an id; once each time."""
    near, _ = bound()
    near.submit([BODY] * 3, [1, 2, 3], 1.0)
    first = bytes.fromhex("00000018 80000004 00000000 00000002 373700 042800015a")
    last = bytes.fromhex("00000016 80000004 00000058 00000003 00 0428000164")
    assert near.receive(first, 1.0) == [Congestion(90), Answers([(1, 0, 77)])]
    assert near.receive(last, 1.0) == [Congestion(100), Answers([(2, 0x58, 0)])]
    plain = bytes.fromhex("00000013 80000004 00000000 00000004 373800")
    assert near.receive(plain, 1.0) == [Answers([(3, 0, 78)])]


def test_data_and_messages_in_one_read_get_their_own_answers() -> None:
    near, far = bound()
    data = body_of(DATA_SM, {"source_addr": "bank", "tlvs": [(0x424, b"hi")]})
    multi = body_of(SUBMIT_MULTI, {"destinations": [Destination("4915")], "short_message": b"hi"})
    octets = near.submit([BODY], [1], 1.0) + near.send_data([data, data], [2, 3], 1.0)
    octets += near.submit_multi([multi], [4], 1.0) + near.submit([BODY], [5], 1.0)
    assert near.credit == 5
    submits = only(far.receive(octets, 1.0), Submits).submits
    octets = far.respond(submits, [10, 20, 30, 40, 50], [0, 0, 8, 0, 0])
    commands = [SUBMIT_SM, DATA_SM, DATA_SM, SUBMIT_MULTI, SUBMIT_SM]
    assert [pdu.command for pdu in pdus(octets)] == [c | ANSWER for c in commands]
    assert near.receive(octets, 1.0) == [
        Answers([(1, 0, 10), (2, 0, 20), (3, 8, 0), (4, 0, 40), (5, 0, 50)])
    ]
    octets = far.send_data([data], [6], 1.0)
    [deliver] = only(near.receive(octets, 1.0), Delivers).delivers
    assert deliver.content == b"hi"
    assert far.receive(near.acknowledge([deliver], 0x65), 1.0) == [Answers([(6, 0x65, 0)])]


def test_a_multi_may_reach_a_part() -> None:
    near, far = bound()
    destinations = [Destination("4915"), Destination("4916")]
    multi = body_of(SUBMIT_MULTI, {"destinations": destinations, "short_message": b"hi"})
    events = far.receive(near.submit_multi([multi], [4], 1.0), 1.0)
    [submit] = only(events, Submits).submits
    octets = far.respond_multi(submit, 40, [Failure("4916", 1, 1, codes.RINVDSTADR)])
    assert near.receive(octets, 1.0) == [
        PartlyRefused(4, [("4916", codes.RINVDSTADR)]),
        Answers([(4, 0, 40)]),
    ]
    assert far.respond_multi(submit, 40, []) == b""
    [other] = only(far.receive(near.submit([BODY], [5], 1.0), 1.0), Submits).submits
    with pytest.raises(LocalProtocolError):
        far.respond_multi(other, 40, [])
    assert far.unanswered == 1


def test_a_multi_whose_failures_cannot_be_read_stays_unanswered() -> None:
    near, _ = bound()
    near.submit_multi([body_of(SUBMIT_MULTI, {})], [4], 1.0)
    octets = bytes.fromhex("00000016 80000021 00000000 00000002 3737000101 01")
    assert only(near.receive(octets, 1.0), Malformed).command == SUBMIT_MULTI | ANSWER
    assert near.outstanding() == [4]


@pytest.mark.parametrize(
    ("form", "text", "key"),
    [
        (IdForm.DECIMAL, "12345", 12345),
        (IdForm.HEX, "A1527684", 0xA1527684),
        (IdForm.HEX_THEN_DECIMAL, "A1527684", 0xA1527684),
        (IdForm.OPAQUE, "f3a9-77", id_of("f3a9-77", None)),
        (IdForm.DECIMAL, "f3a9-77", id_of("f3a9-77", None)),
    ],
)
@pytest.mark.parametrize("keep_text", [False, True])
def test_ids_are_keys(form: IdForm, text: str, key: int, keep_text: bool) -> None:
    near, far = bound(dialect=SmppDialect(ids=form, keep_text=keep_text))
    submits = only(far.receive(near.submit([BODY], [1], 1.0), 1.0), Submits).submits
    [(_, _, message_id)] = only(near.receive(far.respond(submits, [text]), 1.0), Answers).answers
    assert message_id == key
    assert isinstance(message_id, TextId) == keep_text
    assert getattr(message_id, "text", text) == text


@pytest.mark.parametrize("wrong", [id_of("x", None), "x" * 65, "短", "a\0", -1])
def test_an_id_that_cannot_be_written_leaves_the_submits_open(wrong: int | str) -> None:
    near, far = bound()
    submits = only(far.receive(near.submit([BODY], [1], 1.0), 1.0), Submits).submits
    with pytest.raises(LocalProtocolError):
        far.respond(submits, [wrong])
    assert far.unanswered == 1
    assert near.receive(far.respond(submits, [7]), 1.0) == [Answers([(1, 0, 7)])]


def test_over_the_peers_window_is_throttled() -> None:
    near, far = bound(None, {"peer_window": 2})
    events = far.receive(near.submit([BODY] * 4, range(4), 1.0), 1.0)
    assert len(only(events, Submits).submits) == 2
    assert only(events, Overrun).count == 2
    assert only(near.receive(sent(events), 1.0), Answers).answers == [
        (2, codes.RTHROTTLED, 0),
        (3, codes.RTHROTTLED, 0),
    ]


def test_the_window_holds_and_sequences_wrap() -> None:
    near, far = bound({"window": 3, "first_sequence": 0x7FFFFFFD})
    octets = near.submit([BODY] * 3, [1, 2, 3], 1.0)
    assert [pdu.sequence for pdu in pdus(octets)] == [0x7FFFFFFE, 0x7FFFFFFF, 1]
    assert near.credit == 0
    with pytest.raises(LocalProtocolError):
        near.submit([BODY], [4], 1.0)
    submits = only(far.receive(octets, 1.0), Submits).submits
    assert near.receive(far.respond(submits[2:], [3]), 1.0) == [Answers([(3, 0, 3)])]
    assert near.outstanding() == [1, 2]
    assert SMPP.sequences(0, 3) == [0x7FFFFFFF, 1, 2]
    assert list(SMPP.sequences(0x7FFFFFFF, 1)) == [0x7FFFFFFF]


def test_the_same_message_again_is_the_peers_retry() -> None:
    near, far = bound()
    octets = far.deliver([MO], [1], 1.0)
    assert len(only(near.receive(octets, 1.0), Delivers).delivers) == 1
    assert near.receive(octets, 1.0) == []
    events = near.receive(octets[:-1] + b"!", 1.0)
    assert decode(sent(events)).status == codes.RSYSERR


# --- questions


def test_questions() -> None:
    near, far = bound()
    wish = {"message_id": "77", "source_addr": "bank"}
    state = {"message_id": "77", "message_state": 2, "final_date": "261112050000032+"}
    cases: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
        (QUERY_SM, wish, state),
        (CANCEL_SM, wish, {}),
        (REPLACE_SM, wish | {"short_message": b"new"}, {}),
    ]
    for token, (command, fields, told) in enumerate(cases):
        asked = only(far.receive(near.ask(command, fields, token, 1.0), 1.0), Asked)
        assert asked.command == command
        assert fields.items() <= asked.fields.items()
        octets = far.answer(asked, told)
        answered = only(near.receive(octets, 1.0), Answered)
        assert (answered.token, answered.command, answered.status) == (token, command | ANSWER, 0)
        assert told.items() <= answered.fields.items()
        assert near.receive(octets, 1.0) == []


@pytest.mark.parametrize("command", [QUERY_SM, CANCEL_SM, REPLACE_SM])
def test_questions_may_be_refused(command: int) -> None:
    near, far = bound()
    asked = only(far.receive(near.ask(command, {}, 5, 1.0), 1.0), Asked)
    events = near.receive(far.answer(asked, {}, codes.RINVMSGID), 1.0)
    assert events == [Answered(5, command | ANSWER, codes.RINVMSGID, {})]
    near.ask(command, {}, 6, 1.0)
    assert near.receive(nack(codes.RINVCMDID, 3), 1.0) == [
        Answered(6, GENERIC_NACK, codes.RINVCMDID, {})
    ]


def test_a_question_may_go_unanswered_and_its_answer_odd() -> None:
    near, _ = bound({"heartbeat_s": 1000.0})
    near.ask(CANCEL_SM, {"message_id": "7"}, 5, 1.0)
    near.ask(CANCEL_SM, {"message_id": "8"}, 6, 1.0)
    near.ask(QUERY_SM, {"message_id": "9"}, 7, 1.0)
    odd = bytes.fromhex("00000011 80000008 00000000 00000002 00")
    assert near.receive(odd, 2.0) == [Answered(5, CANCEL_SM | ANSWER, 0, {})]
    broken = bytes.fromhex("00000012 80000003 00000000 00000004 3700")
    assert only(near.receive(broken, 2.0), Malformed).command == QUERY_SM | ANSWER
    assert near.tick(31.0) == [Unanswered([6, 7])]


def test_an_alert_is_told() -> None:
    near, far = bound({"mode": Mode.RECEIVER})
    octets = far.alert({"source_addr": "4915", "tlvs": [(0x422, b"\0")]})
    told = only(near.receive(octets, 1.0), Told)
    assert told.command == ALERT_NOTIFICATION
    assert told.fields["source_addr"] == "4915"
