"""What papers open, exact on days; what can never open anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from assent.message import Purpose
from assent.registry.papers import Opening, Paper, Qualified, Seen
from assent.registry.qualify import (
    WHYS,
    agent,
    base,
    last_day,
    next_change,
    operator,
    qualify,
    warning_due,
)
from assent.registry.table import PURPOSES, Class
from tests.registry.given import TABLE, TODAY, YEAR, answering, full, paper

DAY = timedelta(days=1)
Asked = Callable[[list[Paper], date], Qualified]

industries = st.sampled_from(sorted(TABLE.industries))
purposes = st.sampled_from(PURPOSES)
days = st.integers(-500, 500).map(lambda n: TODAY + n * DAY)
maybe_days = st.none() | days
ways = st.sampled_from(list(Seen))


@st.composite
def asked(draw: st.DrawFn) -> tuple[Asked, list[str]]:
    """One of the four questions, and the kinds of paper that matter to it."""
    industry, purpose = draw(industries), draw(purposes)
    which = draw(st.sampled_from(["sender", "base", "operator", "agent"]))
    if which == "base":
        return (lambda p, d: base(TABLE, p, d)), _kinds(TABLE.base.demands)
    if which == "operator":
        return (lambda p, d: operator(TABLE, p, d)), _kinds(TABLE.operator.demands)
    terms = TABLE.industries[industry].terms[purpose]
    licence = TABLE.industries[industry].licence
    extra = (licence,) if licence else ()
    if which == "agent":
        kinds = _kinds((*TABLE.agent.demands, *TABLE.agent_finance.demands, *extra))
        return (lambda p, d: agent(TABLE, industry, purpose, p, d)), kinds
    kinds = _kinds((*terms.demands, *extra, TABLE.free_text_letter))
    return (lambda p, d: qualify(TABLE, industry, purpose, p, d)), kinds


def _kinds(demands: tuple[object, ...]) -> list[str]:
    return sorted({kind for demand in demands for kind in demand.kinds})  # type: ignore[attr-defined]


@st.composite
def papers(draw: st.DrawFn, kinds: list[str], sound: float = 0.7) -> list[Paper]:
    """Some papers of these kinds, most of them in order, so that much opens."""
    found = []
    for kind in kinds:
        for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
            start = draw(st.none() | days.map(lambda d: d - 300 * DAY))
            found.append(
                Paper(
                    id=len(found) + 1,
                    kind=kind,
                    seen=draw(st.sampled_from([*Seen, Seen.REGISTER, Seen.REGISTER, Seen.SCAN])),
                    accepted=draw(st.sampled_from([True, True, True, False])),
                    valid_from=start,
                    valid_to=draw(st.none() | days.map(lambda d: d + 300 * DAY)),
                    provisional_until=draw(maybe_days),
                    scope=draw(st.sampled_from([frozenset(), frozenset({"B25"})])),
                )
            )
    return found


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Asked, list[str], list[Paper]]:
    ask, kinds = draw(asked())
    return ask, kinds, draw(papers(kinds))


@given(scenes(), st.data())
def test_a_better_paper_never_closes_anything(
    scene: tuple[Asked, list[str], list[Paper]], data: st.DataObject
) -> None:
    ask, kinds, held = scene
    assume(kinds)
    [more, *_] = data.draw(papers(kinds).filter(bool))
    before, after = ask(held, TODAY), ask([*held, replace(more, id=99, accepted=True)], TODAY)
    assert after.opening >= before.opening
    assert after.licensed >= before.licensed
    assert after.free_text >= before.free_text
    if after.opening is before.opening and before.opening:
        assert (after.until or date.max) >= (before.until or date.max)


@given(scenes(), st.data())
def test_one_seen_better_never_closes_anything(
    scene: tuple[Asked, list[str], list[Paper]], data: st.DataObject
) -> None:
    ask, _, held = scene
    assume(held)
    at = data.draw(st.integers(0, len(held) - 1))
    better = [*held]
    better[at] = replace(held[at], seen=data.draw(st.sampled_from(Seen)))
    assume(better[at].seen > held[at].seen)
    assert ask(better, TODAY).opening >= ask(held, TODAY).opening


@given(scenes(), st.data())
def test_what_is_expired_in_process_or_refused_never_opens(
    scene: tuple[Asked, list[str], list[Paper]], data: st.DataObject
) -> None:
    ask, kinds, held = scene
    assume(kinds)
    [more, *_] = data.draw(papers(kinds).filter(bool))
    fault = data.draw(
        st.sampled_from(
            [
                {"accepted": False},
                {"seen": Seen.NONE},
                {"valid_to": TODAY - DAY},
                {"valid_from": TODAY + DAY},
            ]
        )
    )
    useless = replace(more, id=99, **fault)
    before, after = ask(held, TODAY), ask([*held, useless], TODAY)
    assert (after.opening, after.licensed, after.free_text, after.documents) == (
        before.opening,
        before.licensed,
        before.free_text,
        before.documents,
    )


@given(scenes())
def test_scans_never_open_in_full(scene: tuple[Asked, list[str], list[Paper]]) -> None:
    ask, _, held = scene
    scanned = [replace(one, seen=min(one.seen, Seen.SCAN)) for one in held]
    answer = ask(scanned, TODAY)
    assert answer.opening < Opening.FULL
    assert not answer.licensed
    assert not answer.free_text


@given(scenes())
def test_until_is_the_last_day(scene: tuple[Asked, list[str], list[Paper]]) -> None:
    ask, _, held = scene
    now = ask(held, TODAY)
    if not now.opening:
        assert now.until is None
        return
    end = now.until or TODAY + 3000 * DAY
    assert end >= TODAY
    day = TODAY
    while day <= end:
        assert ask(held, day).opening >= now.opening
        day += max(DAY, (end - day) // 7) if day < end - DAY else DAY
    if now.until is not None:
        assert ask(held, now.until + DAY).opening < now.opening


@given(scenes())
def test_nothing_changes_before_the_next_change(
    scene: tuple[Asked, list[str], list[Paper]],
) -> None:
    ask, _, held = scene
    change = next_change(TABLE, held, TODAY)
    last = TODAY + 2500 * DAY if change is None else change - DAY
    assert last >= TODAY
    for day in (TODAY + (last - TODAY) // 2, last):
        assert ask(held, day) == ask(held, TODAY)


@given(scenes(), st.randoms(use_true_random=False))
def test_the_order_of_papers_does_not_matter(
    scene: tuple[Asked, list[str], list[Paper]], order: object
) -> None:
    ask, _, held = scene
    mixed = [*held]
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert ask(mixed, TODAY) == ask(held, TODAY)


@given(scenes())
def test_lacks_are_what_keeps_it_from_full(scene: tuple[Asked, list[str], list[Paper]]) -> None:
    ask, _, held = scene
    answer = ask(held, TODAY)
    assert bool(answer.lacks) == (answer.opening < Opening.FULL)
    for lack in answer.lacks:
        assert lack.why in (WHYS if lack.kinds else ("closed", "unknown_industry"))
        assert (lack.document == 0) == (lack.why in ("missing", "closed", "unknown_industry"))
    assert set(answer.documents) <= {one.id for one in held}
    assert bool(answer.documents) == bool(answer.opening)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("industry", sorted(TABLE.industries))
def test_every_demand_is_needed_and_all_together_suffice(industry: str, purpose: Purpose) -> None:
    terms = TABLE.industries[industry].terms[purpose]
    held = full(industry, purpose)
    answer = qualify(TABLE, industry, purpose, held, TODAY)
    if terms.closed is not None:
        assert answer.opening is Opening.NO
        assert [lack.why for lack in answer.lacks] == ["closed"]
        return
    assert answer.opening is Opening.FULL
    assert answer.reviewers == terms.reviewers
    for one in held:
        rest = [other for other in held if other is not one]
        less = qualify(TABLE, industry, purpose, rest, TODAY)
        assert less.opening is Opening.NO
        assert "missing" in [lack.why for lack in less.lacks]


def test_the_last_day_is_included_and_the_first() -> None:
    held = [paper("business_licence", valid_from=TODAY, valid_to=TODAY + 9 * DAY)]
    openings = [
        qualify(TABLE, "retail", Purpose.NOTIFICATION, held, TODAY + n * DAY).opening
        for n in (-1, 0, 9, 10)
    ]
    assert openings == [Opening.NO, Opening.FULL, Opening.FULL, Opening.NO]
    assert qualify(TABLE, "retail", Purpose.NOTIFICATION, held, TODAY).until == TODAY + 9 * DAY


def test_a_renewed_paper_goes_on_without_a_gap() -> None:
    old = paper("business_licence", valid_to=TODAY + 9 * DAY)
    new = paper("business_licence", id=2, valid_from=TODAY + 10 * DAY, valid_to=TODAY + YEAR)
    answer = qualify(TABLE, "retail", Purpose.NOTIFICATION, [old, new], TODAY)
    assert (answer.until, answer.documents) == (TODAY + YEAR, (1,))
    late = replace(new, valid_from=TODAY + 11 * DAY)
    answer = qualify(TABLE, "retail", Purpose.NOTIFICATION, [old, late], TODAY)
    assert answer.until == TODAY + 9 * DAY


def test_a_scan_opens_until_its_day_and_says_what_is_missing() -> None:
    scan = paper("business_licence", Seen.SCAN, provisional_until=TODAY + 13 * DAY)
    answer = qualify(TABLE, "retail", Purpose.NOTIFICATION, [scan], TODAY)
    assert (answer.opening, answer.until) == (Opening.PROVISIONAL, TODAY + 13 * DAY)
    assert [(lack.why, lack.document) for lack in answer.lacks] == [("not_seen", 1)]
    later = qualify(TABLE, "retail", Purpose.NOTIFICATION, [scan], TODAY + 14 * DAY)
    assert (later.opening, later.lacks[0].why) == (Opening.NO, "provisional_over")
    unset = [replace(scan, provisional_until=None)]
    assert not qualify(TABLE, "retail", Purpose.NOTIFICATION, unset, TODAY).opening


def test_papers_that_must_name_an_end_are_none_without() -> None:
    licence = paper("telecom_licence", valid_to=None)
    answer = operator(TABLE, [licence, paper("number_certificate", id=2)], TODAY)
    assert (answer.opening, answer.lacks[0].why) == (Opening.NO, "undated")
    assert last_day(TABLE, paper("business_licence", valid_to=None)) is None
    letter = paper("work_certificate", valid_from=TODAY, valid_to=None)
    assert last_day(TABLE, letter) == TODAY + 364 * DAY
    assert last_day(TABLE, replace(letter, valid_from=None)) == date.min
    assert last_day(TABLE, replace(letter, valid_from=date.max - DAY)) == date.max
    assert last_day(TABLE, paper("nothing_known", valid_to=None)) == date.min


def test_a_licence_that_is_limited_to_the_internet_is_none_for_messages() -> None:
    limited = paper("telecom_licence", scope=["B25-internet"])
    answer = operator(TABLE, [limited, paper("number_certificate", id=2)], TODAY)
    assert [lack.why for lack in answer.lacks] == ["scope"]


def test_agents_of_finance_hold_the_licence_of_the_trade() -> None:
    own = answering((*TABLE.agent.demands, *TABLE.agent_finance.demands))
    assert agent(TABLE, "retail", Purpose.MARKETING, own, TODAY).opening is Opening.FULL
    assert agent(TABLE, "bank", Purpose.NOTIFICATION, own, TODAY).opening is Opening.FULL
    refused = agent(TABLE, "bank", Purpose.MARKETING, own, TODAY)
    assert (refused.opening, refused.lacks[0].kinds) == (Opening.NO, ("financial_licence",))
    licensed = [*own, paper("financial_licence", id=9)]
    allowed = agent(TABLE, "bank", Purpose.MARKETING, licensed, TODAY)
    assert (allowed.opening, allowed.reviewers) == (Opening.FULL, 2)
    assert not agent(TABLE, "insurance", Purpose.MARKETING, licensed, TODAY).opening
    for industry in ("personal_loan", "small_loan", "debt_collection"):
        assert not agent(TABLE, industry, Purpose.MARKETING, licensed, TODAY).opening
    assert not agent(TABLE, "retail", Purpose.MARKETING, [], TODAY).opening
    assert not agent(TABLE, "astrology", Purpose.MARKETING, licensed, TODAY).opening


def test_only_who_holds_the_licence_is_licensed() -> None:
    for name, industry in TABLE.industries.items():
        for purpose, terms in industry.terms.items():
            answer = qualify(TABLE, name, purpose, full(name, purpose), TODAY)
            assert answer.licensed == (
                terms.closed is None and industry.licence in terms.demands
            ), (name, purpose)
    small = qualify(TABLE, "small_loan", Purpose.NOTIFICATION,
                    full("small_loan", Purpose.NOTIFICATION), TODAY)  # fmt: skip
    assert (small.opening, small.licensed) == (Opening.FULL, False)
    assert TABLE.industries["small_loan"].kind is Class.FINANCE


def test_free_text_needs_its_letter() -> None:
    held = full("retail", Purpose.MARKETING)
    letter = paper("free_text_letter", id=9, valid_to=TODAY + 5 * DAY)
    assert not qualify(TABLE, "retail", Purpose.MARKETING, held, TODAY).free_text
    assert qualify(TABLE, "retail", Purpose.MARKETING, [*held, letter], TODAY).free_text
    later = qualify(TABLE, "retail", Purpose.MARKETING, [*held, letter], TODAY + 6 * DAY)
    assert (later.opening, later.free_text) == (Opening.FULL, False)
    assert next_change(TABLE, [letter], TODAY) == TODAY + 6 * DAY
    bank = [*full("bank", Purpose.MARKETING), letter]
    assert not qualify(TABLE, "bank", Purpose.MARKETING, bank, TODAY).free_text
    assert qualify(TABLE, "government", Purpose.NOTIFICATION,
                   full("government", Purpose.NOTIFICATION), TODAY).free_text  # fmt: skip


def test_what_nobody_saw_opens_nothing_even_for_some_days() -> None:
    until = TODAY + 9 * DAY
    unseen = paper("business_licence", Seen.NONE, provisional_until=until)
    answer = qualify(TABLE, "retail", Purpose.NOTIFICATION, [unseen], TODAY)
    assert (answer.opening, answer.lacks[0].why) == (Opening.NO, "not_accepted")
    refused = paper("business_licence", Seen.SCAN, accepted=False, provisional_until=until)
    assert not qualify(TABLE, "retail", Purpose.NOTIFICATION, [refused], TODAY).opening


def test_nobody_writes_freely_on_a_scan() -> None:
    scan = paper("business_licence", Seen.SCAN, provisional_until=TODAY)
    letter = paper("free_text_letter", id=2)
    for purpose in (Purpose.NOTIFICATION, Purpose.INTERNAL):
        answer = qualify(TABLE, "retail", purpose, [scan, letter], TODAY)
        assert (answer.opening, answer.free_text) == (Opening.PROVISIONAL, False)


def test_strange_words_open_nothing() -> None:
    assert not qualify(TABLE, "astrology", Purpose.NOTIFICATION, [], TODAY).opening
    assert not qualify(TABLE, "", Purpose.NOTIFICATION, [], TODAY).opening
    system = qualify(TABLE, "retail", Purpose.SYSTEM, full("retail", Purpose.MARKETING), TODAY)
    assert (system.opening, system.lacks[0].why) == (Opening.NO, "closed")


def test_the_base_of_every_account() -> None:
    held = answering(TABLE.base.demands)
    assert base(TABLE, held, TODAY).opening is Opening.FULL
    scans = [replace(one, seen=Seen.SCAN, provisional_until=TODAY) for one in held]
    assert base(TABLE, scans, TODAY).opening is Opening.PROVISIONAL
    assert base(TABLE, scans, TODAY).until == TODAY
    assert base(TABLE, [held[0], *scans[1:]], TODAY).opening is Opening.PROVISIONAL
    assert not base(TABLE, held[1:], TODAY).opening
    assert not base(TABLE, [], TODAY).opening


@pytest.mark.parametrize(
    ("left", "due"),
    [(400, None), (61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)],
)
def test_warnings_of_an_end(left: int, due: int | None) -> None:
    assert warning_due(TABLE, TODAY + left * DAY, TODAY) == due
    assert warning_due(TABLE, None, TODAY) is None
