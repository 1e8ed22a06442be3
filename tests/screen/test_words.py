"""Rule sets: what they find and let pass, that both engines agree, and what a set must say."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.errors import InvalidInput
from assent.message import Purpose
from assent.screen.finding import UNLICENSED, Finding, Sender, Severity
from assent.screen.measuring import FEWEST, activated, measure, refused
from assent.screen.normal import normalise, normalise_all
from assent.screen.patterns import ENGINES, compile_pattern
from assent.screen.words import RuleSet
from tests.screen.samples import BAIT, HONEST

BANK = Sender("某银行股份有限公司", frozenset({"finance"}))

QUOTED = [
    "您的398,000元授信额度将于3月15日到期，回复1",
    "官方提醒：您的借款额度即将调整，点击查看，退订回TD",
    "Your credit of 398,000 yuan expires March 15, reply 1",
    "official reminder: your borrowing quota will be adjusted, click http://a.cn, TD to refuse",
    "【融e】您预留的30万备用金明日失效，回Y保留，拒收回R",
    "系统检测到您有一笔20万元借款待提取，请登录 x7.cn 确认",
    "尊敬的客户，您的循环额度200000元已获批，今晚24点前点此激活 t.cn/abc",
    "您的综合评分良好，可借额度提升至8万，回复2立即领取",
    "温馨提示：您名下可用授信已恢复，过期作废，戳 a.top/x 查看",
    "Final reminder: your pre-approved loan of 50,000 is about to lapse, tap the link to keep it",
    "您的额.度 398000元将于3月15曰到 期，回复1",
]
EXPECTED = [
    "【某银行】您尾号1234的信用卡本期账单1,234.00元，到期还款日3月15日，请按时还款，如已还请忽略",
    "【某银行】您的贷款本期应还3,210.55元，扣款日11月25日，请确保还款账户余额充足。",
    "您的验证码是482913，用于登录手机银行，5分钟内有效，请勿告诉他人。",
    "航班CA1234因天气原因取消，可免费改签，详询95583。【中国国际航空】",
    "【某快递】您的包裹已到菜鸟驿站，取件码3-2-1001，请凭码取件。",
    "警方提醒：凡是要求您点击链接升级银行卡的都是诈骗，请勿轻信。",
    "您的话费余额不足10元，请及时充值，详询10086。",
    "Your parcel will be delivered today between 10:00 and 12:00. Track it in our app.",
    "Your one-time password is 482913. Never share it with anybody.",
]


def found(text: str, sender: Sender = UNLICENSED, purpose: Purpose | None = None) -> Any:
    return RuleSet.packaged().match([normalise(text)], [purpose], [sender])[0]


def worst(findings: tuple[Finding, ...]) -> Severity:
    return max((one.severity for one in findings), default=Severity.NOTE)


@pytest.mark.parametrize("text", QUOTED)
def test_bait_is_held_and_a_lender_may_write_it(text: str) -> None:
    findings = found(text)
    assert worst(findings) == Severity.HOLD
    assert "word_credit_bait" in {one.code for one in findings}
    for one in findings:
        assert all(0 <= start < end <= len(text) for start, end in one.spans)
        assert one.spans
        assert one.owner.startswith("words-2026.1/")
    assert worst(found(text, BANK)) == Severity.NOTE


@pytest.mark.parametrize("text", EXPECTED)
def test_what_people_wait_for_passes(text: str) -> None:
    assert worst(found(text)) == Severity.NOTE


def test_bait_in_other_words_is_held_and_samples_of_the_honest_pass() -> None:
    rules = RuleSet.packaged()
    bait = rules.match(normalise_all(BAIT))
    codes = {"word_credit_bait", "word_loan"}
    missed = [
        text
        for text, findings in zip(BAIT, bait, strict=True)
        if not any(one.severity == Severity.HOLD and one.code in codes for one in findings)
    ]
    assert missed == []
    honest = rules.match(normalise_all(HONEST))
    stopped = [t for t, f in zip(HONEST, honest, strict=True) if worst(f) > Severity.NOTE]
    assert stopped == []


def test_every_rule_says_who_why_and_until_when_and_was_measured() -> None:
    rules = RuleSet.packaged()
    assert rules.wordings > 5_000
    for rule in rules.rules:
        assert rule.owner
        assert rule.en
        assert rule.zh
        assert rule.expires is not None
        assert rule.measured is not None
        assert rule.measured.ham >= FEWEST
    assert refused(rules) == []


FILE: dict[str, Any] = {
    "name": "ours", "version": "1", "about": "for tests",
    "lists": {"sell": ["卖", "出售"], "beast": ["老虎", "tiger", "狮(子|王)"]},
    "rules": [
        {
            "id": "beasts", "owner": "a.li", "en": "beasts are sold", "zh": "卖野兽",
            "category": "fraud", "severity": "hold",
            "patterns": ["{sell}~6{beast}", "buy a {beast}"],
            "scope": {"purposes": ["marketing"]},
            "unless": {"nearby": ["动物园"], "within": 10, "licences": ["zoo"]},
            "expires": "2027-01-31",
        }
    ],
}  # fmt: skip


def ours(change: dict[str, Any] | None = None, engine: str = "") -> RuleSet:
    file = json.loads(json.dumps(FILE))
    file["rules"][0] |= change or {}
    return RuleSet.parse(json.dumps(file).encode(), engine)


def hits(rules: RuleSet, text: str, *about: Any) -> bool:
    return bool(rules.match([normalise(text)], *about)[0])


def test_scope_exceptions_and_expiry() -> None:
    rules = ours()
    assert hits(rules, "长期出售小老虎")
    assert hits(rules, "I want to Buy a TIGER.")
    assert not hits(rules, "I want to buy a tigers")
    assert not hits(rules, "动物园出售老虎照片")
    assert hits(rules, "动物园今天不开门，我们下星期再去吧，另外长期出售小老虎")
    assert hits(rules, "出售狮子", [Purpose.MARKETING])
    assert not hits(rules, "出售狮子", [Purpose.NOTIFICATION])
    assert not hits(rules, "出售狮子", None, [Sender("z", frozenset({"zoo"}))])
    assert not hits(ours({"scope": {"carriers": ["x"]}}), "出售狮子", None, None, ["y"])
    assert not hits(ours({"scope": {"licences": ["pets"]}}), "出售狮子")
    assert not hits(ours({"needs": ["{CONTACT}"]}), "出售狮子")
    assert hits(ours({"needs": ["{CONTACT}"]}), "出售狮子 微信abc12345")
    assert hits(rules.in_force(date(2027, 1, 31)), "出售狮子")
    assert not hits(rules.in_force(date(2027, 2, 1)), "出售狮子")


def test_the_digest_is_of_what_stands_there() -> None:
    assert ours().digest == ours().digest
    assert ours().digest != ours({"zh": "贩卖野兽"}).digest
    assert RuleSet.parse(ours().encode()).digest == ours().digest


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"owner": ""}, "rules[0].owner"),
        ({"zh": ""}, "rules[0].zh"),
        ({"patterns": []}, "rules[0].patterns"),
        ({"category": "beasts"}, "rules[0].category"),
        ({"category": ""}, "rules[0].category"),
        ({"severity": "reject", "unless": {}}, "rules[0].unless"),
        ({"severity": "kill"}, "file"),
        ({"colour": "red"}, "file"),
        ({"expires": "soon"}, "file"),
        ({"scope": {"purposes": ["fun"]}}, "rules[0].scope.purposes"),
        ({"patterns": ["卖", "{nobody}"]}, "rules[0].patterns[1]"),
        ({"patterns": ["~6"]}, "rules[0].patterns[0]"),
        ({"patterns": ["a~99b"]}, "rules[0].patterns[0]"),
        ({"patterns": ["a~1b~1c~1d~1e~1f"]}, "rules[0].patterns[0]"),
        ({"patterns": ["(a|)"]}, "rules[0].patterns[0]"),
        ({"patterns": ["(a"]}, "rules[0].patterns[0]"),
        ({"patterns": ["a)"]}, "rules[0].patterns[0]"),
        ({"patterns": ["?a"]}, "rules[0].patterns[0]"),
        ({"patterns": ["a\\"]}, "rules[0].patterns[0]"),
    ],
)
def test_a_set_that_is_wrong_is_refused_where_it_is(change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        ours(change)
    assert wrong.value.field == field


def test_lists_in_themselves_end() -> None:
    with pytest.raises(InvalidInput):
        compile_pattern("{a}", {"a": ["x{a}"]})


def test_only_what_was_measured_and_spares_the_honest_is_activated() -> None:
    ham = ["今天天气很好"] * (FEWEST - 1) + ["妈妈说不能卖老虎"]
    with pytest.raises(InvalidInput, match="beasts"):
        activated(ours())
    few = measure(ours(), ham[-5:], ["出售老虎"], "a few", "2026-11-22")
    assert [one.rule for one in refused(few)] == ["beasts"]
    done = measure(ours(), ham, ["出售老虎", "你好"], "ours", "2026-11-22")
    measured = done.rules[0].measured
    assert measured is not None
    assert (measured.hits, measured.spam, measured.false_hits) == (1, 2, 1)
    assert [one.rule for one in refused(done)] == ["beasts"]
    assert activated(done, limit=0.01) is done
    assert refused(measure(ours({"severity": "note"}), ham, [], "ours", "2026-11-22")) == []


needs_hyperscan = pytest.mark.skipif("hyperscan" not in ENGINES, reason="no hyperscan here")
packaged = RuleSet.packaged()
WORDS = sorted({word for one in packaged._patterns for need in one.needs for word in need})
OTHERS = ["，。", "1元到5x【】", "\n", ".com", "退订回T", "13800138000", " "]
words = st.lists(st.sampled_from(WORDS) | st.sampled_from(OTHERS), max_size=12).map("".join)


@needs_hyperscan
@settings(max_examples=60, deadline=None)  # expressions are compiled when they are asked
@given(st.lists(words, min_size=1, max_size=4))
def test_both_engines_say_the_same(texts: list[str]) -> None:
    normals = normalise_all(texts)
    assert packaged.match(normals) == PYTHON.match(normals)


PYTHON = packaged.with_rules(packaged.rules, "python")


@settings(deadline=None)
@given(st.lists(st.one_of(words, st.text(max_size=30)), max_size=6).map("".join))
def test_no_text_stops_it_and_spans_are_places(text: str) -> None:
    for one in found(text):
        assert all(0 <= start < end <= len(text) for start, end in one.spans)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "ours.json"
    path.write_bytes(ours().encode())
    assert RuleSet.load(path).digest == ours().digest
    path.write_bytes(b"{")
    with pytest.raises(InvalidInput):
        RuleSet.load(path)


LONG = [
    "贷", "贷 ", "额度到期", "额度回复", "a b ", "l.o.", "微1", "加v", "扣", "一", "x点", "亻尔",
    "代贝", "h t t p : / / ", "loan credit limit expire reply ", "借款贷款提升到期回复点击1万元",
    "a\u200b", "①", "发票代开电话", "赌博送彩金http://a.cc ", "prize claim www ", "6222 ",
]  # fmt: skip


def work(text: str) -> float:
    """Return the processor's time that a text takes, the best of three."""
    best = 9.0
    for _ in range(3):
        start = time.process_time()
        packaged.match([normalise(text)])
        best = min(best, time.process_time() - start)
    return best


@pytest.mark.parametrize("piece", LONG)
def test_no_text_takes_longer_than_its_length(piece: str) -> None:
    short, long = (piece * 8_000)[:2_000], (piece * 16_000)[:16_000]
    work(short[:200])  # compiles what it asks
    assert work(long) < 24 * work(short) + 0.02


DATA = Path(__file__).parents[3] / "shared" / "data" / "sms"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the public texts are not beside the project"
)


@needs_data
def test_codes_and_notices_that_people_got_pass() -> None:
    import zstandard

    with (DATA / "mudou.dev.csv.zst").open("rb") as packed:
        rows = csv.DictReader(
            io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(packed), "utf-8")
        )
        texts = [
            row["text"] for row in rows
            if row["label"] == "ham" and row["category"] in ("weak:otp", "weak:notification")
        ]  # fmt: skip
    assert len(texts) > 1_500
    normals = normalise_all(texts)
    grave = [worst(findings) for findings in packaged.match(normals)]
    assert Severity.REJECT not in grave
    assert grave.count(Severity.HOLD) <= 0.002 * len(texts)
    assert sum(bool(normal.evasions) for normal in normals) <= 0.002 * len(texts)
