"""What the routes of pages need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.requests import Caller


class Pages(Protocol):
    """Pages behind links, for reviewers."""

    async def list(
        self, caller: Caller, state: str | None, cursor: int, limit: int
    ) -> Mapping[str, Any]:
        """Return pages after an id."""

    async def show(self, caller: Caller, page: int) -> Mapping[str, Any]:
        """Return a page with its versions."""

    async def fetch(self, caller: Caller, page: int) -> Mapping[str, Any]:
        """Have a page looked at now."""
