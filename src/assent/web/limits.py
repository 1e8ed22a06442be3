"""How often somebody may call: buckets of tokens, by key or person, and by network without one."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from math import ceil
from typing import Any, Final

from assent.errors import Unavailable
from assent.flow.throttle import network_of
from assent.web.settings import WebSettings

_MOST: Final = 100_000
_KEY_BURST_S: Final = 2.0
_OPEN_BURST_S: Final = 5.0


class Buckets:
    """Tokens that come back at a rate, for each of many callers; at most so many seconds' worth."""

    def __init__(
        self, rate: float, burst_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = max(1.0, rate * burst_s)
        self._monotonic = monotonic
        self._left: dict[Hashable, tuple[float, float]] = {}

    def take(self, who: Hashable, tokens: float = 1.0) -> float:
        """Take tokens; return 0, or after how many seconds there will be one. With `tokens` 0
        nothing is taken."""
        now = self._monotonic()
        left, at = self._left.get(who, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._rate)
        if left < 1.0:
            return (1.0 - left) / self._rate
        if tokens:
            if len(self._left) >= _MOST:
                self._tidy(now)
            self._left[who] = (left - tokens, now)
        return 0.0

    def _tidy(self, now: float) -> None:
        """Forget whose bucket is full again; if all are in use, the half that waited longest."""
        full = self._burst - 1.0
        kept = {
            who: (left, at)
            for who, (left, at) in self._left.items()
            if left + (now - at) * self._rate < full
        }
        if len(kept) >= _MOST:
            kept = dict(list(kept.items())[_MOST // 2 :])
        self._left = kept


class Limits:
    """The buckets of a server."""

    def __init__(self, settings: WebSettings) -> None:
        self._keys = Buckets(settings.key_rate, _KEY_BURST_S)
        self._open = Buckets(settings.open_rate, _OPEN_BURST_S)

    def known(self, key: int, actor: int | None) -> None:
        """Count a request of a key, or of a person's session. Raises Unavailable (429)."""
        _refuse(self._keys.take(key or (actor,)))

    def stranger(self, peer: str, *, count: bool = True) -> None:
        """Count a request without a good key or session, or only see whether one more would be
        taken. Raises Unavailable (429)."""
        _refuse(self._open.take(network_of(peer), 1.0 if count else 0.0))


def _refuse(wait: float) -> None:
    if wait:
        seconds = max(1, ceil(wait))
        raise Unavailable(
            "too_many_requests", "these are too many requests", rule="http-api: limits",
            mend=f"try again in {seconds} s", status=429, details={"retry_after": seconds},
        )  # fmt: skip


def peer_of(scope: Mapping[str, Any], proxies: Sequence[IPv4Network | IPv6Network]) -> str:
    """Return where a request came from: our peer, or whom a proxy that we trust names. What the
    caller itself wrote in front of that is not believed."""
    client = scope.get("client")
    peer = str(client[0]) if client else ""
    if not proxies or not within(peer, proxies):
        return peer
    said = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    for word in reversed(said.decode("latin-1").split(",")):
        named = word.strip()
        if not _address(named):
            return peer
        peer = named
        if not within(named, proxies):
            break
    return peer


def _address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def within(address: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    """Return whether an address is in one of some networks; what is no address is in none."""
    try:
        given = ip_address(address)
    except ValueError:
        return False
    plain = getattr(given, "ipv4_mapped", None) or given
    return any(plain in network for network in networks)
