"""Statements and wordings beside consents: held against what the entries commit to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from assent.consent.bundle import Proved, build
from assent.consent.entry import Channel, Entry, Kind, Origin, encode, purpose_mask
from assent.consent.leaf import leaf_hashes
from assent.consent.note import Checkpoint, Note
from assent.consent.tree import Tiles, grow, reader
from assent.consent.verify import Verdict, verify
from assent.message import Grade, Purpose
from tests.consent.test_bundle import LOG, ORIGIN, TRUSTED, evidence

WORDS = "我同意接收商户1的优惠信息，每周两条，为期一年。"
SAID = {
    "how": "form", "source": "shop form", "wording": "v7",
    "wording_sha256": hashlib.sha256(WORDS.encode()).hexdigest(),
}  # fmt: skip
TEXT = json.dumps(SAID, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
FILE = hashlib.sha256(b"the form").digest()
SOURCE = '{"source": "x", "wording": "v9"}'  # a source may look like a statement
LISTED = "consents/imports.json"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _entry(person: int, origin: Origin, statement: bytes, wording: int) -> bytes:
    return encode(
        Entry(
            at_ms=1_800_000_000_000, kind=Kind.GRANTED, person=person, group=1, sender=1,
            programme=1, purposes=purpose_mask(Purpose.MARKETING), channel=Channel.API,
            origin=origin, grade=Grade.DOCUMENT, wording=wording, statement=statement,
        )
    )  # fmt: skip


BODIES = [
    _entry(1, Origin.CUSTOMER, _digest(TEXT), 7),  # all said
    _entry(1, Origin.CUSTOMER, _digest(SOURCE), 7),  # the source alone
    _entry(1, Origin.CUSTOMER, FILE, 7),  # a file shows it
    _entry(1, Origin.RECEIVER, b"", 8),  # she herself
]
SECRETS = [bytes([place]) * 16 for place in range(1, 5)]
TREE = Tiles(4, reader(grow(0, leaf_hashes(zip(SECRETS, BODIES, strict=True)), reader({}))))


def _beside(position: int, text: str | None, **more: Any) -> dict[str, Any]:
    digest = (FILE if text is None else _digest(text)).hex()
    file = None if text is None else f"records/consents/statement-{digest}.txt"
    return {
        "position": position, "source": "shop form", "how": None, "declared": [],
        "evidence_sha256": None if text is not None else digest,
        "statement": {"sha256": digest, "file": file}, "wording": _wording(7), **more,
    }  # fmt: skip


def _wording(number: int) -> dict[str, Any]:
    file = f"records/consents/wording-{number}.txt"
    sha = hashlib.sha256(WORDS.encode()).hexdigest()
    return {"id": number, "version": f"v{number}", "sha256": sha, "file": file}


def records() -> dict[str, Any]:
    return {
        LISTED: [
            _beside(1, TEXT, how="form"),
            _beside(2, SOURCE, source=SOURCE),
            _beside(3, None),
            {"position": 4, "wording": _wording(8)},
        ],
        f"consents/statement-{_digest(TEXT).hex()}.txt": TEXT.encode(),
        f"consents/statement-{_digest(SOURCE).hex()}.txt": SOURCE.encode(),
        "consents/wording-7.txt": WORDS.encode(),
        "consents/wording-8.txt": WORDS.encode(),
    }


def checked(beside: dict[str, Any]) -> Verdict:
    """Make a bundle, rightly signed, and check it."""
    text = str(Checkpoint(ORIGIN, 4, TREE.root_at(4)))
    entries = [
        Proved(
            place + 1, body, SECRETS[place], TREE.inclusion(place, 4),
            {"kind": "granted", "happened_at": "2027-01-15T08:00:00+00:00",
             "statement_sha256": (_digest(TEXT), _digest(SOURCE), FILE, b"")[place].hex()},
        )
        for place, body in enumerate(BODIES)
    ]  # fmt: skip
    note = Note(text, (LOG.sign(text),))
    made = build(evidence(checkpoint=note, entries=entries, history=(), records=beside), LOG)
    return verify(made, TRUSTED)


def test_what_the_entries_commit_to_lies_beside_them() -> None:
    verdict = checked(records())
    assert (verdict.exit_code, verdict.faults) == (0, [])
    assert any(words.startswith("2 consents carry the digest") for words in verdict.proved)
    assert any(words.startswith("1 of these statements") for words in verdict.proved)
    assert any("backs 1 consents" in words for words in verdict.unproved)
    assert any("beside 2 consents" in words for words in verdict.unproved)


def test_a_bundle_of_before_is_valid_still() -> None:
    verdict = checked({"messages.json": []})
    assert (verdict.exit_code, verdict.faults) == (0, [])
    assert not any("statement" in words for words in verdict.proved)


STATEMENT = f"consents/statement-{_digest(TEXT).hex()}.txt"
CHANGES: list[tuple[str, Any, str, str]] = [
    ("the statement's text", lambda r: r.update({STATEMENT: TEXT.replace("shop", "web").encode()}),
     "statement_changed", f"records/{STATEMENT}"),
    ("no statement", lambda r: r.pop(STATEMENT), "statement_missing", "entry 1"),
    ("not told of", lambda r: r[LISTED].pop(0), "statement_missing", "entry 1"),
    ("another digest", lambda r: r[LISTED][0].update(statement={"sha256": "00" * 32}),
     "statement_other", "entry 1"),
    ("another how", lambda r: r[LISTED][0].update(how="call"), "statement_other", "entry 1"),
    ("another source", lambda r: r[LISTED][0].update(source="fair"), "statement_other", "entry 1"),
    ("another file", lambda r: r[LISTED][2].update(evidence_sha256="00" * 32),
     "statement_missing", "entry 3"),
    ("the words", lambda r: r.update({"consents/wording-7.txt": b"anything"}),
     "wording_changed", "records/consents/wording-7.txt"),
    ("words and digest", lambda r: (
        r.update({"consents/wording-7.txt": b"anything"}),
        r[LISTED][0]["wording"].update(sha256=hashlib.sha256(b"anything").hexdigest())),
     "wording_other", "entry 1"),
    ("no words", lambda r: (r.pop("consents/wording-7.txt"),
                            [one["wording"].update(file=None) for one in r[LISTED]]),
     "wording_missing", "entry 1"),
    ("another version", lambda r: r[LISTED][0]["wording"].update(version="v6"),
     "wording_other", "entry 1"),
    ("another wording", lambda r: r[LISTED][3].update(wording=_wording(7)),
     "wording_other", "entry 4"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code", "place"), [one[1:] for one in CHANGES],
                         ids=[one[0] for one in CHANGES])  # fmt: skip
def test_another_statement_or_wording_is_found_though_it_is_signed(
    change: Any, code: str, place: str
) -> None:
    beside = records()
    change(beside)
    verdict = checked(beside)
    assert verdict.exit_code == 1
    assert (code, place) in verdict.faults


@pytest.mark.parametrize("listed", [{}, [1], [{"position": "1"}]])
def test_a_list_that_is_none_is_unreadable(listed: Any) -> None:
    assert checked(records() | {LISTED: listed}).exit_code == 2
