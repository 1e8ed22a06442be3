"""Honest senders of a simulated quarter: trades, names, texts and rhythms. Nobody is real."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

CARRIERS: Final = ("mobile", "unicom", "telecom")
PROGRAMME: Final = "news"
WORDING: Final = "v1"
DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Trade:
    """An industry of the table of qualifications, with what its senders write. `offers`:
    marketing; `notices`: bodies with variables {a} and {b}; `word` ends a sender's name."""

    industry: str
    word: str
    weight: int
    offers: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    codes: bool = False


TRADES: Final = (
    Trade("retail", "商店", 14, (
        "秋装上新，会员到店八折，欢迎选购。客服{contact}",
        "周末家居馆满300减50，欢迎到店。客服{contact}",
        "会员日鲜果全场九折，今日到货新鲜。客服{contact}",
    ), ("您的订单{a}已发货，预计{b}送达，请留意查收。",)),
    Trade("ecommerce", "商城", 14, (
        "会员专享：本周精选好物满200减30，欢迎选购。客服{contact}",
        "新品到货，会员预订享九折。客服{contact}",
    ), (
        "您的订单{a}已发货，预计{b}送达，请留意查收。",
        "您的退货申请{a}已受理，预计{b}完成退款。",
    ), True),
    Trade("internet", "网络", 10, (), ("您的工单{a}已处理完成，处理时间{b}，感谢使用。",), True),
    Trade("express", "快运", 10, (), (
        "您的快件{a}已到达{b}驿站，请凭身份信息领取。",
        "您的快件{a}正在派送，预计{b}送达，请保持电话畅通。",
    )),
    Trade("utilities", "水务", 6, (), (
        "您户号{a}本期水费账单已出，请于{b}前缴纳。",
        "因管道检修，{a}将于{b}停水，请提前储水。",
    )),
    Trade("public_institution", "中心", 5, (), ("您预约的{a}服务时间为{b}，请携带证件按时到场。",)),
    Trade("bank", "银行", 4, (), ("您尾号{a}的信用卡本期账单已出，到期还款日{b}。",), True),
    Trade("medical", "医院", 5, (), ("您预约的{a}门诊时间为{b}，请提前半小时到院取号。",)),
    Trade("education", "学校", 6, ("暑期书法课程开始报名，老学员九折。咨询{contact}",), (
        "您报名的课程{a}将于{b}开课，请准时到校。",
    )),
    Trade("hospitality", "酒店", 8, ("会员周末自助晚餐两人同行八八折，欢迎预订。电话{contact}",), (
        "您预订的房间{a}已确认，入住时间{b}，期待光临。",
    )),
    Trade("automotive", "汽车", 6, ("本月到店保养赠送空调清洗一次，欢迎预约。电话{contact}",), (
        "您的车辆{a}保养已完成，请于{b}前来提车。",
    )),
    Trade("travel", "旅行", 5, ("暑期海岛行程会员立减200元，欢迎咨询。电话{contact}",), (
        "您预订的行程{a}已确认，出发时间{b}，请提前到达集合点。",
    )),
    Trade("property_services", "物业", 7, (), ("{a}将于{b}进行电梯检修，请您合理安排出行。",)),
)  # fmt: skip

_OPENINGS: Final = (
    "会员您好，", "尊敬的顾客，", "老朋友您好，", "亲爱的会员，", "您好，", "各位会员，",
    "感谢一路相伴，", "好消息，",
)  # fmt: skip
_CLOSINGS: Final = (
    "欢迎光临", "期待您的到来", "恭候您的光临", "具体以门店公告为准", "活动为期一周", "本周日截止",
    "到店出示会员码即可", "详情可到前台了解",
)  # fmt: skip


def _own(rng: Random, offer: str) -> str:
    """Return an offer in a sender's own words: nobody else's read quite like it."""
    said, _, called = offer.partition("。")
    parts = [f"{rng.choice(_OPENINGS)}{said}", rng.choice(_CLOSINGS)]
    if rng.random() < 0.5:
        parts.insert(1, f"满{rng.randrange(2, 40) * 50}元另有小礼")
    return f"{'，'.join(parts)}。{called}"


_FIRST: Final = "云海青松明德华安嘉瑞和泰清远长宁金禾新悦星河东方博雅"
_SECOND: Final = "帆棠林涛源信兴康达盛美佳润丰城阳舟峰川月恒宏文景"
_CITIES: Final = ("杭州", "上海", "成都", "武汉", "西安", "广州", "青岛", "长沙", "合肥", "沈阳")


