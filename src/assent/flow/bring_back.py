"""Bringing back refusals that a restored backup does not know, from the journal beside it.

A refusal is brought back as the entry that it was: with its time, its way and its receipt code, at
a new position. What is there already is left alone, so it may be run again and beside traffic.
Nobody is written to about it: the confirmation was the business of the platform that took it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Entry, Scope, decode
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.journal import Noted
from assent.flow.ledger import append
from assent.flow.marks import Marks
from assent.flow.needs import Queries, Store, utc
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.vault import Vault

_AT_ONCE: Final = 500
_Key = tuple[int, int, int, int, str]


@dataclass(slots=True)
class Brought:
    """What came of it. `strange`: lines whose senders nobody knows here any more, which end
    marketing of everybody to the person instead; `over`: refusals of people who were erased, or
    whose number has a new holder, since; `unreadable`: lines that could not be opened."""

    lines: int = 0
    there: int = 0
    recovered: int = 0
    strange: int = 0
    over: int = 0
    unreadable: int = 0


async def bring_back(
    store: Store,
    clock: Clock,
    lines: Iterable[Noted | None],
    vault: Vault,
    over: Mapping[bytes, int] | None = None,
) -> Brought:
    """Append what the journal holds and the ledger does not. `over`: by the mark of a number until
    when (milliseconds) nobody who had it is there any more (over_again.py). Raises AssentError when
    the store fails; what was brought back until then stays."""
    found = Brought()
    marks = Marks(vault)
    directory = Directory(marks)
    for portion in _portions(lines, found):
        if over:
            left = [
                one for one in portion if one.entry.at_ms > over.get(marks.digest(one.msisdn), 0)
            ]
            found.over += len(portion) - len(left)
            portion = left
        await _bring(store, clock, directory, portion, found)
    if found.recovered:
        await store.execute("recovery_counted", found.recovered, utc(clock.now()))
    return found


def _portions(lines: Iterable[Noted | None], found: Brought) -> Iterator[list[Noted]]:
    rest = iter(lines)
    while some := list(islice(rest, _AT_ONCE)):
        some = [one for one in some if one is None or not one.mark]
        found.lines += len(some)
        found.unreadable += some.count(None)
        yield [one for one in some if one is not None]


async def _bring(
    store: Store, clock: Clock, directory: Directory, noted: Sequence[Noted], found: Brought
) -> None:
    now = utc(clock.now())
    noted = await _unknown(store, noted, found)
    if not noted:
        return
    numbers = np.array([one.msisdn for one in noted], np.uint64)
    people = (await directory.ids(store, numbers, now)).tolist()
    placed = await _Placing.of(store, noted)
    entries = [
        placed.entry(one, person, found)
        for one, person in zip(noted, people, strict=True)
        if person
    ]
    if not entries:
        return
    groups = sorted({entry.group for entry in entries})
    async with store.transaction() as tx:
        await tx.fetch("lock_exclusive", GROUP_CLASS, groups)
        rows = await tx.fetch("ledger_of_people", sorted({entry.person for entry in entries}))
        there = {_key(decode(bytes(row["body"]))) for row in rows}
        new: dict[_Key, Entry] = {}
        for entry in entries:
            if _key(entry) in there:
                found.there += 1
            else:
                new.setdefault(_key(entry), entry)
        if not new:
            return
        made = list(new.values())
        done = await append(tx, made, now)
        await project(tx, list(zip(done.positions, made, strict=True)))
    found.recovered += len(new)


async def _unknown(queries: Queries, noted: Sequence[Noted], found: Brought) -> list[Noted]:
    """Return the lines whose entries are not there as they were. First of all: who was erased since
    must not be met again by her number."""
    rows = await queries.fetch("ledger_of_people", sorted({one.entry.person for one in noted}))
    there = {_key(decode(bytes(row["body"]))) for row in rows}
    left = [one for one in noted if _key(one.entry) not in there]
    found.there += len(noted) - len(left)
    return left


@dataclass(slots=True)
class _Placing:
    """Where entries of another time belong here: ids may mean others since."""

    groups: dict[str, int]
    programmes: dict[int, int]

    @classmethod
    async def of(cls, queries: Queries, noted: Sequence[Noted]) -> _Placing:
        codes = sorted({code for one in noted for code in one.senders})
        programmes = sorted({one.entry.programme for one in noted if one.entry.programme})
        rows = await queries.fetch("groups_by_codes", codes)
        known = await queries.fetch("programmes_known", programmes)
        return cls(
            {row["credit_code"]: row["group_id"] for row in rows},
            {row["id"]: row["group_id"] for row in known},
        )

    def entry(self, one: Noted, person: int, found: Brought) -> Entry:
        entry = replace(one.entry, person=person)
        if entry.scope is Scope.PLATFORM:
            return entry
        known = [self.groups[code] for code in one.senders if code in self.groups]
        if not known:
            # Whose messages she meant cannot be told: nobody's advertising is the safe reading.
            found.strange += 1
            return replace(entry, scope=Scope.PLATFORM, group=EVERYONE, sender=0, programme=0)
        entry = replace(entry, group=known[0])
        if entry.programme and self.programmes.get(entry.programme) != entry.group:
            entry = replace(entry, scope=Scope.GROUP, programme=0)
        return entry


def _key(entry: Entry) -> _Key:
    return int(entry.kind), entry.person, entry.group, entry.at_ms, entry.receipt
