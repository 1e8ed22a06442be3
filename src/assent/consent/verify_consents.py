"""Whether the statements and wordings beside consents are those that the entries commit to, for
:mod:`assent.consent.verify` alone.

An entry carries the SHA-256 of its statement and the id of its wording. The statement is a JSON
document that names the wording's version and the SHA-256 of its words, or just words or a file's
digest. So from the entry to the words there is a chain of digests, and nobody who made the bundle
later can put others in.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from assent.consent.verify_formats import Fields, Unreadable

LISTED: Final = "records/consents/imports.json"
_GRANTED: Final = 2
_CUSTOMER: Final = 1

Fault = Callable[[str, str], None]


@dataclass(slots=True)
class Consents:
    """What is beside the consents of a bundle. Older bundles have nothing: `there` is false."""

    files: Mapping[str, bytes]
    fault: Fault
    there: bool = False
    held: int = 0  # consents whose statement was held against their entry
    worded: int = 0  # those whose words the statement commits to
    by_file: int = 0  # those whose statement is a file's digest, which is not here
    loose: int = 0  # those whose words nothing in the ledger commits to
    _told: dict[int, dict[str, Any]] = field(default_factory=dict)

    def read(self, listed: Any) -> None:
        """Take what the bundle lists. Raises Unreadable."""
        if not isinstance(listed, list):
            raise Unreadable(f"{LISTED} is no list")
        for one in listed:
            if not isinstance(one, dict) or type(one.get("position")) is not int:
                raise Unreadable(f"{LISTED} holds something else than consents")
            self._told[one["position"]] = one
        self.there = True

    def check(self, position: int, fields: Fields) -> None:
        """Hold what lies beside an entry against its octets."""
        if not self.there or fields.kind != _GRANTED:
            return
        place = f"entry {position}"
        told = self._told.get(position)
        if told is None:
            if fields.origin == _CUSTOMER:
                self.fault("statement_missing", place)
            return
        wording = _object(told.get("wording"))
        if fields.wording != (wording.get("id") or 0):
            self.fault("wording_other", place)
        words = self._words(wording, place)
        if fields.statement and fields.origin == _CUSTOMER:
            self._statement(fields, told, wording, words)
        elif words is not None:
            self.loose += 1

    def _words(self, wording: Mapping[str, Any], place: str) -> str | None:
        """Return the SHA-256 of a wording's words, None where they are not in the bundle."""
        if wording.get("file") is None:
            return None
        name = f"records/consents/wording-{wording.get('id')}.txt"
        octets = self.files.get(name)
        if octets is None or wording["file"] != name:
            self.fault("wording_missing", place)
            return None
        digest = hashlib.sha256(octets).hexdigest()
        if digest != wording.get("sha256"):
            self.fault("wording_changed", name)
        return digest

    def _statement(
        self, fields: Fields, told: Mapping[str, Any], wording: Mapping[str, Any], words: str | None
    ) -> None:
        place, digest = f"entry {told['position']}", fields.statement.hex()
        if _object(told.get("statement")).get("sha256") != digest:
            self.fault("statement_other", place)
        name = f"records/consents/statement-{digest}.txt"
        octets = self.files.get(name)
        if octets is None:
            if told.get("evidence_sha256") != digest:
                self.fault("statement_missing", place)
            else:
                self.by_file += 1
            return
        if hashlib.sha256(octets).hexdigest() != digest:
            self.fault("statement_changed", name)
            return
        self.held += 1
        plain = octets == str(told.get("source")).encode("utf-8", "replace")
        said = {} if plain else _parsed(octets)  # a source alone may look like anything
        self._said(said, place, told, wording, words)

    def _said(
        self, said: Mapping[str, Any], place: str, told: Mapping[str, Any],
        wording: Mapping[str, Any], words: str | None,
    ) -> None:  # fmt: skip
        """Hold what lies beside against what the statement says."""
        if "wording" in said and said["wording"] != wording.get("version"):
            self.fault("wording_other", place)
        if "wording_sha256" in said:
            self.worded += 1
            if words is None:
                self.fault("wording_missing", place)
            elif words != said["wording_sha256"]:
                self.fault("wording_other", place)
        elif words is not None:
            self.loose += 1
        beside = {"how": "how", "source": "source", "evidence": "evidence_sha256"}
        if any(name in said and said[name] != told.get(field) for name, field in beside.items()):
            self.fault("statement_other", place)
        if "declared" in said and said["declared"] != told.get("declared"):
            self.fault("statement_other", place)

    def sentences(self) -> tuple[list[str], list[str]]:
        """Return what is proved and what is not, for people."""
        proved: list[str] = []
        unproved: list[str] = []
        if not self.there:
            return proved, unproved
        if self.held:
            proved.append(
                f"{self.held} consents carry the digest of the statement that lies beside: how"
                " they were obtained was said so when they were entered."
            )
        if self.worded:
            proved.append(
                f"{self.worded} of these statements name the words that people agreed to by their"
                " digest, and the words lie beside."
            )
        if self.by_file:
            unproved.append(
                f"What the file says that backs {self.by_file} consents: the bundle has its digest"
                " only."
            )
        if self.loose:
            unproved.append(
                f"That the words beside {self.loose} consents are those of then: their entries name"
                " the wording by its number."
            )
        unproved.append("That a statement is true: the ledger proves that and when it was made.")
        return proved, unproved


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _parsed(octets: bytes) -> Mapping[str, Any]:
    """Return a statement as an object; one that is plain words says nothing more."""
    try:
        return _object(json.loads(octets))
    except (ValueError, RecursionError):
        return {}
