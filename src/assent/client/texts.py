"""The calls about texts that were held or turned down."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")
_JSON: Final = {"content-type": "application/json"}


class TextApi(ABC, Generic[Result]):
    """What customers and reviewers do about texts."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def texts(self, state: str | None = None, cursor: int = 0, limit: int = 100) -> Result:
        """Return texts that were held or turned down, newest first: customers their own."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/texts", query | ({"state": state} if state else {})))

    def text(self, text: str | int) -> Result:
        """Return a text with what is against it, and where."""
        return self._do(Call("GET", f"/v1/texts/{text}"))

    def approve_text(
        self, text: str | int, code: str = "in_order", words: str = "", category: str | None = None
    ) -> Result:
        """Approve a text; where two must agree, the second decides."""
        return self._act(text, "approve", code=code, words=words, category=category)

    def refuse_text(
        self, text: str | int, code: str, words: str = "", category: str | None = None
    ) -> Result:
        """Refuse a text; campaigns that wait for it end."""
        return self._act(text, "refuse", code=code, words=words, category=category)

    def change_text(
        self, text: str | int, changed: str, words: str = "", category: str | None = None
    ) -> Result:
        """Approve another text in its place, which its customer may adopt."""
        return self._act(text, "change", text=changed, words=words, category=category)

    def ask_about_text(self, text: str | int, words: str) -> Result:
        """Ask the customer something about a text."""
        return self._act(text, "ask", words=words)

    def appeal_text(self, text: str | int, words: str) -> Result:
        """Say why a held or refused text is in order; another reviewer decides."""
        return self._act(text, "appeal", words=words)

    def adopt_text(self, text: str | int) -> Result:
        """Take over what a reviewer made of a text: campaigns that wait go on with it."""
        return self._do(Call("POST", f"/v1/texts/{text}/adopt"))

    def text_labels(self, since: datetime, to: datetime, cursor: int = 0) -> Result:
        """Return a page of texts that people decided about, with labels for training."""
        query = {"from": since.isoformat(), "to": to.isoformat(), "cursor": str(cursor)}
        return self._do(Call("GET", "/v1/text-labels", query))

    def text_report(self, since: datetime, to: datetime) -> Result:
        """Return how reviewers and screening agreed in a time."""
        query = {"from": since.isoformat(), "to": to.isoformat()}
        return self._do(Call("GET", "/v1/text-report", query))

    def _act(self, number: str | int, act: str, **fields: Any) -> Result:
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        return self._do(Call("POST", f"/v1/texts/{number}/{act}", {}, _JSON, body))
