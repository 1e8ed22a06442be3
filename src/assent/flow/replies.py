"""What people answer: stored, put together, read, acted upon.

Each part of a mobile-originated message is a row before it is acknowledged. A reply is made
from rows in the transaction that acts on it, so a crash at any point finds either the rows
still waiting or the refusal done; which link or process a part came through means nothing. Reading
never loses anything: parts whose rest does not come in time are read as they are.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Origin, purpose_mask
from assent.errors import AssentError, Conflict, InvalidInput, Unavailable
from assent.flow.audits import AuditAnswers
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, pack_object, to_signed, unpack
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.inbound import acknowledge
from assent.flow.links import Deliver, LinkHandle
from assent.flow.members import Answered, Members
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Port
from assent.flow.people import Directory
from assent.flow.refusals import Asked, Outcome, RefusalWriter
from assent.message import Purpose, batch_id
from assent.numbers import parse
from assent.policy.keywords import Intent, KeywordSet, Kind
from assent.text import Alphabet, SevenBit, decode, is_repeat, joined, messages, parse_udh

PATIENCE_S: Final = 300.0
"""How long the parts of a message are waited for, where the settings do not say."""
LOOK_BACK_S: Final = 30 * 86_400.0
_AT_ONCE: Final = 500
_ACT_AGAIN_S: Final = 0.2
_MARKETING: Final = purpose_mask(Purpose.MARKETING)
# How a stored message is coded: an Alphabet, or 255 for none that we know, with these flags.
_NO_ALPHABET: Final = 0xFF
_UDH: Final = 0x100
_GSM: Final = 0x200


@dataclass(slots=True)
class _Reply:
    """A whole message, or what came of it."""

    id: int
    rows: list[Any]
    text: str
    complete: bool
    intent: Intent
    ports: list[Port]
    groups: tuple[int, ...] = ()
    member: bool = False  # says no to an organisation that asked, or "never" to the operator

    @property
    def first(self) -> Any:
        return self.rows[0]


class Replies:
    """Reads replies and carries out refusals."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        directory: Directory,
        catalogue: Catalogue,
        keywords: KeywordSet,
        writer: RefusalWriter,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._store = store
        self._clock = clock
        self._ids = ids
        self._directory = directory
        self._catalogue = catalogue
        self._keywords = keywords
        self._writer = writer
        self.members: Members | None = None
        self.audits: AuditAnswers | None = None
        self.on_refused: Callable[[Outcome], None] = lambda outcome: None
        self.counts: dict[str, int] = defaultdict(int)
        self.incomplete = 0  # read without some of their parts
        self.parts_waiting = 0  # when `look` looked
        self.last_error = ""

    async def people_of(self, numbers: Sequence[str]) -> list[int]:
        """Return the person of each number as carriers write them, 0 for what is none."""
        parsed = parse(list(numbers))
        ids = await self._directory.ids(self._store, parsed.msisdn, utc(self._clock.now()))
        return [int(i) for i in ids]

    async def known_people(self, numbers: Sequence[str]) -> list[int]:
        """The same for reports, which make nobody known: an erased person's last may be late."""
        ids = await self._directory.known(self._store, parse(list(numbers)).msisdn)
        return [int(i) for i in ids]

    async def take(self, delivers: list[tuple[LinkHandle, Deliver]]) -> None:
        """Store messages, acknowledge them, then act. Raises AssentError only before they are
        stored: later they must not be handed in again, so acting is repeated here."""
        people = await self.people_of([link.kit.person(deliver) for link, deliver in delivers])
        await self._ids.reserve(self._store, len(delivers))
        at = utc(self._clock.now())
        ids = sorted([self._ids.next() for _ in delivers])  # in the order of arrival
        rows = []
        for (link, deliver), person, id_ in zip(delivers, people, ids, strict=True):
            concat = link.kit.part_of(deliver) or (None, None, None)
            rows.append(
                (
                    id_,
                    at,
                    link.carrier,
                    link.name,
                    to_signed(deliver.message_id),
                    deliver.destination,
                    person,
                    _coding(link, deliver),
                    deliver.content,
                    *concat,
                )
            )
        await self._store.executemany("inbound_insert", rows)
        acknowledge(delivers)
        while True:
            try:
                await self.sweep()
                return
            except AssentError as error:
                self.last_error = error.code
                if not isinstance(error, Unavailable | Conflict):
                    return  # one that cannot be read must not hold up the others' storing
                await asyncio.sleep(_ACT_AGAIN_S)

    async def sweep(self) -> None:
        """Act on every stored message that nothing was made of yet."""
        while await self._sweep_some() >= _AT_ONCE:
            pass

    async def _sweep_some(self) -> int:
        now = self._clock.now()
        await self._ids.reserve(self._store, 3 * _AT_ONCE)
        # The locks come first, so what to lock is read before the transaction that decides.
        waiting = await self._store.fetch("inbound_peek", _AT_ONCE, utc(now - self._patience_s))
        replies = await self._assemble(waiting, now)
        replies, repeats = await self._without_repeats(replies, now)
        if not replies and not repeats:
            return 0
        asked = [one for one in map(self._asked, replies) if one is not None]
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, asked)
            rows = [row for reply in replies for row in reply.rows]
            rows += [row for _, some in repeats for row in some]
            held = {row["id"] for row in await tx.fetch("inbound_hold", [r["id"] for r in rows])}
            for of, some in repeats:
                again = [row["id"] for row in some if row["id"] in held]
                await tx.execute("inbound_claimed", again, of)
            mine = [r for r in replies if all(row["id"] in held for row in r.rows)]
            wanted = {r.id for r in mine}
            for reply in mine:
                await self._store_reply(tx, reply)
            outcome = await self._writer.write(
                tx, [one for one in asked if one.reply_id in wanted], now
            )
            answers = [one for reply in mine if (one := _answered(reply)) is not None]
            if self.members is not None:
                await self.members.take(tx, answers, now)
            if self.audits is not None:
                await self.audits.take(tx, answers, now)
        self.on_refused(outcome)
        return len(waiting)

    async def _assemble(self, rows: list[Any], now: float) -> list[_Reply]:
        """Return the messages that are whole, or too old to wait for."""
        replies: list[_Reply] = []
        parts: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            if not _is_part(row):
                replies.append(await self._reply([row], True))
            else:
                parts[_key(row)].append(row)
        for key, arrived in parts.items():
            for some in messages(arrived, _told):
                whole = len({row["number"] for row in some}) == key[-1]
                if whole or now - some[0]["at"].timestamp() > self._patience_s:
                    replies.append(await self._reply(some, whole))
        return replies

    async def _without_repeats(
        self, replies: list[_Reply], now: float
    ) -> tuple[list[_Reply], list[tuple[int, list[Any]]]]:
        """Take out what only repeats parts that were read already: (the others, reply and rows of
        each repeat). Carriers that number nothing deliver a part again as if it were new."""
        long = [reply for reply in replies if _is_part(reply.first)]
        if not long:
            return replies, []
        people, destinations, references, _ = zip(*(_key(r.first) for r in long), strict=True)
        since = utc(now - 2 * self._patience_s)
        read: dict[tuple[Any, ...], dict[int, dict[int, bytes]]] = {}
        for row in await self._store.fetch(
            "inbound_read", list(people), list(destinations), list(references), since
        ):
            of = read.setdefault(_key(row), {}).setdefault(row["reply_id"], {})
            of[row["number"]] = _content(row)
        repeats: dict[int, tuple[int, list[Any]]] = {}
        for reply in long:
            told = [_told(row) for row in reply.rows]
            for of_reply, earlier in read.get(_key(reply.first), {}).items():
                if is_repeat(told, earlier):
                    repeats[reply.id] = (of_reply, reply.rows)
        return [r for r in replies if r.id not in repeats], list(repeats.values())

    async def look(self) -> None:
        """Count the parts that wait for others, for whoever watches."""
        self.parts_waiting = int(await self._store.fetchval("inbound_parts_waiting"))

    async def _reply(self, rows: list[Any], complete: bool) -> _Reply:
        first = rows[0]
        text = _text(rows)
        ports = self._catalogue.ports_at(first["destination"], first["carrier"])
        reply = _Reply(self._ids.next(), rows, text, complete, self._keywords.read(text), ports)
        reply.groups = await self._groups(reply)
        return reply

    async def _groups(self, reply: _Reply) -> tuple[int, ...]:
        """Return whom a reply concerns: the sender of its port; on a number that several
        share, all who wrote from it to this person in 30 days; on the operator's own port,
        all in whose programmes the person stands."""
        if reply.intent.kind is Kind.REFUSE_ALL:
            return (EVERYONE,)
        senders = {port.sender_id for port in reply.ports if port.sender_id is not None}
        groups = {self._catalogue.senders[sender].group_id for sender in senders}
        person = reply.first["person_id"]
        if len(groups) == 1:
            return tuple(groups)
        if groups:
            since = batch_id(int((self._clock.now() - LOOK_BACK_S) * 1000), 0)
            rows = await self._store.fetch(
                "batches_of_ports", [port.id for port in reply.ports], since
            )
            wrote = {
                row["group_id"] for row in rows if np.any(unpack(row["people"], U32) == person)
            }
            return tuple(sorted(wrote or groups))
        invited: tuple[int, ...] = ()
        if self.members is not None and person:
            now = self._clock.now()
            invited, reply.member = await self.members.invited_by(person, reply.text, now)
            if reply.member:
                return invited
        if self.audits is not None and person:
            denied = await self.audits.denied(person, reply.text, self._clock.now())
            if denied:
                reply.member = True
                return denied
        rows = await self._store.fetch("programmes_of_people", [person])
        programmes = [self._catalogue.programmes.get(row["programme_id"]) for row in rows]
        return tuple(
            sorted(
                {self._catalogue.senders[p.sender_id].group_id for p in programmes if p}
                | {*invited}
            )
        )

    def _asked(self, reply: _Reply) -> Asked | None:
        kind = Kind.REFUSE if reply.member else reply.intent.kind
        if kind not in (Kind.REFUSE, Kind.REFUSE_ALL, Kind.UNCLEAR) or not reply.groups:
            return None
        person = reply.first["person_id"]
        if not person:
            return None
        purposes = _MARKETING
        if reply.member or any(port.purpose is Purpose.INTERNAL for port in reply.ports):
            purposes |= purpose_mask(Purpose.INTERNAL)
        return Asked(
            person,
            reply.groups,
            purposes,
            Channel.SMS,
            Origin.RECEIVER,
            pause=kind is Kind.UNCLEAR,
            reply_id=reply.id,
        )

    async def _store_reply(self, tx: Transaction, reply: _Reply) -> None:
        first = reply.first
        kind = reply.intent.kind
        self.counts[kind.name.lower()] += 1
        self.incomplete += not reply.complete
        await tx.execute("inbound_claimed", [row["id"] for row in reply.rows], reply.id)
        await tx.execute(
            "reply_insert",
            reply.id,
            first["at"],
            first["carrier"],
            first["destination"],
            first["person_id"],
            reply.text,
            kind.name.lower(),
            reply.intent.complaint,
            reply.complete,
            list(reply.groups),
        )
        account = await self._account_of(tx, reply)
        # A refusal is never passed on as a reply (DESIGN.md, promise 7).
        shown = account if kind in (Kind.NONE, Kind.START, Kind.HELP) else None
        payload = {
            "reply": reply.id,
            "destination": first["destination"],
            "text": reply.text,
            "person": first["person_id"],
            "intent": kind.name.lower(),
        }
        await tx.execute(
            "event_insert", first["at"], "reply", shown, reply.id, pack_object(payload)
        )

    async def _account_of(self, tx: Transaction, reply: _Reply) -> int | None:
        if reply.intent.kind not in (Kind.NONE, Kind.START, Kind.HELP) or not reply.ports:
            return None
        since = batch_id(int((self._clock.now() - LOOK_BACK_S) * 1000), 0)
        rows = await tx.fetch("batches_of_ports", [port.id for port in reply.ports], since)
        for row in rows:
            if np.any(unpack(row["people"], U32) == reply.first["person_id"]):
                return int(row["account_id"])
        return None


