"""The calls about people who are to be forgotten, numbers with new holders, consents that end."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")
_JSON: Final = {"content-type": "application/json"}


def _page(cursor: int, limit: int) -> dict[str, str]:
    return {"cursor": str(cursor), "limit": str(limit)}


class ErasureApi(ABC, Generic[Result]):
    """What staff ask about people, and what senders say of consents that are over."""

    _new_key: Callable[[], str]

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def erase(self, recipient: str, ground: str, channel: str, *, keep_mark: bool = True) -> Result:
        """Erase a person. `keep_mark`: False only where she was told what it is for, and declined.
        To repeat it does no harm."""
        body = {"recipient": recipient, "ground": ground, "channel": channel}
        return self._tell("/v1/erasures", body | {"keep_mark": keep_mark})

    def erasures(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return erasures and how far each is, without numbers."""
        return self._do(Call("GET", "/v1/erasures", _page(cursor, limit)))

    def hold_person(self, recipient: str, why: str, until: datetime | None = None) -> Result:
        """Keep what is known of a person: erasure and removal wait."""
        return self._tell("/v1/legal-holds", {"recipient": recipient, "why": why, "until": until})

    def legal_holds(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return the legal holds in force."""
        return self._do(Call("GET", "/v1/legal-holds", _page(cursor, limit)))

    def lift_hold(self, hold: int) -> Result:
        """Lift a legal hold."""
        return self._do(Call("POST", f"/v1/legal-holds/{hold}/lift"))

    def reassigned(
        self, source: str, dated: date, numbers: Sequence[str], *, sure: bool = False
    ) -> Result:
        """Tell of numbers that have a new holder, at most 1,000 a call. The same again closes
        nobody."""
        body = {"source": source, "dated": dated, "numbers": list(numbers), "sure": sure}
        return self._tell("/v1/reassignments", body)

    def reassignments(self) -> Result:
        """Return what each source told so far, in counts."""
        return self._do(Call("GET", "/v1/reassignments"))

    def end_consents(
        self,
        sender: str,
        *,
        programme: str | None = None,
        to: Sequence[str] | None = None,
        key: str | None = None,
    ) -> Result:
        """End consents of some people (at most 10,000), or of everybody where `to` is None."""
        body = {"sender": sender, "programme": programme, "to": None if to is None else list(to)}
        return self._tell("/v1/consents/end", body, key or self._new_key())

    def keep_evidence(self, octets: bytes) -> Result:
        """Hand in a file that backs consents; the answer has the digest to name in the import."""
        headers = {"content-type": "application/octet-stream"}
        return self._do(Call("POST", "/v1/consents/evidence", {}, headers, octets))

    def evidence_file(self, digest: str) -> Result:
        """Return a file that backs consents: `type` and `octets`."""
        return self._do(Call("GET", f"/v1/consents/evidence/{digest}", raw=True))

    def _tell(self, path: str, body: dict[str, Any], key: str | None = None) -> Result:
        headers = _JSON if key is None else _JSON | {"idempotency-key": key}
        return self._do(Call("POST", path, {}, headers, msgspec.json.encode(body)))
