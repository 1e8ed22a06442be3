"""Members of organisations: they say themselves that they are, by a reply or a link, or are none.

An organisation asks (one question a person and month, in words that are not its own); who answers
with Y, or presses the button behind the link, agrees to its internal programme with the best grade
of proof. Silence is no. The organisation is told counts, never who did not answer, who refused and
who was not asked.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin
from assent.errors import Conflict, NotAllowed, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.days import midnight
from assent.flow.ledger import AT_ONCE, append
from assent.flow.level import levelled
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import SMS, Programme, Sender
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.port_requests import InvitationRequest
from assent.flow.programmes import INTERNAL, WORDING
from assent.flow.requests import Caller
from assent.flow.waiting import Grants
from assent.message import Grade
from assent.numbers import FAULT_WORDS, Fault, parse
from assent.registry.calendar import day_of

MONTH_S: Final = 30 * 86_400.0
VALID_S: Final = 7 * 86_400.0
MOST_A_MONTH: Final = 3
"""Organisations that may ask one person in a month."""
_MOST_FAULTS: Final = 1_000
_YES: Final = re.compile(r"(?:Y|YES|是|同意)\s*(\d{4})?")
_NO: Final = re.compile(r"(?:N|NO|否|不同意)\s*(\d{4})?")
_PUNCTUATION: Final = " \t\r\n.。!！,，、;；"


@dataclass(frozen=True, slots=True)
class Answered:
    """A reply to the operator's own port. `refused`: groups that it refuses."""

    person: int
    text: str
    refused: tuple[int, ...] = ()
    reply_id: int = 0


def folded(text: str) -> str:
    """Return a short answer in capitals, without marks around it."""
    wide = {ord("ｙ"): "Y", ord("Ｙ"): "Y", ord("ｎ"): "N", ord("Ｎ"): "N"}
    return text.translate(wide).upper().strip(_PUNCTUATION)


def digest_of(token: str) -> bytes:
    """Return what is stored of a link's token."""
    return hashlib.sha256(token.encode()).digest()


