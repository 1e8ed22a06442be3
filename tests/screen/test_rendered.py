"""What variables bring in: bait through a name is found, names and addresses pass, and cheaply."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.message import Purpose
from assent.screen.finding import Sender
from assent.screen.form import Form
from assent.screen.rendered import SEPARATOR, VALUE_CODES, check_rendered, doubtful
from assent.screen.verdict import Screener, Text

SHOP = Sender("青禾书店有限公司", frozenset(), frozenset({"qinghe.example.cn"}))
BODY = "【青禾书店】尊敬的{}，您的订单已发货，请保持电话畅通，感谢您的惠顾。"
TEMPLATE = Text(BODY.format("{name}"), SHOP, Purpose.NOTIFICATION)
NAMES = (
    "王伟",
    "欧阳女士",
    "陈先生",
    "Anna Smith",
    "张三丰",
    "阿依古丽",
    "Jean-Luc O'Neil",
    "赵",
    "李小龙",
    "上官婉儿",
    "诸葛孔明先生",
    "María José",
    "买买提·吐尔逊",
)
ADDRESSES = (
    "江岸市南屏区青山路88号滨江花园3栋2单元1201",
    "东湖街道文化路12号",
    "No. 5 White Lake Road, Unit 3",
    "山海经（精装版）等3件商品",
    "顺运快递 SY20261122001",
    "周三上午10:30",
    "2026-11-22 10:30",
    "12.50元",
    "蓝色羽绒服L码",
    "中通快递",
)
BAITS = (
    "低息贷款加微信dk8888",
    "客户您有20万额度待领取回复1",
    "先生/女士您的备用金56000元可提现点击 t.example.top/a",
    "会员恭喜中奖10万元请联系13800000000",
    "用户，全场五折优惠退订回T。",
    "王先生 http://b.example.xyz/9",
    "借钱找我Q群123456789",
    "貸款加薇信abc12345",
    "低 息 贷 款 秒 到 账 ＶＸ：dk8888",
    "【江岸银行】您的卡已冻结",
    "loan approved visit loan.example.top",
    "代开发票138-0000-0000",
)


@pytest.fixture(scope="module")
def screener() -> Screener:
    return Screener.packaged()


def verdicts(screener: Screener, values: tuple[str, ...]) -> list[str]:
    texts = [BODY.format(value) for value in values]
    return [one.verdict for one in check_rendered(screener, TEMPLATE, values, texts)]


@pytest.mark.parametrize("bait", BAITS)
def test_bait_through_a_name_is_stopped_where_it_stands(screener: Screener, bait: str) -> None:
    text = BODY.format(bait)
    (found,) = check_rendered(screener, TEMPLATE, [bait], [text])
    assert found.verdict != "allow"
    told = [f for f in found.findings if f.code in VALUE_CODES]
    assert told
    for finding in told:
        assert [text[start:end] for start, end in finding.spans] == [bait]


def test_names_and_addresses_pass(screener: Screener) -> None:
    assert set(verdicts(screener, NAMES + ADDRESSES)) == {"allow"}


def test_names_in_an_offer_need_not_tell_how_to_refuse(screener: Screener) -> None:
    text = "【青禾书店】{}您好，会员日全场八折，您有{}积分可抵现。客服4008801234 拒收请回复R"
    template = Text(text, SHOP, Purpose.MARKETING, Form("青禾书店", ("4008801234",)))
    values = [SEPARATOR.join(pair) for pair in (("冯女士", "8490"), ("赵女士", "255"))]
    texts = [text.format(*value.split(SEPARATOR)) for value in values]
    assert [one.verdict for one in check_rendered(screener, template, values, texts)] == [
        "allow", "allow",
    ]  # fmt: skip


def test_a_link_to_a_filed_host_is_no_smuggling(screener: Screener) -> None:
    value = "https://qinghe.example.cn/o/12345"
    assert verdicts(screener, (value,)) == ["allow"]


def test_several_values_are_looked_at_together(screener: Screener) -> None:
    text = "【青禾书店】{}先生，您的订单{}已发货，请注意查收。"
    template = Text(text, SHOP, Purpose.NOTIFICATION)
    values = [SEPARATOR.join(pair) for pair in (("王", "A1001"), ("低息贷", "款加微信dk8888"))]
    texts = [text.format(*value.split(SEPARATOR)) for value in values]
    found = check_rendered(screener, template, values, texts)
    assert [one.verdict == "allow" for one in found] == [True, False]


def test_harmless_values_share_the_templates_screening(screener: Screener) -> None:
    chance = random.Random(3)
    values = ["".join(chance.choices("王李张刘陈伟芳娜敏静", k=3)) for _ in range(10_000)]
    values[4_000] = BAITS[0]
    found = check_rendered(screener, TEMPLATE, values, [BODY.format(value) for value in values])
    assert [place for place, one in enumerate(found) if one.verdict != "allow"] == [4_000]
    assert len({id(one) for one in found}) == 2


def test_no_values_are_no_work(screener: Screener) -> None:
    assert check_rendered(screener, TEMPLATE, [], []) == []


@given(st.text(max_size=60))
def test_the_glance_never_fails_and_sees_what_is_long(value: str) -> None:
    assert doubtful(value) in (True, False)
    assert doubtful(value + "回复1领取")


@pytest.mark.parametrize("value", ["4711", "2026-11-22", "12.50元", "11月22日", "王伟", "A1B2C3"])
def test_what_says_nothing_is_passed_at_a_glance(value: str) -> None:
    assert not doubtful(value.lower())
