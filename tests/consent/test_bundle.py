"""Bundles: checked by code that shares nothing with the writer; all tampering is found."""

from __future__ import annotations

import ast
import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.consent import verify as verifying
from assent.consent import verify_consents, verify_formats
from assent.consent.bundle import Earlier, Evidence, Proved, build, canonical
from assent.consent.entry import Channel, Entry, Kind, Origin, encode, purpose_mask
from assent.consent.leaf import leaf_hashes
from assent.consent.note import Checkpoint, KeyKind, Note, SigningKey
from assent.consent.tree import Tiles, grow, reader
from assent.consent.verify import verify
from assent.errors import InvalidInput
from assent.message import Grade, Purpose

LOG = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
WITNESS = SigningKey("witness.example", KeyKind.COSIGNATURE, bytes(range(1, 33)))
ORIGIN = "log.example/consent"
COUNT = 70
HERS = (3, 17, 64)


def _body(place: int) -> bytes:
    return encode(
        Entry(
            at_ms=1_800_000_000_000 + place,
            kind=Kind.GRANTED,
            person=1 + place % 9,
            group=1,
            sender=1,
            programme=1,
            purposes=purpose_mask(Purpose.MARKETING),
            channel=Channel.WEB,
            origin=Origin.RECEIVER,
            grade=Grade.RECEIVER,
        )
    )


def _at(place: int) -> str:
    return datetime.fromtimestamp(1_800_000_000 + place / 1000, UTC).isoformat()


SECRETS = [Random(place).randbytes(16) for place in range(COUNT)]
BODIES = [_body(place) for place in range(COUNT)]
TREE = Tiles(COUNT, reader(grow(0, leaf_hashes(zip(SECRETS, BODIES, strict=True)), reader({}))))


def note(size: int, *signers: SigningKey) -> Note:
    text = str(Checkpoint(ORIGIN, size, TREE.root_at(size)))
    return Note(text, tuple(key.sign(text, 1_800_000_100) for key in signers or (LOG,)))


def evidence(**changes: Any) -> Evidence:
    return replace(
        Evidence(
            about={"sender": "91310000MA1FL00000", "recipient": "139****0001"},
            made_at="2026-11-22T10:00:00Z",
            checkpoint=note(COUNT, LOG, WITNESS),
            keys=[LOG.public, WITNESS.public],
            entries=[
                Proved(
                    place + 1, BODIES[place], SECRETS[place], TREE.inclusion(place, COUNT),
                    {"kind": "granted", "happened_at": _at(place), "意思": "同意"},
                )
                for place in HERS
            ],
            records={"messages.json": [{"id": "1", "text": "【商户】您好"}], "raw.bin": b"\0\1"},
            history=[Earlier(note(40), TREE.consistency(40, COUNT), "the message was decided")],
            readme="What this proves.\n",
        ),
        **changes,
    )  # fmt: skip


BUNDLE = build(evidence(), LOG)
TRUSTED = [str(LOG.public), str(WITNESS.public)]


def test_a_bundle_is_valid_and_says_what_it_proves() -> None:
    verdict = verify(BUNDLE, TRUSTED)
    assert (verdict.exit_code, verdict.faults, verdict.unreadable) == (0, [], "")
    assert (verdict.origin, verdict.size) == (ORIGIN, COUNT)
    assert verdict.witnesses == {"witness.example": 1_800_000_100}
    assert [one["position"] for one in verdict.entries] == [4, 18, 65]
    assert any("first 40 entries" in words for words in verdict.proved)
    assert any("absence cannot be proved" in words for words in verdict.unproved)


def test_without_trusted_keys_and_without_witness_it_says_so() -> None:
    bare = build(evidence(checkpoint=note(COUNT), keys=[LOG.public]), LOG)
    verdict = verify(bare)
    assert verdict.exit_code == 0
    assert any("Whose keys" in words for words in verdict.unproved)
    assert any("no witness" in words for words in verdict.unproved)
    assert verdict.witnesses == {}


def test_the_same_evidence_is_the_same_archive_and_any_tool_opens_it() -> None:
    assert build(evidence(), LOG) == BUNDLE
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(archive.namelist())
        assert archive.read("records/raw.bin") == b"\0\1"


def test_every_single_changed_octet_is_found() -> None:
    for place in range(len(BUNDLE)):
        changed = bytearray(BUNDLE)
        changed[place] ^= 1 << place % 8
        assert verify(bytes(changed), TRUSTED).exit_code in (1, 2), place


@given(st.integers(0, len(BUNDLE)), st.binary(min_size=1, max_size=40))
def test_what_is_put_in_or_cut_off_is_found(place: int, more: bytes) -> None:
    assert verify(BUNDLE[:place] + more + BUNDLE[place:], TRUSTED).exit_code in (1, 2)
    if place < len(BUNDLE):
        assert verify(BUNDLE[:place], TRUSTED).exit_code in (1, 2)


