"""Consents that customers bring: graded, dated, with wording and source, entry by entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin
from assent.errors import Conflict, InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.consent_facts import ConsentFacts, Statement
from assent.flow.ids import BatchIds
from assent.flow.imports import Brought, Imports, grade_of, networks_of
from assent.flow.kept_evidence import evidence_for
from assent.flow.ledger import AT_ONCE
from assent.flow.level import levelled
from assent.flow.live import Live
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Account, Programme
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.requests import Caller, ConsentImport, RefusalRequest
from assent.message import Purpose
from assent.numbers import FAULT_WORDS, Fault, parse

MOST_ROWS: Final = 10_000


async def check_key(store: Store, caller: Caller, key: str | None, sha: bytes) -> bytes | None:
    """Return the first answer for a repeated key. Raises Conflict for another body."""
    if key is None:
        return None
    row = await store.fetchrow("idempotency_get", caller.account_id, key)
    if row is None:
        return None
    if row["body_sha256"] != sha:
        raise Conflict(
            "idempotency_key_reused",
            "this key was used with another body",
            field="Idempotency-Key",
            mend="use a new key for a new request",
        )
    return bytes(row["answer"])


async def answered(
    store: Store,
    caller: Caller,
    key: str | None,
    sha: bytes,
    accepted: int,
    faults: list[dict[str, Any]],
    now: float,
    more: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the answer to an import of rows, kept under its key if it has one."""
    answer = msgspec.json.encode(
        {"accepted": accepted, "refused": len(faults), "faults": faults[:1000], **(more or {})}
    )
    if key is not None:
        await store.fetchval("idempotency_insert", caller.account_id, key, sha, answer, utc(now))
    return answer


def _fault(row: int, fault: int) -> dict[str, Any]:
    """Return a line of the report: a row with a wrong number, or else a time in the future."""
    if not fault:
        return {"row": row, "code": "future", "reason": "the time is in the future"}
    return {"row": row, "code": Fault(fault).name.lower(), "reason": FAULT_WORDS[Fault(fault)].en}


