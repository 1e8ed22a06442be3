"""What is asked of code numbers, ports, signatures, templates, members and classes of traffic, as
typed structures; the HTTP API and the command line decode into these."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final, Literal

import msgspec

from assent.flow.requests import PurposeWord

_WRITTEN: Final = r"^[^\x00]*$"
"""No NUL: it cannot be stored."""

Words = Annotated[str, msgspec.Meta(max_length=500, pattern=_WRITTEN)]
Short = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=_WRITTEN)]
Digits = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{0,20}$")]
Scope = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=_WRITTEN)]
Carriers = Annotated[list[Short], msgspec.Meta(max_length=20)]
StepWord = Literal[
    "submit", "file", "turn_down", "activate", "pause", "resume", "suspend", "revoke", "cool",
    "recycle",
]  # fmt: skip


class CodeNumberFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/numbers: a code number that the operator holds. `ranges`: extensions, LOW-HIGH; `-`
    for the number itself. `scope`: national, or provinces with a comma between. `certificate`: id
    of a paper of the operator's. `closed`: nothing more is given out of it."""

    number: Digits
    carriers: Carriers = msgspec.field(default_factory=list)
    ranges: Annotated[list[Short], msgspec.Meta(max_length=100)] = msgspec.field(
        default_factory=list
    )
    scope: Scope = "national"
    purposes: list[PurposeWord] = msgspec.field(
        default_factory=lambda: ["verification", "notification", "marketing", "internal"]
    )
    free_to_reply: bool = True
    certificate: str | None = None
    closed: bool = False


class PortRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/ports: apply for an extension of a code number. Without `extension` the first free
    one; without `carriers` all of the number's. `programme`: what its marketing counts for when an
    order names none."""

    sender: str
    number: Digits
    purpose: PurposeWord
    signature: Short
    extension: Digits | None = None
    carriers: Carriers = msgspec.field(default_factory=list)
    programme: Short | None = None


class PortStep(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/ports/{number}/{step}: a step of a port, on all of its carriers or some.

    `on`: the day it happened, of what a carrier does; `reference`: the carrier's; `service_code`:
    the one that the carrier gave with its filing.
    """

    carriers: Carriers = msgspec.field(default_factory=list)
    reason: Words = ""
    on: date | None = None
    reference: Annotated[str, msgspec.Meta(max_length=100, pattern=_WRITTEN)] = ""
    service_code: Annotated[str, msgspec.Meta(max_length=20, pattern=_WRITTEN)] | None = None


class SignatureRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/signatures: a name to sign with. `source`: why it is the sender's.

    `document`: id of the paper that proves it (a trade mark's certificate, an app's filing).
    """

    sender: str
    words: Short
    source: Literal["full_name", "short_name", "trade_mark", "app"]
    document: str | None = None


class TemplateRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/templates: a template, or the next version of one. `basis`: why receivers get it
    without having agreed, of codes and notices."""

    sender: str
    name: Short
    purpose: PurposeWord
    body: str
    basis: Words = ""


class HostRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/hosts: a host that links in a sender's texts may lead to."""

    sender: str
    host: Annotated[str, msgspec.Meta(max_length=253)]


class TakeBack(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST …/withdraw: take something back, with the reason."""

    reason: Words = ""


class InvitationRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/members/invitations: ask people whether they are members. `programme`: if the
    organisation has several."""

    sender: str
    to: Annotated[list[str], msgspec.Meta(min_length=1, max_length=10_000)]
    programme: Short | None = None


class StopRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """POST /v1/switches: switch a class of traffic off. No industries, no purposes: all.

    `except_licensed`: who holds the licence of the industry goes on.
    """

    industries: Annotated[list[Short], msgspec.Meta(max_length=50)] = msgspec.field(
        default_factory=list
    )
    purposes: list[PurposeWord] = msgspec.field(default_factory=list)
    except_licensed: bool = False
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=_WRITTEN)]
    until: datetime | None = None


REQUESTS: Final = (
    CodeNumberFile, PortRequest, PortStep, SignatureRequest, TemplateRequest, HostRequest, TakeBack,
    InvitationRequest, StopRequest,
)  # fmt: skip
"""All of them, for the API's description."""
