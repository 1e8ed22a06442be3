"""What judging is told of the chain of an order, and of what its account may still send today."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.flow.chain import Chain
from assent.flow.order import Order
from assent.flow.scopes import outside
from assent.numbers import NumberTable, Places
from assent.policy.facts import Mask
from assent.policy.reasons import PLACE_CODE


@dataclass(frozen=True, slots=True)
class Money:
    """What an account has, and what it ordered on the day that was counted last. `at`: when that
    was read."""

    available: int
    day: date | None
    messages: int
    spent: int
    daily_limit: int | None
    at: float

    @property
    def least(self) -> int:
        """What may be spent at once, whatever the day."""
        if self.daily_limit is None:
            return self.available
        return min(self.available, self.daily_limit - self.spent)

    def left(self, messages_a_day: int | None, today: date) -> dict[str, int]:
        """Return what the limits of a day still allow, as facts."""
        left: dict[str, int] = {}
        if messages_a_day is not None:
            sent = self.messages if self._counts(today) else 0
            left["messages_left"] = max(0, messages_a_day - sent)
        if self.daily_limit is not None:
            spent = self.spent if self._counts(today) else 0
            left["spending_left"] = max(0, self.daily_limit - spent)
        return left

    def _counts(self, today: date) -> bool:
        """Return whether what was counted is of today; another process may be past midnight."""
        return self.day is not None and self.day >= today


NOTHING: Final = Money(0, None, 0, 0, None, 0.0)


def chain_facts(
    chain: Chain,
    order: Order,
    carriers: npt.NDArray[np.int16],
    where: tuple[NumberTable, Places],
    now: float,
) -> tuple[dict[str, Any], int | None]:
    """Return the broken links of an order's chain and whom each concerns (a port belongs to one
    carrier), as facts; and how many messages a day the account may send, None where no such limit
    is. `carriers`: place in the order's ports of each person's carrier. `where` they live: only
    looked at for a port whose number may not be used everywhere."""
    account, sender, purpose, words = order.account.id, order.sender.id, order.purpose, order.words
    walks = [
        chain.walk(account, sender, port.id, words, purpose, now) for port in order.ports.values()
    ]
    broken: dict[str, Mask] = {}
    if any(walk.broken for walk in walks):
        for code in frozenset().union(*(walk.broken for walk in walks)):
            places = [place for place, walk in enumerate(walks) if code in walk.broken]
            broken[code] = len(places) == len(walks) or np.isin(carriers, places)
    outsiders = outside(where[0], order.ports.values(), carriers, where[1].province)
    if outsiders is not None and outsiders.any():
        broken[PLACE_CODE] = outsiders
    limits = [walk.messages for walk in walks if walk.messages is not None]
    return {"broken": broken}, min(limits, default=None)
