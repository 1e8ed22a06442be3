"""What customers say in a case, and what another person decides about it."""

from __future__ import annotations

from typing import Any

from assent.errors import Conflict, NotAllowed
from assent.flow.case_acts import who_acted
from assent.flow.case_requests import CaseAppeal, CaseDecision, CaseWords
from assent.flow.case_rows import Case, Step, among, check_open, person
from assent.flow.case_shown import appeal_until, check_theirs
from assent.flow.case_words import statement
from assent.flow.cases import Cases, check_scope
from assent.flow.needs import Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own
from assent.policy.ladder import STEPS


class Appeals:
    """Answers, appeals and decisions, over the same cases."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._parts = cases.parts

    # Customers -------------------------------------------------------------------------------

    async def answer(self, caller: Caller, number: int, request: CaseWords) -> dict[str, Any]:
        """Keep a customer's words in a case of its own. Raises NotFound for another's."""
        async with self._parts.store.transaction() as tx:
            case = await self._theirs(tx, caller, number)
            await self._parts.say(tx, number, "answer", caller=caller, words=request.words)
            await self._tell_owner(tx, case)
        return await self._cases.show(caller, number)

    async def appeal(self, caller: Caller, number: int, request: CaseAppeal) -> dict[str, Any]:
        """Appeal against a step, once, within its days; another person than who took it decides.
        What the step does goes on meanwhile; its date does not pass."""
        async with self._parts.store.transaction() as tx:
            case = await self._theirs(tx, caller, number)
            step = case.named(request.step)
            self._check_appeal(case, step)
            until = self._parts.working(self._parts.ladder.appeal.decide_days)
            await self._parts.say(
                tx, number, "appeal", "appealed", caller=caller, of=step.id, until=until,
                words=request.words,
            )  # fmt: skip
            await self._tell_owner(tx, case)
            await self._parts.settle(tx, number)
        return await self._cases.show(caller, number)

    def _check_appeal(self, case: Case, step: Step) -> None:
        rung = self._parts.ladder.steps.get(step.action)
        if step not in list(case.taken()) or rung is None or not rung.appealable:
            raise Conflict(
                "case_not_appealable", "this step cannot be appealed", field="step",
                rule="cases: appeals", mend="answer in the case (POST …/answer)",
            )  # fmt: skip
        if case.appeal(step) is not None or case.verdict(step) is not None:
            raise Conflict(
                "case_appealed", "this step was appealed already", field="step",
                rule="cases: appeals", mend="wait for the decision; each can be appealed once",
            )  # fmt: skip
        if utc(self._parts.clock.now()) > appeal_until(self._parts, step):
            raise Conflict(
                "case_appeal_late", "the days to appeal are over", field="step",
                rule="cases: appeals", mend="answer in the case (POST …/answer)",
            )  # fmt: skip

    async def _theirs(self, tx: Transaction, caller: Caller, number: int) -> Case:
        case = await self._parts.hold(tx, number)
        check_theirs(caller, case)
        check_open(case)
        return case

    async def _tell_owner(self, tx: Transaction, case: Case) -> None:
        """Write to whose case it is."""
        await self._cases.tell_owner(
            tx, case, f"the customer wrote in case {case.id}", f"客户在案件 {case.id} 中留言"
        )

    # Staff -----------------------------------------------------------------------------------

    async def decide(self, caller: Caller, number: int, request: CaseDecision) -> dict[str, Any]:
        """Uphold or reverse a step. Who took it, or agreed to it, does not decide. A reversal puts
        back what the step did; where nothing stands after it the case ends as reversed."""
        check_scope(self._parts, caller, "second_enforce")
        async with self._parts.store.transaction() as tx:
            case = await self._parts.hold(tx, number)
            check_open(case)
            await check_not_own(tx, caller, case.row["account_id"], case.row["entity_id"])
            step = case.named(request.step)
            self._check_decision(case, step, caller, request.verdict)
            state = "upheld" if request.verdict == "uphold" else "reversed"
            if state == "reversed" and case.lifted(step) is None:
                await self._cases.effects.undo(tx, case, step, caller)
            await self._parts.say(
                tx, number, step.action, state, caller=caller, of=step.id, rule=step.rule,
                words=request.words,
            )  # fmt: skip
            await self._cases.acts.tell(tx, case, *statement(state, {}, None))
            case = await self._parts.settle(tx, number)
            if state == "reversed" and not any(case.taken()) and not case.proposals():
                await self._cases.end(tx, case, "reversed", caller, "")
        return await self._cases.show(caller, number)

    def _check_decision(self, case: Case, step: Step, caller: Caller, verdict: str) -> None:
        if step.action not in STEPS or step.state != "done" or case.verdict(step) is not None:
            raise Conflict(
                "case_decided", "there is nothing to decide about this step", field="step",
                rule="cases: appeals", mend="see GET /v1/cases/ID",
            )  # fmt: skip
        if verdict == "uphold" and case.appeal(step) is None:
            raise Conflict(
                "case_not_appealed", "nobody appealed against this step", field="step",
                rule="cases: appeals", mend="reverse it, or let it be",
            )  # fmt: skip
        if among(person(caller), who_acted(case, step)):
            raise NotAllowed(
                "same_person", "you took this step yourself", field="Authorization",
                rule="cases: appeals", mend="have a colleague decide who had no part in it",
            )  # fmt: skip
