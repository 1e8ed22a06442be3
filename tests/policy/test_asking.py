"""When somebody may be asked, and how answers are read: pure, over everything that people write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.policy.answering import Answer, Said, folded, meant, read_answer
from assent.policy.asking import AskingRules, Receiver, Record, Turn, Why, Wish, turn
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Kind
from tests.policy.scene import RULEBOOK

RULES = RULEBOOK.default.asking
SETS = KeywordSets.load()
NOW = 1_795_320_000.0
DAY = 86_400.0
FRESH = Wish(NOW - 5, by_document=False, hours=True, papers=True)
PAPER = replace(FRESH, by_document=True)


@pytest.mark.parametrize(
    ("wish", "receiver", "record", "told"),
    [
        (FRESH, Receiver(), Record(), (Turn.ASK, None)),
        (PAPER, Receiver(), Record(), (Turn.ASK, None)),
        (FRESH, Receiver(known=False), Record(), (Turn.DROP, Why.NOBODY)),
        (FRESH, Receiver(stands=True), Record(), (Turn.DROP, Why.STANDS)),
        (FRESH, Receiver(refused_all=True), Record(), (Turn.DROP, Why.REFUSED_ALL)),
        (FRESH, Receiver(refused_group=NOW - 29 * DAY), Record(), (Turn.DROP, Why.REFUSED)),
        (FRESH, Receiver(refused_group=NOW - 31 * DAY), Record(), (Turn.ASK, None)),
        (PAPER, Receiver(refused_group=NOW - 900 * DAY), Record(), (Turn.DROP, Why.REFUSED)),
        (FRESH, Receiver(paused=True), Record(), (Turn.DROP, Why.PAUSED)),
        (FRESH, Receiver(last_no=NOW - 179 * DAY), Record(), (Turn.DROP, Why.BAN)),
        (FRESH, Receiver(last_no=NOW + 2 * DAY), Record(), (Turn.DROP, Why.BAN)),
        (FRESH, Receiver(last_no=NOW - 181 * DAY), Record(), (Turn.ASK, None)),
        (FRESH, Receiver(last_asked=NOW - 29 * DAY), Record(), (Turn.DROP, Why.ASKED)),
        (FRESH, Receiver(last_asked=NOW - 31 * DAY), Record(), (Turn.ASK, None)),
        (FRESH, Receiver(), Record(49, 0), (Turn.ASK, None)),
        (FRESH, Receiver(), Record(50, 9), (Turn.DROP, Why.STOPPED)),
        (FRESH, Receiver(), Record(50, 10), (Turn.ASK, None)),
        (FRESH, Receiver(), Record(0, 0, 50), (Turn.WAIT, None)),
        (FRESH, Receiver(), Record(60, 30, 50), (Turn.ASK, None)),
        (replace(FRESH, papers=False), Receiver(), Record(), (Turn.WAIT, None)),
        (replace(FRESH, hours=False), Receiver(), Record(), (Turn.ASK, None)),
        (replace(PAPER, hours=False), Receiver(), Record(), (Turn.WAIT, None)),
        (replace(FRESH, hours=False, taken=NOW - 700), Receiver(), Record(), (Turn.WAIT, None)),
        (replace(FRESH, taken=NOW - 2 * DAY), Receiver(), Record(), (Turn.DROP, Why.LATE)),
    ],
)
def test_who_may_be_asked(
    wish: Wish, receiver: Receiver, record: Record, told: tuple[Turn, Why | None]
) -> None:
    assert turn(wish, receiver, record, RULES, NOW) == told


moments = st.none() | st.floats(NOW - 400 * DAY, NOW)


@given(
    st.builds(Wish, st.floats(NOW - 2 * DAY, NOW), st.booleans(), st.booleans(), st.booleans()),
    st.builds(
        Receiver, st.booleans(), st.booleans(), st.booleans(), moments, st.booleans(), moments,
        moments,
    ),
    st.builds(Record, st.integers(0, 200), st.integers(0, 200), st.integers(0, 100)),
)  # fmt: skip
def test_nobody_is_asked_whom_the_law_protects(wish: Wish, who: Receiver, record: Record) -> None:
    what, why = turn(wish, who, record, RULES, NOW)
    assert (what is Turn.DROP) is (why is not None)
    if what is not Turn.ASK:
        return
    assert who.known
    assert not any((who.refused_all, who.paused, who.stands))
    assert who.last_asked is None or NOW - who.last_asked >= 30 * DAY
    assert who.last_no is None or NOW - who.last_no >= RULES.ban_s
    assert record.judged < RULES.judge or record.agreed >= 0.2 * record.judged
    assert wish.papers


@pytest.mark.parametrize(
    "change",
    [
        {"every_days": 29},
        {"least_yes_percent": 19},
        {"least_yes_percent": 101},
        {"answer_hours": 0},
        {"answer_hours": 24 * 31},
        {"ban_days": 2},
        {"judge": 0},
        {"judge_most": 49},
        {"judge_after_minutes": 0},
        {"present_minutes": 24 * 60 + 1},
        {"by_document": 0},
        {"after_refusal_days": -1},
        {"ban_days": 4_000},
        {"more": 1},
    ],
)
def test_a_rulebook_cannot_ask_more_than_it_may(change: dict[str, Any]) -> None:
    good = {
        "every_days": 30, "ban_days": 180, "after_refusal_days": 30, "answer_hours": 72,
        "send_within_hours": 24, "present_minutes": 10, "judge": 50, "judge_most": 200,
        "judge_after_minutes": 60, "least_yes_percent": 20, "by_document": 200,
    }  # fmt: skip
    assert AskingRules.read(good) == RULES
    with pytest.raises((ValueError, KeyError)):
        AskingRules.read({**good, **change})
    missing = dict(good)
    missing.pop(next(iter(change)), None)
    if len(missing) < len(good):
        with pytest.raises(KeyError):
            AskingRules.read(missing)


# Answers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("Y", Said.YES, ""),
        ("y4711", Said.YES, "4711"),
        (" ｙ４７１１！", Said.YES, "4711"),
        ("“Y 4711”", Said.YES, "4711"),
        ("同意", Said.YES, ""),
        ("我同意，谢谢", Said.YES, ""),
        ("Yes, thank you", Said.YES, ""),
        ("I agree.", Said.YES, ""),
        ("是的4711", Said.YES, "4711"),
        ("N", Said.NO, ""),
        ("no 4711", Said.NO, "4711"),
        ("不同意。", Said.NO, ""),
        ("否", Said.NO, ""),
        ("4711", Said.NEITHER, ""),
        ("Y471", Said.NEITHER, ""),
        ("Y47111", Said.NEITHER, ""),
        ("Y4711 N4711", Said.NEITHER, ""),
        ("好", Said.NEITHER, ""),
        ("不 Y", Said.NEITHER, ""),
        ("我不是很同意", Said.NEITHER, ""),
        ("同意吗？我不知道", Said.NEITHER, ""),
        ("TD", Said.NEITHER, ""),
        ("", Said.NEITHER, ""),
    ],
)
def test_answers_are_read(text: str, said: Said, code: str) -> None:
    assert read_answer(text) == Answer(said, code)


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    answer = read_answer(text)
    assert answer.said in Said
    assert answer.code == "" or (len(answer.code) == 4 and answer.code.isdecimal())
    if answer.said is Said.NEITHER:
        assert answer.code == ""
    assert read_answer(folded(text)) == answer


words = st.sampled_from(
    [
        "Y",
        "YES",
        "同意",
        "是",
        "N",
        "不同意",
        "TD",
        "退订",
        "STOP",
        "不要",
        "什么",
        "4711",
        "谢谢",
        "吗",
    ]
)


@given(st.lists(words, min_size=2, max_size=6))
def test_a_yes_with_a_no_or_a_refusal_in_it_is_none(said: list[str]) -> None:
    text = " ".join(said)
    if read_answer(text).said is Said.YES:
        assert not {"N", "不同意", "TD", "退订", "STOP", "不要", "什么", "吗"} & set(said)
        refusals = (Kind.REFUSE, Kind.REFUSE_ALL)
        for name, words_ in SETS.sets.items():
            assert words_.read(text).kind not in refusals, name


codes = st.lists(st.sampled_from(["", "0001", "0002", "0003"]), max_size=4)


@given(st.sampled_from(Said), st.sampled_from(["", "0001", "0002", "9999"]), codes)
def test_a_yes_means_one_question_or_none(said: Said, code: str, open_: list[str]) -> None:
    places = meant(Answer(said, code), open_)
    assert places == sorted(set(places))
    assert all(0 <= place < len(open_) for place in places)
    if said is Said.YES:
        assert len(places) <= 1
        if code:
            assert [open_[place] for place in places] in ([], [code])
        else:
            assert bool(places) is (len(open_) == 1)
    if said is Said.NO and code in open_ and code:
        assert {open_[place] for place in places} == {code}
    elif said is Said.NO:
        assert len(places) == len(open_)  # what is refused is never less than what may be meant
    if said is Said.NEITHER:
        assert places == []
