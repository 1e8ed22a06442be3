"""Golden octets of SGIP: written, read, fed whole, octet by octet and with octets after them.

`clause` is the section of facts/protocols.md that each rests on. The fields are written out by hand
from the tables: a mistake that encoder and decoder share cannot cancel itself. Fields that are not
named are zero or empty. `sgip_submit_public` is a public sample of another implementation
(facts: SGIP 7.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from assent.wire import sgip_tables as tables
from assent.wire.frame import Framer, MalformedPdu
from assent.wire.sgip import (
    SGIP,
    Pdu,
    SequenceParts,
    SgipForm,
    decode,
    deliver_body,
    encode,
    id_of,
    pack_sequence,
    read_report,
    report_body,
    userrpt_body,
)
from assent.wire.sgip_tables import ANSWER, BIND, DELIVER, REPORT, SUBMIT, TRACE, UNBIND, USERRPT
from assent.wire.sgip_tables import SP_TO_SMG as SP


@dataclass(frozen=True)
class Vector:
    name: str
    clause: str
    command: int
    sequence: tuple[int, int, int]
    fields: dict[str, Any]
    hex: str

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.hex)


LONG_TEXT = "【安信】" + "您好" * 40
NODE, STAMP, GATEWAY = 3021012345, 1120203225, 110101
US = (NODE, STAMP, 0)
FEES = {"fee_terminal": "0" * 21, "fee_type": 1, "fee_code": "0", "given_value": "0"}
TO_ONE = {
    "src_id": "106550001234",
    **FEES,
    "destination_count": 1,
    "destinations": ["8613000001111"],
    "corp_id": "12345",
    "mt_reason": 2,
    "report_flag": 1,
}

VECTORS = (
    Vector(
        "sgip_bind",
        "2.4",
        BIND,
        US,
        {"login_type": 1, "user": "spuser", "password": "sppass"},
        "0000003d00000001b410fd7942c4f1d900000000017370757365720000000000000000000073707061737300"
        "0000000000000000000000000000000000",
    ),
    Vector(
        "sgip_bind_resp",
        "2.4",
        BIND | ANSWER,
        US,
        {"result": 0},
        "0000001d80000001b410fd7942c4f1d900000000000000000000000000",
    ),
    Vector(
        "sgip_unbind",
        "2.4",
        UNBIND,
        (NODE, STAMP, 9),
        {},
        "0000001400000002b410fd7942c4f1d900000009",
    ),
    Vector(
        "sgip_unbind_resp",
        "2.4",
        UNBIND | ANSWER,
        (NODE, STAMP, 9),
        {},
        "0000001480000002b410fd7942c4f1d900000009",
    ),
    Vector(
        "sgip_submit_gbk",
        "2.4, 6.1",
        SUBMIT,
        (NODE, STAMP, 1),
        {
            **TO_ONE,
            "fmt": 15,
            "length": 24,
            "content": "【安信】您的验证码123456".encode("gb18030"),
        },
        "000000bc00000003b410fd7942c4f1d900000001313036353530303031323334000000000000000000303030"
        "3030303030303030303030303030303030300138363133303030303031313131000000000000000031323334"
        "3500000000000000000000013000000000003000000000000002000000000000000000000000000000000000"
        "0000000000000000000000000000000100000f0000000018a1beb0b2d0c5a1bfc4fab5c4d1e9d6a4c2eb3132"
        "333435360000000000000000",
    ),
    Vector(
        "sgip_submit_long_1of2",
        "2.4, 6.2",
        SUBMIT,
        (NODE, STAMP, 2),
        {
            **TO_ONE,
            "udhi": 1,
            "fmt": 8,
            "length": 140,
            "content": bytes.fromhex("0500032e0201") + LONG_TEXT[:67].encode("utf-16-be"),
        },
        "0000013000000003b410fd7942c4f1d900000002313036353530303031323334000000000000000000303030"
        "3030303030303030303030303030303030300138363133303030303031313131000000000000000031323334"
        "3500000000000000000000013000000000003000000000000002000000000000000000000000000000000000"
        "00000000000000000000000000000001000108000000008c0500032e020130105b894fe1301160a8597d60a8"
        "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
        "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8"
        "597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a80000000000000000",
    ),
    Vector(
        "sgip_submit_long_2of2",
        "2.4, 6.2",
        SUBMIT,
        (NODE, STAMP, 3),
        {
            **TO_ONE,
            "udhi": 1,
            "fmt": 8,
            "length": 40,
            "content": bytes.fromhex("0500032e0202") + LONG_TEXT[67:].encode("utf-16-be"),
        },
        "000000cc00000003b410fd7942c4f1d900000003313036353530303031323334000000000000000000303030"
        "3030303030303030303030303030303030300138363133303030303031313131000000000000000031323334"
        "3500000000000000000000013000000000003000000000000002000000000000000000000000000000000000"
        "0000000000000000000000000000000100010800000000280500032e0202597d60a8597d60a8597d60a8597d"
        "60a8597d60a8597d60a8597d60a8597d60a8597d0000000000000000",
    ),
    Vector(
        "sgip_submit_public",
        "2.4, 7.4",
        SUBMIT,
        (0, 301151218, 1857753309),
        {
            "src_id": "106559125028",
            "destination_count": 1,
            "destinations": ["8618657118636"],
            "corp_id": "61118",
            "fee_type": 2,
            "level": 9,
            "report_flag": 1,
            "length": 4,
            "content": b"233a",
        },
        "000000a8000000030000000011f333f26ebb10dd313036353539313235303238000000000000000000000000"
        "0000000000000000000000000000000000000138363138363537313138363336000000000000000036313131"
        "3800000000000000000000020000000000000000000000000000090000000000000000000000000000000000"
        "000000000000000000000000000000010000000000000004323333610000000000000000",
    ),
    Vector(
        "sgip_submit_resp",
        "2.4",
        SUBMIT | ANSWER,
        (NODE, STAMP, 1),
        {"result": 0},
        "0000001d80000003b410fd7942c4f1d900000001000000000000000000",
    ),
    Vector(
        "sgip_report",
        "2.4",
        REPORT,
        (GATEWAY, 1120203300, 7),
        {
            "submit_node": NODE,
            "submit_time": STAMP,
            "submit_counter": 1,
            "user_number": "8613000001111",
        },
        "00000040000000050001ae1542c4f22400000007b410fd7942c4f1d900000001003836313330303030303131"
        "3131000000000000000000000000000000000000",
    ),
    Vector(
        "sgip_report_resp",
        "2.4",
        REPORT | ANSWER,
        (GATEWAY, 1120203300, 7),
        {"result": 0},
        "0000001d800000050001ae1542c4f22400000007000000000000000000",
    ),
    Vector(
        "sgip_deliver",
        "2.4",
        DELIVER,
        (GATEWAY, 1120203400, 8),
        {
            "source": "8613000001111",
            "destination": "106550001234",
            "fmt": 15,
            "length": 4,
            "content": "退订".encode("gbk"),
        },
        "00000051000000040001ae1542c4f28800000008383631333030303030313131310000000000000000313036"
        "35353030303132333400000000000000000000000f00000004cdcbb6a90000000000000000",
    ),
    Vector(
        "sgip_deliver_resp",
        "2.4, 2.5",
        DELIVER | ANSWER,
        (GATEWAY, 1120203400, 8),
        {"result": 11},
        "0000001d800000040001ae1542c4f288000000080b0000000000000000",
    ),
    Vector(
        "sgip_userrpt",
        "2.4",
        USERRPT,
        (GATEWAY, 1120203500, 9),
        {"sp_number": "106550001234", "user_number": "8613000001111"},
        "00000047000000110001ae1542c4f2ec00000009313036353530303031323334000000000000000000383631"
        "333030303030313131310000000000000000000000000000000000",
    ),
    Vector(
        "sgip_userrpt_resp",
        "2.4",
        USERRPT | ANSWER,
        (GATEWAY, 1120203500, 9),
        {"result": 0},
        "0000001d800000110001ae1542c4f2ec00000009000000000000000000",
    ),
    Vector(
        "sgip_trace",
        "2.4",
        TRACE,
        (NODE, STAMP, 10),
        {
            "submit_node": NODE,
            "submit_time": STAMP,
            "submit_counter": 1,
            "user_number": "8613000001111",
        },
        "0000003d00001000b410fd7942c4f1d90000000a"
        "b410fd7942c4f1d900000001"
        "383631333030303030313131310000000000000000"
        "0000000000000000",
    ),
    Vector(
        "sgip_trace_resp",
        "2.4",
        TRACE | ANSWER,
        (NODE, STAMP, 10),
        {
            "count": 2,
            "nodes": [
                {
                    "result": 0,
                    "node": "110101",
                    "received_at": "071120203226",
                    "sent_at": "071120203227",
                    "reserve": bytes(8),
                },
                {
                    "result": 1,
                    "node": "210101",
                    "received_at": "071120203228",
                    "sent_at": "",
                    "reserve": bytes(8),
                },
            ],
        },
        "0000007380001000b410fd7942c4f1d90000000a02"
        "003131303130313037313132303230333232360000000030373131323032303332323700000000"
        "0000000000000000"
        "013231303130313037313132303230333232380000000000000000000000000000000000000000"
        "0000000000000000",
    ),
)
BY_NAME = {vector.name: vector for vector in VECTORS}
each = pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.name)
COUNTS = ("length", "destination_count", "count")


def complete(vector: Vector) -> dict[str, Any]:
    """The vector's fields with the zero and empty ones that it leaves out."""
    empty = {"U": 0, "OS": "", "LIST": [], "BYTES": b""}
    values = {
        f.name: bytes(f.width) if f.kind == "RAW" else empty.get(f.kind)
        for f in tables.LAYOUTS[vector.command].fields
    }
    return values | vector.fields


