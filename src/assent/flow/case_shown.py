"""Cases as they are shown: to staff with everything, to a customer with what it was told.

A customer sees no evidence, no note, no proposal and no title: those may tell who complained.
"""

from __future__ import annotations

from typing import Any, Final

from assent.flow.case_rows import WHOM, Case, Parts, Step, no_case
from assent.flow.case_words import statement
from assent.flow.needs import Queries, utc
from assent.flow.requests import Caller
from assent.policy.ladder import STEPS

_LAST: Final = (1 << 63) - 1
_LETTERS: Final = frozenset({"message", "answer"})
TOLD: Final = (*STEPS, "message")


class Shown:
    """Reads."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    # Staff -----------------------------------------------------------------------------------

    def short(self, row: Any) -> dict[str, Any]:
        """Return a case in short."""
        due = row["due_at"]
        late = row["state"] == "open" and due is not None
        late = late and due < utc(self._parts.clock.now())
        return {
            "id": str(row["id"]), "kind": row["kind"], "title": row["title"],
            "opened_by": row["opened_by"], "severity": row["severity"], "state": row["state"],
            "step": row["step"], "start": row["start"], "owner": row["owner"],
            "opened_at": row["opened_at"], "due_at": due, "late": late,
            "closed_at": row["closed_at"], **_whom(row),
        }  # fmt: skip

    async def inside(self, queries: Queries, case: Case, *, words: bool) -> dict[str, Any]:
        """Return a case as staff see it; `words`: with what was written, which auditors do not
        need."""
        evidence = await queries.fetch("case_evidence_of", case.id)
        told = self.short(case.row) | {
            "ladder": case.row["ladder"],
            "steps": [self._inside(one, words) for one in case.steps],
            "waiting": [str(one.id) for one in case.proposals()],
            "in_force": [str(one.id) for one in case.in_force()],
            "evidence": [
                {"kind": one["kind"], "id": str(one["ref"]), "at": one["at"]} for one in evidence
            ],
        }
        if case.row["kind"] == "enforcement" and case.row["state"] == "open":
            told["possible"] = self._possible(case)
        return told

    def _inside(self, step: Step, words: bool) -> dict[str, Any]:
        return {
            "id": str(step.id), "action": step.action, "state": step.state, "at": step.at,
            "of": None if step.of is None else str(step.of), "until": step.until,
            "rule": step.rule, "by": self._by(step), "details": step.details,
            "words": self._parts.words(step) if words else "",
        }  # fmt: skip

    @staticmethod
    def _by(step: Step) -> str:
        if step.who is not None:
            return step.actor or f"key {step.who[0]}"
        return "rule" if step.account_id is None else "customer"

    def _possible(self, case: Case) -> list[str]:
        """Return the steps that could be taken now, by what they need before them."""
        ladder = self._parts.ladder
        done = {one.action for one in case.taken()}
        row = case.row
        return [
            name for name, rung in ladder.steps.items()
            if ladder.allowed(rung, done, row["severity"], row["start"])
        ]  # fmt: skip

    # The customer ----------------------------------------------------------------------------

    async def of_customer(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return the cases of an account that it was told of."""
        if caller.sandbox:
            return {"items": [], "cursor": None}
        rows = await self._parts.store.fetch(
            "cases_of_account", caller.account_id, cursor or _LAST, list(TOLD), limit
        )
        return {
            "items": [_outside(row) for row in rows],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }

    async def to_customer(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return a case that an account was told of. Raises NotFound for any other."""
        case = await self._parts.load(self._parts.store, number)
        check_theirs(caller, case)
        return _outside(case.row) | {
            "steps": [
                self._step(case, one) for one in case.steps
                if one.action in STEPS and one.state == "done"
            ],
            "letters": [
                {"id": str(one.id), "at": one.at, "words": self._parts.words(one),
                 "from": "you" if one.action == "answer" else "platform"}
                for one in case.steps if one.action in _LETTERS
            ],
        }  # fmt: skip

    def _step(self, case: Case, step: Step) -> dict[str, Any]:
        """Return a step as the customer is told of it, with what became of it."""
        rung = self._parts.ladder.steps.get(step.action)
        en, zh = statement(step.action, step.details, step.until)
        lifted, verdict = case.lifted(step), case.verdict(step)
        told = {
            "id": str(step.id), "step": step.action, "at": step.at, "until": step.until,
            "rule": step.rule, "en": en, "zh": zh, "words": self._parts.words(step),
            "appeal_until": None, "appeal": None,
            "lifted_at": None if lifted is None else lifted.at,
            "reversed_at": None,
        }  # fmt: skip
        if rung is not None and rung.appealable:
            told["appeal_until"] = appeal_until(self._parts, step)
        appeal = case.appeal(step)
        if appeal is not None:
            told["appeal"] = {"at": appeal.at, "words": self._parts.words(appeal),
                              "state": "open" if verdict is None else verdict.state}  # fmt: skip
        if verdict is not None:
            told["reversed_at"] = verdict.at if verdict.state == "reversed" else None
            answer_en, answer_zh = statement(verdict.state, {}, None)
            told["decision"] = {"at": verdict.at, "words": self._parts.words(verdict),
                                "en": answer_en, "zh": answer_zh}  # fmt: skip
        return told


def appeal_until(parts: Parts, step: Step) -> Any:
    """Return until when a step can be appealed."""
    return utc(parts.calendar.after(step.at.timestamp(), parts.ladder.appeal.days))


def check_theirs(caller: Caller, case: Case) -> None:
    """Raise NotFound unless a case is one of an account's that it was told of."""
    theirs = case.row["kind"] == "enforcement" and case.row["account_id"] == caller.account_id
    if caller.sandbox or not theirs or not case.told:
        raise no_case()


def _whom(row: Any) -> dict[str, Any]:
    about = next((name for name in ("port_id", *WHOM) if row[name] is not None), "")
    return {
        "about": about.removesuffix("_id"),
        "sender": row["credit_code"], "sender_name": row["legal_name"], "account": row["account"],
        "port": row["port"],
    }  # fmt: skip


def _outside(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]), "state": row["state"], "step": row["step"],
        "opened_at": row["opened_at"], "closed_at": row["closed_at"], **_whom(row),
    }  # fmt: skip


__all__ = ["TOLD", "Shown", "appeal_until", "check_theirs"]
