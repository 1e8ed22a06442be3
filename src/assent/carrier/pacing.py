"""How fast a link may go: a token bucket, and a pause that grows with each disappointment.

Both are told the time and (for jitter) given their randomness; neither sleeps.
"""

from __future__ import annotations

import math
from random import Random

QUANTUM_S = 0.02
"""How long a paced link lets allowance gather before it writes again. One wake-up a message
costs ten times what a message in a group costs; 20 ms is not felt by a person."""


class TokenBucket:
    """Allowance of `rate` messages a second, of which at most `burst` can be saved up.

    In any one second a link so paced writes at most `rate + burst` messages. A carrier that
    counts strictly per second needs a rate set that much lower.
    """

    def __init__(self, rate: float, now: float, burst: float | None = None) -> None:
        """Start full at time `now` (seconds). The default burst is 50 ms' worth, at least 1."""
        if not rate > 0 or not math.isfinite(rate):
            raise ValueError("rate must be a positive number of messages a second")
        self.rate = rate
        self.burst = max(1.0, rate * 0.05) if burst is None else max(1.0, burst)
        self._level = self.burst
        self._at = now

    def available(self, now: float) -> int:
        """Return how many messages may be written at `now`."""
        if now > self._at:
            self._level = min(self.burst, self._level + (now - self._at) * self.rate)
            self._at = now
        # Sums of floats come out a hair short of the whole number they stand for.
        return int(self._level + 1e-6)

    def spend(self, count: int) -> None:
        """Take away `count`; the caller asked `available` first."""
        self._level -= count

    def delay(self, now: float) -> float:
        """Return the seconds from `now` until writing is worth a wake-up."""
        wanted = max(1.0, min(self.burst, self.rate * QUANTUM_S))
        missing = wanted - self._level - max(0.0, now - self._at) * self.rate
        return max(0.0, missing / self.rate)


class Backoff:
    """Pauses that double from `base` to `cap` seconds, each drawn from its upper half.

    The jitter keeps links that fell together from coming back together.
    """

    def __init__(self, base: float, cap: float, rng: Random) -> None:
        self.base = base
        self.cap = cap
        self.tries = 0
        self._rng = rng

    def next(self) -> float:
        """Return the next pause in seconds."""
        # Past 2^32 the cap has long been reached; the bound keeps the power small.
        full = min(self.cap, self.base * 2.0 ** min(self.tries, 32))
        self.tries += 1
        return full * (0.5 + 0.5 * self._rng.random())

    def reset(self) -> None:
        """Begin again from `base`: it worked."""
        self.tries = 0
