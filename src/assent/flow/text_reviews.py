"""Texts that a person has to look at: kept, put up on the review desk, decided, appealed.

A text is reviewed and not an order: once for a sender, a purpose and the digest of the normalised
text. held → approved, refused, or changed (another text is approved in its place). Orders of a held
text are told its number; campaigns wait for it, go on when it is approved and end when it is
refused. An approval ends after some days, and when newer models, words or lists find more in the
text than was approved.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.desk import Desk
from assent.flow.matters import Note, withdraw_item
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Order
from assent.flow.screened import Screened, Text
from assent.flow.screening import CHANNEL, Texts
from assent.flow.text_alike import signature_of
from assent.flow.text_cases import (
    Case,
    Looked,
    digest_of,
    finding_told,
    severity_of,
)
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.policy.reasons import BY_CODE as REASONS
from assent.screen.categories import BY_CODE as CATEGORIES
from assent.screen.finding import Severity

KIND: Final = "text"
APPEAL: Final = "text_appeal"
VALID_DAYS: Final = 180
"""Days that an approval of a text holds, unless the settings say otherwise."""


def text_owner(sender: int, digest: bytes) -> str:
    """Return what the sealed text of a review belongs to."""
    return f"text_review/{sender}/{digest.hex()}"


def changed_owner(sender: int, digest: bytes) -> str:
    """Return what the sealed text belongs to that a reviewer wrote in its place."""
    return f"text_review.changed/{sender}/{digest.hex()}"


class TextReviews:
    """Keeps texts and carries out what is decided about them. `refusal_wording`: what the platform
    puts at the end of marketing texts. `days`: how long an approval holds."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        catalogue: Catalogue,
        desk: Desk,
        texts: Texts,
        refusal_wording: str = "",
        days: int = VALID_DAYS,
    ) -> None:
        self.store = store
        self.clock = clock
        self.vault = vault
        self.catalogue = catalogue
        self.desk = desk
        self.texts = texts
        self.days = days
        self._refusal = refusal_wording

    # Keeping -----------------------------------------------------------------------------------

    async def keep(self, order: Order, looked: Looked) -> tuple[Case, ...]:
        """Keep what is in the way of an order and put what is held up for review; return it with
        its numbers. Doing it again changes nothing."""
        kept = []
        for case in looked.cases:
            if not case.review:
                template = order.template_id or None
                who = order.account.id, order.sender.id, order.purpose
                case = replace(case, review=await self.keep_case(*who, case, template))
            kept.append(case)
        cases = tuple(kept)
        self.texts.kept(order, looked, cases)
        return cases

    async def keep_case(
        self, account: int, sender: int, purpose: Purpose, case: Case, template: int | None = None
    ) -> int:
        """Keep a text; return the number of its review."""
        at = self.clock.now()
        found = case.screened
        state = "held" if case.state == "held" else "refused"
        told = json.dumps([finding_told(one) for one in found.findings], ensure_ascii=False)
        machine = [
            int(severity_of(found)), found.category, found.spam_probability, told,
            digest_of(self.texts.screens), utc(at),
        ]  # fmt: skip
        signature = signature_of(case.text)
        async with self.store.transaction() as tx:
            sealed = self.vault.seal(case.text.encode(), text_owner(sender, case.digest))
            whose = sender, int(purpose), case.digest
            made = await tx.fetchval(
                "text_review_insert", *whose, case.kind, account, template, state, sealed, *machine,
                signature,
            )  # fmt: skip
            if made is None:
                row = await tx.fetchrow("text_review_same", *whose)
                assert row is not None, "it was there a moment ago"
                made = row["id"]
                if _stands(row, state):
                    return int(made)
                await tx.execute("text_review_again", made, state, *machine, template, signature)
                if state == "refused":
                    await withdraw_item(tx, KIND, made, at)
            if state == "held":
                await self._put_up(tx, int(made), account, sender, found, at)
            await tx.execute("notify", CHANNEL, str(made))
        return int(made)

    async def _put_up(
        self, tx: Transaction, review: int, account: int, sender: int, found: Screened, at: float
    ) -> None:
        entity = await tx.fetchval("entity_of_sender", sender)
        await self.desk.open(
            tx,
            KIND,
            review,
            at=at,
            account_id=account,
            entity_id=entity,
            reviewers=self.persons(sender, found.category),
            reasons=[_note(one, inside=False) for one in _blocking(found)],
            signals=[_note(one, inside=True) for one in found.findings],
        )

    def persons(self, sender: int, category: str) -> int:
        """Return how many persons must agree: two for what needs a licence, and for finance."""
        known = CATEGORIES.get(category)
        if known is None or known.nature == "restricted":
            return 2
        one = self.catalogue.senders.get(sender)
        return 2 if one is None or self.catalogue.chain.finance(one) else 1

    # Templates ---------------------------------------------------------------------------------

    async def template(
        self, account: int, sender: int, purpose: Purpose, body: str
    ) -> list[dict[str, Any]]:
        """Screen a template that is handed in; return what to look at, for the review desk.

        Raises InvalidInput `text_rejected` for one that is turned down at once, with the number of
        the review by which that can be appealed.
        """
        if not self.texts.on:
            return []
        one = self.catalogue.senders[sender]
        known = self.texts.senders.of(one, self.clock.now())
        (found,) = await self.texts.screen([Text(body, known, purpose)])
        if severity_of(found) is Severity.REJECT:
            digest = self.texts.digest("template", found.digest)
            state, review, _ = await self.texts.standing(
                self.store, sender, purpose, digest, Severity.REJECT
            )
            if state != "allowed":
                case = Case("template", "rejected", body, found, digest, review)
                if not review:
                    review = await self.keep_case(account, sender, purpose, case)
                raise rejected(replace(case, review=review), "body")
        return [
            {"code": note.code, "en": note.en, "zh": note.zh, **(note.more or {})}
            for note in (_note(finding, inside=True) for finding in found.findings)
        ]

    # Deciding: called by the matters, in the transaction of the decision -------------------------

    async def approve(self, tx: Transaction, row: Any, at: float, code: str) -> dict[str, Any]:
        """Approve a text, or what a reviewer made of it; campaigns that wait for it go on."""
        review = row["id"]
        until = utc(at) + timedelta(days=self.days)
        if row["changed_sealed"] is not None:
            other = await self._approve_changed(tx, row, at, until)
            await tx.execute(
                "text_review_decided", review, "changed", "in_order_changed", utc(at), None, None,
                other,
            )  # fmt: skip
            told = {"text": "changed", "changed_to": other, "code": "in_order_changed"}
        else:
            verdict = row["verdict"]
            await tx.execute(
                "text_review_decided", review, "approved", code, utc(at), until, verdict, None
            )
            told = {"text": "approved", "until": until.isoformat()}
            if row["kind"] == "template" and row["template_id"] is not None:
                await tx.execute("template_screening_approved", row["template_id"], verdict)
            for campaign in await tx.fetch("campaigns_text_freed", review):
                await tx.execute("notify", "campaign", str(campaign["id"]))
        await tx.execute("notify", CHANNEL, str(review))
        return told

    async def _approve_changed(self, tx: Transaction, row: Any, at: float, until: Any) -> int:
        """Approve the text that a reviewer wrote; return its number."""
        sender, purpose = row["sender_id"], Purpose(row["purpose"])
        owner = changed_owner(sender, bytes(row["digest"]))
        body = self.vault.open(bytes(row["changed_sealed"]), owner).decode()
        text = self.whole(row, body)
        known = self.texts.senders.of(self.catalogue.senders[sender], at)
        (found,) = await self.texts.screen([Text(text, known, purpose)])
        digest = self.texts.digest("text", found.digest)
        sealed = self.vault.seal(text.encode(), text_owner(sender, digest))
        told = json.dumps([finding_told(one) for one in found.findings], ensure_ascii=False)
        verdict = int(Severity.HOLD)  # with other licences or a port's form it may be found graver
        machine = [
            int(severity_of(found)), found.category, found.spam_probability, told,
            digest_of(self.texts.screens), utc(at),
        ]  # fmt: skip
        made = await tx.fetchval(
            "text_review_insert", sender, int(purpose), digest, "text", row["account_id"], None,
            "approved", sealed, *machine, signature_of(text),
        )  # fmt: skip
        if made is None:
            same = await tx.fetchrow("text_review_same", sender, int(purpose), digest)
            assert same is not None, "it was there a moment ago"
            made = same["id"]
            if made == row["id"]:
                raise Conflict(
                    "text_unchanged", "the changed text reads the same", field="text",
                    rule="screening: review", mend="approve or refuse it",
                )  # fmt: skip
            await withdraw_item(tx, KIND, made, at)
        verdict = max(verdict, int(severity_of(found)))
        await tx.execute(
            "text_review_decided", made, "approved", "in_order_changed", utc(at), until, verdict,
            None,
        )  # fmt: skip
        return int(made)

    def whole(self, row: Any, body: str) -> str:
        """Return a body as its receivers would see it: with the signature and the way to refuse of
        the text that it takes the place of."""
        text = self.text_of(row)
        mark = text[: text.find("】") + 1] if text.startswith("【") else ""
        marketing = Purpose(row["purpose"]) is Purpose.MARKETING
        refusal = self._refusal if marketing else ""
        tail = f" {refusal}" if refusal and not body.endswith(refusal) else ""
        return mark + body + tail

    def text_of(self, row: Any) -> str:
        """Return the text of a review."""
        owner = text_owner(row["sender_id"], bytes(row["digest"]))
        return self.vault.open(bytes(row["sealed"]), owner).decode()

    async def refuse(self, tx: Transaction, row: Any, at: float, code: str) -> dict[str, Any]:
        """Refuse a text; campaigns that wait for it end, and their money is released."""
        review = row["id"]
        await tx.execute("text_review_decided", review, "refused", code, utc(at), None, None, None)
        ended = await tx.fetch("campaigns_text_refused", review)
        for campaign in ended:
            await tx.execute("notify", "campaign", str(campaign["id"]))
        await tx.execute("notify", CHANNEL, str(review))
        return {"text": "refused", "campaigns_ended": len(ended)}


