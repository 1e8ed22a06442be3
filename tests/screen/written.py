"""Texts written by hand for the tests of screening: baits, reminders, codes, notices, offers."""

from __future__ import annotations

import random
from typing import Final

BAITS: Final = (
    "【某某银行】您的398,000元授信额度将于3月15日到期，回复1立即激活",
    "官方提醒：您的借款额度将调整，点击 http://t.example.top/a1 查看，拒收请回复TD",
    "【信用中心】尊敬的用户，您有一笔20万元备用金待领取，逾期作废，回1领取",
    "您的专属额度已提升至150000元，最快3分钟到账，戳 dk.example.vip/x 领取，退订回T",
    "温馨提示：您的预授信额度300000元即将失效，请尽快确认，回复2办理",
    "【贷款中心】您已获得20万元贷款额度，年化低至3.6%，回复数字1专人联系",
    "系统通知：您的借款资格已通过审核，可借8.8万元，请登录 jk.example.cc 提现",
    "尊敬的客户，您的信用良好，获批最高50万信用贷款，无抵押无担保，详询13800000000",
    "您的账户有一笔可提现额度￥56,000，今日24点前有效，点击 x.example.xyz 提取",
    "【官方】您的额度到账提醒：96,500元已准备就绪，点击链接领取 http://q.example.top/9",
    "恭喜！您被选为优质客户，享有120000元免息额度，回复Y开通，拒收回R",
    "您好，您的备用金额度已恢复，可用88000元，立即提现：m.example.club/k",
    "提醒：您在我平台的借款额度已调整为60000元，今日可提，退订回T",
    "您的经营贷额度98万已审批，当天放款，利率低，致电13900000000李经理",
    "急用钱？身份证就能借，5分钟到账，最高20万，加微信 daikuan888",
    "黑户白户都能下款，不看征信，额度3-50万，联系微信 kuaidai99",
    "【尊享金融】您有一份未领取的68000元授信，截止今晚，点击领取 f.example.icu/u",
    "通知：您2026年度信用额度200000元已到账，逾期将收回，请回复1确认使用",
    "您的借钱额度即将清零！最后一天，点此激活 http://j.example.cc/q ，拒收请回复R",
    "无需抵押，凭公积金可贷30万，月息4厘，当天放款，回复1咨询，退订T",
    "Your credit limit of 398,000 yuan expires on March 15. Reply 1 to activate it now.",
    (
        "Official reminder: your borrowing quota will be adjusted, click http://t.example.top/a1. "
        "Reply TD to refuse"
    ),
    (
        "Congratulations! You are pre-approved for a $25,000 personal loan. No credit check. "
        "Apply at http://loan.example.top"
    ),
    "Your loan of $5,000 is approved and waiting. Tap http://c.example.xyz/p to withdraw today",
    "Need cash fast? Borrow up to 10,000 with no collateral. Text YES to 800555",
    "Final notice: your cash advance limit of 8,000 lapses tonight, reply 1 to draw it",
)
"""Loans and credit limits offered to strangers under a name that says nothing: held or rejected."""

REMINDERS: Final = (
    "【江岸银行】您尾号1234的信用卡本期账单5,280.16元，最低还款528.02元，到期还款日11月25日。",
    "【江岸银行】您尾号5521的贷款本期应还3,120.55元，还款日为11月20日，请确保扣款账户余额充足。",
    "【江岸银行】提醒：您的住房贷款将于11月20日从尾号8890账户扣款6,012.33元，请提前存入足额资金。",
    "【江岸银行】您尾号1234的信用卡本期账单已逾期，请尽快还款，以免影响您的个人征信。如已还款请忽略。",
    "【江岸银行】您本月个人消费贷款还款1,866.00元已成功，剩余期数11期。",
    "【江岸银行】您的信用卡自动还款未成功，欠款余额1,024.00元，请于11月28日前存入。客服95000",
    "Jiang'an Bank: your card ending 1234 statement is CNY 5,280.16, due 25 Nov. Minimum 528.02.",
    "Jiang'an Bank: loan payment of 3,120.55 will be debited on 20 Nov from account ending 8890.",
)
"""What a bank reminds its own customers of: allowed for a licensed sender."""

OFFERS: Final = (
    "【青禾书店】会员日全场图书八折，满100减20，仅限本周末，详询400-820-8820，拒收请回复R",
    "【青禾书店】您收藏的《山海经》到货啦，会员价39元，门店及小程序有售，客服400-820-8820，退订回T",
    "【悦动健身】秋季年卡限时优惠，老会员续卡立减300元，咨询021-55556666，拒收请回复R",
    "【小满茶饮】新品桂花乌龙上市，第二杯半价，凭短信到店享用，客服400-111-2222，退订回T",
    "【安居家电】双十一冰箱洗衣机满3000减400，送货上门，咨询400-600-7788，拒收请回复R",
    (
        "【Qinghe Books】Members' day: 20% off all books this weekend. Call 400-820-8820. "
        "Reply STOP to opt out"
    ),
)
"""Wanted offers with proper form."""

