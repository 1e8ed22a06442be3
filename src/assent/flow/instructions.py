"""Instructions: what a customer signed so that staff place an order for it.

Nobody orders in a customer's name on his own word. The file is kept sealed, with its digest; it
serves one campaign, which names it for ever. A PDF's signature is checked, and whether its signer
may sign for the customer: then its grade is `signed`. A scan, a picture or a text is `provisional`:
a person compares it, and the platform says who placed the order. A file that was changed after it
was signed is rejected.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import unicodedata
from collections.abc import Sequence
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooLarge
from assent.flow.applications import Rooms
from assent.flow.audience_requests import InstructionRequest
from assent.flow.catalogue import Catalogue
from assent.flow.documents import PaperLimits, belongs, type_of, unsealed
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.order import Account
from assent.flow.people_shown import opened
from assent.flow.requests import Caller, CampaignRequest
from assent.flow.staff import check_not_own, check_staff, instruction_missing, keep_act
from assent.registry.calendar import day_of
from assent.registry.signed_pdf import Roots, check_signed

SCOPE: Final = "behalf"
"""The scope with which staff place orders for customers; natural persons only."""
_SEEING: Final = frozenset({SCOPE, "audit", "admin"})
_OLDEST_DAYS: Final = 366


class Instructions:
    """The instructions of all customers."""

    def __init__(
        self,
        rooms: Rooms,
        catalogue: Catalogue,
        limits: PaperLimits | None = None,
        roots: Roots | None = None,
    ) -> None:
        """`roots`: certificates that signatures may lead to."""
        self._roots = roots or Roots()
        self._rooms = rooms
        self._catalogue = catalogue
        self._limits = limits or PaperLimits()

    async def add(
        self, caller: Caller, request: InstructionRequest, file: bytes | None
    ) -> dict[str, Any]:
        """Keep what a customer signed; return where it stands. Staff with the scope only.

        Raises NotAllowed, NotFound, InvalidInput, TooLarge.
        """
        rooms, at = self._rooms, self._rooms.clock.now()
        account = await customer_of(rooms.store, self._catalogue, caller, request.account)
        kind = self._check_file(file)
        assert file is not None, "the check refuses none"
        if not request.words.strip():
            raise InvalidInput(
                "missing", "words is empty", field="words", rule="audiences: instructions",
                mend="say what the customer orders",
            )  # fmt: skip
        if not 0 <= (day_of(at) - request.signed_on).days <= _OLDEST_DAYS:
            raise InvalidInput(
                "instruction_date", "it was signed in the future, or more than a year ago",
                field="signed_on", rule="audiences: instructions",
                mend="give the date beside the signature",
            )  # fmt: skip
        grade, checked = await self._grade(account, kind, file, at)
        sha = hashlib.sha256(file).digest()
        sealed = await asyncio.to_thread(rooms.vault.seal, file, belongs(sha))
        async with rooms.store.transaction() as tx:
            await tx.execute("paper_file_put", sha, kind, len(file), sealed)
            number = await tx.fetchval(
                "instruction_insert", account.id, sha, request.words.strip(), request.signed_on,
                caller.account_id, caller.key_id, caller.actor_id, utc(at), grade,
                json.dumps(checked),
            )  # fmt: skip
            told = {"account": account.id, "sha256": sha.hex(), "grade": grade, **checked}
            await keep_act(tx, caller, at, "instruction.add", f"instruction/{number}", {}, told)
        return await self.show(caller, int(number))

    async def _grade(
        self, account: Account, kind: str, file: bytes, at: float
    ) -> tuple[str, dict[str, Any]]:
        """Return the grade of a file and what it stands on, which names nobody. Raises InvalidInput
        `instruction_changed` for a signature that is none."""
        if kind != "application/pdf":
            return "provisional", {"why": "unsigned"}
        told = await asyncio.to_thread(check_signed, file, self._roots, utc(at))
        if told.why == "changed":
            raise InvalidInput(
                "instruction_changed", "the file was changed after it was signed", field="file",
                rule="audiences: instructions", mend="hand in the file as it was signed",
            )  # fmt: skip
        signed_at = None if told.signed_at is None else told.signed_at.isoformat()
        checked = {"why": told.why, "serial": told.serial, "signed_at": signed_at}
        if not told.good:
            return "provisional", checked
        role = await self._role(account, told.names)
        if role is None:
            return "provisional", {**checked, "why": "signer_unknown"}
        return "signed", {**checked, "signed_by": role}

    async def _role(self, account: Account, names: Sequence[str]) -> str | None:
        """Return which of an account's responsible persons a certificate names, `entity` for the
        company itself, None for nobody who may sign for it."""
        given = {_plain(one) for one in names}
        store = self._rooms.store
        if account.entity_id is None:
            return None
        entity = await store.fetchrow("entity_get", account.entity_id)
        if entity is not None and given & {
            _plain(entity["legal_name"]), _plain(entity["credit_code"])
        }:  # fmt: skip
            return "entity"
        for row in await store.fetch("people_about", account.entity_id, None):
            if _plain(opened(self._rooms.vault, row)["name"]) in given:
                return str(row["role"])
        return None

    def _check_file(self, file: bytes | None) -> str:
        if not file:
            raise InvalidInput(
                "file_missing", "an instruction is a file that the customer signed", field="file",
                rule="audiences: instructions", mend="hand in a PDF, an image or a signed text",
            )  # fmt: skip
        if len(file) > self._limits.octets:
            raise TooLarge(
                "paper_too_large", f"the file is larger than {self._limits.octets} octets",
                field="file", rule="admission: papers", mend="make the copy smaller",
                details={"limit": self._limits.octets},
            )  # fmt: skip
        kind = type_of(file) or _text_type(file)
        if kind is None:
            raise InvalidInput(
                "paper_type", "by its content the file is no PDF, image or text", field="file",
                rule="audiences: instructions", mend="save it as one of these",
            )  # fmt: skip
        return kind

    async def show(self, caller: Caller, instruction: int) -> dict[str, Any]:
        """Return an instruction: the customer's own, or any to staff. Raises NotFound."""
        row = await self._row(caller, instruction)
        return {
            "id": str(row["id"]),
            "account": str(row["account_id"]),
            "words": row["words"],
            "signed_on": row["signed_on"],
            "sha256": bytes(row["file_sha256"]).hex(),
            "media_type": row["media_type"],
            "grade": row["grade"],
            "checked": json.loads(row["checked"]),
            "created_at": row["created_at"],
            "campaign": str(row["campaign_id"]) if row["campaign_id"] else None,
        }

    async def file(self, caller: Caller, instruction: int) -> tuple[str, bytes]:
        """Return media type and octets as handed in. Looks of staff are written down."""
        row = await self._row(caller, instruction)
        if self._sees_all(caller):
            async with self._rooms.store.transaction() as tx:
                at, subject = self._rooms.clock.now(), f"instruction/{instruction}"
                await keep_act(tx, caller, at, "instruction.open", subject, {}, {})
        return await unsealed(self._rooms, bytes(row["file_sha256"]))

    async def _row(self, caller: Caller, instruction: int) -> Any:
        owner = None if self._sees_all(caller) else caller.account_id
        row = await self._rooms.store.fetchrow("instruction_get", instruction, owner)
        if row is None:
            raise no_instruction()
        return row

    def _sees_all(self, caller: Caller) -> bool:
        account = self._catalogue.accounts.get(caller.account_id)
        staff = account is not None and account.kind == "operator" and not caller.sandbox
        return staff and not _SEEING.isdisjoint(caller.scopes)


