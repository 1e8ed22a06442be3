"""Messages that end without an attempt: their rows, their money, their event."""

from __future__ import annotations

from assent.flow.columns import U8, U16, pack, pack_object
from assent.flow.fence import Mark
from assent.flow.ids import Numbers
from assent.flow.money import Postings
from assent.flow.needs import Transaction, utc
from assent.flow.work import Work
from assent.message import State


async def store_ends(
    tx: Transaction, numbers: Numbers, ends: list[tuple[Work, list[int], list[int]]], now: float
) -> Mark:
    """Record messages that end without an attempt and release their money.

    What a refusal cancelled becomes visible to the customer daily only (promise 7).
    `numbers` holds two reserved numbers for each element of `ends`. Returns what to look for
    when the COMMIT is not answered.
    """
    ids = [numbers.next() for _ in ends]
    await tx.execute(
        "slot_ends_insert",
        utc(now),
        ids,
        [work.batch.id for work, _, _ in ends],
        [pack(slots, U16) for _, slots, _ in ends],
        [pack(states, U8) for _, _, states in ends],
    )
    postings = Postings()
    for source, (work, slots, states) in zip(ids, ends, strict=True):
        at_once = daily = 0
        for slot, state in zip(slots, states, strict=True):
            count = int(work.batch.segments[slot]) - len(work.accepted.get(slot, ()))
            if state == State.CANCELLED:
                daily += count
            else:
                at_once += count
        postings.release(work.batch, source, at_once)
        postings.release_daily(work.batch, source, daily)
    await postings.store(tx, now)
    payload = [[work.batch.id, source] for source, (work, _, _) in zip(ids, ends, strict=True)]
    await tx.execute("event_insert", utc(now), "slot_end", None, ids[0], pack_object(payload))
    return ends[0][0].batch.id, ids[0]