@dataclass(slots=True)
class Sender:
    """A legal entity with an account of its own, or in an agent's. `days`: on which days it
    orders, with how many receivers; `people`: whom it writes to."""

    place: int
    code: str
    legal_name: str
    signature: str
    industry: str
    account: str
    contact: str
    ports: dict[str, str]
    people: list[str] = field(default_factory=list)
    offers: Sequence[str] = ()
    notices: Sequence[str] = ()
    days: dict[int, int] = field(default_factory=dict)
    organisation: bool = False
    villain: str = ""
    rhythm: str = ""


def credit_code(place: int) -> str:
    """Return a made-up unified social credit code, the same for the same place."""
    body = f"9133010{6 + place % 3}MA2{place:06d}"[:17]
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(sign) * pow(3, at, 31) for at, sign in enumerate(body))
    return body + alphabet[(31 - total % 31) % 31]


def sender(place: int, trade: Trade, purposes: Sequence[str], rng: Random) -> Sender:
    """Return the sender of a place, with a port for each purpose."""
    first = _FIRST[place % len(_FIRST)]
    second = _SECOND[place // len(_FIRST) % len(_SECOND)]
    turn = place // (len(_FIRST) * len(_SECOND))
    name = f"{first}{second}{_FIRST[(turn * 7 + 3) % len(_FIRST)] if turn else ''}"
    digits = {"marketing": 1, "verification": 2, "notification": 3, "internal": 4}
    return Sender(
        place=place,
        code=credit_code(place),
        legal_name=f"{rng.choice(_CITIES)}{name}{trade.word}有限公司",
        signature=f"{name}{trade.word}",
        industry=trade.industry,
        account=f"a{place}",
        contact=f"400{8_000_000 + place:07d}",
        ports={purpose: f"10690{digits[purpose]}{place:05d}" for purpose in purposes},
        offers=trade.offers,
        notices=trade.notices,
    )


def honest(count: int, seed: int, orders: float, receivers: float) -> list[Sender]:
    """Draw honest senders. `orders`: how many each places in the quarter, on average;
    `receivers`: of one order, on average."""
    rng = Random(f"quarter-{seed}-honest")
    weights = [trade.weight for trade in TRADES]
    found = []
    for place in range(1, count + 1):
        trade = rng.choices(TRADES, weights)[0]
        purposes = []
        if trade.offers and rng.random() < 0.8:
            purposes.append("marketing")
        if trade.notices and (not purposes or rng.random() < 0.5):
            purposes.append("notification")
        if trade.codes and rng.random() < 0.5:
            purposes.append("verification")
        one = sender(place, trade, purposes, rng)
        one.offers = tuple(_own(rng, offer) for offer in one.offers)
        one.rhythm, one.days = rhythm(rng, orders, receivers)
        found.append(one)
    return found


def rhythm(rng: Random, orders: float, receivers: float) -> tuple[str, dict[int, int]]:
    """Draw on which days somebody writes, and to how many: steady, bursty, seasonal, growing,
    new in the middle of the quarter, or long silent and back."""
    kind = rng.choices(
        ("steady", "bursty", "seasonal", "growing", "new", "returning"), (46, 16, 14, 10, 9, 5)
    )[0]
    wanted = max(2.0, rng.lognormvariate(0.0, 0.55) * orders)
    size = max(1.5, rng.lognormvariate(0.0, 0.5) * receivers)
    peak, width = rng.uniform(15, 75), rng.uniform(6, 14)
    first = rng.randrange(20, 50) if kind == "new" else 0
    gap = (rng.randrange(10, 25), rng.randrange(60, 75))
    days: dict[int, int] = {}
    for day in range(first, DAYS):
        chance, times = wanted / DAYS, 1.0
        if kind == "bursty":
            burst = day % 30 in (0, 1, 2)
            chance, times = (min(0.9, 4 * chance), 2.5) if burst else (0.6 * chance, 0.7)
        elif kind == "seasonal":
            season = 2.7 ** (-(((day - peak) / width) ** 2))
            chance, times = chance * (0.5 + 3 * season), 1 + 1.5 * season
        elif kind == "growing":
            chance *= 0.4 + 1.2 * day / DAYS
        elif kind == "returning" and gap[0] <= day < gap[1]:
            continue
        if rng.random() < chance:
            days[day] = max(1, round(rng.lognormvariate(0.0, 0.35) * size * times))
    return kind, days or {rng.randrange(first, DAYS): 2}
