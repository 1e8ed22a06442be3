"""What people's entries add up to, worked out again from all of them: after a correction.

A correction changes the past, so no statement over the tables can follow it: the entries of the
person are folded by the rule itself (consent/standing.py), and what differs is written. From its
first correction on a person is always folded so, whatever comes: that such people are few keeps it
cheap, and that there is one rule keeps it right.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from typing import Any

from assent.consent.entry import Entry, Kind, Scope, decode
from assent.consent.standing import PLATFORM, Ledger, fold
from assent.flow.needs import Queries, Transaction, utc

Row = tuple[int, Entry]


async def corrected_among(queries: Queries, rows: Sequence[Row]) -> set[int]:
    """Return those of the people some entries are about of whom an entry was ever corrected."""
    people = {entry.person for _, entry in rows}
    found = await queries.fetch("people_corrected", list(people))
    return {row["person_id"] for row in found}


async def refold(
    tx: Transaction, people: Collection[int], replies: Mapping[int, int] | None = None
) -> None:
    """Write what the entries of some people add up to now, in place of what the tables say.

    `replies`: the reply of a pause by its position, where it is not stored yet. The position
    counter is locked, so the entries are complete.
    """
    asked = sorted(people)
    rows = await tx.fetch("entries_to_fold", asked)
    standings: list[tuple[Any, ...]] = []
    refusals: list[tuple[Any, ...]] = []
    alone: list[tuple[Any, ...]] = []
    pauses: list[tuple[Any, ...]] = []
    for _, some in groupby(rows, key=lambda row: row["person_id"]):
        entries = [(row["position"], decode(bytes(row["body"]))) for row in some]
        ledger = fold(entries)
        standings += _standings(ledger)
        refusals += _refusals(ledger, entries)
        alone += _alone(ledger, entries)
        for position, (group, person, purposes) in ledger.pauses_by_position().items():
            pauses.append((position, group, person, purposes, (replies or {}).get(position, 0)))
    await tx.execute("standing_refold", asked, *_columns(standings, 6))
    await tx.execute("standing_keep", asked, *_columns(standings, 2))
    await tx.execute("refusals_refold", asked, *_columns(refusals, 5))
    await tx.execute("refusals_keep", asked, *_columns(refusals, 2))
    await tx.execute("programme_refusals_refold", *_columns(alone, 4))
    await tx.execute("programme_refusals_keep", asked, *_columns(alone, 2))
    await tx.execute("pauses_refold", *_columns(pauses, 5))
    await tx.execute("pauses_keep", asked, *_columns(pauses, 1))


def _standings(ledger: Ledger) -> list[tuple[Any, ...]]:
    return [
        (
            programme,
            person,
            int(standing.grade),
            standing.since,
            utc(standing.expires_ms / 1000) if standing.expires_ms else None,
            standing.fresh,
        )
        for (programme, person), standing in ledger.standings.items()
    ]


def _refusals(ledger: Ledger, entries: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return a row for each group that is refused: group, person, purposes, position, date."""
    dates: dict[tuple[int, int], dict[int, int]] = {}
    for (group, person, purpose), at_ms in ledger.refused_since().items():
        dates.setdefault((group, person), {})[purpose] = at_ms
    rows = []
    for (group, person), of_purpose in dates.items():
        mask = sum(1 << purpose for purpose in of_purpose)
        positions = [
            position
            for position, entry in entries
            if entry.kind is Kind.WITHDRAWN
            and entry.scope is not Scope.PROGRAMME
            and _reach(entry) == group
            and entry.at_ms in of_purpose.values()
        ]
        rows.append((group, person, mask, max(positions), utc(max(of_purpose.values()) / 1000)))
    return rows


def _alone(ledger: Ledger, entries: Sequence[Row]) -> list[tuple[Any, ...]]:
    """Return a row for each programme that is refused by itself: programme, person, position,
    date."""
    rows = []
    for (programme, person), at_ms in ledger.programmes_refused_since().items():
        positions = [
            position
            for position, entry in entries
            if entry.kind is Kind.WITHDRAWN
            and entry.scope is Scope.PROGRAMME
            and entry.programme == programme
        ]
        rows.append((programme, person, max(positions), utc(at_ms / 1000)))
    return rows


def _reach(entry: Entry) -> int:
    return PLATFORM if entry.scope is Scope.PLATFORM else entry.group


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Return the first columns of rows, empty ones where there are none."""
    return [[row[place] for row in rows] for place in range(width)]
