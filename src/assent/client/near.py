"""Groups of orders, and fingerprints exchanged with other platforms, as methods; for staff."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class NearApi(ABC, Generic[Result]):
    """What reviewers see of groups, and what administrators exchange."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def groups(self, state: str | None = None, cursor: str | int = 0, limit: int = 100) -> Result:
        """Return groups of senders that act together, newest first."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(
            Call("GET", "/v1/groups", query | ({} if state is None else {"state": state}))
        )

    def group(self, group: str | int) -> Result:
        """Return a group with its members and what they share."""
        return self._do(Call("GET", f"/v1/groups/{group}"))

    def export_fingerprints(
        self, *, days: int = 90, least: int = 3, category: str | None = None
    ) -> Result:
        """Return a signed file (`file`) of texts that at least so many accounts used, or that were
        turned down."""
        body = {"days": days, "least": least, "category": category}
        return self._say("/v1/fingerprints/export", body)

    def import_fingerprints(self, file: str) -> Result:
        """Take a file of another platform. The same again changes nothing."""
        return self._say("/v1/fingerprints/import", {"file": file})

    def fingerprint_sources(self, cursor: str | int = 0, limit: int = 100) -> Result:
        """Return the files that were taken, newest first."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/fingerprints/sources", query))

    def withdraw_fingerprints(self, source: str | int, *, reason: str) -> Result:
        """Have a file say nothing any more."""
        return self._say(f"/v1/fingerprints/sources/{source}/withdraw", {"reason": reason}, False)

    def fingerprint_peers(self) -> Result:
        """Return our key (`own`), and the platforms whose files are taken."""
        return self._do(Call("GET", "/v1/fingerprints/peers"))

    def trust_fingerprints(self, key: str) -> Result:
        """Take files of a platform from now on, by its key."""
        return self._say("/v1/fingerprints/peers", {"key": key}, False)

    def distrust_fingerprints(self, name: str) -> Result:
        """Take no more files of a platform."""
        return self._say("/v1/fingerprints/peers/remove", {"name": name}, False)

    def _say(self, path: str, body: dict[str, Any], repeatable: bool = True) -> Result:
        octets = msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, octets, repeatable=repeatable))
