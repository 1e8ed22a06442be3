"""Alarms, for staff, and codes that were used, for customers, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class WarningApi(ABC, Generic[Result]):
    """What detectors saw and what staff say of it."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def alarms(
        self,
        *,
        state: str | None = None,
        detector: str | None = None,
        severity: int = 1,
        sender: str | None = None,
        account: str | None = None,
        cursor: str | int = 0,
        limit: int = 100,
    ) -> Result:
        """Return alarms, newest first; `severity`: at least so grave."""
        query = {"severity": str(severity), "cursor": str(cursor), "limit": str(limit)}
        given = {"state": state, "detector": detector, "sender": sender, "account": account}
        more = {name: value for name, value in given.items() if value is not None}
        return self._do(Call("GET", "/v1/alarms", query | more))

    def alarm(self, alarm: str | int) -> Result:
        """Return an alarm with its evidence and similar ones."""
        return self._do(Call("GET", f"/v1/alarms/{alarm}"))

    def alarm_figures(self, days: int = 90) -> Result:
        """Return how often each detector was right."""
        return self._do(Call("GET", "/v1/alarms/figures", {"days": str(days)}))

    def dismiss_alarm(self, alarm: str | int, *, reason: str, was: str = "wrong") -> Result:
        """Have nothing done about an alarm. `was`: wrong, or right (settled otherwise)."""
        return self._decide(f"/v1/alarms/{alarm}/dismiss", {"reason": reason, "was": was}, False)

    def confirm_alarm(self, alarm: str | int, *, reason: str) -> Result:
        """Say that something lies behind an alarm."""
        return self._decide(f"/v1/alarms/{alarm}/confirm", {"reason": reason}, True)

    def codes_completed(self, messages: Sequence[str | int]) -> Result:
        """Tell which codes were used, by message. The same again changes nothing."""
        body = {"messages": [str(one) for one in messages]}
        return self._decide("/v1/codes/completed", body, True)

    def _decide(self, path: str, body: dict[str, Any], repeatable: bool) -> Result:
        octets = msgspec.json.encode(body)
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, octets, repeatable=repeatable))
