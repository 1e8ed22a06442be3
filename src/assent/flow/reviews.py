"""The review desk, as rooms see it that put up what customers hand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from assent.flow.needs import Transaction


class Reviews(Protocol):
    """The desk. What follows from its decisions are the rooms' own `approve` and `refuse`."""

    async def open(
        self,
        tx: Transaction,
        kind: str,
        subject: int,
        account: int,
        entity: int | None,
        at: float,
        signals: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Put something up for decision. `signals`: what to look at, {code, en, zh}."""

    async def withdraw(self, tx: Transaction, kind: str, subject: int, at: float) -> None:
        """Take it from the desk again."""
