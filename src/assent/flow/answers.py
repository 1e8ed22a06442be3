"""What a caller is told about an order: JSON bytes, kept under its idempotency key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from assent.flow.order import Judged
from assent.message import Purpose
from assent.policy.decide import Verdict
from assent.policy.reasons import BY_NUMBER


class MessageAnswer(msgspec.Struct, omit_defaults=True):
    """One receiver's line. `row` counts from 0 as in the request."""

    row: int
    status: str
    id: str | None = None
    segments: int = 0
    reason: str | None = None
    not_before: float | None = None


class OrderAnswer(msgspec.Struct):
    """An order accepted. Amounts in micro-yuan. `reasons`: customer code → receivers."""

    id: str
    purpose: str
    receivers: int
    allowed: int
    rejected: int
    segments: int
    cost_micro: int
    reasons: dict[str, int]
    messages: list[MessageAnswer]
    dry_run: bool = False


class StoppedAnswer(OrderAnswer, kw_only=True):
    """The same where a text, or what variables put into it, is held or turned down, or where a
    restriction binds some of the receivers. `texts`: what was found, and the numbers of the
    reviews. `restrictions`: why, and until when."""

    texts: list[dict[str, Any]] | msgspec.UnsetType = msgspec.UNSET
    restrictions: list[Mapping[str, Any]] | msgspec.UnsetType = msgspec.UNSET


def customer_code(number: int) -> str:
    """Return a reason's code as customers see it."""
    reason = BY_NUMBER[number]
    return reason.customer_code or reason.code


def answer(judged: Judged, *, dry_run: bool = False, lines: int | None = None) -> OrderAnswer:
    """Return what the caller is told; `lines` bounds the receivers listed."""
    allow = int(Verdict.ALLOW)
    rows = judged.order.rows.tolist()
    verdicts, reasons = judged.verdict.tolist(), judged.reason.tolist()
    ids, segments = judged.message_ids.tolist(), judged.segments.tolist()
    waits = judged.defer_until.tolist()
    messages = []
    for i in range(judged.n if lines is None else min(lines, judged.n)):
        if verdicts[i] == allow:
            wait = float(waits[i]) if waits[i] else None
            messages.append(
                MessageAnswer(
                    rows[i], "accepted", None if dry_run else str(ids[i]), segments[i], None, wait
                )
            )
        else:
            messages.append(MessageAnswer(rows[i], "rejected", reason=customer_code(reasons[i])))
    total = int(judged.segments[judged.verdict == allow].sum())
    told = OrderAnswer(
        str(judged.submission_id),
        Purpose(judged.order.purpose).name.lower(),
        judged.n,
        judged.allowed,
        judged.n - judged.allowed,
        total,
        judged.cost,
        dict(judged.customer_reasons),
        messages,
        dry_run,
    )
    return with_more(told, judged)


def with_more(
    told: OrderAnswer, judged: Judged, *, texts: bool = True, restricted: bool = True
) -> OrderAnswer:
    """Return an answer that names what of the text is in the way, and what restricts it."""
    found = judged.cases if texts else ()
    binding = judged.restrictions if restricted else ()
    if not found and not binding:
        return told
    return StoppedAnswer(
        *msgspec.structs.astuple(told),
        texts=[one.told() for one in found] or msgspec.UNSET,
        restrictions=list(binding) or msgspec.UNSET,
    )


def encode(value: msgspec.Struct) -> bytes:
    """Return the JSON bytes of an answer."""
    return msgspec.json.encode(value)
