"""What the routes of statistics are handed. Every method raises the errors of
:mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.requests import Caller
from assent.flow.statistics_requests import StatisticsFile, StatisticsQuery

Answer = Mapping[str, Any]


class Statistics(Protocol):
    """What a centre publishes."""

    async def show(self, caller: Caller, query: StatisticsQuery) -> Answer:
        """Return periods and tables."""

    async def csv(self, caller: Caller, query: StatisticsQuery, language: str) -> bytes:
        """Return the same as CSV."""

    async def take_published(self, caller: Caller, request: StatisticsFile) -> Answer:
        """Keep figures that a centre published."""

    async def take_users(self, caller: Caller, request: StatisticsFile) -> Answer:
        """Keep how many users carriers have."""
