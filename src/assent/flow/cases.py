"""Cases as staff work on them: opened, assigned, written in, acted in, closed (docs/cases.md).

A case is about a sender, an account or one port. Whatever is done in it is a row that is never
changed, and stands in the record of acts.
"""

from __future__ import annotations

from typing import Any, Final, Literal, Protocol

from assent.errors import Conflict, NotFound
from assent.flow import case_records
from assent.flow.case_acts import Acts
from assent.flow.case_effects import Effects, Restricting, asked_of
from assent.flow.case_opening import WORKS, Opening, check_scope
from assent.flow.case_related import related
from assent.flow.case_requests import (
    CaseAct,
    CaseAssign,
    CaseOpen,
    CaseRests,
    CaseWords,
    RecordsRequest,
)
from assent.flow.case_rows import Case, Parts, Step, check_open
from assent.flow.case_shown import Shown
from assent.flow.case_words import statement
from assent.flow.needs import Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, keep_act
from assent.policy.ladder import Ladder

LOOKS: Final = (*WORKS, "audit")
_LAST: Final = (1 << 63) - 1


Label = Literal["", "right", "wrong"]


class Alarming(Protocol):
    """Keeps alarms (alarms.py)."""

    async def take_up(self, tx: Transaction, alarm: int) -> None:
        """A case is about it from now on."""

    async def close(self, tx: Transaction, alarm: int, label: Label = "") -> None:
        """The case about it was closed."""


