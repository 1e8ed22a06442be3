"""What the routes about people who are to be forgotten are handed; app/erasure_desk.py has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.erasure_requests import (
    ErasureRequest,
    HoldRequest,
    ReassignmentRequest,
    RelationEnd,
)
from assent.flow.requests import Caller


class Forgetting(Protocol):
    """Erasure, legal holds, numbers with new holders, consents that end, and what backs them."""

    async def erase(self, caller: Caller, request: ErasureRequest) -> Mapping[str, Any]:
        """Erase a person."""

    async def erasures(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """List erasures, without numbers."""

    async def hold(self, caller: Caller, request: HoldRequest) -> Mapping[str, Any]:
        """Keep what is known of a person."""

    async def holds(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """List legal holds in force."""

    async def lift(self, caller: Caller, hold: int) -> Mapping[str, Any]:
        """Lift a legal hold."""

    async def reassigned(self, caller: Caller, request: ReassignmentRequest) -> Mapping[str, Any]:
        """Take a carrier's file of numbers that have a new holder."""

    async def sources(self, caller: Caller) -> Mapping[str, Any]:
        """Return what each source of such files told so far."""

    async def end(
        self, caller: Caller, request: RelationEnd, *, key: str | None, sha: bytes
    ) -> bytes:
        """End consents whose relation is over; return JSON."""

    async def keep(self, caller: Caller, octets: bytes) -> Mapping[str, Any]:
        """Keep a file that backs consents."""

    async def kept_file(self, caller: Caller, digest: str) -> tuple[str, bytes]:
        """Return media type and octets of such a file."""
