"""Bringing back refusals from copies of what people wrote: the second source beside the journal.

A copy is a file of JSON lines, as `assent ledger replies` writes them from the raw store and as a
carrier (or our simulator) records what it handed to us: `t` (ns since 1970), `carrier`, `direction`
"out" (from the carrier to us), `source`, `destination`, `text`, `segment` ([reference, number,
total] or null). Other lines are passed over.

What is read in a text, and whom it concerns, is what it would be today, with the backup's knowledge
of who wrote to whom. A refusal gets the time of its text; nobody is written to about it. What the
ledger knows already is left alone, and so is what its writer undid herself later.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Origin, Scope, decode, purpose_mask
from assent.consent.entry import Kind as Act
from assent.flow.catalogue import Catalogue
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.ledger import append
from assent.flow.marks import Marks
from assent.flow.needs import Store, Transaction, utc
from assent.flow.people import Directory
from assent.flow.projection import project
from assent.flow.reply_parts import part_text
from assent.flow.vault import Vault
from assent.flow.whom import Whom
from assent.message import Grade, Purpose, batch_id
from assent.numbers import country_of, parse
from assent.text.keyword_sets import KeywordSets
from assent.text.keywords import Intent, KeywordSet, Kind

PATIENCE_S: Final = 600.0
"""How long parts of one text may lie apart."""
SLACK_MS: Final = 300_000
"""How far the clocks of carriers may be from ours."""
_ENDS: Final = frozenset({Kind.REFUSE, Kind.REFUSE_ALL, Kind.UNCLEAR})
_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_PAGE: Final = 1_000


class _Line(msgspec.Struct):
    t: int
    direction: str
    carrier: str
    source: str | None = None
    destination: str | None = None
    text: str | None = None
    segment: tuple[int, int, int] | None = None
    status: int | str | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """A text that somebody wrote to one of our numbers, whole or as far as it is there."""

    at_ms: int
    carrier: str
    source: str
    destination: str
    text: str


@dataclass(slots=True)
class RepliesBrought:
    """What came of it. `undone`: she took it back herself later; `over`: of numbers that were
    erased or given away since; `nobody`: it concerns no sender."""

    lines: int = 0
    texts: int = 0
    unreadable: int = 0
    nothing: int = 0
    there: int = 0
    undone: int = 0
    over: int = 0
    nobody: int = 0
    recovered: int = 0
    paused: int = 0


# Reading -------------------------------------------------------------------------------------


def read_copies(lines: Iterable[bytes], found: RepliesBrought) -> list[Written]:
    """Return the texts of a file, the earliest first."""
    texts: list[Written] = []
    parts: dict[tuple[Any, ...], list[_Line]] = {}
    decoder = msgspec.json.Decoder(_Line)
    for octets in lines:
        if not octets.strip():
            continue
        found.lines += 1
        try:
            line = decoder.decode(octets)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            found.unreadable += 1
            continue
        if line.direction != "out" or line.text is None or not (line.source and line.destination):
            continue  # what we sent, a report, an answer
        if line.segment is None or line.segment[2] <= 1:
            texts.append(_written([line]))
        else:
            key = line.carrier, line.source, line.destination, line.segment[0], line.segment[2]
            parts.setdefault(key, []).append(line)
    for some in parts.values():
        texts += _joined(some)
    return sorted(texts, key=lambda one: one.at_ms)


def _joined(parts: list[_Line]) -> Iterator[Written]:
    """Yield the texts that parts with one reference make: references come again after a while."""
    waiting: dict[int, _Line] = {}
    for part in sorted(parts, key=lambda one: one.t):
        assert part.segment is not None
        old = next(iter(waiting.values()), None)
        if old is not None and part.t - old.t > PATIENCE_S * 1e9:
            yield _written(list(waiting.values()))
            waiting = {}
        waiting[part.segment[1]] = part
        if len(waiting) == part.segment[2]:
            yield _written(list(waiting.values()))
            waiting = {}
    if waiting:
        yield _written(list(waiting.values()))


def _written(parts: list[_Line]) -> Written:
    first = min(parts, key=lambda one: one.t)
    text = first.text or ""
    if first.segment is not None:
        told = {one.segment[1]: one.text for one in parts if one.segment is not None}
        text = "".join(told.get(place) or "…" for place in range(1, first.segment[2] + 1))
    text = text.replace("\0", "")
    source, destination = first.source or "", first.destination or ""
    return Written(first.t // 1_000_000, first.carrier, source, destination, text)


# Writing -------------------------------------------------------------------------------------


class RepliesBack:
    """Brings them back. May be repeated, and beside traffic."""

    def __init__(
        self, store: Store, clock: Clock, vault: Vault, catalogue: Catalogue, words: KeywordSets
    ) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._marks = Marks(vault)
        self._words = words
        self._directory = Directory(self._marks)
        self._whom = Whom(store, clock, catalogue)
        self._catalogue = catalogue
        self._ids = BatchIds(clock)

    async def bring(self, texts: Sequence[Written], found: RepliesBrought) -> None:
        """Record what refuses among some texts. Raises AssentError when the store fails; what was
        brought back until then stays."""
        found.texts = len(texts)
        for one in texts:
            await self._one(one, found)
        if found.recovered:
            await self._store.execute(
                "recovery_counted", found.recovered, utc(self._clock.now())
            )  # fmt: skip

    async def _one(self, one: Written, found: RepliesBrought) -> None:
        parsed = parse([one.source])
        number = int(parsed.msisdn[0])
        words = self._words.for_reply(country_of(number), one.carrier, one.destination)
        intent = words.read(one.text)
        if parsed.fault[0] or intent.kind not in _ENDS:
            found.nothing += 1
            return
        person = await self._person(number)
        if not person:
            found.over += 1
            return
        groups = await self._groups(one, intent, person)
        if not groups:
            found.nobody += 1
            return
        purposes = purpose_mask(Purpose.MARKETING)
        ports = self._catalogue.ports_at(one.destination, one.carrier)
        if any(port.purpose is Purpose.INTERNAL for port in ports):
            purposes |= purpose_mask(Purpose.INTERNAL)
        entries = [self._entry(one, intent, person, group, purposes) for group in groups]
        await self._record(one, (intent, words), entries, found)

    async def _person(self, number: int) -> int:
        """Return who has a number, 0 where nobody has it any more: it is marked."""
        numbers = np.array([number], np.uint64)
        known = int((await self._directory.known(self._store, numbers))[0])
        if known or await self._store.fetch("number_marks_among", [self._marks.digest(number)]):
            return known
        made = await self._directory.ids(self._store, numbers, utc(self._clock.now()))
        return int(made[0])

    async def _groups(self, one: Written, intent: Intent, person: int) -> tuple[int, ...]:
        if intent.kind is Kind.REFUSE_ALL:
            return (EVERYONE,)
        groups = await self._whom.groups(one.destination, one.carrier, person)
        return groups or await self._whom.standing(person)

    def _entry(
        self, one: Written, intent: Intent, person: int, group: int, purposes: int
    ) -> Entry:  # fmt: skip
        pause = intent.kind is Kind.UNCLEAR
        told = f"{one.at_ms}/{one.source}/{one.destination}"
        digest = self._vault.digest(told, "recovered reply")
        receipt = "".join(_ALPHABET[octet % len(_ALPHABET)] for octet in digest[:8])
        return Entry(
            at_ms=one.at_ms,
            kind=Act.PAUSED if pause else Act.WITHDRAWN,
            person=person,
            group=group,
            purposes=purposes,
            scope=Scope.PLATFORM if group == EVERYONE else Scope.GROUP,
            channel=Channel.SMS,
            origin=Origin.RECEIVER,
            receipt="" if pause else receipt,
        )

    async def _record(
        self, one: Written, read: tuple[Intent, KeywordSet], entries: list[Entry],
        found: RepliesBrought,
    ) -> None:  # fmt: skip
        person = entries[0].person
        await self._ids.reserve(self._store, 1)
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, sorted({one.group for one in entries}))
            rows = await tx.fetch("ledger_of_people", [person])
            known = [decode(bytes(row["body"])) for row in rows]
            about = (person, one.destination, one.text)
            at, slack = utc(one.at_ms / 1000), SLACK_MS / 1000
            low, high = utc(one.at_ms / 1000 - slack), utc(one.at_ms / 1000 + slack)
            if await tx.fetchval("reply_is_there", *about, low, high) or all(
                _there(entry, known) for entry in entries
            ):
                found.there += 1
                return
            new = [entry for entry in entries if not _there(entry, known)]
            new = [entry for entry in new if not _undone(entry, known)]
            if not new:
                found.undone += 1
                return
            reply = self._ids.next()
            await _keep(tx, reply, one, read, [entry.group for entry in entries], person, at)
            done = await append(tx, new, utc(self._clock.now()))
            pairs = list(zip(done.positions, new, strict=True))
            await project(tx, pairs, [reply] * len(pairs))
        if new[0].kind is Act.PAUSED:
            found.paused += 1
        else:
            found.recovered += 1


def _there(entry: Entry, known: Sequence[Entry]) -> bool:
    """Tell whether the ledger has a refusal that says this already, of then or later."""
    for one in known:
        covers = one.group in (entry.group, EVERYONE) and not one.programme
        refuses = one.kind is Act.WITHDRAWN or one.kind is entry.kind
        after = one.at_ms >= entry.at_ms - SLACK_MS
        if covers and refuses and after and not entry.purposes & ~one.purposes:
            return not any(
                _undoes(other, entry) and one.at_ms < other.at_ms < entry.at_ms for other in known
            )
    return False


def _undone(entry: Entry, known: Sequence[Entry]) -> bool:
    """Tell whether she undid it herself later: she must not be refused again."""
    return any(_undoes(one, entry) and one.at_ms > entry.at_ms for one in known)


def _undoes(one: Entry, entry: Entry) -> bool:
    taken_back = one.kind is Act.GRANTED and one.grade is Grade.RECEIVER and not one.programme
    return taken_back and one.group == entry.group and not entry.purposes & ~one.purposes


async def _keep(
    tx: Transaction, reply: int, one: Written, read: tuple[Intent, KeywordSet],
    groups: list[int], person: int, at: Any,
) -> None:  # fmt: skip
    """Store the reply as though it had been read then; an unclear one waits for a reader."""
    intent, words = read
    await tx.execute(
        "reply_recovered", reply, at, one.carrier, one.destination, person, one.text,
        intent.kind.name.lower(), intent.complaint, groups,
        f"{words.name} {words.version}", words.digest,
    )  # fmt: skip


# Copying -------------------------------------------------------------------------------------


async def copies(store: Store, since: float) -> AsyncGenerator[bytes]:
    """Yield what people wrote since a time, a line each, as :func:`read_copies` reads it. Whose
    number is gone is left out."""
    last = batch_id(int(since * 1000), 0) - 1
    while rows := await store.fetch("inbound_copy", last, _PAGE):
        last = rows[-1]["id"]
        for row in rows:
            if row["msisdn"] is None:
                continue
            segment = None
            if row["total"] is not None:
                segment = (row["reference"] or 0, row["number"], row["total"])
            at_ns = int(row["at"].timestamp() * 1_000) * 1_000_000
            line = _Line(
                at_ns, "out", row["carrier"], str(row["msisdn"]), row["destination"],
                part_text(row), segment,
            )  # fmt: skip
            yield msgspec.json.encode(line) + b"\n"
