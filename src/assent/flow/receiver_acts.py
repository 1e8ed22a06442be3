"""What a receiver does on her page, or by the button behind a link: refuse, take back, complain.

Every refusal goes the way of all others (refusals.py): one entry, one confirmation by SMS; so does
what she gives back. Only what she does herself, with her number proved, undoes a refusal: no other
room has a way to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, Scope, purpose_mask
from assent.errors import InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, unpack
from assent.flow.commit import GROUP_CLASS
from assent.flow.complaints import ADVERTISING, Complaints, Intake
from assent.flow.ends import EVERYONE
from assent.flow.erasure import Erased, Erasing, Wish
from assent.flow.ids import BatchIds
from assent.flow.ledger import append
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Sender
from assent.flow.projection import project
from assent.flow.receiver_proof import Visitor
from assent.flow.refusal_links import Link
from assent.flow.refusals import Asked, RefusalWriter
from assent.message import Grade, Purpose, split_message_id

ALL_BUT_OURS: Final = ADVERTISING | purpose_mask(Purpose.VERIFICATION, Purpose.NOTIFICATION)
MOST_WORDS: Final = 1_000


class ReceiverActs:
    """Writes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        ids: BatchIds,
        writer: RefusalWriter,
        erasing: Erasing,
        new_code: Callable[[], str],
        complaints: Complaints,
    ) -> None:
        self._complaints = complaints
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._ids = ids
        self._writer = writer
        self._new_code = new_code
        self._erasing = erasing

    # Refusing ------------------------------------------------------------------------------------

    async def refuse_programme(self, person: int, programme: int) -> None:
        """Refuse one programme. Raises NotFound."""
        known = self._catalogue.programmes.get(programme)
        if known is None:
            raise _unknown("programme")
        group = self._catalogue.senders[known.sender_id].group_id
        await self._refuse(_asked(person, group, known.purposes, programme))

    async def refuse_sender(self, person: int, sender: int, *, services: bool = False) -> None:
        """Refuse a sender, with all of its group; with `services` its codes and notices as well.
        Raises NotFound."""
        mask = ALL_BUT_OURS if services else ADVERTISING
        await self._refuse(_asked(person, self._sender(sender).group_id, mask))

    async def refuse_everybody(self, person: int) -> None:
        """Refuse advertising of every sender."""
        await self._refuse(_asked(person, EVERYONE, ADVERTISING))

    async def refuse_by_link(self, link: Link) -> None:
        """Do what the button behind a link does. A link to somebody who is gone does nothing."""
        if link.sender in self._catalogue.senders:
            await self.refuse_sender(link.person, link.sender)

    def sender_of(self, link: Link) -> str | None:
        """Return who wrote the message that a link stood in, None if nobody knows any more."""
        sender = self._catalogue.senders.get(link.sender)
        return None if sender is None else sender.legal_name

    async def _refuse(self, asked: Asked) -> None:
        await self._writer.record(self._store, [asked], self._clock.now())

    # Taking back ---------------------------------------------------------------------------------

    async def agree(self, person: int, programme: int) -> None:
        """Agree to a programme: a fresh act, with the best grade of proof, that outweighs refusals
        for this programme only. Raises NotFound."""
        known = self._catalogue.programmes.get(programme)
        if known is None:
            raise _unknown("programme")
        sender = self._catalogue.senders[known.sender_id]
        wording = await self._store.fetchval("wording_put", known.id, known.wording_version)
        now, group = self._clock.now(), sender.group_id
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [group])
            row = await tx.fetchrow("return_standing", known.id, person)
            stands = row is not None and row["grade"] == Grade.RECEIVER
            if row is not None and row["until"] is not None:
                stands = stands and row["until"] > utc(now)
            act = _fresh_act(
                person, now, group=group, sender=sender.id, programme=known.id,
                purposes=known.purposes, wording=wording, receipt=self._new_code(),
            )  # fmt: skip
            # Who stands by her own word already changes nothing, and is not told again.
            names = "" if stands else self._writer.names([group], known.id)
            await self._give(tx, act, "agreed", names)

    async def take_back(self, person: int, sender: int | None) -> None:
        """Take back what was refused to a sender's group, or (None) to everybody. What she had
        agreed to before does not come back with it. Raises NotFound."""
        group = EVERYONE if sender is None else self._sender(sender).group_id
        now = self._clock.now()
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [group])
            rows = await tx.fetch("refusals_of_people", [person])
            mask = sum(row["purposes"] for row in rows if row["group_id"] == group)
            if mask:
                scope = Scope.PLATFORM if group == EVERYONE else Scope.GROUP
                act = _fresh_act(
                    person, now, group=group, purposes=mask, scope=scope, receipt=self._new_code()
                )
                await self._give(tx, act, "taken_back", self._writer.names([group]))

    async def _give(self, tx: Transaction, entry: Entry, about: str, names: str) -> None:
        """Append what she gives back; with `names` she is told so by SMS, once, so that nobody who
        has her phone for a minute does it unseen."""
        at = utc(self._clock.now())
        done = await append(tx, [entry], at)
        position = done.positions[0]
        await project(tx, [(position, entry)])
        if names:
            await tx.execute(
                "confirmation_of_return", self._ids.next(), position, entry.person, entry.group,
                names, entry.receipt, at, about,
            )  # fmt: skip

    # Complaining ---------------------------------------------------------------------------------

    async def complain(self, person: int, message: int, words: str) -> str:
        """Take in a complaint about a message, and end the advertising of its sender's group;
        return its receipt code. A second one about the same message is the first. Raises NotFound
        for a message that is not hers, InvalidInput for too many words."""
        if len(words) > MOST_WORDS:
            raise InvalidInput(
                "words_length", f"a complaint has at most {MOST_WORDS} characters", field="words",
                mend="shorten it",
            )  # fmt: skip
        sender = await self._writer_of(person, message)
        asked = _asked(person, sender.group_id, ADVERTISING)
        now = self._clock.now()
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [asked])
            earlier = await tx.fetchval("complaints_of_message", person, message)
            if earlier is not None:
                return str(earlier)
            match = await self._complaints.matching(tx).of_message(message)
            known = self._catalogue.ports.get(match.port or 0)
            number = "" if known is None else known.number
            one = Intake("receiver", person, now, words, replace(match, sender=sender.id), number)
            (taken,) = await self._complaints.put(tx, [one], now)
            await self._writer.write(tx, [asked], now)
        return taken.receipt

    async def _writer_of(self, person: int, message: int) -> Sender:
        batch, slot = split_message_id(message)
        row = await self._store.fetchrow("receiver_message", batch)
        people = unpack(row["people"], U32) if row is not None else np.zeros(0, np.uint32)
        if row is None or slot >= len(people) or int(people[slot]) != person:
            raise _unknown("message")
        return self._sender(row["sender_id"])

    # Being forgotten -----------------------------------------------------------------------------

    async def be_forgotten(self, visitor: Visitor, keep_mark: bool) -> Erased:
        """Erase her, whose number is proved. `keep_mark`: one keyed digest of the number may stay,
        so that nobody's list brings her back."""
        return await self._erasing.erase(Wish(visitor.number, "receiver", keep_mark))

    # Proof ---------------------------------------------------------------------------------------

    def proof_of(self, visitor: Visitor, sender: int) -> tuple[str, str]:
        """Return whose evidence to gather: her number and the sender's code. Raises NotFound."""
        return f"+{visitor.number}", self._sender(sender).credit_code

    def _sender(self, number: int) -> Sender:
        sender = self._catalogue.senders.get(number)
        if sender is None:
            raise _unknown("sender")
        return sender


def _asked(person: int, group: int, purposes: int, programme: int = 0) -> Asked:
    return Asked(
        person, (group,), purposes, Channel.WEB, Origin.RECEIVER, programme=programme
    )  # fmt: skip


def _fresh_act(person: int, now: float, **fields: Any) -> Entry:
    return Entry(
        at_ms=int(now * 1000),
        kind=Kind.GRANTED,
        person=person,
        channel=Channel.WEB,
        origin=Origin.RECEIVER,
        grade=Grade.RECEIVER,
        **fields,
    )


def _unknown(field: str) -> NotFound:
    return NotFound("unknown", "there is no such thing of yours", field=field, mend="look again")
