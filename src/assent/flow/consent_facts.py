"""What a consent carries besides its entry: how and whence it came, in which words, what shows it.

What an import's consents have in common is a statement, a canonical JSON document that is kept; its
SHA-256 is in every entry, so that it stands in the ledger too and nobody changes it afterwards.
What single rows carry goes into it as one digest. From where somebody agreed is personal: it is
sealed, with a keyed digest by which equal ones are found.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Programme
from assent.flow.requests import ConsentImport, ConsentRow
from assent.flow.vault import Vault
from assent.message import Purpose

PLACE: Final = "consent place"
"""The kind of a place's digest (:meth:`assent.flow.vault.Vault.digest`)."""
_COLUMNS: Final = ("import_id", "person_id", "place_sealed", "place_digest", "evidence_sha256")
_NOTHING: Final = bytes(32)
_SAID: Final = ("how", "kinds", "frequency", "period", "purposes", "declared")


@dataclass(frozen=True, slots=True)
class Statement:
    """What is said of all consents of an import. `wording`: id of the wording; `digest`: what
    entries carry, the SHA-256 of the text in UTF-8, or of the file that backs them where nothing
    else is said."""

    text: str
    digest: bytes
    wording: int


class ConsentFacts:
    """Checks and keeps what consents carry. `refused`: what they may not be declared to be (the
    rulebook's `refused_consents`)."""

    def __init__(self, store: Store, vault: Vault, refused: frozenset[str]) -> None:
        self._store = store
        self._vault = vault
        self._refused = refused

    def check(self, request: ConsentImport, programme: Programme) -> None:
        """Raise NotAllowed (`consent_not_free`) for consents that are declared to be hidden or
        forced (CN-42), InvalidInput where people agreed to other purposes than the programme's: who
        agreed to fewer did not agree to this programme."""
        for word in request.declared:
            if word in self._refused:
                raise NotAllowed(
                    "consent_not_free", f"consents that are {word.replace('_', ' ')} are none",
                    field="declared", rule="CN-42",
                    mend="ask these people: POST /v1/consents/requests",
                )  # fmt: skip
        mask = 0
        for purpose in request.purposes:
            mask |= 1 << Purpose[purpose.upper()]
        if request.purposes and mask != programme.purposes:
            raise InvalidInput(
                "programme_purpose", "people agreed to other purposes than the programme serves",
                field="purposes", rule="CN-08", mend="name a programme for what they agreed to",
            )  # fmt: skip
        if request.wording_text is not None and not request.wording_text.strip():
            raise InvalidInput(
                "missing", "wording_text is empty", field="wording_text", rule="CN-21",
                mend="hand in the words that were shown, or leave it out",
            )  # fmt: skip

    async def _wording(self, programme: int, request: ConsentImport, at: float) -> int:
        words = request.wording_text
        digest = None if words is None else hashlib.sha256(words.encode()).digest()
        row = await self._store.fetchrow(
            "wording_keep", programme, request.wording, words, digest, utc(at)
        )
        assert row is not None, "an upsert returns its row"
        if digest is not None and bytes(row["sha256"]) != digest:
            raise Conflict(
                "wording_changed", "this version of the wording has other words",
                field="wording_text", rule="CN-42",
                mend="give changed words a version of their own",
            )  # fmt: skip
        return int(row["id"])

    async def statement(
        self, programme: int, request: ConsentImport, rows: Sequence[ConsentRow], at: float
    ) -> Statement:
        """Return the statement of an import, which is its source where that is all it says, and
        keep its wording. Raises Conflict (`wording_changed`) where that version of it has other
        words: people agreed to those."""
        said = self._said(request, rows)
        text, digest = request.source, _digest(request.evidence)
        if said or digest is None:
            if said:
                said |= {"source": request.source, "wording": request.wording}
                if request.evidence is not None:
                    said["evidence"] = request.evidence
                text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(text.encode()).digest()
        return Statement(text, digest, await self._wording(programme, request, at))

    def _said(self, request: ConsentImport, rows: Sequence[ConsentRow]) -> dict[str, Any]:
        said = {name: value for name in _SAID if (value := getattr(request, name))}
        if request.wording_text is not None:
            said["wording_sha256"] = hashlib.sha256(request.wording_text.encode()).hexdigest()
        if any(self._place(row) or row.evidence for row in rows):
            said["rows_sha256"] = self._rows_digest(rows)
        return said

    def _rows_digest(self, rows: Iterable[ConsentRow]) -> str:
        """Return the SHA-256 of evidence's and place's digest of each row, zeros for none."""
        whole = hashlib.sha256()
        for row in rows:
            place = self._place(row)
            whole.update(_digest(row.evidence) or _NOTHING)
            whole.update(self._vault.digest(place, PLACE) if place else _NOTHING)
        return whole.hexdigest()

    async def keep(
        self, tx: Transaction, import_id: int, request: ConsentImport, statement: Statement,
        people: Sequence[int], rows: Sequence[ConsentRow],
    ) -> None:  # fmt: skip
        """Note what the consents of an import have in common, and what is known of single ones."""
        await tx.execute(
            "consent_import_carries", import_id, statement.wording, request.how,
            sorted(set(request.declared)), _digest(request.evidence), statement.text,
            statement.digest,
        )  # fmt: skip
        known = list(self._known(import_id, people, rows))
        if known:
            await tx.copy("consent_proof", _COLUMNS, known)

    def _known(
        self, import_id: int, people: Iterable[int], rows: Iterable[ConsentRow]
    ) -> Iterable[tuple[Any, ...]]:
        seen: set[int] = set()
        for person, row in zip(people, rows, strict=True):
            place = self._place(row)
            if person in seen or not (place or row.evidence):
                continue
            seen.add(person)
            sealed = digest = None
            if place:
                sealed = self._vault.seal(place.encode(), place_owner(import_id, person))
                digest = self._vault.digest(place, PLACE)
            yield import_id, person, sealed, digest, _digest(row.evidence)

    @staticmethod
    def _place(row: ConsentRow) -> str:
        return row.place.strip() or row.address.strip()


def place_owner(import_id: int, person: int) -> str:
    """Return what a consent's sealed place belongs to."""
    return f"consent_proof.place_sealed/{import_id}/{person}"


def _digest(sha256: str | None) -> bytes | None:
    return None if sha256 is None else bytes.fromhex(sha256)
