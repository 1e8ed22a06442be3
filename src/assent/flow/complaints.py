"""Complaints of every door become rows here: with their days, their event and their consequences.

Whoever takes one in does it in a transaction of his own: what the complaint brings about at once,
the end of the advertising of that sender's group to that person, is a refusal like any other
(refusals.py) and stands in the same transaction. Codes and notices are never touched by it. What a
complaint is about is found out by :mod:`assent.flow.complaint_matching`; words are sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from assent.clock import Clock
from assent.consent.entry import Channel, Origin, purpose_mask
from assent.flow.catalogue import Catalogue
from assent.flow.columns import pack_object
from assent.flow.complaint_matching import NOTHING, Match, Matching, brand_of
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.people import Directory
from assent.flow.receiver_view import words_owner
from assent.flow.refusals import Asked
from assent.flow.vault import Vault
from assent.message import Network, Purpose
from assent.numbers import Fault, NumberTable, parse
from assent.registry.calendar import Calendar

KIND: Final = "complaint"
"""The kind of its events. Subject: the complaint's id; payload: {"id", "new"}."""
FORWARD_DAYS: Final = 3
"""Working days in which a complaint is passed on to whom it concerns (CN-27)."""
ANSWER_DAYS: Final = 15
"""Working days in which it is answered (CN-27)."""
ADVERTISING: Final = purpose_mask(Purpose.MARKETING, Purpose.INTERNAL)
"""What ends at once: codes and notices never do."""

Source = Literal["receiver", "telephone", "reply", "carrier", "12321", "api"]
_LONGEST_BRAND: Final = 100


@dataclass(frozen=True, slots=True)
class Intake:
    """A complaint to take in. `person`: 0 where her number was not told. `at`: when she complained.
    `words`: hers, or the text that she reports. `number`: the code number complained of; '' where
    it is a person's. `match`: what it is about. The rest as in the table; `carrier` and `province`
    are looked up where they are left out."""

    source: Source
    person: int
    at: float
    words: str = ""
    match: Match = NOTHING
    number: str = ""
    port_type: bool = True
    reference: str | None = None
    file: int | None = None
    carrier: str = ""
    province: int = 0
    category: str = ""
    brand: str = ""
    ours: bool = True  # False: nobody of ours can have sent it


