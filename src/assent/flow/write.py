"""A judged order as rows: one place writes them, inside whatever transaction commits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from assent.flow.columns import I16, U8, U16, U32, U64, pack, pack_object
from assent.flow.money import Book
from assent.flow.needs import Transaction, utc
from assent.flow.order import Judged
from assent.flow.work import Batch
from assent.message import LANE_OF
from assent.policy.decide import Verdict

_HERE: Final = [None] * 18
"""Nothing supposed and no attempts: the caller's transaction sees to both."""
_NO_KEYS: Final = (None, None, None)


async def write(tx: Transaction, judged: Judged, leased_by: int | None) -> bool:
    """Store a judged order: charge, key, submission, decisions, batches, queue, event.

    With `leased_by` its batches are leased by that epoch from the start. Returns False, with
    nothing written, when a key was used before or the account's money is gone by now.
    """
    order = judged.order
    if judged.keys and not await _use_keys(tx, judged):
        return False
    admitting = is_admitted(judged)
    if judged.also is not None:
        if admitting and not await _admit(tx, judged):
            return False
        # Last, since what it writes stays when we return False.
        if not await judged.also(tx):
            if judged.cost > 0 or judged.messages_a_day is not None:
                given = judged.cost, judged.day, judged.allowed
                await tx.execute("balance_give", order.account.id, *given)
            await _forget_keys(tx, judged)
            return False
        admitting = False
    here = [*_HERE, *last_arguments(judged), *_NO_KEYS, None]
    (taken,) = await tx.fetch("order_store", *arguments(judged, leased_by, admitting), *here)
    if taken["fresh"] and not taken["paid"]:
        await _forget_keys(tx, judged)
    return bool(taken["fresh"] and taken["paid"])


def is_admitted(judged: Judged) -> bool:
    """Return whether an order has anything to take before it is stored: a key, a cost, a share of
    what may be sent today."""
    return (
        judged.order.idempotency_key is not None
        or judged.cost > 0
        or judged.messages_a_day is not None
    )


def arguments(judged: Judged, leased_by: int | None, admitting: bool) -> list[Any]:
    """Return the first 43 parameters of `order_store`. `admitting`: take key and cost, too."""
    order = judged.order
    return [
        *_submission(judged),
        *_rest(judged),
        leased_by,
        *_batches(judged.batches),
        admitting,
        order.idempotency_key,
        order.body_sha256,
        judged.answer,
    ]


def last_arguments(judged: Judged) -> list[Any]:
    """Return parameters 62 to 69 of `order_store`: how each batch is written, the video that goes
    out, what is counted today, where the text stood with screening, where people are, and what
    the text is."""
    told = [batch.writing.told() for batch in judged.batches]
    ways = [None if one is None else msgspec.json.encode(one).decode() for one in told]
    today = judged.day, judged.allowed, judged.messages_a_day
    places = [None if b.provinces is None else pack(b.provinces, U8) for b in judged.batches]
    return [ways, judged.order.video_id, *today, judged.screening, places, judged.category]


def key_columns(judged: Judged) -> Sequence[list[Any] | None]:
    """Return the last parameters of `order_store`, for a call that takes the keys of requests that
    were judged together, too."""
    return [list(column) for column in zip(*judged.keys, strict=True)] or _NO_KEYS


async def _use_keys(tx: Transaction, judged: Judged) -> bool:
    """Use the keys of requests that were judged together: all, or none and return False."""
    account = judged.order.account.id
    used = await tx.fetch("idempotency_insert_all", account, *key_columns(judged), utc(judged.at))
    if len(used) == len(judged.keys):
        return True
    await tx.execute("idempotency_delete_all", account, [row["key"] for row in used])
    return False


async def _forget_keys(tx: Transaction, judged: Judged) -> None:
    """Give back the keys that this transaction used."""
    order = judged.order
    keys = [order.idempotency_key, *(key for key, _, _ in judged.keys)]
    if any(keys):
        used = [key for key in keys if key is not None]
        await tx.execute("idempotency_delete_all", order.account.id, used)


async def _admit(tx: Transaction, judged: Judged) -> bool:
    """Take an order's key and cost before anything else is written; return whether both were
    there."""
    order = judged.order
    (taken,) = await tx.fetch(
        "order_admit",
        order.account.id,
        order.idempotency_key,
        order.body_sha256,
        judged.answer,
        utc(judged.at),
        judged.cost,
        judged.day,
        judged.allowed,
        judged.messages_a_day,
    )
    if taken["fresh"] and not taken["paid"]:
        await _forget_keys(tx, judged)
    return bool(taken["fresh"] and taken["paid"])


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


def _rest(judged: Judged) -> tuple[Any, ...]:
    """Return who is rejected, the event, and what all batches of an order have in common."""
    order = judged.order
    rejected = np.flatnonzero(judged.verdict != Verdict.ALLOW)
    payload = {
        "allowed": judged.allowed,
        "n": judged.n,
        "reasons": judged.reasons,
        "sender": order.sender.id,
        "purpose": int(order.purpose),
        "batches": [batch.id for batch in judged.batches],
    }
    return (
        pack(order.rows[rejected], U32),
        pack(judged.people[rejected], U32),
        pack(judged.reason[rejected], U16),
        pack(judged.findings[rejected], U64),
        pack_object(payload),
        order.sender.group_id,
        order.programme_id,
        order.template_id,
        [batch.price for batch in judged.batches],
        judged.batches[0].content if judged.batches else "",
        int(LANE_OF[order.purpose]),
    )


def _batches(batches: list[Batch]) -> tuple[list[Any], ...]:
    """Return the columns in which the batches of an order differ."""
    return (
        [batch.id for batch in batches],
        [batch.port_id for batch in batches],
        [batch.carrier for batch in batches],
        [batch.n for batch in batches],
        [batch.not_before for batch in batches],
        [batch.expires_at for batch in batches],
        [pack(batch.people, U32) for batch in batches],
        [pack(batch.rows, U32) for batch in batches],
        [pack(batch.zones, I16) for batch in batches],
        [pack(batch.segments, U8) for batch in batches],
        [pack_object(b.variables) if b.variables is not None else None for b in batches],
    )
