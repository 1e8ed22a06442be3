"""Words for the table and the report, English and Chinese."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from assent.policy.reasons import BY_CODE

ORDERS: Final[dict[str, tuple[str, str]]] = {
    "morning": ("Mall, this morning (for the caps)", "海棠商城 早间活动"),
    "first": ("Mall, first campaign", "海棠商城 第一次活动"),
    "announced": ("Market, waiting in the queue meanwhile", "海棠生活 排队中的预告"),
    "second": ("Market (same group), second campaign", "海棠生活（同集团）第二次活动"),
    "readers": ("Bookshop (another group)", "云帆书店（其他集团）活动"),
    "verification": ("Verification codes", "验证码"),
    "notification": ("Service notices to people who refused", "发给拒收者的服务通知"),
    "system": ("Confirmations of refusals", "退订回执"),
}

PROMISES: Final[tuple[tuple[str, str, str], ...]] = (
    ("sign-up", "a mail proves who signs up; it lends no name", "注册须经邮件验证，不得冒名发送"),
    ("standing", "no marketing without consent", "未经同意不发营销短信"),
    ("silence after the confirmation", "none after a confirmed refusal", "退订确认后不再打扰"),
    ("confirmed exactly once", "every refusal confirmed exactly once", "每次退订只确认一次"),
    ("another sender", "other senders still reach them", "其他发送方不受影响"),
    ("every verification", "every code arrives", "验证码全部送达运营商"),
    ("every notification", "every notice arrives", "服务通知全部送达运营商"),
    ("never twice", "no marketing message twice", "营销短信不重复"),
    ("cap", "caps held", "频次不超限"),
    ("quiet hours", "only in the hours that are allowed", "只在允许时段发送"),
    ("only what was ordered", "nobody gets what was not ordered", "无订单外短信"),
    ("accounted for", "every accepted message accounted for", "每条短信都有下落"),
    ("money", "money exact", "账目分毫不差"),
)
"""(how a difference begins, words, words): what the run checks."""


def reason(code: str) -> tuple[str, str]:
    """Return a reason's words."""
    found = BY_CODE.get(code)
    return (found.en, found.zh) if found else (code, code)


def order(name: str) -> tuple[str, str]:
    """Return an order's words."""
    return ORDERS.get(name, (name, name))


def in_order(names: Iterable[str]) -> list[str]:
    """Return orders as the story tells them; others last."""
    known = list(ORDERS)
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def verdicts(differences: list[str]) -> list[tuple[str, str, bool]]:
    """Return (English, Chinese, kept) of every promise, and of what is not in the list."""
    rows = [
        (en, zh, not any(line.startswith(start) for line in differences))
        for start, en, zh in PROMISES
    ]
    starts = tuple(start for start, _, _ in PROMISES)
    others = [line for line in differences if not line.startswith(starts)]
    return [*rows, ("records and books agree", "记录与账簿一致", not others)]
