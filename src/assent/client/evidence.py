"""The calls of auditors: evidence bundles, and where the consent ledger stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class EvidenceApi(ABC, Generic[Result]):
    """What auditors ask for, and how a recovery of the ledger ends."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def evidence(self, recipient: str, sender: str, since: datetime, to: datetime) -> Result:
        """Return what is known of a person and a sender's group as an archive: `type` and `octets`.
        `to` is the moment after the last; times have a zone."""
        body = msgspec.json.encode(
            {"recipient": recipient, "sender": sender, "since": since, "to": to}
        )
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", "/v1/evidence", {}, headers, body, raw=True))

    def ledger(self) -> Result:
        """Return the ledger's last checkpoint, its keys, and what witnesses cosigned."""
        return self._do(Call("GET", "/v1/ledger"))

    def ledger_consistency(self, old: int, new: int = 0) -> Result:
        """Return a proof that the ledger of `old` entries begins that of `new` (0: the last
        checkpoint's)."""
        return self._do(Call("GET", "/v1/ledger/consistency", {"from": str(old), "to": str(new)}))

    def resume_ledger(self, reason: str) -> Result:
        """Say that what a restored backup lacked is back: marketing goes on. Done once."""
        return self._order("/v1/ledger/resume", {"reason": reason})

    def reconcile(self, carrier: str, day: date, segments: Mapping[str, int]) -> Result:
        """Compare a carrier's bill of a day (port → segments) with what left. The same bill again
        gives the first answer."""
        lines = [{"port": port, "segments": count} for port, count in segments.items()]
        return self._order("/v1/reconciliations", {"carrier": carrier, "day": day, "lines": lines})

    def reconciliations(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return comparisons, newest first."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/reconciliations", query))

    def reconciliation(self, bill: int) -> Result:
        """Return a comparison with its lines."""
        return self._do(Call("GET", f"/v1/reconciliations/{bill}"))

    def _order(self, path: str, body: Mapping[str, Any]) -> Result:
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, msgspec.json.encode(body)))
