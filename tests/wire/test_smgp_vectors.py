"""Golden octets of SMGP: written, read, fed whole, octet by octet and with octets after them.

`clause` is the section of facts/protocols.md that each rests on. The fields are written out by hand
from the tables: a mistake that encoder and decoder share cannot cancel itself. Fields that are not
named are zero or empty. `smgp_submit_public` is a public sample of another implementation
(facts: SMGP 7.5), which has the layout of 1.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from assent.wire import smgp_tables as tables
from assent.wire.frame import Framer, MalformedPdu
from assent.wire.smgp import (
    SMGP,
    V13,
    V30,
    Pdu,
    SmgpForm,
    SmgpReport,
    authenticator_client,
    authenticator_server,
    decode,
    deliver_body,
    encode,
    id_of,
    named,
    pairs,
    parse_report,
    read_report,
    report_body,
    report_content,
)
from assent.wire.smgp_tables import (
    ACTIVE_TEST,
    ANSWER,
    DELIVER,
    EXIT,
    LOGIN,
    QUERY,
    SUBMIT,
)


@dataclass(frozen=True)
class Vector:
    name: str
    clause: str
    command: int
    sequence: int
    fields: dict[str, Any]
    hex: str
    version: int = V30

    @property
    def octets(self) -> bytes:
        return bytes.fromhex(self.hex)


LONG_TEXT = "【安信】" + "您好" * 40
MSG_ID = bytes.fromhex("01006101161700012345")
REPORT = bytes.fromhex(
    "69643a01006101161700012345207375623a30303120646c7672643a303031205375626d697420646174653a"
    "3033303131363137303020646f6e6520646174653a3033303131363137303120737461743a44454c49565244"
    "206572723a30303020546578743a30313268656c6c6f000000000000000000000000"
)
COMMON = {
    "msg_type": 6,
    "registered": 1,
    "level": 1,
    "fee_type": "00",
    "fee_code": "0",
    "fixed_fee": "0",
    "src_id": "1069000012",
    "destination_count": 1,
    "destinations": ["13300001111"],
}

VECTORS = (
    Vector(
        "smgp_login_v30",
        "3.4",
        LOGIN,
        1,
        {
            "user": "12345678",
            "authenticator": bytes.fromhex("d689438f273008bf8254cf220b26e33d"),
            "login_mode": 2,
            "timestamp": 301000000,
            "version": 0x30,
        },
        "0000002a00000001000000013132333435363738d689438f273008bf8254cf220b26e33d0211f0e54030",
    ),
    Vector(
        "smgp_login_resp",
        "3.4",
        LOGIN | ANSWER,
        1,
        {
            "status": 0,
            "authenticator": bytes.fromhex("069fc6dbd06d722798294ac337fd442f"),
            "version": 0x30,
        },
        "00000021800000010000000100000000069fc6dbd06d722798294ac337fd442f30",
    ),
    Vector(
        "smgp_submit_gb18030",
        "3.5, 6.1",
        SUBMIT,
        2,
        {
            **COMMON,
            "fmt": 15,
            "length": 24,
            "content": "【安信】您的验证码123456".encode("gb18030"),
        },
        "000000ab00000002000000020601010000000000000000000030303000000000003000000000000f00000000"
        "0000000000000000000000000000000000000000000000000000000000003130363930303030313200000000"
        "0000000000000000000000000000000000000000000000000000000001313333303030303131313100000000"
        "00000000000018a1beb0b2d0c5a1bfc4fab5c4d1e9d6a4c2eb3132333435360000000000000000",
    ),
    Vector(
        "smgp_submit_long_1of2",
        "3.5, 3.11, 6.2",
        SUBMIT,
        3,
        {
            **COMMON,
            "fmt": 8,
            "length": 140,
            "content": bytes.fromhex("0500032e0201") + LONG_TEXT[:67].encode("utf-16-be"),
            "tlvs": [(1, b"\0"), (2, b"\1"), (9, b"\2"), (10, b"\1")],
        },
        "0000013300000002000000030601010000000000000000000030303000000000003000000000000800000000"
        "0000000000000000000000000000000000000000000000000000000000003130363930303030313200000000"
        "0000000000000000000000000000000000000000000000000000000001313333303030303131313100000000"
        "0000000000008c0500032e020130105b894fe1301160a8597d60a8597d60a8597d60a8597d60a8597d60a859"
        "7d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a859"
        "7d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a859"
        "7d60a8597d60a8597d60a8597d60a80000000000000000000100010000020001010009000102000a000101",
    ),
    Vector(
        "smgp_submit_long_2of2",
        "3.5, 3.11, 6.2",
        SUBMIT,
        4,
        {
            **COMMON,
            "fmt": 8,
            "length": 40,
            "content": bytes.fromhex("0500032e0202") + LONG_TEXT[67:].encode("utf-16-be"),
            "tlvs": [(1, b"\0"), (2, b"\1"), (9, b"\2"), (10, b"\2")],
        },
        "000000cf00000002000000040601010000000000000000000030303000000000003000000000000800000000"
        "0000000000000000000000000000000000000000000000000000000000003130363930303030313200000000"
        "0000000000000000000000000000000000000000000000000000000001313333303030303131313100000000"
        "000000000000280500032e0202597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60a8597d60"
        "a8597d0000000000000000000100010000020001010009000102000a000102",
    ),
    Vector(
        "smgp_submit_public",
        "3.5, 3.11, 7.5",
        SUBMIT,
        0x1B46734C,
        {
            "msg_type": 6,
            "registered": 1,
            "level": 2,
            "fee_type": "00",
            "fee_code": "000000",
            "src_id": "10086",
            "destination_count": 1,
            "destinations": ["13800138000"],
            "length": 36,
            "content": b"dfa8eb6a-ad9f-4654-94fa-f114718ed05a",
            "tlvs": [
                (0x0001, b"\0"),
                (0x0002, b"\0"),
                (0x0004, b"\0"),
                (0x0005, b"\0"),
                (0x0014, b"\1"),
                (0x0007, b"\0"),
                (0x0009, b"\1"),
                (0x000A, b"\1"),
                (0x000B, b"\0"),
                (0x000C, b"\0"),
                (0x0012, b"ABC\0"),
            ],
        },
        "000000eb000000021b46734c0601020000000000000000000030303030303030300000000000000000000000"
        "0000000000000000000000000000000000000000000000003130303836000000000000000000000000000000"
        "0000000000000000000000000000000000000000000001313338303031333830303000000000000000000000"
        "2464666138656236612d616439662d343635342d393466612d66313134373138656430356100000000000000"
        "000001000100000200010000040001000005000100001400010100070001000009000101000a000101000b00"
        "0100000c0001000012000441424300",
        V13,
    ),
    Vector(
        "smgp_submit_resp",
        "3.5, 3.8",
        SUBMIT | ANSWER,
        2,
        {"message_id": MSG_ID, "result": 0},
        "0000001a80000002000000020100610116170001234500000000",
    ),
    Vector(
        "smgp_deliver_report",
        "3.6, 3.7",
        DELIVER,
        10,
        {
            "message_id": MSG_ID,
            "is_report": 1,
            "received_at": "20030116170000",
            "source": "13300001111",
            "destination": "1069000012",
            "length": 122,
            "content": REPORT,
        },
        "000000d3000000030000000a0100610116170001234501003230303330313136313730303030313333303030"
        "3031313131000000000000000000003130363930303030313200000000000000000000007a69643a01006101"
        "161700012345207375623a30303120646c7672643a303031205375626d697420646174653a30333031313631"
        "37303020646f6e6520646174653a3033303131363137303120737461743a44454c49565244206572723a3030"
        "3020546578743a30313268656c6c6f0000000000000000000000000000000000000000",
    ),
    Vector(
        "smgp_deliver_mo",
        "3.6",
        DELIVER,
        11,
        {
            "message_id": MSG_ID,
            "fmt": 15,
            "received_at": "20030116170000",
            "source": "13300001111",
            "destination": "1069000012",
            "length": 4,
            "content": "退订".encode("gb18030"),
        },
        "0000005d000000030000000b01006101161700012345000f3230303330313136313730303030313333303030"
        "30313131310000000000000000000031303639303030303132000000000000000000000004cdcbb6a9000000"
        "0000000000",
    ),
    Vector(
        "smgp_deliver_resp",
        "3.6",
        DELIVER | ANSWER,
        10,
        {"message_id": MSG_ID, "result": 0},
        "0000001a800000030000000a0100610116170001234500000000",
    ),
    Vector("smgp_active_test", "3.9", ACTIVE_TEST, 5, {}, "0000000c0000000400000005"),
    Vector("smgp_active_test_resp", "3.9", ACTIVE_TEST | ANSWER, 5, {}, "0000000c8000000400000005"),
    Vector("smgp_exit", "3.9", EXIT, 6, {}, "0000000c0000000600000006"),
    Vector("smgp_exit_resp", "3.9", EXIT | ANSWER, 6, {}, "0000000c8000000600000006"),
    Vector(
        "smgp_query",
        "3.10",
        QUERY,
        7,
        {"day": "20211105", "query_type": 1, "query_code": "test"},
        "0000001f000000070000000732303231313130350174657374000000000000",
    ),
    Vector(
        "smgp_query_resp",
        "3.10",
        QUERY | ANSWER,
        7,
        {
            "day": "20211105",
            "query_type": 1,
            "query_code": "test",
            "mt_messages": 10,
            "mt_users": 10,
            "mt_succeeded": 9,
            "mt_failed": 1,
            "mo_succeeded": 2,
        },
        "00000047800000070000000732303231313130350174657374000000000000"
        "0000000a0000000a00000009000000000000000100000002"
        "0000000000000000"
        "0000000000000000",
    ),
)
BY_NAME = {vector.name: vector for vector in VECTORS}
each = pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.name)


def complete(vector: Vector) -> dict[str, Any]:
    """The vector's fields with the zero and empty ones that it leaves out."""
    empty = {"U": 0, "OS": "", "LIST": [], "BYTES": b"", "TLV": []}
    values = {
        f.name: bytes(f.width) if f.kind == "RAW" else empty[f.kind]
        for f in tables.LAYOUTS[vector.version >> 4][vector.command].fields
    }
    return values | vector.fields


