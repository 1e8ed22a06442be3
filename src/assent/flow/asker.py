"""Looks at the requests that were taken, and sends the question to whom it may be sent.

What speaks against it is decided by policy/asking.py from what the tables say, twice: when a
request is looked at, and again in the transaction that commits the attempt, under a lock on each
person. So of two accounts that ask the same person at the same time one question leaves. That
transaction also writes the entry that she was asked. Nobody who called waits for any of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Entry, Kind, Origin, purpose_mask
from assent.flow.asking import KEEP_SESSIONS_S, number_belongs
from assent.flow.asking_words import filling, question, wording_of
from assent.flow.catalogue import Catalogue
from assent.flow.ledger import append
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.order import Judged
from assent.flow.own_words import OwnWords, hour_of, may_write, new_code
from assent.flow.people import Directory
from assent.flow.vault import Vault
from assent.message import Network, Purpose
from assent.numbers import NumberTable
from assent.policy.asking import Receiver, Record, Turn, Why, Wish, turn
from assent.policy.decide import Verdict
from assent.policy.rulebook import Profile, Rulebook

PERSON_CLASS: Final = 4
KEEP_UNASKED_S: Final = 30 * 86_400.0
_AT_ONCE: Final = 200
_MARKETING: Final = purpose_mask(Purpose.MARKETING)


@dataclass(frozen=True, slots=True)
class _One:
    """A request with what is known of its number."""

    row: Any
    person: int
    abroad: bool
    profile: Profile

    @property
    def key(self) -> tuple[int, int, int]:
        """Person, group and programme: what the facts are asked for."""
        return self.person, self.row["group_id"], self.row["programme_id"]


class Asker:
    """Sends questions. Run :meth:`step` beside the confirmations, :meth:`daily` now and then."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        vault: Vault,
        rulebook: Rulebook,
        numbers: NumberTable,
        own_words: OwnWords,
        random: Callable[[int], bytes],
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._vault = vault
        self._rulebook = rulebook
        self._numbers = numbers
        self._own_words = own_words
        self._random = random
        self._from = 0
        self.sent = 0

    async def step(self) -> int:
        """Look at some requests; return how many questions were sent."""
        rows = await self._store.fetch("asking_taken", self._from, _AT_ONCE)
        # Some wait (for morning, for papers): the next call goes on behind these.
        self._from = rows[-1]["id"] if len(rows) == _AT_ONCE else 0
        if not rows:
            return 0
        now = self._clock.now()
        chosen = await self._choose(await self._known(rows, now), now)
        sent = 0
        for abroad in (False, True):
            some = [one for one in chosen if one.abroad is abroad]
            if some:
                sent += await self._send(some, abroad, now)
        self.sent += sent
        return sent

    async def daily(self, at: float) -> None:
        """Silence is no: questions whose time is over are closed. Old tokens, and what led to
        nothing, go."""
        await self._store.execute("asking_lapse", utc(at))
        await self._store.execute("consent_sessions_drop", utc(at - KEEP_SESSIONS_S))
        await self._store.execute("asking_unasked_drop", utc(at - KEEP_UNASKED_S))

    # Whom the requests are about -----------------------------------------------------------

    async def _known(self, rows: Sequence[Any], now: float) -> list[_One]:
        """Return requests with their people; numbers that were sealed are opened and forgotten."""
        new = [row for row in rows if row["person_id"] is None]
        people = {row["id"]: row["person_id"] for row in rows}
        if new:
            opened = [
                int(self._vault.open(bytes(row["number_sealed"]), number_belongs(row["id"])))
                for row in new
            ]
            ids = await self._directory.ids(self._store, np.array(opened, np.uint64), utc(now))
            found = dict(zip([row["id"] for row in new], ids.tolist(), strict=True))
            await self._store.execute("asking_persons", list(found), list(found.values()))
            people |= found
        persons = np.array([people[row["id"]] for row in rows], np.uint32)
        msisdns = await self._directory.msisdns(self._store, persons)
        networks = self._numbers.lookup(msisdns).network
        return [
            _One(
                row,
                int(person),
                network == Network.FOREIGN,
                self._rulebook.profiles[self._rulebook.by_network[network]],
            )
            for row, person, network in zip(rows, persons, networks.tolist(), strict=True)
        ]

    # Whether they may be asked -------------------------------------------------------------

    async def _choose(self, ones: Sequence[_One], now: float) -> list[_One]:
        """Return whom to ask now; drop the requests that nobody is to be asked for."""
        facts = await self._facts(self._store, ones, now)
        records: dict[tuple[int, str], Record] = {}
        young: dict[int, int] = {}
        chosen: dict[int, _One] = {}
        dropped: list[tuple[int, Why]] = []
        stopped: dict[int, Record] = await self._stopped(ones)
        for one in ones:
            sender = one.row["sender_id"]
            place = (sender, one.profile.name)
            if place not in records:
                records[place] = await self._record(one, now)
            seen = stopped.get(sender, records[place])
            seen = Record(seen.judged, seen.agreed, seen.young + young.get(sender, 0))
            what, why = turn(self._wish(one, now), facts[one.key], seen, one.profile.asking, now)
            if sender in stopped and what is not Turn.DROP:
                what, why = Turn.DROP, Why.STOPPED
            if what is Turn.DROP and why is not None:
                dropped.append((one.row["id"], why))
                if why is Why.STOPPED and sender not in stopped:
                    stopped[sender] = records[place]
                    await self._stop(sender, records[place], now)
            elif what is Turn.ASK and one.person not in chosen:
                # Another request for the same person is looked at next time, and finds this one.
                chosen[one.person] = one
                young[sender] = young.get(sender, 0) + 1
        if dropped:
            ids, whys = zip(*dropped, strict=True)
            words = [why.value for why in whys]
            await self._store.execute("asking_drop", list(ids), ["unasked"] * len(ids), words)
        return list(chosen.values())

    def _wish(self, one: _One, now: float) -> Wish:
        start, end = one.profile.windows.get(Purpose.MARKETING, (0, 24 * 60))
        row = one.row
        return Wish(
            row["taken_at"].timestamp(),
            by_document=row["basis"] == "document",
            hours=start <= hour_of(now) * 60 < end,
            papers=may_write(
                self._catalogue, row["account_id"], row["sender_id"], Purpose.MARKETING, now
            ),
        )

    async def _facts(
        self, queries: Queries, ones: Sequence[_One], now: float
    ) -> dict[tuple[int, int, int], Receiver]:
        keys = sorted({one.key for one in ones})
        columns = (list(column) for column in zip(*keys, strict=True))
        rows = await queries.fetch("asking_facts", *columns, utc(now))
        return {
            (row["person_id"], row["group_id"], row["programme_id"]): Receiver(
                row["known"],
                row["stands"],
                row["refused_all"],
                _seconds(row["refused_group"]),
                row["paused"],
                _seconds(row["last_asked"]),
                _seconds(row["last_no"]),
            )
            for row in rows
        }

    async def _record(self, one: _One, now: float) -> Record:
        rules = one.profile.asking
        row = await self._store.fetchrow(
            "asking_record", one.row["sender_id"], utc(now), utc(now - rules.judge_after_s),
            rules.judge_most,
        )  # fmt: skip
        return Record() if row is None else Record(row["judged"], row["agreed"], row["young"])

    async def _stopped(self, ones: Sequence[_One]) -> dict[int, Record]:
        senders = sorted({one.row["sender_id"] for one in ones})
        rows = await self._store.fetch("asking_stopped", senders)
        return {row["sender_id"]: Record() for row in rows}

    async def _stop(self, sender: int, record: Record, now: float) -> None:
        await self._store.fetchval(
            "asking_stop_put", sender, utc(now), record.judged, record.agreed
        )

    # Asking --------------------------------------------------------------------------------

    async def _send(self, ones: list[_One], abroad: bool, now: float) -> int:
        open_ = await self._store.fetch("questions_open", [one.person for one in ones], utc(now))
        codes = []
        for one in ones:
            taken = frozenset(row["code"] for row in open_ if row["person_id"] == one.person)
            codes.append(new_code(self._random, taken))
        filled = [
            filling(
                one.row["legal_name"], one.row["kinds"], one.row["frequency"], one.row["period"],
                one.row["channel"], abroad,
            )
            for one in ones
        ]  # fmt: skip
        variables = {name: [some[name] for some in filled] for name in filled[0]}
        text = question(abroad)

        async def mark(tx: Transaction, judged: Judged) -> bool:
            return await self._mark(tx, ones, judged, codes, filled, text)

        people = [one.person for one in ones]
        return await self._own_words.send(people, text, {**variables, "code": codes}, mark)

    async def _mark(
        self, tx: Transaction, ones: list[_One], judged: Judged, codes: list[str],
        filled: list[dict[str, str]], text: str,
    ) -> bool:  # fmt: skip
        """Write down that people are asked; False, with nothing written, where something speaks
        against asking one of them by now."""
        now = self._clock.now()
        await tx.fetch("lock_exclusive", PERSON_CLASS, sorted(one.person for one in ones))
        held = await tx.fetch("asking_hold", [one.row["id"] for one in ones])
        facts = await self._facts(tx, ones, now)
        fit = Record()
        may = [
            turn(self._wish(one, now), facts[one.key], fit, one.profile.asking, now)[0] is Turn.ASK
            for one in ones
        ]
        if len(held) != len(ones) or not all(may):
            return False
        ids, verdicts = judged.message_ids.tolist(), judged.verdict.tolist()
        asked = [place for place in range(len(ones)) if verdicts[place] == Verdict.ALLOW]
        others = [ones[place].row["id"] for place in range(len(ones)) if place not in set(asked)]
        if others:
            await tx.execute(
                "asking_drop", others, ["unroutable"] * len(others), [""] * len(others)
            )
        if not asked:
            return True
        await self._write(
            tx,
            [ones[i] for i in asked],
            [codes[i] for i in asked],
            [wording_of(text, filled[i]) for i in asked],
            [ids[i] for i in asked],
            now,
        )
        return True

    @staticmethod
    async def _write(
        tx: Transaction, ones: list[_One], codes: list[str],
        words: list[tuple[str, str, bytes]], messages: list[int], now: float,
    ) -> None:  # fmt: skip
        """Write the entries that people are asked, and what belongs to each question."""
        wordings = [
            await tx.fetchval("wording_keep", one.row["programme_id"], *said, utc(now))
            for one, said in zip(ones, words, strict=True)
        ]
        entries = [_entry(one, wording, now) for one, wording in zip(ones, wordings, strict=True)]
        positions = (await append(tx, entries, utc(now))).positions
        for place, one in enumerate(ones):
            until = utc(now + one.profile.asking.answer_s)
            await tx.execute(
                "asking_sent", one.row["id"], codes[place], wordings[place], messages[place],
                positions[place], utc(now), until,
            )  # fmt: skip


def _entry(one: _One, wording: int, now: float) -> Entry:
    return Entry(
        at_ms=int(now * 1000),
        kind=Kind.REQUESTED,
        person=one.person,
        group=one.row["group_id"],
        sender=one.row["sender_id"],
        programme=one.row["programme_id"],
        purposes=_MARKETING,
        channel=Channel.SMS,
        origin=Origin.PLATFORM,
        wording=wording,
    )


def _seconds(at: Any) -> float | None:
    return None if at is None else float(at.timestamp())
