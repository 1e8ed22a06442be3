"""From a request to an order: names resolved, numbers read, nothing judged yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from assent.errors import InvalidInput, NotAllowed
from assent.flow.catalogue import Catalogue
from assent.flow.order import SMS, VIDEO, Account, Order, Port, Sender, Template, Video
from assent.flow.refusal_links import VARIABLE as REFUSE_URL
from assent.flow.render import placeholders
from assent.flow.requests import Caller, CampaignRequest, SendRequest
from assent.flow.staff import instruction_missing
from assent.message import Purpose
from assent.numbers import parse
from assent.policy.filing import Relation
from assent.registry.templates import check_values

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


def _any_account(catalogue: Catalogue, caller: Caller) -> Account:
    """Return the caller's account however it stands: what judging finds tells that, with every
    other link that is broken."""
    account = catalogue.accounts.get(caller.account_id)
    return account_of(catalogue, caller) if account is None else account


def _sender(catalogue: Catalogue, account: Account, code: str) -> Sender:
    """Return a sender of the account, however it stands. Raises NotAllowed, which names the account
    where that is not verified yet: it is the first link, and nothing after it can be mended before.
    """
    try:
        return catalogue.sender_of(account, code)
    except NotAllowed:
        if account.status != "applied":
            raise
    raise NotAllowed(
        "account_not_verified",
        "the account is applied for, and not verified yet",
        rule="admission: chain",
        mend="hand in what is missing (assent account show, or GET /v1/admission, tells it)",
    )


def check_class(account: Account, purpose: Purpose) -> None:
    """Raise NotAllowed for a purpose that accounts of its class do not have: organisations write to
    their members and do nothing else, and nobody else does that."""
    if account.organisation is (purpose is Purpose.INTERNAL):
        return
    raise NotAllowed(
        "internal_only" if account.organisation else "no_internal",
        "an organisation's account sends internal messages to its members only"
        if account.organisation
        else "internal messages are sent by organisations' accounts only",
        field="purpose",
        rule="ports: organisations",
        mend="use purpose internal"
        if account.organisation
        else "use another purpose, or apply for an organisation's account",
    )


class Resolved:
    """The parts that a request and a campaign have in common."""

    def __init__(
        self,
        catalogue: Catalogue,
        caller: Caller,
        request: SendRequest | CampaignRequest,
        video: Video | None = None,
        version: int | None = None,
    ) -> None:
        """`video`: the content that the request names, looked up. `version`: the id of the version
        that an order which names a template began with."""
        self.video = video
        self._version = version
        channel = SMS if video is None else VIDEO
        self.account = _any_account(catalogue, caller)
        self.sender: Sender = _sender(catalogue, self.account, request.sender)
        if self.account.kind == "operator" and not self._own(self.sender):
            raise instruction_missing()
        self.purpose = Purpose[request.purpose.upper()]
        check_class(self.account, self.purpose)
        self.ports: dict[str, Port] = catalogue.ports_for(
            self.sender, self.purpose, request.port, channel
        )
        self.programme_id = self._programme(catalogue, request, channel)
        self.template: Template | None = None
        self.content = self._content(catalogue, request)
        self._hosts = catalogue.hosts.get(self.sender.id, frozenset())
        self.not_before = _seconds(request.not_before, "not_before")
        self.expires_at = _seconds(request.expires_at, "expires_at")
        if self.expires_at is not None and self.expires_at <= (self.not_before or 0.0):
            raise InvalidInput(
                "expires_too_early",
                "expires_at is not after not_before",
                field="expires_at",
                mend="give a later time, or leave it out",
            )

    def _own(self, sender: Sender) -> bool:
        """Tell whether the operator would send in its own name: else it sends for a customer."""
        return sender.entity_id is not None and sender.entity_id == self.account.entity_id

    @property
    def variables(self) -> list[str]:
        """The names of variables in the text; a video has none."""
        names = placeholders(self.content) if self.video is None else []
        return [name for name in names if name != REFUSE_URL]  # which the platform fills in

    def _programme(
        self, catalogue: Catalogue, request: SendRequest | CampaignRequest, channel: str
    ) -> int:
        """Return the programme that the order is for, 0 for none. One that is named has to fit;
        a port's own that does not stands for nobody's consent here."""
        number = catalogue.programme_for(self.sender, request.programme, self.ports)
        programme = catalogue.programmes.get(number)
        if programme is None:
            return number
        if not programme.purposes >> self.purpose & 1:
            code, words = "programme_purpose", "people agreed to this programme for another purpose"
            mend = f"name a programme that serves {request.purpose}, or leave it out"
        elif programme.channel != channel:
            code = "programme_channel"
            words = f"people agreed to this programme for {programme.channel}, not for {channel}"
            mend = f"name a programme of channel {channel}, or leave it out"
        else:
            return number
        if request.programme is None:
            return 0
        raise InvalidInput(code, words, field="programme", rule="CN-08", mend=mend)

    def _content(self, catalogue: Catalogue, request: SendRequest | CampaignRequest) -> str:
        named = [request.text, request.template, request.video]
        if len(named) - named.count(None) != 1:
            raise InvalidInput(
                "text_or_template",
                "give exactly one of text, template and video",
                field="text",
                mend="keep one of them, or add the missing one",
            )
        if self.video is not None:
            return self._video_text(catalogue, self.video)
        if request.template is not None:
            self.template = self._template(catalogue, request.template)
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

    def _template(self, catalogue: Catalogue, name: str) -> Template:
        if self._version is not None:
            return catalogue.template_version(self.sender, self._version)
        return catalogue.template_for(self.sender, name)

    def check(
        self, columns: Mapping[str, Sequence[str]] | None, field: Callable[[int, str], str]
    ) -> None:
        """Raise InvalidInput for values that are not what the template's types say. `field`: of a
        row and a variable."""
        if self.template is not None and columns:
            given = tuple(one for one in self.template.variables if one.name != REFUSE_URL)
            check_values(given, columns, self._hosts, field)

    def _video_text(self, catalogue: Catalogue, video: Video) -> str:
        """Check that a content was handed in for what the order is; return its text."""
        if (video.sender_id, video.purpose) != (self.sender.id, self.purpose):
            raise InvalidInput(
                "video_purpose",
                "the video was handed in for another sender or purpose",
                field="video",
                rule="CN-12",
                mend="hand it in for this sender and purpose, so that it is reviewed for them",
            )
        if not catalogue.pricing.sells_video(self.account, self.purpose, self.ports):
            raise NotAllowed(
                "no_video_price",
                "no price of video messages is agreed with this account",
                field="video",
                mend="ask the operator to file price_video_micro",
            )
        return video.text

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
            "basis": template.basis if template else self.video.basis if self.video else "",
            "video": self.video,
            "variables": variables,
            "not_before": self.not_before,
            "expires_at": self.expires_at,
        }
        if self.account.organisation:
            # Whoever is on an organisation's list has to have said so herself.
            more["relation"] = Relation.COLD
        return Order(**{**fields, **more})  # type: ignore[arg-type]


def order_of(
    catalogue: Catalogue,
    caller: Caller,
    request: SendRequest,
    *,
    key: str | None,
    sha: bytes,
    video: Video | None = None,
) -> Order:
    """Return the order that a request asks for. `video`: the content that it names.

    Raises InvalidInput, NotAllowed, NotFound, each naming the field.
    """
    resolved = Resolved(catalogue, caller, request, video)
    count = len(request.messages)
    if not 1 <= count <= MOST_RECEIVERS:
        raise InvalidInput(
            "receivers",
            f"an order has 1 to {MOST_RECEIVERS} receivers",
            field="messages",
            mend="split it, or upload an audience and make a campaign",
        )
    variables = _variables(
        resolved.variables, [receiver.variables for receiver in request.messages]
    )
    resolved.check(variables, lambda row, name: f"messages[{row}].variables.{name}")
    parsed = parse([receiver.to for receiver in request.messages])
    quick = resolved.purpose in (Purpose.VERIFICATION, Purpose.NOTIFICATION)
    return resolved.order(
        parsed.msisdn,
        parsed.fault,
        np.arange(count, dtype=np.uint32),
        variables,
        relation=Relation(request.relation) if request.relation else Relation.UNSTATED,
        idempotency_key=key,
        body_sha256=sha,
        urgent=count == 1 and quick and video is None,
    )


def _variables(
    names: Sequence[str], given: Sequence[dict[str, str]]
) -> dict[str, list[str]] | None:
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
