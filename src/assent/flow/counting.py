"""What may be told of how many people a choice has, so that no count tells of one person.

* Counts are as of one position of the ledger a day: who withdrew since is counted as though she had
  not, so that no two counts of a day tell that somebody did (DESIGN.md, promise 7).
* Below fifty nothing is told; above, full tens.
* A condition that leaves out one to forty-nine people is told as though it were not there, so that
  the difference of a count with it and one without it is no count of few.
* The same choice gets the same answer all day, and an account has a hundred choices a day.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.consent.entry import decode
from assent.consent.standing import fold
from assent.errors import Unavailable
from assent.flow.needs import Queries, Store

LEAST: Final = 50
CHOICES_A_DAY: Final = 100
_STEP: Final = 10
_DAY_S: Final = 86_400

People = npt.NDArray[np.uint32]


def shown(patterns: npt.NDArray[np.int64]) -> int:
    """Return what is told of how many people meet all conditions: 0 for fewer than fifty.

    `patterns`: by each set of conditions (a mask) how many people meet just these.
    """
    masks = np.arange(len(patterns))

    def count(wanted: int) -> int:
        return int(patterns[masks & wanted == wanted].sum())

    kept = len(patterns) - 1
    if count(kept) < LEAST:
        return 0
    conditions = [1 << place for place in range(kept.bit_length())]
    while narrow := [
        one for one in conditions if kept & one and 0 < count(kept & ~one) - count(kept) < LEAST
    ]:
        kept &= ~narrow[0]
    return count(kept) // _STEP * _STEP


class Counts:
    """The counts of all accounts. A day begins `daily_at_s` seconds after midnight, UTC: when
    customers learn of withdrawals."""

    def __init__(self, store: Store, daily_at_s: float) -> None:
        self._store = store
        self._daily_at_s = daily_at_s

    def day(self, now: float) -> int:
        """Return the number of the day."""
        return int((now - self._daily_at_s) // _DAY_S)

    async def told(self, account: int, day: int, digest: bytes) -> int | None:
        """Return what was told of a choice today, None for nothing yet. Raises Unavailable (429)
        when the account has asked for too many."""
        told: int | None = await self._store.fetchval("audience_count_get", account, day, digest)
        if told is None and (
            await self._store.fetchval("audience_counts", account, day) >= CHOICES_A_DAY
        ):
            raise Unavailable(
                "too_many_counts", f"an account counts at most {CHOICES_A_DAY} choices a day",
                rule="audiences: counts", mend="ask again tomorrow", status=429,
            )  # fmt: skip
        return told

    async def keep(self, account: int, day: int, digest: bytes, people: int) -> int:
        """Keep what is told of a choice; return it, or what was told meanwhile."""
        await self._store.execute("audience_count_put", account, day, digest, people)
        told: int = await self._store.fetchval("audience_count_get", account, day, digest)
        return told

    async def position(self, day: int) -> int:
        """Return the position as of which a day counts."""
        position: int | None = await self._store.fetchval("audience_day_position", day)
        if position is None:
            await self._store.execute("audience_day_begin", day)
            await self._store.execute("audience_days_past", day)
            position = await self._store.fetchval("audience_day_position", day)
            assert position is not None, "it was begun just now"
        return position


async def gone_since(
    queries: Queries, position: int, group: int, programme: int, now: float, least: int
) -> People:
    """Return who stood in a programme at a position, with at least this grade and not ended by
    date, and may have lost it since; ascending."""
    rows = await queries.fetch("ended_since", group, position)
    people = [row["person_id"] for row in rows]
    if not people:
        return np.empty(0, np.uint32)
    entries: dict[int, list[Any]] = {}
    for row in await queries.fetch("entries_of_people_before", people, position):
        place = (row["position"], decode(bytes(row["body"])))
        entries.setdefault(row["person_id"], []).append(place)
    stood = [
        person
        for person, known in entries.items()
        if fold(known).standing(programme, person).grade_at(int(now * 1000)) >= max(least, 1)
    ]
    return np.array(sorted(stood), np.uint32)
