"""Customers bind to us and hand in submits: real sockets, our own links as their software."""

from __future__ import annotations

from ipaddress import ip_network
from random import Random
from typing import Any

import pytest

from assent.carrier.customer_settings import CustomerSettings, Door
from assent.carrier.customers import CustomerServer
from assent.carrier.link import Link
from assent.carrier.pdu_tap import PduQueue, PduTap
from assent.clock import ManualClock, SystemClock
from assent.flow.customers import CustomerReply, Inquired, Objection, Wanted
from assent.text import Alphabet, segment
from assent.wire import cmpp, smgp, smpp_tables
from assent.wire import smpp_codes as codes
from assent.wire.explain import explain
from tests.carrier.conftest import until
from tests.carrier.customers_rig import (
    ACCESS,
    LOGIN,
    PERSON,
    Desk,
    Memory,
    customer,
    desk,
    every_dialect,
    key_of,
    receipt_on,
)


@every_dialect
async def test_a_submit_is_answered_when_it_is_stored(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 3)
    await until(lambda: memory.waiting == 3)
    assert desk.customer.answers == []
    while memory.held:
        memory.settle(True)
    await until(lambda: len(desk.customer.answers) == 3)
    assert desk.customer.results == [0, 0, 0]
    told = [message_id for _, _, message_id in desk.customer.answers]
    assert told == [key_of(handed) for handed in memory.stored]
    first = memory.stored[0]
    assert first.source == ACCESS
    assert [number.removeprefix("86") for number in first.numbers] == [str(PERSON)]
    assert first.content.decode("utf-16-be") == "验证码"
    assert first.alphabet is Alphabet.UCS2
    assert first.part is None
    assert first.wanted is Wanted.ALWAYS
    assert first.dialect == dialect
    assert first.not_before is first.expires_at is None


@every_dialect
async def test_receipts_and_replies_are_pushed_and_done_when_acknowledged(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 2)
    await until(lambda: len(desk.customer.answers) == 2)
    receipts = [receipt_on(one) for one in memory.stored]
    reply = CustomerReply(99, f"86{PERSON}", ACCESS, "退订", 1_790_000_000.0)
    memory.post(*receipts)
    memory.post(reply)
    server.mail(7)
    await until(lambda: memory.done_ids == [1, 2])
    one, two, mobile = desk.customer.delivers
    assert [link.kit.receiver(d, d.report()) for d in (one, two)] == [r.number for r in receipts]
    assert [d.report().message_id for d in (one, two)] == [key_of(h) for h in memory.stored]
    assert one.report().stat == "DELIVRD"
    assert mobile.content.decode("utf-16-be") == "退订"
    assert mobile.destination == ACCESS
    assert mobile.source == (f"86{PERSON}" if dialect in ("smpp", "sgip") else str(PERSON))
    figures = server.health()["logins"][0]
    assert figures["receipts_acknowledged"] == 2
    assert figures["replies_acknowledged"] == 1
    assert figures["in_flight"] == 0


__all__ = ["desk"]
WRONG_SECRET = {"cmpp": 3, "sgip": 1, "smgp": 21, "smpp": codes.RINVPASWD}
WRONG_ADDRESS = {"cmpp": 2, "sgip": 1, "smgp": 20, "smpp": codes.RBINDFAIL}
TOO_MANY = {"cmpp": 5, "sgip": 3, "smgp": 2, "smpp": codes.RALYBND}


async def refusal(desk: Desk, link: Link) -> int:
    """The status with which a link's bind was refused."""
    await until(lambda: any(state == "refused" for name, state, _ in desk.customer.states
                            if name == link.name))  # fmt: skip
    details = [detail for name, state, detail in desk.customer.states
               if name == link.name and state == "refused" and "status" in detail]  # fmt: skip
    return int(details[0].split()[-1 if "speaks" not in details[0] else 1].rstrip(","))


@every_dialect
@pytest.mark.parametrize("wrong", ["secret", "unknown", "inactive", "dialect"])
async def test_strangers_and_wrong_secrets_hear_the_same(
    desk: Desk, dialect: str, wrong: str
) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    more: dict[str, Any] = {}
    if wrong == "secret":
        more["secret"] = "999999"
    elif wrong == "unknown":
        more["user"] = "900002"
    elif wrong == "inactive":
        memory.change(active=False)
    else:
        memory.change(dialects=frozenset({"none"}))
    link = desk.bind(server, dialect, reconnect_base_s=9.0, **more)
    assert await refusal(desk, link) == WRONG_SECRET[dialect]
    await until(lambda: not server.lines)
    health = server.health()
    assert health["binds_refused"] + sum(one["binds_refused"] for one in health["logins"]) == 1


