"""Taking steps of the ladder: what is done at once, what a second person has to agree to, and the
same by rule, without anybody. Everything runs in the transaction of who asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow.case_effects import Effects
from assent.flow.case_rows import Case, Parts, Step, among, person
from assent.flow.case_words import mail, statement
from assent.flow.needs import Transaction
from assent.flow.requests import Caller
from assent.policy.ladder import Step as Rung
from assent.registry.calendar import ZONE

_ONCE: Final = frozenset({"restrict", "suspend"})


class Acts:
    """Takes steps. See docs/cases.md."""

    def __init__(self, parts: Parts, effects: Effects) -> None:
        self._parts = parts
        self._effects = effects

    def check(self, case: Case, rung: Rung, asked: Mapping[str, Any]) -> None:
        """Raise where a step may not be taken now: Conflict for what it needs before it, and for
        what is in force already; InvalidInput for what it lacks."""
        ladder = self._parts.ladder
        done = {one.action for one in case.taken()}
        if not ladder.allowed(rung, done, case.row["severity"], case.row["start"]):
            raise Conflict(
                "case_step_needs", f"before {rung.name} comes {rung.needs}", field="step",
                rule=rung.rules[0] if rung.rules else "cases: steps",
                mend=f"take {rung.needs} first; a case of severity {rung.at_once} needs none"
                if rung.at_once < 4 else f"take {rung.needs} first",
            )  # fmt: skip
        if rung.name in _ONCE and any(one.action == rung.name for one in case.in_force()):
            raise Conflict(
                "case_in_force", f"{rung.name} is in force already", field="step",
                rule="cases: steps", mend="lift it first, or take another step",
            )  # fmt: skip
        if any(one.action == rung.name for one in case.proposals()):
            raise Conflict(
                "case_proposed", f"{rung.name} is proposed already", field="step",
                rule="cases: two persons", mend="agree to it, or decline it",
            )  # fmt: skip
        if rung.name == "fine":
            if "amount" not in asked:
                raise _lacks("amount", "a fine has an amount")
            ladder.check_fine(int(asked["amount"]))
        if rung.name == "revoke" and case.row["port_id"] is None and not asked.get("ports"):
            raise _lacks("ports", "which ports are taken back is not said")

    async def take(
        self, tx: Transaction, case: Case, rung: Rung, asked: Mapping[str, Any], words: str,
        caller: Caller | None, after: Step | None = None,
    ) -> int:  # fmt: skip
        """Do a step or, where two persons must agree, propose it; return the row. `after`: whose
        days were over."""
        self.check(case, rung, asked)
        if rung.persons > 1:
            return await self.propose(tx, case, rung, asked, words, caller, after)
        return await self.do(tx, case, rung, asked, words, caller, after=after)

    async def propose(
        self, tx: Transaction, case: Case, rung: Rung, asked: Mapping[str, Any], words: str,
        caller: Caller | None, after: Step | None = None,
    ) -> int:  # fmt: skip
        """Have people agree to a step: two where the ladder wants two, one where the platform
        itself proposes it."""
        details = dict(asked) | ({"after": after.id} if after is not None else {})
        until = self._parts.working(self._parts.ladder.agree_days)
        return await self._parts.say(
            tx, case.id, rung.name, "proposed", caller=caller, rule=_rule(rung), details=details,
            until=until, words=words,
        )  # fmt: skip

    async def do(
        self, tx: Transaction, case: Case, rung: Rung, asked: Mapping[str, Any], words: str,
        caller: Caller | None, *, of: int | None = None, after: Step | None = None,
    ) -> int:  # fmt: skip
        """Do a step now, and tell the customer."""
        parts = self._parts
        asked = {name: value for name, value in asked.items() if name != "after"}
        if rung.name == "fine":
            fine = parts.ladder.check_fine(int(asked["amount"]))
            asked |= {"currency": fine.currency, "country": parts.ladder.country}
        details = await self._effects.do(tx, case, rung, asked, caller)
        if after is not None:
            details["after"] = after.id
        until = parts.working(int(asked.get("days") or rung.days))
        step = await parts.say(
            tx, case.id, rung.name, caller=caller, of=of, rule=_rule(rung), details=details,
            until=until, words=words,
        )  # fmt: skip
        en, zh = statement(rung.name, details, until)
        term = parts.working(parts.ladder.appeal.days) if rung.appealable else None
        day = "" if term is None else term.astimezone(ZONE).strftime("%Y-%m-%d")
        await self.tell(tx, case, en, zh, day)
        return step

    async def tell(self, tx: Transaction, case: Case, en: str, zh: str, appeal: str = "") -> None:
        """Write to the people of the customer."""
        if self._parts.tidings is not None and case.row["account_id"] is not None:
            await self._parts.tidings.tell(
                tx, case.row["account_id"], mail(case.id, en, zh, appeal)
            )

    # Two persons -----------------------------------------------------------------------------

    async def agree(self, tx: Transaction, case: Case, proposal: Step, caller: Caller) -> bool:
        """Agree to what another person proposed; return whether that was enough, and it is done."""
        rung = self._parts.ladder.step(proposal.action)
        who = person(caller)
        said = [proposal, *case.of(proposal, "agreed")]
        if among(who, said):
            raise NotAllowed(
                "same_person", "you agreed already; another person must agree as well",
                field="Authorization", rule="cases: two persons",
                mend="have a colleague look at it",
            )  # fmt: skip
        await self._parts.say(
            tx, case.id, rung.name, "agreed", caller=caller, of=proposal.id, rule=_rule(rung)
        )
        if sum(one.who is not None for one in said) + 1 < rung.persons:
            return False
        asked = dict(proposal.details)
        after = asked.pop("after", None)
        left = Case(case.row, [one for one in case.steps if one.id != proposal.id])
        self.check(left, rung, asked)
        words = self._parts.words(proposal)
        step = next((one for one in case.steps if one.id == after), None)
        await self.do(tx, case, rung, asked, words, caller, of=proposal.id, after=step)
        return True


def who_acted(case: Case, step: Step) -> list[Step]:
    """Return the rows of those who took a step: it, its proposal, and who agreed."""
    found = [step]
    if step.of is not None:
        proposal = case.step(step.of)
        found += [proposal, *case.of(proposal, "agreed")]
    return found


def _rule(rung: Rung) -> str:
    return ", ".join(rung.rules)


def _lacks(field: str, why: str) -> InvalidInput:
    return InvalidInput("case_lacks", why, field=field, rule="cases: steps", mend=f"give {field}")
