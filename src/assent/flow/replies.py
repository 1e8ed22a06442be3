"""What people answer: stored, put together, read, acted upon.

Each part of a mobile-originated message is a row before it is acknowledged. A reply is made
from rows in the transaction that acts on it, so a crash at any point finds either the rows
still waiting or the refusal done; which link or process a part came through means nothing. Reading
never loses anything: parts whose rest does not come in time are read as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Origin, purpose_mask
from assent.errors import AssentError, Conflict, Unavailable
from assent.flow.catalogue import Catalogue
from assent.flow.columns import to_signed
from assent.flow.ends import EVERYONE
from assent.flow.help_answers import HelpWanted, keep_wanted
from assent.flow.ids import BatchIds
from assent.flow.inbound import acknowledge
from assent.flow.links import Deliver, LinkHandle
from assent.flow.needs import Store, Transaction, utc
from assent.flow.people import Directory
from assent.flow.questions import Questions
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.refused_at_once import AtOnce, Word
from assent.flow.reply_parts import (
    WHOLE,
    as_row,
    coding_of,
    content_of,
    is_part,
    key_of,
    text_of,
    told,
)
from assent.flow.reply_read import Reply, answered, columns, read
from assent.flow.whom import Whom
from assent.message import Purpose
from assent.numbers import country_of, parse
from assent.text import is_repeat, messages
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Kind

PATIENCE_S: Final = 300.0
"""How long the parts of a message are waited for, where the settings do not say."""
_AT_ONCE: Final = 500
_ACT_AGAIN_S: Final = 0.2
_ANY: Final = {"link": "", "carrier_id": 0}  # of a message that is stored
_OTHERS_S: Final = 1.0
"""How long another process may take to act on what this one stored, before this one does."""
_MARKETING: Final = purpose_mask(Purpose.MARKETING)
_ENDS: Final = frozenset({Kind.REFUSE, Kind.REFUSE_ALL, Kind.UNCLEAR})
_SHOWN: Final = frozenset({Kind.NONE, Kind.START, Kind.HELP})
"""A refusal is never passed on as a reply (DESIGN.md, promise 7)."""


class Replies:
    """Reads replies and carries out refusals."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: BatchIds,
        directory: Directory,
        catalogue: Catalogue,
        keywords: KeywordSets,
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
        self._whom = Whom(store, clock, catalogue)
        self._at_once = AtOnce(store, catalogue, ids, writer)
        self.questions: Questions | None = None
        self.hands_over = False  # another process acts on what this one stores
        self._tried: set[int] = set()  # messages that take the longer way
        self._failing = False
        self._woken = asyncio.Event()
        self._looking: asyncio.TimerHandle | None = None
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
        """Store messages, acknowledge them, then act. What is acknowledged leaves the list and must
        not be handed in again: raises AssentError only while something is in it. Acting is repeated
        here."""
        now = self._clock.now()
        rows = await self._rows(delivers, now)
        if not (self.hands_over or self._failing):
            done = await self._new_refused(rows, now)
            _acknowledge(delivers, rows, done)
            rows = [row for row in rows if row[0] not in done]
            if not rows:
                return
        columns = map(list, zip(*rows, strict=True))
        self._failing = True  # what is tried again goes to the journal once, not every time
        await self._store.execute("inbound_store", *columns, self.hands_over)
        self._failing = False
        _acknowledge(delivers, rows, {row[0] for row in rows})
        if self.hands_over:
            self._look_again()
        else:
            await self._act_on_all()

    async def _rows(
        self, delivers: list[tuple[LinkHandle, Deliver]], now: float
    ) -> list[tuple[Any, ...]]:
        """Return what is stored of messages as they came, each with a new id."""
        people = await self.people_of([link.kit.person(deliver) for link, deliver in delivers])
        await self._ids.reserve(self._store, 3 * len(delivers))
        ids = sorted([self._ids.next() for _ in delivers])  # in the order of arrival
        return [
            (
                id_,
                utc(now),
                link.carrier,
                link.name,
                to_signed(deliver.message_id),
                deliver.destination,
                person,
                coding_of(link, deliver),
                deliver.content,
                *(link.kit.part_of(deliver) or (None, None, None)),
            )
            for (link, deliver), person, id_ in zip(delivers, people, ids, strict=True)
        ]

    async def run(self) -> None:
        """Act on what other processes stored, whenever :meth:`wake` is called."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            await self._act_on_all()

    async def finish(self) -> None:
        """Act on what is stored, before the process ends; the rest is for whoever comes next."""
        with contextlib.suppress(AssentError):
            await self.sweep()

    def wake(self, _payload: str = "") -> None:
        """Tell that something may have been stored."""
        self._woken.set()

    def _look_again(self) -> None:
        """Act on it here when nobody else did, in a while."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(_OTHERS_S, self._look)

    def _look(self) -> None:
        self._looking = None
        self.wake()

    async def _act_on_all(self) -> None:
        while True:
            try:
                await self.sweep()
                return
            except AssentError as error:
                self.last_error = error.code
                if not isinstance(error, Unavailable | Conflict):
                    return  # one that cannot be read must not hold up the others' storing
                await asyncio.sleep(_ACT_AGAIN_S)

    async def _new_refused(self, rows: list[tuple[Any, ...]], now: float) -> set[int]:
        """Store those of some messages that are plain refusals, and carry them out; return their
        ids: they are done with."""
        whole = [row for row in map(as_row, rows) if row["person_id"] and not is_part(row)]
        replies = [await self._reply([row], True) for row in whole]
        return await self._refused_at_once(replies, now, False)

    async def _refused_at_once(self, replies: list[Reply], now: float, stored: bool) -> set[int]:
        """Carry out those that are plain refusals; return the ids of their messages."""
        words: dict[tuple[int, int], Word] = {}
        for reply in replies:
            row, kind = reply.first, reply.intent.kind
            group = self._whom.one_group(row["destination"])
            tried = row["id"] in self._tried
            if group is None or len(reply.rows) > 1 or not reply.complete or tried:
                continue
            reply.groups = (EVERYONE,) if kind is Kind.REFUSE_ALL else (group,)
            asked = self._asked(reply)
            if asked is not None and not asked.pause:
                came = tuple(row.get(name, _ANY.get(name)) for name in WHOLE)
                word = Word(came, read(reply), asked)
                words.setdefault(word.pair, word)
        if not words:
            return set()
        ids = {word.row[0] for word in words.values()}
        if not await self._at_once.write(list(words.values()), now, stored):
            self._tried |= ids
            return set()
        for word in words.values():
            self.counts[word.reply[2]] += 1
        return ids

    async def sweep(self) -> None:
        """Act on every stored message that nothing was made of yet."""
        while await self._sweep_some() >= _AT_ONCE:
            pass

    async def _sweep_some(self) -> int:
        now = self._clock.now()
        # The locks come first, so what to lock is read before the transaction that decides.
        waiting = await self._store.fetch("inbound_peek", _AT_ONCE, utc(now - self._patience_s))
        # Of each reply its own, and those of a confirmation and an answer to HELP.
        await self._ids.reserve(self._store, 4 * len(waiting))
        replies = await self._assemble(waiting, now)
        replies, repeats = await self._without_repeats(replies, now)
        done = await self._refused_at_once(replies, now, True)
        found, replies = len(replies), [r for r in replies if r.first["id"] not in done]
        # What ends standing does not wait until it is known who gets the others.
        ending = [reply for reply in replies if reply.intent.kind in _ENDS]
        others = [reply for reply in replies if reply.intent.kind not in _ENDS]
        for some, again in ((ending, repeats), (others, [])):
            for reply in some:
                await self._place(reply, now)
            if some or again:
                await self._act(some, again, now)
        self._tried.difference_update(row["id"] for row in waiting)
        return len(waiting) if found or repeats else 0

    async def _act(
        self, replies: list[Reply], repeats: list[tuple[int, list[Any]]], now: float
    ) -> None:
        """Carry out some replies in one transaction, as far as nobody else was quicker."""
        asked = [one for one in map(self._asked, replies) if one is not None]
        asked += [one for reply in replies for one in reply.meant.declined(reply.id)]
        await self._ids.reserve(self._store, len(asked) + len(replies))
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
            await self._keep(tx, mine)
            await self._writer.write(tx, [one for one in asked if one.reply_id in wanted], now)
            await keep_wanted(tx, self._ids, self._helped(mine), now)
            if self.questions is not None:
                answers = [one for reply in mine if (one := answered(reply)) is not None]
                await self.questions.take(tx, answers, now)

    async def _assemble(self, rows: list[Any], now: float) -> list[Reply]:
        """Return the messages that are whole, or too old to wait for."""
        replies: list[Reply] = []
        parts: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in rows:
            if not is_part(row):
                replies.append(await self._reply([row], True))
            else:
                parts[key_of(row)].append(row)
        for key, arrived in parts.items():
            for some in messages(arrived, told):
                whole = len({row["number"] for row in some}) == key[-1]
                if whole or now - some[0]["at"].timestamp() > self._patience_s:
                    replies.append(await self._reply(some, whole))
        return replies

    async def _without_repeats(
        self, replies: list[Reply], now: float
    ) -> tuple[list[Reply], list[tuple[int, list[Any]]]]:
        """Take out what only repeats parts that were read already: (the others, reply and rows of
        each repeat). Carriers that number nothing deliver a part again as if it were new."""
        long = [reply for reply in replies if is_part(reply.first)]
        if not long:
            return replies, []
        people, destinations, references, _ = zip(*(key_of(r.first) for r in long), strict=True)
        since = utc(now - 2 * self._patience_s)
        read: dict[tuple[Any, ...], dict[int, dict[int, bytes]]] = {}
        for row in await self._store.fetch(
            "inbound_read", list(people), list(destinations), list(references), since
        ):
            of = read.setdefault(key_of(row), {}).setdefault(row["reply_id"], {})
            of[row["number"]] = content_of(row)
        repeats: dict[int, tuple[int, list[Any]]] = {}
        for reply in long:
            parts = [told(row) for row in reply.rows]
            for of_reply, earlier in read.get(key_of(reply.first), {}).items():
                if is_repeat(parts, earlier):
                    repeats[reply.id] = (of_reply, reply.rows)
        return [r for r in replies if r.id not in repeats], list(repeats.values())

    async def look(self) -> None:
        """Count the parts that wait for others, for whoever watches."""
        self.parts_waiting = int(await self._store.fetchval("inbound_parts_waiting"))

    async def _reply(self, rows: list[Any], complete: bool) -> Reply:
        first = rows[0]
        text = text_of(rows)
        person = np.array([first["person_id"]], np.uint32)
        number = int((await self._directory.msisdns(self._store, person))[0]) if person[0] else 0
        words = self._keywords.for_reply(
            country_of(number), first["carrier"], first["destination"]
        )  # fmt: skip
        ports = self._catalogue.ports_at(first["destination"], first["carrier"])
        return Reply(self._ids.next(), rows, text, complete, words, words.read(text), ports)

    async def _place(self, reply: Reply, now: float) -> None:
        """Find out whom a reply concerns, and which customer sees it."""
        first, kind = reply.first, reply.intent.kind
        where = (first["destination"], first["carrier"], first["person_id"])
        if kind is Kind.REFUSE_ALL:
            reply.groups = (EVERYONE,)
            return
        reply.groups = await self._whom.groups(*where)
        person = first["person_id"]
        if not reply.groups:
            if self.questions is not None and person:
                reply.meant = await self.questions.look(person, reply.text, kind, now)
            reply.groups = reply.meant.groups
            if not reply.meant.alone:
                standing = await self._whom.standing(person)
                reply.groups = tuple(sorted({*reply.groups, *standing}))
        if kind in _SHOWN and not reply.meant.member:
            reply.shown = await self._whom.shown(*where, reply.words.compact(reply.text))

    def _helped(self, replies: list[Reply]) -> list[HelpWanted]:
        """Return whom to tell how to refuse."""
        operator = self._catalogue.operator
        name = "" if operator is None else operator.name
        return [
            HelpWanted(
                reply.first["person_id"],
                reply.first["destination"],
                self._writer.names(reply.groups) or name,
            )
            for reply in replies
            if reply.intent.kind is Kind.HELP and reply.first["person_id"]
        ]

    def _asked(self, reply: Reply) -> Asked | None:
        kind = Kind.REFUSE if reply.meant.member else reply.intent.kind
        if kind not in _ENDS or not reply.groups:
            return None
        person = reply.first["person_id"]
        if not person:
            return None
        purposes = _MARKETING
        if reply.meant.member or any(port.purpose is Purpose.INTERNAL for port in reply.ports):
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

    async def _keep(self, tx: Transaction, replies: list[Reply]) -> None:
        """Store replies as read, in one call: a refusal among them must not wait for the others."""
        if not replies:
            return
        for reply in replies:
            self.counts[reply.intent.kind.name.lower()] += 1
            self.incomplete += not reply.complete
        parts = [(row["id"], reply.id) for reply in replies for row in reply.rows]
        stored = zip(*map(columns, replies), strict=True)
        await tx.execute("replies_store", *map(list, zip(*parts, strict=True)), *map(list, stored))


def _acknowledge(
    delivers: list[tuple[LinkHandle, Deliver]], rows: list[tuple[Any, ...]], done: set[int]
) -> None:
    """Acknowledge the messages of some rows, and take them from the list. `rows` are its own."""
    pairs = list(zip(delivers, rows, strict=True))
    acknowledge([deliver for deliver, row in pairs if row[0] in done])
    delivers[:] = [deliver for deliver, row in pairs if row[0] not in done]
