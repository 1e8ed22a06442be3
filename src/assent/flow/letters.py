"""Authorisation letters: who lets whom send in its name, what, until when; two links at most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.admission_requests import LetterRequest
from assent.flow.applications import Rooms, refuse_sandbox
from assent.flow.matters import Item, Matter, Note
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.old_hand import noted
from assent.flow.qualified import admitted, industries_of, persons_needed
from assent.flow.requests import Caller
from assent.message import Purpose
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code
from assent.registry.letters import Letter, check_letter
from assent.registry.table import PURPOSES

_PAPER: Final = "authorisation_letter"


class Letters:
    """The letters of all entities."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def add(self, caller: Caller, request: LetterRequest) -> dict[str, Any]:
        """Keep a letter by which an entity lets the account's own send in its name, and put it on
        the desk. The same again is the one that is there. Raises InvalidInput, NotFound,
        Conflict."""
        refuse_sandbox(caller)
        rooms, at = self._rooms, self._rooms.clock.now()
        if request.valid_to < request.valid_from:
            raise _wrong("valid_to", "the letter ends before it begins", "correct the dates")
        if request.valid_to < day_of(at):
            raise _wrong("valid_to", "the letter has ended", "hand in one that is in force")
        mask = mask_of(request.purposes)
        signatures = sorted({one.strip() for one in request.signatures} - {""})
        async with rooms.store.transaction() as tx:
            await tx.fetchrow("admission_account_hold", caller.account_id)
            agent, principal, document = await self._parties(tx, caller, request)
            via = await self._via(tx, request, principal, mask, signatures)
            words = (
                principal,
                agent,
                via,
                document,
                mask,
                signatures,
                request.valid_from,
                request.valid_to,
            )
            letter = await tx.fetchval("letter_same", *words)
            if letter is None:
                letter = await tx.fetchval("letter_insert", *words, utc(at))
                await self._put_up(tx, caller, int(letter), at)
        return await self._show(int(letter))

    async def _parties(
        self, tx: Transaction, caller: Caller, request: LetterRequest
    ) -> tuple[int, int, int]:
        own = await tx.fetchrow("application_own_entity", caller.account_id)
        if own is None:
            raise _nobody("the account has not applied for its own entity yet", "principal")
        code = plain_code(request.principal)
        row = await tx.fetchrow("application_with", caller.account_id, code)
        if row is None:
            raise _nobody("the account did not apply to send for this entity", "principal")
        if row["entity_id"] == own["entity_id"]:
            raise _wrong("principal", "nobody needs a letter of its own", "leave the letter out")
        document = await tx.fetchrow("document_get", int(request.document), caller.account_id)
        if document is None or document["entity_id"] != row["entity_id"]:
            raise NotFound(
                "no_document", "the principal has no such paper", field="document",
                mend="hand in the letter first: POST /v1/documents with the principal as entity",
            )  # fmt: skip
        if document["kind"] != _PAPER:
            raise _wrong(
                "document", "this paper is no letter", f"hand it in with the kind {_PAPER}"
            )
        return own["entity_id"], row["entity_id"], document["id"]

    async def _via(
        self, tx: Transaction, request: LetterRequest, principal: int, mask: int,
        signatures: list[str],
    ) -> int | None:  # fmt: skip
        """Return the letter that this one passes on. It may give nothing that it did not get."""
        if request.via is None:
            return None
        row = await tx.fetchrow("letter_get", int(request.via))
        if row is None or row["principal_id"] != principal:
            raise NotFound(
                "no_letter", "there is no such letter of this principal", field="via",
                mend="name the letter that the principal's own agent holds",
            )  # fmt: skip
        if row["via_id"] is not None:
            raise _wrong(
                "via", "a chain has two links at most", "have the principal authorise you itself"
            )
        given = set(row["signatures"])
        wider = mask & ~row["purposes"] or (given and not set(signatures) <= given)
        wider = wider or (given and not signatures)
        if wider or request.valid_to > row["valid_to"] or request.valid_from < row["valid_from"]:
            raise _wrong(
                "via", "it passes on more than the first letter gives",
                "keep within its purposes, signatures and dates",
            )  # fmt: skip
        return int(row["id"])

    async def _put_up(self, tx: Transaction, caller: Caller, letter: int, at: float) -> None:
        row = await tx.fetchrow("letter_get", letter)
        assert row is not None
        await self._rooms.desk.open(
            tx, "letter", letter, at=at, account_id=caller.account_id,
            entity_id=row["principal_id"],
            reviewers=persons_needed(self._rooms.table, row["industry"]),
            reasons=[Note("new_letter", "an authorisation was handed in", "新提交授权书")],
            signals=self._signals(row, at),
        )  # fmt: skip

    def _signals(self, row: Any, at: float) -> list[Note]:
        """Return what is odd about a letter, and that it passes on another one."""
        parties = (row["principal"], row["agent"])
        letter = Letter(*parties, row["signatures"], row["valid_from"], row["valid_to"])
        odd = check_letter(self._rooms.table, letter, *parties, day_of(at))
        found = [note for one in odd for note in noted(one)]
        return found if row["via_id"] is None else [*found, _SECOND_LINK]

    async def _show(self, letter: int) -> dict[str, Any]:
        row = await self._rooms.store.fetchrow("letter_get", letter)
        return letter_told(row)

    async def listed(self, caller: Caller) -> dict[str, Any]:
        """Return the letters that the account's entity holds or gave."""
        rows = await self.rows(self._rooms.store, caller.account_id)
        return {"items": [letter_told(row) for row in rows]}

    @staticmethod
    async def rows(queries: Queries, account: int) -> list[Any]:
        """Return the letters that concern an account: those of its entity once it was admitted;
        before that anybody could say to be that entity, and sees what was handed in with it."""
        row = await queries.fetchrow("admission_account", account)
        if row is not None and admitted(row):
            return list(await queries.fetch("letters_of", row["entity_id"]))
        return list(await queries.fetch("letters_handed_in", account))


