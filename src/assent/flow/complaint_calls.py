"""Complaints handed in one by one: by a customer on a receiver's behalf, or by the staff.

The answer is the same for every number, and takes as long (DESIGN.md, promise 7): it tells a
receipt code for the receiver and nothing of what the complaint is about. That is found out later
(complaint_reading.py).
"""

from __future__ import annotations

from typing import Final

from assent.consent.entry import Channel, Origin
from assent.errors import InvalidInput, NotFound
from assent.flow.complaint_matching import Match
from assent.flow.complaint_requests import ReceiverComplaint
from assent.flow.complaints import Complaints, Intake, code_number
from assent.flow.ids import BatchIds
from assent.flow.level import levelled
from assent.flow.needs import Store, utc
from assent.flow.order import Sender
from assent.flow.orders import account_of
from assent.flow.refusals import RefusalWriter
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.numbers import FAULT_WORDS, Fault, parse

_RULE: Final = "complaints: api"
_EARLIEST_S: Final = 366 * 86_400.0


class ComplaintCalls:
    """The door of the API."""

    def __init__(
        self, store: Store, complaints: Complaints, ids: BatchIds, writer: RefusalWriter
    ) -> None:
        self._store = store
        self._complaints = complaints
        self._ids = ids
        self._writer = writer

    async def take(self, caller: Caller, request: ReceiverComplaint) -> dict[str, str]:
        """Take a complaint in and end the advertising of the sender's group to that person; return
        its receipt code. One with a `reference` of before is the same. Raises NotAllowed,
        InvalidInput, NotFound for a sender or port that is not there, or not the caller's."""
        staff, sender = self._whose(caller, request)
        now = self._complaints.clock.now()
        at = now if request.at is None else request.at.timestamp()
        if request.at is not None and request.at.tzinfo is None:
            raise _wrong("at", "the time has no zone", "write it like 2026-11-22T10:00:00+08:00")
        if not now - _EARLIEST_S <= at <= now + 60:
            raise _wrong("at", "the time is of more than a year ago, or to come", "correct it")
        async with levelled():
            receipt = await self._take(caller, request, staff, sender, at, now)
        return {"receipt": receipt, "state": "recorded"}

    async def _take(
        self, caller: Caller, request: ReceiverComplaint, staff: bool, sender: Sender, at: float,
        now: float,
    ) -> str:  # fmt: skip
        parsed = parse([request.to])
        if parsed.fault[0]:
            fault = Fault(int(parsed.fault[0]))
            raise InvalidInput(
                fault.name.lower(), FAULT_WORDS[fault].en, field="to", mend="ask for the number"
            )
        people = await self._complaints.directory.ids(self._store, parsed.msisdn, utc(now))
        person = int(people[0])
        reference = None
        if request.reference is not None:
            said = f"{caller.account_id}:{request.reference}"
            reference = self._complaints.vault.digest(said, "complaint").hex()
        intake = Intake(
            "api", person, at, "\n".join(one for one in (request.text, request.words) if one),
            Match(sender=sender.id), self._number(request), reference=reference,
        )  # fmt: skip
        stands = await self._complaints.standing(self._store, [person])
        asked = self._complaints.refusal(
            intake, Channel.API, Origin.STAFF if staff else Origin.CUSTOMER,
            confirm=sender.group_id in stands.get(person, set()),
        )  # fmt: skip
        assert asked is not None, "person and sender are known"
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [asked])
            if reference is not None:
                earlier = await tx.fetchrow("complaints_referenced", "api", [reference])
                if earlier is not None:
                    return str(earlier["receipt_code"])
            (taken,) = await self._complaints.put(tx, [intake], now)
            await self._writer.write(tx, [asked], now)
            if staff:
                told = {"receipt": taken.receipt}
                await keep_act(tx, caller, now, "complaint.api", sender.credit_code, {}, told)
        return taken.receipt

    def _number(self, request: ReceiverComplaint) -> str:
        port = request.port or ""
        ours = bool(port) and bool(self._complaints.catalogue.ports_at(port, ""))
        return port if ours else code_number(port)

    def _whose(self, caller: Caller, request: ReceiverComplaint) -> tuple[bool, Sender]:
        """Return whether staff call, and the sender that is complained of."""
        catalogue = self._complaints.catalogue
        account = account_of(catalogue, caller)
        if account.kind != "operator":
            if request.sender is None:
                raise _wrong("sender", "the complaint names no sender", "give its credit code")
            return False, catalogue.sender_for(account, request.sender)
        check_staff(catalogue, caller)
        if request.sender is not None:
            found = [one for one in catalogue.senders.values()
                     if one.credit_code == request.sender]  # fmt: skip
        elif request.port is not None:
            owners = {port.sender_id for port in catalogue.ports_at(request.port, "")}
            found = [catalogue.senders[one] for one in owners if one is not None]
        else:
            raise _wrong("sender", "the complaint names neither sender nor port", "give one")
        if len(found) != 1:
            raise NotFound(
                "no_sender", "there is no such sender, or several have that port", field="sender",
                mend="check it",
            )  # fmt: skip
        return True, found[0]


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput("complaint", words, field=field, rule=_RULE, mend=mend)
