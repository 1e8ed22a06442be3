"""What the routes of restrictions are handed. Every method raises the errors of
:mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.carrier_blocks import BlockFile
from assent.flow.requests import Caller
from assent.flow.restriction_requests import RestrictionLift, RestrictionRequest

Answer = Mapping[str, Any]


class Restrictions(Protocol):
    """What must not leave for a while."""

    async def list(
        self, caller: Caller, cursor: int | None, limit: int, past: bool = False
    ) -> Answer:
        """Return those that the caller may see."""

    async def show(self, caller: Caller, id_: int) -> Answer:
        """Return one."""

    async def impose(self, caller: Caller, request: RestrictionRequest) -> Answer:
        """Impose one."""

    async def lift(self, caller: Caller, id_: int, request: RestrictionLift) -> Answer:
        """Lift one."""


class Blocks(Protocol):
    """Carriers' own lists."""

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed for who may not take one."""

    async def take(self, caller: Caller, file: BlockFile) -> Answer:
        """Take one."""

    async def listed(self, caller: Caller) -> Answer:
        """Return those that were taken."""


class RestrictionRooms(Protocol):
    """Both."""

    @property
    def restrictions(self) -> Restrictions:
        """What must not leave for a while."""

    @property
    def blocks(self) -> Blocks:
        """Carriers' own lists."""
