"""Hosts that links in a sender's texts may lead to (CN-76): handed in, approved, taken back."""

from __future__ import annotations

from typing import Any

from assent.clock import Clock
from assent.errors import Conflict, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Store, Transaction, utc
from assent.flow.orders import account_of
from assent.flow.port_applications import check_hand
from assent.flow.port_requests import HostRequest
from assent.flow.requests import Caller
from assent.flow.reviews import Reviews
from assent.flow.staff import keep_act, sees_all
from assent.registry.templates import check_host


class Hosts:
    """Hosts of all senders."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, reviews: Reviews) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._reviews = reviews

    async def submit(self, caller: Caller, request: HostRequest) -> dict[str, Any]:
        """Take a host and put it up for review. Raises InvalidInput, Conflict for one that is
        there."""
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        host = check_host(request.host)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            made = await tx.fetchval("host_put", sender.id, host, account.id, utc(at))
            if made is None:
                raise Conflict(
                    "host_there", "this host is filed or under review already", field="host",
                    mend="see GET /v1/hosts",
                )  # fmt: skip
            entity = await tx.fetchval("entity_of_sender", sender.id)
            await self._reviews.open(tx, "host", made, account.id, entity, at)
        return await self._one(caller, made)

    async def approve(self, tx: Transaction, host: int, at: float) -> dict[str, Any]:
        """File a host. Raises Conflict when it is not under review."""
        row = await self._under_review(tx, host)
        await tx.execute("host_decided", host, "active", "", utc(at))
        await tx.execute("notify", CHANNEL, "")
        return {"host": row["host"], "state": "active"}

    async def refuse(self, tx: Transaction, host: int, at: float, reason: str) -> dict[str, Any]:
        """Turn a host down."""
        row = await self._under_review(tx, host)
        await tx.execute("host_decided", host, "refused", reason, utc(at))
        return {"host": row["host"], "state": "refused"}

    @staticmethod
    async def _under_review(tx: Transaction, host: int) -> Any:
        row = await tx.fetchrow("host_hold", host)
        if row is None or row["state"] != "submitted":
            state = "missing" if row is None else row["state"]
            raise Conflict(
                "host_decided", f"the host is {state}", field="id", mend="have it handed in again"
            )
        return row

    async def withdraw(self, caller: Caller, host: int, reason: str) -> dict[str, Any]:
        """Take a host back: no link leads there any more. Customers their own, staff any.
        Raises NotFound, Conflict."""
        await self._one(caller, host)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("host_hold", host)
            if row is None or row["state"] not in ("submitted", "active"):
                raise Conflict(
                    "host_state", "the host is not filed", field="id", mend="see GET /v1/hosts"
                )
            staff = sees_all(self._catalogue, caller)
            if not staff:
                await check_hand(tx, caller, row["sender_id"], row["account_id"])
            await tx.execute("host_decided", host, "withdrawn", reason, utc(at))
            await self._reviews.withdraw(tx, "host", host, at)
            if staff:
                states = {"state": row["state"]}, {"state": "withdrawn", "reason": reason}
                subject = f"{row['credit_code']}/{row['host']}"
                await keep_act(tx, caller, at, "host.withdraw", subject, *states)
            await tx.execute("notify", CHANNEL, "")
        return await self._one(caller, host)

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return hosts with where they stand; customers see those of their senders."""
        owner = None if sees_all(self._catalogue, caller) else caller.account_id
        return {"items": [_told(row) for row in await self._store.fetch("hosts_of", owner)]}

    async def _one(self, caller: Caller, host: int) -> dict[str, Any]:
        for item in (await self.show(caller))["items"]:
            if item["id"] == str(host):
                return dict(item)
        raise NotFound("no_host", "there is no such host", field="id", mend="see GET /v1/hosts")


def _told(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "host": row["host"],
        "sender": row["credit_code"],
        "state": row["state"],
        "reason": row["reason"],
        "created_at": row["created_at"],
    }
