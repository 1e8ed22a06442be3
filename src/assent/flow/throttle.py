"""Attempts that become slow: wrong passwords, wrong codes, sign-ups, codes to phones.

Counted in the database, so that it holds over processes and restarts. An attempt is counted before
it is looked at and taken back when it was right; so a hundred at once are no way around it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from ipaddress import ip_address
from math import ceil
from typing import Final

from assent.clock import Clock
from assent.errors import Unavailable
from assent.flow.needs import Store, utc
from assent.flow.vault import Vault

_FORGOTTEN: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """`free` attempts cost nothing; after that each doubles the wait, up to `most_s`."""

    kind: str
    free: int
    most_s: float


LOGIN: Final = Pace("login", 5, 900.0)
"""Of one e-mail address."""
LOGIN_NETWORK: Final = Pace("login_network", 30, 900.0)
"""Of one network, whatever address it tries."""
SIGN_UP: Final = Pace("sign_up", 10, 3600.0)
"""Of one network: whatever makes us send mail."""
MAIL: Final = Pace("mail", 3, 3600.0)
"""To one address."""
TOKEN: Final = Pace("token", 10, 900.0)
"""Of one network: tokens that were mailed."""
PHONE: Final = Pace("phone", 3, 86_400.0)
"""Codes sent, of one person and to one number."""
PHONE_CODE: Final = Pace("phone_code", 5, 900.0)
"""Codes given, of one person."""


class Throttle:
    """Counts attempts. What is counted is stored as a digest only."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault

    async def take(self, pace: Pace, who: str) -> None:
        """Count an attempt. Raises Unavailable `too_many` (429) while it is too early."""
        now = utc(self._clock.now())
        mark = self._mark(pace, who)
        taken = await self._store.fetchval(
            "throttle_take", pace.kind, mark, now, pace.free, pace.most_s, now - _FORGOTTEN
        )
        if taken is not None:
            return
        until = await self._store.fetchval("throttle_until", pace.kind, mark)
        wait = max(1, ceil((until - now).total_seconds())) if until else 1
        raise Unavailable(
            "too_many", "there were too many attempts", rule="security: throttling",
            mend=f"try again in {wait} s", status=429, details={"retry_after": wait},
        )  # fmt: skip

    async def clear(self, pace: Pace, who: str) -> None:
        """Forget what was counted: it was right after all."""
        await self._store.execute("throttle_clear", pace.kind, self._mark(pace, who))

    async def give_back(self, pace: Pace, who: str) -> None:
        """Take one attempt back: it was right, which says nothing of the others."""
        await self._store.execute("throttle_give_back", pace.kind, self._mark(pace, who))

    async def forget_old(self) -> None:
        """Forget what is a day old."""
        await self._store.execute("throttle_forget", utc(self._clock.now()) - _FORGOTTEN)

    def _mark(self, pace: Pace, who: str) -> bytes:
        return self._vault.digest(who, f"throttle {pace.kind}")


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """Return what one customer of an access provider has: an IPv4 address, or 64 bits of IPv6."""
    try:
        given = ip_address(address)
    except ValueError:
        return address
    plain = getattr(given, "ipv4_mapped", None) or given
    return str(plain) if plain.version == 4 else ":".join(plain.exploded.split(":")[:4]) + "::/64"
