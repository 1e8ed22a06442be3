"""What detectors look for, in words: (English, Chinese) a detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "volume": (
        "far more messages than the sender ever sent in a day, and its industry did not grow",
        "发送量远超该发送方历史单日峰值，且同行业无同步增长",
    ),
    "mix": (
        "the sender's texts are of kinds that it did not send before",
        "文案类别与该发送方以往明显不同",
    ),
    "strangers": (
        "most people written to had never been written to by the sender",
        "收件人多为该发送方从未联系过的号码",
    ),
    "delivery": ("fewer messages arrive than before", "送达率明显下降"),
    "replies": ("fewer people answer than before", "回复率明显下降"),
    "refusals": ("more people refuse than before", "退订率异常升高"),
    "unknown": (
        "many numbers belong to nobody, as in lists that are bought",
        "空号率异常，疑似购买号码清单",
    ),
    "several": (
        "signs of several kinds at once, as when a list was bought",
        "多类异常同时出现，疑似购买名单",
    ),
    "sequences": (
        "numbers follow each other, as in lists that are generated",
        "号码连续或等距，疑似生成名单",
    ),
    "bombing": (
        "codes press on the same people again and again",
        "验证码集中轰炸同一批号码",
    ),
    "bombed": (
        "one person gets codes of many senders within an hour",
        "同一号码一小时内收到多家验证码",
    ),
    "uncompleted": (
        "codes that nobody seems to use",
        "验证码疑似无人使用（借验证通道群发）",
    ),
    "drift": (
        "a port for services or members carries offers",
        "服务或内部端口出现商业内容",
    ),
    "waking": ("a port that was silent for long sends again", "长期静默端口突然启用"),
    "variables": (
        "values of a template carry links, contacts or offers",
        "模板变量夹带链接、联系方式或广告",
    ),
    "barred": (
        "orders keep naming people who refused",
        "订单持续包含已退订用户",
    ),
    "borrowed": (
        "the papers or people behind a new sender are others', too",
        "新主体的材料或人员与其他主体重合，疑似冒用证照",
    ),
    "forged": (
        "people say that they never agreed to what was imported as their consent",
        "受访者否认曾同意，疑似伪造同意记录",
    ),
    "together": (
        "senders who name different owners act together",
        "自称无关联的多个发送方行动一致",
    ),
}


def told(detector: str) -> dict[str, str]:
    """Return a detector's words; its name where it has none."""
    en, zh = WORDS.get(detector, (detector, detector))
    return {"en": en, "zh": zh}
