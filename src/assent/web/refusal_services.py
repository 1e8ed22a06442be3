"""What the call centre's route is handed."""

from __future__ import annotations

from typing import Protocol

from assent.flow.requests import Caller, TelephoneRefusal


class Telephone(Protocol):
    """Refusals that are told on the telephone."""

    async def take(self, caller: Caller, request: TelephoneRefusal) -> dict[str, str]:
        """Record one."""
