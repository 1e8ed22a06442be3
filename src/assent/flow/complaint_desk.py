"""The desk of complaints: listed, shown, passed on, answered.

Staff who judge (reviewers) work here and see words and a masked number; every look is written down.
A customer sees what concerns it without who complained: neither number nor words nor what she was
sent, only what staff wrote when they passed it on (DESIGN.md, promise 7). The call centre sees
nothing here: it takes complaints in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from assent.errors import Conflict, NotAllowed, NotFound
from assent.flow import complaint_mails as mails
from assent.flow.complaint_told import told, told_customer
from assent.flow.complaints import Complaints, tell
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.receiver_view import said_owner, words_owner
from assent.flow.requests import Caller
from assent.flow.staff import check_not_own, check_staff, keep_act
from assent.flow.tidings import Tidings
from assent.message import split_message_id
from assent.numbers import mask

WORKERS: Final = frozenset({"review", "second_review"})
"""Who of the staff passes complaints on and answers them."""
READERS: Final = WORKERS | {"audit"}
"""Who of the staff sees them."""
MOST: Final = 200
_ENDED: Final = frozenset({"answered"})
_STEPS: Final[dict[str, tuple[str, str]]] = {
    "forward": ("forwarded", "forwarded"),
    "answer": ("answer", "answered"),
    "not_ours": ("refusal", "not_ours"),
}
"""What a step says (kind of its words), and the state that follows."""


class ComplaintDesk:
    """For staff, and for customers about what concerns them."""

    def __init__(
        self, store: Store, complaints: Complaints, tidings: Tidings | None = None
    ) -> None:
        self._store = store
        self._complaints = complaints
        self._tidings = tidings

    # Looking -------------------------------------------------------------------------------------

    async def list(self, caller: Caller, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return complaints in short, newest first. `asked`: cursor, limit, and of state, source,
        sender (credit code), port, account (name), since, until (days), overdue what is wanted.
        Raises NotAllowed, NotFound for a sender or account that is not there."""
        staff = self._is_staff(caller, READERS)
        now = self._complaints.clock.now()
        most = min(asked["limit"], MOST)
        own = (None, [], []) if staff else (caller.account_id, *self._senders_of(caller))
        rows = await self._store.fetch(
            "complaints_listed", asked["cursor"], asked.get("state"), asked.get("source"),
            self._sender(asked.get("sender")), asked.get("port"),
            self._account(asked.get("account")) if staff else None,
            asked.get("since"), asked.get("until"), utc(now) if asked.get("overdue") else None,
            *own, most,
        )  # fmt: skip
        more = len(rows) == most
        return {
            "items": [self._told(caller, row, now, staff) for row in rows],
            "cursor": str(rows[-1]["id"]) if more else "0",
            "more": more,
        }

    async def show(self, caller: Caller, number: int) -> dict[str, Any]:
        """Return a complaint with what was said about it; to staff with her words, and with what it
        was matched to. Raises NotAllowed, NotFound."""
        staff = self._is_staff(caller, READERS)
        row = await self._store.fetchrow("complaint_shown", number)
        if row is None or not (staff or self._concerns(caller, row)):
            raise _unknown()
        now = self._complaints.clock.now()
        said = await self._store.fetch("complaint_words", number)
        if not staff:
            words = [one for one in said if one["kind"] == "forwarded" or one["account_id"]
                     == caller.account_id]  # fmt: skip
            told = self._told(caller, row, now, staff)
            return {**told, "said": [self._said(one) for one in words]}
        async with self._store.transaction() as tx:
            await keep_act(tx, caller, now, "complaint.look", f"complaint/{number}", {}, {})
        return {
            **self._told(caller, row, now, staff),
            "from": await self._masked(row["person_id"]),
            "receipt": row["receipt_code"],
            "words": self._words(row),
            "message": await self._message(row),
            "said": [self._said(one) for one in said],
        }

    async def _masked(self, person: int | None) -> str | None:
        if not person:
            return None
        people = np.array([person], np.uint32)
        number = int((await self._complaints.directory.msisdns(self._store, people))[0])
        return mask(number) if number else None

    def _words(self, row: Any) -> str | None:
        """Return her words; None once she is forgotten, '' where she said nothing."""
        if row["sealed"] is None:
            return None
        owner = words_owner(row["receipt_code"])
        return self._complaints.vault.open(row["sealed"], owner).decode()

    async def _message(self, row: Any) -> dict[str, Any] | None:
        """Return the message that a complaint is about: when it was decided, by which rules, and on
        which consent it stood."""
        if row["message_id"] is None:
            return None
        batch, _ = split_message_id(row["message_id"])
        found = await self._store.fetchrow("complaint_message", batch)
        if found is None:
            return {"id": str(row["message_id"])}
        programme = self._complaints.catalogue.programmes.get(found["programme_id"])
        consent = None
        if programme is not None and row["person_id"]:
            consent = await self._store.fetchrow(
                "complaint_consent", row["person_id"], programme.id, found["position"]
            )
        return {
            "id": str(row["message_id"]),
            "accepted_at": found["accepted_at"],
            "campaign": str(found["campaign_id"]) if found["campaign_id"] else None,
            "submission": str(found["submission_id"]),
            "rulebook": found["rulebook"],
            "judged_at_position": found["position"],
            "screening": json.loads(found["screening"]) if found["screening"] else None,
            "programme": None if programme is None else programme.name,
            "consent": None if consent is None else str(consent["position"]),
            "text": found["content"],
        }

    # Acting --------------------------------------------------------------------------------------

    async def forward(self, caller: Caller, number: int, words: str) -> dict[str, Any]:
        """Pass a complaint on to the customer it concerns, in words that name nobody. Raises
        NotAllowed, NotFound, Conflict where it concerns none or is answered."""
        return await self._step(caller, number, "forward", words)

    async def answer(self, caller: Caller, number: int, words: str) -> dict[str, Any]:
        """Answer. Of staff it is what who complained reads, and ends the complaint; of a customer
        it is what staff read, once the complaint was passed on. Raises NotAllowed, NotFound,
        Conflict for one that is answered."""
        account = self._complaints.catalogue.accounts.get(caller.account_id)
        if account is not None and account.kind != "operator":
            return await self._customer_says(caller, number, words)
        return await self._step(caller, number, "answer", words)

    async def not_ours(self, caller: Caller, number: int, words: str) -> dict[str, Any]:
        """Say that nobody of this platform's sent it, and why; whoever complained reads it. Raises
        NotAllowed, NotFound, Conflict for one that is answered."""
        return await self._step(caller, number, "not_ours", words)

    async def note(self, caller: Caller, number: int, words: str) -> dict[str, Any]:
        """Keep words for the staff. Raises NotAllowed, NotFound."""
        self._is_staff(caller, WORKERS)
        now = self._complaints.clock.now()
        async with self._store.transaction() as tx:
            row = await self._held(tx, caller, number)
            await self._say(tx, caller, number, "note", words, now)
            await keep_act(tx, caller, now, "complaint.note", f"complaint/{number}", {}, {})
        return {"id": str(number), "state": row["state"]}

    async def _step(self, caller: Caller, number: int, step: str, words: str) -> dict[str, Any]:
        self._is_staff(caller, WORKERS)
        kind, state = _STEPS[step]
        now = self._complaints.clock.now()
        async with self._store.transaction() as tx:
            row = await self._held(tx, caller, number)
            if row["state"] in _ENDED or (row["state"] == state and step != "forward"):
                raise Conflict(
                    "complaint_state", f"the complaint is {row['state']} already", field="id",
                    rule="complaints: states", mend="see GET /v1/complaints/{id}",
                )  # fmt: skip
            if step == "forward" and row["account_id"] is None:
                raise Conflict(
                    "complaint_nobody", "no customer is known whom the complaint concerns",
                    field="id", rule="complaints: states", mend="answer it yourselves",
                )  # fmt: skip
            await self._say(tx, caller, number, kind, words, now)
            answered = utc(now) if step != "forward" else None
            await tx.execute("complaint_move", number, state, answered)
            await tell(tx, [number], now, new=False)
            if step == "forward" and self._tidings is not None:
                due = "" if row["due_at"] is None else row["due_at"].date().isoformat()
                await self._tidings.tell(tx, row["account_id"], mails.passed_on(number, due))
            states = {"state": row["state"]}, {"state": state}
            await keep_act(tx, caller, now, f"complaint.{step}", f"complaint/{number}", *states)
        return {"id": str(number), "state": state}

    async def _customer_says(self, caller: Caller, number: int, words: str) -> dict[str, Any]:
        now = self._complaints.clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("complaint_hold", number)
            if row is None or not self._concerns(caller, row):
                raise _unknown()
            if row["state"] != "forwarded":
                raise Conflict(
                    "complaint_state", "the complaint does not wait for you", field="id",
                    rule="complaints: states", mend="see GET /v1/complaints/{id}",
                )  # fmt: skip
            await self._say(tx, caller, number, "note", words, now, caller.account_id)
        return {"id": str(number), "state": row["state"]}

    async def _held(self, tx: Transaction, caller: Caller, number: int) -> Any:
        row = await tx.fetchrow("complaint_hold", number)
        if row is None:
            raise _unknown()
        await check_not_own(tx, caller, row["account_id"], row["entity_id"])
        return row

    async def _say(
        self, tx: Queries, caller: Caller, number: int, kind: str, words: str, now: float,
        account: int | None = None,
    ) -> None:  # fmt: skip
        sealed = self._complaints.vault.seal(words.encode(), said_owner(number))
        await tx.execute(
            "complaint_word_put", number, kind, sealed, caller.key_id or None, caller.actor_id,
            account, utc(now),
        )  # fmt: skip

    # Who and what --------------------------------------------------------------------------------

    def _is_staff(self, caller: Caller, scopes: frozenset[str]) -> bool:
        """Tell whether somebody of the staff calls who may. Raises NotAllowed for other staff, and
        for customers where only staff act."""
        catalogue = self._complaints.catalogue
        account = catalogue.accounts.get(caller.account_id)
        if account is not None and account.kind != "operator" and scopes is READERS:
            return False
        check_staff(catalogue, caller)
        if caller.scopes.isdisjoint(scopes):
            raise NotAllowed(
                "missing_scope", f"this needs one of {', '.join(sorted(scopes))}",
                field="Authorization", rule="accounts: roles", mend="ask for the role reviewer",
            )  # fmt: skip
        return True

    def _senders_of(self, caller: Caller) -> tuple[Sequence[int], Sequence[int]]:
        """Return the senders that an account itself is, and others that it acts for."""
        catalogue = self._complaints.catalogue
        account = catalogue.accounts.get(caller.account_id)
        entity = None if account is None else account.entity_id
        own: set[int] = set()
        others: set[int] = set()
        for sender in catalogue.senders_held(caller.account_id):
            mine = entity is not None and sender.entity_id == entity
            (own if mine else others).add(sender.id)
        return sorted(own), sorted(others)

    def _concerns(self, caller: Caller, row: Any) -> bool:
        own, others = self._senders_of(caller)
        if row["account_id"] == caller.account_id or row["sender_id"] in own:
            return True
        nobodys = row["account_id"] is None or row["source"] == "api"
        return nobodys and row["sender_id"] in others

    def _sender(self, code: str | None) -> int | None:
        if code is None:
            return None
        for sender in self._complaints.catalogue.senders.values():
            if sender.credit_code == code:
                return sender.id
        raise NotFound("no_sender", "there is no such sender", field="sender", mend="check it")

    def _account(self, name: str | None) -> int | None:
        if name is None:
            return None
        for account in self._complaints.catalogue.accounts.values():
            if account.name == name:
                return account.id
        raise NotFound("no_account", "there is no such account", field="account", mend="check it")

    def _told(self, caller: Caller, row: Any, now: float, staff: bool) -> dict[str, Any]:
        provinces = self._complaints.places.table.provinces
        return told(row, now, provinces) if staff else told_customer(row, now, caller.account_id)

    def _said(self, row: Any) -> dict[str, Any]:
        words = row["sealed"]
        if words is not None:
            words = self._complaints.vault.open(words, said_owner(row["complaint_id"])).decode()
        customer = self._complaints.catalogue.accounts.get(row["account_id"] or 0)
        return {
            "kind": row["kind"],
            "about": row["about"],
            "by": None if customer is None else customer.name,
            "words": words,
            "at": row["at"],
        }


def _unknown() -> NotFound:
    return NotFound("no_complaint", "there is no such complaint", field="id", mend="check it")
