"""What the routes of alarms are handed. Every method raises the errors of :mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.alarm_requests import AlarmConfirmation, AlarmDismissal, CompletedCodes
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class Alarms(Protocol):
    """What detectors saw."""

    async def list(
        self, caller: Caller, state: str | None, detector: str | None, severity: int,
        sender: str | None, account: str | None, cursor: int, limit: int,
    ) -> Answer:  # fmt: skip
        """Return alarms, newest first."""

    async def show(self, caller: Caller, alarm: int) -> Answer:
        """Return an alarm with its evidence and similar ones."""

    async def dismiss(self, caller: Caller, alarm: int, request: AlarmDismissal) -> Answer:
        """Have nothing done about it."""

    async def confirm(self, caller: Caller, alarm: int, request: AlarmConfirmation) -> Answer:
        """Say that something lies behind it."""

    async def figures(self, caller: Caller, days: int) -> Answer:
        """Return how often detectors were right."""


class Completed(Protocol):
    """Codes that were used."""

    async def report(self, caller: Caller, request: CompletedCodes) -> Answer:
        """Note that codes were used."""


class WarningRooms(Protocol):
    """Both."""

    @property
    def alarms(self) -> Alarms:
        """What detectors saw."""

    @property
    def completed(self) -> Completed:
        """Codes that were used."""