class Cases:
    """The room of staff. `restrictions`: how traffic is stopped. `alarms`: what opens cases."""

    def __init__(self, parts: Parts, restrictions: Restricting, alarms: Alarming) -> None:
        self.parts = parts
        self.alarms = alarms
        self.effects = Effects(parts, restrictions)
        self.acts = Acts(parts, self.effects)
        self.shown = Shown(parts)
        self.opening = Opening(parts)

    # Opening ---------------------------------------------------------------------------------

    async def open(self, caller: Caller, request: CaseOpen) -> dict[str, Any]:
        """Open a case. Raises NotFound for whom it is about, Conflict `case_open` where there is
        one, which it names."""
        check_scope(self.parts, caller, "enforce")
        async with self.parts.store.transaction() as tx:
            number = await self.opening.open(tx, caller, request)
        return await self.show(caller, number)

    async def request(self, caller: Caller, request: RecordsRequest) -> dict[str, Any]:
        """Take in a lawful request for records; nothing leaves before a second person agreed."""
        check_scope(self.parts, caller, "enforce")
        async with self.parts.store.transaction() as tx:
            number = await case_records.begin(tx, self.parts, caller, request)
            await self.parts.settle(tx, number)
        return await self.show(caller, number)

    async def rest(self, caller: Caller, number: int, request: CaseRests) -> dict[str, Any]:
        """Add what a case rests on, by reference."""
        check_scope(self.parts, caller, "enforce")
        async with self.parts.store.transaction() as tx:
            case = await self.parts.hold(tx, number)
            check_open(case)
            await self.opening.rest(tx, number, request.evidence)
            told = [f"{one.kind}/{one.id}" for one in request.evidence]
            await self.parts.say(tx, number, "evidence", caller=caller, details={"added": told})
        return await self.show(caller, number)

    # Looking ---------------------------------------------------------------------------------

    async def list(
        self, caller: Caller, kind: str | None = None, state: str | None = None,
        mine: bool = False, late: bool = False, cursor: int = 0, limit: int = 100,
    ) -> dict[str, Any]:  # fmt: skip
        """Return cases, newest first: to staff all, to a customer those that it was told of."""
        if not self.parts.is_staff(caller):
            return await self.shown.of_customer(caller, cursor, limit)
        check_scope(self.parts, caller, *LOOKS)
        owner = (caller.actor_id or 0) if mine else None
        before = utc(self.parts.clock.now()) if late else None
        rows = await self.parts.store.fetch(
            "cases_list", cursor or _LAST, kind, state, owner, before, limit
        )
        return {
            "items": [self.shown.short(row) for row in rows],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }

    async def show(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return a case: to staff with everything, to its customer with what it was told."""
        store = self.parts.store
        if not self.parts.is_staff(caller):
            return await self.shown.to_customer(caller, number)
        check_scope(self.parts, caller, *LOOKS)
        case = await self.parts.load(store, number)
        works = not caller.scopes.isdisjoint(WORKS)
        told = await self.shown.inside(store, case, words=works)
        if case.row["kind"] == "records":
            await self._looked(caller, number)
        if case.row["kind"] == "enforcement":
            whom = tuple(case.row[name] for name in ("sender_id", "account_id", "port_id",
                                                      "entity_id"))  # fmt: skip
            at = self.parts.clock.now()
            found = await related(store, self.parts.ladder, number, whom, at)
            told["related"] = [one.told() for one in found]
        return told

    async def _looked(self, caller: Caller, number: int) -> None:
        """Write down that somebody looked at a request for records."""
        at = self.parts.clock.now()
        async with self.parts.store.transaction() as tx:
            await keep_act(tx, caller, at, "case.look", f"case/{number}", {}, {})

    # Writing ---------------------------------------------------------------------------------

    async def assign(self, caller: Caller, number: int, request: CaseAssign) -> dict[str, Any]:
        """Give a case to a person of the staff, or say how grave it is."""
        check_scope(self.parts, caller, "enforce")
        async with self.parts.store.transaction() as tx:
            case = await self.parts.hold(tx, number)
            check_open(case, case.row["kind"])
            await self._not_own(tx, caller, case)
            owner = None if request.owner is None else int(request.owner)
            known = owner is None or (owner < 1 << 31 and await tx.fetchval("case_owner", owner))
            if not known:
                raise NotFound(
                    "no_actor", "nobody of the staff has this id", field="owner",
                    mend="see GET /v1/team",
                )  # fmt: skip
            severity = request.severity or case.row["severity"]
            details = {"owner": owner, "severity": severity}
            await self.parts.say(tx, number, "assign", caller=caller, details=details)
            await self.parts.settle(tx, number, owner_id=owner, severity=severity)
        return await self.show(caller, number)

    async def note(self, caller: Caller, number: int, request: CaseWords) -> dict[str, Any]:
        """Write something down that only staff see."""
        return await self._write(caller, number, "note", request.words)

    async def message(self, caller: Caller, number: int, request: CaseWords) -> dict[str, Any]:
        """Write to the customer, who can answer."""
        return await self._write(caller, number, "message", request.words)

    async def _write(self, caller: Caller, number: int, action: str, words: str) -> dict[str, Any]:
        check_scope(self.parts, caller, *WORKS)
        async with self.parts.store.transaction() as tx:
            case = await self.parts.hold(tx, number)
            check_open(case, case.row["kind"] if action == "note" else "enforcement")
            await self._not_own(tx, caller, case)
            await self.parts.say(tx, number, action, caller=caller, words=words)
            if action == "message":
                await self.acts.tell(tx, case, *statement("message", {}, None))
        return await self.show(caller, number)

    # Acting ----------------------------------------------------------------------------------

    async def act(self, caller: Caller, number: int, request: CaseAct) -> dict[str, Any]:
        """Take a step of the ladder, or propose one that two must agree to."""
        check_scope(self.parts, caller, "enforce")
        rung = self.parts.ladder.step(request.step)
        async with self.parts.store.transaction() as tx:
            case = await self._at_work(tx, caller, number)
            await self.acts.take(tx, case, rung, asked_of(request), request.words, caller)
            await self.parts.settle(tx, number)
        return await self.show(caller, number)

    async def agree(self, caller: Caller, number: int, step: int) -> dict[str, Any]:
        """Agree to a step that somebody else proposed."""
        check_scope(self.parts, caller, "second_enforce")
        async with self.parts.store.transaction() as tx:
            case = await self._at_work(tx, caller, number, records=True)
            if case.row["kind"] == "records":
                await case_records.agree(tx, self.parts, case, _waiting(case, step), caller)
            else:
                await self.acts.agree(tx, case, _waiting(case, step), caller)
            await self.parts.settle(tx, number)
        return await self.show(caller, number)

    async def decline(
        self, caller: Caller, number: int, step: int, request: CaseWords
    ) -> dict[str, Any]:
        """Decline a step that was proposed; who proposed it takes it back so."""
        check_scope(self.parts, caller, *WORKS)
        async with self.parts.store.transaction() as tx:
            case = await self._at_work(tx, caller, number, records=True)
            proposal = _waiting(case, step)
            await self.parts.say(
                tx, number, proposal.action, "declined", caller=caller, of=step,
                words=request.words,
            )  # fmt: skip
            await self.parts.settle(tx, number)
        return await self.show(caller, number)

    async def lift(
        self, caller: Caller, number: int, step: int, request: CaseWords
    ) -> dict[str, Any]:
        """End a restriction or suspension: what was wrong is put right. What two agreed to is
        lifted by who may agree."""
        check_scope(self.parts, caller, *WORKS)
        async with self.parts.store.transaction() as tx:
            case = await self._at_work(tx, caller, number)
            found = case.step(step)
            rung = self.parts.ladder.step(found.action) if found.state == "done" else None
            if rung is None or rung.name not in ("restrict", "suspend"):
                raise Conflict(
                    "case_not_lifted", "only restrictions and suspensions are lifted",
                    field="step", rule="cases: lifting", mend="reverse it (POST …/decide)",
                )  # fmt: skip
            if rung.persons > 1:
                check_scope(self.parts, caller, "second_enforce")
            if found not in case.in_force():
                raise Conflict(
                    "case_not_in_force", "the step is not in force any more", field="step",
                    rule="cases: lifting", mend="see GET /v1/cases/ID",
                )  # fmt: skip
            await self.effects.undo(tx, case, found, caller)
            await self.parts.say(tx, number, "lift", caller=caller, of=step, words=request.words)
            en, zh = statement("lift", {}, None, of=rung.en, of_zh=rung.zh)
            await self.acts.tell(tx, case, en, zh)
            await self.parts.settle(tx, number)
        return await self.show(caller, number)

    async def close(self, caller: Caller, number: int, request: CaseWords) -> dict[str, Any]:
        """Close a case. What still stops traffic is lifted before, or the sender would stay stopped
        without anybody to ask; a port that was taken back stays so."""
        check_scope(self.parts, caller, "enforce")
        async with self.parts.store.transaction() as tx:
            case = await self.parts.hold(tx, number)
            check_open(case, case.row["kind"])
            await self._not_own(tx, caller, case)
            stopped = [one for one in case.in_force() if one.action in ("restrict", "suspend")]
            if stopped or case.proposals():
                raise Conflict(
                    "case_unfinished", "something of it is still in force or proposed",
                    field="id", rule="cases: states",
                    mend="lift or decline " + ", ".join(
                        str(one.id) for one in (*stopped, *case.proposals())
                    ),
                )  # fmt: skip
            await self.end(tx, case, "closed", caller, request.words)
        return await self.show(caller, number)

    async def end(
        self, tx: Transaction, case: Case, state: str, caller: Caller | None, words: str
    ) -> None:
        """Close a case, with what opened it."""
        at = utc(self.parts.clock.now())
        await self.parts.say(
            tx, case.id, "close", caller=caller, details={"state": state}, words=words
        )
        if case.told:
            await self.acts.tell(tx, case, *statement("close", {}, None))
        # What stands in the end was right; what was lifted may have been.
        label: Label = "right" if case.in_force() else "" if any(case.taken()) else "wrong"
        for one in await tx.fetch("case_evidence_of", case.id):
            if one["kind"] == "alarm":
                await self.alarms.close(tx, one["ref"], label)
        await self.parts.settle(tx, case.id, state=state, closed_at=at)

    async def tell_owner(self, tx: Transaction, case: Case, en: str, zh: str) -> None:
        """Write to whose case it is; to the administrators where it is nobody's."""
        tidings, operator = self.parts.tidings, self.parts.catalogue.operator
        if tidings is not None and operator is not None:
            await tidings.tell_one(
                tx, case.row["owner_id"], operator.id, (f"{zh} / Case {case.id}", f"{zh}\n{en}\n")
            )

    async def _at_work(
        self, tx: Transaction, caller: Caller, number: int, *, records: bool = False
    ) -> Case:
        case = await self.parts.hold(tx, number)
        check_open(case, case.row["kind"] if records else "enforcement")
        await self._not_own(tx, caller, case)
        return case

    async def _not_own(self, tx: Transaction, caller: Caller, case: Case) -> None:
        await check_not_own(tx, caller, case.row["account_id"], case.row["entity_id"])

    def ladder(self, caller: Caller) -> Ladder:
        """Return the ladder in force, for whoever may look."""
        check_scope(self.parts, caller, *LOOKS)
        return self.parts.ladder


def _waiting(case: Case, step: int) -> Step:
    found = case.step(step)
    if found not in case.proposals():
        raise Conflict(
            "case_not_proposed", "this does not wait for anybody", field="step",
            rule="cases: two persons", mend="see GET /v1/cases/ID",
        )  # fmt: skip
    return found


__all__ = ["LOOKS", "Cases", "check_scope"]
