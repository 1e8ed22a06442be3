"""Code numbers, ports, signatures, templates, hosts, members and switches, as methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.calls import Call
from assent.client.doors import DoorApi

Result = TypeVar("Result")


class PortApi(DoorApi[Result], ABC, Generic[Result]):
    """What an account's office and the operator's staff do about ports."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    def _ask(self, path: str, **fields: Any) -> Result:
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        return self._do(Call("POST", path, {}, {"content-type": "application/json"}, body))

    # Numbers and ports -----------------------------------------------------------------------

    def numbers(self) -> Result:
        """Return the code numbers that extensions are given out of."""
        return self._do(Call("GET", "/v1/numbers"))

    def enter_number(
        self,
        number: str,
        *,
        carriers: Sequence[str] | None = None,
        ranges: Sequence[str] | None = None,
        scope: str | None = None,
        purposes: Sequence[str] | None = None,
        free_to_reply: bool | None = None,
        certificate: str | None = None,
        closed: bool | None = None,
    ) -> Result:
        """Enter a code number of the operator's, change it, or close it."""
        return self._ask(
            "/v1/numbers", number=number, carriers=carriers, ranges=ranges, scope=scope,
            purposes=purposes, free_to_reply=free_to_reply, certificate=certificate, closed=closed,
        )  # fmt: skip

    def ports(self) -> Result:
        """Return ports and applications."""
        return self._do(Call("GET", "/v1/ports"))

    def port(self, number: str) -> Result:
        """Return where a port stands on each carrier, and what happened to it."""
        return self._do(Call("GET", f"/v1/ports/{quote(number, safe='')}"))

    def apply_for_port(
        self,
        *,
        sender: str,
        number: str,
        purpose: str,
        signature: str,
        extension: str | None = None,
        carriers: Sequence[str] | None = None,
        programme: str | None = None,
    ) -> Result:
        """Apply for an extension of a code number; the same again is the same application."""
        return self._ask(
            "/v1/ports", sender=sender, number=number, purpose=purpose, signature=signature,
            extension=extension, carriers=carriers, programme=programme,
        )  # fmt: skip

    def withdraw_application(self, application: str | int) -> Result:
        """Take an application back before it is decided."""
        return self._ask(f"/v1/port-applications/{application}/withdraw")

    def step_port(
        self,
        number: str,
        step: str,
        *,
        carriers: Sequence[str] | None = None,
        reason: str | None = None,
        on: date | None = None,
        reference: str | None = None,
        service_code: str | None = None,
    ) -> Result:
        """Take a step in a port's life. Not repeated when its answer is lost."""
        fields = {
            "carriers": carriers, "reason": reason, "on": on, "reference": reference,
            "service_code": service_code,
        }  # fmt: skip
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        path = f"/v1/ports/{quote(number, safe='')}/{quote(step, safe='')}"
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, body, repeatable=False))

    # Signatures, templates, hosts ------------------------------------------------------------

    def signatures(self) -> Result:
        """Return signatures."""
        return self._do(Call("GET", "/v1/signatures"))

    def submit_signature(
        self, *, sender: str, words: str, source: str, document: str | None = None
    ) -> Result:
        """Hand a signature in, for the first time or after it lapsed."""
        return self._ask(
            "/v1/signatures", sender=sender, words=words, source=source, document=document
        )

    def withdraw_signature(self, signature: str | int, reason: str = "") -> Result:
        """Take a signature back."""
        return self._ask(f"/v1/signatures/{signature}/withdraw", reason=reason)

    def templates(self, sender: str | None = None) -> Result:
        """Return templates, version by version."""
        return self._do(Call("GET", "/v1/templates", {} if sender is None else {"sender": sender}))

    def submit_template(
        self, *, sender: str, name: str, purpose: str, body: str, basis: str | None = None
    ) -> Result:
        """Hand in a template, or the next version of one; the same again is the same version."""
        return self._ask(
            "/v1/templates", sender=sender, name=name, purpose=purpose, body=body, basis=basis
        )

    def withdraw_template(self, template: str | int, reason: str = "") -> Result:
        """Take a version of a template back."""
        return self._ask(f"/v1/templates/{template}/withdraw", reason=reason)

    def hosts(self) -> Result:
        """Return the hosts that links may lead to."""
        return self._do(Call("GET", "/v1/hosts"))

    def submit_host(self, *, sender: str, host: str) -> Result:
        """Hand a host in."""
        return self._ask("/v1/hosts", sender=sender, host=host)

    def withdraw_host(self, host: str | int, reason: str = "") -> Result:
        """Take a host back, by its id."""
        return self._ask(f"/v1/hosts/{host}/withdraw", reason=reason)

    # Members and switches --------------------------------------------------------------------

    def members(self) -> Result:
        """Return how many people were asked, and how many ever agreed."""
        return self._do(Call("GET", "/v1/members"))

    def invite_members(
        self, to: Sequence[str], *, sender: str, programme: str | None = None
    ) -> Result:
        """Ask up to 10,000 people whether they are members; nobody is asked twice in a month."""
        return self._ask("/v1/members/invitations", sender=sender, to=list(to), programme=programme)

    def switches(self) -> Result:
        """Return what is and was switched off."""
        return self._do(Call("GET", "/v1/switches"))

    def stop_class(
        self,
        *,
        reason: str,
        industries: Sequence[str] | None = None,
        purposes: Sequence[str] | None = None,
        except_licensed: bool | None = None,
        until: datetime | None = None,
    ) -> Result:
        """Switch a class of traffic off for everybody. Not repeated when its answer is lost."""
        fields = {
            "reason": reason, "industries": industries, "purposes": purposes,
            "except_licensed": except_licensed, "until": until,
        }  # fmt: skip
        body = msgspec.json.encode({k: v for k, v in fields.items() if v is not None})
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", "/v1/switches", {}, headers, body, repeatable=False))

    def lift_class(self, switch: str | int, reason: str = "") -> Result:
        """Switch a class on again."""
        return self._ask(f"/v1/switches/{switch}/lift", reason=reason)