@each
def test_written_octets_equal_the_vector(vector: Vector) -> None:
    fields = {k: v for k, v in vector.fields.items() if k not in ("length", "destination_count")}
    assert encode(Pdu(vector.command, vector.sequence, fields), vector.version) == vector.octets


@each
def test_read_fields_equal_the_vector(vector: Vector) -> None:
    assert decode(vector.octets, vector.version) == Pdu(
        vector.command, vector.sequence, complete(vector)
    )


@each
def test_every_split_of_the_stream_gives_the_same_frame(vector: Vector) -> None:
    stream = vector.octets + b"\0\0\0"  # the beginning of the next PDU
    for size in (1, 2, 7, len(stream)):
        framer, frames = Framer(SMGP.framing), []
        for at in range(0, len(stream), size):
            for head, start, end in framer.split(stream[at : at + size]):
                frames.append((head, framer.buffer[start:end]))
        assert frames == [((len(vector.octets), vector.command, vector.sequence), vector.octets)]
        assert framer.fault is None


@each
def test_no_shorter_or_longer_body_is_read(vector: Vector) -> None:
    body, allowed = vector.octets[12:], {len(vector.octets) - 12}
    if vector.command in (SUBMIT, DELIVER):
        # Optional parameters may be missing, so a body may end where one begins.
        end = len(body)
        for tag, octets in reversed(vector.fields.get("tlvs", [])):
            assert tag
            end -= 4 + len(octets)
            allowed.add(end)
    for wrong in [*(body[:cut] for cut in range(len(body))), body + b"\0"]:
        if len(wrong) in allowed:
            continue
        with pytest.raises(MalformedPdu):
            decode(
                (12 + len(wrong)).to_bytes(4, "big") + vector.octets[4:12] + wrong, vector.version
            )


