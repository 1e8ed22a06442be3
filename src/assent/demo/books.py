"""What the operator reads in the platform's own books: reasons, states, money.

Plain SQL over the tables (books.sql), as with psql. The judgement of the promises (check.py) does
not use it; the demonstration compares the two.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from assent.flow.columns import U8, unpack
from assent.flow.fold import message_state
from assent.message import Purpose, State
from assent.store import Store

_SETTLED: Final = frozenset(
    {
        State.DELIVERED, State.FAILED, State.REFUSED, State.WITHHELD, State.CANCELLED,
        State.EXPIRED, State.OVER_CAP, State.UNSURE,
    }
)  # fmt: skip

_OPEN: Final = np.array([State.QUEUED, State.ATTEMPTED, State.ACCEPTED], np.uint8)
_QUERIES: Final = Path(__file__).parent


@dataclass(slots=True)
class Order:
    """What an order or a campaign came to. `states`: state word → messages."""

    judged: int = 0
    allowed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Money:
    """An account's books, in micro-yuan."""

    account: str
    price: int
    deposited: int
    available: int
    visible: int
    reserved: int
    revenue: int
    charged_segments: int
    released: int


@dataclass(slots=True)
class Books:
    """The books at one moment. `orders` by campaign name, or purpose for orders."""

    orders: dict[str, Order] = field(default_factory=dict)
    money: list[Money] = field(default_factory=list)

    def total(self, state: State, *, system: bool = False) -> int:
        """Return how many messages are in a state: customers', or the operator's own."""
        word = state.name.lower()
        return sum(
            order.states[word]
            for name, order in self.orders.items()
            if (name == "system") is system
        )

    @property
    def customers(self) -> list[Order]:
        """Everything but the operator's own messages."""
        return [order for name, order in self.orders.items() if name != "system"]

    @property
    def unaccounted(self) -> int:
        """Accepted messages, the operator's own too, that no answer or end accounts for."""
        return sum(
            order.allowed - sum(order.states[state.name.lower()] for state in _SETTLED)
            for order in self.orders.values()
        )


class Ledger:
    """An operator's view into the database. Close it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @classmethod
    async def open(cls, dsn: str) -> Ledger:
        """Connect."""
        return cls(await Store.open(dsn, min=1, max=2, queries=_QUERIES))

    async def close(self) -> None:
        """Disconnect."""
        await self._store.close()

    async def waiting(self) -> dict[str, int]:
        """Return how much of each kind is still under way; all zero when the platform rests.

        `open` are segments that were never answered or not reported on.
        """
        row = await self._store.fetchrow("books_waiting")
        assert row is not None
        open_ = 0
        for batch in await self._store.fetch("books_states"):
            if batch["states"] is None:
                open_ += int(unpack(batch["segments"], U8).sum())
            else:
                open_ += int(np.isin(unpack(batch["states"], U8), _OPEN).sum())
        return {**dict(row), "open": open_}

    async def read(self) -> Books:
        """Read everything."""
        money = [
            Money(
                row["name"], row["price_micro"], row["deposited"], row["available"],
                row["visible"], row["reserved"], row["revenue"],
                row["charged_segments"], row["released"],
            )
            for row in await self._store.fetch("books_money")
        ]  # fmt: skip
        return Books(await self._orders(), money)

    async def _orders(self) -> dict[str, Order]:
        orders: dict[str, Order] = {}
        for row in await self._store.fetch("books_submissions"):
            order = orders.setdefault(_name(row["name"], row["purpose"]), Order())
            order.judged += row["n"]
            order.allowed += row["allowed"]
            order.reasons.update(json.loads(row["reasons"]))
        for row in await self._store.fetch("books_states"):
            order = orders.setdefault(_name(row["name"], row["purpose"]), Order())
            order.states.update(_states(row["n"], row["segments"], row["states"]))
        return orders


def _name(name: str | None, purpose: int) -> str:
    return name or Purpose(purpose).name.lower()


def _states(n: int, segments: bytes, states: bytes | None) -> Counter[str]:
    if states is None:
        return Counter({"queued": n})
    counts, folded = unpack(segments, U8).astype(np.int64), unpack(states, U8)
    if len(folded) == n:
        each = np.bincount(folded, minlength=len(State)).tolist()
        return Counter({State(s).name.lower(): count for s, count in enumerate(each) if count})
    starts = np.concatenate(([0], np.cumsum(counts))).tolist()
    return Counter(
        message_state(folded[starts[place] : starts[place + 1]]).name.lower() for place in range(n)
    )
