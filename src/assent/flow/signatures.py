"""Signatures: names that senders may sign with, each one sender's only, in force while it is used.

What speaks against one is found by `registry/signature.py`: what cannot be is refused at once, what
a person must look at (a look-alike of another sender's name, a short name with gaps) goes to the
review desk with it.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.days import midnight
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Sender
from assent.flow.orders import account_of
from assent.flow.port_applications import check_hand
from assent.flow.port_requests import SignatureRequest
from assent.flow.requests import Caller
from assent.flow.reviews import Reviews
from assent.flow.staff import keep_act, sees_all
from assent.message import batch_id
from assent.registry.calendar import day_of
from assent.registry.findings import Finding, Severity
from assent.registry.ports import SIGNATURE_MONTHS, months_later
from assent.registry.ports import lapsed as is_lapsed
from assent.registry.signature import Name, Owner, Taken, check_signature, clean

_PROVED: Final = ("trade_mark", "app")
_LOOK_BACK: Final = timedelta(days=3)
"""How far back use is looked for: a daily run that was missed is made up for."""


class Signatures:
    """Signatures of all senders. `months`: how long one stays in force without use (CN-74)."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        reviews: Reviews,
        months: int = SIGNATURE_MONTHS,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._reviews = reviews
        self._months = months

    async def submit(self, caller: Caller, request: SignatureRequest) -> dict[str, Any]:
        """Take a signature, for the first time or after it lapsed or was refused, and put it up for
        review. Raises InvalidInput for one that cannot be, Conflict for one that is there."""
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        words = clean(request.words)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            document = await self._document(tx, sender, request)
            findings = await self._findings(tx, sender, words, request.source)
            if wrong := [one for one in findings if one.severity is Severity.WRONG]:
                raise _wrong(wrong)
            flags = [
                {"code": one.code, "en": one.en, "zh": one.zh, "about": one.about}
                for one in findings
                if one.severity is Severity.REVIEW
            ]
            made = await tx.fetchval(
                "signature_put", sender.id, words, request.source, document, account.id,
                json.dumps(flags, ensure_ascii=False), utc(at),
            )  # fmt: skip
            if made is None:
                raise Conflict(
                    "signature_there", "this signature is in force or under review already",
                    field="words", mend="see GET /v1/signatures",
                )  # fmt: skip
            entity = await tx.fetchval("entity_of_sender", sender.id)
            await self._reviews.open(tx, "signature", made, account.id, entity, at, flags)
        return await self._one(caller, made)

    @staticmethod
    async def _document(tx: Transaction, sender: Sender, request: SignatureRequest) -> int | None:
        """Return the paper that proves a signature; trade marks and apps need one (CN-71)."""
        word = request.document
        if word is None and request.source not in _PROVED:
            return None
        found = None
        if word is not None and word.isascii() and word.isdecimal() and len(word) < 19:
            found = await tx.fetchval("document_of_sender", int(word), sender.id)
        if found is None:
            raise InvalidInput(
                "no_document",
                "a trade mark or app needs the paper that proves it"
                if word is None
                else "the sender has no such paper",
                field="document", rule="CN-71",
                mend="hand in the certificate or filing of the sender first",
            )  # fmt: skip
        return int(found)

    @staticmethod
    async def _findings(
        tx: Transaction, sender: Sender, words: str, source: str
    ) -> tuple[Finding, ...]:
        rows = await tx.fetch("names_of_others", sender.id)
        names = [Name(row["credit_code"], row["name"]) for row in rows]
        taken = await asyncio.to_thread(Taken, names)
        own = (words,) if source in _PROVED else ()
        owner = Owner(sender.credit_code, sender.legal_name, own)
        # Beside the loop: codes must not wait while thousands of names are compared.
        return await asyncio.to_thread(check_signature, words, owner, taken)

    # What the review desk calls ------------------------------------------------------------

    async def approve(self, tx: Transaction, signature: int, at: float) -> dict[str, Any]:
        """Put a signature in force; filing it counts as use. Raises Conflict when it is not under
        review, or cannot be any more."""
        row = await self._under_review(tx, signature)
        sender = self._catalogue.senders.get(row["sender_id"])
        if sender is not None:
            findings = await self._findings(tx, sender, row["words"], row["source"])
            if wrong := [one for one in findings if one.severity is Severity.WRONG]:
                raise Conflict(
                    "signature_wrong", wrong[0].en, field="id", rule="CN-71", mend="refuse it"
                )
        await tx.execute("signature_decided", signature, "active", "", utc(at), day_of(at))
        await tx.execute("port_signature_lapsed", row["sender_id"], row["words"], None)
        await tx.execute("notify", CHANNEL, "")
        return {"signature": row["words"], "state": "active"}

    async def refuse(
        self, tx: Transaction, signature: int, at: float, reason: str
    ) -> dict[str, Any]:
        """Turn a signature down."""
        row = await self._under_review(tx, signature)
        await tx.execute("signature_decided", signature, "refused", reason, utc(at), None)
        return {"signature": row["words"], "state": "refused"}

    @staticmethod
    async def _under_review(tx: Transaction, signature: int) -> Any:
        row = await tx.fetchrow("signature_hold", signature)
        if row is None or row["state"] != "submitted":
            state = "missing" if row is None else row["state"]
            raise Conflict(
                "signature_decided", f"the signature is {state}", field="id",
                mend="have it handed in again",
            )  # fmt: skip
        return row

    # Ends ----------------------------------------------------------------------------------

    async def withdraw(self, caller: Caller, signature: int, reason: str) -> dict[str, Any]:
        """Take a signature back: nothing more leaves with it. Customers their own, staff any.
        Raises NotFound, Conflict."""
        await self._one(caller, signature)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("signature_hold", signature)
            if row is None or row["state"] not in ("submitted", "active", "lapsed"):
                raise Conflict(
                    "signature_state", "the signature is in force no more", field="id",
                    mend="see GET /v1/signatures",
                )  # fmt: skip
            staff = sees_all(self._catalogue, caller)
            if not staff:
                await check_hand(tx, caller, row["sender_id"], row["account_id"])
            await tx.execute("signature_decided", signature, "withdrawn", reason, utc(at), None)
            await tx.execute("port_signature_lapsed", row["sender_id"], row["words"], utc(at))
            await self._reviews.withdraw(tx, "signature", signature, at)
            if staff:
                states = {"state": row["state"]}, {"state": "withdrawn", "reason": reason}
                subject = f"{row['credit_code']}/{row['words']}"
                await keep_act(tx, caller, at, "signature.withdraw", subject, *states)
            await tx.execute("notify", CHANNEL, "")
        return await self._one(caller, signature)

    async def daily(self, at: float) -> int:
        """Note which signatures were used, and let those lapse that were not for so many months;
        return how many lapsed. Use is counted a day, not a message."""
        today = day_of(at)
        since = batch_id(int(midnight(today - _LOOK_BACK) * 1000), 0)
        async with self._store.transaction() as tx:
            for row in await tx.fetch("signatures_used", since):
                used = None if row["batch"] is None else day_of((row["batch"] >> 11) / 1000)
                if used is None and row["last_used_on"] is None:
                    used = today  # one that nobody counted yet: its months begin now
                if used is not None:
                    await tx.execute("signature_used", row["id"], used)
            lapsed = [
                row
                for row in await tx.fetch("signatures_in_force")
                if is_lapsed(row["last_used_on"], today, self._months)
            ]
            for row in lapsed:
                words = (row["id"], "lapsed", "", utc(at), None)
                await tx.execute("signature_decided", *words)
                await tx.execute("port_signature_lapsed", row["sender_id"], row["words"], utc(at))
            if lapsed:
                await tx.execute("notify", CHANNEL, "")
        return len(lapsed)

    # Looking -------------------------------------------------------------------------------

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return signatures with where they stand; customers see those of their senders."""
        staff = sees_all(self._catalogue, caller)
        owner = None if staff else caller.account_id
        rows = await self._store.fetch("signatures_of", owner)
        return {"items": [self._told(row, staff) for row in rows]}

    async def _one(self, caller: Caller, signature: int) -> dict[str, Any]:
        for item in (await self.show(caller))["items"]:
            if item["id"] == str(signature):
                return dict(item)
        raise NotFound(
            "no_signature", "there is no such signature", field="id", mend="see GET /v1/signatures"
        )

    def _told(self, row: Any, staff: bool) -> dict[str, Any]:
        used = row["last_used_on"]
        in_force = used is not None and row["state"] == "active"
        flags = json.loads(row["flags"])
        if not staff:
            # Whose name it looks like is for the operator's people.
            flags = [{k: v for k, v in flag.items() if k != "about"} for flag in flags]
        return {
            "id": str(row["id"]),
            "words": row["words"],
            "sender": row["credit_code"],
            "sender_name": row["legal_name"],
            "source": row["source"],
            "document": None if row["document_id"] is None else str(row["document_id"]),
            "state": row["state"],
            "reason": row["reason"],
            "last_used_on": None if used is None else used.isoformat(),
            "lapses_on": months_later(used, self._months).isoformat() if in_force else None,
            "created_at": row["created_at"],
            "flags": flags,
        }


def _wrong(findings: list[Finding]) -> InvalidInput:
    first = findings[0]
    return InvalidInput(
        first.code, first.en, field="words", rule="CN-71",
        mend="use the full name, a part of it in one piece, or a registered mark",
        details={"findings": [{"code": f.code, "en": f.en, "zh": f.zh} for f in findings]},
    )  # fmt: skip
