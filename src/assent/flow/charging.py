"""What folded states come to in money: usage counted, and what failed given back where the contract
charges on delivery.

Answers are folded once each, so what carriers accepted is counted once. What is to be given back is
worked out anew from everything stored of a batch and laid against what was given back before
(`batch_final.refunded`): a segment that failed comes back once, whatever came in which order, and
only if it was charged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from assent.flow.columns import U8, U16, unpack
from assent.flow.needs import Transaction, utc
from assent.flow.order import SMS, VIDEO
from assent.message import AttemptStatus, State

REPORT_S: Final = 72 * 3600.0
"""A failure that is reported later than this after the end of validity changes no charge."""

_Segment = tuple[int, int]


@dataclass(slots=True)
class Counted:
    """Rows of `usage_add`."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add(self, batch: Any, segments: int = 0, failed: int = 0, delivered: int = 0) -> None:
        """Count segments of a batch row."""
        channel = SMS if batch["video_id"] is None else VIDEO
        self.rows.append(
            (
                batch["account_id"],
                batch["day"],
                batch["purpose"],
                batch["carrier"],
                channel,
                batch["port_id"],
                batch["price"],
                segments,
                failed,
                delivered,
            )
        )

    async def store(self, tx: Transaction) -> None:
        """Add them to what is counted."""
        if self.rows:
            columns = [list(column) for column in zip(*self.rows, strict=True)]
            await tx.execute("usage_add", *columns)


def accepted_of(results: Iterable[Any]) -> dict[int, int]:
    """Return how many segments some results say were accepted, by batch."""
    counts: dict[int, int] = defaultdict(int)
    for row in results:
        statuses = unpack(row["statuses"], U8)
        counts[row["batch_id"]] += int((statuses == AttemptStatus.ACCEPTED).sum())
    return counts


async def charge(
    tx: Transaction, batches: Sequence[Any], finals: Sequence[bytes], results: Sequence[Any],
    now: float,
) -> tuple[list[int], list[int]]:  # fmt: skip
    """Count what was accepted and give back what failed; return for each batch how many segments
    were given back so far and how many are charged for good."""
    counted = Counted()
    first = int(await tx.fetchval("usage_from"))
    accepted = accepted_of(results)
    refunded = [int(row["refunded"] or 0) for row in batches]
    sure = [int(row["sure"] or 0) for row in batches]
    back: list[tuple[int, int, int, int]] = []
    watched = [place for place, row in enumerate(batches) if row["on_delivery"]]
    paid = await _paid(tx, [batches[place]["id"] for place in watched])
    for place in watched:
        row = batches[place]
        if now > row["expires_at"].timestamp() + REPORT_S:
            continue
        failed, delivered = _ended(row, finals[place], paid.get(row["id"], set()))
        again, more = failed - refunded[place], delivered - sure[place]
        refunded[place], sure[place] = failed, delivered
        if again and row["price"]:
            back.append((row["account_id"], row["id"], again, again * row["price"]))
        if (again or more) and row["id"] > first:
            counted.add(row, failed=again, delivered=more)
    for row in batches:
        if accepted.get(row["id"]) and row["id"] > first:
            counted.add(row, segments=accepted[row["id"]])
    await counted.store(tx)
    if back:
        await tx.execute("failed_give_back", utc(now), *map(list, zip(*back, strict=True)))
    return refunded, sure


def _ended(row: Any, final: bytes, paid: set[_Segment]) -> tuple[int, int]:
    """Return how many segments that were charged failed, and how many were delivered."""
    states = unpack(final, U8)
    counts = unpack(row["segments"], U8)
    slots = np.repeat(np.arange(len(counts)), counts)
    begins = np.cumsum(counts.astype(np.int64)) - counts
    segments = np.arange(len(states)) - np.repeat(begins, counts)
    failed = delivered = 0
    for place in np.flatnonzero(np.isin(states, (State.FAILED, State.DELIVERED))).tolist():
        if (int(slots[place]), int(segments[place])) in paid:
            failed += states[place] == State.FAILED
            delivered += states[place] == State.DELIVERED
    return int(failed), int(delivered)


async def _paid(tx: Transaction, batches: list[int]) -> dict[int, set[_Segment]]:
    """Return which segments were charged: a carrier accepted them, or a receipt came for them while
    their money was still reserved."""
    paid: dict[int, set[_Segment]] = defaultdict(set)
    if not batches:
        return paid
    for row in await tx.fetch("answers_of_batches", batches):
        slots = unpack(row["slots"], U16)[unpack(row["positions"], U16)]
        chosen = unpack(row["statuses"], U8) == AttemptStatus.ACCEPTED
        segments = unpack(row["segments"], U8)
        paid[row["batch_id"]].update(
            zip(slots[chosen].tolist(), segments[chosen].tolist(), strict=True)
        )
    for row in await tx.fetch("unsure_charged", batches):
        paid[row["batch_id"]].add((row["slot"], row["segment"]))
    return paid
