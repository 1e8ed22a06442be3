"""The play is drawn from its seed alone, and holds what its story needs."""

from __future__ import annotations

import numpy as np

from assent.demo.cast import BOOKS, MALL
from assent.demo.scenario import draw
from assent.message import Network
from assent.numbers import NumberTable, parse

SIZE = 1_000


def test_a_seed_gives_the_same_play_and_another_another() -> None:
    assert draw(7, SIZE) == draw(7, SIZE)
    one, other = draw(7, SIZE), draw(8, SIZE)
    same = {row.number for row in one.audience} & {row.number for row in other.audience}
    assert len(same) < SIZE * 0.02
    assert [row.name for row in one.audience] != [row.name for row in other.audience]
    assert one.codes != other.codes


def test_the_audience_has_everybody_the_story_needs() -> None:
    scenario = draw(1, SIZE)
    table = NumberTable.load()
    assert len(scenario.audience) == SIZE
    parsed = parse([row.number for row in scenario.audience])
    wrong = int((parsed.fault > 0).sum())
    assert wrong == 20
    good = parsed.msisdn[parsed.fault == 0]
    assert len(good) - len(np.unique(good)) == 15
    places = table.lookup(np.unique(good))
    assert set(np.unique(places.network)) == {
        Network.MOBILE, Network.UNICOM, Network.TELECOM, Network.FOREIGN,
    }  # fmt: skip
    assert set(range(1, len(table.provinces))) <= set(places.province.tolist())
    mall = {number for number, _ in scenario.consents[MALL.code]}
    assert not mall & set(scenario.strangers)
    assert set(scenario.withdrawn) <= mall
    assert not set(scenario.withdrawn) & {row.number for row in scenario.greeted}
    shared = {row.number for row in scenario.readers} & mall
    assert len(shared) > SIZE * 0.3
    assert len(scenario.consents[BOOKS.code]) < len(scenario.readers)
    assert len({(code.sender.code, code.number) for code in scenario.codes}) == len(scenario.codes)


def test_nobody_agrees_at_night() -> None:
    scenario = draw(5, SIZE)
    for given in scenario.consents.values():
        hours = {(10 - days * 24) % 24 // 1 for _, days in given}
        assert hours == set(range(9, 21))


def test_every_number_of_the_cast_can_be_parsed() -> None:
    scenario = draw(3, SIZE)
    for numbers in (
        [number for number, _ in scenario.consents[MALL.code]],
        [code.number for code in scenario.codes],
        scenario.withdrawn,
    ):
        assert not parse(numbers).fault.any()


def test_twenty_thousand_come_with_at_least_two_hundred_codes() -> None:
    assert len(draw(1, 20_000).codes) >= 200
