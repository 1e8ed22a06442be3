"""Texts and their short messages: nothing lost, nothing cut, nothing over its size."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput, TooLarge
from assent.text import (
    Alphabet,
    Reserved,
    SevenBit,
    alphabet_of,
    alphabet_of_format,
    billing_counts,
    compose,
    concat_of,
    decode,
    encode,
    parse_udh,
    segment,
    segment_counts,
)
from assent.text.alphabet import GSM_BASIC, GSM_EXTENSION

GSM_CHARACTERS = GSM_BASIC.replace("\x1b", "") + "".join(GSM_EXTENSION.values())
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
chinese = st.text(st.sampled_from("您的验证码安信【】😀𠮷1a,"), max_size=400)
gsm_text = st.text(st.sampled_from(GSM_CHARACTERS), max_size=700)
ascii_text = st.text(st.characters(max_codepoint=127), max_size=700)


# --- alphabets


@given(any_text)
def test_ucs2_and_gb18030_hold_every_text(text: str) -> None:
    for alphabet in (Alphabet.UCS2, Alphabet.GB18030):
        assert decode(encode(text, alphabet), alphabet) == text


@given(gsm_text)
def test_gsm_round_trips(text: str) -> None:
    assert alphabet_of(text, seven_bit=SevenBit.GSM) is Alphabet.GSM7
    octets = encode(text, Alphabet.GSM7, seven_bit=SevenBit.GSM)
    assert all(octet < 128 for octet in octets)
    assert decode(octets, Alphabet.GSM7, seven_bit=SevenBit.GSM) == text


@pytest.mark.parametrize(
    ("text", "octets"),
    [("@£$¥", "00010203"), ("ÄÖÑÜ§¿", "5b5c5d5e5f60"), ("{€}", "1b281b651b29"), ("Hi_", "486911")],
)
def test_gsm_octets(text: str, octets: str) -> None:
    """GSM 03.38 6.2.1 and 6.2.1.1, by hand."""
    assert encode(text, Alphabet.GSM7, seven_bit=SevenBit.GSM).hex() == octets


def test_gsm_table_has_128_places_and_no_character_twice() -> None:
    assert len(GSM_BASIC) == 128
    assert len(set(GSM_CHARACTERS)) == 127 + len(GSM_EXTENSION)


def test_gsm_reads_what_it_does_not_know_as_the_standard_says() -> None:
    def read(octets: str) -> str:
        return decode(bytes.fromhex(octets), Alphabet.GSM7, "replace", seven_bit=SevenBit.GSM)

    assert read("1b41") == "A"
    assert read("1b1b") == " "
    assert read("411b") == "A\ufffd"
    assert read("ff41") == "\ufffdA"
    for broken in ("411b", "ff"):
        with pytest.raises(InvalidInput):
            decode(bytes.fromhex(broken), Alphabet.GSM7, seven_bit=SevenBit.GSM)


def test_format_0_is_ascii_by_the_chinese_custom() -> None:
    assert encode("@_{}", Alphabet.GSM7) == b"@_{}"
    assert alphabet_of("hello {}") is Alphabet.GSM7
    assert alphabet_of("é") is Alphabet.UCS2
    assert alphabet_of("é", seven_bit=SevenBit.GSM) is Alphabet.GSM7
    assert alphabet_of("验证码") is Alphabet.UCS2


@pytest.mark.parametrize(
    ("text", "alphabet"),
    [
        ("验", Alphabet.GSM7),
        ("验", Alphabet.LATIN1),
        ("\ud800", Alphabet.UCS2),
        ("a", Alphabet.BINARY),
    ],
)
def test_what_an_alphabet_cannot_hold_is_refused_by_name(text: str, alphabet: Alphabet) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode(text, alphabet)
    assert alphabet.name in caught.value.message
    assert "验" not in caught.value.message


@given(st.binary(max_size=200), st.sampled_from(list(Alphabet)), st.sampled_from(list(SevenBit)))
def test_any_octets_are_read_or_refused(
    data: bytes, alphabet: Alphabet, seven_bit: SevenBit
) -> None:
    if alphabet is Alphabet.BINARY:
        with pytest.raises(InvalidInput):
            decode(data, alphabet, "replace")
        return
    assert isinstance(decode(data, alphabet, "replace", seven_bit=seven_bit), str)
    with contextlib.suppress(InvalidInput):
        decode(data, alphabet, seven_bit=seven_bit)


def test_alphabet_of_a_format() -> None:
    expected = {0: 0, 4: 4, 8: 8, 15: 15, 0x10: 0, 0x11: 0, 0x14: 4, 0x18: 8, 0x1B: 8}
    for fmt in range(256):
        got = alphabet_of_format(fmt)
        if fmt in expected or 0x10 <= fmt < 0x1C:
            assert got is not None
        else:
            assert got is None
    for fmt, value in expected.items():
        assert alphabet_of_format(fmt) == value


# --- segments


def _whole(
    text: str, parts: list[bytes], alphabet: Alphabet, header: int, seven_bit: SevenBit
) -> str:
    """Check the headers, then read every part alone: a cut character would show."""
    if len(parts) == 1:
        return decode(parts[0], alphabet, seven_bit=seven_bit)
    out = []
    for number, part in enumerate(parts, 1):
        elements, payload = parse_udh(part)
        assert len(part) - len(payload) == header
        reference = 0x1234 if header == 7 else 0x34
        assert concat_of(elements) == (reference, len(parts), number)
        assert payload
        out.append(decode(payload, alphabet, seven_bit=seven_bit))
    return "".join(out)


CASES = st.one_of(
    st.tuples(st.one_of(any_text, chinese), st.just(Alphabet.UCS2), st.just(SevenBit.ASCII)),
    st.tuples(st.one_of(any_text, chinese), st.just(Alphabet.GB18030), st.just(SevenBit.ASCII)),
    st.tuples(gsm_text, st.just(Alphabet.GSM7), st.just(SevenBit.GSM)),
    st.tuples(ascii_text, st.just(Alphabet.GSM7), st.just(SevenBit.ASCII)),
)


@given(
    CASES,
    st.sampled_from([6, 7]),
    st.sampled_from(["", "【安信】", "[bank of x]"]),
    st.sampled_from(["", " 拒收请回复R", " STOP to end"]),
)
def test_segments_hold_the_text_and_leave_room(
    case: tuple[str, Alphabet, SevenBit], header: int, front: str, back: str
) -> None:
    text, alphabet, seven_bit = case
    if alphabet is Alphabet.GSM7 and not (front + back).isascii():
        front = back = "x"
    parts = segment(
        text,
        alphabet,
        reference=0x1234,
        header=header,  # type: ignore[arg-type]
        reserved=Reserved(front, back),
        seven_bit=seven_bit,
    )
    assert _whole(text, parts, alphabet, header, seven_bit) == text
    sizes = [len(part) for part in parts]
    sizes[0] += len(encode(front, alphabet, seven_bit=seven_bit))
    sizes[-1] += len(encode(back, alphabet, seven_bit=seven_bit))
    for size in sizes:
        if alphabet is not Alphabet.GSM7:
            assert size <= 140
        elif len(parts) == 1:
            assert size <= 160
        else:  # the header's octets, and the septets beside it, in 140 octets
            assert (size - header) <= (140 - header) * 8 // 7


@pytest.mark.parametrize(
    ("alphabet", "character", "alone", "six", "seven"),
    [
        (Alphabet.UCS2, "您", 70, 67, 66),
        (Alphabet.GSM7, "a", 160, 153, 152),
        (Alphabet.LATIN1, "é", 140, 134, 133),
        (Alphabet.GB18030, "您", 70, 67, 66),
    ],
)
def test_limits(alphabet: Alphabet, character: str, alone: int, six: int, seven: int) -> None:
    """Facts 6.2."""

    def count(n: int, header: int) -> int:
        parts = segment(character * n, alphabet, reference=1, header=header)  # type: ignore[arg-type]
        return len(parts)

    for header, several in ((6, six), (7, seven)):
        assert count(alone, header) == 1
        assert count(alone + 1, header) == 2
        assert count(2 * several, header) == 2
        assert count(2 * several + 1, header) == 3
        assert count(255 * several, header) == 255
        with pytest.raises(TooLarge):
            count(255 * several + 1, header)


def test_pairs_at_the_edge_move_to_the_next_segment() -> None:
    parts = segment("您" * 66 + "😀" + "您" * 10, Alphabet.UCS2, reference=1)
    assert [len(part) for part in parts] == [6 + 132, 6 + 24]
    parts = segment("a" * 152 + "€" + "a" * 10, Alphabet.GSM7, reference=1, seven_bit=SevenBit.GSM)
    assert [len(part) for part in parts] == [6 + 152, 6 + 12]
    parts = segment("a" + "您" * 80, Alphabet.GB18030, reference=1)
    assert [len(part) for part in parts] == [6 + 133, 6 + 28]


def test_a_link_may_take_fewer_octets_alone() -> None:
    assert len(segment("a" * 160, Alphabet.GSM7, reference=1)) == 1
    assert len(segment("a" * 160, Alphabet.GSM7, reference=1, octets=159)) == 2
    sizes = [len(part) for part in segment("a" * 300, Alphabet.GSM7, reference=1, octets=140)]
    assert sizes == [140, 140, 6 + 300 - 2 * 134]


def test_the_known_long_message() -> None:
    """The CMPP vectors cmpp3_submit_long_1of2 and 2of2."""
    first, second = segment("【安信】" + "您好" * 40, Alphabet.UCS2, reference=0x2E)
    assert first[:6].hex() == "0500032e0201"
    assert second.hex() == "0500032e0202" + "597d" + "60a8597d" * 8


def test_the_carriers_signature_does_not_overflow_the_first_segment() -> None:
    room = Reserved("【安信】", " 拒收请回复R")
    assert len(segment("您" * 59, Alphabet.UCS2, reference=1, reserved=room)) == 1
    assert len(segment("您" * 60, Alphabet.UCS2, reference=1, reserved=room)) == 2
    first, second = segment("您" * 100, Alphabet.UCS2, reference=1, reserved=room)
    assert len(first) == 140 - 2 * 4
    assert len(second) == 6 + 2 * 37
    with pytest.raises(InvalidInput):
        segment("a", Alphabet.UCS2, reference=1, reserved=Reserved("x" * 34, ""))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("安信", "您好", "拒收请回复R"), "【安信】您好 拒收请回复R"),
        (("【安信】", "您好", None), "【安信】您好"),
        (("安信", "【安信】您好", None), "【安信】您好"),
        (("安信", "您好", "R", "back"), "您好 R【安信】"),
        (("", "hello", ""), "hello"),
    ],
)
def test_compose(arguments: tuple[str, str, str | None], expected: str) -> None:
    assert compose(*arguments) == expected


# --- counts


@given(
    st.lists(st.one_of(any_text, chinese, ascii_text), max_size=12),
    st.sampled_from([6, 7]),
    st.sampled_from([("", ""), ("【安信】", " 拒收请回复R"), ("Bank", "")]),
)
def test_counts_equal_segments(texts: list[str], header: int, room: tuple[str, str]) -> None:
    reserved = Reserved(*room)
    counts = segment_counts(texts, header=header, reserved=reserved)  # type: ignore[arg-type]
    assert counts.dtype == np.uint8
    for text, count in zip(texts, counts, strict=True):
        parts = segment(text, Alphabet.UCS2, reference=0, header=header, reserved=reserved)  # type: ignore[arg-type]
        assert len(parts) == count


def test_counts_of_many_texts() -> None:
    texts = ["您" * 71] * 5000 + ["a" * 71] * 5000 + ["a"] * 10
    counts = segment_counts(texts)
    assert (counts[:10000] == 2).all()
    assert (counts[10000:] == 1).all()
    assert segment_counts([]).size == 0
    with pytest.raises(TooLarge) as caught:
        segment_counts(["a", "您" * 67 * 256])
    assert "text 1" in caught.value.message


def test_billing_follows_the_chinese_custom() -> None:
    """Facts 6.2: 70 characters are one unit, above that each 67; ASCII counts as one."""
    texts = ["", "a" * 70, "a" * 71, "您" * 134, "您" * 135, "😀" * 35, "😀" * 36]
    assert billing_counts(texts).tolist() == [1, 1, 2, 2, 3, 1, 2]
    assert billing_counts([]).size == 0


# --- headers


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        ("0500032e0201", (0x2E, 2, 1)),
        ("0608042e2f0302", (0x2E2F, 3, 2)),
        ("0b0504158a00000003070402", (7, 4, 2)),  # beside a port address
        ("0605040b8423f0", None),
        ("0500032e0203", None),  # number above total
        ("0500032e0200", None),
        ("00", None),
    ],
)
def test_user_data_headers(octets: str, expected: tuple[int, int, int] | None) -> None:
    elements, payload = parse_udh(bytes.fromhex(octets) + b"rest")
    assert payload == b"rest"
    assert concat_of(elements) == expected


@pytest.mark.parametrize("octets", ["", "05", "0500032e02", "0100", "02000561", "030003aa"])
def test_broken_headers_are_refused(octets: str) -> None:
    with pytest.raises(InvalidInput):
        parse_udh(bytes.fromhex(octets))


@given(st.binary(max_size=60))
def test_any_header_is_read_or_refused(data: bytes) -> None:
    try:
        elements, payload = parse_udh(data)
    except InvalidInput:
        return
    assert sum(2 + len(value) for _, value in elements) + 1 + len(payload) == len(data)
