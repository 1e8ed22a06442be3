"""Papers: handed in, kept sealed, shown to who handed them in and to staff."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotFound, TooLarge
from assent.flow import graph
from assent.flow.admission_requests import DocumentRequest
from assent.flow.applications import Rooms, refuse_sandbox
from assent.flow.catalogue import Catalogue
from assent.flow.graph import Tie
from assent.flow.matters import Note, withdraw_item
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.old_hand import note, noted, one_line
from assent.flow.qualified import finance_licence, industries_of
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code
from assent.registry.dates import check_dates
from assent.registry.names import compare_names
from assent.registry.sketch import sketch

MOST_WAITING: Final = 100
"""Papers of one account that may wait at once: people have to look at each."""

_TYPES: Final = (
    (b"%PDF-", "application/pdf"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
LOOKED_AT: Final = frozenset({"review", "second_review", "audit"})


@dataclass(frozen=True, slots=True)
class PaperLimits:
    """Octets of one file."""

    octets: int = 5_000_000


def type_of(data: bytes) -> str | None:
    """Return the media type that octets show, None for what is no paper."""
    return next((kind for begin, kind in _TYPES if data.startswith(begin)), None)


class Documents:
    """The papers of all entities."""

    def __init__(
        self, rooms: Rooms, catalogue: Catalogue, limits: PaperLimits | None = None
    ) -> None:
        self._rooms = rooms
        self._catalogue = catalogue
        self.limits = limits or PaperLimits()

    async def add(
        self, caller: Caller, request: DocumentRequest, file: bytes | None
    ) -> dict[str, Any]:
        """Keep a paper of an entity that the account applied with, and put it on the desk; one that
        is only applied for waits for nobody. The same again is the one that is there.

        Raises InvalidInput, TooLarge, NotFound, Conflict.
        """
        refuse_sandbox(caller)
        rooms, at = self._rooms, self._rooms.clock.now()
        kind = self._check(request, file)
        sha = None if file is None else hashlib.sha256(file).digest()
        marks = [] if file is None else await asyncio.to_thread(sketch, file)
        sealed = b"" if file is None else rooms.vault.seal(file, belongs(sha or b""))
        async with rooms.store.transaction() as tx:
            await tx.fetchrow("admission_account_hold", caller.account_id)
            entity = await self._entity(tx, caller, plain_code(request.entity))
            words = (
                request.kind,
                one_line(request.number, "number"),
                one_line(request.holder, "holder"),
                sorted({one_line(one, "scope").upper() for one in request.scope} - {""}),
                request.valid_from, request.valid_to, sha,
            )  # fmt: skip
            document = await tx.fetchval("document_same", caller.account_id, entity, *words)
            if document is None:
                if file is not None:
                    await tx.execute("paper_file_put", sha, kind, len(file), sealed)
                document = await self._insert(tx, caller, entity, words, request.in_process, at)
                if sha is not None:
                    if not request.in_process:
                        await self._seen(tx, caller, int(document), sha, at)
                    await self._ties(tx, caller, entity, marks, sha, at)
                if not request.in_process:
                    await self._put_up(tx, int(document), at)
        return await self.show(caller, int(document))

    def _check(self, request: DocumentRequest, file: bytes | None) -> str:
        if request.kind not in self._rooms.table.kinds:
            known = ", ".join(sorted(self._rooms.table.kinds))
            raise InvalidInput(
                "unknown_paper", "there is no such kind of paper", field="kind",
                rule="admission: qualifications", mend=f"use one of {known}",
            )  # fmt: skip
        if None not in (request.valid_from, request.valid_to) and (
            request.valid_to < request.valid_from  # type: ignore[operator]  # both are dates
        ):
            raise InvalidInput(
                "dates_swapped", "the paper ends before it begins", field="valid_to",
                mend="give the dates as the paper has them",
            )  # fmt: skip
        if file is None or not file:
            if request.in_process:
                return ""
            raise InvalidInput(
                "file_missing", "a paper comes with a copy of it", field="file",
                mend="hand in a PDF, JPEG, PNG or GIF; or say in_process where there is none yet",
            )  # fmt: skip
        return self._check_file(file)

    def _check_file(self, file: bytes) -> str:
        if len(file) > self.limits.octets:
            raise TooLarge(
                "paper_too_large", f"the file is larger than {self.limits.octets} octets",
                field="file", rule="admission: papers", mend="make the copy smaller",
                details={"limit": self.limits.octets},
            )  # fmt: skip
        kind = type_of(file)
        if kind is None:
            raise InvalidInput(
                "paper_type", "by its content the file is no PDF, JPEG, PNG or GIF", field="file",
                rule="admission: papers", mend="save it as one of these; its name does not matter",
            )  # fmt: skip
        return kind

    async def _entity(self, tx: Transaction, caller: Caller, code: str) -> int:
        if code:
            row = await tx.fetchrow("application_with", caller.account_id, code)
        else:
            row = await tx.fetchrow("application_own_entity", caller.account_id)
        if row is None:
            raise NotFound(
                "no_application", "the account applied with no such entity", field="entity",
                rule="admission: applications",
                mend="apply first: POST /v1/admission, or POST /v1/senders for another entity",
            )  # fmt: skip
        return int(row["entity_id"])

    async def _insert(
        self, tx: Transaction, caller: Caller, entity: int, words: tuple[Any, ...],
        in_process: bool, at: float,
    ) -> int:  # fmt: skip
        if await tx.fetchval("documents_waiting_of", caller.account_id) >= MOST_WAITING:
            raise Conflict(
                "papers_waiting", f"{MOST_WAITING} papers of this account wait", field="file",
                rule="admission: papers", mend="wait until some are reviewed, or take some back",
            )  # fmt: skip
        state = "in_process" if in_process else "submitted"
        seen = "none" if words[-1] is None or in_process else "scan"
        return int(
            await tx.fetchval(
                "document_insert", entity, *words, state, seen, caller.account_id, utc(at)
            )
        )

    async def _seen(
        self, tx: Transaction, caller: Caller, document: int, sha: bytes, at: float
    ) -> None:
        evidence = f'{{"sha256": "{sha.hex()}"}}'
        who = f"account {caller.account_id}"
        await tx.execute(
            "document_sight_insert", document, "scan", utc(at), who, caller.key_id, evidence
        )

    async def _ties(
        self, tx: Transaction, caller: Caller, entity: int, marks: list[bytes], sha: bytes,
        at: float,
    ) -> None:  # fmt: skip
        source = f"account {caller.account_id}"
        await graph.link(tx, entity, Tie("file", sha, "paper"), source, at)
        for mark in marks:
            await graph.link(tx, entity, Tie("sketch", mark, "paper"), source, at)

    async def _put_up(self, tx: Transaction, document: int, at: float) -> None:
        row = await tx.fetchrow("document_get", document, None)
        assert row is not None
        industries = await industries_of(tx, row["entity_id"])
        licence = finance_licence(self._rooms.table, industries, row["kind"])
        words = self._rooms.table.kinds[row["kind"]].words
        await self._rooms.desk.open(
            tx, "document", document, at=at, account_id=row["account_id"],
            entity_id=row["entity_id"], reviewers=2 if licence else 1,
            reasons=[Note("new_document", f"handed in: {words.en}", f"新提交：{words.zh}")],
            signals=await self._signals(tx, row, at),
        )  # fmt: skip

    async def _signals(self, tx: Queries, row: Any, at: float) -> list[Note]:
        days = (row["valid_from"], row["valid_to"])
        odd = check_dates(self._rooms.table, row["kind"], *days, day_of(at))
        found = [one for finding in odd for one in noted(finding, document=str(row["id"]))]
        if row["holder"]:
            for one in compare_names(row["holder"], row["legal_name"]):
                found += noted(one, document=str(row["id"]))
        elsewhere = (row["kind"], row["number"], row["entity_id"])
        if row["number"] and await tx.fetchval("document_number_elsewhere", *elsewhere):
            found.append(note("number_elsewhere", document=str(row["id"])))
        return [*found, *await graph.flags(tx, row["entity_id"])]

    # Looking ---------------------------------------------------------------------------------

    def _owner(self, caller: Caller) -> int | None:
        """Return whose papers a caller may see: NULL for everybody's."""
        account = self._catalogue.accounts.get(caller.account_id)
        staff = account is not None and account.kind == "operator" and not caller.sandbox
        return None if staff and not LOOKED_AT.isdisjoint(caller.scopes) else caller.account_id

    async def show(self, caller: Caller, document: int) -> dict[str, Any]:
        """Return a paper with how it was seen. Customers see their own. Raises NotFound."""
        row = await self._rooms.store.fetchrow("document_get", document, self._owner(caller))
        if row is None:
            raise no_document()
        sights = await self._rooms.store.fetch("document_sights", [document])
        inside = self._owner(caller) is None
        return document_told(row) | {"sights": [sight_told(one, inside=inside) for one in sights]}

    async def listed(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return the account's papers, newest first."""
        rows = await self._rooms.store.fetch("documents_of", caller.account_id, cursor, limit)
        return {
            "items": [document_told(row) for row in rows],
            "cursor": rows[-1]["id"] if rows else cursor,
            "more": len(rows) == limit,
        }

    async def file(self, caller: Caller, document: int) -> tuple[str, bytes]:
        """Return media type and octets of a paper, as handed in. Looks of staff are written down.
        Raises NotFound."""
        rooms = self._rooms
        owner = self._owner(caller)
        row = await rooms.store.fetchrow("document_get", document, owner)
        if row is None or row["file_sha256"] is None:
            raise no_document()
        if owner is None:
            check_staff(self._catalogue, caller)
            async with rooms.store.transaction() as tx:
                at, subject = rooms.clock.now(), f"document/{document}"
                await keep_act(tx, caller, at, "document.open", subject, {}, {})
        return await unsealed(rooms, bytes(row["file_sha256"]))

    async def withdraw(self, caller: Caller, document: int) -> dict[str, Any]:
        """Take a paper back that nobody decided about. Raises NotFound, Conflict."""
        rooms, at = self._rooms, self._rooms.clock.now()
        async with rooms.store.transaction() as tx:
            row = await tx.fetchrow("document_hold", document)
            if row is None or row["account_id"] != caller.account_id:
                raise no_document()
            if row["state"] not in ("in_process", "submitted", "withdrawn"):
                raise Conflict(
                    "document_decided", f"the paper is {row['state']}", field="id",
                    mend="hand in another one; what was decided stays",
                )  # fmt: skip
            await tx.execute("document_settle", document, "withdrawn", None)
            await withdraw_item(tx, "document", document, at)
        return await self.show(caller, document)


def document_told(row: Any) -> dict[str, Any]:
    """Return a paper for people and programs."""
    sha = row["file_sha256"]
    return {
        "id": str(row["id"]),
        "entity": row["credit_code"],
        "entity_name": row["legal_name"],
        "kind": row["kind"],
        "number": row["number"],
        "holder": row["holder"],
        "scope": list(row["scope"]),
        "valid_from": row["valid_from"],
        "valid_to": row["valid_to"],
        "state": row["state"],
        "seen": row["seen"],
        "provisional_until": row["provisional_until"],
        "sha256": None if sha is None else bytes(sha).hex(),
        "created_at": row["created_at"],
    }


def sight_told(row: Any, *, inside: bool = True) -> dict[str, Any]:
    """Return how a paper was seen. Customers learn the way and the time, not who and what."""
    told = {"way": row["way"], "at": row["at"]}
    if inside:
        told |= {
            "by": row["by_whom"],
            "key": row["key_id"],
            "evidence": json.loads(row["evidence"]),
        }
    return told


def belongs(sha: bytes) -> str:
    """Return what the octets of a file are sealed for."""
    return f"paper_file/{sha.hex()}"


async def unsealed(rooms: Rooms, sha: bytes) -> tuple[str, bytes]:
    """Return media type and octets of a kept file. Raises NotFound."""
    row = await rooms.store.fetchrow("paper_file_get", sha)
    if row is None:
        raise no_document()
    return row["media_type"], rooms.vault.open(bytes(row["sealed"]), belongs(sha))


def no_document() -> NotFound:
    """Return the error for a paper that is not there for who asks."""
    return NotFound(
        "no_document", "there is no such paper", field="id", mend="see GET /v1/documents"
    )
