"""What the routes of keywords, files of refusals and unclear replies are handed.

Every method raises the errors of :mod:`assent.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.door_requests import KeywordsRequest, ReplyReading
from assent.flow.refusal_files import RefusalFile
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class Keywords(Protocol):
    """Customers' keywords."""

    async def show(self, caller: Caller, number: str) -> Answer:
        """Return a port's."""

    async def file(self, caller: Caller, number: str, request: KeywordsRequest) -> Answer:
        """File others in their place."""


class Files(Protocol):
    """Files of refusals."""

    def check(self, caller: Caller) -> None:
        """Say whether somebody may take one, before it is read."""

    async def take(self, caller: Caller, file: RefusalFile) -> Answer:
        """Refuse for everybody in one."""

    async def listed(self, caller: Caller) -> Answer:
        """Return those that were taken."""


class Unclear(Protocol):
    """Unclear replies."""

    async def waiting(self, caller: Caller, cursor: int, limit: int) -> Answer:
        """Return those that nobody has read."""

    async def read(self, caller: Caller, reply: int, request: ReplyReading) -> Answer:
        """Take what somebody read in one."""


class Doors(Protocol):
    """All of them."""

    @property
    def keywords(self) -> Keywords:
        """Customers' keywords."""

    @property
    def files(self) -> Files:
        """Files of refusals."""

    @property
    def unclear(self) -> Unclear:
        """Unclear replies."""
