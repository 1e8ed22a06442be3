"""A witness cosigns what extends what it saw, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.consent.note import Checkpoint, KeyKind, Note, SigningKey
from assent.consent.tree import Tile, Tiles, grow, leaf_hash, reader
from assent.consent.witness import (
    Request,
    Seen,
    SizeConflict,
    consider,
    cosign,
    cosigned,
    witnessed_at,
)
from assent.errors import InvalidInput, NotAllowed, NotFound

LOG = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))
OTHER = SigningKey("log.example", KeyKind.NOTE, bytes(range(2, 34)))
ORIGIN = "log.example/consent"
LOGS = {ORIGIN: LOG.public}


def tree(leaves: list[bytes]) -> Tiles:
    tiles: dict[Tile, bytes] = grow(0, [leaf_hash(leaf) for leaf in leaves], reader({}))
    return Tiles(len(leaves), reader(tiles))


def numbered(count: int, word: str = "") -> list[bytes]:
    return [f"{word}{i}".encode() for i in range(count)]


def ask(old: int, leaves: list[bytes], key: SigningKey = LOG, origin: str = ORIGIN) -> Request:
    grown = tree(leaves)
    text = str(Checkpoint(origin, len(leaves), grown.root()))
    proof = grown.consistency(old, len(leaves)) if old else []
    return Request(old, tuple(proof), Note(text, (key.sign(text),)))


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_a_log_that_grows_is_cosigned_each_time(sizes: list[int]) -> None:
    seen: dict[str, Seen] = {}
    last = 0
    for at, size in enumerate(sorted(sizes)):
        request = Request.parse(str(ask(last, numbered(size))))
        origin, now = consider(request, LOGS, seen)
        seen[origin] = now
        line = cosign(request, WITNESS, 1_000 + at)
        note = cosigned(request.note, str(line), WITNESS.public)
        assert witnessed_at(Note.parse(str(note)), [WITNESS.public]) == {
            "witness.example": 1_000 + at
        }
        last = size
    assert seen[ORIGIN].size == max(sizes)


def test_a_fork_is_not_cosigned() -> None:
    honest, forked = numbered(300), [*numbered(100), *numbered(200, "x")]
    seen = {ORIGIN: Seen(200, tree(honest).root_at(200))}
    consider(ask(200, honest), LOGS, seen)
    with pytest.raises(InvalidInput, match="extend") as caught:
        consider(ask(200, forked), LOGS, seen)
    assert caught.value.status == 422
    same_size = ask(0, [*numbered(199), b"x"])
    with pytest.raises(SizeConflict):
        consider(replace(same_size, old=200), LOGS, seen)


def test_a_log_that_was_rolled_back_is_told_what_was_seen() -> None:
    seen = {ORIGIN: Seen(200, tree(numbered(200)).root())}
    with pytest.raises(SizeConflict) as caught:
        consider(ask(150, numbered(180)), LOGS, seen)
    assert caught.value.size == 200
    with pytest.raises(InvalidInput, match="beyond"):
        consider(replace(ask(150, numbered(180)), old=200), LOGS, seen)


def test_who_is_not_known_or_did_not_sign_gets_nothing() -> None:
    with pytest.raises(NotFound):
        consider(ask(0, numbered(3), origin="other.example/consent"), LOGS, {})
    with pytest.raises(NotAllowed):
        consider(ask(0, numbered(3), key=OTHER), LOGS, {})
    request = ask(0, numbered(3))
    text = request.note.text.replace("\n3\n", "\n4\n")
    with pytest.raises(NotAllowed):
        consider(replace(request, note=Note(text, request.note.signatures)), LOGS, {})


def test_an_answer_must_be_the_witness_s_own() -> None:
    request = ask(0, numbered(3))
    other = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(5, 37)))
    with pytest.raises(InvalidInput, match="no cosignature"):
        cosigned(request.note, str(cosign(request, other, 5)), WITNESS.public)
    elsewhere = cosign(ask(0, numbered(4)), WITNESS, 5)
    with pytest.raises(InvalidInput, match="not its own"):
        cosigned(request.note, str(elsewhere), WITNESS.public)


@pytest.mark.parametrize("change", ["old -1", "old 01", "new 0", "old 0\nAAAA", "old 0\nx"])
def test_what_is_no_request(change: str) -> None:
    text = str(ask(0, numbered(3)))
    with pytest.raises(InvalidInput):
        Request.parse(text.replace("old 0", change, 1))


@given(st.text(max_size=200))
def test_any_text_is_a_request_or_refused(text: str) -> None:
    try:
        assert str(Request.parse(text)) == text
    except InvalidInput:
        return
