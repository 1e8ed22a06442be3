"""What only SMPP has, or SMGP: kinds of bind, submit_multi, data_sm, parameters, alphabets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from assent.carrier.link import Link
from assent.flow.customers import Handed, Objection, Wanted
from assent.text import Alphabet, SevenBit, decode
from assent.wire import smgp_tables, smpp_tables, smpp_tlvs
from assent.wire import smpp_codes as codes
from assent.wire.dialect import Mode
from assent.wire.events import PartlyRefused
from assent.wire.smgp import SmgpDialect
from assent.wire.smpp import V33, Destination, body_of
from tests.carrier.conftest import until
from tests.carrier.customers_rig import (
    ACCESS,
    PERSON,
    Desk,
    Memory,
    customer,
    desk,
    receipt_on,
)

__all__ = ["desk"]


def multi(*destinations: Destination) -> bytes:
    return body_of(
        smpp_tables.SUBMIT_MULTI,
        {
            "source_addr": ACCESS, "destinations": list(destinations), "registered_delivery": 1,
            "short_message": b"hello",
        },
    )  # fmt: skip


def session_of(link: Link) -> Any:
    assert link._connection is not None
    return link._connection._session


def write(link: Link, data: bytes) -> None:
    assert link._connection is not None
    link._connection._write(data)


def watch(link: Link) -> list[Any]:
    """The events that the link hears from now on."""
    heard: list[Any] = []
    connection: Any = link._connection
    before = connection._on_event

    def see(event: Any, now: float) -> None:
        heard.append(event)
        before(event, now)

    connection._on_event = see
    return heard


async def test_a_submit_multi_names_whom_it_does_not_reach(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smpp")
    link = await desk.bound(server, "smpp")
    heard = watch(link)
    people = [Destination(f"86{PERSON + place}") for place in range(3)]
    odd = [Destination("friends", 0, 0, 2), Destination("nobody")]
    session = session_of(link)
    for place, receivers in enumerate(([*people, *odd], people, odd)):
        write(link, session.submit_multi([multi(*receivers)], [place], desk.loop.time()))
    await until(lambda: len(desk.customer.answers) == 3)
    results = {token: result for token, result, _ in desk.customer.answers}
    assert results == {0: 0, 1: 0, 2: codes.RINVDSTADR}
    [partly] = [event for event in heard if isinstance(event, PartlyRefused)]
    assert partly.token == 0
    assert partly.refused == [("friends", codes.RINVDLNAME), ("nobody", codes.RINVDSTADR)]
    numbers = [f"86{PERSON + place}" for place in range(3)]
    assert [one.numbers for one in memory.stored] == [numbers, numbers]
    told = {token: message_id for token, _, message_id in desk.customer.answers}
    assert [set(one.ids) for one in memory.stored] == [{told[0]}, {told[1]}]
    memory.post(*[receipt_on(memory.stored[0], place) for place in range(3)])
    server.mail(7)
    await until(lambda: memory.done_ids == [1])
    assert [one.source for one in desk.customer.delivers] == numbers


async def test_a_submit_multi_that_is_not_stored_reaches_nobody(desk: Desk) -> None:
    memory = Memory(customer())
    memory.storing = False
    server = await desk.server(memory, "smpp")
    link = await desk.bound(server, "smpp")
    body = multi(Destination(f"86{PERSON}"), Destination("nobody"))
    write(link, session_of(link).submit_multi([body], [1], desk.loop.time()))
    await until(lambda: desk.customer.answers)
    assert desk.customer.results == [codes.RMSGQFUL]


async def one(desk: Desk, fields: Mapping[str, Any], command: int = smpp_tables.SUBMIT_SM,
              **more: Any) -> Handed | int:  # fmt: skip
    """What becomes of a message with these fields: as it is stored, or its refusal."""
    memory = Memory(customer())
    server = await desk.server(memory, "smpp", **more)
    link = await desk.bound(server, "smpp")
    whole = {"source_addr": ACCESS, "destination_addr": f"86{PERSON}"} | dict(fields)
    body, session = body_of(command, whole), session_of(link)
    send = session.send_data if command == smpp_tables.DATA_SM else session.submit
    write(link, send([body], [1], desk.loop.time()))
    await until(lambda: desk.customer.answers)
    return desk.customer.results[0] or memory.stored[0]


async def test_a_message_payload_is_read(desk: Desk) -> None:
    text = "好" * 500
    payload = smpp_tlvs.pair("message_payload", text.encode("utf-16-be"))
    got = await one(desk, {"data_coding": 8, "tlvs": [payload]})
    assert isinstance(got, Handed)
    assert got.content.decode("utf-16-be") == text
    assert got.wanted is Wanted.NONE


async def test_a_data_sm_is_a_submit(desk: Desk) -> None:
    tlvs = [
        smpp_tlvs.pair("message_payload", b"hello"),
        smpp_tlvs.pair("qos_time_to_live", 600),
        *smpp_tlvs.pairs(
            {"sar_msg_ref_num": 300, "sar_total_segments": 3, "sar_segment_seqnum": 2}
        ),
    ]
    fields = {"tlvs": tlvs, "registered_delivery": 1}
    got = await one(desk, fields, smpp_tables.DATA_SM)
    assert isinstance(got, Handed)
    assert got.content == b"hello"
    assert got.part == (300, 3, 2)
    assert got.expires_at is not None
    assert 500 < got.expires_at - desk.clock.now() <= 600
    assert desk.customer.answers[0][2] == got.ids[0]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"data_coding": 4, "short_message": b"\0"}, codes.RINVDCS),
        ({"data_coding": 5, "short_message": b"\0"}, codes.RINVDCS),
        ({"schedule_delivery_time": "269926080000032+"}, codes.RINVSCHED),
        ({"validity_period": "2609260800000zz+"}, codes.RINVEXPIRY),
        ({"source_addr": "1" * 30}, codes.RINVSRCADR),
        ({"destination_addr": "1" * 30}, codes.RINVDSTADR),
    ],
)
async def test_what_cannot_be_read_is_refused_by_its_field(
    desk: Desk, fields: dict[str, Any], code: int
) -> None:
    wide = any(len(str(value)) == 30 for value in fields.values())
    command = smpp_tables.DATA_SM if wide else smpp_tables.SUBMIT_SM
    assert await one(desk, fields, command) == code


@pytest.mark.parametrize("seven_bit", list(SevenBit))
async def test_the_default_alphabet_is_a_setting(desk: Desk, seven_bit: SevenBit) -> None:
    got = await one(desk, {"short_message": b"a@\0"}, seven_bit=seven_bit)
    assert isinstance(got, Handed)
    assert got.alphabet is Alphabet.GSM7
    assert got.seven_bit is seven_bit
    text = decode(got.content, got.alphabet, seven_bit=got.seven_bit)
    assert text == ("a¡@" if seven_bit is SevenBit.GSM else "a@\0")


@pytest.mark.parametrize(
    ("coding", "alphabet"),
    [(1, Alphabet.LATIN1), (3, Alphabet.LATIN1), (8, Alphabet.UCS2), (0xF1, Alphabet.GSM7)],
)
async def test_data_codings(desk: Desk, coding: int, alphabet: Alphabet) -> None:
    got = await one(desk, {"data_coding": coding, "short_message": b"\0a"})
    assert isinstance(got, Handed)
    assert got.alphabet is alphabet


async def test_a_receiver_submits_nothing(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smpp")
    link = await desk.bound(server, "smpp", quirk={"mode": Mode.RECEIVER})
    raw = session_of(link)
    raw._sends = True
    desk.send(link, 1)
    await until(lambda: desk.customer.answers)
    assert desk.customer.results == [codes.RINVBNDSTS]


async def test_an_esme_before_3_4_gets_no_parameters(desk: Desk) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smpp")
    link = await desk.bound(server, "smpp", version=V33)
    desk.send(link, 1)
    await until(lambda: memory.stored)
    memory.post(receipt_on(memory.stored[0]))
    server.mail(7)
    await until(lambda: memory.done_ids)
    [deliver] = desk.customer.delivers
    assert not deliver.tlvs  # type: ignore[attr-defined]  # an SmppDeliver
    assert deliver.report().message_id == memory.stored[0].ids[0]


@pytest.mark.parametrize("mode", [smgp_tables.SEND, smgp_tables.RECEIVE])
async def test_smgp_logins_say_which_way(desk: Desk, mode: int) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, "smgp")
    link = desk.bind(server, "smgp")
    dialect = SmgpDialect(login_mode=mode)
    made = link.kit
    opened = made.session

    def session(settings: Any, now: float) -> Any:
        ours = opened(settings, now)
        ours._codec = dialect.codec(settings.version)
        return ours

    object.__setattr__(made, "session", session)
    await until(lambda: link.state.value == "bound")
    desk.send(link, 1)
    await until(lambda: desk.customer.answers)
    memory.post(receipt_on(memory.stored[0]) if memory.stored else receipt_on(handed()))
    server.mail(7)
    if mode == smgp_tables.SEND:
        assert desk.customer.results == [0]
        assert not server.logins[7].outlet.lines
    else:
        assert desk.customer.results == [server.tongues["smgp"].dialect.codes.command]
        await until(lambda: memory.done_ids == [1])


def handed() -> Handed:
    """A message that was handed in some time."""
    return Handed(
        customer(), "smgp", ACCESS, [str(PERSON)], [5_000_000_000_000], Alphabet.UCS2,
        SevenBit.ASCII, b"\0a", None, Wanted.ALWAYS,
    )  # fmt: skip


async def test_an_objection_comes_before_what_is_stored(desk: Desk) -> None:
    memory = Memory(customer())
    memory.storing = None
    memory.objects = lambda handed: Objection.SOURCE
    server = await desk.server(memory, "smpp")
    link = await desk.bound(server, "smpp")
    desk.send(link, 3)
    await until(lambda: len(desk.customer.answers) == 3)
    assert memory.groups == []
