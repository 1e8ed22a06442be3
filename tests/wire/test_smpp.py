"""SMPP beside its golden octets: tables, parameters, forms, times, refusals to write nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.text import Alphabet
from assent.wire import smpp_codes as codes
from assent.wire import smpp_tables as tables
from assent.wire import smpp_tlvs as tlv
from assent.wire.frame import Field, MalformedPdu
from assent.wire.smpp import (
    SMPP,
    Destination,
    Failure,
    Identity,
    LongText,
    Pdu,
    SmppDialect,
    SmppForm,
    absolute_time,
    address_kind,
    alphabet_of_coding,
    body_of,
    decode,
    deliver_body,
    encode,
    explain,
    longest,
    read_time,
    relative_time,
)
from assent.wire.smpp_fields import split_tlvs, tlv_octets
from tests.wire.smpp_vectors import VECTORS

MULTI_RESP = tables.SUBMIT_MULTI | tables.ANSWER

_octet = st.integers(0, 255)


def _text(width: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=width - 1)


_tlvs = st.lists(
    st.tuples(st.sampled_from([*tlv.BY_TAG, 0x1400, 0xFFFF]), st.binary(max_size=30)), max_size=4
)
_destinations = st.one_of(
    st.builds(Destination, _text(21), _octet, _octet, st.just(1)),
    st.builds(Destination, _text(21), st.just(0), st.just(0), st.just(2)),
)
_failures = st.builds(Failure, _text(21), _octet, _octet, st.integers(0, 0xFFFFFFFF))


def _value(field: Field) -> st.SearchStrategy[Any]:
    if field.kind == "U":
        return st.integers(0, (1 << 8 * field.width) - 1)
    return {
        "C": _text(field.width or 1),
        "CE": _text(field.width or 1),
        "T": st.sampled_from(["", "261112050000032+", "000002000000000R"]),
        "BYTES": st.binary(max_size=254),
        "DEST": st.lists(_destinations, max_size=4),
        "FAIL": st.lists(_failures, max_size=4),
        "TLV": _tlvs,
    }[field.kind]


@st.composite
def pdus(draw: st.DrawFn) -> Pdu:
    """Any PDU with every field that is not counted."""
    command, layout = draw(st.sampled_from(sorted(tables.LAYOUTS.items())))
    counted = {field.by for field in layout.fields if field.by}
    fields = {f.name: draw(_value(f)) for f in layout.fields if f.name not in counted}
    return Pdu(command, draw(st.integers(0, 0xFFFFFFFF)), fields, draw(st.integers(0, 0xFFFFFFFF)))


@given(pdus())
def test_every_table_round_trips(pdu: Pdu) -> None:
    octets = encode(pdu)
    read = decode(octets)
    counted = {"sm_length", "number_of_dests", "no_unsuccess"}
    bare = pdu.command & tables.ANSWER and len(octets) == tables.HEADER
    expected = {} if bare else pdu.fields  # an answer without a body has no fields
    assert {k: v for k, v in read.fields.items() if k not in counted} == expected
    assert (read.command, read.sequence, read.status) == (pdu.command, pdu.sequence, pdu.status)


@given(pdus())
def test_every_field_is_explained_once_and_in_its_place(pdu: Pdu) -> None:
    octets = encode(pdu)
    notes = explain(octets)
    at = 0
    for note in notes:
        assert note.at == at
        assert note.clause
        at += note.size
    assert at == len(octets)
    names = [note.name for note in notes[4:]]
    assert names == [] or len(octets) > tables.HEADER
    parameters = [tlv.name_of(tag) for tag, _ in pdu.fields.get("tlvs", [])]
    layout = tables.LAYOUTS[pdu.command]
    assert names == [f.name for f in layout.fields if f.kind != "TLV"] + parameters


@given(st.binary(max_size=300))
def test_decode_reads_or_says_where(data: bytes) -> None:
    octets = (len(data) + 4).to_bytes(4, "big") + data
    try:
        pdu = decode(octets)
    except MalformedPdu as error:
        place = error.at
    else:
        place = 0
        assert pdu.command in tables.LAYOUTS
    assert place is not None
    assert 0 <= place <= len(octets)


@given(st.sampled_from(sorted(tables.LAYOUTS)), st.binary(max_size=120))
def test_any_body_reads_or_says_where(command: int, body: bytes) -> None:
    octets = (16 + len(body)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(8) + body
    try:
        pdu = decode(octets)
    except MalformedPdu as error:
        place = error.at
    else:
        place = 16
        assert len(explain(octets)) >= 4
        assert pdu.command == command
    assert place is not None
    assert 0 <= place <= len(octets)


@pytest.mark.parametrize(
    ("octets", "at", "word"),
    [
        ("", 0, "header"),
        ("00000010800000", 7, "header"),
        ("00000011 00000015 00000000 00000001", 0, "command_length"),
        ("00000010 000000ff 00000000 00000001", 4, "unknown command"),
        ("00000011 00000015 00000000 00000001 00", 16, "more than the table"),
        ("00000014 00000003 00000000 00000001 61626364", 16, "message_id has no NUL"),
        ("00000013 00000003 00000000 00000001 6100 01", 19, "fixed fields"),
        ("00000017 00000003 00000000 00000001 6100 0100 6200 00", 22, "too few"),
        ("0000001a 00000003 00000000 00000001 6100 0100 6200 0424 0009", 24, "0x0424"),
        ("00000017 00000021 00000000 00000001 00 0000 00 01 0300", 21, "dest_flag 3"),
        ("00000015 00000021 00000000 00000001 00 0000 00 01", 21, "destinations"),
        ("00000017 80000021 00000000 00000001 00 01 0101 00 0000", 23, "failures"),
    ],
)
def test_a_bad_pdu_is_told_by_place_and_reason(octets: str, at: int, word: str) -> None:
    with pytest.raises(MalformedPdu, match=word) as caught:
        decode(bytes.fromhex(octets))
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("field", "answer"),
    [
        ("service_type", codes.RINVSERTYP),
        ("source_addr", codes.RINVSRCADR),
        ("destination_addr", codes.RINVDSTADR),
        ("schedule_delivery_time", codes.RINVSCHED),
        ("validity_period", codes.RINVEXPIRY),
    ],
)
def test_a_field_that_is_too_long_is_refused_by_its_own_status(field: str, answer: int) -> None:
    fields = dict.fromkeys([f.name for f in tables.LAYOUTS[tables.SUBMIT_SM].fields], b"")
    whole = b"".join(
        b"x" * 40 + b"\0" if name == field else b"\0"
        for name in fields
        if name not in ("short_message", "tlvs")
    )
    octets = (16 + len(whole)).to_bytes(4, "big") + bytes((0, 0, 0, 4)) + bytes(8) + whole
    with pytest.raises(MalformedPdu) as caught:
        SMPP.codec(0x34).read_submit(octets, 0, len(octets), 1)
    assert caught.value.answer == answer
    with pytest.raises(MalformedPdu) as told:
        decode(octets)
    assert caught.value.at == told.value.at


@pytest.mark.parametrize(
    ("command", "fields", "name"),
    [
        (tables.SUBMIT_SM, {"source_addr": "x" * 21}, "source_addr"),
        (tables.SUBMIT_SM, {"source_addr": "a\0b"}, "source_addr"),
        (tables.SUBMIT_SM, {"source_addr": "短"}, "source_addr"),
        (tables.SUBMIT_SM, {"esm_class": 256}, "esm_class"),
        (tables.SUBMIT_SM, {"validity_period": "1"}, "validity_period"),
        (tables.SUBMIT_SM, {"short_message": bytes(255)}, "short_message"),
        (tables.SUBMIT_SM, {"tlvs": [(1 << 16, b"")]}, "tlvs"),
        (tables.SUBMIT_SM, {"tlvs": [(1, bytes(1 << 16))]}, "tlvs"),
        (tables.SUBMIT_SM, {"no_such": 1}, "no_such"),
        (tables.SUBMIT_MULTI, {"destinations": [("1", 1, 1, 1)] * 255}, "destinations"),
        (tables.SUBMIT_MULTI, {"destinations": [("1", 256, 1, 1)]}, "destinations"),
        (tables.SUBMIT_MULTI, {"destinations": [("1", 1, 1, 3)]}, "destinations"),
        (tables.SUBMIT_MULTI, {"destinations": [("1" * 21, 0, 0, 2)]}, "dl_name"),
        (
            tables.SUBMIT_MULTI | tables.ANSWER,
            {"unsuccess_sme": [("1", 1, 1, -1)]},
            "unsuccess_sme",
        ),
    ],
)
def test_what_does_not_fit_is_named(command: int, fields: dict[str, Any], name: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(Pdu(command, 1, fields))
    assert caught.value.field == name


def test_unknown_commands_and_versions_are_ours_to_mend() -> None:
    for wrong in (Pdu(0xFF, 1), Pdu(0x800000FF, 1, {}, 3), Pdu(tables.UNBIND, 1 << 32)):
        with pytest.raises(LocalProtocolError):
            encode(wrong)
    for version in (0x30, 0x50, 0):
        with pytest.raises(LocalProtocolError):
            SMPP.codec(version)


@pytest.mark.parametrize("name", ["unbind", "enquire_link", "cancel_sm", "replace_sm"])
def test_an_empty_message_id_where_none_belongs_is_let_go(name: str) -> None:
    command = next(c for c, row in tables.COMMANDS.items() if row[0] == f"{name}_resp")
    octets = bytes.fromhex(f"00000011{command:08x}000000000000000700")
    assert decode(octets) == Pdu(command, 7)
    assert explain(octets)[4].meaning == "does not belong here"


# --- optional parameters


@given(_tlvs, st.binary(max_size=3))
def test_parameters_survive_whatever_their_tags_and_lengths(
    given_tlvs: list[tuple[int, bytes]], stray: bytes
) -> None:
    octets = tlv_octets(given_tlvs)
    assert split_tlvs(octets + stray, 0, len(octets + stray)) == (given_tlvs, len(octets))
    for tag, value in given_tlvs:
        shown = tlv.value_of(tag, value)
        assert isinstance(shown, (int, str, bytes))
        assert isinstance(tlv.complaint(tag, value), str)
    assert set(tlv.named(given_tlvs)) == {tlv.name_of(tag) for tag, _ in given_tlvs}


@pytest.mark.parametrize("kind", tlv.BY_TAG.values(), ids=lambda kind: kind.name)
def test_every_known_parameter_takes_its_range_and_no_more(kind: tlv.TlvKind) -> None:
    if kind.kind == "U":
        for number in (kind.least, kind.most):
            tag, octets = tlv.pair(kind.name, number)
            assert (tag, len(octets)) == (kind.tag, kind.size)
            assert tlv.value_of(tag, octets) == number
            assert tlv.complaint(tag, octets) == ""
        wrong: list[int | str | bytes] = [kind.least - 1, kind.most + 1, "x"]
        assert tlv.complaint(kind.tag, bytes(kind.size + 1)) != ""
    elif kind.kind == "C":
        tag, octets = tlv.pair(kind.name, "x" * (kind.most - 1))
        assert tlv.value_of(tag, octets) == "x" * (kind.most - 1)
        assert tlv.complaint(tag, b"no end") == "no NUL at the end"
        wrong = ["x" * kind.most, 5]
    else:
        assert tlv.pair(kind.tag, bytes(kind.most)) == (kind.tag, bytes(kind.most))
        assert tlv.complaint(kind.tag, bytes(kind.least)) == ""
        wrong = [5, "x", *([bytes(kind.least - 1)] if kind.least else [])]
    for value in wrong:
        with pytest.raises(LocalProtocolError):
            tlv.pair(kind.name, value)


def test_parameters_that_nobody_knows() -> None:
    assert tlv.pair(0x1400, b"1001") == (0x1400, b"1001")
    assert tlv.named([(0x1400, b"1001")]) == {"0x1400": b"1001"}
    for name, value in (("no_such", b""), ("no_such", 1), (0x1400, 1)):
        with pytest.raises(LocalProtocolError):
            tlv.pair(name, value)


def test_of_a_repeated_parameter_the_first_counts() -> None:
    twice = [(tlv.MESSAGE_STATE, b"\2"), (tlv.MESSAGE_STATE, b"\5")]
    assert tlv.named(twice) == {"message_state": 2}
    assert tlv.integer(twice, tlv.MESSAGE_STATE) == 2
    assert tlv.integer([(tlv.MESSAGE_STATE, b"\0\2")], tlv.MESSAGE_STATE) is None
    assert tlv.value_of(tlv.MESSAGE_STATE, b"") == b""
    assert tlv.value_of(tlv.RECEIPTED_MESSAGE_ID, b"77") == "77"


def test_a_broken_parameter_is_refused_as_such_and_a_stray_nul_is_not() -> None:
    body = body_of(tables.DELIVER_SM, {"source_addr": "4915", "short_message": b"hi"})

    def read(tail: bytes) -> Any:
        octets = (16 + len(body) + len(tail)).to_bytes(4, "big") + bytes((0, 0, 0, 5)) + bytes(8)
        octets += body + tail
        return SMPP.codec(0x34).read_deliver(octets, 0, len(octets), 1)

    assert read(b"\0").content == b"hi"
    assert read(b"\0").fields() == read(b"").fields()
    assert read(b"\x14\0\0\1x\0\0").tlvs == [(0x1400, b"x")]
    with pytest.raises(MalformedPdu) as caught:
        read(b"\x14\0\0\2x")
    assert caught.value.answer == codes.RINVOPTPARSTREAM


# --- forms

people = st.integers(10**9, 10**15 - 1).map(lambda number: b"%d" % number)


@given(
    st.sampled_from(list(LongText)),
    st.lists(st.tuples(people, st.binary(max_size=140)), max_size=6),
    st.sampled_from(["", "86"]),
)
def test_own_bodies_equal_single_ones(
    long_text: LongText, messages: list[tuple[bytes, bytes]], prefix: str
) -> None:
    form = SmppForm(service_id="CMT", src_id="bank", dest_prefix=prefix, long_text=long_text)
    made = form.own_bodies([m[0] for m in messages], [m[1] for m in messages], 8)
    assert made == [form.body(number, content, 8) for number, content in messages]
    for (number, content), body in zip(messages, made, strict=True):
        fields = tables.LAYOUTS[tables.SUBMIT_SM].decode(body)
        assert fields["destination_addr"] == prefix + number.decode()
        assert (fields["short_message"], fields["data_coding"]) == (content, 8)
        assert fields["service_type"] == "CMT"


def test_a_form_refuses_what_does_not_fit() -> None:
    form, sar = SmppForm(src_id="bank"), SmppForm(long_text=LongText.SAR)
    form.body(b"1" * 20, bytes(140), 8)
    form.body(b"1" * 20, bytes(160), 0)
    for wrong in (
        lambda: form.body(b"1" * 21, b"", 8),
        lambda: SmppForm(dest_prefix="86").body(b"1" * 19, b"", 8),
        lambda: form.body(b"1\x002", b"", 8),
        lambda: form.body(b"1", bytes(141), 8),
        lambda: form.body(b"1", bytes(161), 0),
        lambda: form.own_bodies([b"1"], [bytes(161)], 0),
        lambda: form.own_bodies([b"1" * 21], [b""], 0),
        lambda: form.body(b"1", b"", 256),
        lambda: form.body(b"1", b"", 15),  # GB18030 is for Chinese networks (facts: SMPP 4.7)
        lambda: sar.body(b"1", b"", 8, 0, 2, 0),
        lambda: sar.body(b"1", b"", 8, 0, 2, 1, 1 << 16),
        lambda: SmppForm(long_text=LongText.PAYLOAD).body(b"1", bytes(1 << 16), 8),
        lambda: SmppForm(0x33, long_text=LongText.SAR),
        lambda: SmppForm(0x33, tlvs=[(0x1400, b"1")]),
        lambda: SmppForm(src_id="1" * 21),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


def test_a_header_that_says_more_than_a_segment_stays_a_header() -> None:
    ports = bytes((11, 5, 4, 0x0B, 0x84, 0, 0, 0, 3, 7, 2, 1)) + b"wap"
    form = SmppForm(long_text=LongText.SAR)
    assert form.body(b"1", ports, 4, 1, 2, 1) == SmppForm().body(b"1", ports, 4, 1, 2, 1)


def test_addresses_and_lengths_of_the_usual_kinds() -> None:
    assert [address_kind(a) for a in ("Bank", "12321", "8613800138000", "+49151", "")] == [
        (5, 0),
        (3, 0),
        (1, 1),
        (1, 1),
        (0, 0),
    ]
    seven_bit = [coding for coding in range(256) if longest(coding) == 160]
    assert seven_bit == [0, 1, 3, *range(0x10, 0x14), *range(0xC0, 0xE0), *range(0xF0, 0xF4)]


def test_codings_name_the_alphabet_of_a_text() -> None:
    of = {c: a for c in range(256) if (a := alphabet_of_coding(c)) is not None}
    assert [c for c, a in of.items() if a is Alphabet.UCS2] == [8, *range(0x18, 0x1C)]
    assert [c for c, a in of.items() if a is Alphabet.LATIN1] == [1, 3]
    binary = [2, 4, *range(0x14, 0x18), *range(0xF4, 0xF8), *range(0xFC, 0x100)]
    assert [c for c, a in of.items() if a is Alphabet.BINARY] == binary
    seven_bit = [0, *range(0x10, 0x14), *range(0xF0, 0xF4), *range(0xF8, 0xFC)]
    assert [c for c, a in of.items() if a is Alphabet.GSM7] == seven_bit


def test_a_long_message_from_a_person_becomes_a_payload() -> None:
    body = deliver_body(0x34, destination="12321", source="4915", content=bytes(255), fmt=8, udhi=1)
    octets = (16 + len(body)).to_bytes(4, "big") + bytes((0, 0, 0, 5)) + bytes(8) + body
    deliver = SMPP.codec(0x34).read_deliver(octets, 0, len(octets), 1)
    assert (deliver.content, deliver.fmt, deliver.udhi) == (bytes(255), 8, 1)
    assert not deliver.is_report
    with pytest.raises(LocalProtocolError):
        deliver_body(0x33, destination="12321", source="4915", content=bytes(255))


# --- times


@given(st.integers(946_684_800, 4_102_444_799), st.integers(-48, 48))
def test_absolute_times_round_trip(unix_s: int, quarters: int) -> None:
    local = unix_s + quarters * 900
    text = absolute_time(unix_s + 0.5, quarters * 15)
    assert text[12] == "5"
    if 946_684_800 <= local < 4_102_444_800:  # the written year is this century's
        assert read_time(text, 0.0) == unix_s + 0.5


@given(st.integers(0, 31 * 86_400), st.integers(0, 10**9))
def test_relative_times_round_trip(seconds: int, now: int) -> None:
    assert read_time(relative_time(seconds), now) == now + seconds


def test_times_as_the_book_has_them() -> None:
    assert absolute_time(1_794_459_600, 480) == "261112130000032+"
    assert absolute_time(1_794_459_600, -480) == "261111210000032-"
    assert relative_time(2 * 86_400) == "000002000000000R"
    assert read_time("", 5.0) is None
    for text in ("1", "26111213000003x+", "261312130000032+", "261112130000032*", "２" * 15 + "+"):
        with pytest.raises(MalformedPdu):
            read_time(text, 0.0)
    for zone in (7, 765):
        with pytest.raises(LocalProtocolError):
            absolute_time(0, zone)
    for seconds in (-1, 31 * 86_400 + 1):
        with pytest.raises(LocalProtocolError):
            relative_time(seconds)


# --- codes and words


def test_every_status_says_what_to_do() -> None:
    for code, (name, meaning, action) in codes.STATUS.items():
        assert action in ("accepted", "throttled", "elsewhere", "refused")
        assert (action == "accepted") == (code == 0)
        assert name
        assert meaning
    assert {0x14, 0x58} == codes.THROTTLED
    assert codes.status_meaning(0x0E)[0] == "RINVPASWD"
    assert codes.status_meaning(0x411)[1:] == ("vendor status 0x411", "refused")
    assert codes.status_meaning(0x999)[1:] == ("unknown status 0x999", "refused")


def test_stats_have_outcomes() -> None:
    outcomes = {word: codes.stat_outcome(word) for _, word in codes.MESSAGE_STATES.values()}
    assert [w for w, o in outcomes.items() if o == "delivered"] == ["DELIVRD"]
    assert [w for w, o in outcomes.items() if o == "intermediate"] == ["ENROUTE", "ACCEPTD"]
    assert codes.stat_outcome("BLOCKED") == "failed"


def test_an_explanation_reads_like_one() -> None:
    receipt = next(v for v in VECTORS if v.name == "smpp_deliver_sm_dlr")
    said = {note.name: note for note in explain(receipt.octets)}
    assert said["command_id"].meaning == "deliver_sm"
    assert (said["command_id"].clause, said["source_addr"].clause) == ("4.6.1", "5.2.8")
    assert said["source_addr_ton"].meaning == "international"
    assert said["dest_addr_ton"].meaning == "alphanumeric"
    assert said["esm_class"].meaning == "default mode, delivery receipt"
    assert said["data_coding"].meaning == "SMSC default alphabet"
    assert said["message_state"].meaning == "DELIVERED"
    assert said["network_error_code"].meaning == "GSM, code 0"
    assert (said["message_state"].at, said["message_state"].size) == (184, 5)
    everything = next(v for v in VECTORS if v.name == "hand_submit_sm_all")
    said = {note.name: note for note in explain(everything.octets)}
    assert said["esm_class"].meaning == "store and forward, reply path"
    assert said["registered_delivery"].meaning == "receipt, intermediate notification"
    assert said["data_coding"].meaning == "7-bit, class 0"
    assert said["0x1400"].meaning == "unknown or a vendor's"
    refused = explain(bytes.fromhex("00000010800000040000005800000003"))
    assert refused[2].meaning == "RTHROTTLED: over the allowed rate; throttled"
    for tag in (tlv.MESSAGE_STATE, tlv.SC_INTERFACE_VERSION):
        odd = encode(Pdu(tables.DATA_SM, 1, {"tlvs": [(tag, b"\0\2")]}))
        assert explain(odd)[-1].meaning == "2 octets instead of 1"


def test_words_for_data_codings() -> None:
    words = {coding: codes.data_coding_meaning(coding) for coding in (8, 0x18, 0xF4, 0xC8, 15)}
    assert words == {
        8: "UCS-2",
        0x18: "UCS-2, class 0",
        0xF4: "8-bit, class 0",
        0xC8: "message waiting",
        15: "reserved",
    }


def test_what_a_codec_says_of_itself() -> None:
    identity = Identity(
        system_id="gate", system_type="A2P", addr_ton=1, addr_npi=1, address_range="^1069"
    )
    codec = SmppDialect(identity=identity).codec(0x34)
    body, proof = codec.bind("assent", "a password longer than eight", 0)
    octets = encode(Pdu(tables.BIND_RECEIVER, 1, tables.LAYOUTS[tables.BIND_RECEIVER].decode(body)))
    asked = codec.read_bind(octets, 0, len(octets))
    assert proof == b""
    assert (asked.user, asked.version) == ("assent", 0x34)
    assert asked.details["address_range"] == "^1069"
    assert asked.details["system_type"] == "A2P"
    assert codec.proves(asked, "a password longer than eight")
    assert not codec.proves(asked, "a passw")
    assert not codec.proves(asked, "密码")
    assert codec.bind_answer(0, b"", "", 0x34) == b"gate\0\x02\x10\0\x01\x34"
    assert "longer" not in repr(asked)
