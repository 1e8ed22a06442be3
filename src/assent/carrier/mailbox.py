"""What a simulated carrier has for the platform: reports and replies, kept until acknowledged.

An item belongs to an account. It waits at one connection or, when that has fallen, at the account
for the next one; its id stays the same when it is sent again.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable
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
    """A delivery report on `message_id`. Addresses and times are ASCII; times YYMMDDHHMM."""

    deliver_id: int
    access: bytes
    person: bytes
    message_id: int
    stat: bytes
    submitted: bytes
    done: bytes
    smsc: int
    short: bool

    def body(self, version: int) -> bytes:
        """Return the DELIVER body for a link of this version."""
        if version >> 4 < 3:
            form, length = _OLD, 60
        elif self.short:
            form, length = _SHORT, 60
        else:
            form, length = _LONG, 71
        identity, access, person, message_id, stat, submitted, done, smsc, _ = self
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
    """A mobile-originated message, or one segment of it."""

    deliver_id: int
    access: str
    person: str
    content: bytes
    fmt: int
    udhi: int

    def body(self, version: int) -> bytes:
        """Return the DELIVER body for a link of this version."""
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
    """One user of the carrier: its secret, its bound connections, what waits for it."""

    def __init__(self, user: str, secret: str, rng: Random) -> None:
        self.user = user
        self.secret = secret
        self.connections: list[ServerConnection] = []
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
        """Queue items on `connection` if it is bound, else on any bound one, else keep them.

        The caller flushes; the connections touched are those of the account.
        """
        if connection is None or connection not in self.connections:
            connection = self.any_connection()
        queue = self.waiting if connection is None else connection.outbox
        queue.extend(items)

    def any_connection(self) -> ServerConnection | None:
        """Return one of the bound connections, drawn; None when there is none."""
        if len(self.connections) > 1:
            return self._rng.choice(self.connections)
        return self.connections[0] if self.connections else None

    def joined(self, connection: ServerConnection) -> None:
        """Give what waits to a connection that has just bound."""
        self.connections.append(connection)
        connection.outbox.extend(self.waiting)
        self.waiting.clear()

    def left(self, connection: ServerConnection, unacknowledged: Iterable[Item]) -> None:
        """Take back what a fallen connection did not get acknowledged; it goes out first."""
        if connection in self.connections:
            self.connections.remove(connection)
        again = list(unacknowledged)
        self.redelivered += len(again)
        again += connection.outbox
        connection.outbox.clear()
        other = self.any_connection()
        (self.waiting if other is None else other.outbox).extendleft(reversed(again))
        if other is not None:
            other.flush()
