"""How texts are written for a carrier: counted as cut, and cut between characters only."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.errors import InvalidInput, TooLarge
from assent.text import (
    PLAIN,
    Adds,
    Alphabet,
    Coding,
    LongText,
    SevenBit,
    Writing,
    alphabet_of,
    concat_of,
    decode,
    encode,
    fits,
    parse_udh,
)
from assent.text.alphabet import GSM_BASIC, GSM_EXTENSION

GSM = GSM_BASIC.replace("\x1b", "") + "".join(GSM_EXTENSION.values())
# Texts of one alphabet and of several, with what is wider than one octet, septet or unit.
texts = st.one_of(
    st.text(st.sampled_from(GSM), max_size=700),
    st.text(st.sampled_from("ab{}€[]~^|\\"), max_size=400),
    st.text(st.characters(max_codepoint=255), max_size=400),
    st.text(st.sampled_from("您的验证码😀𠮷é1a,㐂"), max_size=400),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=300),
)
writings = st.builds(
    Writing,
    st.sampled_from(Coding),
    st.sampled_from(LongText),
    st.sampled_from(SevenBit),
    st.sampled_from([140, 159, 160]),
    st.sampled_from(Adds),
).flatmap(lambda one: st.sampled_from(["", "安信", "Bank", "𠮷野家"]).map(one.signed))


def read(parts: list[bytes], alphabet: Alphabet, writing: Writing) -> str:
    """What a telephone shows that reads every segment by itself: a cut character would be seen."""
    contents = parts
    if len(parts) > 1:
        contents = []
        for number, part in enumerate(parts, 1):
            elements, payload = parse_udh(part)
            width = 16 if writing.long_text is LongText.UDH16 else 8
            assert concat_of(elements) == (0x1234 & (1 << width) - 1, len(parts), number)
            contents.append(payload)
    return "".join(decode(one, alphabet, seven_bit=writing.seven_bit) for one in contents)


@given(st.lists(texts, min_size=1, max_size=5), writings)
def test_what_is_counted_is_what_is_written_and_read(some: list[str], writing: Writing) -> None:
    own = [writing.own(writing.mark + text) for text in some]
    assert own == some
    counts = writing.counts(own).tolist()
    for text, count in zip(own, counts, strict=True):
        alphabet, parts = writing.parts(text, 0x1234)
        assert read(parts, alphabet, writing) == text
        if writing.long_text is LongText.PAYLOAD:
            assert len(parts) == 1
            # The SMSC cuts it as we would with headers of 8 bits.
            parts = replace(writing, long_text=LongText.UDH).parts(text, 0x1234)[1]
        assert len(parts) == count
        sizes = [len(part) for part in parts]
        room = len(encode(writing.mark, alphabet, seven_bit=writing.seven_bit))
        sizes[0 if writing.adds is Adds.FRONT else -1] += room
        most = 140 if alphabet is not Alphabet.GSM7 else writing.octets
        assert max(sizes) <= most


@given(texts, writings)
def test_the_alphabet_is_the_wanted_one_if_every_character_is_in_it(
    text: str, writing: Writing
) -> None:
    alphabet = writing.alphabet(text)
    whole = writing.mark + text
    wanted = writing.coding.alphabet
    assert alphabet is (
        wanted if fits(whole, wanted, seven_bit=writing.seven_bit) else Alphabet.UCS2
    )
    if writing.coding is Coding.GSM7:
        assert alphabet is alphabet_of(whole, seven_bit=writing.seven_bit)
    try:
        encode(whole, wanted, seven_bit=writing.seven_bit)
    except InvalidInput:
        assert alphabet is Alphabet.UCS2
    else:
        assert alphabet is wanted


@given(st.lists(texts, max_size=4), writings)
def test_nothing_changes_when_it_is_kept(some: list[str], writing: Writing) -> None:
    again = Writing.of(writing.told())
    assert again == writing
    assert again.counts(some).tolist() == writing.counts(some).tolist()


@pytest.mark.parametrize(
    ("writing", "character", "alone", "each"),
    [
        (PLAIN, "您", 70, 67),
        (PLAIN, "a", 70, 67),
        (Writing(long_text=LongText.UDH16), "您", 70, 66),
        (Writing(long_text=LongText.SAR), "您", 70, 67),
        (Writing(long_text=LongText.PAYLOAD), "您", 70, 67),
        (Writing(Coding.GSM7), "a", 160, 153),
        (Writing(Coding.GSM7, octets=159), "a", 159, 153),
        (Writing(Coding.GSM7, octets=140), "a", 140, 134),
        (Writing(Coding.GSM7, LongText.UDH16), "a", 160, 152),
        (Writing(Coding.GSM7, seven_bit=SevenBit.GSM), "é", 160, 153),
        (Writing(Coding.GSM7, seven_bit=SevenBit.GSM), "€", 80, 76),
        (Writing(Coding.GSM7), "é", 70, 67),
        (Writing(Coding.LATIN1), "é", 140, 134),
        (Writing(Coding.LATIN1, LongText.UDH16), "é", 140, 133),
        (Writing(Coding.LATIN1), "您", 70, 67),
        (Writing(Coding.GB18030), "您", 70, 67),
        (Writing(Coding.GB18030), "a", 140, 134),
        (Writing(Coding.GB18030), "😀", 35, 33),
        (PLAIN, "😀", 35, 33),
    ],
)
def test_limits(writing: Writing, character: str, alone: int, each: int) -> None:
    """Facts 6.2, and the octets that the dialects' fields have (CMPP 1.7, SMGP 3.5)."""
    lengths = [alone, alone + 1, 2 * each, 2 * each + 1, 255 * each]
    assert writing.counts([character * n for n in lengths]).tolist() == [1, 2, 2, 3, 255]
    with pytest.raises(TooLarge):
        writing.counts(["", character * (255 * each + 1)])


def test_the_carriers_signature_is_counted_and_not_written() -> None:
    front = Writing(adds=Adds.FRONT).signed("安信")
    assert front.mark == "【安信】"
    assert front.own("【安信】您好 拒收请回复R") == "您好 拒收请回复R"
    assert front.counts(["您" * 66, "您" * 67]).tolist() == [1, 2]
    assert [len(part) for part in front.parts("您" * 100, 1)[1]] == [140 - 8, 6 + 2 * 37]
    back = Writing(adds=Adds.BACK).signed("【安信】")
    assert [len(part) for part in back.parts("您" * 132, 1)[1]] == [140, 6 + 2 * 63, 6 + 4]
    # Its brackets are not in GSM 03.38, so the whole message is UCS-2.
    gsm = Writing(Coding.GSM7, adds=Adds.FRONT)
    assert gsm.signed("Bank").alphabet("code 1") is Alphabet.UCS2
    assert gsm.signed("").alphabet("code 1") is Alphabet.GSM7
    assert PLAIN.signed("安信") is PLAIN


def test_a_signature_for_which_there_is_no_room_is_refused() -> None:
    writing = Writing(adds=Adds.BACK)
    assert writing.signed("名" * 31).counts(["您" * 200]).tolist() == [4]
    with pytest.raises(InvalidInput) as caught:
        writing.signed("名" * 32)
    assert (caught.value.code, caught.value.field) == ("signature_too_long", "port")
    assert caught.value.mend
