"""What the routes of asking are handed. Every method raises the errors of :mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Protocol

from assent.flow.asking_requests import (
    AskingRelease,
    ConsentLook,
    ConsentQuestion,
    ConsentSession,
)
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class Asking(Protocol):
    """Questions to people."""

    async def begin(self, caller: Caller, request: ConsentSession) -> Answer:
        """Begin the session of one entry of a number."""

    async def request(self, caller: Caller, request: ConsentQuestion) -> Answer:
        """Take a request."""

    async def agreed(self, caller: Caller, day: date | None, cursor: int) -> Answer:
        """Return who agreed on a day."""

    async def stops(self, caller: Caller) -> Answer:
        """Return the senders that are or were stopped."""

    async def release(self, caller: Caller, code: str, request: AskingRelease) -> Answer:
        """Let one ask again."""


class Shown(Protocol):
    """Consents as their senders see them."""

    async def look(self, caller: Caller, request: ConsentLook) -> Answer:
        """Return how a number stands."""


class AskingRooms(Protocol):
    """Both."""

    @property
    def asking(self) -> Asking:
        """Questions to people."""

    @property
    def shown(self) -> Shown:
        """Consents as their senders see them."""
