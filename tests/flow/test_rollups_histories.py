"""Random histories with crashes: what is counted is what a plain count of the rows comes to."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import msgspec
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from assent.clock import ManualClock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.flow.columns import U8, U16, U32, U64, pack, pack_object, unpack
from assent.flow.fold import Fold
from assent.flow.history import export
from assent.flow.inbound import word_code
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.rollup_counts import MEASURES, Failure, Place
from assent.flow.rollup_recount import Recount
from assent.flow.rollups import Rollups
from assent.flow.setup import Register, file_register
from assent.message import AttemptStatus, State, batch_id
from assent.numbers import NumberTable
from assent.store import Store
from assent.store.embedded import Embedded
from assent.watch.history_counts import counts_of, files_of
from bench.papers import complete
from tests.conftest import new_database
from tests.flow.conftest import register

BEGIN = 1_795_320_000.0
NUMBERS = NumberTable.load()
ACTS = [
    *["submit"] * 3, *["attempt"] * 3, *["answer"] * 3, *["report"] * 3, *["fold"] * 2, "refuse",
    "refuse", "complain", "correct", *["counting"] * 4, "hold", "let_go", "again", "rebuild",
    "restart", "regroup",
]  # fmt: skip


class Crash(Exception):
    """The process is gone."""


class Crashing:
    """A store whose process dies: before a statement of a transaction, or after its commit."""

    def __init__(self, store: Store, rng: Random) -> None:
        self._store, self._rng = store, rng

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @asynccontextmanager
    async def transaction(self, **more: Any) -> AsyncIterator[Any]:
        fatal = self._rng.choice([*[None] * 12, *range(8), "after"])
        async with self._store.transaction(**more) as tx:
            yield tx if fatal is None else Dying(tx, fatal)
        if fatal == "after":
            raise Crash


class Dying:
    """A transaction that gets so far."""

    def __init__(self, tx: Any, fatal: int | str) -> None:
        self._tx, self._left = tx, fatal if isinstance(fatal, int) else 1 << 30

    def __getattr__(self, name: str) -> Any:
        if self._left <= 0:
            raise Crash
        self._left -= 1
        return getattr(self._tx, name)


@dataclass
class Message:
    """One of a batch, told plainly."""

    person: int
    province: int
    segments: int
    attempted: list[float] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)


@dataclass
class Order:
    """A batch. `stored`: its transaction has committed."""

    id: int
    at: float
    port: Any
    category: str
    messages: list[Message]
    stored: bool = True

    def place(self, slot: int) -> Place:
        port = self.port
        return Place(
            int(self.at) // 3600 * 3600, port["id"], port["sender_id"], port["account_id"],
            port["carrier"], self.messages[slot].province, self.category, port["purpose"],
        )  # fmt: skip


class Life:
    """A history, and what it should come to."""

    def __init__(self, store: Store, sql: Any, ports: list[Any], seed: int) -> None:
        self.rng, self.store, self.sql, self.ports = Random(seed), store, sql, ports
        self.clock = ManualClock(BEGIN)
        self.folding = Fold(store)
        self.orders: dict[int, Order] = {}
        self.held: list[tuple[AsyncExitStack, Order]] = []
        self.refusals: list[Place] = []
        self.complaints: dict[int, tuple[Place, bool]] = {}
        self.numbers = count(1)
        self.replies: list[tuple[float, int, int, Any]] = []
        self.restart()

    def restart(self) -> None:
        self.rollups = Rollups(Crashing(self.store, self.rng), self.clock)

    def some(self) -> tuple[Order, int] | None:
        """Return a message that is stored."""
        stored = [order for order in self.orders.values() if order.stored]
        if not stored:
            return None
        order = self.rng.choice(stored[-6:])
        return order, self.rng.randrange(len(order.messages))

    async def live(self, length: int) -> None:
        for _ in range(length):
            self.clock.advance(self.rng.choice([1.0, 30.0, 1_500.0]))
            act = self.rng.choice(ACTS)
            try:
                done = getattr(self, act)()
                if done is not None:
                    await done
            except Crash:
                self.restart()
        while self.held:
            await self.let_go()
        while await self.folding.step(self.clock.now()):
            pass
        last = Rollups(self.store, self.clock)
        await last.finish()

    # What happens -----------------------------------------------------------------------------

    async def submit(self) -> None:
        async with self.store.transaction() as tx:
            await self._submit(tx)

    async def _submit(self, tx: Any) -> Order:
        rng, now = self.rng, self.clock.now()
        messages = [
            Message(rng.randint(1, 6), rng.randint(0, 3), rng.choice([1, 1, 2]))
            for _ in range(rng.randint(1, 5))
        ]
        id_ = batch_id(int(now * 1000), rng.randrange(2048))
        port = rng.choice(self.ports)
        order = Order(id_, now, port, rng.choice(["", "retail", "loan"]), messages)
        if order.id in self.orders:
            return order
        n = len(messages)
        kept: bytes | None = pack([one.province for one in messages], U8)
        if rng.random() < 0.2:  # of before there were provinces
            kept = None
            for one in messages:
                one.province = 0
        await tx.copy("batch", (
            "id", "submission_id", "account_id", "sender_id", "group_id", "programme_id", "port_id",
            "template_id", "purpose", "carrier", "n", "position", "price", "not_before",
            "expires_at", "content", "people", "rows", "zones", "segments", "accepted_at",
            "provinces", "category",
        ), [(
            id_, 1, port["account_id"], port["sender_id"], port["group_id"], 0, port["id"], 0,
            port["purpose"], port["carrier"], n, 0, 0, utc(now), utc(now + 86_400), "text",
            pack([one.person for one in messages], U32), pack(range(n), U32), bytes(2 * n),
            pack([one.segments for one in messages], U8), utc(now), kept, order.category,
        )])  # fmt: skip
        await self.tell(tx, "submission", 1, {"batches": [id_]})
        self.orders[id_] = order
        return order

    async def tell(self, tx: Any, kind: str, subject: int, payload: Any) -> None:
        at = utc(self.clock.now())
        await tx.execute("event_insert", at, kind, None, subject, pack_object(payload))

    async def hold(self) -> None:
        """A transaction that has its place among the events and commits much later."""
        stack = AsyncExitStack()
        order = await self._submit(await stack.enter_async_context(self.store.transaction()))
        order.stored = False
        self.held.append((stack, order))
        if len(self.held) > 2:
            await self.let_go()

    async def let_go(self) -> None:
        if self.held:
            stack, order = self.held.pop(0)
            await stack.aclose()
            order.stored = True

    async def attempt(self) -> None:
        chosen = self.some()
        if chosen is None:
            return
        order, slot = chosen
        now = self.clock.now()
        async with self.store.transaction() as tx:
            await tx.copy("attempt_window", ("id", "batch_id", "epoch", "at", "slots", "tries"), [
                (next(self.numbers), order.id, 1, utc(now), pack([slot], U16), pack([0], U8))
            ])  # fmt: skip
        order.messages[slot].attempted.append(now)

    async def answer(self) -> None:
        windows = await self.sql.fetch("SELECT * FROM attempt_window ORDER BY id")
        if not windows:
            return
        row = self.rng.choice(windows[-8:])
        order, slot = self.orders[row["batch_id"]], int(unpack(row["slots"], U16)[0])
        message = order.messages[slot]
        status = self.rng.choice([AttemptStatus.ACCEPTED] * 4 + [AttemptStatus.REFUSED] * 2 + [
            AttemptStatus.UNSURE, AttemptStatus.WITHHELD, AttemptStatus.THROTTLED
        ])  # fmt: skip
        code = self.rng.choice([0, 8, 13]) if status is AttemptStatus.REFUSED else 0
        n, id_ = message.segments, next(self.numbers)
        async with self.store.transaction() as tx:
            await tx.copy("window_result", (
                "id", "window_id", "batch_id", "at", "carrier", "link", "positions", "segments",
                "statuses", "codes", "carrier_ids", "lo", "hi",
            ), [(
                id_, row["id"], order.id, utc(self.clock.now()), order.port["carrier"], "l",
                pack([0] * n, U16), pack(range(n), U8), pack([int(status)] * n, U8),
                pack([code] * n, U32), bytes(8 * n), 0, 0,
            )])  # fmt: skip
            await self.tell(tx, "result", id_, [[order.id, id_]])
        if status is AttemptStatus.REFUSED:
            message.codes.append(code)

    async def report(self) -> None:
        chosen = self.some()
        if chosen is None:
            return
        order, slot = chosen
        state = self.rng.choice([State.DELIVERED, State.DELIVERED, State.FAILED])
        word = self.rng.choice(["UNDELIV", "MK:0015", "EXPIRED"])
        code = word_code(word) if state is State.FAILED else 0
        segment = self.rng.choice([255, 0, order.messages[slot].segments - 1])
        id_ = batch_id(int(self.clock.now() * 1000), self.rng.randrange(2048))
        async with self.store.transaction() as tx:
            if await tx.fetch("receipts_by_id", [id_]):
                return
            message = (order.id << 10) | slot
            await tx.execute(
                "receipt_insert", id_, utc(self.clock.now()), order.port["carrier"],
                pack([message], U64), bytes([segment]), bytes([state]), bytes(8), b"", 0,
                pack([code], U64) if code else None,
            )  # fmt: skip
            await self.tell(tx, "receipt", id_, [id_])
        if code:
            order.messages[slot].codes.append(code)

    async def refuse(self) -> None:
        """A person refuses: a group or everybody; sometimes only somebody else says so."""
        rng, now = self.rng, self.clock.now()
        person, group = rng.randint(1, 6), rng.choice([0, *{p["group_id"] for p in self.ports}])
        origin = rng.choice([Origin.RECEIVER] * 3 + [Origin.CARRIER])
        scope = Scope.GROUP if group else Scope.PLATFORM
        entry = Entry(
            int(now * 1000), Kind.WITHDRAWN, person, group, purposes=8, scope=scope,
            channel=Channel.SMS, origin=origin,
        )  # fmt: skip
        replied = rng.random() < 0.5
        port = rng.choice([p for p in self.ports if group in (0, p["group_id"])])
        async with self.store.transaction() as tx:
            if replied:
                await tx.copy("reply", (
                    "id", "at", "carrier", "destination", "person_id", "text", "intent",
                    "complaint", "complete", "groups",
                ), [(next(self.numbers), utc(now), port["carrier"], port["number"], person, "R",
                     "refuse", False, True, [group])])  # fmt: skip
                self.replies.append((now, person, group, port))
            await append(tx, [entry], utc(now))
        if origin is not Origin.RECEIVER:
            return
        self.refusals.append(self._refused(person, group, now))

    def _refused(self, person: int, group: int, now: float) -> Place:
        went = [
            (order.id, slot)
            for order in self.orders.values()
            if order.stored and group in (0, order.port["group_id"])
            for slot, one in enumerate(order.messages)
            if one.person == person and any(at <= now for at in one.attempted)
        ]
        # Of a batch that holds somebody twice the platform looks at the later place only.
        last = [
            (id_, slot)
            for id_, slot in went
            if slot == max(
                s for s, m in enumerate(self.orders[id_].messages) if m.person == person
            )
        ]  # fmt: skip
        if last:
            id_, slot = max(last)
            return self.orders[id_].place(slot)
        hour = int(now) // 3600 * 3600
        written = [
            p for at, who, whom, p in self.replies if who == person and whom == group and at <= now
        ]
        if not written:
            return Place(hour, 0, 0, 0, "", 0, "", 0)
        port = written[-1]
        return Place(
            hour, port["id"], port["sender_id"], 0, port["carrier"], 0, "", port["purpose"]
        )

    async def regroup(self) -> None:
        """A sender comes to another group; what was sent and refused before stays whose it was."""
        await self.sql.execute(
            "UPDATE sender SET group_id = $2"
            " WHERE id = $1", self.rng.choice(self.ports)["sender_id"],
            self.rng.choice(self.ports)["group_id"],
        )  # fmt: skip

    async def complain(self) -> None:
        chosen, port = self.some(), self.rng.choice(self.ports)
        message = None
        place = Place(
            int(self.clock.now()) // 3600 * 3600, port["id"], port["sender_id"], 0,
            port["carrier"], 2, "loan", port["purpose"],
        )  # fmt: skip
        if chosen is not None and self.rng.random() < 0.7:
            order, slot = chosen
            message, place = (order.id << 10) | slot, order.place(slot)
        async with self.store.transaction() as tx:
            id_ = await self.sql.fetchval(
                "INSERT INTO complaint (source, message_id, sender_id, receipt_code, state, at,"
                " port_id, carrier, province, purpose, category, complained_at)"
                " VALUES ('12321', $1, $2, $3, 'open', $4, $5, $6, 2, $7, 'loan', $4) RETURNING id",
                message, port["sender_id"], secrets.token_hex(8), utc(self.clock.now()),
                port["id"], port["carrier"], port["purpose"],
            )  # fmt: skip
            await self.tell(tx, "complaint", id_, {})
        self.complaints[id_] = (place, True)

    async def correct(self) -> None:
        """A complaint was about nobody of ours, or about us after all."""
        if not self.complaints:
            return
        id_ = self.rng.choice(list(self.complaints))
        place, ours = self.complaints[id_]
        async with self.store.transaction() as tx:
            state = "not_ours" if ours else "open"
            await self.sql.execute("UPDATE complaint SET state = $2 WHERE id = $1", id_, state)
            await self.tell(tx, "complaint", id_, {})
        self.complaints[id_] = (place, not ours)

    # Who counts -------------------------------------------------------------------------------

    async def fold(self) -> None:
        await self.folding.step(self.clock.now())

    async def counting(self) -> None:
        await self.rollups.step()

    async def again(self) -> None:
        """Everything is read again from the beginning, as from a backup of the cursors."""
        async with self.store.transaction() as tx:
            for name in ("rollups", "rollups_ledger"):
                await tx.execute("cursor_set", name, 0)

    async def rebuild(self) -> None:
        await Recount(Crashing(self.store, self.rng)).rebuild()

    # What it should come to -------------------------------------------------------------------

    async def expected(self) -> tuple[dict[Place, tuple[int, ...]], dict[Failure, int]]:
        hours: dict[Place, list[int]] = {}
        codes: Counter[Failure] = Counter()

        def add(place: Place, measure: int) -> None:
            hours.setdefault(place, [0] * 5)[measure] += 1

        rows = await self.sql.fetch("SELECT * FROM batch_final")
        finals = {row["batch_id"]: list(row["states"]) for row in rows}
        for order in self.orders.values():
            states = finals.get(order.id, [State.QUEUED] * 20)
            for slot, message in enumerate(order.messages):
                mine, states = states[: message.segments], states[message.segments :]
                place = order.place(slot)
                add(place, 0)
                if all(state == State.DELIVERED for state in mine):
                    add(place, 1)
                elif any(state in (State.FAILED, State.REFUSED) for state in mine):
                    add(place, 2)
                    why = max(message.codes, default=0)
                    codes[Failure(place.hour, place.port, place.carrier, why)] += 1
        for place in self.refusals:
            add(place, 3)
        for place, ours in self.complaints.values():
            if ours:
                add(place, 4)
        return {place: tuple(row) for place, row in hours.items()}, dict(codes)


async def counted(store: Store) -> tuple[dict[Place, tuple[int, ...]], dict[Failure, int]]:
    whole = utc(0.0), utc(4e9)
    hours = {
        Place(int(row["hour"].timestamp()), *list(row.values())[1:8]): tuple(row.values())[8:]
        for row in await store.fetch("rollup_counted_hours", *whole)
    }
    codes = {
        Failure(int(row["hour"].timestamp()), *list(row.values())[1:4]): row["n"]
        for row in await store.fetch("rollup_counted_failures", *whole)
    }
    return {k: v for k, v in hours.items() if any(v)}, {k: v for k, v in codes.items() if v}


def placed(table: Any, kind: Any) -> dict[Any, tuple[int, ...]]:
    """Return counts of history by place."""
    width = len(kind._fields)
    return {
        kind(int(row[0].replace(tzinfo=UTC).timestamp()), *row[1:width]): row[width:]
        for row in zip(*(column.to_pylist() for column in table.columns), strict=True)
    }


CLEAN = """TRUNCATE batch, batch_final, attempt_window, window_result, receipt_log, event, cursor,
    rollup_hour, rollup_failure, rollup_batch, rollup_complaint, rollup_refusal, reply CASCADE;
    SET session_replication_role = replica; DELETE FROM entry; DELETE FROM complaint;
    DELETE FROM standing_end; SET session_replication_role = DEFAULT;"""


def test_counts_are_what_the_rows_come_to(
    engine: Embedded, migrated_template: str, tmp_path: Path
) -> None:
    """Whatever happens in whatever order, and wherever the process that counts dies."""
    loop, directory = asyncio.new_event_loop(), tmp_path
    seen: Counter[str] = Counter()

    async def live(store: Store, sql: Any, ports: list[Any], seed: int, length: int) -> None:
        await sql.execute(CLEAN)
        life = Life(store, sql, ports, seed)
        await life.live(length)
        hours, codes = await life.expected()
        for row in hours.values():
            seen.update({name: n for name, n in zip(MEASURES, row, strict=True) if n})
        seen["codes"] += sum(n for failure, n in codes.items() if failure.code)
        assert await counted(store) == (hours, codes)
        report = await Recount(store).check()
        assert (report.wrong, report.messages) == (
            0, sum(len(order.messages) for order in life.orders.values()),
        ), report.differences  # fmt: skip
        if seed % 4 == 0:
            await history(store, hours, codes)

    async def history(store: Store, hours: Any, codes: Any) -> None:
        """Files and DuckDB come to the same."""
        out, day = directory / secrets.token_hex(4), BEGIN - BEGIN % 86_400
        told = await export(store, NUMBERS, out, day, day + 3 * 86_400)
        found = counts_of(files_of([out]))
        assert found.events == told.rows == sum(map(sum, hours.values()))
        assert placed(found.hours, Place) == hours
        assert {one: row[0] for one, row in placed(found.codes, Failure).items()} == codes
        seen["histories"] += 10

    stack = AsyncExitStack()

    async def opened() -> tuple[Store, Any, list[Any]]:
        url = await stack.enter_async_context(new_database(engine, migrated_template))
        store = await Store.open(url, min=1, max=5)
        stack.push_async_callback(store.close)
        sql = await asyncpg.connect(url)
        stack.push_async_callback(sql.close)
        document = msgspec.convert(complete(register()), Register)
        await file_register(store, document, BEGIN, secrets.token_bytes)
        await store.fetchval("ensure_partitions", utc(BEGIN), 1)
        ports = await sql.fetch(
            "SELECT p.*, s.group_id, a.account_id FROM port p JOIN sender s ON s.id = p.sender_id"
            " JOIN account_sender a ON a.sender_id = s.id ORDER BY p.id"
        )
        return store, sql, ports

    rooms = loop.run_until_complete(opened())

    @settings(
        max_examples=25,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    @given(st.integers(0, 2**32), st.integers(20, 90))
    def agree(seed: int, length: int) -> None:
        loop.run_until_complete(live(*rooms, seed, length))

    try:
        agree()
        assert min(seen[name] for name in (*MEASURES, "codes", "histories")) > 10, (
            seen
        )  # histories say something
    finally:
        loop.run_until_complete(stack.aclose())
        loop.close()