CODES: Final = (
    "【{shop}】验证码{code}，{n}分钟内有效，请勿泄露给他人。",
    "【{shop}】您的验证码是{code}，如非本人操作，请忽略本短信。",
    "【{shop}】{code}（登录验证码），请在{n}分钟内输入，切勿告知他人。",
    "【{shop}】您正在修改登录密码，验证码：{code}，{n}分钟内有效。",
    "【{shop}】您正在进行支付，金额{sum}元，动态码{code}，请勿告诉任何人。",
    "【{shop}】注册验证码为{code}，欢迎使用{shop}。",
    "【{shop}】您正在更换绑定手机，校验码{code}，工作人员不会向您索要。",
    "【{shop}】身份验证：{code} 为您的动态密码，仅用于本次交易。",
    "【{shop}】尊敬的{name}，您正在申请退款，验证码{code}，有效期{n}分钟。",
    "{code}是您的{shop}验证码，{n}分钟内有效。【{shop}】",
    "[{shop}] Your verification code is {code}. It expires in {n} minutes. Do not share it.",
    "{code} is your {shop} login code. Never share it with anyone.",
    "Use {code} as your one-time password for {shop}. Valid for {n} minutes.",
)
"""Templates of verification codes."""

NOTICES: Final = (
    "【{bank}】您尾号{tail}的账户{month}月{day}日{time}支出人民币{sum}元，余额{rest}元。",
    "【{bank}】您尾号{tail}的储蓄卡{month}月{day}日{time}入账工资{rest}元，活期余额{rest}元。",
    "【{bank}】您尾号{tail}的信用卡消费{sum}元，可用额度{rest}元。如有疑问请致电95000。",
    "【{bank}】您尾号{tail}信用卡{month}月账单{rest}元，到期还款日{month}月{day}日。",
    "【{bank}】您的账户于{month}月{day}日{time}在新设备登录，如非本人操作请致电95000。",
    "【{bank}】您的定期存款将于{month}月{day}日到期，请留意账户。",
    "【{shop}】您的订单{long}已发货，由顺运快递承运，运单号{long}。",
    "【顺运快递】您的快件{long}已到达{place}驿站，取件码{n}-{code}，请及时领取。",
    "【顺运快递】您的包裹正在派送，快递员{name}，电话138{long}，请保持电话畅通。",
    "【{shop}】您预约的{month}月{day}日{time}到店服务已确认，地址：{place}。",
    "【云川航空】{name}您好，您乘坐的{month}月{day}日YC{tail}航班预计{time}起飞，请提前到达机场。",
    "【云川航空】您预订的YC{tail}航班因天气原因延误，预计{time}起飞，给您带来不便敬请谅解。",
    "【铁路出行】您购买的{month}月{day}日G{tail}次车票，{n}车12A号，{time}开，祝您旅途愉快。",
    "【{place}供电】您户号{long}的电费余额{sum}元，请及时交费，以免影响用电。",
    "【{place}自来水】您{month}月用水{n}吨，水费{sum}元，请于{day}日前缴纳。",
    "【{place}市医院】{name}您好，您预约的{month}月{day}日{time}内科门诊，请提前30分钟取号。",
    "【{place}中学】家长您好，本周五{time}召开家长会，请准时参加。",
    "【{shop}】您的退款{sum}元已原路退回，预计{n}个工作日到账。",
    "【物业服务】尊敬的业主，{month}月{day}日{time}至18:00停水检修，请提前储水。",
    "【云通讯】您{month}月话费{sum}元，账户余额{rest}元，已为您自动缴费。",
    "{bank}: your account ending {tail} was debited CNY {sum} on {day}/{month} at {time}.",
    "{bank}: card ending {tail} purchase of {sum} at {shop}. Call 95000 if this was not you.",
    "Your parcel {long} is out for delivery today between {time} and 18:00. {shop}",
    "Reminder: your appointment at {place} clinic is on {day}/{month} at {time}.",
    "Flight YC{tail} on {day}/{month} now departs at {time} from gate {n}. We are sorry.",
)
"""Templates of notices: banks, parcels, travel, public services."""

_SHOPS: Final = ("青禾书店", "悦动健身", "小满茶饮", "安居家电", "云川出行", "Qinghe", "蓝鲸社区")
_BANKS: Final = ("江岸银行", "长河银行", "Jiang'an Bank", "南屏农商银行")
_NAMES: Final = ("王女士", "李先生", "张伟", "陈晓明", "欧阳女士", "赵")
_PLACES: Final = ("江岸", "南屏", "青山路", "滨江花园", "东湖", "White Lake")


def rendered(templates: tuple[str, ...], count: int, seed: int) -> list[str]:
    """Return `count` renderings of the templates, all different as far as they can be."""
    chance = random.Random(seed)
    return [_one(templates[i % len(templates)], chance) for i in range(count)]


def _one(template: str, chance: random.Random) -> str:
    return template.format(
        shop=chance.choice(_SHOPS),
        bank=chance.choice(_BANKS),
        name=chance.choice(_NAMES),
        place=chance.choice(_PLACES),
        code=str(chance.randrange(10 ** (size := chance.choice((4, 6))))).zfill(size),
        n=chance.choice((2, 3, 5, 10, 15)),
        sum=f"{chance.randrange(1, 900)}.{chance.randrange(100):02}",
        rest=f"{chance.randrange(1, 90)},{chance.randrange(1000):03}.{chance.randrange(100):02}",
        tail=f"{chance.randrange(10_000):04}",
        month=chance.randrange(1, 13),
        day=chance.randrange(1, 29),
        time=f"{chance.randrange(8, 22):02}:{chance.choice((0, 15, 30, 45)):02}",
        long=str(chance.randrange(10**7, 10**8)),
    )
