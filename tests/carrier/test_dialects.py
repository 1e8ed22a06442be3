"""Links of every dialect through one pool, on real sockets, against the wire's server sessions."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.carrier.link import Link, LinkState
from assent.carrier.listener import ListenSettings
from assent.carrier.pool import Pool
from assent.clock import SystemClock
from assent.errors import InvalidInput
from assent.flow.inbound import STATE_OF_STAT
from assent.message import State
from assent.text import Alphabet
from assent.wire import (
    cmpp_tables,
    sgip_tables,
    smgp_codes,
    smpp,
    smpp_codec,
    smpp_codes,
    smpp_tables,
    smpp_tlvs,
)
from assent.wire.dialect import Mode
from assent.wire.kit import DIALECTS, Kit, Quirks, kit_for
from assent.wire.smpp_receipts import ReceiptForm
from tests.carrier.conftest import ACCESS, until
from tests.carrier.gateway import (
    NODE,
    PERSON,
    SECRET,
    USER,
    DialectFlow,
    Gateway,
    Ways,
    settings_for,
)

THROTTLED = {"cmpp": 8, "sgip": 11, "smgp": 1, "smpp": smpp_codes.RTHROTTLED}
LISTEN = ListenSettings("127.0.0.1", 0, "smg", SECRET)


class Field:
    """A gateway, a pool to it, and a flow that remembers."""

    def __init__(self) -> None:
        self.flow = DialectFlow()
        self.gateways: list[Gateway] = []
        self.pools: list[Pool] = []

    async def gateway(
        self, dialect: str, ways: Ways | None = None, tls: ssl.SSLContext | None = None
    ) -> Gateway:
        made = Gateway(dialect, ways or Ways(), tls)
        await made.start()
        self.gateways.append(made)
        return made

    async def pool(self, gateway: Gateway, links: int = 1, **more: Any) -> Pool:
        """Start links; with SGIP the first of them listens, and the gateway calls it."""
        if gateway.dialect == "sgip":
            more.setdefault("listen", LISTEN)
        one = settings_for(gateway.dialect, gateway.port, **more)
        settings = [
            replace(one, name=f"link-{i}", place=i, listen=None if i else one.listen)
            for i in range(links)
        ]
        pool = Pool("mobile", settings, self.flow, self.flow, SystemClock(), Random(7))
        pool.start()
        self.pools.append(pool)
        return pool

    async def up(self, gateway: Gateway, links: int = 1, **more: Any) -> Pool:
        """A pool whose links are bound, both ways."""
        pool = await self.pool(gateway, links, **more)
        await until(lambda: pool.bound == links)
        listener = pool.links[0].listener
        if listener is not None:
            await until(lambda: listener.port)
            line = await gateway.call(listener.port)
            await until(lambda: line.session.bound)
        return pool

    def send(self, count: int) -> None:
        self.flow.want(count)
        for pool in self.pools:
            pool.kick()

    async def close(self) -> None:
        for pool in self.pools:
            await pool.stop()
        for gateway in self.gateways:
            await gateway.stop()


@pytest.fixture
async def field() -> AsyncIterator[Field]:
    made = Field()
    yield made
    await made.close()


every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


@every_dialect
async def test_messages_go_within_the_window_and_their_reports_match(
    field: Field, dialect: str
) -> None:
    gateway = await field.gateway(dialect, Ways(latency_s=0.002))
    pool = await field.up(gateway, links=2, window=16)
    field.send(200)
    flow = field.flow
    await until(lambda: len(flow.answers) == len(flow.delivers) == 200)
    assert flow.settled()
    assert flow.results == {0: 200}
    assert 1 < gateway.deepest <= 16
    ids = Counter(message_id for _, _, message_id in flow.answers)
    assert len(ids) == 200
    assert all(0 < one < 1 << 63 for one in ids)
    assert Counter(deliver.report().message_id for deliver in flow.delivers) == ids
    assert {deliver.report().stat for deliver in flow.delivers} == {"DELIVRD"}
    assert all(deliver.is_report for deliver in flow.delivers)
    people = {submit.destinations[0].removeprefix("86") for submit in gateway.submits}
    assert people == {str(PERSON + i) for i in range(200)}
    kit = pool.links[0].kit
    told = {kit.receiver(one, one.report()).lstrip("+") for one in flow.delivers}
    assert {number.removeprefix("86") for number in told} == people
    await until(lambda: gateway.acknowledged == 200)
    assert {submit.content.decode("utf-16-be") for submit in gateway.submits} == {"验证码"}
    assert {submit.src_id for submit in gateway.submits} == {ACCESS}
    assert sum(link["delivers"] for link in pool.health()) == 200
    assert sum(link["acknowledged"] for link in pool.health()) == 200
    assert {link["dialect"] for link in pool.health()} == {dialect}


@every_dialect
async def test_reports_that_outrun_their_answers_and_come_twice(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect, Ways(early=True, copies=2))
    await field.up(gateway)
    field.send(20)
    flow = field.flow
    await until(lambda: len(flow.answers) == 20 and len(flow.delivers) == 40)
    if dialect != "sgip":  # there they come on another connection, in any order
        assert flow.order[0] == "report" or flow.order[-1] == "report"
    ids = Counter(message_id for _, _, message_id in flow.answers)
    assert Counter(one.report().message_id for one in flow.delivers) == ids + ids


@every_dialect
async def test_a_reply_in_segments(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect)
    pool = await field.up(gateway)
    parts = [b"\5\0\3\7\2" + bytes((i,)) + letter.encode("utf-16-be")
             for i, letter in enumerate("TD", 1)]  # fmt: skip
    gateway.way_back.deliver([gateway.mobile(part, 1) for part in parts])
    flow = field.flow
    await until(lambda: len(flow.delivers) == 2)
    kit = pool.links[0].kit
    assert [kit.part_of(one) for one in flow.delivers] == [(7, 2, 1), (7, 2, 2)]
    assert not any(one.is_report for one in flow.delivers)
    assert {kit.alphabet(one.fmt) for one in flow.delivers} == {Alphabet.UCS2}
    assert {one.destination for one in flow.delivers} == {ACCESS}
    assert {kit.person(one).lstrip("+") for one in flow.delivers} == {f"86{PERSON}"}
    await until(lambda: gateway.acknowledged == 2)


async def test_a_reply_in_segments_by_parameters(field: Field) -> None:
    gateway = await field.gateway("smpp")
    pool = await field.up(gateway)
    names = ("sar_msg_ref_num", "sar_total_segments", "sar_segment_seqnum")
    for number in (2, 1):
        said = smpp_tlvs.pairs(dict(zip(names, (300, 2, number), strict=True)))
        gateway.way_back.deliver([gateway.mobile(b"\0T", tlvs=said)])
    await until(lambda: len(field.flow.delivers) == 2)
    kit = pool.links[0].kit
    assert [kit.part_of(one) for one in field.flow.delivers] == [(300, 2, 2), (300, 2, 1)]


@every_dialect
async def test_a_throttled_link_pauses_and_what_it_had_is_offered_again(
    field: Field, dialect: str
) -> None:
    code = THROTTLED[dialect]
    gateway = await field.gateway(dialect, Ways(lambda place: code if place < 5 else 0))
    pool = await field.up(gateway, window=5, throttle_base_s=0.2, throttle_cap_s=0.2)
    started = asyncio.get_running_loop().time()
    field.send(20)
    flow = field.flow
    await until(lambda: flow.results[0] == 20)
    assert asyncio.get_running_loop().time() - started >= 0.1
    assert flow.results == {0: 20, code: 5}
    assert sorted(flow.again) == [0, 1, 2, 3, 4]
    assert flow.settled()
    counters = pool.links[0].counters
    assert (counters.throttled, counters.accepted, counters.answered) == (5, 20, 25)


@pytest.mark.parametrize(("code", "pauses"), [(0x08, True), (0x0B, False), (0x450, False)])
async def test_an_error_of_the_link_pauses_it_and_one_of_the_message_does_not(
    field: Field, code: int, pauses: bool
) -> None:
    gateway = await field.gateway("smpp", Ways(lambda place: code if place == 0 else 0))
    pool = await field.up(gateway)
    field.send(1)
    await until(lambda: field.flow.results[code] == 1)
    link = pool.links[0]
    assert (link.throttled_until > 0) is pauses
    assert field.flow.again == ([0] if pauses else [])
    assert link.counters.refused == {code: 1}


@every_dialect
async def test_what_is_not_answered_within_t_is_lost_and_never_sent_again(
    field: Field, dialect: str
) -> None:
    gateway = await field.gateway(dialect, Ways(lambda place: 0 if place % 2 else None))
    pool = await field.up(gateway, window=10, response_s=0.3)
    started = asyncio.get_running_loop().time()
    field.send(10)
    flow = field.flow
    await until(lambda: len(flow.losses) == 5)
    assert asyncio.get_running_loop().time() - started >= 0.3
    assert flow.settled()
    assert all(closed for _, closed in flow.losses)
    assert pool.links[0].counters.stalls > 0
    await until(lambda: pool.bound == 1)
    await asyncio.sleep(0.1)
    assert len(gateway.submits) == 10


@every_dialect
async def test_a_lost_connection_comes_back_and_ids_stay_apart(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect, Ways(latency_s=0.01))
    pool = await field.up(gateway, window=8)
    field.send(60)
    flow = field.flow
    for round_ in range(1, 4):
        await until(lambda wanted=round_: len(flow.answers) >= 8 * wanted)  # type: ignore[misc]  # a default binds the round
        await until(lambda: gateway.lines)
        gateway.lines[-1].transport.abort()
    await until(flow.settled)
    await until(lambda: pool.bound == 1 and not flow.wanted and flow.settled())
    assert pool.links[0].counters.connects >= 4
    accepted = [message_id for _, _, message_id in flow.answers]
    assert len(set(accepted)) == len(accepted)
    if dialect == "sgip":  # the number is the id, also of what was never answered
        sequences = [submit.sequence for submit in gateway.submits]
        assert len(set(sequences)) == len(sequences)
        assert {one >> 64 for one in sequences} == {NODE}


@every_dialect
async def test_draining_answers_everything_and_says_goodbye(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect, Ways(latency_s=0.05))
    pool = await field.up(gateway, window=10)
    line = gateway.lines[0]
    field.send(10)
    await until(lambda: len(field.flow.taken) == 10)
    assert await pool.drain(2.0)
    assert len(field.flow.answers) == 10
    assert pool.links[0].state is LinkState.CLOSED
    assert line.ended is not None
    assert line.ended.reason.value == "peer_finished"


@every_dialect
async def test_a_wrong_secret_is_refused(field: Field, dialect: str) -> None:
    gateway = await field.gateway(dialect)
    pool = await field.pool(gateway, secret="wrong")
    link = pool.links[0]
    await until(lambda: link.counters.binds_refused >= 2)
    assert pool.bound == 0
    details = [detail for _, state, detail in field.flow.states if state == "refused"]
    assert "status" in details[0]


# --- SGIP's other direction


async def test_sgip_acknowledges_nothing_before_it_is_durable(field: Field) -> None:
    gateway = await field.gateway("sgip")
    pool = await field.up(gateway)
    flow = field.flow
    flow.acknowledges = False
    field.send(3)
    await until(lambda: len(flow.delivers) == 3)
    await asyncio.sleep(0.05)
    assert gateway.acknowledged == 0
    link = pool.links[0]
    assert link.listener is not None
    assert link.listener.health() | {"port": 0} == {
        "port": 0, "connections": 1, "bound": 1, "unacknowledged": 3, "turned_away": 0,
        "detail": "",
    }  # fmt: skip
    link.acknowledge(flow.delivers)
    await until(lambda: gateway.acknowledged == 3)
    link.acknowledge(flow.delivers)  # of an earlier moment: passed over
    assert (link.counters.acknowledged, link.counters.late_acknowledgements) == (3, 3)


async def test_sgip_stops_reading_when_the_platform_falls_behind(field: Field) -> None:
    gateway = await field.gateway("sgip")
    pool = await field.up(gateway, deliver_limit=10)
    flow = field.flow
    flow.acknowledges = False
    line = gateway.way_back
    for _ in range(40):
        line.deliver([gateway.mobile(b"\0T")])
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    assert 10 < len(flow.delivers) < 40
    flow.acknowledges = True
    pool.links[0].acknowledge(list(flow.delivers))
    await until(lambda: len(flow.delivers) == 40)


async def test_sgip_admits_only_who_knows_the_secret_and_comes_from_the_right_place(
    field: Field,
) -> None:
    gateway = await field.gateway("sgip")
    pool = await field.up(gateway)
    listener = pool.links[0].listener
    assert listener is not None
    await gateway.call(listener.port, "wrong")
    await until(lambda: gateway.refused == [1])
    elsewhere = replace(LISTEN, allowed=(ip_network("10.0.0.0/8"),))
    other = await field.pool(gateway, listen=elsewhere)
    strict = other.links[0].listener
    assert strict is not None
    await until(lambda: strict.port)
    line = await gateway.call(strict.port)
    await until(lambda: line.lost)
    assert strict.turned_away == 1
    assert not strict.served
    assert replace(LISTEN, allowed=(ip_network("127.0.0.0/8"),)).admits("::ffff:127.0.0.1")


async def test_sgip_waits_for_a_port_that_is_in_use(field: Field) -> None:
    gateway = await field.gateway("sgip")
    pool = await field.pool(gateway, listen=replace(LISTEN, port=gateway.port))
    link = pool.links[0]
    assert link.listener is not None
    await until(lambda: link.listener is not None and link.listener.detail)
    assert link.listener.health()["port"] == 0
    await until(lambda: pool.bound == 1)


async def test_sgip_unbinds_an_idle_connection_and_makes_a_new_one(field: Field) -> None:
    gateway = await field.gateway("sgip")
    pool = await field.up(gateway, heartbeat_s=0.2)
    line = gateway.lines[0]
    await until(lambda: line.ended is not None)
    assert line.ended is not None
    assert line.ended.reason.value == "peer_finished"
    await until(lambda: pool.links[0].counters.connects == 2 and pool.bound == 1)
    assert pool.links[0].counters.lost == 0


# --- SMPP's customs


@pytest.mark.parametrize(
    ("ids", "receipts"),
    [
        (ids, receipts)
        for ids in smpp.IdForm
        for receipts in ReceiptForm
        # Without a text there is one form of id only.
        if ids is not smpp.IdForm.OPAQUE
        and (receipts is not ReceiptForm.TLV or ids.answer_base == ids.receipt_base)
    ],
)
async def test_smpp_ids_of_every_form_meet_their_receipts(
    field: Field, ids: smpp.IdForm, receipts: ReceiptForm
) -> None:
    gateway = await field.gateway("smpp", Ways(ids=ids, receipts=receipts))
    await field.up(gateway, quirks=Quirks(ids=ids))
    field.send(5)
    flow = field.flow
    await until(lambda: len(flow.answers) == len(flow.delivers) == 5)
    wanted = {message_id for _, _, message_id in flow.answers}
    assert {one.report().message_id for one in flow.delivers} == wanted


async def test_smpp_transmitter_and_receiver(field: Field) -> None:
    gateway = await field.gateway("smpp")
    sends = await field.up(gateway, quirks=Quirks(mode=Mode.TRANSMITTER))
    hears = await field.up(gateway, quirks=Quirks(mode=Mode.RECEIVER))
    field.send(5)
    await until(lambda: len(field.flow.answers) == len(field.flow.delivers) == 5)
    assert sends.links[0].kit.sends
    assert not hears.links[0].kit.sends
    assert sends.links[0].counters.submitted == hears.links[0].counters.delivers == 5


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two authorities of our own, each of which signs itself: good.pem and other.pem."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not installed")  # it makes the authorities; counted as skipped
    directory = tmp_path_factory.mktemp("tls")
    for name in ("good", "other"):
        subprocess.run(
            [
                openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=carrier",
                "-addext", "subjectAltName=IP:127.0.0.1,DNS:carrier.test",
                "-keyout", str(directory / f"{name}.key"), "-out", str(directory / f"{name}.pem"),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    return directory


def server_side(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "good.pem", certificates / "good.key")
    return context


async def test_smpp_over_tls(field: Field, certificates: Path) -> None:
    gateway = await field.gateway("smpp", tls=server_side(certificates))
    trusted = ssl.create_default_context(cafile=certificates / "good.pem")
    await field.up(gateway, links=2, window=50, tls=trusted)
    field.send(1000)
    flow = field.flow
    await until(lambda: len(flow.answers) == len(flow.delivers) == 1000, 20)
    assert flow.results == {0: 1000}
    assert await field.pools[0].drain(2.0)


@pytest.mark.parametrize(("authority", "name"), [("other", None), ("good", "another.test")])
async def test_smpp_over_tls_with_the_wrong_authority_or_name(
    field: Field, certificates: Path, authority: str, name: str | None
) -> None:
    gateway = await field.gateway("smpp", tls=server_side(certificates))
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the server's complaint
    trusted = ssl.create_default_context(cafile=certificates / f"{authority}.pem")
    pool = await field.pool(gateway, tls=trusted, tls_name=name)
    await until(lambda: len([state for _, state, _ in field.flow.states if state == "down"]) > 1)
    assert pool.bound == 0
    assert not gateway.lines
    assert "certificate" in " ".join(detail for _, _, detail in field.flow.states).lower()


# --- kits


@every_dialect
def test_flow_reads_every_word_of_every_dialect_as_its_table_does(dialect: str) -> None:
    tables: dict[str, Any] = {
        "cmpp": cmpp_tables, "sgip": sgip_tables, "smgp": smgp_codes, "smpp": smpp_codes
    }  # fmt: skip
    states = {"delivered": State.DELIVERED, "intermediate": None, "failed": State.FAILED}
    table = tables[dialect]
    for stat, (_, outcome) in table.STATS.items():
        assert STATE_OF_STAT.get(stat, State.FAILED) is states[outcome], stat
    for stat in ("EC:0025", "ST:0007", "MB:0001", "XYZ"):
        assert STATE_OF_STAT.get(stat, State.FAILED) is State.FAILED


def a_kit(dialect: str, **quirks: Any) -> Kit:
    if dialect == "sgip":
        quirks.setdefault("node", NODE)
    return kit_for(dialect, user=USER, quirks=Quirks(**quirks))


@every_dialect
def test_codes_mean_what_the_tables_say_unless_the_carrier_says_otherwise(dialect: str) -> None:
    codes = a_kit(dialect).codes
    assert THROTTLED[dialect] in codes.throttled <= codes.again
    assert 0 not in codes.again | codes.unsure
    mine = a_kit(
        dialect, throttled=frozenset({77}), elsewhere=frozenset({78}),
        refused=frozenset({THROTTLED[dialect]}),
    ).codes  # fmt: skip
    assert 77 in mine.throttled
    assert 78 in mine.elsewhere
    assert mine.again == codes.again - {THROTTLED[dialect]} | {77, 78}


@pytest.mark.parametrize(
    ("dialect", "given", "field_name"),
    [
        ("cmpp", {"node": 3}, "node"),
        ("smgp", {"system_type": "x"}, "system_type"),
        ("sgip", {"node": None}, "node"),
        ("sgip", {"node": 1 << 32}, "node"),
        ("smpp", {"msg_src": "x"}, "msg_src"),
        ("cmpp", {"throttled": frozenset({0})}, "throttled"),
        ("cmpp", {"throttled": frozenset({9}), "refused": frozenset({9})}, "refused"),
    ],
)
def test_a_kit_that_contradicts_itself(
    dialect: str, given: dict[str, Any], field_name: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        a_kit(dialect, **given)
    assert caught.value.field == field_name
    assert caught.value.mend


def test_a_kit_for_what_nobody_speaks() -> None:
    for dialect, version, field_name in [("ucp", None, "dialect"), ("smpp", 0x50, "version")]:
        with pytest.raises(InvalidInput) as caught:
            kit_for(dialect, version=version)
        assert caught.value.field == field_name


def test_numbers_are_written_as_each_carrier_takes_them() -> None:
    home, abroad = 8613800000000, 12025550123
    for dialect in ("cmpp", "sgip", "smgp"):
        kit = a_kit(dialect)
        assert kit.number(home) == b"13800000000"
        assert kit.number(abroad) == b"0012025550123"
    assert a_kit("smpp").number(home) == b"8613800000000"
    # Eleven digits that begin with 1 get no 86 where they are no Chinese number.
    body = a_kit("sgip").form("", ACCESS).body(a_kit("sgip").number(abroad), b"\0a", 8)
    assert b"0012025550123\0" in body
    assert b"86" not in body.split(b"0012025550123")[0][-4:]


@pytest.mark.parametrize(
    ("source", "ton", "abroad", "person"),
    [
        ("13922345678", 1, False, "13922345678"),  # a carrier at home that forgot the 86
        ("8613922345678", 1, False, "8613922345678"),
        ("13922345678", 1, True, "+13922345678"),
        ("13900000007", 1, True, "13900000007"),  # no American number has this form
        ("8613922345678", 1, True, "+8613922345678"),
        ("13922345678", 2, True, "13922345678"),
        ("BANK", 5, True, "BANK"),
    ],
)
def test_whom_an_smpp_number_means(source: str, ton: int, abroad: bool, person: str) -> None:
    body = smpp.deliver_body(
        smpp.V34, destination=ACCESS, source=source, content=b"TD", source_kind=(ton, 1)
    )
    framed = smpp_codec.HEADER.pack(16 + len(body), smpp_tables.DELIVER_SM, 0, 1) + body
    deliver = smpp.SMPP.codec(smpp.V34).read_deliver(framed, 0, len(framed), 1)
    assert a_kit("smpp", abroad=abroad).person(deliver) == person


def test_sgip_sequences_of_connections_within_one_second_stay_apart() -> None:
    kit = a_kit("sgip")
    first = [kit.first_sequence(1e9, 480, place, used) for place in (0, 1, 255) for used in (0, 7)]
    assert len(set(first)) == 6
    assert first[1] - first[0] == 7
    assert first[2] - first[0] == 1 << 24
    assert a_kit("cmpp").first_sequence(1e9, 480, 3, 7) == 1


def test_sgip_links_of_a_pool_have_places_of_their_own() -> None:
    flow = DialectFlow()
    twice = [settings_for("sgip", 1, name=name) for name in "ab"]
    with pytest.raises(ValueError, match="place"):
        Pool("mobile", twice, flow, flow, SystemClock(), Random(1))


def test_a_link_says_at_once_what_is_wrong_with_its_settings() -> None:
    flow = DialectFlow()
    settings = settings_for("cmpp", 1, quirks=Quirks(node=NODE))
    with pytest.raises(InvalidInput):
        Link(settings, flow, flow, SystemClock(), Random(1))
