"""The words of the question: what the law wants in it, and nothing else."""

from __future__ import annotations

import hashlib

import pytest

from assent.errors import InvalidInput
from assent.flow.asking_words import check_programme, filling, question, wording_of
from assent.flow.order import SMS, VIDEO
from assent.registry.templates import looks_like_link
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Kind
from assent.text.wording import sounds_commercial

PARTS = ("新品信息", "每周两条", "一年")


@pytest.mark.parametrize("abroad", [False, True])
@pytest.mark.parametrize("channel", [SMS, VIDEO])
def test_the_question_says_who_what_how_often_how_long_and_how_to_answer(
    abroad: bool, channel: str
) -> None:
    text = question(abroad)
    version, words, digest = wording_of(text, filling("春风百货", *PARTS, channel, abroad))
    for part in ("春风百货", *PARTS, "Y{code}", "N{code}"):
        assert part in words
    assert ("视频" in words or "video" in words) is (channel == VIDEO)
    assert not looks_like_link(words)
    assert not sounds_commercial(words)
    assert digest == hashlib.sha256(words.encode()).digest()
    assert version == f"question-{digest.hex()[:12]}"
    assert len(words) < 400


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        " ",
        "看www.shop.cn",
        "https://s.cn/1",
        "t.cn/abc",
        "x" * 61,
        "{code}",
        "新【品】",
        "第一\n第二",
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_programme_that_says_too_little_or_too_much_is_not_asked_about(
    wrong: str, place: int
) -> None:
    check_programme(*PARTS)
    parts = [*PARTS]
    parts[place] = wrong
    with pytest.raises(InvalidInput) as caught:
        check_programme(*parts)
    assert (caught.value.code, caught.value.field) == ("question_words", "programme")


def test_the_no_that_it_asks_for_reads_as_one() -> None:
    """Without an open question it is a refusal, or pauses marketing where a country's words do
    not have it, so nobody who says no is misunderstood."""
    sets = KeywordSets.load()
    assert sets["CN"].read("N").kind is Kind.REFUSE
    for name, words in sets.sets.items():
        assert words.read("N").kind in (Kind.REFUSE, Kind.UNCLEAR), name
