"""Where customers' links hand in: objections at once, durable before "accepted", judged later.

Submits that come together share a transaction: while one is stored, the next gather. A submit whose
storing is in doubt is stored again under the same number until the store has answered, and its
customer is told only then; so nothing is answered that is not durable, and nothing that was refused
is sent.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_network
from typing import Any, Final

import msgspec
import numpy as np

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.catalogue import Catalogue
from assent.flow.customers import CustomerLink, Handed, Inquired, Objection, Parcel
from assent.flow.handed import Waiting, decode, encode, piece_of
from assent.flow.ids import Numbers
from assent.flow.inquiries import inquire
from assent.flow.logins import owner_of
from assent.flow.needs import Queries, Store, utc
from assent.flow.order import Port
from assent.flow.parcels import items_of
from assent.flow.people import Directory
from assent.flow.status import Status
from assent.flow.vault import Vault
from assent.numbers import parse
from assent.text import Alphabet

_AT_ONCE: Final = 2_000
_ADOPT: Final = 5_000
_AGAIN_S: Final = 0.2
_LONGEST: Final = 4_000
_NUMBER: Final = re.compile(r"\+?[0-9]{5,20}")

Stored = Callable[[bool], None]


class Reception:
    """Takes in what customers' links hand in. Run :meth:`run` as a task.

    `judge` takes what is stored; `backlog` tells how much it has still to do.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        epoch: int,
        catalogue: Catalogue,
        directory: Directory,
        judge: Callable[[list[Waiting]], None],
        backlog: Callable[[], int],
        vault: Vault,
        status: Status,
    ) -> None:
        self._status = status
        self._store = store
        self._clock = clock
        self._epoch = epoch
        self._vault = vault
        self._catalogue = catalogue
        self._directory = directory
        self._judge = judge
        self._backlog = backlog
        self._rows = Numbers()
        self._links: dict[str, CustomerLink] = {}
        self._by_id: dict[int, CustomerLink] = {}
        self._held: dict[tuple[int, str], list[Port]] = {}
        self._in: list[tuple[Sequence[Handed], Stored]] = []
        self._count = 0
        self._wake = asyncio.Event()
        self._stopping = False
        self._out: dict[int, set[int]] = {}
        self._turns: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._doubt: set[int] = set()  # rows that may be ours without our having been told
        self.stored = 0
        self.last_error = ""

    async def reload(self) -> None:
        """Read the logins anew, and forget what was derived from the catalogue."""
        rows = await self._store.fetch("customer_links_all")
        self._links = {row["login"]: link_of(row, self._vault) for row in rows}
        self._by_id = {link.id: link for link in self._links.values()}
        self._held = {}

    # What links ask ------------------------------------------------------------------------

    @property
    def links(self) -> Iterable[CustomerLink]:
        """Every login."""
        return self._links.values()

    def link(self, login: str) -> CustomerLink | None:
        """Return a login that exists, active or not."""
        return self._links.get(login)

    def link_of(self, link_id: int) -> CustomerLink | None:
        """The same by its number."""
        return self._by_id.get(link_id)

    @property
    def waiting(self) -> int:
        """How many submits wait to be stored or judged."""
        return self._count + self._backlog()

    def objection(self, handed: Handed) -> Objection | None:
        """Return what can be said against a submit at once, from memory."""
        if self._stopping:
            return Objection.BUSY
        key = (handed.link.account_id, handed.source)
        ports = self._held.get(key)
        if ports is None:
            ports = self._catalogue.ports_held(*key)
            if len(self._held) < _LONGEST:  # what is asked for is the customer's choice
                self._held[key] = ports
        if not ports:
            return Objection.SOURCE
        if handed.alphabet is Alphabet.BINARY:
            return Objection.CODING
        content = handed.content
        if not content or len(content) > _LONGEST:
            return Objection.LENGTH
        if handed.part is not None and not 1 <= handed.part[2] <= handed.part[1]:
            return Objection.CODING
        for number in handed.numbers:
            if _NUMBER.fullmatch(number) is None:
                return Objection.DESTINATION
        if handed.expires_at is not None and handed.expires_at <= self._clock.now():
            return Objection.TIME
        return None if handed.numbers else Objection.DESTINATION

    def hand_in(self, handed: Sequence[Handed], stored: Stored) -> None:
        """Store submits; see `customers.Reception`."""
        if self._stopping:
            stored(False)
            return
        self._in.append((handed, stored))
        self._count += len(handed)
        self._wake.set()

    # Storing -------------------------------------------------------------------------------

    async def run(self) -> None:
        """Store until :meth:`stop`."""
        while not (self._stopping and not self._in):
            await self._wake.wait()
            self._wake.clear()
            while self._in:
                groups, size = [], 0
                while self._in and size < _AT_ONCE:
                    groups.append(self._in.pop(0))
                    size += len(groups[-1][0])
                await self._store_groups(groups)
                self._count -= size

    def stop(self) -> None:
        """Take no more in; what was handed in is stored still."""
        self._stopping = True
        self._wake.set()

    async def _store_groups(self, groups: list[tuple[Sequence[Handed], Stored]]) -> None:
        handed = [one for group, _ in groups for one in group]
        now = self._clock.now()
        try:
            waiting = await self._waiting(handed, now)
        except AssentError as error:  # nothing was begun
            self.last_error = error.code
            for _, told in groups:
                told(False)
            return
        columns = (
            [one.row for one in waiting],
            [one.link_id for one in waiting],
            [encode(one.piece) for one in waiting],
        )
        while True:
            try:
                await self._store.execute("handed_store", *columns, utc(now), self._epoch)
                break
            except AssentError as error:
                self.last_error = error.code
                await asyncio.sleep(_AGAIN_S)
        self.stored += len(waiting)
        for _, told in groups:
            told(True)
        self._judge(waiting)

    async def _waiting(self, handed: list[Handed], now: float) -> list[Waiting]:
        parsed = parse([number for one in handed for number in one.numbers])
        people = (await self._directory.ids(self._store, parsed.msisdn, utc(now))).tolist()
        numbers, faults = parsed.msisdn.tolist(), parsed.fault.tolist()
        await self._rows.reserve(self._store, len(handed))
        found: list[Waiting] = []
        start = 0
        for row, one in zip(self._rows.take(len(handed)), handed, strict=True):
            end = start + len(one.numbers)
            mine = numbers[start:end]
            piece = piece_of(one, people[start:end], mine, faults[start:end])
            found.append(Waiting(row, one.link.id, now, piece, mine))
            start = end
        return found

    async def adopt(self) -> bool:
        """Take over what processes that ended left to be judged; return whether there may be more.
        Raises AssentError."""
        rows = await self._store.fetch("handed_left", self._epoch, sorted(self._doubt), _ADOPT)
        left = {row["id"] for row in rows}
        # What becomes ours while we are not told is found again by its number.
        self._doubt = left
        if not left:
            return False
        taken = await self._store.fetch("handed_adopt", self._epoch, sorted(left))
        waiting = await read(self._store, self._directory, sorted(taken, key=lambda row: row["id"]))
        self._doubt -= {one.row for one in waiting}
        self._judge(waiting)
        return bool(self._doubt) or len(left) >= _ADOPT

    # Parcels -------------------------------------------------------------------------------

    async def load(self, link_id: int, after: int, most: int) -> list[Parcel]:
        """Return the next parcels of a link. Those that were given since it last asked from the
        beginning (`after` 0) are left out, whatever their numbers: a parcel may be committed
        after one with a greater number."""
        out = self._out.setdefault(link_id, set())
        async with self._turns[link_id]:
            if after == 0:
                out.clear()
            rows = await self._store.fetch("parcels_of_link", link_id, list(out), most, self._epoch)
        parcels = []
        for row in sorted(rows, key=lambda row: row["id"]):
            items = await items_of(
                self._store, self._directory, msgspec.msgpack.decode(row["body"])
            )
            parcels.append(Parcel(row["id"], items))
        out.update(parcel.id for parcel in parcels)
        return parcels

    async def inquire(self, link: CustomerLink, id_: int, at: float) -> Inquired | None:
        """Return where a message stands; see `inquiries.inquire`."""
        return await inquire(self._store, self._status, link, id_, at)

    async def give_back(self, link_id: int | None = None) -> None:
        """Leave the parcels of a link, or of all, to other processes; see `customers.Reception`."""
        if link_id is None:
            await self._store.fetch("parcels_give_back", self._epoch, None)
            return
        async with self._turns[link_id]:  # not what is loaded at the same time
            await self._store.fetch("parcels_give_back", self._epoch, link_id)

    async def done(self, parcels: Sequence[int]) -> None:
        """Forget parcels that are acknowledged."""
        await self._store.execute("parcels_done", list(parcels))
        for out in self._out.values():
            out.difference_update(parcels)


