"""Which message made somebody refuse: the last one that she was sent by those she refused.

Only refusals of the receiver herself count, as the ledger has them: one each, however often she
repeats it, by whatever door she came. Files of carriers and regulators and what the platform itself
ended are no sign of what a text did.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from assent.consent.entry import Origin, decode
from assent.flow.columns import U16, U32, unpack
from assent.flow.needs import Queries, utc
from assent.flow.rollup_counts import Place, hour_of, place_of
from assent.flow.written import batches_of
from assent.message import batch_id, message_id

LOOK_BACK_S: Final = 30 * 86_400.0
"""What was sent longer ago made nobody refuse."""
_ORIGINS: Final = frozenset({Origin.RECEIVER})
_FEW: Final = 16


class Refused(NamedTuple):
    """A refusal, and where it counts. `message`: 0 where she got none."""

    position: int
    at: float
    message: int
    place: Place


async def refused(queries: Queries, after: int, upto: int) -> list[Refused]:
    """Return the refusals of the ledger between two positions (the first excluded). What every
    transaction that began before did must have been committed: see :class:`Rollups`."""
    found = []
    for row in await queries.fetch("rollup_entries", after, upto):
        if decode(bytes(row["body"])).origin in _ORIGINS:
            found.append(await _placed(queries, row))
    return found


async def _placed(queries: Queries, row: Any) -> Refused:
    at = row["at"].timestamp()
    low = batch_id(int((at - LOOK_BACK_S) * 1000), 0)
    high = batch_id(int((at + 1.0) * 1000), 0)
    message = await _last(queries, row, low, high)
    if message:
        where = await queries.fetchrow("rollup_message", message >> 10, message & 1023)
        return Refused(row["position"], at, message, place_of(where))
    return Refused(row["position"], at, 0, await _written_to(queries, row))


async def _last(queries: Queries, row: Any, low: int, high: int) -> int:
    """Return the last message that was attempted before the refusal, 0 for none."""
    person, group = row["person_id"], row["group_id"]
    octets = person.to_bytes(4, "little")
    indexed = await queries.fetchrow("written_to")
    upto = low if indexed is None else min(max(indexed["upto"], low), high)
    recent = await queries.fetch("rollup_written", group, upto, high, octets)
    message = await _attempted(queries, recent, person, row["at"])
    if message or upto == low:
        return message
    older = await batches_of(queries, person, low, upto)
    rows = await queries.fetch("rollup_batch_groups", older, group)
    return await _attempted(queries, rows, person, row["at"])


async def _attempted(queries: Queries, rows: Sequence[Any], person: int, at: Any) -> int:
    """Return the newest message to a person in some batches, newest first, attempted by then."""
    for start in range(0, len(rows), _FEW):
        mine: dict[int, int] = {}  # batch → slot
        for row in rows[start : start + _FEW]:
            slots = np.flatnonzero(unpack(row["people"], U32) == person)
            if len(slots):
                mine[row["id"]] = int(slots[-1])
        went = {
            window["batch_id"]
            for window in await queries.fetch("rollup_attempts", list(mine), at)
            if mine[window["batch_id"]] in unpack(window["slots"], U16)
        }
        if went:
            return message_id(max(went), mine[max(went)])
    return 0


async def _written_to(queries: Queries, row: Any) -> Place:
    """Return where a refusal counts that follows no message: at the port she wrote to."""
    hour = hour_of(row["at"])
    asked = row["person_id"], row["at"], row["group_id"]
    port = await queries.fetchrow("rollup_reply_port", *asked)
    if port is None:
        return Place(hour, 0, row["sender_id"], 0, "", 0, "", 0)
    sender = port["sender_id"] or row["sender_id"]
    return Place(
        hour, port["port_id"] or 0, sender, 0, port["carrier"], 0, "", port["purpose"] or 0
    )


def rows_of(found: Sequence[Refused]) -> list[tuple[Any, ...]]:
    """Return refusals as rows of `rollup_refusal`."""
    return [(r.position, utc(r.at), r.message, utc(r.place.hour), *r.place[1:]) for r in found]
