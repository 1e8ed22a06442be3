"""Random lives of two numbers: refusals, erasures, new holders and imports, against a naive model
that thinks of numbers and knows nothing of people, entries or digests."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assent.clock import ManualClock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.flow.erasure import Erasing, Wish
from assent.flow.erasure_requests import ReassignmentRequest
from assent.flow.ledger import append
from assent.flow.live import Live
from assent.flow.marks import Marks
from assent.flow.needs import utc
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.reassignment import Reassignments
from assent.flow.requests import Caller
from assent.flow.vault import Vault
from assent.message import Grade
from assent.store.embedded import Embedded
from tests.conftest import new_database
from tests.flow.test_projection import BEGIN, MARKETING, Book, book

ACTS = [*["import"] * 6, *["refuse"] * 2, "yes", "erase", "erase_unmarked", "reassign", "restart"]
WHO = Caller(1, frozenset({"links"}), False, 1)


@dataclass
class Number:
    """What the naive model knows of one."""

    grade: Grade = Grade.NONE
    refused: bool = False
    marked: bool = False  # erased or given away before, and the mark was not declined
    wary: bool = False  # met again after that: only what the receiver gives counts
    known: bool = False

    def meet(self) -> None:
        if not self.known:
            self.known, self.wary = True, self.marked

    def gone(self, mark: bool) -> None:
        self.marked = mark
        self.grade, self.refused, self.known, self.wary = Grade.NONE, False, False, False


@dataclass
class Life:
    """The real thing beside it."""

    book: Book
    numbers: dict[int, Number]
    vault: Vault = field(default_factory=lambda: Vault({1: bytes(range(32))}, secrets.token_bytes))
    clock: ManualClock = field(default_factory=lambda: ManualClock(float(BEGIN)))

    def __post_init__(self) -> None:
        self.restart()
        self.erasing = Erasing(self.book.store, self.clock, self.vault)
        self.files = Reassignments(self.book.store, self.clock, self.vault)
        self.programme = self.book.programmes[0]
        described = self.book.catalogue.programmes[self.programme]
        self.group = self.book.catalogue.senders[described.sender_id].group_id

    def restart(self) -> None:
        self.directory = Directory(Marks(self.vault))
        self.live = Live(self.book.catalogue)
        self.live.on_over = self.directory.forget

    async def person(self, msisdn: int) -> int:
        self.numbers[msisdn].meet()
        at = utc(self.clock.now())
        ids = await self.directory.ids(self.book.store, np.array([msisdn], np.uint64), at)
        return int(ids[0])

    async def write(self, entry: Entry) -> None:
        async with self.book.store.transaction() as tx:
            done = await append(tx, [entry], utc(self.clock.now()))
            await project(tx, [(done.positions[0], entry)])

    def entry(self, person: int, kind: Kind, grade: Grade = Grade.NONE) -> Entry:
        granted = kind is Kind.GRANTED
        return Entry(
            at_ms=int(self.clock.now() * 1000),
            kind=kind,
            person=person,
            group=self.group,
            programme=self.programme if granted else 0,
            purposes=MARKETING,
            scope=Scope.PROGRAMME if granted else Scope.GROUP,
            channel=Channel.API,
            origin=Origin.CUSTOMER,
            grade=grade,
        )

    async def act(self, act: str, msisdn: int, grade: Grade) -> None:
        number = self.numbers[msisdn]
        if act == "import":
            await self.write(self.entry(await self.person(msisdn), Kind.GRANTED, grade))
            if not number.refused and not number.wary:
                number.grade = max(number.grade, grade)
        elif act == "yes":
            await self.write(self.entry(await self.person(msisdn), Kind.GRANTED, Grade.RECEIVER))
            number.grade = Grade.RECEIVER
        elif act == "refuse":
            await self.write(self.entry(await self.person(msisdn), Kind.WITHDRAWN))
            number.grade, number.refused = Grade.NONE, True
        elif act in ("erase", "erase_unmarked"):
            keep = act == "erase"
            await self.erasing.erase(Wish(msisdn, "receiver", keep))
            number.gone(keep)
        elif act == "reassign":
            day = (utc(self.clock.now()) + timedelta(hours=8)).date()
            wish = ReassignmentRequest(
                source=secrets.token_hex(4), dated=day, numbers=[f"+{msisdn}"]
            )
            if (await self.files.take(WHO, wish))["closed"]:
                number.gone(True)
        else:
            self.restart()
            await self.directory.load(self.book.store)
            await self.live.load(self.book.store)
        await self.live.sync(self.book.store)

    async def check(self) -> None:
        for msisdn, number in self.numbers.items():
            at = utc(self.clock.now())
            known = await self.directory.known(self.book.store, np.array([msisdn], np.uint64))
            assert bool(known[0]) == number.known
            if number.known:
                grades = self.live.grades(self.programme, known, self.clock.now())
                assert grades.tolist() == [number.grade], (msisdn, number, at)

    async def live_through(self, seed: int, length: int) -> None:
        rng = Random(seed)
        for _ in range(length):
            self.clock.advance(100.0)
            msisdn = rng.choice(list(self.numbers))
            grade = rng.choice([Grade.ASSERTION, Grade.DOCUMENT])
            await self.act(rng.choice(ACTS), msisdn, grade)
            await self.check()


def test_no_history_of_erasures_brings_a_refused_number_back(
    engine: Embedded, migrated_template: str
) -> None:
    loop = asyncio.new_event_loop()
    database = new_database(engine, migrated_template)
    url = loop.run_until_complete(database.__aenter__())
    opened = book(url)
    one = loop.run_until_complete(opened.__aenter__())
    first = count(8613800000000, 2)

    @settings(
        max_examples=30,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(st.integers(0, 2**32), st.integers(1, 25))
    def agree(seed: int, length: int) -> None:
        start = next(first)
        life = Life(one, {start: Number(), start + 1: Number()})
        loop.run_until_complete(life.live.load(one.store))
        loop.run_until_complete(life.live_through(seed, length))

    try:
        agree()
    finally:
        loop.run_until_complete(opened.__aexit__(None, None, None))
        loop.run_until_complete(database.__aexit__(None, None, None))
        loop.close()
