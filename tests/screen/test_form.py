"""The form of texts: signature, contact, refusal, code texts."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

import pytest

from assent.message import Purpose
from assent.policy.rulebook import Rulebook
from assent.screen.finding import Severity
from assent.screen.form import FORM_CODES, Form, FormRules, narrow
from assent.text.wording import tells_how_to_refuse

DOCUMENT: dict[str, Any] = json.loads(
    resources.files("assent").joinpath("data/screen/rules-2026.1.json").read_bytes()
)
RULES = FormRules.from_document(DOCUMENT["form"], "rules-2026.1")
CN = Rulebook.load().profile("CN")
PORT = Form("青禾书店", ("400-820-8820",))


def found(
    text: str, purpose: Purpose | None = None, form: Form | None = None, **more: Any
) -> dict[str, Severity]:
    return {f.code: f.severity for f in RULES.check(text, purpose, form, **more)}


def held(text: str, purpose: Purpose | None = None, form: Form | None = None) -> set[str]:
    return {code for code, how in found(text, purpose, form).items() if how >= Severity.HOLD}


def test_a_proper_offer_has_nothing_wrong() -> None:
    text = "【青禾书店】会员日全场八折，详询400-820-8820，拒收请回复R"
    assert found(text, Purpose.MARKETING, PORT) == {}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("会员日全场八折，详询400-820-8820，拒收请回复R", "signature_missing"),
        ("【青禾书城】会员日全场八折，详询400-820-8820，拒收请回复R", "signature_wrong"),
        ("【青禾书店】会员日【八折】，详询400-820-8820，拒收请回复R", "signature_second"),
        ("【青禾书店】会员日全场八折，拒收请回复R", "contact_missing"),
        ("【青禾书店】会员日全场八折，详询400-111-2222，拒收请回复R", "contact_missing"),
        ("【青禾书店】会员日全场八折，详询400-820-8820", "refusal_missing"),
        ("【青禾书店】会员日全场八折，详询400-820-8820，拒收请回复SHOU", "refusal_word_unknown"),
        ("【青禾书店】会员日全场八折，详询400-820-8820，退订回复1", "refusal_word_unknown"),
        ("【青禾书店】会员日全场八折，详询400-820-8820，回复TD收费", "refusal_costs"),
        ("【青禾书店】会员日全场八折，详询400-820-8820，拒收请回复TD（收取1元）", "refusal_costs"),
        ("【青禾书店】会员日全场八折，详询400-820-8820，退订回T，每条0.1元", "refusal_costs"),
        ("【青禾书店】会员日，详询400-820-8820，退订发送TD到10655001", "refusal_elsewhere"),
        (
            "【青禾书店】会员日，详询400-820-8820，退订请点击https://t.example.cn/q",
            "refusal_by_link",
        ),
        ("【青禾书店】Sale! 400-820-8820 Reply NOPE99 to unsubscribe", "refusal_missing"),
        ("【青禾书店】Sale! 400-820-8820 Reply CHEESE to unsubscribe", "refusal_word_unknown"),
        (
            "【青禾书店】Sale! 400-820-8820 Reply STOP to opt out. $1 charge applies",
            "refusal_costs",
        ),
    ],
)
def test_what_is_wrong_with_an_offer(text: str, code: str) -> None:
    assert held(text, Purpose.MARKETING, PORT) == {code}


@pytest.mark.parametrize(
    "end",
    [
        "拒收请回复R",
        "回T退订",
        "回复TD退订",
        "退订回T",
        "拒收请回复Ｒ",
        "回复TD拒收",
        "回复ＴＤ退订，免费",
        "拒绝接收请回复R",
        "退订请回复“TD”",
        "回N拒收",
        "回QX取消",
        "不收请发送TD",
        "回复退订",
        "退订回TDDX",
        "Reply STOP to opt out",
        "Txt. Text STOP to end",
        "退订回T（免费）",
        "To unsubscribe, text STOP",
        "退订回T，满100元减50元",
    ],
)
def test_true_ways_to_refuse(end: str) -> None:
    text = f"【青禾书店】会员日全场八折，仅99元，详询400-820-8820，{end}"
    assert found(text, Purpose.MARKETING, PORT) == {}


@pytest.mark.parametrize(
    "text",
    [
        "拒收请回复R",
        "回T退订",
        "回复TD退订",
        "拒收请回复Ｒ",
        "不收请发送TD",
        "回复退订",
        "退订回TDDX",
        "回复1办理",
        "详询400-820-8820",
        "请回复Y参加",
        "拒收请回复TOMORROW",
        "回头客退订",
    ],
)
def test_screening_and_the_rulebook_agree_on_refusal_wording(text: str) -> None:
    text = f"【青禾书店】会员日全场八折，详询400-820-8820。{text}"
    agreed = "refusal_missing" not in found(text, Purpose.MARKETING, PORT) and (
        "refusal_word_unknown" not in found(text, Purpose.MARKETING, PORT)
    )
    assert agreed == tells_how_to_refuse(text, CN.refusal_ways)


def test_screening_and_the_rulebook_compare_with_the_same_contacts_and_codes() -> None:
    form = DOCUMENT["form"]
    assert form["contact_patterns"] == [pattern.pattern for pattern in CN.contact_patterns]
    assert {word.casefold() for word in form["code_words"]} >= set(CN.code_words)
    assert CN.code_pattern is not None
    assert form["code_pattern"] == CN.code_pattern.pattern
    assert form["most_segments"] == CN.most_segments


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("【青禾书店】验证码4711，5分钟内有效，请勿告诉他人。", set()),
        ("【青禾书店】您的登录验证码是{code}，如非本人操作请忽略。", set()),
        ("Your Qinghe verification code is 471193.", set()),
        ("【青禾书店】欢迎登录青禾书店。", {"code_missing"}),
        ("【青禾书店】验证码4711，校验码5822，请勿泄露。", {"codes_several"}),
        ("【青禾书店】验证码4711，新人领优惠券立减20。", {"code_promotional"}),
        ("【青禾书店】验证码4711，低息贷款等您来。", {"code_promotional"}),
    ],
)
def test_code_texts_hold_one_code_and_nothing_else(text: str, codes: set[str]) -> None:
    assert held(text, Purpose.VERIFICATION) == codes


def test_a_link_in_a_code_text_is_held_where_it_stands() -> None:
    text = "【青禾书店】验证码4711，登录http://q.example.cn"
    findings = RULES.check(text, Purpose.VERIFICATION, links=[(18, 37)])
    assert [(f.code, f.severity, f.spans) for f in findings] == [
        ("code_link", Severity.HOLD, ((18, 37),))
    ]


@pytest.mark.parametrize(
    "text",
    [
        "您好，明天开会",
        "退订回复1",
        "【店】欢迎【光临】",
        "如需取消座位，请回复：QX证件号码",
        "回复TD收费",
    ],
)
@pytest.mark.parametrize("purpose", [None, Purpose.NOTIFICATION])
def test_form_is_only_noted_where_nothing_says_what_the_text_is_for(
    text: str, purpose: Purpose | None
) -> None:
    assert held(text, purpose) == set()


def test_spans_are_places_of_the_text_as_it_came() -> None:
    text = "【青禾书店】会员日，详询４００-820-8820，拒收请回复ＴＤ收费"
    (finding,) = RULES.check(text, Purpose.MARKETING, PORT)
    (start, end), *_ = finding.spans
    assert text[start:end] == "回复ＴＤ收费"


def test_long_texts_are_told_and_never_slow() -> None:
    text = "【青禾书店】" + "回复" * 20_000 + "拒收" * 20_000
    assert "too_long" in found(text, Purpose.MARKETING, PORT)


def test_every_code_has_both_languages() -> None:
    for en, zh, when in FORM_CODES.values():
        assert en.isascii() or "【" in en
        assert not zh.isascii()
        assert when in {"finished", "ordered", "commercial"}


def test_narrow_keeps_every_place() -> None:
    assert narrow("ＴＤ：　【店】①") == "TD: 【店】①"
