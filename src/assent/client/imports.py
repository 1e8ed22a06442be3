"""The calls about imports of consents: how they stand, voiding, cases, who brought them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class ImportsApi(ABC, Generic[Result]):
    """What customers see of their imports, and what staff do about them."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def consent_imports(
        self, *, cursor: int = 0, limit: int = 100, state: str | None = None
    ) -> Result:
        """Return imports, the latest first: your own; everybody's for staff."""
        return self._do(Call("GET", "/v1/consent-imports", _page(cursor, limit, state)))

    def consent_import(self, number: str | int) -> Result:
        """Return how an import stands as a whole."""
        return self._do(Call("GET", f"/v1/consent-imports/{number}"))

    def void_consents(
        self,
        *,
        reason: str,
        by: str = "complaint",
        import_id: str | int | None = None,
        recipient: str | None = None,
        sender: str | None = None,
    ) -> Result:
        """Void an import, or those by which `recipient` came to stand with `sender`. For reviewers.
        Doing it again changes nothing."""
        given = {
            "reason": reason, "by": by, "import": None if import_id is None else str(import_id),
            "recipient": recipient, "sender": sender,
        }  # fmt: skip
        body = msgspec.json.encode({k: v for k, v in given.items() if v is not None})
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", "/v1/consent-voids", {}, headers, body))

    def consent_cases(
        self, *, cursor: int = 0, limit: int = 100, state: str | None = None
    ) -> Result:
        """Return cases of forged consent, the latest first. For reviewers and auditors."""
        return self._do(Call("GET", "/v1/consent-cases", _page(cursor, limit, state)))

    def close_case(self, case: str | int) -> Result:
        """Close a case. For reviewers."""
        return self._do(Call("POST", f"/v1/consent-cases/{case}/close", repeatable=False))

    def consent_importers(
        self, *, since: datetime | None = None, to: datetime | None = None
    ) -> Result:
        """Compare those who brought consents in a period. For auditors."""
        times = {"since": since, "to": to}
        query = {name: at.isoformat() for name, at in times.items() if at is not None}
        return self._do(Call("GET", "/v1/consent-importers", query))


def _page(cursor: int, limit: int, state: str | None) -> dict[str, Any]:
    query = {"cursor": str(cursor), "limit": str(limit)}
    return query if state is None else {**query, "state": state}
