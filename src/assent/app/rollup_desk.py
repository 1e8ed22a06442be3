"""Counts of an hour, kept by one process of an installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assent.flow.rollups import Rollups
from assent.flow.rollups_shown import RollupsShown
from assent.numbers import NumberTable

if TYPE_CHECKING:
    from assent.app.node import Node


class RollupDesk:
    """The counting."""

    def __init__(self, node: Node) -> None:
        self.rollups = Rollups(node.store, node.clock, node.settings.counts_months)
        self.shown = RollupsShown(
            node.store, node.clock, node.catalogue, NumberTable.load(),
            node.settings.daily_hour_utc * 3600,
        )  # fmt: skip

    def run(self, start: Callable[[Any, str], None]) -> None:
        """Start to count, in the process that watches."""
        start(self.rollups.run(), "rollups")
