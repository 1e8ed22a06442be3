"""What the HTTP API is handed for imports of consents; flow implements it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from assent.flow.requests import Caller, VoidRequest


class Imports(Protocol):
    """Imports of consents; see :class:`assent.flow.imports_shown.ImportsShown`."""

    async def imports(
        self, caller: Caller, cursor: int, limit: int, state: str | None
    ) -> Mapping[str, Any]:
        """Return imports."""

    async def one(self, caller: Caller, number: int) -> Mapping[str, Any]:
        """Return an import."""

    async def void(self, caller: Caller, request: VoidRequest) -> Mapping[str, Any]:
        """Void imports."""

    async def cases(
        self, caller: Caller, cursor: int, limit: int, state: str | None
    ) -> Mapping[str, Any]:
        """Return cases."""

    async def close(self, caller: Caller, case: int) -> Mapping[str, Any]:
        """Close a case."""

    async def importers(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> Mapping[str, Any]:
        """Return who brought consents."""
