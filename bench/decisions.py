"""Decisions a second for people in memory, with everything that policy looks at.

Timed: the look-up of standing, refusals, pauses and seven days of claims, and `decide` itself,
for one array of people. Against the same work done in portions of a thousand, as orders come.
"""

from __future__ import annotations

import time
from statistics import median
from typing import Any, Final

import numpy as np

from assent.consent.standing import RefusalSet, StandingSet, refused_for
from assent.message import Grade, Purpose
from assent.policy.caps import ClaimSet
from assent.policy.decide import decide
from assent.policy.facts import PASSED, Content, Facts, People
from assent.policy.rulebook import Rulebook

TEXT: Final = "【华联超市】周末全场八折，详询400-820-8820，拒收请回复R"
NOON: Final = 1_798_776_000 // 86_400 * 86_400 + 4 * 3600
"""Twelve o'clock in China on some day."""

_GROUP: Final = 1
_KEY: Final = ("marketing/sender", 1)
_PORTION: Final = 1_000


class Scene:
    """`count` people: most have standing, some refused or paused, many were written to lately."""

    def __init__(self, count: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        pool = 4 * count
        self.rulebook = Rulebook.load()
        self.person = rng.permutation(pool)[:count].astype(np.uint32) + 1
        self.network = rng.integers(1, 5, count).astype(np.uint8)
        self.standings, self.refusals = StandingSet(), RefusalSet()
        self.pauses, self.claims = RefusalSet(), ClaimSet()
        stand = self.person[: count * 9 // 10]
        self.standings.load(1, stand, np.full(len(stand), int(Grade.DOCUMENT), np.uint8))
        marketing = 1 << Purpose.MARKETING
        refused = rng.permutation(pool)[:count].astype(np.uint32) + 1
        self.refusals.load(_GROUP, refused, marketing)
        self.pauses.load(_GROUP, self.person[::500], marketing)
        for day in range(1, 8):
            some = rng.permutation(pool)[: count // 5].astype(np.uint32) + 1
            self.claims.add(_KEY, some, NOON - day * 86_400 + 3600)

    def judge(self, part: slice) -> int:
        """Gather facts and decide for part of the people; return how many may be written to."""
        who = self.person[part]
        n = len(who)
        people = People(
            who,
            self.network[part],
            np.full(n, 480, np.int16),
            np.zeros(n, np.uint8),
            np.zeros(n, np.bool_),
        )
        purpose = Purpose.MARKETING
        grade, fresh = self.standings.lookup_fresh(1, who, NOON)
        caps = self.rulebook.caps_for(purpose)
        facts = Facts(
            now=NOON,
            port_purpose=purpose,
            port_active=True,
            port_free_to_reply=True,
            port_signature="华联超市",
            basis_filed=True,
            grade=grade,
            refused=refused_for(self.refusals, _GROUP, purpose, who, fresh),
            paused=refused_for(self.pauses, _GROUP, purpose, who),
            reachable=np.ones(n, np.bool_),
            price=np.full(n, 50_000, np.int64),
            balance=10**14,
            claims=self.claims.counts(_KEY, who, NOON, people.zone, caps),
            expires_at=NOON + 2 * 86_400,
            screening=PASSED,
        )
        content = Content(purpose, TEXT, np.ones(n, np.uint8))
        return int(decide(people, content, facts, self.rulebook).allowed.sum())


def run(count: int = 1_000_000, rounds: int = 5, seed: int = 1) -> dict[str, Any]:
    """Measure some rounds of both kinds in turn; medians."""
    scene = Scene(count, seed)
    whole, portions, allowed = [], [], 0
    for _ in range(rounds):
        begin = time.perf_counter()
        allowed = scene.judge(slice(0, count))
        middle = time.perf_counter()
        again = sum(
            scene.judge(slice(start, start + _PORTION)) for start in range(0, count, _PORTION)
        )
        end = time.perf_counter()
        assert again == allowed
        whole.append(count / (middle - begin))
        portions.append(count / (end - middle))
    return {
        "people": count,
        "allowed": allowed,
        "per_s": round(median(whole)),
        "per_s_in_thousands": round(median(portions)),
        "ratio": round(median(b / a for a, b in zip(whole, portions, strict=True)), 3),
    }