_SECOND_LINK: Final = Note(
    "second_link", "an agent passes on what another agent got", "代理转授权（第二级）"
)


class LetterMatter(Matter):
    """What follows from a decision about a letter."""

    kind = "letter"

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def reviewers(self, tx: Queries, item: Item, at: float) -> int:
        """Return 2 where the principal is of a financial industry."""
        row = await tx.fetchrow("letter_get", item.subject)
        if row is None:
            return item.reviewers
        industries = await industries_of(tx, row["principal_id"])
        return max(persons_needed(self._rooms.table, one) for one in industries)

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Let it count. Raises Conflict where its paper, or the letter before it, does not."""
        row = await tx.fetchrow("letter_get", item.subject)
        if row is None or row["state"] != "submitted":
            raise Conflict("letter_state", "the letter is not up for decision", field="id")
        if row["document_state"] != "accepted" or row["document_seen"] in ("none", "scan"):
            raise Conflict(
                "letter_paper", "the letter itself was not seen and taken yet", field="id",
                rule="CN-72", mend="see the original, call its principal back, or check its "
                "electronic signature; then decide about the paper",
            )  # fmt: skip
        if row["via_id"] is not None:
            first = await tx.fetchrow("letter_get", row["via_id"])
            today = day_of(at)
            if (
                first is None
                or first["state"] != "accepted"
                or not first["valid_from"] <= today <= first["valid_to"]
            ):
                raise Conflict(
                    "letter_before", "the letter that it passes on is not in force", field="id",
                    rule="CN-72", mend="decide about that one first",
                )  # fmt: skip
        await tx.execute("letter_state", item.subject, "accepted")
        return {"letter": "accepted"}

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Turn a letter down."""
        await tx.execute("letter_state", item.subject, "refused")
        return {"letter": "refused"}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return the letter."""
        row = await queries.fetchrow("letter_get", item.subject)
        return {} if row is None else letter_told(row)


def letter_told(row: Any) -> dict[str, Any]:
    """Return a letter for people and programs."""
    return {
        "id": str(row["id"]),
        "principal": row["principal"],
        "principal_name": row["principal_name"],
        "agent": row["agent"],
        "agent_name": row["agent_name"],
        "via": None if row["via_id"] is None else str(row["via_id"]),
        "document": None if row["document_id"] is None else str(row["document_id"]),
        "document_state": row["document_state"],
        "purposes": [p.name.lower() for p in PURPOSES if row["purposes"] >> p & 1],
        "signatures": list(row["signatures"]),
        "valid_from": row["valid_from"],
        "valid_to": row["valid_to"],
        "state": row["state"],
    }


def mask_of(purposes: list[Any]) -> int:
    """Return purposes as the mask that a letter has."""
    return sum(1 << Purpose[word.upper()] for word in set(purposes))


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput("letter", words, field=field, rule="CN-72", mend=mend)


def _nobody(words: str, field: str) -> NotFound:
    return NotFound(
        "no_application", words, field=field, rule="admission: applications",
        mend="apply first: POST /v1/admission, then POST /v1/senders",
    )  # fmt: skip
