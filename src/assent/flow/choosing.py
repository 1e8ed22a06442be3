"""Audiences from consent: people who stand in a programme, chosen by place, number and label.

Nobody is chosen who does not stand: the choice begins with the set of those who do, with the grade
that the programme's purpose and the sender's category ask for, and everything else only takes
people out of it. What comes of it is an audience like one that was handed in; sending judges it
again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput
from assent.flow.applications import refuse_sandbox
from assent.flow.audience_requests import AudienceBuild
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U8, U32, pack
from assent.flow.counting import LEAST, Counts, gone_since, shown
from assent.flow.ids import BatchIds
from assent.flow.labels import CHUNK, members_of, no_label
from assent.flow.live import Live
from assent.flow.needs import Store, utc
from assent.flow.order import Account, Programme
from assent.flow.orders import account_of
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.message import NEEDS_STANDING, Network
from assent.numbers import NumberTable
from assent.policy.filing import Relation, filed_under
from assent.policy.rulebook import Rulebook

_AT_ONCE: Final = 65_536
_MAINLAND: Final = 86

People = npt.NDArray[np.uint32]
Bools = npt.NDArray[np.bool_]
Patterns = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What choosing stands on."""

    store: Store
    clock: Clock
    ids: BatchIds
    catalogue: Catalogue
    directory: Directory
    live: Live
    numbers: NumberTable
    rulebook: Rulebook
    counts: Counts