class Members:
    """Who is asked, and what they answer."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, directory: Directory, grants: Grants
    ) -> None:
        self._grants = grants
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory

    # Asking --------------------------------------------------------------------------------

    async def invite(self, caller: Caller, request: InvitationRequest) -> dict[str, Any]:
        """Ask people whether they are members; return a report of wrong numbers. It is the same for
        those who are asked and those who are not: members, who refused, who was asked in the last
        month. Raises NotAllowed for other accounts than organisations', NotFound, Conflict."""
        async with levelled():
            return await self._invite(caller, request)

    async def _invite(self, caller: Caller, request: InvitationRequest) -> dict[str, Any]:
        account = account_of(self._catalogue, caller)
        if not account.organisation:
            raise NotAllowed(
                "no_internal", "only organisations' accounts have members", field="Authorization",
                rule="ports: organisations", mend="apply for an organisation's account",
            )  # fmt: skip
        sender = self._catalogue.sender_for(account, request.sender)
        programme = self._programme(sender, request.programme)
        parsed = parse(request.to)
        now = self._clock.now()
        good = parsed.msisdn[parsed.fault == 0]
        people = await self._directory.ids(self._store, good, utc(now))
        unique = np.unique(people[people > 0]).tolist()
        for start in range(0, len(unique), AT_ONCE):
            await self._ask(account.id, sender, programme, unique[start : start + AT_ONCE], now)
        faults = [
            {
                "row": row,
                "code": Fault(int(parsed.fault[row])).name.lower(),
                "reason": FAULT_WORDS[Fault(int(parsed.fault[row]))].en,
            }
            for row in np.flatnonzero(parsed.fault).tolist()
        ]
        return {
            "accepted": len(request.to) - len(faults),
            "refused": len(faults),
            "faults": faults[:_MOST_FAULTS],
        }

    def _programme(self, sender: Sender, name: str | None) -> Programme:
        found = [
            one
            for one in self._catalogue.programmes.values()
            if (one.sender_id, one.purposes, one.channel) == (sender.id, INTERNAL, SMS)
            and name in (None, one.name)
        ]
        if not found:
            raise NotFound(
                "no_programme", "the organisation has no programme for internal messages",
                field="programme", rule="ports: organisations",
                mend="apply for a port with purpose internal; its approval makes one",
            )  # fmt: skip
        if len(found) > 1:
            raise Conflict(
                "several_programmes", "the organisation has several programmes",
                field="programme", mend=f"name one of {', '.join(one.name for one in found)}",
            )  # fmt: skip
        return found[0]

    async def _ask(
        self, account: int, sender: Sender, programme: Programme, people: list[int], now: float
    ) -> None:
        async with self._store.transaction() as tx:
            await tx.fetch("invitations_lock", sender.id)
            rows = await tx.fetch(
                "invitations_insert", account, sender.id, programme.id, people, utc(now),
                utc(now + VALID_S), utc(now - MONTH_S), MOST_A_MONTH, sender.group_id,
            )  # fmt: skip
            if not rows:
                return
            await tx.execute("notify", "confirm", "")
            entries = [
                Entry(
                    at_ms=int(now * 1000),
                    kind=Kind.REQUESTED,
                    person=row["person_id"],
                    group=sender.group_id,
                    sender=sender.id,
                    programme=programme.id,
                    purposes=INTERNAL,
                    channel=Channel.SMS,
                    origin=Origin.PLATFORM,
                )
                for row in rows
            ]
            await append(tx, entries, utc(now))

    # Answers -------------------------------------------------------------------------------

    async def invited_by(self, person: int, text: str, now: float) -> tuple[tuple[int, ...], bool]:
        """Return the groups whose invitations a person may still answer, and whether a text is the
        No that they were asked for: then it concerns those and nobody else."""
        rows = await self._store.fetch("invitations_open", [person], utc(now))
        said = _NO.fullmatch(folded(text))
        if said is not None and said.group(1):
            rows = [row for row in rows if row["code"] == said.group(1)] or rows
        groups = tuple(sorted({row["group_id"] for row in rows}))
        return groups, bool(groups) and said is not None

    async def take(self, tx: Transaction, answers: Sequence[Answered], now: float) -> None:
        """Carry out what people answered, in the transaction that stores their replies: a Yes is a
        consent, a refusal ends the question."""
        refused = [(one.person, group) for one in answers for group in one.refused]
        if refused:
            people, groups = (list(column) for column in zip(*refused, strict=True))
            await tx.execute("invitations_refused", people, groups, utc(now))
        said = {one.person: _YES.fullmatch(folded(one.text)) for one in answers if not one.refused}
        yes = {person: found.group(1) for person, found in said.items() if found is not None}
        if not yes:
            return
        rows = await tx.fetch("invitations_open", list(yes), utc(now))
        agreed = []
        for person, code in yes.items():
            mine = [row for row in rows if row["person_id"] == person]
            meant = [row for row in mine if row["code"] == code] if code else mine
            # A Yes that may mean several questions answers none of them.
            if len(meant) == 1:
                agreed.append(meant[0])
        await self._enrol(tx, agreed, Channel.SMS, now)

    async def question(self, token: str) -> dict[str, Any]:
        """Return what a link's page asks: the organisation's name and where the question stands.
        Raises NotFound for a token that is none, or of a question that nobody may answer now."""
        async with self._store.transaction() as tx:
            row = await self._by_token(tx, token)
        return {"name": row["legal_name"], "state": row["state"]}

    async def answer(self, token: str, agree: bool) -> dict[str, Any]:
        """Take the answer that somebody gives on a link's page; return where the question stands.
        Only its first answer counts. Raises NotFound as :meth:`question`."""
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await self._by_token(tx, token)
            if row["state"] == "sent" and agree:
                await self._enrol(tx, [row], Channel.WEB, now)
            elif row["state"] == "sent":
                await tx.execute("invitation_answered", row["id"], "refused", utc(now))
        return await self.question(token)

    async def _by_token(self, tx: Transaction, token: str) -> Any:
        row = await tx.fetchrow("invitation_by_token", digest_of(token))
        over = row is not None and row["expires_at"].timestamp() <= self._clock.now()
        if row is None or (over and row["state"] != "agreed"):
            raise NotFound(
                "no_question", "nobody asks anything here, or the time to answer is over",
                field="token", mend="ask the organisation to invite you again",
            )  # fmt: skip
        return row

    async def _enrol(
        self, tx: Transaction, rows: Sequence[Any], channel: Channel, now: float
    ) -> None:
        entries = []
        for row in rows:
            if await tx.fetchval("invitation_answered", row["id"], "agreed", utc(now)) is None:
                continue
            entries.append(
                Entry(
                    at_ms=int(now * 1000),
                    kind=Kind.GRANTED,
                    person=row["person_id"],
                    group=row["group_id"],
                    sender=row["sender_id"],
                    programme=row["programme_id"],
                    purposes=INTERNAL,
                    channel=channel,
                    origin=Origin.RECEIVER,
                    grade=Grade.RECEIVER,
                    wording=await tx.fetchval("wording_put", row["programme_id"], WORDING),
                )
            )
        await self._grants.put(tx, entries, now)

    # Looking -------------------------------------------------------------------------------

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return how many people the account's organisations asked before today, and how many of
        them ever agreed. Who left is told to nobody."""
        account = account_of(self._catalogue, caller)
        today = utc(midnight(day_of(self._clock.now())))
        rows = await self._store.fetch("invitations_counts", account.id, today, INTERNAL)
        return {
            "items": [
                {
                    "sender": row["credit_code"],
                    "programme": row["programme"],
                    "invited": row["invited"],
                    "agreed": row["agreed"],
                }
                for row in rows
            ]
        }

    async def daily(self, at: float) -> None:
        """Silence is no: questions whose time is over are closed."""
        await self._store.execute("invitations_lapse", utc(at))
