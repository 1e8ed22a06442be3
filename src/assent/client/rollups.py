"""Counts of messages, as methods: for staff of everybody, for customers of themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from assent.client.calls import Call

Result = TypeVar("Result")


class RollupApi(ABC, Generic[Result]):
    """Counts an hour."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def rollups(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Sequence[str] = (),
        step: str | None = None,
        **only: Sequence[str],
    ) -> Result:
        """Return counts of the messages that were accepted in a period, the last seven days if
        none is given. `by`: port, sender, account, carrier, province, category, purpose. `step`:
        hour, day or month. `only`: lists by the same names."""
        return self._do(Call("GET", "/v1/rollups", _query(since, until, by, step, only)))

    def rollup_failures(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        by: Sequence[str] = (),
        **only: Sequence[str],
    ) -> Result:
        """Return failures by their codes. `by` and `only`: port, carrier."""
        return self._do(Call("GET", "/v1/rollups/failures", _query(since, until, by, None, only)))


def _query(
    since: datetime | None,
    until: datetime | None,
    by: Sequence[str],
    step: str | None,
    only: Mapping[str, Sequence[str]],
) -> dict[str, str | list[str]]:
    query: dict[str, str | list[str]] = {name: list(some) for name, some in only.items()}
    for name, at in (("from", since), ("to", until)):
        query |= {} if at is None else {name: at.isoformat()}
    query |= {"by": ",".join(by)} if by else {}
    return query | ({"step": step} if step else {})
