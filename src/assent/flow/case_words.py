"""What customers are told of steps of a case, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from assent.registry.calendar import ZONE

_SAID: Final[Mapping[str, tuple[str, str]]] = {
    "notice": (
        "The platform looks into what is sent in your name; tell what you know of it{until}.",
        "平台正在核查以您名义发送的短信，请就此作出说明{until}。",
    ),
    "correct": (
        "You are ordered to correct what is wrong{until}. Tell in this case what you did.",
        "责令您限期改正{until}。请在本案中说明整改情况。",
    ),
    "warning": (
        "You are warned. What was found is kept, and counts if it happens again.",
        "予以警告。所查事实已记录在案，再次发生将从重处理。",
    ),
    "restrict": (
        "{stopped} for you{until}: what is queued waits. Everything else goes on.",
        "停止为您发送{stopped_zh}{until}：排队中的暂缓发送，其他短信不受影响。",
    ),
    "suspend": (
        "Nothing leaves for you: service is suspended. What is queued waits.",
        "暂停服务：不再为您发送任何短信，排队中的暂缓发送。",
    ),
    "fine": (
        "A fine of {currency} {amount} is recorded. The platform does not collect it.",
        "记录罚款 {currency} {amount} 元。平台仅作记录，不代为收取。",
    ),
    "revoke": (
        "These ports are taken back: {ports}. What waits for them ends, and its money is released.",
        "收回端口号：{ports}。排队中的短信终止，预留费用退回。",
    ),
    "lift": (
        "This measure has ended: {of}.",
        "以下措施已解除：{of_zh}。",
    ),
    "message": ("The platform wrote to you in a case.", "平台在案件中给您留言。"),
    "upheld": ("Your appeal was looked at by another person, and the step stands.",
               "您的申诉已由另一人员复核，原处理维持不变。"),
    "reversed": ("The step is reversed; what it did is put back.",
                 "原处理已撤销，相关措施已恢复。"),
    "close": ("The case is closed.", "案件已结案。"),
}  # fmt: skip


_KINDS: Final = {
    "marketing": ("marketing", "营销类短信"), "verification": ("codes", "验证码"),
    "notification": ("notices", "通知类短信"), "internal": ("messages to members", "内部短信"),
}  # fmt: skip


def _stopped(details: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a restriction stops: a port, or some purposes."""
    if "port" in details:
        return f"Nothing leaves from port {details['port']}", f"端口号 {details['port']} 的短信"
    found = [_KINDS[word] for word in details.get("purposes", ()) if word in _KINDS]
    en, zh = (word for word in zip(*found, strict=True)) if found else (("messages",), ("短信",))
    return f"No {' or '.join(en)} leave", "、".join(zh)


def statement(
    action: str, details: Mapping[str, Any], until: datetime | None, **more: str
) -> tuple[str, str]:
    """Return what a step says to the customer, English and Chinese."""
    en, zh = _SAID[action]
    day = "" if until is None else until.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
    words = {
        "amount": f"{details.get('amount', 0):,}",
        "currency": str(details.get("currency", "")),
        "stopped": _stopped(details)[0],
        "stopped_zh": _stopped(details)[1],
        "ports": ", ".join(sorted({str(one["number"]) for one in details.get("ports", ())})),
        **more,
    }
    return (
        en.format(until=f" until {day}" if day else "", **words),
        zh.format(until=f"（截至 {day}）" if day else "", **words),
    )


def mail(case: int, en: str, zh: str, appeal: str) -> tuple[str, str]:
    """Return the mail about a step. What was written stays in the case: it may name persons.
    `appeal`: until when it can be appealed, '' where it cannot."""
    ways = (
        f"如有异议，可在 {appeal} 前申诉：assent case appeal {case}。\n" if appeal else "",
        f" You may appeal until {appeal}: assent case appeal {case}." if appeal else "",
    )
    text = (
        f"案件编号 {case}：{zh}\n{ways[0]}查看与答复：assent case show {case}\n\n"
        f"Case {case}: {en}{ways[1]} See and answer: assent case show {case}"
        f" (GET /v1/cases/{case}).\n"
    )
    return f"案件 {case}：平台通知 / Case {case}", text
