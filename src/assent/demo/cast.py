"""Who plays: senders, their numbers, their texts, and what receivers answer. Nobody is real.

The spellings of refusals and of other replies are what the simulated carriers' people send; the
demonstration judges them by a word list of its own (check.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from assent.demo import papers

CARRIERS: Final = ("mobile", "unicom", "telecom")
OPERATOR: Final = "operator"
AUDITOR: Final = "operator/auditor"
REVIEWER: Final = "operator/reviewer"
SERVICE_PORT: Final = "10690000"
SERVICE_SIGNATURE: Final = "退订回执"
PROGRAMME: Final = "offers"
WORDING: Final = "offers-2026-1"
PRICE_MICRO: Final = 45_000
DEPOSIT_MICRO: Final = 50_000_000_000


@dataclass(frozen=True, slots=True)
class Sender:
    """A legal entity of the play. `ports`: purpose → number, the same on all carriers."""

    code: str
    legal_name: str
    english: str
    signature: str
    group: str
    contact: str
    account: str
    ports: dict[str, str]
    industry: str = "retail"


MALL: Final = Sender(
    "91330106MA2HT0012U",
    "杭州海棠商城有限公司",
    "Haitang Mall",
    "海棠商城",
    "海棠集团",
    "4008801234",
    "haitang",
    {"marketing": "10691001", "verification": "10692001", "notification": "10693001"},
    "ecommerce",
)
MARKET: Final = Sender(
    "91330106MA2HT0020N",
    "杭州海棠生活超市有限公司",
    "Haitang Market",
    "海棠生活",
    "海棠集团",
    "4008805678",
    "haitang",
    {"marketing": "10691002"},
)
BOOKS: Final = Sender(
    "91310115MA1YF00369",
    "上海云帆书店有限公司",
    "Yunfan Books",
    "云帆书店",
    "云帆书店",
    "4006602468",
    "yunfan",
    {"marketing": "10691003", "verification": "10692003"},
)
SENDERS: Final = (MALL, MARKET, BOOKS)
BY_CODE: Final = {sender.code: sender for sender in SENDERS}

MORNING: Final = "早安{name}，海棠商城门店今日新品到货，欢迎光临。客服4008801234"
CAMPAIGN: Final = "{name}您好，秋季会员日全场满200减60，您有{points}积分可抵现。客服4008801234"
ANNOUNCED: Final = "海棠生活超市明日会员预告：{name}，您有{points}积分可换鲜果。客服4008805678"
SIBLING: Final = "{name}您好，海棠生活超市周末鲜果八折，积分{points}可换购。客服4008805678"
READING: Final = (
    "亲爱的书友，云帆书店本周六下午两点邀您参加新书分享会，作者现场签售，凭本短信到店购书享八五折，"
    "另赠手账一本，座位有限，先到先得。地址：西湖路18号云帆书店二楼。客服4006602468"
)
CAMPAIGN_PATTERN: Final = "秋季会员日"
"""Stands in the texts that people of the play answer."""

_COMPLAINING: Final = (
    "你好，我在你们店里只买过一次东西，从那以后几乎每个星期都收到你们的广告，"
    "上班的时候响，睡觉的时候也响，实在受不了了。请把我的号码从名单里拿掉，"
    "我要退订，以后所有的优惠活动都不用再告诉我了，谢谢你们的理解。"
)

REFUSALS: Final[dict[str, float]] = {
    "TD": 40,
    "td": 8,
    "Td": 3,
    "ＴＤ": 6,
    "ｔｄ": 2,
    "T D": 2,
    " TD ": 2,
    "TD。": 4,
    "“TD”": 1,
    "TTDD": 1,
    "TD谢谢": 5,
    "回复TD": 2,
    "TDDX": 2,
    "T": 5,
    "R": 8,
    "Ｒ": 2,
    "N": 2,
    "QX": 1,
    "退订": 14,
    "退订！": 3,
    "退 订": 1,
    "我要退订": 3,
    "退訂": 1,
    "退订谢谢": 2,
    "拒收": 4,
    "取消订阅": 2,
    "STOP": 2,
    "stop": 1,
    "Stop. Thank you": 1,
    "Unsubscribe": 1,
    "请不要再发了": 2,
    "别再发了！！！": 2,
    "TD，再发就投诉": 1,
    _COMPLAINING: 4,
}
"""Ways to refuse, with weights; the last goes out in several segments."""

OTHERS: Final[dict[str, float]] = {
    "好的": 5,
    "1": 4,
    "谢谢": 3,
    "收到": 3,
    "OK": 2,
    "请问几点关门？": 2,
    "积分怎么查": 2,
    "👍": 1,
}
"""Replies that refuse nothing."""


_TEMPLATES: Final = (
    {
        "name": "code",
        "purpose": "verification",
        "body": "您的验证码是{code}，5分钟内有效，请勿告诉他人。",
        "basis": "会员登录验证",
    },
    {
        "name": "shipped",
        "purpose": "notification",
        "body": "您的订单{order}已发货，预计明日送达，请留意查收。",
        "basis": "履行买卖合同",
    },
)


def ports() -> list[tuple[str, str, str, str, str]]:
    """Return (port, sender, signature, group, purpose) of every number of the play."""
    rows = [
        (number, sender.code, sender.signature, sender.group, purpose)
        for sender in SENDERS
        for purpose, number in sender.ports.items()
    ]
    return [*rows, (SERVICE_PORT, "", SERVICE_SIGNATURE, "", "system")]


def register() -> dict[str, Any]:
    """Return the operator's register of the play, as `assent setup` reads it."""
    companies = [
        {
            "name": account,
            "entity": next(sender.code for sender in SENDERS if sender.account == account),
            "price_micro": PRICE_MICRO,
            "senders": [sender.code for sender in SENDERS if sender.account == account],
            "deposits": {"demo": DEPOSIT_MICRO},
            "keys": [{"name": "demo"}],
        }
        for account in dict.fromkeys(sender.account for sender in SENDERS)
    ]
    operator = {
        "name": OPERATOR,
        "kind": "operator",
        "price_micro": 0,
        "entity": papers.OPERATOR_CODE,
        "keys": [
            {"name": "auditor", "scopes": ["audit"]},
            {"name": "reviewer", "scopes": ["review"]},
        ],
    }
    service = {
        "number": SERVICE_PORT,
        "carriers": list(CARRIERS),
        "purpose": "system",
        "signature": SERVICE_SIGNATURE,
    }
    numbers = [number[:5] for number, *_ in ports()]
    return {
        "entities": [
            papers.operator("杭州短信平台有限公司", sorted(set(numbers))),
            *(papers.entity(one.code, one.legal_name, one.industry) for one in SENDERS),
        ],
        "letters": [papers.letter(MARKET.code, MALL.code, list(MARKET.ports))],
        "senders": [_sender(sender) for sender in SENDERS],
        "accounts": [*companies, operator],
        "service_ports": [service],
    }


def _sender(sender: Sender) -> dict[str, Any]:
    return {
        "credit_code": sender.code,
        "legal_name": sender.legal_name,
        "contact": sender.contact,
        "group": sender.group,
        "programmes": [
            {
                "name": PROGRAMME,
                "purposes": ["marketing"],
                "kinds": "优惠活动和会员通知",
                "frequency": "每周不超过两条",
                "period": "两年",
                "wording": WORDING,
            }
        ],
        "templates": [one for one in _TEMPLATES if one["purpose"] in sender.ports],
        "ports": [
            {
                "number": number,
                "carriers": list(CARRIERS),
                "purpose": purpose,
                "signature": sender.signature,
                "programme": PROGRAMME if purpose == "marketing" else None,
            }
            for purpose, number in sender.ports.items()
        ],
    }
