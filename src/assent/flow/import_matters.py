"""What follows from decisions of the review desk about imports of consents and unclear answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from assent.errors import Conflict
from assent.flow import audits, imports
from assent.flow.matters import Item, Matter
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.waiting import CHANNEL


class ImportMatter(Matter):
    """Imports with findings. The subject is the first import of a delivery; a decision is about
    all of it that waits."""

    kind = imports.KIND

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Let it open, as its grade allows."""
        return await self._decide(tx, item.subject, "open", at)

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """It opens nothing; its rows are kept, so that the same list is known again."""
        return await self._decide(tx, item.subject, "refused", at)

    async def _decide(self, tx: Transaction, lot: int, state: str, at: float) -> dict[str, Any]:
        rows = await tx.fetch("lot_decided", lot, state)
        if not rows:
            raise Conflict(
                "import_state", "nothing of this delivery waits for a decision", field="id",
                mend="see where it stands",
            )  # fmt: skip
        if state == "open":
            await tx.execute("lot_look", lot, utc(at))
            await tx.execute("notify", CHANNEL, "")
        return {"imports": len(rows), "state": state}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the imports of the delivery with what was found."""
        rows = await queries.fetch("lot_shown", item.subject)
        return {
            "imports": [
                {
                    "id": str(row["id"]),
                    "programme": row["programme"],
                    "sender": row["credit_code"],
                    "grade": row["grade"],
                    "source": row["source"],
                    "accepted": row["accepted"],
                    "at": row["at"],
                    "state": row["state"],
                    "findings": json.loads(row["findings"]),
                }
                for row in rows
            ]
        }


class AnswerMatter(Matter):
    """Unclear answers of people who were asked. Approved: she agreed, or said nothing against it.
    Refused: she never agreed, and the import is void."""

    kind = audits.KIND

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Count it as a yes."""
        return await self._read(tx, item.subject, "yes")

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Count it as a "never"; what follows is done at once after the decision."""
        return await self._read(tx, item.subject, "never")

    async def _read(self, tx: Transaction, audit: int, state: str) -> dict[str, Any]:
        if await tx.fetchval("audit_read", audit, state) is None:
            raise Conflict(
                "audit_state", "this answer waits for no decision", field="id",
                mend="see where it stands",
            )  # fmt: skip
        await tx.execute("notify", CHANNEL, "")
        return {"answer": state}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return what was asked and answered; not who answered."""
        row = await queries.fetchrow("audit_get", item.subject)
        if row is None:
            return {}
        return {
            "import": str(row["import_id"]),
            "sender": row["legal_name"],
            "programme": row["name"],
            "kinds": row["kinds"],
            "state": row["state"],
            "asked_at": row["sent_at"],
            "answered_at": row["answered_at"],
            "answer": row["text"],
        }
