"""What the routes of cases are handed. Every method raises the errors of :mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from assent.flow.case_requests import (
    CaseAct,
    CaseAppeal,
    CaseAssign,
    CaseDecision,
    CaseOpen,
    CaseRests,
    CaseWords,
    RecordsRequest,
)
from assent.flow.requests import Caller
from assent.policy.ladder import Ladder

Answer = Mapping[str, Any]


class Cases(Protocol):
    """Cases, for staff and for the customer that was told of them."""

    async def open(self, caller: Caller, request: CaseOpen) -> Answer:
        """Open one."""

    async def request(self, caller: Caller, request: RecordsRequest) -> Answer:
        """Take in a request for records."""

    async def list(
        self, caller: Caller, kind: str | None, state: str | None, mine: bool, late: bool,
        cursor: int, limit: int,
    ) -> Answer:  # fmt: skip
        """Return cases, newest first."""

    async def show(self, caller: Caller, number: int) -> Answer:
        """Return one."""

    async def rest(self, caller: Caller, number: int, request: CaseRests) -> Answer:
        """Add evidence."""

    async def assign(self, caller: Caller, number: int, request: CaseAssign) -> Answer:
        """Say whose it is."""

    async def note(self, caller: Caller, number: int, request: CaseWords) -> Answer:
        """Keep words for staff."""

    async def message(self, caller: Caller, number: int, request: CaseWords) -> Answer:
        """Write to the customer."""

    async def act(self, caller: Caller, number: int, request: CaseAct) -> Answer:
        """Take a step or propose it."""

    async def agree(self, caller: Caller, number: int, step: int) -> Answer:
        """Agree to a step."""

    async def decline(self, caller: Caller, number: int, step: int, request: CaseWords) -> Answer:
        """Decline a step."""

    async def lift(self, caller: Caller, number: int, step: int, request: CaseWords) -> Answer:
        """End a restriction or suspension."""

    async def close(self, caller: Caller, number: int, request: CaseWords) -> Answer:
        """Close one."""

    def ladder(self, caller: Caller) -> Ladder:
        """Return the ladder in force."""


class Appeals(Protocol):
    """What customers say, and decisions about it."""

    async def answer(self, caller: Caller, number: int, request: CaseWords) -> Answer:
        """Keep a customer's words."""

    async def appeal(self, caller: Caller, number: int, request: CaseAppeal) -> Answer:
        """Appeal against a step."""

    async def decide(self, caller: Caller, number: int, request: CaseDecision) -> Answer:
        """Uphold or reverse a step."""


class CasesOut(Protocol):
    """What leaves the platform."""

    async def records(self, caller: Caller, number: int) -> Answer:
        """Return the parts of a request."""

    async def record(self, caller: Caller, number: int, part: int) -> bytes:
        """Return the bundle of a part."""

    async def notice(self, caller: Caller, number: int) -> Answer:
        """Return a public notice."""

    async def credit(self, caller: Caller, since: datetime | None, to: datetime | None) -> Answer:
        """Return entries for credit files."""

    async def credit_table(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> bytes:
        """Return the same as CSV."""


class CaseRooms(Protocol):
    """All of them."""

    @property
    def cases(self) -> Cases:
        """Cases."""

    @property
    def appeals(self) -> Appeals:
        """Answers, appeals and decisions."""

    @property
    def out(self) -> CasesOut:
        """What leaves the platform."""
