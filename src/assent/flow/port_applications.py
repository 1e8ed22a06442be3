"""Applications for ports: an extension of a code number, for one sender, purpose and signature.

The number is held from the application on, so that no two are promised the same. Approved, it
becomes a row of the table `port` for each carrier, which then has to file it (ports.py).
"""

from __future__ import annotations

from typing import Any

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.code_numbers import CodeNumber, choose, number_named
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Sender
from assent.flow.orders import account_of, check_class
from assent.flow.port_requests import PortRequest
from assent.flow.programmes import internal_programme
from assent.flow.requests import Caller
from assent.flow.reviews import Reviews
from assent.flow.staff import sees_all
from assent.message import Purpose


class PortApplications:
    """Applications of all accounts. `reviews`: where they are put up for decision."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, reviews: Reviews) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._reviews = reviews

    async def apply(self, caller: Caller, request: PortRequest) -> dict[str, Any]:
        """Take an application and put it up for review. The number is held from then on. The same
        again, while it is under review, is the one that is there.

        Raises InvalidInput, NotFound, Conflict naming the field; nothing is held then.
        """
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        purpose = Purpose[request.purpose.upper()]
        check_class(account, purpose)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            code = await number_named(tx, request.number)
            carriers = _carriers(code, request, purpose)
            await check_signed(tx, sender.id, request.signature, ("submitted", "active"))
            programme = self._programme(sender, request, purpose)
            fields = (account.id, sender.id, code.id, carriers, int(purpose), request.signature)
            wanted = None if request.extension is None else request.number + request.extension
            same = await tx.fetchval("port_application_same", *fields, wanted)
            if same is not None:
                return await self.application(caller, same)
            number = await choose(tx, code, sender.id, purpose, request.extension)
            made: int = await tx.fetchval(
                "port_application_insert",
                account.id,
                sender.id,
                code.id,
                number,
                carriers,
                int(purpose),
                request.signature,
                programme,
                utc(at),
            )
            entity = await tx.fetchval("entity_of_sender", sender.id)
            await self._reviews.open(tx, "port", made, account.id, entity, at)
        return await self.application(caller, made)

    def _programme(self, sender: Sender, request: PortRequest, purpose: Purpose) -> int | None:
        if request.programme is None:
            return None
        number = self._catalogue.programme_for(sender, request.programme, {})
        if not self._catalogue.programmes[number].purposes >> purpose & 1:
            raise InvalidInput(
                "programme_purpose", "people agreed to this programme for another purpose",
                field="programme", rule="CN-08", mend="name one for this purpose, or none",
            )  # fmt: skip
        return number

    async def application(self, caller: Caller, application: int) -> dict[str, Any]:
        """Return an application. Customers see their own. Raises NotFound."""
        owner = None if sees_all(self._catalogue, caller) else caller.account_id
        rows = await self._store.fetch("port_applications", owner, application)
        if not rows:
            raise NotFound(
                "no_application",
                "there is no such application",
                field="id",
                mend="see GET /v1/ports",
            )
        return told(rows[0])

    async def withdraw(self, caller: Caller, application: int) -> dict[str, Any]:
        """Take an application back before it is decided. Raises NotFound, Conflict."""
        await self.application(caller, application)
        async with self._store.transaction() as tx:
            await self._undecided(tx, application)
            at = self._clock.now()
            await tx.execute("port_application_decided", application, "withdrawn", "", utc(at))
            await self._reviews.withdraw(tx, "port", application, at)
        return await self.application(caller, application)

    # What the review desk calls ------------------------------------------------------------

    async def approve(self, tx: Transaction, application: int, at: float) -> dict[str, Any]:
        """Make ports of an application; return what they are. Raises Conflict where it cannot be
        approved: its signature is not in force, its number is closed."""
        row = await self._undecided(tx, application)
        await check_signed(tx, row["sender_id"], row["signature"])
        if row["number_status"] != "active":
            raise Conflict(
                "number_closed", "nothing is given out of this code number any more",
                field="number", mend="refuse it, or open the number again",
            )  # fmt: skip
        programme = row["programme_id"]
        if row["purpose"] == Purpose.INTERNAL and programme is None:
            programme = await internal_programme(tx, row["sender_id"], at)
        for carrier in row["carriers"]:
            made = await tx.fetchval(
                "port_insert",
                row["number"],
                carrier,
                row["sender_id"],
                row["purpose"],
                row["signature"],
                programme,
                row["free_to_reply"],
                utc(at),
                row["code_number_id"],
                application,
            )
            who = (None, None, None)
            await tx.execute(
                "port_step_insert", made, utc(at), "approve", "applied", "none", "", *who
            )
        await tx.execute("port_application_decided", application, "approved", "", utc(at))
        await tx.execute("notify", CHANNEL, "")
        return {"port": row["number"], "carriers": list(row["carriers"]), "state": "approved"}

    async def refuse(
        self, tx: Transaction, application: int, at: float, reason: str
    ) -> dict[str, Any]:
        """Turn an application down; its number is free again."""
        row = await self._undecided(tx, application)
        await tx.execute("port_application_decided", application, "refused", reason, utc(at))
        return {"port": row["number"], "state": "refused"}

    @staticmethod
    async def _undecided(tx: Transaction, application: int) -> Any:
        row = await tx.fetchrow("port_application_hold", application)
        if row is None or row["state"] != "submitted":
            state = "missing" if row is None else row["state"]
            raise Conflict(
                "application_decided", f"the application is {state}", field="id",
                mend="apply anew",
            )  # fmt: skip
        return row


async def check_signed(
    tx: Transaction, sender: int, words: str, states: tuple[str, ...] = ("active",)
) -> None:
    """Raise Conflict unless a sender's signature is in one of some states."""
    state = await tx.fetchval("signature_state", sender, words)
    if state not in states:
        raise Conflict(
            "signature_not_filed",
            "the sender has not this signature" if state is None else f"the signature is {state}",
            field="signature", rule="CN-70",
            mend="hand the signature in (POST /v1/signatures) and wait for its approval",
        )  # fmt: skip


