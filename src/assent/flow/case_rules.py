"""What happens to cases by rule: alarms and complaints open them, dates move them on.

Run :meth:`CaseRules.step` now and then. Doing it again changes nothing; two processes that do it at
once open one case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from assent.errors import AssentError, Conflict
from assent.flow.case_rows import Case, Step, appeals
from assent.flow.cases import Cases
from assent.flow.needs import Transaction, utc
from assent.policy.ladder import FIRST, AlarmRule, ComplaintRule
from assent.policy.ladder import Step as Rung

_AT_ONCE: Final = 100
_TITLES: Final = {
    "alarm": "alarm: {what}",
    "complaint": "complaints of {what} people in {days} days",
}


class CaseRules:
    """Opens and moves on. `opened`, `moved`: how many since the start."""

    def __init__(self, cases: Cases) -> None:
        self._cases = cases
        self._parts = cases.parts
        self.opened = 0
        self.moved = 0
        self.last_error = ""

    async def step(self) -> int:
        """Do whatever is due; return how many cases were opened or moved. An error in one leaves
        the others as they would be (`last_error`)."""
        before = self.opened + self.moved
        await self._alarms()
        await self._again()
        await self._complaints()
        await self._dates()
        return self.opened + self.moved - before

    # Alarms ----------------------------------------------------------------------------------

    async def _alarms(self) -> None:
        for row in await self._parts.store.fetch("case_alarms", _AT_ONCE):
            rule = self._parts.ladder.on_alarm(row["detector"], row["severity"])
            if rule is None:
                continue
            try:
                await self._alarm(row, rule)
            except AssentError as error:
                self.last_error = error.code

    async def _alarm(self, row: Any, rule: AlarmRule) -> None:
        title = _TITLES["alarm"].format(what=row["detector"])
        async with self._parts.store.transaction() as tx:
            held = await tx.fetchrow("alarm_hold", row["id"])
            if held is None or held["state"] != "open":
                return
            await self._cases.alarms.take_up(tx, row["id"])
            for whom in await self._whom(tx, row):
                await self._open(
                    tx, "alarm", title, whom, row["severity"], rule, "alarm", [row["id"]]
                )

    async def _whom(self, tx: Transaction, row: Any) -> list[tuple[int | None, ...]]:
        """Return whom an alarm is about: its sender, or the port of it that it names, or each of
        the accounts."""
        if row["sender_id"] is not None:
            sender = await tx.fetchrow("case_sender", None, row["sender_id"])
            assert sender is not None, "the alarm refers to it"
            account = row["account_id"] or sender["account_id"]
            return [(sender["id"], account, row["port_id"], sender["entity_id"])]
        numbers = list(row["accounts"]) or [row["account_id"]]
        found: list[tuple[int | None, ...]] = []
        for number in numbers:
            account = None
            if number is not None:
                account = await tx.fetchrow("case_account", None, number)
            if account is not None and account["kind"] != "operator":
                found.append((None, account["id"], None, account["entity_id"]))
        return found

    async def _open(
        self, tx: Transaction, by: str, title: str, whom: tuple[int | None, ...], severity: int,
        rule: AlarmRule | ComplaintRule, kind: str, refs: Sequence[int],
    ) -> None:  # fmt: skip
        """Open a case, or bring the one that is open up to date; take its first steps."""
        number = await tx.fetchval("case_about", *whom[:3])
        if number is None:
            number = await self._cases.opening.begin(tx, by, title, whom, severity, None)
            if number is None:
                raise Conflict("case_open", "a case about the same was opened just now", field="id")
            self.opened += 1
        at = utc(self._parts.clock.now())
        await tx.execute("case_evidence_put", number, [kind] * len(refs), list(refs), at)
        case = await self._parts.hold(tx, number)
        if severity > case.row["severity"]:
            case = await self._parts.settle(tx, number, severity=severity)
            case = await self._parts.hold(tx, number)
        asked = {"purposes": [*rule.purposes]} if isinstance(rule, AlarmRule) else {}
        await self._first(tx, case, rule.first, asked if any(asked.values()) else {})
        await self._parts.settle(tx, number)

    async def _first(
        self, tx: Transaction, case: Case, first: Iterable[str], asked: Mapping[str, Any]
    ) -> None:
        """Take the first steps of a rule that were not taken yet: such as nobody waits with. What
        a person lifted or reversed is not imposed again by the same case; it is proposed."""
        for name in first:
            rung = self._parts.ladder.steps[name]
            taken = [one for one in case.steps if one.action == name and one.state == "done"]
            if not taken and name in FIRST:
                more = asked if name == "restrict" else {}
                await self._cases.acts.do(tx, case, rung, more, "", None)
            elif name == "restrict" and not any(one in case.in_force() for one in taken):
                await self._propose(tx, case, rung)

    async def _propose(self, tx: Transaction, case: Case, rung: Rung) -> None:
        last = [one.details for one in case.steps if one.action == rung.name]
        asked = {"purposes": last[-1]["purposes"]} if last and "purposes" in last[-1] else {}
        if any(one.action == rung.name for one in case.proposals()):
            return
        await self._cases.acts.propose(tx, case, rung, asked, "", None)
        await self._cases.tell_owner(
            tx, case, f"case {case.id}: there is a new alarm, {rung.en} is proposed",
            f"案件 {case.id}：出现新预警，建议{rung.zh}",
        )  # fmt: skip

    async def _again(self) -> None:
        """Propose to stop marketing anew where an alarm goes on after somebody let it go on."""
        rung = self._parts.ladder.steps.get("restrict")
        for row in await self._parts.store.fetch("case_alarms_again", _AT_ONCE):
            async with self._parts.store.transaction() as tx:
                case = await self._parts.hold(tx, row["case_id"])
                if rung is not None and case.row["state"] == "open":
                    await self._propose(tx, case, rung)
                    await self._parts.settle(tx, case.id)

    # Complaints ------------------------------------------------------------------------------

    async def _complaints(self) -> None:
        opening = self._parts.ladder.opening.complaints
        for days in sorted({rule.days for rule in opening}):
            least = min(rule.count for rule in opening if rule.days == days)
            since = utc(self._parts.clock.now() - days * 86_400)
            rows = await self._parts.store.fetch("case_complaints", since, least, _AT_ONCE)
            for row in rows:
                try:
                    await self._complained(row, days)
                except AssentError as error:
                    self.last_error = error.code

    async def _complained(self, row: Any, days: int) -> None:
        people = row["people"]
        rule = self._parts.ladder.on_complaints(days, people, int(row["submitted"]))
        if rule is None:
            return
        title = _TITLES["complaint"].format(what=people, days=days)
        async with self._parts.store.transaction() as tx:
            sender = await tx.fetchrow("case_sender", None, row["sender_id"])
            assert sender is not None, "the complaints refer to it"
            whom = (sender["id"], sender["account_id"], None, sender["entity_id"])
            refs = list(row["complaints"])
            await self._open(tx, "complaint", title, whom, rule.severity, rule, "complaint", refs)

    # Dates -----------------------------------------------------------------------------------

    async def _dates(self) -> None:
        now = utc(self._parts.clock.now())
        for row in await self._parts.store.fetch("cases_due", now, _AT_ONCE):
            try:
                async with self._parts.store.transaction() as tx:
                    case = await self._parts.hold(tx, row["id"])
                    if case.row["state"] == "open":
                        await self._move_on(tx, case)
                        await self._parts.settle(tx, case.id)
                        self.moved += 1
            except AssentError as error:
                self.last_error = error.code

    async def _move_on(self, tx: Transaction, case: Case) -> None:
        now = utc(self._parts.clock.now())
        for step in case.in_force():
            waits = case.appeal(step) is not None and case.verdict(step) is None
            over = step.until is not None and step.until <= now
            if over and not waits and not case.followed(step):
                await self._over(tx, case, step)
        for one in [*case.proposals(), *appeals(case)]:
            if one.until is not None and one.until <= now and not case.followed(one):
                await self._late(tx, case, one)

    async def _over(self, tx: Transaction, case: Case, step: Step) -> None:
        """The days of a step are over: the next is done where the rule lets that happen by itself
        and nobody has answered meanwhile, else proposed; without a next one its owner is told."""
        ladder = self._parts.ladder
        rung = ladder.steps.get(step.action)
        then = None if rung is None else ladder.steps.get(rung.then)
        done = {one.action for one in case.taken()}
        if step.action == "restrict":  # it was for some days, and they are over
            await self._cases.effects.undo(tx, case, step, None)
            await self._parts.say(tx, case.id, "lift", of=step.id, details={"after": step.id})
            return
        if rung is None or then is None or then.name in done:
            await self._late(tx, case, step)
            return
        if rung.by_itself and not case.answered(step):
            await self._cases.acts.do(tx, case, then, {}, "", None, after=step)
        else:
            await self._cases.acts.propose(tx, case, then, {}, "", None, after=step)
            await self._cases.tell_owner(
                tx, case, f"case {case.id}: {then.en} is proposed, the days of {rung.en} are over",
                f"案件 {case.id}：{rung.zh}期限已过，建议{then.zh}",
            )  # fmt: skip

    async def _late(self, tx: Transaction, case: Case, step: Step) -> None:
        """Remind whose case it is, once."""
        await self._parts.say(tx, case.id, "reminder", of=step.id, details={"after": step.id})
        await self._cases.tell_owner(
            tx, case, f"case {case.id}: {step.action} waits, its days are over",
            f"案件 {case.id}：有事项已逾期",
        )  # fmt: skip


__all__ = ["CaseRules"]
