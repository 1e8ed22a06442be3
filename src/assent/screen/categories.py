"""The closed list of what a text can be. A code never changes its meaning; new ones are appended.

Which purpose a category serves, and which licences let a sender write such texts, is the default of
the packaged rules; an operator's rules may be stricter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assent.message import Purpose
from assent.screen.finding import Licence

__all__ = ["BY_CODE", "CATEGORIES", "Category", "Nature"]

Nature = str
"""`service` (lawful by itself), `commercial` (an offer: needs consent), `restricted` (an offer that
needs a licence), `harmful` (nobody's to send)."""


@dataclass(frozen=True, slots=True)
class Category:
    """One kind of text. `licences`: any of them lets a sender write it (restricted ones)."""

    code: str
    nature: Nature
    purpose: Purpose
    en: str
    zh: str
    licences: frozenset[Licence] = frozenset()


def _row(
    code: str, nature: Nature, purpose: Purpose, en: str, zh: str, *licences: Licence
) -> Category:
    return Category(code, nature, purpose, en, zh, frozenset(licences))


_V, _N, _M, _I = Purpose.VERIFICATION, Purpose.NOTIFICATION, Purpose.MARKETING, Purpose.INTERNAL

CATEGORIES: Final = (
    _row("code", "service", _V, "verification code", "验证码"),
    _row("bank_notice", "service", _N, "a bank's notice to its customer", "银行账户通知"),
    _row("repayment_reminder", "service", _N, "a lender's own reminder", "本机构还款提醒"),
    _row("carrier_notice", "service", _N, "a carrier's notice", "运营商业务通知"),
    _row("carrier_news", "service", _N, "a carrier's bulletin", "运营商资讯"),
    _row("parcel_notice", "service", _N, "a parcel's notice", "快递通知"),
    _row("travel_notice", "service", _N, "tickets and travel", "出行通知"),
    _row("public_notice", "service", _N, "a public body's notice", "政务通知"),
    _row("notice", "service", _N, "another notice of a service", "其他服务通知"),
    _row("internal", "service", _I, "an organisation to its members", "内部通知"),
    _row("personal", "service", _N, "one person to another", "个人短信"),
    _row("retail", "commercial", _M, "goods and shops", "零售促销"),
    _row("telecom_offer", "commercial", _M, "carriers' and network offers", "通信业务推广"),
    _row("real_estate", "commercial", _M, "houses and rents", "房产推广"),
    _row("vehicle", "commercial", _M, "cars, also used ones", "汽车推广"),
    _row("education", "commercial", _M, "courses and schools", "教育培训推广"),
    _row("recruitment", "commercial", _M, "jobs", "招聘"),
    _row("service_offer", "commercial", _M, "other services", "其他服务推广"),
    _row("advert", "commercial", _M, "another offer", "其他商业推广"),
    _row("loan", "restricted", _M, "loans and financing", "贷款融资", "lending", "finance"),
    _row("credit_bait", "restricted", _M, "credit-limit bait", "额度诱导", "lending", "finance"),
    _row("collection", "restricted", _N, "debt collection", "催收", "lending", "collection"),
    _row("wealth", "restricted", _M, "wealth and stocks", "理财荐股", "securities", "finance"),
    _row("insurance", "restricted", _M, "insurance", "保险推广", "insurance", "finance"),
    _row("medical", "restricted", _M, "treatment and medicines", "医疗推广", "medical"),
    _row("lottery", "restricted", _M, "state lotteries", "彩票", "lottery"),
    _row("gambling", "harmful", _M, "gambling", "赌博"),
    _row("papers", "harmful", _M, "invoices, papers, seals for sale", "代开发票、办证刻章"),
    _row("adult", "harmful", _M, "adult", "色情"),
    _row("phishing_bank", "harmful", _N, "false bank", "仿冒银行"),
    _row("phishing_carrier", "harmful", _N, "false carrier", "仿冒运营商"),
    _row("phishing_parcel", "harmful", _N, "false parcel service", "仿冒快递"),
    _row("phishing_government", "harmful", _N, "false public body", "仿冒政府机关"),
    _row("phishing_account", "harmful", _N, "another false account notice", "其他仿冒账户通知"),
    _row("transfer_fraud", "harmful", _N, "pay to this account", "汇款诈骗"),
    _row("prize_fraud", "harmful", _M, "false prize", "中奖诈骗"),
    _row("job_fraud", "harmful", _M, "part-time bait", "刷单兼职诈骗"),
    _row("disaster_fraud", "harmful", _M, "fraud with epidemics, disasters", "疫情灾害诈骗"),
    _row("investment_fraud", "harmful", _M, "false investment", "投资诈骗"),
    _row("fraud", "harmful", _M, "another fraud", "其他诈骗"),
    _row("politics", "harmful", _M, "politics and rumours", "政治谣言"),
    _row("harassment", "harmful", _V, "harassment, also by codes", "骚扰"),
    _row("other", "service", _N, "words of none of these kinds", "其他内容"),
)

BY_CODE: Final = {category.code: category for category in CATEGORIES}
