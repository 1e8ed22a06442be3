"""How fast a link may go: a token bucket, a pause that grows with each disappointment, and a brake
for carriers that say how loaded they are.

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

    def change(self, rate: float, now: float) -> None:
        """Go at another rate from `now` on; what was saved up or overdrawn stays."""
        self.available(now)
        self.rate = rate
        self.burst = max(1.0, rate * 0.05)

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


class Brake:
    """Slows a link while its SMSC says that it is loaded (SMPP 5.0, 4.8.4.18), and no longer.

    Every `STEP_S` what was really sent is the measure: from 90 on a tenth less, at 100 half, from
    80 to 89 (the optimum) as it is, below 80 a tenth more. The brake is off before the first load,
    when the link no longer reaches what it is allowed, and `FORGET_S` after the last word."""

    STEP_S = 0.25
    FORGET_S = 5.0
    LEAST = 1.0

    def __init__(self, submitted: int, now: float) -> None:
        """Begin to measure, at the first word. `submitted`: messages sent by now."""
        self._submitted = submitted
        self._at = self._heard_at = now
        self._bucket: TokenBucket | None = None

    def heard(self, state: int, submitted: int, now: float) -> None:
        """Take note of a congestion_state."""
        self._heard_at = now
        if now - self._at < self.STEP_S:
            return
        went = (submitted - self._submitted) / (now - self._at)
        self._submitted, self._at = submitted, now
        bucket = self._bucket
        if state >= _NEARLY:
            base = went if bucket is None else min(went, bucket.rate)
            self._slow(max(self.LEAST, base * (0.5 if state >= _FULL else 0.9)), now)
        elif bucket is not None and state < _OPTIMUM:
            if went < bucket.rate / 2:
                self._bucket = None  # it is not we who hold it up
            else:
                self._slow(bucket.rate * 1.1, now)

    def bucket(self, now: float) -> TokenBucket | None:
        """Return what paces the link now, if anything does."""
        if self._bucket is not None and now - self._heard_at > self.FORGET_S:
            self._bucket = None
        return self._bucket

    def _slow(self, rate: float, now: float) -> None:
        if self._bucket is None:
            self._bucket = TokenBucket(rate, now)
        else:
            self._bucket.change(rate, now)


_OPTIMUM, _NEARLY, _FULL = 80, 90, 100


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
