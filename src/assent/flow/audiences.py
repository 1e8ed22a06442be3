"""Audiences: uploaded people, stored as chunks of person ids before they are used."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, U32, pack, pack_object, unpack
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, utc
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.numbers import FAULT_WORDS, Fault
from assent.policy.filing import Relation

_FAULTS_PAGE: Final = 8_192
"""Wrong rows told at once, as far as they stand in several chunks."""


class Audiences:
    """Audiences of all accounts."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        catalogue: Catalogue,
        directory: Directory,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._directory = directory

    async def create_audience(
        self,
        caller: Caller,
        name: str,
        statement: str,
        relation: Relation = Relation.UNSTATED,
    ) -> int:
        """Begin an audience; return its id. `relation`: how its people stand to the sender.

        Raises InvalidInput without a statement.
        """
        account = account_of(self._catalogue, caller)
        if not statement.strip():
            raise InvalidInput(
                "missing_statement",
                "an audience needs a statement where its numbers come from",
                field="statement",
                rule="CN-18a",
                mend="say how these people became customers and agreed",
            )
        await self._ids.reserve(self._store, 1)
        id_ = self._ids.next()
        await self._store.execute(
            "audience_insert",
            id_,
            account.id,
            name or "audience",
            statement,
            relation.value,
            utc(self._clock.now()),
        )
        return id_

    async def add_chunk(
        self,
        audience_id: int,
        number: int,
        rows: npt.NDArray[np.uint32],
        numbers: npt.NDArray[np.uint64],
        faults: npt.NDArray[np.uint8],
        variables: dict[str, list[str]] | None,
    ) -> None:
        """Store the next rows of an audience being loaded; wrong ones are kept for the report."""
        good = np.flatnonzero(faults == 0)
        wrong = np.flatnonzero(faults)
        people = await self._directory.ids(
            self._store, numbers[good], utc(self._clock.now()), remember=False
        )
        kept = (
            {k: [v[i] for i in good.tolist()] for k, v in variables.items()} if variables else None
        )
        async with self._store.transaction() as tx:
            await tx.execute(
                "audience_chunk_insert",
                audience_id,
                number,
                pack(rows[good], U32),
                pack(people, U32),
                pack_object(kept) if kept is not None else None,
                pack(rows[wrong], U32),
                pack(faults[wrong], U8),
            )
            await tx.execute("audience_count", audience_id, len(rows), len(wrong))

    async def finish_audience(self, audience_id: int, columns: list[str]) -> None:
        """Declare an audience whole; campaigns may use it now."""
        await self._store.execute("audience_finish", audience_id, "ready", columns)

    async def fail_audience(self, audience_id: int) -> None:
        """Give an audience up; its rows are deleted."""
        async with self._store.transaction() as tx:
            await tx.execute("audience_finish", audience_id, "failed", [])
            await tx.execute("audience_drop_chunks", audience_id)

    async def audience(self, caller: Caller, audience_id: int) -> dict[str, Any]:
        """Return an audience's state and its faults by kind. Raises NotFound."""
        row = await self._row(caller, audience_id)
        counts = np.zeros(256, np.int64)
        for chunk in await self._store.fetch("audience_wrong", audience_id):
            counts += np.bincount(unpack(chunk["faults"], U8), minlength=256)
        built = {} if row["built"] is None else {"built": json.loads(row["built"])}
        return {
            "id": str(row["id"]),
            "name": row["name"],
            "statement": row["statement"],
            "relation": row["relation"],
            "state": row["state"],
            **built,
            "rows": row["rows"],
            "wrong": row["wrong"],
            "columns": list(row["columns"]),
            "faults": {fault.name.lower(): int(counts[fault]) for fault in Fault if counts[fault]},
        }

    async def faults(
        self, caller: Caller, audience_id: int, cursor: int, limit: int = 8
    ) -> dict[str, Any]:
        """Return wrong rows, some chunks at a time; `cursor` is None after the last."""
        await self._row(caller, audience_id)
        items: list[dict[str, Any]] = []
        rows = await self._store.fetch("audience_faults", audience_id, cursor, limit)
        for chunk in rows:
            if len(items) + len(chunk["faults"]) > _FAULTS_PAGE and items:
                # Where nearly every row is wrong, a page of many chunks would hold up everybody.
                return {"items": items, "cursor": chunk["number"]}
            items += _told(chunk)
        return {"items": items, "cursor": rows[-1]["number"] + 1 if len(rows) == limit else None}

    async def _row(self, caller: Caller, audience_id: int) -> Any:
        row = await self._store.fetchrow("audience_get", audience_id, caller.account_id)
        if row is None:
            raise no_audience()
        return row


def _told(chunk: Any) -> list[dict[str, Any]]:
    """Return the wrong rows of a chunk as they are told."""
    words = {fault: (fault.name.lower(), FAULT_WORDS[fault].en) for fault in Fault}
    rows, faults = unpack(chunk["wrong_rows"], U32), unpack(chunk["faults"], U8)
    return [
        {"row": row, "code": words[fault][0], "reason": words[fault][1]}
        for row, fault in zip(rows.tolist(), map(Fault, faults.tolist()), strict=True)
    ]


def no_audience() -> NotFound:
    """Return the error for an audience that the caller does not have."""
    return NotFound(
        "no_audience",
        "there is no such audience",
        field="audience",
        mend="use the id that the upload returned",
    )
