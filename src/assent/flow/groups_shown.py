"""Groups of orders as reviewers and auditors see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from assent.errors import NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries, Store
from assent.flow.requests import Caller
from assent.flow.staff import check_staff

_LAST: Final = (1 << 31) - 1


class GroupsShown:
    """Tells of groups."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    async def list(
        self, caller: Caller, state: str | None, cursor: int, limit: int
    ) -> dict[str, Any]:
        """Return groups, newest first, in short."""
        check_staff(self._catalogue, caller)
        rows = await self._store.fetch("near_groups_shown", state, cursor or _LAST, limit)
        return {
            "items": [summary(row) for row in rows],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }

    async def show(self, caller: Caller, group: int) -> dict[str, Any]:
        """Return a group with its members and what they share. Raises NotFound."""
        check_staff(self._catalogue, caller)
        row = await self._store.fetchrow("near_group_get", group)
        if row is None:
            raise NotFound(
                "no_group", "there is no such group", field="id", mend="see GET /v1/groups"
            )
        return await shown(self._store, row)


async def shown(queries: Queries, row: Any) -> dict[str, Any]:
    """Return a group with its members, the texts they share, and what other platforms say of
    them."""
    told = summary(row)
    families = families_of(told)
    members = await queries.fetch("near_members", row["id"])
    texts = await queries.fetch("near_group_texts", row["id"], families)
    known = await queries.fetch("near_group_known", families)
    told["members"] = [
        {
            "account": one["account"], "status": one["status"], "sender": one["credit_code"],
            "sender_name": one["legal_name"], "party": one["group_id"], "since": one["since"],
        }
        for one in members
    ]  # fmt: skip
    told["texts"] = uses_told(texts)
    told["known_elsewhere"] = known_told(known)
    return told


def uses_told(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return who used texts; not the texts."""
    return [
        {
            "family": str(one["family"]), "what": one["what"], "id": str(one["first_subject"]),
            "last_id": str(one["last_subject"]), "uses": one["uses"], "account": one["account"],
            "sender": one["credit_code"], "first_at": one["first_at"], "last_at": one["last_at"],
        }
        for one in rows
    ]  # fmt: skip


def known_told(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what other platforms say of texts."""
    return [
        {
            "family": str(one["family"]), "platform": one["platform"], "category": one["category"],
            "refused": one["refused"], "uses": one["uses"], "first_on": one["first_on"],
            "last_on": one["last_on"], "similarity": round(one["similarity"], 2),
        }
        for one in rows
    ]  # fmt: skip


def families_of(told: Mapping[str, Any]) -> list[int]:
    """Return the families of texts that a group shares."""
    return [int(one["value"]) for one in told["reasons"] if one["kind"] == "text"]


def summary(row: Any) -> dict[str, Any]:
    """Return a group in short."""
    return {
        "id": str(row["id"]), "state": row["state"], "parties": row["parties"],
        "accounts": row["accounts"], "copies": row["copies"], "first_at": row["first_at"],
        "last_at": row["last_at"], "found_at": row["found_at"], "decided_at": row["decided_at"],
        "reasons": json.loads(row["reasons"]),
    }  # fmt: skip
