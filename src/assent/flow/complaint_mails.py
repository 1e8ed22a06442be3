"""What is mailed about complaints: reminders to the operator, and what is passed on to customers.
Neither numbers nor words of anybody stand in a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

_SHOWN: Final = 20
_ABOUT: Final = {
    "forward": ("待转达（3 个工作日内）", "to be passed on within 3 working days"),
    "answer": ("待答复（15 个工作日内）", "to be answered within 15 working days"),
    "late": ("已超过答复期限", "not answered in time"),
}


def reminder(about: Mapping[str, Sequence[int]]) -> tuple[str, str]:
    """Complaints by what must be done about them: subject and text."""
    lines = []
    for word, ids in about.items():
        zh, en = _ABOUT[word]
        some = ", ".join(str(one) for one in sorted(ids)[:_SHOWN])
        more = "" if len(ids) <= _SHOWN else " …"
        lines.append(f"{zh} / {en}: {len(ids)}\n    {some}{more}")
    return (
        "投诉待处理 / Complaints wait",
        "以下投诉需要处理（assent complaint list --overdue）：\n"
        "These complaints wait for you (assent complaint list --overdue):\n\n" + "\n".join(lines),
    )


def passed_on(complaint: int, due: str) -> tuple[str, str]:
    """A complaint is passed on to the customer it concerns: subject and text."""
    return (
        f"收到投诉 {complaint} / Complaint {complaint}",
        (
            f"有接收者投诉了您的短信（投诉 {complaint}），请在 {due} 前答复："
            f"assent complaint show {complaint}；assent complaint answer {complaint}\n\n"
            f"A receiver complained about your messages (complaint {complaint}). Please answer it "
            f"by {due}: assent complaint show {complaint}; assent complaint answer {complaint}\n"
        ),
    )
