"""What follows from decisions of the review desk about accounts, senders, papers and letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from assent.errors import Conflict
from assent.flow.applications import Rooms
from assent.flow.documents import document_told, sight_told
from assent.flow.letters import letter_told
from assent.flow.matters import Item, Matter
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.people_shown import people_told
from assent.flow.qualified import (
    account_told,
    agent_told,
    finance_licence,
    industries_of,
    opens_any,
    operator_told,
    papers_of,
    persons_needed,
    sender_told,
)
from assent.flow.requests import Caller
from assent.flow.staff import keep_act
from assent.registry.calendar import day_of
from assent.registry.papers import Opening
from assent.registry.qualify import base


class DocumentMatter(Matter):
    """Papers."""

    kind = "document"

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return 2 for the licence of a financial industry."""
        row = await tx.fetchrow("document_get", item.subject, None)
        if row is None:
            return item.reviewers
        industries = await industries_of(tx, row["entity_id"])
        licence = finance_licence(self._rooms.table, industries, row["kind"])
        return 2 if licence else item.reviewers

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Take a paper. One that was seen as a scan only counts provisionally, for some days."""
        row = await tx.fetchrow("document_hold", item.subject)
        if row is None or row["state"] != "submitted":
            raise Conflict(
                "document_state", "the paper is not up for decision", field="id",
                mend="see where it stands",
            )  # fmt: skip
        until = None
        if row["seen"] == "scan":
            until = day_of(at) + timedelta(days=self._rooms.table.provisional_days - 1)
        await tx.execute("document_settle", item.subject, "accepted", until)
        promoted = await promote(self._rooms, tx, row["entity_id"], caller, at)
        told = {"document": "accepted", "seen": row["seen"], **promoted}
        if until is not None:
            told |= {"provisional_until": until.isoformat(), "code": "in_order_provisional"}
        return told

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Turn a paper down."""
        await tx.execute("document_settle", item.subject, "refused", None)
        return {"document": "refused"}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the paper with how it was seen."""
        row = await queries.fetchrow("document_get", item.subject, None)
        if row is None:
            return {}
        sights = await queries.fetch("document_sights", [item.subject])
        return document_told(row) | {"sights": [sight_told(one) for one in sights]}


class _ApplicationMatter(Matter):
    """What accounts' and senders' applications have in common."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return 2 for finance: where that is claimed now, or where the entity is that already, or
        one person alone could make a bank a shop."""
        row = await tx.fetchrow("application_get", item.subject)
        if row is None:
            return 2
        claimed = str(json.loads(row["claims"]).get("industry", ""))
        table = self._rooms.table
        known = persons_needed(table, row["industry"]) if row["industry"] else 1
        return max(known, persons_needed(table, claimed))

    async def _open(self, tx: Transaction, item: Item) -> tuple[Any, dict[str, Any]]:
        """Return the application and its claims. Raises Conflict for an entity that is gone."""
        row = await tx.fetchrow("application_get", item.subject)
        if row is None or row["state"] == "refused":
            raise Conflict(
                "application_state", "the application is not up for decision", field="id"
            )
        if row["entity_status"] != "active":
            raise Conflict(
                "entity_gone", f"the entity is {row['entity_status']}", field="id",
                mend="restore the entity first, or refuse",
            )  # fmt: skip
        return row, json.loads(row["claims"])

    async def _admit(self, tx: Transaction, row: Any, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Take over the claims; return what the entity was before."""
        held = await tx.fetchrow("entity_hold", row["entity_id"])
        assert held is not None
        founded = claims["founded_on"]
        await tx.execute(
            "entity_admit",
            row["entity_id"],
            claims["legal_name"],
            claims["kind"],
            claims["industry"],
            None if founded is None else date.fromisoformat(founded),
            claims["website"],
            claims["mail_domain"],
        )
        await tx.execute("application_state", row["id"], "approved")
        return {
            name: held[name] for name in ("legal_name", "kind", "industry")
            if held[name] != claims[name]
        }  # fmt: skip

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Turn an application down; what stood before it stands."""
        await tx.execute("application_state", item.subject, "refused")
        return {"application": "refused"}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return claims, persons (masked), papers, what they open, and the signals of today."""
        row = await queries.fetchrow("application_get", item.subject)
        if row is None:
            return {}
        rooms, claims = self._rooms, json.loads(row["claims"])
        today, entity = day_of(at), row["entity_id"]
        papers = (await papers_of(queries, [entity]))[entity]
        people = await queries.fetch("people_about", entity, row["account_id"])
        documents = await queries.fetch("documents_about", entity)
        return {
            "claims": claims,
            "state": row["state"],
            "people": people_told(rooms.vault, people),
            "documents": [document_told(one) for one in documents],
            "account": account_told(rooms.table, papers, today),
            "sender": sender_told(rooms.table, claims["industry"], papers, today),
            "signals_now": [n.told() for n in await rooms.hand.signals(queries, row, at)],
        }


