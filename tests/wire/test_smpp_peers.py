"""What an SMPP session does when its peer errs, when nothing comes, and when we err."""

from __future__ import annotations

from dataclasses import replace

import pytest

from assent.errors import LocalProtocolError
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire.cmpp import CMPP
from assent.wire.dialect import Mode
from assent.wire.events import (
    Answers,
    Asked,
    Delivers,
    End,
    Ended,
    Malformed,
    PartlyRefused,
    Submits,
    Unknown,
    Unsure,
)
from assent.wire.session import Session, SessionSettings
from assent.wire.smpp import (
    DEFAULTS,
    SMPP,
    Failure,
    Pdu,
    SmppSession,
    decode,
    encode,
)
from assent.wire.smpp_tables import (
    ALERT_NOTIFICATION,
    ANSWER,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    QUERY_SM,
    REPLACE_SM,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
)
from assent.wire.states import Role
from tests.wire.smpp_talk import BODY, MO, bound, esme, smsc
from tests.wire.talk import only, sent

EMPTY = "00 0000 00 0000 00 000000 00 00 00000000"  # a submit_sm's body up to its sm_length


def nack(status: int, sequence: int) -> bytes:
    return encode(Pdu(GENERIC_NACK, sequence, {}, status))


# --- what peers do wrong


def test_an_unknown_command_gets_a_general_refusal_and_takes_one_pdu() -> None:
    near, far = bound()
    unknown = bytes.fromhex("00000014 00000111 00000000 00000005 deadbeef")
    events = near.receive(unknown + far.deliver([MO], [1], 1.0), 1.0)
    assert decode(sent(events)) == Pdu(GENERIC_NACK, 5, {}, codes.RINVCMDID)
    assert only(events, Unknown) == Unknown(0x111, 5, unknown)
    assert len(only(events, Delivers).delivers) == 1
    answer = bytes.fromhex("00000010 80000111 00000000 00000005")
    assert near.receive(answer, 1.0) == [Unknown(0x80000111, 5, answer)]


def test_an_unknown_command_before_the_bind_is_refused_too() -> None:
    far = smsc()
    events = far.receive(bytes.fromhex("00000010 00000111 00000000 00000005"), 0.0)
    assert decode(sent(events)) == Pdu(GENERIC_NACK, 5, {}, codes.RINVCMDID)
    assert not far.ended


@pytest.mark.parametrize("length", [0, 15, tables.MAXIMUM + 1, 0xFFFFFFFF])
@pytest.mark.parametrize("is_bound", [False, True])
def test_a_bad_length_ends_the_session_after_what_came_before(length: int, is_bound: bool) -> None:
    near, far = bound() if is_bound else (esme(), smsc())
    octets = near.submit([BODY], [1], 1.0) if is_bound else b""
    events = far.receive(octets + length.to_bytes(4, "big") + bytes(12), 1.0)
    assert [type(event) for event in events] == [Submits, Ended] if is_bound else [Ended]
    ended = only(events, Ended)
    assert ended.error is not None
    assert ended.error.code == "bad_length"
    assert decode(ended.reply) == Pdu(GENERIC_NACK, 0, {}, codes.RINVCMDLEN)
    assert far.receive(octets, 1.0) == []


@pytest.mark.parametrize(
    ("command", "body", "status", "at"),
    [
        (SUBMIT_SM, "", codes.RINVSERTYP, 16),
        (SUBMIT_SM, f"{EMPTY} 05 61", codes.RINVMSGLEN, 32),
        (SUBMIT_SM, f"{EMPTY} 00 0424000961", codes.RINVOPTPARSTREAM, 35),
        (SUBMIT_MULTI, "00 0000 00 01 0300", codes.RINVDESTFLAG, 21),
        (DATA_SM, "00 0000 00 0000 00", codes.RINVCMDLEN, 23),
        (QUERY_SM, "616263", codes.RINVMSGID, 16),
    ],
)
def test_a_malformed_request_is_refused_and_the_next_is_read(
    command: int, body: str, status: int, at: int
) -> None:
    near, far = bound()
    octets = bytes.fromhex(body)
    broken = b"".join(x.to_bytes(4, "big") for x in (16 + len(octets), command, 0, 5)) + octets
    events = far.receive(broken + near.submit([BODY], [1], 1.0), 1.0)
    assert decode(sent(events)) == Pdu(command | ANSWER, 5, {}, status)
    malformed = only(events, Malformed)
    assert (malformed.raw, malformed.at) == (broken, at)
    assert len(only(events, Submits).submits) == 1


