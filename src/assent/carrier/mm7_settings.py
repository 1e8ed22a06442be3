"""How to reach a multimedia messaging centre, and how to behave there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field, replace

from assent.carrier.link_settings import Hours, open_at
from assent.carrier.listener import ListenSettings
from assent.wire.kit import Quirks


@dataclass(frozen=True, slots=True)
class Mm7Settings:
    """How to reach a centre. Times in seconds, rates in posts per second.

    `url`: where to post. `user`, `secret`: HTTP basic authentication. `window`: posts under way at
    once. `tls`: for https; None verifies against the system's authorities; `tls_mark`: a digest of
    the files it was made from, by which two are compared. `listen`: where the centre posts reports
    and replies. `abroad`: numbers are written with their country code. `zone_minutes`: the
    centre's zone, for `hours`. `link`, `weight`, `standby`, `hours`: as with `LinkSettings`.
    """

    name: str
    carrier: str
    url: str
    user: str
    secret: str = field(repr=False)
    vasp_id: str = ""
    vas_id: str = ""
    window: int = 16
    rate: float | None = None
    burst: float | None = None
    response_s: float = 60.0
    connect_s: float = 10.0
    throttle_base_s: float = 0.2
    throttle_cap_s: float = 5.0
    listen: ListenSettings | None = None
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)
    tls_mark: str = ""
    abroad: bool = False
    quirks: Quirks = field(default_factory=Quirks)
    place: int = 0
    dialect: str = "mm7"
    zone_minutes: int = 480
    link: str = ""
    weight: int = 1
    standby: bool = False
    hours: Hours = ()

    def open_at(self, unix_s: float) -> bool:
        """Whether the link is to be up at a time, by its hours in the centre's zone."""
        return open_at(self.hours, self.zone_minutes, unix_s)

    def same_line(self, other: object) -> bool:
        """Whether a link made for the other serves this as it is."""
        if not isinstance(other, Mm7Settings):
            return False
        steered = replace(self, weight=other.weight, standby=other.standby, hours=other.hours)
        return replace(steered, place=other.place, zone_minutes=other.zone_minutes) == other
