"""Reviewers see what was decided about texts that are nearly the same, whoever sent them."""

from __future__ import annotations

from assent.flow.text_alike import signature_of
from assent.flow.text_requests import TextDecision
from tests.flow import test_texts
from tests.flow.conftest import numbers
from tests.flow.test_texts import Office

office = test_texts.office

FIRST = "尊敬的会员，贷款利率优惠专享，三分钟到账，手续简单。客服电话400-820-1234。拒收请回复R"
ALIKE = "尊敬的会员，贷款利率优惠专享，五分钟到账，手续简单。客服电话400-820-1234。拒收请回复R"
OTHER = "恭喜您中奖，请到门店领取礼品一份，凭短信有效。客服电话400-820-1234。拒收请回复R"


async def held(office: Office, text: str, place: int) -> int:
    people = numbers(2)
    await office.platform.consent(people, place=place)
    told = await office.platform.send(people, text=text, place=place)
    return int(told["texts"][0]["review"])


async def test_nearly_the_same_texts_come_first(office: Office) -> None:
    first, other = await held(office, FIRST, 1), await held(office, OTHER, 2)
    no = TextDecision(code="deceptive", words="假冒")
    for review in (first, other):
        for reviewer in (office.one, office.two):
            told = await office.desk.refuse(reviewer, review, no)
            if told["state"] == "refused":
                break
    mine = await held(office, ALIKE, 2)
    near, same_sender = (await office.desk.show(office.one, mine))["similar"]
    assert (near["id"], near["same_sender"], near["state"]) == (str(first), False, "refused")
    assert 0.62 <= near["similarity"] < 1
    assert (same_sender["id"], same_sender["similarity"]) == (str(other), None)
    # A text of before there were signatures is like nothing; its sender's others are still shown.
    await office.platform.sql("UPDATE text_review SET signature = NULL WHERE id = $1", mine)
    told = (await office.desk.show(office.one, mine))["similar"]
    assert {one["similarity"] for one in told} == {None}
    assert [one["id"] for one in told][:1] == [str(other)]


def test_a_signature_leaves_variables_out() -> None:
    assert signature_of("您的订单{order}已经发货，请注意查收") == signature_of(
        "您的订单{number:digits}已经发货，请注意查收"
    )
    assert signature_of("") is None
