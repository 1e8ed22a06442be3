"""What judging an order needs of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assent.flow.submit import Desk
from assent.numbers import NumberTable

if TYPE_CHECKING:
    from assent.app.node import Node


def desk_of(node: Node) -> Desk:
    """Return it."""
    return Desk(
        node.clock, node.catalogue.chain, node.directory, node.live, node.book,
        NumberTable.load(), node.rulebook, node.fleet.routes, node.settings.refusal_wording,
        node.fleet.writings, node.fleet.video_routes, node.fleet.detours,
        node.catalogue.pricing, node.links, node.probes,
        node.screening.texts,
    )  # fmt: skip
