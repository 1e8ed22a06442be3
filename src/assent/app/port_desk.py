"""Ports, signatures, templates, members and switches of a node: wired, run daily, plugged into the
review desk."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from assent.app.ports import PortRoom
from assent.flow.code_numbers import CodeNumbers
from assent.flow.hosts import Hosts
from assent.flow.invitations import Inviter
from assent.flow.matters import Matter
from assent.flow.members import Members
from assent.flow.port_applications import PortApplications
from assent.flow.port_matters import DeskReviews, RoomMatter
from assent.flow.ports import Ports
from assent.flow.signatures import Signatures
from assent.flow.switches import Switches
from assent.flow.templates import Templates
from assent.registry.table import Table

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S = 600.0


class PortDesk:
    """The rooms. `daily` is called often and does what a day brings, some time in it."""

    def __init__(self, node: Node) -> None:
        store, clock, catalogue = node.store, node.clock, node.catalogue
        settings, reviews = node.settings.ports, DeskReviews(node.front.desk)
        parts = (store, clock, catalogue, reviews)
        carriers = [carrier.name for carrier in node.settings.carriers]
        self.numbers = CodeNumbers(store, clock, catalogue, carriers)
        self.applications = PortApplications(*parts)
        self.ports = Ports(
            store, clock, catalogue, PortRoom(node.settings).fault, settings.cooling_months,
            settings.history_months,
        )  # fmt: skip
        self.signatures = Signatures(*parts, settings.signature_months)
        self.templates = Templates(*parts, node.screening.reviews)
        self.hosts = Hosts(*parts)
        self.members = Members(store, clock, catalogue, node.directory, node.consent_desk.grants)
        self.switches = Switches(store, clock, catalogue)
        self.inviter = Inviter(
            store, clock, catalogue, node.own_words, secrets.token_bytes,
            node.settings.public_url,
        )  # fmt: skip
        node.confirmer.beside.append(self.inviter.step)
        node.consent_desk.send_audits()
        node.settler.slow.append(self._due)
        for matter in self._matters(node.front.rooms.table):
            node.front.desk.plug(matter)
        self._next = 0.0

    def _matters(self, table: Table) -> list[Matter]:
        """Return what the review desk takes on of these rooms."""
        return [
            RoomMatter("port", self.applications, table),
            RoomMatter("signature", self.signatures, table),
            RoomMatter("template", self.templates, table),
            RoomMatter("host", self.hosts, table),
        ]

    async def _due(self, at: float) -> None:
        if at >= self._next:
            await self.daily(at)
            self._next = at + _EVERY_S

    async def daily(self, at: float) -> None:
        """Do what the day brings: ports cool and are recycled, signatures lapse, questions end.
        Doing it again changes nothing."""
        await self.ports.daily(at)
        await self.signatures.daily(at)
        await self.members.daily(at)
