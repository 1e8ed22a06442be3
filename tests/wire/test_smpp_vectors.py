"""Golden octets of SMPP: written, read, fed whole, octet by octet and with octets after them."""

from __future__ import annotations

import pytest

from assent.wire import smpp_tables as tables
from assent.wire.frame import Framer, MalformedPdu
from assent.wire.pdus import Report
from assent.wire.smpp import SMPP, IdForm, LongText, Pdu, SmppForm, decode, encode, report_body
from assent.wire.smpp import SmppDialect as Dialect
from assent.wire.smpp_pdus import SmppDeliver, SmppSubmit
from tests.wire.smpp_vectors import LONG, VECTORS, Vector

BY_NAME = {vector.name: vector for vector in VECTORS}
COUNTED = ("sm_length", "number_of_dests", "no_unsuccess")
each = pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v.name)


def complete(vector: Vector) -> dict[str, object]:
    """The vector's fields with the zero and empty ones that it leaves out."""
    if vector.command & tables.ANSWER and len(vector.octets) == tables.HEADER:
        return {}
    empty = {"U": 0, "C": "", "CE": "", "T": "", "BYTES": b"", "DEST": [], "FAIL": [], "TLV": []}
    layout = tables.LAYOUTS[vector.command]
    return {field.name: empty[field.kind] for field in layout.fields} | vector.fields


def framed(vector: Vector, body: bytes) -> bytes:
    return (16 + len(body)).to_bytes(4, "big") + vector.octets[4:16] + body


@each
def test_written_octets_equal_the_vector(vector: Vector) -> None:
    fields = {k: v for k, v in vector.fields.items() if k not in COUNTED}
    assert encode(Pdu(vector.command, vector.sequence, fields, vector.status)) == vector.octets


@each
def test_read_fields_equal_the_vector(vector: Vector) -> None:
    pdu = decode(vector.octets)
    assert (pdu.command, pdu.sequence) == (vector.command, vector.sequence)
    assert pdu.status == vector.status
    assert pdu.fields == complete(vector)


@each
def test_every_split_of_the_stream_gives_the_same_frame(vector: Vector) -> None:
    stream = vector.octets + b"\0\0\0"  # the beginning of the next PDU
    for size in (1, 2, 7, len(stream)):
        framer, frames = Framer(SMPP.framing), []
        for at in range(0, len(stream), size):
            for head, start, end in framer.split(stream[at : at + size]):
                frames.append((head, framer.buffer[start:end]))
        head = (len(vector.octets), vector.command, vector.status, vector.sequence)
        assert frames == [(head, vector.octets)]
        assert framer.fault is None


def _malformed_at(octets: bytes) -> int | None:
    """Where decode says it goes wrong; None when it reads."""
    try:
        decode(octets)
    except MalformedPdu as error:
        return -1 if error.at is None else error.at
    return None


@each
def test_a_shorter_body_is_malformed_at_a_place_or_says_less(vector: Vector) -> None:
    """Optional parameters may be cut off between two of them; a last string may lack its NUL."""
    body = vector.octets[16:]
    for cut in range(len(body)):
        octets = framed(vector, body[:cut])
        at = _malformed_at(octets)
        if at is not None:
            assert 16 <= at <= len(octets)
        elif body[cut:] != b"\0":
            assert decode(octets).fields != complete(vector)


@each
@pytest.mark.parametrize("tail", [b"\1", b"\0\1\0", b"\x14\0\0\x05abcd"])
def test_octets_behind_the_body_are_malformed_where_they_begin(vector: Vector, tail: bytes) -> None:
    body = vector.octets[16:]
    if not body and tables.COMMANDS[vector.command][2]:
        return  # an answer without its body: then these would be the body
    at = _malformed_at(framed(vector, body + tail))
    assert at is not None
    assert at >= len(vector.octets)


def test_every_command_has_a_vector_of_its_clause() -> None:
    for command, (name, clause, _) in tables.COMMANDS.items():
        clauses = [v.clause.split(", ")[0] for v in VECTORS if v.command == command]
        assert clause in clauses, name


