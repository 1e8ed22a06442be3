"""Caps in a replay: claims as they would have been made under the rulebook that is tried.

Every message that would have been let through claims at the moment it might have left. What went in
the days before the time is taken from the batches, all of them. Held in memory, 8 octets a message
and list of claims, for the nine days that caps look back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.claims import HORIZON_S, ClaimBook
from assent.flow.columns import U32, unpack
from assent.flow.needs import Queries
from assent.flow.replay_judge import Claims, Moments
from assent.flow.replay_parts import Part
from assent.message import Purpose
from assent.policy.rulebook import Rulebook

_PAGE: Final = 1_000


class Claimed:
    """Who was written to when, as far as caps of `rulebook` look."""

    def __init__(self, queries: Queries, rulebook: Rulebook) -> None:
        self._queries = queries
        self._book = ClaimBook(rulebook)
        self._purposes = [int(one) for one in Purpose if rulebook.caps_for(one)]

    async def before(self, high: int) -> None:
        """Read what went in the days before an id."""
        last = high - (int(HORIZON_S * 1000) << 11)
        while rows := await self._queries.fetch("replay_claims", last, high, self._purposes, _PAGE):
            last = rows[-1]["id"]
            for row in rows:
                who = (Purpose(row["purpose"]), row["sender_id"], row["group_id"])
                self._add(who, unpack(row["people"], U32), row["not_before"].timestamp())

    def of(self, part: Part) -> Claims:
        """Return what tells the claims of a part's people by the moments they may leave at."""
        batch = part.batch
        assert batch is not None

        def claims(leave: Moments) -> Mapping[str, npt.NDArray[Any]]:
            columns = part.columns
            return self._book.counts(
                part.purpose, batch["sender_id"], batch["group_id"], columns.person,
                columns.zone, leave,
            )  # fmt: skip

        return claims

    def take(self, part: Part, through: npt.NDArray[np.bool_]) -> None:
        """Claim for those who are let through."""
        batch = part.batch
        assert batch is not None
        who = (part.purpose, batch["sender_id"], batch["group_id"])
        at = batch["not_before"].timestamp()
        if through.any():
            self._add(who, part.columns.person[through], at)
        self._book.expire(part.order["at"].timestamp())

    def _add(
        self, who: tuple[Purpose, int, int], people: npt.NDArray[np.uint32], at: float
    ) -> None:
        keys = self._book.keys(*who, people)
        self._book.took(
            [(key, people if mask is None else people[mask]) for key, mask in keys], at, ()
        )
