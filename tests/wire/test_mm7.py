"""MM7: golden octets, what other sides write, and what strangers send."""

from __future__ import annotations

import contextlib
import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError, ProtocolError
from assent.text import Alphabet
from assent.wire import media, mime, mm7, mm7_codes, mm7_xml, mms
from assent.wire.frame import MalformedPdu
from assent.wire.mm7_kit import Mm7Deliver, mm7_kit, plain
from tests.wire import mm7_vectors as vectors

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
SUBMIT = mm7.Submit(
    "clips-1",
    mm7.Provider("800001", "clips"),
    "1069000919",
    ("13900000001",),
    "夏&装",
    "free",
)
names = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"),
    max_size=40,
).map(str.strip)


# --- golden octets


def test_a_submit_is_written_as_the_schema_has_it() -> None:
    assert mm7.submit_envelope(SUBMIT, "c@assent") == vectors.SUBMIT


def test_a_post_is_multipart_related_with_the_envelope_first() -> None:
    body = mm7.with_content(b"<x/>", b"Content-Type: text/plain\r\n\r\nhi", "T")
    assert body == vectors.POST
    assert mm7.content_type_of(body) == vectors.POST_TYPE
    assert mm7.content_type_of(b"<x/>") == mm7.XML_TYPE


def test_an_error_answer_is_a_soap_fault() -> None:
    answer = mm7.Answered("RSErrorRsp", "t", 2007)
    assert mm7.answer_envelope(answer) == vectors.FAULT
    read = mm7.read(mm7.XML_TYPE, vectors.FAULT)
    assert read == mm7.Answered("RSErrorRsp", "t", 2007, "Message format corrupt")


def test_the_specifications_example_is_read() -> None:
    message = mm7.read(vectors.SPEC_TYPE, vectors.SPEC_SUBMIT)
    assert isinstance(message, mm7.Submit)
    assert message.transaction == "vas00001-sub"
    assert message.provider == mm7.Provider("TNN", "News")
    assert message.recipients == (
        "7255441234", "7255442222@OMMS.com", "7255443333", "7255444444@OMMS.com",
    )  # fmt: skip
    assert (message.subject, message.service_code, message.report) == (
        "News for today", "gold-sp33-im42", True,
    )  # fmt: skip
    text, picture = message.parts
    assert (text.type, text.body) == ("text/plain", b"Science news, new Saturn pictures...")
    assert (picture.content_id, picture.body) == ("saturn.gif", b"GIF87a\x00\x00\x00")


def test_a_report_is_read() -> None:
    message = mm7.read('text/xml; charset="UTF-8"', vectors.REPORT)
    assert isinstance(message, mm7.Reported)
    deliver = Mm7Deliver(message, vectors.REPORT)
    assert deliver.is_report
    assert deliver.report().stat == "DELIVRD"
    assert (deliver.source, deliver.destination) == ("+8613900000001", "111122")
    assert deliver.report().message_id == mm7.key_of("369500617770864640") == deliver.message_id
    assert deliver.content == vectors.REPORT


# --- both ways


@given(names, names, names, st.lists(names.filter(bool), max_size=3))
def test_what_is_written_is_read(transaction: str, who: str, subject: str, to: list[str]) -> None:
    submit = mm7.Submit(transaction, mm7.Provider(who, "v"), who, tuple(to), subject, who)
    assert mm7.read(mm7.XML_TYPE, mm7.submit_envelope(submit, "c")) == submit
    cancel = mm7.Cancel(transaction, mm7.Provider(who, "v"), subject)
    assert mm7.read(mm7.XML_TYPE, mm7.cancel_envelope(cancel)) == cancel
    for kind in ("DeliveryReportReq", "ReadReplyReq"):
        report = mm7.Reported(kind, transaction, who, subject, who, "Expired", "2026")
        assert mm7.read(mm7.XML_TYPE, mm7.report_envelope(report)) == report
    mobile = mm7.Delivered(transaction, who, who, tuple(to), subject)
    assert mm7.read(mm7.XML_TYPE, mm7.deliver_envelope(mobile, "c")) == mobile
    for kind in mm7.ANSWERS:
        answer = mm7.Answered(kind, transaction, 1000, who or "x", subject)
        assert mm7.read(mm7.XML_TYPE, mm7.answer_envelope(answer)) == answer