class Choosing:
    """Makes audiences, or tells how many people they would have."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    async def build(self, caller: Caller, request: AudienceBuild) -> dict[str, Any]:
        """Return an audience of who agreed, or with `count` only how many (flow/counting.py).

        Raises InvalidInput, NotAllowed, NotFound naming the field; Conflict `audience_too_small`
        for fewer than fifty people.
        """
        refuse_sandbox(caller)
        rooms = self._rooms
        account = account_of(rooms.catalogue, caller)
        now = rooms.clock.now()
        choice = await _Choice.of(rooms, account, request)
        await rooms.live.sync(rooms.store)
        people, told = await self._survey(account, choice, request, now)
        answer: dict[str, Any] = {
            "programme": request.programme,
            "people": told or None,
            "fewer_than": None if told else LEAST,
        }
        if request.count:
            return answer
        if not told or not len(people):
            raise Conflict(
                "audience_too_small", f"fewer than {LEAST} people agreed and fit",
                field="programme", rule="audiences: counts", mend="choose more widely",
            )  # fmt: skip
        audience = await self._store(account, choice, request, people, told, now)
        return {"id": str(audience), "state": "ready", **answer}

    async def _survey(
        self, account: Account, choice: _Choice, request: AudienceBuild, now: float
    ) -> tuple[People, int]:
        """Return who is chosen, and what is told of how many."""
        store, counts = self._rooms.store, self._rooms.counts
        day, digest = counts.day(now), choice.digest(request)
        told = await counts.told(account.id, day, digest)
        gone = np.empty(0, np.uint32)
        if told is None:
            position = await counts.position(day)
            programme = choice.programme.id
            gone = await gone_since(store, position, choice.group, programme, now, choice.grade)
        people, patterns = await choice.survey(now, gone)
        if told is None:
            told = await counts.keep(account.id, day, digest, shown(patterns))
        return people, told

    async def _store(
        self, account: Account, choice: _Choice, request: AudienceBuild, people: People, told: int,
        now: float,
    ) -> int:  # fmt: skip
        rooms = self._rooms
        await rooms.ids.reserve(rooms.store, 1)
        audience = rooms.ids.next()
        words = f"consents to the programme {request.programme}, ledger at {rooms.live.position}"
        relation = choice.relation.value
        async with rooms.store.transaction() as tx:
            await tx.execute(
                "audience_insert", audience, account.id, request.name or "audience", words,
                relation, utc(now),
            )  # fmt: skip
            for number, start in enumerate(range(0, len(people), CHUNK)):
                part = people[start : start + CHUNK]
                rows = np.arange(start, start + len(part), dtype=np.uint32)
                none = pack([], U32), pack([], U8)
                await tx.execute(
                    "audience_chunk_insert", audience, number, pack(rows, U32), pack(part, U32),
                    None, *none,
                )  # fmt: skip
            built = json.dumps(choice.words(request), ensure_ascii=False)
            await tx.execute("audience_built", audience, told, built)
        return audience


class _Choice:
    """A request, understood: which programme, which grade, and who fits."""

    def __init__(self, rooms: Rooms, account: Account, request: AudienceBuild) -> None:
        self._rooms = rooms
        catalogue = rooms.catalogue
        sender = catalogue.sender_for(account, request.sender)
        self.group = sender.group_id
        number = catalogue.programme_for(sender, request.programme, {})
        self.programme: Programme = catalogue.programmes[number]
        self.relation = Relation(request.relation) if request.relation else Relation.UNSTATED
        if account.organisation:
            self.relation = Relation.COLD  # as its orders are judged
        self.purposes = [
            purpose for purpose in sorted(NEEDS_STANDING) if self.programme.purposes >> purpose & 1
        ]
        if not self.purposes:
            raise InvalidInput(
                "programme_purpose", "no message of this programme needs consent",
                field="programme", rule="CN-08",
                mend="name a programme of marketing or internal messages",
            )  # fmt: skip
        categories = filed_under(sender.industry, self.relation)
        profiles = rooms.rulebook.profiles
        # The strictest country's: nobody is chosen whom judging would send away for the grade.
        self.grade = max(
            profile.grade_for(purpose, categories)
            for profile in profiles
            for purpose in self.purposes
        )
        self._places = _Places(rooms.numbers, request)
        self._any: People | None = None
        self._none: People | None = None
        self._labels: list[int] = []

    @classmethod
    async def of(cls, rooms: Rooms, account: Account, request: AudienceBuild) -> _Choice:
        """Return the choice with its labels read."""
        choice = cls(rooms, account, request)
        if request.label:
            choice._any = await choice._labelled(account, request.label, "label")
        if request.without_label:
            choice._none = await choice._labelled(account, request.without_label, "without_label")
        return choice

    async def _labelled(self, account: Account, names: list[str], field: str) -> People:
        store = self._rooms.store
        rows = await store.fetch("labels_named", account.id, names)
        missing = sorted(set(names) - {row["name"] for row in rows})
        if missing:
            raise no_label(missing)
        for row in rows:
            if row["programme_id"] != self.programme.id:
                raise InvalidInput(
                    "label_not_covered", f"the label {row['name']} is covered by another programme",
                    field=field, rule="CN-09",
                    mend="name the programme that it was put for, or put it for this one, too",
                )  # fmt: skip
        self._labels += [row["id"] for row in rows]
        parts = [await members_of(store, row["id"]) for row in rows]
        return np.unique(np.concatenate(parts))

    async def survey(self, now: float, gone: People) -> tuple[People, Patterns]:
        """Return who stands now, has not refused, does not rest, and meets every condition,
        ascending; and how many of all of them, and of those who are `gone` since the day began,
        meet which conditions."""
        live = self._rooms.live
        found, here = [np.empty(0, np.uint32)], np.zeros(len(gone), np.bool_)
        patterns = np.zeros(1 << self._conditions, np.int64)
        for part in live.standings.standing_at(self.programme.id, now, self.grade, _AT_ONCE):
            for purpose in self.purposes:
                part = part[~live.refused(self.group, self.programme.id, purpose, part, now)]
                part = part[~live.paused(self.group, purpose, part)]
            met = await self._met(part)
            patterns += np.bincount(met, minlength=len(patterns))
            here |= _among(gone, part)
            found.append(part[met == len(patterns) - 1])
            await asyncio.sleep(0)
        patterns += np.bincount(await self._met(gone[~here]), minlength=len(patterns))
        # What ended while others had their turn is not chosen either.
        chosen = np.concatenate(found)
        return chosen[live.grades(self.programme.id, chosen, now) >= self.grade], patterns

    @property
    def _conditions(self) -> int:
        return (self._any is not None) + (self._none is not None) + self._places.conditions

    async def _met(self, people: People) -> npt.NDArray[np.uint8]:
        """Return which conditions each person meets, as a mask."""
        columns: list[Bools] = []
        if self._any is not None:
            columns.append(_among(people, self._any))
        if self._none is not None:
            columns.append(~_among(people, self._none))
        if self._places.conditions:
            rooms = self._rooms
            numbers = await rooms.directory.msisdns(rooms.store, people, remember=False)
            columns += self._places.met(numbers)
        met = np.zeros(len(people), np.uint8)
        for place, column in enumerate(columns):
            met |= column.astype(np.uint8) << np.uint8(place)
        return met

    def words(self, request: AudienceBuild) -> dict[str, Any]:
        """Return what was asked, for people and for telling it again."""
        asked: dict[str, Any] = msgspec.to_builtins(request)
        asked = {name: value for name, value in asked.items() if value and name not in _APART}
        return {**asked, "relation": self.relation.value}

    def digest(self, request: AudienceBuild) -> bytes:
        """Return what is the same for the same choice, whatever the audience is called."""
        words = {
            name: sorted(set(value)) if isinstance(value, list) else value
            for name, value in self.words(request).items()
        }
        text = json.dumps([self.programme.id, words, sorted(set(self._labels))], sort_keys=True)
        return hashlib.sha256(text.encode()).digest()


_APART: Final = frozenset({"name", "count"})


def _among(people: People, some: People) -> Bools:
    """Return who of some people is among ascending ones."""
    if not len(some):
        return np.zeros(len(people), np.bool_)
    found: Bools = some.take(some.searchsorted(people), mode="clip") == people
    return found


class _Places:
    """Where numbers belong, as asked."""

    def __init__(self, table: NumberTable, request: AudienceBuild) -> None:
        self._table = table
        self._networks = [Network[word.upper()] for word in request.carrier]
        self._provinces = [
            place
            for word in request.province
            for place in _named(table.provinces, word, "province")
        ]
        self._cities = [
            place for word in request.city for place in _named(table.cities, word, "city")
        ]
        self._prefixes = request.segment
        asked = (request.carrier, request.province, request.city, request.segment)
        self.conditions = sum(map(bool, asked))

    def met(self, numbers: npt.NDArray[np.uint64]) -> list[Bools]:
        """Return of each condition which numbers meet it."""
        places = self._table.lookup(numbers)
        found: list[Bools] = []
        if self._networks:
            found.append(np.isin(places.network, self._networks))
        if self._provinces:
            found.append(np.isin(places.province, self._provinces))
        if self._cities:
            found.append(np.isin(places.city, self._cities))
        if self._prefixes:
            begins = np.zeros(len(numbers), np.bool_)
            for prefix in self._prefixes:
                rest = np.uint64(10 ** (11 - len(prefix)))
                begins |= numbers // rest == np.uint64(int(f"{_MAINLAND}{prefix}"))
            found.append(begins)
        return found


def _named(names: Any, word: str, field: str) -> list[int]:
    """Return the places of a name, Chinese or English. Raises InvalidInput for none."""
    wanted = word.strip().casefold()
    found = [
        place
        for place, name in enumerate(names)
        if place and wanted in (name.zh.casefold(), name.en.casefold())
    ]
    if not found:
        raise InvalidInput(
            f"no_{field}", f"the number table knows no {field} {word[:40]}", field=field,
            rule="audiences: places", mend="write its Chinese or English name as docs/numbers.md",
        )  # fmt: skip
    return found
