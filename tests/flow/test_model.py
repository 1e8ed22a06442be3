"""Random histories of the real flow on a real PostgreSQL against a naive reference: nobody's
standing ever differs, as a dry run tells it, as the tables have it, as memory has it, and as the
entries fold.

ASSENT_MODEL_EXAMPLES and ASSENT_MODEL_STEPS make the search longer than it is in CI:

    ASSENT_MODEL_EXAMPLES=2000 ASSENT_MODEL_STEPS=60 pytest tests/flow/test_model.py
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from assent.app.node import receipt_code
from assent.clock import ManualClock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope, decode
from assent.consent.standing import fold
from assent.errors import Unavailable
from assent.flow.catalogue import Catalogue
from assent.flow.claims import ClaimBook
from assent.flow.commit import GROUP_CLASS
from assent.flow.consent_facts import ConsentFacts
from assent.flow.consents import Consents, Refusals
from assent.flow.ends import EVERYONE
from assent.flow.erasure import Erasing, Wish
from assent.flow.ids import BatchIds
from assent.flow.imports import Imports
from assent.flow.ledger import append
from assent.flow.live import Live
from assent.flow.marks import Marks
from assent.flow.needs import utc
from assent.flow.orders import order_of
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.replies import Replies
from assent.flow.requests import Caller, ConsentImport, Receiver, RefusalRequest, SendRequest
from assent.flow.setup import Register, file_register
from assent.flow.submit import Desk, Submit
from assent.flow.vault import Vault
from assent.flow.voiding import Voider, begin
from assent.flow.waiting import Opener, Witness
from assent.message import Grade, Network, Purpose
from assent.numbers import NumberTable
from assent.policy.rulebook import Rulebook
from assent.store import Store
from assent.store.embedded import Embedded
from assent.text import Alphabet
from assent.text.keyword_sets import KeywordSets
from bench.papers import complete
from tests.conftest import new_database
from tests.flow.conftest import lenient_rulebook
from tests.flow.naive import ASSERTION, DOCUMENT, RECEIVER, Fact, Naive, Programme
from tests.flow.test_ambiguous import FrailStore, Plan

EXAMPLES = int(os.environ.get("ASSENT_MODEL_EXAMPLES", "25"))
STEPS = int(os.environ.get("ASSENT_MODEL_STEPS", "30"))
SHRINK = (Phase.generate, Phase.shrink)
"""A long search makes what it finds small; that may take minutes."""
BEGIN = 1_800_000_000.0  # ten in the morning in China
PEOPLE = [f"139{place:08d}" for place in range(1, 5)]
TEXT = "夏装上新，全场八折。客服电话400-820-1234。拒收请回复R"
MARKETING = frozenset({"marketing"})
BIT = 1 << Purpose.MARKETING
BOTH = frozenset({"marketing", "internal"})
CHANNEL_OF = {"marketing": Purpose.MARKETING, "internal": Purpose.INTERNAL}
GROUP_OF = {"A": "G", "B": "G", "C": "C", "D": "D"}
PROGRAMMES = [
    Programme("A/offers", "A", "G", MARKETING),
    Programme("A/club", "A", "G", MARKETING),
    Programme("B/offers", "B", "G", MARKETING),
    Programme("C/offers", "C", "C", MARKETING),
    Programme("D/offers", "D", "D", MARKETING),
]
NUMBERS = {"A": "106900011", "B": "106900022", "C": "106900033", "D": "106900033"}
"""C and D share one."""
SERVICE = "1069999"
NOBODYS = "10655555"


def _programme(name: str) -> dict[str, Any]:
    words = dict.fromkeys(("kinds", "frequency", "period", "wording"), "as agreed")
    return {"name": name, "purposes": ["marketing"], **words}


def _sender(code: str) -> dict[str, Any]:
    names = [one.name.split("/")[1] for one in PROGRAMMES if one.sender == code]
    port = {"number": NUMBERS[code], "purpose": "marketing", "carriers": ["mobile"]}
    return {
        "credit_code": code,
        "legal_name": f"商户{code}",
        "contact": "400-820-1234",
        "group": GROUP_OF[code],
        "programmes": [_programme(name) for name in names],
        "ports": [{**port, "programme": "offers", "signature": f"商户{code}"}],
    }


DOCUMENT_OF_ALL = {
    "senders": [_sender(code) for code in GROUP_OF],
    "accounts": [
        *(
            {
                "name": f"account{code}",
                "senders": [code],
                "price_micro": 1,
                "deposits": {"d": 10**9},
            }
            for code in GROUP_OF
        ),
        {"name": "operator", "kind": "operator", "price_micro": 0},
    ],
    "service_ports": [
        {"number": SERVICE, "carriers": ["mobile"], "purpose": "system", "signature": "平台"}
    ],
}


class Frail(FrailStore):
    """The store of these tests; it fails when a plan of its own says so."""

    plan = Plan()


class Process:
    """What one process of the platform holds in memory, but for its links."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock

    async def start(self, lenient: Path) -> None:
        """Load everything, as a process that begins does."""
        store, clock = self.store, self.clock
        self.catalogue = Catalogue()
        await self.catalogue.load(store)
        self.live = Live(self.catalogue)
        await self.live.load(store)
        await self.live.sync(store)
        rulebook = Rulebook.load(lenient)
        vault = Vault({1: bytes(32)}, secrets.token_bytes)
        directory, ids = Directory(Marks(vault)), BatchIds(clock)
        await directory.load(store)
        self.live.on_over = directory.forget
        desk = Desk(
            clock,
            self.catalogue.chain,
            directory,
            self.live,
            ClaimBook(rulebook),
            NumberTable.load(),
            rulebook,
            dict.fromkeys(Network, "mobile"),
            "拒收请回复R",
            pricing=self.catalogue.pricing,
        )
        self.submit = Submit(store, desk, ids)
        writer = RefusalWriter(self.catalogue, ids, receipt_code)
        self.replies = Replies(
            store, clock, ids, directory, self.catalogue, KeywordSets.load(), writer
        )
        witness, worth = Witness(False), rulebook.worth
        self.opener = Opener(
            store, clock, self.catalogue, self.live, worth, witness, secrets.token_bytes
        )
        desk_of: Any = None  # nothing is put up: the rulebook holds no import
        imports = Imports(
            store, clock, self.catalogue, directory, self.live, self.opener, worth, desk_of
        )
        facts = ConsentFacts(store, vault, rulebook.default.refused_consents)
        self.consents = Consents(store, clock, self.catalogue, directory, imports, facts)
        self.refusals = Refusals(store, clock, self.catalogue, directory, ids, writer, self.live)
        self.writer, self.ids = writer, ids
        self.erasing = Erasing(store, clock, vault)
        self.voider = Voider(store, clock, self.catalogue)

    def caller(self, sender: str) -> Caller:
        accounts = self.catalogue.accounts.values()
        account = next(one for one in accounts if one.name == f"account{sender}")
        return Caller(account.id, frozenset({"send", "consents", "refusals"}), False, 1)


