"""Postings between the books of an account: each moves one amount, so all sum to zero.

Kinds (`posting.kind`; unique with `source`): `deposit` and `topup` bring money in, `topup_back`
takes a payment back that the bank returned; `reserve` an order; `revenue` what a carrier accepted;
`release`, `release_daily` and `visible` what was not sent; `failed` what failed and is not paid
for; `tier` what volume made cheaper; `allot_out` and `allot_in` between an account and its
sub-account; `rebate` and `rebate_back` an agent's part.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

from assent.flow.needs import Queries, utc
from assent.flow.work import Batch


class Book(IntEnum):
    """Where money of an account stands."""

    DEPOSITS = 1
    AVAILABLE = 2
    RESERVED = 3
    REVENUE = 4
    RELEASED = 5  # given back because people withdrew; visible from the next daily batch
    ALLOTTED = 6  # a parent's: what its sub-accounts got; a sub-account's: where its money is from
    REBATES = 7  # paid to agents


FOLDED: Final = frozenset({"release", "visible", "failed"})
"""Kinds of postings that reach `balance.available` a moment later, by folding; any other moves it
in its own transaction. The database names them in an index and two queries."""


class Postings:
    """Collects the postings of one transaction. Amounts in micro-yuan."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, int, str, int, int, int, int, int]] = []

    def add(
        self,
        account: int,
        batch: int,
        kind: str,
        source: int,
        debit: Book,
        credit: Book,
        segments: int,
        amount: int,
    ) -> None:
        """Add a posting; (kind, source) is unique over all time."""
        self._rows.append((account, batch, kind, source, debit, credit, segments, amount))

    def revenue(self, batch: Batch, source: int, segments: int) -> None:
        """Charge segments that a carrier accepted."""
        self._from_reserved(batch, "revenue", source, Book.REVENUE, segments)

    def release(self, batch: Batch, source: int, segments: int) -> None:
        """Give back segments that were not sent."""
        self._from_reserved(batch, "release", source, Book.AVAILABLE, segments)

    def release_daily(self, batch: Batch, source: int, segments: int) -> None:
        """Give back segments not sent because of a refusal: visible in the daily batch."""
        self._from_reserved(batch, "release_daily", source, Book.RELEASED, segments)

    def _from_reserved(
        self, batch: Batch, kind: str, source: int, credit: Book, segments: int
    ) -> None:
        if segments and batch.price:
            amount = segments * batch.price
            self.add(
                batch.account_id, batch.id, kind, source, Book.RESERVED, credit, segments, amount
            )

    def columns(self) -> list[list[Any]]:
        """Return what was collected as the eight columns of `postings_insert`."""
        if not self._rows:
            return [[] for _ in range(8)]
        return [list(column) for column in zip(*self._rows, strict=True)]

    async def store(self, queries: Queries, now: float) -> None:
        """Write what was collected."""
        if self._rows:
            await queries.execute("postings_insert", utc(now), *self.columns())
