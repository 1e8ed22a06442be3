"""A million people at once are judged as they are in portions; how quick that is, `bench decisions`
measures."""

from __future__ import annotations

import numpy as np

from assent.consent.standing import RefusalSet, StandingSet, refused_for
from assent.message import Network, Purpose
from assent.policy.caps import ClaimSet
from assent.policy.decide import Verdict, decide
from assent.policy.facts import People
from tests.policy.scene import NOON, RULEBOOK, content, facts, people

PORTION = 70_000


def test_a_million_people_with_standing_and_claims_looked_up() -> None:
    n, rng = 1_000_000, np.random.default_rng(3)
    ids = np.sort(rng.choice(4_000_000, n, replace=False).astype(np.uint32))
    standings, refusals = StandingSet(), RefusalSet()
    pauses, claims = RefusalSet(), ClaimSet()
    standings.load(1, ids[::2], np.full(n // 2, 3, np.uint8), NOON + 9)
    refusals.load(1, ids[::50], 1 << Purpose.MARKETING)
    pauses.load(1, ids[::500], 1 << Purpose.MARKETING)
    for day in range(6):
        claims.add("k", rng.integers(0, 4_000_000, 300_000).astype(np.uint32), NOON - day * 86_400)
    caps = RULEBOOK.caps_for(Purpose.MARKETING)

    def verdicts(some: np.ndarray) -> np.ndarray:
        count = len(some)
        who: People = people(count, person=some, network=np.full(count, Network.MOBILE, np.uint8))
        grade, fresh = standings.lookup_fresh(1, some, NOON)
        made = facts(
            n=count,
            grade=grade,
            refused=refused_for(refusals, 1, Purpose.MARKETING, some, fresh),
            paused=refused_for(pauses, 1, Purpose.MARKETING, some),
            claims=claims.counts("k", some, NOON, who.zone, caps),
            balance=10**12,
        )
        return decide(who, content(Purpose.MARKETING, count), made, RULEBOOK).verdict

    whole = verdicts(ids)
    parts = [verdicts(ids[start : start + PORTION]) for start in range(0, n, PORTION)]
    assert np.array_equal(whole, np.concatenate(parts))
    allowed = whole == Verdict.ALLOW
    assert not allowed[1::2].any(), "who has no standing"
    assert not allowed[::50].any(), "who refused"
    assert n // 4 < allowed.sum() < n // 2, "some of the others were written to lately"
