"""Where a link leads, how it behaves there, and what it can be doing."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Final

from assent.carrier.listener import ListenSettings
from assent.wire.kit import Quirks
from assent.wire.session import SessionSettings

if TYPE_CHECKING:
    from assent.wire.dialect import Mode

DAY_MINUTES: Final = 1440

Hours = tuple[tuple[int, int], ...]
"""Daily windows in minutes after midnight; one whose end is not after its begin goes over it."""


def open_at(hours: Hours, zone_minutes: int, unix_s: float) -> bool:
    """Whether a time lies in one of some windows, or there are none."""
    minute = int(unix_s // 60 + zone_minutes) % DAY_MINUTES
    return not hours or any(
        begin <= minute < end if begin < end else minute >= begin or minute < end
        for begin, end in hours
    )


class LinkState(Enum):
    """Where a link stands; `Sink.changed` gets the value. PAUSED and STANDBY are bound and answer
    what arrives, but pull nothing."""

    DOWN = "down"
    CONNECTING = "connecting"
    BINDING = "binding"
    BOUND = "bound"
    PAUSED = "paused"
    STANDBY = "standby"
    REFUSED = "refused"
    DRAINING = "draining"
    CLOSED = "closed"


UP: Final = frozenset({LinkState.BOUND, LinkState.PAUSED, LinkState.STANDBY})
"""States in which the carrier has let us in."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to reach a carrier and how to behave there. Times in seconds, rates per second.

    `heartbeat_s`, `response_s` and `tries` are C, T and N of the specification (protocols.md 1.1).
    `stall_s`: how long a full socket may make no progress. `deliver_limit`: delivers waiting for
    acknowledgement above which the link stops reading. `zone_minutes`: the carrier's zone, for the
    timestamp of CONNECT. `dialect`, `version` (None: the usual one) and `quirks`: see `wire.kit`.
    `place`: which of all connections to this carrier it is, over all processes, 0 to 255; it keeps
    SGIP's sequence numbers apart. `listen`: where an SGIP gateway delivers. `tls`: speak TLS, and
    `tls_name` is the name that the certificate must have (None: `host`); `tls_mark` a digest of the
    files it was made from, by which two are compared. `link`: the name under which the settings
    file has it, which several connections share. `weight`, `standby`, `hours`: see `Pool`.
    """

    name: str
    carrier: str
    host: str
    port: int
    user: str
    secret: str = field(repr=False)
    version: int | None = None
    window: int = 16
    rate: float | None = None
    burst: float | None = None
    service_id: str = ""
    heartbeat_s: float = 180.0
    response_s: float = 60.0
    tries: int = 3
    stall_s: float = 30.0
    strict: bool = False
    deliver_limit: int = 1024
    zone_minutes: int = 480
    connect_s: float = 10.0
    reconnect_base_s: float = 0.5
    reconnect_cap_s: float = 30.0
    throttle_base_s: float = 0.2
    throttle_cap_s: float = 5.0
    dialect: str = "cmpp"
    quirks: Quirks = field(default_factory=Quirks)
    place: int = 0
    listen: ListenSettings | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    tls_name: str | None = None
    tls_mark: str = ""
    link: str = ""
    weight: int = 1
    standby: bool = False
    hours: Hours = ()

    def open_at(self, unix_s: float) -> bool:
        """Whether the link is to be bound at a time, by its hours in the carrier's zone."""
        return open_at(self.hours, self.zone_minutes, unix_s)

    @property
    def look_every_s(self) -> float:
        """How often a connection looks at its deadlines: every eighth of the shortest of them.

        Cheaper than a timer armed at each write, and T and C are seconds, not milliseconds.
        """
        shortest = min(self.response_s, self.heartbeat_s, self.stall_s)
        return min(1.0, max(0.01, shortest / 8))

    def same_line(self, other: object) -> bool:
        """Whether a connection made for the other serves this as it is."""
        if not isinstance(other, LinkSettings):
            return False
        place = other.place if self.dialect != "sgip" else self.place
        steered = replace(self, weight=other.weight, standby=other.standby, hours=other.hours)
        return replace(steered, place=place) == other

    def session(self, version: int, mode: Mode, first_sequence: int) -> SessionSettings:
        """Return what the protocol session of one connection needs to know."""
        return SessionSettings(
            user=self.user,
            secret=self.secret,
            version=version,
            mode=mode,
            first_sequence=first_sequence,
            window=self.window,
            heartbeat_s=self.heartbeat_s,
            response_s=self.response_s,
            tries=self.tries,
            strict=self.strict,
        )
