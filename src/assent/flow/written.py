"""Which batches hold a person: by segments of (person, batch) in the order of people, built later.

What is not in segments yet, the last hour or so, is read batch by batch, as everything was before.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from assent.clock import Clock
from assent.flow.columns import U32, U64, unpack
from assent.flow.needs import Queries, Store
from assent.message import batch_id

LOOK_BACK_S: Final = 30 * 86_400.0


async def batches_of(queries: Queries, person: int, low: int, high: int) -> list[int]:
    """Return the ids of the batches from one id up to another that hold a person, the newest
    first."""
    row = await queries.fetchrow("written_to")
    since, upto = (low, low) if row is None else (row["since"], row["upto"])
    found: set[int] = set()
    if low < upto and high > since:
        for segment in await queries.fetch("written_segments_of", person, low, high):
            people = unpack(segment["people"], U32)
            first, last = (
                np.searchsorted(people, person, "left"),
                np.searchsorted(people, person, "right"),
            )
            found.update(unpack(segment["batches"], U64)[first:last].tolist())
    octets = person.to_bytes(4, "little")
    for begin, end in ((low, min(high, since)), (max(low, upto), high)):
        if begin < end:
            for row in await queries.fetch("written_unsorted", begin, end, octets):
                # Octets may stand across two numbers.
                if bool(np.any(unpack(row["people"], U32) == person)):
                    found.add(row["id"])
    return sorted((one for one in found if low <= one < high), reverse=True)


class Written:
    """Tells who wrote to somebody."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def senders(self, person: int, within_s: float) -> list[int]:
        """Return the senders that wrote to a person within some time."""
        now = self._clock.now()
        low, high = batch_id(int((now - within_s) * 1000), 0), batch_id(int((now + 60) * 1000), 0)
        found = await batches_of(self._store, person, low, high)
        rows = await self._store.fetch("batches_senders", found)
        return sorted(int(row["sender_id"]) for row in rows)
