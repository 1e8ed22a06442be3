"""A judged order as rows: one place writes them, inside whatever transaction commits it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from assent.flow.columns import I16, U8, U16, U32, U64, pack, pack_object
from assent.flow.money import Book
from assent.flow.needs import Transaction, utc
from assent.flow.order import Judged
from assent.flow.work import Batch
from assent.message import LANE_OF
from assent.policy.decide import Verdict


async def write(tx: Transaction, judged: Judged, leased_by: int | None) -> bool:
    """Store a judged order: charge, key, submission, decisions, batches, queue, event.

    With `leased_by` its batches are leased by that epoch from the start. Returns False, with
    nothing written, when the key was used before or the account's money is gone by now.
    """
    order = judged.order
    at = utc(judged.at)
    key = order.idempotency_key
    if key is not None and not await tx.fetchval(
        "idempotency_insert", order.account.id, key, order.body_sha256, judged.answer, at
    ):
        return False
    paid = not judged.cost or await tx.fetchval("balance_reserve", order.account.id, judged.cost)
    # Last, since what it writes stays when we return False.
    if paid and judged.also is not None and not await judged.also(tx):
        if judged.cost:
            await tx.fetchval("balance_reserve", order.account.id, -judged.cost)
        paid = False
    if not paid:
        if key is not None:
            await tx.execute("idempotency_delete", order.account.id, key)
        return False
    await tx.execute("submission_insert", *_submission(judged))
    rejected = np.flatnonzero(judged.verdict != Verdict.ALLOW)
    if len(rejected):
        await tx.execute(
            "decision_insert",
            judged.submission_id,
            pack(order.rows[rejected], U32),
            pack(judged.people[rejected], U32),
            pack(judged.reason[rejected], U16),
            pack(judged.findings[rejected], U64),
        )
    if judged.batches:
        await tx.executemany("batch_insert", [_row(batch) for batch in judged.batches])
        await tx.executemany(
            "queue_insert",
            [
                (
                    b.id,
                    int(LANE_OF[b.purpose]),
                    b.carrier,
                    b.account_id,
                    b.campaign_id,
                    b.not_before,
                    b.expires_at,
                    leased_by,
                )
                for b in judged.batches
            ],
        )
    payload = {
        "allowed": judged.allowed,
        "n": judged.n,
        "reasons": judged.reasons,
        "sender": order.sender.id,
        "purpose": int(order.purpose),
        "batches": [batch.id for batch in judged.batches],
    }
    await tx.execute(
        "event_insert",
        at,
        "submission",
        order.account.id,
        judged.submission_id,
        pack_object(payload),
    )
    return True


def _submission(judged: Judged) -> tuple[Any, ...]:
    order = judged.order
    segments = int(judged.segments[judged.verdict == Verdict.ALLOW].sum())
    return (
        judged.submission_id,
        order.account.id,
        order.campaign_id,
        order.sender.id,
        int(order.purpose),
        judged.n,
        judged.allowed,
        judged.cost,
        msgspec.json.encode(judged.reasons).decode(),
        judged.rulebook,
        judged.numbers_digest,
        judged.position,
        utc(judged.at),
        int(Book.AVAILABLE),
        int(Book.RESERVED),
        segments,
    )


def _row(batch: Batch) -> tuple[Any, ...]:
    return (
        batch.id,
        batch.submission_id,
        batch.account_id,
        batch.campaign_id,
        batch.sender_id,
        batch.group_id,
        batch.programme_id,
        batch.port_id,
        batch.template_id,
        int(batch.purpose),
        batch.carrier,
        batch.n,
        batch.position,
        batch.price,
        batch.not_before,
        batch.expires_at,
        batch.content,
        pack(batch.people, U32),
        pack(batch.rows, U32),
        pack(batch.zones, I16),
        pack(batch.segments, U8),
        pack_object(batch.variables) if batch.variables is not None else None,
        batch.accepted_at,
    )
