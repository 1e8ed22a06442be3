"""The call centre's screen: what staff see of who calls, and what they record on her word.

Staff see what a refusal needs and no more: who wrote to the number in thirty days, by name. Every
look is written down before it is answered, with who looked; no number stands in the record. What is
recorded goes the way of all refusals (refusals.py). There is no way back from here.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Kind, Origin, decode
from assent.errors import AssentError, InvalidInput, NotAllowed, NotFound, Unavailable
from assent.flow.catalogue import Catalogue
from assent.flow.complaint_matching import Sought
from assent.flow.complaints import ADVERTISING, Complaints, Intake
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.live import Live
from assent.flow.needs import Queries, Store, utc
from assent.flow.order import Sender
from assent.flow.people import Directory
from assent.flow.receiver_acts import ALL_BUT_OURS, MOST_WORDS
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.vault import Vault
from assent.flow.written import LOOK_BACK_S, Written
from assent.numbers import FAULT_WORDS, Fault, parse

SCOPE: Final = "support"
LOOKS_AN_HOUR: Final = 120
"""Numbers that one of the staff may look at in an hour."""
MOST_SENDERS: Final = 60
_HOUR_S: Final = 3_600.0
_CALL_LASTS_S: Final = 1_800.0
_AGAIN_S: Final = 600.0
_ENTRIES: Final = 10_000
_OWNER: Final = "call centre's call"


@dataclass(frozen=True, slots=True)
class Call:
    """A number that was looked at, and the call it is about: `ticket` carries it from page to
    page, sealed, for who looked only."""

    number: int
    ticket: str


@dataclass(frozen=True, slots=True)
class Told:
    """What a refusal came to. `receipt`: to tell her; `confirmed`: she gets a confirmation."""

    names: str
    receipt: str
    confirmed: bool


class CallCentre:
    """Looks and writes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        ids: BatchIds,
        writer: RefusalWriter,
        live: Live,
        vault: Vault,
        complaints: Complaints,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._ids = ids
        self._writer = writer
        self._live = live
        self._vault = vault
        self._complaints = complaints
        self._written = Written(store, clock)

    @property
    def account(self) -> str:
        """The name of the operator's account, for which staff log in."""
        operator = self._catalogue.operator
        return operator.name if operator is not None else ""

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed unless somebody may do what this room does."""
        check_staff(self._catalogue, caller)
        if SCOPE not in caller.scopes or caller.actor_id is None:
            raise NotAllowed(
                "missing_scope", "only people of the call centre may do this",
                field="Authorization", rule="accounts: roles", mend="ask for the role support",
            )  # fmt: skip

    # Looking -------------------------------------------------------------------------------------

    async def look(self, caller: Caller, given: str) -> tuple[Call, list[Sender]]:
        """Return the call about a number and who wrote to it in thirty days. Raises NotAllowed,
        InvalidInput for what is no number, Unavailable (429) for who looks at too many."""
        self.check(caller)
        parsed = parse([given[:40]])
        if parsed.fault[0]:
            fault = Fault(int(parsed.fault[0]))
            raise InvalidInput(
                fault.name.lower(), FAULT_WORDS[fault].en, field="number", mend="ask again"
            )
        number, now = int(parsed.msisdn[0]), self._clock.now()
        person = int((await self._directory.known(self._store, parsed.msisdn))[0])
        async with self._store.transaction() as tx:
            # One at a time of one person, so that many at once are no way around the count.
            await tx.execute("lock_actor", caller.actor_id)
            looks = await tx.fetchval("call_looks_since", caller.actor_id, utc(now - _HOUR_S))
            if looks >= LOOKS_AN_HOUR:
                raise _too_many()
            await keep_act(tx, caller, now, "call.look", f"person:{person}", {}, {})
        senders = await self._wrote(person)
        body = {"number": number, "actor": caller.actor_id, "until": now + _CALL_LASTS_S}
        sealed = self._vault.seal(json.dumps(body).encode(), _OWNER)
        return Call(number, base64.urlsafe_b64encode(sealed).decode()), senders

    async def wrote_to(self, call: Call) -> list[Sender]:
        """Return once more who wrote to a number that was looked at."""
        number = np.array([call.number], np.uint64)
        return await self._wrote(int((await self._directory.known(self._store, number))[0]))

    async def _wrote(self, person: int) -> list[Sender]:
        if not person:
            return []
        found = await self._written.senders(person, LOOK_BACK_S)
        known = [self._catalogue.senders[one] for one in found if one in self._catalogue.senders]
        return sorted(known, key=lambda one: one.legal_name)[:MOST_SENDERS]

    def call(self, caller: Caller, ticket: str) -> Call:
        """Return the call that a ticket is of. Raises NotAllowed for one of somebody else's, or of
        half an hour ago."""
        self.check(caller)
        try:
            sealed = base64.b64decode(ticket, altchars=b"-_", validate=True)
            body: dict[str, Any] = json.loads(self._vault.open(sealed, _OWNER))
        except (binascii.Error, ValueError, AssentError):
            body = {"actor": None, "until": 0}
        if body["actor"] != caller.actor_id or body["until"] < self._clock.now():
            raise NotAllowed(
                "call_over", "this call was too long ago, or somebody else's", field="call",
                rule="refusals: call centre", mend="look at the number again",
            )  # fmt: skip
        return Call(body["number"], ticket)

    # Recording -----------------------------------------------------------------------------------

    async def refuse(
        self, caller: Caller, call: Call, senders: Sequence[int], *, everybody: bool, services: bool
    ) -> Told:
        """Record what she refused on the telephone: some senders' groups, or everybody; with
        `services` their codes and notices as well. Raises NotAllowed, NotFound, InvalidInput."""
        self.check(caller)
        groups = self._groups(senders, everybody)
        person, now = await self._person(call), self._clock.now()
        asked = self._asked(person, groups, services and not everybody, now)
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [asked])
            outcome = await self._writer.write(tx, [asked], now)
            receipt = await self._receipt(tx, asked)
            subject = "everybody" if everybody else ",".join(self._codes(senders))
            told = {"services": services and not everybody}
            await keep_act(tx, caller, now, "refusal.telephone", subject, {}, told)
        return Told(self._writer.names(groups), receipt, outcome.confirmations > 0)

    async def complain(self, caller: Caller, call: Call, sender: int, words: str) -> Told:
        """Take in what she complains of about a sender, and end the advertising of its group. One
        of the same minutes is the same complaint. Raises NotAllowed, NotFound, InvalidInput."""
        self.check(caller)
        if not 1 <= len(words) <= MOST_WORDS:
            raise InvalidInput(
                "words_length", f"a complaint has 1 to {MOST_WORDS} characters", field="words",
                mend="write down what she says",
            )  # fmt: skip
        (code,), groups = self._codes([sender]), self._groups([sender], False)
        person, now = await self._person(call), self._clock.now()
        asked = self._asked(person, groups, False, now)
        match = await self._complaints.matching(self._store).find(
            Sought(person, now, sender=sender)
        )
        # She told whom she means; a message of the sender's, or of its group, is what it is about.
        intake = Intake("telephone", person, now, words, replace(match, sender=sender))
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [asked])
            receipt = await tx.fetchval("complaint_lately", person, sender, utc(now - _AGAIN_S))
            outcome = await self._writer.write(tx, [asked], now)
            if receipt is None:
                (taken,) = await self._complaints.put(tx, [intake], now)
                receipt = taken.receipt
                after = {"receipt": receipt}
                await keep_act(tx, caller, now, "complaint.telephone", code, {}, after)
        return Told(self._writer.names(groups), str(receipt), outcome.confirmations > 0)

    def sender_called(self, given: str) -> int:
        """Return the sender with a legal name or credit code. Raises NotFound."""
        wanted = given.strip()
        for sender in self._catalogue.senders.values():
            if wanted and wanted in (sender.legal_name, sender.credit_code):
                return sender.id
        raise _no_sender()

    async def _person(self, call: Call) -> int:
        number = np.array([call.number], np.uint64)
        return int((await self._directory.ids(self._store, number, utc(self._clock.now())))[0])

    def _asked(
        self, person: int, groups: tuple[int, ...], services: bool, now: float
    ) -> Asked:  # fmt: skip
        mask = ALL_BUT_OURS if services else ADVERTISING
        confirm = any(self._stands(group, person, now) for group in groups)
        return Asked(person, groups, mask, Channel.VOICE, Origin.STAFF, confirm=confirm)

    def _groups(self, senders: Sequence[int], everybody: bool) -> tuple[int, ...]:
        if everybody:
            return (EVERYONE,)
        if not senders:
            raise InvalidInput(
                "sender_or_everybody", "nobody is refused", field="sender", mend="choose a sender"
            )
        if any(one not in self._catalogue.senders for one in senders):
            raise _no_sender()
        return tuple(sorted({self._catalogue.senders[one].group_id for one in senders}))

    def _codes(self, senders: Sequence[int]) -> list[str]:
        if any(one not in self._catalogue.senders for one in senders):
            raise _no_sender()
        return sorted(self._catalogue.senders[one].credit_code for one in senders)

    def _stands(self, group: int, person: int, now: float) -> bool:
        """Tell whether somebody could be written to: a mistyped number must not be."""
        known, people = self._catalogue, np.array([person], np.uint32)
        of_group = known.group_programmes.get(group, [])
        programmes = list(known.programmes) if group == EVERYONE else of_group
        return any(bool(self._live.grades(one, people, now)[0]) for one in programmes)

    async def _receipt(self, tx: Queries, asked: Asked) -> str:
        """Return the receipt code of the refusal that is in force now: this one, or the one that
        said the same before."""
        rows = await tx.fetch("receiver_entries", asked.person, _ENTRIES)
        for row in reversed(rows):
            entry = decode(bytes(row["body"]))
            said = entry.kind is Kind.WITHDRAWN and entry.group in asked.groups
            if said and not entry.programme and not asked.purposes & ~entry.purposes:
                return entry.receipt
        return ""


def _no_sender() -> NotFound:
    return NotFound("no_sender", "there is no such sender", field="sender", mend="check it")


def _too_many() -> Unavailable:
    return Unavailable(
        "too_many", f"you looked at {LOOKS_AN_HOUR} numbers within an hour",
        rule="refusals: call centre", mend="go on in an hour", status=429,
        details={"retry_after": 600},
    )  # fmt: skip
