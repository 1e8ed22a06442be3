"""Entries about nobody: which document decides from when on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope, decode, encode
from assent.consent.leaf import NOBODYS_SECRET, commitment
from assent.consent.standing import fold
from assent.errors import InvalidInput
from assent.message import Grade

RULES = Entry(
    1_800_000_000_000, Kind.SETTING, 0, scope=Scope.PLATFORM, channel=Channel.PLATFORM,
    origin=Origin.PLATFORM, statement=bytes(range(32)), receipt="rulebook",
)  # fmt: skip


def test_it_has_its_own_bytes_and_a_leaf_that_everybody_may_open() -> None:
    assert decode(encode(RULES)) == RULES
    assert len(commitment(NOBODYS_SECRET, encode(RULES))) == 32


@pytest.mark.parametrize(
    "change",
    [
        {"person": 1},
        {"group": 1},
        {"sender": 1},
        {"programme": 1},
        {"purposes": 4},
        {"scope": Scope.GROUP},
        {"channel": Channel.WEB},
        {"grade": Grade.DOCUMENT},
        {"wording": 1},
        {"expires_ms": 1},
        {"refers_to": 1},
        {"statement": b""},
        {"receipt": ""},
    ],
)
def test_it_says_nothing_else(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        encode(replace(RULES, **change))


def test_no_other_kind_is_about_nobody() -> None:
    for kind in Kind:
        if kind is not Kind.SETTING:
            with pytest.raises(InvalidInput):
                encode(replace(RULES, kind=kind))


def test_it_changes_nobodys_standing() -> None:
    ledger = fold([(1, RULES), (2, RULES)])
    assert ledger.position == 2
    assert not ledger.standings