async def check_hand(tx: Transaction, caller: Caller, sender: int, maker: int | None) -> None:
    """Raise NotAllowed unless a customer may change what an account made for a sender: its maker
    may, and the sender itself. One agent of a sender does not end what others send with."""
    if maker in (None, caller.account_id):
        return
    if not await tx.fetchval("account_is_sender", caller.account_id, sender):
        raise NotAllowed(
            "made_by_another", "another account of this sender made it", field="Authorization",
            rule="ports: steps", mend="ask the sender, or the account that applied for it",
        )  # fmt: skip


def _carriers(code: CodeNumber, request: PortRequest, purpose: Purpose) -> list[str]:
    wanted = list(dict.fromkeys(request.carriers)) or list(code.carriers)
    strange = [name for name in wanted if name not in code.carriers]
    if strange:
        raise InvalidInput(
            "no_carrier", f"the number is not on the carrier {strange[0]}", field="carriers",
            mend=f"use some of {', '.join(code.carriers)}",
        )  # fmt: skip
    if not code.purposes >> purpose & 1:
        raise InvalidInput(
            "number_purpose", "the number's certificate does not allow this purpose",
            field="purpose", rule="CN-23", mend="apply for an extension of another number",
        )  # fmt: skip
    return wanted


def told(row: Any) -> dict[str, Any]:
    """Return an application as it is shown."""
    return {
        "id": str(row["id"]),
        "number": row["number"],
        "sender": row["credit_code"],
        "sender_name": row["legal_name"],
        "purpose": Purpose(row["purpose"]).name.lower(),
        "signature": row["signature"],
        "carriers": list(row["carriers"]),
        "state": row["state"],
        "reason": row["reason"],
        "created_at": row["created_at"],
        "decided_at": row["decided_at"],
    }
