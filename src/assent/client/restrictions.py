"""Restrictions and carriers' own lists, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call, Upload

Result = TypeVar("Result")
_JSON = {"content-type": "application/json"}


class RestrictionApi(ABC, Generic[Result]):
    """What must not leave for a while."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def restrictions(
        self, *, past: bool = False, cursor: str | int = 0, limit: int = 100
    ) -> Result:
        """Return the restrictions that bind you, newest first; staff: all. `past`: also those that
        are over."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/restrictions", query | ({"past": "true"} if past else {})))

    def restriction(self, restriction: str | int) -> Result:
        """Return one restriction; staff: with what was counted."""
        return self._do(Call("GET", f"/v1/restrictions/{restriction}"))

    def impose_restriction(
        self,
        effect: str,
        *,
        en: str,
        zh: str,
        reason: str,
        sender: str | None = None,
        whole_group: bool = False,
        account: str | None = None,
        port: str | None = None,
        carrier: str | None = None,
        province: str | None = None,
        category: str | None = None,
        purposes: Sequence[str] = (),
        until: datetime | None = None,
    ) -> Result:
        """Impose a restriction (staff): defer, hold or reject what matches, told in both
        languages."""
        named: dict[str, Any] = {
            "sender": sender, "account": account, "port": port, "carrier": carrier,
            "province": province, "category": category, "until": until,
        }  # fmt: skip
        body: dict[str, Any] = {
            "effect": effect,
            "en": en,
            "zh": zh,
            "reason": reason,
            "purposes": list(purposes),
        }
        body |= {name: value for name, value in named.items() if value is not None}
        if whole_group:
            body["whole_group"] = True
        return self._do(Call("POST", "/v1/restrictions", {}, _JSON, msgspec.json.encode(body)))

    def lift_restriction(self, restriction: str | int, reason: str) -> Result:
        """Lift a restriction that a colleague or a ceiling imposed (staff)."""
        body = msgspec.json.encode({"reason": reason})
        return self._do(Call("POST", f"/v1/restrictions/{restriction}/lift", {}, _JSON, body))

    def import_carrier_blocks(
        self, file: str | Path | bytes, *, carrier: str, dated: str, more: bool = False
    ) -> Result:
        """Put a carrier's list of people who want nothing commercial in the place of the one before
        (staff): CSV or XLSX. `more`: a further part of the list of the same day."""
        content: Any = file if isinstance(file, bytes) else Path(file)
        name = "blocks" if isinstance(file, bytes) else Path(file).name
        fields = {"carrier": carrier, "dated": dated} | ({"more": "true"} if more else {})
        return self._do(Call("POST", "/v1/carrier-blocks", upload=Upload(content, name, fields)))

    def carrier_blocks(self) -> Result:
        """Return the carriers' lists that were taken (staff)."""
        return self._do(Call("GET", "/v1/carrier-blocks"))
