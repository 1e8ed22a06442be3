"""Who was dealt with before, in this company or another: cases that are joined to a new one by the
same sender or entity, a person, telephone, address or payer, a group of orders, a text.

What relates is shown with its reason. What of it lets a case begin further up is the ladder's
(policy/ladder.py, `Repeat`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.flow.needs import Queries, utc
from assent.policy.ladder import Ladder

_WORDS: Final = {
    "same": ("the same sender, account or company", "同一发送方、账户或主体"),
    "person": ("the same person stands behind both", "同一人员"),
    "phone": ("the same telephone", "同一联系电话"),
    "address": ("the same address", "同一地址"),
    "payer": ("the same payer", "同一付款人"),
    "group": ("members of one group of orders", "同属一个行动一致的团伙"),
    "text": ("near-duplicate texts", "文案近似"),
    "refused_text": ("near-duplicates of a text that was turned down", "与已驳回文案近似"),
}


@dataclass(frozen=True, slots=True)
class Related:
    """Another case, and over what it is related."""

    row: Any

    @property
    def over(self) -> list[str]:
        """Kinds of what both have."""
        return list(self.row["over"])

    def told(self) -> dict[str, Any]:
        """Return it for staff."""
        row = self.row
        whys = [_WORDS.get(one, (f"the same {one}", f"同一 {one}")) for one in self.over]
        return {
            "case": str(row["id"]), "title": row["title"], "state": row["state"],
            "step": row["step"], "severity": row["severity"], "sender": row["credit_code"],
            "sender_name": row["legal_name"], "account": row["account"],
            "opened_at": row["opened_at"], "steps": list(row["actions"]), "over": self.over,
            "why_en": "; ".join(en for en, _ in whys), "why_zh": "；".join(zh for _, zh in whys),
        }  # fmt: skip


async def related(
    queries: Queries, ladder: Ladder, number: int, whom: Sequence[int | None], at: float
) -> list[Related]:
    """Return cases related to whom (sender, account, port, entity) a case is about, newest first,
    at most a hundred. `number`: the case itself, 0 before it is one."""
    sender, account, _, entity = whom
    rule = ladder.repeat
    rows = await queries.fetch(
        "case_related", number, sender, account, entity, list(rule.over), rule.shared_by
    )
    since = utc(at - rule.days * 86_400)
    return [Related(row) for row in rows if row["opened_at"] >= since]


def start_of(ladder: Ladder, known: Sequence[Related], at: float) -> tuple[str, list[Any]]:
    """Return the step at which a new case may begin ('': at the first), and because of what."""
    rule = ladder.repeat
    counted = [
        one for one in known
        if {"same", *rule.over} & set(one.over)
        and any(ladder.place(step) >= ladder.place(rule.start) for step in one.row["actions"])
    ]  # fmt: skip
    start = ""
    for one in counted:
        step = rule.same if "same" in one.over else rule.related
        if ladder.place(step) > ladder.place(start):
            start = step
    return start, [{"case": one.row["id"], "over": one.over} for one in counted[:20]]
