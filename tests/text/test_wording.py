"""The mandatory parts of a text."""

from __future__ import annotations

import pytest

from assent.text import wording
from tests.policy.scene import RULEBOOK

CN = RULEBOOK.profile("CN")


@pytest.mark.parametrize(
    "text",
    ["拒收请回复R", "回T退订", "回复TD退订", "退订回T", "退订回复TD", "拒收请回复Ｒ", "回复TD拒收",
     "拒绝接收请回复R", "退订请回复“TD”", "回复 TD 退订",
     "Reply STOP to opt out", "回N拒收", "回QX取消",
     "Txt. Text STOP to end", "不收请发送TD", "回复退订", "取消回T", "退订回TDDX"],
)  # fmt: skip
def test_ways_to_refuse_that_are_told(text: str) -> None:
    assert wording.tells_how_to_refuse(f"【店】全场八折{text}", CN.refusal_ways)


@pytest.mark.parametrize(
    "text",
    ["", "回复1办理", "详询400-820-8820", "退订请登录网站", "请回复Y参加",
     "不退不换", "取消订单请致电",
     "拒收请回复TOMORROW", "回头客退订"],
)  # fmt: skip
def test_ways_to_refuse_that_are_none(text: str) -> None:
    assert not wording.tells_how_to_refuse(f"【店】全场八折{text}", CN.refusal_ways)


@pytest.mark.parametrize(
    "text",
    ["400-820-8820", "4008208820", "400 820 8820", "800-8208-820", "95588", "021-55556666",
     "(010)55556666", "13800138000", "138-0013-8000", "12345", "10086", "４００－８２０－８８２０"],
)  # fmt: skip
def test_contacts(text: str) -> None:
    assert wording.has_contact(f"【店】详询{text}。", (), CN.contact_patterns)


@pytest.mark.parametrize("text", ["", "满100减50", "123456", "2026-11-22", "5折", "99999999999999"])
def test_no_contacts(text: str) -> None:
    assert not wording.has_contact(f"【店】详询{text}。", (), CN.contact_patterns)


def test_a_filed_contact_is_found_however_it_is_separated() -> None:
    for text in ("电021-5555 6666", "(021)55556666", "０２１５５５５６６６６"):
        assert wording.has_contact(text, ("021-55556666",), CN.contact_patterns)
    assert not wording.has_contact("9021555566661", ("021-55556666",), ())
    assert not wording.has_contact("任何", ("无",), CN.contact_patterns)


@pytest.mark.parametrize(
    ("text", "signature"),
    [("【店】好", "店"), ("好【店】", None), ("【】好", None), ("【 】好", None), ("【店好", None),
     ("", None), ("【【店】】", None), (" 【店】", None), ("[店]好", None)],
)  # fmt: skip
def test_the_signature_stands_at_the_front(text: str, signature: str | None) -> None:
    assert wording.signature_of(text) == signature


def test_codes() -> None:
    assert CN.code_pattern is not None
    for text in ("验证码1234", "验证码：A3F9K2", "验证码{code}", "验证码${code}", "验证码##1##"):
        assert wording.has_code(text, CN.code_pattern)
    for text in ("验证码", "验证码123", "验证码ABCDEF"):
        assert not wording.has_code(text, CN.code_pattern)
    count = wording.count_codes
    assert count("验证码123456，客服95588", CN.code_beside_word) == 1
    assert count("123456（登录验证码）", CN.code_beside_word) <= 1
    assert count("验证码123456，校验码654321", CN.code_beside_word) == 2
    assert count("验证码123456，校验码123456", CN.code_beside_word) == 1
