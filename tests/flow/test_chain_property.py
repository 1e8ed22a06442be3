"""Random states of the chain against a simple oracle of our own: no order leaves where a link is
broken, and none is stopped where all are whole. No store, no clock: only the question."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.flow.chain import Chain
from assent.flow.chain_rows import Entity, Letter, Rows, Stop
from assent.flow.order import Account, Port, Sender, Template
from assent.message import NO_WORDS, Purpose
from assent.registry.papers import Paper, Seen
from assent.registry.table import Table

TABLE = Table.load()
V, N, M = Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.MARKETING
TODAY = date(2026, 11, 22)
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC).timestamp()
BASE = (
    "business_licence",
    "legal_person_identity",
    "responsible_person_identity",
    "applicant_identity",
    "commitment_letter",
)
SHOP, OWNER, MIDDLE, OPERATOR = 1, 2, 3, 4
MASKS = {V: 1 << V, N: 1 << N, M: 1 << M}


@dataclass(frozen=True)
class Papers:
    """How an entity stands: what it lacks, when its papers end, how they were seen."""

    lacks: frozenset[str] = frozenset()
    last: date = TODAY + timedelta(days=30)
    seen: Seen = Seen.REGISTER
    accepted: bool = True
    status: str = "active"

    @property
    def good(self) -> bool:
        return self.last >= TODAY and self.seen >= Seen.PAPER and self.accepted

    def holds(self, *kinds: str) -> bool:
        """Whether all of some kinds are in force and seen well."""
        return self.good and not self.lacks & set(kinds)

    def rows(self, kinds: tuple[str, ...]) -> tuple[Paper, ...]:
        scope = {"telecom_licence": frozenset({"B25"})}
        return tuple(
            Paper(place, kind, self.seen, self.accepted, None, self.last, None,
                  scope.get(kind, frozenset()))
            for place, kind in enumerate(kinds) if kind not in self.lacks
        )  # fmt: skip


@dataclass(frozen=True)
class World:
    """A state of the whole chain."""

    account: str = "active"
    kind: str = "company"
    mine: Papers = Papers()
    theirs: Papers = Papers()
    middle: Papers = Papers()
    operator: Papers = Papers()
    sender: str = "active"
    own: bool = True  # the account's entity is the sender's
    may: bool = True
    same_group: bool = False
    direct: Letter | None = None
    first: Letter | None = None
    second: Letter | None = None
    port: str = "active"
    lapsed: bool = False
    prefix: str = ""
    template: str = "good"  # or other, inactive, none, video
    stop: Stop | None = None
    purpose: Purpose = N


KINDS = (*BASE, "consent_statement", "free_text_letter", "telecom_licence")


def rows_of(w: World) -> Rows:
    sender_entity = SHOP if w.own else OWNER
    letters = {one.id: one for one in (w.direct, w.first, w.second) if one is not None}
    operator = w.operator.rows(("telecom_licence", "number_certificate"))
    if w.prefix:
        operator = tuple(
            replace(p, scope=frozenset({w.prefix})) if p.kind == "number_certificate" else p
            for p in operator
        )
    senders = {
        1: Sender(1, 7, "C1", "S", "", w.sender == "active", "", w.sender, sender_entity),
        2: Sender(2, 7 if w.same_group else 8, "C2", "Own", "", True, "", "active", SHOP),
    }
    template = Template(
        5, 2 if w.template == "other" else 1, "t", w.purpose, "", "", w.template != "inactive"
    )
    return Rows(
        {
            1: Account(1, "a", w.kind, True, 0, None, w.account, SHOP),
            2: Account(2, "o", "operator", True, 0, None, "active", OPERATOR),
        },
        senders,
        {9: Port(9, "106901", "c", 1, w.purpose, "店", None, True, "",
                 w.port == "active", w.port, w.lapsed)},
        {5: template},
        frozenset({(1, 1)} if w.may else ()),
        {
            SHOP: Entity(SHOP, "retail", w.mine.status),
            OWNER: Entity(OWNER, "retail", w.theirs.status),
            MIDDLE: Entity(MIDDLE, "other", w.middle.status),
            OPERATOR: Entity(OPERATOR, "other", "active"),
        },
        {
            SHOP: w.mine.rows(KINDS),
            OWNER: w.theirs.rows(KINDS),
            MIDDLE: w.middle.rows(KINDS),
            OPERATOR: operator,
        },
        letters,
        () if w.stop is None else (w.stop,),
    )  # fmt: skip


def words_of(w: World) -> int:
    return {"none": 0, "video": NO_WORDS}.get(w.template, 5)


def is_legal(w: World) -> bool:
    """The oracle: whether such an order may leave, told as one would tell it to a person."""
    owner = w.mine if w.own else w.theirs
    if w.account not in ("active", "provisional") or w.mine.status != "active":
        return False
    if not w.mine.holds(*BASE):
        return False
    if w.account == "provisional" and w.purpose is M:
        return False
    if w.sender != "active" or owner.status != "active":
        return False
    if not owner.holds("business_licence", *(["consent_statement"] if w.purpose is M else [])):
        return False
    if not w.operator.holds("telecom_licence", "number_certificate"):
        return False
    if not "106901".startswith(w.prefix):
        return False
    if w.port != "active" or w.lapsed or not w.may:
        return False
    if w.stop is not None and w.stop.since <= NOON < w.stop.until:
        industries_hit = not w.stop.industries or "retail" in w.stop.industries
        if industries_hit and (not w.stop.purposes or w.stop.purposes & MASKS[w.purpose]):
            return False
    if w.template in ("other", "inactive"):
        return False
    if w.template == "none" and (w.purpose is V or not owner.holds("free_text_letter")):
        return False
    return w.own or is_authorised(w)


def is_authorised(w: World) -> bool:
    licensed = {
        SHOP: w.mine.status == "active" and w.mine.holds("business_licence", "telecom_licence"),
        MIDDLE: w.middle.status == "active"
        and w.middle.holds("business_licence", "telecom_licence"),
    }
    if w.direct is not None and holds(w.direct, w):
        if w.kind == "company" and w.same_group:
            return True
        if licensed[SHOP]:
            return True
    chain = w.first is not None and w.second is not None
    if chain and holds(w.first, w) and holds(w.second, w):
        return licensed[SHOP] and licensed[MIDDLE]
    return False


def holds(letter: Letter | None, w: World) -> bool:
    assert letter is not None
    in_time = letter.first <= TODAY <= letter.last
    about = letter.purposes & MASKS[w.purpose] and letter.signatures in (
        frozenset(), frozenset({"店"}),
    )  # fmt: skip
    return bool(letter.state == "accepted" and in_time and about)


def letters(number: int, principal: int, agent: int, via: int | None) -> st.SearchStrategy[Any]:
    day = st.sampled_from([TODAY - timedelta(days=1), TODAY, TODAY + timedelta(days=1)])
    return st.none() | st.builds(
        Letter,
        st.just(number),
        st.just(principal),
        st.just(agent),
        st.just(via),
        st.sampled_from([0xFF, 0xFF, MASKS[N], MASKS[M]]),
        st.sampled_from([frozenset(), frozenset({"店"}), frozenset({"别"})]),
        st.just(TODAY - timedelta(days=9)) | day,
        st.just(TODAY + timedelta(days=9)) | day,
        st.sampled_from(["accepted", "accepted", "accepted", "revoked"]),
    )


def mostly(good: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([good] * 40 + list(others))


papers = st.just(Papers()) | st.builds(
    Papers,
    st.frozensets(st.sampled_from(KINDS), max_size=1),
    mostly(TODAY + timedelta(days=30), TODAY, TODAY - timedelta(days=1)),
    mostly(Seen.REGISTER, Seen.SCAN, Seen.NONE),
    mostly(True, False),
    mostly("active", "suspended", "revoked"),
)
worlds = st.builds(
    World,
    mostly("active", "provisional", "applied", "suspended", "closed"),
    st.sampled_from(["company", "agent"]),
    papers,
    papers,
    papers,
    st.just(Papers()) | st.builds(
        Papers,
        st.frozensets(st.sampled_from(["telecom_licence", "number_certificate"]), max_size=1),
        mostly(TODAY + timedelta(days=30), TODAY - timedelta(days=1)),
    ),
    mostly("active", "suspended", "closed"),
    st.booleans(),
    mostly(True, False),
    st.booleans(),
    letters(1, OWNER, SHOP, None),
    letters(2, OWNER, MIDDLE, None),
    letters(3, MIDDLE, SHOP, 2) | letters(3, OWNER, SHOP, 2),
    mostly("active", "applied", "filed", "paused", "suspended", "revoked", "cooling", "recycled"),
    mostly(False, True),
    mostly("", "10690", "1068"),
    mostly("good", "other", "inactive", "none", "video"),
    st.none() | st.builds(
        Stop,
        st.sampled_from([frozenset(), frozenset({"retail"}), frozenset({"bank"})]),
        st.sampled_from([0, MASKS[N], MASKS[M]]),
        st.booleans(),  # nobody in retail has a licence, so nobody is excepted
        mostly(NOON, NOON + 60, NOON - 60),
        mostly(NOON + 600, float("inf"), NOON),
    ),
    st.sampled_from([V, N, M]),
)  # fmt: skip


@given(worlds)
@settings(max_examples=600, deadline=None)
def test_what_leaves_is_what_the_oracle_lets(w: World) -> None:
    chain = Chain(TABLE)
    chain.take(rows_of(w))
    walk = chain.walk(1, 1, 9, words_of(w), w.purpose, NOON)
    assert (not walk.broken) == is_legal(w), walk
    # Asked again, and by another process, the answer is the same.
    assert chain.walk(1, 1, 9, words_of(w), w.purpose, NOON + 1) == walk
    other = Chain(TABLE)
    other.take(rows_of(w))
    assert other.walk(1, 1, 9, words_of(w), w.purpose, NOON) == walk
    assert chain.walk(1, 1, 9, 0, Purpose.SYSTEM, NOON).broken == frozenset()
    if walk.over:
        assert walk.broken


def test_the_worlds_are_not_all_of_one_kind() -> None:
    """The property would be empty if nearly every random world were illegal."""
    found = {True: 0, False: 0}

    @given(worlds)
    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    def count(w: World) -> None:
        found[is_legal(w)] += 1

    count()
    assert min(found.values()) > 20, found


@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=200, deadline=None)
def test_a_day_ends_at_midnight_in_china(before: float, after: float) -> None:
    """A paper holds to the last moment of its day and not a moment longer, whoever asks first."""
    midnight = datetime(2026, 11, 22, 16, tzinfo=UTC).timestamp()
    chain = Chain(TABLE)
    chain.take(rows_of(World(mine=Papers(last=TODAY))))
    for at in sorted((midnight + before, midnight + after)):
        assert bool(chain.broken(1, 1, 9, 5, N, at)) == (at >= midnight)
    assert chain.today(midnight - 0.001) == TODAY
    assert chain.today(midnight) == TODAY + timedelta(days=1)


def test_a_stop_begins_and_ends_at_its_moment() -> None:
    chain = Chain(TABLE)
    chain.take(rows_of(World(stop=Stop(frozenset(), 0, False, NOON + 10, NOON + 20))))
    at = {s: bool(chain.broken(1, 1, 9, 5, N, NOON + s)) for s in (0, 9.9, 10, 19.9, 20, 30, 5)}
    assert at == {0: False, 9.9: False, 10: True, 19.9: True, 20: False, 30: False, 5: False}


@pytest.mark.parametrize("industries", [{"bank", "small_loan"}, {"finance"}, {"licensed_finance"}])
def test_finance_is_stopped_except_for_who_holds_the_licence(industries: set[str]) -> None:
    """The switch of a class: `finance except licensed`."""
    bank = Papers()
    stop = Stop(frozenset(industries), 0, True, 0.0, float("inf"))
    rows = rows_of(World(stop=stop))
    kinds = (*BASE, "financial_licence", "work_certificate")
    rows = replace(
        rows,
        entities={**rows.entities, SHOP: Entity(SHOP, "bank", "active")},
        papers={**rows.papers, SHOP: bank.rows(kinds)},
    )
    chain = Chain(TABLE)
    chain.take(rows)
    assert chain.broken(1, 1, 9, 5, N, NOON) == frozenset()
    without = bank.rows((*BASE, "work_certificate"))
    chain.take(replace(rows, papers={**rows.papers, SHOP: without}))
    assert "class_stopped" in chain.broken(1, 1, 9, 5, N, NOON)
    chain.take(replace(rows, entities={**rows.entities, SHOP: Entity(SHOP, "retail", "active")}))
    assert "class_stopped" not in chain.broken(1, 1, 9, 5, N, NOON)


@pytest.mark.parametrize("purpose", [V, N, M])
def test_only_what_depends_on_a_revoked_letter_stops(purpose: Purpose) -> None:
    first, last = TODAY - timedelta(days=9), TODAY + timedelta(days=9)
    direct = Letter(1, OWNER, SHOP, None, MASKS[N], frozenset(), first, last, "revoked")
    w = World(own=False, same_group=True, direct=direct, purpose=purpose)
    other = Letter(2, OWNER, SHOP, None, MASKS[M], frozenset(), first, last, "accepted")
    rows = replace(rows_of(w), letters={1: direct, 2: other})
    chain = Chain(TABLE)
    chain.take(rows)
    walk = chain.walk(1, 1, 9, 5, purpose, NOON)
    assert walk.broken == (frozenset() if purpose is M else {"not_authorised"})
    assert walk.over is (purpose is N)  # what was never covered was never revoked
