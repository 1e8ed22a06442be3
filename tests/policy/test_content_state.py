"""Contents that people review, and what the rules make of where that stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assent.message import Purpose
from assent.policy.decide import Verdict, decide
from assent.policy.reasons import BY_CODE, BY_NUMBER
from tests.policy import scene


@pytest.mark.parametrize("purpose", [Purpose.MARKETING, Purpose.NOTIFICATION])
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("submitted", "content_not_reviewed"),
        ("rejected", "content_refused"),
        ("withdrawn", "content_refused"),
        ("never heard of", "content_not_reviewed"),
    ],
)
def test_nothing_leaves_before_every_frame_was_approved(
    purpose: Purpose, state: str, code: str
) -> None:
    text, facts = scene.content(purpose), scene.facts(purpose)
    assert (decide(scene.people(), text, facts, scene.RULEBOOK).verdict == Verdict.ALLOW).all()
    unseen = replace(facts, content_state=state)
    decisions = decide(scene.people(), text, unseen, scene.RULEBOOK)
    assert (decisions.verdict == Verdict.REJECT).all()
    assert {BY_NUMBER[int(n)].code for n in np.unique(decisions.reason)} == {code}


def test_the_reasons_say_what_mends_it() -> None:
    for code in ("content_not_reviewed", "content_refused"):
        reason = BY_CODE[code]
        assert reason.firm
        assert reason.en
        assert "审核" in reason.zh
        assert reason.mend
