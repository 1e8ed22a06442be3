"""What of cases leaves the platform: the text of a public notice, and entries for credit files.

Companies are named, people never: a sole trader's name is a person's, so its code stands alone.
Only what is final is published: nobody appealed in time, or another person upheld it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from assent.errors import Conflict, InvalidInput
from assent.flow.case_rows import Case, Parts, Step, check_open
from assent.flow.case_shown import appeal_until
from assent.flow.exports import csv_table
from assent.flow.needs import Store, utc
from assent.policy.ladder import Ladder
from assent.registry.calendar import day_of

FIELDS: Final = (
    "case", "entry", "taken_on", "name", "credit_code", "measure", "measure_zh", "rule", "amount",
    "currency", "ports", "state", "appealed", "final", "ended_on", "ladder",
)  # fmt: skip
"""The fields of an entry for a credit file, in this order (docs/cases.md)."""
MOST: Final = 10_000


def final(parts: Parts, case: Case, step: Step) -> bool:
    """Tell whether a step stands for good: upheld, or not appealed in time."""
    verdict = case.verdict(step)
    if verdict is not None:
        return verdict.state == "upheld"
    if case.appeal(step) is not None:
        return False
    return bool(utc(parts.clock.now()) > appeal_until(parts, step))


def notice(parts: Parts, case: Case) -> dict[str, Any]:
    """Return the text of a public notice about a case, Chinese and English. Raises Conflict where
    nothing of it is final, or nothing is made public by rule."""
    if case.row["state"] == "open":
        check_open(case)
    ladder = parts.ladder
    steps = [
        one for one in case.taken()
        if one.action in ladder.steps and ladder.steps[one.action].public
        and final(parts, case, one)
    ]  # fmt: skip
    if case.row["kind"] != "enforcement" or not steps:
        raise Conflict(
            "case_not_public", "nothing of this case may be published yet", field="id",
            rule="CN-16", mend="wait until the days to appeal are over or the appeal is decided",
        )  # fmt: skip
    row = case.row
    name, code = named(
        row["entity_name"] or row["legal_name"], row["entity_code"] or row["credit_code"],
        row["entity_kind"],
    )  # fmt: skip
    lines = [_line(ladder, one) for one in steps]
    zh = "\n".join(f"{place}. {line[1]}" for place, line in enumerate(lines, start=1))
    en = "\n".join(f"{place}. {line[0]}" for place, line in enumerate(lines, start=1))
    whom_zh = f"{name}（统一社会信用代码 {code}）" if name else f"统一社会信用代码为 {code} 的主体"
    whom_en = f"{name} (credit code {code})" if name else f"the holder of credit code {code}"
    return {
        "case": str(case.id), "name": name, "credit_code": code,
        "zh": f"公告\n\n{whom_zh}在短信息发送中违反规定，平台依规作出以下处理：\n{zh}\n",
        "en": f"Public notice\n\nAgainst {whom_en}, who broke the rules for sending messages, the"
        f" platform took these steps:\n{en}\n",
    }  # fmt: skip


def named(name: str | None, code: str | None, kind: str | None) -> tuple[str, str]:
    """Return name and code as they may stand in public: a sole trader without its name."""
    known = kind in ("company", "public_body", "organisation", "foreign")
    return (name or "") if known else "", code or ""


def _line(ladder: Ladder, step: Step) -> tuple[str, str]:
    rung = ladder.steps[step.action]
    day = day_of(step.at.timestamp()).isoformat()
    more_en = more_zh = ""
    if step.action == "fine":
        amount = f"{step.details['currency']} {step.details['amount']:,}"
        more_en, more_zh = f" of {amount}", f" {amount}"
    elif step.action == "revoke":
        ports = ", ".join(_ports(step.details))
        more_en, more_zh = f": {ports}", f"：{ports}"
    return (
        f"{day}: {rung.en}{more_en} (rule {step.rule})",
        f"{day}：{rung.zh}{more_zh}（依据 {step.rule}）",
    )


def _ports(details: Mapping[str, Any]) -> list[str]:
    return sorted({one["number"] for one in details.get("ports", ())})


class Credit:
    """Entries for credit files."""

    def __init__(self, store: Store, parts: Parts) -> None:
        self._store = store
        self._parts = parts

    async def entries(self, since: datetime, to: datetime) -> dict[str, Any]:
        """Return an entry for each public step that was taken in a time. Raises InvalidInput
        `case_credit_much` for more than ten thousand of them."""
        public = [step.name for step in self._parts.ladder.steps.values() if step.public]
        rows = await self._store.fetch("case_credit", public, since, to, MOST + 1)
        if len(rows) > MOST:
            raise InvalidInput(
                "case_credit_much",
                f"there are more than {MOST} entries",
                field="to",
                mend="ask for less",
            )
        return {"fields": list(FIELDS), "items": [self._entry(row) for row in rows]}

    async def table(self, since: datetime, to: datetime) -> bytes:
        """Return the same as CSV."""
        items = (await self.entries(since, to))["items"]
        cells = ([_plain(one[name]) for name in FIELDS] for one in items)
        return csv_table(FIELDS, cells).encode()

    def _entry(self, row: Any) -> dict[str, Any]:
        rung = self._parts.ladder.steps[row["action"]]
        details = json.loads(row["details"])
        name, code = named(row["name"], row["code"], row["entity_kind"])
        ended = row["reversed_at"] or row["lifted_at"]
        state = "reversed" if row["reversed_at"] else "lifted" if row["lifted_at"] else "in_force"
        closes = self._parts.calendar.after(row["at"].timestamp(), self._parts.ladder.appeal.days)
        over = self._parts.clock.now() > closes
        is_final = state != "reversed" and not row["appealed"] and (over or row["upheld"])
        return {
            "case": str(row["case_id"]), "entry": str(row["id"]), "taken_on": _day(row["at"]),
            "name": name, "credit_code": code, "measure": rung.name, "measure_zh": rung.zh,
            "rule": row["rule"], "amount": details.get("amount"),
            "currency": details.get("currency"), "ports": _ports(details), "state": state,
            "appealed": row["appealed"], "final": is_final,
            "ended_on": None if ended is None else _day(ended), "ladder": row["ladder"],
        }  # fmt: skip


def _day(at: datetime) -> str:
    return day_of(at.timestamp()).isoformat()


def _plain(value: Any) -> Any:
    return " ".join(value) if isinstance(value, list) else value
