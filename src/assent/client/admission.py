"""The calls of admission: applicants' papers, and the review desk."""

from __future__ import annotations

import base64
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call, Upload

Result = TypeVar("Result")


def _post(path: str, body: Mapping[str, Any]) -> Call:
    given = {name: value for name, value in body.items() if value is not None}
    headers = {"content-type": "application/json"}
    return Call("POST", path, {}, headers, msgspec.json.encode(given))


def _code(credit_code: str) -> str:
    return quote(credit_code, safe="")


class AdmissionApi(ABC, Generic[Result]):
    """The front door. Handing in the same again changes nothing, so every call may be repeated."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    # Applicants ------------------------------------------------------------------------------

    def apply(self, application: Mapping[str, Any]) -> Result:
        """Apply for the entity that the account belongs to (fields: docs/front-door.md)."""
        return self._do(_post("/v1/admission", application))

    def admission(self) -> Result:
        """Return where everything stands: what is missing and why, what ends, what was asked."""
        return self._do(Call("GET", "/v1/admission"))

    def answer_item(self, item_id: str | int, words: str) -> Result:
        """Answer what a reviewer asked."""
        return self._do(_post(f"/v1/admission/items/{item_id}/answer", {"words": words}))

    def register_sender(self, sender: Mapping[str, Any]) -> Result:
        """Ask to send in the name of an entity, the account's own or another."""
        return self._do(_post("/v1/senders", sender))

    def senders(self) -> Result:
        """Return the senders that the account applied with."""
        return self._do(Call("GET", "/v1/senders"))

    def sender(self, credit_code: str) -> Result:
        """Return where a sender stands, purpose by purpose."""
        return self._do(Call("GET", f"/v1/senders/{_code(credit_code)}"))

    def add_document(
        self,
        kind: str,
        file: str | Path | bytes | None = None,
        *,
        filename: str = "paper",
        scope: Sequence[str] = (),
        in_process: bool = False,
        **words: str,
    ) -> Result:
        """Hand in a paper with a copy of it. `words`: `entity`, `number`, `holder`, `valid_from`,
        `valid_to`. Without a file it must be `in_process`, which counts as none."""
        fields = {"kind": kind, **words}
        if file is None:
            body = {**fields, "scope": list(scope), "in_process": in_process}
            return self._do(_post("/v1/documents", body))
        octets = file if isinstance(file, bytes) else Path(file).read_bytes()
        if not isinstance(file, bytes):
            filename = Path(file).name
        if scope:
            fields["scope"] = ",".join(scope)
        if in_process:
            fields["in_process"] = "true"
        return self._do(Call("POST", "/v1/documents", fields=fields, frames=[(filename, octets)]))

    def documents(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return the account's papers, newest first."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        return self._do(Call("GET", "/v1/documents", query))

    def document(self, document_id: str | int) -> Result:
        """Return where a paper stands and how it was seen."""
        return self._do(Call("GET", f"/v1/documents/{document_id}"))

    def document_file(self, document_id: str | int) -> Result:
        """Return a paper's `type`, and its `octets` as they were handed in."""
        return self._do(Call("GET", f"/v1/documents/{document_id}/file", raw=True))

    def withdraw_document(self, document_id: str | int) -> Result:
        """Take back a paper that nobody decided about yet."""
        return self._do(_post(f"/v1/documents/{document_id}/withdraw", {}))

    def add_letter(self, letter: Mapping[str, Any]) -> Result:
        """Hand in an authorisation: `principal`, `purposes`, `document`, `valid_from`, `valid_to`,
        and, if there are any, `signatures` and `via`."""
        return self._do(_post("/v1/letters", letter))

    def letters(self) -> Result:
        """Return the letters that the account's entity holds or gave."""
        return self._do(Call("GET", "/v1/letters"))

    # Reviewers -------------------------------------------------------------------------------

    def review_items(
        self, kind: str | None = None, state: str | None = None, cursor: str = "", limit: int = 100
    ) -> Result:
        """Return what waits for a decision, most urgent first."""
        given = {"kind": kind, "state": state, "cursor": cursor or None, "limit": str(limit)}
        query = {name: value for name, value in given.items() if value is not None}
        return self._do(Call("GET", "/v1/desk/items", query))

    def review_item(self, item_id: str | int) -> Result:
        """Return an item with everything that a reviewer has to see."""
        return self._do(Call("GET", f"/v1/desk/items/{item_id}"))

    def ask_item(self, item_id: str | int, words: str) -> Result:
        """Ask the customer something."""
        return self._do(_post(f"/v1/desk/items/{item_id}/ask", {"words": words}))

    def decide_item(self, item_id: str | int, verdict: str, code: str, words: str = "") -> Result:
        """Approve or refuse with a ground; where two must agree, the second decides."""
        body = {"verdict": verdict, "code": code, "words": words}
        return self._do(_post(f"/v1/desk/items/{item_id}/decide", body))

    def see_document(
        self,
        document_id: str | int,
        way: str,
        *,
        at: datetime | None = None,
        confirmed: bool | None = None,
        screenshot: bytes | None = None,
        **words: str,
    ) -> Result:
        """Keep how a paper was seen: `paper` (by, where), `call_back` (by, number, confirmed),
        `look_up` (by, url, at, showed, result, screenshot), `register` or `signature`."""
        shot = None if screenshot is None else base64.b64encode(screenshot).decode()
        body = {"way": way, "at": at, "confirmed": confirmed, "screenshot": shot, **words}
        return self._do(_post(f"/v1/desk/documents/{document_id}/sights", body))

    def person(self, person_id: str | int) -> Result:
        """Return who a person is, unmasked; the look is written down."""
        return self._do(Call("GET", f"/v1/desk/people/{person_id}"))

    def match_person(
        self, person_id: str | int, result: str, *, source: str, at: datetime
    ) -> Result:
        """Keep what a real-name check said: yes, no or unknown."""
        body = {"result": result, "source": source, "at": at}
        return self._do(_post(f"/v1/desk/people/{person_id}/match", body))

    def import_register(
        self, file: str | Path | bytes, *, kind: str, source: str, dated: str
    ) -> Result:
        """Import a dated, sourced file of a register: CSV, XLSX or JSON."""
        content: Any = file if isinstance(file, bytes) else Path(file)
        name = "register" if isinstance(file, bytes) else Path(file).name
        fields = {"kind": kind, "source": source, "dated": dated}
        upload = Upload(content, name, fields)
        return self._do(Call("POST", "/v1/desk/registers", upload=upload))

    def registers(self) -> Result:
        """Return the files that were imported."""
        return self._do(Call("GET", "/v1/desk/registers"))

    def look_in_registers(self, credit_code: str = "", number: str = "") -> Result:
        """Return what the newest files say of a credit code or a number."""
        query = {"credit_code": credit_code, "number": number}
        return self._do(Call("GET", "/v1/desk/registers/look", query))

    def graph(self, credit_code: str) -> Result:
        """Return what an entity has in common with others, and over which paths."""
        return self._do(Call("GET", f"/v1/graph/{_code(credit_code)}"))

    def order_entity(self, credit_code: str, action: str, reason: str) -> Result:
        """`suspend`, `revoke` or `restore` an entity."""
        path = f"/v1/desk/entities/{_code(credit_code)}/{action}"
        return self._do(_post(path, {"reason": reason}))

    def export_entity(self, credit_code: str) -> Result:
        """Return everything about an entity as an archive: `type` and `octets`. For auditors."""
        path = f"/v1/desk/entities/{_code(credit_code)}/export"
        return self._do(Call("GET", path, raw=True))
