"""kill -9 while customers' software submits: of the process that serves it, of the one that sends,
of PostgreSQL.

An SMPP and a CMPP customer submit all the time, single texts and long ones; what they are answered
with success must be accounted for exactly once, whatever dies. A part whose answer was lost is
submitted again, a text is not: it may have been taken.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
import pytest

from assent.carrier.link import Link, LinkSettings
from assent.clock import SystemClock
from assent.flow.judging import PATIENCE_S
from assent.flow.links import LinkHandle
from assent.message import State
from assent.text import Alphabet, segment
from tests.carrier.customers_rig import Customer
from tests.flow.audit import audit
from tests.flow.conftest import MARKETING_TEXT, numbers
from tests.flow.installation import Installation, free_port, kill
from tests.flow.test_crash import finished
from tests.flow.test_customer_links import LOGINS, MARKETING, SECRET, document

pytestmark = pytest.mark.timeout(400)  # eight restarts; more on a busy machine

DIALECTS = ("cmpp", "smpp")
RATE = 60.0  # submits a second of each customer
KILLS = ("front", "postgres", "bulk", "front")
SCRIPT: dict[str, Any] = {
    "answers": {"latency": {"uniform": [0.001, 0.03]}},
    "receipts": {"delay": {"uniform": [0.05, 0.5]}},
}
UNTOLD = """SELECT (SELECT count(*) FROM parcel) + (SELECT count(*) FROM event e, cursor c
    WHERE e.kind = ANY(CASE c.name WHEN 'fold' THEN ARRAY['result', 'slot_end', 'receipt']
            WHEN 'parcels' THEN ARRAY['message', 'reply'] END)
        AND (e.xid, e.seq) >
            (coalesce((SELECT last.xid FROM event last WHERE last.seq = c.seq), '0'), c.seq))"""
PARKED = "SELECT count(*) FROM receipt_parked WHERE NOT given_up"
LONG = "【商户1】" + "夏装上新，全场八折，" * 9 + "客服电话400-820-1234。拒收请回复R"


class Submit(NamedTuple):
    """A text, or a part of one, to a person."""

    person: str
    content: bytes
    total: int
    number: int


class Software(Customer):
    """A customer that writes to each of its people once, every third time at length."""

    def __init__(self, people: list[str]) -> None:
        super().__init__()
        self.people = iter(people)
        self.enough = False
        self.sent: dict[int, Submit] = {}
        self.again: list[Submit] = []
        self.written = 0

    def take(self, link: LinkHandle, credit: int) -> list[tuple[int, bytes]]:
        while len(self.again) < credit and not self.enough:
            self.again += self.more()
        some, self.again = self.again[:credit], self.again[credit:]
        return [self.submit(link, one) for one in some]

    def more(self) -> list[Submit]:
        person = next(self.people)
        self.written += 1
        text = "【商户1】" + MARKETING_TEXT if self.written % 3 else LONG
        parts = segment(text, Alphabet.UCS2, reference=self.written % 256)
        return [Submit(person, part, len(parts), place) for place, part in enumerate(parts, 1)]

    def submit(self, link: Any, one: Submit) -> tuple[int, bytes]:
        token = next(self.tokens)
        self.sent[token] = one
        body = link.kit.form("", MARKETING).body(
            link.kit.number(86 * 10**11 + int(one.person)),
            one.content,
            8,
            int(one.total > 1),
            pk_total=one.total,
            pk_number=one.number,
        )
        return token, body

    def lost(self, link: LinkHandle, tokens: list[int]) -> None:
        super().lost(link, tokens)
        self.again = [self.sent[t] for t in tokens if self.sent[t].total > 1] + self.again

    def answered(self, link: LinkHandle, answers: list[tuple[int, int, int]]) -> None:
        super().answered(link, answers)
        busy = [self.sent[token] for token, result, _ in answers if result]
        self.again = busy + self.again

    @property
    def accepted(self) -> dict[int, Submit]:
        """By the id that it was told."""
        found = {id_: self.sent[token] for token, result, id_ in self.answers if not result}
        assert len(found) == self.results.count(0), "an id was told twice"
        return found

    def receipts(self) -> dict[int, set[str]]:
        """By id, what was reported of it."""
        found: dict[int, set[str]] = defaultdict(set)
        for deliver in self.delivers:
            if deliver.is_report:
                report = deliver.report()
                found[report.message_id].add(report.stat.strip())
        return found


@pytest.fixture
async def installation(engine_root: Path, tmp_path: Path) -> AsyncIterator[Installation]:
    one = Installation(engine_root / f"links-{tmp_path.name[-24:]}", tmp_path)
    one.doors = {dialect: free_port() for dialect in DIALECTS}
    try:
        yield one
    finally:
        await one.end()


def customer(installation: Installation, dialect: str, software: Software) -> Link:
    settings = LinkSettings(
        name=f"customer-{dialect}",
        carrier="assent",
        host="127.0.0.1",
        port=installation.doors[dialect],
        user=LOGINS[dialect],
        secret=SECRET,
        dialect=dialect,
        rate=RATE,
        reconnect_base_s=0.05,
        reconnect_cap_s=0.2,
        throttle_base_s=0.05,
        throttle_cap_s=0.1,
    )
    return Link(settings, software, software, installation.clock, Random(3))


async def consent(installation: Installation, people: list[str]) -> None:
    at = datetime.now(UTC) - timedelta(days=30)
    async with installation.client() as client:
        await client.import_consents(
            [{"to": number, "at": at} for number in people],
            sender="CODE1",
            programme="offers",
            grade="document",
            wording="v1",
            source="shop form",
        )


async def trouble(installation: Installation, rng: Random) -> None:
    """Kill one thing after another; each comes back."""
    for victim in KILLS:
        await asyncio.sleep(rng.uniform(0.5, 1.5))
        if victim == "postgres":
            before = installation.postmaster()
            assert before is not None
            kill(before)
            await installation.until(
                lambda old=before: installation.postmaster() not in (None, old),
                "PostgreSQL is started again",
                90.0,
            )
        else:
            process = installation.children()[victim]
            kill(process)
            await installation.until(
                lambda role=victim, old=process: installation.children().get(role, old) != old,
                f"{victim} is started again",
                90.0,
            )
        await installation.until(installation.is_up, "the installation is up again", 90.0)


async def settled(installation: Installation) -> None:
    """Nothing is under way; of what was handed in only parts may be left."""
    await finished(installation)

    async def told() -> bool:
        return await installation.ask(UNTOLD) == 0

    await installation.until(told, f"all is acknowledged\n{installation.said()}", 60.0)


async def batches(installation: Installation) -> dict[int, bool]:
    """By id that a customer was told: whether its message may have no receipt, being unsure."""
    rows = await installation.sql(
        "SELECT l.parts, l.ids, l.told, b.segments, f.states FROM link_batch l"
        " JOIN batch b ON b.id = l.batch_id LEFT JOIN batch_final f ON f.batch_id = b.id"
    )
    found: dict[int, bool] = {}
    for row in rows:
        ids = np.frombuffer(row["ids"], "<u8").tolist()
        at = first = 0
        for parts, told, segments in zip(row["parts"], row["told"], row["segments"], strict=True):
            states = (row["states"] or b"")[first : first + segments]
            unsure = State.UNSURE in states
            assert told or unsure, f"a message has ended and nobody told: {list(states)}"
            for id_ in ids[at : at + parts]:
                assert id_ not in found, "one submit became two messages"
                found[id_] = not told
            at, first = at + parts, first + segments
    return found


async def test_whatever_dies_every_answered_submit_is_accounted_for_once(
    installation: Installation,
) -> None:
    await installation.prepare(SCRIPT, 160.0, seed=1, document=document(free_port()))
    await installation.serve()
    await installation.until(installation.is_up, "the installation is up", 90.0)
    people = numbers(12_000)
    half = len(people) // 2
    await consent(installation, [one for place, one in enumerate(people) if place % 10])
    software = {"cmpp": Software(people[:half]), "smpp": Software(people[half:])}
    links = [customer(installation, dialect, one) for dialect, one in software.items()]
    for link in links:
        link.start()
    await trouble(installation, Random(5))
    for one in software.values():
        one.enough = True

    def answered() -> bool:
        return all(
            not one.again and len(one.answers) + len(one.losses) == len(one.sent)
            for one in software.values()
        )

    await installation.until(answered, "all is answered or lost", 60.0)
    await settled(installation)
    # Parts that were complete already and came again to a process that did not know it.
    for link in links:
        await link.stop()
    assert await installation.terminate() == 0
    installation.clock = SystemClock(installation.clock.offset_s + PATIENCE_S + 1)
    await installation.serve()
    links = [customer(installation, dialect, one) for dialect, one in software.items()]
    for link in links:
        link.start()

    async def nothing_left() -> bool:
        parts = await installation.ask("SELECT count(*) FROM handed_in")
        return parts == 0 == await installation.ask(PARKED)

    await installation.until(nothing_left, f"parts expire\n{installation.said()}", 60.0)
    await settled(installation)
    known = await batches(installation)
    for one in software.values():
        accepted, receipts = one.accepted, one.receipts()
        assert len(accepted) > 300
        assert max(Counter(len(stats) for stats in receipts.values())) == 1, "told two things"
        for id_, submit in accepted.items():
            unsure = known.get(id_)
            assert id_ in receipts or unsure, f"{submit.total} {id_}: nobody told what became of it"
            if unsure is None:
                assert receipts[id_] <= {"REJECTD", "EXPIRED"}, "told of, but nowhere"
        stats = Counter(stat for some in receipts.values() for stat in some)
        assert stats["DELIVRD"] > stats["REJECTD"] > 20
    problems = await audit(installation.url, installation.records())
    assert not problems, "\n".join(problems)
    for link in links:
        await link.stop()
    assert await installation.terminate() == 0
