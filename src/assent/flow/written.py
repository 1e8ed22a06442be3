"""Which batches hold a person: found by who was written to, newest first."""

from __future__ import annotations

from typing import Final

import numpy as np

from assent.clock import Clock
from assent.flow.columns import U32, pack, unpack
from assent.flow.needs import Store
from assent.message import batch_id

LOOK_BACK_S: Final = 30 * 86_400.0


class Written:
    """Looks up."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def senders(self, person: int, within_s: float) -> list[int]:
        """Return the senders that wrote to a person within some time."""
        since = batch_id(int((self._clock.now() - within_s) * 1000), 0)
        rows = await self._store.fetch("senders_to_person", since, pack([person], U32))
        # Octets may stand across two numbers.
        return sorted(
            {
                int(row["sender_id"])
                for row in rows
                if bool(np.any(unpack(row["people"], U32) == person))
            }
        )
