"""Whom a reply concerns: whose words were answered, and which customer it is shown to.

A number belongs to its sender long after it was revoked, cooled or given to somebody else; what
people answer to counts for whoever wrote from it to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.flow.catalogue import Catalogue
from assent.flow.columns import U32, pack, unpack
from assent.flow.needs import Store
from assent.flow.order import Port
from assent.message import batch_id

LOOK_BACK_S: Final = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class Shown:
    """The customer that a reply is shown to, and its keyword that the reply is, if any."""

    account: int | None = None
    keyword: str = ""


class Whom:
    """Answers from the catalogue, and from what was sent in the last 30 days."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    async def groups(self, destination: str, carrier: str, person: int) -> tuple[int, ...]:
        """Return the groups behind a number: its sender's; where several have or had it, all who
        wrote from it to this person in 30 days; where none of them did, all of them. None for the
        operator's own number, and one that nobody has."""
        ports = _senders_ports(self._catalogue.ports_at(destination, ""))
        groups = self._groups_of(ports)
        if len(groups) <= 1:
            return groups
        wrote = {int(row["group_id"]) for row in await self._batches(ports, person)}
        if wrote:
            return tuple(sorted(wrote))
        return self._groups_of(_senders_ports(self._catalogue.ports_at(destination, carrier)))

    def one_group(self, destination: str) -> int | None:
        """Return the group behind a number that was never another's; None for all others."""
        groups = self._groups_of(_senders_ports(self._catalogue.ports_at(destination, "")))
        return groups[0] if len(groups) == 1 else None

    async def standing(self, person: int) -> tuple[int, ...]:
        """Return the groups in whose programmes a person stands."""
        rows = await self._store.fetch("programmes_of_people", [person])
        programmes = [self._catalogue.programmes.get(row["programme_id"]) for row in rows]
        senders = {one.sender_id for one in programmes if one is not None}
        return tuple(sorted({self._catalogue.senders[one].group_id for one in senders}))

    async def shown(self, destination: str, carrier: str, person: int, word: str) -> Shown:
        """Return who gets a reply that refuses nothing: whose keyword it is, else whoever wrote
        last from that number to the person in 30 days. `word`: the reply as keywords are
        compared."""
        ports = _senders_ports(self._catalogue.ports_at(destination, carrier))
        if not ports:
            return Shown()
        rows = await self._store.fetch("port_keywords_of", sorted({port.number for port in ports}))
        senders = {port.sender_id for port in ports}
        filed = {
            int(row["sender_id"]): row
            for row in rows
            if word and row["word"] == word and row["sender_id"] in senders
        }
        if len(filed) == 1:
            (row,) = filed.values()
            return Shown(row["account_id"], row["written"])
        wrote = await self._batches(ports, person)
        for batch in wrote:
            if not filed or batch["sender_id"] in filed:
                mine = filed.get(batch["sender_id"])
                account = batch["account_id"] if mine is None else mine["account_id"]
                return Shown(int(account), "" if mine is None else mine["written"])
        return Shown()

    async def _batches(self, ports: Sequence[Port], person: int) -> list[Any]:
        """Return what was sent from some ports to a person in 30 days, the newest first."""
        since = batch_id(int((self._clock.now() - LOOK_BACK_S) * 1000), 0)
        octets = pack([person], U32)
        rows = await self._store.fetch(
            "batches_to_person", [port.id for port in ports], since, octets
        )
        return [row for row in rows if bool(np.any(unpack(row["people"], U32) == person))]

    def _groups_of(self, ports: Sequence[Port]) -> tuple[int, ...]:
        senders = {port.sender_id for port in ports if port.sender_id is not None}
        return tuple(sorted({self._catalogue.senders[sender].group_id for sender in senders}))


def _senders_ports(ports: Sequence[Port]) -> list[Port]:
    return [port for port in ports if port.sender_id is not None]
