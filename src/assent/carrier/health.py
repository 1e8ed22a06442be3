"""What a link counts about itself; `Link.health()` hands it on as plain values."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

LATENCY_BOUNDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60)
"""Upper bounds in seconds of the answer-time buckets; one more bucket holds what is above."""


MOST_CODES: Final = 100
OTHER_CODES: Final = -1
"""Stands for result codes beyond the first MOST_CODES different ones."""


class Histogram:
    """Counts in fixed buckets, with the sum, so that a mean and quantiles can be told."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float, count: int = 1) -> None:
        """Count `count` observations of `seconds`."""
        self.counts[bisect_left(LATENCY_BOUNDS, seconds)] += count
        self.sum += seconds * count

    @property
    def mean(self) -> float | None:
        """The mean in seconds; None when empty."""
        total = sum(self.counts)
        return self.sum / total if total else None

    def quantile(self, share: float) -> float | None:
        """Return the upper bound of the bucket that holds the quantile; None when empty.

        What lies above the last bound is told as the last bound.
        """
        total = sum(self.counts)
        if not total:
            return None
        seen = 0
        for bound, count in zip(LATENCY_BOUNDS, self.counts, strict=False):
            seen += count
            if seen >= share * total:
                return bound
        return float(LATENCY_BOUNDS[-1])


class Sample(NamedTuple):
    """The message of a write whose answer is timed, and when it was written."""

    token: int
    at: float

    def among(self, answers: Sequence[tuple[int, int, int]]) -> bool:
        """Tell whether its answer is one of these (token, result, message id): mostly the first."""
        token = self.token
        return answers[0][0] == token or any(answer[0] == token for answer in answers)


@dataclass(slots=True)
class LinkCounters:
    """Totals since the link object was made; they survive reconnects.

    `submitted = answered + lost + in flight`; `answered = accepted + throttled +
    sum(refused)`. Answer times are sampled: one message a write.
    """

    connects: int = 0
    disconnects: int = 0
    binds_refused: int = 0
    submitted: int = 0
    writes: int = 0
    answered: int = 0
    accepted: int = 0
    throttled: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    lost: int = 0
    delivers: int = 0
    acknowledged: int = 0
    late_acknowledgements: int = 0
    stalls: int = 0
    protocol_errors: int = 0
    window_full: int = 0
    paced: int = 0
    answer_time: Histogram = field(default_factory=Histogram)

    def refuse(self, code: int) -> None:
        """Count a refusal. A carrier that invents codes fills OTHER_CODES, not the memory."""
        known = code in self.refused or len(self.refused) < MOST_CODES
        self.refused[code if known else OTHER_CODES] += 1

    def as_dict(self) -> dict[str, Any]:
        """Return the counters as plain values, ready for JSON."""
        plain: dict[str, Any] = {
            name: getattr(self, name)
            for name in self.__slots__
            if name not in ("refused", "answer_time")
        }
        plain["refused"] = {str(code): count for code, count in sorted(self.refused.items())}
        plain["answer_time"] = {
            "bounds": list(LATENCY_BOUNDS),
            "counts": list(self.answer_time.counts),
            "sum": self.answer_time.sum,
            "mean": self.answer_time.mean,
        }
        return plain
