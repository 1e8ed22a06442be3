"""Asking people whether they agree, and looking at consents, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import date
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class AskingApi(ABC, Generic[Result]):
    """What senders do to get consents by SMS, and staff about those whom nobody wants."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def _ask_for(self, path: str, *, repeatable: bool = True, **fields: Any) -> Result:
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, body, repeatable=repeatable))

    def begin_consent_session(self, *, sender: str, programme: str) -> Result:
        """Return a token (`session`) for one number that is about to be entered. It is good for a
        minute, if the operator has not set another time."""
        return self._ask_for("/v1/consents/sessions", sender=sender, programme=programme)

    def ask_consent(
        self,
        number: str,
        *,
        sender: str,
        programme: str,
        session: str | None = None,
        document: str | int | None = None,
        place: str | None = None,
    ) -> Result:
        """Ask a person by SMS whether she agrees to a programme. Either `session`, in which she
        entered the number, or `document`, that shows her consent. The answer tells nothing of her;
        the same again is the same request."""
        return self._ask_for(
            "/v1/consents/requests", number=number, sender=sender, programme=programme,
            session=session, document=None if document is None else str(document), place=place,
        )  # fmt: skip

    def consents_agreed(self, day: date | None = None, cursor: str | int = 0) -> Result:
        """Return who agreed on a day that is over, yesterday if none is named."""
        query = {"cursor": str(cursor)} | ({} if day is None else {"day": day.isoformat()})
        return self._do(Call("GET", "/v1/consents/requests", query))

    def look_at_consent(self, number: str, *, sender: str) -> Result:
        """Return how a number stands in each programme of a sender, and what shows it."""
        return self._ask_for("/v1/consents/look", number=number, sender=sender)

    def asking_stops(self) -> Result:
        """Return the senders that may ask nobody, and those that were stopped once; for staff."""
        return self._do(Call("GET", "/v1/consents/stops"))

    def release_asking(self, sender: str, *, reason: str) -> Result:
        """Let a sender ask again; for staff. Not repeated when its answer is lost."""
        path = f"/v1/consents/stops/{quote(sender, safe='')}/release"
        return self._ask_for(path, repeatable=False, reason=reason)
