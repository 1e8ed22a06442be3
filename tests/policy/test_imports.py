"""What looks made up in an import is found, and what only looks odd is not."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.policy.imports import WORDS, Delivery, Overlap, findings
from assent.policy.rulebook import Rulebook
from bench.lists import DAY, FORGED, HONEST, HOUR, NOW_MS, by_day, town
from tests.policy.scene import RULEBOOK

LIMITS = RULEBOOK.worth.imports
SIZES = st.sampled_from([40, 99, 100, 250, 1_000, 6_000])


def codes(delivery: Delivery) -> set[str]:
    return {one.code for one in findings(delivery, LIMITS)}


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(HONEST), st.integers(0, 2**32), SIZES)
def test_honest_lists_bring_no_finding(maker: Any, seed: int, n: int) -> None:
    assert codes(maker(np.random.default_rng(seed), n)) == set()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(FORGED)), st.integers(0, 2**32), st.sampled_from([1_000, 6_000]))
def test_made_up_lists_are_found(maker: Any, seed: int, n: int) -> None:
    if FORGED[maker] == "number_blocks":
        n = 8_000
    found = codes(maker(np.random.default_rng(seed), n))
    assert FORGED[maker] in found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(100, 400), st.integers(0, 3))
def test_the_order_of_the_rows_tells_nothing(seed: int, n: int, place: int) -> None:
    """A forger who shuffles the file hides nothing."""
    rng = np.random.default_rng(seed)
    maker = list(FORGED)[place]
    delivery = maker(rng, n)
    order = rng.permutation(len(delivery.times))
    mixed = replace(delivery, times=delivery.times[order], numbers=delivery.numbers[order])
    assert codes(mixed) == codes(delivery)


def test_few_rows_say_nothing_of_shares() -> None:
    numbers = 8613900000000 + np.arange(99, dtype=np.uint64)
    assert codes(Delivery(np.full(99, NOW_MS - DAY), numbers, NOW_MS)) == set()
    more = 8613900000000 + np.arange(100, dtype=np.uint64)
    assert codes(Delivery(np.full(100, NOW_MS - DAY), more, NOW_MS)) >= {
        "number_runs", "one_second",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("since", "code"),
    [
        ("sender_since", "before_sender"),
        ("programme_since", "before_programme"),
        ("wording_since", "wording_too_new"),
    ],
)
def test_what_was_not_there_yet(since: str, code: str) -> None:
    rng = np.random.default_rng(1)
    plain = town(rng, 200)
    begin = NOW_MS - 200 * DAY
    times = np.full(200, begin + 30 * DAY) + rng.integers(0, 150 * DAY, 200) // HOUR * HOUR
    late = replace(plain, times=np.sort(times)[rng.permutation(200)], **{since: begin})
    assert code not in codes(late)
    times = late.times.copy()
    times[:2] = begin - DAY  # a typing mistake or two
    assert code not in codes(replace(late, times=times))
    times[:5] = begin - DAY
    assert code in codes(replace(late, times=times))
    # For a few rows no less, unless it is one slip.
    assert code not in codes(replace(late, times=times[4:9], numbers=late.numbers[4:9]))
    assert code in codes(replace(late, times=times[:5], numbers=late.numbers[:5]))


def test_a_programmes_first_months_may_bring_what_is_older() -> None:
    rng = np.random.default_rng(2)
    new = replace(town(rng, 200), programme_since=NOW_MS - 80 * DAY)
    assert "before_programme" not in codes(new)
    assert "before_programme" in codes(replace(new, programme_since=NOW_MS - 100 * DAY))


def test_a_bank_may_know_many_of_a_shops_customers() -> None:
    rng = np.random.default_rng(3)
    shop = replace(town(rng, 1_000), overlaps=[Overlap(2_000_000, 600), Overlap(40, 40)])
    assert codes(shop) == set()
    assert codes(replace(shop, overlaps=[Overlap(2_000_000, 950)])) == {"overlap"}
    assert codes(replace(shop, overlaps=[Overlap(900, 500)])) == {"overlap"}
    assert codes(replace(shop, turned_down=400)) == {"turned_down_before"}


def test_one_address_counts_where_addresses_are_known() -> None:
    rng = np.random.default_rng(4)
    plain = town(rng, 300)
    some = ["203.0.113.7"] * 99 + [""] * 201
    assert codes(replace(plain, addresses=some)) == set()
    assert codes(replace(plain, addresses=["203.0.113.7"] * 120 + [""] * 180)) == {"one_address"}


def test_every_finding_has_words_in_two_languages() -> None:
    for en, zh in WORDS.values():
        assert en.isascii()
        assert not zh.isascii()
    found = findings(
        Delivery(by_day(np.random.default_rng(5), 5, 9), np.arange(5, dtype=np.uint64), NOW_MS,
                 sender_since=NOW_MS), LIMITS,
    )  # fmt: skip
    assert found[0].told() == {
        "code": "before_sender", "en": WORDS["before_sender"][0], "zh": WORDS["before_sender"][1],
        "share": 1.0, "rows": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("section", "changes"),
    [
        ("imports", {"effect": "off"}),
        ("imports", {"run_excess": 1.5}),
        ("imports", {"night_hours": [6, 6]}),
        ("imports", {"from_rows": 0}),
        ("imports", {"unheard": 1}),
        ("assertion", {"asked_first": 0}),
        ("assertion", {"most": -1}),
        ("audits", {"document_rate": -0.1}),
    ],
)
def test_rulebooks_that_cannot_be(section: str, changes: dict[str, Any]) -> None:
    document = copy.deepcopy(json.loads(RULEBOOK.canonical))
    document["consent"][section]["value"] |= changes
    with pytest.raises(InvalidInput):
        Rulebook.from_document(document)
    del document["consent"][section]
    with pytest.raises(InvalidInput):
        Rulebook.from_document(document)
