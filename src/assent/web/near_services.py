"""What the routes of groups and fingerprints are handed. Every method raises the errors of
:mod:`assent.errors`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.near_requests import (
    FingerprintExport,
    FingerprintImport,
    FingerprintPeer,
    FingerprintWithdrawal,
)
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class Groups(Protocol):
    """Orders drawn as groups."""

    async def list(self, caller: Caller, state: str | None, cursor: int, limit: int) -> Answer:
        """Return groups in short."""

    async def show(self, caller: Caller, group: int) -> Answer:
        """Return a group with its members and what they share."""


class Fingerprints(Protocol):
    """Exchange with other platforms."""

    async def export(self, caller: Caller, request: FingerprintExport) -> Answer:
        """Return a signed file."""

    async def take(self, caller: Caller, request: FingerprintImport) -> Answer:
        """Take a file."""

    async def sources(self, caller: Caller, cursor: int, limit: int) -> Answer:
        """Return the files that were taken."""

    async def withdraw(self, caller: Caller, source: int, request: FingerprintWithdrawal) -> Answer:
        """Have a file say nothing any more."""

    async def peers(self, caller: Caller) -> Answer:
        """Return our key, and the platforms whose files are taken."""

    async def trust(self, caller: Caller, request: FingerprintPeer) -> Answer:
        """Take files of a platform."""

    async def distrust(self, caller: Caller, name: str) -> Answer:
        """Take no more files of a platform."""


class NearRooms(Protocol):
    """Both."""

    @property
    def groups(self) -> Groups:
        """Orders drawn as groups."""

    @property
    def fingerprints(self) -> Fingerprints:
        """Exchange with other platforms."""