def number(vector: Vector) -> int:
    return pack_sequence(SequenceParts(*vector.sequence))


@each
def test_written_octets_equal_the_vector(vector: Vector) -> None:
    fields = {k: v for k, v in vector.fields.items() if k not in COUNTS}
    assert encode(Pdu(vector.command, number(vector), fields)) == vector.octets


@each
def test_read_fields_equal_the_vector(vector: Vector) -> None:
    assert decode(vector.octets) == Pdu(vector.command, number(vector), complete(vector))


@each
def test_every_split_of_the_stream_gives_the_same_frame(vector: Vector) -> None:
    stream = vector.octets + b"\0\0\0"  # the beginning of the next PDU
    for size in (1, 2, 7, len(stream)):
        framer, frames = Framer(SGIP.framing), []
        for at in range(0, len(stream), size):
            for head, start, end in framer.split(stream[at : at + size]):
                frames.append((head, framer.buffer[start:end]))
        assert frames == [((len(vector.octets), vector.command, number(vector)), vector.octets)]
        assert framer.fault is None


@each
def test_no_shorter_or_longer_body_is_read(vector: Vector) -> None:
    body = vector.octets[20:]
    for wrong in [*(body[:cut] for cut in range(len(body))), body + b"\0"]:
        with pytest.raises(MalformedPdu):
            decode((20 + len(wrong)).to_bytes(4, "big") + vector.octets[4:20] + wrong)


