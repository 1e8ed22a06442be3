"""Standing, refusals and pauses in memory, following the ledger.

Loaded from the projections (projection.py) and kept current by reading them again for the
people whom new entries are about, when their commit is announced. It may lag by a moment:
dispatch checks again in SQL, so a stale set can delay a message and never leak one (DESIGN.md,
"Standing lives in memory").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.consent.entry import NOBODY, Kind
from assent.consent.standing import OVER, PLATFORM, RefusalSet, StandingSet, refused_for
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries, Store
from assent.flow.projected import load_masks, load_standings
from assent.message import Purpose

CHANNEL: Final = "ledger"
_PAGE: Final = 20_000
_WHOLE: Final = 0xFF
_NEAR: Final = frozenset(
    {Kind.REQUESTED, Kind.GRANTED, Kind.WITHDRAWN, Kind.PAUSED, Kind.EXPIRED, Kind.EVIDENCE}
)
"""Kinds of entries that change refusals and pauses of their own group, or of the platform, only."""
_AT_ONCE: Final = 256
"""Programmes that are changed before others get their turn."""


class Live:
    """What the entries up to :attr:`position` add up to."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.standings = StandingSet()
        self.refusals = RefusalSet()
        self.pauses = RefusalSet()
        self.programme_refusals = RefusalSet()  # by programme in the place of the group
        self.position = 0
        # Told of people who are over, before `position` covers that.
        self.on_over: Callable[[npt.NDArray[np.uint32]], None] = lambda people: None
        self._syncing = asyncio.Lock()

    async def load(self, store: Store) -> None:
        """Read the projections, all as of one moment (flow/projected.py)."""
        async with store.transaction(isolation="repeatable_read", read_only=True) as tx:
            position = await tx.fetchval("ledger_head")
            standings, refusals, pauses = StandingSet(), RefusalSet(), RefusalSet()
            alone = RefusalSet()
            await load_standings(tx, standings)
            await load_masks(tx, "refusals_copy", refusals)
            await load_masks(tx, "pauses_copy", pauses)
            await load_masks(tx, "programme_refusals_copy", alone)
        self.standings, self.refusals, self.pauses = standings, refusals, pauses
        self.programme_refusals = alone
        self.position = position

    async def sync(self, queries: Queries) -> None:
        """Follow the entries that were appended since: read again what the people they are
        about add up to. That may be newer than the entries, which are then read once more."""
        async with self._syncing:
            while True:
                rows = await queries.fetch("entries_after", self.position, _PAGE)
                about = [row for row in rows if row["person_id"] != NOBODY]
                if about:
                    await self._read_again(queries, about)
                    over = [row["person_id"] for row in about if row["kind"] in OVER]
                    if over:
                        self.on_over(np.unique(np.array(over, np.uint32)))
                if rows:
                    self.position = rows[-1]["position"]
                if len(rows) < _PAGE:
                    return

    async def _read_again(self, queries: Queries, entries: list[Any]) -> None:
        people = np.unique(np.array([row["person_id"] for row in entries], np.uint32))
        programmes = self._programmes(entries)
        asked = people.astype(np.int64).tolist()
        standings = await queries.fetch("standing_of_people", programmes, asked)
        refusals = await queries.fetch("refusals_of_people", asked)
        pauses = await queries.fetch("pauses_of_people", asked)
        refused = await queries.fetch("programme_refusals_of_people", asked)
        if any(row["kind"] == Kind.CORRECTED for row in entries):  # nothing else lets them go
            for programme in self.programme_refusals.groups():
                self.programme_refusals.clear(programme, people)
        for programme, some in _by_programme(refused).items():
            self.programme_refusals.add(programme, some, _WHOLE)
        for found, target in ((refusals, self.refusals), (pauses, self.pauses)):
            by_group = _by_group(found)
            groups = {*_groups(entries, target), *by_group}
            for place, group in enumerate(groups, start=1):
                target.clear(group, people)
                if group in by_group:
                    target.add(group, *_mask_columns(by_group[group]))
                if place % _AT_ONCE == 0:
                    await asyncio.sleep(0)
        by_programme: dict[int, list[Any]] = {programme: [] for programme in programmes}
        for row in standings:
            by_programme[row["programme_id"]].append(row)
        for place, (programme, rows) in enumerate(by_programme.items(), start=1):
            self.standings.remove(programme, people)
            if rows:
                self.standings.add(programme, *_standing_columns(rows))
            if place % _AT_ONCE == 0:
                # Somebody who is over everywhere is looked for in every programme there is.
                await asyncio.sleep(0)

    def _programmes(self, entries: list[Any]) -> list[int]:
        """Return the programmes in which some entries can have changed a standing."""
        found: set[int] = set()
        for kind, programme, group in {
            (row["kind"], row["programme_id"], row["group_id"]) for row in entries
        }:
            if programme:
                found.add(programme)
            elif group and kind != Kind.EVIDENCE:  # which belongs where its grant does
                found.update(self._catalogue.group_programmes.get(group, ()))
            else:
                found.update(self._catalogue.programmes)
                found.update(self.standings.programmes())
        return sorted(found)

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
        alone = self.programme_refusals.lookup(programme, people) != 0
        refused: npt.NDArray[np.bool_] = alone & ~fresh
        return refused | refused_for(self.refusals, group, purpose, people, fresh)

    def paused(
        self, group: int, purpose: Purpose, people: npt.NDArray[np.uint32]
    ) -> npt.NDArray[np.bool_]:
        """Return for whom messages of this purpose wait until a person has read a reply."""
        return refused_for(self.pauses, group, purpose, people)


def _standing_columns(
    rows: list[Any],
) -> tuple[
    npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.bool_]
]:
    return (
        np.array([r["person_id"] for r in rows], np.uint32),
        np.array([r["grade"] for r in rows], np.uint8),
        np.array([r["expires"] for r in rows], np.int64),
        np.array([r["fresh"] for r in rows], np.bool_),
    )


def _mask_columns(rows: list[Any]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8]]:
    return (
        np.array([r["person_id"] for r in rows], np.uint32),
        np.array([r["purposes"] for r in rows], np.uint8),
    )


def _groups(entries: list[Any], target: RefusalSet) -> Iterable[int]:
    """Return the groups in which some entries can have changed what people refused, or pauses."""
    if all(row["kind"] in _NEAR for row in entries):
        return {PLATFORM, *(row["group_id"] for row in entries)}
    return target.groups()


def _by_group(rows: list[Any]) -> dict[int, list[Any]]:
    by_group: dict[int, list[Any]] = {}
    for row in rows:
        by_group.setdefault(row["group_id"], []).append(row)
    return by_group


def _by_programme(rows: list[Any]) -> dict[int, npt.NDArray[np.uint32]]:
    people: dict[int, list[int]] = {}
    for row in rows:
        people.setdefault(row["programme_id"], []).append(row["person_id"])
    return {programme: np.array(some, np.uint32) for programme, some in people.items()}