async def orderer_of(
    queries: Queries, catalogue: Catalogue, caller: Caller, request: CampaignRequest
) -> Caller:
    """Return in whose name a campaign is ordered: the caller's, or the customer's for whom somebody
    of the staff places it.

    Raises NotAllowed without the scope that it takes, InvalidInput `instruction_missing` for an
    order of staff without an instruction; NotFound.
    """
    if request.on_behalf_of is None:
        if request.instruction is not None:
            raise InvalidInput(
                "no_behalf", "an instruction belongs to an order for somebody else",
                field="instruction", rule="audiences: instructions",
                mend="say on_behalf_of, or leave it out",
            )  # fmt: skip
        if "campaigns" not in caller.scopes:
            raise _missing_scope("campaigns")
        return caller
    account = await customer_of(queries, catalogue, caller, request.on_behalf_of)
    if request.instruction is None:
        raise instruction_missing()
    return Caller(account.id, frozenset({"campaigns"}), False, caller.key_id, caller.actor_id)


async def customer_of(
    queries: Queries, catalogue: Catalogue, caller: Caller, account: str
) -> Account:
    """Return the customer for whom somebody of the staff acts. Raises NotAllowed for anybody else,
    and for who acts for that customer otherwise; NotFound."""
    check_staff(catalogue, caller)
    if SCOPE not in caller.scopes:
        raise _missing_scope(SCOPE)
    found = catalogue.accounts.get(int(account)) if account.isdecimal() else None
    if found is None or found.kind == "operator":
        raise NotFound(
            "no_account", "there is no such customer", field="account",
            mend="name the id of the customer's account",
        )  # fmt: skip
    await check_not_own(queries, caller, found.id, found.entity_id)
    return found


async def use_instruction(
    tx: Transaction, caller: Caller, request: CampaignRequest, account: int, campaign: int,
    at: float,
) -> None:  # fmt: skip
    """Tie a campaign that staff order to the customer's instruction, and write down who did.

    Raises NotFound for none of that customer, Conflict `instruction_used` for one that has served.
    """
    assert request.instruction is not None, "without it nothing is ordered"
    number = int(request.instruction) if request.instruction.isdecimal() else 0
    row = await tx.fetchrow("instruction_hold", min(number, (1 << 63) - 1), account)
    if row is None:
        raise no_instruction()
    if await tx.fetchval("instruction_campaign", row["id"]) is not None:
        raise Conflict(
            "instruction_used", "another campaign was ordered on this instruction",
            field="instruction", rule="audiences: instructions",
            mend="have the customer sign this order, too",
        )  # fmt: skip
    await tx.execute("campaign_instructed", campaign, row["id"])
    told = {
        "account": account,
        "instruction": str(row["id"]),
        "sha256": bytes(row["file_sha256"]).hex(),
        "grade": row["grade"],
        "audience": request.audience,
        "sender": request.sender,
        "purpose": request.purpose,
    }
    await keep_act(tx, caller, at, "campaign.order", f"campaign/{campaign}", {}, told)


def no_instruction() -> NotFound:
    """Return the error for an instruction that is not there for who asks."""
    return NotFound(
        "no_instruction", "there is no such instruction of this customer", field="instruction",
        mend="use the id that POST /v1/instructions returned",
    )  # fmt: skip


def _missing_scope(scope: str) -> NotAllowed:
    return NotAllowed(
        "missing_scope", f"the key may not do this; it needs {scope}", field="Authorization",
        rule="http-api: keys", mend="use another key, or ask for one with this scope",
    )  # fmt: skip


def _plain(name: str) -> str:
    """Return a name as names are compared."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _text_type(file: bytes) -> str | None:
    """Return the media type of a text, None for what is none."""
    try:
        text = file.decode("utf-8")
    except UnicodeDecodeError:
        return None
    plain = all(mark.isprintable() or mark in "\r\n\t\ufeff" for mark in text)
    return "text/plain" if plain and text.strip() else None