def test_every_command_with_a_table_has_a_vector() -> None:
    assert {vector.command for vector in VECTORS} == set(tables.LAYOUTS)


# --- the ways that traffic takes


@pytest.mark.parametrize("part", [1, 2])
def test_form_makes_the_long_vectors(part: int) -> None:
    vector = BY_NAME[f"sgip_submit_long_{part}of2"]
    form = SgipForm(SP, src_id="106550001234", msg_src="12345")
    text = (LONG_TEXT[:67], LONG_TEXT[67:])[part - 1].encode("utf-16-be")
    content = bytes((5, 0, 3, 0x2E, 2, part)) + text
    for receiver in (b"13000001111", b"8613000001111"):
        assert form.body(receiver, content, 8, 1, 2, part) == vector.octets[20:]


def test_form_makes_the_short_vectors() -> None:
    vector = BY_NAME["sgip_submit_gbk"]
    form = SgipForm(SP, src_id="106550001234", msg_src="12345")
    content = vector.fields["content"]
    made = form.bodies([b"13000001111"] * 3, content, 15)
    assert made == [vector.octets[20:]] * 3
    assert form.own_bodies([b"13000001111"], [content], 15) == [vector.octets[20:]]
    public = BY_NAME["sgip_submit_public"]
    form = SgipForm(
        SP,
        src_id="106559125028",
        msg_src="61118",
        fee_terminal="",
        fee_type=2,
        fee_code="",
        given_value="",
        mt_reason=0,
        level=9,
    )
    assert form.body(b"8618657118636", b"233a", 0) == public.octets[20:]


