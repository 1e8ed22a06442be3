"""Memory, tables and the pure fold of the ledger say the same about everybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

import msgspec
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope, purpose_mask
from assent.consent.standing import OVER, correction, fold
from assent.flow.catalogue import Catalogue
from assent.flow.ledger import append
from assent.flow.live import Live
from assent.flow.needs import utc
from assent.flow.projection import project
from assent.flow.setup import Register, file_register
from assent.message import Grade, Purpose
from assent.store import Store
from assent.store.embedded import Embedded
from tests.conftest import new_database

MARKETING = purpose_mask(Purpose.MARKETING)
INTERNAL = purpose_mask(Purpose.INTERNAL)
BEGIN = 1_800_000_000
STEP = 100
PURPOSES = (Purpose.MARKETING, Purpose.INTERNAL)


def _programme(name: str, *purposes: str) -> dict[str, Any]:
    words = dict.fromkeys(("kinds", "frequency", "period", "wording"), "as agreed")
    return {"name": name, "purposes": list(purposes), **words}


DOCUMENT = {
    "senders": [
        {
            "credit_code": "A",
            "legal_name": "A",
            "contact": "1",
            "programmes": [
                _programme("offers", "marketing"),
                _programme("both", "marketing", "internal"),
                _programme("staff", "internal"),
            ],
        },
        {
            "credit_code": "B",
            "legal_name": "B",
            "contact": "1",
            "programmes": [_programme("offers", "marketing")],
        },
    ]
}


@dataclass(frozen=True)
class Act:
    """Something that happens to one of two people; the rest is read as its kind needs it."""

    kind: Kind
    person: int
    programme: int
    grade: Grade
    mask: int
    everyone: bool
    alone: bool  # a refusal of one programme
    back_s: int  # imports are dated back
    lasts_s: int  # 0: no end
    earlier: int  # which earlier entry it refers to


KINDS = (
    [Kind.GRANTED] * 12
    + [Kind.WITHDRAWN] * 4
    + [Kind.PAUSED, Kind.RESUMED] * 4
    + [Kind.EXPIRED, Kind.EVIDENCE] * 2
    + [Kind.REASSIGNED, Kind.REQUESTED, Kind.ERASED]
    + [Kind.RECEIVER_ONLY] * 2
    + [Kind.CORRECTED] * 5
)


def history_of(seed: int, length: int) -> list[Act]:
    """Return acts that often meet: hypothesis draws long lists too seldom."""
    rng = Random(seed)
    return [
        Act(
            kind=rng.choice(KINDS),
            person=int(rng.random() < 0.3),
            programme=rng.choice([1, 1, 1, 2, 3, 4, 0]),
            grade=rng.choice([Grade.ASSERTION, Grade.DOCUMENT, Grade.RECEIVER]),
            mask=rng.choice([MARKETING, INTERNAL, MARKETING | INTERNAL]),
            everyone=rng.random() < 0.2,
            alone=rng.random() < 0.4,
            back_s=rng.choice([0, 0, 5 * STEP, 50 * STEP]),
            lasts_s=rng.choice([0, 0, 2 * STEP, 7 * STEP, 52 * STEP]),
            earlier=rng.randrange(20),
        )
        for _ in range(length)
    ]


class Book:
    """A ledger with its catalogue, its tables, and the memory that follows them."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self.store = store
        self.catalogue = catalogue
        self.live = Live(catalogue)
        self.people = count(1)
        self.programmes = sorted(catalogue.programmes)

    def entry(self, act: Act, person: int, now: int, made: list[tuple[int, Entry]]) -> Entry | None:
        programme = self.programmes[max(0, act.programme - 1)]
        described = self.catalogue.programmes[programme]
        group = self.catalogue.senders[described.sender_id].group_id
        common = {"at_ms": now * 1000, "kind": act.kind, "person": person}
        reach = {
            "group": 0 if act.everyone else group,
            "scope": Scope.PLATFORM if act.everyone else Scope.GROUP,
        }
        if act.kind is Kind.CORRECTED:
            found_rows = [(p, e) for p, e in made if e.kind is not Kind.CORRECTED]
            if not found_rows:
                return None
            position, wrong = found_rows[act.earlier % len(found_rows)]
            return correction(position, wrong, now * 1000, act.grade)
        targets = {Kind.RESUMED: Kind.PAUSED, Kind.EVIDENCE: Kind.GRANTED}
        if act.kind in targets:
            found = [p for p, e in made if e.kind is targets[act.kind]]
            if not found:
                return None
            refers = found[act.earlier % len(found)]
            return Entry(**common, group=group, refers_to=refers, grade=act.grade)
        if act.kind is Kind.GRANTED and act.programme == 0:
            grade = Grade.RECEIVER
            return Entry(**common, **reach, purposes=act.mask, grade=grade)
        if act.kind is Kind.GRANTED:
            # Only what the person does herself is dated when it happens.
            at = now if act.grade is Grade.RECEIVER else now - act.back_s
            until = (at + act.lasts_s) * 1000 if act.lasts_s else 0
            return Entry(
                at_ms=at * 1000,
                kind=act.kind,
                person=person,
                group=group,
                programme=programme,
                purposes=described.purposes,
                grade=act.grade,
                expires_ms=until,
            )
        if act.kind is Kind.EXPIRED:
            return Entry(**common, group=group, programme=programme)
        if act.kind in OVER or act.kind is Kind.RECEIVER_ONLY:
            return Entry(**common, scope=Scope.PLATFORM)
        if act.kind is Kind.REQUESTED:
            return Entry(**common, group=group, programme=programme)
        if act.kind is Kind.WITHDRAWN and act.alone:
            reach = {"group": group, "programme": programme, "scope": Scope.PROGRAMME}
        return Entry(
            **common, **reach, purposes=act.mask, channel=Channel.SMS, origin=Origin.RECEIVER
        )

    async def live_through(self, history: list[Act]) -> None:
        people = [next(self.people), next(self.people)]
        over: set[int] = set()
        made: dict[int, list[tuple[int, Entry]]] = {person: [] for person in people}
        for place, act in enumerate(history):
            person = people[act.person]
            now = BEGIN + place * STEP
            entry = self.entry(act, person, now, made[person])
            past = act.kind in (Kind.GRANTED, Kind.CORRECTED)
            if entry is None or (person in over and not past):
                continue
            if person in over and act.kind is Kind.GRANTED and not entry.programme:
                continue
            if act.kind in OVER:
                over.add(person)
            async with self.store.transaction() as tx:
                done = await append(tx, [entry], utc(now))
                rows = list(zip(done.positions, [entry], strict=True))
                await project(tx, rows, [7])
            made[person] += rows
            if act.earlier % 3 == 0:
                await self.live.sync(self.store)
                await self.compare(people, made, now + 1)
        await self.live.sync(self.store)
        for later in (1, STEP, 60 * STEP):
            await self.compare(people, made, BEGIN + len(history) * STEP + later)
        await self.compare_loaded(people)

    async def compare(
        self, people: list[int], made: dict[int, list[tuple[int, Entry]]], now: int
    ) -> None:
        who = np.array(people, np.uint32)
        ledger = fold(
            sorted((row for person in people for row in made[person]), key=lambda row: row[0])
        )
        stored = {
            (row["programme_id"], row["person_id"]): row
            for row in await self.store.fetch("standing_of_people", self.programmes, people)
        }
        for programme in self.programmes:
            group = self.catalogue.senders[self.catalogue.programmes[programme].sender_id].group_id
            folded = [ledger.standing(programme, person) for person in people]
            grades = [standing.grade_at(now * 1000) for standing in folded]
            assert self.live.grades(programme, who, now).tolist() == grades
            for person, grade in zip(people, grades, strict=True):
                row = stored.get((programme, person))
                runs = row is not None and (row["expires"] == 0 or row["expires"] > now)
                assert (row["grade"] if runs and row is not None else 0) == grade
            for purpose in PURPOSES:
                fresh = [s.fresh and g > 0 for s, g in zip(folded, grades, strict=True)]
                refused = [
                    not new
                    and (
                        bool(ledger.refusals(group, person) >> purpose & 1)
                        or ledger.programme_refused(programme, person)
                    )
                    for person, new in zip(people, fresh, strict=True)
                ]
                assert self.live.refused(group, programme, purpose, who, now).tolist() == refused
                paused = [bool(ledger.pauses(group, p) >> purpose & 1) for p in people]
                assert self.live.paused(group, purpose, who).tolist() == paused

    async def compare_loaded(self, people: list[int]) -> None:
        """A process that starts now knows what one knows that was there all the time."""
        anew = Live(self.catalogue)
        await anew.load(self.store)
        who = np.array(people, np.uint32)
        now = BEGIN
        for programme in self.programmes:
            ours, theirs = (
                one.standings.lookup_fresh(programme, who, now) for one in (self.live, anew)
            )
            assert [a.tolist() for a in ours] == [a.tolist() for a in theirs]
        for programme in self.programmes:
            one, other = self.live.programme_refusals, anew.programme_refusals
            assert one.lookup(programme, who).tolist() == other.lookup(programme, who).tolist()
        for group in [0, *self.catalogue.groups()]:
            for kind in ("refusals", "pauses"):
                one, other = getattr(self.live, kind), getattr(anew, kind)
                assert one.lookup(group, who).tolist() == other.lookup(group, who).tolist()


@asynccontextmanager
async def book(url: str) -> AsyncIterator[Book]:
    store = await Store.open(url, min=1, max=2)
    try:
        await file_register(
            store, msgspec.convert(DOCUMENT, Register), float(BEGIN), lambda n: bytes(n)
        )
        catalogue = Catalogue()
        await catalogue.load(store)
        yield Book(store, catalogue)
    finally:
        await store.close()


def test_memory_tables_and_fold_agree(engine: Embedded, migrated_template: str) -> None:
    loop = asyncio.new_event_loop()
    database = new_database(engine, migrated_template)
    url = loop.run_until_complete(database.__aenter__())
    opened = book(url)
    one = loop.run_until_complete(opened.__aenter__())

    @settings(
        max_examples=40,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(st.integers(0, 2**32), st.integers(1, 30))
    def agree(seed: int, length: int) -> None:
        loop.run_until_complete(one.live_through(history_of(seed, length)))

    try:
        agree()
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()