def _answered(reply: _Reply) -> Answered | None:
    """Return a reply as an answer to organisations that may have asked, None where it is to a
    sender."""
    person = reply.first["person_id"]
    if not person or any(port.sender_id is not None for port in reply.ports):
        return None
    ends = reply.member or reply.intent.kind in (Kind.REFUSE, Kind.REFUSE_ALL)
    return Answered(person, reply.text, reply.groups if ends else (), reply.id)


def _coding(link: LinkHandle, deliver: Deliver) -> int:
    """Return the alphabet of a message and its flags as they are stored: numbers mean the same
    whatever the dialect of the link."""
    alphabet = link.kit.alphabet(deliver.fmt)
    coding = _NO_ALPHABET if alphabet is None else int(alphabet)
    if alphabet is Alphabet.GSM7 and link.kit.seven_bit is SevenBit.GSM:
        coding |= _GSM
    return coding | (_UDH if deliver.udhi else 0)


def _is_part(row: Any) -> bool:
    return row["total"] is not None and row["total"] > 1


def _key(row: Any) -> tuple[int, str, int, int]:
    """Return what the parts of one message have in common."""
    return row["person_id"], row["destination"], row["reference"], row["total"]


def _told(row: Any) -> tuple[int, bytes]:
    return row["number"], _content(row)


