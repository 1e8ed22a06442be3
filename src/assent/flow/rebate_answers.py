"""Which messages their receivers answered with a refusal or a complaint: no agent is paid for them.

A reply concerns the last message that its port had sent to that person before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from assent.flow.columns import U8, U32, unpack
from assent.flow.needs import Transaction, utc
from assent.flow.pricing import month_begin
from assent.message import batch_id, message_id

_DAY_MS: Final = 86_400_000
LATE_DAYS: Final = 30
"""Replies so long after a message concern it still."""


_Sent = tuple[datetime, int, date, int]
"""When a message was ordered, its id, the day of that, its segments."""


async def exclude_answered(
    tx: Transaction, account: int, begin: date, end: date, now: float
) -> int:
    """Note the messages of an account, ordered from one day until before another, that were
    answered so; return how many are new."""
    replies = await tx.fetch("replies_against", account, begin, end, month_begin(begin))
    if not replies:
        return 0
    sent = await _sent(tx, account, begin, end, replies)
    columns: dict[str, set[tuple[int, int, date, int]]] = {"refused": set(), "complained": set()}
    for reply in replies:
        before = [
            one
            for one in sent.get((reply["port_id"], reply["person_id"]), ())
            if one[0] <= reply["at"] and (reply["at"] - one[0]).days < LATE_DAYS
        ]
        if before:
            _, message, day, count = max(before)
            reason = "complained" if reply["complaint"] else "refused"
            columns[reason].add((message, account, day, count))
    noted = 0
    for reason, rows in columns.items():
        if rows:
            told = [list(column) for column in zip(*sorted(rows), strict=True)]
            noted += len(await tx.fetch("excluded_insert", *told, reason, utc(now)))
    return noted


async def _sent(
    tx: Transaction, account: int, begin: date, end: date, replies: Sequence[Any]
) -> dict[tuple[int, int], list[_Sent]]:
    """Return what was sent to those who replied, by port and person."""
    ports = sorted({row["port_id"] for row in replies})
    people = np.array(sorted({row["person_id"] for row in replies}), np.uint32)
    last = batch_id(int(month_begin(begin).timestamp() * 1000), 0)
    hi = batch_id(int(month_begin(end).timestamp() * 1000) + _DAY_MS, 0)
    sent: dict[tuple[int, int], list[_Sent]] = {}
    while rows := await tx.fetch("batches_on_ports", account, ports, last, hi, begin, end):
        last = rows[-1]["id"] + 1
        for row in rows:
            receivers = unpack(row["people"], U32)
            segments = unpack(row["segments"], U8)
            for slot in np.flatnonzero(np.isin(receivers, people)).tolist():
                one = (row["accepted_at"], message_id(row["id"], slot), row["day"])
                key = (row["port_id"], int(receivers[slot]))
                sent.setdefault(key, []).append((*one, int(segments[slot])))
    return sent
