"""What the routes of money are handed (`app/money_desk.py` fills it in)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from assent.flow.payments import Payments
from assent.flow.purses import Purses
from assent.flow.rebates import Rebates
from assent.flow.requests import Caller
from assent.flow.statements import Statement
from assent.flow.treasury import Treasury


class Money(Protocol):
    """Customers' money, and the treasury of those who run the platform."""

    @property
    def purses(self) -> Purses:
        """Balances, limits, sub-accounts."""

    @property
    def payments(self) -> Payments:
        """Money that comes in."""

    @property
    def treasury(self) -> Treasury:
        """Terms and prices."""

    @property
    def rebates(self) -> Rebates:
        """Agents' rebates."""

    def customer(self, caller: Caller) -> None:
        """Raise NotAllowed for a sandbox key."""

    def staff(self, caller: Caller) -> None:
        """Raise NotAllowed unless the caller belongs to the operator."""

    async def statement(self, caller: Caller, month: str) -> Statement:
        """Return an account's statement of a month."""

    async def margin(
        self, caller: Caller, begin: date, end: date, by: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return what is left of some days."""

    async def verify(self, caller: Caller) -> Mapping[str, Any]:
        """Prove that the money is right."""

    async def import_file(self, caller: Caller, port: str, data: bytes) -> Mapping[str, Any]:
        """Take a bank's file."""

    async def notice(
        self, port: str, timestamp: str, nonce: str, signature: str, body: bytes
    ) -> Mapping[str, Any]:
        """Take a signed notice of a payment port."""
