"""Proves on a live database that the money is right: one snapshot, every row, nothing assumed.

Each check counts what it looked at and names what is wrong. Messages are gone through one by one
(:mod:`assent.flow.verify_messages`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

from assent.flow.charging import accepted_of
from assent.flow.columns import unpack_object
from assent.flow.fold import CURSOR
from assent.flow.needs import Store, Transaction
from assent.flow.pricing import Plans, next_month
from assent.flow.tiers import add_up
from assent.flow.verify_messages import check_messages

_MOST_TOLD: Final = 20


@dataclass(slots=True)
class Check:
    """What one check came to."""

    name: str
    counted: int = 0
    faults: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "check": self.name,
            "counted": self.counted,
            "faults": len(self.faults),
            "first": self.faults[:_MOST_TOLD],
        }


async def verify(store: Store) -> dict[str, Any]:
    """Look at everything in one snapshot; return each check, and whether all is right."""
    checks: list[Check] = []
    async with store.transaction(isolation="repeatable_read", read_only=True) as tx:
        for name, look in _CHECKS:
            check = Check(name)
            await look(tx, check)
            checks.append(check)
        for name, counted, faults in await check_messages(tx):
            checks.append(Check(name, counted, faults))
    return {
        "ok": not any(check.faults for check in checks),
        "checks": [check.told() for check in checks],
    }


async def _ledger(tx: Transaction, check: Check) -> None:
    """Every account's books sum to zero, and what was allotted came from somebody."""
    sums: dict[int, int] = {}
    allotted = 0
    for row in await tx.fetch("money_sums"):
        sums[row["account_id"]] = sums.get(row["account_id"], 0) + row["amount"]
        allotted += row["amount"] if row["book"] == 6 else 0
        if row["book"] in (3, 4, 5) and row["amount"] < 0:
            check.faults.append(f"account {row['account_id']}: book {row['book']} is negative")
    check.counted = int(await tx.fetchval("postings_count"))
    check.faults += [f"account {account}: {left}" for account, left in sums.items() if left]
    if allotted:
        check.faults.append(f"allotted: {allotted}")


async def _behind(tx: Transaction, check: Check) -> None:
    """Behind every posting stands what it says that it is of, and what that cost."""
    check.counted = int(await tx.fetchval("postings_count"))
    for row in await tx.fetch("postings_odd"):
        check.faults.append(f"posting {row['id']}: {row['kind']} of account {row['account_id']}")


async def _balances(tx: Transaction, check: Check) -> None:
    """What an account may spend is what its postings say."""
    for row in await tx.fetch("balances_checked"):
        check.counted += 1
        if row["available"] != row["posted"]:
            check.faults.append(
                f"account {row['account_id']}: {row['available']}, its postings {row['posted']}"
            )


async def _limits(tx: Transaction, check: Check) -> None:
    """Nobody is below its limit, and nobody spent more on a day than it let itself."""
    for row in await tx.fetch("limits_checked"):
        check.counted += 1
        if row["available"] < -row["credit_limit"]:
            check.faults.append(f"account {row['account_id']}: {row['available']}")


async def _orders(tx: Transaction, check: Check) -> None:
    """Of what an order reserved no more was charged or given back than was reserved; all of it,
    once nothing of the order is under way."""
    for row in await tx.fetch("orders_checked"):
        check.counted = int(row["counted"])
        if row["id"] is not None:
            check.faults.append(f"order {row['id']}: {row['moved']} of {row['reserved']}")


async def _usage(tx: Transaction, check: Check) -> None:
    """Usage counts what was charged, no more and no less, but for what is not folded yet."""
    first = int(await tx.fetchval("usage_from"))
    pending: dict[int, int] = {}
    cursor = await tx.fetchval("cursor_get", CURSOR) or 0
    events = await tx.fetch("results_unfolded", cursor)
    pairs = [pair for event in events for pair in unpack_object(event["payload"])]
    results = await tx.fetch("results_by_id", [p[0] for p in pairs], [p[1] for p in pairs])
    accepted = accepted_of(results)
    for row in await tx.fetch("batch_prices", sorted(accepted)):
        if row["price"] and row["id"] > first:
            account = row["account_id"]
            pending[account] = pending.get(account, 0) + accepted[row["id"]]
    for row in await tx.fetch("usage_checked", first):
        check.counted += 1
        account = row["account_id"]
        charged = int(row["charged"]) - pending.get(account, 0)
        if (row["segments"], row["failed"]) != (charged, row["refunded"]):
            check.faults.append(
                f"account {account}: {row['segments']} accepted, {row['failed']} given back, by"
                f" postings {charged} and {row['refunded']}"
            )


async def _tiers(tx: Transaction, check: Check) -> None:
    """Every month that is settled cost what its tiers say, to the micro-unit."""
    plans = Plans()
    await plans.load(tx)
    kept: dict[tuple[int, Any], dict[int, Any]] = {}
    for row in await tx.fetch("tier_months_checked"):
        kept.setdefault((row["account_id"], row["month"]), {})[row["line_id"]] = row
    for row in await tx.fetch("settled_months"):
        check.counted += 1
        account, month = row["account_id"], row["month"]
        usage = await tx.fetch("usage_of_month", account, month, next_month(month))
        mine = kept.get((account, month), {})
        for added in add_up(plans.of(account, month), usage):
            one = mine.pop(added.line.id, None)
            where = f"account {account}, {month:%Y-%m}, line {added.line.id}"
            if one is None:
                check.faults.append(f"{where}: not settled")
            elif (one["charged"], one["graduated"]) != (added.charged, added.graduated):
                check.faults.append(f"{where}: other figures")
            elif one["charged"] - one["credit"] != one["graduated"]:
                check.faults.append(f"{where}: {one['charged']} - {one['credit']} is not exact")
            elif one["posted"] != one["credit"]:
                check.faults.append(f"{where}: posted {one['posted']}, credit {one['credit']}")
        check.faults += [f"account {account}: line {line} had no usage" for line in mine]


async def _payments(tx: Transaction, check: Check) -> None:
    """Each payment was credited once, or not at all while it is held or was sent back."""
    for row in await tx.fetch("payments_checked"):
        check.counted += 1
        wanted = row["amount"] if row["credited"] else 0
        if row["posted"] != wanted:
            check.faults.append(f"payment {row['id']}: {row['posted']} instead of {wanted}")
    row = await tx.fetchrow("returns_checked")
    if row is not None and row["posted"] != row["taken"]:
        check.faults.append(f"returned payments: {row['posted']} instead of {row['taken']}")


async def _rebates(tx: Transaction, check: Check) -> None:
    """Agents got what is noted, under rules that two persons made, within their caps."""
    for row in await tx.fetch("rebates_checked"):
        check.counted += 1
        if row["posted"] != row["noted"]:
            check.faults.append(f"rebate {row['id']}: {row['posted']} instead of {row['noted']}")
        if row["alone"]:
            check.faults.append(f"rebate {row['id']}: proposed and approved by one person")
        if row["noted"] > row["cap"]:
            check.faults.append(f"rebate {row['id']}: over its cap")


_CHECKS: Final[list[tuple[str, Callable[[Transaction, Check], Awaitable[None]]]]] = [
    ("the ledger sums to zero", _ledger),
    ("nothing is posted without its reason", _behind),
    ("balances are what postings say", _balances),
    ("no balance is below its limit", _limits),
    ("orders: no more moved than was reserved", _orders),
    ("usage is what was charged", _usage),
    ("tiers are exact", _tiers),
    ("payments are credited once", _payments),
    ("rebates are what was approved", _rebates),
]