frames = st.lists(
    st.one_of(
        st.text(min_size=1).map(
            lambda text: mms.MmsFrame(media.TEXT, text.encode("utf-8", "replace"))
        ),
        st.binary(max_size=400).map(lambda data: mms.MmsFrame(media.JPEG, data)),
        st.sampled_from([b"\r\n--f", b"--m", b"\r\n", b"\n--\r\n"]).map(
            lambda data: mms.MmsFrame(media.MP4, data)
        ),
    ),
    min_size=1,
    max_size=6,
)  # fmt: skip


@given(frames, names)
def test_frames_arrive_octet_for_octet(some: list[mms.MmsFrame], subject: str) -> None:
    kit = mm7_kit(mm7.Provider("p", "v"), lambda: "t")
    form = kit.form("", "1069")
    bundle = mms.pack_bundle(subject, some)
    (body,) = form.bodies([kit.number(8613900000001)], bundle, kit.codings[Alphabet.UCS2])
    message = mm7.read(mm7.content_type_of(body), body)
    assert isinstance(message, mm7.Submit)
    assert (message.recipients, message.subject) == (("13900000001",), subject)
    smil, *parts = message.parts
    assert [part.body for part in parts] == [frame.data for frame in some]
    assert [part.type for part in parts] == [frame.kind for frame in some]
    for place, (part, frame) in enumerate(zip(parts, some, strict=True), start=1):
        assert part.name == part.content_id == mms.name_of(place, frame.kind)
        assert f'src="{part.name}"'.encode() in smil.body
    assert smil.body.count(b"<par") == len(some)
    assert form.own_bodies([b"13900000001"], [bundle], 8) == [body]


# --- what strangers send

KINDS = st.sampled_from(
    [
        *("", "text/xml", vectors.POST_TYPE, vectors.SPEC_TYPE, "multipart/related"),
        'multipart/mixed; boundary="a"',
        'multipart/mixed; boundary="' + "x" * 90 + '"',
        "\x00;;=",
    ]
)


@given(KINDS, st.binary(max_size=600))
@example("text/xml", b"\xef\xbb\xbf")
@example("text/xml", b"<a>\x00</a>")
@example("text/xml", b"<a xmlns:b='c' b:d='e' d='f'/>")
@example(vectors.POST_TYPE, b"--mT--")
def test_any_octets_are_a_message_or_malformed(kind: str, body: bytes) -> None:
    with contextlib.suppress(MalformedPdu):
        mm7.read(kind, body)


@given(st.integers(0, len(vectors.SPEC_SUBMIT) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_example_is_a_message_or_malformed(at: int, damage: bytes) -> None:
    body = vectors.SPEC_SUBMIT[:at] + damage + vectors.SPEC_SUBMIT[at + 1 :]
    for kind in (vectors.SPEC_TYPE, "text/xml"):
        try:
            mm7.read(kind, body[:at] if kind == "text/xml" else body)
        except MalformedPdu:
            continue


def wrapped(inside: str) -> bytes:
    return f'<e:Envelope xmlns:e="{ENVELOPE}"><e:Body>{inside}</e:Body></e:Envelope>'.encode()


BOMB = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]>'


@pytest.mark.parametrize(
    "document",
    [
        BOMB.encode() + wrapped("&c;"),
        b'<?xml version="1.0"?>' + BOMB.lower().encode() + wrapped(""),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        (BOMB + "<a/>").encode("utf-16"),
        b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        wrapped("<SubmitRsp>" * 40 + "</SubmitRsp>" * 40),
        wrapped("<a/>" * 5000),
        b"<a>" + b" " * mm7_xml.SIZE + b"</a>",
        wrapped("<NoSuchReq/>"),
        wrapped("<SubmitRsp><Status><StatusCode>ten</StatusCode></Status></SubmitRsp>"),
        wrapped(f"<SubmitRsp><MessageID>{'1' * 300}</MessageID></SubmitRsp>"),
        wrapped("<SubmitReq>&undeclared;</SubmitReq>"),
        b"<Envelope/>",
        b"",
    ],
)
def test_what_is_dangerous_or_none_is_refused(document: bytes) -> None:
    with pytest.raises(MalformedPdu):
        mm7.read("text/xml", document)


@pytest.mark.parametrize(
    "body",
    [
        b"--b\r\n\r\nx",
        b"no boundary at all",
        b"--b\r\nno header\r\n\r\nx\r\n--b--",
        b"--b\r\nA: b" + b"c" * mime.HEAD + b"\r\n\r\nx\r\n--b--",
        b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\n!\r\n--b--",
        b"--b\r\nContent-Transfer-Encoding: uuencode\r\n\r\n!\r\n--b--",
        b"--b\r\n\r\n\r\n" * (mime.PARTS + 2) + b"--b--",
        b"--b\r\n\r\n" + b"\n--bx" * 2000 + b"\n--b--",
    ],
)
def test_multipart_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedPdu):
        mime.split(body, b"b")


