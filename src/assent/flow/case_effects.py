"""What steps of a case do to traffic, and how that is put back.

A restriction is a fact that every commit of attempts looks for, so from the commit of a step on
nothing more leaves that it concerns: queued or leased, of a campaign or ordered just now.
Suspending and taking back change the standing of sender, account or port, and impose a restriction
beside it for the same reason: other processes learn of a standing a moment later.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from assent.errors import Conflict, InvalidInput
from assent.flow.case_requests import CaseAct
from assent.flow.case_rows import Case, Parts
from assent.flow.case_rows import Step as Row
from assent.flow.catalogue import CHANNEL
from assent.flow.needs import Transaction, utc
from assent.flow.requests import Caller
from assent.flow.restricted import Scope
from assent.policy.ladder import Step, mask
from assent.registry.calendar import day_of
from assent.registry.ports import moved

_WORDS: Final = {
    "restrict": ("restricted in case {case}", "案件 {case} 中被限制"),
    "suspend": ("suspended in case {case}", "案件 {case} 中被暂停"),
    "revoke": ("the port was taken back in case {case}", "端口号已在案件 {case} 中收回"),
}
_STATUS: Final = {"sender": "case_sender_status", "account": "case_account_status"}
_MOVED: Final = (
    "status", "filing", "filing_reference", "filing_submitted_on", "filing_answered_on",
    "revoked_on", "cooling_until", "service_code",
)  # fmt: skip


class Restricting(Protocol):
    """Imposes and lifts restrictions (restrictions.py)."""

    async def impose(
        self, tx: Transaction, scope: Scope, effect: str, code: str, words: Mapping[str, str],
        source: str, source_id: int | None, since: float, until: float | None, step: int = 0,
    ) -> int:  # fmt: skip
        """Impose one from the commit of the transaction on; return its id."""

    async def lift(self, tx: Transaction, id_: int, by: str, at: float) -> Any:
        """Lift one. Raises Conflict where it was lifted or has ended."""


class Effects:
    """Does and undoes."""

    def __init__(self, parts: Parts, restrictions: Restricting) -> None:
        self._parts = parts
        self._restrictions = restrictions

    async def do(
        self, tx: Transaction, case: Case, step: Step, asked: Mapping[str, Any],
        caller: Caller | None,
    ) -> dict[str, Any]:  # fmt: skip
        """Do what a step means; return what has to be known to undo it, which names nobody."""
        if step.name == "restrict":
            return await self._restrict(tx, case, step, asked)
        if step.name == "suspend":
            return await self._suspend(tx, case, caller)
        if step.name == "revoke":
            return await self._revoke(tx, case, asked, caller)
        return dict(asked)

    async def undo(self, tx: Transaction, case: Case, step: Row, caller: Caller | None) -> None:
        """Put back what a step did. What was ended meanwhile stays ended."""
        for number in step.details.get("restrictions", ()):
            with contextlib.suppress(Conflict):  # it ended, or staff lifted it
                await self._restrictions.lift(tx, int(number), "case", self._parts.clock.now())
        if step.action == "suspend":
            await self._resume(tx, case, step, caller)
        elif step.action == "revoke":
            await self._give_back(tx, case, step, caller)

    # Restricting -----------------------------------------------------------------------------

    async def _restrict(
        self, tx: Transaction, case: Case, step: Step, asked: Mapping[str, Any]
    ) -> dict[str, Any]:
        until = None
        if asked.get("days"):
            until = self._parts.calendar.after(self._parts.clock.now(), int(asked["days"]))
        purposes = asked.get("purposes") or step.purposes
        scopes = self._scopes(case, step.of, mask(purposes))
        made = [await self._impose(tx, case, step.name, one, step.effect, until) for one in scopes]
        what = {"port": case.row["port"]} if case.row["port_id"] else {"purposes": [*purposes]}
        return {**asked, **what, "restrictions": made}

    async def _impose(
        self, tx: Transaction, case: Case, word: str, scope: Scope, effect: str,
        until: float | None = None,
    ) -> int:  # fmt: skip
        en, zh = _WORDS[word]
        words = {"en": en.format(case=case.id), "zh": zh.format(case=case.id)}
        return await self._restrictions.impose(
            tx,
            scope,
            effect,
            f"case_{word}",
            words,
            "case",
            case.id,
            self._parts.clock.now(),
            until,
        )

    def _scopes(self, case: Case, of: str = "sender", purposes: int = 0) -> list[Scope]:
        """Return whom a case is about: a port on each of its carriers, a sender or the group of its
        owner, or an account with its sub-accounts."""
        row = case.row
        if row["port_id"] is not None:
            ports = [
                port.id for port in self._parts.catalogue.ports.values()
                if (port.number, port.sender_id) == (row["port"], row["sender_id"])
            ] or [row["port_id"]]  # fmt: skip
            return [Scope(port_id=port) for port in sorted(ports)]  # it has one purpose
        if row["sender_id"] is not None:
            if of == "group":
                return [Scope(group_id=row["group_id"], purposes=purposes)]
            return [Scope(sender_id=row["sender_id"], purposes=purposes)]
        return [Scope(account_id=row["account_id"], purposes=purposes)]

    # Suspending ------------------------------------------------------------------------------

    async def _suspend(self, tx: Transaction, case: Case, caller: Caller | None) -> dict[str, Any]:
        made = [
            await self._impose(tx, case, "suspend", scope, "hold") for scope in self._scopes(case)
        ]
        row = case.row
        if row["port_id"] is not None:
            numbers = [row["port"]]
            ports = await self._move(tx, case, numbers, "suspend", caller)
            return {"what": "port", "id": row["port_id"], "ports": ports, "restrictions": made}
        what, number = _status_of(case)
        before = await tx.fetchval(_STATUS[what], number, "suspended")
        if before == "suspended":  # another case did: what it found is what there is to put back
            others = await tx.fetch("case_suspensions", what, number, case.id)
            before = _before(others[0]) if others else before
        elif before == "closed":
            raise Conflict(
                "case_nothing", f"the {what} is closed already", field="step", rule="cases: steps",
                mend="close the case",
            )  # fmt: skip
        await tx.execute("notify", CHANNEL, "")
        return {"what": what, "id": number, "before": before, "restrictions": made}

    async def _resume(self, tx: Transaction, case: Case, step: Row, caller: Caller | None) -> None:
        details = step.details
        if details["what"] == "port":
            await self._back(tx, case, details["ports"], "suspended", caller)
            return
        others = await tx.fetch("case_suspensions", details["what"], details["id"], case.id)
        if not others:
            await tx.fetchval(_STATUS[details["what"]], details["id"], details["before"])
        await tx.execute("notify", CHANNEL, "")

    # Taking ports back -----------------------------------------------------------------------

    async def _revoke(
        self, tx: Transaction, case: Case, asked: Mapping[str, Any], caller: Caller | None
    ) -> dict[str, Any]:
        numbers = [case.row["port"]] if case.row["port_id"] else list(asked.get("ports", ()))
        ports = await self._move(tx, case, numbers, "revoke", caller)
        made = [
            await self._impose(tx, case, "revoke", Scope(port_id=one["id"]), "reject")
            for one in ports
        ]
        return {"ports": ports, "restrictions": made}

    async def _move(
        self, tx: Transaction, case: Case, numbers: Sequence[str], step: str,
        caller: Caller | None,
    ) -> list[dict[str, Any]]:  # fmt: skip
        """Take a step with all ports of some numbers; return how each stood."""
        row, at = case.row, self._parts.clock.now()
        rows = await tx.fetch("case_ports", numbers, row["sender_id"], row["account_id"])
        missing = set(numbers) - {one["number"] for one in rows}
        if not numbers or missing:
            raise InvalidInput(
                "case_ports", "no port is named, or one that is not theirs", field="ports",
                rule="cases: steps", mend="name numbers of ports of whom the case is about",
            )  # fmt: skip
        stood: list[dict[str, Any]] = []
        for one in rows:
            if step == "revoke" and one["status"] in ("revoked", "cooling"):
                continue
            if step == "suspend" and one["status"] not in ("active", "paused"):
                continue
            status, filing = moved(one["status"], one["filing"], step)
            new = dict(one) | {"status": status, "filing": filing}
            if step == "revoke":
                new["revoked_on"] = day_of(at)
            await self._keep_port(tx, one, new, step, case, caller)
            stood.append({"id": one["id"], "number": one["number"], "carrier": one["carrier"],
                          "status": one["status"]})  # fmt: skip
        if not stood:
            raise Conflict(
                "case_nothing", "none of these ports is in use any more", field="ports",
                rule="cases: steps", mend="name others",
            )  # fmt: skip
        await tx.execute("notify", CHANNEL, "")
        return stood

    async def _give_back(
        self, tx: Transaction, case: Case, step: Row, caller: Caller | None
    ) -> None:
        await self._back(tx, case, step.details["ports"], "revoked", caller)

    async def _back(
        self, tx: Transaction, case: Case, ports: Sequence[Mapping[str, Any]], since: str,
        caller: Caller | None,
    ) -> None:  # fmt: skip
        """Put ports back as they stood; one that somebody else has by now stays away. Raises
        Conflict `case_recycled` where that is so of all of them."""
        stood = {one["id"]: one["status"] for one in ports}
        rows = await tx.fetch("case_ports_by_id", list(stood))
        back = 0
        for one in rows:
            if one["status"] not in (
                since,
                *(("cooling", "recycled") if since == "revoked" else ()),
            ):
                continue
            taken = await tx.fetchval("case_port_taken", one["number"], one["carrier"], one["id"])
            if one["status"] == "recycled" and taken:
                continue
            status = await _stood(tx, one["id"], stood[one["id"]])
            new = dict(one) | {"status": status, "revoked_on": None,
                               "cooling_until": None}  # fmt: skip
            await self._keep_port(tx, one, new, "restore", case, caller)
            back += 1
        if rows and not back and since == "revoked":
            raise Conflict(
                "case_recycled", "somebody else has these numbers by now", field="step",
                rule="cases: reversal", mend="uphold it, and give the customer another port",
            )  # fmt: skip
        await tx.execute("notify", CHANNEL, "")

    async def _keep_port(
        self, tx: Transaction, old: Any, new: Mapping[str, Any], step: str, case: Case,
        caller: Caller | None,
    ) -> None:  # fmt: skip
        at = utc(self._parts.clock.now())
        who: tuple[int | None, ...] = (None, None, None)
        if caller is not None:
            who = (caller.account_id, caller.key_id, caller.actor_id)
        await tx.execute("port_moved", old["id"], *(new[name] for name in _MOVED))
        await tx.execute(
            "port_step_insert", old["id"], at, step, new["status"], new["filing"],
            f"case {case.id}", *who,
        )  # fmt: skip


def asked_of(request: CaseAct) -> dict[str, Any]:
    """Return what somebody wants of a step beside its words."""
    found: dict[str, Any] = {}
    if request.days is not None:
        found["days"] = request.days
    if request.amount is not None:
        found["amount"] = request.amount
    if request.ports:
        found["ports"] = sorted(set(request.ports))
    return found


def _status_of(case: Case) -> tuple[str, int]:
    row = case.row
    if row["sender_id"] is not None:
        return "sender", row["sender_id"]
    return "account", row["account_id"]


async def _stood(tx: Transaction, port: int, status: str) -> str:
    """Return how a port is to stand again: one that was suspended by a case which is over since
    stands as it stood before that."""
    if status == "suspended":
        last = await tx.fetchrow("case_port_suspension", port)
        if last is not None and last["over"]:
            ports = json.loads(last["details"])["ports"]
            return str(next(one["status"] for one in ports if one["id"] == port))
    return status


def _before(row: Any) -> str:
    return str(json.loads(row["details"])["before"])
