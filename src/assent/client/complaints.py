"""Complaints as methods: for customers on a receiver's behalf, and for staff."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call, Upload

Result = TypeVar("Result")


class ComplaintApi(ABC, Generic[Result]):
    """Handing in, seeing and answering."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def complain(
        self,
        to: str,
        *,
        sender: str | None = None,
        port: str | None = None,
        at: datetime | None = None,
        text: str = "",
        words: str = "",
        reference: str | None = None,
    ) -> Result:
        """Hand in what a receiver complained of; staff may name the `port` in place of the
        `sender`. With a `reference` of your own the same again is the same complaint."""
        fields = {
            "to": to, "sender": sender, "port": port, "at": at, "text": text, "words": words,
            "reference": reference,
        }  # fmt: skip
        return self._complained("/v1/complaints", fields, reference is not None)

    def import_complaints(
        self, file: str | Path | bytes, *, mapping: str | None = None, carrier: str | None = None
    ) -> Result:
        """Take a file of a carrier or of 12321 (staff). `mapping`: a name, or a mapping as JSON."""
        content: Any = file if isinstance(file, bytes) else Path(file)
        name = "complaints" if isinstance(file, bytes) else Path(file).name
        given = (("mapping", mapping), ("carrier", carrier))
        fields = {key: value for key, value in given if value is not None}
        return self._do(Call("POST", "/v1/complaint-files", upload=Upload(content, name, fields)))

    def complaint_files(self, cursor: str | int = 0, limit: int = 100) -> Result:
        """Return the files that were taken (staff), newest first."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/complaint-files", query))

    def complaints(
        self,
        *,
        state: str | None = None,
        source: str | None = None,
        sender: str | None = None,
        port: str | None = None,
        account: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        overdue: bool = False,
        cursor: str | int = 0,
        limit: int = 100,
    ) -> Result:
        """Return complaints, newest first: all for staff, a customer's own."""
        given = {
            "state": state, "source": source, "sender": sender, "port": port, "account": account,
            "since": None if since is None else since.isoformat(),
            "until": None if until is None else until.isoformat(),
            "overdue": "true" if overdue else None, "cursor": str(cursor), "limit": str(limit),
        }  # fmt: skip
        query = {name: value for name, value in given.items() if value is not None}
        return self._do(Call("GET", "/v1/complaints", query))

    def complaint(self, complaint: str | int) -> Result:
        """Return a complaint with what was said about it."""
        return self._do(Call("GET", f"/v1/complaints/{quote(str(complaint), safe='')}"))

    def answer_complaint(self, complaint: str | int, words: str) -> Result:
        """Answer a complaint: staff to who complained, a customer to the staff."""
        return self._about(complaint, "answer", words)

    def forward_complaint(self, complaint: str | int, words: str) -> Result:
        """Pass a complaint on to the customer it concerns (staff)."""
        return self._about(complaint, "forward", words)

    def note_complaint(self, complaint: str | int, words: str) -> Result:
        """Keep words about a complaint for the staff."""
        return self._about(complaint, "note", words)

    def complaint_not_ours(self, complaint: str | int, words: str) -> Result:
        """Say that nobody of this platform's sent it, and why (staff)."""
        return self._about(complaint, "not-ours", words)

    def _about(self, complaint: str | int, step: str, words: str) -> Result:
        path = f"/v1/complaints/{quote(str(complaint), safe='')}/{step}"
        return self._complained(path, {"words": words}, False)

    def _complained(self, path: str, fields: dict[str, Any], repeatable: bool) -> Result:
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, body, repeatable=repeatable))