async def read(queries: Queries, directory: Directory, rows: list[Any]) -> list[Waiting]:
    """Return stored rows as they wait to be judged."""
    pieces = [decode(row["body"]) for row in rows]
    people = np.array([person for piece in pieces for person in piece.people], np.uint32)
    numbers = (await directory.msisdns(queries, people)).tolist()
    found: list[Waiting] = []
    start = 0
    for row, piece in zip(rows, pieces, strict=True):
        end = start + len(piece.people)
        found.append(
            Waiting(row["id"], row["link_id"], row["at"].timestamp(), piece, numbers[start:end])
        )
        start = end
    return found


def link_of(row: Any, vault: Vault) -> CustomerLink:
    """Return a login as it is filed. Raises Unavailable when its secret does not open."""
    login, sealed = row["login"], row["sealed"]
    return CustomerLink(
        id=row["id"],
        account_id=row["account_id"],
        login=login,
        secret=row["secret"] if sealed is None else vault.open(sealed, owner_of(login)).decode(),
        dialects=frozenset(row["dialects"]),
        allowed=tuple(ip_network(word) for word in row["allowed"]),
        binds=row["binds"],
        window=row["window_size"],
        rate=row["rate"],
        replies=row["replies"],
        active=row["status"] == "active",
        reports_to=row["reports_to"],
    )
