"""Statistics, as methods; for staff."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class StatisticsApi(ABC, Generic[Result]):
    """What was complained of, and what it is compared with."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def statistics(
        self,
        first: str | None = None,
        last: str | None = None,
        *,
        by: Sequence[str] = ("type",),
        before: int = 1,
        top: int = 10,
        published: bool = False,
        **only: str | None,
    ) -> Result:
        """Return tables of periods (2026Q3, 2026-09, 2026-09-01; the last whole quarter if none is
        given). `by`: type, category, port, sender, brand, province, carrier, source, answer or all.
        `only`: type, category, carrier, province, source."""
        query: dict[str, Any] = {"by": list(by), "before": str(before), "top": str(top)}
        given = {"from": first, "to": last, **only}
        query |= {name: value for name, value in given.items() if value is not None}
        if published:
            query["published"] = "true"
        return self._do(Call("GET", "/v1/statistics", query))

    def import_published(self, file: str) -> Result:
        """Keep figures that a centre published, from a CSV file's text. Again changes nothing."""
        return self._hand("/v1/statistics/published", file)

    def import_users(self, file: str) -> Result:
        """Keep how many users carriers have, from a CSV file's text. Again changes nothing."""
        return self._hand("/v1/statistics/users", file)

    def _hand(self, path: str, file: str) -> Result:
        body = msgspec.json.encode({"file": file})
        return self._do(Call("POST", path, {}, {"content-type": "application/json"}, body))
