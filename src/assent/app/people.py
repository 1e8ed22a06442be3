"""The part of a node that serves the people who act: its settings, mail, and codes to phones."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

import msgspec

from assent.app.links import wrong
from assent.app.mail import carrier_of
from assent.app.receivers import ReceiverRooms
from assent.errors import AssentError, Conflict
from assent.flow.gate import Gate
from assent.flow.post import Post
from assent.flow.requests import Caller, Receiver, SendRequest
from assent.flow.sessions import Lives
from assent.flow.tidings import Tidings

if TYPE_CHECKING:
    from assent.app.node import Node

_TIDY_S: Final = 600.0


class SessionsFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How long people stay logged in, in seconds."""

    idle_s: float = 1_800.0
    absolute_s: float = 43_200.0

    def lives(self) -> Lives:
        """Return them as flow takes them. Raises InvalidInput."""
        if not 0 < self.idle_s <= self.absolute_s <= 30 * 86_400:
            raise wrong("sessions.idle_s", "idle_s is above 0 and at most absolute_s, that a month",
                        "correct them")  # fmt: skip
        return Lives(self.idle_s, self.absolute_s)


class PhonesFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """How codes reach people's phones: an order of the operator's own account. `template` has a
    variable `code`."""

    sender: str
    template: str
    port: str | None = None


def tidings_of(node: Node) -> Tidings:
    """Return what writes to the people of accounts. It only puts mail in; :class:`People` hands it
    on, in whichever process serves the API."""
    carrier = carrier_of(node.settings.mail, node.clock)
    return Tidings(Post(node.store, node.clock, node.vault, secrets.token_bytes, carrier))


class PhoneCodes:
    """Codes as ordinary orders of the operator: they pass everything that an order passes."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def send(self, number: str, code: str) -> None:
        """See :class:`assent.flow.selves.Codes`."""
        file, operator = self._node.settings.phones, self._node.catalogue.operator
        if file is None or operator is None:
            raise Conflict(
                "no_phone_codes", "this platform is not set up to send codes to phones",
                field="phones", rule="settings: phones", mend="ask the operator to set [phones]",
            )  # fmt: skip
        request = SendRequest(
            sender=file.sender,
            purpose="verification",
            template=file.template,
            port=file.port,
            messages=[Receiver(to=f"+{number}", variables={"code": code})],
        )
        caller = Caller(operator.id, frozenset({"send"}), False, 0)
        octets = await self._node.sending.send(caller, request, key=None, sha=b"")
        answer = msgspec.json.decode(octets)
        if not answer["allowed"]:
            raise Conflict(
                "code_not_sent", "the code could not be sent to this number", field="number",
                rule="accounts: phone", mend="use another number, or try again later",
                details={"reasons": answer["reasons"]},
            )  # fmt: skip


class People:
    """Made in `Node._wire` of a process that serves the API."""

    def __init__(self, node: Node) -> None:
        settings = node.settings
        self.gate = Gate(
            node.store,
            node.clock,
            node.vault,
            secrets.token_bytes,
            carrier_of(settings.mail, node.clock),
            PhoneCodes(node),
            node.catalogue,
            settings.sessions.lives(),
        )
        self.last_error = ""
        self.receivers: ReceiverRooms | None = None  # until everything else is wired

    def serve(self, node: Node) -> None:
        """Serve receivers, too."""
        self.receivers = ReceiverRooms(node, PhoneCodes(node))

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.gate.post.run(), "post")
        start(self._tidy(), "people")
        if self.receivers is not None:
            self.receivers.run(start)

    async def _tidy(self) -> None:
        while True:
            try:
                await self.gate.tidy()
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            await asyncio.sleep(_TIDY_S)

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        post = self.gate.post
        receivers = {} if self.receivers is None else self.receivers.report()
        return {"mail_sent": post.sent, "mail_given_up": post.given_up, **receivers}

    def errors(self) -> list[tuple[str, str]]:
        """Return what failed last, by part."""
        receivers = [] if self.receivers is None else self.receivers.errors()
        return [("post", self.gate.post.last_error), ("people", self.last_error), *receivers]
