"""What must hold for any octets at all, in each dialect. Used by the coverage-guided targets beside
this module and by the test that replays their seeds.

An input is one octet that chooses a session (`KINDS`), then the stream that it hears.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from assent.errors import LocalProtocolError
from assent.wire import cmpp, sgip, smgp, smpp
from assent.wire.events import Answers, BindAsked, Delivers, Ended, Event, Overrun, Send, Submits
from assent.wire.explain import explain, explain_all
from assent.wire.frame import MalformedPdu
from assent.wire.session import Role, Session, SessionSettings
from tests.wire import smpp_talk, talk

SGIP_FIRST = sgip.first_sequence(sgip.sp_node("021", "12345"), 1_772_323_200.0)


@dataclass(frozen=True)
class Target:
    """A dialect: how one PDU is read and written in each version, and the sessions to try."""

    explained: tuple[str, ...]
    decodes: tuple[Callable[[bytes], Any], ...]
    encodes: tuple[Callable[[Any], bytes], ...]
    sessions: dict[str, Callable[[], Session]]


# --- sessions


def _asked(near: Session, far: Session) -> BindAsked:
    return talk.only(far.receive(near.start(0.0, talk.STAMP), 0.0), BindAsked)


def _bind(near: Session, far: Session, secret: str) -> None:
    near.receive(talk.sent(far.accept(_asked(near, far), secret, 0.0)), 0.0)
    assert near.bound
    assert far.bound


def _asked_server(make_near: Callable[[], Session], make_far: Callable[[], Session]) -> Session:
    far = make_far()
    _asked(make_near(), far)
    return far


def _binding_client(make_near: Callable[[], Session]) -> Session:
    near = make_near()
    near.start(0.0, talk.STAMP)
    return near


@dataclass(frozen=True)
class Ends:
    """How the two ends of a connection are made, and what each says once bound."""

    near: Callable[[], Session]
    far: Callable[[], Session]
    secret: str
    near_says: Callable[[Session], Any]
    far_says: Callable[[Session], Any]

    def end(self, client: bool, draining: bool) -> Session:
        near, far = self.near(), self.far()
        _bind(near, far, self.secret)
        one = near if client else far
        (self.near_says if client else self.far_says)(one)
        if draining:
            one.finish(0.0)
        return one

    def kinds(self, name: str = "") -> dict[str, Callable[[], Session]]:
        return {
            f"{name}new server": self.far,
            f"{name}asked server": partial(_asked_server, self.near, self.far),
            f"{name}binding client": partial(_binding_client, self.near),
            f"{name}bound client": partial(self.end, True, False),
            f"{name}bound server": partial(self.end, False, False),
            f"{name}draining client": partial(self.end, True, True),
            f"{name}draining server": partial(self.end, False, True),
        }


def _cmpp(version: int) -> Ends:
    body = cmpp.SubmitForm(version).body(b"13800138000", b"hello", 0)
    report = cmpp.deliver_body(
        version, message_id=7, destination="1069", source="13800138000", content=b"TD"
    )

    def near_says(session: Session) -> None:
        session.submit([body] * 12, range(12), 0.0)
        session.cancel(1, 20, 0.0)
        session.query("20260101", "", 21, 0.0)

    return Ends(
        lambda: talk.client(version=version),
        lambda: talk.server(version=version, peer_window=2),
        talk.SECRET,
        near_says,
        lambda session: session.deliver([report] * 3, [1, 2, 3], 0.0),
    )


def _sgip(login_type: int) -> Ends:
    submit = sgip.SgipForm(sgip.SP_TO_SMG).body(b"13000001111", b"hello", 0)
    report = sgip.report_body(submit_sequence=SGIP_FIRST + 1, user_number="8613000001111")
    deliver = sgip.deliver_body(destination="1065", source="8613000001111", content=b"TD")

    def make(role: Role, version: int, **more: Any) -> Session:
        given: dict[str, Any] = {"first_sequence": SGIP_FIRST, "version": version, **more}
        return sgip.SgipSession(sgip.SGIP, role, SessionSettings(**given), 0.0)

    def near_says(session: Session) -> None:
        if login_type == sgip.SP_TO_SMG:
            session.submit([submit] * 5, range(5), 0.0)
        else:
            session.deliver([report, deliver], [1, 2], 0.0)

    return Ends(
        lambda: make(Role.CLIENT, login_type, user="sp", secret="pw"),
        lambda: make(Role.SERVER, sgip.EITHER, peer_window=2),
        "pw",
        near_says,
        lambda session: None,
    )


def _smgp(version: int) -> Ends:
    submit = smgp.SmgpForm(version).body(b"13300001111", b"hello", 15)
    deliver = smgp.deliver_body(
        message_id=77, destination="1069", source="13300001111", content=b"TD"
    )

    def make(role: Role, **more: Any) -> Session:
        return Session(smgp.SMGP, role, SessionSettings(version=version, **more), 0.0)

    def near_says(session: Session) -> None:
        session.submit([submit] * 5, range(5), 0.0)
        session.query("20260101", "", 21, 0.0)

    return Ends(
        lambda: make(Role.CLIENT, user="12345678", secret="pw"),
        lambda: make(Role.SERVER, peer_window=2),
        "pw",
        near_says,
        lambda session: session.deliver([deliver] * 3, [1, 2, 3], 0.0),
    )


def _smpp() -> Ends:
    def near_says(session: Session) -> None:
        assert isinstance(session, smpp.SmppSession)
        session.submit([smpp_talk.BODY] * 4, range(4), 0.0)
        session.submit_multi([smpp_talk.BODY], [6], 0.0)
        session.ask(0x03, {}, 7, 0.0)

    return Ends(
        smpp_talk.esme,
        lambda: smpp_talk.smsc(peer_window=2),
        smpp_talk.SECRET,
        near_says,
        lambda session: session.deliver([smpp_talk.MO] * 3, [1, 2, 3], 0.0),
    )


TARGETS = {
    "cmpp": Target(
        ("cmpp2", "cmpp3"),
        (partial(cmpp.decode, version=cmpp.V20), partial(cmpp.decode, version=cmpp.V30)),
        (partial(cmpp.encode, version=cmpp.V20), partial(cmpp.encode, version=cmpp.V30)),
        {**_cmpp(cmpp.V20).kinds("2.0 "), **_cmpp(cmpp.V30).kinds("3.0 ")},
    ),
    "sgip": Target(
        ("sgip",),
        (sgip.decode,),
        (sgip.encode,),
        {**_sgip(sgip.SP_TO_SMG).kinds("up "), **_sgip(sgip.SMG_TO_SP).kinds("down ")},
    ),
    "smgp": Target(
        ("smgp",),
        (partial(smgp.decode, version=smgp.V13), partial(smgp.decode, version=smgp.V30)),
        (partial(smgp.encode, version=smgp.V13), partial(smgp.encode, version=smgp.V30)),
        {**_smgp(smgp.V13).kinds("1.3 "), **_smgp(smgp.V30).kinds("3.0 ")},
    ),
    "smpp": Target(("smpp",), (smpp.decode,), (smpp.encode,), _smpp().kinds()),
}


# --- one PDU

# What an SMPP peer may write and we do not: times of other lengths, 255 octets of short_message,
# 255 receivers.
_READ_ONLY = {"field_time", "field_too_long", "field_range"}


def check_pdu(dialect: str, data: bytes) -> None:
    """The octets are a PDU, which comes back equal when it is written again, or they are
    malformed at one of them."""
    target = TARGETS[dialect]
    for decode, encode in zip(target.decodes, target.encodes, strict=True):
        pdu = _pdu_or_fault(decode, data)
        if isinstance(pdu, MalformedPdu):
            assert pdu.at is None or 0 <= pdu.at <= len(data)
            continue
        octets = _octets_or_fault(encode, pdu)
        if isinstance(octets, LocalProtocolError):
            assert dialect == "smpp"
            assert octets.code in _READ_ONLY
            continue
        again = decode(octets)
        if pdu.fields:
            assert again == pdu
        else:  # an SMPP answer without its body has got one
            assert (again.command, again.sequence) == (pdu.command, pdu.sequence)
        assert encode(again) == octets


def _pdu_or_fault(decode: Callable[[bytes], Any], data: bytes) -> Any:
    try:
        return decode(data)
    except MalformedPdu as error:
        return error


def _octets_or_fault(encode: Callable[[Any], bytes], pdu: Any) -> bytes | LocalProtocolError:
    try:
        return encode(pdu)
    except LocalProtocolError as error:
        return error


def check_explanation(dialect: str, data: bytes) -> None:
    """Every octet of a PDU is explained, and an explanation finds a fault where decoding does."""
    target = TARGETS[dialect]
    readable = [
        not isinstance(_pdu_or_fault(decode, data), MalformedPdu) for decode in target.decodes
    ]
    if dialect == "smgp":  # one explanation for both versions; what only 1.3 has is a Submit
        readable = [readable[1] or (readable[0] and data[4:8] == b"\0\0\0\2")]
    for name, good in zip(target.explained, readable, strict=True):
        explained = explain(name, data)
        json.dumps([explained.command, explained.sequence, explained.fields(), explained.text])
        at = 0
        for note in explained.notes:
            assert note.clause
            if note.group != "report":
                assert note.at == at, note
                at += note.size
        fault = explained.fault
        assert (fault is None) == good, fault
        assert at == len(data) if fault is None else 0 <= fault.at <= len(data)
        assert sum(one.octets for one in explain_all(name, data)) <= len(data)


def reframed(data: bytes) -> bytes:
    """The same octets with the length that they have, so that the body is looked at."""
    return len(data).to_bytes(4, "big") + data[4:]


# --- a stream


def _look(event: Event) -> None:
    """Whatever an owner may ask of a message has an answer or is MalformedPdu."""
    if isinstance(event, Delivers):
        for deliver in event.delivers:
            assert isinstance(deliver.fields(), dict)
            assert isinstance(deliver.content, bytes)
            assert isinstance(deliver.source + deliver.destination, str)
            try:
                assert deliver.report().message_id >= 0
            except MalformedPdu:
                continue
    elif isinstance(event, Submits):
        for submit in event.submits:
            assert isinstance(submit.fields(), dict)
            assert isinstance(submit.content, bytes)
            assert isinstance(submit.destinations, list)
            assert isinstance(submit.src_id + submit.msg_src + submit.service_id, str)


def _meaning(events: list[Event]) -> list[object]:
    """Events with what is aggregated a read pulled apart, in an order of their own."""
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
        flat += _cut(b"".join(event.data for event in events if isinstance(event, Send)))
    return sorted(flat, key=repr)


def _cut(data: bytes) -> list[bytes]:
    found = []
    while data:
        size = int.from_bytes(data[:4], "big")
        assert 0 < size <= len(data)
        found.append(data[:size])
        data = data[size:]
    return found


def check_stream(dialect: str, kind: int, data: bytes) -> None:
    """A session makes events of any octets, the same ones whatever the reads they come in."""
    sessions = list(TARGETS[dialect].sessions.values())
    make = sessions[kind % len(sessions)]
    whole, split = make(), make()
    expected = whole.receive(data, 1.0)
    assert sum(isinstance(event, Ended) for event in expected) == whole.ended
    assert not whole.ended or isinstance(expected[-1], Ended)
    for event in expected:
        _look(event)
    chance = random.Random(zlib.crc32(data))
    got: list[Event] = []
    at = 0
    while at < len(data):
        step = chance.choice((1, 3, 11, 12, 40, 200))
        got += split.receive(data[at : at + step], 1.0)
        at += step
    assert _meaning(got) == _meaning(expected)
    assert split.state is whole.state
    assert split.unanswered == whole.unanswered
    assert split.outstanding() == whole.outstanding()
    for when in (2.0, 61.0, 400.0):
        whole.tick(when)
        deadline = whole.next_deadline()
        assert deadline is None or deadline > when


def check(dialect: str, data: bytes) -> None:
    """All of it for one input."""
    if not data:
        return
    kind, stream = data[0], data[1:]
    check_pdu(dialect, stream)
    check_explanation(dialect, stream)
    check_stream(dialect, kind, stream)
    if len(stream) >= 8 and stream[:4] != reframed(stream)[:4]:
        check_pdu(dialect, reframed(stream))
        check_explanation(dialect, reframed(stream))
        check_stream(dialect, kind, reframed(stream))
