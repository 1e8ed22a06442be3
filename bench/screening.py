"""Screening of texts: how quick it is for fresh and for known texts, beside what others would take,
and how right it is on texts that were labelled, through the command line alone.

Speeds are of made-up texts, each different. Peers see the same texts in the same run: a TF-IDF with
a linear SVM (scikit-learn) for the kinds, pyahocorasick for the words.
"""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.screen.verdict import Screener, Text
from bench import screening_scores

_TEMPLATES: Final = (
    "【{shop}】验证码{code}，5分钟内有效，请勿泄露给他人。",
    "【{shop}】您正在修改登录密码，校验码：{code}，如非本人操作请忽略。",
    "【{bank}】您尾号{tail}的账户11月{day}日{time}支出人民币{sum}元，余额{sum}元。",
    "【{bank}】您尾号{tail}的信用卡本期账单{sum}元，到期还款日11月{day}日。",
    "【{shop}】您的订单{long}已发货，由顺运快递承运，预计{day}日送达，请保持电话138{long}畅通。",
    "【{shop}】会员日全场{code}款图书八折，满{day}00减20，详询400-820-{tail}，拒收请回复R",
    "【{shop}】秋季新品上市，凭短信到店立减{day}元，地址：{shop}一层，退订回T",
    "您的{sum}元授信额度将于11月{day}日到期，回复1立即激活",
    "官方提醒：您的借款额度已调整为{long}元，点击 http://t{code}.example.top/a 查看，拒收请回复TD",
    "代开各类发票，点数低，验证后付款，联系138{long}王先生，长期有效。",
    "恭喜您被抽中为幸运用户，奖金{long}元，请登录 www.h{code}.example.cc 领取，验证码{tail}",
    "家长您好，本周{day}日{time}在{shop}召开家长会，请准时参加，收到请回复。",
    "今晚{time}老地方见，记得把第{code}号文件带上，我先去{shop}等你。",
    "Your {bank} account ending {tail} was debited CNY {sum} on {day} Nov at {time}.",
    "Congratulations! You won {long} dollars. Call 0800{long} now or visit http://w{code}.example.com",
    "{shop}: 20% off this weekend only, code {code}. Reply STOP to opt out.",
)
_SHOPS: Final = ("青禾书店", "悦动健身", "小满茶饮", "安居家电", "云川出行", "蓝鲸社区", "南屏超市")
_BANKS: Final = ("江岸银行", "长河银行", "南屏农商银行", "Riverside Bank")
_BEFORE: Final = ("", "", "温馨提示：", "尊敬的用户，", "您好，", "【通知】", "Hi, ")


@dataclass(frozen=True, slots=True)
class Plan:
    """How much: texts one by one, texts in lists, rows of each labelled set, how many of these."""

    singles: int = 4_000
    several: int = 60_000
    rows: int = 3_000
    scored: bool = True
    sets: int = len(screening_scores.SETS)

    @classmethod
    def quick(cls) -> Plan:
        return cls(200, 2_000, 100, sets=2)


def fresh(count: int, seed: int) -> list[str]:
    """Return texts, all different."""
    chance = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        text = chance.choice(_TEMPLATES).format(
            shop=chance.choice(_SHOPS), bank=chance.choice(_BANKS), day=chance.randrange(1, 29),
            code=chance.randrange(100_000, 1_000_000), tail=f"{chance.randrange(10_000):04}",
            long=chance.randrange(10**7, 10**8), sum=f"{chance.randrange(1, 10**6) / 100:.2f}",
            time=f"{chance.randrange(8, 22):02}:{chance.randrange(60):02}",
        )  # fmt: skip
        found[chance.choice(_BEFORE) + text] = None
    return list(found)


def run(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure, and compare."""
    found = {"speed": speed(plan, tell), "peers": peers(plan, tell)}
    if plan.scored:
        tell("scoring labelled texts through the command line")
        found["right"] = screening_scores.run(plan.rows, plan.sets)
    return found


def speed(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Time one text, a list, the same list again, and lists on two processes."""
    begun = time.perf_counter()
    screener = Screener.packaged()
    screener.screen([Text(text) for text in fresh(50, 0)])
    loaded = time.perf_counter() - begun
    tell("one text at a time")
    times = []
    for text in fresh(plan.singles, 1):
        start = time.perf_counter()
        screener.screen([Text(text)])
        times.append(time.perf_counter() - start)
    tell("lists, on one process and on two")
    texts = [Text(text) for text in fresh(plan.several, 2)]
    alone = _rate(lambda: screener.screen(texts), len(texts))
    again = _rate(lambda: screener.screen(texts), len(texts))
    return {
        "loaded_s": loaded,
        "single_p50_ms": float(np.percentile(times, 50)) * 1000,
        "single_p99_ms": float(np.percentile(times, 99)) * 1000,
        "one_process_per_s": alone,
        "two_processes_per_s": two_processes(plan.several),
        "seen_before_per_s": again,
    }


def two_processes(count: int) -> float:
    """Return texts a second on two processes, each with texts of its own and warm."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        jobs = [(count // 2, seed) for seed in (11, 12)]
        ends = list(pool.map(_turn, jobs, [time.time_ns() + 8 * 10**9] * 2))
    took = max(end for _, end in ends) - min(start for start, _ in ends)
    return count / took


def _turn(job: tuple[int, int], begin_ns: int) -> tuple[float, float]:
    """Screen fresh texts, beginning at one moment with the other process."""
    screener = Screener.packaged()
    screener.screen([Text(text) for text in fresh(200, 0)])
    texts = [Text(text) for text in fresh(*job)]
    while time.time_ns() < begin_ns:
        time.sleep(0.001)
    start = time.perf_counter()
    screener.screen(texts)
    return start, time.perf_counter()


def peers(plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Time what others would take for two of the parts."""
    tell("TF-IDF with a linear SVM, and pyahocorasick")
    texts = fresh(plan.several, 3)
    return {**_svm(plan.singles, texts), **_aho(texts)}


def _svm(singles: int, texts: list[str]) -> dict[str, Any]:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    seen = fresh(4_000, 4)
    peer = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LinearSVC())
    peer.fit(seen, ["额" in text or "奖" in text for text in seen])
    times = []
    for text in texts[:singles]:
        start = time.perf_counter()
        peer.predict([text])
        times.append(time.perf_counter() - start)
    return {
        "tfidf_svm_per_s": _rate(lambda: peer.predict(texts), len(texts)),
        "tfidf_svm_p99_ms": float(np.percentile(times, 99)) * 1000,
    }


def _aho(texts: list[str]) -> dict[str, Any]:
    import ahocorasick

    from assent.screen.normal import normalise_all
    from assent.screen.words import RuleSet

    rules = RuleSet.packaged()
    machine = ahocorasick.Automaton()
    chance = random.Random(5)
    for _ in range(5_000):
        text = chance.choice(texts)
        at = chance.randrange(len(text) - 3)
        machine.add_word(text[at : at + 4], at)
    machine.make_automaton()
    normals = normalise_all(texts)
    senders = [Text("").sender] * len(texts)
    ours = _rate(lambda: rules.match(normals, [None] * len(texts), senders), len(texts))
    theirs = _rate(lambda: [list(machine.iter(text)) for text in texts], len(texts))
    return {"words_per_s": ours, "pyahocorasick_per_s": theirs}


def _rate(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)
