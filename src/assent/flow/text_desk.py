"""What staff and customers do about texts that were held or turned down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.matters import Item, Note, open_item
from assent.flow.needs import Transaction, utc
from assent.flow.requests import Caller, CampaignRequest, ReviewDecision, ReviewWords
from assent.flow.staff import check_staff, sees_all
from assent.flow.text_matters import proposed, review_told, shown
from assent.flow.text_requests import TextAppeal, TextChange, TextDecision
from assent.flow.text_reviews import APPEAL, KIND, TextReviews, changed_owner
from assent.screen.categories import BY_CODE as CATEGORIES

STATES: Final = ("held", "approved", "refused", "changed")


class TextDesk:
    """Texts, for whoever may see them: customers their own, staff any."""

    def __init__(self, reviews: TextReviews) -> None:
        self._reviews = reviews
        self._store = reviews.store
        self._desk = reviews.desk

    # Looking -----------------------------------------------------------------------------------

    async def list(
        self, caller: Caller, state: str | None, before: int, limit: int
    ) -> dict[str, Any]:
        """Return texts, newest first, below a number (0: from the newest)."""
        staff = self._sees_all(caller)
        if state is not None and state not in STATES:
            raise InvalidInput(
                "bad_state", "no such state", field="state", mend=f"use one of {', '.join(STATES)}"
            )
        whose = None if staff else caller.account_id
        rows = await self._store.fetch("text_reviews_of", whose, state, before, limit)
        items = [review_told(row, self._reviews.text_of(row), inside=staff) for row in rows]
        return {"items": items, "cursor": items[-1]["id"] if items else str(before)}

    async def show(self, caller: Caller, review: int) -> dict[str, Any]:
        """Return a text: to its customer with what is against it, to staff with everything."""
        row = await self._row(caller, review)
        if self._sees_all(caller):
            told = await shown(self._reviews, self._store, row, self._reviews.clock.now())
        else:
            told = review_told(row, self._reviews.text_of(row), inside=False)
            if row["state"] == "changed":
                told["changed"] = proposed(self._reviews, row)
        told["appeals"] = [
            {"id": str(one["id"]), "at": one["at"], "words": one["words"], "state": one["state"],
             "decided_at": one["decided_at"]}
            for one in await self._store.fetch("text_appeals_of", review)
        ]  # fmt: skip
        return told

    def _sees_all(self, caller: Caller) -> bool:
        return not caller.sandbox and sees_all(self._reviews.catalogue, caller)

    async def _row(self, caller: Caller, review: int) -> Any:
        row = None
        if not caller.sandbox:
            row = await self._store.fetchrow("text_review_get", review)
        if row is None or not (self._sees_all(caller) or row["account_id"] == caller.account_id):
            raise NotFound("no_text", "there is no such text", field="id", mend="see GET /v1/texts")
        return row

    # Staff -------------------------------------------------------------------------------------

    async def approve(self, caller: Caller, review: int, request: TextDecision) -> dict[str, Any]:
        """Approve a text, or what a first reviewer made of it. Where two must agree, the first
        approval waits for the second."""
        return await self._decide(caller, review, "approve", request)

    async def refuse(self, caller: Caller, review: int, request: TextDecision) -> dict[str, Any]:
        """Refuse a text."""
        return await self._decide(caller, review, "refuse", request)

    async def _decide(
        self, caller: Caller, review: int, verdict: str, request: TextDecision
    ) -> dict[str, Any]:
        check_staff(self._reviews.catalogue, caller)
        row = await self._row(caller, review)
        word = msgspec.convert(
            {"verdict": verdict, "code": request.code, "words": request.words,
             "category": _category(request.category)}, ReviewDecision,
        )  # fmt: skip
        await self._desk.decide(caller, await self._item(row), word)
        return await self.show(caller, review)

    async def change(self, caller: Caller, review: int, request: TextChange) -> dict[str, Any]:
        """Approve another text in its place: the customer adopts it, or sends it anew. Where two
        must agree, the second approves what the first wrote; another change asks for a second
        person again."""
        check_staff(self._reviews.catalogue, caller)
        row = await self._row(caller, review)
        if row["kind"] != "text":
            raise Conflict(
                "text_kind", "values and templates are not changed by a reviewer", field="id",
                rule="screening: review", mend="refuse it, and tell the customer what to change",
            )  # fmt: skip
        item = await self._item(row)
        word = ReviewDecision(
            verdict="approve", code="in_order_changed", words=request.words,
            category=_category(request.category),
        )  # fmt: skip

        async def propose(tx: Transaction, held: Item) -> None:
            await self._propose(tx, held, review, request.text.strip())

        await self._desk.decide(caller, item, word, before=propose)
        return await self.show(caller, review)

    async def _propose(self, tx: Transaction, item: Item, review: int, text: str) -> None:
        row = await tx.fetchrow("text_review_hold", review)
        assert row is not None, "it was shown a moment ago"
        if proposed(self._reviews, row) == text:
            return
        owner = changed_owner(row["sender_id"], bytes(row["digest"]))
        sealed = self._reviews.vault.seal(text.encode(), owner)
        await tx.execute("text_review_proposed", review, sealed)
        if item.first is not None:  # what the first agreed to was something else
            await open_item(
                tx, KIND, review, at=self._reviews.clock.now(), account_id=item.account_id,
                entity_id=item.entity_id, reviewers=item.reviewers,
                reasons=_notes(item.reasons), signals=_notes(item.signals),
                calendar=self._desk.calendar, days=self._desk.days,
            )  # fmt: skip

    async def ask(self, caller: Caller, review: int, request: ReviewWords) -> dict[str, Any]:
        """Ask the customer something about a text."""
        check_staff(self._reviews.catalogue, caller)
        row = await self._row(caller, review)
        await self._desk.ask(caller, await self._item(row), request)
        return await self.show(caller, review)

    async def _item(self, row: Any) -> int:
        """Return the item of the desk about a text: an open appeal's before all."""
        item = await self._store.fetchval("text_item_of", row["id"])
        if item is None:
            raise Conflict(
                "text_state", f"the text is {row['state']}, and nobody was asked about it",
                field="id", rule="screening: review", mend="decide when its customer appeals",
            )  # fmt: skip
        return int(item)

    # Customers ---------------------------------------------------------------------------------

    async def appeal(self, caller: Caller, review: int, request: TextAppeal) -> dict[str, Any]:
        """Say why a held or refused text is in order. Held: the reviewer sees it. Refused: another
        reviewer than the one who refused decides. Once for each decision."""
        words = request.words.strip()
        if not words:
            raise InvalidInput(
                "words", "no reason is given", field="words", mend="say why it is in order"
            )
        await self._own(caller, review)
        at = self._reviews.clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("text_review_hold", review)
            assert row is not None, "it was there a moment ago"
            await self._check_appeal(tx, row)
            against = "held" if row["state"] == "held" else "refused"
            appeal = await tx.fetchval(
                "text_appeal_insert", review, caller.account_id, utc(at), words, against
            )
            if appeal is None:
                raise _appealed()
            if against == "refused":
                await self._put_up(tx, row, appeal, at)
        return await self.show(caller, review)

    async def _check_appeal(self, tx: Transaction, row: Any) -> None:
        if row["state"] not in ("held", "refused"):
            raise Conflict(
                "text_state", f"the text is {row['state']}", field="id",
                rule="screening: appeals", mend="appeal against what is held or refused",
            )  # fmt: skip
        for one in await tx.fetch("text_appeals_of", row["id"]):
            last = one["decided_at"]
            if one["state"] == "open" or (last is not None and last >= row["opened_at"]):
                raise _appealed()

    async def _put_up(self, tx: Transaction, row: Any, appeal: int, at: float) -> None:
        sender = row["sender_id"]
        note = Note("appeal", "the customer appeals", "客户申诉", {"text": str(row["id"])})
        await self._desk.open(
            tx, APPEAL, appeal, at=at, account_id=row["account_id"],
            entity_id=await tx.fetchval("entity_of_sender", sender),
            reviewers=self._reviews.persons(sender, row["category"]), reasons=[note],
        )  # fmt: skip

    async def adopt(self, caller: Caller, review: int) -> dict[str, Any]:
        """Take over what a reviewer made of a text: campaigns that wait for it go on with that."""
        await self._own(caller, review)
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("text_review_hold", review)
            assert row is not None, "it was there a moment ago"
            text = proposed(self._reviews, row)
            if row["state"] != "changed" or text is None:
                raise Conflict(
                    "text_state", f"the text is {row['state']}", field="id",
                    rule="screening: review", mend="adopt what a reviewer changed",
                )  # fmt: skip
            waiting = await tx.fetch("campaigns_text_waiting", review, caller.account_id)
            for one in waiting:
                request = msgspec.msgpack.decode(one["request"], type=CampaignRequest)
                changed = msgspec.structs.replace(request, text=text)
                await tx.execute(
                    "campaign_text_adopted", one["id"], msgspec.msgpack.encode(changed)
                )
                await tx.execute("notify", "campaign", str(one["id"]))
        told = await self.show(caller, review)
        return told | {"campaigns": [str(one["id"]) for one in waiting]}

    async def _own(self, caller: Caller, review: int) -> None:
        row = await self._row(caller, review)
        if row["account_id"] != caller.account_id:
            raise NotAllowed(
                "not_yours", "only the customer itself does this", field="id",
                rule="screening: appeals", mend="use a key of the account that handed it in",
            )  # fmt: skip


def _notes(told: Sequence[Mapping[str, Any]]) -> list[Note]:
    """Return notes as they stood on an item."""
    words = ("code", "en", "zh")
    return [
        Note(one["code"], one["en"], one["zh"], {k: v for k, v in one.items() if k not in words})
        for one in told
    ]


def _category(word: str | None) -> str | None:
    if word is not None and word not in CATEGORIES:
        raise InvalidInput(
            "bad_category", "there is no such category", field="category",
            rule="screening: categories", mend=f"use one of {', '.join(CATEGORIES)}",
        )  # fmt: skip
    return word


def _appealed() -> Conflict:
    return Conflict(
        "text_appealed", "this decision was appealed already", field="id",
        rule="screening: appeals", mend="wait for the decision; each can be appealed once",
    )  # fmt: skip
