"""Taking in imports of consents: checked, kept, and opened unless something speaks against it.

What an import brings is accepted as it is; what it opens is another question. The answer to who
imports never depends on which people stand in it: it says how the import stands as a whole
(DESIGN.md, promise 7).
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.consent.entry import Entry
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, U64, unpack
from assent.flow.days import midnight
from assent.flow.desk import Desk
from assent.flow.ledger import AT_ONCE
from assent.flow.live import Live
from assent.flow.matters import Note
from assent.flow.needs import Store, Transaction, utc
from assent.flow.order import Account, Programme
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.flow.waiting import CHANNEL, Opener, keep
from assent.message import Grade
from assent.policy.imports import WORDS, Delivery, Finding, Overlap, findings
from assent.policy.worth import Limits, Worth

KIND: Final = "consent_import"
"""What the review desk calls them."""
LOT_S: Final = 3_600.0
"""Portions of one file follow each other; after this long without one it is another delivery."""
_SAMPLE: Final = 256
_DOUBTED: Final = 2_000
_TURNS: Final = 200
_UNDER_REVIEW: Final = Note(
    "import_review",
    "a person looks at the import before it opens anything",
    "导入须经人工审核后生效",
)
_TURNED_DOWN: Final = frozenset({"refused", "voiding", "voided"})


@dataclass(frozen=True, slots=True)
class Brought:
    """The good rows of an import. `template`: the entry of each, for person 1 at 1 ms. `carry`:
    keeps what else they carry, by the import's id (consent_facts.py)."""

    account: Account
    programme: Programme
    template: Entry
    source: str
    wording: str
    people: npt.NDArray[np.uint32]
    numbers: npt.NDArray[np.uint64]
    times: npt.NDArray[np.int64]
    addresses: Sequence[str]
    refused: int
    carry: Callable[[Transaction, int], Awaitable[None]]