def test_multipart_is_read_as_others_write_it() -> None:
    body = (
        b"a preamble\n--b\n\nfirst\n--b  \nContent-Type: text/plain; name=\"a\\\"b.txt\"\n"
        b"Content-Transfer-Encoding: quoted-printable\n\n=E4=BD=A0\n--bee\n"
        b"--b--\nan epilogue\n--b\n"
    )  # fmt: skip
    first, second = mime.split(body, b"b")
    assert (first.headers, first.body, first.type) == ({}, b"first", "text/plain")
    assert (second.name, second.body) == ('a"b.txt', "你\n--bee".encode())


# --- what things mean


def test_codes_mean_what_the_tables_say() -> None:
    codes = mm7_kit(mm7.Provider("p"), lambda: "t").codes
    assert mm7_codes.UNAVAILABLE in codes.throttled
    assert {4001, mm7_codes.NOT_CONNECTED, mm7_codes.HTTP + 401} <= codes.elsewhere
    assert {3000, 4000, 4005, mm7_codes.HTTP + 200, mm7_codes.HTTP + 502} <= codes.unsure
    for code in (2001, 2004, 3002, 2560, mm7_codes.HTTP + 400, mm7_codes.HTTP + 413):
        assert code not in codes.again | codes.unsure
    assert not {mm7_codes.SUCCESS, mm7_codes.PARTIAL} & (codes.again | codes.unsure)
    for stat, status in mm7_codes.STATUS_OF.items():
        assert mm7_codes.STATS[status.lower()] == stat


def test_a_persons_message_is_text_for_flow() -> None:
    parts = (
        mime.Part({"content-type": "image/jpeg"}, b"\xff\xd8\xff"),
        mime.Part({"content-type": "text/plain; charset=gb2312"}, "退订".encode("gb2312")),
        mime.Part({"content-type": "text/plain; charset=unheard-of"}, b"T\x00D"),
    )
    message = mm7.Delivered("t", "", "+8613900000001", ("1069/TYPE=PLMN",), " ", parts)
    deliver = Mm7Deliver(message, b"")
    assert deliver.content.decode("utf-16-be") == "退订\nTD"
    assert (deliver.destination, deliver.is_report) == ("1069", False)
    assert deliver.message_id == mm7.key_of("t")
    assert plain(" 10086 ") == "10086"


def test_keys_of_ids_stay_what_they_are() -> None:
    whole = hashlib.sha256(b"00000000000020000000").digest()
    assert mm7.key_of(" 00000000000020000000\n") == int.from_bytes(whole[:8], "big")
    assert mm7.key_of("a") != mm7.key_of("A")


def test_there_is_no_session() -> None:
    kit = mm7_kit(mm7.Provider("p"), lambda: "t", abroad=True)
    assert kit.number(8613900000001) == b"8613900000001"
    with pytest.raises(LocalProtocolError):
        kit.session(None, 0.0)  # type: ignore[arg-type]
    with pytest.raises(ProtocolError):
        mms.unpack_bundle(b"short")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\xff\xd8\xff\xe0", media.JPEG),
        (b"\x89PNG\r\n\x1a\n", media.PNG),
        (b"GIF89a", media.GIF),
        (b"\x00\x00\x00\x18ftypisom", media.MP4),
        (b"\x00\x00\x00\x18ftyp3gp4", media.V3GPP),
        (b"\x00\x00\x00\x18ftypqt  ", None),
        ("﻿你好\r\n".encode(), media.TEXT),
        (b"\x1b[31m", None),
        (b"<?php\x00", None),
        (b"PK\x03\x04", None),
        (b"%PDF-1.7\xe2\xe3", None),
        (b"", None),
    ],
)
def test_octets_say_what_they_are(data: bytes, kind: str | None) -> None:
    assert media.kind_of(data) == kind


def test_names_claim_what_they_claim() -> None:
    assert media.kind_of_name("a.JPEG") == media.JPEG
    assert media.kind_of_name("a.3gp") == media.V3GPP
    assert media.kind_of_name("jpg") is None
    assert media.kind_of_name("a.exe") is None