def test_every_command_with_a_table_has_a_vector() -> None:
    assert {vector.command for vector in VECTORS} == set(tables.LAYOUTS[3])


def test_authenticators() -> None:
    client = authenticator_client("12345678", "secret01", 301000000)
    assert client.hex() == "d689438f273008bf8254cf220b26e33d"
    assert authenticator_client("12345678", "secret01", 301000000, padded=True) == client
    assert authenticator_server(0, client, "secret01").hex() == "069fc6dbd06d722798294ac337fd442f"
    assert authenticator_server(21, client, "secret01") != authenticator_server(
        0, client, "secret01"
    )


# --- the ways that traffic takes

FORM = SmgpForm(V30, src_id="1069000012", level=1)


@pytest.mark.parametrize("part", [1, 2])
def test_form_makes_the_long_vectors(part: int) -> None:
    text = (LONG_TEXT[:67], LONG_TEXT[67:])[part - 1].encode("utf-16-be")
    content = bytes((5, 0, 3, 0x2E, 2, part)) + text
    made = FORM.body(b"13300001111", content, 8, 1, 2, part)
    assert made == BY_NAME[f"smgp_submit_long_{part}of2"].octets[12:]


def test_form_makes_the_short_vectors() -> None:
    vector = BY_NAME["smgp_submit_gb18030"]
    content = vector.fields["content"]
    assert FORM.bodies([b"13300001111"] * 3, content, 15) == [vector.octets[12:]] * 3
    assert FORM.own_bodies([b"13300001111"], [content], 15) == [vector.octets[12:]]
    assert FORM.group_body([b"13300001111"], content, 15) == vector.octets[12:]
    vector = BY_NAME["smgp_submit_public"]
    form = SmgpForm(V13, src_id="10086", level=2, fee_code="000000", tlvs=vector.fields["tlvs"])
    assert form.body(b"13800138000", vector.fields["content"], 0) == vector.octets[12:]


