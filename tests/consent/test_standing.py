"""What entries add up to: cases in words, and a naive model that reads the whole past."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.consent.entry import Entry, Kind, Scope, purpose_mask
from assent.consent.standing import NO_STANDING, Ledger, fold
from assent.message import Grade, Purpose

MKT = purpose_mask(Purpose.MARKETING)
NTF = purpose_mask(Purpose.NOTIFICATION)
ASSERTION, DOCUMENT, RECEIVER = Grade.ASSERTION, Grade.DOCUMENT, Grade.RECEIVER


def entry(kind: Kind, at: int, **changes: Any) -> Entry:
    base = Entry(at_ms=at, kind=kind, person=1, group=10, programme=100, purposes=MKT)
    return replace(base, **changes)


def granted(at: int, grade: Grade = ASSERTION, **changes: Any) -> Entry:
    return entry(Kind.GRANTED, at, grade=grade, **changes)


def refused(at: int, **changes: Any) -> Entry:
    return entry(Kind.WITHDRAWN, at, **{"scope": Scope.GROUP, **changes})


def taken_back(at: int, **changes: Any) -> Entry:
    return entry(Kind.GRANTED, at, programme=0, scope=Scope.GROUP, grade=RECEIVER, **changes)


def after(*entries: Entry) -> Ledger:
    return fold(enumerate(entries, 1))


def grade(ledger: Ledger, programme: int = 100, person: int = 1) -> Grade:
    return ledger.standing(programme, person).grade


def test_who_is_erased_is_over_and_no_correction_brings_her_back() -> None:
    erased = entry(Kind.ERASED, 2)
    ledger = after(granted(1), granted(1, programme=200, group=20), erased, granted(3, RECEIVER))
    assert [grade(ledger, p) for p in (100, 200)] == [0, 0]
    assert ledger.closed == {1}
    back = entry(Kind.CORRECTED, 4, refers_to=2, grade=RECEIVER)
    assert grade(after(granted(1), erased, granted(3, RECEIVER), back)) is Grade.NONE


def test_of_a_number_erased_before_only_the_receivers_own_grants_count() -> None:
    only = entry(Kind.RECEIVER_ONLY, 1)
    assert grade(after(only, granted(2), granted(3, DOCUMENT))) is Grade.NONE
    assert grade(after(only, granted(2), granted(3, RECEIVER))) is RECEIVER
    assert grade(after(only, granted(2, RECEIVER, expires_ms=3), granted(4, DOCUMENT))) is RECEIVER
    assert grade(after(only, granted(2, person=2))) is Grade.NONE
    assert grade(after(only, granted(2, person=2)), person=2) is ASSERTION
    back = entry(Kind.CORRECTED, 3, refers_to=1, grade=RECEIVER)
    assert grade(after(only, granted(2), back)) is Grade.NONE, "nothing lifts it"
    proof = entry(Kind.EVIDENCE, 3, refers_to=2, grade=DOCUMENT)
    assert grade(after(only, granted(2), proof)) is Grade.NONE


def test_no_entry_means_no() -> None:
    assert after().standing(100, 1) is NO_STANDING
    assert grade(after(entry(Kind.REQUESTED, 1))) is Grade.NONE


def test_a_grant_gives_standing_and_says_since_when() -> None:
    ledger = after(entry(Kind.REQUESTED, 1), granted(2, expires_ms=9))
    standing = ledger.standing(100, 1)
    assert (standing.grade, standing.since, standing.fresh) == (ASSERTION, 2, False)
    assert standing.grade_at(8) is ASSERTION
    assert standing.grade_at(9) is Grade.NONE


def test_a_weaker_grant_does_not_replace_a_stronger_one_that_runs() -> None:
    assert grade(after(granted(1, RECEIVER), granted(2))) is RECEIVER
    assert after(granted(1, DOCUMENT), granted(2, DOCUMENT)).standing(100, 1).since == 2
    assert grade(after(granted(1, RECEIVER, expires_ms=2), granted(2))) is ASSERTION


def test_a_refusal_ends_every_programme_of_the_group_and_the_purpose() -> None:
    ledger = after(
        granted(1),
        granted(1, programme=101),
        granted(1, programme=102, purposes=NTF),
        granted(1, programme=200, group=20),
        granted(1, person=2),
        refused(2),
    )
    assert [grade(ledger, p) for p in (100, 101, 102, 200)] == [0, 0, 1, 1]
    assert grade(ledger, person=2) is ASSERTION
    assert ledger.refusals(10, 1) == MKT
    assert ledger.refusals(20, 1) == 0


def test_a_refusal_of_everything_reaches_every_group() -> None:
    ledger = after(
        granted(1),
        granted(1, programme=200, group=20),
        refused(2, scope=Scope.PLATFORM, group=0),
        granted(3, programme=300, group=30),
    )
    assert [grade(ledger, p) for p in (100, 200, 300)] == [0, 0, 0]
    assert ledger.refusals(77, 1) == MKT


@pytest.mark.parametrize("weak", [ASSERTION, DOCUMENT])
@pytest.mark.parametrize("scope", list(Scope))
def test_no_import_brings_a_refused_person_back(weak: Grade, scope: Scope) -> None:
    ledger = after(granted(1, RECEIVER), refused(2, scope=scope), granted(3, weak))
    assert grade(ledger) is Grade.NONE


@pytest.mark.parametrize("scope", list(Scope))
def test_only_a_later_act_of_the_person_does_and_only_for_its_programme(scope: Scope) -> None:
    early = after(refused(5, scope=scope), granted(5, RECEIVER))
    assert grade(early) is Grade.NONE
    ledger = after(refused(5, scope=scope), granted(6, RECEIVER), granted(7, programme=101))
    assert ledger.standing(100, 1).fresh
    assert grade(ledger) is RECEIVER
    if scope is not Scope.PROGRAMME:
        assert grade(ledger, 101) is Grade.NONE
        assert ledger.refusals(10, 1) == MKT


def test_the_refusal_stands_behind_a_fresh_grant() -> None:
    ended = entry(Kind.EXPIRED, 7)
    ledger = after(refused(5), granted(6, RECEIVER), ended, granted(8, DOCUMENT))
    assert grade(ledger) is Grade.NONE


def test_taking_a_refusal_back_lifts_it_for_the_group() -> None:
    ledger = after(refused(5), taken_back(6), granted(7))
    assert ledger.refusals(10, 1) == 0
    assert grade(ledger) is ASSERTION
    assert after(refused(5), taken_back(5)).refusals(10, 1) == MKT
    assert after(refused(5, purposes=MKT | NTF), taken_back(6)).refusals(10, 1) == NTF


def test_a_pause_rests_until_its_own_reading() -> None:
    pause = entry(Kind.PAUSED, 2, scope=Scope.GROUP)
    resume = entry(Kind.RESUMED, 4, refers_to=2)
    rows = [granted(1), pause, entry(Kind.PAUSED, 3, scope=Scope.GROUP), resume]
    assert after(*rows[:2]).pauses(10, 1) == MKT
    assert after(*rows).pauses(10, 1) == MKT  # the other pause still waits
    assert after(granted(1), pause, resume).pauses(10, 1) == 0
    assert after(granted(1), pause, replace(resume, person=2)).pauses(10, 1) == MKT
    assert grade(after(*rows)) is ASSERTION


def test_a_new_holder_ends_the_old_person_for_good() -> None:
    over = entry(Kind.REASSIGNED, 2)
    ledger = after(granted(1, RECEIVER), over, granted(3, RECEIVER))
    assert grade(ledger) is Grade.NONE
    assert ledger.closed == {1}


def test_an_expiry_of_one_grant_leaves_a_newer_one() -> None:
    expired = entry(Kind.EXPIRED, 3, refers_to=1)
    assert grade(after(granted(1), expired)) is Grade.NONE
    assert grade(after(granted(1), granted(2), expired)) is ASSERTION


def test_evidence_lifts_its_grant_to_document_at_most() -> None:
    proof = entry(Kind.EVIDENCE, 3, refers_to=1, grade=RECEIVER)
    assert grade(after(granted(1), proof)) is DOCUMENT
    assert grade(after(granted(1, RECEIVER), proof)) is RECEIVER
    assert grade(after(granted(1), replace(proof, person=2))) is ASSERTION
    assert grade(after(granted(1), refused(2), proof)) is Grade.NONE


def test_a_correction_undoes_but_needs_evidence_to_let_messages_flow() -> None:
    wrong_grant = entry(Kind.CORRECTED, 9, refers_to=1)
    assert grade(after(granted(1), wrong_grant)) is Grade.NONE
    for level, back in ((Grade.NONE, 0), (ASSERTION, 0), (DOCUMENT, 1)):
        wrong_refusal = entry(Kind.CORRECTED, 9, refers_to=2, grade=level)
        assert grade(after(granted(1), refused(2), wrong_refusal)) == back
    other = entry(Kind.CORRECTED, 9, refers_to=1, person=2)
    assert grade(after(granted(1), other)) is ASSERTION
    again = entry(Kind.CORRECTED, 10, refers_to=2, grade=DOCUMENT)
    assert grade(after(granted(1), wrong_grant, again)) is Grade.NONE


def test_positions_ascend_and_corrections_are_folded_not_applied() -> None:
    with pytest.raises(ValueError, match="ascend"):
        fold([(2, granted(1)), (2, granted(1))])
    with pytest.raises(ValueError, match="ascend"):
        fold([(2, granted(1)), (1, entry(Kind.CORRECTED, 1, refers_to=1))])
    with pytest.raises(ValueError, match="folded"):
        Ledger().apply(1, entry(Kind.CORRECTED, 1, refers_to=1))


# --- the naive model ------------------------------------------------------------------------

GROUP_OF = {100: 10, 101: 10, 200: 20}
PURPOSE_OF = {100: MKT, 101: NTF, 200: MKT}


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    rows = []
    for position in range(1, draw(st.integers(1, 14)) + 1):
        kind = draw(st.sampled_from([Kind.GRANTED] * 4 + [Kind.WITHDRAWN] * 3 + list(Kind)))
        programme = draw(st.sampled_from([100, 101, 200]))
        scope = draw(st.sampled_from(Scope))
        purposes = draw(st.sampled_from([MKT, NTF, MKT | NTF]))
        level = draw(st.sampled_from(Grade))
        if kind is Kind.GRANTED:
            level, scope = max(level, ASSERTION), Scope.PROGRAMME
            purposes = PURPOSE_OF[programme]
        rows.append(
            Entry(
                at_ms=max(0, position + draw(st.integers(-3, 3))),
                kind=kind,
                person=draw(st.sampled_from([1, 1, 2])),
                group=GROUP_OF[programme],
                programme=programme,
                purposes=purposes,
                scope=Scope.GROUP if kind is Kind.PAUSED else scope,
                grade=level,
                expires_ms=draw(st.sampled_from([0, 0, position + 4])),
                refers_to=draw(st.integers(1, 14)) if kind in (7, 5, 8, 9) else 0,
            )
        )
    return rows


def covers(refusal: Entry, grant: Entry) -> bool:
    if refusal.scope is Scope.PROGRAMME:
        return refusal.programme == grant.programme
    same = refusal.scope is Scope.PLATFORM or refusal.group == grant.group
    return same and bool(refusal.purposes & grant.purposes)


def naive_grade(rows: list[tuple[int, Entry]], programme: int, person: int) -> tuple[int, int]:
    """Return (grade, since) by asking of each grant, newest first, whether it holds."""
    mine = [(position, each) for position, each in rows if each.person == person]
    valid = {
        each.refers_to
        for position, each in mine
        if each.kind is Kind.CORRECTED
        for earlier, target in mine
        if earlier == each.refers_to < position
        and target.kind not in (Kind.CORRECTED, Kind.ERASED, Kind.RECEIVER_ONLY)
        and (target.kind not in (3, 4, 6) or each.grade >= DOCUMENT)
    }
    mine = [(p, e) for p, e in mine if p not in valid and e.kind is not Kind.CORRECTED]
    held: tuple[int, int, int] = (0, 0, 0)
    for index, (position, each) in enumerate(mine):
        before = [old for _, old in mine[:index]]
        if each.kind is Kind.GRANTED and each.programme == programme:
            against = [old for old in before if old.kind is Kind.WITHDRAWN and covers(old, each)]
            fresh = each.grade is RECEIVER and all(old.at_ms < each.at_ms for old in against)
            over = any(old.kind in (Kind.REASSIGNED, Kind.ERASED) for old in before)
            only = any(old.kind is Kind.RECEIVER_ONLY for old in before)
            if over or (only and each.grade is not RECEIVER) or (against and not fresh):
                continue
            running = held[0] and (held[2] == 0 or held[2] > each.at_ms)
            if not (running and held[0] > each.grade):
                held = (each.grade, position, each.expires_ms)
        probe = Entry(
            0, Kind.GRANTED, person, GROUP_OF[programme], 0, programme, PURPOSE_OF[programme]
        )
        ended = each.kind in (Kind.REASSIGNED, Kind.ERASED)
        if ended or (each.kind is Kind.WITHDRAWN and covers(each, probe)):
            held = (0, 0, 0)
        if each.kind is Kind.EXPIRED and each.refers_to in (0, held[1]):
            reach = replace(each, purposes=PURPOSE_OF[programme])
            held = (0, 0, 0) if covers(reach, probe) else held
        if each.kind is Kind.EVIDENCE and held[0] and each.refers_to == held[1]:
            held = (max(held[0], min(each.grade, DOCUMENT)), *held[1:])
    return held[0], held[1]


@given(histories())
@settings(max_examples=400, deadline=None)
def test_the_fold_agrees_with_the_naive_model(history: list[Entry]) -> None:
    rows = list(enumerate(history, 1))
    ledger = fold(rows)
    for person in (1, 2):
        for programme in GROUP_OF:
            standing = ledger.standing(programme, person)
            expected = naive_grade(rows, programme, person)
            assert (int(standing.grade), standing.since) == expected


@given(histories())
@settings(max_examples=200, deadline=None)
def test_persons_do_not_depend_on_each_other(history: list[Entry]) -> None:
    rows = list(enumerate(history, 1))
    whole = fold(rows)
    for person in (1, 2):
        alone = fold([row for row in rows if row[1].person == person])
        for programme, group in GROUP_OF.items():
            assert alone.standing(programme, person) == whole.standing(programme, person)
            assert alone.refusals(group, person) == whole.refusals(group, person)
            assert alone.pauses(group, person) == whole.pauses(group, person)


@given(histories())
@settings(max_examples=200, deadline=None)
def test_standing_under_a_refusal_is_a_fresh_act_of_the_person(history: list[Entry]) -> None:
    ledger = fold(enumerate(history, 1))
    for (programme, person), standing in ledger.standings.items():
        if ledger.refusals(GROUP_OF[programme], person) & PURPOSE_OF[programme]:
            assert standing.fresh
            assert standing.grade is RECEIVER
