"""Bait that is disguised is found as it was: every technique, on texts written for it."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from assent.screen.finding import Severity
from assent.screen.model import Model
from assent.screen.normal import normalise, normalise_all
from assent.screen.words import RuleSet
from tests.screen.evasions import TECHNIQUES, evade

CLEAN = [
    "您的授信额度398000元将于3月15日到期，回复1领取",
    "官方提醒：您的借款额度即将调整，点击 http://abc.com/x 查看",
    "无抵押贷款，当天放款，利息低，需要的联系13812345678",
    "急用钱找我，专业办理贷款，手续简单，电话13912345678",
    "专业代开发票，点数低，验证后付款，电话13712345678",
    "代开增值税发票，真票可验证，联系微信abc12345",
    "澳门赌博网站注册送彩金，提现秒到 http://vip888.com",
    "真人娱乐城首存送彩金，投注返水，网址 www.bet365x.cc",
    "免费推荐股票牛股，必涨停，加微信stock8888领取",
    "兼职刷单日结300元，在家可做，加微信job12345",
    "快速办理各类证件，驾驶证毕业证全国可查，电话13612345678",
    "您的银行卡积分可兑换现金，逾期失效，请登录 http://icbcx.cc 领取",
    "恭喜您被抽中为幸运用户，获得奖金，请登录 www.tvjj.top 领取",
    "社保卡即将停用，点击 http://sbgov.top 认证",
    "快递丢失理赔，请加微信kd123456办理",
    "美女上门服务，包夜，24小时电话13512345678",
    "钱打到这张卡上，工商银行6222021234567890123，户名张三",
    "欠款逾期最后通知，今日不还将上门催收并起诉",
    "比特币带单老师，稳赚不赔，日赚3000元，加微信btc66666",
    "信用卡提额套现，专业代还，电话13412345678",
    "Your personal loan of 50000 is approved and will expire today, reply 1 to claim http://loan.com",
    "Instant cash loan, no credit check, apply now at www.quickcash.com or call 13812345678",
    "Congratulations! You have won a cash prize, click http://prize.com to claim",
    "Your bank account is suspended, verify at http://secure.com now",
    "Your parcel is on hold, unpaid shipping fee, click http://parcel.top",
    "Online casino free bonus, register and deposit at www.casino.com",
    "Work from home job, earn 300 usd daily, contact whatsapp 13812345678",
    "Bitcoin investment guaranteed profit, join our telegram group, minimum deposit",
]  # fmt: skip
SEEDS = 3


def kinds(texts: list[str]) -> list[set[str]]:
    """Return the codes of what holds or rejects each text."""
    found = RuleSet.packaged().match(normalise_all(texts))
    return [{one.code for one in each if one.severity > Severity.NOTE} for each in found]


def test_the_clean_texts_are_found() -> None:
    assert [text for text, codes in zip(CLEAN, kinds(CLEAN), strict=True) if not codes] == []


@pytest.mark.parametrize("technique", [*TECHNIQUES, "two"])
def test_disguised_texts_are_found_as_they_were(technique: str) -> None:
    rng = random.Random(technique)
    before, texts = [], []
    for text, codes in zip(CLEAN, kinds(CLEAN), strict=True):
        for _ in range(SEEDS):
            other = evade(text, technique, rng)
            if other != text:
                before.append(codes)
                texts.append(other)
    after = kinds(texts)
    kept = sum(bool(was & now) for was, now in zip(before, after, strict=True))
    lost = [text for text, was, now in zip(texts, before, after, strict=True) if not was & now]
    assert texts
    assert kept >= 0.95 * len(texts), lost


@pytest.mark.parametrize("technique", [*TECHNIQUES, "two"])
def test_the_model_reads_disguised_texts_as_it_read_them(technique: str) -> None:
    model, rng = Model.packaged(), random.Random(technique)
    pairs = [(text, evade(text, technique, rng)) for text in CLEAN for _ in range(SEEDS)]
    pairs = [(text, other) for text, other in pairs if other != text]
    before = model.judge([one.text for one in normalise_all([text for text, _ in pairs])])
    after = model.judge([one.text for one in normalise_all([other for _, other in pairs])])
    same = [a == b for a, b in zip(before.best(), after.best(), strict=True)]
    # Leet is the worst of both. What the rules find is held to more above: the model stands beside.
    spam = (before.spam >= model.threshold) == (after.spam >= model.threshold)
    assert spam.sum() >= 0.85 * len(pairs)
    assert sum(same) >= 0.85 * len(pairs)  # the likeliest of all categories


def test_the_model_keeps_its_verdict_of_nearly_all_disguised_texts() -> None:
    model, told = Model.packaged(), []
    for technique in [*TECHNIQUES, "two"]:
        rng = random.Random(technique)
        pairs = [(text, evade(text, technique, rng)) for text in CLEAN for _ in range(SEEDS)]
        before, after = (
            model.judge([one.text for one in normalise_all(list(some))]).spam
            for some in zip(*pairs, strict=True)
        )
        told += ((before >= model.threshold) == (after >= model.threshold)).tolist()
    assert sum(told) >= 0.95 * len(told)


def test_what_was_undone_is_told() -> None:
    told: Counter[str] = Counter()
    for technique in TECHNIQUES:
        rng = random.Random(technique)
        for text in CLEAN:
            told.update({one.code for one in normalise(evade(text, technique, rng)).evasions})
    assert {
        "hidden_characters", "piled_marks", "lookalike_letters", "odd_letters", "odd_digits",
        "split_characters", "broken_words", "spelled_words", "leet", "spaced_link",
    } <= told.keys()  # fmt: skip
