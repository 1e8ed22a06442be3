"""What settles later: parked receipts, unsure attempts, money given back, old keys and claims.

One process runs this, every second or so; every step is one transaction and may be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow import mails
from assent.flow.charging import Counted
from assent.flow.columns import U8, U16, U64, from_signed, pack_object, unpack
from assent.flow.fold import Fold, tell
from assent.flow.ids import BatchIds, Numbers
from assent.flow.inbound import receipt_row
from assent.flow.money import Book, Postings
from assent.flow.needs import Store, Transaction, utc
from assent.flow.parcels import Feed
from assent.flow.replies import Replies
from assent.flow.tidings import Tidings
from assent.flow.tiers import TierSettlement
from assent.message import WHOLE, message_id

UNSURE_FOR_S: Final = 72 * 3600.0
PARK_FOR_S: Final = 72 * 3600.0
PATIENT_S: Final = 30.0
"""After this long a report that matches no answer may be that of an unsure attempt."""
KEEP_KEYS_S: Final = 7 * 86_400.0
KEEP_CLAIMS_S: Final = 9 * 86_400.0
KEEP_PARCELS_S: Final = 7 * 86_400.0
_AT_ONCE: Final = 500
_DAY_S: Final = 86_400.0


class Settler:
    """Runs the slow tasks of an installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        replies: Replies,
        pause_s: float = 0.5,
        daily_at_s: float = 3 * 3600.0,
        tidings: Tidings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._replies = replies
        self._tidings = tidings
        self._numbers = Numbers()
        self._pause_s = pause_s
        self._daily_at_s = daily_at_s
        self.slow: list[Callable[[float], Awaitable[object]]] = []  # what else is due now and then
        self.fold = Fold(store)
        self.feed = Feed(store)
        self.tiers = TierSettlement(store)
        self._stop = asyncio.Event()
        self._slow_at = 0.0
        self._balances_at = 0.0
        self._parked_from = 0
        self.last_error = ""

    def stop(self) -> None:
        """End after the current step."""
        self._stop.set()

    async def run(self) -> None:
        """Settle until :meth:`stop`."""
        while not self._stop.is_set():
            try:
                await self.step()
            except AssentError as error:
                self.last_error = error.code
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), self._pause_s)

    async def step(self) -> None:
        """Do everything that is due once."""
        now = self._clock.now()
        await self.match_parked(now)
        while await self.fold.step(now):
            pass
        while await self.feed.step(now):
            pass
        if now >= self._balances_at:
            self._balances_at = now + 2.0
            await self.fold_balances()
            await self.tell_low(now)
        if now >= self._slow_at:
            self._slow_at = now + 30.0
            await self._replies.sweep()
            await self._replies.look()
            await self.release_unsure(now)
            await self.daily(now)
            await self.tiers.step(now)
            for due in self.slow:
                await due(now)
            await self._store.execute("idempotency_drop", utc(now - KEEP_KEYS_S))
            await self._store.execute("claims_drop", utc(now - KEEP_CLAIMS_S))
            await self._store.execute("parked_give_up", utc(now - PARK_FOR_S))
            await self._store.execute("parcels_drop", utc(now - KEEP_PARCELS_S))
            await self._store.fetchval("ensure_partitions", utc(now), 2)

    # Receipts ------------------------------------------------------------------------------

    async def match_parked(self, now: float) -> int:
        """Match parked reports to answers that are stored by now; return how many matched."""
        matched = 0
        async with self._store.transaction() as tx:
            rows = await tx.fetch("parked_take", self._parked_from, _AT_ONCE)
            by_carrier: dict[str, list[Any]] = {}
            for row in rows:
                by_carrier.setdefault(row["carrier"], []).append(row)
            await self._ids.reserve(self._store, 4 * len(by_carrier) + 4)
            stored: list[int] = []
            for carrier, some in by_carrier.items():
                found = await self._find(tx, carrier, some)
                found |= await self._find_unsure(tx, carrier, some, found, now)
                matched += len(found)
                stored += await self._log(tx, carrier, some, found, now)
            if stored:
                await tx.execute(
                    "event_insert", utc(now), "receipt", None, stored[0], pack_object(stored)
                )
        # The next call goes on behind these, and begins anew after the last.
        self._parked_from = rows[-1]["id"] if len(rows) == _AT_ONCE else 0
        return matched

    async def _find(self, tx: Transaction, carrier: str, rows: list[Any]) -> dict[int, int]:
        """Return reference by parked id, from stored answers."""
        wanted = {row["carrier_id"]: row["id"] for row in rows}
        found: dict[int, int] = {}
        for result in await tx.fetch("results_by_carrier_id", carrier, list(wanted)):
            ids = unpack(result["carrier_ids"], U64)
            places = np.flatnonzero(ids == np.uint64(from_signed(result["wanted"]))).tolist()
            for place in places:
                position = int(unpack(result["positions"], U16)[place])
                slot = int(unpack(result["slots"], U16)[position])
                segment = int(unpack(result["segments"], U8)[place])
                if len(places) > 1 and result["whole"]:
                    segment = WHOLE  # the one id of all its segments
                message = message_id(result["batch_id"], slot)
                found[wanted[result["wanted"]]] = (message << 8) | segment
        # Several reports may carry one id (duplicates): each counts.
        by_id = {row["carrier_id"]: found[row["id"]] for row in rows if row["id"] in found}
        return {r["id"]: by_id[r["carrier_id"]] for r in rows if r["carrier_id"] in by_id}

    async def _find_unsure(
        self, tx: Transaction, carrier: str, rows: list[Any], found: dict[int, int], now: float
    ) -> dict[int, int]:
        """A report that answers no known id may settle an attempt to that person that was
        never answered; the oldest first."""
        left = [
            row
            for row in rows
            if row["id"] not in found
            and row["person_id"]
            and now - row["at"].timestamp() > PATIENT_S
        ]
        if not left:
            return {}
        people = sorted({row["person_id"] for row in left})
        unsure: dict[int, list[Any]] = {}
        for segment in await tx.fetch("unsure_of_people", carrier, people):
            unsure.setdefault(segment["person_id"], []).append(segment)
        settled: dict[int, int] = {}
        postings = Postings()
        by_report: dict[int, int] = {}  # a report that came twice settles one attempt
        for row in left:
            if row["carrier_id"] in by_report:
                settled[row["id"]] = by_report[row["carrier_id"]]
                continue
            some = unsure.get(row["person_id"])
            if not some:
                continue
            first = some.pop(0)
            reference = await self._settle_by_receipt(tx, postings, first)
            if first["whole"]:  # went as one: so do the message's other segments
                rest = [one for one in some if _same_try(one, first)]
                for one in rest:
                    some.remove(one)
                    await self._settle_by_receipt(tx, postings, one)
                reference |= WHOLE
            settled[row["id"]] = by_report[row["carrier_id"]] = reference
        await postings.store(tx, now)
        return settled

    async def _settle_by_receipt(self, tx: Transaction, postings: Postings, segment: Any) -> int:
        """Note that an unsure segment arrived; return its reference."""
        await tx.execute(
            "unsure_settle",
            segment["batch_id"],
            segment["slot"],
            segment["segment"],
            segment["window_id"],
            "receipt",
            segment["settled"] is None,
            False,
        )
        if segment["settled"] is None:
            await self._move(tx, postings, segment, Book.REVENUE, "revenue")
        message = message_id(segment["batch_id"], segment["slot"])
        return int((message << 8) | segment["segment"])

    async def _move(
        self, tx: Transaction, postings: Postings, segment: Any, credit: Book, kind: str
    ) -> None:
        row = (await tx.fetch("batch_prices", [segment["batch_id"]]))[0]
        if credit is Book.REVENUE and row["id"] > await tx.fetchval("usage_from"):
            counted = Counted()
            counted.add(row, segments=1)
            await counted.store(tx)
        if row["price"]:
            await self._numbers.reserve(self._store, 1)
            postings.add(
                row["account_id"],
                row["id"],
                kind,
                self._numbers.next(),
                Book.RESERVED,
                credit,
                1,
                row["price"],
            )

    async def _log(
        self, tx: Transaction, carrier: str, rows: list[Any], found: dict[int, int], now: float
    ) -> list[int]:
        by_size: dict[int, list[tuple[int, int, int, bytes, int]]] = {}
        for row in rows:
            if row["id"] in found:
                told = from_signed(row["carrier_id"]), row["raw"], row["code"]
                by_size.setdefault(len(row["raw"]), []).append(
                    (found[row["id"]], row["state"], *told)
                )
        stored = []
        for receipts in by_size.values():
            id_ = self._ids.next()
            await tx.execute("receipt_insert", *receipt_row(id_, now, carrier, receipts))
            stored.append(id_)
        if found:
            await tx.execute("parked_delete", list(found))
        return stored

    # Money ---------------------------------------------------------------------------------

    async def fold_balances(self) -> None:
        """Bring released money into the visible balances, an account at a time."""
        for row in await self._store.fetch("balances_due"):
            await self._store.execute("balance_fold", row["account_id"])

    async def tell_low(self, now: float) -> None:
        """Tell each account whose balance has fallen below the mark that it set, once a fall."""
        async with self._store.transaction() as tx:
            await tx.execute("balance_rose")
            for row in await tx.fetch("balance_fell", utc(now)):
                told = {"available": row["available"], "below": row["below"]}
                account = row["account_id"]
                await tx.execute(
                    "event_insert", utc(now), "balance_low", account, row["id"], pack_object(told)
                )
                if self._tidings is not None:
                    names = (row["name"], row["currency"])
                    mail = mails.balance_low(*names, row["available"], row["below"])
                    await self._tidings.tell(tx, account, mail)

    async def release_unsure(self, now: float) -> int:
        """Give back what was reserved for attempts that stayed unsure for 72 h."""
        async with self._store.transaction() as tx:
            rows = await tx.fetch("unsure_old", utc(now - UNSURE_FOR_S), _AT_ONCE)
            postings = Postings()
            for row in rows:
                await tx.execute(
                    "unsure_settle",
                    row["batch_id"],
                    row["slot"],
                    row["segment"],
                    row["window_id"],
                    "released",
                    False,
                    True,
                )
                await self._move(tx, postings, row, Book.AVAILABLE, "release")
            await postings.store(tx, now)
        return len(rows)

    async def daily(self, now: float) -> None:
        """Once a day make visible what withdrawals gave back (DESIGN.md, promise 7)."""
        day = int((now - self._daily_at_s) // _DAY_S)
        async with self._store.transaction() as tx:
            if await tx.fetchval("cursor_hold", "daily") >= day:
                return
            await tx.execute("postings_lock")
            head = await tx.fetchval("posting_head")
            seen = await tx.fetchval("cursor_get", "daily_posting") or 0
            await tx.fetch("release_visible", utc(now), head, seen)
            await tx.execute("cursor_set", "daily_posting", head)
            told: dict[int, tuple[list[int], list[int]]] = {}
            for row in await tx.fetch("untold_take"):
                ids, states = told.setdefault(row["account_id"], ([], []))
                ids.append(row["message_id"])
                states.append(row["state"])
            for account, (ids, states) in told.items():
                await tell(tx, account, ids, states, utc(now))
            await tx.execute("cursor_set", "daily", day)


def _same_try(one: Any, other: Any) -> bool:
    """Tell whether two unsure segments are of one attempt at one message."""
    return all(one[name] == other[name] for name in ("batch_id", "slot", "window_id"))
