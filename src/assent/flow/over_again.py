"""Erasures and reassignments that a restored backup does not know, done again from the journal.

The journal has the entry and the keyed digest of the number, not the number. Who has that number in
the backup is found by her id, or else by working out the digest of everybody's. Then she is erased,
or her number taken off, by the ordinary way; where nobody has the number, its mark alone is put
back, so that no list brings her in. What the ledger has already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, decode
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.erasure import Erasing, Wish
from assent.flow.journal import Noted
from assent.flow.ledger import append
from assent.flow.marks import Marks, Why, receiver_only
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.projection import project
from assent.flow.reassignment import close_people
from assent.flow.vault import Vault
from assent.message import Grade

GROUND: Final = "done again from the journal, after a backup was restored"
_PAGE: Final = 10_000
_AT_ONCE: Final = 1_000
_KINDS: Final = (Kind.ERASED, Kind.REASSIGNED)


@dataclass(slots=True)
class Again:
    """What came of it. `nobody`: nobody has the number, and its mark is back; `later`: somebody has
    it since, of whom only what she gives herself counts; `held`: a legal hold keeps her. `until`:
    for :func:`assent.flow.bring_back.bring_back`."""

    facts: int = 0
    there: int = 0
    erased: int = 0
    reassigned: int = 0
    nobody: int = 0
    later: int = 0
    held: int = 0
    until: dict[bytes, int] = field(default_factory=dict)


def facts_of(lines: Iterable[Noted | None]) -> list[Noted]:
    """Return who is over, the earliest first."""
    facts = [one for one in lines if one is not None and one.mark and one.entry.kind in _KINDS]
    return sorted(facts, key=lambda one: one.entry.at_ms)


async def over_again(
    store: Store, clock: Clock, facts: Sequence[Noted], vault: Vault, content_months: int
) -> Again:
    """Do again what the ledger does not have. Raises AssentError when the store fails; what was
    done until then stays, and the next run does the rest."""
    found = Again(len(facts))
    left = await _unknown(store, facts, found)
    if left:
        work = _Work(store, clock, vault, content_months, found)
        people = await work.people(left)
        for one in left:
            await work.again(one, people.get(one.mark))
    return found


async def _unknown(queries: Queries, facts: Sequence[Noted], found: Again) -> list[Noted]:
    """Return those whose entries the ledger does not have."""
    left = []
    for start in range(0, len(facts), _AT_ONCE):
        some = facts[start : start + _AT_ONCE]
        rows = await queries.fetch("ledger_of_people", sorted({one.entry.person for one in some}))
        there = {_key(decode(bytes(row["body"]))) for row in rows}
        for one in some:
            if _key(one.entry) in there:
                found.there += 1
                found.until[one.mark] = one.entry.at_ms
            else:
                left.append(one)
    return left


@dataclass(slots=True)
class _Work:
    store: Store
    clock: Clock
    vault: Vault
    content_months: int
    found: Again

    async def people(self, facts: Sequence[Noted]) -> dict[bytes, Any]:
        """Return who has each number now, by its mark: rows `id`, `msisdn`, `created_at`."""
        marks, wanted = Marks(self.vault), {one.mark for one in facts}
        ids = sorted({one.entry.person for one in facts})
        people: dict[bytes, Any] = {}
        for start in range(0, len(ids), _AT_ONCE):
            for row in await self.store.fetch("over_people", ids[start : start + _AT_ONCE]):
                mark = marks.digest(row["msisdn"])
                if mark in wanted:
                    people[mark] = row
        last = 0
        while len(people) < len(wanted):  # somebody else's id by now, or nobody's
            rows = await self.store.fetch("over_people_page", last, _PAGE)
            if not rows:
                break
            last = rows[-1]["id"]
            for row in rows:
                mark = marks.digest(row["msisdn"])
                if mark in wanted:
                    people[mark] = row
        return people

    async def again(self, one: Noted, row: Any | None) -> None:
        """Do one again. `row`: who has the number."""
        at_ms, erased = one.entry.at_ms, one.entry.kind is Kind.ERASED
        keep = one.keep or not erased
        why: Why = "erased" if erased else "reassigned"
        if row is None or row["created_at"].timestamp() * 1000 > at_ms:
            await self._mark(one.mark, keep, why, row)
        elif erased:
            wish = Wish(
                int(row["msisdn"]), "staff", keep, GROUND, one.entry.channel, at_ms
            )  # fmt: skip
            if one.entry.origin is Origin.RECEIVER:
                wish = replace(wish, cause="receiver", ground="")
            done = await Erasing(self.store, self.clock, self.vault, self.content_months).erase(
                wish
            )
            if done.state == "held":
                self.found.held += 1
                return
            self.found.erased += 1
        else:
            await self._reassigned(one, row)
        self.found.until[one.mark] = at_ms

    async def _reassigned(self, one: Noted, row: Any) -> None:
        at = utc(self.clock.now())
        person = int(row["id"])
        async with self.store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            held = await tx.fetchrow("erasure_person_again", person)
            if held is not None:
                entry = replace(one.entry, person=person)
                await close_people(tx, self.vault, {person: int(held["msisdn"])}, [entry], at)
        self.found.reassigned += 1

    async def _mark(self, mark: bytes, keep: bool, why: Why, row: Any | None) -> None:
        """Put a mark back; of who has the number since, only what she gives herself counts."""
        at = utc(self.clock.now())
        async with self.store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            if keep:
                await tx.execute("number_marks_put", [mark], why, at)
            if row is None:
                self.found.nobody += 1
                return
            self.found.later += 1
            if keep:
                await _only_hers(tx, int(row["id"]), at)


async def _only_hers(tx: Transaction, person: int, at: datetime) -> None:
    """Let only what a person gives herself count, and end what lists gave her meanwhile."""
    rows = await tx.fetch("ledger_of_people", [person])
    known = {row["position"]: decode(bytes(row["body"])) for row in rows}
    if any(entry.kind is Kind.RECEIVER_ONLY for entry in known.values()):
        return
    ended = [
        Entry(
            at_ms=int(at.timestamp() * 1000),
            kind=Kind.EXPIRED,
            person=person,
            group=known[row["position"]].group,
            sender=known[row["position"]].sender,
            programme=row["programme_id"],
            channel=Channel.PLATFORM,
            origin=Origin.PLATFORM,
            refers_to=row["position"],
        )
        for row in await tx.fetch("receiver_standing", person)
        if row["grade"] < Grade.RECEIVER and row["position"] in known
    ]
    entries = [receiver_only(person, at), *ended]
    done = await append(tx, entries, at)
    await project(tx, list(zip(done.positions, entries, strict=True)))


def _key(entry: Entry) -> tuple[int, int, int]:
    return int(entry.kind), entry.person, entry.at_ms
