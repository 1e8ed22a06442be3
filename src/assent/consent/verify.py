"""Checking an evidence bundle offline, without trusting whoever made it.

This module shares no code with what makes bundles, trees or signatures: it was written from the
published formats (RFC 6962, C2SP signed-note, tlog-checkpoint and tlog-cosignature, the ZIP file
format), so that a mistake in one is not hidden by the same mistake in the other. It needs the
standard library and an Ed25519 implementation, and nothing else of the platform.

The archive must be exactly the one that its contents make: nothing before, between or after its
files, no second copy, no other order. So any changed octet is found, also where it means nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from assent.consent.verify_consents import LISTED, Consents
from assent.consent.verify_formats import (
    KINDS,
    SETTING,
    Fields,
    Key,
    Unreadable,
    checkpoint_of,
    entry_of,
    extended,
    fields_of,
    hashes_of,
    included,
    key_of,
    note_of,
    octets_of,
    text_of,
    unpack,
)

FORMAT: Final = "assent-evidence/1"
CONSISTENCY: Final = "assent-consistency/1"
_REQUIRED: Final = ("manifest.json", "manifest.note", "checkpoint.note", "keys.txt",
                    "entries.json", "history.json", "readme.txt")  # fmt: skip
_COMMITMENT: Final = b"assent entry, version 1\x00"


@dataclass(slots=True)
class Verdict:
    """What came out. `unreadable`: it is no bundle at all. `faults`: (code, place) of what was
    changed or is wrong. `proved` and `unproved`: sentences for people. Times of witnesses in unix
    seconds."""

    unreadable: str = ""
    faults: list[tuple[str, str]] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)
    origin: str = ""
    size: int = 0
    witnesses: dict[str, int] = field(default_factory=dict)
    entries: list[dict[str, Any]] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 valid, 1 tampered with, 2 unreadable."""
        return 2 if self.unreadable else 1 if self.faults else 0


def verify(archive: bytes, trusted: Sequence[str] = ()) -> Verdict:
    """Return what an archive proves. `trusted`: lines ``name+id+key`` of keys that the verifier got
    elsewhere; without any, the keys in the bundle are taken, and the verdict says so."""
    verdict = Verdict()
    try:
        if archive.startswith(b"{"):
            return verify_consistency(archive, trusted, verdict)
        files = unpack(archive, verdict.faults)
        for name in _REQUIRED:
            if name not in files:
                raise Unreadable(f"{name} is missing")
        _Check(files, trusted, verdict).run()
    except Unreadable as error:
        verdict.unreadable = str(error)
    return verdict


