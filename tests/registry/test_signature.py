"""Signatures: form, whose they are, and whom they are taken for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.registry.findings import verdict
from assent.registry.signature import PROFILES, Name, Owner, Taken, check_signature, clean

ANXIN = Owner("91310000MA1FL00001", "安信（上海）商贸有限公司", ("安心购", "AnXin"))
OTHERS = Taken(
    [
        Name("91440300192203821X", "平安银行"),
        Name("91110000600037341L", "工商银行"),
        Name("91110000600037341L", "中国工商银行股份有限公司"),
        Name("913300007999999999", "Alipay"),
        Name("91310000MA1FL00001", "安信"),
        Name("91320000000000000X", "微众"),
    ]
)


def codes(text: str, owner: Owner = ANXIN, taken: Taken = OTHERS, profile: str = "default") -> set:
    return {finding.code for finding in check_signature(text, owner, taken, profile)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("安信", set()),
        ("【安信】", set()),
        ("安信商贸", set()),
        ("安信（上海）商贸有限公司", {"signature_characters"}),
        ("安心购", set()),
        ("ＡｎＸｉｎ", set()),
        ("安商", {"signature_gaps"}),
        ("信安", {"signature_not_of_name"}),
        ("商贸", {"signature_generic"}),
        ("验证码", {"signature_generic"}),
        ("", {"signature_empty"}),
        ("【】", {"signature_empty"}),
        ("信", {"signature_length"}),
        ("安信 商贸", {"signature_characters"}),
        ("安信★", {"signature_characters", "signature_not_of_name", "signature_near"}),
        ("АnХin", {"signature_characters", "signature_not_of_name"}),
        ("95588", {"signature_digits", "signature_not_of_name"}),
        ("测试", {"signature_test", "signature_not_of_name"}),
        ("Test1", {"signature_test", "signature_not_of_name"}),
        ("上海公安", {"signature_public_body", "signature_not_of_name"}),
    ],
)
def test_form_and_owner(text: str, found: set[str]) -> None:
    own = Taken([Name("1", "安信★"[:2])]) if "★" in text else Taken()
    assert codes(text, taken=own) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("平安银行", "signature_taken"),
        ("平安銀行", "signature_taken"),
        ("苹安银行", "signature_similar_glyphs"),
        ("坪按银行", "signature_similar_glyphs"),
        ("A1ipay", "signature_same_look"),
        ("ALlPAY", "signature_same_look"),
        ("Аlіраy", "signature_same_look"),
        ("薇众", "signature_similar_glyphs"),
        ("唯众", "signature_same_sound"),
        ("威重", "signature_same_sound"),
        ("WeiZhong", "signature_same_sound"),
        ("公商银行", "signature_same_sound"),
        ("工商银行客服", "signature_near"),
        ("北安银行", "signature_near"),
        ("中国工商银行股份有限公司", "signature_taken"),
    ],
)
def test_nobody_looks_like_somebody_else(text: str, found: str) -> None:
    assert found in codes(text)
    assert verdict(check_signature(text, ANXIN, OTHERS)) != "ok"


def test_its_own_names_are_no_likeness() -> None:
    bank = Owner("91110000600037341L", "中国工商银行股份有限公司")
    assert codes("工商银行", bank) == set()
    assert codes("工商银行", Owner("", bank.legal_name)) == {"signature_taken"}


def test_somebody_without_a_code_yet_owns_no_name() -> None:
    nameless = Taken([Name("", "平安银行")])
    assert codes("平安银行", Owner("", "平安银行股份有限公司"), nameless) == {"signature_taken"}


def test_a_public_body_may_use_its_own_name() -> None:
    office = Owner("11310000000000000X", "上海市公安局")
    assert codes("上海市公安局", office) == set()
    assert codes("市公安局", office) == {"signature_public_body"}


def test_without_the_full_name_a_person_must_look() -> None:
    assert codes("安信", Owner(), Taken()) == {"signature_name_unknown"}
    assert codes("安心购", Owner(registered=("安心购",)), Taken()) == set()


def test_each_carrier_has_its_lengths() -> None:
    owner = Owner("1", "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥" * 2)
    for profile, (shortest, longest) in PROFILES.items():
        for size in range(1, 36):
            wrong = "signature_length" in codes(owner.legal_name[:size], owner, Taken(), profile)
            assert wrong != (shortest <= size <= longest)
    with pytest.raises(KeyError):
        check_signature("安信", ANXIN, Taken(), "none")


def test_the_worst_likeness_of_each_name_is_told_once() -> None:
    twins = Taken([Name("1", "平安银行"), Name("2", "苹安银行")])
    found = check_signature("平安银行", Owner("3", "平安银行股份有限公司"), twins)
    assert [(one.code, one.about) for one in found] == [
        ("signature_taken", "平安银行"),
        ("signature_similar_glyphs", "苹安银行"),
    ]


@given(st.text(max_size=20))
def test_any_text_is_answered_and_brackets_do_not_matter(text: str) -> None:
    found = check_signature(text, ANXIN, OTHERS)
    if clean(text) == text:
        assert check_signature(f"【{text}】", ANXIN, OTHERS) == found


@given(st.text("安信商贸平工银行苹ABl1", min_size=1, max_size=6))
def test_what_is_taken_is_never_in_order_for_another(text: str) -> None:
    assert verdict(check_signature(text, ANXIN, Taken([Name("x", text)]))) == "wrong"
