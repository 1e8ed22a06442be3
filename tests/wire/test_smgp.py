"""SMGP beside its golden octets: tables, ids, forms, reports, refusals to write nonsense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import smgp, smgp_codes, smgp_tlvs
from assent.wire import smgp_tables as tables
from assent.wire.dialect import BindRequest
from assent.wire.frame import Field, MalformedPdu
from assent.wire.smgp import (
    SMGP,
    V13,
    V30,
    MessageIdParts,
    MessageIds,
    Pdu,
    SmgpDialect,
    SmgpForm,
    SmgpReport,
    decode,
    deliver_body,
    encode,
    parse_report,
    report_content,
)

texts = st.text(st.characters(min_codepoint=1, max_codepoint=255))
tlvs = st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=40)), max_size=5)
versions = st.sampled_from([V13, V30])
ODD = bytes.fromhex("6495c36ac4ea6b00000b")
ids = st.binary(min_size=10, max_size=10).map(smgp.id_of)
id_parts = st.builds(
    MessageIdParts,
    st.integers(0, 999_999).map("{:06}".format),
    st.integers(1, 12),
    st.integers(1, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 999_999),
)


def _value(field: Field) -> st.SearchStrategy[object]:
    if field.kind == "U":
        return st.integers(0, (1 << 8 * field.width) - 1)
    if field.kind == "RAW":
        return st.binary(min_size=field.width, max_size=field.width)
    if field.kind == "TLV":
        return tlvs
    text = texts.map(lambda t: t[: field.width])
    if field.kind == "OS":
        return text
    return st.lists(text, max_size=20) if field.kind == "LIST" else st.binary(max_size=255)


@given(st.data(), versions, st.integers(0, 0xFFFFFFFF))
def test_every_table_round_trips(data: st.DataObject, version: int, sequence: int) -> None:
    layouts = tables.LAYOUTS[version >> 4]
    command, layout = data.draw(st.sampled_from(sorted(layouts.items())))
    counted = {f.by for f in layout.fields if f.by}
    fields = {f.name: data.draw(_value(f)) for f in layout.fields if f.name not in counted}
    octets = encode(Pdu(command, sequence, fields), version)
    pdu = decode(octets, version)
    assert (pdu.command, pdu.sequence) == (command, sequence)
    assert {k: v for k, v in pdu.fields.items() if k not in counted} == fields


@given(st.sampled_from([*tables.LAYOUTS[3], 5]), versions, st.binary(max_size=300))
def test_decode_reads_or_says_malformed(command: int, version: int, data: bytes) -> None:
    octets = (12 + len(data)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(4) + data
    try:
        pdu = decode(octets, version)
    except MalformedPdu:
        return
    assert pdu.command in tables.LAYOUTS[3]


@pytest.mark.parametrize(
    ("octets", "at"),
    [
        ("", 0),
        ("00" * 11, 11),
        ("00" * 12, 0),
        ("0000000d00000004" + "00" * 4, 0),
        ("0000000c00000099" + "00" * 4, 4),
        ("0000000c00000002" + "00" * 4, 12),
        ("0000000d00000004" + "00" * 5, 12),
    ],
)
def test_a_bad_pdu_says_where(octets: str, at: int) -> None:
    with pytest.raises(MalformedPdu) as caught:
        decode(bytes.fromhex(octets))
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("tail", "at"),
    [("00", 89), ("000200", 89), ("00020001", 91), ("0002000101" + "000a", 94)],
)
def test_a_bad_parameter_says_where(tail: str, at: int) -> None:
    empty = encode(Pdu(tables.DELIVER, 1, {}))
    assert len(empty) == 89
    data = empty + bytes.fromhex(tail)
    with pytest.raises(MalformedPdu) as caught:
        decode(len(data).to_bytes(4, "big") + data[4:])
    assert caught.value.at == at


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"service_id": "x" * 11}, "service_id"),
        ({"level": 256}, "level"),
        ({"src_id": "短"}, "src_id"),
        ({"content": bytes(256)}, "length"),
        ({"tlvs": [(1 << 16, b"")]}, "tlvs"),
        ({"tlvs": [(1, bytes(1 << 16))]}, "tlvs"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_what_does_not_fit_is_named(fields: dict[str, object], name: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(Pdu(tables.SUBMIT, 1, fields))
    assert caught.value.field == name


def test_what_smgp_does_not_have_is_ours_to_mend() -> None:
    codec = SMGP.codec(V30)
    for wrong in (
        lambda: encode(Pdu(5, 1, {})),
        lambda: encode(Pdu(tables.SUBMIT, 1, {"fixed_fee": "0"}), V13),
        lambda: SMGP.codec(0x20),
        lambda: SMGP.codec(0x14),
        lambda: SmgpForm(0x40),
        lambda: decode(bytes.fromhex("0000000c0000000400000005"), 0x20),
        lambda: codec.cancel(1),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


def test_versions() -> None:
    assert SMGP.speaks(V30, V30)
    assert SMGP.speaks(0x31, V30)
    assert SMGP.speaks(V13, V30)
    assert not SMGP.speaks(V30, V13)
    for version in (0, 0x12, 0x20, 0x40, 0xFF):
        assert not SMGP.speaks(version, 0xFF)


# --- optional parameters


def test_parameters_are_checked_by_their_table() -> None:
    assert smgp.pair("pk_total", 2) == (9, b"\2")
    assert smgp.pair("link_id", "abc") == (3, b"abc" + bytes(17))
    assert smgp.pair("charge_term_pseudo", b"\1\0") == (6, b"\1\0")
    for name, value in (
        ("pk_total", 256),
        ("pk_total", "2"),
        ("link_id", 7),
        ("link_id", "x" * 21),
        ("no_such", 1),
    ):
        with pytest.raises(LocalProtocolError) as caught:
            smgp.pair(name, value)
        assert caught.value.field == name


def test_named_parameters_keep_what_they_cannot_read() -> None:
    odd = [(9, b"\1\2"), (9, b"\3"), (0x1400, b"x"), (2, b"\1"), (2, b"\0"), (16, b"SP1\0")]
    assert smgp.named(odd) == {
        "0x0009": b"\1\2",
        "pk_total": 3,
        "0x1400": b"x",
        "udhi": 1,
        "msg_src": "SP1",
    }
    assert set(tables.TLV_NOTES) == set(smgp_tlvs.TAGS)
    assert tables.TLV_NOTES["msg_src"] == ("MsgSrc", "3.11, tag 0x0010")


@given(tlvs, st.binary(max_size=3))
def test_parameters_end_where_the_pdu_does(found: list[tuple[int, bytes]], rest: bytes) -> None:
    octets = smgp_tlvs.tlv_octets(found)
    assert smgp_tlvs.split(b"?" + octets, 1, 1 + len(octets)) == found
    if rest:
        with pytest.raises(MalformedPdu):
            smgp_tlvs.split(octets + rest, 0, len(octets + rest))


# --- the readers of a session


@pytest.mark.parametrize("version", [V13, V30])
@pytest.mark.parametrize("count", [0, 1, 2, 100])
@given(content=st.binary(max_size=255), tail=tlvs)
def test_lazy_submit_with_several_receivers(
    version: int, count: int, content: bytes, tail: list[tuple[int, bytes]]
) -> None:
    numbers = [f"133{i:08}" for i in range(count)]
    fields = {"destinations": numbers, "content": content, "tlvs": tail}
    octets = encode(Pdu(tables.SUBMIT, 1, fields), version)
    codec = SMGP.codec(version)
    pdu = codec.read_submit(b"x" + octets + b"y", 1, 1 + len(octets), 1)
    assert pdu.destinations == numbers
    assert pdu.content == content
    assert pdu.fields()["tlvs"] == tail
    got = smgp.named(tail)
    assert pdu.pk_total == got.get("pk_total", 1)


def test_a_submit_of_the_other_version_does_not_pass_for_ours() -> None:
    fields = {"destinations": ["13300001111"], "content": b"hello"}
    for ours, theirs in ((V30, V13), (V13, V30)):
        octets = encode(Pdu(tables.SUBMIT, 1, fields), theirs)
        with pytest.raises(MalformedPdu):
            SMGP.codec(ours).read_submit(octets, 0, len(octets), 1)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ([], (0, 1, 1, "")),
        ([(2, b"\1"), (9, b"\3"), (10, b"\2"), (16, b"SP1")], (1, 3, 2, "SP1")),
        ([(9, b"\3"), (9, b"\4")], (0, 3, 1, "")),
        ([(9, b"\0\3"), (2, b"")], (0, 1, 1, "")),
    ],
)
def test_what_a_submit_says_in_parameters(
    parameters: list[tuple[int, bytes]], expected: tuple[int, int, int, str]
) -> None:
    octets = encode(Pdu(tables.SUBMIT, 1, {"tlvs": parameters}))
    pdu = SMGP.codec(V30).read_submit(octets, 0, len(octets), 1)
    assert (pdu.udhi, pdu.pk_total, pdu.pk_number, pdu.msg_src) == expected


@given(st.binary(max_size=400), st.integers(0, 9), versions)
def test_readers_read_or_say_malformed(data: bytes, command: int, version: int) -> None:
    buffer = b"??" + (12 + len(data)).to_bytes(4, "big") + bytes((0, 0, 0, command)) + bytes(4)
    buffer += data
    codec = SMGP.codec(version)
    for reader in (codec.read_submit, codec.read_deliver, codec.read_answer):
        try:
            got = reader(buffer, 2, len(buffer), 5)
        except MalformedPdu:
            continue
        assert (got if isinstance(got, tuple) else (got.sequence,))[0] == 5
    for other in (codec.read_bind, codec.read_bind_answer, codec.read_query):
        try:
            other(buffer, 2, len(buffer))
        except MalformedPdu:
            continue
        assert len(data) in (30, 21, 19)


def test_wrong_lengths_are_answered_with_their_own_status() -> None:
    for fields, command, reader in (
        ({"content": b"hi"}, tables.SUBMIT, SMGP.codec(V30).read_submit),
        ({"content": b"hi"}, tables.DELIVER, SMGP.codec(V30).read_deliver),
    ):
        octets = bytearray(encode(Pdu(command, 1, fields)))
        octets[octets.index(b"hi") - 1] = 200
        with pytest.raises(MalformedPdu) as caught:
            reader(bytes(octets), 0, len(octets), 1)
        assert caught.value.answer == 36
        assert caught.value.at is not None
        assert octets[caught.value.at] == 200


def test_a_long_mo_message_says_so() -> None:
    content = bytes.fromhex("0500032e0201") + b"T"
    body = deliver_body(
        message_id=5, destination="1069", source="133", content=content, udhi=1, fmt=8
    )
    octets = encode(Pdu(tables.DELIVER, 1, {}))[:12] + body
    pdu = SMGP.codec(V30).read_deliver(octets, 0, len(octets), 1)
    assert (pdu.udhi, pdu.content, pdu.message_id) == (1, content, 5)
    for wrong in (-1, 1 << 60):
        with pytest.raises(LocalProtocolError):
            deliver_body(message_id=wrong, destination="", source="", content=b"")


# --- identity


def test_a_short_client_id_may_be_hashed_either_way() -> None:
    proofs = set()
    for padded in (False, True):
        proof = smgp.authenticator_client("1234", "secret01", 301000000, padded=padded)
        proofs.add(proof)
        asked = BindRequest("1234", proof, V30, 301000000)
        assert SMGP.codec(V30).proves(asked, "secret01")
        assert not SMGP.codec(V30).proves(asked, "secret02")
        body, ours = SmgpDialect(padded=padded).codec(V30).bind("1234", "secret01", 301000000)
        assert ours == proof
        assert proof in body
    assert len(proofs) == 2


@pytest.mark.parametrize("mode", tables.LOGIN_MODES)
def test_a_client_says_what_it_binds_for(mode: int) -> None:
    body, _ = SmgpDialect(login_mode=mode).codec(V30).bind("12345678", "s", 101000000)
    assert tables.LAYOUTS[3][tables.LOGIN].decode(body)["login_mode"] == mode


def test_timestamps_keep_their_leading_zero_in_the_proof() -> None:
    assert smgp.authenticator_client("a", "b", 301000000) != smgp.authenticator_client(
        "a", "b", 3010000000
    )


# --- message ids


def test_message_id_layout() -> None:
    parts = MessageIdParts("010061", 1, 16, 17, 0, 12345)
    message_id = smgp.pack_message_id(parts)
    assert smgp.shown(message_id) == "01006101161700012345"
    assert message_id == smgp.id_of(bytes.fromhex("01006101161700012345"))
    assert smgp.unpack_message_id(message_id) == parts
    assert smgp.unpack_message_id(smgp.id_of(ODD)) is None


@given(id_parts)
def test_message_ids_round_trip(parts: MessageIdParts) -> None:
    message_id = smgp.pack_message_id(parts)
    assert 0 < message_id < 1 << 59
    assert smgp.unpack_message_id(message_id) == parts
    assert smgp.id_of(smgp.octets_of_id(message_id)) == message_id


@given(id_parts, id_parts)
def test_ids_of_digits_are_never_the_same(one: MessageIdParts, other: MessageIdParts) -> None:
    made = [smgp.pack_message_id(parts) for parts in (one, other)]
    assert (made[0] == made[1]) == (one == other)


@given(st.binary(min_size=10, max_size=10))
def test_every_msgid_is_an_integer_of_63_bits_and_back(octets: bytes) -> None:
    message_id = smgp.id_of(octets)
    assert 0 <= message_id < 1 << 63
    assert smgp.octets_of_id(message_id) == octets


def test_ids_that_are_not_digits_are_told_apart() -> None:
    first = int.from_bytes(ODD, "big")
    odd = [first + i for i in range(2000)]
    odd += [0x99999999999999999999 - i for i in range(10)]  # digits, but no time
    made = [smgp.id_of(i.to_bytes(10, "big")) for i in odd]
    assert len(set(made)) == len(odd)
    assert all(i >= 1 << 62 for i in made)


def test_what_has_no_way_back() -> None:
    assert smgp.octets_of_id(0) == bytes(10)
    hashed = smgp.id_of(ODD)
    assert smgp.octets_of_id(hashed) == ODD
    for wrong in (int(hashed) + 0, -1, 1 << 60):  # of the first the octets are lost
        with pytest.raises(LocalProtocolError):
            smgp.octets_of_id(wrong)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (MessageIdParts("01006", 1, 1, 0, 0, 0), "gateway"),
        (MessageIdParts("01006x", 1, 1, 0, 0, 0), "gateway"),
        (MessageIdParts("010061", 100, 1, 0, 0, 0), "month"),
        (MessageIdParts("010061", 1, 1, 0, 0, 1_000_000), "sequence"),
    ],
)
def test_message_id_parts_must_fit(parts: MessageIdParts, name: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        smgp.pack_message_id(parts)
    assert caught.value.field == name


def test_ids_of_a_group_follow_the_first() -> None:
    first = smgp.id_of(bytes.fromhex("01006101161700999998"))
    assert [smgp.shown(i) for i in smgp.run_of(first, 4)] == [
        "01006101161700999998",
        "01006101161700999999",
        "01006101161700000000",
        "01006101161700000001",
    ]
    odd = smgp.run_of(smgp.id_of(ODD), 3)
    assert [smgp.shown(i) for i in odd] == [
        "6495c36ac4ea6b00000b",
        "6495c36ac4ea6b00000c",
        "6495c36ac4ea6b00000d",
    ]


def test_a_gateway_never_gives_an_id_twice() -> None:
    made = MessageIds(smgp.gateway_code("010"))
    noon = 1_767_268_800.0  # 2026-01-01 12:00 UTC, 20:00 in Beijing
    first = made.take(3, noon)
    assert smgp.unpack_message_id(first[0]) == ("010061", 1, 1, 20, 0, 0)
    given_out = first + made.take(1_000_000, noon) + made.take(10, noon - 500)
    assert len(set(given_out)) == len(given_out)
    assert given_out == sorted(given_out)
    assert smgp.unpack_message_id(made.take(1, noon + 600)[0]) == ("010061", 1, 1, 20, 10, 0)
    for area in ("10", "0x0", "0100"):
        with pytest.raises(LocalProtocolError):
            smgp.gateway_code(area)


# --- forms


@given(
    st.lists(
        st.tuples(st.integers(13_000_000_000, 19_999_999_999), st.binary(max_size=140)),
        max_size=6,
    ),
    versions,
    st.sampled_from(["", "SP1"]),
)
def test_own_bodies_equal_single_ones(
    messages: list[tuple[int, bytes]], version: int, msg_src: str
) -> None:
    form = SmgpForm(version, service_id="x", src_id="1069000012", msg_src=msg_src)
    numbers = [b"%d" % number for number, _ in messages]
    made = form.own_bodies(numbers, [content for _, content in messages], 8)
    assert made == [
        form.body(number, content, 8)
        for number, (_, content) in zip(numbers, messages, strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 100])
def test_group_bodies_are_what_the_table_makes(count: int) -> None:
    numbers = [f"133{i:08}" for i in range(count)]
    form = SmgpForm(
        V30,
        service_id="svc",
        src_id="1069",
        msg_src="SP1",
        registered=0,
        level=3,
        msg_type=7,
        fee_type="01",
        fee_code="10",
        fixed_fee="20",
        fee_terminal="13900000000",
        valid_time="260101000000032+",
        at_time="260101000000032+",
        tp_pid=4,
        tlvs=smgp.pairs(charge_user_type=2),
    )
    fields = {
        "msg_type": 7,
        "level": 3,
        "service_id": "svc",
        "fee_type": "01",
        "fee_code": "10",
        "fixed_fee": "20",
        "fmt": 4,
        "valid_time": "260101000000032+",
        "at_time": "260101000000032+",
        "src_id": "1069",
        "fee_terminal": "13900000000",
        "destinations": numbers,
        "content": b"hello",
    }
    layout = tables.LAYOUTS[3][tables.SUBMIT]
    common = smgp.pairs(msg_src="SP1", charge_user_type=2)
    octets = [n.encode() for n in numbers]
    alone = {**fields, "tlvs": [*smgp.pairs(tp_pid=4), *common]}
    assert form.group_body(octets, b"hello", 4) == layout.encode(alone)
    part = smgp.pairs(tp_pid=4, udhi=1, pk_total=3, pk_number=2)
    body = form.group_body(octets, b"hello", 4, 1, 3, 2)
    assert body == layout.encode({**fields, "tlvs": [*part, *common]})
    assert 12 + len(body) <= tables.MAXIMUM


def test_form_refuses_what_does_not_fit() -> None:
    form = SmgpForm(V30)
    assert len(form.body(b"1" * 21, bytes(140), 0)) == 114 + 21 + 140
    for wrong in (
        lambda: form.body(b"1" * 22, b"", 8),
        lambda: form.body(b"1", bytes(141), 8),
        lambda: form.body(b"1", b"", 256),
        lambda: form.own_bodies([b"1" * 22], [b""], 8),
        lambda: form.own_bodies([b"1"], [bytes(141)], 8),
        lambda: form.group_body([], b"", 8),
        lambda: form.group_body([b"1"] * 101, b"", 8),
        lambda: SmgpForm(V30, src_id="1" * 22),
        lambda: SmgpForm(V30, msg_src="1" * 9),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


# --- reports

digits = st.text("0123456789", min_size=10, max_size=10)
three = st.text("0123456789", min_size=3, max_size=3)
words = st.sampled_from(["DELIVRD", "UNDELIV", "MK:0004", "ID:1241", "EXPIRED"])


@given(
    st.builds(
        SmgpReport,
        ids,
        words,
        digits,
        digits,
        three,
        three,
        three,
        st.binary(max_size=20).map(lambda text: text.rstrip(b"\0")),
    )
)
def test_reports_round_trip_whatever_their_id_and_text(report: SmgpReport) -> None:
    content = report_content(report)
    assert len(content) == 122
    assert parse_report(content) == report
    read = smgp.read_report(b"?" + content + b"?", 1, 122)
    assert (read.message_id, read.stat) == (report.message_id, report.stat)


@given(
    ids,
    st.sampled_from(["", " ", "s"]),
    st.sampled_from([" ", "_", ""]),
    st.sampled_from([str.lower, str.upper, str.title]),
    st.sampled_from(["text:", "txt:", None]),
    words,
)
def test_every_variant_of_a_report_is_read(
    message_id: int, gap: str, blank: str, case: object, text: str | None, stat: str
) -> None:
    def key(word: str) -> str:
        return gap + case(word)  # type: ignore[operator, no-any-return]

    rest = (
        f"{key('sub:')}001{key('dlvrd:')}001{key(f'submit{blank}date:')}1805301557"
        f"{key(f'done{blank}date:')}1805301558{key('stat:')}{stat}{key('err:')}005"
    )
    if text:
        rest += key(text) + "stat:NOTTHIS err:999"
    report = parse_report(b"ID:" + smgp.octets_of_id(message_id) + rest.encode())
    assert (report.message_id, report.stat, report.err) == (message_id, stat, "005")
    assert (report.submit_time, report.done_time) == ("1805301557", "1805301558")


def test_an_id_may_look_like_keys() -> None:
    report = parse_report(b"id:stat:X sub sub:001 dlvrd:001 stat:DELIVRD err:000")
    assert smgp.octets_of_id(report.message_id) == b"stat:X sub"
    assert (report.stat, report.submit_time, report.text) == ("DELIVRD", "", b"")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"id:",
        b"id:123456789",
        b"xx:1234567890 stat:DELIVRD",
        b"id:1234567890 sub:001",
        b"id:1234567890 stat: err:000",
        b"id:1234567890 Text:stat:DELIVRD",
    ],
)
def test_what_is_no_report_is_malformed(content: bytes) -> None:
    with pytest.raises(MalformedPdu):
        parse_report(content)


@given(st.binary(max_size=200))
def test_any_octets_are_a_report_or_malformed(content: bytes) -> None:
    try:
        report = parse_report(content)
    except MalformedPdu:
        return
    assert report.stat


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"message_id": 1 << 60}, "message_id"),
        ({"stat": "DELIVERED"}, "stat"),
        ({"err": "0"}, "err"),
        ({"submit_time": ""}, "submit_time"),
        ({"text": bytes(21)}, "text"),
    ],
)
def test_a_report_that_does_not_fit_is_not_written(change: dict[str, Any], name: str) -> None:
    report = SmgpReport(1, "DELIVRD", "2601010000", "2601010000")
    with pytest.raises(LocalProtocolError) as caught:
        report_content(report._replace(**change))
    assert caught.value.field == name


# --- codes


def test_tables_say_what_a_code_means() -> None:
    assert smgp_codes.result_meaning(0)[1] == "accepted"
    assert smgp_codes.result_meaning(1)[1] == "throttled"
    assert smgp_codes.result_meaning(12)[1] == "unsure"
    assert smgp_codes.result_meaning(74)[1] == "refused"
    assert smgp_codes.result_meaning(200) == ("vendor or unknown code 200", "refused")
    assert set(smgp_codes.RESULTS) == {
        *(0, 1, 2, 10, 11, 12, 20, 21, 22),
        *range(30, 50),
        *range(56, 77),
    }
    for code, (meaning, _) in tables.LOGIN_STATUS.items():
        assert smgp_codes.RESULTS[code][0] == meaning
    assert smgp_codes.stat_outcome("DELIVRD") == "delivered"
    assert smgp_codes.stat_outcome("ACCEPTD") == "intermediate"
    assert smgp_codes.stat_outcome("MK:0004") == "failed"
    for meaning, stat, says in smgp_codes.REPORT_ERRORS.values():
        assert meaning
        assert stat in smgp_codes.STATS
        assert says in ("nothing", "passing", "lasting")


def test_every_field_has_its_clause() -> None:
    for layouts in tables.LAYOUTS.values():
        for command, layout in layouts.items():
            notes = tables.NOTES[command]
            assert {f.name for f in layout.fields} <= set(notes)
            for name, clause in notes.values():
                assert name
                assert clause.startswith("3.")
            assert tables.COMMAND_NAMES[command & ~tables.ANSWER]
    assert tables.NOTES[tables.SUBMIT]["fixed_fee"] == ("FixedFee", "3.5, field 7")
    assert tables.NOTES[tables.DELIVER]["received_at"] == ("RecvTime", "3.6, field 4")
    assert list(tables.HEADER_NOTES) == ["length", "command", "sequence"]