def verify_consistency(octets: bytes, trusted: Sequence[str], verdict: Verdict) -> Verdict:
    """Check that the ledger at one size begins the ledger at another (`assent ledger consistency`).
    Raises Unreadable."""
    try:
        told = json.loads(octets)
        sides = [(told[name]["size"], told[name]["root"], told[name]["note"])
                 for name in ("from", "to")]  # fmt: skip
        if told["format"] != CONSISTENCY or not all(type(size) is int for size, _, _ in sides):
            raise ValueError
        proof, origin = hashes_of(told["proof"]), told["origin"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable("it is no proof of consistency") from None
    if _canonical(told) != octets:
        verdict.faults.append(("not_canonical", "the file"))
    keys = [key_of(line) for line in trusted]
    roots = [octets_of(str(root), "a root") for _, root, _ in sides]
    (old, _, _), (new, _, _) = sides
    verdict.origin, verdict.size = str(origin), new
    if not extended(old, new, proof, *roots):
        verdict.faults.append(("history_forked", f"{old} to {new}"))
    else:
        verdict.proved.append(f"The ledger of {old} entries begins the ledger of {new}.")
    for (size, _, note), root in zip(sides, roots, strict=True):
        _side(verdict, keys, (origin, size, root), note)
    return verdict


def _side(verdict: Verdict, keys: Sequence[Key], claim: tuple[Any, int, bytes], note: Any) -> None:
    """Check what the log signed of one of the two sizes."""
    place = f"checkpoint {claim[1]}"
    if note is None:
        verdict.unproved.append(f"That the log signed what it was with {claim[1]} entries.")
        return
    if not isinstance(note, str):
        raise Unreadable(f"{place} is no signed note")
    text, signed, wrong = note_of(note.encode("utf-8", "replace"), place, keys)
    verdict.faults += [("signature_wrong", f"{place}: {name}") for name in wrong]
    if checkpoint_of(text, place) != claim:
        verdict.faults.append(("root_other", place))
    if any(key.kind == 1 for key, _ in signed):
        verdict.proved.append(f"{signed[0][0].name} signed what it was with {claim[1]} entries.")
    elif keys:
        verdict.faults.append(("signature_missing", place))
    else:
        verdict.unproved.append(f"Whose signature stands under {place}: no key was named.")


def _canonical(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _moment(at_ms: int) -> str:
    """Return a time as the words have it."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return ""


class _Check:
    def __init__(
        self, files: Mapping[str, bytes], trusted: Sequence[str], verdict: Verdict
    ) -> None:
        self._files = files
        self._verdict = verdict
        self._settings: list[str] = []
        self._consents = Consents(files, self._fault)
        given = [key_of(line) for line in trusted]
        inside = [key_of(line) for line in text_of(files["keys.txt"], "keys.txt").splitlines()]
        if given:
            missing = [key.name for key in given if key not in inside and key.kind == 1]
            for name in missing:
                self._fault("key_other", f"keys.txt: {name}")
            self._keys = given
        else:
            self._keys = inside
            verdict.unproved.append(
                "Whose keys these are: they came with the bundle. Compare them with the published"
                " ones, and name them with --key."
            )

    def run(self) -> None:
        self._manifest()
        size, root = self._checkpoint()
        self._entries(size, root)
        self._history(size, root)
        self._verdict.unproved += [
            "That the platform holds no other entry about this person: absence cannot be proved.",
            "That the records are complete and true: they are the platform's signed statement.",
        ]

    # The manifest ----------------------------------------------------------------------------

    def _manifest(self) -> None:
        octets = self._files["manifest.json"]
        manifest = self._json("manifest.json")
        files = manifest.get("files") if isinstance(manifest, dict) else None
        if not isinstance(files, dict) or manifest.get("format") != FORMAT:
            raise Unreadable("manifest.json is not of a format that is known")
        for name in sorted({*files, *self._files} - {"manifest.json", "manifest.note"}):
            if name not in self._files:
                self._fault("file_missing", name)
            elif name not in files:
                self._fault("file_extra", name)
            else:
                found = self._files[name]
                digest = hashlib.sha256(found).hexdigest()
                if files[name] != {"octets": len(found), "sha256": digest}:
                    self._fault("file_changed", name)
        text, signed = self._note(self._files["manifest.note"], "manifest.note")
        if text != f"{FORMAT}\n{hashlib.sha256(octets).hexdigest()}\n":
            self._fault("manifest_changed", "manifest.json")
        elif not any(key.kind == 1 for key, _ in signed):
            self._fault("signature_missing", "manifest.note")
        else:
            self._verdict.proved.append(
                f"{signed[0][0].name} made this bundle, {manifest.get('made_at')}, and nothing in"
                " it was changed since."
            )

    # The tree --------------------------------------------------------------------------------

    def _checkpoint(self) -> tuple[int, bytes]:
        text, signed = self._note(self._files["checkpoint.note"], "checkpoint.note")
        origin, size, root = checkpoint_of(text, "checkpoint.note")
        self._verdict.origin, self._verdict.size = origin, size
        if not any(key.kind == 1 for key, _ in signed):
            self._fault("signature_missing", "checkpoint.note")
        for key, line in signed:
            if key.kind == 4:
                self._verdict.witnesses[key.name] = int.from_bytes(line[:8], "big")
        if self._verdict.witnesses:
            names = ", ".join(sorted(self._verdict.witnesses))
            self._verdict.proved.append(
                f"The ledger {origin} had {size} entries when {names} saw it; a ledger with another"
                " history was not shown to them."
            )
        else:
            self._verdict.unproved.append(
                "That everybody is shown the same ledger: no witness cosigned this checkpoint."
            )
        for key in self._keys:
            if key.kind == 4 and key.name not in self._verdict.witnesses:
                self._verdict.unproved.append(
                    f"That {key.name} saw this ledger: its cosignature is absent."
                )
        return size, root

    def _entries(self, size: int, root: bytes) -> None:
        listed = self._json("entries.json")
        if not isinstance(listed, list):
            raise Unreadable("entries.json is no list")
        if LISTED in self._files:
            self._consents.read(self._json(LISTED))
        last = 0
        for one in listed:
            position, body, secret, proof = entry_of(one)
            place = f"entry {position}"
            if position <= last:
                self._fault("entry_order", place)
            last = position
            fields = self._reading(body, secret, one["words"], place)
            if fields is not None:
                self._consents.check(position, fields)
            commitment = hmac.new(secret, _COMMITMENT + body, hashlib.sha256).digest()
            leaf = hashlib.sha256(b"\x00" + commitment).digest()
            if len(secret) < 16 or not included(leaf, position - 1, size, proof, root):
                self._fault("entry_not_in_tree", place)
            else:
                self._verdict.entries.append({"position": position, "words": one["words"]})
        for mine, more in zip(
            (self._verdict.proved, self._verdict.unproved), self._consents.sentences(), strict=True
        ):
            mine += more
        if self._settings:
            names = ", ".join(sorted(set(self._settings)))
            self._verdict.proved.append(f"In force as the entries say: {names}, which lie beside.")
        if self._verdict.entries:
            self._verdict.proved.append(
                f"{len(self._verdict.entries)} entries stand in that ledger exactly as they are"
                " shown here, each at its position."
            )
            self._verdict.unproved.append(
                "That names beside an entry's ids (sender, programme, wording) are theirs; kind,"
                " time and receipt code were compared with its octets."
            )

    def _reading(
        self, body: bytes, secret: bytes, words: Mapping[str, Any], place: str
    ) -> Fields | None:
        """Hold the words beside an entry against its octets; return what these say."""
        fields = fields_of(body)
        if fields is None:
            self._fault("entry_not_canonical", place)
            return None
        told = (words.get("kind"), words.get("happened_at"), words.get("receipt_code") or "")
        if told != (KINDS[fields.kind], _moment(fields.at_ms), fields.receipt):
            self._fault("words_other", place)
        statement = words.get("statement_sha256") or ""
        if statement != fields.statement.hex():
            self._fault("words_other", place)
        if fields.kind == SETTING:
            self._setting(fields, secret, place)
        return fields

    def _setting(self, fields: Fields, secret: bytes, place: str) -> None:
        """An entry about nobody: its document is in the bundle, and is the one that it names."""
        position = place.rpartition(" ")[2]
        name = f"records/settings/{position}-{fields.receipt}.json"
        document = self._files.get(name)
        if fields.person or any(secret):
            self._fault("setting_about_somebody", place)
        if document is None:
            self._fault("setting_missing", name)
        elif hashlib.sha256(document).digest() != fields.statement:
            self._fault("setting_changed", name)
        else:
            self._settings.append(fields.receipt)

    def _history(self, size: int, root: bytes) -> None:
        listed = self._json("history.json")
        if not isinstance(listed, list):
            raise Unreadable("history.json is no list")
        for place, one in enumerate(listed, start=1):
            if not (isinstance(one, dict) and isinstance(one.get("note"), str)):
                raise Unreadable("history.json holds something else than checkpoints")
            where = f"history {place}"
            text, signed = self._note(one["note"].encode(), where)
            _, old, old_root = checkpoint_of(text, where)
            if not any(key.kind == 1 for key, _ in signed):
                self._fault("signature_missing", where)
            if not extended(old, size, hashes_of(one.get("proof")), old_root, root):
                self._fault("history_forked", where)
            else:
                self._verdict.proved.append(
                    f"The ledger had its first {old} entries already when {one.get('why')}."
                )

    # Parts -----------------------------------------------------------------------------------

    def _note(self, octets: bytes, place: str) -> tuple[str, list[tuple[Key, bytes]]]:
        """Return a note's text and which keys signed it; a wrong signature is a fault."""
        text, signed, wrong = note_of(octets, place, self._keys)
        for name in wrong:
            self._fault("signature_wrong", f"{place}: {name}")
        return text, signed

    def _json(self, name: str) -> Any:
        octets = self._files[name]
        try:
            value = json.loads(octets)
        except (ValueError, RecursionError):
            raise Unreadable(f"{name} is no JSON") from None
        if _canonical(value) != octets:
            self._fault("not_canonical", name)
        return value

    def _fault(self, code: str, place: str) -> None:
        if (code, place) not in self._verdict.faults:
            self._verdict.faults.append((code, place))
