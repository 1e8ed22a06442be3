"""SGIP beside its golden octets: tables, sequence numbers, forms, refusals to write nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import LocalProtocolError
from assent.wire import sgip
from assent.wire import sgip_tables as tables
from assent.wire.frame import Field, MalformedPdu
from assent.wire.sgip import (
    EITHER,
    SGIP,
    SMG_TO_SP,
    SP_TO_SMG,
    Pdu,
    SequenceParts,
    SgipForm,
    decode,
    encode,
    pack_sequence,
    unpack_sequence,
)
from assent.wire.sgip_forms import home

words = st.integers(0, 0xFFFFFFFF)
stamps = st.builds(
    lambda month, day, hour, minute, second: int(f"{month}{day:02}{hour:02}{minute:02}{second:02}"),
    st.integers(1, 12),
    st.integers(1, 31),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
texts = st.text(st.characters(min_codepoint=1, max_codepoint=255))


def _value(field: Field) -> st.SearchStrategy[object]:
    if field.kind == "U":
        return st.integers(0, (1 << 8 * field.width) - 1)
    if field.kind == "RAW":
        return st.binary(min_size=field.width, max_size=field.width)
    if field.kind == "NODE":
        rows = [Field.parse(name, notation) for name, notation, _ in tables.TRACE_NODE_ROWS]
        return st.lists(st.fixed_dictionaries({f.name: _value(f) for f in rows}), max_size=4)
    text = texts.map(lambda t: t[: field.width])
    if field.kind == "OS":
        return text
    return st.lists(text, max_size=20) if field.kind == "LIST" else st.binary(max_size=300)


@given(st.data(), st.builds(SequenceParts, words, words, words))
def test_every_table_round_trips(data: st.DataObject, parts: SequenceParts) -> None:
    command, layout = data.draw(st.sampled_from(sorted(tables.LAYOUTS.items())))
    counted = {f.by for f in layout.fields if f.by}
    fields = {f.name: data.draw(_value(f)) for f in layout.fields if f.name not in counted}
    octets = encode(Pdu(command, pack_sequence(parts), fields))
    pdu = decode(octets)
    assert (pdu.command, unpack_sequence(pdu.sequence)) == (command, parts)
    assert {k: v for k, v in pdu.fields.items() if k not in counted} == fields
    kept = {k: v for k, v in pdu.fields.items() if k not in counted}
    assert encode(Pdu(command, pdu.sequence, kept)) == octets


@given(st.sampled_from([*tables.LAYOUTS, 0x12]), st.binary(max_size=300))
def test_decode_reads_or_says_malformed(command: int, data: bytes) -> None:
    octets = (20 + len(data)).to_bytes(4, "big") + command.to_bytes(4, "big") + bytes(12) + data
    try:
        pdu = decode(octets)
    except MalformedPdu:
        return
    assert pdu.command in tables.LAYOUTS


@pytest.mark.parametrize(
    ("octets", "at"),
    [
        ("", 0),
        ("00" * 19, 19),
        ("00" * 20, 0),
        ("0000001500000002" + "00" * 12, 0),
        ("0000001400000099" + "00" * 12, 4),
        ("0000001400000003" + "00" * 12, 20),
        ("0000001500000002" + "00" * 13, 20),
        ("0000001580001000" + "00" * 12 + "02", 21),
    ],
)
def test_a_bad_pdu_says_where(octets: str, at: int) -> None:
    with pytest.raises(MalformedPdu) as caught:
        decode(bytes.fromhex(octets))
    assert caught.value.at == at


def test_a_length_bomb_is_refused_before_anything_is_read() -> None:
    form = SgipForm(SP_TO_SMG)
    octets = bytearray(20) + form.body(b"13000001111", b"hi", 15)
    octets[:8] = len(octets).to_bytes(4, "big") + b"\0\0\0\3"
    octets[-14:-10] = b"\xff\xff\xff\xff"
    with pytest.raises(MalformedPdu):
        decode(bytes(octets))
    with pytest.raises(MalformedPdu) as caught:
        SGIP.codec(SP_TO_SMG).read_submit(bytes(octets), 0, len(octets), 1)
    assert caught.value.at == len(octets) - 14


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"service_id": "x" * 11}, "service_id"),
        ({"level": 256}, "level"),
        ({"src_id": "短"}, "src_id"),
        ({"destinations": ["8"] * 256}, "destination_count"),
        ({"no_such": 1}, "no_such"),
    ],
)
def test_what_does_not_fit_is_named(fields: dict[str, object], name: str) -> None:
    with pytest.raises(LocalProtocolError) as caught:
        encode(Pdu(tables.SUBMIT, 1, fields))
    assert caught.value.field == name


def test_what_sgip_does_not_have_is_ours_to_mend() -> None:
    codec = SGIP.codec(SP_TO_SMG)
    for wrong in (
        lambda: encode(Pdu(6, 1, {})),
        lambda: encode(Pdu(tables.UNBIND, 1 << 96)),
        lambda: SGIP.codec(3),
        lambda: SGIP.codec(EITHER).bind("a", "b", 0),
        lambda: codec.query("20260101", ""),
        lambda: codec.cancel(1),
        codec.probe_answer,
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


# --- the readers of a session


@pytest.mark.parametrize("count", [0, 1, 2, 100])
@given(content=st.binary(max_size=255))
def test_lazy_submit_with_several_receivers(count: int, content: bytes) -> None:
    numbers = [f"86138{i:08}" for i in range(count)]
    octets = encode(Pdu(tables.SUBMIT, 1, {"destinations": numbers, "content": content}))
    codec = SGIP.codec(SP_TO_SMG)
    pdu = codec.read_submit(b"x" + octets + b"y", 1, 1 + len(octets), 1)
    assert pdu.destinations == numbers
    assert pdu.content == content
    broken = bytearray(octets)
    broken[20 + 42] = count + 1
    with pytest.raises(MalformedPdu):
        codec.read_submit(bytes(broken), 0, len(broken), 1)


@pytest.mark.parametrize(("flag", "registered"), [(0, 2), (1, 1), (2, 0), (3, 1), (9, 1)])
def test_report_flags_are_read_in_the_words_of_the_others(flag: int, registered: int) -> None:
    octets = encode(Pdu(tables.SUBMIT, 1, {"report_flag": flag}))
    assert SGIP.codec(SP_TO_SMG).read_submit(octets, 0, len(octets), 1).registered == registered


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("0500032e0302", (3, 2)),
        ("060804002e0403", (4, 3)),
        ("06050400500050", (1, 1)),
        ("0500032e0203", (1, 1)),
        ("ff", (1, 1)),
        ("", (1, 1)),
    ],
)
def test_the_part_of_a_long_message_is_read_from_its_content(
    content: str, part: tuple[int, int]
) -> None:
    fields = {"udhi": 1, "content": bytes.fromhex(content)}
    octets = encode(Pdu(tables.SUBMIT, 1, fields))
    pdu = SGIP.codec(SP_TO_SMG).read_submit(octets, 0, len(octets), 1)
    assert (pdu.pk_total, pdu.pk_number) == part


@given(st.binary(max_size=400), st.integers(0, 5))
def test_readers_read_or_say_malformed(data: bytes, command: int) -> None:
    buffer = b"??" + (20 + len(data)).to_bytes(4, "big") + bytes((0, 0, 0, command)) + bytes(12)
    buffer += data
    codec = SGIP.codec(EITHER)
    for reader in (codec.read_submit, codec.read_deliver, codec.read_answer):
        try:
            got = reader(buffer, 2, len(buffer), 5)
        except MalformedPdu:
            continue
        assert (got if isinstance(got, tuple) else (got.sequence,))[0] == 5
    for bind in (codec.read_bind, codec.read_bind_answer):
        try:
            bind(buffer, 2, len(buffer))
        except MalformedPdu:
            continue
        assert len(data) in (41, 9)


@pytest.mark.parametrize("length", [0, 43, 45])
def test_report_of_another_length_is_malformed(length: int) -> None:
    with pytest.raises(MalformedPdu):
        sgip.read_report(bytes(100), 0, length)


# --- identity


def test_the_password_proves_who_asks_and_stands_in_no_event() -> None:
    codec = SGIP.codec(SP_TO_SMG)
    body, _ = codec.bind("spuser", "sppass", 0)
    octets = encode(Pdu(tables.BIND, 1, {}))[:20] + body
    asked = codec.read_bind(octets, 0, len(octets))
    assert (asked.user, asked.version) == ("spuser", SP_TO_SMG)
    assert b"sppass" not in asked.proof
    assert codec.proves(asked, "sppass")
    for wrong in ("", "sppas", "sppass2", "sppass" * 3, "密码"):
        assert not codec.proves(asked, wrong)
    with pytest.raises(LocalProtocolError) as caught:
        codec.bind("spuser", "x" * 17, 0)
    assert caught.value.field == "password"


def test_login_types_say_which_way_a_connection_goes() -> None:
    assert SGIP.speaks(SP_TO_SMG, EITHER)
    assert SGIP.speaks(SMG_TO_SP, EITHER)
    assert SGIP.speaks(SMG_TO_SP, SMG_TO_SP)
    assert not SGIP.speaks(SMG_TO_SP, SP_TO_SMG)
    for other in (0, 3, 4, 5, 6, 11, 255):
        assert not SGIP.speaks(other, EITHER)
        assert not SGIP.speaks(other, other)


def test_nodes() -> None:
    assert sgip.sp_node("021", "12345") == 3021012345
    assert sgip.sp_node("010", "7") == 3010000007
    assert sgip.sp_node("0755", "99999") == 3075599999
    assert sgip.smg_node("010") == 101001
    for area, corp in (("x10", "1"), ("1", "1"), ("01001", "1"), ("010", ""), ("010", "123456")):
        with pytest.raises(LocalProtocolError):
            sgip.sp_node(area, corp)
    with pytest.raises(LocalProtocolError):
        sgip.smg_node("010", 10)


# --- sequence numbers and the ids made of them


def test_sequence_layout() -> None:
    parts = SequenceParts(3021012345, 1120203225, 9)
    sequence = pack_sequence(parts)
    assert sequence.to_bytes(12, "big").hex() == "b410fd7942c4f1d900000009"
    assert unpack_sequence(sequence) == parts
    assert sgip.sequence_time(sequence) == "1120203225"
    assert sgip.sequence_time(pack_sequence(SequenceParts(1, 301151218, 0))) == "0301151218"
    assert sgip.sequence_time(7) == ""
    with pytest.raises(LocalProtocolError) as caught:
        pack_sequence(SequenceParts(1, 1 << 32, 0))
    assert caught.value.field == "stamp"


def test_a_connection_begins_at_its_time_and_start() -> None:
    march = 1_772_323_200.0  # 2026-03-01 00:00 UTC, 08:00 in Beijing
    first = sgip.first_sequence(3021012345, march, 5 << 24)
    assert unpack_sequence(first) == (3021012345, 301080000, 5 << 24)
    assert list(SGIP.sequences(first, 3)) == [first, first + 1, first + 2]


def test_the_counter_wraps_and_nothing_else_does() -> None:
    last = pack_sequence(SequenceParts(7, 1120203225, 0xFFFFFFFE))
    numbers = [unpack_sequence(n) for n in SGIP.sequences(last, 4)]
    assert [n.counter for n in numbers] == [0xFFFFFFFE, 0xFFFFFFFF, 0, 1]
    assert {(n.node, n.stamp) for n in numbers} == {(7, 1120203225)}


@given(st.tuples(words, stamps, words), st.tuples(words, stamps, words))
def test_ids_differ_where_node_time_or_counter_do(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    made = [sgip.id_of(pack_sequence(SequenceParts(*parts))) for parts in (one, other)]
    assert all(0 <= i < 1 << 62 for i in made)
    same = one[1:] == other[1:] and one[0] % 31 == other[0] % 31
    assert (made[0] == made[1]) == same


@given(words, stamps, words, st.integers(0, 9), st.integers(1, 9))
def test_nodes_that_differ_in_one_digit_have_other_ids(
    node: int, stamp: int, counter: int, place: int, by: int
) -> None:
    other = (node + by * 10**place) & 0xFFFFFFFF
    if other == node + by * 10**place:
        first, second = (
            sgip.id_of(pack_sequence(SequenceParts(n, stamp, counter))) for n in (node, other)
        )
        assert first != second


@given(st.integers(0, (1 << 96) - 1))
def test_every_sequence_has_an_id_of_63_bits(sequence: int) -> None:
    made = sgip.id_of(sequence)
    assert 0 <= made < 1 << 63
    assert (made >= 1 << 62) == (sgip.sequence_time(sequence) == "")


def test_numbers_without_a_time_have_ids_too() -> None:
    numbers = [node << 64 | counter for node in range(50) for counter in range(50)]
    assert len({sgip.id_of(n) for n in numbers}) == len(numbers)


# --- forms


@given(
    st.lists(
        st.tuples(st.integers(13_000_000_000, 19_999_999_999), st.binary(max_size=140)),
        max_size=6,
    )
)
def test_own_bodies_equal_single_ones(messages: list[tuple[int, bytes]]) -> None:
    form = SgipForm(SP_TO_SMG, service_id="x", src_id="106550001234", msg_src="12345")
    numbers = [b"%d" % number for number, _ in messages]
    made = form.own_bodies(numbers, [content for _, content in messages], 8)
    assert made == [
        form.body(number, content, 8)
        for number, (_, content) in zip(numbers, messages, strict=True)
    ]


@pytest.mark.parametrize("count", [1, 2, 100])
def test_group_bodies_are_what_the_table_makes(count: int) -> None:
    numbers = [f"86130{i:08}" for i in range(count)]
    form = SgipForm(
        SP_TO_SMG,
        service_id="svc",
        src_id="1065",
        msg_src="12345",
        registered=2,
        level=3,
        fee_terminal="8613900000000",
        fee_type=2,
        fee_code="10",
        given_value="5",
        agent_flag=1,
        mt_reason=1,
        valid_time="260101000000032+",
        at_time="260101000000032+",
        tp_pid=4,
        message_type=6,
    )
    body = form.group_body([n.encode() for n in numbers], b"hello", 4, 1)
    fields = {
        "src_id": "1065",
        "fee_terminal": "8613900000000",
        "destinations": numbers,
        "corp_id": "12345",
        "service_id": "svc",
        "fee_type": 2,
        "fee_code": "10",
        "given_value": "5",
        "agent_flag": 1,
        "mt_reason": 1,
        "level": 3,
        "valid_time": "260101000000032+",
        "at_time": "260101000000032+",
        "report_flag": 0,
        "tp_pid": 4,
        "udhi": 1,
        "fmt": 4,
        "message_type": 6,
        "content": b"hello",
    }
    assert body == tables.LAYOUTS[tables.SUBMIT].encode(fields)
    assert 20 + len(body) <= tables.MAXIMUM


def test_form_refuses_what_does_not_fit() -> None:
    form = SgipForm(SP_TO_SMG)
    assert len(form.body(b"1" * 21, bytes(140), 8)) == 123 + 21 + 140
    assert len(form.body(b"1" * 21, bytes(159), 0)) == 123 + 21 + 159
    for wrong in (
        lambda: form.body(b"1" * 22, b"", 8),
        lambda: form.body(b"1", bytes(141), 8),
        lambda: form.body(b"1", bytes(160), 0),
        lambda: form.body(b"1", b"", 256),
        lambda: form.own_bodies([b"1" * 22], [b""], 8),
        lambda: form.own_bodies([b"1"], [bytes(141)], 8),
        lambda: form.group_body([], b"", 8),
        lambda: form.group_body([b"1"] * 101, b"", 8),
        lambda: SgipForm(SP_TO_SMG, src_id="1" * 22),
        lambda: SgipForm(SP_TO_SMG, registered=3),
    ):
        with pytest.raises(LocalProtocolError):
            wrong()


def test_receivers_get_the_country_code_they_need() -> None:
    assert home(b"13000001111") == b"8613000001111"
    for number in (b"8613000001111", b"0085212345678", b"106550001234", b"02112345678"):
        assert home(number) == number


# --- codes


def test_tables_say_what_a_code_means() -> None:
    assert tables.result_meaning(0)[1] == "accepted"
    assert tables.result_meaning(11)[1] == "throttled"
    assert tables.result_meaning(9)[1] == "unsure"
    assert tables.result_meaning(6) == ("illegal phone number", "refused")
    assert tables.result_meaning(200)[1] == "refused"
    assert set(tables.RESULTS) == {*range(12), *range(21, 34)}
    assert {action for _, action in tables.RESULTS.values()} == {
        *("accepted", "refused", "throttled", "unsure")
    }
    # Both lists of a code say the same of it.
    for code in range(21, 34):
        assert tables.RESULTS[code][0] == tables.REPORT_ERRORS[code][0]


@pytest.mark.parametrize(
    ("state", "error", "stat", "outcome"),
    [
        (0, 0, "DELIVRD", "delivered"),
        (1, 0, "ENROUTE", "intermediate"),
        (2, 25, "EC:0025", "failed"),
        (2, 0, "EC:0000", "failed"),
        (7, 0, "ST:0007", "failed"),
    ],
)
def test_states_become_words(state: int, error: int, stat: str, outcome: str) -> None:
    body = sgip.report_body(
        submit_sequence=5, user_number="8613000001111", state=state, error_code=error
    )
    report = sgip.read_report(body, 0, len(body))
    assert (report.message_id, report.stat) == (sgip.id_of(5), stat)
    assert tables.stat_outcome(stat) == outcome
    if state in tables.STATES:
        assert tables.STATES[state][1] == outcome
    assert stat in tables.STATS or stat[:2] in tables.STAT_PREFIXES


def test_every_field_has_its_clause() -> None:
    for command, layout in tables.LAYOUTS.items():
        notes = tables.NOTES[command]
        assert [f.name for f in layout.fields] == list(notes)[: len(layout.fields)]
        for name, clause in notes.values():
            assert name
            assert clause.startswith("2.4 ")
        assert tables.COMMAND_NAMES[command & ~tables.ANSWER]
    assert tables.NOTES[tables.SUBMIT]["mt_reason"] == ("MorelatetoMTFlag", "2.4 SUBMIT, field 11")
    assert tables.NOTES[tables.TRACE | tables.ANSWER]["node"].name == "NodeId"
    assert list(tables.HEADER_NOTES) == ["length", "command", "sequence"]
