"""Audiences from consent, labels and instructions of a node: wired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent.flow.choosing import Choosing, Rooms
from assent.flow.counting import Counts
from assent.flow.instructions import Instructions
from assent.flow.labels import Labels
from assent.numbers import NumberTable

if TYPE_CHECKING:
    from assent.app.node import Node


class AudienceDesk:
    """See :class:`assent.web.audience_services.AudienceDesk`."""

    def __init__(self, node: Node) -> None:
        store, clock, catalogue = node.store, node.clock, node.catalogue
        counts = Counts(store, node.settings.daily_hour_utc * 3600)
        self.choosing = Choosing(
            Rooms(
                store, clock, node.ids, catalogue, node.directory, node.live, NumberTable.load(),
                node.rulebook, counts,
            )
        )  # fmt: skip
        self.labels = Labels(store, clock, catalogue, node.directory)
        self.instructions = Instructions(
            node.front.rooms, catalogue, node.front.documents.limits, node.front.roots
        )
