"""The words of statistics, in English and Chinese."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from assent.numbers import Name
from assent.screen.categories import BY_CODE

Pair = tuple[str, str]
Words = Callable[[str], Pair]

ALL: Final = ("all", "合计")
_UNKNOWN: Final = ("not known", "未知")

_FAMILIES: Final[dict[str, Pair]] = {
    "lending": ("loans and financing", "贷款融资"), "wealth": ("wealth management", "投资理财"),
    "insurance": ("insurance", "保险"), "collection": ("debt collection", "催收"),
    "retail": ("goods and shops", "零售"), "telecom": ("telecommunication services", "通信服务"),
    "education": ("education", "教育培训"), "other_offers": ("other offers", "其他商业推广"),
    "illegal": ("suspected to be illegal", "涉嫌违法"), "service": ("services", "服务类"),
    "reported": ("as reported, of no kind of ours", "举报方自定类别"),
    "": ("no category told", "未分类"),
}  # fmt: skip
_NATURES: Final[dict[str, Pair]] = {
    "commercial": ("commercial", "商业营销"), "illegal": _FAMILIES["illegal"],
    "service": _FAMILIES["service"], "reported": _FAMILIES["reported"], "": _FAMILIES[""],
}  # fmt: skip
_CARRIERS: Final[dict[str, Pair]] = {
    "mobile": ("China Mobile", "中国移动"), "unicom": ("China Unicom", "中国联通"),
    "telecom": ("China Telecom", "中国电信"), "broadnet": ("China Broadnet", "中国广电"),
    "virtual": ("virtual operators", "虚拟运营商"),
}  # fmt: skip
_SOURCES: Final[dict[str, Pair]] = {
    "receiver": ("receivers' page", "接收人页面"), "telephone": ("call centre", "客服电话"),
    "reply": ("replies", "短信回复"), "carrier": ("carriers' files", "运营商工单"),
    "12321": ("12321 referrals", "12321转办"), "api": ("API", "接口"),
}  # fmt: skip
_TABLES: Final[dict[str, Pair]] = {
    "summary": ("Summary", "概览"),
    "type": ("Port type and point to point", "端口类与点对点"),
    "category": ("Categories", "内容类别"), "family": ("Kinds of offers", "业务类型"),
    "nature": ("Commercial and suspected illegal", "商业营销与涉嫌违法"),
    "port": ("Ports with most complaints", "被投诉端口排名"),
    "sender": ("Senders with most complaints", "被投诉发送方排名"),
    "brand": ("Brands", "品牌排名"), "province": ("Provinces", "省份"),
    "carrier": ("Carriers", "运营商"),
    "province_carrier": ("Provinces and carriers", "省份与运营商"),
    "source": ("Sources", "投诉来源"), "answer": ("Time to answer", "答复时长"),
    "published": ("As published", "已公布数据"),
}  # fmt: skip
_MEASURES: Final[dict[str, Pair]] = {
    "n": ("complaints", "投诉量"), "share": ("%", "占比%"), "low": ("% from", "下限%"),
    "high": ("% to", "上限%"), "per_100m": ("per 100 M messages", "每亿条投诉量"),
    "per_million": ("per million users", "百万用户投诉量"), "rank": ("rank", "排名"),
    "change": ("change", "变化"), "answered": ("answered", "已答复"), "open": ("open", "未答复"),
    "overdue": ("overdue", "超期未答复"), "late": ("answered late", "超期答复"),
    "median_h": ("median, hours", "中位时长（小时）"),
    "p90_h": ("90 % within, hours", "90%答复时长（小时）"),
    "in_time": ("% in time", "按时答复率%"), "complaints": ("complaints", "投诉量"),
    "port": ("port type", "端口类"), "point": ("point to point", "点对点"),
    "matched": ("matched to what we sent", "与本平台匹配"),
    "not_ours": ("not ours", "非本平台"), "messages": ("messages accepted", "受理短信量"),
    "users": ("users", "用户数"), "per_100m_low": ("per 100 M, from", "每亿条下限"),
    "per_100m_high": ("per 100 M, to", "每亿条上限"),
    "per_million_low": ("per million, from", "百万用户下限"),
    "per_million_high": ("per million, to", "百万用户上限"),
    "left_out": ("not ranked", "未列入排名"), "name": ("name", "名称"), "key": ("key", "代码"),
    "period": ("period", "时期"), "measure": ("measure", "指标"), "part": ("part", "项目"),
    "value": ("published", "公布值"), "here": ("here", "本平台"), "unit": ("unit", "单位"),
    "source": ("source", "出处"), "doubt": ("doubts", "存疑"),
}  # fmt: skip
_CHANGES: Final[dict[str, Pair]] = {
    "new": ("new", "新进"), "out": ("out", "退出"), "up": ("up", "上升"), "down": ("down", "下降"),
    "same": ("same", "持平"),
}  # fmt: skip
LANGUAGES: Final = ("en", "zh")


def in_language(pair: Pair, language: str) -> str:
    """Return the words in `en` or `zh`."""
    return pair[LANGUAGES.index(language)]


def category(key: str) -> Pair:
    """Return a category's words; a reported one's are its own."""
    known = BY_CODE.get(key)
    if known is not None:
        return known.en, known.zh
    return (key, key) if key else _FAMILIES[""]


def family(key: str) -> Pair:
    """Return a family's words, or a category's."""
    return _FAMILIES.get(key) or category(key)


def nature(key: str) -> Pair:
    """Return the words of commercial, illegal, service."""
    return _NATURES[key]


def carrier(key: str) -> Pair:
    """Return a carrier's words."""
    return _CARRIERS.get(key, (key, key)) if key else _UNKNOWN


def source(key: str) -> Pair:
    """Return the words of where complaints come from."""
    return _SOURCES.get(key, (key, key))


def kind(key: str) -> Pair:
    """Return the words of `port` and `point`."""
    return _MEASURES[key]


def province(place: int, names: Sequence[Name]) -> Pair:
    """Return a province's words."""
    if not 0 < place < len(names):
        return _UNKNOWN
    return names[place].en or names[place].zh, names[place].zh


def table(name: str) -> Pair:
    """Return a table's title; that of `brand:wealth` names the family."""
    first, _, inside = name.partition(":")
    pair = _TABLES[first]
    if not inside:
        return pair
    told = family(inside)
    return f"{pair[0]}: {told[0]}", f"{pair[1]}：{told[1]}"


def measure(name: str) -> Pair:
    """Return a measure's words."""
    return _MEASURES[name]


def change(name: str) -> Pair:
    """Return the words of what became of a place."""
    return _CHANGES[name]
