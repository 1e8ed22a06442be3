"""Erasing a person: number and secret are deleted, and with them whatever could lead to her.

One transaction under the platform's lock, which every commit of attempts shares: behind it nothing
that was queued for her leaves, not even a code, since every pending message is older than the entry
ERASED. The entries about her stay, as leaves that nobody can open (consent/leaf.py). What else
holds her number or her words is cleaned by a walk over the tables (traces.py); docs/erasure.md has
the inventory.

The number's mark stays unless she declines it (marks.py): without it a new import could do what she
asked to be spared.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.errors import NotFound
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.labels import forget_labels
from assent.flow.ledger import append
from assent.flow.marks import Marks
from assent.flow.needs import Store, Transaction, utc
from assent.flow.projection import project
from assent.flow.requests import Caller
from assent.flow.staff import keep_act
from assent.flow.vault import Vault

Cause = Literal["receiver", "staff"]
State = Literal["erased", "held", "unknown"]

_PORTION: Final = 20
MONTH: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Wish:
    """Who is to be forgotten. `cause`: the receiver proved her number, or staff recorded a
    `ground`. `keep_mark`: False only where she was told what it is for, and declined."""

    msisdn: int
    cause: Cause
    keep_mark: bool = True
    ground: str = ""
    channel: Channel = Channel.WEB
    at_ms: int = 0  # when she asked, where that was before now


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of it: `erased`; `held` by a legal hold, until a time (None: until it is lifted);
    `unknown`, where nobody had the number."""

    state: State
    until: datetime | None = None


def belongs(person: int) -> str:
    """Return what the sealed number of an erased person belongs to."""
    return f"erasure.sealed/{person}"


class Journal(Protocol):
    """That people are over, told outside the database, for when an old backup is restored."""

    def over(self, entries: Sequence[Entry], marks: Sequence[bytes], keep: bool) -> Awaitable[None]:
        """Begin to write, with the marks of the numbers and whether these are to stay; what is
        returned ends once it is durable there, or cannot be: it never raises."""


