"""The auditor's check of standing: everybody's entries are added up again, and compared.

Entries are read by person, in pages, so memory holds a page and one person however large the ledger
is. Each page and the tables that it is compared with are of one snapshot, so the platform may run.
A fault names a position and a programme or group, never a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from assent.consent.entry import NOBODY, Entry, decode
from assent.consent.standing import Ledger, fold
from assent.errors import InvalidInput
from assent.flow.fsck import Fault
from assent.flow.needs import Queries, Store

PAGE: Final = 20_000
_MOST: Final = 1_000
_LAST: Final = 2**31 - 1
Key = tuple[str, int, int]
"""(table, programme or group, person)"""
Row = tuple[tuple[int, ...], int]
"""(what it says, the position that it stands on)"""


@dataclass(slots=True)
class Standings:
    """What a check came to. More than :data:`_MOST` faults are counted, and not listed."""

    people: int = 0
    standings: int = 0
    refusals: int = 0
    programme_refusals: int = 0
    pauses: int = 0
    more: int = 0
    faults: list[Fault] = field(default_factory=list)


async def check_standing(store: Store, page: int = PAGE) -> Standings:
    """Add everything up again; return what differs from the tables that dispatch goes by."""
    found = Standings()
    last = NOBODY
    while last < _LAST:
        async with store.transaction(isolation="repeatable_read", read_only=True) as tx:
            rows = await _whole_people(tx, last, page)
            upto = rows[-1]["person_id"] if rows else _LAST
            expected = dict(_expected(rows, found))
            there = await _there(tx, last, upto)
        _compare(expected, there, found)
        last = upto
    return found


async def _whole_people(tx: Queries, after: int, page: int) -> list[Any]:
    """Return the entries of the next people, every one of theirs; at least one person's."""
    rows = await tx.fetch("entries_behind_person", after, page)
    if len(rows) < page:
        return rows
    last = rows[-1]["person_id"]
    whole = [row for row in rows if row["person_id"] != last]
    # One whose entries fill a page is read alone, and whole.
    return whole or await tx.fetch("entries_of_people", [last])


def _expected(rows: Iterable[Any], found: Standings) -> Iterator[tuple[Key, Row]]:
    for person, some in groupby(rows, key=lambda row: row["person_id"]):
        found.people += 1
        entries: list[tuple[int, Entry]] = []
        for row in some:
            try:
                entries.append((row["position"], decode(bytes(row["body"]))))
            except InvalidInput:
                _fault(found, "entry_not_canonical", f"entry {row['position']}")
        yield from _sum(fold(entries), person, entries)


def _sum(
    ledger: Ledger, person: int, entries: list[tuple[int, Entry]]
) -> Iterator[tuple[Key, Row]]:
    for (programme, _), one in ledger.standings.items():
        says = int(one.grade), one.expires_ms // 1000, int(one.fresh)
        yield ("standing", programme, person), (says, one.since)
    last = entries[-1][0] if entries else 0
    for programme, mask in ledger.masks("programme", person).items():
        yield ("programme_refusal", programme, person), ((mask,), last)
    for group, mask in ledger.masks("refusal", person).items():
        yield ("refusal", group, person), ((mask,), last)
    for group, mask in ledger.masks("pause", person).items():
        yield ("pause", group, person), ((mask,), last)


async def _there(tx: Queries, after: int, upto: int) -> dict[Key, Row]:
    """Return what the tables say of the people after one, up to another."""
    there: dict[Key, Row] = {}
    for row in await tx.fetch("standing_between", after, upto):
        says = row["grade"], row["expires"], int(row["fresh"])
        there["standing", row["programme_id"], row["person_id"]] = (says, row["position"])
    for row in await tx.fetch("programme_refusal_between", after, upto):
        key = "programme_refusal", row["programme_id"], row["person_id"]
        there[key] = (1,), row["position"]
    refusals = await tx.fetch("refusal_between", after, upto)
    pauses = await tx.fetch("pause_between", after, upto)
    for table, rows in (("refusal", refusals), ("pause", pauses)):
        for row in rows:
            there[table, row["group_id"], row["person_id"]] = (row["purposes"],), row["position"]
    return there


def _compare(expected: dict[Key, Row], there: dict[Key, Row], found: Standings) -> None:
    for key in sorted({*expected, *there}):
        table, where, _ = key
        setattr(found, f"{table}s", getattr(found, f"{table}s") + (key in expected))
        ours, theirs = expected.get(key), there.get(key)
        if ours == theirs or (ours and theirs and table != "standing" and ours[0] == theirs[0]):
            continue
        what = "extra" if ours is None else "missing" if theirs is None else "other"
        kind = "group" if table in ("refusal", "pause") else "programme"
        position = (ours or theirs or ((), 0))[1]
        _fault(found, f"{table}_{what}", f"{kind} {where}, entry {position}")


def _fault(found: Standings, code: str, place: str) -> None:
    if len(found.faults) < _MOST:
        found.faults.append(Fault(code, place))
    else:
        found.more += 1
