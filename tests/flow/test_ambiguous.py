"""A store that fails: what it was asked to write is lost, or stored but nobody is told.

Every write of flow is failed in both ways (STYLE.md: "test both"), in a running platform over
real carriers' sockets and a real PostgreSQL. Customers repeat what was not answered, with the
same key. Whatever happens, the books must balance (audit.py), and because nothing died, nothing
may be unsure either.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any, Literal

import numpy as np
import pytest

from assent.app import node as app_node
from assent.errors import Unavailable
from assent.flow.columns import U32, unpack
from assent.flow.ids import OWN_ORDER
from assent.flow.requests import CampaignRequest, Receiver, SendRequest
from assent.numbers import parse
from assent.store import Store
from tests.flow.audit import audit
from tests.flow.conftest import Platform, numbers, running
from tests.flow.test_crash import IDLE, TEXT

Mode = Literal["refused", "lost", "unanswered"]
"""refused: an error before COMMIT. lost: COMMIT was sent and did not arrive. unanswered: it was
carried out, and its answer was lost."""

MODES: tuple[Mode, ...] = ("refused", "lost", "unanswered")
EXPECTED = (
    "queue_lease",
    "plan_insert",
    "results_store",
    "receipts_store",
    "inbound_store",
    "refusals_at_once",
    "replies_store",
    "order_store",
)
"""The first writes of a lease, attempts, answers, reports, replies, refusals and orders."""

SPARED = frozenset({"health_put"})
WRITES = re.compile(
    r"\b(INSERT INTO|DELETE FROM|UPDATE \w+\s+SET|SELECT store_\w+|SELECT refuse_at_once)\b"
)


class Plan:
    """Decides which writes fail. `choose(name)` returns a mode or None; off until armed."""

    def __init__(self) -> None:
        self.armed = False
        self.choose: Callable[[str], Mode | None] = lambda name: None
        self.failed: Counter[tuple[str, str]] = Counter()

    def verdict(self, names: Sequence[str]) -> Mode | None:
        """Ask about one transaction, by the first of its writes."""
        if not self.armed or not names:
            return None
        mode = self.choose(names[0])
        if mode is not None:
            self.failed[names[0], mode] += 1
        return mode


def away(code: str) -> Unavailable:
    return Unavailable(code, "the test's store does not answer", mend="try again")


class Watched:
    """A transaction that notes what it runs."""

    def __init__(self, tx: Any, names: list[str]) -> None:
        self._tx = tx
        self._names = names

    def __getattr__(self, method: str) -> Any:
        run = getattr(self._tx, method)

        async def noted(name: str, *args: Any) -> Any:
            self._names.append(name)
            return await run(name, *args)

        return noted


class FrailStore(Store):
    """A real store that fails by `plan`."""

    plan = Plan()

    def _written(self, names: Iterable[str]) -> list[str]:
        """Return those of some queries that write; a COPY goes with other writes always."""
        known = [name for name in names if name in self.queries]
        return [n for n in known if n not in SPARED and WRITES.search(self.queries.sql(n))]

    @asynccontextmanager
    async def transaction(self, **more: Any) -> AsyncIterator[Any]:  # type: ignore[override]  # stands in for Store, fewer types
        names: list[str] = []
        mode: Mode | None = None
        async with super().transaction(**more) as tx:
            yield Watched(tx, names)
            mode = self.plan.verdict(self._written(names))
            if mode in ("refused", "lost"):
                raise away("store_unavailable" if mode == "refused" else "commit_unknown")
        if mode == "unanswered":
            raise away("commit_unknown")

    async def _alone(self, name: str, call: Callable[[], Awaitable[Any]]) -> Any:
        mode = self.plan.verdict(self._written([name]))
        if mode in ("refused", "lost"):
            raise away("store_unavailable")
        answer = await call()
        if mode == "unanswered":
            raise away("store_unavailable")
        return answer

    async def once(self, name: str, *args: Any) -> Any:
        mode = self.plan.verdict(self._written([name]))
        if mode in ("refused", "lost"):
            raise away("store_unavailable" if mode == "refused" else "commit_unknown")
        answer = await super().once(name, *args)
        if mode == "unanswered":
            raise away("commit_unknown")
        return answer

    async def execute(self, name: str, *args: Any) -> Any:
        parent = super().execute
        return await self._alone(name, lambda: parent(name, *args))

    async def executemany(self, name: str, rows: Iterable[Any]) -> None:
        parent, listed = super().executemany, list(rows)
        await self._alone(name, lambda: parent(name, listed))

    async def fetch(self, name: str, *args: Any) -> Any:
        parent = super().fetch
        return await self._alone(name, lambda: parent(name, *args))


@pytest.fixture
async def frail(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Platform]:
    """A platform whose node works on a frail store."""
    FrailStore.plan = Plan()
    monkeypatch.setattr(app_node, "Store", FrailStore)
    script = {"answers": {"latency": 0.001}, "receipts": {"delay": {"uniform": [0.0, 0.1]}}}
    async with running(migrated_url, tmp_path, script) as platform:
        yield platform
        FrailStore.plan.armed = False


async def insist(call: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat a customer's call until it is answered."""
    for _ in range(60):
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(0.02)
    pytest.fail("never answered")


