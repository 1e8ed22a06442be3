"""What people's will was at a position of the ledger, from its entries: what a decision that is
taken again needs to know of standing, refusals and pauses; and what their numbers are.

Entries are never changed, so that this can be told for any decision that is kept, also where the
projections have moved on. Only the numbers of erased people are gone; what they agreed to is not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.consent.entry import Entry, decode
from assent.consent.standing import PLATFORM, Ledger, fold
from assent.flow.needs import Queries
from assent.message import NEEDS_STANDING, Purpose
from assent.numbers import NumberTable

_Rows = dict[int, list[tuple[int, Entry]]]
_NOBODY: Final = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """People of one decision. `people` uint32[n], 0 for nobody; `at`: when it was taken, unix
    seconds; `position`: the last entry that it knew."""

    people: npt.NDArray[np.uint32]
    programme: int
    group: int
    purpose: Purpose
    position: int
    at: float


@dataclass(frozen=True, slots=True)
class Will:
    """What holds for the people asked about, in their order: as `grade`, `refused` and `paused` of
    :class:`assent.policy.facts.Facts`."""

    grade: npt.NDArray[np.uint8]
    refused: npt.NDArray[np.bool_]
    paused: npt.NDArray[np.bool_]


async def networks(
    queries: Queries, table: NumberTable, people: npt.NDArray[np.uint32]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint64]]:
    """Return each person's network and number, both 0 where the number is not kept any more."""
    numbers = np.zeros(len(people), np.uint64)
    if len(people):
        every, places = np.unique(people, return_inverse=True)
        found = {row["id"]: row["msisdn"] for row in await queries.fetch(
            "numbers_restored", [int(one) for one in every if one])}  # fmt: skip
        numbers = np.array([found.get(int(one)) or 0 for one in every], np.uint64)[places]
    network = np.where(numbers != 0, table.lookup(numbers).network, 0).astype(np.uint8)
    return network, numbers


async def wills(queries: Queries, asked: Sequence[Asked]) -> list[Will]:
    """Return each one's will, in order. Reads the entries of all people together: some ten
    thousands at a time, the caller sees to that."""
    everyone = np.unique(np.concatenate([one.people for one in asked])) if asked else ()
    rows: _Rows = defaultdict(list)
    last = max((one.position for one in asked), default=0)
    if len(everyone):
        who = [int(one) for one in everyone if one]
        for row in await queries.fetch("entries_restored", who, last):
            rows[row["person_id"]].append((row["position"], decode(bytes(row["body"]))))
    return [_will(one, rows) for one in asked]


def _will(asked: Asked, rows: _Rows) -> Will:
    n = len(asked.people)
    will = Will(np.zeros(n, np.uint8), np.zeros(n, np.bool_), np.zeros(n, np.bool_))
    known = [
        row
        for person in set(asked.people.tolist())
        if person != _NOBODY
        for row in rows.get(person, ())
        if row[0] <= asked.position
    ]
    if not known:
        return will
    known.sort(key=lambda row: row[0])
    ledger = fold(known)
    at_ms = int(asked.at * 1000)
    paused = _paused(ledger, asked)
    needs = asked.purpose in NEEDS_STANDING
    for place, person in enumerate(asked.people.tolist()):
        standing = ledger.standing(asked.programme, person)
        will.grade[place] = standing.grade_at(at_ms) if needs else 0
        fresh = standing.fresh and bool(standing.grade_at(at_ms))
        refused = ledger.refusals(asked.group, person) >> asked.purpose & 1
        will.refused[place] = not fresh and (
            bool(refused) or ledger.programme_refused(asked.programme, person)
        )
        will.paused[place] = person in paused
    return will


def _paused(ledger: Ledger, asked: Asked) -> frozenset[int]:
    return frozenset(
        who
        for reach, who, purposes in ledger.pauses_by_position().values()
        if reach in (asked.group, PLATFORM) and purposes >> asked.purpose & 1
    )
