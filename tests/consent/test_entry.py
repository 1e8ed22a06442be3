"""Canonical bytes: one encoding an entry, one entry an encoding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent.entry import (
    REFERRING,
    Channel,
    Entry,
    Kind,
    Origin,
    Scope,
    decode,
    encode,
    encode_many,
    purpose_mask,
)
from assent.errors import InvalidInput
from assent.message import Grade, Purpose

GRANT = Entry(
    at_ms=1_700_000_000_123,
    kind=Kind.GRANTED,
    person=7,
    group=2,
    sender=3,
    programme=4,
    purposes=purpose_mask(Purpose.MARKETING),
    channel=Channel.API,
    origin=Origin.CUSTOMER,
    grade=Grade.ASSERTION,
    wording=5,
    statement=bytes(range(32)),
)
IDS = st.integers(0, 2**63 - 1)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    kind = draw(st.sampled_from([kind for kind in Kind if kind is not Kind.SETTING]))
    scope = draw(st.sampled_from(Scope))
    grade = draw(st.sampled_from(Grade))
    if kind is Kind.PAUSED and scope is Scope.PROGRAMME:
        scope = Scope.GROUP
    if kind is Kind.GRANTED:
        scope = Scope.PROGRAMME
    if kind in (Kind.GRANTED, Kind.EVIDENCE):
        grade = max(grade, Grade.ASSERTION)
    return Entry(
        at_ms=draw(IDS),
        kind=kind,
        person=draw(st.integers(1, 2**32 - 1)),
        group=draw(st.integers(1, 2**63 - 1)),
        sender=draw(IDS),
        programme=draw(st.integers(1, 2**63 - 1)),
        purposes=draw(st.integers(1, 31)) * 2,
        scope=scope,
        channel=draw(st.sampled_from(Channel)),
        origin=draw(st.sampled_from(Origin)),
        grade=grade,
        wording=draw(IDS),
        expires_ms=draw(IDS),
        statement=draw(st.sampled_from([b"", b"\x01" * 32])),
        refers_to=draw(st.integers(1, 2**63 - 1)) if kind in REFERRING else draw(IDS),
        receipt=draw(st.text("ABCDEFghij0123456789-", max_size=32)),
    )


def test_the_bytes_of_an_entry_are_these() -> None:
    """Written out by hand: stored entries must read for ever."""
    expected = (
        "0100640201060101080000018bcfe5687b00000007"
        "0000000000000002000000000000000300000000000000040000000000000005"
        "00000000000000000000000000000000"
        "20" + bytes(range(32)).hex() + "00"
    )  # fmt: skip
    assert encode(GRANT).hex() == expected
    assert decode(bytes.fromhex(expected)) == GRANT


def test_a_refusal_with_its_receipt() -> None:
    refusal = Entry(
        at_ms=1,
        kind=Kind.WITHDRAWN,
        person=2**32 - 1,
        group=9,
        purposes=purpose_mask(Purpose.MARKETING, Purpose.INTERNAL),
        scope=Scope.GROUP,
        channel=Channel.SMS,
        origin=Origin.RECEIVER,
        grade=Grade.RECEIVER,
        receipt="AB-12",
    )
    data = encode(refusal)
    assert data.endswith(b"\x00\x05AB-12")
    assert decode(data) == refusal


@given(entries())
def test_every_entry_comes_back(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


@given(entries(), entries())
def test_different_entries_have_different_bytes(one: Entry, other: Entry) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(st.binary(max_size=160))
def test_bytes_are_an_entry_or_refused(data: bytes) -> None:
    try:
        entry = decode(data)
    except InvalidInput:
        return
    assert encode(entry) == data


@given(entries(), st.data())
@settings(max_examples=300)
def test_changed_bytes_are_another_entry_or_refused(entry: Entry, data: st.DataObject) -> None:
    raw = bytearray(encode(entry))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(raw))
    except InvalidInput:
        return
    assert other != entry
    assert encode(other) == bytes(raw)


@pytest.mark.parametrize("cut", range(len(encode(GRANT))))
def test_truncated_and_trailing_bytes_are_refused(cut: int) -> None:
    for data in (encode(GRANT)[:cut], encode(GRANT) + bytes(cut + 1)):
        with pytest.raises(InvalidInput) as caught:
            decode(data)
        assert caught.value.code == "entry_not_canonical"


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("person", {"person": 0}),
        ("person", {"person": 2**32}),
        ("at_ms", {"at_ms": -1}),
        ("at_ms", {"at_ms": 2**63}),
        ("sender", {"sender": 2**63}),
        ("purposes", {"purposes": 1}),
        ("purposes", {"purposes": 64}),
        ("purposes", {"purposes": 0, "kind": Kind.WITHDRAWN}),
        ("statement", {"statement": b"x"}),
        ("receipt", {"receipt": "a b"}),
        ("receipt", {"receipt": "a" * 33}),
        ("receipt", {"receipt": "a\n"}),
        ("receipt", {"receipt": "退"}),
        ("refers_to", {"kind": Kind.RESUMED}),
        ("refers_to", {"kind": Kind.CORRECTED}),
        ("refers_to", {"kind": Kind.EVIDENCE}),
        ("grade", {"grade": Grade.NONE}),
        ("programme", {"group": 0}),
        ("programme", {"kind": Kind.EXPIRED, "programme": 0}),
        ("group", {"kind": Kind.WITHDRAWN, "scope": Scope.GROUP, "group": 0}),
        ("scope", {"kind": Kind.PAUSED}),
        ("grade", {"programme": 0, "scope": Scope.GROUP}),
        ("scope", {"programme": 0, "grade": Grade.RECEIVER}),
    ],
)
def test_what_makes_no_sense_is_not_written(field: str, changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        encode(replace(GRANT, **changes))
    assert caught.value.code == "entry_invalid"
    assert caught.value.field == field


@given(
    entries(),
    st.lists(st.tuples(st.integers(1, 2**32 - 1), IDS), max_size=20),
    st.booleans(),
)
def test_many_at_once_are_the_same_bytes(
    entry: Entry, rows: list[tuple[int, int]], one_time: bool
) -> None:
    people = np.array([person for person, _ in rows], np.uint32)
    times = np.array([at for _, at in rows], np.uint64)
    moments = [entry.at_ms] * len(rows) if one_time else times.tolist()
    made = encode_many(entry, people, entry.at_ms if one_time else times)
    assert made == [
        encode(replace(entry, person=person, at_ms=at))
        for person, at in zip(people.tolist(), moments, strict=True)
    ]


def test_many_at_once_refuses_what_one_refuses() -> None:
    with pytest.raises(InvalidInput):
        encode_many(GRANT, np.array([1, 0], np.uint32), 1)
    with pytest.raises(InvalidInput):
        encode_many(GRANT, np.array([1], np.uint32), -1)
    with pytest.raises(ValueError, match="times"):
        encode_many(GRANT, np.array([1, 2], np.uint32), np.array([1], np.uint64))