def test_writers_make_the_vectors() -> None:
    message_id = id_of(MSG_ID)
    deliver = deliver_body(
        message_id=message_id,
        destination="1069000012",
        source="13300001111",
        content="退订".encode("gb18030"),
        fmt=15,
        received_at="20030116170000",
    )
    assert deliver == BY_NAME["smgp_deliver_mo"].octets[12:]
    report = SmgpReport(message_id, "DELIVRD", "0301161700", "0301161701", text=b"012hello")
    assert report_content(report) == REPORT
    body = report_body(
        report,
        deliver_id=message_id,
        service_number="1069000012",
        user_number="13300001111",
        received_at="20030116170000",
    )
    assert body == BY_NAME["smgp_deliver_report"].octets[12:]
    assert parse_report(REPORT) == report


@pytest.mark.parametrize(
    ("name", "udhi", "part"),
    [
        ("smgp_submit_gb18030", 0, (1, 1)),
        ("smgp_submit_long_1of2", 1, (2, 1)),
        ("smgp_submit_long_2of2", 1, (2, 2)),
        ("smgp_submit_public", 0, (1, 1)),
    ],
)
def test_lazy_submit_reads_what_the_table_reads(
    name: str, udhi: int, part: tuple[int, int]
) -> None:
    vector, fields = BY_NAME[name], complete(BY_NAME[name])
    around = b"?" + vector.octets + b"?"
    pdu = SMGP.codec(vector.version).read_submit(around, 1, 1 + len(vector.octets), 7)
    for attribute in (
        *("registered", "level", "service_id", "src_id", "fmt"),
        *("destinations", "content", "valid_time", "at_time"),
    ):
        assert getattr(pdu, attribute) == fields[attribute], attribute
    assert (pdu.udhi, pdu.pk_total, pdu.pk_number, pdu.msg_src) == (udhi, *part, "")
    assert pdu.fields() == fields