async def road(platform: Platform, first: int, key: str) -> None:
    """Send marketing, a code, a notice; some of the people refuse; nothing is lost."""
    people = numbers(9, first)
    request = SendRequest(
        sender="CODE1",
        purpose="marketing",
        text=TEXT,
        messages=[Receiver(to=to, variables={"nr": f"{first + i}"}) for i, to in enumerate(people)],
    )

    async def order() -> bytes:
        return await platform.node.sending.send(
            platform.caller(), request, key=f"{key}-marketing", sha=b"1"
        )

    answer = await insist(order)
    assert json.loads(answer)["allowed"] == 9
    assert await insist(order) == answer
    await insist(lambda: platform.send(people[:1], "verification", key=f"{key}-code"))
    await insist(lambda: platform.send(people[1:2], "notification", key=f"{key}-notice"))
    for place in (0, 1, 2):
        carrier = ("mobile", "unicom", "telecom")[place]
        platform.simulators[carrier].send_mo(people[place], "106900011", "TD")
    platform.simulators["mobile"].send_mo(people[3], "106900011", "几点开门？")


async def settled(platform: Platform) -> None:
    async def idle() -> bool:
        for simulator in platform.simulators.values():
            status = simulator.status()
            if status["later"] or status["waiting"] or status["unacknowledged"]:
                return False
        return bool(await platform.value(IDLE) == 0)

    await platform.until(idle, f"everything is settled {FrailStore.plan.failed}", 40.0)


async def balance(platform: Platform, keys: int) -> None:
    problems = await audit(platform.url, platform.records())
    assert not problems, "\n".join([*problems, str(FrailStore.plan.failed)])
    assert await platform.value("SELECT count(*) FROM unsure_segment") == 0
    assert await platform.value("SELECT count(*) FROM idempotency") == keys
    # Requests for one message that met share a submission, and each of its rows is an order.
    rows = await platform.sql(
        "SELECT DISTINCT ON (s.id) s.n, b.rows FROM submission s"
        " JOIN batch b ON b.submission_id = s.id WHERE s.purpose <> 5"
    )
    shared = [row["n"] for row in rows if unpack(row["rows"], U32)[0] & OWN_ORDER]
    orders = await platform.value("SELECT count(*) FROM submission WHERE purpose <> 5")
    assert orders - len(shared) + sum(shared) == keys
    assert not platform.node.lost.is_set()


@pytest.mark.parametrize("mode", MODES[1:])
async def test_each_of_the_first_commits_fails(frail: Platform, mode: Mode) -> None:
    plan = FrailStore.plan
    await frail.consent(numbers(20 * 9))
    for nth in range(20):
        counter = iter(range(1000))
        plan.choose = lambda name, nth=nth, counter=counter: mode if next(counter) == nth else None
        plan.armed = True
        await road(frail, nth * 9, f"k{nth}")
        await settled(frail)
        plan.armed = False
    assert sum(plan.failed.values()) >= 15
    await balance(frail, 60)


@pytest.mark.parametrize("mode", MODES)
async def test_each_kind_of_write_fails(frail: Platform, mode: Mode) -> None:
    """The first and the third write of every kind."""
    plan = FrailStore.plan
    seen: Counter[str] = Counter()

    def choose(name: str) -> Mode | None:
        seen[name] += 1
        return mode if seen[name] in (1, 3) else None

    plan.choose = choose
    await frail.consent(numbers(5 * 9))
    plan.armed = True
    for nth in range(5):
        await road(frail, nth * 9, f"k{nth}")
    await settled(frail)
    plan.armed = False
    for name in EXPECTED:
        assert plan.failed[name, mode], f"{name} was never failed: {seen}"
    await balance(frail, 15)


@pytest.mark.parametrize("seed", range(3))
async def test_any_write_fails_at_random(frail: Platform, seed: int) -> None:
    plan, rng = FrailStore.plan, Random(seed)
    plan.choose = lambda name: rng.choice(MODES) if rng.random() < 0.25 else None
    await frail.consent(numbers(4 * 9))
    plan.armed = True
    await asyncio.gather(*(road(frail, nth * 9, f"k{nth}") for nth in range(4)))
    await settled(frail)
    plan.armed = False
    await balance(frail, 12)


@pytest.mark.parametrize("mode", MODES[1:])
async def test_a_campaigns_chunks_are_judged_once(frail: Platform, mode: Mode) -> None:
    """Also the same people in two chunks, and a chunk whose storing fails."""
    plan = FrailStore.plan
    people = numbers(40)
    await frail.consent(people)
    caller, campaigns = frail.caller(), frail.node.campaigns
    audience = await campaigns.create_audience(caller, "shop", "customers of the shop")
    for place in range(4):
        some = [*people[place * 10 : place * 10 + 10], people[0]]
        parsed = parse(some)
        await campaigns.add_chunk(
            audience,
            place,
            np.arange(place * 11, place * 11 + 11, dtype=np.uint32),
            parsed.msisdn,
            parsed.fault,
            {"nr": [f"{place}-{row}" for row in range(11)]},
        )
    await campaigns.finish_audience(audience, ["nr"])
    count = Counter[str]()

    def choose(name: str) -> Mode | None:
        count[name] += 1
        return mode if name == "order_admit" and count[name] % 2 else None

    plan.choose = choose
    plan.armed = True
    request = CampaignRequest(
        name="summer", audience=str(audience), sender="CODE1", purpose="marketing", text=TEXT
    )
    await insist(lambda: campaigns.create(caller, request, key="summer", sha=b"x"))
    await settled(frail)
    plan.armed = False
    assert plan.failed["order_admit", mode] >= 2
    problems = await audit(frail.url, frail.records())
    assert not problems, "\n".join(problems)
    assert len(frail.submits("106900011")) == 40
    assert await frail.value("SELECT sum(n) FROM submission") == 44
    assert await frail.value("SELECT sum(allowed) FROM submission") == 40
