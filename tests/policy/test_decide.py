"""Decisions: every reason alone, how reasons add up, and what must never happen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.message import NEEDS_STANDING, Grade, Network, Purpose
from assent.policy.decide import Decisions, Verdict, decide, leave_times
from assent.policy.facts import Content, Effect, Facts, People, Restriction
from assent.policy.reasons import BY_CODE, BY_NUMBER, FAULT_CODES, unpack
from assent.policy.rulebook import Check, Rulebook
from tests.policy.scene import NOON, RULEBOOK, TEXTS, content, facts, people

M, V, N, S = Purpose.MARKETING, Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.SYSTEM
DAY = 86_400


def mask(*places: int, n: int = 3) -> np.ndarray[Any, Any]:
    column = np.zeros(n, np.bool_)
    column[list(places)] = True
    return column


def codes(decisions: Decisions, place: int) -> set[str]:
    return {reason.code for reason in unpack(int(decisions.findings[place]))}


def reason(decisions: Decisions, place: int) -> str:
    number = int(decisions.reason[place])
    return BY_NUMBER[number].code if number else ""


def run(purpose: Purpose = M, *, who: People | None = None, text: str | None = None,
        categories: frozenset[str] = frozenset(), values: list[str] | None = None,
        segments: np.ndarray[Any, Any] | None = None, **changes: Any) -> Decisions:  # fmt: skip
    who = people() if who is None else who
    n = len(who)
    what = content(purpose, n, categories=categories, values=values)
    if text is not None:
        what = replace(what, text=text)
    if segments is not None:
        what = replace(what, segments=segments)
    return decide(who, what, facts(purpose, n, **changes), RULEBOOK)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_sound_message_is_allowed(purpose: Purpose) -> None:
    decisions = run(purpose)
    assert decisions.errors == ()
    assert decisions.verdict.tolist() == [0, 0, 0]
    assert decisions.findings.tolist() == [0, 0, 0]
    assert decisions.defer_until.tolist() == [0, 0, 0]
    assert decisions.rulebook_digest == RULEBOOK.digest
    assert decisions.cost == (0 if purpose is S else 150_000)


ALONE: list[tuple[str, Purpose, dict[str, Any]]] = [
    *((code, V, {"who": people(fault=np.array([0, fault, 0], np.uint8))})
      for fault, code in enumerate(FAULT_CODES, 1)),
    ("number_not_digits", V, {"who": people(fault=np.array([0, 200, 0], np.uint8))}),
    ("duplicate", M, {"who": people(duplicate=mask(1))}),
    ("no_standing", M, {"grade": np.array([1, 0, 3], np.uint8)}),
    ("grade_too_low", M, {"grade": np.array([3, 2, 3], np.uint8),
                          "categories": frozenset({"finance"})}),
    ("refused", M, {"refused": mask(1)}),
    ("refused", V, {"refused": mask(1)}),
    ("paused", M, {"paused": mask(1)}),
    ("no_route", N, {"reachable": ~mask(1)}),
    ("signature_in_value", N, {"values": ["张三", "【中国银行】", "李四"]}),
    ("too_long", N, {"segments": np.array([8, 9, 1], np.uint8)}),
    ("over_cap", M, {"claims": {"marketing_day": np.array([0, 1, 0]),
                                "marketing_week": np.array([1, 1, 0])}}),
    ("over_cap", M, {"claims": {"marketing_day": np.array([0, 0, 0]),
                                "marketing_week": np.array([1, 2, 0])}}),
    ("over_cap_all", V, {"claims": {"code_minute": np.zeros(3), "code_hour": np.zeros(3),
                                    "code_day": np.zeros(3), "code_all_day": np.zeros(3),
                                    "code_all_minute": np.array([0, 3, 2])}}),
    ("over_cap_all", S, {"claims": {"system_day": np.array([199, 200, 0])}}),
    ("restricted", M, {"restrictions": (Restriction("c1", Effect.REJECT, mask=mask(1)),)}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "purpose", "spoiled"), ALONE)
def test_a_reason_of_one_person_rejects_that_person(
    code: str, purpose: Purpose, spoiled: dict[str, Any]
) -> None:
    decisions = run(purpose, **spoiled)
    assert decisions.errors == ()
    assert decisions.verdict.tolist() == [Verdict.ALLOW, Verdict.REJECT, Verdict.ALLOW]
    assert codes(decisions, 1) == {code}
    assert reason(decisions, 1) == code
    assert decisions.findings[[0, 2]].tolist() == [0, 0]


MT, VT = TEXTS[M], TEXTS[V]
FOR_ALL: list[tuple[str, Purpose, dict[str, Any]]] = [
    ("wrong_port_purpose", M, {"port_purpose": N}),
    ("wrong_port_purpose", N, {"port_purpose": V}),
    ("port_inactive", N, {"port_active": False}),
    ("port_not_free", M, {"port_free_to_reply": False}),
    ("basis_missing", V, {"basis_filed": False}),
    ("basis_missing", N, {"basis_filed": False}),
    ("signature_missing", N, {"text": "您的订单已发货【华联超市】"}),
    ("signature_missing", N, {"text": "【】您的订单已发货"}),
    ("signature_wrong", N, {"port_signature": "华联"}),
    ("signature_second", N, {"text": "【华联超市】请到【服务台】领取"}),
    ("contact_missing", M, {"text": MT.replace("400-820-8820", "门店")}),
    ("contact_missing", M, {"contacts": ("021-55556666",)}),
    ("refusal_way_missing", M, {"text": MT.replace("，拒收请回复R", "")}),
    ("code_word_missing", V, {"text": VT.replace("验证码", "号码")}),
    ("code_missing", V, {"text": VT.replace("123456", "")}),
    ("codes_several", V, {"text": VT + "，验证码654321"}),
    ("expired", M, {"expires_at": NOON}),
    ("restricted", M, {"restrictions": (Restriction("c1", Effect.REJECT, until=NOON + 1),)}),
]


@pytest.mark.parametrize(("code", "purpose", "spoiled"), FOR_ALL)
def test_a_reason_of_the_message_rejects_everybody(
    code: str, purpose: Purpose, spoiled: dict[str, Any]
) -> None:
    decisions = run(purpose, **spoiled)
    assert decisions.errors == ()
    assert decisions.verdict.tolist() == [Verdict.REJECT] * 3
    assert [codes(decisions, place) for place in range(3)] == [{code}] * 3
    assert decisions.cost == 0


def test_system_texts_are_bound_by_their_own_caps_only() -> None:
    decisions = run(S, text="x", port_active=False, port_purpose=M, refused=None, paused=None,
                    grade=None, price=None, balance=None, now=NOON + 12 * 3600,
                    restrictions=(Restriction("c", Effect.REJECT),))  # fmt: skip
    assert decisions.verdict.tolist() == [0, 0, 0]
    assert decisions.errors == ()
    assert decisions.defer_until.tolist() == [0, 0, 0]


def test_a_code_may_leave_from_a_service_port_but_nothing_from_a_marketing_port() -> None:
    assert run(V, port_purpose=N).allowed.all()
    assert not run(N, port_purpose=M).allowed.any()


# --- how findings add up --------------------------------------------------------------------


def test_reject_beats_hold_beats_deferral() -> None:
    hold = Restriction("hold", Effect.HOLD, mask=mask(0, 1))
    later = Restriction("later", Effect.DEFER, until=NOON + 60)
    decisions = run(restrictions=(hold, later), refused=mask(0))
    assert decisions.verdict.tolist() == [Verdict.REJECT, Verdict.HOLD, Verdict.ALLOW]
    assert [reason(decisions, i) for i in range(3)] == [
        "refused", "restricted_review", "restricted_until",
    ]  # fmt: skip
    assert codes(decisions, 0) == {"refused", "restricted_review", "restricted_until"}
    assert decisions.defer_until.tolist() == [0, NOON + 60, NOON + 60]
    assert decisions.restrictions == ("hold", "later")
    assert decisions.cost == 50_000


def test_all_findings_are_kept_and_the_first_in_rank_is_the_reason() -> None:
    decisions = run(grade=np.zeros(3, np.uint8), refused=mask(0), paused=mask(0),
                    port_active=False, reachable=~mask(0))  # fmt: skip
    assert codes(decisions, 0) == {"no_standing", "refused", "paused", "port_inactive", "no_route"}
    assert reason(decisions, 0) == "refused"
    assert reason(decisions, 1) == "no_standing"


def test_a_restriction_that_has_ended_is_none() -> None:
    ended = Restriction("c1", Effect.REJECT, until=NOON)
    decisions = run(restrictions=(ended,))
    assert decisions.allowed.all()
    assert decisions.restrictions == ()


def broken(rulebook: Rulebook, code: str, result: Any) -> Rulebook:
    """Return the rulebook with one rule that raises, or returns nonsense."""

    def check(case: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    profiles = []
    for profile in rulebook.profiles:
        plans = {
            purpose: tuple(
                Check(replace(each.rule, check=check), each.reason, each.effect)
                if each.reason.code == code
                else each
                for each in plan
            )
            for purpose, plan in profile.plans.items()
        }
        profiles.append(replace(profile, plans=plans))
    return replace(rulebook, profiles=tuple(profiles))


@pytest.mark.parametrize("code", [check.reason.code for check in RULEBOOK.profile("CN").plans[M]])
@pytest.mark.parametrize(
    "result", [RuntimeError("x"), None, np.zeros(2, np.bool_), np.zeros(3, np.int8), "no"]
)
def test_a_rule_that_fails_holds_everybody_and_softens_nothing(code: str, result: Any) -> None:
    other = "refused" if code != "refused" else "paused"
    made = facts(M, 3, **{other: mask(2)})
    decisions = decide(people(), content(M), made, broken(RULEBOOK, code, result))
    assert decisions.verdict.tolist() == [Verdict.HOLD, Verdict.HOLD, Verdict.REJECT]
    assert "rule_error" in codes(decisions, 2)
    assert reason(decisions, 2) == other
    assert len(decisions.errors) == 1
    assert decisions.errors[0].startswith(code)


@pytest.mark.parametrize("missing", ["grade", "refused", "paused", "reachable", "price", "balance"])
def test_a_fact_that_was_not_gathered_holds(missing: str) -> None:
    spoiled: dict[str, Any] = {missing: None}
    decisions = run(**spoiled)
    assert decisions.verdict.tolist() == [Verdict.HOLD] * 3
    assert decisions.errors


def test_a_cap_that_was_not_counted_holds() -> None:
    assert run(claims={"marketing_day": np.zeros(3)}).verdict.tolist() == [Verdict.HOLD] * 3


def test_a_deferral_without_end_holds() -> None:
    decisions = run(restrictions=(Restriction("c1", Effect.DEFER),))
    assert decisions.verdict.tolist() == [Verdict.HOLD] * 3
    assert decisions.errors == ("moments: ValueError",)


def test_columns_of_another_length_are_a_bug_of_the_caller() -> None:
    short = Restriction("c", Effect.HOLD, mask=mask(0, n=1))
    for changes in (
        {"grade": np.ones(1, np.uint8)},
        {"claims": {"marketing_day": np.zeros(1)}},
        {"restrictions": (short,)},
    ):
        with pytest.raises(ValueError, match="length"):
            run(**changes)


def test_nobody_is_no_error() -> None:
    decisions = decide(people(0), content(n=0), facts(n=0), RULEBOOK)
    assert len(decisions) == 0
    assert decisions.errors == ()


# --- moments --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hour", "zone", "leave"),
    [(7.999, 480, 8), (8, 480, 0), (20.999, 480, 0), (21, 480, 32), (23, 480, 32), (0, 480, 8),
     (8, 540, 0), (20, 540, 31), (8, 0, 16), (20, 330, 0), (6, 345, 10.25)],
)  # fmt: skip
def test_marketing_waits_for_the_receivers_morning(hour: float, zone: int, leave: float) -> None:
    """Hours are those of China, from some midnight on; `leave` 0 = at once."""
    midnight = NOON - 12 * 3600
    who = people(1, zone=np.array([zone], np.int16))
    decisions = run(who=who, now=midnight + hour * 3600, expires_at=None)
    assert decisions.verdict.tolist() == [Verdict.ALLOW]
    assert decisions.defer_until.tolist() == [int(midnight + leave * 3600) if leave else 0]
    assert codes(decisions, 0) == ({"quiet_hours"} if leave else set())


def test_several_zones_in_one_order() -> None:
    zones = np.array([480, 0, -480, 345], np.int16)
    decisions = run(who=people(4, zone=zones))  # 12:00 in China is 04:00 UTC, 20:00 at UTC-8
    assert decisions.defer_until.tolist() == [0, NOON + 4 * 3600, 0, 0]


def test_codes_and_notices_know_no_quiet_hours() -> None:
    for purpose in (V, N):
        assert run(purpose, now=NOON + 12 * 3600).defer_until.tolist() == [0, 0, 0]


def test_what_expires_before_the_window_is_rejected() -> None:
    decisions = run(now=NOON + 10 * 3600, expires_at=NOON + 20 * 3600)
    assert reason(decisions, 0) == "expires_before_window"
    assert codes(decisions, 0) == {"expires_before_window", "quiet_hours"}
    assert decisions.defer_until.tolist() == [0, 0, 0]
    assert run(now=NOON + 10 * 3600, expires_at=NOON + 20 * 3600 + 1).allowed.all()


def test_an_ordered_start_a_restriction_and_the_window_follow_each_other() -> None:
    start = NOON + 3600
    decisions = run(not_before=start)
    assert decisions.defer_until.tolist() == [start] * 3
    assert reason(decisions, 0) == "not_before"
    late = Restriction("c", Effect.DEFER, until=NOON + 10 * 3600, mask=mask(1))
    decisions = run(not_before=start, restrictions=(late,))
    assert decisions.defer_until.tolist() == [start, NOON + 20 * 3600, start]
    assert codes(decisions, 1) == {"not_before", "restricted_until", "quiet_hours"}


def test_a_window_may_cross_midnight() -> None:
    profile = replace(RULEBOOK.profile("CN"), windows={M: (22 * 60, 6 * 60)})
    book = replace(RULEBOOK, profiles=(profile,) * len(RULEBOOK.profiles))
    for hour, leave in ((12, 22), (23, 0), (26, 0), (30, 46), (29.99, 0)):
        now = NOON + (hour - 12) * 3600
        decisions = decide(people(1), content(n=1), facts(n=1, now=now), book)
        expected = NOON + (leave - 12) * 3600 if leave else 0
        assert decisions.defer_until.tolist() == [expected]


@given(
    st.integers(0, 2 * DAY),
    st.lists(st.integers(-720, 840), min_size=1, max_size=6),
    st.integers(0, 1439),
    st.integers(0, 1440),
)
def test_whoever_waits_leaves_at_the_first_open_second(
    offset: int, zones: list[int], start: int, end: int
) -> None:
    profile = replace(RULEBOOK.profile("CN"), windows={M: (start, end)})
    book = replace(RULEBOOK, profiles=(profile,) * len(RULEBOOK.profiles))
    n, now = len(zones), NOON + offset

    def is_open(at: int, zone: int) -> bool:
        minute = (at + zone * 60) % DAY / 60
        if start == end:
            return True
        return start <= minute < end if start < end else minute >= start or minute < end

    who = people(n, zone=np.array(zones, np.int16))
    made = facts(n=n, now=now, expires_at=None)
    decisions = decide(who, content(n=n), made, book)
    leave = leave_times(who, content(n=n), made, book)
    for zone, until, at in zip(zones, decisions.defer_until.tolist(), leave.tolist(), strict=True):
        assert at == (until or now)
        assert is_open(at, zone)
        if until:
            assert not is_open(now, zone)
            assert not is_open(until - 1, zone)


# --- money ----------------------------------------------------------------------------------


def test_the_balance_reaches_as_far_as_it_reaches() -> None:
    price = np.array([50, 50, 50], np.int64)
    decisions = run(price=price, balance=100)
    assert decisions.verdict.tolist() == [0, 0, Verdict.REJECT]
    assert reason(decisions, 2) == "balance"
    assert decisions.cost == 100
    assert run(price=price, balance=100, refused=mask(0)).verdict.tolist() == [2, 0, 0]
    everything = run(price=price, balance=100, balance_all_or_nothing=True)
    assert everything.verdict.tolist() == [Verdict.REJECT] * 3
    assert everything.cost == 0
    assert run(price=price, balance=150, balance_all_or_nothing=True).cost == 150


def test_a_negative_price_holds() -> None:
    decisions = run(price=np.array([50, -1, 50], np.int64))
    assert decisions.verdict.tolist() == [Verdict.HOLD] * 3
    assert decisions.cost == 0


@given(st.lists(st.tuples(st.integers(0, 100), st.booleans()), max_size=30), st.integers(0, 1500))
def test_the_allowed_never_cost_more_than_the_balance(
    rows: list[tuple[int, bool]], balance: int
) -> None:
    n = len(rows)
    price = np.array([price for price, _ in rows], np.int64)
    refused = np.array([each for _, each in rows], np.bool_)
    made = facts(N, n, price=price, refused=refused, balance=balance)
    decisions = decide(people(n), content(N, n), made, RULEBOOK)
    spent = 0
    for place, (cost, refusal) in enumerate(rows):
        due = spent + cost
        spent = spent if refusal else due
        assert decisions.allowed[place] == (not refusal and due <= balance)
    assert decisions.cost == int(price[decisions.allowed].sum()) <= balance


# --- profiles -------------------------------------------------------------------------------


def test_foreign_people_follow_the_foreign_profile() -> None:
    networks = np.array([Network.MOBILE, Network.FOREIGN, Network.UNKNOWN], np.uint8)
    decisions = run(who=people(network=networks), text="Sale! Reply STOP to opt out")
    assert decisions.verdict.tolist() == [2, 0, 2]
    assert codes(decisions, 0) == {"signature_missing", "contact_missing"}
    country = np.array([44, 86, 86], np.uint16)
    by_country = run(who=people(network=networks, country=country), text="Sale! Reply STOP")
    assert by_country.verdict.tolist() == [2, 2, 2]


def test_foreign_marketing_needs_standing_as_well() -> None:
    networks = np.full(3, Network.FOREIGN, np.uint8)
    decisions = run(who=people(network=networks), grade=np.array([0, 1, 3], np.uint8))
    assert decisions.verdict.tolist() == [2, 0, 0]


# --- properties -----------------------------------------------------------------------------


@st.composite
def scenes(draw: st.DrawFn) -> tuple[People, Content, Facts]:
    purpose = draw(st.sampled_from(list(Purpose)))
    n = draw(st.integers(1, 12))

    def column(values: st.SearchStrategy[Any], dtype: Any) -> np.ndarray[Any, Any]:
        return np.array(draw(st.lists(values, min_size=n, max_size=n)), dtype)

    rare = st.sampled_from([False] * 4 + [True])
    who = People(
        np.arange(1, n + 1, dtype=np.uint32),
        column(st.sampled_from([1, 2, 5]), np.uint8),
        column(st.sampled_from([480, 0, -300]), np.int16),
        column(st.sampled_from([0, 0, 0, 1, 5]), np.uint8),
        column(rare, np.bool_),
    )
    restriction = Restriction(
        "r",
        draw(st.sampled_from([Effect.DEFER, Effect.HOLD, Effect.REJECT])),
        NOON + draw(st.integers(-10, DAY)),
        draw(st.sampled_from([None, column(rare, np.bool_)])),
    )
    made = facts(
        purpose,
        n,
        now=NOON + draw(st.integers(0, DAY)),
        grade=column(st.integers(0, 3), np.uint8),
        refused=column(rare, np.bool_),
        paused=column(rare, np.bool_),
        reachable=~column(rare, np.bool_),
        claims={
            cap.id: column(st.integers(0, cap.limit), np.int32)
            for cap in RULEBOOK.caps_for(purpose)
        },
        port_active=draw(st.booleans()),
        restrictions=draw(st.sampled_from([(), (restriction,)])),
    )
    text = draw(st.sampled_from([TEXTS[purpose], "x"]))
    categories = draw(st.frozensets(st.sampled_from(["finance", "cold", "unstated", "retail"])))
    return who, content(purpose, n, text=text, categories=categories), made


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_no_marketing_or_internal_text_without_standing_or_against_a_refusal(
    scene: tuple[People, Content, Facts],
) -> None:
    who, what, made = scene
    decisions = decide(who, what, made, RULEBOOK)
    assert decisions.errors == ()
    allowed = decisions.allowed
    assert made.grade is not None
    assert made.refused is not None
    if what.purpose in NEEDS_STANDING:
        assert (made.grade[allowed] >= Grade.ASSERTION).all()
        if what.categories & {"finance", "cold"}:
            assert (made.grade[allowed] == Grade.RECEIVER).all()
        elif "unstated" in what.categories:
            assert (made.grade[allowed] >= Grade.DOCUMENT).all()
    if what.purpose is not S:
        assert not made.refused[allowed].any()
    assert not who.fault[allowed].any()
    assert not who.duplicate[allowed].any()


@given(scenes())
@settings(max_examples=150, deadline=None)
def test_one_by_one_comes_to_the_same_as_all_at_once(scene: tuple[People, Content, Facts]) -> None:
    who, what, made = scene
    together = decide(who, what, made, RULEBOOK)
    assert (together.findings == decide(who, what, made, RULEBOOK).findings).all()
    for place in range(len(who)):
        where = np.array([place])
        alone = decide(who.take(where), what.take(where), made.take(where), RULEBOOK)
        for name in ("verdict", "findings", "reason", "defer_until"):
            assert getattr(alone, name)[0] == getattr(together, name)[place]


@given(scenes())
@settings(max_examples=100, deadline=None)
def test_verdict_and_reason_follow_from_the_findings(scene: tuple[People, Content, Facts]) -> None:
    decisions = decide(*scene, RULEBOOK)
    for place in range(len(decisions)):
        found = unpack(int(decisions.findings[place]))
        strongest = max((each.effect for each in found), default=Effect.NOTE)
        verdict = {Effect.REJECT: 2, Effect.HOLD: 1}.get(strongest, 0)
        assert decisions.verdict[place] == verdict
        assert decisions.reason[place] == (found[0].number if found else 0)


def test_every_reason_is_reached_by_some_test_or_rule() -> None:
    ruled = {each.reason.code for plan in RULEBOOK.profile("CN").plans.values() for each in plan}
    assert set(BY_CODE) == ruled | {"rule_error", "balance", "spending_limit"}