@given(st.binary(max_size=400))
def test_any_octets_have_a_verdict(octets: bytes) -> None:
    assert verify(octets).exit_code == 2
    assert verify(b"PK\x03\x04" + octets).exit_code in (1, 2)


def repacked(change: dict[str, bytes | None], order: list[str] | None = None) -> bytes:
    """The bundle with files changed, as somebody without the key would pack it again."""
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        files: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    files |= change
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in order or sorted(files):
            if (octets := files[name]) is not None:
                info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                info.create_system, info.external_attr = 3, 0o100644 << 16
                archive.writestr(info, octets)
    return out.getvalue()


def test_files_that_are_changed_missing_extra_or_reordered_are_named() -> None:
    assert repacked({}) == BUNDLE
    cases: list[tuple[bytes, tuple[str, str]]] = [
        (repacked({"records/raw.bin": b"\0\2"}), ("file_changed", "records/raw.bin")),
        (repacked({"records/raw.bin": None}), ("file_missing", "records/raw.bin")),
        (repacked({"records/more.json": b"{}\n"}), ("file_extra", "records/more.json")),
    ]
    with zipfile.ZipFile(io.BytesIO(BUNDLE)) as archive:
        names = archive.namelist()
        manifest = archive.read("manifest.json")
    cases.append((repacked({}, names[::-1]), ("file_order", names[-2])))
    cases.append(
        (repacked({"manifest.json": manifest.replace(b"139****", b"138****")}),
         ("manifest_changed", "manifest.json"))
    )  # fmt: skip
    cases.append(
        (repacked({"manifest.json": manifest.replace(b'":"', b'": "', 1)}),
         ("not_canonical", "manifest.json"))
    )  # fmt: skip
    for bundle, fault in cases:
        verdict = verify(bundle, TRUSTED)
        assert fault in verdict.faults
        assert verdict.exit_code == 1


def test_a_lie_that_is_signed_is_still_found_by_the_tree() -> None:
    """Who holds the log's key cannot put an entry into a tree that witnesses have seen."""
    honest = evidence().entries
    other = replace(honest[0], body=_body(5), words={"kind": "granted", "happened_at": _at(5)})
    moved = replace(honest[0], position=5)
    cases = {
        "another entry": [other, *honest[1:]],
        "another position": [moved, *honest[1:]],
        "another secret": [replace(honest[0], secret=bytes(16)), *honest[1:]],
        "a short secret": [replace(honest[0], secret=b""), *honest[1:]],
        "a proof of another": [replace(honest[0], proof=honest[1].proof), *honest[1:]],
    }
    for entries in cases.values():
        verdict = verify(build(evidence(entries=entries), LOG), TRUSTED)
        assert verdict.faults == [("entry_not_in_tree", f"entry {entries[0].position}")]
    reordered = verify(build(evidence(entries=honest[::-1]), LOG), TRUSTED)
    assert ("entry_order", "entry 4") in reordered.faults


def test_a_fork_and_keys_of_others_are_found() -> None:
    forked = Earlier(note(40), TREE.consistency(41, COUNT), "a message was decided")
    verdict = verify(build(evidence(history=[forked]), LOG), TRUSTED)
    assert verdict.faults == [("history_forked", "history 1")]
    thief = SigningKey("log.example", KeyKind.NOTE, bytes(range(7, 39)))
    made = build(evidence(checkpoint=note(COUNT, thief), keys=[thief.public], history=[]), thief)
    assert verify(made).exit_code == 0  # true to its own keys, and it says whose they are not
    codes = {code for code, _ in verify(made, TRUSTED).faults}
    assert codes == {"key_other", "signature_missing"}
    backdated = note(COUNT, LOG).signed_by(replace(
        WITNESS.sign(note(COUNT).text, 1_800_000_100),
        octets=(1_700_000_000).to_bytes(8, "big") + WITNESS.sign(note(COUNT).text).octets[8:],
    ))  # fmt: skip
    verdict = verify(build(evidence(checkpoint=backdated), LOG), TRUSTED)
    assert verdict.faults == [("signature_wrong", "checkpoint.note: witness.example")]


@pytest.mark.parametrize("name", ["", "a//b", "../x", "a/../b", "manifest.json", "名"])
def test_names_that_no_record_may_have(name: str) -> None:
    with pytest.raises(InvalidInput):
        build(evidence(records={name: b""}), LOG)


def test_the_verifier_shares_no_code_with_the_writer() -> None:
    for module in (verifying, verify_formats, verify_consents):
        tree = ast.parse(Path(module.__file__).read_text("utf-8"))
        names = {
            alias.name if isinstance(node, ast.Import) else node.module or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        ours = {name for name in names if name.startswith("assent")}
        assert names - ours
        assert ours <= {"assent.consent.verify_formats", "assent.consent.verify_consents"}


def test_canonical_json() -> None:
    assert canonical({"b": 1, "a": ["信"]}) == '{"a":["信"],"b":1}\n'.encode()
