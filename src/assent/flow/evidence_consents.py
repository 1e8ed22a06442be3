"""How the consents of an evidence bundle came: their statements, the words that people agreed to,
and who brought them.

An entry carries the SHA-256 of its statement, and the statement that of the wording's words. Both
lie in the bundle as the octets that were digested, so that anybody can do it again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from assent.consent.bundle import Proved
from assent.consent.entry import Kind, decode
from assent.flow.needs import Queries

FILE: Final = "consents/imports.json"
"""Where a bundle tells it, below its records."""
_ABOUT: Final = frozenset({Kind.GRANTED, Kind.EVIDENCE, Kind.REQUESTED})


async def how_they_came(queries: Queries, person: int, entries: Sequence[Proved]) -> dict[str, Any]:
    """Return the records that tell how the consents among some entries came, by file."""
    read = [(one.position, decode(one.body)) for one in entries]
    consents = [(position, entry) for position, entry in read if entry.kind in _ABOUT]
    places = [position for position, _ in consents]
    rows = await queries.fetch("evidence_imports", places, person)
    imports = {row["position"]: row for row in rows}
    wanted = sorted({entry.wording for _, entry in consents if entry.wording})
    rows = await queries.fetch("evidence_wording_words", wanted)
    wordings = {row["id"]: row for row in rows}
    files: dict[str, Any] = {}
    told = []
    for position, entry in consents:
        one: dict[str, Any] = {"position": position}
        if entry.wording in wordings:
            one["wording"] = _wording(wordings[entry.wording], files)
        if position in imports:
            one |= _import(imports[position], entry.statement, files)
        told.append(one)
    return {FILE: told, **files}


def _wording(row: Any, files: dict[str, Any]) -> dict[str, Any]:
    """Tell which words they were, and put them beside where they were handed in."""
    told = {
        "id": row["id"],
        "version": row["version"],
        "sha256": None if row["sha256"] is None else bytes(row["sha256"]).hex(),
        "first_used": None if row["first_used"] is None else row["first_used"].isoformat(),
        "file": None,
    }
    if row["words"] is not None:
        told["file"] = f"records/consents/wording-{row['id']}.txt"
        files[f"consents/wording-{row['id']}.txt"] = row["words"].encode()
    return told


def _import(row: Any, digest: bytes, files: dict[str, Any]) -> dict[str, Any]:
    """Tell what an import says of how its consents came, and who brought it."""
    statement = None
    text = row["statement"] if row["statement"] is not None else row["source"]
    if hashlib.sha256(text.encode()).digest() == digest:
        statement = f"records/consents/statement-{digest.hex()}.txt"
        files[f"consents/statement-{digest.hex()}.txt"] = text.encode()
    return {
        "import": str(row["id"]),
        "imported_at": row["at"].isoformat(),
        "source": row["source"],
        "how": row["how"],
        "declared": list(row["declared"]),
        "statement": {"sha256": digest.hex() or None, "file": statement},
        "evidence_sha256": _hex(row["evidence_sha256"]),
        "row_evidence_sha256": _hex(row["row_evidence"]),
        "state": row["state"],
        "brought_by": _who(row),
    }


def _who(row: Any) -> dict[str, Any]:
    """Tell whose hands it came through: the account, and the person or key of it by number."""
    told = {"account": row["account"], "legal_name": row["legal_name"], "kind": row["kind"]}
    if row["actor_id"] is not None:
        return {**told, "person": str(row["actor_id"])}
    return {**told, "key": str(row["key_id"])}


def _hex(octets: Any) -> str | None:
    return None if octets is None else bytes(octets).hex()


def shown(records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return it as people read it: the words and statements themselves in place of files."""
    told = []
    for one in records.get(FILE, ()):
        wording, statement = one.get("wording") or {}, one.get("statement") or {}
        told.append(
            {
                **one,
                "wording": wording.get("version"),
                "words": _text(records, wording.get("file")),
                "statement": _text(records, statement.get("file")) or statement.get("sha256"),
                "evidence": one.get("row_evidence_sha256") or one.get("evidence_sha256"),
            }
        )
    return told


def _text(records: Mapping[str, Any], name: str | None) -> str:
    octets = records.get(name.removeprefix("records/")) if name else None
    return octets.decode() if isinstance(octets, bytes) else ""
