"""The calls of auditors: evidence bundles, and where the consent ledger stands."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class EvidenceApi(ABC, Generic[Result]):
    """What auditors ask for. Both calls change nothing and may be repeated."""

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
