"""`python -m bench quarter`: the simulated quarter at a million messages, on a real platform.

A thousand honest senders and all villains; the size is set by how much honest senders send. What
leaves differs a little, since villains are stopped when they are found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assent.quarter.run import Options, Scale, main

_SPREAD: Final = 1.56
"""Messages of a quarter to senders · orders · receivers: what rhythms and their spread add."""
_ORDERS: Final = 40.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`messages`: about so many."""

    seed: int = 1_000
    senders: int = 1_000
    messages: int = 1_000_000
    days: int = 90

    @classmethod
    def quick(cls) -> Plan:
        """Return a tiny one."""
        return cls(1_000, 12, 500, 4)

    def scale(self) -> Scale:
        """Return the scale of a quarter with so many messages."""
        receivers = max(2.0, self.messages / self.senders / _ORDERS / _SPREAD)
        return Scale(self.senders, _ORDERS, receivers, days=self.days)


def run(plan: Plan, tell: Callable[[str], None]) -> Mapping[str, Any]:
    """Return the figures."""
    outcome = main(Options(plan.seed, "bench", shape=plan.scale()), tell)
    told = outcome.told()
    villains = {one.pop("kind"): one for one in told.pop("villains")}
    share = outcome.honest_restricted / outcome.honest_senders
    return {**told, "honest_restricted_share": share, "villains": villains}
