"""The record of acts, for auditors: page by page, and as a table for spreadsheets."""

from __future__ import annotations

import json
from typing import Any, Final

from assent.flow.catalogue import Catalogue
from assent.flow.exports import csv_table
from assent.flow.needs import Store
from assent.flow.requests import Caller
from assent.flow.staff import check_staff

_LAST: Final = (1 << 63) - 1
COLUMNS: Final = (
    "id", "at", "account_id", "key_id", "actor_id", "what", "subject", "before", "after",
)  # fmt: skip


class Audit:
    """Reads the record. It cannot be changed by anybody: the database refuses."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    async def show(
        self, caller: Caller, cursor: int, limit: int, account: int | None, what: str | None
    ) -> dict[str, Any]:
        """Return acts, the latest first, before the cursor (0: from the latest); the cursor of the
        next page, or None."""
        check_staff(self._catalogue, caller)
        rows = await self._rows(cursor, limit, account, what)
        return {
            "items": [
                {
                    **{name: row[name] for name in COLUMNS[1:7]},
                    "id": str(row["id"]),
                    "before": json.loads(row["before"]),
                    "after": json.loads(row["after"]),
                }
                for row in rows
            ],
            "cursor": rows[-1]["id"] if len(rows) == limit else None,
        }

    async def table(
        self, caller: Caller, cursor: int, limit: int, account: int | None, what: str | None
    ) -> bytes:
        """Return a page as CSV."""
        check_staff(self._catalogue, caller)
        rows = await self._rows(cursor, limit, account, what)
        cells = ([_plain(row[name]) for name in COLUMNS] for row in rows)
        return csv_table(COLUMNS, cells).encode()

    async def _rows(
        self, cursor: int, limit: int, account: int | None, what: str | None
    ) -> list[Any]:
        pattern = None
        if what is not None:
            escaped = what.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
            pattern = f"{escaped}%"
        return await self._store.fetch("acts_before", cursor or _LAST, limit, account, pattern)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