class Imports:
    """Takes imports. `desk`: where one with findings goes."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        live: Live,
        opener: Opener,
        worth: Worth,
        desk: Desk,
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._live = live
        self._opener = opener
        self._worth = worth
        self._desk = desk

    async def take(self, caller: Caller, brought: Brought) -> tuple[int, str]:
        """Keep an import and open it where nothing speaks against it; return its id and how it
        stands: `taken` or `in_review`."""
        now = self._clock.now()
        kept = np.unique(brought.people, return_index=True)[1]
        lot = await self._lot(brought, now)
        found = await self._check(brought, lot, now)
        held = bool(found) and self._worth.imports.effect == "hold"
        async with self._store.transaction() as tx:
            number: int = await tx.fetchval(
                "import_put", brought.account.id, brought.programme.id, brought.source,
                len(brought.people), brought.refused, utc(now), int(brought.template.grade),
                caller.key_id, caller.actor_id, lot, "review" if held else "open",
                json.dumps([one.told() for one in found], ensure_ascii=False),
            )  # fmt: skip
            await brought.carry(tx, number)
            if not lot:
                await tx.execute("import_own_lot", number)
            if len(kept):
                await tx.execute(
                    "wording_since", brought.template.wording, utc(brought.times.min() / 1000)
                )
            for start in range(0, len(kept), AT_ONCE):
                part = kept[start : start + AT_ONCE]
                await keep(
                    tx, number, brought.template, brought.people[part], brought.times[part],
                    None if held else now,
                )  # fmt: skip
            if held:
                await self._put_up(tx, brought, lot or number, found, now)
            else:
                await tx.execute("notify", CHANNEL, "")
        if held:
            return number, "in_review"
        await self._opener.open_import(number, now)
        return number, "taken"

    async def _lot(self, brought: Brought, now: float) -> int:
        """Return the first import of the delivery that this one goes on, 0 for none."""
        found = await self._store.fetchval(
            "import_lot", brought.account.id, brought.programme.id, int(brought.template.grade),
            brought.source, utc(now - LOT_S),
        )  # fmt: skip
        return int(found or 0)

    async def _put_up(
        self, tx: Transaction, brought: Brought, lot: int, found: list[Finding], at: float
    ) -> None:
        """Put a delivery on the desk. Findings are for staff only: they speak of other lists."""
        signals = [
            Note(one.code, *WORDS[one.code], {"share": round(one.share, 4), "rows": one.rows})
            for one in found
        ]
        sender = self._catalogue.senders[brought.programme.sender_id]
        await self._desk.open(
            tx, KIND, lot, at=at, account_id=brought.account.id, entity_id=sender.entity_id,
            reasons=[_UNDER_REVIEW], signals=signals,
        )  # fmt: skip

    # Looking ---------------------------------------------------------------------------------

    async def _check(self, brought: Brought, lot: int, now: float) -> list[Finding]:
        limits = self._worth.imports
        facts = await self._store.fetchrow("import_facts", brought.programme.id, brought.wording)
        assert facts is not None, "the programme was looked up before"
        people, numbers, times = await self._with_earlier(brought, lot, limits.look_rows)
        overlaps, turned_down = await self._others(brought, people, limits, now)
        founded = facts["founded_on"]
        known = facts["first_at"] is not None
        late = now - facts["created_at"].timestamp() > limits.stock_days * 86_400.0
        delivery = Delivery(
            times=times,
            numbers=numbers,
            now_ms=int(now * 1000),
            sender_since=0 if founded is None else int(midnight(founded) * 1000),
            programme_since=_ms(facts["created_at"]),
            # In a programme's first months files come in any order.
            wording_since=_ms(facts["first_at"]) if known and late else 0,
            addresses=brought.addresses,
            overlaps=overlaps,
            turned_down=turned_down,
        )
        return findings(delivery, limits)

    async def _with_earlier(
        self, brought: Brought, lot: int, most: int
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
        """Return people, numbers and times with those of earlier portions: cutting a list into
        small imports hides nothing."""
        people, numbers, times = brought.people, brought.numbers, brought.times
        if lot and len(people) < most:
            rows = await self._store.fetch("lot_rows", lot, (most - len(people)) // AT_ONCE + 1)
            if rows:
                before = np.concatenate([unpack(row["people"], U32) for row in rows])
                theirs = await self._directory.msisdns(self._store, before)
                earlier = np.concatenate([unpack(row["times"], U64) for row in rows])
                people = np.concatenate([people, before])
                numbers = np.concatenate([numbers, theirs])
                times = np.concatenate([times, earlier.astype(np.int64)])
        good = np.flatnonzero(numbers)[:most]  # erased people have no number
        return people[good], numbers[good], times[good]

    async def _others(
        self, brought: Brought, people: npt.NDArray[np.uint32], limits: Limits, now: float
    ) -> tuple[list[Overlap], int]:
        """Return what other groups' lists share with some people, and how many of these stood in
        lists that were turned down."""
        mine = np.unique(people)
        group = brought.template.group
        found = await self._standing_elsewhere(mine, group, limits, now)
        lists: dict[tuple[int, int], list[npt.NDArray[np.uint32]]] = {}
        down = np.zeros(len(mine), np.bool_)
        since = utc(now - limits.overlap_days * 86_400.0)
        for row in await self._store.fetch("lists_in_doubt", since, _DOUBTED):
            theirs = unpack(row["people"], U32)
            if row["state"] in _TURNED_DOWN:
                down |= np.isin(mine, theirs, assume_unique=True)
            elif row["group_id"] != group:
                lists.setdefault((row["lot"], row["group_id"]), []).append(theirs)
        for parts in lists.values():
            theirs = np.unique(np.concatenate(parts))
            shared = len(np.intersect1d(mine, theirs, assume_unique=True))
            found.append(Overlap(len(theirs), shared))
        return found, int(down.sum())

    async def _standing_elsewhere(
        self, mine: npt.NDArray[np.uint32], group: int, limits: Limits, now: float
    ) -> list[Overlap]:
        """Return the programmes of other groups that many of some people stand in. A sample tells
        which are worth counting."""
        found: list[Overlap] = []
        if len(mine) < limits.from_rows:
            return found
        sample = mine[:: max(1, len(mine) // _SAMPLE)]
        few = min(limits.overlap_share, limits.contained_share) / 2 * len(sample)
        for turn, programme in enumerate(self._live.standings.programmes()):
            if turn % _TURNS == _TURNS - 1:
                await asyncio.sleep(0)  # others have their turns
            known = self._catalogue.programmes.get(programme)
            if known is None or self._catalogue.senders[known.sender_id].group_id == group:
                continue
            size = self._live.standings.count(programme)
            if size * 8 < len(mine) or np.sum(self._live.grades(programme, sample, now) > 0) < few:
                continue
            shared = int(np.sum(self._live.grades(programme, mine, now) > 0))
            found.append(Overlap(size, shared))
        return found


def networks_of(addresses: Iterable[str]) -> list[str]:
    """Return what counts as one address for each row, '' for none: an IPv4 address, or the /64 of
    an IPv6 one. Raises InvalidInput naming the row."""
    return [_network(address, row) if address else "" for row, address in enumerate(addresses)]


def _network(address: str, row: int) -> str:
    try:
        found = ipaddress.ip_address(address.strip())
    except ValueError:
        raise InvalidInput(
            "bad_address", f"row {row} has no network address", field="consents.address",
            mend="write it like 203.0.113.7 or 2001:db8::1, or leave it out",
        ) from None  # fmt: skip
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def grade_of(word: str) -> Grade:
    """Return the grade of an import by its word."""
    return Grade[word.upper()]


def _ms(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)