# --- what sessions read of traffic is what the tables read


@pytest.mark.parametrize("name", [v.name for v in VECTORS if v.command == tables.SUBMIT_SM])
def test_a_submit_shows_what_the_table_reads(name: str) -> None:
    vector, fields = BY_NAME[name], complete(BY_NAME[name])
    octets = b"??" + vector.octets + b"!"
    pdu = SMPP.codec(0x34).read_submit(octets, 2, 2 + len(vector.octets), 7)
    assert (pdu.sequence, pdu.command, pdu.raw) == (7, tables.SUBMIT_SM, vector.octets)
    tlvs = dict(fields["tlvs"])  # type: ignore[call-overload]
    shown = {
        "src_id": fields["source_addr"],
        "destinations": [fields["destination_addr"]],
        "service_id": fields["service_type"],
        "fmt": fields["data_coding"],
        "udhi": fields["esm_class"] >> 6 & 1,  # type: ignore[operator]
        "registered": fields["registered_delivery"] & 3,  # type: ignore[operator]
        "level": fields["priority_flag"],
        "at_time": fields["schedule_delivery_time"],
        "valid_time": fields["validity_period"],
        "content": tlvs.get(0x424, fields["short_message"]),
        "tlvs": fields["tlvs"] or (),
        "msg_src": "",
    }
    for attribute, value in shown.items():
        assert getattr(pdu, attribute) == value, attribute
    assert pdu.fields() == fields


@pytest.mark.parametrize("name", [v.name for v in VECTORS if v.command == tables.DELIVER_SM])
def test_a_deliver_shows_what_the_table_reads(name: str) -> None:
    vector, fields = BY_NAME[name], complete(BY_NAME[name])
    pdu = SMPP.codec(0x34).read_deliver(vector.octets, 0, len(vector.octets), 7)
    assert pdu.message_id == 0
    assert pdu.source == fields["source_addr"]
    assert pdu.destination == fields["destination_addr"]
    assert pdu.content == fields["short_message"]
    assert (pdu.fmt, pdu.udhi) == (0, 0)
    assert pdu.is_report == (fields["esm_class"] == 4)
    assert pdu.fields() == fields


def test_a_data_sm_is_a_message_either_way() -> None:
    vector = BY_NAME["hand_data_sm"]
    codec, size = SMPP.codec(0x34), len(vector.octets)
    deliver = codec.read_deliver(vector.octets, 0, size, 18)
    submit = codec.read_submit(vector.octets, 0, size, 18)
    assert isinstance(deliver, SmppDeliver)
    assert isinstance(submit, SmppSubmit)
    assert (deliver.source, deliver.destination) == ("4915", "12321")
    assert (submit.src_id, submit.destinations) == ("4915", ["12321"])
    assert deliver.content == submit.content == b"\0h\0i"
    assert deliver.fmt == submit.fmt == 8
    assert deliver.fields() == submit.fields() == complete(vector)


def test_a_submit_multi_names_numbers_and_lists() -> None:
    vector = BY_NAME["hand_submit_multi"]
    submit = SMPP.codec(0x34).read_submit(vector.octets, 0, len(vector.octets), 17)
    assert (submit.destinations, submit.lists) == (["4915"], ["friends"])
    assert (submit.src_id, submit.content, submit.registered) == ("bank", b"hi", 1)


def test_segments_told_by_parameters() -> None:
    for number in (1, 2):
        vector = BY_NAME[f"smpp_submit_sm_sar_{number}of2"]
        submit = SMPP.codec(0x34).read_submit(vector.octets, 0, len(vector.octets), 1)
        assert submit.sar == (46, 2, number)
        assert (submit.pk_total, submit.pk_number) == (2, number)
    vector = BY_NAME["smpp_submit_sm"]
    submit = SMPP.codec(0x34).read_submit(vector.octets, 0, len(vector.octets), 1)
    assert submit.sar is None
    assert (submit.pk_total, submit.pk_number) == (1, 1)


