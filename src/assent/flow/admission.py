"""Admission as an applicant sees it: where everything stands, what is missing and why, what ends
soon, what was asked. And what staff order of whole entities."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final, Literal

from assent.clock import Clock
from assent.errors import NotAllowed, NotFound
from assent.flow import graph, mails
from assent.flow.admission_matters import operator_shown
from assent.flow.admission_requests import (
    ApplicationRequest,
    EntityOrder,
    LetterRequest,
    SenderRequest,
)
from assent.flow.applications import Applications, Rooms, refuse_sandbox
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.columns import pack_object
from assent.flow.documents import document_told
from assent.flow.letters import Letters, letter_told
from assent.flow.needs import Queries, Store, utc
from assent.flow.qualified import account_told, admitted, end_told, papers_of, sender_told
from assent.flow.requests import Caller, ReviewWords
from assent.flow.staff import check_not_own, check_staff, keep_act
from assent.flow.tidings import Tidings
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code
from assent.registry.qualify import warning_due
from assent.registry.table import Table

EntityAction = Literal["suspend", "revoke", "restore"]
STATES: Final[dict[str, str]] = {
    "suspend": "suspended", "revoke": "revoked", "restore": "active",
}  # fmt: skip
_MOST: Final = 500


class Admission:
    """The front door."""

    def __init__(self, rooms: Rooms, catalogue: Catalogue) -> None:
        self._rooms = rooms
        self._catalogue = catalogue
        self._applications = Applications(rooms)
        self.letters = Letters(rooms)

    # Customers -------------------------------------------------------------------------------

    async def apply(self, caller: Caller, request: ApplicationRequest) -> dict[str, Any]:
        """Apply for the account's own entity; return where admission stands."""
        await self._applications.apply(caller, request)
        return await self.show(caller)

    async def register(self, caller: Caller, request: SenderRequest) -> dict[str, Any]:
        """Ask to send in the name of an entity; return where that stands."""
        await self._applications.register(caller, request)
        return await self.sender(caller, request.credit_code)

    async def add_letter(self, caller: Caller, request: LetterRequest) -> dict[str, Any]:
        """Hand in an authorisation letter."""
        return await self.letters.add(caller, request)

    async def letters_of(self, caller: Caller) -> dict[str, Any]:
        """Return the letters of the account's entity."""
        return await self.letters.listed(caller)

    async def answer(self, caller: Caller, item: int, request: ReviewWords) -> dict[str, Any]:
        """Answer what a reviewer asked; return where admission stands."""
        refuse_sandbox(caller)
        await self._rooms.desk.answer(caller, item, request)
        return await self.show(caller)

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return where everything of an account stands: its own entity, its senders, papers,
        letters, what is missing and why, what ends soon, what was asked."""
        store, today = self._rooms.store, self._today()
        account = await store.fetchrow("admission_account", caller.account_id)
        if account is None:
            raise _no_account()
        applications = await store.fetch("applications_of", caller.account_id)
        papers = await self._papers(store, account, applications)
        own = next((row for row in applications if row["about"] == "account"), None)
        documents = await store.fetch("documents_of", caller.account_id, 0, _MOST)
        every = [one for some in papers.values() for one in some if one.accepted]
        ends = [end_told(self._rooms.table, one, today) for one in every]
        letters = [] if own is None else await self.letters.rows(store, caller.account_id)
        return {
            "account": {"name": account["name"], "status": account["status"],
                        "class": account["class"]},
            "entity": None if own is None else {
                **_application_told(own),
                **account_told(self._rooms.table, papers[own["entity_id"]], today),
                **await self._operator(store, account, own["entity_id"]),
            },
            "senders": [
                self._sender_told(row, papers[row["entity_id"]], own, letters, today)
                for row in applications if row["about"] == "sender"
            ],
            "documents": [document_told(row) for row in documents],
            "letters": [letter_told(row) for row in letters],
            "ends": sorted((one for one in (*ends, *self._letters_ending(letters, today)) if one),
                           key=lambda one: one["until"]),
            "items": await self._rooms.desk.items_of(caller.account_id),
        }  # fmt: skip

    @staticmethod
    async def _papers(queries: Queries, account: Any, applications: Any) -> dict[int, Any]:
        """Return the papers of the entities that an account applied with; of those that it was not
        taken in for only its own, since anybody may apply with any entity."""
        mine = {account["entity_id"]} if admitted(account) else set()
        known = mine | {row["entity_id"] for row in applications if row["state"] == "approved"}
        others = {row["entity_id"] for row in applications} - known
        every = await papers_of(queries, sorted(known))
        every.update(await papers_of(queries, sorted(others), account["id"]))
        return every

    async def senders(self, caller: Caller) -> dict[str, Any]:
        """Return the senders that an account applied with."""
        return {"items": (await self.show(caller))["senders"]}

    async def sender(self, caller: Caller, credit_code: str) -> dict[str, Any]:
        """Return one of them. Raises NotFound."""
        code = plain_code(credit_code)
        for one in (await self.show(caller))["senders"]:
            if one["credit_code"] == code:
                return dict(one)
        raise NotFound(
            "no_sender", "the account applied with no such sender", field="sender",
            mend="see GET /v1/senders",
        )  # fmt: skip

    def _sender_told(
        self, row: Any, papers: Any, own: Any, letters: Any, today: date
    ) -> dict[str, Any]:
        claims = json.loads(row["claims"])
        told = _application_told(row) | {
            "purposes": sender_told(self._rooms.table, claims["industry"], papers, today)
        }
        if own is None or own["entity_id"] == row["entity_id"]:
            return told | {"authorisation": "own"}
        held = [one for one in letters if one["principal_id"] == row["entity_id"]]
        force = any(
            one["state"] == "accepted" and one["valid_from"] <= today <= one["valid_to"]
            for one in held
        )
        return told | {"authorisation": "in_force" if force else "missing"}

    async def _operator(self, queries: Queries, account: Any, entity: int) -> dict[str, Any]:
        if account["kind"] != "operator":
            return {}
        at = self._rooms.clock.now()
        return {"operator": await operator_shown(self._rooms, queries, entity, at)}

    def _letters_ending(self, letters: Any, today: date) -> list[dict[str, Any]]:
        found = []
        for row in letters:
            days = warning_due(self._rooms.table, row["valid_to"], today)
            if row["state"] == "accepted" and days is not None:
                left = (row["valid_to"] - today).days
                told = {"what": "letter", "id": str(row["id"]), "until": row["valid_to"]}
                found.append({**told, "mark": days, "days_left": left})
        return found

    def _today(self) -> date:
        return day_of(self._rooms.clock.now())

    # Staff -----------------------------------------------------------------------------------

    async def graph_of(self, caller: Caller, credit_code: str) -> dict[str, Any]:
        """Return what an entity has in common with others, and over which paths."""
        self._check(caller, "review", "second_review", "audit")
        entity = await self._entity(credit_code)
        found = await graph.shown(self._rooms.store, entity["id"])
        flags = await graph.flags(self._rooms.store, entity["id"])
        head = {name: entity[name] for name in ("credit_code", "legal_name", "status")}
        return {**head, "flags": [one.told() for one in flags], **found}

    async def order(
        self, caller: Caller, credit_code: str, action: EntityAction, request: EntityOrder
    ) -> dict[str, Any]:
        """Suspend, revoke or restore an entity; everything that depends on it follows. What was
        revoked is not restored: it applies anew, under the eyes of two."""
        self._check(caller, "review", "second_review")
        entity = await self._entity(credit_code)
        at = self._rooms.clock.now()
        async with self._rooms.store.transaction() as tx:
            held = await tx.fetchrow("entity_hold", entity["id"])
            assert held is not None
            if action == "restore":
                await check_not_own(tx, caller, None, entity["id"])
            status = STATES[action]
            if held["status"] == "revoked" and status != "revoked":
                raise NotAllowed(
                    "revoked_for_good", "a revoked entity is not restored", field="action",
                    rule="admission: revocation", status=409,
                    mend="the entity applies anew under its next registration",
                )  # fmt: skip
            if held["status"] != status:
                await tx.execute("entity_status_set", entity["id"], status)
                states = ({"status": held["status"]}, {"status": status, "why": request.reason})
                await keep_act(
                    tx, caller, at, f"entity.{action}", f"entity/{entity['id']}", *states
                )
                told = pack_object({"entity": entity["id"], "status": status})
                await tx.execute("event_insert", utc(at), "entity", None, entity["id"], told)
                await tx.execute("notify", CHANNEL, "")
        return {"credit_code": entity["credit_code"], "status": status}

    async def _entity(self, credit_code: str) -> Any:
        row = await self._rooms.store.fetchrow("entity_find", plain_code(credit_code))
        if row is None:
            raise NotFound(
                "no_entity", "there is no such entity", field="entity",
                mend="give the credit code of an applicant, sender or agent",
            )  # fmt: skip
        return row

    def _check(self, caller: Caller, *scopes: str) -> None:
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(scopes):
            raise NotAllowed(
                "missing_scope", f"this needs {' or '.join(scopes)}", field="Authorization",
                rule="http-api: keys", mend="use a key with one of these scopes",
            )  # fmt: skip


class Expiry:
    """Warns before papers and letters end: an event for each mark that is reached, and a mail to
    whom it concerns, once."""

    def __init__(
        self, store: Store, clock: Clock, table: Table, tidings: Tidings | None = None
    ) -> None:
        self._store = store
        self._clock = clock
        self._table = table
        self._tidings = tidings

    async def step(self) -> int:
        """Warn of what is due today; return of how many."""
        at = self._clock.now()
        today = day_of(at)
        warned = 0
        rows = await self._store.fetch("papers_ending", today, list(self._table.warn_days))
        for row in rows:
            async with self._store.transaction() as tx:
                mark = (row["what"], row["id"], row["valid_to"], row["mark"])
                if await tx.fetchval("expiry_warned", *mark, utc(at)) is None:
                    continue
                told = pack_object(
                    {"what": row["what"], "id": row["id"], "entity": row["entity_id"],
                     "until": row["valid_to"].isoformat(), "mark": row["mark"],
                     "days_left": (row["valid_to"] - today).days}
                )  # fmt: skip
                await tx.execute(
                    "event_insert", utc(at), "expiry", row["account_id"], row["id"], told
                )
                await self._mail(tx, row, today)
                warned += 1
        return warned

    async def _mail(self, tx: Queries, row: Any, today: date) -> None:
        if self._tidings is None:
            return
        kind = self._table.kinds.get(row["kind"])
        words = ("授权书", "letter") if kind is None else (kind.words.zh, kind.words.en)
        left = (row["valid_to"] - today).days
        mail = mails.ends(*words, str(row["id"]), row["valid_to"].isoformat(), left)
        await self._tidings.tell(tx, row["to_account"], mail, entity=row["to_entity"])


def _application_told(row: Any) -> dict[str, Any]:
    claims = json.loads(row["claims"])
    return {
        "credit_code": row["credit_code"],
        "legal_name": claims["legal_name"],
        "industry": claims["industry"],
        "state": row["state"],
        "entity_status": row["entity_status"],
    }


def _no_account() -> NotFound:
    return NotFound("no_account", "there is no such account", field="Authorization")
