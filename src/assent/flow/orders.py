"""From a request to an order: names resolved, numbers read, nothing judged yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from assent.errors import InvalidInput, NotAllowed
from assent.flow.catalogue import Catalogue
from assent.flow.order import Account, Order, Port, Sender, Template
from assent.flow.render import placeholders
from assent.flow.requests import Caller, CampaignRequest, SendRequest
from assent.message import Purpose
from assent.numbers import parse
from assent.policy.filing import Relation

MOST_RECEIVERS: Final = 10_000
LONGEST_TEXT: Final = 2_000


def account_of(catalogue: Catalogue, caller: Caller) -> Account:
    """Return the caller's account. Raises NotAllowed when it may not act now."""
    account = catalogue.accounts.get(caller.account_id)
    if account is None or not account.active:
        raise NotAllowed(
            "account_suspended",
            "the account is not active",
            mend="ask the operator about the case",
        )
    return account


class Resolved:
    """The parts that a request and a campaign have in common."""

    def __init__(
        self, catalogue: Catalogue, caller: Caller, request: SendRequest | CampaignRequest
    ) -> None:
        self.account = account_of(catalogue, caller)
        self.sender: Sender = catalogue.sender_for(self.account, request.sender)
        self.purpose = Purpose[request.purpose.upper()]
        self.ports: dict[str, Port] = catalogue.ports_for(self.sender, self.purpose, request.port)
        self.programme_id = catalogue.programme_for(self.sender, request.programme, self.ports)
        programme = catalogue.programmes.get(self.programme_id)
        if programme is not None and not programme.purposes >> self.purpose & 1:
            if request.programme is not None:
                raise InvalidInput(
                    "programme_purpose",
                    "people agreed to this programme for another purpose",
                    field="programme",
                    rule="CN-08",
                    mend=f"name a programme that serves {request.purpose}, or leave it out",
                )
            self.programme_id = 0
        self.template: Template | None = None
        self.content = self._content(catalogue, request)
        self.not_before = _seconds(request.not_before, "not_before")
        self.expires_at = _seconds(request.expires_at, "expires_at")
        if self.expires_at is not None and self.expires_at <= (self.not_before or 0.0):
            raise InvalidInput(
                "expires_too_early",
                "expires_at is not after not_before",
                field="expires_at",
                mend="give a later time, or leave it out",
            )

    def _content(self, catalogue: Catalogue, request: SendRequest | CampaignRequest) -> str:
        if (request.text is None) == (request.template is None):
            raise InvalidInput(
                "text_or_template",
                "give exactly one of text and template",
                field="text",
                mend="remove one of them, or add the missing one",
            )
        if request.template is not None:
            self.template = catalogue.template_for(self.sender, request.template)
            if self.template.purpose is not self.purpose:
                raise InvalidInput(
                    "template_purpose",
                    "the template was filed for another purpose",
                    field="template",
                    rule="CN-12",
                    mend=f"use purpose {self.template.purpose.name.lower()}, or another template",
                )
            return self.template.body
        text = request.text or ""
        if not text.strip() or len(text) > LONGEST_TEXT:
            raise InvalidInput(
                "text_length",
                f"the text is empty or longer than {LONGEST_TEXT} characters",
                field="text",
                mend="shorten it, or write one",
            )
        return text

    def order(
        self,
        numbers: np.ndarray,
        faults: np.ndarray,
        rows: np.ndarray,
        variables: Mapping[str, list[str]] | None,
        **more: object,
    ) -> Order:
        """Return the order for some receivers."""
        template = self.template
        fields: dict[str, object] = {
            "account": self.account,
            "sender": self.sender,
            "purpose": self.purpose,
            "ports": self.ports,
            "content": self.content,
            "numbers": numbers,
            "faults": faults,
            "rows": rows,
            "programme_id": self.programme_id,
            "template_id": template.id if template else 0,
            "basis": template.basis if template else "",
            "variables": variables,
            "not_before": self.not_before,
            "expires_at": self.expires_at,
        }
        return Order(**{**fields, **more})  # type: ignore[arg-type]


def order_of(
    catalogue: Catalogue, caller: Caller, request: SendRequest, *, key: str | None, sha: bytes
) -> Order:
    """Return the order that a request asks for.

    Raises InvalidInput, NotAllowed, NotFound, each naming the field.
    """
    resolved = Resolved(catalogue, caller, request)
    count = len(request.messages)
    if not 1 <= count <= MOST_RECEIVERS:
        raise InvalidInput(
            "receivers",
            f"an order has 1 to {MOST_RECEIVERS} receivers",
            field="messages",
            mend="split it, or upload an audience and make a campaign",
        )
    parsed = parse([receiver.to for receiver in request.messages])
    urgent = count == 1 and resolved.purpose in (Purpose.VERIFICATION, Purpose.NOTIFICATION)
    return resolved.order(
        parsed.msisdn,
        parsed.fault,
        np.arange(count, dtype=np.uint32),
        _variables(resolved.content, [receiver.variables for receiver in request.messages]),
        relation=Relation(request.relation) if request.relation else Relation.UNSTATED,
        idempotency_key=key,
        body_sha256=sha,
        urgent=urgent,
    )


def _variables(content: str, given: Sequence[dict[str, str]]) -> dict[str, list[str]] | None:
    names = placeholders(content)
    columns: dict[str, list[str]] = {}
    for name in names:
        try:
            columns[name] = [values[name] for values in given]
        except KeyError:
            row = next(i for i, values in enumerate(given) if name not in values)
            raise InvalidInput(
                "missing_variable",
                f"the text uses {{{name}}}, which message {row} does not give",
                field=f"messages[{row}].variables.{name}",
                mend="give a value for it to every receiver, or remove it from the text",
            ) from None
    for row, values in enumerate(given):
        extra = values.keys() - columns.keys()
        if extra:
            raise InvalidInput(
                "unknown_variable",
                "a message gives a variable that the text does not use",
                field=f"messages[{row}].variables.{min(extra)}",
                mend="remove it, or use it in the text as {name}",
            )
    return columns or None


def _seconds(time: datetime | None, field: str) -> float | None:
    if time is None:
        return None
    if time.tzinfo is None:
        raise InvalidInput(
            "time_without_zone",
            f"{field} has no time zone",
            field=field,
            mend="write it like 2026-11-22T10:00:00+08:00",
        )
    return time.timestamp()