class AccountMatter(_ApplicationMatter):
    """Accounts that apply for the entity they belong to."""

    kind = "account"

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Open the account: fully, or within the limits of what was seen as scans only. Raises
        Conflict `not_qualified` with what is missing."""
        row, claims = await self._open(tx, item)
        account = await tx.fetchrow("admission_account_hold", row["account_id"])
        assert account is not None
        table, today, entity = self._rooms.table, day_of(at), row["entity_id"]
        papers = (await papers_of(tx, [entity]))[entity]
        if account["entity_id"] not in (None, entity):
            raise Conflict(
                "another_entity", "the account belongs to another entity already", field="id",
                mend="refuse: each entity has accounts of its own",
            )  # fmt: skip
        operator = account["kind"] == "operator"
        opening = base(table, papers, today).opening
        if opening is Opening.NO and not operator:
            raise Conflict(
                "not_qualified", "the base papers of the entity do not open an account", field="id",
                rule="admission: qualifications", mend="see `details` for what is missing",
                details=account_told(table, papers, today),
            )  # fmt: skip
        before = await self._admit(tx, row, claims)
        status = "active" if operator or opening is Opening.FULL else "provisional"
        if account["status"] == "suspended":
            status = "suspended"
        kind = claims.get("class", "ordinary")
        await tx.execute("admission_account_set", account["id"], status, entity, kind)
        told = {"account": status, "was": account["status"], "entity": entity, "replaced": before}
        return told | ({"code": "in_order_provisional"} if status == "provisional" else {})


class SenderMatter(_ApplicationMatter):
    """Senders that an account wants to send for."""

    kind = "sender"

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Admit the sender and let the account act for it. Raises Conflict `not_qualified` or
        `no_letter` with what is missing."""
        row, claims = await self._open(tx, item)
        table, today, entity = self._rooms.table, day_of(at), row["entity_id"]
        papers = (await papers_of(tx, [entity]))[entity]
        industry = str(claims["industry"])
        if not opens_any(table, industry, papers, today):
            raise Conflict(
                "not_qualified", "the papers of the entity open no purpose", field="id",
                rule="admission: qualifications", mend="see `details` for what is missing",
                details=sender_told(table, industry, papers, today),
            )  # fmt: skip
        account = await tx.fetchrow("admission_account_hold", row["account_id"])
        assert account is not None
        own = account["entity_id"]
        if own is None or account["status"] not in ("active", "provisional"):
            raise Conflict(
                "account_first", "the account itself was not admitted yet", field="id",
                rule="admission: applications", mend="decide about the account first",
            )  # fmt: skip
        if own != entity and not await tx.fetchval("letter_in_force", entity, own, today):
            raise Conflict(
                "no_letter", "no authorisation by this entity is in force", field="id",
                rule="CN-72", mend="have the letter handed in and decide about it first",
            )  # fmt: skip
        before = await self._admit(tx, row, claims)
        name = str(claims["legal_name"])
        group = await tx.fetchval("group_of_own", name, claims["credit_code"])
        sender = await tx.fetchval(
            "sender_admit", group, claims["credit_code"], name, claims["contact"],
            table.category(industry), utc(at), entity,
        )  # fmt: skip
        await tx.execute("account_sender_put", row["account_id"], sender)
        return {"sender": sender, "entity": entity, "replaced": before}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """The same, and the letters between the entities."""
        found = dict(await super().told(queries, item, at))
        row = await queries.fetchrow("application_get", item.subject)
        if row is None:
            return found
        letters = await queries.fetch("letters_of", row["entity_id"])
        account = await queries.fetchrow("admission_account", row["account_id"])
        if account is not None and account["entity_id"] is not None:
            own = account["entity_id"]
            papers = (await papers_of(queries, [own]))[own]
            industry = str(found["claims"]["industry"])
            found["as_agent"] = agent_told(self._rooms.table, industry, papers, day_of(at))
        return found | {"letters": [letter_told(one) for one in letters]}


async def promote(
    rooms: Rooms, tx: Transaction, entity: int, caller: Caller, at: float
) -> dict[str, Any]:
    """Make the provisional accounts of an entity full ones, where its papers allow that now."""
    papers = (await papers_of(tx, [entity]))[entity]
    if base(rooms.table, papers, day_of(at)).opening is not Opening.FULL:
        return {}
    accounts = [row["id"] for row in await tx.fetch("accounts_provisional", entity)]
    for account in accounts:
        row = await tx.fetchrow("admission_account_hold", account)
        assert row is not None
        await tx.execute("admission_account_set", account, "active", entity, row["class"])
        states = ({"status": "provisional"}, {"status": "active"})
        await keep_act(tx, caller, at, "account.promote", f"account/{account}", *states)
    return {"promoted": accounts} if accounts else {}


async def operator_shown(rooms: Rooms, queries: Queries, entity: int, at: float) -> dict[str, Any]:
    """Return what the operator's own papers open."""
    papers = (await papers_of(queries, [entity]))[entity]
    return operator_told(rooms.table, papers, day_of(at))
