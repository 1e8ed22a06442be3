"""What a simulated carrier has for the platform: reports and replies, kept until acknowledged.

An item belongs to an account. It waits at one connection or, when that has fallen, at the account
for the next one; its id stays the same when it is sent again.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Iterable
from random import Random
from typing import TYPE_CHECKING, Final, NamedTuple

from assent.wire.cmpp import deliver_body

if TYPE_CHECKING:
    from assent.carrier.server import ServerConnection

# A DELIVER with a report inside, packed in one call (protocols.md 1.9): 3.0, 2.x, and the short
# report on a 3.0 link. Tests hold them equal to what wire/ makes field by field.
_LONG: Final = struct.Struct(">Q21s13x32sxBBQ7s10s10s32sI20x")
_OLD: Final = struct.Struct(">Q21s13x21sBBQ7s10s10s21sI8x")
_SHORT: Final = struct.Struct(">Q21s13x32sxBBQ7s10s10s21sI20x")


class Receipt(NamedTuple):
    """A delivery report on `message_id`. Addresses and times are ASCII; times YYMMDDHHMM. `quote`:
    what the dialect's report repeats of the message (personal data)."""

    deliver_id: int
    access: bytes
    person: bytes
    message_id: int
    stat: bytes
    submitted: bytes
    done: bytes
    smsc: int
    short: bool
    quote: str = ""

    def body(self, version: int) -> bytes:
        """Return the DELIVER body for a CMPP link of this version."""
        if version >> 4 < 3:
            form, length = _OLD, 60
        elif self.short:
            form, length = _SHORT, 60
        else:
            form, length = _LONG, 71
        identity, access, person, message_id, stat, submitted, done, smsc, _, _ = self
        return form.pack(
            identity,
            access,
            person,
            1,
            length,
            message_id,
            stat,
            submitted,
            done,
            person,
            smsc,
        )


class Mobile(NamedTuple):
    """A mobile-originated message, or one segment of it; `written`: when, YYMMDDHHMM."""

    deliver_id: int
    access: str
    person: str
    content: bytes
    fmt: int
    udhi: int
    written: bytes = b""

    def body(self, version: int) -> bytes:
        """Return the DELIVER body for a CMPP link of this version."""
        return deliver_body(
            version,
            message_id=self.deliver_id,
            destination=self.access,
            source=self.person,
            content=self.content,
            fmt=self.fmt,
            udhi=self.udhi,
        )


Item = Receipt | Mobile


class Account:
    """One user of the carrier: its secret, its bound connections, what waits for it.

    `receivers` are those of its connections that reports and replies may go out on. `summon`, where
    the carrier has one, is called when something waits and there is no such connection.
    """

    def __init__(self, user: str, secret: str, rng: Random) -> None:
        self.user = user
        self.secret = secret
        self.connections: list[ServerConnection] = []
        self.receivers: list[ServerConnection] = []
        self.summon: Callable[[], None] | None = None
        self.waiting: deque[Item] = deque()
        self.redelivered = 0
        self.second = 0
        self.this_second = 0
        self._rng = rng

    def room(self, now_s: float, count: int, limit: int) -> int:
        """Return how many of `count` submits are still within `limit` for this second."""
        second = int(now_s)
        if second != self.second:
            self.second, self.this_second = second, 0
        allowed = max(0, min(count, limit - self.this_second))
        self.this_second += count
        return allowed

    def post(self, items: Iterable[Item], connection: ServerConnection | None) -> None:
        """Queue items on `connection` if it may carry them, else on any that may, else keep them.

        The caller flushes; the connections touched are those of the account.
        """
        if connection is None or connection not in self.receivers:
            connection = self.any_connection()
        if connection is not None:
            connection.outbox.extend(items)
            return
        self.waiting.extend(items)
        self._call()

    def any_connection(self) -> ServerConnection | None:
        """Return one of the receivers, drawn; None when there is none."""
        if len(self.receivers) > 1:
            return self._rng.choice(self.receivers)
        return self.receivers[0] if self.receivers else None

    def joined(self, connection: ServerConnection) -> None:
        """Take in a connection that has just bound, and give it what waits if it may carry it."""
        self.connections.append(connection)
        if connection.delivers:
            self.receivers.append(connection)
            connection.outbox.extend(self.waiting)
            self.waiting.clear()

    def left(self, connection: ServerConnection, unacknowledged: Iterable[Item]) -> None:
        """Take back what a fallen connection did not get acknowledged; it goes out first."""
        if connection in self.connections:
            self.connections.remove(connection)
        if connection in self.receivers:
            self.receivers.remove(connection)
        again = list(unacknowledged)
        self.redelivered += len(again)
        again += connection.outbox
        connection.outbox.clear()
        other = self.any_connection()
        if other is not None:
            other.outbox.extendleft(reversed(again))
            other.flush()
            return
        self.waiting.extendleft(reversed(again))
        self._call()

    def _call(self) -> None:
        if self.waiting and self.summon is not None:
            self.summon()
