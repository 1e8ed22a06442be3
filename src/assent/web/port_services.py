"""What the routes of ports, signatures, templates, members and switches are handed.

Every method raises the errors of :mod:`assent.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from assent.flow.port_requests import (
    CodeNumberFile,
    HostRequest,
    InvitationRequest,
    PortRequest,
    PortStep,
    SignatureRequest,
    StepWord,
    StopRequest,
    TemplateRequest,
)
from assent.flow.requests import Caller

Answer = Mapping[str, Any]


class CodeNumbers(Protocol):
    """The operator's code numbers."""

    async def enter(self, caller: Caller, file: CodeNumberFile) -> Answer:
        """Enter, change or close one."""

    async def show(self, caller: Caller) -> Answer:
        """Return them."""


class PortApplications(Protocol):
    """Applications for ports."""

    async def apply(self, caller: Caller, request: PortRequest) -> Answer:
        """Take one."""

    async def withdraw(self, caller: Caller, application: int) -> Answer:
        """Take one back."""


class Ports(Protocol):
    """Ports."""

    async def show(self, caller: Caller, number: str | None = None) -> Answer:
        """Return them, or one with its history."""

    async def step(self, caller: Caller, number: str, step: StepWord, request: PortStep) -> Answer:
        """Take a step with one."""


class Signatures(Protocol):
    """Signatures."""

    async def submit(self, caller: Caller, request: SignatureRequest) -> Answer:
        """Take one."""

    async def withdraw(self, caller: Caller, signature: int, reason: str) -> Answer:
        """Take one back."""

    async def show(self, caller: Caller) -> Answer:
        """Return them."""


class Templates(Protocol):
    """Templates."""

    async def submit(self, caller: Caller, request: TemplateRequest) -> Answer:
        """Take one, or a version of one."""

    async def withdraw(self, caller: Caller, template: int, reason: str) -> Answer:
        """Take a version back."""

    async def show(self, caller: Caller, sender: str | None = None) -> Answer:
        """Return them, version by version."""


class Hosts(Protocol):
    """Hosts that links lead to."""

    async def submit(self, caller: Caller, request: HostRequest) -> Answer:
        """Take one."""

    async def withdraw(self, caller: Caller, host: int, reason: str) -> Answer:
        """Take one back."""

    async def show(self, caller: Caller) -> Answer:
        """Return them."""


class Members(Protocol):
    """Organisations' members."""

    async def invite(self, caller: Caller, request: InvitationRequest) -> Answer:
        """Ask people."""

    async def show(self, caller: Caller) -> Answer:
        """Return counts."""

    async def question(self, token: str) -> Answer:
        """Return what a link asks."""

    async def answer(self, token: str, agree: bool) -> Answer:
        """Take the answer."""


class Switches(Protocol):
    """Classes of traffic."""

    async def stop(self, caller: Caller, request: StopRequest) -> Answer:
        """Switch one off."""

    async def lift(self, caller: Caller, stop: int, reason: str) -> Answer:
        """Switch it on again."""

    async def show(self, caller: Caller) -> Answer:
        """Return what is and was switched off."""


class PortDesk(Protocol):
    """All of them."""

    @property
    def numbers(self) -> CodeNumbers:
        """The operator's code numbers."""

    @property
    def applications(self) -> PortApplications:
        """Applications for ports."""

    @property
    def ports(self) -> Ports:
        """Ports."""

    @property
    def signatures(self) -> Signatures:
        """Signatures."""

    @property
    def templates(self) -> Templates:
        """Templates."""

    @property
    def hosts(self) -> Hosts:
        """Hosts."""

    @property
    def members(self) -> Members:
        """Members."""

    @property
    def switches(self) -> Switches:
        """Switches."""
