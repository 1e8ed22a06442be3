"""Asking receivers, in the operator's own words, whether they agreed to what somebody says.

Who is asked is chosen where consents are opened (waiting.py). Here a question becomes a message of
the operator from its service port, in one commit with its attempt: sent once or, after a crash,
unsure; never twice. "Never" voids the import (voiding.py) and refuses the sender's marketing, as
the question says; an answer that is neither goes to the review desk; silence is counted and means
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from assent.clock import Clock
from assent.flow.answered import Answered
from assent.flow.desk import Desk
from assent.flow.invitations import HOURS
from assent.flow.matters import Note
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.own_words import OwnWords, hour_of
from assent.flow.waiting import CHANNEL
from assent.policy.answering import folded
from assent.policy.decide import Verdict
from assent.policy.worth import Audits as Rules

TEXT: Final = (
    "{name}称您曾同意接收其短信（{kinds}）。同意过请回复1；从未同意请回复2，"
    "其营销短信将不再发送给您。不回复不代表同意。"
)
KIND: Final = "consent_audit"
"""What the review desk calls an unclear answer."""
YES: Final = frozenset({"1", "是", "是的", "同意", "同意过", "YES"})
NEVER: Final = frozenset(
    {"2", "从未", "从未同意", "从来没有", "没有", "没同意", "没有同意", "没同意过", "没有同意过",
     "我没同意", "我没有同意", "从没同意", "不是", "NEVER"}
)  # fmt: skip
_LEAST_S: Final = 86_400.0
"""So long an answer is waited for, however late the question could be sent."""
_AT_ONCE: Final = 100
_WIDE: Final = {ord("１"): "1", ord("２"): "2"}
_UNCLEAR: Final = Note(
    "audit_answer", "somebody was asked whether she agreed, and answered neither yes nor never",
    "受访者被询问是否同意过，其答复不明确",
)  # fmt: skip


def meaning(text: str) -> str:
    """Return what an answer to the question says: `yes`, `never`, or `unclear`."""
    said = folded(text.translate(_WIDE)).removesuffix("谢谢").rstrip(" ,，。")
    if said in YES:
        return "yes"
    return "never" if said in NEVER else "unclear"


class Auditor:
    """Sends the questions. Part of what the process does that sends confirmations."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        own_words: OwnWords,
        rules: Rules,
    ) -> None:
        self._store = store
        self._clock = clock
        self._own_words = own_words
        self._rules = rules

    async def step(self) -> int:
        """Send what is due; return how many were looked at. Nobody is asked at night."""
        now = self._clock.now()
        if not HOURS[0] <= hour_of(now) < HOURS[1]:
            return 0
        rows = await self._store.fetch("audits_due", utc(now), _AT_ONCE)
        if rows:
            await self._send(rows)
        return len(rows)

    async def _send(self, rows: list[Any]) -> None:
        async def mark(tx: Transaction, judged: Judged) -> bool:
            return await self._mark(tx, rows, judged)

        variables = {
            "name": [row["legal_name"] for row in rows], "kinds": [row["kinds"] for row in rows]
        }  # fmt: skip
        await self._own_words.send([row["person_id"] for row in rows], TEXT, variables, mark)

    async def _mark(self, tx: Transaction, rows: list[Any], judged: Judged) -> bool:
        """Tie the questions to their messages; False, with nothing written, if another process was
        quicker or the import was voided meanwhile."""
        held = await tx.fetch("audits_hold", [row["id"] for row in rows])
        if len(held) != len(rows):
            return False
        now = self._clock.now()
        ids, verdicts = judged.message_ids.tolist(), judged.verdict.tolist()
        for row, message, verdict in zip(rows, ids, verdicts, strict=True):
            if verdict != Verdict.ALLOW:
                await tx.execute("audit_unroutable", row["id"])
                continue
            # The same moment for everybody who was chosen together, unless that is too soon.
            until = row["due_at"].timestamp() + self._rules.answer_hours * 3_600.0
            until = max(until, now + min(_LEAST_S, self._rules.answer_hours * 3_600.0))
            await tx.execute("audit_sent", row["id"], message, utc(now), utc(until))
        return True


class AuditAnswers:
    """What people answer."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self._store = store
        self._desk = desk

    async def denied(self, person: int, text: str, now: float) -> tuple[int, ...]:
        """Return the group whose question a text answers with "never": she refuses it, too."""
        if meaning(text) != "never":
            return ()
        rows = await self._store.fetch("audits_open", [person], utc(now))
        return (rows[0]["group_id"],) if rows else ()

    async def take(self, tx: Transaction, answers: Sequence[Answered], now: float) -> set[int]:
        """Keep answers, in the transaction that stores the replies; return whose answer was to this
        question in so many words, and so to no other. What follows from a "never" is done at once
        after it: that needs other locks."""
        clear = set()
        people = list({one.person for one in answers})
        rows = await tx.fetch("audits_open", people, utc(now)) if people else []
        latest = {row["person_id"]: row for row in reversed(rows)}
        for one in answers:
            row = latest.pop(one.person, None)
            if row is None:
                continue
            said = meaning(one.text)
            if said == "unclear" and one.refused:
                said = "refused"
            if said in ("yes", "never"):
                clear.add(one.person)
            args = (row["id"], said, utc(now), one.reply_id or None)
            if await tx.fetchval("audit_answered", *args) is None:
                continue
            if said == "unclear":
                await self._desk.open(tx, KIND, row["id"], at=now, reasons=[_UNCLEAR])
            await tx.execute("notify", CHANNEL, "")
        return clear
