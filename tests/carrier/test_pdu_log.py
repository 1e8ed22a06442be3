"""The PDU log's parts: taps cut any stream, hold a bounded number of PDUs, and masks give away
neither numbers nor texts nor secrets, in any dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.carrier.pdu_masks import (
    HIDDEN,
    NUMBERS,
    SECRETS,
    TEXTS,
    Masks,
    canonical,
    mark_of,
    mask,
    numbers_of,
)
from assent.carrier.pdu_tap import MOST_OCTETS, MOST_PDUS, Caught, PduQueue, PduTap
from assent.clock import ManualClock
from assent.errors import InvalidInput
from assent.text import Alphabet
from assent.wire.explain import explain
from assent.wire.kit import Quirks, kit_for
from tests.carrier.conftest import Rig, until
from tests.wire.test_explain import ALL

KEY = b"k" * 32
DIALECTS = ("cmpp", "sgip", "smgp", "smpp")


def queue() -> PduQueue:
    return PduQueue(ManualClock(1.0))


def entry(dialect: str, octets: bytes, *, texts: bool = False) -> dict[str, Any]:
    masks = Masks(KEY, texts)
    caught = Caught(1.0, "one", 1, dialect, "out", octets)
    return masks.entry(caught, masks.explain(caught))


@given(data=st.data())
def test_a_tap_finds_the_same_pdus_however_the_stream_is_cut(data: st.DataObject) -> None:
    dialect = data.draw(st.sampled_from(["cmpp3", "sgip", "smgp", "smpp"]))
    pdus = [octets for name, _, octets, _ in ALL if name == dialect]
    sent = data.draw(st.lists(st.sampled_from(pdus), max_size=6))
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    begun = data.draw(st.integers(0, len(sent[0]))) if sent else 0
    found = queue()
    tap = PduTap(found, "one", lambda: dialect, stream[:begun])
    pieces = [stream[i:j] for i, j in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    for piece in pieces:
        tap.left(piece)
    tap.came(stream[begun:])
    taken = found.take(100)
    assert [one.octets for one in taken if one.direction == "out"] == sent
    assert [one.octets for one in taken if one.direction == "in"] == sent
    assert found.dropped == 0


@given(st.binary(max_size=400), st.sampled_from(["cmpp2", "cmpp3", "sgip", "smgp", "smpp"]))
def test_a_tap_and_the_masks_bear_anything(data: bytes, dialect: str) -> None:
    found = queue()
    tap = PduTap(found, "one", lambda: dialect)
    tap.came(data)
    tap.came(data)
    for caught in found.take(1000):
        masks = Masks(KEY)
        json.dumps(masks.entry(caught, masks.explain(caught)))


def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    found = queue()
    tap = PduTap(found, "one", lambda: "cmpp3")
    small = (12).to_bytes(4, "big") + bytes(8)
    tap.left(small * (MOST_PDUS + 7))
    assert found.dropped == 7
    assert len(found.take(10_000)) == MOST_PDUS
    large = (60_000).to_bytes(4, "big") + bytes(59_996)
    tap.left(large * 20)
    assert found.dropped == 7 + 20 - MOST_OCTETS // 60_000
    found.clear()
    assert (found.take(1), found.dropped) == ([], 0)


def test_a_stream_without_framing_is_left_alone() -> None:
    found = queue()
    tap = PduTap(found, "one", lambda: "cmpp3")
    tap.came(b"\0\0\0\1" + bytes(20))
    tap.came((12).to_bytes(4, "big") + bytes(8))
    assert found.take(10) == []
    tap.left((12).to_bytes(4, "big") + bytes(8))
    assert len(found.take(10)) == 1


people = st.one_of(
    st.integers(13_000_000_000, 19_999_999_999).map(lambda n: 86 * 10**11 + n),
    st.integers(11 * 10**8, 10**13).filter(lambda n: str(n)[:2] not in ("86", "10")),
)
texts = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=6, max_size=60)


@given(person=people, text=texts, dialect=st.sampled_from(DIALECTS))
def test_a_submit_gives_away_neither_number_nor_text(person: int, text: str, dialect: str) -> None:
    quirks = Quirks(node=3010012345) if dialect == "sgip" else Quirks()
    kit = kit_for(dialect, user="900001", quirks=quirks)
    form = kit.form("", "106900001")
    content = text.encode("utf-16-be")[:140]
    number = kit.number(person)
    body = form.body(number, content, kit.codings[Alphabet.UCS2])
    header = {
        "cmpp": (4).to_bytes(4, "big") + bytes(4),
        "smgp": (2).to_bytes(4, "big") + bytes(4),
        "sgip": (3).to_bytes(4, "big") + bytes(12),
        "smpp": (4).to_bytes(4, "big") + bytes(8),
    }[dialect]
    octets = (len(body) + 4 + len(header)).to_bytes(4, "big") + header + body
    told = {"cmpp": "cmpp3"}.get(dialect, dialect)
    assert explain(told, octets).fault is None
    shown = entry(told, octets)
    words = json.dumps(shown, ensure_ascii=False)
    digits = str(person)
    assert digits not in words
    assert digits.removeprefix("86") not in words
    assert number.decode() not in words
    assert text not in words
    assert content.hex() not in words
    assert "106900001" in words
    assert shown["text"].startswith(f"{HIDDEN} ")
    found = {mark_of(KEY, canonical(one)) for one in numbers_of(explain(told, octets))}
    assert mark_of(KEY, canonical(digits)) in found


@pytest.mark.parametrize(("dialect", "name", "octets", "pdu"), ALL, ids=[row[1] for row in ALL])
def test_no_pdu_of_the_books_gives_anything_away(
    dialect: str, name: str, octets: bytes, pdu: Any
) -> None:
    explained = explain(dialect, octets)
    words = json.dumps(entry(dialect, octets), ensure_ascii=False)
    for field, value, meaning in entry(dialect, octets)["fields"]:
        if field in SECRETS:
            assert (value, meaning) == (HIDDEN, "")
    for note in explained.notes:
        if note.name in SECRETS and isinstance(note.value, bytes):
            assert note.value.hex() not in words
        if note.name in TEXTS and isinstance(note.value, bytes) and len(note.value) > 2:
            assert note.value.hex() not in words
    if explained.text and len(explained.text) > 3:
        assert json.dumps(explained.text, ensure_ascii=False)[1:-1] not in words
    for number in numbers_of(explained):
        assert mask(number) == number or number not in words


def test_texts_are_shown_where_the_settings_say_so_and_numbers_in_them_are_not() -> None:
    kit = kit_for("cmpp", user="900001")
    text = "验证码123456，请致电13800138000"
    body = kit.form("", "106900001").body(b"13900000001", text.encode("utf-16-be"), 8)
    octets = (len(body) + 12).to_bytes(4, "big") + (4).to_bytes(4, "big") + bytes(4) + body
    assert entry("cmpp3", octets, texts=True)["text"] == "验证码123456，请致电138****8000"
    assert "123456" not in json.dumps(entry("cmpp3", octets))


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800138000", "138****8000"),
        ("8613800138000", "86138****8000"),
        ("+8613800138000", "+86138****8000"),
        ("008613800138000", "008613****8000"),
        ("12025550123", "120****0123"),
        ("959123456789", "9591****6789"),
        ("12345678901234567890", "123456****7890"),
        ("51234567", "****"),
        ("106900001234", "106900001234"),
        ("10086", "10086"),
        ("95588", "95588"),
        ("BANK", "BANK"),
        ("A13800138000", "A138****8000"),
        ("", ""),
    ],
)
def test_masks_of_numbers(number: str, shown: str) -> None:
    assert mask(number) == shown


def test_a_number_is_compared_as_people_write_it() -> None:
    spellings = ("13800138000", "+86 138-0013-8000", "8613800138000", "008613800138000")
    assert {canonical(one) for one in spellings} == {"8613800138000"}
    for wrong in ("", "BANK", "1" * 21, "١٢٣٤٥٦"):
        with pytest.raises(InvalidInput) as caught:
            canonical(wrong)
        assert caught.value.mend


def test_the_lists_do_not_overlap() -> None:
    assert not NUMBERS & SECRETS
    assert not TEXTS & (NUMBERS | SECRETS)


async def test_a_log_begins_and_ends_in_the_middle_of_a_connection(rig: Rig) -> None:
    carrier = await rig.carrier()
    pool = rig.pool(carrier.port, links=["a", "b"], link="x")
    await rig.bound(pool)
    found = queue()
    assert all(link._connection is not None for link in pool)
    assert all(link._connection.tap is None for link in pool if link._connection)
    pool.tap(lambda name, speaks, partial: PduTap(found, name, speaks, partial), "x")
    rig.flow.add(count=10)
    pool.kick()
    await until(lambda: len(rig.flow.answers) == len(rig.flow.delivers) == 10)
    carrier.disconnect()  # what is made anew is looked at, too
    await until(lambda: pool.bound == 0)
    await rig.bound(pool)
    seen = [explain(one.dialect, one.octets) for one in found.take(1000)]
    assert not [one for one in seen if one.fault]
    commands = [one.command for one in seen]
    assert commands.count("SUBMIT") == commands.count("SUBMIT_RESP") == 10
    assert commands.count("DELIVER") == commands.count("DELIVER_RESP") == 10
    assert commands.count("CONNECT") == commands.count("CONNECT_RESP") == 2
    pool.tap(None)
    rig.flow.add(count=3)
    pool.kick()
    await until(lambda: len(rig.flow.answers) == 13)
    assert found.take(10) == []
    pool.tap(lambda name, speaks, partial: PduTap(found, name, speaks, partial), "another")
    assert all(link._connection.tap is None for link in pool if link._connection)
