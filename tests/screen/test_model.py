"""Kinds: what the shipped model says, how it is trained, kept and compared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assent.cli.labelled import read_texts
from assent.cli.models_kept import Kept
from assent.errors import Conflict, InvalidInput, NotFound
from assent.screen.categories import BY_CODE, CATEGORIES
from assent.screen.grams import grams
from assent.screen.labels import label_of, own_school, table
from assent.screen.lessons import Example
from assent.screen.model import Model
from assent.screen.normal import normalise, normalise_all
from assent.screen.samples import renderings, sample_document, written_school
from assent.screen.shadow import differences
from assent.screen.training import train
from assent.screen.weights import Weights, read_weights, write_weights
from bench import kinds
from bench.kinds_templates import must_pass

CODES = [category.code for category in CATEGORIES]
SMALL = ("code", "bank_notice", "loan", "retail")


@pytest.fixture(scope="module")
def small() -> Weights:
    """A model of four kinds, learned from the hand-written samples alone."""
    document = sample_document()
    document["samples"] = {code: document["samples"][code] for code in SMALL}
    school = written_school(document)
    examples = renderings(document, 1, 6)
    weights = train(examples, [school], 3)
    return replace(weights, about={**weights.about, "version": "small-1"})


def test_the_shipped_model_tells_plain_cases() -> None:
    texts = {
        "【优客】您的验证码是580213，请勿告诉他人，5分钟内有效。": "code",
        "您尾号2210的储蓄卡6月3日支出120.50元，余额3,310.02元。【江城银行】": "bank_notice",
        "代开各行业发票，点数低，可验真，联系13800000000陈经理": "papers",
        "无抵押贷款，当天放款，利息低，请致电13900000000": "loan",
        "澳门真人百家乐，注册送88元，提款秒到，网址 www.xx8899.com": "gambling",
        "Your verification code is 448213. Do not share it with anyone.": "code",
    }
    found = Model.packaged().judge([normalise(text).text for text in texts])
    best = found.best()
    # A card's payment and a lender's reminder are told apart less surely; both may be sent.
    assert best.pop(1) in ("bank_notice", "repayment_reminder")
    assert best == [code for code in texts.values() if code != "bank_notice"]
    assert found.category.shape == (len(texts), len(CATEGORIES))
    np.testing.assert_allclose(found.category.sum(axis=1), 1, rtol=1e-4)
    np.testing.assert_allclose(found.purpose.sum(axis=1), 1, rtol=1e-4)
    assert found.purpose[0].argmax() == 0
    assert found.purpose[1].argmax() == 1
    assert found.purpose[3].argmax() == 2
    assert found.spam[[0, 1, 5]].max() < 0.2
    assert found.spam[[2, 3, 4]].min() > 0.8


def test_a_text_is_judged_alike_alone_and_among_others() -> None:
    model = Model.packaged()
    texts = ["验证码 4821", "", "x", "a\0b", "\ud800", "快来抢购" * 200, "hello there", "１２３"]
    together = model.judge(texts)
    for place, text in enumerate(texts):
        alone = model.judge([text])
        np.testing.assert_allclose(alone.category[0], together.category[place], atol=2e-3)
        np.testing.assert_allclose(alone.spam[0], together.spam[place], atol=2e-3)
    assert model.judge([]).category.shape == (0, len(CATEGORIES))


def test_masked_numbers_and_cut_words_read_like_the_plain_text() -> None:
    plain_text = set(grams(["余额500元请查收"]).feature.tolist())
    masked = set(grams(["余额xxx元请查收"]).feature.tolist())
    cut = set(grams(["余额 digit 元 请 查收"]).feature.tolist())
    assert len(plain_text & masked) > 0.8 * len(masked)
    assert len(plain_text & cut) > 0.7 * len(cut)


def test_what_decided_is_shown_in_the_text() -> None:
    text = "尊敬的客户，本公司代开各类发票，电话13800000000"
    spans = Model.packaged().explain(text, "papers")
    assert 1 <= len(spans) <= 3
    assert spans == tuple(sorted(spans))
    assert any("发票" in text[a:b] or "代开" in text[a:b] for a, b in spans)
    assert Model.packaged().explain("", "papers") == ()


def test_the_same_seed_gives_the_same_octets(small: Weights) -> None:
    document = sample_document()
    document["samples"] = {code: document["samples"][code] for code in SMALL}
    examples = renderings(document, 1, 6)
    again = train(examples, [written_school(document)], 3)
    about = {**again.about, "version": "small-1"}
    assert write_weights(replace(again, about=about)) == write_weights(small)


def test_a_file_holds_what_was_learned_and_no_text(small: Weights) -> None:
    octets = write_weights(small)
    back = read_weights(octets)
    assert [part.name for part in back.parts] == ["kinds"]
    for part, was in zip(back.parts, small.parts, strict=True):
        most = np.abs(was.weights).max(axis=0)
        assert np.all(np.abs(part.weights - was.weights) <= most / 60)
    model = Model.of(octets)
    text = "您的验证码是 580213，请勿泄露。"
    assert model.judge([text]).best() == ["code"]
    with pytest.raises(InvalidInput, match="not a model"):
        read_weights(octets[:-20])
    with pytest.raises(InvalidInput, match="not a model"):
        read_weights(b"something else")


def test_one_label_teaches_nothing() -> None:
    school = own_school("own", ["ham"])
    with pytest.raises(InvalidInput, match="one label"):
        train([Example("a", "own", "ham"), Example("b", "own", "ham")], [school], 1)


def test_models_are_kept_put_in_force_and_taken_back(small: Weights, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "models")
    card = kept.put(small)
    kept.put(replace(small, about={**small.about, "version": "small-2"}))
    assert card["version"] == "small-1"
    assert kept.versions() == ["small-1", "small-2"]
    assert (tmp_path / "models" / "small-1.md").read_text("utf-8").startswith("# Model card")
    with pytest.raises(Conflict):
        kept.put(small)
    with pytest.raises(InvalidInput):
        kept.put(replace(small, about={**small.about, "version": "../up"}))
    with pytest.raises(NotFound):
        kept.activate("small-9")
    assert kept.activate("small-1")["before"] == [None]
    assert kept.shadow("small-2")["shadow"] == "small-2"
    assert kept.activate("small-2") == {
        "active": "small-2", "shadow": None, "before": [None, "small-1"],
    }  # fmt: skip
    assert kept.roll_back()["active"] == "small-1"
    assert kept.active().version == "small-1"
    assert kept.roll_back()["active"] is None
    with pytest.raises(Conflict):
        kept.roll_back()


def test_a_second_model_only_reports(small: Weights) -> None:
    first, second = Model.packaged(), Model.of(write_weights(small))
    texts = ["您的验证码是 580213，请勿泄露。", "澳门百家乐开户送礼金 www.xx8899.com"]
    found = differences(first, second, texts)
    assert found.first.best() == first.judge(texts).best()
    assert 1 in found.places
    assert found.moved[("gambling", second.judge(texts).best()[1])] == 1
    assert differences(first, first, texts).places == ()


def test_an_operators_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text(
        'text,label,category\n"您好, 优惠",spam,retail\n到家了,ham,\n', encoding="utf-8"
    )
    lines = [{"text": "中奖了", "label": "spam"}, {"text": "验证码1234", "label": "code"}]
    (tmp_path / "more.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    examples, schools = read_texts([tmp_path])
    assert [(one.school, one.label) for one in examples] == [
        ("more", "spam"), ("more", "code"), ("own", "retail"), ("own", "ham"),
    ]  # fmt: skip
    assert {school.name for school in schools} == {"more", "own"}
    (tmp_path / "own.csv").write_text("text,label\nx,nonsense\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"own\.csv, row 1"):
        read_texts([tmp_path])


def test_every_category_has_a_name_in_every_set() -> None:
    for name, known in table().items():
        assert set(known["scores"]) == set(CODES), name
        for label, means in known["teaches"].items():
            assert means["codes"], (name, label)
            assert set(means["codes"]) <= set(BY_CODE), (name, label)
    assert label_of("fbs", "gambling") == "IL:Gambling"


def test_every_category_has_samples_that_fill() -> None:
    document = sample_document()
    assert set(document["samples"]) == set(CODES)
    texts = [one.text for one in renderings(document, 4, 3)]
    assert not [text for text in texts if "{" in text or "#" in text]
    assert [one.text for one in renderings(document, 4, 3)] == texts


def test_the_benchmark_works_in_its_tiny_form() -> None:
    found = kinds.run(lambda words: None, quick=True)
    assert found["templates"]["harmful"].endswith("%)")
    assert found["speed"]["texts_per_s"] > 0
    assert kinds.share(0, 1000).startswith("0 of 1000 (0.00%; 0.00% to 0.38%)")


def test_codes_and_notices_pass_that_no_model_has_learned_from() -> None:
    texts = [normal.text for normal in normalise_all(must_pass(240, 5))]
    found = Model.packaged().judge(texts)
    natures = [BY_CODE[code].nature for code in found.best()]
    assert natures.count("harmful") == 0
    assert int((found.spam >= Model.packaged().threshold).sum()) == 0


@pytest.mark.skipif(not kinds.SETS.is_dir(), reason="the public sets are not here")
def test_codes_of_a_public_set_pass() -> None:
    examples, _ = read_texts([kinds.SETS / "mudou.dev.csv.zst"])
    texts = [one.text for one in examples if one.label == "weak:otp"]
    assert len(texts) > 200
    judged = Model.packaged().judge([normal.text for normal in normalise_all(texts)])
    assert int((judged.spam >= Model.packaged().threshold).sum()) == 0
    natures = [BY_CODE[code].nature for code in judged.best()]
    assert natures.count("harmful") <= 1