def _content(row: Any) -> bytes:
    """Return the octets of a part without their header; all of them if that cannot be read."""
    content: bytes = row["content"]
    if row["fmt"] & _UDH:
        try:
            return parse_udh(content)[1]
        except InvalidInput:
            return content
    return content


def _text(rows: list[Any]) -> str:
    """Return the text of a message's parts, "…" where one is missing."""
    total: int = rows[0]["total"] if _is_part(rows[0]) else 1
    parts = {
        (row["number"] if total > 1 else 1): (row["fmt"] & ~_UDH, _content(row)) for row in rows
    }
    return joined(total, parts, _decode)


def _decode(coding: int, content: bytes) -> str:
    try:
        alphabet = Alphabet(coding & _NO_ALPHABET)
    except ValueError:
        alphabet = Alphabet.BINARY
    if alphabet is Alphabet.BINARY:  # says nothing; what a person wrote may be in it all the same
        alphabet = Alphabet.UCS2 if len(content) % 2 == 0 and 0 in content else Alphabet.GSM7
    seven_bit = SevenBit.GSM if coding & _GSM else SevenBit.ASCII
    # A NUL cannot be stored as text; a broken surrogate neither.
    decoded = decode(content, alphabet, "replace", seven_bit=seven_bit).replace("\0", "")
    return decoded.encode("utf-8", "replace").decode("utf-8")