def rejected(case: Case, field: str) -> InvalidInput:
    """Return the error for a text that is turned down at once."""
    told = [finding_told(one) for one in _blocking(case.screened)]
    reason = REASONS["text_rejected"]
    return InvalidInput(
        "text_rejected", reason.en, field=field, rule="CN-06",
        mend=f"change what the findings name, or appeal (POST /v1/texts/{case.review}/appeal)",
        details={"review": str(case.review), "findings": [
            {key: one[key] for key in ("code", "severity", "spans", "en", "zh")} for one in told
        ]},
    )  # fmt: skip


def _stands(row: Any, state: str) -> bool:
    """Tell whether what is kept of a text is still what is to be kept."""
    if row["state"] == "held":
        return state == "held"
    if row["state"] == "refused" and row["decided_at"] is None:
        return state == "refused"
    return row["state"] in ("refused", "changed")


def _blocking(found: Screened) -> Sequence[Any]:
    return [one for one in found.findings if one.severity > Severity.NOTE]


def _note(one: Any, *, inside: bool) -> Note:
    more: dict[str, Any] = {
        "spans": [list(span) for span in one.spans], "severity": one.severity.name.lower()
    }  # fmt: skip
    return Note(one.code, one.en, one.zh, more | ({"owner": one.owner} if inside else {}))
