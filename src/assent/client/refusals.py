"""Refusals through other doors than a reply, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call
from assent.client.portions import numbered

Result = TypeVar("Result")


class RefusalApi(ABC, Generic[Result]):
    """What senders and the operator's call centre hear from receivers."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    @abstractmethod
    def _do_all(self, calls: Iterator[Call]) -> Result:
        """Make calls one after the other and add their answers up."""

    @abstractmethod
    def _post(
        self, path: str, body: bytes, key: str | None, query: Mapping[str, str] | None = None,
        first_row: int = 0,
    ) -> Call:  # fmt: skip
        """Return a call with an idempotency key."""

    def refuse(
        self,
        to: Iterable[str],
        *,
        sender: str,
        source: str,
        channel: str | None = None,
        purposes: Sequence[str] | None = None,
        key: str | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Report people who refused through another door; 5,000 travel at a time. `channel`: api
        (if not given), counter, voice, web, mail or paper."""

        def calls() -> Iterator[Call]:
            for first, portion in numbered(to, progress):
                fields = {
                    "sender": sender, "to": portion, "source": source, "channel": channel,
                    "purposes": purposes,
                }  # fmt: skip
                part = None if key is None else f"{key}-{first}"
                yield self._post("/v1/refusals", _given(fields), part, first_row=first)

        return self._do_all(calls())

    def refuse_by_telephone(
        self,
        to: str,
        *,
        sender: str | None = None,
        everybody: bool = False,
        programme: str | None = None,
        purposes: Sequence[str] | None = None,
    ) -> Result:
        """Record what a receiver refused on the telephone (staff): a sender, one programme of it,
        or everybody."""
        fields = {
            "to": to, "sender": sender, "everybody": everybody, "programme": programme,
            "purposes": purposes,
        }  # fmt: skip
        headers = {"content-type": "application/json"}
        path = "/v1/desk/refusals/telephone"
        return self._do(Call("POST", path, {}, headers, _given(fields)))


def _given(fields: dict[str, Any]) -> bytes:
    return msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
