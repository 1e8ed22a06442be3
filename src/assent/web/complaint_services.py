"""What the routes of complaints are handed. Every method raises the errors of
:mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.complaint_files import ComplaintFile
from assent.flow.complaint_requests import ReceiverComplaint
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class ComplaintFiles(Protocol):
    """Files of carriers and of 12321."""

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed for who may not hand one in."""

    async def take(self, caller: Caller, file: ComplaintFile) -> Answer:
        """Take a file; return a report of its rows."""

    async def listed(self, caller: Caller, cursor: int, limit: int) -> Answer:
        """Return the files that were taken."""


class ComplaintCalls(Protocol):
    """Complaints handed in one by one."""

    async def take(self, caller: Caller, request: ReceiverComplaint) -> Answer:
        """Take one in; return its receipt code."""


class ComplaintDesk(Protocol):
    """Complaints as staff, and the customers concerned, see and answer them."""

    async def list(self, caller: Caller, asked: Mapping[str, Any]) -> Answer:
        """Return complaints in short."""

    async def show(self, caller: Caller, number: int) -> Answer:
        """Return one, with what was said about it."""

    async def forward(self, caller: Caller, number: int, words: str) -> Answer:
        """Pass one on to the customer it concerns."""

    async def answer(self, caller: Caller, number: int, words: str) -> Answer:
        """Answer one."""

    async def not_ours(self, caller: Caller, number: int, words: str) -> Answer:
        """Say that nobody of this platform's sent it."""

    async def note(self, caller: Caller, number: int, words: str) -> Answer:
        """Keep words for the staff."""


class ComplaintRooms(Protocol):
    """All of them."""

    @property
    def files(self) -> ComplaintFiles:
        """Files of carriers and of 12321."""

    @property
    def calls(self) -> ComplaintCalls:
        """Complaints handed in one by one."""

    @property
    def desk(self) -> ComplaintDesk:
        """Seeing and answering."""