people = st.sampled_from(PEOPLE)
programmes = st.sampled_from([one.name for one in PROGRAMMES])
places = st.integers(0, 1)
BACK = st.sampled_from([0.0, 0.0, 600.0, 40_000.0, 40 * 86_400.0])
LASTS = st.sampled_from([None, None, 300.0, 7_200.0, 60 * 86_400.0])
FAILS = st.sampled_from([None, None, None, "lost", "unanswered", "refused"])


class Standing(RuleBasedStateMachine):
    """Two processes on one store, which lag behind each other, and an auditor, which does not; the
    naive reference beside them."""

    engine: Embedded
    template: str
    rulebook: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.stack = AsyncExitStack()
        self.clock = ManualClock(BEGIN)
        self.naive = Naive(PROGRAMMES)
        self.holders = {number: [] for number in NUMBERS.values()}  # type: dict[str, list[str]]
        for code, number in NUMBERS.items():
            self.holders[number].append(GROUP_OF[code])
        self.active = dict(NUMBERS)
        self.carrier_ids = count(1)
        self.over: list[int] = []  # who was forgotten
        self.steps = count(1)

    def do(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coroutine)

    @initialize()
    def begin(self) -> None:
        Frail.plan = self.plan = Plan()

        async def opened() -> None:
            database = new_database(self.engine, self.template)
            self.url = await self.stack.enter_async_context(database)
            self.store = await Frail.open(self.url, min=1, max=3)
            self.processes = [Process(self.store, self.clock) for _ in range(2)]
            self.auditor = Process(self.store, self.clock)
            for process in (*self.processes, self.auditor):
                await process.start(self.rulebook)
            found = await self.processes[0].replies.people_of([f"86{one}" for one in PEOPLE])
            self.ids = dict(zip(PEOPLE, found, strict=True))
            catalogue = self.processes[0].catalogue
            by_code = {one.credit_code: one for one in catalogue.senders.values()}
            self.groups = {GROUP_OF[code]: by_code[code].group_id for code in GROUP_OF}
            self.programmes = {
                f"{catalogue.senders[one.sender_id].credit_code}/{one.name}": one
                for one in catalogue.programmes.values()
            }

        self.do(opened())

    def teardown(self) -> None:
        async def closed() -> None:
            if hasattr(self, "store"):
                await self.store.close()
            await self.stack.aclose()

        self.do(closed())
        self.loop.close()

    @property
    def now(self) -> float:
        return self.clock.now()

    def tell(self, what: str, person: str, at: float | None = None, **more: Any) -> None:
        self.naive.facts.append(Fact(what, person, self.now if at is None else at, **more))

    def attempt(self, call: Callable[[], Awaitable[Any]], fails: str | None) -> bool:
        """Do it once while the store fails as told; tell whether it was done."""

        async def once() -> bool:
            self.plan.choose = lambda name: fails  # type: ignore[assignment,return-value]  # a word of Mode
            self.plan.armed = fails is not None
            try:
                await call()
            except Unavailable:
                return fails == "unanswered"
            finally:
                self.plan.armed = False
            return True

        return bool(self.do(once()))

    # Consents --------------------------------------------------------------------------------

    @rule(
        place=places,
        who=st.lists(people, min_size=1, max_size=3, unique=True),
        name=programmes,
        back=BACK,
        lasts=LASTS,
        fails=FAILS,
    )
    def import_consents(
        self,
        place: int,
        who: list[str],
        name: str,
        back: float,
        lasts: float | None,
        fails: str | None,
    ) -> None:
        """On documents: these open at once, or, where their opening failed, with the next look."""
        grade = DOCUMENT
        sender, programme = name.split("/")
        at = self.now - back
        until = None if lasts is None else at + lasts
        request = msgspec.convert(
            {
                "sender": sender,
                "programme": programme,
                "grade": "document",
                "wording": "v1",
                "source": "shop form",
                "until": None if until is None else utc(until),
                "consents": [{"to": one, "at": utc(at)} for one in who],
            },
            ConsentImport,
        )
        process = self.processes[place]

        async def handed_in() -> None:
            await process.consents.import_rows(process.caller(sender), request, key=None, sha=b"")

        head = self.head()
        new = [one for one in who if not self._adds_nothing(one, name, grade, until)]
        if self.attempt(handed_in, fails):
            self.do(self.processes[1 - place].opener.step(self.now))
            positions = self.positions_after(head)
            for one in new:
                self.tell(
                    "consent", one, at, id=positions[one], programme=name, grade=grade, until=until
                )
            assert positions.keys() == {*new}, "what adds nothing is no entry"

    def _adds_nothing(self, person: str, name: str, grade: int, until: float | None) -> bool:
        """What stands as well already, and without an end, is not recorded again."""
        held = self.naive.held(person, name)
        return (
            until is None
            and held is not None
            and held.consent.until is None
            and held.grade >= grade
        )

    def head(self) -> int:
        return int(self.do(self.store.fetchval("ledger_head")))

    def positions_after(self, head: int) -> dict[str, int]:
        rows = self.do(self.store.fetch("entries_after", head, 100))
        number_of = {id_: number for number, id_ in self.ids.items()}
        return {number_of[row["person_id"]]: row["position"] for row in rows}

    # What the doors of others write, straight through the flow ---------------------------------

    def record(self, entry: Entry, fails: str | None) -> int:
        """Append an entry as doors do: locks, ledger, projection; return its position, 0 where the
        transaction was lost."""
        done: list[int] = []

        async def written() -> None:
            async with self.store.transaction() as tx:
                groups = [entry.group] if entry.scope is not Scope.PLATFORM else [EVERYONE]
                await tx.fetch("lock_exclusive", GROUP_CLASS, groups)
                positions = (await append(tx, [entry], utc(self.now))).positions
                done.append(positions[0])
                await project(tx, [(positions[0], entry)], [7])

        return done[0] if self.attempt(written, fails) else 0

    def entry(self, kind: Kind, person: str, **more: Any) -> Entry:
        return Entry(at_ms=int(self.now * 1000), kind=kind, person=self.ids[person], **more)

    @rule(
        person=people,
        name=programmes,
        grade=st.sampled_from([ASSERTION, RECEIVER, RECEIVER]),
        back=BACK,
        lasts=LASTS,
        fails=FAILS,
    )
    def agree(
        self,
        person: str,
        name: str,
        grade: int,
        back: float,
        lasts: float | None,
        fails: str | None,
    ) -> None:
        """She says yes herself, now; or somebody's word for it is opened, once it was asked."""
        programme = self.programmes[name]
        at = self.now if grade == RECEIVER else self.now - back
        until = None if lasts is None else at + lasts
        entry = self.entry(
            Kind.GRANTED,
            person,
            group=self.groups[GROUP_OF[name[0]]],
            programme=programme.id,
            purposes=programme.purposes,
            grade=Grade(grade),
            channel=Channel.SMS,
            expires_ms=0 if until is None else int(until * 1000),
        )
        entry = replace(entry, at_ms=int(at * 1000))
        if position := self.record(entry, fails):
            self.tell("consent", person, at, id=position, programme=name, grade=grade, until=until)

    @rule(
        person=people,
        group=st.sampled_from(["G", "C", "D", None]),
        purposes=st.sampled_from([MARKETING, BOTH]),
        fails=FAILS,
    )
    def take_back(
        self, person: str, group: str | None, purposes: frozenset[str], fails: str | None
    ) -> None:
        entry = self.entry(
            Kind.GRANTED,
            person,
            group=0 if group is None else self.groups[group],
            scope=Scope.PLATFORM if group is None else Scope.GROUP,
            purposes=_mask(purposes),
            grade=Grade.RECEIVER,
            origin=Origin.RECEIVER,
        )
        if self.record(entry, fails):
            self.tell(
                "taken_back", person, group=group, everywhere=group is None, purposes=purposes
            )

    @rule(person=people, name=programmes, of=st.sampled_from(["programme", "group", "all"]))
    def lapse(self, person: str, name: str, of: str) -> None:
        group = GROUP_OF[name[0]]
        reach: dict[str, Any] = {
            "programme": {"programme": self.programmes[name].id, "group": self.groups[group]},
            "group": {"group": self.groups[group], "scope": Scope.GROUP},
            "all": {"scope": Scope.PLATFORM},
        }[of]
        self.record(self.entry(Kind.EXPIRED, person, **reach), None)
        self.tell(
            "lapse",
            person,
            programme=name if of == "programme" else None,
            group=group,
            everywhere=of == "all",
        )

    @precondition(lambda self: any(fact.what == "consent" for fact in self.naive.facts))
    @rule(data=st.data(), grade=st.sampled_from([ASSERTION, DOCUMENT, RECEIVER]))
    def prove(self, data: st.DataObject, grade: int) -> None:
        consents = [fact for fact in self.naive.facts if fact.what == "consent"]
        fact = data.draw(st.sampled_from(consents))
        entry = self.entry(
            Kind.EVIDENCE,
            fact.person,
            group=self.groups[GROUP_OF[(fact.programme or "")[0]]],
            refers_to=fact.id,
            grade=Grade(grade),
        )
        self.record(entry, None)
        self.tell("proof", fact.person, about=fact.id, grade=grade)

    @precondition(lambda self: any(fact.what == "pause" for fact in self.naive.facts))
    @rule(data=st.data(), fails=FAILS)
    def read_pause(self, data: st.DataObject, fails: str | None) -> None:
        fact = data.draw(
            st.sampled_from([fact for fact in self.naive.facts if fact.what == "pause"])
        )
        group = 0 if fact.group is None else self.groups[fact.group]
        entry = self.entry(Kind.RESUMED, fact.person, group=group, refers_to=fact.id)
        if self.record(entry, fails):
            self.tell("read", fact.person, about=fact.id)

    @rule(
        person=people,
        kind=st.sampled_from([Kind.REASSIGNED, Kind.ERASED]),
        sure=st.integers(0, 9),
    )
    def gone(self, person: str, kind: Kind, sure: int) -> None:
        """Her number has a new holder, or she is forgotten."""
        if sure == 0:  # seldom: nothing happens to somebody any more
            self.record(self.entry(kind, person), None)
            self.tell("gone", person)

    @rule(place=places, person=people, sure=st.integers(0, 5), fails=FAILS)
    def forget(self, place: int, person: str, sure: int, fails: str | None) -> None:
        """She is erased by the door itself; her number is met again as somebody new."""
        if sure:
            return
        process, number = self.processes[place], int(f"86{person}")

        async def erased() -> None:
            await process.erasing.erase(Wish(number, "receiver"))

        if not self.attempt(erased, fails):
            return
        old = self.ids[person]
        self.over.append(old)
        self.naive.forget(person, f"{person} #{old}")
        for one in (*self.processes, self.auditor):
            self.do(one.live.sync(self.store))
        self.ids[person] = self.do(process.replies.people_of([f"86{person}"]))[0]
        assert self.ids[person] != old
        self.tell("herself", person)

    @rule(place=places, which=st.integers(0, 20), sure=st.integers(0, 2), fails=FAILS)
    def void(self, place: int, which: int, sure: int, fails: str | None) -> None:
        """A delivery was made up: everything that it brought is corrected."""
        lots = self.do(self.sql(
            "SELECT DISTINCT lot FROM consent_import WHERE state = 'opened' ORDER BY lot"
        ))  # fmt: skip
        if sure or not lots:
            return
        lot, process = lots[which % len(lots)]["lot"], self.processes[place]

        async def begun() -> None:
            async with self.store.transaction() as tx:
                await begin(tx, lot, self.now, {"by": "staff"})

        if self.attempt(begun, fails):
            while self.do(process.voider.step(self.now)):
                pass
            for row in self.do(self.sql(
                "SELECT w.first_position, w.opened FROM consent_waiting w"
                " JOIN consent_import i ON i.id = w.import_id WHERE i.lot = $1 AND w.opened > 0",
                lot,
            )):  # fmt: skip
                first = row["first_position"]
                self.naive.made_up |= {*range(first, first + row["opened"])}

    async def sql(self, query: str, *args: Any) -> list[Any]:
        one = await asyncpg.connect(self.url)
        try:
            return list(await one.fetch(query, *args))
        finally:
            await one.close()

    @rule(person=people, sure=st.integers(0, 4), fails=FAILS)
    def once_gone(self, person: str, sure: int, fails: str | None) -> None:
        """It is found out that her number was erased or given away before."""
        if sure == 0 and self.record(self.entry(Kind.RECEIVER_ONLY, person), fails):
            self.tell("herself", person)

    @rule(place=places, person=people, name=programmes, fails=FAILS)
    def refuse_one(self, place: int, person: str, name: str, fails: str | None) -> None:
        """She refuses one programme of a sender's, as the receivers' page lets her."""
        process, group = self.processes[place], GROUP_OF[name[0]]
        asked = Asked(
            self.ids[person],
            (self.groups[group],),
            BIT,
            Channel.WEB,
            Origin.RECEIVER,
            programme=self.programmes[name].id,
        )

        async def written() -> None:
            await process.ids.reserve(self.store, 1)
            async with self.store.transaction() as tx:
                await process.writer.lock(tx, [asked])
                await process.writer.write(tx, [asked], self.now)

        if self.attempt(written, fails) and not self.naive.already_alone(person, name, MARKETING):
            self.tell("refusal", person, group=group, programme=name, purposes=MARKETING)

    # Refusals --------------------------------------------------------------------------------

    @rule(
        place=places,
        who=st.lists(people, min_size=1, max_size=3),
        sender=st.sampled_from(sorted(GROUP_OF)),
        purposes=st.sampled_from([MARKETING, BOTH, BOTH]),
        fails=FAILS,
    )
    def told_by_the_sender(
        self, place: int, who: list[str], sender: str, purposes: frozenset[str], fails: str | None
    ) -> None:
        process = self.processes[place]
        request = RefusalRequest(
            sender=sender,
            to=who,
            source="counter",
            purposes=sorted(purposes),  # type: ignore[arg-type]  # plain words
        )

        async def handed_in() -> None:
            await process.refusals.refuse(process.caller(sender), request, key=None, sha=b"")

        if self.attempt(handed_in, fails):
            for person in dict.fromkeys(who):
                self.refuse(person, GROUP_OF[sender], purposes)

    def refuse(self, person: str, group: str | None, purposes: frozenset[str]) -> None:
        if not self.naive.already(person, group, purposes):
            self.tell("refusal", person, group=group, everywhere=group is None, purposes=purposes)

    @rule(
        place=places,
        person=people,
        number=st.sampled_from([*sorted({*NUMBERS.values()}), SERVICE, NOBODYS]),
        extra=st.sampled_from(["", "", "7"]),
        text=st.sampled_from(["TD", "退订", "T谢谢", "全部退订", "不用了", "START", "你好", "0"]),
        fails=FAILS,
    )
    def reply(
        self, place: int, person: str, number: str, extra: str, text: str, fails: str | None
    ) -> None:
        """An answer that is stored; acting on it may fail, and is done by whoever comes next."""
        id_ = next(self.carrier_ids)
        row = (
            id_,
            utc(self.now),
            "mobile",
            "mobile-1",
            id_,
            number + extra,
            self.ids[person],
            int(Alphabet.UCS2),
            text.encode("utf-16-be"),
            None,
            None,
            None,
        )
        meant = self.naive.meant(person, number, self.holders.get(number, []), self.now)
        self.do(self.store.execute("inbound_store", *([value] for value in row), False))
        self.attempt(self.processes[place].replies.sweep, fails)
        head = self.head()
        self.do(self.processes[1 - place].replies.sweep())
        if text in ("TD", "退订", "T谢谢"):
            for group in meant:
                self.refuse(person, group, MARKETING)
        elif text == "全部退订":
            self.refuse(person, None, MARKETING)
        elif text == "不用了":
            self._pauses(person, meant, head)

    def _pauses(self, person: str, meant: list[str], head: int) -> None:
        group_of = {id_: group for group, id_ in self.groups.items()}
        rows = self.do(self.store.fetch("entries_after", max(0, self.head() - len(meant)), 100))
        assert head or rows or not meant
        for row in rows:
            assert row["kind"] == Kind.PAUSED
            self.tell(
                "pause",
                person,
                id=row["position"],
                group=group_of[row["group_id"]],
                purposes=MARKETING,
            )
        assert sorted(group_of[row["group_id"]] for row in rows) == sorted(meant)

    # Orders, ports, processes, time --------------------------------------------------------------

    @rule(place=places, who=st.lists(people, min_size=1, max_size=3, unique=True), name=programmes)
    def write(self, place: int, who: list[str], name: str) -> None:
        sender = name.split("/")[0]
        if sender not in self.active:
            return
        process = self.processes[place]
        judged = self.judge(process, name, who, "customers")
        self.do(process.submit.store(judged))
        key = f"{self.active[sender]}/{GROUP_OF[sender]}"
        self.naive.wrote += [
            (key, person, self.now)
            for person, id_ in zip(who, judged.message_ids.tolist(), strict=True)
            if id_
        ]

    def judge(self, process: Process, name: str, who: list[str], relation: str) -> Any:
        sender, programme = name.split("/")
        request = SendRequest(
            sender=sender,
            purpose="marketing",
            programme=programme,
            relation=relation,  # type: ignore[arg-type]  # a plain word
            text=TEXT,
            messages=[Receiver(to=one) for one in who],
        )
        order = order_of(process.catalogue, process.caller(sender), request, key=None, sha=b"")
        return self.do(process.submit.judge(order))

    @rule(sender=st.sampled_from(sorted(GROUP_OF)), sure=st.integers(0, 2))
    def revoke(self, sender: str, sure: int) -> None:
        """Its port is taken away; answers to it still count."""
        if sure == 0 and self.active.pop(sender, None) is not None:
            self._port("UPDATE port SET status = 'revoked' WHERE sender_id = $1", sender)

    @rule(
        sender=st.sampled_from(sorted(GROUP_OF)), number=st.sampled_from(sorted(NUMBERS.values()))
    )
    def move(self, sender: str, number: str) -> None:
        """A sender without a port gets a number, which somebody else had or has."""
        if sender in self.active:
            return
        self._port("UPDATE port SET status = 'recycled' WHERE sender_id = $1", sender)
        self._port(
            "INSERT INTO port (number, carrier, sender_id, purpose, signature, programme_id,"
            " free_to_reply, created_at) SELECT $2, 'mobile', s.id, $4::smallint, s.legal_name,"
            " p.id, true, $3 FROM sender s"
            " JOIN programme p ON p.sender_id = s.id AND p.name = 'offers' WHERE s.id = $1",
            sender,
            number,
            utc(self.now),
            int(Purpose.MARKETING),
        )
        self.active[sender] = number
        if GROUP_OF[sender] not in self.holders[number]:
            self.holders[number].append(GROUP_OF[sender])

    def _port(self, sql: str, sender: str, *args: Any) -> None:
        async def changed() -> None:
            ids = {one.credit_code: id_ for id_, one in self.processes[0].catalogue.senders.items()}
            connection = await asyncpg.connect(self.url)
            await connection.execute(sql, ids[sender], *args)
            await connection.close()
            for process in (*self.processes, self.auditor):
                await process.catalogue.load(self.store)

        self.do(changed())

    @rule(place=places)
    def restart(self, place: int) -> None:
        """A process dies, with all that it has not followed yet, and another one begins."""
        self.clock.advance(0.001)
        self.processes[place] = Process(self.store, self.clock)
        self.do(self.processes[place].start(self.rulebook))

    @rule(place=places)
    def follow(self, place: int) -> None:
        self.do(self.processes[place].live.sync(self.store))

    @rule(seconds=st.sampled_from([0.001, 1.0, 400.0, 4_000.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(days=st.sampled_from([1, 31]), sure=st.integers(0, 3))
    def wait_long(self, days: int, sure: int) -> None:
        if sure == 0:
            self.clock.advance(timedelta(days=days).total_seconds())

    # What must be ------------------------------------------------------------------------------

    @invariant()
    def time_goes_on(self) -> None:
        """Slower than steps, so that some share a millisecond; but ids are drawn 2,048 in one."""
        if next(self.steps) % 8 == 0:
            self.clock.advance(0.001)

    @invariant()
    def nobody_differs(self) -> None:
        if hasattr(self, "ids"):
            self.do(self._compare())

    async def _compare(self) -> None:
        """(long: four ways to tell the same)"""
        now = self.now
        who = np.array([self.ids[person] for person in PEOPLE], np.uint32)
        rows = await self.store.fetch("entries_unsealed", 0, 1_000_000)
        ledger = fold((row["position"], decode(bytes(row["body"]))) for row in rows)
        ids = [int(one) for one in who]
        standings = {
            (row["programme_id"], row["person_id"]): row
            for row in await self.store.fetch(
                "standing_of_people", [one.id for one in self.programmes.values()], ids
            )
        }
        if self.over:  # who was forgotten stands nowhere, whatever came later
            every = [one.id for one in self.programmes.values()]
            assert not await self.store.fetch("standing_of_people", every, self.over)
        refusals = {
            (row["group_id"], row["person_id"]): row["purposes"]
            for row in await self.store.fetch("refusals_of_people", ids)
        }
        pauses = {
            (row["group_id"], row["person_id"]): row["purposes"]
            for row in await self.store.fetch("pauses_of_people", ids)
        }
        alone = {
            (row["programme_id"], row["person_id"])
            for row in await self.store.fetch("programme_refusals_of_people", ids)
        }
        anew = Live(self.auditor.catalogue)
        await anew.load(self.store)
        await self.auditor.live.sync(self.store)
        head = await self.store.fetchval("ledger_head")
        lives = [one.live for one in self.processes if one.live.position == head]
        for name, programme in self.programmes.items():
            group = self.groups[GROUP_OF[name[0]]]
            grades = [self.naive.grade(person, name, now) for person in PEOPLE]
            refused = [self.naive.refused(person, name, "marketing", now) for person in PEOPLE]
            paused = [self.naive.paused(person, name, "marketing") for person in PEOPLE]
            for live in (anew, self.auditor.live, *lives):
                found = live.grades(programme.id, who, now).tolist()
                assert found == grades, f"{name}: memory {found}, {grades}"
                purpose = Purpose.MARKETING
                found = live.refused(group, programme.id, purpose, who, now).tolist()
                assert found == refused, f"{name}: memory refused {found}, {refused}"
                found = live.paused(group, purpose, who).tolist()
                assert found == paused, f"{name}: memory paused {found}, {paused}"
            for place, id_ in enumerate(ids):
                row = standings.get((programme.id, id_))
                runs = row is not None and (row["expires"] == 0 or row["expires"] > now)
                grade = row["grade"] if runs and row is not None else 0
                assert grade == grades[place], f"{name}: table {grade}, {grades[place]}"
                fresh = grade and row is not None and row["fresh"]
                stored = refusals.get((group, id_), 0) | refusals.get((0, id_), 0)
                said = bool(stored & BIT) or (programme.id, id_) in alone
                assert (said and not fresh) == refused[place], f"{name}: table refused"
                stored = pauses.get((group, id_), 0) | pauses.get((0, id_), 0)
                assert bool(stored & BIT) == paused[place], f"{name}: table paused"
                folded = ledger.standing(programme.id, id_)
                grade = folded.grade_at(int(now * 1000))
                assert grade == grades[place], f"{name}: fold {grade}, {grades[place]}"
                said = bool(ledger.refusals(group, id_) & BIT)
                said |= ledger.programme_refused(programme.id, id_)
                assert (said and not (grade and folded.fresh)) == refused[place], f"{name}: fold"
                assert bool(ledger.pauses(group, id_) & BIT) == paused[place], (
                    f"{name}: fold paused"
                )

    @invariant()
    def dry_runs_tell_it(self) -> None:
        if not hasattr(self, "ids"):
            return
        for name in self.programmes:
            if name.split("/")[0] not in self.active:
                continue
            for relation, least in (("customers", ASSERTION), ("cold", RECEIVER)):
                judged = self.judge(self.auditor, name, PEOPLE, relation)
                may = [self.naive.may(one, name, "marketing", self.now, least) for one in PEOPLE]
                found = (judged.message_ids != 0).tolist()
                assert found == may, f"{name}: {relation} {found}, {may} {judged.reasons}"
                assert {*judged.customer_reasons} <= {"no_standing"}


def _mask(purposes: frozenset[str]) -> int:
    return sum(1 << CHANNEL_OF[purpose] for purpose in purposes)


@pytest.fixture(scope="module")
def filed(engine: Embedded, migrated_template: str) -> str:
    """The name of a database in which the senders are filed, to be copied for each history."""
    name = "template_model"

    async def make() -> None:
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(new_database(engine, migrated_template))
            store = await Store.open(url, min=1, max=2)
            document = msgspec.convert(complete(DOCUMENT_OF_ALL), Register)
            await file_register(store, document, BEGIN, secrets.token_bytes)
            await store.fetchval("ensure_partitions", utc(BEGIN), 4)
            await store.close()
            one = await asyncpg.connect(engine.dsn_of("postgres"))
            filed = urlsplit(url).path.lstrip("/")
            await one.execute(f'CREATE DATABASE "{name}" TEMPLATE "{filed}"')
            await one.close()

    asyncio.run(make())
    return name


@pytest.mark.timeout(0 if EXAMPLES > 25 else 240)
def test_random_histories_come_to_what_the_design_says(
    engine: Embedded, filed: str, tmp_path: Path
) -> None:
    Standing.engine, Standing.template = engine, filed
    Standing.rulebook = lenient_rulebook(tmp_path)
    run_state_machine_as_test(
        Standing,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=SHRINK if EXAMPLES > 25 else SHRINK[:1],
        ),
    )
