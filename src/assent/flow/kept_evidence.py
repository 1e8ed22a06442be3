"""Files that back consents: handed in before the import that names them, sealed like papers.

The entries of such an import carry the file's digest as their statement, so that the file proves
itself. It is kept until some months after the last consent that stands on it is over (rulebook:
`evidence_months`; CN-05, CN-21), then removed; the digest stays, so that what its owner shows later
can still be compared. A legal hold of anybody whom it backs keeps it.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta
from typing import Any, Final

from assent.clock import Clock
from assent.consent.entry import Entry
from assent.errors import Conflict, InvalidInput, NotFound, TooLarge
from assent.flow.applications import refuse_sandbox
from assent.flow.catalogue import Catalogue
from assent.flow.documents import type_of
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.vault import Vault

MOST_OCTETS: Final = 5_000_000
MOST_FILES: Final = 1_000
"""Files of one account that are kept at a time."""
LOOKED_AT: Final = frozenset({"review", "second_review", "audit"})
_PORTION: Final = 50
_MONTH: Final = timedelta(days=31)


class KeptEvidence:
    """The evidence files of all accounts. `months`: how long they outlive the consents."""

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, catalogue: Catalogue, months: int
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._catalogue = catalogue
        self._months = months
        self._cursor = 0

    async def add(self, caller: Caller, octets: bytes) -> dict[str, Any]:
        """Keep a file; return its digest. The same again is the one that is there. Raises
        InvalidInput, TooLarge."""
        refuse_sandbox(caller)
        if len(octets) > MOST_OCTETS:
            raise TooLarge(
                "too_large", f"the file has more than {MOST_OCTETS} octets", field="body",
                mend="hand in several files, or smaller pictures",
            )  # fmt: skip
        kind = _type_of(octets)
        sha = hashlib.sha256(octets).digest()
        owner = belongs(caller.account_id, sha)
        sealed = await asyncio.to_thread(self._vault.seal, octets, owner)
        known = await _row(self._store, [caller.account_id], sha.hex())
        count = await self._store.fetchval("consent_evidence_count", caller.account_id)
        if known is None and count >= MOST_FILES:
            raise Conflict(
                "too_many_files", f"the account has {MOST_FILES} files that are kept", field="body",
                mend="put what belongs together into one archive",
            )  # fmt: skip
        words = (caller.account_id, sha, kind, len(octets), sealed)
        await self._store.execute("consent_evidence_put", *words, utc(self._clock.now()))
        return {"sha256": sha.hex(), "media_type": kind, "octets": len(octets)}

    async def show(self, caller: Caller, digest: str) -> tuple[str, bytes]:
        """Return media type and octets of a file of the caller's own, or to staff anybody's, whose
        looking is written down. Raises NotFound, also for a file that was removed."""
        refuse_sandbox(caller)
        staff = not caller.scopes.isdisjoint(LOOKED_AT)
        if staff:
            check_staff(self._catalogue, caller)
        row = await _row(self._store, None if staff else [caller.account_id], digest)
        if row is None or row["sealed"] is None:
            raise NotFound(
                "no_evidence", "there is no such file, or it was removed when its time was over",
                field="digest", mend="compare the file that you have with the digest",
            )  # fmt: skip
        owner = belongs(row["account_id"], bytes.fromhex(digest))
        octets = await asyncio.to_thread(self._vault.open, bytes(row["sealed"]), owner)
        if staff:
            async with self._store.transaction() as tx:
                now = self._clock.now()
                await keep_act(tx, caller, now, "evidence.look", f"evidence:{row['id']}", {}, {})
        return row["media_type"], octets

    async def step(self) -> bool:
        """Look at the next files: note which are not needed any more, and remove those whose time
        is over; return whether there are more."""
        now = utc(self._clock.now())
        async with self._store.transaction() as tx:
            rows = await tx.fetch("consent_evidence_page", self._cursor, now, _PORTION)
            for row in rows:
                await self._look(tx, row)
        self._cursor = rows[-1]["id"] if len(rows) == _PORTION else 0
        return bool(self._cursor)

    async def _look(self, tx: Transaction, row: Any) -> None:
        now = utc(self._clock.now())
        ended = None if row["runs"] else row["ended_on"] or now.date()
        if ended != row["ended_on"]:
            await tx.execute("consent_evidence_ended", row["id"], ended)
        if ended is None or row["held"]:
            return
        if ended + self._months * _MONTH <= now.date():
            await tx.execute("consent_evidence_remove", row["id"], now)


async def evidence_for(queries: Queries, account: int, digest: str | None) -> int | None:
    """Return the id of the file that an import names, None where it names none. Raises
    InvalidInput."""
    if digest is None:
        return None
    row = await _row(queries, [account], digest)
    if row is None or row["sealed"] is None:
        raise InvalidInput(
            "no_evidence", "this account handed in no file with this digest", field="evidence",
            rule="erasure: evidence", mend="hand the file in first: POST /v1/consents/evidence",
        )  # fmt: skip
    return int(row["id"])


async def back(
    tx: Transaction, account: int, sha256: bytes | None, template: Entry, positions: range
) -> None:
    """Note that the file which an import names (`sha256`), or its entries' statement, backs what
    was just appended. One that was removed while that waited is named by its digest only."""
    row = await _row(tx, [account], bytes(sha256 or template.statement).hex())
    if row is None or await tx.fetchval("consent_evidence_hold", row["id"]) is None:
        return
    ends = positions[0], positions[-1]
    await tx.execute("consent_evidence_range_put", row["id"], *ends, template.programme)


def belongs(account: int, sha: bytes) -> str:
    """Return what a sealed file belongs to."""
    return f"consent_evidence.sealed/{account}/{sha.hex()}"


async def _row(queries: Queries, accounts: list[int] | None, digest: str) -> Any:
    try:
        sha = bytes.fromhex(digest)
    except ValueError:
        return None
    return await queries.fetchrow("consent_evidence_get", accounts, sha)


def _type_of(octets: bytes) -> str:
    kind = type_of(octets)
    if kind is None and octets.startswith(b"PK\x03\x04"):
        kind = "application/zip"
    if kind is None and octets and b"\0" not in octets:
        try:
            octets.decode()
            kind = "text/plain"
        except UnicodeDecodeError:
            kind = None
    if kind is None:
        raise InvalidInput(
            "unknown_type", "this is no PDF, picture, ZIP archive or UTF-8 text", field="body",
            mend="hand in a form, a screen picture, or a log of the consents",
        )  # fmt: skip
    return kind
