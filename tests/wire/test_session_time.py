"""What a session does when nothing comes: T, N, C, and how it ends."""

from __future__ import annotations

import pytest

from assent.wire.cmpp import Pdu, SubmitForm, decode, encode
from assent.wire.cmpp_tables import ACTIVE_TEST, ANSWER, SUBMIT, TERMINATE
from assent.wire.events import (
    Answers,
    End,
    Ended,
    Send,
    Submits,
    Unanswered,
    Unsure,
)
from assent.wire.session import State
from assent.wire.window import Window
from tests.wire.talk import STAMP, bound, client, only, sent, server

BODY = SubmitForm(0x30).body(b"13800138000", b"hello", 0)
TEST_RESP_WITHOUT_OCTET = bytes.fromhex("0000000c8000000800000002")


def test_a_submit_is_never_sent_again() -> None:
    near, _ = bound({"heartbeat_s": 1000.0})
    near.submit([BODY, BODY], [1, 2], 10.0)
    assert near.next_deadline() == 70.0
    assert near.tick(69.9) == []
    assert near.tick(70.0) == [Unsure([1, 2], False)]
    assert near.outstanding() == []
    assert near.bound
    assert near.tick(200.0) == []


def test_a_later_answer_proves_that_the_bytes_had_left() -> None:
    near, far = bound()
    far.receive(near.submit([BODY], [1], 10.0), 10.0)
    [second] = only(far.receive(near.submit([BODY], [2], 11.0), 11.0), Submits).submits
    near.receive(far.respond([second], [22]), 11.0)
    assert near.tick(70.0) == [Unsure([1], True)]


def test_a_late_answer_settles_what_was_unsure() -> None:
    near, far = bound()
    submits = only(far.receive(near.submit([BODY], [1], 10.0), 10.0), Submits).submits
    near.tick(70.0)
    octets = far.respond(submits, [5])
    assert near.receive(octets, 71.0) == [Answers([(1, 0, 5)])]
    assert near.receive(octets, 71.0) == []


def test_deadlines_follow_the_oldest_message() -> None:
    near, far = bound({"heartbeat_s": 1000.0})
    first = only(far.receive(near.submit([BODY], [1], 10.0), 10.0), Submits).submits
    second = only(far.receive(near.submit([BODY], [2], 20.0), 20.0), Submits).submits
    assert near.next_deadline() == 70.0
    near.receive(far.respond(first, [1]), 21.0)
    assert near.next_deadline() == 80.0
    near.receive(far.respond(second, [2]), 22.0)
    assert near.next_deadline() == 1022.0


def test_questions_are_given_up_after_t() -> None:
    near, _ = bound({"heartbeat_s": 1000.0})
    near.query("20260101", "", 5, 10.0)
    near.cancel(9, 6, 11.0)
    assert near.next_deadline() == 70.0
    assert near.tick(70.0) == [Unanswered([5])]
    assert near.tick(71.0) == [Unanswered([6])]


def test_connect_is_tried_n_times() -> None:
    near = client()
    octets = near.start(0.0, STAMP)
    assert near.next_deadline() == 60.0
    assert near.tick(60.0) == [Send(octets)]
    assert near.tick(120.0) == [Send(octets)]
    assert near.tick(180.0) == [Ended(End.NO_BIND)]
    assert near.tick(999.0) == []


def test_a_server_waits_t_for_a_bind() -> None:
    far = server(response_s=5.0)
    assert far.tick(4.9) == []
    assert far.tick(5.0) == [Ended(End.NO_BIND)]


def test_a_server_that_was_asked_waits_for_its_owner() -> None:
    far = server()
    far.receive(client().start(0.0, STAMP), 0.0)
    assert far.next_deadline() is None
    assert far.tick(9999.0) == []


