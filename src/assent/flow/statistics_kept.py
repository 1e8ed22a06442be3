"""Figures that others made, kept: what a centre published, how many users carriers have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

from assent.clock import Clock
from assent.flow.needs import Store, utc
from assent.flow.requests import Caller
from assent.flow.staff import keep_act

Kept = Literal["published", "users"]
_PUT: Final[dict[Kept, str]] = {
    "published": "statistics_published_put",
    "users": "statistics_users_put",
}


class StatisticsKept:
    """Keeps them. Who may is checked by whoever calls."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def keep(
        self, caller: Caller, what: Kept, rows: Sequence[tuple[Any, ...]], wrong: int
    ) -> dict[str, int]:
        """Keep all rows of a file in one transaction, with the record of who did; return how many
        there are, how many were new or changed, and how many were `wrong`.

        `rows`: the columns of the table in its order, without when and who. The same rows again
        change nothing.
        """
        at = self._clock.now()
        changed = 0
        async with self._store.transaction() as tx:
            for row in rows:
                done = await tx.fetchval(
                    _PUT[what], *row, utc(at), caller.key_id, caller.actor_id
                )  # fmt: skip
                changed += done is not None
            told = {"figures": len(rows), "changed": changed, "wrong": wrong}
            await keep_act(tx, caller, at, f"statistics_{what}", "", {}, told)
        return told
