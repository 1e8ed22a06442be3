"""Segments in any order, twice, never, mixed: every one ends in exactly one message."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from assent.text import (
    Alphabet,
    Coding,
    LongText,
    SevenBit,
    Writing,
    concat_of,
    decode,
    is_repeat,
    joined,
    messages,
    parse_udh,
)

Part = tuple[str, int, bytes]
"""(mark, number, octets)."""


def sorted_out(*parts: Part) -> list[list[str]]:
    return [[mark for mark, _, _ in some] for some in messages(parts, lambda part: part[1:])]


def test_out_of_order_and_repeated() -> None:
    assert sorted_out(("a", 3, b"c"), ("b", 1, b"a"), ("c", 3, b"c"), ("d", 2, b"b")) == [
        ["a", "b", "c", "d"]
    ]


def test_a_reference_that_is_used_again_begins_a_new_message() -> None:
    old, new = ("old", 1, b"1"), ("new", 1, b"2")
    assert sorted_out(old, new) == [["old"], ["new"]]
    assert sorted_out(old, new, ("end", 2, b"3")) == [["old"], ["new", "end"]]
    # What comes late is taken for the newest message that lacks it.
    late = sorted_out(old, new, ("end", 2, b"3"), ("late", 2, b"4"))
    assert late == [["old", "late"], ["new", "end"]]


def test_a_repeat_says_nothing_new() -> None:
    earlier = {1: b"a", 2: b"b"}
    assert is_repeat([(2, b"b")], earlier)
    assert is_repeat([(1, b"a"), (2, b"b")], earlier)
    assert not is_repeat([(1, b"a"), (2, b"x")], earlier)
    assert not is_repeat([(3, b"a")], earlier)
    assert not is_repeat([], earlier)


def test_what_did_not_come_is_seen_in_its_place() -> None:
    def read(kind: str, octets: bytes) -> str:
        return f"<{kind}:{octets.decode()}>"

    assert joined(4, {1: ("x", b"a"), 2: ("x", b"b"), 4: ("y", b"c")}, read) == "<x:ab>…<y:c>"
    assert joined(3, {3: ("x", b"a")}, read) == "…<x:a>"
    assert joined(3, {2: ("x", b"a")}, read) == "…<x:a>…"


def test_parts_may_have_codings_of_their_own_and_be_cut_inside_a_character() -> None:
    def read(alphabet: Alphabet, octets: bytes) -> str:
        return decode(octets, alphabet, "replace", seven_bit=SevenBit.GSM)

    smile = "退订😀".encode("utf-16-be")
    parts = {
        1: (Alphabet.UCS2, smile[:5]),
        2: (Alphabet.UCS2, smile[5:]),
        3: (Alphabet.GSM7, b"TD"),
    }
    assert joined(3, parts, read) == "退订😀TD"


@given(
    st.lists(st.text("退订😀é€a ", min_size=1, max_size=300), min_size=1, max_size=3),
    st.sampled_from([LongText.UDH, LongText.UDH16]),
    st.sampled_from(list(Coding)),
    st.integers(0, 1 << 32),
)
def test_texts_come_back_from_any_order_with_repeats_and_losses(
    texts: list[str], long_text: LongText, coding: Coding, seed: int
) -> None:
    """Messages of references of their own: what is whole reads as it was sent, and of the rest
    everything that came is read."""
    rng = Random(seed)
    writing = Writing(coding, long_text, SevenBit.GSM)
    sent = []
    for reference, text in enumerate(texts):
        alphabet, contents = writing.parts(text, reference)
        for content in contents if len(contents) > 1 else ():
            elements, octets = parse_udh(content)
            told = concat_of(elements)
            assert told is not None
            sent.append((reference, told, alphabet, octets))
    arrived = [part for part in sent if rng.random() < 0.9]
    arrived += [part for part in arrived if rng.random() < 0.3]
    rng.shuffle(arrived)
    for reference, text in enumerate(texts):
        own = [part for part in arrived if part[0] == reference]
        for some in messages(own, lambda part: (part[1][2], part[3])):
            total = some[0][1][1]
            parts = {told[2]: (alphabet, octets) for _, told, alphabet, octets in some}
            read = joined(
                total, parts, lambda kind, octets: decode(octets, kind, seven_bit=SevenBit.GSM)
            )
            if len(parts) == total:
                assert read == text
            for piece in read.split("…"):
                assert piece in text
