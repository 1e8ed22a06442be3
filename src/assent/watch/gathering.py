"""What early warning counts of orders as they come: read after a cursor of the outbox.

Facts, sketches and the cursor are kept in one transaction, so that after a crash every order counts
once. What is held in memory (codes of the last hour) is filled again from the orders themselves.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.clock import Clock
from assent.errors import AssentError, InvalidInput
from assent.flow.alarms import Alarm, Alarms
from assent.flow.columns import U32, unpack, unpack_object
from assent.flow.ids import OWN_ORDER
from assent.flow.needs import Queries, Store, Transaction
from assent.flow.refusal_links import VARIABLE as REFUSE_URL
from assent.flow.tally import Tally, Where, hour_of
from assent.flow.text_values import FREE, offers, suspicious
from assent.message import Purpose, batch_id, batch_ms
from assent.registry.templates import parse
from assent.watch import neighbours, sketch
from assent.watch.pressing import HOUR_S, Code, Pressing
from assent.watch.rules import Rules

CURSOR: Final = "warning"
_EVENTS: Final = 500
_COMPARED: Final = 64
"""Batches of a portion whose numbers are compared, at most."""
_CODES: Final = 200_000

_NOWHERE: Final = (
    "number_empty", "number_not_digits", "number_wrong_length", "number_unknown_prefix",
    "number_foreign_invalid", "number_rounded",
)  # fmt: skip
_BARRED: Final = ("refused",)
_CAPPED: Final = ("over_cap", "over_cap_all", "probing")


class Gathering:
    """Call :meth:`step` now and then in one process of an installation."""

    def __init__(self, store: Store, clock: Clock, alarms: Alarms, rules: Rules) -> None:
        self._store, self._clock, self._alarms = store, clock, alarms
        self._bombed = rules.of("bombing")["bombed_senders"]
        self._rules = rules
        self._pressing: Pressing | None = None

    async def step(self) -> int:
        """Read a portion of what is new; return how many orders. Raises AssentError: then nothing
        of it is kept, and it is read again."""
        try:
            async with self._store.transaction() as tx:
                cursor = await tx.fetchval("cursor_hold", CURSOR)
                events = await tx.fetch("events_after", cursor, ["submission"], _EVENTS)
                if not events:
                    return 0
                await self._read(tx, [row["subject"] for row in events])
                await tx.execute("cursor_set", CURSOR, events[-1]["seq"])
        except AssentError:
            self._pressing = None  # it noted codes that will come again
            raise
        return len(events)

    async def _read(self, tx: Transaction, submissions: list[int]) -> None:
        tally = Tally()
        sizes: dict[int, int] = {}
        for row in await tx.fetch("warning_orders", submissions):
            sizes[row["id"]] = row["n"]
            _order(tally, row)
        batches = await tx.fetch("warning_batches", submissions)
        for row in batches:
            tally.add(_where(row), "written", row["n"])
            _values(tally, row)
        _together(tally, batches)
        await self._strangers(tx, tally, batches)
        await self._numbers(tx, tally, batches)
        await self._codes(tx, tally, [b for b in batches if b["purpose"] == Purpose.VERIFICATION])
        await tally.keep(tx)

    async def _strangers(self, tx: Transaction, tally: Tally, batches: Sequence[Any]) -> None:
        senders = sorted({row["sender_id"] for row in batches})
        known: dict[int, sketch.Registers] = {
            row["sender_id"]: np.frombuffer(row["registers"], np.uint8).copy()
            for row in await tx.fetch("warning_sketches", senders)
        }
        by_row: dict[Where, list[NDArray[np.uint32]]] = defaultdict(list)
        for row in batches:
            by_row[_where(row)].append(unpack(row["people"], U32))
        for where in sorted(by_row):
            people = np.unique(np.concatenate(by_row[where]))
            registers = known.setdefault(where.sender, sketch.empty())
            tally.add(where, "strangers", round(sketch.add(registers, people[people > 0])))
        rows = [(sender, known[sender].tobytes()) for sender in senders]
        await tx.executemany("warning_sketch_put", rows)

    async def _numbers(self, tx: Transaction, tally: Tally, batches: Sequence[Any]) -> None:
        large = [
            row for row in batches
            if row["n"] >= neighbours.LEAST and row["purpose"] != Purpose.INTERNAL
        ]  # fmt: skip
        for row in large[:: max(1, -(-len(large) // _COMPARED))]:
            people = unpack(row["people"], U32).tolist()
            rows = await tx.fetch("people_by_id", people)
            known: Mapping[int, int] = {one["id"]: one["msisdn"] for one in rows}
            numbers = np.array([known[one] for one in people if one in known], np.int64)
            tally.add(_where(row), "looked", len(numbers))
            tally.add(_where(row), "beside", neighbours.beside(numbers))

    async def _codes(self, tx: Transaction, tally: Tally, batches: Sequence[Any]) -> None:
        if not batches:
            return
        pressing = await self._memory(tx, batches[0])
        bombed: dict[int, int] = {}
        for row in batches:
            where = _where(row)
            for code in _codes_of(row):
                told = pressing.take(code)
                tally.add(where, "again", told.again)
                tally.add(where, "pressed", told.pressed)
                if told.groups >= self._bombed:
                    bombed[code.person] = max(told.groups, bombed.get(code.person, 0))
        for person, groups in sorted(bombed.items()):
            await self._tell(tx, person, groups, pressing.of(person))

    async def _memory(self, queries: Queries, first: Any) -> Pressing:
        if self._pressing is None:
            numbers = self._rules.of("bombing")
            self._pressing = Pressing(
                int(numbers["pressed_codes"]), int(numbers["pressed_senders"])
            )
            low = batch_id(max(batch_ms(first["id"]) - int(HOUR_S * 1000), 0), 0)
            rows = await queries.fetch("warning_codes", low, first["id"], _CODES)
            for row in reversed(rows):
                for code in _codes_of(row):
                    self._pressing.take(code)
        return self._pressing

    async def _tell(self, tx: Transaction, person: int, groups: int, codes: Sequence[Code]) -> None:
        accounts = sorted({code.account for code in codes})
        evidence = {
            "senders": sorted({code.sender for code in codes}), "owners": groups,
            "codes": len(codes), "within_s": round(codes[-1].at - codes[0].at),
        }  # fmt: skip
        alarm = Alarm("bombed", f"person/{person}", 2, float(groups), evidence, accounts=accounts)
        await self._alarms.raise_alarm(tx, alarm, self._clock.now())


def _where(row: Any) -> Where:
    hour = hour_of(row["accepted_at"].timestamp())
    return Where(hour, row["sender_id"], row["account_id"], row["port_id"], row["purpose"])


def _order(tally: Tally, row: Any) -> None:
    hour = hour_of(row["at"].timestamp())
    where = Where(hour, row["sender_id"], row["account_id"], 0, row["purpose"])
    reasons = json.loads(row["reasons"])
    tally.add(where, "ordered", row["n"])
    for fact, codes in (("nowhere", _NOWHERE), ("barred", _BARRED), ("capped", _CAPPED)):
        tally.add(where, fact, sum(reasons.get(code, 0) for code in codes))


def _together(tally: Tally, batches: Sequence[Any]) -> None:
    """Count codes that were ordered with others; requests that the platform itself judged together
    are orders of their own."""
    sums: dict[int, int] = defaultdict(int)
    rows = []
    for row in batches:
        if row["purpose"] == Purpose.VERIFICATION:
            several = int((unpack(row["rows"], U32) & OWN_ORDER == 0).sum())
            sums[row["submission_id"]] += several
            rows.append((row, several))
    for row, several in rows:
        if sums[row["submission_id"]] > 1:
            tally.add(_where(row), "bulk", several)


def _values(tally: Tally, row: Any) -> None:
    """Count messages whose free values say more than a value should."""
    if row["variables"] is None:
        return
    columns = unpack_object(row["variables"])
    names = [name for name in columns if name != REFUSE_URL]
    if row["body"] is not None:
        typed = _types(row["body"])
        names = [name for name in names if typed.get(name, "text") in FREE]
    if not names:
        return
    where = _where(row)
    tally.add(where, "valued", row["n"])
    saying = {
        value for name in names for value in suspicious(sorted({*columns[name]})) if offers(value)
    }
    if saying:
        rows = zip(*(columns[name] for name in names), strict=True)
        tally.add(where, "carrying", sum(not saying.isdisjoint(values) for values in rows))


def _types(body: str) -> dict[str, str]:
    try:
        return {one.name: one.kind for one in parse(body).variables}
    except InvalidInput:  # filed by the operator before templates had types
        return {}


def _codes_of(row: Any) -> list[Code]:
    at = row["accepted_at"].timestamp()
    more = (row["group_id"], row["sender_id"], row["account_id"])
    return [Code(at, person, *more) for person in unpack(row["people"], U32).tolist() if person]