def test_writers_make_the_vectors() -> None:
    deliver = deliver_body(
        destination="106550001234", source="8613000001111", content="退订".encode("gbk"), fmt=15
    )
    assert deliver == BY_NAME["sgip_deliver"].octets[20:]
    about = number(BY_NAME["sgip_submit_gbk"])
    report = report_body(submit_sequence=about, user_number="8613000001111")
    assert report == BY_NAME["sgip_report"].octets[20:]
    userrpt = userrpt_body(sp_number="106550001234", user_number="8613000001111", condition=0)
    assert userrpt == BY_NAME["sgip_userrpt"].octets[20:]


@pytest.mark.parametrize("name", ["sgip_deliver", "sgip_report", "sgip_userrpt"])
def test_a_body_tells_which_command_it_is_of(name: str) -> None:
    vector = BY_NAME[name]
    header = SGIP.framing.pack(len(vector.octets), DELIVER, number(vector))
    assert header + vector.octets[20:] == vector.octets


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("sgip_submit_gbk", (1, 1)),
        ("sgip_submit_long_1of2", (2, 1)),
        ("sgip_submit_long_2of2", (2, 2)),
        ("sgip_submit_public", (1, 1)),
    ],
)
def test_lazy_submit_reads_what_the_table_reads(name: str, part: tuple[int, int]) -> None:
    vector, fields = BY_NAME[name], complete(BY_NAME[name])
    around = b"?" + vector.octets + b"?"
    pdu = SGIP.codec(SP).read_submit(around, 1, 1 + len(vector.octets), number(vector))
    for attribute in (
        *("level", "service_id", "src_id", "fmt", "udhi"),
        *("destinations", "content", "valid_time", "at_time"),
    ):
        assert getattr(pdu, attribute) == fields[attribute], attribute
    assert pdu.msg_src == fields["corp_id"]
    assert pdu.registered == 1
    assert (pdu.pk_total, pdu.pk_number) == part
    assert pdu.fields() == fields


def test_lazy_deliver_reads_what_the_table_reads() -> None:
    vector = BY_NAME["sgip_deliver"]
    pdu = SGIP.codec(SP).read_deliver(b"?" + vector.octets, 1, 1 + len(vector.octets), 7)
    fields = complete(vector)
    for attribute in ("source", "destination", "fmt", "udhi", "content"):
        assert getattr(pdu, attribute) == fields[attribute], attribute
    assert (pdu.is_report, pdu.message_id) == (False, id_of(7))
    assert pdu.fields() == fields


def test_lazy_report_reads_what_the_table_reads() -> None:
    vector = BY_NAME["sgip_report"]
    pdu = SGIP.codec(SP).read_deliver(b"?" + vector.octets, 1, 1 + len(vector.octets), 7)
    assert (pdu.is_report, pdu.source, pdu.message_id) == (True, "8613000001111", id_of(7))
    report = pdu.report()
    assert report.message_id == id_of(number(BY_NAME["sgip_submit_gbk"]))
    assert (report.stat, report.destination) == ("DELIVRD", "8613000001111")
    assert read_report(pdu.content, 0, len(pdu.content)) == report
    assert pdu.fields() == complete(vector)
