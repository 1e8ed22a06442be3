"""Everything about an entity in one archive, for inspectors: what it claimed, its papers with the
files, who saw and decided what, its letters, senders, ports, templates, acts of staff, the graph.

The archive is a ZIP of JSON, the same as CSV, the files, and a manifest of SHA-256 digests. Cells
that a spreadsheet would run as formulas begin with an apostrophe.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from assent.errors import NotAllowed, NotFound, TooLarge
from assent.flow import graph
from assent.flow.applications import Rooms
from assent.flow.catalogue import Catalogue
from assent.flow.desk_told import threads
from assent.flow.documents import unsealed
from assent.flow.needs import utc
from assent.flow.people_shown import opened
from assent.flow.qualified import account_told, papers_of, sender_told
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code

LARGEST: Final = 400_000_000
"""Octets of files in one archive."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ENDINGS: Final = {
    "application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "image/gif": "gif",
    "text/plain": "txt",
}  # fmt: skip
_TABLES: Final = (
    ("applications", "dossier_applications"),
    ("documents", "dossier_documents"),
    ("sights", "dossier_sights"),
    ("letters", "dossier_letters"),
    ("senders", "dossier_senders"),
    ("ports", "dossier_ports"),
    ("templates", "dossier_templates"),
    ("accounts", "dossier_accounts"),
    ("registers", "dossier_registers"),
    ("instructions", "dossier_instructions"),
)


class Dossiers:
    """Archives for auditors."""

    def __init__(self, rooms: Rooms, catalogue: Catalogue) -> None:
        self._rooms = rooms
        self._catalogue = catalogue

    async def export(self, caller: Caller, credit_code: str) -> tuple[str, bytes]:
        """Return an archive's name and octets; that it was made is written down, with its digest.

        Raises NotAllowed without the scope audit, NotFound, TooLarge.
        """
        check_staff(self._catalogue, caller)
        if "audit" not in caller.scopes:
            raise NotAllowed(
                "missing_scope", "only auditors may do this", field="Authorization",
                rule="http-api: keys", mend="use a key with the scope audit",
            )  # fmt: skip
        rooms, at = self._rooms, self._rooms.clock.now()
        entity = await rooms.store.fetchrow("entity_find", plain_code(credit_code))
        if entity is None:
            raise NotFound("no_entity", "there is no such entity", field="entity")
        tables = await self._tables(entity, at)
        files = await self._files(tables)
        octets = await asyncio.to_thread(_archive, tables, files, utc(at))
        digest = hashlib.sha256(octets).hexdigest()
        async with rooms.store.transaction() as tx:
            told = {"sha256": digest, "octets": len(octets), "files": len(files)}
            await keep_act(tx, caller, at, "entity.export", f"entity/{entity['id']}", {}, told)
        return f"{entity['credit_code']}-{day_of(at).isoformat()}.zip", octets

    async def _tables(self, entity: Any, at: float) -> dict[str, Any]:
        store, number = self._rooms.store, entity["id"]
        found: dict[str, Any] = {"entity": [_plain(entity)]}
        for name, query in _TABLES:
            found[name] = [_plain(row) for row in await store.fetch(query, number)]
        items = await store.fetch("review_items_about", number)
        words = await threads(store, [row["id"] for row in items], inside=True)
        found["reviews"] = [_plain(row) for row in items]
        found["review_words"] = [
            {"item": str(item), **word} for item, said in words.items() for word in said
        ]
        found["people"] = await self._people(number)
        subjects = _subjects(number, found)
        acts = await store.fetch("staff_acts_about", subjects)
        found["staff_acts"] = [_plain(row) for row in acts]
        near = await graph.shown(store, number)
        found["ties"], found["near"] = near["ties"], near["near"]
        papers, today = (await papers_of(store, [number]))[number], day_of(at)
        table = self._rooms.table
        found["qualification"] = [
            {
                "table": table.version,
                "digest": table.digest.hex(),
                "day": today,
                "account": account_told(table, papers, today),
                "sender": sender_told(table, entity["industry"], papers, today),
            }
        ]
        return found

    async def _people(self, entity: int) -> list[dict[str, Any]]:
        """Return the persons unmasked: inspectors have to know whom to ask."""
        rows = await self._rooms.store.fetch("people_about", entity, None)
        return [
            {
                "id": str(row["id"]),
                "role": row["role"],
                **opened(self._rooms.vault, row),
                "matched": row["matched"],
                "match_source": row["match_source"],
                "named_by_account": row["account_id"],
                "since": row["created_at"],
            }
            for row in rows
        ]

    async def _files(self, tables: Mapping[str, Any]) -> dict[str, bytes]:
        kept = [*tables["documents"], *tables["instructions"]]
        shas = {one["file_sha256"] for one in kept if one["file_sha256"]}
        evidence = (json.loads(one["evidence"]) for one in tables["sights"])
        shas |= {one["screenshot"] for one in evidence if one.get("screenshot")}
        found: dict[str, bytes] = {}
        size = 0
        for sha in sorted(shas):
            kind, octets = await unsealed(self._rooms, bytes.fromhex(sha))
            size += len(octets)
            if size > LARGEST:
                raise TooLarge(
                    "dossier_too_large", f"the files together exceed {LARGEST} octets",
                    field="entity", mend="fetch the papers one by one",
                )  # fmt: skip
            found[f"files/{sha}.{_ENDINGS.get(kind, 'bin')}"] = octets
        return found


def _subjects(entity: int, found: Mapping[str, Any]) -> list[str]:
    """Return the subjects under which acts of staff about an entity are written down."""
    subjects = [f"entity/{entity}"]
    subjects += [f"document/{one['id']}" for one in found["documents"]]
    subjects += [f"{one['kind']}/{one['subject']}" for one in found["reviews"]]
    subjects += [f"person/{one['id']}" for one in found["people"]]
    subjects += [f"account/{one['id']}" for one in found["accounts"]]
    for one in found["instructions"]:
        subjects += [f"instruction/{one['id']}", f"campaign/{one['campaign_id']}"]
    return subjects


def _plain(row: Any) -> dict[str, Any]:
    return {
        name: bytes(value).hex() if isinstance(value, bytes | memoryview) else value
        for name, value in row.items()
    }


def _archive(tables: Mapping[str, Any], files: Mapping[str, bytes], at: datetime) -> bytes:
    """Return the ZIP. The same content at the same time is the same octets."""
    parts: dict[str, bytes] = {}
    for name, rows in tables.items():
        text = json.dumps(rows, ensure_ascii=False, indent=1, default=_word)
        parts[f"{name}.json"] = text.encode()
        parts[f"{name}.csv"] = table_of(rows)
    parts |= files
    manifest = "".join(
        f"{hashlib.sha256(octets).hexdigest()}  {name}\n" for name, octets in sorted(parts.items())
    )
    parts["MANIFEST.sha256"] = manifest.encode()
    buffer = io.BytesIO()
    stamp = at.astimezone(UTC).timetuple()[:6]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in sorted(parts.items()):
            archive.writestr(zipfile.ZipInfo(name, stamp), octets, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def table_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Return rows as CSV (UTF-8 with its mark, as spreadsheets want it) that runs no formulas."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([safe_cell(name) for name in columns])
    writer.writerows([safe_cell(_cell(row.get(name))) for name in columns] for row in rows)
    return text.getvalue().encode("utf-8-sig")


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False, default=_word)


def _word(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
