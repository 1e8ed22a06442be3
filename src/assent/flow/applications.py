"""Applications: an account applies for the entity it belongs to, and for those it wants to send
for. What is claimed stays a claim until the review desk approves it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow import graph
from assent.flow.admission_requests import ApplicationRequest, EntityFile, PersonFile, SenderRequest
from assent.flow.desk import Desk
from assent.flow.graph import tie
from assent.flow.needs import Store, Transaction, utc
from assent.flow.old_hand import (
    Hand,
    check_code,
    clean_person,
    digits_of,
    hosts_of,
    odd_of,
    one_line,
)
from assent.flow.requests import Caller
from assent.flow.vault import Vault
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code
from assent.registry.table import Table

CLAIMED: Final = (
    "credit_code", "legal_name", "kind", "industry", "founded_on", "website", "mail_domain",
    "address", "contact",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rooms:
    """What admission stands on. `hand`: looks at applications like an old hand (old_hand.py)."""

    store: Store
    clock: Clock
    vault: Vault
    table: Table
    desk: Desk
    hand: Hand


class Applications:
    """Accounts and senders that apply."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def apply(self, caller: Caller, request: ApplicationRequest) -> int:
        """Keep an application of an account for its own entity and put it on the desk; return its
        id. The same again changes nothing. Raises InvalidInput, Conflict."""
        extra = {"class": request.account_class}
        return await self._apply(caller, request, "account", extra)

    async def register(self, caller: Caller, request: SenderRequest) -> int:
        """Keep an application to send in the name of an entity, its own or another's."""
        return await self._apply(caller, request, "sender", {})

    async def _apply(
        self, caller: Caller, request: EntityFile, about: str, extra: Mapping[str, str]
    ) -> int:
        refuse_sandbox(caller)
        rooms = self._rooms
        at = rooms.clock.now()
        claims = {**self._claims(request, at), **extra}
        people = [clean_person(person, at) for person in request.people]
        async with rooms.store.transaction() as tx:
            account = await tx.fetchrow("admission_account_hold", caller.account_id)
            entity = await self._entity(tx, claims, at)
            self._check(account, entity, about)
            words = json.dumps(claims, ensure_ascii=False, sort_keys=True)
            row = await tx.fetchrow(
                "application_keep", caller.account_id, entity, about, words, utc(at)
            )
            assert row is not None
            changed = await self._people(tx, caller, entity, people, at) if people else False
            await self._ties(tx, entity, claims, f"account {caller.account_id}", at)
            await rooms.hand.tie_registers(tx, entity, str(claims["credit_code"]), at)
            if row["state"] == "submitted" or changed:
                await tx.execute("application_state", row["id"], "submitted")
                await rooms.hand.put_up(tx, int(row["id"]), at)
        return int(row["id"])

    def _claims(self, request: EntityFile, at: float) -> dict[str, Any]:
        claims = {
            name: one_line(value, name) if isinstance(value, str) else value
            for name, value in msgspec.to_builtins(request).items()
            if name in CLAIMED
        }
        claims["credit_code"] = plain_code(str(claims["credit_code"]))
        check_code(claims)
        if self._rooms.table.industry(request.industry) is None:
            known = ", ".join(sorted(self._rooms.table.industries))
            raise InvalidInput(
                "unknown_industry", "the table of qualifications has no such industry",
                field="industry", rule="admission: qualifications", mend=f"use one of {known}",
            )  # fmt: skip
        if request.founded_on is not None and request.founded_on > day_of(at):
            raise InvalidInput(
                "founded_later", "the entity was not founded yet", field="founded_on",
                mend="give the day that the licence names",
            )  # fmt: skip
        return claims

    async def _entity(self, tx: Transaction, claims: dict[str, Any], at: float) -> int:
        """Return the entity of a credit code, made where nobody spoke of it. One that is there
        keeps its words until a reviewer has approved others."""
        founded = claims["founded_on"]
        made = await tx.fetchval(
            "entity_make",
            claims["credit_code"],
            claims["legal_name"],
            claims["kind"],
            claims["industry"],
            None if founded is None else date.fromisoformat(founded),
            claims["website"],
            claims["mail_domain"],
            utc(at),
        )
        if made is not None:
            return int(made)
        row = await tx.fetchrow("entity_find", claims["credit_code"])
        if row is None:
            raise Conflict(
                "try_again", "somebody else is applying for the entity", mend="try again"
            )
        return int(row["id"])

    @staticmethod
    def _check(account: Any, entity: int, about: str) -> None:
        if account["status"] == "closed":
            raise NotAllowed(
                "account_closed", "the account is closed", mend="ask the operator for another"
            )
        if about == "account" and account["entity_id"] not in (None, entity):
            raise Conflict(
                "another_entity", "the account belongs to another entity already",
                field="credit_code", mend="open an account of its own for each entity",
            )  # fmt: skip

    async def _people(
        self, tx: Transaction, caller: Caller, entity: int, people: Iterable[PersonFile], at: float
    ) -> bool:
        """Keep the persons that are named now, in place of those named before; return whether that
        changed anything."""
        vault, kept, changed = self._rooms.vault, [], False
        for person in people:
            marks = (
                vault.digest(person.id_number, "person"),
                vault.digest(person.name, "name"),
                vault.digest(digits_of(person.phone), "phone"),
            )
            who = (entity, caller.account_id, person.role)
            found = await tx.fetchval("person_find", *who, *marks)
            if found is None:
                changed = True
                plain = json.dumps(
                    {"name": person.name, "id_number": person.id_number,
                     "id_kind": person.id_kind, "phone": person.phone}, ensure_ascii=False
                ).encode()  # fmt: skip
                sealed = vault.seal(plain, f"entity_person/{marks[0].hex()}")
                found = await tx.fetchval(
                    "person_insert", *who, *marks, sealed, utc(at), odd_of(person, at)
                )
            kept.append(found)
            source = f"account {caller.account_id}"
            for kind, text, relation in (
                ("person", person.id_number, person.role),
                ("name", person.name, person.role),
                ("phone", digits_of(person.phone), f"phone_{person.role}"),
            ):
                await graph.link(tx, entity, tie(kind, text, relation, vault=vault), source, at)
        ended = await tx.execute("people_end", entity, caller.account_id, kept, utc(at))
        return changed or ended != "UPDATE 0"

    async def _ties(
        self, tx: Transaction, entity: int, claims: dict[str, Any], source: str, at: float
    ) -> None:
        ties = [tie("domain", host, word) for host, word in hosts_of(claims)]
        address = "".join(str(claims["address"]).split())
        if address:
            ties.append(tie("address", address, "address"))
        if claims["contact"]:
            digits = digits_of(str(claims["contact"]))
            ties.append(tie("phone", digits, "contact", vault=self._rooms.vault))
        for one in ties:
            await graph.link(tx, entity, one, source, at)


def refuse_sandbox(caller: Caller) -> None:
    """Raise NotAllowed for a sandbox key: nothing of admission is played."""
    if caller.sandbox:
        raise NotAllowed(
            "sandbox_key", "a sandbox key hands in no papers", field="Authorization",
            rule="http-api: keys", mend="use a real key of the account with the scope admission",
        )  # fmt: skip