class Erasing:
    """Erasures and legal holds. `content_months`: how long texts of messages must be kept.
    `journal`: where an erasure is kept a second time."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        content_months: int = 6,
        journal: Journal | None = None,
    ) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock
        self._vault = vault
        self._marks = Marks(vault)
        self._content_months = content_months

    async def erase(self, wish: Wish, by: Caller | None = None) -> Erased:
        """Erase who has a number; `by`: of the staff, whose act is written down. The caller has
        seen the proof of the number, or the ground. To repeat it does no harm: where the answer was
        lost, `unknown` says that nobody has the number (any more)."""
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            row = await tx.fetchrow("erasure_person_hold", wish.msisdn)
            person = None if row is None else int(row["id"])
            erased = await self._erase(tx, person, wish, self._clock.now())
            if by is not None:
                subject = f"person:{person}" if person else ""
                told = {"ground": wish.ground, "mark": wish.keep_mark, "state": erased.state}
                await keep_act(tx, by, self._clock.now(), "person.erase", subject, {}, told)
        return erased

    async def _erase(self, tx: Transaction, person: int | None, wish: Wish, now: float) -> Erased:
        if person is not None:
            holds = await tx.fetch("legal_holds_in_force", [person], utc(now))
            if holds:
                words = (person, wish.cause, wish.ground, wish.keep_mark)
                await tx.fetchval("erasure_put", *words, "held", None, utc(now), None)
                return Erased("held", None if holds[0]["open"] else holds[0]["until"])
        if wish.keep_mark:
            await self._marks.put(tx, [wish.msisdn], "erased", utc(now))
        else:
            await self._marks.drop(tx, wish.msisdn)
        if person is None:
            return Erased("unknown")
        await self._forget(tx, person, wish, now)
        return Erased("erased")

    async def _forget(self, tx: Transaction, person: int, wish: Wish, now: float) -> None:
        at = utc(now)
        entry = _entry(person, wish, now)
        # Told at once: it does no harm where this fails, since she asked for it.
        told = None
        if self._journal is not None:
            told = self._journal.over([entry], [self._marks.digest(wish.msisdn)], wish.keep_mark)
        await tx.execute("person_forget", [person])
        await tx.execute("replies_forget", person, at)
        await tx.execute("complaints_forget", person)
        await tx.execute("complaint_words_forget", person)
        await tx.execute("inbound_unread_forget", person)
        await tx.execute("asking_forget", person)
        await tx.execute("places_forget", person)
        await close_open(tx, [person])
        await tx.execute("receiver_forget", person)
        await forget_labels(tx, person)
        sealed = self._vault.seal(str(wish.msisdn).encode(), belongs(person))
        due = at + self._content_months * MONTH
        words = (person, wish.cause, wish.ground, wish.keep_mark)
        await tx.fetchval("erasure_put", *words, "cleaning", sealed, at, due)
        if told is not None:
            await told  # before a position is drawn, so that nobody's commit waits for the disk
        done = await append(tx, [entry], at)
        await project(tx, [(done.positions[0], entry)])

    async def held_over(self) -> int:
        """Carry out erasures that waited for legal holds which are over; return how many."""
        now = self._clock.now()
        rows = await self._store.fetch("erasures_held", utc(now), _PORTION)
        for row in rows:
            async with self._store.transaction() as tx:
                await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
                held = await tx.fetchrow("erasure_person_again", row["person_id"])
                if held is None:
                    await tx.execute("erasure_void", row["person_id"], utc(now))
                    continue
                wish = Wish(int(held["msisdn"]), row["cause"], row["keep_mark"], row["ground"])
                await self._erase(tx, int(held["id"]), wish, now)
        await self._store.execute("legal_holds_over", utc(now))
        return len(rows)

    # Legal holds -----------------------------------------------------------------------------

    async def hold(
        self, caller: Caller, msisdn: int, why: str, until: datetime | None
    ) -> dict[str, Any]:
        """Keep what is known of who has a number. Raises NotFound."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("erasure_person_hold", msisdn)
            if row is None:
                raise NotFound("no_person", "nothing is known of this number", field="recipient")
            number = await tx.fetchval("legal_hold_put", row["id"], why, until, utc(now))
            told = {"why": why, "until": until.isoformat() if until else None}
            await keep_act(
                tx, caller, now, "person.hold", f"person:{row['id']}", {}, {"id": number, **told}
            )
        return {"id": str(number), "person": int(row["id"]), **told}

    async def lift(self, caller: Caller, hold: int) -> dict[str, Any]:
        """Lift a legal hold; erasures that waited for it are carried out soon. Raises NotFound."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            if await tx.fetchval("legal_hold_lift", hold, utc(now)) is None:
                raise NotFound("no_hold", "there is no such legal hold in force", field="id")
            await keep_act(tx, caller, now, "person.lift", f"hold:{hold}", {}, {})
        return {"id": str(hold), "lifted_at": utc(now)}

    async def listed(self, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return erasures after a cursor, without anybody's number."""
        rows = await self._store.fetch("erasures_page", cursor, limit)
        return {
            "items": [{**row, "id": str(row["id"])} for row in rows],
            "cursor": rows[-1]["id"] if rows else cursor,
            "more": len(rows) == limit,
        }

    async def holds(self, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return legal holds in force after a cursor."""
        now = utc(self._clock.now())
        rows = await self._store.fetch("legal_holds_page", cursor, now, limit)
        return {
            "items": [{**row, "id": str(row["id"])} for row in rows],
            "cursor": rows[-1]["id"] if rows else cursor,
            "more": len(rows) == limit,
        }


def _entry(person: int, wish: Wish, now: float) -> Entry:
    return Entry(
        at_ms=wish.at_ms or int(now * 1000),
        kind=Kind.ERASED,
        person=person,
        scope=Scope.PLATFORM,
        channel=wish.channel,
        origin=Origin.RECEIVER if wish.cause == "receiver" else Origin.STAFF,
    )


async def close_open(tx: Transaction, people: list[int]) -> None:
    """End what waits to be written to people who are over."""
    await tx.execute("invitations_forget", people)
    await tx.execute("asking_over", people)
    await tx.execute("confirmations_forget", people)
    await tx.execute("help_answers_forget", people)