# --- forms and receipts make the vectors


@pytest.mark.parametrize("number", [1, 2])
def test_the_form_makes_the_long_vectors(number: int) -> None:
    part = (LONG[:134], LONG[134:])[number - 1]
    content = bytes((5, 0, 3, 0x2E, 2, number)) + part
    udh = BY_NAME[f"smpp_submit_sm_udh_{number}of2"].octets[16:]
    sar = BY_NAME[f"smpp_submit_sm_sar_{number}of2"].octets[16:]
    assert SmppForm(src_id="Assent").body(b"8613800138000", content, 8, 1, 2, number) == udh
    form = SmppForm(src_id="Assent", long_text=LongText.SAR)
    assert form.body(b"8613800138000", content, 8, 1, 2, number) == sar
    assert form.body(b"8613800138000", part, 8, 0, 2, number, 46) == sar


def test_the_form_makes_the_other_vectors() -> None:
    number, text = b"8613800138000", b"Your code is 123456"
    plain = BY_NAME["smpp_submit_sm"].octets[16:]
    assert SmppForm(src_id="Assent").bodies([number] * 3, text, 0) == [plain] * 3
    assert SmppForm(src_id="Assent").own_bodies([number], [text], 0) == [plain]
    prefixed = SmppForm(src_id="Assent", dest_prefix="86")
    assert prefixed.body(number[2:], text, 0) == plain
    payload = SmppForm(src_id="Assent", long_text=LongText.PAYLOAD)
    assert payload.body(number, LONG, 8) == BY_NAME["smpp_submit_sm_payload"].octets[16:]
    assert payload.own_bodies([number], [LONG], 8) == [payload.body(number, LONG, 8)]
    everything = SmppForm(
        service_id="CMT",
        src_id="12321",
        esm_class=0x83,
        tp_pid=0x41,
        level=2,
        at_time="261112050000032+",
        valid_time="000002000000000R",
        registered=0x11,
        replace=1,
        default_msg_id=5,
        tlvs=[(0x0204, b"\x12\x34"), (0x1400, b"1001\0")],
    )
    assert everything.body(b"4915", b"hi", 0xF0) == BY_NAME["hand_submit_sm_all"].octets[16:]


def test_the_writer_makes_the_receipt() -> None:
    report = Report(0xA1527684, "DELIVRD", "2611220500", "2611220501", "8613800138000", 0)
    body = report_body(
        0x34,
        report,
        service_number="Assent",
        ids=IdForm.HEX,
        text="Your code is 123456",
        network_error=(3, 0),
    )
    assert body == BY_NAME["smpp_deliver_sm_dlr"].octets[16:]


@pytest.mark.parametrize(
    ("name", "form", "message_id"),
    [
        ("smpp_deliver_sm_dlr", IdForm.HEX, 0xA1527684),
        ("public_deliver_sm_dlr", IdForm.HEX_THEN_DECIMAL, 0x38601FA),
        ("public_deliver_sm_dlr", IdForm.HEX, 0x38601FA),
    ],
)
def test_the_receipts_name_the_message(name: str, form: IdForm, message_id: int) -> None:
    vector = BY_NAME[name]
    codec = Dialect(ids=form).codec(0x34)
    report = codec.read_deliver(vector.octets, 0, len(vector.octets), 1).report()
    assert (report.message_id, report.stat) == (message_id, "DELIVRD")
    assert report.destination == vector.fields["source_addr"]


def test_the_answer_in_hex_and_the_receipt_in_decimal_meet() -> None:
    answer = BY_NAME["smpp_submit_sm_resp"].octets
    codec = Dialect(ids=IdForm.HEX_THEN_DECIMAL).codec(0x34)
    _, status, message_id = codec.read_answer(answer, 0, len(answer), 2)
    assert (status, message_id) == (0, 2706536068)  # A1527684
