"""CMPP beside its golden octets: ids, forms, tables, refusals to write nonsense."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import cmpp
from assent.wire import cmpp_tables as tables
from assent.wire.cmpp import CMPP, MessageIdParts, MessageIds, Pdu, SubmitForm, decode, encode
from assent.wire.frame import Field, Layout, MalformedPdu


def _value(field: Field) -> st.SearchStrategy[object]:
    if field.kind == "U":
        return st.integers(0, (1 << 8 * field.width) - 1)
    if field.kind == "RAW":
        return st.binary(min_size=field.width, max_size=field.width)
    text = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=field.width)
    if field.kind == "OS":
        return text
    return st.lists(text, max_size=20) if field.kind == "LIST" else st.binary(max_size=255)


@given(st.data(), st.sampled_from([0x20, 0x30]), st.integers(0, 0xFFFFFFFF))
def test_every_table_round_trips(data: st.DataObject, version: int, sequence: int) -> None:
    command, layout = data.draw(st.sampled_from(sorted(tables.LAYOUTS[version >> 4].items())))
    counted = {f.by for f in layout.fields if f.by}
    fields = {f.name: data.draw(_value(f)) for f in layout.fields if f.name not in counted}
    pdu = decode(encode(Pdu(command, sequence, fields), version), version)
    assert {k: v for k, v in pdu.fields.items() if k not in counted} == fields


@given(st.binary(max_size=300), st.sampled_from([0x20, 0x30]))
def test_decode_reads_or_says_malformed(data: bytes, version: int) -> None:
    length = (len(data) + 4).to_bytes(4, "big")
    try:
        pdu = decode(length + data, version)
    except MalformedPdu:
        return
    assert pdu.command in tables.LAYOUTS[version >> 4]


def test_wrong_frames_are_malformed() -> None:
    for wrong in (b"", bytes(11), bytes(12), bytes.fromhex("0000000c000000ff00000001")):
        with pytest.raises(MalformedPdu):
            decode(wrong, 0x30)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"service_id": "x" * 11}, "service_id"),
        ({"level": 256}, "level"),
        ({"level": -1}, "level"),
        ({"src_id": "短"}, "src_id"),
        ({"content": bytes(256)}, "length"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_what_does_not_fit_is_named(fields: dict[str, object], name: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(Pdu(tables.SUBMIT, 1, fields), 0x30)
    assert caught.value.field == name


def test_unknown_versions_and_commands_are_ours_to_mend() -> None:
    for version in (0x10, 0x40, 0):
        with pytest.raises(LocalProtocolError):
            CMPP.codec(version)
        with pytest.raises(LocalProtocolError):
            SubmitForm(version)
    with pytest.raises(LocalProtocolError):
        encode(Pdu(9, 1, {}), 0x30)
    with pytest.raises(LocalProtocolError):
        cmpp.report_content(0x10, cmpp.read_report(bytes(60), 0, 60))


def test_submit_form_refuses_what_does_not_fit() -> None:
    form = SubmitForm(0x30)
    form.body(b"1" * 32, bytes(140), 8)
    form.body(b"1" * 32, bytes(159), 0)
    for wrong in (
        lambda: form.body(b"1" * 33, b"", 8),
        lambda: form.body(b"1", bytes(141), 8),
        lambda: form.body(b"1", bytes(160), 0),
        lambda: form.body(b"1", b"", 256),
        lambda: SubmitForm(0x30, src_id="1" * 22),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


@given(
    st.builds(
        MessageIdParts,
        st.integers(1, 12),
        st.integers(1, 31),
        st.integers(0, 23),
        st.integers(0, 59),
        st.integers(0, 60),
        st.integers(0, (1 << 22) - 1),
        st.integers(0, 0xFFFF),
    )
)
def test_message_ids_round_trip(parts: MessageIdParts) -> None:
    assert cmpp.unpack_message_id(cmpp.pack_message_id(parts)) == parts


def test_message_id_parts_must_fit() -> None:
    with pytest.raises(LocalProtocolError) as caught:
        cmpp.pack_message_id(MessageIdParts(1, 1, 0, 0, 0, 1 << 22, 0))
    assert caught.value.field == "gateway"


def test_a_gateway_never_gives_an_id_twice() -> None:
    ids = MessageIds(7)
    noon = 1_767_268_800.0  # 2026-01-01 12:00 UTC, 20:00 in Beijing
    first = ids.take(3, noon)
    assert cmpp.unpack_message_id(first[0]) == (1, 1, 20, 0, 0, 7, 0)
    given_out = first + ids.take(150_000, noon) + ids.take(10, noon - 5) + ids.take(10, noon + 1)
    assert len(set(given_out)) == len(given_out)
    assert given_out == sorted(given_out)
    assert cmpp.unpack_message_id(ids.take(1, noon + 60)[0])[:6] == (1, 1, 20, 1, 0, 7)


@given(st.integers(0, 4_000_000_000), st.integers(-86_400 * 100, 86_400 * 100))
def test_timestamp_skew_is_the_distance_of_the_clocks(now: int, skew: int) -> None:
    stamp = cmpp.bind_timestamp(now + skew)
    assert cmpp.timestamp_skew(stamp, now) == abs(skew)


@pytest.mark.parametrize("stamp", [0, 1301000000, 132000000, 101240000, 101006000, 10**10])
def test_no_time_is_infinitely_far(stamp: int) -> None:
    assert cmpp.timestamp_skew(stamp, 0.0) == float("inf")


def test_bind_timestamp_loses_its_leading_zero_but_not_in_the_proof() -> None:
    march = 1_772_323_200.0  # 2026-03-01 00:00 UTC
    assert time.gmtime(march)[:3] == (2026, 3, 1)
    assert cmpp.bind_timestamp(march, 0) == 301000000
    assert cmpp.authenticator_source("a", "b", 301000000) != cmpp.authenticator_source(
        "a", "b", 3010000000
    )


def test_tables_say_what_a_code_means() -> None:
    assert tables.result_meaning(8)[1] == "throttled"
    assert tables.result_meaning(13)[1] == "refused"
    assert tables.result_meaning(177)[1] == "refused"
    assert tables.stat_outcome("DELIVRD") == "delivered"
    assert tables.stat_outcome("ACCEPTD") == "intermediate"
    assert tables.stat_outcome("MK:0004") == "failed"


def test_layout_readers_follow_the_table() -> None:
    layout = Layout([("a", "U2"), ("n", "U1"), ("list", "OS4*n"), ("b", "U4"), ("c", "RAW2")])
    body = layout.encode({"a": 1, "list": ["x"], "b": 7, "c": b"yz"})
    assert layout.reader(["a", "list", "b"]).unpack_from(body) == (1, b"x\0\0\0", 7)
    assert layout.reader(["c"], skip=2).unpack_from(b"??" + body) == (b"yz",)
    assert layout.offset("b") == 7
    with pytest.raises(LookupError):
        layout.reader(["b", "a"])
    with pytest.raises(LookupError):
        layout.offset("nothing")
