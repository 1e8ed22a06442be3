"""A month of an account, as its postings have it: opening balance, what moved it, closing balance.

The balance of a statement is all the money that the account has with the platform: what it may
spend and what is reserved for orders under way. What withdrawals gave back and is not visible yet
counts as reserved (DESIGN.md, promise 7).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from assent.clock import Clock
from assent.errors import InvalidInput, NotFound
from assent.flow.needs import Store
from assent.flow.pricing import month_begin, month_of, next_month, spending_day
from assent.flow.treasury import month as month_from
from assent.message import Purpose


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. Amounts in micro-units of `currency`; `moves`: kind → (how many, amount);
    `charges`: (purpose, carrier, price, segments, amount)."""

    account: str
    company: str
    month: date
    currency: str
    final: bool  # the month is over
    opening: int
    moves: dict[str, tuple[int, int]]
    charges: list[tuple[str, str, int, int, int]]
    closing: int
    available: int
    reserved: int

    def told(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "account": self.account,
            "company": self.company,
            "month": self.month.isoformat()[:7],
            "currency": self.currency,
            "final": self.final,
            "opening_micro": self.opening,
            "moves": [
                {"kind": kind, "count": count, "amount_micro": amount}
                for kind, (count, amount) in self.moves.items()
            ],
            "charges": [
                {
                    "purpose": purpose, "carrier": carrier, "price_micro": price,
                    "segments": segments, "amount_micro": amount,
                }
                for purpose, carrier, price, segments, amount in self.charges
            ],
            "closing_micro": self.closing,
            "available_micro": self.available,
            "reserved_micro": self.reserved,
        }  # fmt: skip


async def statement(store: Store, clock: Clock, account: int, month: str) -> Statement:
    """Return the statement of a month. Raises InvalidInput for one that has not begun, NotFound."""
    begin = month_from(month)
    today = spending_day(clock.now())
    if begin > today:
        raise InvalidInput(
            "month_not_begun", "the month has not begun yet", field="month",
            rule="money: statements", mend="name an earlier month",
        )  # fmt: skip
    at, end = month_begin(begin), month_begin(next_month(begin))
    async with store.transaction(isolation="repeatable_read", read_only=True) as tx:
        who = await tx.fetchrow("statement_head", account)
        if who is None:
            raise _no_account()
        opening = int(await tx.fetchval("statement_opening", account, at))
        moves = _moves(await tx.fetch("statement_moves", account, at, end))
        charges = await tx.fetch("statement_charges", account, at, end)
        books = {row["book"]: int(row["amount"]) for row in await tx.fetch(
            "statement_books", account, end)}  # fmt: skip
    return Statement(
        who["name"],
        who["legal_name"] or "",
        begin,
        who["currency"],
        begin < month_of(today),
        opening,
        moves,
        [
            (
                Purpose(row["purpose"]).name.lower(), row["carrier"], row["price"],
                int(row["segments"]), int(row["amount"]),
            )
            for row in charges
        ],
        opening + sum(amount for _, amount in moves.values()),
        books.get(2, 0),
        books.get(3, 0) + books.get(5, 0),
    )  # fmt: skip


def _moves(rows: Iterable[Any]) -> dict[str, tuple[int, int]]:
    return {row["kind"]: (row["count"], int(row["amount"])) for row in rows}


def _no_account() -> NotFound:
    return NotFound(
        "no_account", "there is no such account", field="Authorization", mend="ask the operator"
    )
