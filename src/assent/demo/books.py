"""What the operator reads in the platform's own books: reasons, states, money.

Plain SQL over the tables, as with psql. The judgement of the promises (check.py) does not use
it; the demonstration compares the two.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import asyncpg
import numpy as np

from assent.flow.columns import U8, unpack
from assent.flow.fold import message_state
from assent.message import Purpose, State
from assent.store.driver import Connection

_SETTLED: Final = frozenset(
    {
        State.DELIVERED, State.FAILED, State.REFUSED, State.WITHHELD, State.CANCELLED,
        State.EXPIRED, State.OVER_CAP, State.UNSURE,
    }
)  # fmt: skip

_WAITING: Final = """
SELECT (SELECT count(*) FROM queue) AS queue,
    (SELECT count(*) FROM open_window) AS windows,
    (SELECT count(*) FROM confirmation WHERE state = 'waiting') AS confirmations,
    (SELECT count(*) FROM inbound WHERE reply_id IS NULL) AS replies,
    (SELECT count(*) FROM receipt_parked WHERE NOT given_up) AS parked,
    (SELECT count(*) FROM campaign WHERE state = 'running') AS campaigns
"""

_SUBMISSIONS: Final = """
SELECT coalesce(c.name, 'order') AS name, s.purpose, s.n, s.allowed, s.cost, s.reasons::text
FROM submission s LEFT JOIN campaign c ON c.id = s.campaign_id
"""

_STATES: Final = """
SELECT b.purpose, b.n, b.segments, f.states, coalesce(c.name, 'order') AS name
FROM batch b LEFT JOIN batch_final f ON f.batch_id = b.id LEFT JOIN campaign c ON c.id = b.campaign_id
"""

_MONEY: Final = """
SELECT a.name, a.price_micro, coalesce(b.available, 0) AS visible,
    coalesce(sum(p.amount) FILTER (WHERE p.debit = 1), 0)::bigint AS deposited,
    coalesce(sum(p.amount) FILTER (WHERE p.credit = 2), 0)::bigint
        - coalesce(sum(p.amount) FILTER (WHERE p.debit = 2), 0)::bigint AS available,
    coalesce(sum(p.amount) FILTER (WHERE p.credit = 3), 0)::bigint
        - coalesce(sum(p.amount) FILTER (WHERE p.debit = 3), 0)::bigint AS reserved,
    coalesce(sum(p.amount) FILTER (WHERE p.credit = 4), 0)::bigint AS revenue,
    coalesce(sum(p.segments) FILTER (WHERE p.credit = 4), 0)::bigint AS charged_segments,
    coalesce(sum(p.amount) FILTER (WHERE p.credit = 5), 0)::bigint
        - coalesce(sum(p.amount) FILTER (WHERE p.debit = 5), 0)::bigint AS released,
    (SELECT coalesce(sum(amount), 0)::bigint FROM posting q
        WHERE q.account_id = a.id AND q.id > b.folded_to
        AND q.credit = 2 AND q.kind <> 'reserve') AS unfolded
FROM account a LEFT JOIN balance b ON b.account_id = a.id LEFT JOIN posting p ON p.account_id = a.id
GROUP BY a.id, a.name, a.price_micro, b.available, b.folded_to ORDER BY a.name
"""


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
            order.states[word] for name, order in self.orders.items() if (name == "system") is system
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
    """An operator's connection to the database. Close it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @classmethod
    async def open(cls, dsn: str) -> Ledger:
        """Connect."""
        return cls(await asyncpg.connect(dsn))

    async def close(self) -> None:
        """Disconnect."""
        await self._connection.close()

    async def waiting(self) -> dict[str, int]:
        """Return how much of each kind is still under way; all zero when the platform rests.

        `receipts` are messages that a carrier accepted and has not reported on.
        """
        row = await self._connection.fetchrow(_WAITING)
        assert row is not None
        states: Counter[str] = Counter()
        for order in (await self._orders()).values():
            states += order.states
        return {**dict(row), "receipts": states["accepted"] + states["attempted"]}

    async def read(self) -> Books:
        """Read everything."""
        money = [
            Money(
                row["name"], row["price_micro"], row["deposited"], row["available"],
                row["visible"] + row["unfolded"], row["reserved"], row["revenue"],
                row["charged_segments"], row["released"],
            )
            for row in await self._connection.fetch(_MONEY)
        ]  # fmt: skip
        return Books(await self._orders(), money)

    async def _orders(self) -> dict[str, Order]:
        orders: dict[str, Order] = {}
        for row in await self._connection.fetch(_SUBMISSIONS):
            order = orders.setdefault(_name(row["name"], row["purpose"]), Order())
            order.judged += row["n"]
            order.allowed += row["allowed"]
            order.reasons.update(json.loads(row["reasons"]))
        for row in await self._connection.fetch(_STATES):
            order = orders.setdefault(_name(row["name"], row["purpose"]), Order())
            order.states.update(_states(row["n"], row["segments"], row["states"]))
        return orders


def _name(name: str, purpose: int) -> str:
    return name if name != "order" else Purpose(purpose).name.lower()


def _states(n: int, segments: bytes, states: bytes | None) -> Counter[str]:
    if states is None:
        return Counter({"queued": n})
    counts, folded = unpack(segments, U8).astype(np.int64), unpack(states, U8)
    starts = np.concatenate(([0], np.cumsum(counts))).tolist()
    return Counter(
        message_state(folded[starts[place] : starts[place + 1]]).name.lower() for place in range(n)
    )
