"""Cases as methods: for staff, and for the customer that a case is about."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from assent.client.calls import Call

Result = TypeVar("Result")


class CaseApi(ABC, Generic[Result]):
    """Opening, acting, answering, appealing, deciding; what leaves the platform."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def cases(
        self, kind: str | None = None, state: str | None = None, *, mine: bool = False,
        late: bool = False, cursor: str | int = 0, limit: int = 100,
    ) -> Result:  # fmt: skip
        """Return cases, newest first; a customer's own to itself."""
        query = {"cursor": str(cursor), "limit": str(limit)}
        query |= {name: word for name, word in (("kind", kind), ("state", state)) if word}
        query |= {name: "true" for name, on in (("mine", mine), ("late", late)) if on}
        return self._do(Call("GET", "/v1/cases", query))

    def case(self, case: str | int) -> Result:
        """Return a case."""
        return self._do(Call("GET", f"/v1/cases/{case}"))

    def open_case(
        self, title: str, *, sender: str | None = None, account: str | None = None,
        port: str | None = None, severity: int = 1, evidence: Sequence[Mapping[str, str]] = (),
    ) -> Result:  # fmt: skip
        """Open a case about a sender, an account or a port."""
        named = {"sender": sender, "account": account, "port": port}
        body = {name: word for name, word in named.items() if word is not None}
        return self._write("/v1/cases", **body, title=title, severity=severity,
                          evidence=list(evidence))  # fmt: skip

    def add_case_evidence(self, case: str | int, evidence: Sequence[Mapping[str, str]]) -> Result:
        """Add what a case rests on."""
        return self._write(f"/v1/cases/{case}/evidence", evidence=list(evidence))

    def assign_case(
        self, case: str | int, owner: str | None = None, severity: int | None = None
    ) -> Result:
        """Say whose a case is, and how grave."""
        return self._write(f"/v1/cases/{case}/assign", owner=owner, severity=severity)

    def note_in_case(self, case: str | int, words: str) -> Result:
        """Write something down that only staff see."""
        return self._write(f"/v1/cases/{case}/note", words=words)

    def write_in_case(self, case: str | int, words: str) -> Result:
        """Write to the customer."""
        return self._write(f"/v1/cases/{case}/message", words=words)

    def answer_in_case(self, case: str | int, words: str) -> Result:
        """Answer, as the customer."""
        return self._write(f"/v1/cases/{case}/answer", words=words)

    def act_in_case(
        self, case: str | int, step: str, words: str, *, days: int | None = None,
        amount: int | None = None, ports: Sequence[str] = (),
    ) -> Result:  # fmt: skip
        """Take a step of the ladder, or propose it."""
        return self._write(f"/v1/cases/{case}/act", step=step, words=words, days=days,
                          amount=amount, ports=list(ports))  # fmt: skip

    def agree_in_case(self, case: str | int, step: str | int) -> Result:
        """Agree to what somebody else proposed."""
        return self._write(f"/v1/cases/{case}/steps/{step}/agree")

    def decline_in_case(self, case: str | int, step: str | int, words: str) -> Result:
        """Decline what was proposed."""
        return self._write(f"/v1/cases/{case}/steps/{step}/decline", words=words)

    def lift_in_case(self, case: str | int, step: str | int, words: str) -> Result:
        """End a restriction or suspension."""
        return self._write(f"/v1/cases/{case}/steps/{step}/lift", words=words)

    def appeal_in_case(self, case: str | int, step: str | int, words: str) -> Result:
        """Appeal against a step, as the customer."""
        return self._write(f"/v1/cases/{case}/appeal", step=str(step), words=words)

    def decide_in_case(self, case: str | int, step: str | int, verdict: str, words: str) -> Result:
        """Uphold or reverse a step."""
        return self._write(f"/v1/cases/{case}/decide", step=str(step), verdict=verdict, words=words)

    def end_case(self, case: str | int, words: str) -> Result:
        """Close a case."""
        return self._write(f"/v1/cases/{case}/close", words=words)

    def request_records(
        self, authority: str, *, name: str, reference: str, basis: str, paper: str,
        people: Sequence[str], senders: Sequence[str], since: datetime, to: datetime,
    ) -> Result:  # fmt: skip
        """Take in an authority's request for records; `paper`: base64."""
        scope = {"people": list(people), "senders": list(senders), "since": since, "to": to}
        return self._write("/v1/cases/records", authority=authority, name=name,
                          reference=reference, basis=basis, paper=paper, scope=scope)  # fmt: skip

    def case_records(self, case: str | int) -> Result:
        """Return the parts of a request that was agreed to."""
        return self._do(Call("GET", f"/v1/cases/{case}/records"))

    def case_record(self, case: str | int, part: int) -> Result:
        """Return the evidence bundle of a part, as octets."""
        return self._do(Call("GET", f"/v1/cases/{case}/records/{part}", raw=True))

    def case_notice(self, case: str | int) -> Result:
        """Return the text of a public notice."""
        return self._do(Call("GET", f"/v1/cases/{case}/notice"))

    def case_credit(self, since: datetime, to: datetime) -> Result:
        """Return entries for credit files."""
        query = {"from": since.isoformat(), "to": to.isoformat()}
        return self._do(Call("GET", "/v1/cases/credit", query))

    def case_credit_table(self, since: datetime, to: datetime) -> Result:
        """Return the same as CSV, as octets."""
        query = {"from": since.isoformat(), "to": to.isoformat()}
        return self._do(Call("GET", "/v1/cases/credit.csv", query, raw=True))

    def case_ladder(self) -> Result:
        """Return the ladder in force."""
        return self._do(Call("GET", "/v1/cases/ladder"))

    def _write(self, path: str, **body: Any) -> Result:
        octets = msgspec.json.encode({k: v for k, v in body.items() if v is not None})
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, octets, repeatable=False))