def test_optional_parameters_have_names() -> None:
    tlvs = BY_NAME["smgp_submit_public"].fields["tlvs"]
    assert named(tlvs) == {
        "tp_pid": 0,
        "udhi": 0,
        "charge_user_type": 0,
        "charge_term_type": 0,
        "0x0014": b"\1",
        "destination_type": 0,
        "pk_total": 1,
        "pk_number": 1,
        "submit_msg_type": 0,
        "sp_deal_result": 0,
        "mservice_id": "ABC",
    }
    assert (
        pairs(tp_pid=0, udhi=1, pk_total=2, pk_number=1)
        == (BY_NAME["smgp_submit_long_1of2"].fields["tlvs"])
    )


@pytest.mark.parametrize("name", ["smgp_deliver_mo", "smgp_deliver_report"])
def test_lazy_deliver_reads_what_the_table_reads(name: str) -> None:
    vector, fields = BY_NAME[name], complete(BY_NAME[name])
    pdu = SMGP.codec(V30).read_deliver(b"?" + vector.octets, 1, 1 + len(vector.octets), 7)
    for attribute in ("source", "destination", "fmt", "content"):
        assert getattr(pdu, attribute) == fields[attribute], attribute
    assert pdu.is_report == bool(fields["is_report"])
    assert (pdu.message_id, pdu.udhi) == (id_of(MSG_ID), 0)
    assert pdu.fields() == fields


def test_lazy_report() -> None:
    octets = BY_NAME["smgp_deliver_report"].octets
    pdu = SMGP.codec(V30).read_deliver(octets, 0, len(octets), 7)
    report = pdu.report()
    assert (report.message_id, report.stat) == (id_of(MSG_ID), "DELIVRD")
    assert (report.submit_time, report.done_time) == ("0301161700", "0301161701")
    assert report.destination == "13300001111"
    alone = read_report(b"??" + REPORT, 2, len(REPORT))
    assert alone == report._replace(destination="")


# --- reports as they come in the field (facts: SMGP 3.7)

REAL = (
    "69643a6495c36ac4ea6b00000b7375623a30303120646c7672643a303031207375626d69745f646174653a31"
    "38303730353232303720646f6e655f646174653a3138303730353232303720737461743a44454c4956524420"
    "6572723a303030207478743ad6d0b9fa306138616535"
)


def test_the_public_sample_of_a_report() -> None:
    report = parse_report(bytes.fromhex(REAL))
    assert report.message_id == id_of(bytes.fromhex("6495c36ac4ea6b00000b"))
    assert (report.stat, report.err, report.sub, report.dlvrd) == ("DELIVRD", "000", "001", "001")
    assert (report.submit_time, report.done_time) == ("1807052207", "1807052207")
    assert report.text == "中国".encode("gbk") + b"0a8ae5"


@pytest.mark.parametrize(
    ("message_id", "rest", "dlvrd"),
    [
        (
            "10100505301557926339",
            (
                " sub:001 dlvrd:001 submit date:1805301557 done date:1805301557"
                " stat:DELIVRD err:000 Text:fillfillfillfillfill"
            ),
            "001",
        ),
        (
            "05701305301550567501",
            (
                "sSub:001sDlvrd:000sSubmit_Date:1805301557sDone_Date:1805301557"
                "sStat:DELIVRDsErr:000sText:fillfillfillfillfill"
            ),
            "000",
        ),
    ],
)
def test_public_strings_of_reports(message_id: str, rest: str, dlvrd: str) -> None:
    report = parse_report(b"id:" + bytes.fromhex(message_id) + rest.encode())
    assert report == SmgpReport(
        id_of(bytes.fromhex(message_id)),
        "DELIVRD",
        "1805301557",
        "1805301557",
        "000",
        "001",
        dlvrd,
        b"fillfillfillfillfill",
    )
