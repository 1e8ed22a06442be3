"""What follows from decisions of the review desk about texts, and about appeals."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from assent.errors import Conflict, NotAllowed
from assent.flow.matters import Item, Matter
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.requests import Caller, ReviewDecision
from assent.flow.text_alike import similar_to
from assent.flow.text_reviews import APPEAL, KIND, TextReviews, changed_owner
from assent.message import Purpose, batch_id
from assent.screen.categories import BY_CODE as CATEGORIES

_RECORD_S: Final = 30 * 86_400.0


class TextMatter(Matter):
    """Held texts. The subject is the review."""

    kind = KIND
    stage = ""

    def __init__(self, reviews: TextReviews) -> None:
        self.reviews = reviews

    async def review(self, tx: Queries, item: Item) -> Any:
        """Return the review that an item is about, locked."""
        row = await tx.fetchrow("text_review_hold", item.subject)
        assert row is not None, "an item is about a review"
        return row

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return 2 for what needs a licence, and for finance."""
        row = await self.review(tx, item)
        return self.reviews.persons(row["sender_id"], row["category"])

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Let it go out: for its sender and purpose, until the approval ends."""
        row = await self._waiting(tx, item)
        done = await self.reviews.approve(tx, row, at, "in_order")
        await tx.execute("text_appeal_decided", row["id"], "overturned", utc(at))
        return done

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Turn it down; campaigns that wait for it end."""
        row = await self._waiting(tx, item)
        done = await self.reviews.refuse(tx, row, at, code)
        await tx.execute("text_appeal_decided", row["id"], "upheld", utc(at))
        return done

    async def _waiting(self, tx: Transaction, item: Item) -> Any:
        row = await self.review(tx, item)
        if row["state"] != "held":
            raise Conflict(
                "text_state", f"the text is {row['state']}", field="id",
                rule="screening: review", mend="see where it stands (GET /v1/texts/ID)",
            )  # fmt: skip
        return row

    async def said(
        self, tx: Transaction, item: Item, caller: Caller, at: float, request: ReviewDecision
    ) -> None:
        """Keep what a person said of the text, for models and for comparing reviewers."""
        row = await self.review(tx, item)
        stage = self.stage or ("first" if item.first is None else "second")
        changed = request.verdict == "approve" and row["changed_sealed"] is not None
        await tx.execute(
            "text_label_insert", row["id"], item.id, utc(at), caller.key_id, caller.actor_id,
            "change" if changed else request.verdict, stage,
            request.category or row["category"], row["verdict"], bytes(row["screening"]),
            request.code,
        )  # fmt: skip

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the text with everything that a reviewer has to see of it."""
        row = await queries.fetchrow("text_review_get", item.subject)
        return {} if row is None else await shown(self.reviews, queries, row, at)


class AppealMatter(TextMatter):
    """Appeals against texts that were refused. The subject is the appeal. Approved: the text may go
    out after all. Whoever decided about the text before may not decide again."""

    kind = APPEAL
    stage = "appeal"

    async def review(self, tx: Queries, item: Item) -> Any:
        """Return the review that an appeal is about, locked."""
        appeal = await tx.fetchrow("text_appeal_hold", item.subject)
        assert appeal is not None, "an item is about an appeal"
        row = await tx.fetchrow("text_review_hold", appeal["review_id"])
        assert row is not None, "an appeal is about a review"
        return row

    async def check(self, tx: Queries, item: Item, caller: Caller) -> None:
        """Raise NotAllowed for who decided about the text before."""
        row = await self.review(tx, item)
        mine = (row["id"], caller.key_id, caller.actor_id)
        if item.first is None and await tx.fetchval("text_label_mine", *mine):
            raise NotAllowed(
                "same_person", "you decided about this text; another person decides the appeal",
                field="Authorization", rule="screening: appeals",
                mend="have another reviewer look at it",
            )  # fmt: skip

    async def _waiting(self, tx: Transaction, item: Item) -> Any:
        row = await self.review(tx, item)
        if row["state"] not in ("refused", "changed"):
            raise Conflict(
                "text_state", f"the text is {row['state']}", field="id",
                rule="screening: review", mend="see where it stands (GET /v1/texts/ID)",
            )  # fmt: skip
        if row["changed_sealed"] is not None:
            await tx.execute("text_review_proposed", row["id"], None)
            row = await self.review(tx, item)
        return row

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the same, and what the customer says."""
        appeal = await queries.fetchrow("text_appeal_get", item.subject)
        if appeal is None:
            return {}
        row = await queries.fetchrow("text_review_get", appeal["review_id"])
        assert row is not None, "an appeal is about a review"
        return {**await shown(self.reviews, queries, row, at), "appeal": appeal["words"]}


def review_told(row: Any, text: str, *, inside: bool) -> dict[str, Any]:
    """Return a review; `inside`: with what only staff see."""
    found = json.loads(row["findings"])
    category = CATEGORIES.get(row["category"])
    told = {
        "id": str(row["id"]),
        "kind": row["kind"],
        "sender": row["credit_code"],
        "sender_name": row["legal_name"],
        "purpose": Purpose(row["purpose"]).name.lower(),
        "state": row["state"],
        "text": text,
        "category": row["category"],
        "category_en": "" if category is None else category.en,
        "category_zh": "" if category is None else category.zh,
        "findings": found if inside else [
            {k: v for k, v in one.items() if k != "owner"} for one in found
            if one["severity"] != "note"
        ],
        "code": row["code"] or None,
        "opened_at": row["opened_at"],
        "decided_at": row["decided_at"],
        "expires_at": row["expires_at"],
        "changed_to": None if row["changed_to"] is None else str(row["changed_to"]),
    }  # fmt: skip
    if inside:
        told |= {
            "account": row["account"],
            "spam_probability": round(float(row["spam"]), 4),
            "screening": bytes(row["screening"]).hex(),
            "item": None if row["item_id"] is None else str(row["item_id"]),
        }
    return told


async def shown(reviews: TextReviews, queries: Queries, row: Any, at: float) -> dict[str, Any]:
    """Return a text as a reviewer sees it: with its spans, what was decided about others like it,
    and what its sender did so far."""
    text = reviews.text_of(row)
    told = review_told(row, text, inside=True)
    for one in told["findings"]:
        one["quotes"] = [text[start:end] for start, end in one["spans"]]
    since = batch_id(int((at - _RECORD_S) * 1000), 0)
    record = await queries.fetchrow("text_sender_record", row["sender_id"], since, row["id"])
    similar = await similar_to(queries, row)
    assert record is not None, "counts always come"
    said = await queries.fetch("text_labels_of", row["id"])
    return told | {
        "proposed": proposed(reviews, row),
        "record": {
            "sent_30_days": record["sent"],
            "complaints": record["complaints"],
            "refusals": record["refusals"],
            "texts": json.loads(record["texts"]),
        },
        "similar": similar,
        "said": [
            {"verdict": one["verdict"], "stage": one["stage"], "category": one["category"],
             "key": one["key_id"], "actor": one["actor_id"], "at": one["at"], "code": one["code"]}
            for one in said
        ],
    }  # fmt: skip


def proposed(reviews: TextReviews, row: Any) -> str | None:
    """Return what a reviewer wrote in the place of a text, None where nobody did."""
    if row["changed_sealed"] is None:
        return None
    owner = changed_owner(row["sender_id"], bytes(row["digest"]))
    return reviews.vault.open(bytes(row["changed_sealed"]), owner).decode()