class Consents:
    """Imports of consents."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        imports: Imports,
        facts: ConsentFacts,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._imports = imports
        self._facts = facts

    async def import_rows(
        self, caller: Caller, request: ConsentImport, *, key: str | None, sha: bytes
    ) -> bytes:
        """Append consents of one programme; return JSON with a report of refused rows.

        Rows are judged one by one: wrong numbers and times in the future are refused, the rest
        is accepted. What is accepted is checked as a whole, and opened in transactions of at most
        1,000 entries where nothing speaks against it (imports.py); repeating one adds nothing that
        stands already. That a person has refused before is not told: such a consent is recorded
        and opens nothing (DESIGN.md, promise 7). (long: what an import brings)
        """
        async with levelled():
            return await self._import(caller, request, key, sha)

    async def _import(
        self, caller: Caller, request: ConsentImport, key: str | None, sha: bytes
    ) -> bytes:
        earlier = await check_key(self._store, caller, key, sha)
        if earlier is not None:
            return earlier
        account = account_of(self._catalogue, caller)
        programme = self._programme(account, request)
        self._facts.check(request, programme)
        now = self._clock.now()
        await evidence_for(self._store, account.id, request.evidence)
        parsed = parse([row.to for row in request.consents])
        times = np.array([_ms(row.at) for row in request.consents], np.int64)
        addresses = networks_of(row.address for row in request.consents)
        good = (parsed.fault == 0) & (times <= int(now * 1000))
        faults = [_fault(i, int(parsed.fault[i])) for i in np.flatnonzero(~good).tolist()]
        people = await self._directory.ids(self._store, parsed.msisdn[good], utc(now))
        places = np.flatnonzero(good).tolist()
        rows = [request.consents[i] for i in places]
        statement = await self._facts.statement(programme.id, request, rows, now)

        async def carry(tx: Transaction, number: int) -> None:
            await self._facts.keep(tx, number, request, statement, people.tolist(), rows)

        brought = Brought(
            account=account,
            programme=programme,
            template=self._template(request, programme, statement),
            source=request.source,
            wording=request.wording,
            people=people,
            numbers=parsed.msisdn[good],
            times=times[good],
            addresses=addresses,
            refused=len(faults),
            carry=carry,
        )
        number, state = await self._imports.take(caller, brought)
        more = {"imports": [{"id": str(number), "state": state}]}
        return await answered(self._store, caller, key, sha, int(good.sum()), faults, now, more)

    def _programme(self, account: Account, request: ConsentImport) -> Programme:
        if not 1 <= len(request.consents) <= MOST_ROWS:
            raise InvalidInput(
                "rows",
                f"an import has 1 to {MOST_ROWS} rows",
                field="consents",
                mend="split it into several requests",
            )
        for field in ("source", "wording"):
            if not getattr(request, field).strip():
                raise InvalidInput(
                    "missing",
                    f"{field} is empty",
                    field=field,
                    rule="CN-21",
                    mend="say how the consents were obtained and which wording was shown",
                )
        if request.until:
            _ms(request.until, "until")
        sender = self._catalogue.sender_for(account, request.sender)
        number = self._catalogue.programme_for(sender, request.programme, {})
        programme = self._catalogue.programmes[number]
        if programme.purposes >> Purpose.INTERNAL & 1:
            raise InvalidInput(
                "members_enrol",
                "members of an organisation say themselves that they are",
                field="programme",
                rule="ports: organisations",
                mend="invite them (POST /v1/members/invitations)",
            )
        return programme

    def _template(
        self, request: ConsentImport, programme: Programme, statement: Statement
    ) -> Entry:
        sender = self._catalogue.senders[programme.sender_id]
        return Entry(
            at_ms=1,
            kind=Kind.GRANTED,
            person=1,
            group=sender.group_id,
            sender=sender.id,
            programme=programme.id,
            purposes=programme.purposes,
            channel=Channel.API,
            origin=Origin.CUSTOMER,
            grade=grade_of(request.grade),
            wording=statement.wording,
            expires_ms=_ms(request.until, "until") if request.until else 0,
            statement=statement.digest,
        )


def _ms(time: Any, field: str = "consents.at") -> int:
    if time.tzinfo is None:
        raise InvalidInput(
            "time_without_zone",
            "a time has no zone",
            field=field,
            mend="write it like 2026-11-22T10:00:00+08:00",
        )
    return int(time.timestamp() * 1000)


class Refusals:
    """Refusals that reached the sender by another door: counter, call centre, CRM."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        ids: BatchIds,
        writer: RefusalWriter,
        live: Live,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._ids = ids
        self._writer = writer
        self._live = live

    async def refuse(
        self, caller: Caller, request: RefusalRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Record refusals to a sender's group and confirm each; return JSON.

        The answer is the same for people who refused before and those who did not.
        """
        async with levelled():
            return await self._refuse(caller, request, key, sha)

    async def _refuse(
        self, caller: Caller, request: RefusalRequest, key: str | None, sha: bytes
    ) -> bytes:
        earlier = await check_key(self._store, caller, key, sha)
        if earlier is not None:
            return earlier
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, request.sender)
        if not 1 <= len(request.to) <= MOST_ROWS or not request.purposes:
            raise InvalidInput(
                "rows",
                f"a request names 1 to {MOST_ROWS} people and a purpose",
                field="to",
                mend="split it into several requests",
            )
        mask = sum({1 << Purpose[word.upper()] for word in request.purposes})
        parsed = parse(request.to)
        now = self._clock.now()
        people = await self._directory.ids(self._store, parsed.msisdn, utc(now))
        good = people[parsed.fault == 0]
        await self._live.sync(self._store)
        stands = self._stands(sender.group_id, good, now)
        channel = Channel[request.channel.upper()]
        asked = [
            # Only who could be written to is told: a list of strangers' numbers must not make
            # the operator write to them.
            Asked(person, (sender.group_id,), mask, channel, Origin.CUSTOMER, confirm=stood)
            for person, stood in dict(zip(good.tolist(), stands.tolist(), strict=True)).items()
        ]
        await self._write(asked, now)
        faults = [_fault(i, int(parsed.fault[i])) for i in np.flatnonzero(parsed.fault).tolist()]
        accepted = len(request.to) - len(faults)
        return await answered(self._store, caller, key, sha, accepted, faults, now)

    def _stands(
        self, group: int, people: npt.NDArray[np.uint32], now: float
    ) -> npt.NDArray[np.bool_]:
        stands = np.zeros(len(people), np.bool_)
        for programme in self._catalogue.group_programmes.get(group, []):
            stands |= self._live.grades(programme, people, now) > 0
        return stands

    async def _write(self, asked: Sequence[Asked], now: float) -> None:
        for start in range(0, len(asked), AT_ONCE // 2):
            await self._writer.record(self._store, asked[start : start + AT_ONCE // 2], now)
