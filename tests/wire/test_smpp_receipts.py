"""Receipts and message ids as peers really write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import smpp_tables as tables
from assent.wire.frame import MalformedPdu
from assent.wire.pdus import Report
from assent.wire.smpp import (
    IdForm,
    Receipt,
    ReceiptForm,
    ReportForm,
    SmppDialect,
    TextId,
    id_of,
    read_receipt,
    receipt_id,
    report_body,
    text_of_id,
)
from assent.wire.smpp_codes import MESSAGE_STATES
from assent.wire.smpp_fields import Tlv
from assent.wire.smpp_pdus import SmppDeliver
from assent.wire.smpp_tlvs import pairs

USUAL = (
    b"id:0123456789 sub:001 dlvrd:001 submit date:2611220500 done date:2611220501"
    b" stat:DELIVRD err:000 text:Your code is 123456"
)


def deliver(body: bytes, ids: IdForm = IdForm.DECIMAL) -> SmppDeliver:
    octets = (16 + len(body)).to_bytes(4, "big") + bytes((0, 0, 0, 5)) + bytes(8) + body
    return SmppDialect(ids=ids).codec(0x34).read_deliver(octets, 0, len(octets), 1)


def carried(content: bytes, esm_class: int = 4, tlvs: list[Tlv] | None = None) -> SmppDeliver:
    fields = {"source_addr": "4915", "short_message": content, "esm_class": esm_class}
    return deliver(tables.LAYOUTS[tables.DELIVER_SM].encode(fields | {"tlvs": tlvs or []}))


# --- the text


def test_the_text_of_the_book() -> None:
    assert read_receipt(USUAL) == Receipt(
        message_id="0123456789",
        stat="DELIVRD",
        submit_date="2611220500",
        done_date="2611220501",
        error="000",
        submitted=1,
        delivered=1,
        text="Your code is 123456",
    )
    assert carried(USUAL).report() == Report(
        123456789, "DELIVRD", "2611220500", "2611220501", "4915", 0
    )


@pytest.mark.parametrize(
    ("text", "message_id", "stat"),
    [
        ("stat:UNDELIV id:77 err:001", "77", "UNDELIV"),
        ("ID:77 SUB:1 DLVRD:0 SUBMIT DATE:261122050000 DONE DATE:1 STAT:rejectd", "77", "REJECTD"),
        ("id: 77 stat: DELIVRD", "77", "DELIVRD"),
        ("id:77 stat:DELIVERED", "77", "DELIVRD"),
        ("id:77 stat:UNDELIVERABLE", "77", "UNDELIV"),
        ("id:77sub:001 dlvrd:001 stat:EXPIRED", "77", "EXPIRED"),
        ("id:77 submit_date:1 done_date:2 stat:ACCEPTD txt:", "77", "ACCEPTD"),
        ("id:77 smscid:88 stat:DELIVRD", "77", "DELIVRD"),
        ("smscid:88 id:77 stat:DELIVRD", "77", "DELIVRD"),
        ("id:77 stat:BLOCKED text:", "77", "BLOCKED"),
        ("id:77\nstat:DELIVRD\n", "77", "DELIVRD"),
        ("id:77 stat:DELIVRD\0", "77", "DELIVRD"),
        ("id:77 id:88 stat:DELIVRD stat:UNDELIV", "77", "DELIVRD"),
        ("text:hello id:77 stat:DELIVRD", "77", "DELIVRD"),
        ("id:77", "77", ""),
        ("stat:DELIVRD", "", "DELIVRD"),
        ("", "", ""),
        ("STOP", "", ""),
    ],
)
def test_spellings(text: str, message_id: str, stat: str) -> None:
    receipt = read_receipt(text.encode())
    assert (receipt.message_id, receipt.stat) == (message_id, stat)


@given(
    st.from_regex(r"[0-9A-Za-z-]{1,10}", fullmatch=True),
    st.from_regex(r"[A-Za-z]{1,9}", fullmatch=True),
    st.from_regex(r"[0-9A-Za-z]{0,3}", fullmatch=True),
    st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=30),
)
def test_the_usual_spelling_is_read_as_any_other(
    message_id: str, stat: str, error: str, text: str
) -> None:
    """The usual one has a way of its own; a blank more and it goes the long way."""
    words = f"id:{message_id} sub:001 dlvrd:000 submit date:1 done date:2 stat:{stat} err:{error}"
    short = read_receipt(f"{words} text:{text}".encode("latin-1"))
    long = read_receipt(f" {words} text:{text}".encode("latin-1"))
    assert short == long
    assert (short.message_id, short.error, short.text) == (message_id, error, text.rstrip("\0"))
    assert read_receipt(words.encode()) == long._replace(text="")


NUMBERS = st.sampled_from(
    ["7", "007", "0", "x-7", "7f", "38601fa", "9" * 18, "9" * 19, "0" * 30 + "7", "0" * 70 + "7"]
)


@given(
    NUMBERS,
    st.none() | NUMBERS,
    st.sampled_from([b"", b"\0", b"\0\0", b" ", b"\0junk"]),
    st.sampled_from(["DELIVRD", "delivrd", "UNDELIVERED", "ODD", "REJECTD"]),
    st.none() | st.binary(max_size=2) | st.integers(0, 9).map(lambda state: bytes((state,))),
    st.sampled_from(["", " text:", " text:stat:EXPIRED", " text:a\0", "\0", " more", "\n"]),
    st.sampled_from([0, 3, 8]),
    st.booleans(),
    st.sampled_from(IdForm),
)
def test_a_report_says_what_its_receipt_says(
    name: str, told: str | None, after: bytes, stat: str, state: bytes | None, tail: str,
    coding: int, twice: bool, form: IdForm,
) -> None:  # fmt: skip
    """A usual receipt becomes a report in one step; the long way makes the same of it."""
    text = f"id:{name} sub:001 dlvrd:000 submit date:1 done date:2 stat:{stat} err:0{tail}"
    tlvs = [] if told is None else [(0x1E, told.encode() + after)]
    tlvs += [] if state is None else [(0x427, state)]
    tlvs += [(0x1E, b"5\0"), (0x427, b"\x05")] if twice else []
    fields = {"source_addr": "4915", "esm_class": 4, "data_coding": coding, "tlvs": tlvs}
    fields["short_message"] = text.encode("latin-1")
    read = deliver(tables.LAYOUTS[tables.DELIVER_SM].encode(fields), form)
    try:
        expected = read.receipt().report(form, "4915")
    except MalformedPdu:
        with pytest.raises(MalformedPdu):
            read.report()
    else:
        assert read.report() == expected


def test_a_colon_in_the_text_belongs_to_the_text() -> None:
    receipt = read_receipt(b"id:1 stat:UNDELIV text:At 12:30, see a: b")
    assert (receipt.stat, receipt.text) == ("UNDELIV", "At 12:30, see a: b")


@pytest.mark.parametrize(
    "content",
    [
        b"id:1 stat:UNDELIV err:1 text:id:9 stat:DELIVRD",
        b"text:id:9 stat:DELIVRD id:1 stat:UNDELIV err:1",
        b"err:1 text:stat:DELIVRD text:id:9 id:1 stat:UNDELIV",
    ],
)
def test_the_author_of_a_message_cannot_write_its_receipt(content: bytes) -> None:
    receipt = read_receipt(content)
    assert (receipt.message_id, receipt.stat, receipt.error) == ("1", "UNDELIV", "1")


def test_a_text_in_ucs2() -> None:
    receipt = read_receipt(USUAL.decode().encode("utf-16-be"), 8)
    assert (receipt.message_id, receipt.stat) == ("0123456789", "DELIVRD")
    assert read_receipt(b"\xd8\x00", 8).stat == ""


@given(st.binary(max_size=200), st.integers(0, 255))
def test_any_octets_are_a_receipt_that_may_say_nothing(content: bytes, coding: int) -> None:
    receipt = read_receipt(content, coding, [(0x1E, content), (0x427, content), (0x423, content)])
    assert isinstance(receipt.stat, str)
    assert receipt.submitted is None or receipt.submitted >= 0


@pytest.mark.parametrize("content", [b"stat:DELIVRD", b"id:1", b"STOP", b""])
def test_a_receipt_without_id_or_state_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPdu):
        carried(content).report()


# --- the parameters


def test_parameters_win() -> None:
    tlvs = pairs(
        {"receipted_message_id": "88", "message_state": 5, "network_error_code": b"\3\0\x22"}
    )
    receipt = carried(USUAL, tlvs=tlvs).receipt()
    assert (receipt.message_id, receipt.tlv_id, receipt.stat) == ("0123456789", "88", "UNDELIV")
    assert receipt.network_error == (3, 0x22)
    assert carried(USUAL, tlvs=tlvs).report()[:2] == (88, "UNDELIV")


@pytest.mark.parametrize("state", MESSAGE_STATES)
def test_states_have_the_words_of_the_text(state: int) -> None:
    tlvs = pairs({"receipted_message_id": "88", "message_state": state})
    assert carried(b"", tlvs=tlvs).report()[:2] == (88, MESSAGE_STATES[state][1])


def test_odd_parameters_leave_the_word_to_the_text() -> None:
    odd: list[Tlv] = [(0x427, b""), (0x427, b"\2"), (0x1E, b"88"), (0x423, b"\3")]
    receipt = carried(USUAL, tlvs=odd).receipt()
    assert (receipt.tlv_id, receipt.stat, receipt.network_error) == ("88", "DELIVRD", None)
    unknown: list[Tlv] = [(0x427, b"\x63")]
    assert carried(USUAL, tlvs=unknown).report().stat == "DELIVRD"


@pytest.mark.parametrize(
    ("esm_class", "tlvs", "is_report"),
    [
        (0x04, [], True),
        (0x44, [], True),
        (0x87, [], True),
        (0x20, [], True),
        (0x00, [], False),
        (0x08, [], False),
        (0x10, [], False),
        (0x40, [], False),
        (0x00, [(0x1E, b"1\0")], True),
        (0x08, [(0x1E, b"1\0")], False),
        (0x00, [(0x427, b"\2")], False),
    ],
)
def test_what_is_a_report(esm_class: int, tlvs: list[Tlv], is_report: bool) -> None:
    assert carried(b"x", esm_class, tlvs).is_report is is_report


def test_an_intermediate_notification_without_state_is_on_its_way() -> None:
    assert carried(b"id:1", 0x20).report().stat == "ENROUTE"
    assert carried(b"id:1 stat:ACCEPTD", 0x20).report().stat == "ACCEPTD"


def test_a_receipt_may_stand_in_a_payload_or_a_data_sm() -> None:
    assert carried(b"", tlvs=[(0x424, USUAL)]).report().message_id == 123456789
    fields = {"source_addr": "4915", "esm_class": 4, "tlvs": pairs({"receipted_message_id": "5"})}
    fields["tlvs"] += pairs({"message_state": 2})  # type: ignore[operator]
    body = tables.LAYOUTS[tables.DATA_SM].encode(fields)
    octets = (16 + len(body)).to_bytes(4, "big") + bytes((0, 0, 1, 3)) + bytes(8) + body
    got = SmppDialect().codec(0x34).read_deliver(octets, 0, len(octets), 1)
    assert got.is_report
    assert got.report() == Report(5, "DELIVRD", "", "", "4915", 0)


# --- the writer

_words = st.sampled_from(sorted({word for _, word in MESSAGE_STATES.values()}))


@given(
    st.integers(1, (1 << 63) - 1),
    _words,
    st.sampled_from(list(ReceiptForm)),
    st.sampled_from([form for form in IdForm if form is not IdForm.OPAQUE]),
    st.sampled_from([0x33, 0x34]),
    st.text(max_size=30),
)
def test_what_is_written_is_read(
    message_id: int, stat: str, form: ReceiptForm, ids: IdForm, version: int, text: str
) -> None:
    report = Report(message_id, stat, "2611220500", "2611220501", "8613800138000", 0)
    body = report_body(version, report, service_number="12321", ids=ids, form=form, text=text)
    got = deliver(body, ids)
    assert got.is_report
    assert (got.source, got.destination) == ("8613800138000", "12321")
    assert bool(got.tlvs) == (form is not ReceiptForm.TEXT and version == 0x34)
    dates = ("", "") if form is ReceiptForm.TLV and version == 0x34 else report[2:4]
    # "ENROUTE" is told by the state of the same name, whatever its 5.0 twin is called.
    assert got.report() == report._replace(submit_time=dates[0], done_time=dates[1])


@given(
    st.integers(0, (1 << 63) - 1),
    _words,
    st.sampled_from(list(ReceiptForm)),
    st.sampled_from([form for form in IdForm if form is not IdForm.OPAQUE]),
    st.sampled_from([0x33, 0x34]),
    st.text("+0123456789é", max_size=20),
    st.integers(0, 999),
)
def test_receipts_made_in_bulk_are_the_same(
    message_id: int, stat: str, form: ReceiptForm, ids: IdForm, version: int, to: str, error: int
) -> None:
    report = Report(message_id, stat, "2611220500", "2611220501", to, 0)
    common = {"service_number": "12321", "ids": ids, "form": form, "error": f"{error:03}"}
    made = ReportForm(version, report._replace(message_id=0, destination=""), **common)  # type: ignore[arg-type]
    assert made.body(to, message_id) == report_body(version, report, **common)  # type: ignore[arg-type]


def test_what_does_not_fit_a_receipt_is_an_error() -> None:
    form = ReportForm(0x34, Report(0, "DELIVRD", "", "", "", 0), service_number="1")
    for to, message_id in (("1" * 21, 1), ("1\0", 1), ("商", 1), ("1", 1 << 63), ("1", "x" * 65)):
        with pytest.raises(LocalProtocolError):
            form.body(to, message_id)


def test_an_opaque_id_is_written_by_its_text() -> None:
    text = "f3a9-77/x"
    report = Report(id_of(text, None), "EXPIRED", "", "", "4915", 0)
    body = report_body(
        0x34, report, service_number="1", message_id=text, ids=IdForm.OPAQUE, intermediate=True
    )
    assert deliver(body, IdForm.OPAQUE).report() == report
    assert deliver(body, IdForm.OPAQUE).esm_class == 0x20
    with pytest.raises(LocalProtocolError):
        report_body(0x34, report, service_number="1", ids=IdForm.OPAQUE)


# --- ids


@pytest.mark.parametrize(
    ("text", "base", "key"),
    [
        ("0059113978", 10, 59113978),
        ("59113978", 10, 59113978),
        ("38601fa", 16, 59113978),
        ("0038601FA", 16, 59113978),
        ("A1527684", 16, 2706536068),
        (" 77 ", 10, 77),
        (b"77", 10, 77),
        ("", 10, 0),
        ("", None, 0),
        ("0", 10, 0),
        (str((1 << 63) - 1), 10, (1 << 63) - 1),
    ],
)
def test_numbers_are_their_own_keys(text: str | bytes, base: int | None, key: int) -> None:
    assert id_of(text, base) == key


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("A1527684", 10),
        ("77", None),
        ("1_000", 10),
        ("+5", 10),
        ("0x5", 16),
        ("²", 10),
        (str(1 << 63), 10),
        ("9" * 65, 10),
        ("550e8400-e29b-41d4-a716-446655440000", 16),
    ],
)
def test_everything_else_is_hashed_apart_from_all_numbers(text: str, base: int | None) -> None:
    key = id_of(text, base)
    assert 1 << 63 <= key < 1 << 64
    assert key == id_of(text, base) == id_of(text.encode("latin-1"), None)
    with pytest.raises(LocalProtocolError):
        text_of_id(key, base)


def test_the_hash_is_the_documented_one() -> None:
    """Keys are stored: they must not change from one release to the next."""
    assert id_of("A1527684", None) == 0xC2ABD9238B89CCF0


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64))
def test_any_id_has_a_key_of_64_bits(text: str) -> None:
    for base in (10, 16, None):
        assert 0 <= id_of(text, base) < 1 << 64


@given(st.integers(1, (1 << 63) - 1), st.sampled_from([10, 16]))
def test_numbers_go_out_and_come_back(number: int, base: int) -> None:
    assert id_of(text_of_id(number, base), base) == number


def test_texts_that_are_kept() -> None:
    kept = TextId.of(id_of("x-1", None), "x-1")
    assert text_of_id(kept, None) == "x-1"
    assert kept == id_of("x-1", None)
    assert hash(kept) == hash(id_of("x-1", None))
    assert text_of_id("as it is", 10) == "as it is"
    assert text_of_id(0) == ""
    for wrong, base in ((5, None), (-5, 10), (1 << 63, 10)):
        with pytest.raises(LocalProtocolError):
            text_of_id(wrong, base)


@pytest.mark.parametrize(
    ("form", "answer", "text", "tlv"),
    [
        (IdForm.DECIMAL, "59113978", "0059113978", ""),
        (IdForm.DECIMAL, "59113978", "", "59113978"),
        (IdForm.HEX, "38601FA", "38601fa", "38601fa"),
        (IdForm.HEX_THEN_DECIMAL, "38601fa", "0059113978", ""),
        (IdForm.HEX_THEN_DECIMAL, "38601fa", "0059113978", "38601fa"),
        (IdForm.HEX_THEN_DECIMAL, "38601fa", "0059113978", "59113978"),
        (IdForm.HEX_THEN_DECIMAL, "12", "18", "18"),
        (IdForm.HEX_THEN_DECIMAL, "12", "18", "12"),
        (IdForm.DECIMAL_THEN_HEX, "59113978", "38601FA", "0059113978"),
        (IdForm.OPAQUE, "77", "77", ""),
        (IdForm.OPAQUE, "x-1", "", "x-1"),
        (IdForm.DECIMAL, "x-1", "x-1", "x-1"),
    ],
)
def test_answer_and_receipt_meet(form: IdForm, answer: str, text: str, tlv: str) -> None:
    assert receipt_id(text, tlv, form) == id_of(answer, form.answer_base) != 0