@every_dialect
async def test_an_address_that_is_not_registered_is_refused_once_the_secret_is_right(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer(allowed=(ip_network("10.0.0.0/8"),)))
    server = await desk.server(memory, dialect)
    link = desk.bind(server, dialect, reconnect_base_s=9.0)
    assert await refusal(desk, link) == WRONG_ADDRESS[dialect]
    wrong = desk.bind(server, dialect, reconnect_base_s=9.0, secret="999999")
    assert await refusal(desk, wrong) == WRONG_SECRET[dialect]


@every_dialect
async def test_no_more_binds_than_the_login_may_have(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(binds=1))
    server = await desk.server(memory, dialect)
    first = await desk.bound(server, dialect)
    second = desk.bind(server, dialect, reconnect_base_s=0.05)
    assert await refusal(desk, second) == TOO_MANY[dialect]
    await first.stop()
    await until(lambda: second.state.value == "bound")


@every_dialect
async def test_what_cannot_be_stored_is_answered_busy(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    memory.storing = False
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 2)
    await until(lambda: len(desk.customer.answers) == 2)
    assert set(desk.customer.results) <= link.kit.codes.throttled
    assert memory.stored == []
    assert server.health()["logins"][0]["busy"] == 2


OBJECTIONS = {
    "cmpp": {"SOURCE": 10, "DESTINATION": 13, "CODING": 1, "LENGTH": 6, "TIME": 1, "BUSY": 8},
    "sgip": {"SOURCE": 5, "DESTINATION": 6, "CODING": 5, "LENGTH": 8, "TIME": 5, "BUSY": 11},
    "smgp": {"SOURCE": 46, "DESTINATION": 47, "CODING": 34, "LENGTH": 36, "TIME": 35, "BUSY": 1},
    "smpp": {
        "SOURCE": codes.RINVSRCADR, "DESTINATION": codes.RINVDSTADR, "CODING": codes.RINVDCS,
        "LENGTH": codes.RINVMSGLEN, "TIME": codes.RINVEXPIRY, "BUSY": codes.RMSGQFUL,
    },
}  # fmt: skip


