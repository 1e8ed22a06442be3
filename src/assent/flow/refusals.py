"""Refusals: one transaction under the exclusive locks of the groups concerned.

It appends the ledger entries, ends standing, and leaves one confirmation for each change of
standing, keyed by its entry. What is queued for the pair needs no touch: dispatch checks every
batch against the ledger before it commits an attempt, so it is cancelled there; what is in
flight is what the confirmation waits for (DESIGN.md, "Reply → refusal").
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U16, U32, array_literal, unpack
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.ledger import append
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.projection import project

REPEAT_AFTER_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One person's refusal. `groups`: whose messages, (0,) for everybody's. `programme`: the only
    one that is refused, of the one group that is named."""

    person: int
    groups: tuple[int, ...]
    purposes: int
    channel: Channel
    origin: Origin
    confirm: bool = True
    pause: bool = False  # unclear words: rest until a person has read them
    reply_id: int = 0
    programme: int = 0
    statement: bytes = b""  # SHA-256 of the file that it stands in


@dataclass(slots=True)
class Outcome:
    """What a transaction of refusals came to."""

    entries: int = 0
    repeats: int = 0
    confirmations: int = 0
    pairs: set[tuple[int, int]] = field(default_factory=set)


class Journal(Protocol):
    """A copy of refusals outside the database, for when an old backup is restored."""

    async def begin(self, queries: Queries, entries: Sequence[Entry]) -> Awaitable[None]:
        """Begin to write; what is returned ends once they are durable there, or cannot be: it
        never raises."""