def test_a_malformed_deliver_is_refused_with_a_body() -> None:
    near, _ = bound()
    events = near.receive(bytes.fromhex("00000010 00000005 00000000 00000009"), 1.0)
    assert sent(events).hex() == "0000001180000005000000150000000900"


def test_a_refusal_of_nothing_is_only_told() -> None:
    near, far = bound()
    for session in (near, far):
        assert session.receive(nack(codes.RSYSERR, 0), 1.0) == [
            Unknown(GENERIC_NACK, 0, nack(codes.RSYSERR, 0))
        ]
        assert session.bound


def test_commands_of_the_other_role_are_refused() -> None:
    near, far = bound()
    for command in (SUBMIT_SM, SUBMIT_MULTI, QUERY_SM, CANCEL_SM, REPLACE_SM):
        events = near.receive(encode(Pdu(command, 5, {})), 1.0)
        assert decode(sent(events)) == Pdu(command | ANSWER, 5, {}, codes.RINVBNDSTS)
        assert only(events, Unknown).command == command
    events = far.receive(encode(Pdu(DELIVER_SM, 5, {})), 1.0)
    assert decode(sent(events)).status == codes.RINVBNDSTS
    for command in (SUBMIT_MULTI, QUERY_SM, CANCEL_SM):
        answer = encode(Pdu(command | ANSWER, 5, {}, 1))
        assert far.receive(answer, 1.0) == [Unknown(command | ANSWER, 5, answer)]
    events = far.receive(encode(Pdu(ALERT_NOTIFICATION, 5, {})), 1.0)
    assert only(events, Unknown).command == ALERT_NOTIFICATION


# --- time


@pytest.mark.parametrize("from_client", [True, False])
def test_heartbeats_both_ways(from_client: bool) -> None:
    one, other = bound() if from_client else bound()[::-1]
    assert one.next_deadline() == 30.0
    probe = one.tick(30.0)
    assert decode(sent(probe)).command == ENQUIRE_LINK
    answer = sent(other.receive(sent(probe), 30.0))
    assert decode(answer).command == ENQUIRE_LINK | ANSWER
    assert one.receive(answer, 31.0) == []
    assert one.next_deadline() == 61.0
    assert one.tick(61.0) == one.tick(91.0)  # tried twice
    assert one.tick(121.0) == [Ended(End.SILENT)]


def test_a_heartbeat_may_be_answered_with_anything() -> None:
    near, _ = bound()
    near.tick(30.0)
    assert near.receive(bytes.fromhex("00000011 80000015 00000000 00000002 00"), 31.0) == []
    assert near.next_deadline() == 61.0
    near.tick(61.0)
    assert only(near.receive(nack(codes.RINVCMDID, 3), 62.0), Unknown).sequence == 3
    assert near.next_deadline() == 92.0


def test_a_heartbeat_before_the_bind_is_refused() -> None:
    ended = only(smsc().receive(encode(Pdu(ENQUIRE_LINK, 3)), 0.0), Ended)
    assert decode(ended.reply) == Pdu(ENQUIRE_LINK | ANSWER, 3, {}, codes.RINVBNDSTS)


def test_a_submit_is_never_sent_again() -> None:
    near, far = bound({"heartbeat_s": 1000.0})
    submits = only(far.receive(near.submit([BODY, BODY], [1, 2], 10.0), 10.0), Submits).submits
    assert near.tick(40.0) == [Unsure([1, 2], False)]
    assert near.tick(200.0) == []
    assert near.credit == 10
    late = far.respond(submits[:1], [5]) + nack(codes.RSYSERR, submits[1].sequence)
    assert near.receive(late, 201.0) == [Answers([(1, 0, 5), (2, codes.RSYSERR, 0)])]
    assert near.receive(late, 202.0) == [
        Unknown(GENERIC_NACK, submits[1].sequence, late[-16:]),
    ]


