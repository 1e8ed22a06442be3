"""Opening cases: about whom, resting on what, and how far up they may begin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.case_related import related, start_of
from assent.flow.case_requests import CaseEvidence, CaseOpen
from assent.flow.case_rows import Parts
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff

WORKS: Final = ("enforce", "second_enforce")
"""Scopes of those who work on cases."""
_LAST: Final = (1 << 63) - 1
_NUMBER: Final = re.compile(r"(?<!\d)\+?(?:86)?1[3-9]\d{9}(?!\d)")


def check_scope(parts: Parts, caller: Caller, *scopes: str) -> None:
    """Raise NotAllowed unless somebody is of the staff and has one of some scopes."""
    check_staff(parts.catalogue, caller)
    if caller.scopes.isdisjoint(scopes):
        raise NotAllowed(
            "missing_scope", f"this needs {' or '.join(scopes)}", field="Authorization",
            rule="http-api: keys", mend="use a key with one of these scopes",
        )  # fmt: skip


class Opening:
    """Opens. What is opened is written in the transaction of who asks."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def open(self, tx: Transaction, caller: Caller, request: CaseOpen) -> int:
        """Open a case that somebody of the staff asks for; return its number."""
        check_title(request.title)
        whom = await self._whom(tx, request)
        title = request.title.strip()
        number = await self.begin(tx, "staff", title, whom, request.severity, caller)
        if number is None:
            raise await _open_already(tx, whom)
        await self.rest(tx, number, request.evidence)
        return number

    async def begin(
        self, tx: Transaction, by: str, title: str, whom: tuple[int | None, ...], severity: int,
        caller: Caller | None,
    ) -> int | None:  # fmt: skip
        """Open a case about (sender, account, port, entity); None where an open one is about the
        same. Who was dealt with before begins further up."""
        parts, at = self.parts, self.parts.clock.now()
        known = await related(tx, parts.ladder, 0, whom, at)
        start, because = start_of(parts.ladder, known, at)
        number: int | None = await tx.fetchval(
            "case_open", "enforcement", by, title, *whom, severity,
            None if caller is None else caller.actor_id, utc(at), None, start,
            f"{parts.ladder.version}/{parts.ladder.digest.hex()[:16]}",
        )  # fmt: skip
        if number is not None:
            details = {"severity": severity, "start": start, "because": because}
            await parts.say(tx, number, "open", caller=caller, details=details)
        return number

    async def _whom(self, tx: Queries, request: CaseOpen) -> tuple[int | None, ...]:
        named = [request.sender, request.account, request.port]
        if request.port is not None:
            return await self._whose_port(tx, request.port, request.sender)
        if sum(one is not None for one in named) != 1:
            raise InvalidInput(
                "case_whom", "a case is about a sender, an account or a port", field="sender",
                rule="cases: whom", mend="name one of them",
            )  # fmt: skip
        if request.sender is not None:
            row = await tx.fetchrow("case_sender", request.sender, None)
            if row is None:
                raise _nobody("sender")
            return row["id"], row["account_id"], None, row["entity_id"]
        account = await tx.fetchrow("case_account", request.account, None)
        if account is None:
            raise _nobody("account")
        if account["kind"] == "operator":
            raise InvalidInput(
                "case_whom", "no case is about the operator's own account", field="account",
                rule="cases: whom", mend="name a customer",
            )  # fmt: skip
        return None, account["id"], None, account["entity_id"]

    async def _whose_port(
        self, tx: Queries, number: str, code: str | None
    ) -> tuple[int | None, ...]:
        for port in self.parts.catalogue.ports.values():
            sender = self.parts.catalogue.senders.get(port.sender_id or 0)
            if port.number == number and sender is not None:
                if code not in (None, sender.credit_code):
                    continue
                row = await tx.fetchrow("case_sender", None, sender.id)
                assert row is not None, "the catalogue knows it"
                return sender.id, row["account_id"], port.id, row["entity_id"]
        raise _nobody("port")

    async def rest(self, tx: Transaction, number: int, things: Sequence[CaseEvidence]) -> None:
        """Note what a case rests on. Raises NotFound for what is not there."""
        for place, one in enumerate(things):
            ref = int(one.id) if one.id.isascii() and one.id.isdigit() else _LAST + 1
            known = ref <= _LAST and await tx.fetchval("case_evidence_known", one.kind, ref)
            if not known:
                raise NotFound(
                    "case_evidence", f"there is no {one.kind} {one.id}",
                    field=f"evidence[{place}]", rule="cases: evidence",
                    mend="name things that there are, by their ids",
                )  # fmt: skip
        kinds, refs = [one.kind for one in things], [int(one.id) for one in things]
        at = utc(self.parts.clock.now())
        await tx.execute("case_evidence_put", number, kinds, refs, at)


def check_title(title: str) -> None:
    """Raise InvalidInput for a title with a telephone number in it: it stands open."""
    if not title.strip() or _NUMBER.search(title):
        raise InvalidInput(
            "case_title", "the title is empty, or has a person's number in it", field="title",
            rule="cases: whom", mend="say what it is about, and name persons in a note",
        )  # fmt: skip


async def _open_already(tx: Queries, whom: tuple[int | None, ...]) -> Conflict:
    number = await tx.fetchval("case_about", *whom[:3])
    return Conflict(
        "case_open", "a case about the same is open", field="sender", rule="cases: whom",
        mend=f"work in case {number}", details={"case": str(number)},
    )  # fmt: skip


def _nobody(field: str) -> NotFound:
    return NotFound(
        "case_whom_unknown", f"there is no such {field}", field=field, rule="cases: whom",
        mend="give a sender's credit code, an account's name or a port's number",
    )  # fmt: skip