@every_dialect
async def test_objections_are_told_in_the_dialect_and_the_others_are_stored(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    wrong = dict(zip(range(PERSON, PERSON + 12, 2), Objection, strict=True))
    memory.objects = lambda handed: wrong.get(int(handed.numbers[0].removeprefix("86")))
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    tokens = desk.send(link, 12)
    await until(lambda: len(desk.customer.answers) == 12)
    results = {token: result for token, result, _ in desk.customer.answers}
    for place, objection in enumerate(Objection):
        assert results[tokens[2 * place]] == OBJECTIONS[dialect][objection.name]
        assert results[tokens[2 * place + 1]] == 0
    assert len(memory.stored) == 6


@every_dialect
async def test_parts_of_a_long_message_say_which_they_are(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    text = "您好" * 60
    short = segment(text, Alphabet.UCS2, reference=0x2E)
    long = segment(text, Alphabet.UCS2, reference=0x1234, header=7)
    for parts in (short, long):
        for place, content in enumerate(parts, 1):
            desk.send(link, 1, content, 8, 1, pk_total=len(parts), pk_number=place)
    await until(lambda: len(memory.stored) == 4)
    assert [one.part for one in memory.stored] == [
        (0x2E, 2, 1), (0x2E, 2, 2), (0x1234, 2, 1), (0x1234, 2, 2),
    ]  # fmt: skip
    for pair in (memory.stored[:2], memory.stored[2:]):
        assert b"".join(one.content for one in pair).decode("utf-16-be") == text


@every_dialect
async def test_a_header_that_says_more_than_the_part_is_no_text(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    for header in (b"\x06\x05\x04\x0b\x84\x23\xf0", b"\x05\x00\x03\x01\x02\x03", b"\x30\x00"):
        desk.send(link, 1, header + b"\0a", 8, 1)
    desk.send(link, 1, b"\0a", 4)
    await until(lambda: len(desk.customer.answers) == 4)
    assert desk.customer.results == [OBJECTIONS[dialect]["CODING"]] * 4
    assert memory.stored == []


@every_dialect
async def test_the_rate_holds_over_all_binds_of_a_login(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(rate=20, window=100))
    server = await desk.server(memory, dialect)
    links = [await desk.bound(server, dialect, window=50) for _ in range(2)]
    for link in links:
        desk.send(link, 30)
    await until(lambda: len(desk.customer.answers) == 60)
    accepted = desk.customer.results.count(0)
    assert 20 <= accepted <= 30
    assert accepted == len(memory.stored)
    throttled = {result for result in desk.customer.results if result}
    assert throttled == {server.tongues[dialect].dialect.codes.flow_control}
    assert server.health()["logins"][0]["throttled"] == 60 - accepted


@every_dialect
async def test_more_than_the_window_is_refused(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(window=4))
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect, window=32)
    desk.send(link, 10)
    await until(lambda: len(desk.customer.answers) == 6)
    assert memory.waiting == 4
    while memory.held:
        memory.settle(True)
    await until(lambda: len(desk.customer.answers) == 10)
    assert desk.customer.results.count(0) == 4
    assert server.health()["logins"][0]["overrun"] == 6


@every_dialect
async def test_what_a_fallen_connection_handed_in_is_stored_and_not_answered(
    desk: Desk, dialect: str
) -> None:
    memory = Memory(customer())
    memory.storing = None
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 2)
    await until(lambda: memory.waiting == 2)
    link.abort("cut")
    await until(lambda: len(desk.customer.losses) == 2)
    await until(lambda: link.state.value == "bound")
    while memory.held:
        memory.settle(True)
    desk.send(link, 1)
    memory.storing = True
    await until(lambda: memory.held or memory.waiting == 0)
    memory.storing = True
    await until(lambda: len(desk.customer.answers) == 1)
    assert len(memory.stored) == 3


@every_dialect
async def test_ids_are_told_once(desk: Desk, dialect: str) -> None:
    memory = Memory(customer(window=500))
    server = await desk.server(memory, dialect)
    links = [await desk.bound(server, dialect, window=500, place=i) for i in range(2)]
    for link in links:
        desk.send(link, 400)
    await until(lambda: len(desk.customer.answers) == 800)
    assert len({message_id for _, _, message_id in desk.customer.answers}) == 800
    assert len({(one.node, one.ids[0]) for one in memory.stored}) == 800
    assert all(0 < one.ids[0] < 1 << 64 for one in memory.stored)


@pytest.mark.parametrize("dialect", ["cmpp", "smgp", "smpp"])  # in SGIP they are the customer's
async def test_ids_are_not_told_again_after_a_restart(dialect: str) -> None:
    settings = CustomerSettings(doors={dialect: Door()})
    clock, seen = ManualClock(1_790_000_000.5), set[int]()
    for _ in range(100):
        server = CustomerServer(settings, Memory(), clock, Random(1))
        for _ in range(2):
            ids = server.tongues[dialect].take(300, clock.now())
            assert not seen & set(ids)
            seen |= set(ids)
            clock.advance(0.02)
    assert len(seen) == 60_000


SEVERAL = ("cmpp", "sgip", "smgp")


@pytest.mark.parametrize("dialect", SEVERAL)
async def test_a_submit_to_several_gets_an_id_for_each(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    numbers = [b"%d" % (PERSON + i) for i in range(5)]
    if dialect == "cmpp":
        body = group_body(numbers, "您好".encode("utf-16-be"))
    else:
        form: Any = link.kit.form("", ACCESS)
        body = form.group_body(numbers, "您好".encode("utf-16-be"), 8)
    desk.customer.queue.append((1, body))
    link.kick()
    await until(lambda: desk.customer.answers)
    [handed] = memory.stored
    assert [number.removeprefix("86") for number in handed.numbers] == [n.decode() for n in numbers]
    first = desk.customer.answers[0][2]
    assert key_of(handed) == first
    if dialect == "sgip":
        assert len(set(handed.ids)) == 1
    elif dialect == "cmpp":
        assert handed.ids == list(range(first, first + 5))
    else:
        assert handed.ids == smgp.run_of(first, 5)
    memory.post(*[receipt_on(handed, place) for place in range(5)])
    server.mail(7)
    await until(lambda: memory.done_ids)
    told = [link.kit.receiver(d, d.report()) for d in desk.customer.delivers]
    assert told == handed.numbers


def group_body(numbers: list[bytes], content: bytes) -> bytes:
    """A CMPP 3.0 SUBMIT to several."""
    fields = {"src_id": ACCESS, "registered": 1, "fmt": 8, "content": content,
              "destinations": [number.decode() for number in numbers]}  # fmt: skip
    return cmpp.encode(cmpp.Pdu(4, 1, fields), cmpp.V30)[12:]


TIMES = [("", None), ("260926080000032+", 1790380800.0), ("000000010000000R", 3600.0)]


@every_dialect
async def test_times_are_read(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    tongue = server.tongues[dialect]
    link = await desk.bound(server, dialect)
    form_of: Any = type(link.kit.form("", ACCESS))
    number = link.kit.number(86 * 10**11 + PERSON)
    for text, _ in TIMES:
        form = form_of(link.version, src_id=ACCESS, valid_time=text, at_time=text)
        desk.customer.queue.append((next(desk.customer.tokens), form.body(number, b"\0a", 8)))
    link.kick()
    await until(lambda: len(memory.stored) == 3)
    now = desk.clock.now()
    for handed, (text, wanted) in zip(memory.stored, TIMES, strict=True):
        for given in (handed.not_before, handed.expires_at):
            if text.endswith("R"):
                assert given is not None
                assert abs(given - now - (wanted or 0)) < 30
            else:
                assert given == wanted
    form = form_of(link.version, src_id=ACCESS, valid_time="269926080000032+")
    desk.customer.queue.append((99, form.body(number, b"\0a", 8)))
    link.kick()
    await until(lambda: any(token == 99 for token, _, _ in desk.customer.answers))
    assert desk.customer.results[-1] == tongue.codes.objections[Objection.TIME]


@every_dialect
async def test_reports_are_wanted_as_the_submit_says(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    form_of: Any = type(link.kit.form("", ACCESS))
    number = link.kit.number(86 * 10**11 + PERSON)
    wanted = {0: Wanted.NONE, 1: Wanted.ALWAYS}
    if dialect in ("sgip", "smpp"):
        wanted[2] = Wanted.FAILURES
    for registered in wanted:
        form = form_of(link.version, src_id=ACCESS, registered=registered)
        desk.customer.queue.append((registered, form.body(number, b"\0a", 8)))
    link.kick()
    await until(lambda: len(memory.stored) == len(wanted))
    assert [one.wanted for one in memory.stored] == list(wanted.values())


@pytest.mark.parametrize("dialect", ["cmpp", "smgp"])
async def test_parts_without_a_header_are_told_by_the_fields(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    desk.send(link, 1, b"\0a", 8, 0, pk_total=2, pk_number=1)
    desk.send(link, 1, b"\0b", 8, 0, pk_total=2, pk_number=2)
    desk.send(link, 1, b"\0b", 8, 0, pk_total=2, pk_number=3)
    await until(lambda: len(desk.customer.answers) == 3)
    assert [one.part for one in memory.stored] == [(0, 2, 1), (0, 2, 2)]
    assert sorted(desk.customer.results) == [0, 0, server.tongues[dialect].codes.unreadable]


@every_dialect
async def test_questions_are_declined(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    session: Any = link._connection._session  # type: ignore[union-attr]  # it is bound
    heard: list[Any] = []
    line: Any = link._connection  # bound, and listened to from here on
    line._on_event = lambda event, now: heard.append(event)
    now, write = desk.loop.time(), line._write
    if dialect == "cmpp":
        write(session.query("20261122", "", 1, now) + session.cancel(5, 2, now))
        await until(lambda: len(heard) == 2)
        assert set(heard[0].counters.values()) == {0}
        assert heard[1].cancelled is False
    elif dialect == "smgp":
        write(session.query("20261122", "", 1, now))
        await until(lambda: heard)
        assert set(heard[0].counters.values()) == {0}
    elif dialect == "smpp":
        for command in smpp_tables.DECLINED:
            write(session.ask(command, {"message_id": "5"}, command, now))
        await until(lambda: len(heard) == 3)
        assert {one.token: one.status for one in heard} == smpp_tables.DECLINED | {
            smpp_tables.QUERY_SM: codes.RINVMSGID  # which is answered where it is known
        }
        memory.standing[77] = Inquired("UNDELIV", 902)
        write(session.ask(smpp_tables.QUERY_SM, {"message_id": "77"}, 9, now))
        await until(lambda: len(heard) == 4)
        fields = heard[3].fields
        assert (fields["message_state"], fields["error_code"]) == (5, 255)


@every_dialect
async def test_a_login_can_be_looked_at(desk: Desk, dialect: str) -> None:
    memory = Memory(customer())
    server = await desk.server(memory, dialect)
    link = await desk.bound(server, dialect)
    found = PduQueue(SystemClock())
    server.tap(lambda name, speaks, partial: PduTap(found, name, speaks, partial), LOGIN)
    desk.send(link, 2)
    await until(lambda: len(desk.customer.answers) == 2)
    again = await desk.bound(server, dialect)  # one that comes later is looked at, too
    desk.send(again, 1)
    await until(lambda: len(desk.customer.answers) == 3)
    seen = [(one, explain(one.dialect, one.octets)) for one in found.take(100)]
    assert not [told for _, told in seen if told.fault]
    words = [f"{one.direction} {told.command.lower().removesuffix('_sm')}" for one, told in seen]
    assert words.count("in submit") == 3
    assert sum(word.startswith("out submit") for word in words) == 3
    assert {one.link for one, _ in seen} == {LOGIN}
    server.tap(None)
    server.tap(lambda name, speaks, partial: PduTap(found, name, speaks, partial), "other")
    desk.send(link, 1)
    await until(lambda: len(desk.customer.answers) == 4)
    assert found.take(100) == []