@dataclass(frozen=True, slots=True)
class Taken:
    """A complaint that was taken in. `place`: of its intake."""

    place: int
    id: int
    receipt: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where people belong: their carrier, as the settings route it, and province."""

    table: NumberTable
    routes: Mapping[Network, str] = field(default_factory=dict)

    def carrier(self, network: Network) -> str:
        """Return the carrier that serves a network; its own name where none does."""
        if network is Network.UNKNOWN:
            return ""
        return self.routes.get(network, "") or network.name.lower()

    def of(self, msisdn: int) -> tuple[str, int]:
        """Return carrier and province of a number; '' and 0 where they are not known."""
        found = self.table.lookup(np.array([msisdn], np.uint64))
        return self.carrier(Network(int(found.network[0]))), int(found.province[0])


class Complaints:
    """Takes complaints in. `new_code` makes receipt codes; `calendar` knows working days."""

    def __init__(
        self,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        vault: Vault,
        calendar: Calendar,
        places: Places,
        new_code: Callable[[], str],
    ) -> None:
        self.clock = clock
        self.catalogue = catalogue
        self.directory = directory
        self.vault = vault
        self.calendar = calendar
        self.places = places
        self.new_code = new_code

    def matching(self, queries: Queries) -> Matching:
        """Return what finds out what complaints are about."""
        return Matching(queries, self.catalogue)

    async def put(self, tx: Transaction, intakes: Sequence[Intake], now: float) -> list[Taken]:
        """Take complaints in and tell of each by an event; return those that were not known, by
        source, carrier and reference. The caller holds the locks of what he refuses beside."""
        if not intakes:
            return []
        rows = [await self._row(tx, one, place, now) for place, one in enumerate(intakes)]
        columns = [list(column) for column in zip(*rows, strict=True)]
        receipts = {row[4]: place for place, row in enumerate(rows)}
        put = await tx.fetch("complaints_put", *columns, utc(now))
        taken = [
            Taken(receipts[row["receipt_code"]], row["id"], row["receipt_code"]) for row in put
        ]
        await tell(tx, [one.id for one in taken], now, new=True)
        return taken

    async def _row(self, queries: Queries, one: Intake, place: int, now: float) -> tuple[Any, ...]:
        receipt, match = self.new_code(), one.match
        carrier, province = one.carrier or match.carrier, one.province
        if one.person and not (carrier and province):
            numbers = await self.directory.msisdns(queries, np.array([one.person], np.uint32))
            there = self.places.of(int(numbers[0])) if int(numbers[0]) else ("", 0)
            carrier, province = carrier or there[0], province or there[1]
        ours = one.ours or bool(match.matched)
        forward, due = self.days(now) if ours else (None, None)
        brand = (one.brand or match.brand or brand_of(one.words))[:_LONGEST_BRAND]
        sealed = self.vault.seal(one.words.encode(), words_owner(receipt)) if one.words else None
        return (
            one.source, one.person or None, match.message, match.sender, receipt, sealed,
            "open" if ours else "not_ours", one.file, one.reference, one.number, one.port_type,
            match.port, match.account, match.matched, carrier, province, match.purpose,
            one.category, brand, utc(one.at), due, forward, place,
        )  # fmt: skip

    def days(self, at: float) -> tuple[Any, Any]:
        """Return until when what came in at a time is passed on, and answered (CN-27)."""
        calendar = self.calendar
        return utc(calendar.after(at, FORWARD_DAYS)), utc(calendar.after(at, ANSWER_DAYS))

    def refusal(
        self,
        one: Intake,
        channel: Channel,
        origin: Origin,
        *,
        confirm: bool,
        statement: bytes = b"",
    ) -> Asked | None:
        """Return what a complaint refuses at once: the advertising of its sender's group to that
        person; None where either is not known."""
        sender = self.catalogue.senders.get(one.match.sender or 0)
        if sender is None or not one.person:
            return None
        return Asked(
            one.person, (sender.group_id,), ADVERTISING, channel, origin, confirm=confirm,
            statement=statement,
        )  # fmt: skip

    async def standing(self, queries: Queries, people: Sequence[int]) -> dict[int, set[int]]:
        """Return the groups in whose programmes people stand: only who could be written to is told
        that it is over."""
        found: dict[int, set[int]] = {}
        for row in await queries.fetch("programmes_of_people", sorted(set(people))):
            programme = self.catalogue.programmes.get(row["programme_id"])
            if programme is not None:
                group = self.catalogue.senders[programme.sender_id].group_id
                found.setdefault(row["person_id"], set()).add(group)
        return found


def is_persons(number: str) -> bool:
    """Tell whether what is complained of is a subscriber's number, here or abroad, and no code
    number: from there messages go from point to point."""
    if not number:
        return False
    return Fault(int(parse([number]).fault[0])) in (Fault.NONE, Fault.FIXED_LINE)


def code_number(number: str) -> str:
    """Return what is kept of a number that is complained of: a code number, and '' for everything
    that may be a person's, whole or in part."""
    if number and Fault(int(parse([number]).fault[0])) is Fault.SERVICE_NUMBER:
        return number
    return ""


async def tell(tx: Transaction, ids: Sequence[int], now: float, *, new: bool) -> None:
    """Append an event for each of some complaints, in the transaction that made or changed them.
    No account hears of it here."""
    if ids:
        payloads = [pack_object({"id": one, "new": new}) for one in ids]
        await tx.execute("complaint_events", list(ids), payloads, utc(now))


async def concerning(
    queries: Queries,
    *,
    sender: int | None = None,
    port: int | None = None,
    account: int | None = None,
    since: float = 0.0,
    most: int = 1_000,
) -> list[dict[str, Any]]:
    """Return complaints that concern a sender, a port or an account since a time, the newest first:
    id, state, source, matched, sender_id, port_id, account_id, category, complained_at. Cases read
    them; nothing of the person is in it."""
    rows = await queries.fetch("complaints_concerning", sender, port, account, utc(since), most)
    return [dict(row) for row in rows]