class RefusalWriter:
    """Writes refusals inside a transaction of the caller's. `journal`: where they are kept a second
    time."""

    def __init__(
        self,
        catalogue: Catalogue,
        ids: BatchIds,
        new_code: Callable[[], str],
        journal: Journal | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._ids = ids
        self._new_code = new_code
        self._journal = journal

    async def record(self, store: Store, asked: Sequence[Asked], now: float) -> Outcome:
        """Lock and write in a transaction of its own, which nothing else is part of."""
        await self._ids.reserve(store, len(asked))
        async with store.transaction() as tx:
            await self.lock(tx, asked)
            return await self.write(tx, asked, now)

    async def lock(self, tx: Transaction, asked: Sequence[Asked]) -> None:
        """Take the locks; the caller does this before anything else in its transaction."""
        groups = sorted({group for one in asked for group in one.groups})
        if groups:
            await tx.fetch("lock_exclusive", GROUP_CLASS, groups)

    async def write(self, tx: Transaction, asked: Sequence[Asked], now: float) -> Outcome:
        """Append entries for what is new, and confirmations. The locks are held.

        `BatchIds` has an id reserved for each element of `asked`.
        """
        outcome = Outcome()
        standing = await self._standing_refusals(tx, asked)
        new: list[tuple[Asked, int]] = []
        taken: set[tuple[int, int, int, int, bool]] = set()
        repeated: list[Asked] = []
        for one in asked:
            fresh = [
                g
                for g in one.groups
                if one.purposes & ~standing.get((g, one.programme, one.person), 0)
                and (g, one.programme, one.person, one.purposes, one.pause) not in taken
            ]
            taken |= {(g, one.programme, one.person, one.purposes, one.pause) for g in fresh}
            new.extend((one, group) for group in fresh)
            if not fresh and one.confirm and not one.pause:
                repeated.append(one)
        codes = {id(one): self._new_code() for one in asked}
        if new:
            await self._append(tx, new, codes, now, outcome)
        await self._repeat(tx, repeated, codes, now, outcome)
        return outcome

    async def _standing_refusals(
        self, tx: Transaction, asked: Sequence[Asked]
    ) -> dict[tuple[int, int, int], int]:
        """Return what stands refused by (group, programme or 0, person)."""
        whole = [one for one in asked if not one.pause and not one.programme]
        pairs = [(group, one.person) for one in whole for group in one.groups]
        rows = await tx.fetch(
            "refusals_of_pairs", [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        )
        found = {(row["group_id"], 0, row["person_id"]): row["purposes"] for row in rows}
        alone = {(one.programme, one.person): one for one in asked if one.programme}
        if alone:
            columns = [(*key, one.groups[0], one.purposes) for key, one in alone.items()]
            for row in await tx.fetch(
                "programme_refusals_of_pairs",
                *(list(column) for column in zip(*columns, strict=True)),
            ):
                one = alone[row["programme_id"], row["person_id"]]
                found[one.groups[0], one.programme, one.person] = one.purposes
        return found

    async def _append(
        self,
        tx: Transaction,
        new: list[tuple[Asked, int]],
        codes: dict[int, str],
        now: float,
        outcome: Outcome,
    ) -> None:
        entries = [self._entry(one, group, codes[id(one)], now) for one, group in new]
        # Before the position is drawn, so that nobody's commit waits for the other disk; a refusal
        # that is there and not here, since this fails, does no harm: it was asked for.
        kept = await self._journal.begin(tx, entries) if self._journal is not None else None
        in_flight = await self._in_flight(tx, new)
        if kept is not None:
            await kept
        positions = (await append(tx, entries, utc(now))).positions
        outcome.entries = len(entries)
        of_asked: dict[int, list[tuple[int, int]]] = {}
        for position, (one, group) in zip(positions, new, strict=True):
            of_asked.setdefault(id(one), []).append((group, position))
            outcome.pairs.add((group, one.person))
        replies = [one.reply_id for one, _ in new]
        await project(tx, list(zip(positions, entries, strict=True)), replies)
        confirmed: list[tuple[Any, ...]] = []
        for one in {id(one): one for one, _ in new}.values():
            if not one.confirm or one.pause:
                continue
            mine = of_asked[id(one)]
            waits = sorted({w for g, _ in mine for w in in_flight.get((g, one.person), ())})
            groups = [g for g, _ in mine]
            confirmed.append((mine[0][1], one, groups, codes[id(one)], False, waits))
        await self._confirm(tx, confirmed, now)
        outcome.confirmations += len(confirmed)

    def made(self, one: Asked, now: float) -> tuple[Entry, str]:
        """Return the entry of a refusal about one group, and the code of its confirmation."""
        code = self._new_code()
        return self._entry(one, one.groups[0], code, now), code

    async def keep(self, queries: Queries, entries: Sequence[Entry]) -> None:
        """Keep entries in the journal, before they count."""
        if self._journal is not None:
            await (await self._journal.begin(queries, entries))

    def _entry(self, one: Asked, group: int, code: str, now: float) -> Entry:
        scope = Scope.PLATFORM if group == EVERYONE else Scope.GROUP
        if one.programme:
            scope = Scope.PROGRAMME
        return Entry(
            at_ms=int(now * 1000),
            kind=Kind.PAUSED if one.pause else Kind.WITHDRAWN,
            person=one.person,
            group=group,
            purposes=one.purposes,
            programme=one.programme,
            scope=scope,
            channel=one.channel,
            origin=one.origin,
            statement=one.statement,
            receipt="" if one.pause else code,
        )

    async def _in_flight(
        self, tx: Transaction, new: list[tuple[Asked, int]]
    ) -> dict[tuple[int, int], list[int]]:
        """Return the open windows that hold each pair. Under the exclusive locks no window of
        these groups can commit, so the answer is complete."""
        groups = {group for _, group in new}
        wanted = self._catalogue.groups() if EVERYONE in groups else list(groups)
        found: dict[tuple[int, int], list[int]] = {}
        for row in await tx.fetch("open_windows_of_groups", wanted):
            people = unpack(row["people"], U32)[unpack(row["slots"], U16)]
            for one, group in new:
                if group in (row["group_id"], EVERYONE) and bool(np.any(people == one.person)):
                    found.setdefault((group, one.person), []).append(row["id"])
        return found

    async def _repeat(
        self,
        tx: Transaction,
        repeated: list[Asked],
        codes: dict[int, str],
        now: float,
        outcome: Outcome,
    ) -> None:
        outcome.repeats = len(repeated)
        if not repeated:
            return
        rows = await tx.fetch(
            "confirmed_since", [one.person for one in repeated], utc(now - REPEAT_AFTER_S)
        )
        answered = {row["person_id"] for row in rows}
        again: list[tuple[Any, ...]] = []
        for one in repeated:
            if one.person not in answered:
                answered.add(one.person)
                again.append((0, one, list(one.groups), codes[id(one)], True, []))
        await self._confirm(tx, again, now)
        outcome.confirmations += len(again)

    async def _confirm(self, tx: Transaction, rows: list[tuple[Any, ...]], now: float) -> None:
        """Leave confirmations: (position, asked, groups, code, repeat, windows to wait for)."""
        if not rows:
            return
        columns = [
            (
                self._ids.next(),
                position,
                one.person,
                array_literal(groups),
                self.names(groups, one.programme),
                code,
                repeat,
                array_literal(waits),
            )
            for position, one, groups, code, repeat, waits in rows
        ]
        await tx.execute(
            "confirmations_put", *map(list, zip(*columns, strict=True)), utc(now)
        )  # fmt: skip

    def names(self, groups: Sequence[int], programme: int = 0) -> str:
        """Return how a confirmation names the senders of some groups, or a programme."""
        alone = self._catalogue.programmes.get(programme)
        if alone is not None:
            return f"{self._catalogue.senders[alone.sender_id].legal_name}（{alone.name}）"
        if EVERYONE in groups:
            return "所有发送方"
        names = [
            min((s.legal_name for s in self._catalogue.senders_of_group(group)), key=len)
            for group in groups
            if self._catalogue.senders_of_group(group)
        ]
        return "、".join(names[:3]) + (f"等{len(names)}家" if len(names) > 3 else "")
