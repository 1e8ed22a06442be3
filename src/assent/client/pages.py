"""The calls of reviewers about pages behind links."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Generic, TypeVar

from assent.client.calls import Call

Result = TypeVar("Result")


class PagesApi(ABC, Generic[Result]):
    """What reviewers ask about pages."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def pages(self, state: str | None = None, cursor: int = 0, limit: int = 100) -> Result:
        """Return pages after an id, in one state or in any."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        if state is not None:
            query["state"] = state
        return self._do(Call("GET", "/v1/pages", query))

    def page(self, page: int) -> Result:
        """Return a page with what leads there, what was seen, and its versions."""
        return self._do(Call("GET", f"/v1/pages/{page}"))

    def fetch_page(self, page: int) -> Result:
        """Have a page looked at as soon as there is room."""
        return self._do(Call("POST", f"/v1/pages/{page}/fetch"))
