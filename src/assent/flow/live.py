"""Standing, refusals and pauses in memory, following the ledger.

Loaded from the projections and kept current by reading new entries when their commit is
announced. It may lag by a moment: dispatch checks again in SQL, so a stale set can delay a
message and never leak one (DESIGN.md, "Standing lives in memory").
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.consent.entry import Kind, decode
from assent.consent.standing import RefusalSet, StandingSet, refused_for
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries
from assent.message import Grade, Purpose

CHANNEL: Final = "ledger"
_PAGE: Final = 20_000


class Live:
    """What the entries up to :attr:`position` add up to."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.standings = StandingSet()
        self.refusals = RefusalSet()
        self.pauses = RefusalSet()
        self.position = 0
        self._syncing = asyncio.Lock()

    async def load(self, queries: Queries) -> None:
        """Read the projections. Entries committed meanwhile are applied again by sync, which
        comes to the same."""
        self.position = await queries.fetchval("ledger_head")
        for row in await queries.fetch("standing_programmes"):
            rows = await queries.fetch("standing_of_programme", row["programme_id"])
            self.standings.load(
                row["programme_id"],
                np.array([r["person_id"] for r in rows], np.uint32),
                np.array([r["grade"] for r in rows], np.uint8),
                np.array([r["expires"] for r in rows], np.int64),
                np.array([r["fresh"] for r in rows], np.bool_),
            )
        for query, target in (("refusals_all", self.refusals), ("pauses_all", self.pauses)):
            by_group: dict[int, list[Any]] = {}
            for row in await queries.fetch(query):
                by_group.setdefault(row["group_id"], []).append(row)
            for group, rows in by_group.items():
                target.load(
                    group,
                    np.array([r["person_id"] for r in rows], np.uint32),
                    np.array([r["purposes"] for r in rows], np.uint8),
                )

    async def sync(self, queries: Queries) -> None:
        """Apply entries that were appended since."""
        async with self._syncing:
            while True:
                rows = await queries.fetch("entries_after", self.position, _PAGE)
                self._apply(rows)
                if rows:
                    self.position = rows[-1]["position"]
                if len(rows) < _PAGE:
                    return

    def _apply(self, rows: list[Any]) -> None:
        for row in rows:
            entry = decode(row["body"])
            person = np.array([entry.person], np.uint32)
            if entry.kind is Kind.GRANTED:
                outweighs = entry.grade is Grade.RECEIVER and self._refused(entry.group, person)
                self.standings.add(
                    entry.programme,
                    person,
                    int(entry.grade),
                    entry.expires_ms // 1000,
                    np.array([outweighs]),
                )
            elif entry.kind is Kind.WITHDRAWN:
                self.refusals.add(entry.group, person, entry.purposes)
                self._remove_standing(entry.group, person)
            elif entry.kind is Kind.PAUSED:
                self.pauses.add(entry.group, person, entry.purposes)
            elif entry.kind is Kind.RESUMED:
                self.pauses.clear(entry.group, person, entry.purposes)
            elif entry.kind is Kind.REASSIGNED:
                for programme in self._catalogue.programmes:
                    self.standings.remove(programme, person)

    def _refused(self, group: int, person: npt.NDArray[np.uint32]) -> bool:
        return bool(self.refusals.lookup(group, person)[0])

    def _remove_standing(self, group: int, person: npt.NDArray[np.uint32]) -> None:
        if group:
            programmes = self._catalogue.group_programmes.get(group, [])
        else:
            programmes = list(self._catalogue.programmes)
        for programme in programmes:
            self.standings.remove(programme, person)

    # For decisions -------------------------------------------------------------------------

    def grades(
        self, programme: int, people: npt.NDArray[np.uint32], now: float
    ) -> npt.NDArray[np.uint8]:
        """Return the grade of each person's standing, 0 where there is none."""
        return self.standings.lookup(programme, people, now)

    def refused(
        self,
        group: int,
        programme: int,
        purpose: Purpose,
        people: npt.NDArray[np.uint32],
        now: float,
    ) -> npt.NDArray[np.bool_]:
        """Return who has refused messages of this purpose from this group."""
        _, fresh = self.standings.lookup_fresh(programme, people, now)
        return refused_for(self.refusals, group, purpose, people, fresh)

    def paused(
        self, group: int, purpose: Purpose, people: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.bool_]:
        """Return for whom messages of this purpose wait until a person has read a reply."""
        return refused_for(self.pauses, group, purpose, people)