def test_heartbeat() -> None:
    near, far = bound()
    assert near.next_deadline() == 180.0
    probe = near.tick(180.0)
    answer = sent(far.receive(sent(probe), 180.0))
    assert decode(answer, 0x30).command == ACTIVE_TEST | ANSWER
    assert near.next_deadline() == 240.0
    assert near.receive(answer, 181.0) == []
    assert near.next_deadline() == 361.0


def test_an_answer_without_its_octet_counts() -> None:
    near, _ = bound()
    near.tick(180.0)
    assert near.receive(TEST_RESP_WITHOUT_OCTET, 181.0) == []
    assert near.next_deadline() == 361.0


def test_silence_ends_after_n_heartbeats() -> None:
    near, _ = bound()
    near.submit([BODY], [1], 170.0)
    first = near.tick(180.0)
    assert near.tick(240.0) == [Unsure([1], False), *first]
    assert near.tick(300.0) == first
    assert near.tick(360.0) == [Ended(End.SILENT)]


def test_octets_that_are_no_whole_pdu_are_no_sign_of_life() -> None:
    near, _ = bound()
    near.receive(b"\0\0\0", 100.0)
    assert near.next_deadline() == 180.0


def test_graceful_end() -> None:
    near, far = bound()
    octets = near.finish(1.0)
    assert near.credit == 0
    assert decode(octets, 0x30).command == TERMINATE
    events = far.receive(octets, 1.0)
    assert events[-1] == Ended(End.PEER_FINISHED)
    assert near.receive(sent(events), 1.0) == [Ended(End.FINISHED)]


def test_the_end_waits_for_answers() -> None:
    near, far = bound()
    submits = only(far.receive(near.submit([BODY] * 2, [1, 2], 1.0), 1.0), Submits).submits
    assert near.finish(1.0) == b""
    assert near.finish(1.0) == b""
    assert near.credit == 0
    assert near.receive(far.respond(submits[:1], [1]), 2.0) == [Answers([(1, 0, 1)])]
    answers, ending = near.receive(far.respond(submits[1:], [2]), 3.0)
    assert answers == Answers([(2, 0, 2)])
    assert isinstance(ending, Send)
    assert near.state is State.ENDING
    assert near.next_deadline() == 63.0
    assert near.tick(63.0) == [Ended(End.ABANDONED)]


def test_the_end_waits_no_longer_than_t() -> None:
    near, _ = bound()
    near.submit([BODY], [1], 1.0)
    near.finish(2.0)
    unsure, ending = near.tick(61.0)
    assert unsure == Unsure([1], False)
    assert decode(sent([ending]), 0x30).command == TERMINATE


def test_both_ends_finish_at_once() -> None:
    near, far = bound()
    ours, theirs = near.finish(1.0), far.finish(1.0)
    assert near.receive(theirs, 1.0)[-1] == Ended(End.PEER_FINISHED)
    assert far.receive(ours, 1.0)[-1] == Ended(End.PEER_FINISHED)


@pytest.mark.parametrize("asked", [False, True])
def test_finish_before_the_bind_ends_at_once(asked: bool) -> None:
    near = client()
    if asked:
        near.start(0.0, STAMP)
    assert near.finish(0.0) == b""
    assert near.ended


def test_a_lost_transport_ends_once_and_keeps_the_tokens() -> None:
    near, _ = bound()
    near.submit([BODY] * 2, [1, 2], 1.0)
    assert near.lost() == [Ended(End.LOST)]
    assert near.lost() == []
    assert near.outstanding() == [1, 2]
    assert near.receive(encode(Pdu(SUBMIT | ANSWER, 2, {}), 0x30), 1.0) == []


def test_one_message_without_answer_does_not_keep_the_history_of_others() -> None:
    window = Window(4)
    window.add(range(1), [0], 0.0)
    for i in range(1, 10_000):
        window.add(range(i, i + 1), [i], i / 1000)
        window.settle([(i, 0, 0)])
    assert len(window._writes) < 200
    assert window.oldest_at() == 0.0
    assert window.expire(60.0) == ([0], True)
