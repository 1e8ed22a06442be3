"""Consents that wait outside the ledger, and how they are opened: a thousand a transaction.

What an import brings is kept in rows of people and times first. A row is opened by appending its
entries; until then it is nothing. It waits while the import is reviewed, while people are asked
whether it is true, while a sender has opened its share of mere assertions, and while witnesses are
missing. Refusals and codes never wait here. A row is opened whole or not at all, so a crash at any
point finds it waiting or in the ledger.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.consent.entry import Entry, decode, encode, encode_many
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, U64, pack, unpack
from assent.flow.kept_evidence import back
from assent.flow.ledger import append
from assent.flow.live import Live
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.projection import project
from assent.flow.witnessing import Witnessed, furthest
from assent.message import Grade
from assent.policy.worth import Worth

CHANNEL: Final = "consents"
_DAY_S: Final = 86_400.0
_NO_ROOM_S: Final = 3_600.0
_AT_ONCE: Final = 100
People = npt.NDArray[np.uint32]
Times = npt.NDArray[np.uint64]


async def keep(
    tx: Transaction,
    number: int | None,
    template: Entry,
    people: People,
    times: npt.NDArray[Any],
    look_at: float | None,
) -> int:
    """Keep consents that differ in person and time only; return the row. People ascend."""
    plain = encode(replace(template, person=1, at_ms=1))
    at = None if look_at is None else utc(look_at)
    columns = pack(people, U32), pack(times.astype(np.uint64), U64)
    row: int = await tx.fetchval("waiting_put", number, plain, *columns, at)
    return row


class Witness:
    """Tells whether new consents may open anything. `wanted`: witnesses are configured."""

    def __init__(self, wanted: bool) -> None:
        self.wanted = wanted

    async def missing(self, queries: Queries, now: float) -> bool:
        """Return whether no witness was there for too long: refusals and codes go on, new consents
        wait. A ledger that has only begun is not older than its first entry."""
        if not self.wanted:
            return False
        began = await queries.fetchval("entry_first_at")
        if began is None:
            return False
        seen = furthest(await queries.fetch("witnesses_all"))
        since = Witnessed(seen.size, max(seen.at, began.timestamp()))
        head: int = await queries.fetchval("ledger_head")
        return not since.holds(head + 1, now)


class Grants:
    """Consents that people give themselves: into the ledger at once, unless witnesses are
    missing."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness

    async def put(self, tx: Transaction, entries: Sequence[Entry], now: float) -> int:
        """Append entries, or keep them until a witness is back; return how many were appended. The
        caller's transaction has its locks."""
        if not entries:
            return 0
        if await self._witness.missing(tx, now):
            for entry in entries:
                who, at = np.array([entry.person], np.uint32), np.array([entry.at_ms], np.uint64)
                await keep(tx, None, entry, who, at, now)
            return 0
        done = await append(tx, entries, utc(now))
        await project(tx, list(zip(done.positions, entries, strict=True)))
        return len(entries)


