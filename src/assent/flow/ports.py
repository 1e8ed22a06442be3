"""Ports from the application to recycling: who asks, what carriers have filed, what is in use.

An application that was approved becomes a row of the table `port` for each carrier; what may happen
to it is a table of `registry/ports.py`, and every step is kept. What ends or pauses a port is
announced in the transaction that takes it, so that nothing more leaves from it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Store, Transaction, utc
from assent.flow.orders import account_of
from assent.flow.port_applications import check_hand, check_signed, told
from assent.flow.port_requests import PortStep, StepWord
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, keep_act, sees_all
from assent.message import Purpose
from assent.registry.calendar import day_of
from assent.registry.ports import COOLING_MONTHS, CUSTOMERS_STEPS, WORDS, months_later, moved

LATE_DAYS: Final = 14
"""Calendar days after which a carrier's answer is late: ten working days (CN-73)."""
_REASONED: Final = frozenset({"suspend", "revoke", "turn_down"})

PortCheck = Callable[[str, str, str], str | None]


class Ports:
    """Ports of all senders. `check`: why a carrier's links cannot write a port, or None.
    `cooling_months`: how long a revoked port stays free; `history_months`: how long replies to one
    that somebody else may have by now still reach refusals."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        check: PortCheck,
        cooling_months: int = COOLING_MONTHS,
        history_months: int = 24,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._check = check
        self._cooling = cooling_months
        self._history = history_months

    # Steps ---------------------------------------------------------------------------------

    async def step(
        self, caller: Caller, number: str, step: StepWord, request: PortStep
    ) -> dict[str, Any]:
        """Take a step with a port on all of its carriers, or those that are named: every one or
        none. Customers pause, resume and give back their own.

        Raises NotFound, NotAllowed, Conflict where a port's state does not allow it.
        """
        staff = sees_all(self._catalogue, caller)
        self._may_step(caller, staff, step, request)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            rows = await tx.fetch("ports_hold", number, None if staff else caller.account_id)
            rows = [r for r in rows if r["sender_id"] is not None]
            chosen = [r for r in rows if not request.carriers or r["carrier"] in request.carriers]
            missing = set(request.carriers) - {row["carrier"] for row in rows}
            if not chosen or missing:
                raise no_port()
            if not request.carriers and step in ("submit", "file", "turn_down", "activate"):
                # What carriers do, they do at their own pace: those whom it fits.
                chosen = [r for r in chosen if _fits(r, step)] or chosen
            for row in chosen:
                if staff:
                    await check_not_own(tx, caller, row["made_by"], row["entity_id"])
                else:
                    await check_hand(tx, caller, row["sender_id"], row["made_by"])
                await self._move(tx, caller, row, step, request, at, staff)
            await tx.execute("notify", CHANNEL, "")
        return await self.show(caller, number)

    def _may_step(self, caller: Caller, staff: bool, step: str, request: PortStep) -> None:
        if not staff:
            account_of(self._catalogue, caller)
            if step not in CUSTOMERS_STEPS:
                raise NotAllowed(
                    "staff_step", "only the operator takes this step", field="step",
                    rule="ports: steps", mend=f"possible: {', '.join(sorted(CUSTOMERS_STEPS))}",
                )  # fmt: skip
        if step in _REASONED and not request.reason.strip():
            raise InvalidInput(
                "reason", "this step needs a reason", field="reason", rule="ports: steps",
                mend="say why",
            )  # fmt: skip
        if request.on is not None and request.on > day_of(self._clock.now()):
            raise InvalidInput(
                "future", "the day is in the future", field="on", mend="note it when it happened"
            )

    async def _move(
        self, tx: Transaction, caller: Caller, row: Any, step: str, request: PortStep, at: float,
        staff: bool,
    ) -> None:  # fmt: skip
        if not staff and step == "resume" and row["status"] == "suspended":
            raise NotAllowed(
                "port_suspended", "the operator suspended the port", field="step",
                mend="ask the operator about the case",
            )  # fmt: skip
        status, filing = moved(row["status"], row["filing"], step)
        on = request.on or day_of(at)
        new = dict(row) | {"status": status, "filing": filing}
        if step == "submit":
            new |= {"filing_submitted_on": on, "filing_answered_on": None}
        elif step in ("file", "turn_down"):
            new |= {"filing_answered_on": on}
        elif step == "activate":
            await check_signed(tx, row["sender_id"], row["signature"])
        elif step == "revoke":
            new |= {"revoked_on": day_of(at)}
        elif step == "cool":
            new |= {"cooling_until": months_later(row["revoked_on"], self._cooling)}
        elif step == "recycle" and day_of(at) < row["cooling_until"]:
            raise Conflict(
                "port_cooling", f"the port cools until {row['cooling_until']}", field="step",
                rule="ports: steps", mend="wait until that day",
            )  # fmt: skip
        if request.reference:
            new["filing_reference"] = request.reference
        if request.service_code is not None and staff:
            new["service_code"] = request.service_code
        self._check_writable(new)
        await self._store_move(tx, row, new, step, request.reason, at, caller)
        if staff:
            states = [{"status": one["status"], "filing": one["filing"]} for one in (row, new)]
            subject = f"{row['number']}/{row['carrier']}"
            states[1]["reason"] = request.reason
            await keep_act(tx, caller, at, f"port.{step}", subject, states[0], states[1])

    def _check_writable(self, port: Mapping[str, Any]) -> None:
        fault = self._check(port["carrier"], port["number"], port["service_code"])
        if fault is not None and port["status"] in ("filed", "active"):
            raise InvalidInput(
                "port_unwritable",
                f"the links of {port['carrier']} cannot write this port: {fault}",
                field="service_code", mend="use the service code that the carrier gave",
            )  # fmt: skip

    @staticmethod
    async def _store_move(
        tx: Transaction, row: Any, new: Mapping[str, Any], step: str, reason: str, at: float,
        caller: Caller | None,
    ) -> None:  # fmt: skip
        await tx.execute(
            "port_moved",
            row["id"],
            *(new[name] for name in _MOVED),
        )
        who: tuple[int | None, ...] = (None, None, None)
        if caller is not None:
            who = (caller.account_id, caller.key_id, caller.actor_id)
        await tx.execute(
            "port_step_insert", row["id"], utc(at), step, new["status"], new["filing"],
            reason, *who,
        )  # fmt: skip

    async def daily(self, at: float) -> int:
        """Do what a day brings: revoked ports cool, cooled ones are recycled, and after
        `history_months` replies to a recycled one reach nobody. Return how many ports moved."""
        today = day_of(at)
        async with self._store.transaction() as tx:
            rows = await tx.fetch("ports_due", today)
            for row in rows:
                step = "cool" if row["status"] == "revoked" else "recycle"
                status, _ = moved(row["status"], row["filing"], step)
                new = dict(row) | {"status": status}
                if step == "cool":
                    new["cooling_until"] = months_later(row["revoked_on"], self._cooling)
                await self._store_move(tx, row, new, step, "", at, None)
            gone = await tx.fetch("ports_forget", months_later(today, -self._history))
            if rows or gone:
                await tx.execute("notify", CHANNEL, "")
        return len(rows)

    # Looking -------------------------------------------------------------------------------

    async def show(self, caller: Caller, number: str | None = None) -> dict[str, Any]:
        """Return ports by number, each with its carriers and, if one is named, what happened to it;
        customers see their own and their applications. Raises NotFound for a number not theirs."""
        owner = None if sees_all(self._catalogue, caller) else caller.account_id
        rows = await self._store.fetch("ports_of", owner, number)
        steps: dict[int, list[Any]] = defaultdict(list)
        if number is not None:
            if not rows:
                raise no_port()
            for step in await self._store.fetch("port_steps", [row["id"] for row in rows]):
                steps[step["port_id"]].append(_step(step, owner is None))
        today = day_of(self._clock.now())
        by_port: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            by_port[row["number"], row["sender_id"], row["application_id"]].append(row)
        items = [_told(some, steps, today) for some in by_port.values()]
        if number is not None:
            return {"number": number, "items": items}
        asked = await self._store.fetch("port_applications", owner, None)
        return {"items": items, "applications": [told(row) for row in asked]}


_MOVED: Final = (
    "status",
    "filing",
    "filing_reference",
    "filing_submitted_on",
    "filing_answered_on",
    "revoked_on",
    "cooling_until",
    "service_code",
)


def _fits(row: Any, step: str) -> bool:
    try:
        moved(row["status"], row["filing"], step)
    except Conflict:
        return False
    return True


def no_port() -> NotFound:
    """Return the error for a port that is not there for who asks."""
    return NotFound(
        "no_port", "there is no such port, or not on this carrier", field="number",
        mend="see GET /v1/ports",
    )  # fmt: skip


def _told(rows: Sequence[Any], steps: Mapping[int, list[Any]], today: date) -> dict[str, Any]:
    first = rows[0]
    return {
        "number": first["number"],
        "sender": first["credit_code"],
        "sender_name": first["legal_name"],
        "purpose": Purpose(first["purpose"]).name.lower(),
        "signature": first["signature"],
        "programme": first["programme"],
        "carriers": [_on_carrier(row, steps.get(row["id"]), today) for row in rows],
    }


def _on_carrier(row: Any, steps: list[Any] | None, today: date) -> dict[str, Any]:
    en, zh = WORDS[row["status"]]
    submitted = row["filing_submitted_on"]
    waits = row["filing"] == "submitted" and submitted is not None
    told = {
        "carrier": row["carrier"],
        "status": row["status"],
        "en": en,
        "zh": zh,
        "filing": row["filing"],
        "filing_reference": row["filing_reference"],
        "filing_submitted_on": _day(submitted),
        "filing_answered_on": _day(row["filing_answered_on"]),
        "filing_late": waits and (today - submitted).days > LATE_DAYS,
        "free_to_reply": row["free_to_reply"],
        "service_code": row["service_code"],
        "cooling_until": _day(row["cooling_until"]),
    }
    return told if steps is None else {**told, "history": steps}


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _step(row: Any, inside: bool) -> dict[str, Any]:
    told = {name: row[name] for name in ("at", "step", "status", "filing", "reason")}
    return told | ({"account": row["account_id"]} if inside else {})
