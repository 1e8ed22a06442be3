"""Asking people whether they agree: what the sender's software calls, and what staff see of it.

A request is taken alike whoever the number belongs to: nothing about the person is looked at
before the answer, so neither it nor the time it takes tells anything (DESIGN.md, promise 7). What
becomes of it is decided later (asker.py). Who agreed is told once the day is over; about all others
nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import purpose_mask
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.asking_requests import AskingRelease, ConsentQuestion, ConsentSession
from assent.flow.asking_words import check_programme
from assent.flow.catalogue import Catalogue
from assent.flow.days import midnight
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Account, Programme, Sender
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.numbers import FAULT_WORDS, Fault, parse
from assent.policy.asking import AskingRules
from assent.registry.calendar import day_of

SESSION_S: Final = 60.0
"""How long a token of a session is good, where the settings do not say."""
KEEP_SESSIONS_S: Final = 7 * 86_400.0
PREFIX: Final = "cs_"
_TOKEN: Final = 24
_MARKETING: Final = purpose_mask(Purpose.MARKETING)
_PAGE: Final = 1_000
_MOST_STOPS: Final = 500


class Asking:
    """Takes requests. `rules`: what the rulebook says of asking; `random` gives octets that nobody
    can foresee."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        catalogue: Catalogue,
        directory: Directory,
        vault: Vault,
        rules: AskingRules,
        random: Callable[[int], bytes],
        session_s: float = SESSION_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue
        self._directory = directory
        self._vault = vault
        self._rules = rules
        self._random = random
        self._session_s = session_s

    # What senders do -----------------------------------------------------------------------

    async def begin(self, caller: Caller, request: ConsentSession) -> dict[str, Any]:
        """Return a token for one entry of a number, and until when it is good.

        Raises NotAllowed, NotFound for a sender or programme that is none of the account's,
        InvalidInput for a programme that nobody can be asked about, Conflict (`asking_stopped`).
        """
        account, sender, programme = await self._named(caller, request.sender, request.programme)
        now = self._clock.now()
        await self._check_stop(sender, now)
        token = PREFIX + base64.urlsafe_b64encode(self._random(_TOKEN)).decode()
        until = utc(now + self._session_s)
        await self._store.execute(
            "consent_session_put", digest_of(token), account.id, sender.id, programme.id,
            utc(now), until,
        )  # fmt: skip
        return {"session": token, "expires_at": until}

    async def request(self, caller: Caller, request: ConsentQuestion) -> dict[str, Any]:
        """Take a request; the answer is the same whether or not somebody is asked.

        The same again is the same request. Raises InvalidInput for a wrong number, a token that is
        none or too old, Conflict for one that was used for another number, and as :meth:`begin`.
        """
        account, sender, programme = await self._named(caller, request.sender, request.programme)
        if (request.session is None) is (request.document is None):
            raise InvalidInput(
                "consent_basis", "a question stands on a session or on a document",
                field="session", rule="CN-10",
                mend="give the token of the session, or the id of the document; not both",
            )  # fmt: skip
        parsed = parse([request.number])
        if parsed.fault[0]:
            fault = Fault(int(parsed.fault[0]))
            raise InvalidInput(
                fault.name.lower(), FAULT_WORDS[fault].en, field="number",
                mend="give the mobile number as the person entered it",
            )  # fmt: skip
        now = self._clock.now()
        await self._check_stop(sender, now)
        await self._ids.reserve(self._store, 1)
        number = str(int(parsed.msisdn[0]))
        async with self._store.transaction() as tx:
            if request.session is not None:
                new = await self._by_session(tx, request.session, account, programme, number, now)
            else:
                new = await self._by_document(tx, request, sender, number)
            if new:
                await self._take(tx, request, (account, sender, programme), number, now)
                await tx.execute("notify", "confirm", "")
        return {"state": "taken"}

    async def _by_session(
        self, tx: Transaction, token: str, account: Account, programme: Programme, number: str,
        now: float,
    ) -> bool:  # fmt: skip
        """Return whether a token brings a new request, and not the one that it brought already."""
        row = await tx.fetchrow("consent_session_get", digest_of(token))
        if row is None or (row["account_id"], row["programme_id"]) != (account.id, programme.id):
            raise InvalidInput(
                "no_session", "there is no such session of this account and programme",
                field="session", rule="CN-10", mend="begin one: POST /v1/consents/sessions",
            )  # fmt: skip
        used = await tx.fetchval("asking_of_session", digest_of(token))
        if used is not None:
            if bytes(used) == self._digest(number):
                return False
            raise Conflict(
                "session_used", "the session was used for another number", field="session",
                rule="CN-10", mend="begin another one for every number that is entered",
            )  # fmt: skip
        if row["expires_at"].timestamp() <= now:
            raise InvalidInput(
                "session_over", "the session is over", field="session", rule="CN-10",
                mend="begin it when the number is about to be entered, and ask at once",
            )  # fmt: skip
        return True

    async def _by_document(
        self, tx: Transaction, request: ConsentQuestion, sender: Sender, number: str
    ) -> bool:
        document = int(request.document or 0)
        if await tx.fetchval("asking_document", document, sender.id) is None:
            raise NotFound(
                "no_consent_document",
                "the sender has no such document that shows consents and was accepted",
                field="document", rule="CN-21",
                mend="hand it in with kind consent_evidence and have its original seen",
            )  # fmt: skip
        mine, others = await self._on_document(tx, document, number)
        if mine:
            return False
        if others >= self._rules.by_document:
            raise Conflict(
                "document_used_up", f"the document stands for {others} numbers already",
                field="document", rule="CN-21", mend="hand in the document that shows this one",
            )  # fmt: skip
        return True

    async def _on_document(self, tx: Transaction, document: int, number: str) -> tuple[bool, int]:
        row = await tx.fetchrow("asking_by_document", document, self._digest(number))
        return (False, 0) if row is None else (row["mine"] > 0, row["numbers"])

    async def _take(
        self, tx: Transaction, request: ConsentQuestion,
        parties: tuple[Account, Sender, Programme], number: str, now: float,
    ) -> None:  # fmt: skip
        account, sender, programme = parties
        id_ = self._ids.next()
        place = request.place.strip()
        sealed = self._vault.seal(number.encode(), number_belongs(id_))
        await tx.execute(
            "asking_take", id_, account.id, sender.id, programme.id, sealed, self._digest(number),
            "session" if request.session is not None else "document",
            None if request.session is None else digest_of(request.session),
            None if request.document is None else int(request.document),
            self._vault.seal(place.encode(), place_belongs(id_)) if place else None,
            self._vault.digest(place, "consent place") if place else None,
            utc(now),
        )  # fmt: skip

    def _digest(self, number: str) -> bytes:
        return self._vault.digest(number, "consent number")

    async def _named(
        self, caller: Caller, code: str, name: str
    ) -> tuple[Account, Sender, Programme]:
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_for(account, code)
        programme = self._catalogue.programmes[self._catalogue.programme_for(sender, name, {})]
        if not programme.purposes & _MARKETING:
            raise InvalidInput(
                "programme_purpose", "nobody has to be asked about this programme",
                field="programme", rule="CN-08", mend="name one that serves marketing",
            )  # fmt: skip
        told = await self._store.fetchrow("asking_programme", programme.id)
        assert told is not None, "the catalogue has it from there"
        check_programme(told["kinds"], told["frequency"], told["period"])
        return account, sender, programme

    async def _check_stop(self, sender: Sender, now: float) -> None:
        """Refuse who is stopped; from the day after, lest the last answer be told at once."""
        today = midnight(day_of(now))
        for row in await self._store.fetch("asking_stopped", [sender.id]):
            if row["at"].timestamp() < today:
                raise Conflict(
                    "asking_stopped", "too few of those who were asked agreed", field="sender",
                    rule="CN-10",
                    mend="ask only who wants it; then have the operator's staff look at it",
                )  # fmt: skip

    async def agreed(self, caller: Caller, day: date | None, cursor: int) -> dict[str, Any]:
        """Return who agreed on a day, yesterday if none is named, and where to go on. Raises
        Conflict for a day that is not over. Of those who did not agree nothing is told."""
        account = account_of(self._catalogue, caller)
        today = day_of(self._clock.now())
        wanted = day if day is not None else today - timedelta(days=1)
        if wanted >= today:
            raise Conflict(
                "day_open", "who agreed is told once the day is over", field="day",
                rule="consent: asking", mend="ask for an earlier day",
            )  # fmt: skip
        span = (utc(midnight(wanted)), utc(midnight(wanted + timedelta(days=1))))
        rows = await self._store.fetch("asking_yes", account.id, *span, cursor, _PAGE)
        people = np.array([row["person_id"] for row in rows], np.uint32)
        numbers = await self._directory.msisdns(self._store, people)
        items = [
            {
                "number": f"+{number}", "sender": row["credit_code"],
                "programme": row["programme"],
            }
            for row, number in zip(rows, numbers.tolist(), strict=True)
            if number
        ]  # fmt: skip
        more = rows[-1]["id"] if len(rows) == _PAGE else None
        return {"day": wanted, "items": items, "cursor": None if more is None else str(more)}

    # What staff do -------------------------------------------------------------------------

    async def stops(self, caller: Caller) -> dict[str, Any]:
        """Return the senders that are or were stopped, the last first."""
        check_staff(self._catalogue, caller)
        rows = await self._store.fetch("asking_stops", _MOST_STOPS)
        return {
            "items": [
                {
                    "sender": row["credit_code"],
                    "legal_name": row["legal_name"],
                    "since": row["at"],
                    "asked": row["asked"],
                    "agreed": row["agreed"],
                    "released_at": row["released_at"],
                }
                for row in rows
            ]
        }

    async def release(self, caller: Caller, code: str, request: AskingRelease) -> dict[str, Any]:
        """Let a sender ask again; it is judged by what it asks from then on. Raises NotFound."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("asking_release", code, utc(now))
            if row is None:
                raise NotFound(
                    "not_stopped", "the sender is not stopped", field="sender",
                    rule="consent: asking", mend="GET /v1/consents/stops lists those that are",
                )  # fmt: skip
            before = {"stopped": True, "asked": row["asked"], "agreed": row["agreed"]}
            after = {"stopped": False, "reason": request.reason}
            about = f"sender/{row['sender_id']}"
            await keep_act(tx, caller, now, "asking.release", about, before, after)
        return {"sender": code, "released_at": datetime.fromtimestamp(now, UTC)}


def digest_of(token: str) -> bytes:
    """Return what is stored of a session's token: 192 random bits, so a plain hash will do."""
    return hashlib.sha256(token.encode()).digest()


def number_belongs(request: int) -> str:
    """Return what a request's sealed number belongs to."""
    return f"consent_request.number_sealed/{request}"


def place_belongs(request: int) -> str:
    """Return what a request's sealed place belongs to."""
    return f"consent_request.place_sealed/{request}"
