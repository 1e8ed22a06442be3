"""How many numbers next to each other an account may send codes to.

A code's delivery is shown, so whoever sends codes to one number after another learns which of them
are alive. People who ask for a code have numbers all over the country; numbers side by side are
what somebody counts through. What is counted is different numbers, so that one person who asks
again and again takes nothing away from her neighbours.

It is memory of one process, bounded: a brake, not a cap. What processes count they tell each other
(:meth:`Probes.news`, :meth:`Probes.learn`), so that an account gains nothing by using several.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.message import Purpose
from assent.policy.facts import Mask
from assent.policy.reasons import PROBING_CODE

MOST_DIGITS: Final = 3
_MOST_RANGES: Final = 200_000
_ACCOUNT_SHIFT: Final = 64


@dataclass(frozen=True, slots=True)
class Probing:
    """At most `limit` different numbers that are the same but for their last `digits`, an account
    and window of `window_s` seconds."""

    id: str
    purpose: Purpose
    digits: int
    limit: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers next to each other that an account sent to in a window: those that are `prefix`
    without their last digits."""

    rule: str
    account: int
    prefix: int
    window: int


def rules_of(rows: Iterable[Mapping[str, Any]]) -> dict[Purpose, tuple[Probing, ...]]:
    """Read the rules of a profile. Raises KeyError, TypeError, ValueError."""
    found: dict[Purpose, tuple[Probing, ...]] = {}
    for row in rows:
        purpose = Purpose[row["purpose"].upper()]
        one = Probing(row["id"], purpose, row["digits"], row["limit"], row["window"])
        if not 1 <= one.digits <= MOST_DIGITS or one.limit < 1 or one.window_s < 1:
            raise ValueError(f"probing {one.id}: digits, limit or window is wrong")
        found[purpose] = (*found.get(purpose, ()), one)
    return found


def all_rules(
    profiles: Iterable[Mapping[Purpose, tuple[Probing, ...]]],
) -> dict[Purpose, tuple[Probing, ...]]:
    """Return the rules of all profiles, each id once. Raises ValueError where one differs."""
    by_id: dict[str, Probing] = {}
    for profile in profiles:
        for one in (rule for some in profile.values() for rule in some):
            if by_id.setdefault(one.id, one) != one:
                raise ValueError(f"probing {one.id} differs between profiles; rename one")
    purposes = {one.purpose for one in by_id.values()}
    return {which: tuple(o for o in by_id.values() if o.purpose == which) for which in purposes}


class Probes:
    """The numbers that accounts sent to, by range: a bit each. `rules`: those of a rulebook."""

    def __init__(
        self, rules: Mapping[Purpose, Sequence[Probing]], most: int = _MOST_RANGES
    ) -> None:
        self._rules = rules
        self._most = most
        self._window: dict[str, int] = {}
        self._seen: dict[str, dict[int, int]] = {}
        self._news: dict[Range, int] = {}

    def broken(
        self, purpose: Purpose, account: int, numbers: NDArray[np.uint64], now: float
    ) -> dict[str, Mask]:
        """Return :meth:`over` as :attr:`assent.policy.facts.Facts.broken` takes it."""
        if purpose not in self._rules:
            return {}
        over = self.over(purpose, account, numbers, now)
        return {PROBING_CODE: over} if over.any() else {}

    def over(
        self, purpose: Purpose, account: int, numbers: NDArray[np.uint64], now: float
    ) -> NDArray[np.bool_]:
        """Return which numbers an account may not send to now; those that come first may."""
        found = np.zeros(len(numbers), np.bool_)
        for rule in self._rules.get(purpose, ()):
            seen = self._of(rule, now)
            size = 10**rule.digits
            taken: dict[int, int] = {}
            for place, number in enumerate(numbers.tolist()):
                if not number or found[place]:
                    continue
                key, bit = account << _ACCOUNT_SHIFT | number // size, 1 << number % size
                bits = taken.get(key, seen.get(key, 0))
                if bits & bit:
                    continue
                if bits.bit_count() >= rule.limit:
                    found[place] = True
                else:
                    taken[key] = bits | bit
        return found

    def note(self, purpose: Purpose, account: int, numbers: NDArray[np.uint64], now: float) -> None:
        """Note that an account sent to some numbers (0: to nobody)."""
        for rule in self._rules.get(purpose, ()):
            seen = self._of(rule, now)
            size = 10**rule.digits
            for number in numbers.tolist():
                if number:
                    key, bit = account << _ACCOUNT_SHIFT | number // size, 1 << number % size
                    before = seen.pop(key, 0)
                    seen[key] = before | bit
                    if not before & bit and len(self._news) < self._most:
                        told = Range(rule.id, account, number // size, self._window[rule.id])
                        self._news[told] = self._news.get(told, 0) | bit
            while len(seen) > self._most:
                del seen[next(iter(seen))]  # the range that was sent to the longest ago

    def news(self) -> dict[Range, int]:
        """Return what was noted since this was asked last."""
        told, self._news = self._news, {}
        return told

    def size_of(self, rule_id: str) -> int:
        """Return how many numbers a range of a rule has, 0 of an unknown rule."""
        for rule in (one for some in self._rules.values() for one in some):
            if rule.id == rule_id:
                return int(10**rule.digits)
        return 0

    def learn(self, told: Mapping[Range, int], now: float) -> None:
        """Take in what other processes noted."""
        rules = {one.id: one for some in self._rules.values() for one in some}
        for where, bits in told.items():
            rule = rules.get(where.rule)
            if rule is None or where.window != int(now // rule.window_s):
                continue
            seen = self._of(rule, now)
            key = where.account << _ACCOUNT_SHIFT | where.prefix
            if key in seen or len(seen) < self._most:
                seen[key] = seen.get(key, 0) | bits

    def _of(self, rule: Probing, now: float) -> dict[int, int]:
        window = int(now // rule.window_s)
        if self._window.get(rule.id) != window:
            self._window[rule.id] = window
            self._seen[rule.id] = {}
        return self._seen[rule.id]
