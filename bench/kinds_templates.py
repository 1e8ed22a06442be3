"""Codes, bank notices and lenders' own reminders, written by hand for measuring alone: no model has
learned from them. `#` is a digit, `{…}` one of the slots."""

from __future__ import annotations

import random
from typing import Final

from assent.screen.samples import fill

__all__ = ["must_pass"]

_SLOTS: Final = {
    "bank": ["兴业银行", "光大银行", "华夏银行", "宁波银行", "徽商银行", "渤海银行", "长春农商行"],
    "firm": ["得物", "贝壳找房", "盒马", "顺丰金融", "猎聘", "喜马拉雅", "蔚来", "国家电网"],
    "sum": ["##.5#", "1,0##.00", "2#,###.##", "8##.00", "6.00"],
    "day": ["##月1#日", "0#-2#", "202#年#月2#日", "昨日2#:##", "2#日"],
    "line": ["95###", "400-8##-####", "0##-8#######"],
    "issuer": ["Lloyds", "DBS", "Zenith Bank", "Capital One", "ICICI Bank", "Maybank"],
    "brand": ["Netflix", "LinkedIn", "Bolt", "Steam", "Zoom", "Wise", "Dropbox"],
    "day_en": ["12/0#", "## May", "Mon ## Oct", "202#-11-2#"],
}
_TEMPLATES: Final = (
    "【{firm}】登录校验码 ######，有效时间 3 分钟，请妥善保管。",
    "【{firm}】######为您的短信登录密码，切勿转发他人。",
    "您申请修改预留手机号，动态口令：######。如有疑问请拨打{line}。【{bank}】",
    "【{bank}】短信口令######，用于向尾号####账户汇款{sum}元，银行员工不会索要。",
    "支付验证码 ####，您正在向{firm}付款 {sum} 元，请勿透露给任何人。",
    "【{firm}】注册码：####（十五分钟内有效）",
    "Enter ###### to finish signing in to {brand}. This code expires in 5 minutes.",
    "{brand} security code: ######. Never share this code, even with our staff.",
    "###### is the OTP for your {issuer} card ending #### purchase of {sum}. Valid 3 min.",
    "Do not share your {issuer} login code with anyone. Code: ######",
    "【{bank}】您####账户{day}转入{sum}元，当前余额{sum}元。",
    "您的借记卡尾号####于{day}通过ATM取款{sum}元，账户余额{sum}元。【{bank}】",
    "【{bank}】您的信用卡####在{firm}交易{sum}元已入账，疑问请致电{line}。",
    "{day}您向尾号####的汇款{sum}元因户名不符已退回。【{bank}】",
    "【{bank}】尊敬的持卡人，您####卡本月账单金额{sum}元，到期日{day}，最低还款{sum}元。",
    "您尾号####的卡片将于本月到期，新卡已寄往您的账单地址。{bank}",
    "【{bank}】您的个人网银登录密码于{day}修改成功，若非本人操作请速致电{line}。",
    "{issuer}: you spent {sum} at {brand} with card ####. Balance {sum}.",
    "{issuer} alert: {sum} was received into your account ####  on {day_en}.",
    "Txn: {sum} DR on A/C XX#### {day_en}. Bal {sum}. Call {line} if not you. {issuer}",
    "【{bank}】您的个人贷款本期还款额{sum}元，扣款日{day}，请在还款账户留足资金。",
    "还款提醒：您尾号####信用卡应还{sum}元，{day}到期，若已还清无需理会。【{bank}】",
    "【{bank}】您的按揭贷款本期{sum}元已于{day}扣收成功。",
    "{issuer}: your loan instalment of {sum} will be debited on {day_en}. Keep enough balance.",
)  # fmt: skip


def must_pass(count: int, seed: int) -> list[str]:
    """Return `count` renderings."""
    chance = random.Random(seed)
    return [fill(_TEMPLATES[at % len(_TEMPLATES)], _SLOTS, chance) for at in range(count)]
