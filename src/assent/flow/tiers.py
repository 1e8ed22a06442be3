"""Tiers made exact: what a month's segments were charged beyond their graduated price comes back.

Once nothing that was ordered in a month can change any more, each line of an account's plan is
added up: what its segments were charged, and what as many segments cost when each has the price of
its own tier. Prices fall from tier to tier and each order was judged with no more volume than had
truly been accepted, so the difference is never negative (the argument is in docs/money.md). It is
posted once, as a credit, in the transaction that closes the month.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from assent.flow.charging import REPORT_S
from assent.flow.fold import CURSOR, KINDS
from assent.flow.money import Book
from assent.flow.needs import Store, Transaction, utc
from assent.flow.pricing import (
    Line,
    Plans,
    line_for,
    month_begin,
    month_of,
    next_month,
    spending_day,
)
from assent.message import batch_id

WAIT_S: Final = 5 * 86_400.0
"""No month is closed sooner than so long after its end."""
_AGAIN_S: Final = 3600.0
_MARGIN_MS: Final = 3_600_000
_FOLDED_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Added:
    """What one line came to: segments, what they were charged, what they cost by tiers."""

    line: Line
    segments: int
    charged: int
    graduated: int

    @property
    def credit(self) -> int:
        """What comes back. Never negative but where the plan changed within the month."""
        return max(0, self.charged - self.graduated)


def add_up(lines: Sequence[Line], usage: Iterable[Any]) -> list[Added]:
    """Add up rows of `usage_of_month` by the lines they fall under."""
    sums: dict[int, tuple[Line, int, int]] = {}
    for row in usage:
        line = line_for(lines, row["purpose"], row["carrier"], row["channel"])
        if line is not None:
            _, segments, charged = sums.get(line.id, (line, 0, 0))
            count = int(row["segments"])
            sums[line.id] = (line, segments + count, charged + count * int(row["price"]))
    return [
        Added(line, segments, charged, line.tiers.graduated(segments))
        for line, segments, charged in sums.values()
    ]


class TierSettlement:
    """Closes months. One process runs it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._next = 0.0

    async def step(self, now: float) -> int:
        """Close what is due; return how many months of accounts were. Looks once an hour."""
        if now < self._next:
            return 0
        self._next = now + _AGAIN_S
        return await self.settle(now)

    async def settle(self, now: float) -> int:
        """Close every month of every account of which nothing can change any more."""
        closed = 0
        due: dict[date, list[int]] = {}
        for row in await self._store.fetch("months_due", month_of(spending_day(now))):
            if now >= month_begin(next_month(row["month"])).timestamp() + WAIT_S:
                due.setdefault(row["month"], []).append(row["account_id"])
        for month, accounts in due.items():
            waiting = await self._unfinished(month, now)
            for account in accounts:
                if account not in waiting:
                    closed += await self._close(account, month, now)
        return closed

    async def _unfinished(self, month: date, now: float) -> set[int]:
        """Return the accounts of which something ordered until the end of a month is not over."""
        end = month_begin(next_month(month))
        lo = batch_id(int(month_begin(month).timestamp() * 1000) - _MARGIN_MS, 0)
        hi = batch_id(int(end.timestamp() * 1000) + _MARGIN_MS, 0)
        rows = await self._store.fetch(
            "month_unfinished", lo, hi, utc(now - REPORT_S), next_month(month)
        )
        return {row["account_id"] for row in rows}

    async def _close(self, account: int, month: date, now: float) -> bool:
        async with self._store.transaction() as tx:
            # Whoever folds has counted everything by now, and counts nothing while we add up.
            cursor = await tx.fetchval("cursor_hold", CURSOR)
            waiting = await tx.fetch("events_after", cursor, KINDS, 1)
            if waiting and waiting[0]["at"].timestamp() < now - _FOLDED_S:
                return False
            await tx.fetchval("balance_hold", account)
            if not await tx.fetchval("month_settle", account, month, utc(now)):
                return False
            plans = Plans()
            await plans.load(tx)
            rows = await tx.fetch("usage_of_month", account, month, next_month(month))
            for added in add_up(plans.of(account, month), rows):
                await self._credit(tx, account, month, added, now)
        return True

    @staticmethod
    async def _credit(tx: Transaction, account: int, month: date, added: Added, now: float) -> None:
        source = await tx.fetchval(
            "tier_month_put",
            account,
            added.line.id,
            month,
            added.segments,
            added.charged,
            added.graduated,
            added.credit,
        )
        if added.credit:
            await tx.fetchval(
                "balance_move",
                account,
                "tier",
                source,
                int(Book.REVENUE),
                int(Book.AVAILABLE),
                min(added.segments, 2**31 - 1),
                added.credit,
                utc(now),
                0,
            )
