"""What the routes of audiences from consent, labels and instructions are handed.

Every method raises the errors of :mod:`assent.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.audience_requests import AudienceBuild, InstructionRequest, LabelRequest
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class Choosing(Protocol):
    """Audiences from consent."""

    async def build(self, caller: Caller, request: AudienceBuild) -> Answer:
        """Make one, or tell how many people it would have."""


class Labels(Protocol):
    """Facts that customers hold of people."""

    async def put(self, caller: Caller, request: LabelRequest) -> Answer:
        """Put people under one."""

    async def listed(self, caller: Caller) -> Answer:
        """Return the account's."""

    async def drop(self, caller: Caller, label: int) -> Answer:
        """Delete one."""


class Instructions(Protocol):
    """What customers signed so that staff order for them."""

    async def add(self, caller: Caller, request: InstructionRequest, file: bytes | None) -> Answer:
        """Keep one."""

    async def show(self, caller: Caller, instruction: int) -> Answer:
        """Return one."""

    async def file(self, caller: Caller, instruction: int) -> tuple[str, bytes]:
        """Return its media type and octets."""


class AudienceDesk(Protocol):
    """All of them."""

    @property
    def choosing(self) -> Choosing:
        """Audiences from consent."""

    @property
    def labels(self) -> Labels:
        """Labels."""

    @property
    def instructions(self) -> Instructions:
        """Instructions."""
