"""Signed notes, checkpoints and cosignatures: known ones, our own, and every way to be wrong."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.consent.note import Checkpoint, KeyKind, Note, PublicKey, SigningKey
from assent.consent.tree import EMPTY_ROOT
from assent.errors import InvalidInput

# The example in the documentation of Go's package sumdb/note, whose format C2SP took over.
KNOWN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
KNOWN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngot"
    "pRZb6KE6RyyBwJnAM=\n"
)
LOG = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))


def checkpoint(size: int = 7) -> Checkpoint:
    return Checkpoint("log.example/consent", size, bytes(range(32)))


def note(size: int = 7) -> Note:
    text = str(checkpoint(size))
    return Note(text, (LOG.sign(text),))


def test_a_known_note() -> None:
    key = PublicKey.parse(KNOWN_KEY)
    assert str(key) == KNOWN_KEY
    parsed = Note.parse(KNOWN_NOTE)
    assert str(parsed) == KNOWN_NOTE
    assert [found.name for found, _ in parsed.signers([key])] == ["PeterNeumann"]


def test_a_checkpoint_is_what_the_format_shows() -> None:
    text = str(Checkpoint("log.example/consent", 0, EMPTY_ROOT))
    assert text == "log.example/consent\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
    assert Checkpoint.parse(text) == Checkpoint("log.example/consent", 0, EMPTY_ROOT)


def test_log_and_witness_sign_the_same_text() -> None:
    signed = note().signed_by(WITNESS.sign(str(checkpoint()), 1_795_000_000))
    again = Note.parse(str(signed))
    found = again.signers([LOG.public, WITNESS.public])
    assert [key.name for key, _ in found] == ["log.example", "witness.example"]
    assert found[1][1].seen_at == 1_795_000_000
    assert Checkpoint.parse(again.text) == checkpoint()


@pytest.mark.parametrize("signer", [LOG, WITNESS])
@given(place=st.integers(0, 10_000), change=st.integers(1, 255))
def test_any_changed_octet_of_text_or_signature_is_found(
    signer: SigningKey, place: int, change: int
) -> None:
    text = str(checkpoint())
    good = signer.sign(text, 1_795_000_000)
    octets = bytearray(good.octets)
    octets[place % len(octets)] ^= change
    assert signer.public.signed(text, good.octets)
    assert not signer.public.signed(text, bytes(octets))
    assert not signer.public.signed(str(checkpoint(8)), good.octets)
    assert not signer.public.signed(text, good.octets[:-1])
    assert not signer.public.signed(text, good.octets + b"\0")


def test_a_cosignature_is_bound_to_its_time_and_kind() -> None:
    text = str(checkpoint())
    good = WITNESS.sign(text, 100)
    backdated = (99).to_bytes(8, "big") + good.octets[8:]
    assert not WITNESS.public.signed(text, backdated)
    as_log = PublicKey(WITNESS.public.name, KeyKind.NOTE, WITNESS.public.octets)
    assert as_log.id != WITNESS.public.id
    assert not as_log.signed(text, good.octets[8:])


def test_a_line_that_claims_a_key_must_be_of_it() -> None:
    forged = Note(str(checkpoint(8)), note(7).signatures)
    with pytest.raises(InvalidInput, match="not its own"):
        forged.signers([LOG.public])
    assert forged.signers([WITNESS.public]) == []


@pytest.mark.parametrize(
    "data",
    [
        "",
        "text\n",
        "text\n\n",
        "\n\n\u2014 a AAAAAAA=\n",
        "text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014 a\n",
        "text\n\n\u2014 a b AAAAAAA=\n",
        "text\n\n\u2014 a+b AAAAAAA=\n",
        "text\n\n\u2014 a AAAA\n",
        "text\n\n\u2014 a AAAAAAA=",
        "text\n\n\u2014 a AAAAAAB=\n",  # bits beyond the octets
        "te\x00xt\n\n\u2014 a AAAAAAA=\n",
        "text\r\n\n\u2014 a AAAAAAA=\n",
        "text\n\n" + "\u2014 a AAAAAAA=\n" * 101,
    ],
)
def test_what_is_no_note(data: str) -> None:
    with pytest.raises(InvalidInput):
        Note.parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n7\n",
        "log\n07\n" + b64encode(bytes(32)).decode() + "\n",
        "log\n-7\n" + b64encode(bytes(32)).decode() + "\n",
        "log\n7\n" + b64encode(bytes(31)).decode() + "\n",
        "log\n7\n" + b64encode(bytes(32)).decode(),
        "\n7\n" + b64encode(bytes(32)).decode() + "\n",
        "log\n7\n" + b64encode(bytes(32)).decode() + "\n\n",
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(InvalidInput):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a+b",
        KNOWN_KEY[:-1],
        KNOWN_KEY.replace("c74f", "c74e"),
        KNOWN_KEY.replace("ARpc", "AhpC"),
        KNOWN_KEY + "=",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(InvalidInput):
        PublicKey.parse(text)


@given(st.text(max_size=300))
def test_any_text_is_a_note_or_refused(data: str) -> None:
    try:
        parsed = Note.parse(data)
    except InvalidInput:
        return
    assert str(parsed) == data
