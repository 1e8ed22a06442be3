"""What follows from decisions of the review desk about ports, signatures, templates and hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from assent.flow.desk import Desk
from assent.flow.matters import Item, Matter, Note, withdraw_item
from assent.flow.needs import Queries, Transaction
from assent.flow.qualified import persons_needed
from assent.flow.requests import Caller
from assent.message import Purpose
from assent.registry.table import Table


class Room(Protocol):
    """A room that hands something in and carries out what is decided of it."""

    async def approve(self, tx: Transaction, subject: int, at: float) -> dict[str, Any]:
        """Do what an approval means."""

    async def refuse(self, tx: Transaction, subject: int, at: float, reason: str) -> dict[str, Any]:
        """Do what a refusal means."""


_SUBJECTS: Final = {
    "port": "port_application_hold",
    "signature": "signature_hold",
    "template": "template_hold",
    "host": "host_hold",
}
_SHOWN: Final = (
    "credit_code", "legal_name", "number", "carriers", "purpose", "signature", "scope", "words",
    "source", "document_id", "name", "version", "body", "basis", "host", "state", "status",
)  # fmt: skip


class RoomMatter(Matter):
    """One kind of them. Where the sender is of a financial industry two persons must agree."""

    def __init__(self, kind: str, room: Room, table: Table) -> None:
        self.kind = kind
        self._room = room
        self._table = table

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return 2 for finance, by what the entity is admitted for now."""
        entity = None if item.entity_id is None else await tx.fetchrow("entity_get", item.entity_id)
        return persons_needed(self._table, "" if entity is None else entity["industry"])

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Hand on to the room."""
        return await self._room.approve(tx, item.subject, at)

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Hand on to the room."""
        return await self._room.refuse(tx, item.subject, at, code)

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the row that is decided about."""
        row = await queries.fetchrow(_SUBJECTS[self.kind], item.subject)
        found = {} if row is None else {k: row[k] for k in _SHOWN if k in row.keys()}  # noqa: SIM118  # a record holds values
        if "purpose" in found:
            found["purpose"] = Purpose(found["purpose"]).name.lower()
        return found


class DeskReviews:
    """The desk as these rooms see it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def open(
        self,
        tx: Transaction,
        kind: str,
        subject: int,
        account: int,
        entity: int | None,
        at: float,
        signals: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Put something up for decision."""
        notes = [
            Note(one["code"], one["en"], one["zh"], {"about": ""} | _more(one)) for one in signals
        ]
        who = {"account_id": account, "entity_id": entity}
        await self._desk.open(tx, kind, subject, at=at, signals=notes, **who)

    async def withdraw(self, tx: Transaction, kind: str, subject: int, at: float) -> None:
        """Take it from the desk again."""
        await withdraw_item(tx, kind, subject, at)


def _more(signal: Mapping[str, Any]) -> dict[str, Any]:
    """Return what goes with the words of a signal."""
    return {key: told for key, told in signal.items() if key not in ("code", "en", "zh")}
