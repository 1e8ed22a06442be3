"""Versions of templates.

What was approved never changes: a change is a new version, which needs its own approval, while the
old one sends on. Orders name the version that they were made of (registry/templates.py tells what a
template may hold).
"""

from __future__ import annotations

from typing import Any

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.orders import account_of, check_class
from assent.flow.port_applications import check_hand
from assent.flow.port_requests import TemplateRequest
from assent.flow.requests import Caller
from assent.flow.reviews import Reviews
from assent.flow.staff import keep_act, sees_all
from assent.flow.text_reviews import TextReviews
from assent.message import NEEDS_STANDING, Purpose
from assent.registry.templates import parse, plain, stored


class Templates:
    """Templates of all senders."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        reviews: Reviews,
        texts: TextReviews | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._reviews = reviews
        self._texts = texts

    async def submit(self, caller: Caller, request: TemplateRequest) -> dict[str, Any]:
        """Take a template, or the next version of one, and put it up for review. The same again,
        while it is under review or in use, is the one that is there.

        Raises InvalidInput naming what is wrong with it (`text_rejected`: what screening found),
        Conflict for another purpose.
        """
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        purpose = Purpose[request.purpose.upper()]
        check_class(account, purpose)
        basis = _basis(request, purpose)
        self._check_hosts(sender.id, parse(request.body).hosts)
        at = self._clock.now()
        found = await self._screened(account.id, sender.id, purpose, request.body)
        async with self._store.transaction() as tx:
            await tx.fetch("template_lock", sender.id)
            versions = await tx.fetch("template_versions", sender.id, request.name)
            made = _same(versions, request.body, basis, purpose)
            if made is None:
                made = await tx.fetchval(
                    "template_submit", sender.id, request.name, int(purpose), request.body, basis,
                    utc(at), account.id,
                )  # fmt: skip
                entity = await tx.fetchval("entity_of_sender", sender.id)
                await self._reviews.open(tx, "template", made, account.id, entity, at, found)
                # So that an order by it is told that it waits, not that there is none.
                await tx.execute("notify", CHANNEL, "")
            return await self._one(tx, caller, made)

    async def _screened(
        self, account: int, sender: int, purpose: Purpose, body: str
    ) -> list[dict[str, Any]]:
        if self._texts is None:
            return []
        return await self._texts.template(account, sender, purpose, plain(body))

    def _check_hosts(self, sender: int, hosts: tuple[str, ...]) -> None:
        filed = self._catalogue.hosts.get(sender, frozenset())
        for host in hosts:
            if host not in filed:
                raise InvalidInput(
                    "host_not_filed", f"the link to {host} leads to a host that was not filed",
                    field="body", rule="CN-76", mend="file the host first (POST /v1/hosts)",
                )  # fmt: skip

    # What the review desk calls ------------------------------------------------------------

    async def approve(self, tx: Transaction, template: int, at: float) -> dict[str, Any]:
        """Put a version in use; the one before it is replaced, and what was ordered with that
        goes on. Raises Conflict when it is not under review."""
        row = await self._under_review(tx, template)
        await tx.fetch("template_replace", row["sender_id"], row["name"], utc(at))
        await tx.execute("template_decided", template, "active", "", utc(at))
        await tx.execute("notify", CHANNEL, "")
        return {"template": row["name"], "version": row["version"], "state": "active"}

    async def refuse(
        self, tx: Transaction, template: int, at: float, reason: str
    ) -> dict[str, Any]:
        """Turn a version down; the one in use stays."""
        row = await self._under_review(tx, template)
        await tx.execute("template_decided", template, "refused", reason, utc(at))
        return {"template": row["name"], "version": row["version"], "state": "refused"}

    @staticmethod
    async def _under_review(tx: Transaction, template: int) -> Any:
        row = await tx.fetchrow("template_hold", template)
        if row is None or row["status"] != "submitted":
            state = "missing" if row is None else row["status"]
            raise Conflict(
                "template_decided", f"the template is {state}", field="id",
                mend="have it handed in again",
            )  # fmt: skip
        return row

    async def withdraw(self, caller: Caller, template: int, reason: str) -> dict[str, Any]:
        """Take a version back: nothing more leaves by it, what is running neither. Customers their
        own, staff any. Raises NotFound, Conflict."""
        at = self._clock.now()
        async with self._store.transaction() as tx:
            await self._one(tx, caller, template)
            row = await tx.fetchrow("template_hold", template)
            if row is None or row["status"] in ("refused", "withdrawn"):
                raise Conflict(
                    "template_state", "the template is not in use", field="id",
                    mend="see GET /v1/templates",
                )  # fmt: skip
            staff = sees_all(self._catalogue, caller)
            if not staff:
                await check_hand(tx, caller, row["sender_id"], row["account_id"])
            await tx.execute("template_decided", template, "withdrawn", reason, utc(at))
            await self._reviews.withdraw(tx, "template", template, at)
            if staff:
                states = {"state": row["status"]}, {"state": "withdrawn", "reason": reason}
                subject = f"{row['credit_code']}/{row['name']}/{row['version']}"
                await keep_act(tx, caller, at, "template.withdraw", subject, *states)
            await tx.execute("notify", CHANNEL, "")
            return await self._one(tx, caller, template)

    # Looking -------------------------------------------------------------------------------

    async def show(self, caller: Caller, sender: str | None = None) -> dict[str, Any]:
        """Return templates, version by version; customers see those of their senders."""
        owner = None if sees_all(self._catalogue, caller) else caller.account_id
        rows = await self._store.fetch("templates_of", owner, sender)
        return {"items": [_told(row) for row in rows]}

    async def _one(self, queries: Queries, caller: Caller, template: int) -> dict[str, Any]:
        owner = None if sees_all(self._catalogue, caller) else caller.account_id
        for row in await queries.fetch("templates_of", owner, None):
            if row["id"] == template:
                return _told(row)
        raise NotFound(
            "no_template", "there is no such template", field="id", mend="see GET /v1/templates"
        )


def _same(versions: list[Any], body: str, basis: str, purpose: Purpose) -> int | None:
    """Return the version that says the same, None when there is to be a new one. Raises Conflict
    where there cannot be one."""
    if any(Purpose(row["purpose"]) is not purpose for row in versions):
        raise Conflict(
            "template_purpose", "the template was filed for another purpose", field="purpose",
            rule="CN-12", mend="give the new one another name",
        )  # fmt: skip
    for row in versions:
        alike = (row["body"], row["basis"]) == (body, basis)
        if alike and row["status"] in ("submitted", "active"):
            return int(row["id"])
    if any(row["status"] == "submitted" for row in versions):
        raise Conflict(
            "template_waiting", "a version of this template waits for review", field="name",
            mend="wait for it, or take it back",
        )  # fmt: skip
    return None


def _basis(request: TemplateRequest, purpose: Purpose) -> str:
    basis = request.basis.strip()
    if (purpose in NEEDS_STANDING) is bool(basis):
        raise InvalidInput(
            "basis", "codes and notices need a basis, and nothing else has one", field="basis",
            rule="CN-76",
            mend="say why receivers get it without having agreed; leave it out where they agreed",
        )  # fmt: skip
    return basis


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "version": row["version"],
        "sender": row["credit_code"],
        "sender_name": row["legal_name"],
        "purpose": Purpose(row["purpose"]).name.lower(),
        "body": row["body"],
        "basis": row["basis"],
        "state": row["status"],
        "reason": row["reason"],
        "variables": [
            {"name": one.name, "type": one.kind, "limit": one.limit}
            for one in stored(row["body"]).variables
        ],
        "created_at": row["created_at"],
        "decided_at": row["decided_at"],
    }
