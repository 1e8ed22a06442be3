"""A customer's login while we run: its connections, its rate, its figures."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from assent.carrier.pacing import TokenBucket

if TYPE_CHECKING:
    from assent.carrier.customer_bind import Bind
    from assent.carrier.customer_calls import Caller
    from assent.carrier.customer_line import Line
    from assent.carrier.customer_outlet import Outlet
    from assent.flow.customers import CustomerLink


class Login:
    """One login, over all of its binds. `waiting`: its submits that are not stored yet."""

    def __init__(self, link: CustomerLink, outlet: Outlet, now: float) -> None:
        self.link = link
        self.outlet = outlet
        self.binds: list[Bind] = []
        self.caller: Caller | None = None
        self.counters: Counter[str] = outlet.counters
        self.refused: Counter[int] = Counter()
        self.waiting = 0
        self._bucket = _bucket(link, now)

    @property
    def lines(self) -> list[Line]:
        """Its connections: those that it opened, and those that we opened to it."""
        return [*self.binds, *(line for line in self.outlet.lines if line not in self.binds)]

    def changed(self, link: CustomerLink, now: float) -> None:
        """Take the register's new word for it."""
        if link.rate != self.link.rate:
            self._bucket = _bucket(link, now)
        self.link = link

    def room(self, count: int, now: float) -> int:
        """How many of `count` submits the rate lets through now; they are counted."""
        bucket = self._bucket
        if bucket is None:
            return count
        room = max(0, min(count, bucket.available(now)))
        bucket.spend(room)
        return room

    def health(self) -> dict[str, Any]:
        """Figures as plain values. `in_flight`: reports and replies that are not acknowledged."""
        counters = self.counters
        return {
            "login": self.link.login,
            "account_id": self.link.account_id,
            "binds": len(self.binds),
            "in_flight": sum(line.in_flight for line in self.outlet.lines),
            "waiting": self.waiting,
            "queued": len(self.outlet.queue),
            "refused": {str(code): count for code, count in sorted(self.refused.items())},
            **{name: counters[name] for name in FIGURES},
        }


FIGURES = (
    "submitted",
    "stored",
    "busy",
    "throttled",
    "overrun",
    "receipts_sent",
    "receipts_acknowledged",
    "replies_sent",
    "replies_acknowledged",
    "redelivered",
    "delivers_refused",
    "dropped",
    "binds_refused",
    "calls",
    "calls_failed",
    "calls_refused",
    "protocol_errors",
)
"""What is counted of each login, by name."""


def _bucket(link: CustomerLink, now: float) -> TokenBucket | None:
    """A second's worth may be saved up: customers count by the second."""
    rate = None if link.rate is None else max(1, link.rate)
    return None if rate is None else TokenBucket(rate, now, rate)
