"""Segments in any order, twice, never, mixed: every tag ends in exactly one place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from assent.text import Alphabet, Reassembler, concat_of, parse_udh, segment

PERSON, PORT = "13800138000", "106900001234"


def test_out_of_order_and_repeated() -> None:
    collected: Reassembler[int] = Reassembler(300.0)

    def add(number: int, content: bytes, tag: int) -> object:
        return collected.add(PERSON, PORT, (7, 3, number), Alphabet.GSM7, content, tag, 0.0)

    assert add(3, b"c", 1) == ([], False)
    assert add(1, b"a", 2) == ([], False)
    assert add(3, b"c", 3) == ([], False)
    [message], repeated = collected.add(PERSON, PORT, (7, 3, 2), Alphabet.GSM7, b"b", 4, 0.0)
    assert not repeated
    assert message.complete
    assert message.text() == "abc"
    assert message.tags == [1, 2, 3, 4]
    assert add(2, b"b", 5) == ([], True)
    assert len(collected) == 0


def test_a_reused_reference_begins_a_new_message() -> None:
    collected: Reassembler[str] = Reassembler(300.0)
    collected.add(PERSON, PORT, (7, 2, 1), Alphabet.GSM7, b"old", "first", 0.0)
    [old], _ = collected.add(PERSON, PORT, (7, 2, 1), Alphabet.GSM7, b"new", "second", 1.0)
    assert (old.complete, old.missing, old.tags, old.text()) == (False, [2], ["first"], "old…")
    [new], _ = collected.add(PERSON, PORT, (7, 2, 2), Alphabet.GSM7, b"er", "third", 2.0)
    assert (new.text(), new.tags) == ("newer", ["second", "third"])


def test_incomplete_messages_come_back_when_they_are_too_old() -> None:
    collected: Reassembler[int] = Reassembler(300.0)
    collected.add(PERSON, PORT, (7, 4, 3), Alphabet.GSM7, b"three", 1, 10.0)
    collected.add(PERSON, PORT, (8, 2, 1), Alphabet.GSM7, b"x", 2, 20.0)
    collected.add(PERSON, PORT, (7, 4, 4), Alphabet.GSM7, b"four", 3, 30.0)
    assert collected.next_deadline() == 310.0
    assert collected.expire(309.9) == []
    [message] = collected.expire(310.0)
    assert (message.missing, message.tags, message.text()) == ([1, 2], [1, 3], "…threefour")
    assert collected.next_deadline() == 320.0
    assert len(collected.expire(1000.0)) == 1
    assert collected.next_deadline() is None


def test_a_full_house_gives_back_the_oldest() -> None:
    collected: Reassembler[int] = Reassembler(300.0, most=2)
    for tag in range(2):
        collected.add(PERSON, PORT, (tag, 2, 1), Alphabet.GSM7, b"x", tag, 0.0)
    [oldest], _ = collected.add(PERSON, PORT, (2, 2, 1), Alphabet.GSM7, b"x", 2, 0.0)
    assert oldest.tags == [0]
    assert len(collected) == 2


def test_a_character_cut_by_the_sender_is_whole_again() -> None:
    collected: Reassembler[int] = Reassembler(300.0)
    smile = "😀".encode("utf-16-be")
    collected.add(PERSON, PORT, (1, 2, 1), Alphabet.UCS2, smile[:2], 0, 0.0)
    [message], _ = collected.add(PERSON, PORT, (1, 2, 2), Alphabet.UCS2, smile[2:], 1, 0.0)
    assert message.text() == "😀"


def test_parts_may_have_different_alphabets() -> None:
    collected: Reassembler[int] = Reassembler(300.0)
    collected.add(PERSON, PORT, (1, 2, 1), Alphabet.GSM7, b"TD ", 0, 0.0)
    octets = "谢谢".encode("utf-16-be")
    [message], _ = collected.add(PERSON, PORT, (1, 2, 2), Alphabet.UCS2, octets, 1, 0.0)
    assert message.text() == "TD 谢谢"


@given(st.data())
def test_every_segment_ends_in_exactly_one_place(data: st.DataObject) -> None:
    texts = data.draw(
        st.lists(st.text(st.sampled_from("您好😀a"), min_size=80, max_size=300), max_size=4)
    )
    arrivals = []
    for reference, text in enumerate(texts):
        for octets in segment(text, Alphabet.UCS2, reference=reference):
            elements, payload = parse_udh(octets)
            concat = concat_of(elements)
            assert concat is not None
            arrivals += [(concat, payload)] * data.draw(st.integers(0, 2))
    arrivals = data.draw(st.permutations(arrivals))
    collected: Reassembler[int] = Reassembler(300.0)
    finished, repeats = [], []
    for tag, (concat, payload) in enumerate(arrivals):
        done, repeated = collected.add(PERSON, PORT, concat, Alphabet.UCS2, payload, tag, 0.0)
        finished += done
        if repeated:
            repeats.append(tag)
    for message in finished:
        assert message.text() == texts[message.key[2]]
    finished += collected.expire(300.0)
    tags = sorted(repeats + [tag for message in finished for tag in message.tags])
    assert tags == list(range(len(arrivals)))