@pytest.mark.parametrize("reverse", [False, True])
def test_unbind_waits_for_answers_from_either_side(reverse: bool) -> None:
    near, far = bound()
    if reverse:
        delivers = only(near.receive(far.deliver([MO], [1], 1.0), 1.0), Delivers).delivers
        one, other, answer = far, near, near.acknowledge(delivers)
    else:
        submits = only(far.receive(near.submit([BODY], [1], 1.0), 1.0), Submits).submits
        one, other, answer = near, far, far.respond(submits, [7])
    assert one.finish(1.0) == b""
    events = one.receive(answer, 2.0)
    assert len(only(events, Answers).answers) == 1
    unbind = sent(events)
    assert decode(unbind).command == UNBIND
    events = other.receive(unbind, 2.0)
    assert decode(sent(events)).command == UNBIND | ANSWER
    assert events[-1] == Ended(End.PEER_FINISHED)
    assert one.receive(sent(events), 2.0) == [Ended(End.FINISHED)]


# --- what we do wrong


def test_our_own_mistakes_raise() -> None:
    near, far = bound()
    fresh = SmppSession(SMPP, Role.CLIENT, DEFAULTS, 0.0)
    asked = only(far.receive(near.ask(QUERY_SM, {}, 1, 1.0), 1.0), Asked)
    for wrong in (
        lambda: fresh.ask(QUERY_SM, {}, 1, 0.0),
        lambda: near.ask(SUBMIT_SM, {}, 1, 1.0),
        lambda: near.ask(QUERY_SM, {"message_id": "x" * 65}, 1, 1.0),
        lambda: far.ask(QUERY_SM, {}, 1, 1.0),
        lambda: far.submit_multi([b""], [1], 1.0),
        lambda: near.answer(asked, {}),
        lambda: near.alert({}),
        lambda: near.outbind("a", "b"),
        lambda: near.query("20260101", "", 1, 1.0),
        lambda: near.cancel(1, 1, 1.0),
        lambda: near.respond([], []),
        lambda: far.respond([], [1]),
        lambda: SmppSession(SMPP, Role.CLIENT, replace(DEFAULTS, version=0x30), 0.0),
        lambda: SmppSession(SMPP, Role.CLIENT, replace(DEFAULTS, user="x" * 64), 0.0).start(0.0, 0),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()
    assert near.bound
    assert near.outstanding() == []


def test_a_dialect_without_modes_says_so() -> None:
    session = Session(CMPP, Role.CLIENT, SessionSettings(mode=Mode.RECEIVER), 0.0)
    with pytest.raises(LocalProtocolError) as caught:
        session.start(0.0, 0)
    assert caught.value.code == "wrong_mode"


# --- the same answer twice


def test_two_refusals_of_one_message_settle_it_once() -> None:
    near, _ = bound()
    near.submit([BODY], [1], 1.0)
    twice = nack(codes.RSYSERR, 2) * 2
    events = near.receive(twice, 1.0)
    assert only(events, Answers).answers == [(1, codes.RSYSERR, 0)]
    assert only(events, Unknown).sequence == 2


def test_an_answer_twice_names_the_failures_once_and_keeps_the_order() -> None:
    near, _ = bound()
    near.submit_multi([BODY], [1], 1.0)
    near.submit([BODY], [2], 1.0)
    failures = {"message_id": "7", "unsuccess_sme": [Failure("4916", 1, 1, codes.RINVDSTADR)]}
    multi = encode(Pdu(SUBMIT_MULTI | ANSWER, 2, failures))
    plain = encode(Pdu(SUBMIT_SM | ANSWER, 3, {"message_id": "8"}))
    assert near.receive(plain + multi * 2 + plain, 1.0) == [
        PartlyRefused(1, [("4916", codes.RINVDSTADR)]),
        Answers([(2, 0, 8), (1, 0, 7)]),
    ]
