"""Near-duplicates: signatures tell similarity, the index finds what brute force finds."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.screen.kept import Kept
from assent.screen.minhash import OCTETS, agreement, signatures
from assent.screen.near import ALIKE, OCTETS_A_TEXT, Index, Segment
from assent.screen.shingles import jaccard, shingles

LETTERS = "的一是不了在人有我他这中大来上个国到说们为子和你地出道也时年得就那要下以"


def text_of(draw: random.Random, letters: int) -> str:
    return "".join(draw.choice(LETTERS) for _ in range(letters))


def changed(draw: random.Random, text: str, share: float) -> str:
    return "".join(draw.choice(LETTERS) if draw.random() < share else one for one in text)


def corpus(seed: int, families: int = 30, members: int = 5) -> list[str]:
    """Return texts of which some are near others, at every similarity."""
    draw = random.Random(seed)
    found = []
    for _ in range(families):
        first = text_of(draw, draw.randrange(20, 90))
        found += [first, *(changed(draw, first, draw.random() * 0.2) for _ in range(members - 1))]
    draw.shuffle(found)
    return found


def exact(texts: list[str]) -> np.ndarray:
    cut = shingles(texts)
    sets = [cut.of(place) for place in range(len(texts))]
    return np.array([[jaccard(one, other) for other in sets] for one in sets])


def test_what_differs_from_receiver_to_receiver_does_not_count() -> None:
    alike = [
        "您的快递 8812 已到，取件码 3-1-402，详见 http://t.cn/abc1",
        "您的快递 9 已到,取件码18,详见 www.other.com/x?y=2",
        "您的快递【7】已到！！取件码 １２３４；详见 a-b.example.cn/zz",
    ]
    cut = shingles(alike)
    assert jaccard(cut.of(0), cut.of(1)) == jaccard(cut.of(0), cut.of(2)) == 1.0
    cut = shingles(["STOP calling Me", "stop, calling me!"])
    assert jaccard(cut.of(0), cut.of(1)) == 1.0


def test_short_and_empty_texts() -> None:
    cut = shingles(["", "!!!", "a", "ab", "abc", "abcd", "\0", "好"])
    assert cut.counts.tolist() == [0, 0, 1, 1, 1, 2, 0, 1]
    made = signatures(cut)
    assert not made[[0, 1, 6]].any()
    index = Index()
    index.add(range(8), made)
    assert len(index) == 5  # what has no letters is like nothing
    assert index.near(made[:2]).lists(2) == [[], []]
    assert Index().near(made).lists(8) == [[]] * 8
    index.add([], signatures(shingles([])))
    assert index.near(signatures(shingles([]))).lists(0) == []


@given(st.lists(st.text(max_size=40), max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_text_is_cut_alike_alone_and_among_others(texts: list[str]) -> None:
    together = shingles(texts)
    assert len(together) == len(texts)
    for place, text in enumerate(texts):
        alone = shingles([text])
        assert np.array_equal(together.of(place), alone.of(0))
        made = signatures(together)[place]
        assert np.array_equal(made, signatures(alone)[0])
        assert made.any() == (len(alone.hashes) > 0)


def test_a_signature_never_changes() -> None:
    """It is exchanged with other platforms, and stands in the database."""
    made = signatures(shingles(["assent: 您的验证码是1234，5分钟内有效。"]))[0]
    assert made.tobytes().hex().startswith(SIGNED)


SIGNED = "5cfc30802c184abdbe0df508fd306c4b4613fecdd1d7a3272bf44ea40d5828cc"


@given(st.integers(0, 1 << 32))
@settings(max_examples=6, deadline=None)
def test_the_index_finds_what_brute_force_finds(seed: int) -> None:
    texts = corpus(seed)
    truth = exact(texts)
    made = signatures(shingles(texts))
    index = Index()
    for at in range(0, len(texts), 37):  # many segments, merged on the way
        index.add(np.arange(at, min(at + 37, len(texts))), made[at : at + 37])
    found = index.near(made, alike=0.0, most=1_000)
    told = np.full(truth.shape, -1.0)
    told[found.queries, found.ids] = found.similarity
    # What is told is what the whole signatures say, within the bounds of 96 draws.
    pairs = agreement(made[found.queries], made[found.ids])
    assert np.allclose(pairs, found.similarity)
    wrong = np.abs(told - truth)[told >= 0]
    assert np.mean(wrong) < 0.05
    assert np.max(wrong) < 0.3
    # A pair at 0.8 is missed once in 6,000, one at 0.7 once in 700.
    sure = truth >= 0.8
    assert np.mean(told[sure] >= 0) > 0.99
    assert np.mean(told[(truth >= 0.7) & ~sure] >= 0) > 0.95
    # Nothing that is clearly not alike is answered.
    answered = index.near(made)
    assert truth[answered.queries, answered.ids].min() > 0.35


def test_answers_are_in_order_and_bounded() -> None:
    made = signatures(shingles(corpus(7)))
    index = Index()
    index.add(np.arange(len(made)), made)
    whole = index.near(made, 0.3).lists(len(made))
    few = index.near(made, 0.3, most=2).lists(len(made))
    for place, (all_, two) in enumerate(zip(whole, few, strict=True)):
        assert two == all_[:2]
        assert (place, 1.0) in all_
        assert [pair[1] for pair in all_] == sorted((pair[1] for pair in all_), reverse=True)
        assert min(pair[1] for pair in all_) >= 0.3


def test_what_is_dropped_is_not_answered_and_its_memory_comes_back() -> None:
    made = signatures(shingles(corpus(3)))
    index = Index()
    half = len(made) // 2
    index.add(np.arange(half), made[:half])
    index.drop(range(10))
    assert not {pair[0] for row in index.near(made).lists(len(made)) for pair in row} & {*range(10)}
    index.add(np.arange(half, len(made)), made[half:])
    assert len(index) == len(made) - 10
    assert index.octets <= len(index) * OCTETS_A_TEXT


def test_a_crowd_is_bounded() -> None:
    """Ten thousand alike cost as much as hundreds: the latest are looked at."""
    draw = random.Random(1)
    text = text_of(draw, 60)
    made = signatures(shingles([changed(draw, text, 0.02) for _ in range(3_000)]))
    index = Index()
    index.add(np.arange(len(made)), made)
    found = index.near(made[:5], most=10_000).lists(5)
    assert all(0 < len(row) < 1_600 for row in found)


@given(st.integers(0, 200), st.integers(0, 1 << 32))
@settings(max_examples=20, deadline=None)
def test_a_segment_comes_back_from_its_octets(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = rng.integers(0, 256, (count, OCTETS), np.uint8)
    ids = rng.integers(-(1 << 62), 1 << 62, count)
    again = Segment.load(Segment(ids, made).dump(), "x")
    assert np.array_equal(again.ids, ids)
    assert np.array_equal(again.signatures, made)
    assert np.array_equal(again.bands, Segment(ids, made).bands)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_damaged_segment_is_named(data: st.DataObject) -> None:
    whole = Segment(np.arange(3), np.arange(3 * OCTETS, dtype=np.uint8).reshape(3, OCTETS)).dump()
    cut = data.draw(st.integers(0, len(whole) - 1))
    flip = bytearray(whole)
    flip[cut] ^= data.draw(st.integers(1, 255))
    for damaged in (whole[:cut], bytes(flip), whole + b"\0"):
        with pytest.raises(InvalidInput, match="seg-7") as raised:
            Segment.load(damaged, "seg-7")
        assert raised.value.code == "near_file"


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 ids"):
        Index().add([1, 2, 3], np.zeros((2, OCTETS), np.uint8))


def test_two_threads_make_the_same_signatures() -> None:
    cut = shingles(corpus(11))
    assert np.array_equal(signatures(cut), signatures(cut, workers=2))
    assert 0.5 < ALIKE < 0.7


@given(st.integers(0, 1 << 32), st.integers(1, 70))
@settings(max_examples=6, deadline=None)
def test_kept_shingles_tell_apart_exactly(seed: int, portion: int) -> None:
    texts = corpus(seed, families=12)
    cut, truth = shingles(texts), exact(texts)
    made = signatures(cut)
    index, kept = Index(), Kept()
    ids = np.random.default_rng(seed).permutation(len(texts)) * 7
    for at in range(0, len(texts), portion):
        part = slice(at, at + portion)
        index.add(ids[part], made[part])
        kept.add(ids[part], shingles(texts[part]))
    place = {int(one): at for at, one in enumerate(ids)}
    found = index.near(made, 0.3, most=1_000)
    told = kept.confirm(found, cut, 0.55)
    rows = list(
        zip(told.queries.tolist(), told.ids.tolist(), told.similarity.tolist(), strict=True)
    )
    assert all(abs(truth[query, place[one]] - alike) < 1e-6 for query, one, alike in rows)
    pairs = zip(found.queries.tolist(), found.ids.tolist(), strict=True)
    expected = {(query, one) for query, one in pairs if truth[query, place[one]] >= 0.55 - 1e-7}
    assert {(query, one) for query, one, _ in rows} == expected
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert len(kept) == len(texts)
    assert kept.octets > 4 * len(texts)


def test_what_is_not_kept_is_not_confirmed() -> None:
    cut = shingles(corpus(5, families=3))
    made = signatures(cut)
    index = Index()
    index.add(np.arange(len(made)), made)
    assert Kept().confirm(index.near(made), cut).lists(len(made)) == [[]] * len(made)
    with pytest.raises(ValueError, match="1 ids"):
        Kept().add([1], cut)


@given(st.lists(st.integers(0, 255), min_size=1, max_size=300), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_search_among_neighbours_is_a_search(heads: list[int], spread: int) -> None:
    """Whatever the values: many alike, few, all at one end."""
    made = np.zeros((len(heads), OCTETS), np.uint8)
    made[:, 3] = heads  # the first octets of a band's value
    made[:, 0] = np.arange(len(heads)) % (spread + 1) + 1
    segment = Segment(np.arange(len(heads)), made)
    queries, rows = segment.candidates(made)
    alike = made[queries].reshape(len(queries), -1, 4) == made[rows].reshape(len(rows), -1, 4)
    assert alike.all(axis=2).any(axis=1).all()
    assert set(range(len(heads))) == set(queries.tolist())
    values = made.view(np.uint32)[:, 0].astype(np.uint64) << np.uint64(32)
    for sought in (values, values + np.uint64(1 << 32), np.zeros(1, np.uint64)):
        expected = np.searchsorted(segment.bands[0], sought)
        assert np.array_equal(segment._search(0, sought), expected)


def test_agreement_counts_octets() -> None:
    rng = np.random.default_rng(3)
    ones = rng.integers(0, 4, (500, OCTETS), np.uint8)
    others = np.where(rng.random((500, 1)) < 0.1, ones, rng.integers(0, 4, (500, OCTETS), np.uint8))
    share = (ones == others).mean(axis=1)
    expected = np.maximum((share - 1 / 256) / (1 - 1 / 256), 0)
    assert np.allclose(agreement(ones, others), expected, atol=1e-6)
    assert agreement(ones[:0], others[:0]).shape == (0,)
    assert agreement(ones, ones).min() == 1.0
