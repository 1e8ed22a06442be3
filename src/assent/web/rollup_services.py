"""What the routes of counts are handed. Every method raises the errors of :mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.requests import Caller
from assent.flow.rollups_shown import Wanted

Answer = Mapping[str, Any]


class RollupRoom(Protocol):
    """Counts of an hour."""

    async def sums(self, caller: Caller, wanted: Wanted) -> Answer:
        """Return counts of a period."""

    async def failures(self, caller: Caller, wanted: Wanted) -> Answer:
        """Return failures of a period by their codes."""