class Opener:
    """Opens what may be opened. `random` gives octets that nobody can foresee: who is asked."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        live: Live,
        worth: Worth,
        witness: Witness,
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._live = live
        self._worth = worth
        self._witness = witness
        self._random = random
        self.opened = 0
        self.last_error = ""
        self.waiting = 0  # rows, when `look` looked
        self.waiting_s = 0.0  # for how long the oldest could have been open

    async def open_import(self, number: int, now: float) -> int:
        """Open what of one import may be opened now; return how many people."""
        if await self._witness.missing(self._store, now):
            return 0
        rows = await self._store.fetch("waiting_of_import", number, utc(now))
        return sum([await self.open_row(row["id"], now) for row in rows])

    async def step(self, now: float) -> int:
        """Open the next rows that may be opened; return how many were looked at."""
        if await self._witness.missing(self._store, now):
            return 0
        rows = await self._store.fetch("waiting_due", utc(now), _AT_ONCE)
        for row in rows:
            try:
                await self.open_row(row["id"], now)
            except InvalidInput as error:
                # One that cannot be opened does not hold up the others.
                self.last_error = error.code
                await self._store.execute("waiting_look", row["id"], utc(now + _NO_ROOM_S))
        return len(rows)

    async def look(self, now: float) -> None:
        """Count what waits though nothing of its own holds it, for whoever watches."""
        row = await self._store.fetchrow(
            "waiting_count",
        )
        self.waiting = 0 if row is None else row["count"]
        oldest = None if row is None else row["oldest"]
        self.waiting_s = 0.0 if oldest is None else max(0.0, now - oldest.timestamp())

    async def open_row(self, row_id: int, now: float) -> int:
        """Open a row if nothing holds it; return how many people."""
        async with self._store.transaction() as tx:
            number = await tx.fetchval("waiting_import", row_id)
            held = None if number is None else await tx.fetchrow("import_hold", number)
            if held is not None and (held["state"] != "open" or held["denied"]):
                await tx.execute("waiting_look", row_id, None)
                return 0
            row = await tx.fetchrow("waiting_hold", row_id)
            if row is None:
                return 0
            template = self._now_in_group(decode(bytes(row["template"])))
            if held is not None and template.grade is Grade.ASSERTION:
                if row["asked_at"] is None:
                    await self._ask_first(tx, held, row, template, now)
                    return 0
                if not await self._answered(tx, row, now):
                    return 0
            return await self._open(tx, held, row, template, now)

    def _now_in_group(self, template: Entry) -> Entry:
        """Return an entry for the group that the sender belongs to by now."""
        sender = self._catalogue.senders.get(template.sender)
        return template if sender is None else replace(template, group=sender.group_id)

    async def _open(
        self, tx: Transaction, held: Any | None, row: Any, template: Entry, now: float
    ) -> int:
        people, times = await self._new(tx, row, template, now)
        first = None
        if len(people):
            bodies = encode_many(template, people, times)
            pairs = zip(people.tolist(), times.tolist(), strict=True)
            entries = [replace(template, person=who, at_ms=at_ms) for who, at_ms in pairs]
            done = await append(tx, entries, utc(now), bodies)
            await project(tx, list(zip(done.positions, entries, strict=True)))
            first = done.positions[0]
            if held is not None:
                await back(
                    tx, held["account_id"], held["evidence_sha256"], template, done.positions
                )
        await tx.execute("waiting_opened", row["id"], utc(now), first, len(people))
        if held is not None:
            await tx.execute("import_opened", held["id"])
            if template.grade is Grade.DOCUMENT:
                await self._choose_some(tx, held["id"], row["id"], template, people, now)
        self.opened += len(people)
        return len(people)

    async def _new(
        self, tx: Queries, row: Any, template: Entry, now: float
    ) -> tuple[People, Times]:
        """Return those of a row whose consent says something new. What stands already at this
        grade or better, for good, adds nothing: an end is something new, and so is having none; of
        who has no number any more nothing is written. What people gave themselves is always
        written."""
        people, times = unpack(row["people"], U32), unpack(row["times"], U64)
        found = await tx.fetch("people_with_number", people.astype(np.int64).tolist())
        new = np.isin(people, np.array([one["id"] for one in found], np.uint32))
        if template.grade is not Grade.RECEIVER and not template.expires_ms:
            await self._live.sync(tx)
            stands = self._live.grades(template.programme, people, now) >= int(template.grade)
            new &= ~(stands & self._live.standings.endless(template.programme, people))
        return people[new], times[new]

    # Asking ----------------------------------------------------------------------------------

    async def _ask_first(
        self, tx: Transaction, held: Any, row: Any, template: Entry, now: float
    ) -> None:
        """Choose of an assertion's people as many as the sender may open still, and of these who
        is asked first. When it opens is settled now, whatever anybody answers: a customer who
        watches learns nothing of one person."""
        rules = self._worth.assertion
        await tx.fetch("assertion_hold", template.sender)
        since = utc(now - rules.days * _DAY_S)
        used: int = await tx.fetchval("assertion_used", template.sender, since)
        people, times = await self._new(tx, row, template, now)
        room = max(0, rules.most - used)
        if len(people) and not room:
            await tx.execute("waiting_look_import", held["id"], utc(now + _NO_ROOM_S))
            return
        if len(people) > room:
            rest = slice(room, None)
            await keep(tx, held["id"], template, people[rest], times[rest], now)
            people, times = people[:room], times[:room]
        opens = now + self._worth.audits.answer_hours * 3_600.0
        columns = pack(people, U32), pack(times, U64)
        await tx.execute("waiting_asked", row["id"], *columns, utc(now), utc(opens))
        count = math.ceil(len(people) * rules.asked_first)
        await self._choose(tx, held["id"], row["id"], template, people, count, now, True)

    async def _answered(self, tx: Transaction, row: Any, now: float) -> bool:
        """Return whether every answer is in that a row waits for; one that nobody could be asked
        about is not opened."""
        counts = {
            one["state"]: one["count"] for one in await tx.fetch("audits_of_waiting", row["id"])
        }
        open_ = sum(counts.get(state, 0) for state in ("waiting", "sent", "unclear"))
        nobody = bool(counts) and set(counts) == {"unroutable"}
        if open_ or nobody:
            await tx.execute("waiting_look", row["id"], utc(now + _NO_ROOM_S / 4))
        return not open_ and not nobody

    async def _choose_some(
        self, tx: Transaction, number: int, row_id: int, template: Entry, people: People, now: float
    ) -> None:
        """Choose whom to ask of what was opened on documents: a share, by the day's chance."""
        rng = self._rng()
        wanted = len(people) * self._worth.audits.document_rate
        count = int(wanted) + (rng.random() < wanted % 1)
        await self._choose(tx, number, row_id, template, people, count, now, False)

    async def _choose(
        self, tx: Transaction, number: int, row_id: int, template: Entry, people: People,
        count: int, now: float, before: bool,
    ) -> None:  # fmt: skip
        if not count:
            return
        rules, rng = self._worth.audits, self._rng()
        since = utc(now - rules.person_days * _DAY_S)
        who = people.astype(np.int64).tolist()
        rows = await tx.fetch("audit_askable", who, template.group, since, template.programme)
        askable = sorted(row["person_id"] for row in rows)
        chosen = rng.sample(askable, min(count, len(askable)))
        within = 0.0 if before else rules.within_days * _DAY_S
        due = [utc(now + rng.random() * within) for _ in chosen]
        await tx.execute("audits_put", number, row_id, before, chosen, due)
        if before:
            await tx.execute("notify", "confirm", "")

    def _rng(self) -> Random:
        return Random(self._random(32))
