"""Carriers report by number where the script says so; bought lists are full of such numbers."""

from __future__ import annotations

from random import Random

import pytest

from assent.carrier.behaviour import Behaviour
from assent.carrier.identity import CarrierSettings
from assent.carrier.script import script_from
from assent.carrier.speech import CmppSpeech
from assent.errors import InvalidInput
from assent.quarter.population import UNKNOWN, Population, belongs_to_nobody


def test_the_first_pattern_that_matches_says_what_is_reported() -> None:
    fates = [{"numbers": UNKNOWN, "stat": "MK:0001"}, {"numbers": "4$", "stat": "EXPIRED"}]
    speech = CmppSpeech(CarrierSettings("mobile", {"900001": "s"}), Random(1))
    behaviour = Behaviour(script_from({"receipts": {"numbers": fates}}), "1", speech)
    said = [behaviour.outcome(number).stat for number in ("13800000044", "8613800000004")]
    assert said == [b"MK:0001", b"EXPIRED"]
    assert behaviour.outcome("13800000045").stat == b"DELIVRD"
    for wrong in ({"numbers": "(", "stat": "UNDELIV"}, {"numbers": "4", "stat": "TOOLONG8"}):
        with pytest.raises(InvalidInput):
            script_from({"receipts": {"numbers": [wrong]}})


def test_lists_hold_the_share_of_unknown_numbers_that_was_asked_for() -> None:
    population = Population(1)
    bought, kept = population.numbers(2_000, 0.4), population.numbers(2_000, 0.0)
    assert 0.35 < sum(map(belongs_to_nobody, bought)) / len(bought) < 0.45
    assert not any(map(belongs_to_nobody, kept))
    assert len({*bought, *kept}) == 4_000
